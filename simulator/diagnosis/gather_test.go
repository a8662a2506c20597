package diagnosis

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"example.com/gatehouse/simulator/systemlog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var morning = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// logs writes log files by node.
type logs struct {
	t      *testing.T
	folder string
	files  map[string]*strings.Builder
}

func newLogs(t *testing.T) *logs {
	return &logs{t: t, folder: t.TempDir(), files: map[string]*strings.Builder{}}
}

func (l *logs) write(name, line string) {
	b := l.files[name]
	if b == nil {
		b = &strings.Builder{}
		l.files[name] = b
	}
	b.WriteString(line + "\n")
}

func (l *logs) call(node string, after time.Duration, change func(*systemlog.AccessLine)) {
	at := morning.Add(after)
	line := systemlog.AccessLine{
		LoadBalancer: "10.0.0.14", Client: "198.51.100.7", User: "WAREHOUSE", Time: at, Method: "POST", URI: "/http/orders",
		Status: 200, Bytes: 5, Duration: 3 * time.Millisecond, Host: "e100999-iflmap.hcisbt.eu1.hana.ondemand.com:443",
	}
	change(&line)
	l.write(systemlog.FileName(systemlog.HTTP, node, at), line.String())
}

func unauthorized(l *systemlog.AccessLine) { l.User, l.Status = "", 401 }
func welcomed(*systemlog.AccessLine)       {}

func (l *logs) pair(node, thread string, after time.Duration, subject string, code int) {
	at := morning.Add(after)
	r := systemlog.TraceRecord{Time: at, Logger: systemlog.AuthenticationFilter, Thread: thread}
	for _, text := range []string{systemlog.CertificateReceived(subject), systemlog.CertificateStatus(code)} {
		r.Text = text
		l.write(systemlog.FileName(systemlog.Trace, node, at), r.String())
	}
}

func (l *logs) report(beside ...func(*Evidence)) *Report {
	l.t.Helper()
	for name, b := range l.files {
		require.NoError(l.t, os.WriteFile(filepath.Join(l.folder, name), []byte(b.String()), 0o600))
	}
	e := Evidence{Logs: []string{l.folder}}
	for _, b := range beside {
		b(&e)
	}
	r, err := Diagnose(context.Background(), e, Options{Now: func() time.Time { return morning }})
	require.NoError(l.t, err)
	return r
}

func first(t *testing.T, c Case) string {
	t.Helper()
	f, ok := c.Likeliest()
	require.True(t, ok, c.What)
	return f.Cause.ID
}

const (
	nodeA = "aaaaaaa"
	nodeB = "bbbbbbb"
)

func TestRecordsGoWithTheCallOfTheirNodeAndSecond(t *testing.T) {
	t.Parallel()
	l := newLogs(t)
	l.call(nodeA, 0, unauthorized)
	l.call(nodeB, 0, unauthorized)
	l.call(nodeB, 5*time.Second, unauthorized)
	l.pair(nodeB, "exec-1", 0, "C=DE, CN=b", 18)
	l.pair(nodeA, "exec-1", 0, "C=DE, CN=a", 10)
	r := l.report()
	require.Len(t, r.Cases, 3)
	by := map[string]Case{}
	for _, c := range r.Cases {
		by[c.What[strings.LastIndex(c.What, ", ")+2:]] = c
	}
	assert.Contains(t, fmt.Sprint(by), "CN=a not accepted (verify result 10)")
	for _, c := range r.Cases {
		switch {
		case strings.Contains(c.What, "CN=a"):
			assert.Equal(t, []string{nodeA}, c.Nodes)
			require.Len(t, c.Journeys, 1)
			assert.Equal(t, 10, c.Journeys[0].Verification.Code)
			assert.Len(t, c.Journeys[0].Trace, 2)
		case strings.Contains(c.What, "CN=b"):
			assert.Equal(t, []string{nodeB}, c.Nodes)
			assert.Equal(t, "self-signed", first(t, c))
		default:
			assert.Equal(t, 1, c.Calls, "the call of the other second has no records")
		}
	}
}

