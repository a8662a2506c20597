package neighbour

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/forwarding"
)

// Identity is what a neighbour and the nodes behind it know each other by: a CA of their own, a
// certificate of the neighbour, and one that all nodes share. Nobody else has certificates of that
// CA, so mutual TLS keeps every other caller out.
type Identity struct {
	ca, neighbour, nodes *pki.Certificate
	secret               []byte // key of the affinity cookies
}

// identityLifetime is long, so that moving a landscape's clock does not end it.
const identityLifetime = 10 * 365 * 24 * time.Hour

// anyNode is a name in the certificate of every node, for neighbours that ask for one name only.
const anyNode = "node.gatehouse.internal"

// serverName is the name of one node in the nodes' certificate.
func serverName(id string) string { return id + "." + anyNode }

// NewIdentity makes an identity for these nodes. Keys and serial numbers come from random (nil:
// crypto/rand), dates from now.
func NewIdentity(now func() time.Time, random io.Reader, nodes ...string) (Identity, error) {
	options := func(subject string) []pki.Option {
		out := []pki.Option{pki.Clock(now), pki.ValidFor(identityLifetime), pki.Subject(subject)}
		if random != nil {
			out = append(out, pki.Rand(random))
		}
		return out
	}
	var (
		id  Identity
		err error
	)
	if id.ca, err = pki.Create(nil, pki.CA, "gatehouse-nodes", options("CN=Gatehouse Nodes CA, O=Gatehouse")...); err != nil {
		return Identity{}, fmt.Errorf("minting the CA between neighbour and nodes: %w", err)
	}
	if id.neighbour, err = pki.Create(id.ca, pki.Client, "neighbour", options("CN=neighbour, O=Gatehouse")...); err != nil {
		return Identity{}, fmt.Errorf("minting the neighbour's certificate: %w", err)
	}
	names := []string{anyNode}
	for _, n := range nodes {
		names = append(names, serverName(n))
	}
	if id.nodes, err = pki.Create(id.ca, pki.Server, anyNode, append(options("CN="+anyNode+", O=Gatehouse"), pki.DNS(names...))...); err != nil {
		return Identity{}, fmt.Errorf("minting the nodes' certificate: %w", err)
	}
	if id.secret, err = x509.MarshalPKCS8PrivateKey(id.neighbour.Key()); err != nil {
		return Identity{}, fmt.Errorf("encoding the neighbour's key: %w", err)
	}
	return id, nil
}

func (id Identity) caPEM() []byte { return bundle([]*x509.Certificate{id.ca.X509()}) }

// neighbourPEM is the neighbour's certificate and key.
func (id Identity) neighbourPEM() []byte {
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: id.secret})
	return append(bundle([]*x509.Certificate{id.neighbour.X509()}), key...)
}

// Client is the TLS configuration of the neighbour towards the nodes, for tests and for
// neighbours written in Go.
func (id Identity) Client() *tls.Config {
	roots := x509.NewCertPool()
	roots.AddCert(id.ca.X509())
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots, ServerName: anyNode, Certificates: []tls.Certificate{id.neighbour.TLSCertificate()}}
}

// server is the TLS configuration of a node: it lets nobody but the neighbour in.
func (id Identity) server() *tls.Config {
	want := id.neighbour.DER()
	return &tls.Config{
		MinVersion:   tls.VersionTLS12,
		Certificates: []tls.Certificate{id.nodes.TLSCertificate()},
		NextProtos:   []string{"http/1.1"},
		ClientAuth:   tls.RequireAnyClientCert,
		VerifyConnection: func(state tls.ConnectionState) error {
			// The handshake proves the key. The certificate must be this very one: no name and no
			// date matters.
			if len(state.PeerCertificates) == 0 || string(state.PeerCertificates[0].Raw) != string(want) {
				return errors.New("only the load balancer in front may call a runtime node")
			}
			return nil
		},
	}
}

// depthHeader is where HAProxy tells at which depth the error is that it passes on. It is between
// HAProxy and the door: no runtime node gets it, and the real load balancer passes on no such thing.
const depthHeader = "SSL_CLIENT_VERIFY_DEPTH"

// maxDepth is the highest depth that is believed.
const maxDepth = 1000

