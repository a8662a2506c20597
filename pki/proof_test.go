package pki

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func noonClock() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

// A wrong entry of the catalogue does not get through: the proof can fail.
func TestProofFails(t *testing.T) {
	root := NewRoot("Example Root CA", Clock(noonClock))
	issuing := root.Intermediate("Example Issuing CA")
	for name, c := range map[string]struct {
		of      string
		change  func(*Defect)
		message string
	}{
		"another code": {"expired", func(d *Defect) { d.Code = 9 },
			`making certificate "warehouse": defect expired: the defect could not be proved: got 10@0, expected 9@0`},
		"another depth":        {"intermediate-expired", func(d *Defect) { d.Depth = 2 }, "got 10@1, expected 10@2"},
		"a follower too many":  {"expired", func(d *Defect) { d.Followers = []Finding{{26, 0}} }, "got 10@0, expected 10@0 26@0"},
		"a follower forgotten": {"chain-not-sent", func(d *Defect) { d.Followers = nil }, "got 20@0 21@0, expected 20@0"},
		"nobody minds":         {"trailing-space-cn", func(d *Defect) { d.Code = 47 }, "got 0, expected 47@0"},
		"somebody minds":       {"sha1", func(d *Defect) { d.Code = 0 }, "got 68@0, expected 0"},
		"more than it says":    {"expired", func(d *Defect) { d.Differs = []string{"notAfter"} }, "notBefore differs from the good twin's, expected notAfter only"},
		"nothing broken": {"trailing-space-cn", func(d *Defect) { d.change = func(*settings) error { return nil } },
			"nothing differs from the good twin, expected subject"},
		"two defects": {"server-only", func(d *Defect) {
			only := d.change
			d.change = func(s *settings) error { s.hash, s.notAfter = 0, s.notBefore.Add(time.Minute); return only(s) }
		}, "notAfter differs from the good twin's, expected extKeyUsage only"},
		"in the chain and in the certificate": {"crl-missing", func(d *Defect) { d.Code = 0 }, "got 3@0, expected 0"},
		"readable":                            {"invalid-utf8-cn", func(d *Defect) { d.Unreadable = false }, "got 1@0, expected 1@0"},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := defectByID(c.of)
			require.NoError(t, err)
			wrong := *d
			c.change(&wrong)
			made, err := Create(issuing, Client, "warehouse", option(func(s *settings) error {
				s.defect = &wrong
				return nil
			}))
			assert.ErrorContains(t, err, c.message)
			assert.Nil(t, made)
			_, err = Create(issuing, Client, "warehouse", WithDefect(c.of))
			assert.NoError(t, err, "the right entry")
		})
	}
}

// Each defect can be minted in other chains than that of the catalogue, or the error says what it
// needs; the proof knows what it can say of them.
func TestDefectsInOtherChains(t *testing.T) {
	t.Parallel()
	root := NewRoot("Example Root CA", Clock(noonClock))
	upper := root.Intermediate("Example Upper CA")
	lower := upper.Intermediate("Example Lower CA")
	late := Subject("CN=warehouse, O=Example")
	try := func(issuer *Certificate, role Role, id string, options ...Option) {
		c, err := Create(issuer, role, "warehouse", append(options, WithDefect(id))...)
		if err == nil {
			assert.Equal(t, id, c.Defect())
			return
		}
		expected := false
		for _, reason := range []string{
			"needs an intermediate CA", "cannot be given to the", "needs an issuer, or the defect self-signed",
			"a root has no other signer", "the certificate has no extension 2.5.29.37", "the certificate has no extension 2.5.29.15",
			"nothing differs from the good twin, expected extKeyUsage", // it has none anyway
		} {
			expected = expected || strings.Contains(err.Error(), reason)
		}
		assert.True(t, expected, "%s: %v", id, err)
	}
	for _, id := range DefectIDs() {
		try(root, Client, id)
		try(lower, Client, id, late)
		try(lower, Client, id, Usage())
		try(lower, Client, id, NotAfter(noonClock().Add(-time.Hour)))
		try(lower, Server, id)
		try(nil, Client, id)
		try(nil, CA, id)
		try(root, CA, id)
		try(upper, CA, id)
	}
}

func BenchmarkMintDefective(b *testing.B) {
	issuing := NewRoot("Example Root CA").Intermediate("Example Issuing CA")
	for _, id := range []string{"", "expired", "intermediate-expired", "revoked"} {
		b.Run(id, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				issuing.Client("warehouse", WithDefect(id))
			}
		})
	}
}
