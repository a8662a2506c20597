package loadbalancer

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator/journey"
)

func TestStartRefusesWhatMakesNoSense(t *testing.T) {
	a := testPKI()
	many := slices.Repeat(a.trust(), MaxTrust+1)
	for name, test := range map[string]struct {
		change func(*Config)
		says   string
	}{
		"no certificate":       {func(c *Config) { c.Default.Certificate = tls.Certificate{} }, "certificate and private key"},
		"too many roots":       {func(c *Config) { c.Domains = []Host{a.host(ordersHost, Request, many...)} }, `"orders.example": the CA bundle holds 151 certificates, 150 are allowed`},
		"require without list": {func(c *Config) { c.Default.Mode = Require; c.Default.Trust = nil }, "needs a CA bundle"},
		"domain without name":  {func(c *Config) { c.Domains = []Host{a.host("", Request)} }, "custom domain 1: it has no name"},
		"another without name": {func(c *Config) { c.Domains = []Host{a.host(ordersHost, Request), a.host(".", Request)} }, "custom domain 2: it has no name"},
		"no private key":       {func(c *Config) { c.Default.Certificate.PrivateKey = nil }, "certificate and private key"},
		"private key only":     {func(c *Config) { c.Default.Certificate.Certificate = nil }, "certificate and private key"},
		"empty root":           {func(c *Config) { c.Default.Trust = []*x509.Certificate{{}} }, "reading the CA bundle: "},
		"too little chance":    {func(c *Config) { c.Rand = bytes.NewReader(make([]byte, 32)) }, "making the key of session tickets: EOF"},
		"domain twice":         {func(c *Config) { c.Domains = []Host{a.host("x", None), a.host("X.", None)} }, "another host of that name"},
		"domain as default":    {func(c *Config) { c.Domains = []Host{a.host(tenantHost, None)} }, "another host of that name"},
		"odd name":             {func(c *Config) { c.Domains = []Host{a.host("a b", None)} }, "no host name"},
		"unknown mode":         {func(c *Config) { c.Default.Mode = 7 }, "mode 7"},
		"nil root":             {func(c *Config) { c.Default.Trust = []*x509.Certificate{nil} }, "nil certificate"},
		"node twice":           {func(c *Config) { c.Backends = []Backend{&fakeNode{id: "a"}, &fakeNode{id: "a"}} }, `two backends have the id "a"`},
		"node without id":      {func(c *Config) { c.Backends = []Backend{&fakeNode{}} }, "no id"},
		"nil node":             {func(c *Config) { c.Backends = []Backend{nil} }, "nil"},
		"old TLS":              {func(c *Config) { c.MinVersion = tls.VersionTLS11 }, "TLS 1.2 or TLS 1.3 expected"},
		"own address":          {func(c *Config) { c.Address = "lb" }, "an IP address expected"},
		"no randomness":        {func(c *Config) { c.Rand = bytes.NewReader(nil) }, "EOF"},
		"address in use":       {func(c *Config) { c.Listen = "256.0.0.1:1" }, "listening on 256.0.0.1:1"},
	} {
		t.Run(name, func(t *testing.T) {
			config := Config{Default: a.host(tenantHost, Request, a.trust()...)}
			test.change(&config)
			lb, err := Start(t.Context(), config)
			require.ErrorContains(t, err, test.says)
			require.ErrorContains(t, err, "starting the load balancer")
			assert.Nil(t, lb)
		})
	}
	t.Run("as many as are allowed", func(t *testing.T) {
		open(t, func(c *Config) { c.Domains = []Host{a.host(ordersHost, Request, many[:MaxTrust]...)} })
	})
	t.Run("a context that has ended", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := Start(ctx, Config{Default: a.host(tenantHost, Request)})
		require.ErrorIs(t, err, context.Canceled)
	})
}

func TestModeText(t *testing.T) {
	for text, want := range map[string]Mode{"": Request, "request": Request, "require": Require, "none": None} {
		var got Mode
		require.NoError(t, got.UnmarshalText([]byte(text)))
		assert.Equal(t, want, got)
		again, err := got.MarshalText()
		require.NoError(t, err)
		if text != "" {
			assert.Equal(t, text, string(again))
		}
	}
	_, err := ParseMode("Required")
	require.ErrorContains(t, err, "request, require or none expected")
	for _, unknown := range []Mode{None + 1, 9} {
		_, err = unknown.MarshalText()
		require.EqualError(t, err, fmt.Sprintf("mode %d is unknown", unknown))
	}
}

