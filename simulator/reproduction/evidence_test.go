package reproduction_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/keystore"
	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/diagnosis"
	"example.com/gatehouse/simulator/reproduction"
	"example.com/gatehouse/simulator/systemlog"
	"example.com/gatehouse/simulator/tenant"
)

var at = time.Date(2026, 11, 20, 7, 30, 0, 0, time.UTC)

// The customer's names; none of them may be in an anonymous folder.
const (
	leafSubject = "CN=edi-hub.acmecorp.test, OU=Interchange, O=Acmecorp Works, L=Lyonville, C=FR"
	issuerName  = "CN=Acmecorp Issuing Authority 7, O=Acmecorp Works, C=FR"
	rootSubject = "CN=Acmecorp Root Authority, O=Acmecorp Works, C=FR"
)

var customerNames = []string{
	"acmecorp", "interchange", "lyonville", "edi-hub", "edimaster", "acmeprod", "hcisbp", "us3", "inbound-7", "quotations",
	"10.77.1.2", "10.66.5.4", "Sourcing.send", "zentrale", "warehouse-people",
}

// chain mints what the customer has.
func chain(t *testing.T) *pki.Certificate {
	t.Helper()
	now := func() time.Time { return at.Add(-200 * 24 * time.Hour) }
	root, err := pki.Create(nil, pki.CA, "root", pki.Clock(now), pki.Subject(rootSubject), pki.P384)
	require.NoError(t, err)
	issuing, err := pki.Create(root, pki.CA, "issuing", pki.Clock(now), pki.Subject(issuerName), pki.P384, pki.PathLen(0))
	require.NoError(t, err)
	uri, _ := url.Parse("https://edi-hub.acmecorp.test/zentrale")
	leaf, err := pki.Create(issuing, pki.Client, "leaf", pki.Clock(now), pki.Subject(leafSubject), pki.P384, pki.ValidFor(300*24*time.Hour),
		pki.DNS("edi-hub.acmecorp.test", "*.acmecorp.test"), pki.IP(net.ParseIP("10.77.1.2")), pki.Email("zentrale@acmecorp.test"), pki.URI(uri.String()),
		pki.KeyUsage(x509.KeyUsageDigitalSignature|x509.KeyUsageKeyAgreement), pki.Usage(x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageEmailProtection))
	require.NoError(t, err)
	return leaf
}

// evidence is a customer's 403, with everything beside it.
func evidence(t *testing.T, lines string) diagnosis.Evidence {
	t.Helper()
	store, err := keystore.Read(keystore.ChainPEM(chain(t)), "")
	require.NoError(t, err)
	return diagnosis.Evidence{
		Texts:  []diagnosis.Text{{Name: "http_access_1a2b3c4_2026-11-20.log", Data: []byte(lines)}},
		Sender: &diagnosis.Chain{Name: "acmecorp.pem", Store: store},
		Channels: []tenant.Channel{{
			Address: "/http/inbound-7/Quotations", Authorization: tenant.Authorization{UserRole: "Sourcing.send"},
		}},
		Assignments: &diagnosis.Assignments{
			Groups: []diagnosis.AssignedGroup{{Name: "warehouse-people", Users: []string{"EDIMASTER"}}},
			Roles:  []diagnosis.AssignedRole{{User: "EDIMASTER", Role: "ESBMessaging.send"}, {Group: "warehouse-people", Role: "Acmecorp.read", Application: "zentrale"}},
		},
	}
}

func accessLine(user string, status int) string {
	return systemlog.AccessLine{
		LoadBalancer: "10.66.5.4", Client: "10.77.1.2", User: user, Time: at, Method: "POST", URI: "/http/inbound-7/Quotations?plant=zentrale",
		Status: status, Bytes: 5, Host: "acmeprod7-iflmap.hcisbp.us3.hana.ondemand.com:443",
	}.String() + "\n"
}

// known diagnoses evidence and takes over what it tells.
func known(t *testing.T, e diagnosis.Evidence, cause string) reproduction.Known {
	t.Helper()
	report, err := diagnosis.Diagnose(context.Background(), e, diagnosis.Options{})
	require.NoError(t, err)
	choice, found := reproduction.Choose(report, 0, cause)
	require.True(t, found, "%s is no cause of %+v", cause, report.Cases)
	return reproduction.FromEvidence(e, report, choice)
}

