package tenant

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki"
)

func name(cn string) pkix.Name {
	return pkix.Name{CommonName: cn, Organization: []string{"Example, Inc."}, Country: []string{"DE"}}
}

func TestDNPairComparesTheTwoNamesAndNothingElse(t *testing.T) {
	cert := named(t, name("warehouse"), name("Example CA"))
	renewed := named(t, name("warehouse"), name("Example CA"))
	require.NotEqual(t, cert.Raw, renewed.Raw)
	pair := DNPairOf(cert)
	assert.Equal(t, DNPair{`CN=warehouse, O=Example\, Inc., C=DE`, `CN=Example CA, O=Example\, Inc., C=DE`}, pair)

	for _, same := range []DNPair{
		pair,
		{`cn=warehouse,o=Example\, Inc.,c=DE`, `Cn = Example CA , O = Example\2C Inc. , C = DE`},
		{`C=DE, O=Example\, Inc., CN=warehouse`, `C=DE, O=Example\, Inc., CN=Example CA`},
	} {
		assert.True(t, same.Matches(cert.RawSubject, cert.RawIssuer), "%v", same)
		assert.True(t, same.Matches(renewed.RawSubject, renewed.RawIssuer), "%v", same)
	}
	for _, other := range []DNPair{
		{pair.Issuer, pair.Issuer},
		{pair.Subject, pair.Subject},
		{pair.Issuer, pair.Subject},
		{`CN=Warehouse, O=Example\, Inc., C=DE`, pair.Issuer},
		{`CN=warehouse\ , O=Example\, Inc., C=DE`, pair.Issuer},
		{`CN=warehouse, O=Example, C=DE`, pair.Issuer},
		{`CN=warehouse, C=DE`, pair.Issuer},
		{`O=Example\, Inc., CN=warehouse, C=DE`, pair.Issuer},
		{`CN=warehouse+O=Example\, Inc., C=DE`, pair.Issuer},
		{``, ``},
		{`not a name`, pair.Issuer},
	} {
		assert.False(t, other.Matches(cert.RawSubject, cert.RawIssuer), "%v", other)
	}
	assert.False(t, pair.Matches([]byte("rubbish"), cert.RawIssuer))
	assert.False(t, pair.Matches(cert.RawSubject, nil))
}

// A value must not be able to imitate the separators of the form in which names are compared.
func TestAValueCannotImitateANeighbour(t *testing.T) {
	oid := asn1.ObjectIdentifier{2, 5, 4, 3}
	raw := func(values ...string) []byte {
		var dn pkix.RDNSequence
		for _, v := range values {
			dn = append(dn, pkix.RelativeDistinguishedNameSET{{Type: oid, Value: v}})
		}
		der, err := asn1.Marshal(dn)
		require.NoError(t, err)
		return der
	}
	one, ok := keyOfNames(raw("a,2.5.4.3=1:b"), raw())
	require.True(t, ok)
	two, ok := keyOfNames(raw("a", "b"), raw())
	require.True(t, ok)
	assert.NotEqual(t, one, two)
}

func ExampleDNPairOf() {
	pair := DNPair{Subject: "CN=warehouse, O=Example, C=DE", Issuer: "CN=Example Issuing CA, C=DE"}
	asInTheTrace := DNPair{Subject: "C=DE, O=Example, CN=warehouse", Issuer: "C=DE, CN=Example Issuing CA"}
	a, _ := pair.key()
	b, _ := asInTheTrace.key()
	fmt.Println(a == b)
	// Output: true
}

// A value that is no text is compared by its encoding, and is not taken for an empty text.
func TestValuesThatAreNoTextAreCompared(t *testing.T) {
	raw := func(b string) pki.DN { return pki.DN{{{Type: "CN", Raw: []byte(b)}}} }
	assert.NotEqual(t, canonical(raw("\x04\x01a")), canonical(raw("\x04\x01b")))
	assert.NotEqual(t, canonical(raw("\x04\x01a")), canonical(pki.DN{{{Type: "CN"}}}))
	assert.Equal(t, canonical(raw("\x04\x01a")), canonical(raw("\x04\x01a")))
	with := func(value string) pki.DN {
		return pki.DN{{{Type: "CN", Raw: []byte("\x04\x01a")}, {Type: "O", Value: value}}}
	}
	assert.NotEqual(t, canonical(with("a")), canonical(with("b")), "what stands beside it counts as well")
}

// The attributes of one element have no order.
func TestAttributesOfAnElementAreASet(t *testing.T) {
	cn, o := pki.Attribute{Type: "CN", Value: "a"}, pki.Attribute{Type: "O", Value: "b"}
	assert.Equal(t, canonical(pki.DN{{cn, o}}), canonical(pki.DN{{o, cn}}))
	assert.NotEqual(t, canonical(pki.DN{{cn, o}}), canonical(pki.DN{{cn}, {o}}))
}
