package inspect_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/check"
	"example.com/gatehouse/pki/inspect"
	"example.com/gatehouse/pki/keystore"
	"example.com/gatehouse/pki/roots"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func atNoon() time.Time { return noon }

const password = "changeit"

func authority(options ...pki.Option) (root, issuing *pki.Certificate) {
	root = pki.NewRoot("Example Root CA", append([]pki.Option{pki.Clock(atNoon)}, options...)...)
	return root, root.Intermediate("Example Issuing CA", options...)
}

func encoded(t testing.TB, c *pki.Certificate, e keystore.Export) []byte {
	t.Helper()
	data, err := keystore.Encode(c, e, keystore.Options{Password: password, Now: atNoon})
	require.NoError(t, err)
	return data
}

func explain(t testing.TB, data []byte, o inspect.Options) inspect.Report {
	t.Helper()
	if o.At.IsZero() {
		o.At = noon
	}
	r, err := inspect.File(data, password, o)
	require.NoError(t, err)
	return r
}

// findings are all findings of a report, with the number of their entry; 0 for the whole file.
func findings(r inspect.Report) map[int][]inspect.Finding {
	out := map[int][]inspect.Finding{}
	if len(r.Findings) > 0 {
		out[0] = r.Findings
	}
	for _, e := range r.Entries {
		if len(e.Findings) > 0 {
			out[e.Number] = e.Findings
		}
	}
	return out
}

func kinds(list []inspect.Finding) []inspect.Kind {
	var out []inspect.Kind
	for _, f := range list {
		out = append(out, f.Kind)
	}
	return out
}

func trusting(certificates ...*pki.Certificate) check.Trust {
	var t check.Trust
	for _, c := range certificates {
		t.Certificates = append(t.Certificates, c.DER())
	}
	return t
}

