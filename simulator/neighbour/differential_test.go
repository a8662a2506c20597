// The command is built with these; what comes out differently is said of the command.
//
//go:debug x509negativeserial=1
//go:debug tlsmaxrsasize=16384

package neighbour_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/neighbour"
	"example.com/gatehouse/simulator/sender"
	"example.com/gatehouse/simulator/systemlog"
)

// startLimit is how long a neighbour may take until it answers, and stopLimit how long until it ends.
const (
	startLimit = 15 * time.Second
	stopLimit  = 10 * time.Second
)

// program finds the neighbour's program. That it is missing is a failure unless comparisons with
// other programs are switched off.
func program(t testing.TB, kind neighbour.Kind) string {
	t.Helper()
	return installed(t, string(kind))
}

// installed finds a program that a comparison needs.
func installed(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin"} {
		if err == nil {
			break
		}
		path, err = exec.LookPath(filepath.Join(dir, name))
	}
	if err != nil {
		if os.Getenv("GATEHOUSE_SKIP_ORACLES") != "" {
			t.Skipf("%s is not installed and GATEHOUSE_SKIP_ORACLES is set: nothing was compared", name)
		}
		t.Fatalf("%s is not installed: install it, or set GATEHOUSE_SKIP_ORACLES=1 to skip the comparison", name)
	}
	return path
}

// freeAddress is one that nobody listens on now. Its port is below those that systems give to outgoing
// connections, so that none of them takes it before the neighbour does.
func freeAddress(t testing.TB) string {
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 20_000+rand.IntN(10_000)))
		if err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("of 100 ports none is free")
	return ""
}

// front is a landscape with a real load balancer in front of its nodes, beside its own.
type front struct {
	sim     *simulator.Simulator
	behind  *simulator.Behind
	address string
	process *exec.Cmd
	// tellsDepth: the neighbour tells at which depth an error is.
	tellsDepth bool
	calls      atomic.Uint64
}

func startBehind(t testing.TB, kind neighbour.Kind, l simulator.Landscape) *front {
	t.Helper()
	binary := program(t, kind)
	sim := simulator.New(t, l)
	f := &front{sim: sim, address: freeAddress(t), tellsDepth: kind == neighbour.HAProxy}
	folder := t.TempDir()
	var err error
	f.behind, err = sim.PutBehind(t.Context(), simulator.BehindOptions{Kind: kind, Listen: f.address, Folder: folder})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, f.behind.Close()) })
	f.start(t, binary)
	return f
}

func (f *front) start(t testing.TB, binary string) {
	t.Helper()
	output, err := os.CreateTemp(t.TempDir(), "output")
	require.NoError(t, err)
	f.process = exec.Command(binary, f.behind.Command[1:]...)
	f.process.Stdout, f.process.Stderr = output, output
	require.NoError(t, f.process.Start())
	exited := make(chan struct{})
	go func() { _ = f.process.Wait(); close(exited) }()
	t.Cleanup(func() {
		// A killed master would leave its workers behind.
		_ = f.process.Process.Signal(syscall.SIGTERM)
		select {
		case <-exited:
		case <-time.After(stopLimit):
			_ = f.process.Process.Kill()
			<-exited
		}
		output.Close()
		if t.Failed() {
			said, _ := os.ReadFile(output.Name())
			t.Logf("%s said:\n%s", f.behind.Command[0], said)
		}
	})
	require.Eventually(t, func() bool {
		select {
		case <-exited:
			return true
		default:
		}
		from := f.sim.NewSender("probe", nil)
		defer from.Close()
		r, err := from.Do(t.Context(), f.call("/http/probe"))
		return err == nil && r.Status == 401
	}, startLimit, 20*time.Millisecond, "the load balancer in front did not answer")
	select {
	case <-exited:
		said, _ := os.ReadFile(output.Name())
		t.Fatalf("%v ended at once:\n%s", f.behind.Command, said)
	default:
	}
}

// call is one that goes through the load balancer in front.
func (f *front) call(path string) sender.Call {
	return sender.Call{URL: "https://" + f.sim.Host() + path, Address: f.address}
}

