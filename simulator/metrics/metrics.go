// Package metrics counts what happens in a running landscape, for Prometheus, and tells whoever
// operates it whether it is well: /metrics, /healthz, /readyz, and /-/reload.
//
// It listens to the load balancer (loadbalancer.Observer) and looks at the tenant when it is asked;
// it decides nothing, and nothing that a caller chose becomes a label. Where the handler is served
// is for the command to say: it belongs on loopback, on a listener of its own.
package metrics

import (
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/loadbalancer"
	"example.com/gatehouse/simulator/node"
	"example.com/gatehouse/simulator/tenant"
)

// Landscape is what is watched; *simulator.Simulator is one.
type Landscape interface {
	Tenant() *tenant.Tenant
	Nodes() []*node.Node
}

// Metrics counts. New makes it; it is safe for use by many goroutines.
type Metrics struct {
	registry *prometheus.Registry
	now      func() time.Time

	calls, stops, handshakes, results, cache, reloads *prometheus.CounterVec
	handshakeTime                                     *prometheus.HistogramVec
	verificationTime                                  prometheus.Histogram
	connections, lastReload                           prometheus.Gauge

	mu     sync.Mutex
	watch  Landscape
	ending bool
	expiry expiry
}

// Buckets of the two times, in seconds: a verification takes microseconds from the cache and
// milliseconds with RSA 4096, a handshake milliseconds on one machine and more over a network.
var (
	verificationBuckets = []float64{5e-6, 20e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 50e-3}
	handshakeBuckets    = []float64{1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 100e-3, 250e-3, 500e-3, 1, 2.5, 10}
)

// New makes metrics of which nothing is counted yet. version is that of the program; now is the
// landscape's clock, by which mappings expire (nil: time.Now).
func New(version string, now func() time.Time) *Metrics {
	if now == nil {
		now = time.Now
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "gatehouse", Name: name, Help: help}, labels)
	}
	m := &Metrics{
		registry:   prometheus.NewRegistry(),
		now:        now,
		calls:      counter("calls_total", "Calls and refused connections by HTTP status; 0 is one that got no HTTP answer.", "status"),
		stops:      counter("station_verdicts_total", "What stations decided about calls; the reason is empty if they passed.", "station", "verdict", "reason"),
		handshakes: counter("handshakes_total", "TLS handshakes by how they ended; a connection on which nothing was sent is none.", "result"),
		results:    counter("verify_results_total", "Presented chains by OpenSSL's verify result; 0 is accepted.", "code"),
		cache:      counter("verify_cache_total", "Verifications by whether the result was remembered (hit) or worked out (miss).", "result"),
		reloads:    counter("reloads_total", "Attempts to reload the landscape by how they ended.", "result"),
		handshakeTime: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "gatehouse", Name: "handshake_duration_seconds", Help: "How long TLS handshakes took that succeeded.", Buckets: handshakeBuckets,
		}, []string{"resumed"}),
		verificationTime: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "gatehouse", Name: "verification_duration_seconds", Help: "How long the verification of a presented chain took.", Buckets: verificationBuckets,
		}),
		connections: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "gatehouse", Name: "connections", Help: "Open connections whose handshake has succeeded."}),
		lastReload:  prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "gatehouse", Name: "last_reload_timestamp_seconds", Help: "When the landscape was last started or reloaded, Unix time."}),
	}
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "gatehouse", Name: "build_info", Help: "The version of gatehouse; the value is 1."}, []string{"version"})
	info.WithLabelValues(version).Set(1)
	m.registry.MustRegister(m.calls, m.stops, m.handshakes, m.results, m.cache, m.reloads, m.handshakeTime, m.verificationTime,
		m.connections, m.lastReload, info, &state{m}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	// What can be counted is there from the beginning, so that a rate can be told at once.
	for _, result := range []string{"succeeded", "failed"} {
		m.handshakes.WithLabelValues(result)
	}
	for _, result := range []string{"hit", "miss"} {
		m.cache.WithLabelValues(result)
	}
	for _, result := range []string{"applied", "refused"} {
		m.reloads.WithLabelValues(result)
	}
	for _, station := range journey.Stations() {
		m.stops.WithLabelValues(string(station), string(journey.Passed), "")
	}
	return m
}

// Observer is to be given to the load balancer.
func (m *Metrics) Observer() loadbalancer.Observer {
	return loadbalancer.Observer{Handshake: m.handshake, Record: m.record, Closed: func(string, int) { m.connections.Dec() }}
}

func (m *Metrics) handshake(h loadbalancer.Handshake) {
	if !h.Began {
		return
	}
	if h.Failed {
		m.handshakes.WithLabelValues("failed").Inc()
	} else {
		m.handshakes.WithLabelValues("succeeded").Inc()
		m.connections.Inc()
		m.handshakeTime.WithLabelValues(strconv.FormatBool(h.Resumed)).Observe(h.Took.Seconds())
	}
	if !h.Result.Presented {
		return
	}
	m.results.WithLabelValues(strconv.Itoa(h.Result.Code)).Inc()
	if h.Failed {
		return // how long it took is not told then
	}
	m.verificationTime.Observe(h.Verified.Seconds())
	if h.Remembered {
		m.cache.WithLabelValues("hit").Inc()
	} else {
		m.cache.WithLabelValues("miss").Inc()
	}
}

func (m *Metrics) record(j journey.Journey) {
	m.calls.WithLabelValues(strconv.Itoa(j.Status)).Inc()
	for _, stop := range j.Stops {
		m.stops.WithLabelValues(string(stop.Station), string(stop.Verdict), string(stop.Reason)).Inc()
	}
}

// Watch says which landscape runs now.
func (m *Metrics) Watch(l Landscape) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.watch = l
	m.lastReload.Set(float64(time.Now().Unix()))
}

// Reloaded counts an attempt to reload the landscape.
func (m *Metrics) Reloaded(err error) {
	if err != nil {
		m.reloads.WithLabelValues("refused").Inc()
		return
	}
	m.reloads.WithLabelValues("applied").Inc()
	m.lastReload.Set(float64(time.Now().Unix()))
}

// Ending says that the landscape is about to end: it is not ready any more.
func (m *Metrics) Ending() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ending = true
}

func (m *Metrics) landscape() (l Landscape, ending bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.watch, m.ending
}
