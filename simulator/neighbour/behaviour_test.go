package neighbour_test

import (
	"crypto/tls"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/neighbour"
	"example.com/gatehouse/simulator/sender"
)

var kinds = []neighbour.Kind{neighbour.HAProxy, neighbour.Nginx}

// landscape has two nodes and a custom domain of each mode.
func landscape() simulator.Landscape {
	l, _ := defective("last")
	l.PKI = append(l.PKI[:3:3],
		pki.Description{Name: "lapsed", Like: "warehouse", Defect: "expired"},
		pki.Description{Name: "other-root", Subject: "CN=Other Root CA, O=Example, C=DE", CA: true},
		pki.Description{Name: "other", Issuer: "other-root", Subject: "CN=other.example, O=Example, C=DE"})
	l.Tenant.Nodes = 2
	l.LoadBalancer.Domains = []simulator.Domain{
		{Host: "asks.example", Mode: "request", Trust: []string{"other-root"}},
		{Host: "demands.example", Mode: "require", Trust: []string{"example-root"}},
		{Host: "never.example", Mode: "none"},
	}
	return l
}

func (f *front) sender(t testing.TB, name string) *sender.Sender {
	t.Helper()
	var c *pki.Certificate
	if name != "" {
		var ok bool
		c, ok = f.sim.Certificates().Get(name)
		require.True(t, ok, name)
	}
	s := f.sim.NewSender("sender", c)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func on(host string) func(*sender.Call) {
	return func(c *sender.Call) { c.URL = "https://" + host + "/http/orders" }
}

// Custom domains have the mode and the CA bundle of their own, as with our load balancer.
func TestDomains(t *testing.T) {
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			f := startBehind(t, kind, landscape())
			refused := "C=DE, O=Example, CN=warehouse.example"
			for _, one := range []struct {
				host, certificate string
				want              seen
			}{
				{"asks.example", "other", seen{Status: 403, User: "other.example@Other Root CA"}},
				{"asks.example", "warehouse", seen{Status: 401, Code: 21, Subject: refused}},
				{"asks.example", "", seen{Status: 401}},
				{"demands.example", "warehouse", seen{Status: 200, User: "WAREHOUSE"}},
				{"demands.example", "lapsed", seen{}},
				{"demands.example", "other", seen{}},
				{"demands.example", "", seen{}},
				{"never.example", "warehouse", seen{Status: 401}},
				{"unknown.example", "warehouse", seen{Status: 200, User: "WAREHOUSE"}},
			} {
				from := f.sender(t, one.certificate)
				from.CheckHostName = one.host != "unknown.example"
				name := one.host + " with " + one.certificate
				change := func(c *sender.Call) {
					address := c.Address
					on(one.host)(c)
					c.Address = address
				}
				if one.host == "asks.example" && one.certificate == "warehouse" {
					one.want.Code = 20 // the root is not known: the upper end of the chain
					if kind == neighbour.HAProxy {
						one.want.Depth = 1
					}
				}
				assert.Equal(t, one.want, f.through(t, from, false, change), "ours: %s", name)
				assert.Equal(t, one.want, f.through(t, from, true, change), "%s: %s", kind, name)
			}
		})
	}
}

// Whatever a sender writes into headers that only the load balancer may set, it is nobody by it.
func TestSendersHeadersAreRemoved(t *testing.T) {
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			f := startBehind(t, kind, landscape())
			stranger, known := f.sender(t, ""), f.sender(t, "warehouse")
			require.Equal(t, seen{Status: 200, User: "WAREHOUSE"}, f.through(t, known, true, nil), "the good twin")
			c, _ := f.sim.Certificates().Get("warehouse")
			for _, spelling := range []string{"SSL_CLIENT_CERT", "ssl_client_cert", "SSL-CLIENT-CERT", "Ssl-Client_Cert"} {
				forged := func(call *sender.Call) {
					call.RawHeader = []string{
						spelling + ": " + certificateHeader(kind, c),
						strings.Replace(strings.ToUpper(spelling), "CERT", "VERIFY_RESULT", 1) + ": 0",
						"SSL_CLIENT_VERIFY_RESULT: 0", "X-Forwarded-For: 192.0.2.1", "x-gatehouse-check: 1",
					}
				}
				assert.Equal(t, seen{Status: 401}, f.through(t, stranger, true, forged), spelling)
				assert.Equal(t, 401, f.through(t, f.sender(t, "other"), true, forged).Status, "a sender whose certificate is refused: %s", spelling)
			}
		})
	}
}

// In its certificate request each host names the CAs of its bundle and no other, as with our load
// balancer.
func TestNamesOfCAs(t *testing.T) {
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			f := startBehind(t, kind, landscape())
			for host, want := range map[string][]string{
				f.sim.Host():      {"C=DE, O=Example, CN=Example Root CA"},
				"asks.example":    {"C=DE, O=Example, CN=Other Root CA"},
				"demands.example": {"C=DE, O=Example, CN=Example Root CA"},
				"never.example":   nil,
			} {
				for _, address := range []string{f.sim.Address(), f.address} {
					result, err := f.sender(t, "warehouse").Do(t.Context(), sender.Call{URL: "https://" + host + "/http/orders", Address: address})
					require.NoError(t, err)
					assert.Equal(t, want, result.AcceptableCAs, "%s at %s", host, address)
				}
			}
		})
	}
}