func TestThreadsOfOneSecondAreKeptApart(t *testing.T) {
	t.Parallel()
	l := newLogs(t)
	l.call(nodeA, 0, unauthorized)
	l.call(nodeA, 0, func(a *systemlog.AccessLine) { unauthorized(a); a.Client = "198.51.100.8" })
	// The records of two threads stand between each other.
	at := morning
	for _, one := range []struct{ thread, text string }{
		{"exec-1", systemlog.CertificateReceived("CN=one")}, {"exec-2", systemlog.CertificateReceived("CN=two")},
		{"exec-1", systemlog.CertificateStatus(18)}, {"exec-2", systemlog.CertificateStatus(26)},
	} {
		l.write(systemlog.FileName(systemlog.Trace, nodeA, at), systemlog.TraceRecord{Time: at, Logger: systemlog.AuthenticationFilter, Thread: one.thread, Text: one.text}.String())
	}
	r := l.report()
	require.Len(t, r.Cases, 2)
	what := r.Cases[0].What + r.Cases[1].What
	assert.Contains(t, what, "CN=one not accepted (verify result 18)")
	assert.Contains(t, what, "CN=two not accepted (verify result 26)")
}

func TestALogInAnotherZoneIsMovedIfItFitsThen(t *testing.T) {
	t.Parallel()
	l := newLogs(t)
	for i := range 5 {
		at := time.Duration(i*i) * 37 * time.Second
		l.call(nodeA, at, unauthorized)
		l.pair(nodeA, "exec-1", at+2*time.Hour, "C=DE, CN=a", 18)
	}
	r := l.report()
	require.Len(t, r.Cases, 1)
	assert.Equal(t, "self-signed", first(t, r.Cases[0]))
	assert.Equal(t, 5, r.Cases[0].Calls)
	assert.Equal(t, 5, r.Summary.Calls, "what is read twice is counted once")
	assert.Contains(t, strings.Join(r.Notes, "\n"), "-2h0m0s between the two logs")

	// The good twin: with the zone told, nothing needs to be moved.
	told := newLogs(t)
	told.call(nodeA, 0, unauthorized)
	at := morning
	for _, text := range []string{systemlog.CertificateReceived("CN=a"), systemlog.CertificateStatus(18)} {
		told.write(systemlog.FileName(systemlog.Trace, nodeA, at), systemlog.TraceRecord{Time: at, Zone: "+0530", Thread: "exec-1", Text: text}.String())
	}
	r = told.report()
	assert.Equal(t, "self-signed", first(t, r.Cases[0]))
	assert.Empty(t, r.Notes)
}

func TestAChallengeThatIsAnsweredIsNoFault(t *testing.T) {
	t.Parallel()
	l := newLogs(t)
	for i := range 3 {
		l.call(nodeA, time.Duration(i)*time.Minute, unauthorized)
		// The answer of the challenge may reach another node.
		l.call(nodeB, time.Duration(i)*time.Minute+time.Second, welcomed)
	}
	r := l.report()
	require.Len(t, r.Cases, 1)
	assert.Equal(t, "challenge-answered", first(t, r.Cases[0]))
	assert.Equal(t, Certain, r.Cases[0].Causes[0].Likelihood)

	late := newLogs(t)
	late.call(nodeA, 0, unauthorized)
	late.call(nodeA, 5*time.Minute, welcomed)
	assert.NotEqual(t, "challenge-answered", first(t, late.report().Cases[0]), "five minutes later is no answer")
}

func TestATraceTextThatSpeaksOfARolePointsToIt(t *testing.T) {
	t.Parallel()
	forbidden := func(a *systemlog.AccessLine) { a.Status = 403 }
	silent := newLogs(t)
	silent.call(nodeA, 0, forbidden)
	assert.Contains(t, silent.report().Cases[0].Apart, "csrf-token-missing", "without the record it may be the token, too")
	l := newLogs(t)
	l.call(nodeA, 0, forbidden)
	l.write(systemlog.FileName(systemlog.Trace, nodeA, morning), systemlog.TraceRecord{Time: morning, Logger: "com.sap.x", Thread: "exec-1", Text: "User WAREHOUSE is not in role ESBMessaging.send"}.String())
	c := l.report().Cases[0]
	assert.Equal(t, "role-missing", first(t, c))
	assert.NotContains(t, c.Apart, "csrf-token-missing")
}

func TestManyFailuresAndClientsStayInBounds(t *testing.T) {
	t.Parallel()
	l := newLogs(t)
	for i := range mostGroups + 500 {
		l.call(nodeA, time.Duration(i)*time.Second, func(a *systemlog.AccessLine) {
			a.Status, a.URI, a.Client = 404, fmt.Sprintf("/http/x%d", i), fmt.Sprintf("198.51.%d.%d", i/200, i%200)
		})
	}
	r := l.report()
	assert.Len(t, r.Cases, DefaultCases)
	assert.Positive(t, r.MoreCases)
	assert.Equal(t, mostGroups+500, r.Summary.Refused)
	assert.Contains(t, strings.Join(r.Notes, "\n"), "went beyond")
}

