package neighbour_test

import (
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/neighbour"
)

// certificateHeader is a certificate as the neighbour forwards it.
func certificateHeader(kind neighbour.Kind, c *pki.Certificate) string {
	if kind == neighbour.Nginx {
		return url.PathEscape(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.DER()})))
	}
	return base64.StdEncoding.EncodeToString(c.DER())
}

// backend is a node that answers with what it is told.
type backend struct{ got http.Header }

func (b *backend) ID() string { return "a1b2c3d" }
func (b *backend) Up() bool   { return true }
func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.got = r.Header
	w.WriteHeader(http.StatusNoContent)
}

// What a neighbour says must be whole: garbage, a header that stands twice, a certificate without
// a verdict and a verdict without a certificate let nobody in.
func TestContradictionsLetNobodyIn(t *testing.T) {
	c := pki.NewRoot("Example Root CA").Client("warehouse")
	for _, kind := range kinds {
		good := certificateHeader(kind, c)
		subject := "CN=warehouse,O=Example"
		if kind == neighbour.HAProxy {
			subject = base64.StdEncoding.EncodeToString([]byte(subject))
		}
		node := &backend{}
		identity, err := neighbour.NewIdentity(nil, nil, node.ID())
		require.NoError(t, err)
		journeys := &journey.Log{}
		gate, err := neighbour.Listen(t.Context(), neighbour.GateConfig{Kind: kind, Identity: identity, Node: node, Journeys: journeys})
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, gate.Close()) })
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: identity.Client(), DisableKeepAlives: true}, Timeout: waitLimit}
		const cert, sub, result = "SSL_CLIENT_CERT", "SSL_CLIENT_SUBJECT", "SSL_CLIENT_VERIFY_RESULT"
		const depth = "SSL_CLIENT_VERIFY_DEPTH"
		// What nginx passes on there comes from a sender and is not looked at.
		badDepth, saidOfDepth := 400, "not a depth"
		if kind == neighbour.Nginx {
			badDepth, saidOfDepth = 204, ""
		}
		for name, one := range map[string]struct {
			header map[string][]string
			status int
			said   string
		}{
			"accepted":                         {map[string][]string{cert: {good}, result: {"0"}}, 204, ""},
			"refused":                          {map[string][]string{sub: {subject}, result: {"20"}}, 204, ""},
			"none":                             {nil, 204, ""},
			"refused at depth 2":               {map[string][]string{sub: {subject}, result: {"20"}, depth: {"2"}}, 204, ""},
			"depth is no number":               {map[string][]string{sub: {subject}, result: {"20"}, depth: {"x"}}, badDepth, saidOfDepth},
			"depth below zero":                 {map[string][]string{sub: {subject}, result: {"20"}, depth: {"-1"}}, badDepth, saidOfDepth},
			"depth beyond all chains":          {map[string][]string{sub: {subject}, result: {"20"}, depth: {"1001"}}, badDepth, saidOfDepth},
			"depth twice":                      {map[string][]string{sub: {subject}, result: {"20"}, depth: {"1", "1"}}, badDepth, saidOfDepth},
			"certificate without verdict":      {map[string][]string{cert: {good}}, 400, "without a verdict"},
			"subject without verdict":          {map[string][]string{sub: {subject}}, 400, "without a verdict"},
			"verdict without certificate":      {map[string][]string{result: {"0"}}, 400, "none is forwarded"},
			"verdict accepted, subject only":   {map[string][]string{sub: {subject}, result: {"0"}}, 400, "none is forwarded"},
			"accepted and refused":             {map[string][]string{cert: {good}, result: {"20"}}, 400, "at once"},
			"certificate twice":                {map[string][]string{cert: {good, good}, result: {"0"}}, 400, "stands 2 times"},
			"verdict twice":                    {map[string][]string{cert: {good}, result: {"0", "0"}}, 400, "stands 2 times"},
			"verdict is no number":             {map[string][]string{cert: {good}, result: {"ok"}}, 400, "not a verify result"},
			"verdict below zero":               {map[string][]string{sub: {subject}, result: {"-1"}}, 400, "not a verify result"},
			"certificate is garbage":           {map[string][]string{cert: {"%%%"}, result: {"0"}}, 400, "of a certificate"},
			"certificate is cut":               {map[string][]string{cert: {good[:len(good)/2]}, result: {"0"}}, -1, ""},
			"certificate and something behind": {map[string][]string{cert: {good + good}, result: {"0"}}, -1, ""},
		} {
			before := len(journeys.All())
			request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+gate.Addr().String()+"/", nil)
			for key, values := range one.header {
				for _, v := range values {
					request.Header.Add(key, v)
				}
			}
			node.got = nil
			response, err := client.Do(request)
			require.NoError(t, err, name)
			response.Body.Close()
			all := journeys.All()
			require.Len(t, all, before+1, name)
			if one.status == -1 {
				// Base64 may be cut at a place where it is whole: the node finds that it is no certificate.
				assert.True(t, response.StatusCode == 400 || node.got.Get(cert) != good, name)
				continue
			}
			assert.Equal(t, one.status, response.StatusCode, "%s: %s", kind, name)
			if got := all[len(all)-1].Verification; one.status == 204 && got.Code != 0 {
				known := kind == neighbour.HAProxy && one.header[depth] != nil
				assert.Equal(t, known, !got.DepthUnknown, "%s: %s", kind, name)
				assert.Equal(t, known, got.Depth == 2, "%s: %s", kind, name)
				assert.Empty(t, node.got.Get(depth), "%s: %s: no runtime node gets it", kind, name)
			}
			if one.status == 400 {
				assert.Nil(t, node.got, "%s: the node was not called", name)
				stop, refused := all[len(all)-1].Cause()
				require.True(t, refused, name)
				assert.Equal(t, journey.ForwardedBadly, stop.Reason, name)
				assert.Contains(t, stop.Decided, one.said, "%s: %s", kind, name)
			}
		}
	}
}