func TestTheCustomersMakeIsTakenOver(t *testing.T) {
	t.Parallel()
	e := evidence(t, accessLine("EDIMASTER", 403))
	made, err := reproduction.Make(known(t, e, "channel-demands-other-role"))
	require.NoError(t, err)
	l, err := simulator.Read("landscape.yaml", []byte(contents(t, made)[reproduction.LandscapeName]))
	require.NoError(t, err)

	assert.Equal(t, at, l.Clock.UTC())
	assert.Equal(t, "acmeprod7", l.Tenant.Account)
	assert.Equal(t, "acmeprod7-iflmap.hcisbp.us3.hana.ondemand.com", l.Tenant.Host)
	assert.Equal(t, "10.66.5.4", l.LoadBalancer.Address)
	assert.Equal(t, "/http/inbound-7/Quotations", l.Channels[0].Address)
	assert.Equal(t, "Sourcing.send", l.Channels[0].Authorization.UserRole)
	assert.Equal(t, []simulator.Mapping{{Certificate: "caller", User: "EDIMASTER"}}, l.Mappings)
	assert.Equal(t, 403, made.Shows().Status)
	assert.Equal(t, "EDIMASTER", made.Shows().User)
	assert.Equal(t, "POST /http/inbound-7/Quotations", made.Shows().Request)

	set, err := pki.Mint(t.Context(), l.PKI, pki.Options{Now: func() time.Time { return at }})
	require.NoError(t, err)
	got, ok := set.Get("caller")
	require.True(t, ok)
	want := chain(t).X509()
	have := got.X509()
	assert.Equal(t, want.RawSubject, have.RawSubject)
	assert.Equal(t, want.RawIssuer, have.RawIssuer)
	assert.Equal(t, want.NotBefore.UTC(), have.NotBefore.UTC())
	assert.Equal(t, want.NotAfter.UTC(), have.NotAfter.UTC())
	assert.Equal(t, want.KeyUsage, have.KeyUsage)
	assert.Equal(t, want.ExtKeyUsage, have.ExtKeyUsage)
	assert.Equal(t, want.DNSNames, have.DNSNames)
	assert.Equal(t, want.EmailAddresses, have.EmailAddresses)
	assert.Len(t, have.IPAddresses, 1)
	assert.Len(t, have.URIs, 1)
	assert.Equal(t, want.SignatureAlgorithm, have.SignatureAlgorithm, "the issuer's key is of the same type, and so is the digest")
	assert.False(t, bytes.Equal(want.RawSubjectPublicKeyInfo, have.RawSubjectPublicKeyInfo), "the key is another")
	require.Len(t, got.FullChain(), 3, "the root that was not in the file is above")
	assert.Equal(t, rootSubject, pki.FormatDN(got.FullChain()[2].RawSubject))
	assert.True(t, got.FullChain()[1].MaxPathLenZero)
}

// An extension that the customer's certificate does not have is not made by default.
func TestExtensionsThatAreNotThereStayAway(t *testing.T) {
	t.Parallel()
	leaf, err := pki.Create(nil, pki.CA, "root", pki.Clock(func() time.Time { return at }), pki.Subject(rootSubject))
	require.NoError(t, err)
	leaf, err = pki.Create(leaf, pki.Client, "leaf", pki.Clock(func() time.Time { return at.Add(-time.Hour) }), pki.Subject(leafSubject), pki.Usage(), pki.KeyUsage(0))
	require.NoError(t, err)
	require.Empty(t, leaf.X509().ExtKeyUsage, "control")
	store, err := keystore.Read(keystore.FullChainPEM(leaf), "")
	require.NoError(t, err)
	e := diagnosis.Evidence{Texts: []diagnosis.Text{{Name: "a.log", Data: []byte(accessLine("EDIMASTER", 500))}}, Sender: &diagnosis.Chain{Store: store}}
	made, err := reproduction.Make(known(t, e, "flow-failed"))
	require.NoError(t, err)
	l, err := simulator.Read("landscape.yaml", []byte(contents(t, made)[reproduction.LandscapeName]))
	require.NoError(t, err)
	set, err := pki.Mint(t.Context(), l.PKI, pki.Options{Now: func() time.Time { return at }})
	require.NoError(t, err)
	got, _ := set.Get("caller")
	assert.Empty(t, got.X509().ExtKeyUsage)
	assert.Zero(t, got.X509().KeyUsage)
	assert.Len(t, got.FullChain(), 2)
}

