package simulator_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/journey"
)

// way is one way to be let in or refused, the same for every client.
type way struct {
	// title stands in the page, meaning says what is behind it and what to do.
	title, meaning string
	// certificate names what the client has; keyless: without the private key; keyOf: with that of
	// another certificate.
	certificate, keyOf string
	keyless            bool
	// host and path are what is called, trust what the client trusts.
	host, path, trust string
	// status is what the tenant answers; 0: the call ends before.
	status int
	// reason is what the landscape's record says. Empty with status 0: the client itself does not
	// begin.
	reason journey.Reason
	// unknownIssuer: the client has no chain to a CA that the load balancer names.
	unknownIssuer bool
	// result is the verify result.
	result int
}

const (
	tenantHost  = "tenant.example"
	demandsHost = "demands.example"
)

var waysIn = []way{
	{title: "whole chain", meaning: "Everything is right.", certificate: "warehouse", status: 200},
	{title: "without its intermediate certificates", meaning: "The load balancer holds roots only and cannot build the chain: send it whole.",
		certificate: "alone", unknownIssuer: true, status: 401, reason: journey.CertificateNotAccepted, result: 20},
	{title: "no certificate", meaning: "The client has none, or did not offer it. Nothing but the 401 tells.", status: 401, reason: journey.NoIdentity},
	{title: "expired certificate", meaning: "Renew it, and map the renewed one.", certificate: "lapsed", status: 401, reason: journey.CertificateNotAccepted, result: 10},
	{title: "server certificate", meaning: "It lacks the extended key usage clientAuth: ask the CA for a client certificate.", certificate: "server", status: 401, reason: journey.CertificateNotAccepted, result: 26},
	{title: "self-signed certificate", meaning: "Self-signed certificates are never accepted.", certificate: "selfmade", unknownIssuer: true, status: 401, reason: journey.CertificateNotAccepted, result: 18},
	{title: "certificate of an unknown CA", meaning: "The root is not on the list of supported ones.", certificate: "stranger", unknownIssuer: true, status: 401, reason: journey.CertificateNotAccepted, result: 20},
	{title: "not mapped", meaning: "The certificate is accepted; add it to the certificate-to-user mapping.", certificate: "unmapped", status: 403, reason: journey.NotMapped},
	{title: "role missing", meaning: "The mapped user lacks the channel's role on the worker node's application.", certificate: "roleless", status: 403, reason: journey.RoleMissing},
	{title: "wrong path", meaning: "Nothing is deployed there: look at case and at the prefix /http.", certificate: "warehouse", path: "/orders", status: 404, reason: journey.NothingDeployed},
	{title: "custom domain that demands a certificate, with one", meaning: "Everything is right.", certificate: "warehouse", host: demandsHost, status: 200},
	{title: "custom domain that demands a certificate, without one", meaning: "The load balancer ends the handshake; there is no log line.", host: demandsHost, reason: journey.CertificateRequired},
	{title: "custom domain that demands a certificate, with an expired one", meaning: "The load balancer ends the handshake; there is no log line.", certificate: "lapsed", host: demandsHost, reason: journey.CertificateRequired, result: 10},
	{title: "load balancer not trusted", meaning: "The client does not trust the load balancer's root: put it into the trust store.", certificate: "warehouse", trust: "other-root", reason: journey.SenderEndedHandshake},
	{title: "host name not in the server's certificate", meaning: "Call the host by a name that its certificate has.", certificate: "warehouse", host: "wrong.example", reason: journey.SenderEndedHandshake},
	{title: "certificate without private key", meaning: "The sender was given the public part only: give it the key pair.", certificate: "warehouse", keyless: true},
	{title: "private key of another certificate", meaning: "Certificate and private key must be made together.", certificate: "warehouse", keyOf: "unmapped"},
}

func (w way) withDefaults() way {
	if w.host == "" {
		w.host = tenantHost
	}
	if w.path == "" {
		w.path = "/http/orders"
	}
	return w
}

func clientsLandscape() simulator.Landscape {
	client := func(name, defect string) pki.Description {
		return pki.Description{Name: name, Like: "warehouse", Subject: "CN=" + name + ".example, O=Example, C=DE", Defect: defect}
	}
	return simulator.Landscape{
		Tenant: simulator.Tenant{Host: tenantHost},
		PKI: []pki.Description{
			{Name: "example-root", Subject: "CN=Example Root CA, O=Example, C=DE", CA: true},
			{Name: "example-issuing", Subject: "CN=Example Issuing CA, O=Example, C=DE", Issuer: "example-root", CA: true},
			{Name: "other-root", Subject: "CN=Other Root CA, O=Example, C=DE", CA: true},
			{Name: "warehouse", Issuer: "example-issuing", Subject: "CN=warehouse.example, O=Example, C=DE"},
			client("alone", "chain-not-sent"), client("lapsed", "expired"), client("server", "server-only"),
			client("selfmade", "self-signed"), client("stranger", "unknown-ca"), client("unmapped", ""), client("roleless", ""),
		},
		LoadBalancer: simulator.LoadBalancer{
			Trust:   []string{"example-root"},
			Domains: []simulator.Domain{{Host: demandsHost, Mode: "require", Trust: []string{"example-root"}}},
		},
		Channels: []simulator.Channel{{Address: "/http/orders", CSRFProtected: new(bool)}},
		Mappings: []simulator.Mapping{{Certificate: "warehouse", User: "WAREHOUSE"}, {Certificate: "roleless", User: "NOROLE"}},
		Roles:    []simulator.Role{{User: "WAREHOUSE", Role: "ESBMessaging.send"}},
	}
}

