// Package management is the tenant's own interfaces: OData under /api/v1, the token service under
// /oauth2/api/v1/token, the platform API for roles and groups under /authorization/v1 with its own
// token service under /oauth2/apitoken/v1; and, under /gatehouse/v1, what no real tenant has: the
// records of calls, the clock, certificates, trust lists and nodes of the landscape.
//
// Tools made for a real tenant work on it unchanged: paths, names, payloads and status codes are
// those of the real interfaces. One handler serves them all, whatever the Host header says, since
// the real hosts differ and here there is one.
//
// What is configured lives in package tenant, the form of OData in package odata below this one.
// Here are the entities, the platform API, and who may do what: logon, CSRF, rights, audit.
//
// Statements about the real system carry a mark: [C] confirmed by a source, [I] inferred, [?] not
// known and therefore a choice made here. Sources: SAP Business Accelerator Hub (LogFiles,
// SecurityContent, IntegrationContent), SAP-docs/btp-integration-suite, SAP-docs/btp-neo-environment.
package management

import (
	cryptorand "crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"example.com/gatehouse/simulator/logon"
	"example.com/gatehouse/simulator/management/odata"
	"example.com/gatehouse/simulator/systemlog"
	"example.com/gatehouse/simulator/tenant"
)

// DefaultDowntime is how long a deployed flow restarts if nothing else is said. [?] A choice: the
// real downtime is only known to be short.
const DefaultDowntime = 2 * time.Second

// TokenLifetime is that of the tokens of both token services. [C for the platform API: 1500 s; for
// the other a choice]
const TokenLifetime = 1500 * time.Second

// Config says what the interfaces work with.
type Config struct {
	// Tenant is required.
	Tenant *tenant.Tenant
	// Logs is the folder with the logs of the runtime nodes. Default: there are no logs.
	Logs systemlog.Dir
	// Host is that of the runtime nodes' endpoints, which ServiceEndpoints name; CallURL is what
	// clients on this machine really call. Default of both: "localhost".
	Host string
	// ManagementHost is the host of addresses in answers to requests whose own Host header is of
	// no use. Default: "localhost".
	ManagementHost string
	// Now is the landscape's clock. Default: time.Now.
	Now func() time.Time
	// Rand makes tokens and session ids. It need not be safe for concurrent use.
	// Default: crypto/rand.
	Rand io.Reader
	// Logger takes faults of the simulator itself. Default: discarded.
	Logger *slog.Logger
	// Downtime is how long a deployed flow restarts. Default: DefaultDowntime; negative: not at
	// all.
	Downtime time.Duration
	// PlatformRequests is how many requests of the platform API are taken within a minute, by the
	// landscape's clock; one more is answered with 429. At most MaxPlatformRequests. Default:
	// DefaultPlatformRequests.
	PlatformRequests int
	// Landscape is what is around the tenant. Default: none, and what needs it answers 501.
	Landscape Landscape
}

// Server is the handler of all interfaces. It is safe for use by many goroutines.
type Server struct {
	config   Config
	log      *slog.Logger
	model    *odata.Model
	sets     map[string]*resource
	sessions *logon.Sessions
	platform platform

	random sync.Mutex // guards config.Rand
}

// New makes the handler. It fails if the tenant is missing.
func New(c Config) (*Server, error) {
	if c.Tenant == nil {
		return nil, errors.New("making the management interface: no tenant was given")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Rand == nil {
		c.Rand = cryptorand.Reader
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Host == "" {
		c.Host = "localhost"
	}
	if c.ManagementHost == "" {
		c.ManagementHost = "localhost"
	}
	if c.Downtime == 0 {
		c.Downtime = DefaultDowntime
	}
	c.Downtime = max(0, c.Downtime)
	if c.PlatformRequests <= 0 {
		c.PlatformRequests = DefaultPlatformRequests
	}
	c.PlatformRequests = min(c.PlatformRequests, MaxPlatformRequests)
	s := &Server{config: c, log: c.Logger, sessions: logon.NewSessions(0)}
	s.buildModel()
	return s, nil
}

// The roots of the interfaces.
const (
	rootOData         = "/api/v1"
	rootToken         = "/oauth2/api/v1/token"
	rootAuthorization = "/authorization/v1"
	rootPlatformToken = "/oauth2/apitoken/v1"
	rootOwn           = "/gatehouse/v1"
)

// ServeHTTP serves the interface that the path belongs to.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	path := r.URL.EscapedPath()
	switch {
	case below(path, rootOData):
		s.serveOData(w, r, strings.TrimPrefix(path[len(rootOData):], "/"))
	case path == rootToken:
		s.serveToken(w, r, s.issueToken)
	case path == rootPlatformToken:
		s.serveToken(w, r, s.issuePlatformToken)
	case below(path, rootAuthorization):
		s.servePlatform(w, r, strings.TrimPrefix(path[len(rootAuthorization):], "/"))
	case below(path, rootOwn):
		s.serveOwn(w, r, strings.TrimPrefix(path[len(rootOwn):], "/"))
	default:
		s.respond(w, r, odata.ErrorAnswer(odata.Errorf(http.StatusNotFound,
			"Nothing is at this path: the interfaces are %s, %s, %s, %s and %s.", rootOData, rootToken, rootAuthorization, rootPlatformToken, rootOwn), odata.JSON))
	}
}

// below tells whether a path is the root or leads on from it.
func below(path, root string) bool {
	rest, ok := strings.CutPrefix(path, root)
	return ok && (rest == "" || rest[0] == '/')
}

// respond writes an answer.
func (s *Server) respond(w http.ResponseWriter, r *http.Request, a odata.Answer) {
	h := w.Header()
	if a.ContentType != "" {
		h.Set("Content-Type", a.ContentType)
	}
	if a.Location != "" {
		h.Set("Location", a.Location)
	}
	if a.Status != http.StatusNoContent {
		h.Set("Content-Length", fmt.Sprint(len(a.Body)))
	}
	w.WriteHeader(a.Status)
	if _, err := w.Write(a.Body); err != nil && len(a.Body) > 0 && !errors.Is(err, http.ErrBodyNotAllowed) {
		s.log.Debug("an answer of the management interface could not be written", "path", r.URL.Path, "error", err)
	}
}

// randomHex is 16 random bytes in upper-case hex.
func (s *Server) randomHex() string {
	var raw [16]byte
	s.random.Lock()
	defer s.random.Unlock()
	if _, err := io.ReadFull(s.config.Rand, raw[:]); err != nil {
		s.log.Error("reading random bytes", "error", err)
		cryptorand.Read(raw[:]) // never fails
	}
	return strings.ToUpper(hex.EncodeToString(raw[:]))
}

// readBody reads the whole body of a request, up to a limit in bytes.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, *odata.Error) {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, odata.Errorf(http.StatusRequestEntityTooLarge, "The body is larger than %d bytes.", limit)
	}
	if err != nil {
		return nil, odata.Errorf(http.StatusBadRequest, "The body could not be read to its end.")
	}
	return data, nil
}
