package diagnosis_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/check"
	"example.com/gatehouse/pki/keystore"
	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/diagnosis"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/sender"
	"example.com/gatehouse/simulator/systemlog"
)

// proof makes a cause with the simulator. What it left in the logs is all that the diagnosis gets
// at first; then it gets what the catalogue names beside that.
type proof struct {
	id string
	// landscape changes the good landscape into one that has the cause.
	landscape func(l *simulator.Landscape)
	// calls makes it.
	calls func(r *run)
	// reason is what the simulator's own record must say: the cause was really made. Empty: it is
	// looked at elsewhere.
	reason journey.Reason
	// beside is the evidence beside the logs.
	beside func(r *run, e *diagnosis.Evidence)
	// apart: even with it the cause cannot be told from others.
	apart bool
}

// run is a landscape in which a proof makes its calls.
type run struct {
	t       *testing.T
	sim     *simulator.Simulator
	results []simulator.Outcome
	extra   map[string]string // free texts of a proof
}

func goodLandscape() simulator.Landscape {
	off := false
	return simulator.Landscape{
		PKI: []pki.Description{
			{Name: "root", Subject: "CN=Example Root CA, O=Example, C=DE", CA: true},
			{Name: "issuing", Subject: "CN=Example Issuing CA, O=Example, C=DE", Issuer: "root", CA: true},
			{Name: "warehouse", Subject: "CN=warehouse.example, O=Example, C=DE", Issuer: "issuing"},
			{Name: "shop", Subject: "CN=shop.example, O=Example, C=DE", Issuer: "issuing"},
			{Name: "stranger-root", Subject: "CN=Stranger Root CA, O=Stranger, C=DE", CA: true},
		},
		LoadBalancer: simulator.LoadBalancer{Trust: []string{"root"}},
		Channels: []simulator.Channel{
			{Address: "/http/orders", CSRFProtected: &off},
			{Address: "/cxf/stock"},
		},
		Mappings: []simulator.Mapping{{Certificate: "warehouse", User: "WAREHOUSE"}},
		Users:    []simulator.User{{Name: "alice@example.com", Password: "opensesame"}, {Name: "BOB", Password: "opensesame"}},
		Roles: []simulator.Role{
			{User: "WAREHOUSE", Role: "ESBMessaging.send"}, {User: "BOB", Role: "ESBMessaging.send"},
		},
		Senders: []simulator.Sender{{Name: "warehouse", Certificate: "warehouse"}, {Name: "shop", Certificate: "shop"}, {Name: "nobody"}},
	}
}

// call lets a sender of the landscape call.
func (r *run) call(name, path string, change ...func(*sender.Call)) simulator.Outcome {
	r.t.Helper()
	one, err := r.sim.Sender(name)
	require.NoError(r.t, err)
	return r.callWith(one, path, change...)
}

func (r *run) callWith(one *sender.Sender, path string, change ...func(*sender.Call)) simulator.Outcome {
	r.t.Helper()
	call := sender.Call{URL: path, Method: "POST", Body: []byte("<order/>")}
	for _, c := range change {
		c(&call)
	}
	if call.Method == "GET" || call.Method == "HEAD" {
		call.Body = nil
	}
	outcome, err := r.sim.Call(r.t.Context(), one, call)
	require.NoError(r.t, err)
	r.results = append(r.results, outcome)
	return outcome
}

func (r *run) last() simulator.Outcome { return r.results[len(r.results)-1] }

func method(m string) func(*sender.Call) { return func(c *sender.Call) { c.Method = m } }

func (r *run) certificate(name string) *pki.Certificate {
	c, ok := r.sim.Certificates().Get(name)
	require.True(r.t, ok, name)
	return c
}

// store is the sender's keystore file: the chain as given, with or without the key.
func (r *run) store(chain [][]byte, key *pki.Certificate) *diagnosis.Chain {
	r.t.Helper()
	var data []byte
	for _, der := range chain {
		data = append(data, pemOf(der)...)
	}
	if key != nil {
		k, err := keystore.KeyPEM(key.Key())
		require.NoError(r.t, err)
		data = append(data, k...)
	}
	store, err := keystore.Read(data, "")
	if err != nil {
		store, err = keystore.Inspect(data, "")
	}
	require.NoError(r.t, err)
	return &diagnosis.Chain{Name: "chain.pem", Store: store}
}

