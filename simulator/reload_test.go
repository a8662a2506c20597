package simulator

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator/document"
	"example.com/gatehouse/simulator/sender"
)

// reloadable is a landscape in the form that its variants are made of.
const reloadable = `
pki:
  - {name: root, subject: "CN=Example Root CA", ca: true}
  - {name: issuing, issuer: root, ca: true}
  - {name: warehouse, issuer: issuing}
loadBalancer:
  trust: [root]
channels:
  - {address: /http/orders, csrfProtected: false, answer: noContent}
mappings:
  - {certificate: warehouse, user: WAREHOUSE}
roles:
  - {user: WAREHOUSE, role: ESBMessaging.send}
senders:
  - {name: warehouse, certificate: warehouse}
`

// variant reads the landscape with texts exchanged: old, new, old, new.
func variant(t testing.TB, exchanged ...string) Landscape {
	t.Helper()
	l, err := Read("landscape.yaml", []byte(strings.NewReplacer(exchanged...).Replace(reloadable)))
	require.NoError(t, err)
	return l
}

func statusOf(t testing.TB, s *Simulator, name, path string) int {
	t.Helper()
	o, err := s.Send(t.Context(), name, sender.Call{URL: path, Body: []byte("x")})
	require.NoError(t, err)
	return o.Result.Status
}

func TestReload(t *testing.T) {
	t.Parallel()
	s := New(t, variant(t))
	require.Equal(t, http.StatusNoContent, statusOf(t, s, "warehouse", "/http/orders"))
	own, _ := s.Certificates().Get("warehouse")
	root := s.Root()

	// Another user, another channel, another sender below the same CA.
	result, err := s.Reload(t.Context(), variant(t,
		"/http/orders", "/http/stock",
		"senders:", "  - {user: CARRIER, role: ESBMessaging.send}\nsenders:\n  - {name: carrier, certificate: carrier}",
		"loadBalancer:", "  - {name: carrier, issuer: issuing}\nloadBalancer:",
		"roles:", "  - {certificate: carrier, user: CARRIER}\nroles:",
	))
	require.NoError(t, err)
	assert.Equal(t, Reloaded{Kept: []string{"root", "issuing", "warehouse"}, Minted: []string{"carrier"}}, result)
	kept, _ := s.Certificates().Get("warehouse")
	assert.Equal(t, own.DER(), kept.DER())
	assert.Equal(t, own.Key(), kept.Key(), "the sender goes on with the key that it has")
	assert.Equal(t, root.DER(), s.Root().DER(), "senders go on trusting the load balancer")
	assert.Equal(t, http.StatusNotFound, statusOf(t, s, "warehouse", "/http/orders"))
	assert.Equal(t, http.StatusNoContent, statusOf(t, s, "warehouse", "/http/stock"))
	assert.Equal(t, http.StatusNoContent, statusOf(t, s, "carrier", "/http/stock"))
	assert.Equal(t, []string{"carrier", "warehouse"}, s.Senders())

	// A CA that is described otherwise, and what is below it, is made anew.
	result, err = s.Reload(t.Context(), variant(t, "issuer: root, ca", "subject: CN=Other, issuer: root, ca"))
	require.NoError(t, err)
	assert.Equal(t, Reloaded{Kept: []string{"root"}, Minted: []string{"issuing", "warehouse"}, Gone: []string{"carrier"}}, result)
	assert.Equal(t, http.StatusNoContent, statusOf(t, s, "warehouse", "/http/orders"))
	_, err = s.Sender("carrier")
	assert.ErrorContains(t, err, `no sender is called "carrier"`)

	// Trust is taken away and given back.
	_, err = s.Reload(t.Context(), variant(t, "trust: [root]", "trust: []"))
	require.NoError(t, err)
	assert.Equal(t, http.StatusUnauthorized, statusOf(t, s, "warehouse", "/http/orders"))
	_, err = s.Reload(t.Context(), variant(t))
	require.NoError(t, err)
	assert.Equal(t, http.StatusNoContent, statusOf(t, s, "warehouse", "/http/orders"))
}

func TestReloadOfNodesAndDomains(t *testing.T) {
	t.Parallel()
	s := New(t, variant(t))
	_, err := s.Reload(t.Context(), variant(t, "channels:", "  domains: [{host: orders.example, mode: require, trust: [root]}]\nchannels:"))
	require.NoError(t, err)
	assert.Equal(t, http.StatusNoContent, statusOf(t, s, "warehouse", s.URLOn("orders.example", "/http/orders")))
	assert.Equal(t, []string{"root"}, s.Trust("orders.example"))
	_, err = s.Reload(t.Context(), variant(t, "\npki:", "\ntenant: {nodesDown: [1]}\npki:"))
	require.NoError(t, err)
	assert.Equal(t, http.StatusServiceUnavailable, statusOf(t, s, "warehouse", "/http/orders"))
	assert.Empty(t, s.Trust("orders.example"), "the domain is gone")
}

