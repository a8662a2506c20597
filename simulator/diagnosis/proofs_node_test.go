package diagnosis_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/diagnosis"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/systemlog"
)

// traceInstead makes of the last call's line one of a certificate that was refused with the
// verify result, with its two records.
func (r *run) traceInstead(code int) {
	r.t.Helper()
	node := r.last().Journey.Node
	now := r.last().Journey.Started
	file := filepath.Join(r.sim.LogFolder(), systemlog.FileName(systemlog.HTTP, node, now))
	data, err := os.ReadFile(file)
	require.NoError(r.t, err)
	var changed bytes.Buffer
	var at time.Time
	for line, err := range systemlog.ReadAccess(bytes.NewReader(data)) {
		require.NoError(r.t, err)
		line.User, line.Status, line.Bytes = "", 401, 5
		at = line.Time
		changed.WriteString(line.String() + "\n")
	}
	require.NoError(r.t, os.WriteFile(file, changed.Bytes(), 0o600))
	w, err := systemlog.New(r.sim.LogFolder(), node, func() time.Time { return at })
	require.NoError(r.t, err)
	record := systemlog.TraceRecord{Time: at, Logger: systemlog.AuthenticationFilter, Thread: "https-jsse-nio-8041-exec-7"}
	received, status := record, record
	received.Text, status.Text = systemlog.CertificateReceived("C=DE, O=Example, CN=warehouse.example"), systemlog.CertificateStatus(code)
	require.NoError(r.t, w.Trace(received, status))
	require.NoError(r.t, w.Close())
}

func withoutCertificate(change func(s *simulator.Sender)) func(*simulator.Landscape) {
	return func(l *simulator.Landscape) {
		l.Senders[0].Certificate = ""
		if change != nil {
			change(&l.Senders[0])
		}
	}
}

func password(user, word string) func(*simulator.Landscape) {
	return withoutCertificate(func(s *simulator.Sender) { s.User, s.Password = user, word })
}

