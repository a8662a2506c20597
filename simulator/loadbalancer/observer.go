package loadbalancer

import (
	"crypto/tls"
	"crypto/x509"
	"time"

	"example.com/gatehouse/pki/verify"
	"example.com/gatehouse/simulator/journey"
)

// Observer is told what happens at a load balancer, for those who count or show it. A function that
// is nil is not called. They are called in the goroutine of the connection, many at once, hold it
// up as long as they take, and must not change what they get.
type Observer struct {
	// Handshake is told of every TLS handshake, once it has succeeded or failed, before a call of
	// the connection reaches a node.
	Handshake func(Handshake)
	// Record is told of every record of a call or of a refused connection, when it is complete and
	// before the answer ends.
	Record func(journey.Journey)
	// Closed is told when a connection ends whose handshake had succeeded: its client address, and
	// how many requests of it reached a node or were refused. One that was waited for in vain, which
	// has a record, counts as refused.
	Closed func(client string, requests int)
}

// Handshake is what was seen of a TLS handshake. It holds what the sender showed, no keys.
type Handshake struct {
	// Client is the sender's address and port, that of the journey.Journey of its calls.
	Client string
	// Began tells whether the sender sent anything at all; if not, it was a mere TCP connection.
	Began bool
	// Host is the host that was asked for, ServerName the name that the sender gave (SNI), Offered
	// the TLS versions that it offered; empty if no ClientHello was understood.
	Host       string
	ServerName string
	Offered    []uint16
	// Asked tells whether the sender was asked for a certificate.
	Asked bool
	// Version and Cipher are 0 as far as nothing was agreed on.
	Version uint16
	Cipher  uint16
	Resumed bool
	// Presented are the certificates that the sender presented and that crypto/tls could read, in
	// the order in which they came. They are shared and must not be changed.
	Presented []*x509.Certificate
	// Result is the answer of the verification, zero if none took place.
	Result verify.Result
	// Remembered tells that the result was taken from the cache of verify results.
	Remembered bool
	// Took is how long the handshake took, and Verified how long the verification did, in real time
	// whatever the clock says.
	Took     time.Duration
	Verified time.Duration
	// Failed tells that the handshake did not succeed; its journey says why.
	Failed bool
}

// observe tells the observer of a handshake.
func (lb *LoadBalancer) observe(w *wire, secured *tls.Conn, failed bool, judged judgement) {
	if lb.config.Observer.Handshake == nil {
		return
	}
	state := secured.ConnectionState()
	h := Handshake{
		Client: w.RemoteAddr().String(), Began: w.seen > 0, ServerName: w.serverName, Offered: w.versions,
		Version: state.Version, Cipher: state.CipherSuite, Resumed: state.DidResume, Presented: state.PeerCertificates,
		Result: judged.result, Remembered: judged.remembered, Verified: judged.took,
		Took: time.Since(w.accepted), Failed: failed,
	}
	if w.site != nil {
		h.Host, h.Asked = w.site.host.Name, w.site.asks()
	}
	lb.config.Observer.Handshake(h)
}

// keep keeps a record and tells the observer of it.
func (lb *LoadBalancer) keep(j journey.Journey) {
	if lb.config.Journeys != nil {
		lb.config.Journeys.Add(j)
	}
	if lb.config.Observer.Record != nil {
		lb.config.Observer.Record(j)
	}
}

// records tells whether anybody wants records.
func (lb *LoadBalancer) records() bool {
	return lb.config.Journeys != nil || lb.config.Observer.Record != nil
}