func TestEverySummaryAddsUp(t *testing.T) {
	t.Parallel()
	l := newLogs(t)
	for i := range 100 {
		l.call(nodeA, time.Duration(i)*17*time.Minute, func(a *systemlog.AccessLine) {
			if i%4 == 0 {
				a.Status = 403
			}
			if i%10 == 1 {
				a.Method, a.URI, a.User = "GET", "/cxf/index.html", "tmn.example@CA"
			}
		})
	}
	r := l.report()
	s := r.Summary
	assert.Equal(t, 100, s.Calls)
	assert.Equal(t, 25, s.Refused)
	assert.Equal(t, 10, s.Pings)
	all, refused := 0, 0
	for _, step := range s.OverTime {
		all += step.Calls
		refused += step.Refused
	}
	assert.Equal(t, 100, all)
	assert.Equal(t, 25, refused)
	byCause, plotted := 0, 0
	for _, c := range s.ByCause {
		byCause += c.Calls
		for _, n := range c.OverTime {
			plotted += n
		}
	}
	assert.Equal(t, 25, byCause)
	assert.Equal(t, 25, plotted)
	bySender := 0
	for _, one := range s.BySender {
		bySender += one.Calls
	}
	assert.Equal(t, 90, bySender, "without the management node's calls")
	assert.LessOrEqual(t, len(s.OverTime), mostSteps+2)
}

func TestForeignAndTruncatedLogs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	line := "10.0.0.14 (198.51.100.8) - WAREHOUSE [23/Nov/2026:09:00:10 +0000] GET /http/orders HTTP/1.1 403 - 3 h.hana.ondemand.com:443 -\n"
	nginx := `198.51.100.8 - - [23/Nov/2026:09:00:10 +0000] "GET / HTTP/1.1" 403 153 "-" "curl/8"` + "\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "http_access_aaaaaaa_2026-11-23.log"), []byte(line+nginx+line[:60]), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "http_access_bbbbbbb_2026-11-23.log.gz"), []byte("\x1f\x8b\x08\x00broken"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "picture.png"), []byte("\x89PNG\r\n"), 0o600))
	r, err := Diagnose(context.Background(), Evidence{Logs: []string{dir}}, Options{})
	require.NoError(t, err)
	assert.Equal(t, 1, r.Read.AccessLines)
	assert.Equal(t, 2, r.Read.UnreadableLines)
	assert.Positive(t, r.Read.UnreadableFiles+len(r.Read.Skipped))
	assert.NotEmpty(t, r.Read.Examples)
	require.NotEmpty(t, r.Cases)

	_, err = Diagnose(context.Background(), Evidence{Logs: []string{filepath.Join(dir, "no-such")}}, Options{})
	require.ErrorIs(t, err, os.ErrNotExist)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	big := newLogs(t)
	for i := range 5000 {
		big.call(nodeA, time.Duration(i)*time.Second, welcomed)
	}
	big.report()
	_, err = Diagnose(ctx, Evidence{Logs: []string{big.folder}}, Options{})
	require.ErrorIs(t, err, context.Canceled)
}

func FuzzDiagnose(f *testing.F) {
	f.Add([]byte(pastedLine+"\n"+pastedRecord), []byte("curl: (7) Failed to connect"), 401)
	f.Add([]byte("10.0.0.14 - - [12/Apr/2021:00:00:03 +0000] POST /http/orders HTTP/1.1 401"), []byte("roles:\n  - {user: a, role: b}"), 403)
	f.Add([]byte("10.0.0.14 (x) - a@b [12/Apr/2021:00:00:03 +0000] HEAD /cxf/%00 HTTP/1.1 404 - 3 h -"), []byte("< HTTP/1.1 403\n> Cookie: BIGipServerx=%21"), 404)
	f.Fuzz(func(t *testing.T, log, other []byte, status int) {
		log = []byte(strings.ReplaceAll(string(log), " 401 ", fmt.Sprintf(" %03d ", min(max(status, 0), 999))))
		e := Evidence{Texts: []Text{{Name: "a", Data: log}, {Name: "b", Data: other}}}
		if a, err := ReadAssignments("b", other); err == nil {
			e.Assignments = a
		}
		r, err := Diagnose(context.Background(), e, Options{Now: func() time.Time { return morning }})
		require.NoError(t, err)
		for _, c := range r.Cases {
			for i, one := range c.Causes {
				require.NotEmpty(t, one.Fix)
				require.NotEmpty(t, one.Likelihood)
				if i > 0 {
					require.LessOrEqual(t, one.rank(), c.Causes[i-1].rank())
				}
			}
		}
		var page strings.Builder
		require.NoError(t, WriteHTML(&page, r))
		require.NotContains(t, page.String(), "\x1b")
	})
}
