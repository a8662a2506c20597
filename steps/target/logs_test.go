package target

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/sender"
	"example.com/gatehouse/simulator/systemlog"
)

// aTenant has log files and nothing else; what is not set panics when it is asked.
type aTenant struct {
	tenantInterfaces
	mu      sync.Mutex
	files   map[string]string
	fetched int
	down    bool
}

func (a *aTenant) logFiles(_ context.Context, kind systemlog.Kind) ([]logFile, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.down {
		return nil, errors.New("the line is dead")
	}
	var out []logFile
	for name, text := range a.files {
		if f, _ := systemlog.ParseFileName(name); f.Kind == kind {
			out = append(out, logFile{name: name, size: int64(len(text))})
		}
	}
	return out, nil
}

func (a *aTenant) logFile(_ context.Context, name string) ([]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fetched++
	return []byte(a.files[name]), nil
}

func (a *aTenant) write(name, text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.files[name] += text + "\n"
}

// shared is a session on that tenant.
func shared(a *aTenant) *remoteSession {
	r := &remote{api: a, waits: Waits{Log: 10 * time.Second, Trace: 2 * time.Second, Absence: 3 * time.Second}.withDefaults(), lacks: map[string]string{}}
	r.logs = newFollower(a, time.Now().Add(-time.Minute))
	return &remoteSession{remote: r, names: newNames("00")}
}

func made(marker string, status int, sent []byte) *Call {
	c := &Call{Deduced: true, Result: sender.Result{Status: status, Header: map[string][]string{}}, remote: &remoteCall{marker: markerName + "=" + marker, seen: map[string]bool{}}}
	if sent != nil {
		c.Result.Sent, c.Result.CertificateSent = [][]byte{sent}, true
	}
	return c
}

func access(now time.Time, marker, user, status string) string {
	return "10.0.0.14 (198.51.100.49) - " + user + " " + now.UTC().Format("[02/Jan/2006:15:04:05 -0700]") + " POST /http/orders?gatehouse=" + marker + " HTTP/1.1 " + status + " 5 12 a.example:443 -"
}

// A line is waited for and found by its marker, whichever node wrote it; lines of others are not
// taken, and files that did not change are not fetched again.
func TestLinesAreFoundByTheirMarker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		day := now.UTC().Format(time.DateOnly)
		a := &aTenant{files: map[string]string{
			"http_access_0000001_" + day + ".log": access(now, "bb", "-", "401") + "\n",
			"http_access_0000002_1999-12-30.log":  "an old file\n",
		}}
		s := shared(a)
		go func() {
			time.Sleep(4 * time.Second)
			a.write("http_access_0000002_"+day+".log", access(now, "aa", "WAREHOUSE", "200"))
		}()
		c := made("aa", 200, nil)
		require.NoError(t, s.Observe(t.Context(), c, AccessLog))
		require.Len(t, c.Lines, 1)
		assert.Equal(t, "0000002", c.Lines[0].Node)
		assert.Equal(t, "/http/orders", c.Lines[0].URI)
		assert.Equal(t, "WAREHOUSE", c.Journey.User)
		assert.Less(t, time.Since(now), 5*time.Second)
		assert.Equal(t, 2, a.fetched, "each file once")

		// No line comes: after the limit the step sees that there is none.
		began := time.Now()
		c = made("cc", 200, nil)
		require.NoError(t, s.Observe(t.Context(), c, AccessLog))
		assert.Empty(t, c.Lines)
		assert.Equal(t, 10*time.Second, time.Since(began))
		// A call without an answer is not expected to leave one.
		began = time.Now()
		c = made("dd", 0, nil)
		c.Result.Err = errors.New("bad certificate")
		require.NoError(t, s.Observe(t.Context(), c, AccessLog))
		assert.Empty(t, c.Lines)
		assert.Equal(t, 3*time.Second, time.Since(began))

		a.down = true
		var fault *FaultError
		require.ErrorAs(t, s.Observe(t.Context(), made("ee", 200, nil), AccessLog), &fault)
		interrupted, cancel := context.WithCancel(t.Context())
		cancel()
		require.Error(t, s.Observe(interrupted, made("ff", 200, nil), AccessLog))
	})
}

// On a tenant whose trace holds no passport, records are found by node and second, and told apart by
// what they say. Where that does not suffice, it is a fault of the harness and no verdict.
func TestRecordsAreFoundWithoutPassport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		day := now.UTC().Format(time.DateOnly)
		root := pki.NewRoot("r")
		ours, theirs := root.Client("ours", pki.Subject("CN=ours, C=DE")), root.Client("theirs", pki.Subject("CN=theirs, C=DE"))
		trace := func(thread string, at time.Time, texts ...string) string {
			var b strings.Builder
			for _, text := range texts {
				b.Write(systemlog.TraceRecord{Time: at, Logger: systemlog.AuthenticationFilter, Thread: thread, Tenant: "a00000000", Text: text}.AppendTo(nil))
				b.WriteByte('\n')
			}
			return strings.TrimSuffix(b.String(), "\n")
		}
		pair := func(c *pki.Certificate, code int) []string {
			return []string{systemlog.CertificateReceived(pki.TraceDN(c.X509().RawSubject)), systemlog.CertificateStatus(code)}
		}
		a := &aTenant{files: map[string]string{}}
		a.write("http_access_0000001_"+day+".log", access(now, "aa", "-", "401"))
		a.write("ljs_trace_0000001_"+day+".log", trace("exec-1", now, pair(ours, 20)...))
		a.write("ljs_trace_0000001_"+day+".log", trace("exec-2", now, pair(theirs, 10)...))
		a.write("ljs_trace_0000001_"+day+".log", trace("exec-3", now.Add(-30*time.Second), pair(ours, 18)...))
		a.write("ljs_trace_0000002_"+day+".log", trace("exec-4", now, pair(ours, 26)...))
		s := shared(a)
		c := made("aa", 401, ours.DER())
		require.NoError(t, s.Observe(t.Context(), c, Trace))
		require.Len(t, c.Records, 2)
		code, ok := systemlog.ParseCertificateStatus(c.Records[1].Text)
		assert.True(t, ok)
		assert.Equal(t, 20, code)
		require.NoError(t, s.Observe(t.Context(), c, Stations))
		assert.Equal(t, 20, c.Journey.Verification.Code)
		assert.True(t, c.Deduced)

		a.write("ljs_trace_0000001_"+day+".log", trace("exec-5", now, pair(ours, 10)...))
		var fault *FaultError
		err := s.Observe(t.Context(), made("aa", 401, ours.DER()), Trace)
		require.ErrorAs(t, err, &fault)
		assert.ErrorContains(t, err, "--concurrency 1")
	})
}