// depth takes the depth of an error from the headers; known tells whether it stands there. nginx
// tells none, and what a sender wrote there means nothing.
func (k Kind) depth(h http.Header) (depth int, known bool, err error) {
	values := h.Values(depthHeader)
	if k != HAProxy || len(values) == 0 {
		return 0, false, nil
	}
	depth, err = strconv.Atoi(values[0])
	if err != nil || len(values) > 1 || depth < 0 || depth > maxDepth {
		return 0, false, fmt.Errorf("header %s is not a depth from 0 to %d that stands once", depthHeader, maxDepth)
	}
	return depth, true, nil
}

// read takes from the headers of a request what the neighbour tells of the sender's certificate,
// and leaves the headers as package forwarding has them. A certificate without a verdict, a verdict
// without a certificate, one that stands twice or does not decode is an error, and nobody may be
// let in on its word.
func (k Kind) read(h http.Header) (forwarding.Identity, error) {
	one := func(name string) (string, error) {
		values := h.Values(name)
		if len(values) > 1 {
			return "", fmt.Errorf("header %s stands %d times, expected once at most", name, len(values))
		}
		if len(values) == 0 {
			return "", nil
		}
		return values[0], nil
	}
	cert, err1 := one(forwarding.CertificateHeader)
	subject, err2 := one(forwarding.SubjectHeader)
	result, err3 := one(forwarding.ResultHeader)
	if err := errors.Join(err1, err2, err3); err != nil {
		return forwarding.Identity{}, err
	}
	if result == "" {
		if cert != "" || subject != "" {
			return forwarding.Identity{}, fmt.Errorf("a certificate is forwarded without a verdict: header %s is missing", forwarding.ResultHeader)
		}
		return forwarding.Identity{}, nil
	}
	code, err := strconv.Atoi(result)
	if err != nil || code < 0 || code > 999 {
		return forwarding.Identity{}, fmt.Errorf("header %s is not a verify result from 0 to 999", forwarding.ResultHeader)
	}
	if code == 0 {
		if cert == "" || subject != "" {
			return forwarding.Identity{}, errors.New("the verdict is that a certificate was accepted, and none is forwarded as accepted")
		}
		der, err := k.certificate(cert)
		if err != nil {
			return forwarding.Identity{}, err
		}
		out := forwarding.Identity{Certificate: der}
		// Go reads less than OpenSSL does; the node looks for the names itself.
		if parsed, err := x509.ParseCertificate(der); err == nil {
			out.Subject = pki.TraceDN(parsed.RawSubject)
		}
		return out, nil
	}
	if cert != "" {
		return forwarding.Identity{}, errors.New("a certificate is forwarded as accepted and as not accepted at once")
	}
	name, err := k.subject(subject)
	if err != nil {
		return forwarding.Identity{}, err
	}
	return forwarding.Identity{Subject: name, Result: code}, nil
}

// certificate is the DER that the neighbour forwards: HAProxy as Base64, nginx as escaped PEM.
func (k Kind) certificate(text string) ([]byte, error) {
	if k == Nginx {
		decoded, err := url.PathUnescape(text)
		if err != nil {
			return nil, fmt.Errorf("header %s is not the escaped PEM of a certificate", forwarding.CertificateHeader)
		}
		block, rest := pem.Decode([]byte(decoded))
		if block == nil || block.Type != "CERTIFICATE" || len(rest) > 0 {
			return nil, fmt.Errorf("header %s is not the escaped PEM of one certificate", forwarding.CertificateHeader)
		}
		return block.Bytes, nil
	}
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(der) == 0 {
		return nil, fmt.Errorf("header %s is not the Base64 of a certificate", forwarding.CertificateHeader)
	}
	return der, nil
}

// subject is the subject DN in the order of the certificate. Neighbours write RFC 2253, the other
// way round, HAProxy as Base64. A name that cannot be read is taken as it stands.
func (k Kind) subject(text string) (string, error) {
	if k == HAProxy {
		decoded, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return "", fmt.Errorf("header %s is not the Base64 of a subject DN", forwarding.SubjectHeader)
		}
		text = string(decoded)
	}
	if dn, err := pki.ParseDN(text); err == nil {
		text = dn.Trace()
	}
	return text, nil
}
