package pki

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"slices"
	"sync"
)

// Set holds certificates by name. The zero value is empty and ready; it is safe for concurrent
// use.
type Set struct {
	mu     sync.RWMutex
	byName map[string]*Certificate
	names  []string
}

// Names lists the names, in the order of the descriptions and then of adding.
func (s *Set) Names() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Clone(s.names)
}

// Get finds a certificate by its name.
func (s *Set) Get(name string) (*Certificate, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	c, ok := s.byName[name]
	return c, ok
}

// Add puts a certificate into the set. It returns an error for a name that is taken or cannot
// stand in a document.
func (s *Set) Add(name string, c *Certificate) error {
	if err := checkName(name); err != nil {
		return fmt.Errorf("adding a certificate: %w", err)
	}
	if c == nil {
		return fmt.Errorf("adding certificate %q: there is none", name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.byName[name]; taken {
		return fmt.Errorf("adding certificate %q: the name is taken", name)
	}
	if s.byName == nil {
		s.byName = map[string]*Certificate{}
	}
	s.byName[name] = c
	s.names = append(s.names, name)
	return nil
}

// TrustFor lists what to put into a trust list for trust in the named certificate: itself, and
// its twins in the chains of defective certificates. So who trusts "example-root" trusts the
// expired root above a certificate with the defect root-expired too, and that chain is refused
// for its defect, not for want of trust. Nil for an unknown name. What is added to the set later
// is not in a list that was asked for before.
func (s *Set) TrustFor(name string) []*x509.Certificate {
	s.mu.RLock()
	defer s.mu.RUnlock()
	trusted, known := s.byName[name]
	if !known {
		return nil
	}
	out := []*x509.Certificate{trusted.X509()}
	seen := map[*Certificate]bool{trusted: true}
	for _, other := range s.names {
		for _, c := range s.byName[other].path() {
			// A set that was minted on top of another one has copies of its certificates.
			if c.twinOf != nil && bytes.Equal(c.twinOf.der, trusted.der) && !seen[c] {
				seen[c] = true
				out = append(out, c.X509())
			}
		}
	}
	return out
}
