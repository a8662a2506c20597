package roots_test

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki/roots"
)

func list(t testing.TB, name string) *roots.List {
	t.Helper()
	l, found := roots.ByName(name, time.Now())
	require.True(t, found)
	return l
}

func TestListsAreThosePublished(t *testing.T) {
	assert.Len(t, list(t, roots.Neo2022).Roots(), 31)
	assert.Len(t, list(t, roots.NeoUntil2022).Roots(), 46)
	for _, name := range []string{roots.Neo2022, roots.NeoUntil2022} {
		seen := map[string]bool{}
		for _, r := range list(t, name).Roots() {
			assert.False(t, seen[r.SHA1], "%s stands twice in %s", r.Subject, name)
			seen[r.SHA1] = true
		}
	}
}

func TestNeoIsTheListInForce(t *testing.T) {
	for name, at := range map[string]time.Time{
		roots.NeoUntil2022: roots.Changed.Add(-time.Second),
		roots.Neo2022:      roots.Changed,
	} {
		l, found := roots.ByName(roots.Neo, at)
		require.True(t, found)
		assert.Equal(t, name, l.Name)
	}
	_, found := roots.ByName("neo-2021", time.Now())
	assert.False(t, found)
}

// Every certificate is self-signed, belongs to its fingerprint and has the published name.
func TestCertificatesBelongToTheirEntries(t *testing.T) {
	for _, name := range []string{roots.Neo2022, roots.NeoUntil2022} {
		l := list(t, name)
		known := 0
		for _, r := range l.Roots() {
			if r.Certificate == nil {
				continue
			}
			known++
			assert.Equal(t, r.SHA1, roots.Fingerprint(r.Certificate))
			c, err := x509.ParseCertificate(r.Certificate)
			require.NoError(t, err, r.Subject)
			assert.Equal(t, c.RawSubject, c.RawIssuer, r.Subject)
			found, ok := l.Find(r.Certificate)
			assert.True(t, ok)
			assert.Equal(t, r, found)
		}
		assert.Len(t, l.Certificates(), known)
		t.Logf("%s: the certificates of %d of %d roots are known", name, known, len(l.Roots()))
	}
	// Those that never were in Mozilla's list are known by fingerprint only.
	unknown := 0
	for _, r := range list(t, roots.Neo2022).Roots() {
		if r.Certificate == nil {
			unknown++
		}
	}
	assert.LessOrEqual(t, unknown, 6)
}

// The copy in this package holds nothing that no list has, and nothing twice.
func TestFormerRootsAreAllNeeded(t *testing.T) {
	rest, err := os.ReadFile("former.pem")
	require.NoError(t, err)
	seen := map[string]bool{}
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		sum := roots.Fingerprint(block.Bytes)
		assert.False(t, seen[sum], "%s stands twice", sum)
		seen[sum] = true
		_, now := list(t, roots.Neo2022).Find(block.Bytes)
		_, before := list(t, roots.NeoUntil2022).Find(block.Bytes)
		assert.True(t, now || before, "no list has %s", sum)
	}
	assert.NotEmpty(t, seen)
}

func TestNamesAreFoundInEveryOrder(t *testing.T) {
	l := list(t, roots.Neo2022)
	for _, name := range []string{
		"CN=SAP Cloud Root CA, O=SAP SE, L=Walldorf, C=DE",
		"C=DE, L=Walldorf, O=SAP SE, CN=SAP Cloud Root CA",
		"C = DE, L = Walldorf, O = SAP SE, CN = SAP Cloud Root CA",
	} {
		found := l.ByNameOf(name)
		require.Len(t, found, 1, name)
		assert.Nil(t, found[0].Certificate)
	}
	assert.Len(t, l.ByNameOf(`CN=Entrust Root Certification Authority - G2, OU=(c) 2009 Entrust\, Inc. - for authorized use only, OU=See www.entrust.net/legal-terms, O=Entrust\, Inc., C=US`), 1)
	assert.Len(t, list(t, roots.NeoUntil2022).ByNameOf(`C=US, O=GeoTrust Inc., CN=GeoTrust Global CA`), 1)
	assert.Empty(t, l.ByNameOf("CN=SAP Cloud Root CA, O=SAP SE, C=DE"))
	assert.Empty(t, l.ByNameOf(""))
}

func TestLeft(t *testing.T) {
	now, before := list(t, roots.Neo2022), list(t, roots.NeoUntil2022)
	passport := before.ByNameOf("CN=SAP Passport CA, O=SAP Trust Community, C=DE")
	require.Len(t, passport, 1)
	assert.Equal(t, roots.Changed, now.Left(passport[0]))
	assert.True(t, before.Left(passport[0]).IsZero())
	global := now.ByNameOf("CN=SAP Global Root CA, O=SAP AG, L=Walldorf, C=DE")
	require.Len(t, global, 1)
	assert.True(t, now.Left(global[0]).IsZero())
	assert.True(t, now.Left(roots.Root{SHA1: "00"}).IsZero())
}

func ExampleByName() {
	l, _ := roots.ByName(roots.Neo, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	fmt.Println(l.Name, len(l.Roots()))
	// Output: neo-2022 31
}
