package node

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator/forwarding"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/tenant"
)

// What a caller sees of the role cache: who sends much gets a new role late.
func TestRoleCacheAsACallerSeesIt(t *testing.T) {
	f := newFixture(t)
	call := func() outcome { return f.call("POST", "/http/orders", accepted(f.noRole)) }
	require.NoError(t, f.tenant.Configure(0, true))
	for range tenant.RoleCacheRequests + 1 {
		call().endsWith(403, "NOROLE", journey.RoleMissing)
	}
	require.NoError(t, f.tenant.Assign(tenant.Assignment{User: "NOROLE", Role: tenant.DefaultRole}))
	stop, _ := call().endsWith(403, "NOROLE", journey.RoleMissing).journey.At(journey.Authorization)
	assert.Contains(t, stop.Decided, "so says the role cache, which has kept the user's roles since it sent more than 20 requests within 2m0s")
	assert.Contains(t, stop.Fix, "if it is assigned already, wait until the cache ends, 5m0s at most")
	f.now = f.now.Add(tenant.RoleCacheLifetime)
	call().endsWith(200, "NOROLE", "")
	require.NoError(t, f.tenant.Configure(0, false))
	require.True(t, f.tenant.Unassign(tenant.Assignment{User: "NOROLE", Role: tenant.DefaultRole}))
	stop, _ = call().endsWith(403, "NOROLE", journey.RoleMissing).journey.At(journey.Authorization)
	assert.NotContains(t, stop.Decided, "cache", "the good twin: without it a change counts at once")
}

// What a caller sees of a deployed flow: 503 until the downtime has passed, then the new channel.
func TestDeploymentAsACallerSeesIt(t *testing.T) {
	f := newFixture(t)
	require.NoError(t, f.tenant.PutArtifact("alice", tenant.Artifact{ID: "orders", Channels: []tenant.Channel{
		{Address: "/http/orders", Authorization: tenant.Authorization{Table: []tenant.DNPair{}}},
	}}))
	f.call("POST", "/http/orders", accepted(f.warehouse)).endsWith(200, "WAREHOUSE", "")
	_, err := f.tenant.DeployFlow("alice", "orders", 10*time.Second)
	require.NoError(t, err)
	f.call("POST", "/http/orders", accepted(f.warehouse)).endsWith(503, "WAREHOUSE", journey.FlowRestarting)
	f.call("POST", "/http/custom", accepted(f.warehouse)).endsWith(200, "WAREHOUSE", "")
	f.now = f.now.Add(10 * time.Second)
	f.call("POST", "/http/orders", accepted(f.warehouse)).endsWith(403, "WAREHOUSE", journey.DNsNotInTable)
}

// BenchmarkCallAmongMany: with 100,000 mappings and 1,000 channels a call costs what it costs with ten.
func BenchmarkCallAmongMany(b *testing.B) {
	f := newFixture(b)
	const senders = 10
	requests := make([]*http.Request, senders)
	var config tenant.Config
	config.MappingStore = -1
	for i := range senders {
		cert := mint(b, fmt.Sprintf("sender%d.example", i), issuer)
		user := fmt.Sprintf("SENDER%d", i)
		config.Mappings = append(config.Mappings, tenant.Mapping{Certificate: cert.Raw, User: user})
		config.Roles = append(config.Roles, tenant.Assignment{User: user, Role: tenant.DefaultRole})
		config.Channels = append(config.Channels, tenant.Channel{Address: fmt.Sprintf("/http/orders%d", i)})
		requests[i] = httptest.NewRequest("POST", fmt.Sprintf("/http/orders%d", i), nil)
		requests[i].Header.Set(forwarding.ClientAddressHeader, "198.51.100.49")
		accepted(cert)(requests[i])
	}
	var nodes []*Node
	for _, size := range []struct{ mappings, channels int }{{10, 10}, {100_000, 1_000}} {
		for i := senders; i < size.mappings; i++ {
			user := fmt.Sprintf("USER%d", i)
			der := append([]byte{0x30, 0x82, 0x03, 0xe8, 0x04, 0x82, 0x03, 0xe4, byte(i >> 16), byte(i >> 8), byte(i)}, make([]byte, 993)...)
			config.Mappings = append(config.Mappings, tenant.Mapping{Certificate: der, User: user})
			config.Roles = append(config.Roles, tenant.Assignment{User: user, Role: tenant.DefaultRole})
		}
		for i := senders; i < size.channels; i++ {
			config.Channels = append(config.Channels, tenant.Channel{Address: fmt.Sprintf("/http/many%d", i)})
		}
		tn, err := tenant.New(config, func() time.Time { return f.now })
		require.NoError(b, err)
		n, err := New(Config{Tenant: tn, Host: host})
		require.NoError(b, err)
		nodes = append(nodes, n)
	}
	w := &discard{h: http.Header{}}
	content := strings.NewReader("hello")
	// The two take turns, and the quickest batch of each counts: so others on the machine disturb
	// neither of them more.
	const batch = 100
	quickest := []time.Duration{time.Hour, time.Hour}
	for b.Loop() {
		for i, n := range nodes {
			began := time.Now()
			for j := range batch {
				content.Reset("hello")
				r := requests[j%senders]
				r.Body, r.ContentLength = io.NopCloser(content), 5
				clear(w.h)
				recorder := journey.NewRecorder(journey.Journey{})
				n.ServeHTTP(w, r.WithContext(journey.NewContext(r.Context(), recorder)))
				if recorder.Journey().Status != http.StatusOK {
					b.Fatal("not let in")
				}
			}
			quickest[i] = min(quickest[i], time.Since(began))
		}
	}
	b.ReportMetric(float64(quickest[0].Nanoseconds())/batch, "ns/call-among-10")
	b.ReportMetric(float64(quickest[1].Nanoseconds())/batch, "ns/call-among-100000")
	b.ReportMetric(float64(quickest[1])/float64(quickest[0]), "times")
}