// seen is what became of a call, as far as both load balancers can tell.
type seen struct {
	Status int
	Code   int
	User   string
	// Subject is the DN that the node was told of a certificate that was not accepted.
	Subject string
	// Depth is where the error is, by the record of the call, as far as the neighbour tells it: nginx
	// does not.
	Depth int
}

func (s seen) String() string {
	switch {
	case s.Status == 0:
		return "no HTTP answer"
	case s.Code != 0:
		return fmt.Sprintf("HTTP %d, verify result %d at depth %d, %s", s.Status, s.Code, s.Depth, s.Subject)
	default:
		return fmt.Sprintf("HTTP %d, user %q", s.Status, s.User)
	}
}

// through sends a call and reads what it left in the nodes' logs: the same evidence whichever load
// balancer it came through.
func (f *front) through(t testing.TB, from *sender.Sender, foreign bool, change func(*sender.Call)) seen {
	t.Helper()
	call := sender.Call{URL: f.sim.URL("/http/orders"), Address: f.sim.Address()}
	if foreign {
		call = f.call("/http/orders")
	}
	if change != nil {
		change(&call)
	}
	number := fmt.Sprintf("n=%d", f.calls.Add(1))
	call.URL += "?" + number
	out := f.left(t, func() int {
		result, err := from.Do(t.Context(), call)
		require.NoError(t, err)
		return result.Status
	})
	if out.Code != 0 && f.tellsDepth {
		limit, cancel := context.WithTimeout(t.Context(), startLimit)
		defer cancel()
		j, err := f.sim.Journeys().Wait(limit, func(j journey.Journey) bool { return strings.Contains(j.AccessLog, number+" ") })
		require.NoError(t, err)
		assert.Equal(t, out.Code, j.Verification.Code)
		assert.False(t, j.Verification.DepthUnknown)
		out.Depth = j.Verification.Depth
	}
	return out
}

// left reads what a call left in the nodes' logs. The call returns its status, 0 for no answer.
func (f *front) left(t testing.TB, call func() int) seen {
	t.Helper()
	mark, err := f.sim.Logs().Mark()
	require.NoError(t, err)
	status := call()
	lines, records, err := f.sim.Logs().Since(mark)
	require.NoError(t, err)
	if status == 0 {
		assert.Empty(t, lines, "a call without answer leaves no line")
		return seen{}
	}
	out := seen{Status: status}
	if len(lines) > 0 {
		require.Len(t, lines, 1)
		out.User = lines[0].User
	}
	for _, r := range records {
		if code, ok := systemlog.ParseCertificateStatus(r.Text); ok {
			out.Code = code
		}
		if subject, ok := systemlog.ParseCertificateReceived(r.Text); ok {
			out.Subject = subject
		}
	}
	return out
}

// presented sends a call with a certificate of the landscape, whatever key it has, over a version of
// TLS.
func (f *front) presented(t testing.TB, c *pki.Certificate, version uint16, foreign bool) seen {
	t.Helper()
	shown := presentation{chain: c.Presented(), key: c.Key()}
	if shown.goPresents(version) {
		from := f.sim.NewSender(c.Name(), c)
		defer from.Close()
		from.MinTLS, from.MaxTLS = version, version
		return f.through(t, from, foreign, nil)
	}
	leaf, err := takeApart(shown.chain[0])
	require.NoError(t, err)
	key, err := readKey(leaf.spki())
	require.NoError(t, err)
	shown.pem, err = privatePEM(shown.key, key.algorithm)
	require.NoError(t, err)
	address := f.sim.Address()
	if foreign {
		address = f.address
	}
	return f.left(t, func() int { return opensslCall(t, f, shown, f.sim.Host(), address, version) })
}

