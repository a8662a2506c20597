package verify

import (
	"slices"
	"sync"
)

// maxKnownCAs is how many intermediate certificates are kept parsed.
const maxKnownCAs = 256

// knownCAs keeps the intermediate certificates of chains that were accepted, parsed: the senders of
// one CA present the same ones. Only what was accepted is kept, so nobody can fill it who is not let
// in anyway; when it is full, what comes is parsed each time. What is kept is a certificate's octets
// and what they mean, and no verdict. The zero value is empty.
type knownCAs struct {
	mu    sync.RWMutex
	byDER map[string]*Certificate
}

// get returns the certificate with exactly these octets, or nil.
func (k *knownCAs) get(der []byte) *Certificate {
	if k == nil {
		return nil
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.byDER[string(der)]
}

// keep takes the presented certificates above the sender's own that a chain was built of.
func (k *knownCAs) keep(chain []*Certificate) {
	if k == nil {
		return
	}
	for _, c := range chain {
		if k.get(c.raw) != nil {
			continue
		}
		// What was presented belongs to the caller.
		own, err := ParseCertificate(slices.Clone(c.raw))
		if err != nil {
			continue // it was parsed a moment ago
		}
		own.prepare()
		k.mu.Lock()
		if k.byDER == nil {
			k.byDER = map[string]*Certificate{}
		}
		if len(k.byDER) < maxKnownCAs {
			k.byDER[string(own.raw)] = own
		}
		k.mu.Unlock()
	}
}
