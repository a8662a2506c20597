package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/document"
	"example.com/gatehouse/simulator/metrics"
	"example.com/gatehouse/simulator/node"
	"example.com/gatehouse/simulator/sender"
	"example.com/gatehouse/simulator/tenant"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ask calls the handler as somebody with an HTTP client does.
func ask(t testing.TB, h http.Handler, method, path string, header ...string) (int, string) {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// eventually waits until a line is among the metrics: records are told before an answer ends, ended
// connections a moment after.
func eventually(t *testing.T, h http.Handler, line string) {
	t.Helper()
	require.Eventually(t, func() bool {
		_, body := ask(t, h, http.MethodGet, "/metrics")
		return strings.Contains(body, line+"\n")
	}, 20*time.Second, 5*time.Millisecond, line)
}

func TestCallsOfALandscapeAreCounted(t *testing.T) {
	t.Parallel()
	m := metrics.New("v1", nil)
	s, err := simulator.Start(context.WithoutCancel(t.Context()), simulator.Example(), simulator.Options{Observer: m.Observer()})
	require.NoError(t, err)
	defer s.Close()
	m.Watch(s)
	h := m.Handler(nil)
	for _, name := range []string{"warehouse", "warehouse", "warehouse-without-chain", "stranger"} {
		_, err := s.Send(t.Context(), name, sender.Call{URL: "/http/orders"})
		require.NoError(t, err)
	}
	distrusts := s.NewSender("distrusts", nil)
	distrusts.Trust = sender.TrustNone()
	_, err = distrusts.Do(t.Context(), sender.Call{URL: s.URL("/"), Address: s.Address()})
	require.NoError(t, err)
	for _, line := range []string{
		`gatehouse_calls_total{status="200"} 2`,
		`gatehouse_calls_total{status="401"} 2`,
		`gatehouse_calls_total{status="0"} 1`,
		`gatehouse_handshakes_total{result="succeeded"} 4`,
		`gatehouse_handshakes_total{result="failed"} 1`,
		`gatehouse_handshake_duration_seconds_count{resumed="false"} 4`,
		`gatehouse_verification_duration_seconds_count 3`,
		`gatehouse_verify_cache_total{result="miss"} 2`,
		`gatehouse_verify_cache_total{result="hit"} 1`,
		`gatehouse_verify_results_total{code="0"} 2`,
		`gatehouse_verify_results_total{code="20"} 1`,
		`gatehouse_station_verdicts_total{reason="certificate-not-accepted",station="load balancer",verdict="withheld"} 1`,
		`gatehouse_station_verdicts_total{reason="sender-ended-handshake",station="load balancer",verdict="refused"} 1`,
		`gatehouse_station_verdicts_total{reason="no-identity",station="runtime node",verdict="refused"} 2`,
		`gatehouse_station_verdicts_total{reason="",station="flow",verdict="passed"} 2`,
		`gatehouse_nodes{state="up"} 2`,
		`gatehouse_channels 2`,
		`gatehouse_mappings{expires="later"} 1`,
		`gatehouse_build_info{version="v1"} 1`,
		`gatehouse_connections 0`,
	} {
		eventually(t, h, line)
	}
	_, body := ask(t, h, http.MethodGet, "/metrics")
	assert.Contains(t, body, "process_start_time_seconds")
	assert.NotContains(t, body, "warehouse", "nothing that a caller chose is a label")
}

// still is a landscape that only stands there.
type still struct {
	tenant *tenant.Tenant
	nodes  []*node.Node
}

func (s still) Tenant() *tenant.Tenant { return s.tenant }
func (s still) Nodes() []*node.Node    { return s.nodes }

func TestMappingsByExpiry(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	var now atomic.Pointer[time.Time]
	now.Store(&noon)
	root := pki.NewRoot("Example Root CA", pki.Clock(func() time.Time { return noon }))
	var c tenant.Config
	var ends []time.Time
	for i, days := range []int{0, 3, 20, 60, 300, 7} {
		ends = append(ends, noon.AddDate(0, 0, days))
		leaf := root.Client(fmt.Sprintf("sender-%d", i), pki.NotBefore(noon.AddDate(0, 0, -1)), pki.NotAfter(ends[i]))
		c.Mappings = append(c.Mappings, tenant.Mapping{Certificate: leaf.DER(), User: fmt.Sprintf("USER%d", i)})
	}
	configured, err := tenant.New(c, func() time.Time { return noon })
	require.NoError(t, err)
	m := metrics.New("v1", func() time.Time { return *now.Load() })
	m.Watch(still{tenant: configured})
	h := m.Handler(nil)
	count := func() map[string]string {
		_, body := ask(t, h, http.MethodGet, "/metrics")
		out := map[string]string{}
		for line := range strings.Lines(body) {
			if rest, ok := strings.CutPrefix(line, `gatehouse_mappings{expires="`); ok {
				span, n, _ := strings.Cut(strings.TrimSpace(rest), `"} `)
				out[span] = n
			}
		}
		return out
	}
	assert.Equal(t, map[string]string{"expired": "1", "within 7 days": "2", "within 30 days": "1", "within 90 days": "1", "later": "1", "unreadable": "0"}, count())
	_, body := ask(t, h, http.MethodGet, "/metrics")
	assert.Contains(t, body, fmt.Sprintf("gatehouse_mapping_next_expiry_timestamp_seconds %g\n", float64(ends[1].Unix())))

	// The landscape's clock decides, and a mapping that is gone is counted no more.
	later := noon.AddDate(0, 0, 30)
	now.Store(&later)
	require.True(t, configured.Unmap(c.Mappings[4].Certificate))
	assert.Equal(t, map[string]string{"expired": "4", "within 7 days": "0", "within 30 days": "1", "within 90 days": "0", "later": "0", "unreadable": "0"}, count())
}

func TestHealthAndReadiness(t *testing.T) {
	t.Parallel()
	m := metrics.New("v1", nil)
	h := m.Handler(nil)
	is := func(path string, status int, text string) {
		t.Helper()
		code, body := ask(t, h, http.MethodGet, path)
		assert.Equal(t, status, code)
		assert.Contains(t, body, text)
	}
	is("/healthz", 200, "ok")
	is("/readyz", 503, "has not started yet")
	configured, err := tenant.New(tenant.Config{}, time.Now)
	require.NoError(t, err)
	n, err := node.New(node.Config{Tenant: configured})
	require.NoError(t, err)
	m.Watch(still{configured, []*node.Node{n}})
	is("/readyz", 200, "ok")
	n.SetUp(false)
	is("/readyz", 503, "none of 1 runtime nodes is up")
	n.SetUp(true)
	is("/readyz", 200, "ok")
	m.Ending()
	is("/readyz", 503, "is ending")
	is("/healthz", 200, "ok")
	is("/", 404, "")
	code, _ := ask(t, h, http.MethodPost, "/metrics")
	assert.Equal(t, http.StatusMethodNotAllowed, code)
	code, _ = ask(t, h, http.MethodPost, "/-/reload")
	assert.Equal(t, http.StatusNotFound, code, "what cannot be reloaded is not offered")
}

func TestReloadIsOffered(t *testing.T) {
	t.Parallel()
	m := metrics.New("v1", nil)
	var result error
	calls := 0
	h := m.Handler(func(context.Context) error { calls++; return result })
	code, body := ask(t, h, http.MethodPost, "/-/reload")
	assert.Equal(t, http.StatusOK, code)
	assert.Equal(t, "reloaded\n", body)
	result = document.Problems{{File: "landscape.yaml", Line: 3, Column: 5, Path: "pki", Message: "is \x1b[2J wrong"}}
	code, body = ask(t, h, http.MethodPost, "/-/reload")
	assert.Equal(t, http.StatusUnprocessableEntity, code)
	assert.Contains(t, body, `landscape.yaml:3:5`)
	assert.Contains(t, body, `\u001b[2J wrong`)
	assert.Equal(t, 2, calls)
	// A page in a browser cannot do it.
	for _, header := range []string{"Origin", "Sec-Fetch-Site"} {
		code, _ = ask(t, h, http.MethodPost, "/-/reload", header, "http://evil.example")
		assert.Equal(t, http.StatusForbidden, code)
	}
	code, _ = ask(t, h, http.MethodGet, "/-/reload")
	assert.Equal(t, http.StatusMethodNotAllowed, code)
	assert.Equal(t, 2, calls)

	m.Reloaded(nil)
	m.Reloaded(errors.New("no"))
	m.Reloaded(errors.New("no"))
	_, body = ask(t, h, http.MethodGet, "/metrics")
	assert.Contains(t, body, "gatehouse_reloads_total{result=\"applied\"} 1\n")
	assert.Contains(t, body, "gatehouse_reloads_total{result=\"refused\"} 2\n")
}

// BenchmarkScrape is one look at the metrics of a tenant with a full mapping store.
func BenchmarkScrape(b *testing.B) {
	root := pki.NewRoot("Example Root CA")
	c := tenant.Config{MappingStore: -1}
	for i := range 2000 {
		c.Mappings = append(c.Mappings, tenant.Mapping{Certificate: root.Client(fmt.Sprintf("sender-%d", i)).DER(), User: "USER"})
	}
	configured, err := tenant.New(c, time.Now)
	require.NoError(b, err)
	m := metrics.New("v1", nil)
	m.Watch(still{tenant: configured})
	h := m.Handler(nil)
	for b.Loop() {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		if _, err := io.Copy(io.Discard, w.Body); err != nil || w.Code != 200 {
			b.Fatal(w.Code, err)
		}
	}
}