// Real programs call the landscape in the same table of ways. What becomes of each call is what the
// landscape says, and what the program tells its user is kept as a page.
func TestRealSenders(t *testing.T) {
	sim := simulator.New(t, clientsLandscape())
	files := writeClientFiles(t, sim)
	var pages []clientPage
	for _, c := range clients {
		t.Run(c.name, func(t *testing.T) {
			c.require(t)
			page := clientPage{name: c.name, version: c.version(t)}
			call := c.start(t, files)
			for _, w := range waysIn {
				w := w.withDefaults()
				if c.onlyIfIssuerNamed && w.unknownIssuer {
					// The load balancer names the roots it holds, and such a client keeps its
					// certificate back if it does not come from one of them.
					w.reason, w.result = journey.NoIdentity, 0
					w.meaning = "The client did not send the certificate, since the load balancer named no CA that it comes from: " + w.meaning
				}
				if c.cannot != nil && c.cannot(w) {
					page.rows = append(page.rows, clientRow{way: w, said: "(this client cannot be set up so)"})
					continue
				}
				before := len(sim.Journeys().All())
				said := call(w)
				page.rows = append(page.rows, clientRow{way: w, said: said})
				status := 0
				_, _ = fmt.Sscanf(said, "HTTP %d", &status)
				if w.keyless && c.sendsNothingWithoutKey {
					assert.Equal(t, 401, status, "%s: %s", w.title, said)
					continue
				}
				assert.Equal(t, w.status, status, "%s: %s", w.title, said)
				if w.status == 0 && w.reason == journey.SenderEndedHandshake || w.reason == "" && w.status == 0 {
					// The client ended it. With TLS 1.3 it may have done so after the handshake, without
					// a call, and the landscape has nothing to record.
					assert.NotEmpty(t, said, w.title)
					continue
				}
				j := lastJourney(t, sim, before, w.title)
				stop, refused := j.Cause()
				assert.Equal(t, w.status != 200, refused, "%s: %s", w.title, said)
				assert.Equal(t, w.reason, stop.Reason, "%s: %s", w.title, said)
				assert.Equal(t, w.result, j.Verification.Code, w.title)
			}
			pages = append(pages, page)
		})
	}
	if len(pages) == len(clients) {
		checkClientsPage(t, pages)
	}
}

// lastJourney waits for the record of the call that was just made.
func lastJourney(t *testing.T, sim *simulator.Simulator, before int, title string) journey.Journey {
	t.Helper()
	require.Eventually(t, func() bool { return len(sim.Journeys().All()) > before }, simulator.JourneyLimit, time.Millisecond, "the landscape kept no record of the call: %s", title)
	all := sim.Journeys().All()
	return all[len(all)-1]
}

type clientRow struct {
	way  way
	said string
}

type clientPage struct {
	name, version string
	rows          []clientRow
}

// checkClientsPage compares docs/clients.md with what the programs said, or writes it. What a
// program says differs between its versions: such a program is compared by the outcomes alone,
// which the test has done already.
func checkClientsPage(t *testing.T, pages []clientPage) {
	var b strings.Builder
	b.WriteString("<!-- Made by \"make docs\": do not edit. -->\n\n# What your client says and what it means\n\n")
	b.WriteString("Each program called the simulated tenant in the same ways. What it told its user stands behind the\nway; blanks and what differs from call to call are shortened.\n")
	for _, p := range pages {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| way | what it says | what it means |\n|---|---|---|\n", p.name, p.version)
		for _, r := range p.rows {
			meaning := r.way.meaning
			if r.way.result != 0 {
				meaning += fmt.Sprintf(" Verify result %d.", r.way.result)
			}
			fmt.Fprintf(&b, "| %s | `%s` | %s |\n", r.way.title, strings.NewReplacer("|", "¦", "`", "'").Replace(r.said), meaning)
		}
	}
	file := filepath.Join("..", "docs", "clients.md")
	if os.Getenv("GATEHOUSE_DOCS") == "write" {
		require.NoError(t, os.WriteFile(file, []byte(b.String()), 0o644))
	}
	have, err := os.ReadFile(file)
	require.NoError(t, err)
	kept := sections(strings.ReplaceAll(string(have), "\r\n", "\n"))
	for name, text := range sections(b.String()) {
		version, _, _ := strings.Cut(text, "\n\n|")
		if had, _, _ := strings.Cut(kept[name], "\n\n|"); had != version && kept[name] != "" {
			t.Logf("docs/clients.md was made with another version of %s: only the outcomes were compared", name)
			continue
		}
		assert.Equal(t, kept[name], text, "docs/clients.md is stale: run make docs")
	}
}

func sections(page string) map[string]string {
	out := map[string]string{}
	for i, part := range strings.Split(page, "\n## ") {
		name, text, _ := strings.Cut(part, "\n\n")
		if i == 0 {
			name = "the beginning"
		}
		out[name] = strings.TrimSpace(text)
	}
	return out
}