// New connections are judged by the new list at once; those alive keep their verdict.
func TestSetTrust(t *testing.T) {
	h := open(t, func(c *Config) { c.Domains = []Host{testPKI().host(ordersHost, Request, testPKI().trust()...)} })
	cert := h.pki.client.TLSCertificate()
	to := func(host string) *tls.Config {
		config := h.as(nil)
		config.ServerName = host
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }
		return config
	}
	kept := h.dial(t, to(tenantHost))
	_, err := say(kept, get(tenantHost))
	require.NoError(t, err)
	require.True(t, h.record(t, kept, 1).Verification.Accepted())

	require.NoError(t, h.SetTrust("TENANT.example.", []*x509.Certificate{h.pki.foreign.Root().X509()}))
	_, j := h.call(t, to(tenantHost))
	assert.Equal(t, 20, j.Verification.Code)
	_, j = h.call(t, to(ordersHost))
	assert.True(t, j.Verification.Accepted(), "another host has its own list")
	_, err = say(kept, get(tenantHost))
	require.NoError(t, err)
	assert.True(t, h.record(t, kept, 2).Verification.Accepted())

	require.NoError(t, h.SetTrust("", h.pki.trust()))
	require.NoError(t, h.SetTrust(ordersHost, []*x509.Certificate{h.pki.foreign.Root().X509()}))
	_, j = h.call(t, to(tenantHost))
	assert.True(t, j.Verification.Accepted())
	_, j = h.call(t, to(ordersHost))
	assert.Equal(t, 20, j.Verification.Code)

	require.NoError(t, h.SetMode(ordersHost, None))
	_, j = h.call(t, to(ordersHost))
	assert.False(t, j.Verification.Presented)

	err = h.SetTrust("nowhere.example", nil)
	require.ErrorContains(t, err, `host "nowhere.example" is unknown: tenant.example, orders.example expected`)
	require.ErrorContains(t, h.SetTrust(ordersHost, slices.Repeat(h.pki.trust(), 151)), "150 are allowed")
	require.NoError(t, h.SetTrust(ordersHost, nil))
	require.ErrorContains(t, h.SetMode(ordersHost, Require), "needs a CA bundle")
	_, j = h.call(t, to(ordersHost))
	assert.Equal(t, ordersHost, j.Host, "a change that is refused changes nothing")
}

// A directory never changes, whatever takes its place.
func TestChangedHostsAreNewOnes(t *testing.T) {
	h := open(t, func(c *Config) { c.Domains = []Host{testPKI().host(ordersHost, Request, testPKI().trust()...)} })
	before := h.sites.Load()
	orders, fallback := before.find(ordersHost), before.fallback
	require.NoError(t, h.SetMode(ordersHost, None))
	require.NoError(t, h.SetMode("", None))
	assert.Same(t, orders, before.find(ordersHost))
	assert.Same(t, fallback, before.find("x"))
	assert.Equal(t, None, h.sites.Load().find(ordersHost).host.Mode)
	assert.Equal(t, None, h.sites.Load().find("x").host.Mode)
}

// What a caller does with its list afterwards changes nothing.
func TestTheListIsCopied(t *testing.T) {
	trust := testPKI().trust()
	h := open(t, func(c *Config) { c.Default.Trust = trust })
	trust[0] = h.pki.foreign.Root().X509()
	require.NoError(t, h.SetMode("", Require))
	_, j := h.call(t, h.as(h.pki.client))
	assert.True(t, j.Verification.Accepted())
}

// Chains can be judged by another clock than the load balancer's.
func TestClockOfTheVerification(t *testing.T) {
	h := open(t, func(c *Config) {
		c.Verification.Now = func() time.Time { return testPKI().made.AddDate(100, 0, 0) }
	})
	_, j := h.call(t, h.as(h.pki.client))
	assert.Equal(t, 10, j.Verification.Code)
	assert.True(t, j.Started.Equal(*h.clock.Load()))
}

// The verdict follows the clock of the configuration.
func TestClock(t *testing.T) {
	h := open(t, nil)
	_, j := h.call(t, h.as(h.pki.client))
	require.True(t, j.Verification.Accepted())
	assert.True(t, j.Started.Equal(*h.clock.Load()))
	h.advance(2 * 366 * 24 * time.Hour)
	_, j = h.call(t, h.as(h.pki.client))
	assert.Equal(t, 10, j.Verification.Code)
	assert.True(t, j.Ended.Equal(*h.clock.Load()))
}

// holding is a node whose calls last until they are let go or cut.
type holding struct {
	fakeNode
	in, out chan struct{}
}

