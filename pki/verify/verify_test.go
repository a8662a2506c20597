package verify

import (
	"crypto/x509"
	"errors"
	mathrand "math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNothingPresented(t *testing.T) {
	list, _ := good(t)
	r := New(list, Options{}).Verify(nil)
	assert.Equal(t, Result{Name: "X509_V_OK", Text: "ok"}, r)
	assert.False(t, r.OK(), "accepted means presented and 0")
	assert.NoError(t, r.Err())
	assert.Equal(t, "no certificate presented", r.String())
	assert.Contains(t, Advice(r), "Send a client certificate")
}

func TestGoodChain(t *testing.T) {
	list, chain := good(t)
	r := New(list, Options{Now: atTestTime}).Verify(chain)
	require.True(t, r.OK(), r)
	assert.Equal(t, "OK", r.String())
	assert.Empty(t, r.Errors)
	assert.Empty(t, Advice(r))
	assert.Equal(t, "C=DE, O=Example, CN=sender.example", r.Subject)
	require.Len(t, r.Path, 3)
	assert.Equal(t, PathStep{Subject: "C=DE, O=Example, CN=sender.example", Issuer: "C=DE, O=Example, CN=Example Issuing CA", Origin: FromClient}, r.Path[0])
	assert.Equal(t, PathStep{
		Depth: 2, Subject: "C=DE, O=Example, CN=Example Root CA", Issuer: "C=DE, O=Example, CN=Example Root CA",
		Origin: FromTrustList, Note: "trust anchor",
	}, r.Path[2])
}

func TestMissingIntermediate(t *testing.T) {
	list, chain := good(t)
	r := New(list, Options{Now: atTestTime}).Verify(chain[:1])
	assert.False(t, r.OK())
	assert.Equal(t, 20, r.Code)
	assert.Equal(t, "X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY", r.Name)
	assert.Equal(t, "C=DE, O=Example, CN=sender.example\nerror 20 at 0 depth lookup: unable to get local issuer certificate\n"+
		"C=DE, O=Example, CN=sender.example\nerror 21 at 0 depth lookup: unable to verify the first certificate", r.String())
	var e *Error
	require.ErrorAs(t, r.Err(), &e)
	assert.Equal(t, 20, e.Code)
	assert.Equal(t, "verify result 20 at depth 0: unable to get local issuer certificate (C=DE, O=Example, CN=sender.example)", e.Error())
	assert.Equal(t, `Send also the certificate of the CA "C=DE, O=Example, CN=Example Issuing CA", and see that the root of the chain is in the trust list: the issuer of "C=DE, O=Example, CN=sender.example" was not found.`, Advice(r))
	assert.Contains(t, r.Path[len(r.Path)-1].Note, "its issuer is neither in the trust list nor among what was presented")

	last := New(list, Options{Now: atTestTime, Report: Last}).Verify(chain[:1])
	assert.Equal(t, 21, last.Code)
}

func TestNumberingOfOpenSSL11(t *testing.T) {
	root, intermediate, leaf := goodChain()
	intermediate.drop(oidBasicConstraints)
	intermediate.drop(oidKeyUsage)
	list, err := NewTrustList(root.mint())
	require.NoError(t, err)
	chain := [][]byte{leaf.mint(), intermediate.mint()}
	for numbering, want := range map[Numbering]int{OpenSSL3: 79, OpenSSL11: 24} {
		r := New(list, Options{Now: atTestTime, Numbering: numbering}).Verify(chain)
		assert.Equal(t, want, r.Code)
		assert.Equal(t, "X509_V_ERR_INVALID_CA", r.Name)
		assert.Equal(t, "invalid CA certificate", r.Text)
		assert.Contains(t, Advice(r), "is no CA certificate")
	}
}

func TestUnreadable(t *testing.T) {
	list, chain := good(t)
	v := New(list, Options{Now: atTestTime})
	require.True(t, v.Verify(chain).OK(), "control")
	for name, c := range map[string]struct {
		chain [][]byte
		depth int
		why   string
	}{
		"no DER":          {[][]byte{[]byte("hello")}, 0, "not a certificate: expected one DER SEQUENCE"},
		"empty":           {[][]byte{{}}, 0, "not a certificate: expected one DER SEQUENCE"},
		"trailing octets": {[][]byte{append(slices.Clone(chain[0]), 0)}, 0, "1 octets after the certificate"},
		"second":          {[][]byte{chain[0], chain[1][:100]}, 1, "not a certificate: expected one DER SEQUENCE"},
		"too many":        {make([][]byte, maxPresented+1), 0, "1001 certificates with 4004 octets, expected at most 1000 with 1048576"},
	} {
		t.Run(name, func(t *testing.T) {
			r := v.Verify(c.chain)
			assert.True(t, r.Presented)
			assert.Equal(t, Unspecified, r.Code)
			assert.Equal(t, c.depth, r.Depth)
			assert.Equal(t, c.why, r.Unreadable)
			assert.Contains(t, Advice(r), "issued again")
		})
	}
}

