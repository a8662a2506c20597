package verify

import (
	"testing"
	"time"
)

// What the tests outside of the package need of those inside: they may import package pki, which
// imports this one.

// Catalogue compares one case after the other with the openssl command and the OpenSSL library.
type Catalogue struct {
	command, linked compare
	commands, whole *tally
}

// NewCatalogue starts the comparison.
func NewCatalogue(t testing.TB) *Catalogue {
	t.Helper()
	return &Catalogue{
		command: withCommand(t, thisPackage), linked: withLibrary(t, startLibrary(t), thisPackage),
		commands: newTally(), whole: newTally(),
	}
}

// Put compares one case, at each security level.
func (c *Catalogue) Put(t testing.TB, about string, at time.Time, trusted, chain, crls [][]byte, check CRLCheck) {
	t.Helper()
	for level := range 6 {
		j := job{level: level, crlCheck: check, depth: defaultDepth, at: at, trusted: trusted, chain: chain, crls: crls}
		c.whole.put(t, j, about, c.linked, nil)
		if level == 2 {
			c.commands.put(t, j, about, c.command, nil)
		}
	}
}

// Report prints the agreement rates, and tells how many cases were compared and agreed.
func (c *Catalogue) Report(t testing.TB) (compared, agreed int) {
	t.Helper()
	t.Logf("openssl command, catalogue, every line it prints: %s", c.commands)
	t.Logf("OpenSSL library, catalogue at each level, whole sequence of errors: %s", c.whole)
	return c.commands.compared + c.whole.compared, c.commands.agreed + c.whole.agreed
}
