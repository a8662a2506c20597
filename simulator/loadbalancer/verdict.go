package loadbalancer

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/verify"
	"example.com/gatehouse/simulator/forwarding"
	"example.com/gatehouse/simulator/journey"
)

// maxChainShown bounds what is written down of a chain: a sender may present hundreds of
// certificates.
const maxChainShown = 20

// verification is the result in the words of the record.
func verification(r verify.Result, presented []*x509.Certificate) journey.Verification {
	if len(presented) == 0 {
		return journey.Verification{}
	}
	v := journey.Verification{
		Code: r.Code, Name: r.Name, Text: r.Text, Depth: r.Depth, Subject: r.Subject,
		Presented:     true,
		SenderSubject: pki.TraceDN(presented[0].RawSubject),
		SenderIssuer:  pki.TraceDN(presented[0].RawIssuer),
	}
	sum := sha256.Sum256(presented[0].Raw)
	v.Fingerprint = hex.EncodeToString(sum[:])
	for _, c := range presented[:min(len(presented), maxChainShown)] {
		v.Chain = append(v.Chain, pki.TraceDN(c.RawSubject))
	}
	if more := len(presented) - maxChainShown; more > 0 {
		v.Chain = append(v.Chain, fmt.Sprintf("and %d more", more))
	}
	return v
}

// identity is what the runtime node is told.
func identity(r verify.Result, presented []*x509.Certificate) forwarding.Identity {
	switch {
	case len(presented) == 0:
		return forwarding.Identity{}
	case r.OK():
		return forwarding.Identity{Certificate: presented[0].Raw, Subject: pki.TraceDN(presented[0].RawSubject)}
	default:
		return forwarding.Identity{Subject: pki.TraceDN(presented[0].RawSubject), Result: r.Code}
	}
}

func resultSentence(r verify.Result) string {
	return fmt.Sprintf("verify result %d (%s) at depth %d: %s", r.Code, r.Text, r.Depth, r.Subject)
}

// stop is what the load balancer writes down about every call of a connection.
func stop(s *site, r verify.Result, v journey.Verification) journey.Stop {
	out := journey.Stop{Station: journey.LoadBalancer, Verdict: journey.Passed}
	switch {
	case !s.asks():
		out.Decided = "the host does not ask for a client certificate; the call goes on without one"
	case !v.Presented:
		out.Decided = "a client certificate was asked for, and none was presented; the call goes on without one"
	case v.Accepted():
		out.Decided = fmt.Sprintf("verify result 0 (ok): certificate of %s passed on", v.SenderSubject)
	default:
		out.Verdict, out.Reason = journey.Withheld, journey.CertificateNotAccepted
		out.Decided = resultSentence(r) + "; certificate not passed on"
		out.Fix = verify.Advice(r)
	}
	return out
}

// facts is what was seen of a connection, for people to read.
func facts(t journey.TLS, v journey.Verification) []journey.Fact {
	var out []journey.Fact
	add := func(name, value string) {
		if value != "" {
			out = append(out, journey.Fact{Name: name, Value: value})
		}
	}
	add("TLS version", t.Version)
	add("cipher suite", t.Cipher)
	add("server name", t.ServerName)
	if t.Resumed {
		add("session", "resumed")
	}
	if t.Alert != nil {
		add("alert", t.Alert.String())
	}
	for i, subject := range v.Chain {
		add(fmt.Sprintf("certificate %d", i), subject)
	}
	add("issuer of certificate 0", v.SenderIssuer)
	add("SHA-256 of certificate 0", v.Fingerprint)
	return out
}
