package loadbalancer

import (
	"bufio"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func BenchmarkStartAndClose(b *testing.B) {
	a := testPKI()
	config := Config{
		Default:  a.host(tenantHost, Request, a.trust()...),
		Domains:  []Host{a.host(ordersHost, Require, a.trust()...), a.host("open.example", None)},
		Backends: []Backend{&fakeNode{id: "a"}, &fakeNode{id: "b"}},
	}
	for b.Loop() {
		lb, err := Start(b.Context(), config)
		require.NoError(b, err)
		require.NoError(b, lb.Close())
	}
}

// quick is a node that costs nothing.
type quick struct{}

func (quick) ID() string                                       { return "a" }
func (quick) Up() bool                                         { return true }
func (quick) ServeHTTP(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }

// BenchmarkHandshakeAndCall is a call on a connection of its own, with a client certificate and
// its intermediate. Both ends are measured.
func BenchmarkHandshakeAndCall(b *testing.B) {
	h := open(b, func(c *Config) { c.Backends = []Backend{quick{}} })
	config := h.as(h.pki.client)
	for b.Loop() {
		c, err := h.tryDial(config)
		require.NoError(b, err)
		a, err := say(c, get(tenantHost))
		require.NoError(b, err)
		require.Equal(b, 204, a.status)
		_ = c.Close()
	}
}

// BenchmarkCallOnKeptConnection is a further call on a connection. Both ends are measured.
func BenchmarkCallOnKeptConnection(b *testing.B) {
	h := open(b, func(c *Config) { c.Backends = []Backend{quick{}} })
	c := h.dial(b, h.as(h.pki.client))
	require.NoError(b, c.SetDeadline(noDeadline))
	r := bufio.NewReader(c)
	request := get(tenantHost)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := io.WriteString(c, request); err != nil {
			b.Fatal(err)
		}
		response, err := http.ReadResponse(r, nil)
		if err != nil {
			b.Fatal(err)
		}
		_ = response.Body.Close()
	}
}