// A chain of somebody else is left out, and that is said.
func TestAnotherSendersChainIsNotTakenOver(t *testing.T) {
	t.Parallel()
	e := evidence(t, accessLine("other.example@Other Issuing CA", 403))
	made, err := reproduction.Make(known(t, e, "not-mapped"))
	require.NoError(t, err)
	files := contents(t, made)
	assert.NotContains(t, files[reproduction.LandscapeName], "Acmecorp Issuing")
	assert.Contains(t, files[reproduction.LandscapeName], "CN=Other Issuing CA")
	assert.Contains(t, files[reproduction.ReadmeName], "The chain is not that of the call")

	e = evidence(t, accessLine("edi-hub.acmecorp.test@Acmecorp Issuing Authority 7", 403))
	made, err = reproduction.Make(known(t, e, "not-mapped"))
	require.NoError(t, err)
	assert.Contains(t, contents(t, made)[reproduction.LandscapeName], "Acmecorp Issuing", "control: its own is taken over")
}

// No name of the evidence is left in any file, neither in clear nor in Base64 nor in another case, and
// what belonged together still does.
func TestAnonymise(t *testing.T) {
	t.Parallel()
	record := func(text string) string {
		return systemlog.TraceRecord{Time: at, Logger: systemlog.AuthenticationFilter, Thread: "https-jsse-nio-8041-exec-1", Tenant: "a1b2c3d4e", Text: text}.String() + "\n"
	}
	traced := pki.TraceDN(chain(t).X509().RawSubject)
	for cause, e := range map[string]diagnosis.Evidence{
		"channel-demands-other-role": evidence(t, accessLine("EDIMASTER", 403)),
		"not-mapped":                 evidence(t, accessLine("edi-hub.acmecorp.test@Acmecorp Issuing Authority 7", 403)),
		"nothing-deployed":           evidence(t, accessLine("edimaster@acmecorp.test", 404)),
		"chain-not-sent":             evidence(t, accessLine("", 401)+record(systemlog.CertificateReceived(traced))+record(systemlog.CertificateStatus(20))),
		"dns-not-in-table":           evidence(t, accessLine("EDIMASTER", 403)+record(systemlog.NotInTable(leafSubject, issuerName))),
	} {
		if cause == "nothing-deployed" {
			e.Channels = nil
		}
		if cause == "dns-not-in-table" {
			e.Channels[0].Authorization = tenant.Authorization{Table: []tenant.DNPair{{Subject: "CN=Lyonville, O=Acmecorp Works", Issuer: issuerName}}}
		}
		k := known(t, e, cause)
		open, err := reproduction.Make(k)
		require.NoError(t, err, cause)
		made, err := reproduction.Make(reproduction.Anonymise(k))
		require.NoError(t, err, cause)
		again, err := reproduction.Make(reproduction.Anonymise(k))
		require.NoError(t, err, cause)
		assert.Equal(t, contents(t, made), contents(t, again), "%s: the same names each time", cause)

		found := map[string]bool{}
		for name, data := range contents(t, open) {
			for _, secret := range customerNames {
				found[secret] = found[secret] || strings.Contains(strings.ToLower(data), strings.ToLower(secret))
			}
			_ = name
		}
		assert.True(t, found["acmeprod"], "%s: control: the names are there otherwise", cause)
		for name, data := range contents(t, made) {
			for _, text := range append(decoded(data), data) {
				for _, secret := range customerNames {
					assert.NotContains(t, strings.ToLower(text), strings.ToLower(secret), "%s: %s", cause, name)
				}
			}
		}
		shows := made.Shows()
		landscape := contents(t, made)[reproduction.LandscapeName]
		if cn, issuer, ok := strings.Cut(shows.User, "@"); ok && cause == "not-mapped" {
			assert.Contains(t, landscape, "CN="+cn, "the user column and the certificate still belong together")
			assert.Contains(t, landscape, "CN="+issuer)
		}
		for _, text := range shows.Texts {
			if dn, ok := systemlog.ParseCertificateReceived(text); ok {
				cn := dn[strings.LastIndex(dn, "CN=")+3:]
				assert.Contains(t, landscape, "CN="+cn)
			}
		}
	}
}

// decoded are the texts that stand in Base64 somewhere.
func decoded(data string) (out []string) {
	for _, word := range strings.FieldsFunc(data, func(r rune) bool { return strings.ContainsRune(" \n\t\"`|:,", r) }) {
		if text, err := base64.StdEncoding.DecodeString(word); err == nil && len(word) > 8 {
			out = append(out, string(text))
		}
	}
	return out
}