func pemOf(ders ...[]byte) []byte {
	var out []byte
	for _, der := range ders {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	return out
}

func TestGoodFilesHaveNoFindings(t *testing.T) {
	root, issuing := authority()
	good := issuing.Client("warehouse", pki.DNS("warehouse.example"))
	for _, info := range keystore.Exports() {
		if info.ID == keystore.CRLFile || info.ID == keystore.ArchiveFile {
			continue
		}
		t.Run(string(info.ID), func(t *testing.T) {
			r := explain(t, encoded(t, good, info.ID), inspect.Options{Trust: trusting(root)})
			assert.Empty(t, findings(r))
			assert.NotEmpty(t, r.What)
			for i, e := range r.Entries {
				assert.Equal(t, i+1, e.Number)
				assert.NotEmpty(t, e.Belongs)
			}
			if r.Verdict != nil {
				// A certificate alone cannot pass without its issuer.
				alone := info.ID == keystore.DERFile || info.ID == keystore.PEMFile
				assert.Equal(t, !alone, r.Verdict.OK)
			}
		})
	}
}

func TestKeyPairIsExplained(t *testing.T) {
	root, issuing := authority(pki.RSA2048)
	leaf := issuing.Client("warehouse", pki.RSA2048, pki.Subject("CN=warehouse, O=Example, C=DE"), pki.DNS("warehouse.example"))
	r := explain(t, encoded(t, leaf, keystore.PKCS12File), inspect.Options{Trust: trusting(root)})
	assert.Equal(t, "PKCS#12 keystore, encrypted as today's tools do it (PBES2), with 1 key pair", r.What)
	require.Len(t, r.Entries, 2)
	own := r.Entries[0]
	assert.Equal(t, keystore.KeyPairEntry, own.Kind)
	assert.Equal(t, "warehouse", own.Alias)
	assert.Equal(t, "CN=warehouse, O=Example, C=DE", own.Subject)
	assert.Equal(t, "CN=Example Issuing CA", own.Issuer)
	assert.Equal(t, strings.ToUpper(leaf.X509().SerialNumber.Text(16)), own.Serial)
	assert.Equal(t, "valid for 365 days more", own.Validity)
	assert.Equal(t, "RSA 2048", own.Key)
	assert.Equal(t, "SHA-256 with RSA", own.Signature)
	assert.Equal(t, []string{"digitalSignature", "keyEncipherment"}, own.KeyUsage)
	assert.Equal(t, []string{"clientAuth"}, own.Usage)
	assert.Equal(t, []string{"DNS:warehouse.example"}, own.Names)
	assert.Equal(t, roots.Fingerprint(leaf.DER()), own.SHA1)
	assert.Contains(t, own.Belongs, "the private key never leaves it")
	above := r.Entries[1]
	assert.Equal(t, 1, above.PairOf)
	assert.True(t, above.CA)
	assert.Contains(t, above.Belongs, "the sender, behind its own certificate")
	require.NotNil(t, r.Verdict)
	assert.True(t, r.Verdict.OK)

	legacy := explain(t, encoded(t, leaf, keystore.LegacyPKCS12File), inspect.Options{})
	assert.Contains(t, legacy.What, "encrypted as old tools do it (3DES or RC2 with SHA-1)")
	jks := explain(t, encoded(t, leaf, keystore.JKSFile), inspect.Options{})
	assert.Contains(t, jks.What, "Java keystore (JKS)")
	assert.Equal(t, noon, jks.Entries[0].Created.UTC())
}

func TestWhereThingsBelong(t *testing.T) {
	root, issuing := authority()
	server, err := pki.Create(issuing, pki.Server, "host.example")
	require.NoError(t, err)
	selfSigned, err := pki.Create(nil, pki.Client, "alone", pki.SelfSigned(), pki.Clock(atNoon))
	require.NoError(t, err)
	for name, c := range map[string]struct {
		certificate *pki.Certificate
		belongs     string
	}{
		"leaf":         {issuing.Client("warehouse"), "the tenant: certificate-to-user mapping"},
		"intermediate": {issuing, "the sender, behind its own certificate; not the tenant's mapping"},
		"root":         {root, "a trust list"},
		"server":       {server, "a server; as a client certificate the load balancer refuses it"},
		"self-signed":  {selfSigned, "nowhere"},
	} {
		r := explain(t, c.certificate.DER(), inspect.Options{})
		require.Len(t, r.Entries, 1, name)
		assert.Contains(t, r.Entries[0].Belongs, c.belongs, name)
	}
}

func TestShapes(t *testing.T) {
	root, issuing := authority()
	lower := issuing.Intermediate("Lower CA")
	leaf := lower.Client("warehouse")
	other := pki.NewRoot("Other CA", pki.Clock(atNoon)).Client("other")
	p := leaf.Presented()
	key := encoded(t, leaf, keystore.KeyFile)
	for name, c := range map[string]struct {
		data []byte
		want map[int][]inspect.Kind
	}{
		"good":           {pemOf(p...), nil},
		"with root":      {pemOf(append(slices.Clone(p), root.DER())...), nil},
		"reordered":      {pemOf(p[0], p[2], p[1]), map[int][]inspect.Kind{0: {inspect.ChainOrder}}},
		"CA first":       {pemOf(p[1], p[0], p[2]), map[int][]inspect.Kind{1: {inspect.LeafIsCA}}},
		"gap":            {pemOf(p[0], p[2]), map[int][]inspect.Kind{0: {inspect.ChainIncomplete}}},
		"twice":          {pemOf(p[0], p[1], p[2], p[2]), map[int][]inspect.Kind{4: {inspect.Duplicate}}},
		"unrelated":      {pemOf(append(slices.Clone(p), other.DER())...), map[int][]inspect.Kind{0: {inspect.Unrelated}}},
		"key, no chain":  {append(pemOf(p[0]), key...), map[int][]inspect.Kind{0: {inspect.ChainIncomplete}}},
		"alone":          {pemOf(p[0]), nil},
		"another's key":  {append(pemOf(p...), encoded(t, other, keystore.KeyFile)...), map[int][]inspect.Kind{4: {inspect.KeyMismatch}}},
		"trust list":     {pemOf(issuing.DER(), root.DER()), nil},
		"CA's key pair":  {append(pemOf(issuing.DER()), encoded(t, issuing, keystore.KeyFile)...), map[int][]inspect.Kind{1: {inspect.LeafIsCA}}},
		"key alone":      {key, nil},
		"with the key":   {append(pemOf(p...), key...), nil},
		"key in front":   {append(slices.Clone(key), pemOf(p...)...), nil},
		"and of no path": {pemOf(root.DER(), other.DER()), map[int][]inspect.Kind{1: {inspect.LeafIsCA}}},
	} {
		t.Run(name, func(t *testing.T) {
			got := map[int][]inspect.Kind{}
			for number, list := range findings(explain(t, c.data, inspect.Options{})) {
				// What OpenSSL says of these is another matter.
				if list = slices.DeleteFunc(list, func(f inspect.Finding) bool { return f.Kind == inspect.VerifyResult }); len(list) > 0 {
					got[number] = kinds(list)
				}
			}
			if len(c.want) == 0 {
				assert.Empty(t, got)
			} else {
				assert.Equal(t, c.want, got)
			}
		})
	}
}

func TestPublishedListsAnswerByThemselves(t *testing.T) {
	passport := pki.NewRoot("passport", pki.Subject("CN=SAP Passport CA, O=SAP Trust Community, C=DE"), pki.Clock(atNoon))
	r := explain(t, pemOf(passport.Client("somebody").DER()), inspect.Options{})
	require.NotNil(t, r.Verdict)
	assert.Equal(t, "the list neo-2022", r.Against)
	assert.Equal(t, 20, r.Verdict.Code)
	assert.Contains(t, r.Verdict.Advice, "left the list on 9 September 2022")
	r = explain(t, pemOf(passport.Client("somebody").DER()), inspect.Options{At: roots.Changed.AddDate(-1, 0, 0)})
	assert.Equal(t, "the list neo-until-2022", r.Against)

	_, issuing := authority()
	r = explain(t, pemOf(issuing.Client("warehouse").Presented()...), inspect.Options{})
	assert.Nil(t, r.Verdict, "of a private CA nothing can be said")
	assert.Contains(t, strings.Join(r.Notes, " "), "checked without a trust list")
}

// What is wrong with a defective certificate is told, and nothing is wrong with its good twin.
// OpenSSL does not mind what has the code 0; those of that kind which cannot be seen in a file, or
// where nothing is really wrong, are listed.
func TestEachDefectIsTold(t *testing.T) {
	silent := map[string]string{
		"duplicate-serial": "two certificates must be compared",
		"ocsp-revoked":     "no OCSP response is in the file",
		"ocsp-unknown":     "no OCSP response is in the file",
		"ocsp-expired":     "no OCSP response is in the file",
		"crl-missing":      "there is no CRL in the file",
		"utf8-cn":          "RFC 5280 allows it",
		"multi-valued-rdn": "X.501 allows it",
		"ed25519-key":      "RFC 8410 allows it",
		"chain-with-root":  "it is a note",
	}
	root, issuing := authority()
	good := issuing.Client("warehouse")
	assert.Empty(t, findings(explain(t, pemOf(good.Presented()...), inspect.Options{Trust: trusting(root)})), "the good twin")
	for id := range silent {
		assert.Contains(t, pki.DefectIDs(), id)
	}
	for _, d := range pki.Defects() {
		t.Run(d.ID, func(t *testing.T) {
			t.Parallel()
			bad, err := pki.Create(issuing, pki.Client, "warehouse", pki.WithDefect(d.ID))
			require.NoError(t, err)
			trust := trusting(root)
			if top := bad.Root(); top.TwinOf() == root {
				trust.Certificates = append(trust.Certificates, top.DER())
			}
			presented := bad.Presented()
			if d.Level == pki.AtRoot && d.Code == 0 {
				presented = append(presented, bad.Root().DER())
			}
			data := pemOf(presented...)
			if d.NeedsCRL {
				for _, crl := range bad.CRLs() {
					data = append(data, pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: crl})...)
				}
			}
			r := explain(t, data, inspect.Options{Trust: trust})
			found := findings(r)
			switch reason := silent[d.ID]; {
			case reason != "":
				assert.Empty(t, found, "it is told after all, although %s", reason)
			case d.Code != 0 && !d.Unreadable:
				codes := []int{r.Verdict.Code}
				for _, list := range found {
					for _, f := range list {
						codes = append(codes, f.Code)
					}
				}
				assert.Contains(t, codes, d.Code)
				assert.True(t, len(found)+len(r.Notes) > 1, "%+v", found)
			default:
				assert.True(t, len(found) > 0, "nothing was found: %s", d.Title)
			}
		})
	}
}