func TestDepth(t *testing.T) {
	root, intermediate, leaf := goodChain()
	list, err := NewTrustList(root.mint())
	require.NoError(t, err)
	sub := *intermediate
	sub.exts = slices.Clone(intermediate.exts)
	sub.subject, sub.issuer = simpleName("Sub CA"), intermediate.subject
	sub.key, sub.signer = keyPool()["p256d"], intermediate.key
	sub.set(oidSubjectKeyID, false, octets(sub.key.id))
	sub.set(oidAuthorityKeyID, false, seq(tlv(contextual(0), sub.signer.id)))
	leaf.issuer, leaf.signer = sub.subject, sub.key
	leaf.drop(oidAuthorityKeyID)
	chain := [][]byte{leaf.mint(), sub.mint(), intermediate.mint()}
	assert.True(t, New(list, Options{Now: atTestTime, Depth: 2}).Verify(chain).OK(), "two lie between leaf and root")
	r := New(list, Options{Now: atTestTime, Depth: 1}).Verify(chain)
	assert.Equal(t, CertChainTooLong, r.Code)
	assert.Equal(t, 2, r.Depth)
}

// The second of notAfter is the first at which a certificate has expired; crypto/x509 still
// takes it for valid then.
func TestExpiryToTheSecond(t *testing.T) {
	root, intermediate, leaf := goodChain()
	end := testTime.Add(time.Hour)
	leaf.notAfter = utcTime(end)
	list, err := NewTrustList(root.mint())
	require.NoError(t, err)
	chain := [][]byte{leaf.mint(), intermediate.mint()}
	now := end.Add(-time.Nanosecond)
	v := New(list, Options{Now: func() time.Time { return now }})
	before := v.Verify(chain)
	assert.True(t, before.OK())
	assert.Equal(t, end, before.Until)
	now = end
	assert.Equal(t, CertHasExpired, v.Verify(chain).Code)
	parsed, err := x509.ParseCertificate(chain[0])
	require.NoError(t, err)
	assert.False(t, now.After(parsed.NotAfter), "crypto/x509 differs here")
}

func TestLevels(t *testing.T) {
	for n := 0; n <= 5; n++ {
		l, err := LevelNumber(n)
		require.NoError(t, err)
		assert.Equal(t, n, l.number())
	}
	_, err := LevelNumber(6)
	assert.Error(t, err)
	assert.Equal(t, "2", DefaultLevel.String())
	assert.Equal(t, "0", Level0.String())
	assert.Equal(t, 5, Level(100).number())
	assert.Equal(t, 0, Level(-3).number())
}

func TestZeroVerifier(t *testing.T) {
	_, chain := good(t)
	var v Verifier
	v.opts.Now = atTestTime
	assert.Equal(t, 20, v.Verify(chain).Code)
	assert.Nil(t, v.Trust())
	assert.Equal(t, 20, New(nil, Options{Now: atTestTime}).Verify(chain).Code, "a nil trust list trusts nobody")
}

func TestCRLsThatCannotBeRead(t *testing.T) {
	err := Options{CRLs: [][]byte{{1}}}.CheckCRLs()
	assert.EqualError(t, err, "CRL 1 of 1: not a CRL: expected one DER SEQUENCE")
	list, chain := good(t)
	v := New(list, Options{Now: atTestTime, CRLs: [][]byte{{1}}, CRLCheck: CRLLeaf})
	assert.Equal(t, UnableToGetCRL, v.Verify(chain).Code, "left out, and so missing")
}