func TestCompare(t *testing.T) {
	t.Parallel()
	line := accessLine("", 401)
	received := systemlog.TraceRecord{Time: at, Text: systemlog.CertificateReceived("C=DE, CN=a")}.String()
	status := func(code int) string {
		return systemlog.TraceRecord{Time: at, Text: systemlog.CertificateStatus(code)}.String()
	}
	evidence := reproduction.Seen{Answer: 401, Lines: []string{line}, Records: []string{received, status(20)}}.Shown()
	same := reproduction.Seen{Answer: 401, Lines: []string{line}, Records: []string{status(20), received}}
	assert.True(t, reproduction.Agree(reproduction.Compare(evidence, same.Shown())))
	for what, seen := range map[string]reproduction.Seen{
		"status":      {Lines: []string{accessLine("", 403)}, Records: same.Records},
		"user column": {Lines: []string{accessLine("SOMEBODY", 401)}, Records: same.Records},
		"trace":       {Lines: []string{line}, Records: []string{received, status(21)}},
		"request":     {Lines: []string{strings.Replace(line, "Quotations", "Other", 1)}, Records: same.Records},
	} {
		var differ []string
		for _, c := range reproduction.Compare(evidence, seen.Shown()) {
			if !c.Agrees {
				differ = append(differ, c.What)
				assert.NotEqual(t, c.Evidence, c.Reproduced)
			}
		}
		assert.Equal(t, []string{what}, differ)
	}
	more := reproduction.Seen{Lines: []string{line}, Records: append([]string{systemlog.TraceRecord{Time: at, Text: systemlog.NotInTable("CN=a", "CN=b")}.String()}, same.Records...)}
	assert.False(t, reproduction.Agree(reproduction.Compare(evidence, more.Shown())), "a record that the evidence does not have")
	assert.False(t, reproduction.Agree(reproduction.Compare(evidence, reproduction.Seen{}.Shown())), "no call at all")
	none := reproduction.Shown{NoLine: true}
	assert.True(t, reproduction.Agree(reproduction.Compare(none, reproduction.Seen{}.Shown())))
	assert.False(t, reproduction.Agree(reproduction.Compare(none, same.Shown())))
}

func TestFolder(t *testing.T) {
	t.Parallel()
	c, _ := diagnosis.ByID("not-mapped")
	made, err := reproduction.Make(reproduction.NoneKnown(c))
	require.NoError(t, err)
	other, _ := diagnosis.ByID("role-missing")
	second, err := reproduction.Make(reproduction.NoneKnown(other))
	require.NoError(t, err)
	base := t.TempDir()
	read := func(dir string) map[string]string {
		out := map[string]string{}
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		for _, e := range entries {
			data, err := os.ReadFile(filepath.Join(dir, e.Name()))
			require.NoError(t, err)
			out[e.Name()] = string(data)
		}
		return out
	}
	dir := filepath.Join(base, "deep", "folder")
	require.NoError(t, made.Write(dir))
	assert.Equal(t, contents(t, made), read(dir))
	require.NoError(t, second.Write(dir), "our own is replaced")
	assert.Equal(t, contents(t, second), read(dir))

	foreign := (*reproduction.ForeignError)(nil)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("mine"), 0o600))
	require.ErrorAs(t, made.Write(dir), &foreign)
	assert.Equal(t, []string{"notes.txt"}, foreign.Files)
	assert.Contains(t, foreign.Error(), "nothing was written")
	require.NoError(t, os.Remove(filepath.Join(dir, "notes.txt")))
	require.NoError(t, os.WriteFile(filepath.Join(dir, reproduction.MendedName), []byte("changed"), 0o600))
	require.ErrorAs(t, made.Write(dir), &foreign)
	assert.Equal(t, []string{reproduction.MendedName}, foreign.Files)
	kept := contents(t, second)
	kept[reproduction.MendedName] = "changed"
	assert.Equal(t, kept, read(dir), "nothing was touched")

	empty := filepath.Join(base, "empty")
	require.NoError(t, os.Mkdir(empty, 0o755))
	require.NoError(t, made.Write(empty))
	assert.Equal(t, contents(t, made), read(empty))
	file := filepath.Join(base, "file")
	require.NoError(t, os.WriteFile(file, []byte("mine"), 0o600))
	require.ErrorAs(t, made.Write(file), &foreign)
	link := filepath.Join(base, "link")
	if os.Symlink(empty, link) == nil {
		require.ErrorAs(t, made.Write(link), &foreign, "a link may lead anywhere")
	}
	left, err := filepath.Glob(filepath.Join(base, "*", ".gatehouse-*"))
	require.NoError(t, err)
	more, _ := filepath.Glob(filepath.Join(base, ".gatehouse-*"))
	assert.Empty(t, append(left, more...), "nothing half-done is left behind")
}
