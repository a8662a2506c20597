package simulator

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/document"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/node"
	"example.com/gatehouse/simulator/systemlog"
	"example.com/gatehouse/simulator/tenant"
)

var loopback = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}

// Address is what the load balancer listens on, "127.0.0.1:8443".
func (s *Simulator) Address() string { return s.balancer.Addr().String() }

// Port is the port that the load balancer listens on.
func (s *Simulator) Port() int {
	if a, ok := s.balancer.Addr().(*net.TCPAddr); ok {
		return a.Port
	}
	return 0
}

// Host is the name of the default host.
func (s *Simulator) Host() string { return s.host }

// URL is the address of a path on the default host. The host name need not resolve: connect to
// Address.
func (s *Simulator) URL(path string) string { return s.URLOn(s.host, path) }

// URLOn is the address of a path on a host of the load balancer.
func (s *Simulator) URLOn(host, path string) string {
	u := url.URL{Scheme: "https", Host: net.JoinHostPort(host, strconv.Itoa(s.Port()))}
	return u.String() + path
}

// Clock is the landscape's clock.
func (s *Simulator) Clock() *Clock { return s.clock }

// Root is the root certificate above the default host's certificate: what a sender must trust.
func (s *Simulator) Root() *pki.Certificate {
	s.current.RLock()
	defer s.current.RUnlock()
	return s.root
}

// Landscape is the document that the landscape runs with now.
func (s *Simulator) Landscape() Landscape {
	s.current.RLock()
	defer s.current.RUnlock()
	return s.landscape
}

// Certificates is the set of certificates; more may be added.
func (s *Simulator) Certificates() *pki.Set {
	s.current.RLock()
	defer s.current.RUnlock()
	return s.set
}

// Tenant is the tenant, which may be changed while it runs.
func (s *Simulator) Tenant() *tenant.Tenant { return s.tenant }

// Nodes are the runtime nodes.
func (s *Simulator) Nodes() []*node.Node { return slices.Clone(s.nodes) }

// Journeys keeps the records of the newest calls.
func (s *Simulator) Journeys() *journey.Log { return s.journeys }

// LogFolder is where the nodes write their logs.
func (s *Simulator) LogFolder() string { return s.folder }

// Logs reads what the nodes write.
func (s *Simulator) Logs() systemlog.Dir { return systemlog.Dir(s.folder) }

// Trust lists the names of the certificates in the trust list of a host.
func (s *Simulator) Trust(host string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.trust[host])
}

// SetTrust replaces the trust list of a host by the named certificates of the set. It counts for
// new connections.
func (s *Simulator) SetTrust(host string, names ...string) error {
	set := s.Certificates()
	known := set.Names()
	for _, name := range names {
		if _, ok := set.Get(name); !ok {
			return fmt.Errorf("trusting certificate %q: there is none of that name%s", name, document.DidYouMean(name, known))
		}
	}
	return s.setTrust(host, names, s.trusted(names))
}

func (s *Simulator) setTrust(host string, names []string, roots []*x509.Certificate) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.trust[host]; !ok {
		return fmt.Errorf("changing the trust list of %q: the load balancer has no such host", host)
	}
	if err := s.balancer.SetTrust(host, roots); err != nil {
		return fmt.Errorf("changing the trust list of %q: %w", host, err)
	}
	s.trust[host] = slices.Clone(names)
	return nil
}

// AddTrust adds a certificate of the set to the trust list of a host, unless it is there already.
func (s *Simulator) AddTrust(host, name string) error {
	names := s.Trust(host)
	if !slices.Contains(names, name) {
		names = append(names, name)
	}
	return s.SetTrust(host, names...)
}
