// Package node is a runtime node of the tenant: it takes the calls that the load balancer passes
// on and answers them.
//
// A call is authenticated, its path is matched with the deployed channels, the channel's
// authorization is checked, and then its flow answers. Each step is a function of what the call
// brings and of one snapshot of the tenant, in a file of its own; this file ties them together.
// Each step leaves a stop in the record of the call (package journey), and every call a line in
// the node's access log before its answer can be read.
//
// The package trusts the forwarding headers: it is the load balancer's task to remove what
// a sender sets itself, and a node that listens on its own must be reachable for the load balancer
// only. What is configured lives in package tenant, the form of the logs in package systemlog.
//
// Statements about the real system carry a mark: [C] confirmed by a source, [I] inferred, [X]
// sources conflict, [?] not known and therefore a choice made here.
package node

import (
	cryptorand "crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/logon"
	"example.com/gatehouse/simulator/systemlog"
	"example.com/gatehouse/simulator/tenant"
)

// Tenant is what a node needs of a tenant; *tenant.Tenant is one.
type Tenant interface {
	Snapshot() *tenant.Snapshot
}

// Lookups answers what a node asks about the configuration during one call, always from the same
// moment. *tenant.Snapshot does.
type Lookups interface {
	Application() string
	Mapped(der []byte) (user string, ok bool)
	Password(user, given string) tenant.PasswordVerdict
	Token(token string, now time.Time) (clientID string, ok bool)
	Route(path string) (tenant.Channel, tenant.RouteAnswer)
	Restarting(c tenant.Channel, now time.Time) bool
	Role(user, role string) tenant.RoleAnswer
	InTable(c tenant.Channel, rawSubject, rawIssuer []byte) bool
}

// Log takes what a node writes; *systemlog.Writer is one. What was written must be readable when
// the method returns. It is called by many goroutines.
type Log interface {
	Access(systemlog.AccessLine) error
	Trace(...systemlog.TraceRecord) error
}

// Config says which node it is and what it works with.
type Config struct {
	// ID is the node's id, 7 lower-case hex digits as in the names of its log files [C].
	// Default: that of the first node of the tenant's account.
	ID string
	// Host is what the access log shows in its host column for calls of which the load balancer
	// names no host of its own (forwarding.HostHeader); ":443" is added if no port is named.
	// Default: "-".
	Host string
	// Tenant is required.
	Tenant Tenant
	// Lookups exchanges the answers of a snapshot for others, so that a test can ask whether a suite
	// notices. Default: the snapshot answers itself.
	Lookups func(*tenant.Snapshot) Lookups
	// Log. Default: nothing is written.
	Log Log
	// TenantID is the id in trace records, a letter and 8 hex digits [C].
	// Default: made from the tenant's account.
	TenantID string
	// LoadBalancer is the address that the access log shows as the load balancer's.
	// Default: that of the connection (http.Request.RemoteAddr).
	LoadBalancer string
	// Now is the clock. Default: time.Now.
	Now func() time.Time
	// Rand makes session ids, CSRF tokens and ids of message processing logs. It need not be
	// safe for concurrent use. Default: crypto/rand.
	Rand io.Reader
	// Sessions is how many CSRF sessions are kept; the one unused for longest goes first.
	// Default: logon.DefaultSessions.
	Sessions int
	// Logger takes faults of the simulator itself. Default: slog.Default.
	Logger *slog.Logger
}

// Node is a runtime node. It is an http.Handler and safe for concurrent use.
type Node struct {
	config   Config
	down     atomic.Bool
	threads  atomic.Uint32
	sessions *logon.Sessions
	random   sync.Mutex // guards config.Rand
}