func TestRequestsAndCRLs(t *testing.T) {
	root, issuing := authority()
	leaf := issuing.Client("warehouse")
	crl, err := issuing.CRL([]*pki.Certificate{leaf})
	require.NoError(t, err)
	data := append(pemOf(leaf.Presented()...), pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: crl})...)
	r := explain(t, data, inspect.Options{Trust: trusting(root)})
	require.Len(t, r.Entries, 3)
	last := r.Entries[2]
	assert.Equal(t, keystore.CRLEntry, last.Kind)
	assert.Equal(t, "CN=Example Issuing CA", last.Issuer)
	assert.Equal(t, "1 revoked certificate", last.Subject)
	assert.Contains(t, last.Belongs, "whoever checks revocation")
	require.Len(t, r.Entries[0].Findings, 1)
	assert.Equal(t, 23, r.Entries[0].Findings[0].Code)
	late := explain(t, data, inspect.Options{Trust: trusting(root), At: noon.AddDate(0, 9, 0)})
	require.NotEmpty(t, late.Entries[2].Findings)
	assert.Equal(t, 12, late.Entries[2].Findings[0].Code)

	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "warehouse "}, DNSNames: []string{"a.example"}}, key)
	require.NoError(t, err)
	r = explain(t, der, inspect.Options{})
	require.Len(t, r.Entries, 1)
	e := r.Entries[0]
	assert.Equal(t, keystore.RequestEntry, e.Kind)
	assert.Equal(t, `CN=warehouse\ `, e.Subject)
	assert.Equal(t, []string{"DNS:a.example"}, e.Names)
	assert.Contains(t, e.Belongs, "the CA, which signs it")
	assert.Equal(t, []inspect.Kind{"trailing-space"}, kinds(e.Findings))
	der[len(der)-1] ^= 1
	assert.Equal(t, []inspect.Kind{inspect.Unreadable}, kinds(explain(t, der, inspect.Options{}).Entries[0].Findings))
}

