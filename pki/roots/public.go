package roots

import (
	"crypto/x509"
	"sync"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// publicNames are the subjects of the roots that Mozilla trusts for servers today.
var publicNames = sync.OnceValue(func() map[string]bool {
	names := map[string]bool{}
	for r := range bundle.Roots() {
		if c, err := x509.ParseCertificate(r.Certificate); err == nil {
			names[string(c.RawSubject)] = true
		}
	}
	return names
})

// Public tells whether a root in Mozilla's bundle has that subject, given as encoded. It says
// whether a CA is one that everybody knows; a name alone proves nothing.
func Public(rawSubject []byte) bool { return publicNames()[string(rawSubject)] }
