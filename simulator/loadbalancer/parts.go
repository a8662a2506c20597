package loadbalancer

import (
	"crypto/tls"
	"net/http"

	"example.com/gatehouse/pki/verify"
	"example.com/gatehouse/simulator/forwarding"
	"example.com/gatehouse/simulator/journey"
)

// Parts exchanges parts of a load balancer for others, so that a test can ask whether a suite
// notices a load balancer that is wrong in one way. Each field gets the honest part, around which
// it can build; one that is nil leaves the honest part in place. The zero value exchanges nothing.
//
// It is there for such tests only. What a landscape may set stands in Config.
type Parts struct {
	// Verifier judges the chains that are presented to a host. It is asked for one at the start, and
	// again whenever the host's trust list or mode changes.
	Verifier func(Host, Verifier) Verifier
	// TLS changes the settings with which a host shakes hands.
	TLS func(Host, *tls.Config)
	// Forward writes the headers that a runtime node gets, into those that the sender wrote; what
	// concerns one connection only has been removed from them.
	Forward func(h http.Header, p Passing, honest func(http.Header, Passing))
	// Handler takes the calls, the connections' handshakes being done. What it does to the answer is
	// all that the sender sees; the record of the call tells what the honest part did.
	Handler func(http.Handler) http.Handler
}

// Verifier judges the chain that a sender presented, its own certificate first; it is never empty.
// *verify.Verifier is one. It is called by many goroutines.
type Verifier interface {
	Verify(chain [][]byte) verify.Result
}

// Passing is what the load balancer knows of a call when it writes the headers for the node.
type Passing struct {
	// Identity is what the node is told of the sender's certificate.
	Identity forwarding.Identity
	// Client is the sender's IP address, Host the virtual host that took the call.
	Client, Host string
	// TLS is what is known of the connection.
	TLS journey.TLS
}

// passOn is the honest Forward. What the sender wrote into reserved headers is removed first, so
// that only the load balancer's own word is left.
func passOn(h http.Header, p Passing) {
	forwarding.Strip(h)
	forwarding.Set(h, p.Identity)
	h.Set(forwarding.ClientAddressHeader, p.Client)
	h.Set(forwarding.ProtocolHeader, "https")
	h.Set(forwarding.HostHeader, p.Host)
}
