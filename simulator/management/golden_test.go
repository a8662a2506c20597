package management_test

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator/tenant"
)

// update writes the golden files anew: go test ./simulator/management -update
var update = flag.Bool("update", false, "write the golden files anew")

// goldenTenant is the tenant of the golden answers. Its certificates are minted for each run, so
// what depends on their bytes is put out of the way.
func goldenTenant(t testing.TB) (tenant.Config, *strings.Replacer) {
	c := setup(t)
	m, k := c.Mappings[0].Certificate, c.Keystore[0].Certificate
	replace := []string{
		tenant.MappingID(m), "0123456789abcdef0123456789abcdef",
		encoded(m), base64Of([]byte("PEM")),
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: k})), "PEM",
	}
	for _, sum := range fingerprints(k) {
		replace = append(replace, sum, "fingerprint")
	}
	return c, strings.NewReplacer(replace...)
}

// The answers to what real clients ask, byte by byte but for line ends between elements.
func TestGoldenAnswers(t *testing.T) {
	c, hide := goldenTenant(t)
	f := start(t, c)
	f.writeLogs()
	for _, name := range []string{
		"", "$metadata", "CertificateUserMappings", "CertificateUserMappings?$select=Id,User,ValidUntil&$inlinecount=allpages", "CertificateUserMappings('none')",
		"LogFiles?$top=1", "LogFileArchives", "UserCredentials", "UserCredentials('backend')", "KeystoreEntries?keystoreName=system",
		"KeystoreEntries('7361705f636c6f7564696e746567726174696f6e6365727469666963617465')/Certificate/$value",
		"IntegrationPackages", "IntegrationDesigntimeArtifacts", "IntegrationRuntimeArtifacts", "ServiceEndpoints?$expand=EntryPoints", "NodeProfiles?$expand=Roles", "Roles",
		"IntegrationDesigntimeArtifacts(Id='orders',Version='active')/$links/Configurations",
	} {
		who := "developer"
		if strings.HasPrefix(name, "LogFile") {
			who = "admin"
		}
		for _, format := range []string{"atom", "json"} {
			request := "GET /api/v1/" + name + " HTTP/1.1\nHost: e100999-tmn.example\n" + basic(who, secret)
			if format == "json" {
				request += "\nAccept: application/json"
			}
			a := f.raw(request)
			file := fileName(name)
			if strings.HasPrefix(a.header.Get("Content-Type"), "application/json") {
				require.True(t, json.Valid([]byte(a.body)), a.body)
			} else if strings.Contains(a.header.Get("Content-Type"), "xml") {
				require.NoError(t, wellFormed(a.body), a.body)
			}
			golden(t, filepath.Join("testdata", file+"."+format+".golden"), hide.Replace(text(a)))
		}
	}
}

// fileName makes the name of a golden file.
func fileName(path string) string {
	if path == "" {
		return "service"
	}
	name := strings.Map(func(r rune) rune {
		if strings.ContainsRune("$?&=,'()/", r) {
			return '_'
		}
		return r
	}, path)
	return strings.Trim(name[:min(60, len(name))], "_")
}

// text is an answer as a file shows it.
func text(a answer) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d\n", a.status)
	var names []string
	for name := range a.header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if name != "Date" && name != "Content-Length" {
			fmt.Fprintf(&b, "%s: %s\n", name, a.header.Get(name))
		}
	}
	b.WriteString("\n" + strings.ReplaceAll(strings.ReplaceAll(a.body, "><", ">\n<"), `},"`, "},\n\"") + "\n")
	return b.String()
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, strings.ReplaceAll(string(want), "\r\n", "\n"), got, file)
}

// wellFormed reads XML to its end.
func wellFormed(text string) error {
	in := xml.NewDecoder(bytes.NewReader([]byte(text)))
	for {
		if _, err := in.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// Errors come in the format that was asked for.
func TestFormOfErrors(t *testing.T) {
	f := start(t, setup(t))
	const text = "Requested entity could not be found."
	a := f.call("GET", "/api/v1/CertificateUserMappings('x')", "", basic("admin", secret), jsonAccept).is(404)
	assert.Equal(t, `{"error":{"code":"Not Found","message":{"lang":"en","value":"`+text+`"}}}`, a.body)
	for _, headers := range [][]string{nil, {"Accept: application/atom+xml"}, {"Accept: */*"}} {
		a = f.call("GET", "/api/v1/CertificateUserMappings('x')", "", append(headers, basic("admin", secret))...).is(404)
		assert.Equal(t, `<?xml version="1.0" encoding="utf-8"?><error xmlns="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata"><code>Not Found</code><message xml:lang="en">`+text+`</message></error>`, a.body)
		assert.Equal(t, "application/xml;charset=utf-8", a.header.Get("Content-Type"))
	}
	a = f.call("GET", "/api/v1/CertificateUserMappings('x')?$format=json", "", basic("admin", secret)).is(404)
	assert.Contains(t, a.body, `{"error"`)
	f.call("GET", "/api/v1/CertificateUserMappings", "", basic("admin", secret), "Accept: text/csv").is(406)
	f.call("GET", "/api/v1/Letters", "", basic("admin", secret), jsonAccept).is(404).says("Letters")
	f.call("GET", "/api/v2/", "", basic("admin", secret)).is(404).says("Nothing is at this path")
	f.call("GET", "/", "").is(404)
	f.call("GET", "/api/v1x", "").is(404)
}

// A Host header that could forge addresses has no effect.
func TestHostOfAddresses(t *testing.T) {
	f := start(t, setup(t))
	for host, want := range map[string]string{"e100999-tmn.example": "https://e100999-tmn.example:443/api/v1/", "127.0.0.1:8444": "https://127.0.0.1:8444/api/v1/", "[::1]:8444": "https://[::1]:8444/api/v1/", "[::1]": "https://[::1]:443/api/v1/"} {
		a := f.raw("GET /api/v1/ HTTP/1.1\nHost: " + host + "\n" + basic("admin", secret)).is(200)
		assert.Contains(t, a.body, `xml:base="`+want+`"`)
	}
	a := f.raw("GET /api/v1/ HTTP/1.1\nHost: evil.example@other\n" + basic("admin", secret))
	if a.status == 200 {
		assert.Contains(t, a.body, `xml:base="https://e100999-tmn.example:443/api/v1/"`)
	}
}
