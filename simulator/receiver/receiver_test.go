package receiver_test

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/check"
	"example.com/gatehouse/pki/roots"
	"example.com/gatehouse/simulator/receiver"
	"example.com/gatehouse/simulator/sender"
)

func TestKindOfSenderDecidesTheHints(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	for agent, want := range map[string]receiver.System{
		"SAP NetWeaver Application Server (1.0;757)": receiver.SM59, "PostmanRuntime/7.39.0": receiver.Postman,
		"curl/8.5.0": receiver.Curl, "Java/17.0.9": receiver.Java, "Java-http-client/21": receiver.Java, "something else": "",
	} {
		c, _ := h.call(h.as(nil), sender.Call{Header: http.Header{"User-Agent": {agent}}})
		assert.Equal(t, want, c.System, agent)
		require.NotEmpty(t, c.Hints)
		if want == "" {
			assert.Len(t, c.Hints, len(receiver.Systems()), "all kinds get one")
			continue
		}
		for _, hint := range c.Hints {
			assert.Equal(t, want, hint.System)
		}
	}
	c, _ := h.call(h.as(nil), sender.Call{URL: "https://tenant.example/cxf/orders", Header: http.Header{"User-Agent": {"SAP NetWeaver Application Server (1.0;757)"}}})
	assert.Equal(t, receiver.SOAMANAGER, c.System)
}

// A root that is on the list by its fingerprint only is recognised when it is presented, and the
// tenant's answer agrees with the verdict.
func TestRootKnownByFingerprint(t *testing.T) {
	t.Parallel()
	a := testPKI()
	list := roots.NewList("ours", []roots.Root{{Subject: "CN=Example Root CA", Issuer: "CN=Example Root CA", SHA1: roots.Fingerprint(a.root.DER())}})
	h := open(t, func(c *receiver.Config) {
		// Another root has to be trusted, or nobody is asked for a certificate.
		c.Trust = check.Trust{List: list, Certificates: [][]byte{pki.NewRoot("Other Root CA").DER()}}
	})
	s := h.as(a.client)
	s.Sends = sender.WithRoot
	c, result := h.call(s, sender.Call{})
	assert.True(t, c.Accepted)
	assert.Equal(t, http.StatusAccepted, result.Status)
	assert.Contains(t, point(t, c, receiver.PointVerdict).Found, "accepted")
	c, result = h.call(h.as(a.client), sender.Call{})
	assert.False(t, c.Accepted)
	assert.Equal(t, http.StatusUnauthorized, result.Status)
	assert.Contains(t, c.Bad()[0].Todo, "only its fingerprint is known here")
}

func TestDateDecidesTheVerdict(t *testing.T) {
	t.Parallel()
	h := open(t, func(c *receiver.Config) { c.At = time.Now().AddDate(30, 0, 0) })
	c, result := h.call(h.as(h.pki.client), sender.Call{})
	assert.False(t, c.Accepted)
	assert.Equal(t, 10, c.Verdict.Code)
	assert.Equal(t, http.StatusUnauthorized, result.Status, "what is answered agrees with the verdict")
	require.Len(t, c.Outcomes[0].Trace, 2)
	assert.Contains(t, c.Outcomes[0].Trace[1], "result code: 10")
}

func TestIdentityIsKept(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "keys")
	first, made, err := receiver.OpenIdentity(dir, []string{"box.example", "192.0.2.7"}, time.Now)
	require.NoError(t, err)
	assert.True(t, made)
	info, err := os.Stat(filepath.Join(dir, "load-balancer", "server.key"))
	require.NoError(t, err)
	if runtime.GOOS != "windows" {
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}
	assert.FileExists(t, receiver.RootFile(dir))

	second, made, err := receiver.OpenIdentity(dir, []string{"box.example"}, time.Now)
	require.NoError(t, err)
	assert.False(t, made, "senders that trust the root go on trusting it")
	assert.Equal(t, first.Root.Raw, second.Root.Raw)

	for name, again := range map[string]struct {
		hosts []string
		now   func() time.Time
	}{
		"another host": {[]string{"other.example"}, time.Now},
		"expired":      {nil, func() time.Time { return time.Now().AddDate(20, 0, 0) }},
	} {
		third, made, err := receiver.OpenIdentity(dir, again.hosts, again.now)
		require.NoError(t, err, name)
		assert.True(t, made, name)
		assert.NotEqual(t, first.Root.Raw, third.Root.Raw, name)
	}

	require.NoError(t, os.WriteFile(receiver.RootFile(dir), []byte("nonsense"), 0o600))
	_, _, err = receiver.OpenIdentity(dir, nil, time.Now)
	assert.ErrorContains(t, err, "no certificate in PEM was found: remove the folder")

	own := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(own, "load-balancer"), 0o700))
	mine := filepath.Join(own, "load-balancer", "root.pem")
	require.NoError(t, os.WriteFile(mine, []byte("my own"), 0o600))
	_, _, err = receiver.OpenIdentity(own, nil, time.Now)
	assert.ErrorIs(t, err, os.ErrExist)
	data, err := os.ReadFile(mine)
	require.NoError(t, err)
	assert.Equal(t, "my own", string(data))
}

func TestCallsThatAreKeptAreBounded(t *testing.T) {
	t.Parallel()
	h := open(t, func(c *receiver.Config) { c.Kept = 2 })
	for range 4 {
		_, _ = h.call(h.as(nil), sender.Call{})
	}
	c, err := h.Next(t.Context(), 0)
	require.NoError(t, err)
	assert.Equal(t, 3, c.Number, "the oldest were forgotten")
	assert.Equal(t, 4, h.Count())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = h.Next(ctx, 4)
	assert.ErrorIs(t, err, context.Canceled)
}

func TestBadConfiguration(t *testing.T) {
	t.Parallel()
	_, err := receiver.Start(t.Context(), receiver.Config{Trust: check.Trust{Certificates: [][]byte{[]byte("x")}}})
	assert.ErrorContains(t, err, "trusted certificate 1 of 1")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	_, err = receiver.Start(t.Context(), receiver.Config{Listen: taken.Addr().String(), Trust: trusting(testPKI().root)})
	assert.ErrorContains(t, err, "listening on")
}