// defective is a landscape that has a certificate with each defect that a chain as presented can
// have; those that only a CRL tells are left out, since the load balancers look at none.
func defective(report string) (simulator.Landscape, []pki.Defect) {
	l := simulator.Landscape{
		PKI: []pki.Description{
			{Name: "example-root", Subject: "CN=Example Root CA, O=Example, C=DE", CA: true},
			{Name: "example-issuing", Subject: "CN=Example Issuing CA, O=Example, C=DE", Issuer: "example-root", CA: true},
			{Name: "warehouse", Issuer: "example-issuing", Subject: "CN=warehouse.example, O=Example, C=DE"},
		},
		LoadBalancer: simulator.LoadBalancer{Trust: []string{"example-root"}, Verification: simulator.Verification{Report: report}},
		Channels:     []simulator.Channel{{Address: "/http/orders", CSRFProtected: new(bool)}},
		Mappings:     []simulator.Mapping{{Certificate: "warehouse", User: "WAREHOUSE"}},
		Roles:        []simulator.Role{{User: "WAREHOUSE", Role: "ESBMessaging.send"}},
	}
	var defects []pki.Defect
	for _, d := range pki.Defects() {
		if d.NeedsCRL {
			continue
		}
		defects = append(defects, d)
		l.PKI = append(l.PKI, pki.Description{Name: d.ID, Like: "warehouse", Defect: d.ID})
	}
	return l, defects
}

// comparison counts what comes out the same through both load balancers over a version of TLS. What
// comes out differently must be in the list of known differences, and what is in that list must come
// out differently.
type comparison struct {
	kind           neighbour.Kind
	version        uint16
	known          map[string]string // id to reason
	agreed, listed int
}

// newComparison takes the ids that the known differences have in one of their lists.
func newComparison(kind neighbour.Kind, version uint16, ids func(neighbour.Difference) []string) *comparison {
	c := &comparison{kind: kind, version: version, known: map[string]string{}}
	for _, d := range neighbour.Differences(kind) {
		if d.Version == 0 || d.Version == version {
			for _, id := range ids(d) {
				c.known[id] = d.Reason
			}
		}
	}
	return c
}

// put compares one, and tells whether the two differ and may.
func (c *comparison) put(t testing.TB, id string, ours, theirs seen) (listed bool) {
	t.Helper()
	reason, expected := c.known[id]
	over := tls.VersionName(c.version)
	switch {
	case ours == theirs && expected:
		t.Errorf("%s over %s: is listed as a difference (%s), and both say %s", id, over, reason, ours)
	case ours == theirs:
		c.agreed++
	case expected:
		c.listed++
		return true
	default:
		t.Errorf("%s over %s: ours %s; %s %s", id, over, ours, c.kind, theirs)
	}
	return false
}

// report tells the numbers of so many things compared.
func (c *comparison) report(t testing.TB, of int, what string) {
	t.Helper()
	t.Logf("%s over %s: %d of %d %s come out the same, %d are listed as different", c.kind, tls.VersionName(c.version), c.agreed, of, what, c.listed)
	assert.Equal(t, len(c.known), c.listed, "everything that is listed was compared, and differs")
	assert.Equal(t, of, c.agreed+c.listed)
}

// versions are those of TLS that are compared.
var versions = []uint16{tls.VersionTLS12, tls.VersionTLS13}

// Every defect of the catalogue goes through both load balancers: ours, and the real one in front
// of the same nodes.
func TestDifferentialDefects(t *testing.T) {
	installed(t, "openssl") // for keys that Go does not sign with
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			report := "first"
			if kind == neighbour.Nginx {
				report = "last" // nginx knows no other
			}
			l, defects := defective(report)
			f := startBehind(t, kind, l)
			for _, version := range versions {
				both := func(name string) (ours, theirs seen) {
					c, ok := f.sim.Certificates().Get(name)
					require.True(t, ok, name)
					return f.presented(t, c, version, false), f.presented(t, c, version, true)
				}
				good := seen{Status: 200, User: "WAREHOUSE"}
				ours, theirs := both("warehouse")
				assert.Equal(t, good, ours, "the good twin through our load balancer")
				assert.Equal(t, good, theirs, "the good twin through %s", kind)
				compared := newComparison(kind, version, func(d neighbour.Difference) []string { return d.Defects })
				for _, d := range defects {
					ours, theirs := both(d.ID)
					compared.put(t, d.ID, ours, theirs)
				}
				compared.report(t, len(defects), "defects")
			}
		})
	}
}