// New makes a node that is up. It fails if the tenant is missing or an id has the wrong form.
func New(c Config) (*Node, error) {
	if c.Tenant == nil {
		return nil, errors.New("making a runtime node: no tenant was given")
	}
	account := c.Tenant.Snapshot().Account()
	if c.ID == "" {
		c.ID = systemlog.NodeID(account, 1)
	}
	if len(c.ID) != 7 || !lowerHex(c.ID) {
		return nil, fmt.Errorf("making a runtime node: found id %q, expected 7 lower-case hex digits", c.ID)
	}
	if c.TenantID == "" {
		c.TenantID = tenantID(account)
	}
	if len(c.TenantID) != 9 || c.TenantID[0] < 'a' || c.TenantID[0] > 'z' || !lowerHex(c.TenantID[1:]) {
		return nil, fmt.Errorf("making a runtime node: found tenant id %q, expected a letter and 8 hex digits", c.TenantID)
	}
	if _, _, err := net.SplitHostPort(c.Host); err != nil && c.Host != "" {
		c.Host += ":443"
	}
	if c.Log == nil {
		c.Log = noLog{}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Rand == nil {
		c.Rand = cryptorand.Reader
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return &Node{config: c, sessions: logon.NewSessions(c.Sessions)}, nil
}

// ID is the node's id.
func (n *Node) ID() string { return n.config.ID }

// SetUp takes the node up or down. A node that is down is not called by the load balancer; calls
// that are under way end as usual, and its CSRF sessions are lost.
func (n *Node) SetUp(up bool) {
	n.down.Store(!up)
	if !up {
		n.sessions.Clear()
	}
}

// Up tells whether the node takes calls.
func (n *Node) Up() bool { return !n.down.Load() }

// ServeHTTP answers one call. The recorder in the request's context, if there is one, gets
// the stops of runtime node, endpoint, channel authorization and flow.
func (n *Node) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{
		node:    n,
		request: r,
		record:  journey.FromContext(r.Context()),
		began:   n.config.Now(),
	}
	a := c.answer()
	c.writeLogs(a)
	a.writeTo(w, r.Method)
}

// lookups is what is configured now.
func (n *Node) lookups() Lookups {
	s := n.config.Tenant.Snapshot()
	if n.config.Lookups != nil {
		return n.config.Lookups(s)
	}
	return s
}

// call is one call under way. It belongs to one goroutine.
type call struct {
	node     *Node
	request  *http.Request
	record   *journey.Recorder // nil: nobody listens
	began    time.Time
	snapshot Lookups
	user     string // empty as long as nobody was recognised
	passport passport
	traces   []systemlog.TraceRecord
	thread   string
}

// answer works the answer out. A panic becomes a 500: a fault in one call must not harm others.
func (c *call) answer() (a answer) {
	defer func() {
		fault := recover()
		if fault == nil {
			return
		}
		if fault == http.ErrAbortHandler { // the load balancer's way to cut a connection
			panic(fault)
		}
		c.node.config.Logger.Error("a call made the runtime node panic", "node", c.node.config.ID,
			"method", c.request.Method, "fault", fmt.Sprint(fault), "stack", string(debug.Stack()))
		c.stop(journey.Stop{Station: journey.Flow, Verdict: journey.Refused, Reason: journey.FlowFailed,
			Decided: "a fault in the simulator itself ended the call", Fix: "Report the fault with the simulator's own log"})
		a = page(http.StatusInternalServerError)
	}()
	c.passport, _ = parsePassport(c.request.Header.Get(passportHeader))
	c.snapshot = c.node.lookups()

	who, refusal := c.authenticated()
	if refusal != nil {
		return *refusal
	}
	found := endpointOf(c.request.Method, c.request.URL.EscapedPath(), c.snapshot, c.began)
	c.stop(found.stop)
	if found.refused() || found.ping {
		return found.answer()
	}
	channel := found.channel
	may := authorize(who, channel, c.snapshot)
	if !may.refused() && channel.CSRFProtected {
		may = c.csrf(may, channel)
	}
	c.stop(may.stop)
	for _, text := range may.traces {
		c.trace(authorizationLogger, text)
	}
	if may.stop.Verdict != journey.Passed {
		return may.answer(channel)
	}
	return c.process(who, channel)
}

// stop writes down what a station decided.
func (c *call) stop(s journey.Stop) {
	if c.record == nil {
		return
	}
	s.At = c.node.config.Now()
	c.record.Stop(s)
}

// read fills p with random bytes. A reader that ends is no reason to fail a call.
func (n *Node) read(p []byte) {
	n.random.Lock()
	defer n.random.Unlock()
	if _, err := io.ReadFull(n.config.Rand, p); err != nil {
		cryptorand.Read(p)
	}
}

func tenantID(account string) string {
	sum := sha256.Sum256([]byte("tenant " + account))
	return "a" + hex.EncodeToString(sum[:4])
}

func lowerHex(s string) bool {
	return strings.Trim(s, "0123456789abcdef") == "" && s != ""
}