func hold(h *house) *holding {
	n := &holding{in: make(chan struct{}), out: make(chan struct{})}
	h.node.handle = func(w http.ResponseWriter, r *http.Request) {
		n.in <- struct{}{}
		select {
		case <-n.out:
			_, _ = io.WriteString(w, "done")
		case <-r.Context().Done():
		}
	}
	return n
}

type result struct {
	answer
	err error
}

func (h *house) later(t *testing.T, c net.Conn) <-chan result {
	t.Helper()
	out := make(chan result, 1)
	go func() {
		a, err := say(c, get(tenantHost))
		out <- result{a, err}
	}()
	return out
}

func TestShutdownWaitsForCalls(t *testing.T) {
	h := open(t, nil)
	node := hold(h)
	idle, silent := h.dial(t, h.as(nil)), h.dialRaw(t)
	call := h.later(t, h.dial(t, h.as(nil)))
	<-node.in
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	closed := make(chan error, 1)
	go func() { closed <- h.Shutdown(ctx) }()
	// Connections without a call end at once: the idle one with TLS's good-bye.
	// The session tickets that nobody read yet may turn the end into a reset.
	_, err := idle.Read(make([]byte, 1))
	assert.True(t, errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET), "%v", err)
	ended(t, silent)
	_, err = net.DialTimeout("tcp", h.Addr().String(), time.Second)
	assert.Error(t, err, "nobody listens")
	select {
	case err := <-closed:
		t.Fatal("it did not wait for the call:", err)
	default:
	}
	close(node.out)
	r := <-call
	require.NoError(t, r.err)
	assert.Equal(t, "done", r.body)
	assert.NoError(t, <-closed)
	assert.NoError(t, h.Close(), "again")
}

func TestCloseCutsCalls(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h, p := piped(t, nil)
		h.node.handle = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
		call := p.call(t, h)
		// That the connection is gone is not noticed while the node does not read the body.
		c := p.dial(t, h)
		_, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")
		require.NoError(t, err)
		synctest.Wait()
		assert.Equal(t, closeGrace, took(func() { assert.NoError(t, h.Close()) }))
		assert.Error(t, (<-call).err)
		all := h.journeys.All()
		assert.Len(t, all, 2, "the calls have their records all the same")
		for _, j := range all {
			assert.Zero(t, j.Status, "nobody got an answer")
		}
	})
}

func TestShutdownSaysThatItCut(t *testing.T) {
	h := open(t, nil)
	node := hold(h)
	call := h.later(t, h.dial(t, h.as(nil)))
	<-node.in
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := h.Shutdown(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "were cut")
	assert.Error(t, (<-call).err)
}

func TestContextEndsIt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	a := testPKI()
	lb, err := Start(ctx, Config{Default: a.host(tenantHost, Request), Journeys: &journey.Log{}})
	require.NoError(t, err)
	cancel()
	require.Eventually(t, func() bool {
		c, err := net.Dial("tcp", lb.Addr().String())
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	}, patience, time.Millisecond)
	require.NoError(t, lb.Close())
}

// Closing is not a fault of the senders: it leaves no record of connections without a call.
func TestCloseLeavesNoRecord(t *testing.T) {
	h := open(t, nil)
	h.dialRaw(t)
	h.dial(t, h.as(nil))
	require.Eventually(t, func() bool { return len(h.tracker.rest()) == 2 }, patience, time.Millisecond)
	require.NoError(t, h.Close())
	assert.Empty(t, h.journeys.All())
}

// A default host without a name answers to every name, and nobody need keep records.
func TestZeroValues(t *testing.T) {
	a := testPKI()
	journeys := &journey.Log{}
	for _, config := range []Config{
		{Default: Host{Certificate: a.server.TLSCertificate()}, Backends: []Backend{quick{}}},
		{Default: Host{Certificate: a.server.TLSCertificate()}, Backends: []Backend{quick{}}, Journeys: journeys},
	} {
		lb, err := Start(t.Context(), config)
		require.NoError(t, err)
		h := &house{LoadBalancer: lb, pki: a}
		for _, host := range []string{"tenant.example", "tenant.example:8443"} {
			response, err := say(h.dial(t, h.as(nil)), get(host))
			require.NoError(t, err)
			assert.Equal(t, 204, response.status)
		}
		ended(t, func() net.Conn { c := h.dialRaw(t); _, _ = io.WriteString(c, "x"); return c }())
		assert.ErrorContains(t, lb.SetMode("", Require), "needs a CA bundle")
		require.NoError(t, lb.Close())
	}
	all := journeys.All()
	require.Len(t, all, 3)
	for _, j := range all[:2] {
		assert.Equal(t, tenantHost, j.Host)
	}
}