// Configurations take no word that could become another setting.
func TestWriteRefusesWhatEndsAWord(t *testing.T) {
	identity, err := neighbour.NewIdentity(nil, nil)
	require.NoError(t, err)
	ok := func() neighbour.Config {
		host := neighbour.Host{Name: "tenant.example", Certificate: []byte("c"), Key: []byte("k")}
		return neighbour.Config{Listen: "127.0.0.1:8443", Default: host, Nodes: []neighbour.Node{{ID: "a1b2c3d", Address: "127.0.0.1:1"}}, Identity: identity, Folder: "/etc/front"}
	}
	for _, kind := range kinds {
		files, err := neighbour.Write(kind, ok())
		require.NoError(t, err)
		for _, f := range files {
			assert.Equal(t, strings.Contains(string(f.Data), "PRIVATE KEY") || f.Name == "host0.pem", f.Secret, f.Name)
		}
		for said, change := range map[string]func(*neighbour.Config){
			"host":                   func(c *neighbour.Config) { c.Default.Name = "a;b" },
			"stands twice":           func(c *neighbour.Config) { c.Domains = []neighbour.Host{c.Default} },
			"listening on":           func(c *neighbour.Config) { c.Listen = "8443" },
			"no runtime node":        func(c *neighbour.Config) { c.Nodes = nil },
			"expected an id":         func(c *neighbour.Config) { c.Nodes[0].ID = "a b" },
			"an absolute path":       func(c *neighbour.Config) { c.Folder = "/etc/front\nglobal" },
			"identity":               func(c *neighbour.Config) { c.Identity = neighbour.Identity{} },
			"certificate or key":     func(c *neighbour.Config) { c.Default.Key = nil },
			"require needs a CA":     func(c *neighbour.Config) { c.Default.Mode = 1 },
			"expected haproxy or ng": nil,
		} {
			c, k := ok(), kind
			if change != nil {
				change(&c)
			} else {
				k = "apache"
			}
			_, err := neighbour.Write(k, c)
			assert.ErrorContains(t, err, said)
		}
	}
}