// trusts are the roots that the load balancer trusts, as evidence.
func (r *run) trusts(names ...string) *check.Trust {
	var out check.Trust
	for _, name := range names {
		out.Certificates = append(out.Certificates, r.certificate(name).DER())
	}
	return &out
}

// withChain gives the chain of a certificate: as it should be presented, and its key.
func withChain(name string, trust ...string) func(*run, *diagnosis.Evidence) {
	return func(r *run, e *diagnosis.Evidence) {
		c := r.certificate(name)
		e.Sender, e.Trust = r.store(c.Presented(), c), r.trusts(trust...)
	}
}

// curl tells of the last call as curl -v does.
func withCurl(r *run, e *diagnosis.Evidence) {
	e.Texts = append(e.Texts, diagnosis.Text{Name: "curl.txt", Data: []byte(curl(r.last()))})
}

func curl(o simulator.Outcome) string {
	var b strings.Builder
	result := o.Result
	host := "e100999-iflmap.hcisbt.eu1.hana.ondemand.com"
	if result.TLS.ServerName != "" {
		host = result.TLS.ServerName
	}
	name := x509.HostnameError{}
	unknown := x509.UnknownAuthorityError{}
	dns := (*net.DNSError)(nil)
	switch {
	case result.Stage == sender.StageDial && errors.As(result.Err, &dns):
		return "* Could not resolve host: nosuchhost.invalid\ncurl: (6) Could not resolve host: nosuchhost.invalid\n"
	case result.Stage == sender.StageDial:
		return "* connect to 127.0.0.1 port 443 from 127.0.0.1 port 45032 failed: Connection refused\ncurl: (7) Failed to connect to 127.0.0.1 port 443 after 0 ms: Could not connect to server\n"
	}
	fmt.Fprintf(&b, "* Connected to %s (127.0.0.1) port 443\n* ALPN: curl offers h2,http/1.1\n* TLSv1.3 (OUT), TLS handshake, Client hello (1):\n", host)
	switch {
	case errors.As(result.Err, &name):
		b.WriteString("* SSL: no alternative certificate subject name matches target host name 'wrong.example'\ncurl: (60) SSL: no alternative certificate subject name matches target host name 'wrong.example'\n")
		return b.String()
	case errors.As(result.Err, &unknown):
		b.WriteString("* TLSv1.3 (OUT), TLS alert, unknown CA (560):\n* SSL certificate problem: unable to get local issuer certificate\ncurl: (60) SSL certificate problem: unable to get local issuer certificate\n")
		return b.String()
	case result.Alert != nil && result.Alert.From == journey.LoadBalancerSide:
		fmt.Fprintf(&b, "* OpenSSL SSL_read: OpenSSL/3.0.17: error:0A000%03X:SSL routines::tlsv13 alert %s, SSL alert number %d, errno 0\n", 1000+int(result.Alert.Number), strings.ReplaceAll(result.Alert.Name, "_", " "), result.Alert.Number)
		fmt.Fprintf(&b, "curl: (56) OpenSSL SSL_read: tlsv13 alert %s\n", strings.ReplaceAll(result.Alert.Name, "_", " "))
		return b.String()
	case result.Err != nil && strings.Contains(result.Err.Error(), "first record does not look like a TLS handshake"):
		b.WriteString("* TLS connect error: error:0A00010B:SSL routines::wrong version number\ncurl: (35) TLS connect error: error:0A00010B:SSL routines::wrong version number\n")
		return b.String()
	case result.Err != nil:
		fmt.Fprintf(&b, "curl: (35) %v\n", result.Err)
		return b.String()
	}
	if result.CertificateAsked {
		b.WriteString("* TLSv1.3 (IN), TLS handshake, Request CERT (13):\n* TLSv1.3 (OUT), TLS handshake, Certificate (11):\n")
		if result.CertificateSent {
			b.WriteString("* TLSv1.3 (OUT), TLS handshake, CERT verify (15):\n")
		}
	}
	b.WriteString("* SSL certificate verify ok.\n")
	path := strings.TrimPrefix(result.URL, "https://")
	path = path[strings.Index(path, "/"):]
	fmt.Fprintf(&b, "> %s %s HTTP/1.1\n> Host: %s\n", result.Method, path, host)
	fmt.Fprintf(&b, "< HTTP/1.1 %d\n", result.Status)
	fmt.Fprintf(&b, "< Date: %s\n", result.At.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT"))
	if result.Header.Get("X-CSRF-Token") != "" {
		fmt.Fprintf(&b, "< X-CSRF-Token: %s\n", result.Header.Get("X-CSRF-Token"))
	}
	return b.String()
}

// withLogon tells of the last call as curl -v -u user does, and gives the landscape's users.
func withLogon(user string) func(*run, *diagnosis.Evidence) {
	return func(r *run, e *diagnosis.Evidence) {
		text := strings.Replace(curl(r.last()), "> Host:", "* Server auth using Basic with user '"+user+"'\n> Authorization: Basic b3BlbnNlc2FtZQ==\n> Host:", 1)
		e.Texts = append(e.Texts, diagnosis.Text{Name: "curl.txt", Data: []byte(text)})
		withAssignments(r, e)
	}
}

func withAssignments(r *run, e *diagnosis.Evidence) {
	e.Assignments = diagnosis.AssignmentsOf(r.sim.Tenant().Config())
}

func withChannels(r *run, e *diagnosis.Evidence) {
	e.Channels = append(e.Channels, r.sim.Tenant().Config().Channels...)
}

func both(parts ...func(*run, *diagnosis.Evidence)) func(*run, *diagnosis.Evidence) {
	return func(r *run, e *diagnosis.Evidence) {
		for _, p := range parts {
			p(r, e)
		}
	}
}

func withMapped(name string) func(*run, *diagnosis.Evidence) {
	return func(r *run, e *diagnosis.Evidence) {
		e.Mapped = append(e.Mapped, diagnosis.Mapped{Name: name + ".cer", DER: r.certificate(name).DER()})
	}
}

// logsOf copies the logs of a landscape as a real tenant would have them: without the texts of the
// trace that the simulator words itself.
func logsOf(t *testing.T, sim *simulator.Simulator) string {
	t.Helper()
	dir := t.TempDir()
	files, err := os.ReadDir(sim.LogFolder())
	require.NoError(t, err)
	for _, f := range files {
		data, err := os.ReadFile(filepath.Join(sim.LogFolder(), f.Name()))
		require.NoError(t, err)
		if strings.HasPrefix(f.Name(), "ljs_trace_") {
			var kept bytes.Buffer
			for r, err := range systemlog.ReadTrace(bytes.NewReader(data)) {
				require.NoError(t, err)
				// One text of its loggers is a confirmed one.
				if _, _, confirmed := systemlog.ParseNotInTable(r.Text); confirmed || !strings.HasPrefix(r.Logger, "gatehouse.") {
					kept.WriteString(r.String() + "\n")
				}
			}
			data = kept.Bytes()
		}
		require.NoError(t, os.WriteFile(filepath.Join(dir, f.Name()), data, 0o600))
	}
	return dir
}

// placed is where a cause stands in a report.
type placed int

const (
	unlisted placed = iota
	listed          // somewhere among the causes
	tied            // among those that cannot be told apart, which are stated
	first           // alone in front
)

func placeOf(r *diagnosis.Report, id string) placed {
	best := unlisted
	for _, c := range r.Cases {
		for i, f := range c.Causes {
			if f.Cause.ID != id {
				continue
			}
			at := listed
			switch {
			case i == 0 && len(c.Apart) == 0:
				at = first
			case slices.Contains(c.Apart, id):
				at = tied
			}
			best = max(best, at)
		}
	}
	return best
}

func (p proof) run(t *testing.T) (alone, together *diagnosis.Report) {
	t.Helper()
	l := goodLandscape()
	if p.landscape != nil {
		p.landscape(&l)
	}
	require.NoError(t, l.Validate())
	sim := simulator.New(t, l)
	r := &run{t: t, sim: sim, extra: map[string]string{}}
	p.calls(r)
	if p.reason != "" {
		cause, refused := r.last().Journey.Cause()
		require.True(t, refused, "control: the call was refused")
		require.Equal(t, p.reason, cause.Reason, "control: the simulator made this cause; %s", cause.Decided)
	}
	evidence := diagnosis.Evidence{}
	if logs := logsOf(t, sim); r.extra["no logs"] == "" {
		evidence.Logs = []string{logs}
	}
	now := func() time.Time { return sim.Clock().Now() }
	alone = diagnose(t, evidence, now)
	if p.beside == nil {
		return alone, alone
	}
	p.beside(r, &evidence)
	return alone, diagnose(t, evidence, now)
}

func diagnose(t *testing.T, e diagnosis.Evidence, now func() time.Time) *diagnosis.Report {
	t.Helper()
	empty := true
	for _, dir := range e.Logs {
		files, err := os.ReadDir(dir)
		require.NoError(t, err)
		empty = empty && len(files) == 0
	}
	if empty {
		// A landscape that nobody reached has no log file: the tenant's folder has an empty one.
		for _, dir := range e.Logs {
			name := systemlog.FileName(systemlog.HTTP, systemlog.NodeID("e100999", 1), now())
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
		}
	}
	report, err := diagnosis.Diagnose(context.Background(), e, diagnosis.Options{Now: now})
	require.NoError(t, err)
	return report
}

func TestEveryCauseIsFound(t *testing.T) {
	t.Parallel()
	proofs := slices.Concat(senderProofs(), chainProofs(), nodeProofs(), authorizationProofs(), otherProofs())
	var ids []string
	for _, c := range diagnosis.Causes() {
		ids = append(ids, c.ID)
	}
	var proved []string
	for _, p := range proofs {
		proved = append(proved, p.id)
	}
	assert.ElementsMatch(t, ids, proved, "each cause has one proof")
	assert.GreaterOrEqual(t, len(ids), 40)

	results := make([][2]placed, len(proofs))
	t.Run("proofs", func(t *testing.T) {
		for i, p := range proofs {
			t.Run(p.id, func(t *testing.T) {
				t.Parallel()
				alone, together := p.run(t)
				results[i] = [2]placed{placeOf(alone, p.id), placeOf(together, p.id)}
				cause, _ := diagnosis.ByID(p.id)
				assert.GreaterOrEqual(t, results[i][0], tied, "with the logs alone it is first, or stated as not to be told apart:\n%s", told(alone))
				want := first
				if p.apart {
					want = tied
				}
				assert.GreaterOrEqual(t, results[i][1], want, "with %s it is first:\n%s", or(cause.Needs, "the logs"), told(together))
				if p.beside != nil {
					assert.NotEmpty(t, cause.Needs, "the catalogue says what is needed")
				}
			})
		}
	})
	count := func(which int, at placed) (n int) {
		for _, r := range results {
			if r[which] >= at {
				n++
			}
		}
		return n
	}
	n := len(proofs)
	t.Logf("%d causes. Logs alone, without texts of the simulator's own: first %d (%.0f %%), first or stated as not to be told apart %d (%.0f %%). With the evidence that the catalogue names: first %d (%.1f %%), listed %d (%.0f %%).",
		n, count(0, first), percent(count(0, first), n), count(0, tied), percent(count(0, tied), n),
		count(1, first), percent(count(1, first), n), count(1, listed), percent(count(1, listed), n))
	assert.GreaterOrEqual(t, percent(count(1, first), n), 95.0)
	assert.Equal(t, n, count(1, listed))
	assert.Equal(t, n, count(0, tied))
}

func percent(n, of int) float64 { return 100 * float64(n) / float64(of) }

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// told lists what a report says, for a test that failed.
func told(r *diagnosis.Report) string {
	var b strings.Builder
	for _, c := range r.Cases {
		fmt.Fprintf(&b, "%s (%d calls), cannot be told apart: %v\n", c.What, c.Calls, c.Apart)
		for _, f := range c.Causes {
			fmt.Fprintf(&b, "  %s %s for %v against %v\n", f.Cause.ID, f.Likelihood, points(f.For), points(f.Against))
		}
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "note %s\n", n)
	}
	return b.String()
}

func points(all []diagnosis.Point) (out []string) {
	for _, p := range all {
		out = append(out, p.Text)
	}
	return out
}

func pemOf(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