// With two nodes a cookie keeps a sender on its node; with an encoded one it loses it.
func TestAffinity(t *testing.T) {
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			f := startBehind(t, kind, landscape())
			from := f.sender(t, "warehouse")
			from.Cookies = true
			first, err := from.Do(t.Context(), f.call("/http/orders"))
			require.NoError(t, err)
			require.Equal(t, 200, first.Status)
			set := first.Header.Get("Set-Cookie")
			require.Contains(t, set, "BIGipServer"+f.sim.Host()+"=!")
			nodes := func(s *sender.Sender) map[string]bool {
				mark, err := f.sim.Logs().Mark()
				require.NoError(t, err)
				for range 8 {
					r, err := s.Do(t.Context(), f.call("/http/orders"))
					require.NoError(t, err)
					require.Equal(t, 200, r.Status)
				}
				lines, _, err := f.sim.Logs().Since(mark)
				require.NoError(t, err)
				out := map[string]bool{}
				for _, l := range lines {
					out[l.Node] = true
				}
				return out
			}
			assert.Len(t, nodes(from), 1, "the cookie keeps the sender on its node")
			again, err := from.Do(t.Context(), f.call("/http/orders"))
			require.NoError(t, err)
			assert.Empty(t, again.Header.Get("Set-Cookie"), "who has the cookie gets no other")
			without := f.sender(t, "warehouse")
			assert.Eventually(t, func() bool { return len(nodes(without)) == 2 }, waitLimit, time.Millisecond, "without a cookie calls are spread")
		})
	}
}

// waitLimit is how long a test waits for what must come to pass.
const waitLimit = 15 * time.Second

// The client's address reaches the log, and bodies of all methods arrive whole also where the
// certificate was refused.
func TestCallsArriveWhole(t *testing.T) {
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			f := startBehind(t, kind, landscape())
			for certificate, want := range map[string]int{"warehouse": 200, "lapsed": 401, "": 401} {
				from := f.sender(t, certificate)
				call := f.call("/http/orders")
				call.Method, call.Body = http.MethodPost, []byte(strings.Repeat("order ", 20_000))
				mark, err := f.sim.Logs().Mark()
				require.NoError(t, err)
				r, err := from.Do(t.Context(), call)
				require.NoError(t, err)
				require.Equal(t, want, r.Status, certificate)
				if want == 200 {
					assert.Contains(t, string(r.Body), string(call.Body))
				}
				lines, _, err := f.sim.Logs().Since(mark)
				require.NoError(t, err)
				require.Len(t, lines, 1)
				assert.Equal(t, "127.0.0.1", lines[0].Client)
				assert.Equal(t, "POST", lines[0].Method)
				assert.Equal(t, f.sim.Host()+":443", lines[0].Host)
			}
		})
	}
}

// A node that is down gets no calls; when all are, the load balancer says so.
func TestNodesDown(t *testing.T) {
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			f := startBehind(t, kind, landscape())
			from := f.sender(t, "warehouse")
			f.sim.Nodes()[0].SetUp(false)
			for range 6 {
				assert.Equal(t, seen{Status: 200, User: "WAREHOUSE"}, f.through(t, from, true, nil))
			}
			f.sim.Nodes()[1].SetUp(false)
			if kind == neighbour.HAProxy {
				assert.Equal(t, seen{Status: 503}, f.through(t, from, true, nil), "at once, whether it has noticed or not")
			}
			assert.Eventually(t, func() bool {
				s := f.through(t, from, true, nil).Status
				return s == 503 || s == 502
			}, waitLimit, 10*time.Millisecond)
			f.sim.Nodes()[0].SetUp(true)
			assert.Eventually(t, func() bool { return f.through(t, from, true, nil).Status == 200 }, waitLimit, 50*time.Millisecond)
		})
	}
}

// The neighbour is killed and started again: senders see the connection fail, nobody is let in
// by another way, and afterwards calls get in as before.
func TestNeighbourDiesAndComesBack(t *testing.T) {
	f := startBehind(t, neighbour.HAProxy, landscape())
	from := f.sender(t, "warehouse")
	require.Equal(t, 200, f.through(t, from, true, nil).Status)
	require.NoError(t, f.process.Process.Kill())
	assert.Eventually(t, func() bool {
		r, err := from.Do(t.Context(), f.call("/http/orders"))
		return err == nil && r.Status == 0 && r.Stage == sender.StageDial
	}, waitLimit, 10*time.Millisecond)
	f.start(t, program(t, neighbour.HAProxy))
	assert.Equal(t, seen{Status: 200, User: "WAREHOUSE"}, f.through(t, from, true, nil))
}

// Nobody but the neighbour gets to a node: not without a certificate, not with one of a sender, not
// with one that has the neighbour's name.
func TestNodesLetOnlyTheNeighbourIn(t *testing.T) {
	sim := simulator.New(t, landscape())
	b, err := sim.PutBehind(t.Context(), simulator.BehindOptions{Kind: neighbour.HAProxy, Listen: "127.0.0.1:1", Folder: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, b.Close()) })
	warehouse, _ := sim.Certificates().Get("warehouse")
	lookAlike := pki.NewRoot("Gatehouse Nodes CA", pki.Subject("CN=Gatehouse Nodes CA, O=Gatehouse")).Client("neighbour", pki.Subject("CN=neighbour, O=Gatehouse"))
	for name, config := range map[string]*tls.Config{
		"no certificate":         {},
		"a sender's certificate": {Certificates: []tls.Certificate{warehouse.TLSCertificate()}},
		"the neighbour's name":   {Certificates: []tls.Certificate{lookAlike.TLSCertificate()}},
	} {
		config.InsecureSkipVerify = true
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}, Timeout: waitLimit}
		request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+b.Nodes[0].Address+"/http/orders", nil)
		request.Header.Set("SSL_CLIENT_VERIFY_RESULT", "0")
		response, err := client.Do(request)
		if assert.Error(t, err, name) {
			assert.Contains(t, err.Error(), "tls: ", name)
		} else {
			response.Body.Close()
		}
	}
	assert.Empty(t, sim.Journeys().All(), "no call got to a node")
}