// A document that is wrong, or asks for what only a new start can do, is refused with its position,
// and nothing changes.
func TestReloadRefused(t *testing.T) {
	t.Parallel()
	s := New(t, variant(t))
	for name, one := range map[string]struct {
		exchanged []string
		line      int
		message   string
	}{
		"another host":   {[]string{"\npki:", "\ntenant: {host: other.example}\npki:"}, 2, `tenant.host: found "other.example", while the landscape runs with "e100999-iflmap.`},
		"another listen": {[]string{"trust: [root]", "listen: 127.0.0.1:1\n  trust: [root]"}, 7, `loadBalancer.listen: found "127.0.0.1:1", while the landscape runs with the default`},
		"clock":          {[]string{"\npki:", "\nclock: 2040-01-01T00:00:00Z\npki:"}, 2, "clock: found 2040-01-01T00:00:00Z, while the landscape runs with the default"},
		"more nodes":     {[]string{"\npki:", "\ntenant: {nodes: 2}\npki:"}, 2, `tenant.nodes: found "2", while the landscape runs with "1"`},
		"management":     {[]string{"\npki:", "\nmanagement: {platformRequests: 1000}\npki:"}, 2, `management.platformRequests: found "1000"`},
		"limits":         {[]string{"channels:", "  limits: {idle: 1s}\nchannels:"}, 8, "this takes effect with a new start only"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.Reload(t.Context(), variant(t, one.exchanged...))
			var problems document.Problems
			require.ErrorAs(t, err, &problems)
			require.Len(t, problems, 1)
			assert.Equal(t, one.line, problems[0].Line)
			assert.Contains(t, err.Error(), one.message)
		})
	}
	wrong := variant(t)
	wrong.Mappings[0].Certificate = "warehose"
	_, err := s.Reload(t.Context(), wrong)
	assert.ErrorContains(t, err, "warehose")
	assert.Equal(t, http.StatusNoContent, statusOf(t, s, "warehouse", "/http/orders"))
}

// underLoad lets senders call without a pause until it is told to stop; every call must be answered
// with 204. Half of them keep their connection.
func underLoad(t *testing.T, s *Simulator) (calls *atomic.Int64, stop func()) {
	t.Helper()
	own, _ := s.Certificates().Get("warehouse")
	ctx, cancel := context.WithCancel(context.Background())
	calls = new(atomic.Int64)
	var senders sync.WaitGroup
	for n := range 8 {
		one := s.NewSender("load", own)
		one.KeepAlive = n%2 == 0
		senders.Go(func() {
			defer one.Close()
			for ctx.Err() == nil {
				result, err := one.Do(context.Background(), sender.Call{URL: s.URL("/http/orders"), Address: s.Address(), Body: []byte("x")})
				if !assert.NoError(t, err) || !assert.NoError(t, result.Err) || !assert.Equal(t, http.StatusNoContent, result.Status) {
					return
				}
				calls.Add(1)
			}
		})
	}
	return calls, func() { cancel(); senders.Wait() }
}

func TestReloadLosesNoCallUnderLoad(t *testing.T) {
	t.Parallel()
	s := New(t, variant(t))
	calls, stop := underLoad(t, s)
	variants := []Landscape{
		variant(t, "user: WAREHOUSE", "user: STOREHOUSE"),
		variant(t, "loadBalancer:", "  - {name: other, issuer: issuing}\nloadBalancer:"),
		variant(t),
	}
	for i := range 9 {
		_, err := s.Reload(t.Context(), variants[i%len(variants)])
		require.NoError(t, err)
		before := calls.Load()
		require.Eventually(t, func() bool { return calls.Load() >= before+8 }, 30*time.Second, time.Millisecond)
	}
	stop()
	assert.GreaterOrEqual(t, calls.Load(), int64(72))
}

func TestShutdownAnswersWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	s, err := Start(context.WithoutCancel(t.Context()), variant(t), Options{})
	require.NoError(t, err)
	one, err := s.Sender("warehouse")
	require.NoError(t, err)
	begun, finish := make(chan struct{}), make(chan struct{})
	answered := make(chan int, 1)
	go func() {
		result, err := one.Do(context.Background(), sender.Call{
			URL: s.URL("/http/orders"), Address: s.Address(), Method: http.MethodPost, BodyFrom: &paused{begun: begun, finish: finish},
		})
		assert.NoError(t, err)
		assert.NoError(t, result.Err)
		answered <- result.Status
	}()
	<-begun
	ended := make(chan error, 1)
	go func() { ended <- s.Shutdown(context.Background()) }()
	require.Eventually(t, func() bool {
		late, err := s.NewSender("late", nil).Do(t.Context(), sender.Call{URL: s.URL("/"), Address: s.Address()})
		return err == nil && late.Stage == sender.StageDial
	}, 30*time.Second, 10*time.Millisecond, "nobody is let in any more")
	close(finish)
	assert.Equal(t, http.StatusNoContent, <-answered)
	assert.NoError(t, <-ended)
}

// paused is a body of which the second half waits.
type paused struct {
	begun, finish chan struct{}
	reads         int
}

func (p *paused) Read(b []byte) (int, error) {
	p.reads++
	switch p.reads {
	case 1:
		return copy(b, "half"), nil
	case 2:
		close(p.begun)
		<-p.finish
		return copy(b, "half"), nil
	}
	return 0, io.EOF
}
