package metrics

import (
	"crypto/sha256"
	"crypto/x509"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/gatehouse/simulator/tenant"
)

// state tells, when it is asked, how the landscape is.
type state struct{ m *Metrics }

var (
	mappingsDesc = prometheus.NewDesc("gatehouse_mappings", "Certificate-to-user mappings by when their certificate expires.", []string{"expires"}, nil)
	expiryDesc   = prometheus.NewDesc("gatehouse_mapping_next_expiry_timestamp_seconds", "When the next certificate of a mapping expires that has not yet, Unix time.", nil, nil)
	nodesDesc    = prometheus.NewDesc("gatehouse_nodes", "Runtime nodes by whether they take calls.", []string{"state"}, nil)
	channelsDesc = prometheus.NewDesc("gatehouse_channels", "Sender channels that are deployed.", nil, nil)
)

// spans are the values of the label "expires". The last is for certificates that cannot be read.
var spans = []struct {
	name string
	days int
}{{"expired", 0}, {"within 7 days", 7}, {"within 30 days", 30}, {"within 90 days", 90}, {"later", 0}, {"unreadable", 0}}

// Describe implements prometheus.Collector.
func (s *state) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{mappingsDesc, expiryDesc, nodesDesc, channelsDesc} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (s *state) Collect(to chan<- prometheus.Metric) {
	l, _ := s.m.landscape()
	if l == nil {
		return
	}
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	up, down := 0, 0
	for _, n := range l.Nodes() {
		if n.Up() {
			up++
		} else {
			down++
		}
	}
	gauge(nodesDesc, float64(up), "up")
	gauge(nodesDesc, float64(down), "down")
	config := l.Tenant().Config()
	gauge(channelsDesc, float64(len(config.Channels)))
	count, next := s.m.expiry.of(config.Mappings, s.m.now())
	for _, span := range spans {
		gauge(mappingsDesc, float64(count[span.name]), span.name)
	}
	if !next.IsZero() {
		gauge(expiryDesc, float64(next.Unix()))
	}
}

// expiry remembers when certificates end, so that a store of 2,000 is not read at each scrape.
type expiry struct {
	mu   sync.Mutex
	ends map[[sha256.Size]byte]time.Time
}

// of counts mappings by the time that their certificate has left; next is the next end.
func (e *expiry) of(mappings []tenant.Mapping, now time.Time) (count map[string]int, next time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	count = map[string]int{}
	known := make(map[[sha256.Size]byte]time.Time, len(mappings))
	for _, one := range mappings {
		sum := sha256.Sum256(one.Certificate)
		end, ok := e.ends[sum]
		if !ok {
			if c, err := x509.ParseCertificate(one.Certificate); err == nil {
				end = c.NotAfter
			}
		}
		known[sum] = end
		count[spanOf(end, now)]++
		if end.After(now) && (next.IsZero() || end.Before(next)) {
			next = end
		}
	}
	e.ends = known // those that are gone are forgotten
	return count, next
}

func spanOf(end, now time.Time) string {
	if end.IsZero() {
		return "unreadable"
	}
	// At the very second of its end a certificate has expired for OpenSSL.
	if !end.After(now) {
		return "expired"
	}
	for _, span := range spans {
		if span.days > 0 && !end.After(now.AddDate(0, 0, span.days)) {
			return span.name
		}
	}
	return "later"
}