func TestWhatCannotBeReadIsAnError(t *testing.T) {
	_, issuing := authority()
	p12 := encoded(t, issuing.Client("warehouse"), keystore.PKCS12File)
	_, err := inspect.File(p12, "wrong", inspect.Options{})
	assert.ErrorIs(t, err, keystore.ErrWrongPassword)
	_, err = inspect.File(p12, "", inspect.Options{})
	assert.Error(t, err)
	_, err = inspect.File(p12[:len(p12)/2], password, inspect.Options{})
	assert.ErrorContains(t, err, "cut off or damaged")
	_, err = inspect.File(nil, "", inspect.Options{})
	assert.ErrorContains(t, err, "the file is empty")
	_, err = inspect.File([]byte("Hello there"), "", inspect.Options{})
	assert.ErrorContains(t, err, "found text")
	_, err = inspect.File(pemOf(issuing.Client("warehouse").Presented()...), "", inspect.Options{Trust: check.Trust{Certificates: [][]byte{[]byte("x")}}})
	assert.ErrorContains(t, err, "trust list")
}

func FuzzFile(f *testing.F) {
	_, issuing := authority()
	for _, id := range []string{"", "universal-cn", "duplicate-extension", "serial-negative", "invalid-utf8-cn", "no-expiry-date", "chain-reordered"} {
		bad, err := pki.Create(issuing, pki.Client, "warehouse", pki.WithDefect(id))
		require.NoError(f, err)
		f.Add(pemOf(bad.Presented()...))
		f.Add(bad.DER())
	}
	crl, err := issuing.CRL(nil)
	require.NoError(f, err)
	f.Add(crl)
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := inspect.File(data, "", inspect.Options{At: noon})
		if err != nil {
			return
		}
		for i, e := range r.Entries {
			assert.Equal(t, i+1, e.Number)
			assert.NotEmpty(t, e.Belongs)
		}
	})
}
