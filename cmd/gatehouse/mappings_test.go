package main

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki/keystore"
	"example.com/gatehouse/simulator"
)

// managed is a landscape that runs, with the flags that reach its management interface.
func managed(t *testing.T, document string) (sim *simulator.Simulator, flags []string) {
	t.Helper()
	l, err := simulator.Read("landscape.yaml", []byte(document))
	require.NoError(t, err)
	sim, err = simulator.Start(t.Context(), l, simulator.Options{LogFolder: t.TempDir(), Management: true})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, sim.Close()) })
	dir := t.TempDir()
	root, secret := filepath.Join(dir, "root.pem"), filepath.Join(dir, "secret.txt")
	require.NoError(t, os.WriteFile(root, keystore.CertificatePEM(sim.ManagementRoot()), 0o600))
	require.NoError(t, os.WriteFile(secret, []byte("hidden\nnot this line\n"), 0o600))
	return sim, []string{"--url", sim.ManagementURL(), "--trust", root, "--password-file", secret}
}

const managedDocument = `
pki:
  - {name: root, ca: true}
  - {name: soon, issuer: root, usage: [clientAuth], notAfter: +10d}
  - {name: gone, like: soon, defect: expired}
  - {name: later, issuer: root, usage: [clientAuth], notAfter: +300d}
mappings:
  - {certificate: soon, user: SOON}
  - {certificate: gone, user: GONE}
  - {certificate: later, user: LATER}
users:
  - {name: ADMIN, password: hidden}
  - {name: NOBODY, password: hidden}
oauthClients:
  - {id: nightly, secret: hidden}
roles:
  - {user: ADMIN, role: AuthGroup.ReadOnly, application: e100999tmn}
  - {user: oauth_client_nightly, role: AuthGroup.ReadOnly, application: e100999tmn}
`

func mappingsOf(t *testing.T, text string) (users []string, report mappingReport) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(text), &report), text)
	for _, m := range report.Mappings {
		users = append(users, m.User)
	}
	return users, report
}

func TestMappingsOfARunningTenant(t *testing.T) {
	t.Parallel()
	sim, flags := managed(t, managedDocument)
	for _, who := range [][]string{{"--user", "ADMIN"}, {"--client-id", "nightly"}} {
		code, out, stderr := called(t, append(append([]string{"mappings", "list", "--output", "json"}, flags...), who...)...)
		assert.Equal(t, exitOK, code, stderr)
		users, report := mappingsOf(t, out)
		assert.Equal(t, []string{"GONE", "SOON", "LATER"}, users, "what ends first comes first")
		assert.Equal(t, 3, report.Total)
		assert.Equal(t, sim.ManagementURL(), report.Tenant)
		assert.Equal(t, []mappingState{mappingExpired, mappingValid, mappingValid}, []mappingState{report.Mappings[0].State, report.Mappings[1].State, report.Mappings[2].State})
		assert.Less(t, *report.Mappings[0].DaysLeft, 0)
		assert.Equal(t, "CN=soon", report.Mappings[1].Subject)

		code, out, stderr = called(t, append(append([]string{"mappings", "expiring", "--within", "30d", "--output", "json"}, flags...), who...)...)
		assert.Equal(t, exitFailed, code, stderr)
		users, report = mappingsOf(t, out)
		assert.Equal(t, []string{"GONE", "SOON"}, users)
		assert.Equal(t, mappingExpiring, report.Mappings[1].State)
		assert.Contains(t, []int{9, 10}, *report.Mappings[1].DaysLeft)
	}

	before := sim.Clock().Now().AddDate(-1, 0, 0).UTC().Format(time.DateOnly)
	code, out, stderr := called(t, append([]string{"mappings", "expiring", "--user", "ADMIN", "--at", before}, flags...)...)
	assert.Equal(t, exitOK, code, stderr)
	assert.Equal(t, "none of 3 mapped certificates expires within 30d\n", out, "the good twin")
}

func TestMappingsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	_, flags := managed(t, managedDocument)
	list := func(more ...string) (int, string) {
		code, out, stderr := called(t, append(append([]string{"mappings", "list"}, flags...), more...)...)
		assert.Empty(t, out)
		assert.NotContains(t, stderr, "hidden")
		return code, stderr
	}
	code, stderr := list("--user", "NOBODY")
	assert.Equal(t, exitInvocation, code)
	assert.Contains(t, stderr, "HTTP 403")
	assert.Contains(t, stderr, "the user lacks a role for that")
	code, stderr = list("--user", "STRANGER")
	assert.Equal(t, exitInvocation, code)
	assert.Contains(t, stderr, "HTTP 401")
	code, stderr = list("--client-id", "stranger")
	assert.Equal(t, exitInvocation, code)
	assert.Contains(t, stderr, "fetching a token: POST /oauth2/api/v1/token: HTTP 401")

	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	require.NoError(t, l.Close())
	code, stderr = list("--url", "https://"+address, "--user", "ADMIN")
	assert.Equal(t, exitInterrupted, code)
	assert.Contains(t, stderr, address+" cannot be reached")

	untrusted := append([]string(nil), flags...)
	for i, flag := range untrusted {
		if flag == "--trust" {
			untrusted = append(untrusted[:i], untrusted[i+2:]...)
			break
		}
	}
	code, _, stderr = called(t, append([]string{"mappings", "list", "--user", "ADMIN"}, untrusted...)...)
	assert.Equal(t, exitInterrupted, code)
	assert.Contains(t, stderr, "certificate signed by unknown authority")
	assert.Contains(t, stderr, "--trust")
}

func TestExpiringWithoutMappings(t *testing.T) {
	t.Parallel()
	_, flags := managed(t, strings.Split(managedDocument, "mappings:")[0]+"users:"+strings.SplitAfter(managedDocument, "users:")[1])
	code, out, stderr := called(t, append([]string{"mappings", "expiring", "--user", "ADMIN"}, flags...)...)
	assert.Equal(t, exitInvocation, code, "nothing was looked at: no good news")
	assert.Empty(t, out)
	assert.Contains(t, stderr, "has no certificate-to-user mappings: is it the right tenant?")
	code, out, _ = called(t, append([]string{"mappings", "list", "--user", "ADMIN"}, flags...)...)
	assert.Equal(t, exitOK, code)
	assert.Equal(t, "no certificate is mapped to a user\n", out)
}

func TestExpiredMappingsAreRed(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	day := func(n int) *time.Time { at := now.AddDate(0, 0, n); return &at }
	left := func(n int) *int { return &n }
	text := mappingsText(mappingReport{Total: 3, Mappings: []mapping{
		{User: "GONE", ValidUntil: day(-1), DaysLeft: left(-1), State: mappingExpired},
		{User: "UNKNOWN\x1b[2J", State: mappingUnknown},
		{User: "LATER", ValidUntil: day(100), DaysLeft: left(100), State: mappingValid},
	}})
	red := bad.Render("GONE")
	assert.Contains(t, text, red[:strings.Index(red, "GONE")]+"GONE")
	assert.Contains(t, text, `UNKNOWN\u001b[2J`, "nothing from outside reaches the terminal as it is")
	assert.NotContains(t, text, red[:strings.Index(red, "GONE")]+"LATER")
	assert.Contains(t, text, "expired")
	assert.Contains(t, text, "100 days")
}

func TestParseWithin(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"30d": 30 * 24 * time.Hour, "6w": 42 * 24 * time.Hour, "12h": 12 * time.Hour, "0d": 0, "90m": 90 * time.Minute} {
		got, err := parseWithin(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "30", "d", "-1d", "-1h", "30 d", "1.5d", "99999999d", "4294967295w", "9999999h", "soon"} {
		_, err := parseWithin(text)
		assert.ErrorContains(t, err, "expected days, weeks or hours such as 30d, 6w or 12h", text)
	}
}