// nodeProofs are those of calls that the runtime node does not recognise.
func nodeProofs() []proof {
	return []proof{
		{
			id: "challenge-answered", calls: ordinary("warehouse"),
			landscape: withoutCertificate(func(s *simulator.Sender) { s.User, s.WaitsForChallenge = "BOB", true }),
		},
		{
			id: "no-certificate-sent", reason: journey.NoIdentity, calls: ordinary("warehouse"), beside: withCurl,
			landscape: withoutCertificate(nil),
		},
		{
			id: "public-part-only", reason: journey.NoIdentity, landscape: nil,
			calls: func(r *run) {
				one := r.sim.NewSender("postman", r.certificate("warehouse"))
				one.Keystore.Key = nil
				r.callWith(one, "/http/orders")
			},
			beside: both(withCurl, func(r *run, e *diagnosis.Evidence) {
				e.Sender, e.Trust = r.store(r.certificate("warehouse").Presented(), nil), r.trusts("root")
			}),
		},
		{
			id: "issuer-not-named", reason: journey.NoIdentity, calls: ordinary("warehouse"), beside: both(withCurl, withWholeChain("other", "root")),
			landscape: func(l *simulator.Landscape) {
				below("CN=Corporate Root CA, O=Corporation, C=DE", "CN=warehouse.example, O=Example, C=DE")(l)
				l.Senders[0].OnlyIfIssuerNamed = true
			},
		},
		{
			id: "domain-never-asks", reason: journey.NoIdentity, beside: withCurl, landscape: domain("none"),
			calls: func(r *run) { r.call("warehouse", "/http/orders", onDomain(r)) },
		},
		{
			id: "trailing-space", reason: journey.TrailingSpaceInCN, calls: ordinary("warehouse"),
			landscape: broken("trailing-space-cn"), beside: withChain("broken", "root"),
		},
		{
			id: "session-without-certificate",
			calls: func(r *run) {
				r.call("warehouse", "/http/orders")
				r.sim.Clock().Advance(5 * time.Minute)
				r.call("nobody", "/http/orders")
				r.sim.Clock().Advance(5 * time.Minute)
				r.call("warehouse", "/http/orders")
			},
		},
		{
			id: "wrong-password", reason: journey.PasswordWrong, calls: ordinary("warehouse"),
			landscape: password("BOB", "wrong"), beside: withLogon("BOB"),
		},
		{
			id: "user-unknown", reason: journey.UserUnknown, calls: ordinary("warehouse"),
			landscape: password("CAROL", "wrong"), beside: withLogon("CAROL"),
		},
		{
			id: "mapping-user-with-password", reason: journey.UserOnlyInMapping, calls: ordinary("warehouse"),
			landscape: password("WAREHOUSE", "opensesame"), beside: withLogon("WAREHOUSE"),
		},
		{
			id: "credential-artifact", reason: journey.UserOnlyInCredentials, calls: ordinary("warehouse"),
			landscape: func(l *simulator.Landscape) {
				password("CALLER", "opensesame")(l)
				l.Credentials = []simulator.Credential{{Name: "CALLER", Password: "opensesame"}}
			},
			beside: withLogon("CALLER"),
		},
		{
			id: "other-environment", reason: journey.UserUnknown, calls: ordinary("warehouse"),
			landscape: password("sb-0f0f-clone!b1", "secret"), beside: withLogon("sb-0f0f-clone!b1"),
		},
		{
			id: "token-not-valid", reason: journey.TokenNotValid,
			calls: func(r *run) {
				one := r.sim.NewSender("oauth", nil)
				one.Bearer = "no-such-token"
				r.callWith(one, "/http/orders")
			},
			beside: func(r *run, e *diagnosis.Evidence) {
				text := strings.Replace(curl(r.last()), "> Host:", "> Authorization: Bearer abc\n> Host:", 1)
				e.Texts = append(e.Texts, diagnosis.Text{Name: "curl.txt", Data: []byte(text)})
			},
		},
		{
			id: "nothing-deployed", reason: journey.NothingDeployed, beside: withChannels,
			calls: func(r *run) { r.call("warehouse", "/http/invoices") },
		},
		{
			id: "path-lacks-prefix", reason: journey.NothingDeployed,
			calls: func(r *run) { r.call("warehouse", "/orders") },
		},
		{
			id: "path-other-case", reason: journey.NothingDeployed, beside: withChannels,
			calls: func(r *run) { r.call("warehouse", "/cxf/Stock") },
		},
		{
			id: "path-below-address", reason: journey.NothingDeployed, beside: withChannels,
			calls: func(r *run) { r.call("warehouse", "/http/orders/4711") },
		},
		{
			id: "flow-undeployed", reason: journey.NothingDeployed,
			calls: func(r *run) {
				r.call("warehouse", "/http/orders")
				r.sim.Clock().Advance(time.Hour)
				r.update(func(l *landscapeState) { l.Channels = l.Channels[1:] })
				r.call("warehouse", "/http/orders")
			},
		},
		{
			id: "ping-405", reason: journey.MethodNotAllowed,
			calls: func(r *run) { r.call("warehouse", "/cxf/stock", method("HEAD")) },
		},
		{
			id: "method-not-allowed",
			// The simulator's channels take every method but HEAD: the line is that of a channel that
			// takes no GET.
			calls: func(r *run) {
				r.call("warehouse", "/http/orders", method("GET"))
				r.rewrite(func(l *systemlog.AccessLine) { l.Status = 405 })
			},
		},
		{
			id: "flow-restarting", reason: journey.FlowRestarting,
			calls: func(r *run) {
				require.NoError(r.t, r.sim.Tenant().Deploy("/http/orders", time.Hour))
				r.call("warehouse", "/http/orders")
			},
		},
	}
}

// rewrite changes all access log lines.
func (r *run) rewrite(change func(*systemlog.AccessLine)) {
	r.t.Helper()
	files, err := filepath.Glob(filepath.Join(r.sim.LogFolder(), "http_access_*"))
	require.NoError(r.t, err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(r.t, err)
		var out bytes.Buffer
		for line, err := range systemlog.ReadAccess(bytes.NewReader(data)) {
			require.NoError(r.t, err)
			change(&line)
			out.WriteString(line.String() + "\n")
		}
		require.NoError(r.t, os.WriteFile(file, out.Bytes(), 0o600))
	}
}

// renewed adds a certificate with the names of the warehouse's, which the sender uses from now on.
func renewed(l *simulator.Landscape) {
	l.PKI = append(l.PKI, pki.Description{Name: "renewed", Like: "warehouse"})
	l.Senders = append(l.Senders, simulator.Sender{Name: "renewed", Certificate: "renewed"})
}

// forget removes the log files of a node: nobody downloaded them.
func (r *run) forget(node string) { r.remove("*_" + node + "_*") }

// forgetDay removes the log files of a day.
func (r *run) forgetDay(day time.Time) { r.remove("*_" + day.UTC().Format(time.DateOnly) + ".log") }

func (r *run) remove(pattern string) {
	r.t.Helper()
	files, err := filepath.Glob(filepath.Join(r.sim.LogFolder(), pattern))
	require.NoError(r.t, err)
	require.NotEmpty(r.t, files)
	for _, file := range files {
		require.NoError(r.t, os.Remove(file))
	}
}