// Hundreds of intermediates of one name that certify each other: the number of candidates that
// are compared stays bounded, since nothing is tried twice.
func TestManyCrossSignedIntermediates(t *testing.T) {
	pool, rng := keyPool(), mathrand.New(mathrand.NewPCG(3, 4))
	one := simpleName("Example CA")
	other := simpleName("Example CA 2")
	leaf := leafTemplate(simpleName("sender.example"), one, pool["p256c"], pool["p256a"], rng).mint()
	for name, names := range map[string][2][]byte{
		"one name":       {one, one},
		"two names":      {one, other},
		"the trusted is": {other, one},
	} {
		t.Run(name, func(t *testing.T) {
			chain := [][]byte{leaf}
			for i := range 400 {
				m := caTemplate(names[i%2], names[(i+1)%2], pool["p256a"], pool["p256a"], rng)
				m.drop(oidAuthorityKeyID)
				if i%2 == 0 { // not self-signed: the serial number tells
					m.set(oidAuthorityKeyID, false, seq(tlv(contextual(2), []byte{1})))
				}
				m.drop(oidSubjectKeyID)
				chain = append(chain, m.mint())
			}
			var list *TrustList
			if name == "the trusted is" {
				var err error
				list, err = NewTrustList(chain[1:]...)
				require.NoError(t, err)
			}
			r := &run{trust: list, now: testTime.Unix(), maxDepth: defaultDepth}
			_, err := r.read(chain, nil)
			require.NoError(t, err)
			r.verify()
			assert.NotEmpty(t, r.faults)
			steps := len(r.chain) + 1
			assert.LessOrEqual(t, steps, defaultDepth+3)
			assert.LessOrEqual(t, r.work, 2*steps*len(chain)+10, "each step looks at each candidate once")
			assert.GreaterOrEqual(t, r.work, len(r.chain)-1, "each step looks at one at least")
		})
	}
}

func TestTrustList(t *testing.T) {
	root, intermediate, _ := goodChain()
	a, b := root.mint(), intermediate.mint()
	list, err := NewTrustList(a, b)
	require.NoError(t, err)
	assert.Equal(t, 2, list.Len())
	assert.Equal(t, [][]byte{root.subject, intermediate.subject}, list.Subjects())
	assert.Len(t, list.Version(), 64)
	same, err := NewTrustList(slices.Clone(a), slices.Clone(b))
	require.NoError(t, err)
	assert.Equal(t, list.Version(), same.Version())
	turned, err := NewTrustList(b, a)
	require.NoError(t, err)
	assert.NotEqual(t, list.Version(), turned.Version(), "the order counts")

	parsed, err := x509.ParseCertificate(a)
	require.NoError(t, err)
	from, err := NewTrustListFrom([]*x509.Certificate{parsed})
	require.NoError(t, err)
	assert.Equal(t, [][]byte{parsed.RawSubject}, from.Subjects())

	_, err = NewTrustList(a, []byte{0x30})
	assert.EqualError(t, err, "trust list: certificate 2 of 2: not a certificate: expected one DER SEQUENCE")

	empty, err := NewTrustList()
	require.NoError(t, err)
	var none *TrustList
	assert.Equal(t, empty.Version(), none.Version())
	assert.Zero(t, none.Len())
	assert.Nil(t, none.Subjects())
	assert.Nil(t, none.Certificates())

	want := root.mint()
	kept := slices.Clone(want)
	list, err = NewTrustList(want)
	require.NoError(t, err)
	want[len(want)-1] ^= 1
	assert.Equal(t, kept, list.Certificates()[0].Raw(), "the caller's octets are not kept")
}

// Every code has a name and a text; the advice names something for each that can be reported.
func TestCodes(t *testing.T) {
	for code := 0; code <= Highest; code++ {
		assert.NotEmpty(t, Text(code), code)
		assert.Regexp(t, `^X509_V_(OK|ERR_[A-Z0-9_]+)$`, Name(code))
	}
	assert.Equal(t, "unknown certificate verification error", Text(95))
	assert.Equal(t, "X509_V_ERR_-1", Name(-1))
	for code := 1; code <= Highest; code++ {
		r := Result{Presented: true, Code: code, Name: Name(code), Text: Text(code), Subject: "CN=x"}
		advice := Advice(r)
		assert.NotEmpty(t, advice, code)
		assert.Regexp(t, `\.$`, advice)
	}
	assert.NotEmpty(t, Limits())
}

func TestAdviceEscapesNames(t *testing.T) {
	root, intermediate, leaf := goodChain()
	leaf.subject = dnOf(text(oidCommonName, "x\x1b[31m\n\u202eevil"))
	list, err := NewTrustList(root.mint())
	require.NoError(t, err)
	leaf.corrupt = true
	r := New(list, Options{Now: atTestTime}).Verify([][]byte{leaf.mint(), intermediate.mint()})
	assert.Equal(t, CertSignatureFailure, r.Code)
	assert.Equal(t, `CN=x\x1B[31m\x0A\xE2\x80\xAEevil`, r.Subject)
	assert.NotContains(t, Advice(r)+r.String(), "\x1b")
	assert.True(t, errors.As(r.Err(), new(*Error)))
}
