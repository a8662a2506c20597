package sender

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"example.com/gatehouse/pki"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// waitLimit bounds every wait of these tests; none comes near it unless it fails.
const waitLimit = 10 * time.Second

const serverHost = "host.example"

// authority is what the tests mint once: minting is not what they are about.
type authority struct {
	root, upper, issuing   *pki.Certificate
	warehouse, other, rsa  *pki.Certificate
	serverRoot, serverCert *pki.Certificate
	strangerRoot, stranger *pki.Certificate
}

var minted = sync.OnceValue(func() authority {
	var a authority
	a.root = pki.NewRoot("Example Root CA")
	a.upper = a.root.Intermediate("Example Upper CA")
	a.issuing = a.upper.Intermediate("Example Issuing CA")
	a.warehouse = a.issuing.Client("warehouse", pki.Subject("CN=warehouse, O=Example, C=DE"))
	a.other = a.issuing.Client("other")
	a.rsa = a.issuing.Client("rsa", pki.RSA2048)
	a.serverRoot = pki.NewRoot("Server Root CA")
	a.serverCert = a.serverRoot.Server(serverHost, pki.DNS(serverHost))
	a.strangerRoot = pki.NewRoot("Stranger Root CA")
	a.stranger = a.strangerRoot.Client("stranger")
	return a
})

// good is a sender that is configured as it should be.
func good() *Sender {
	return &Sender{
		Name:     "warehouse",
		Keystore: FromPKI(minted().warehouse),
		Trust:    TrustRoots([]*x509.Certificate{minted().serverRoot.X509()}),
		Timeout:  waitLimit,
	}
}

// request is what the test's server saw of one request.
type request struct {
	raw        string // header as it came, byte for byte
	method     string
	header     http.Header
	body       []byte
	bodyErr    error
	state      tls.ConnectionState
	remote     string
	connection int
}

// server is a load balancer in its outward form: TLS, a request for a certificate, an answer.
type server struct {
	t        *testing.T
	listener net.Listener
	config   *tls.Config
	answer   func(request) string // the whole answer; "" closes the connection

	mu          sync.Mutex
	requests    []request
	connections int
	failed      chan error // what ended handshakes
	open        map[net.Conn]bool
	running     sync.WaitGroup
}

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// serve starts a server that asks for a certificate and answers 200; change may alter that.
func serve(t *testing.T, change func(*server)) *server {
	t.Helper()
	s := &server{t: t, failed: make(chan error, 100), open: make(map[net.Conn]bool),
		answer: func(request) string { return ok },
		config: &tls.Config{
			Certificates: []tls.Certificate{minted().serverCert.TLSCertificate()},
			ClientAuth:   tls.RequestClientCert,
			MinVersion:   tls.VersionTLS12,
		},
	}
	if change != nil {
		change(s)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s.listener = listener
	s.running.Go(s.accept)
	t.Cleanup(func() {
		listener.Close()
		s.mu.Lock()
		for conn := range s.open {
			conn.Close()
		}
		s.mu.Unlock()
		s.running.Wait()
	})
	return s
}

func (s *server) accept() {
	for {
		raw, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.connections++
		n := s.connections
		s.open[raw] = true
		s.mu.Unlock()
		s.running.Go(func() {
			s.connection(raw, n)
			raw.Close()
			s.mu.Lock()
			delete(s.open, raw)
			s.mu.Unlock()
		})
	}
}

func (s *server) connection(raw net.Conn, n int) {
	conn := tls.Server(raw, s.config)
	if err := conn.Handshake(); err != nil {
		s.failed <- err
		return
	}
	defer conn.Close()
	var seen bytes.Buffer
	reader := bufio.NewReader(io.TeeReader(conn, &seen))
	for {
		seen.Reset()
		parsed, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		r := request{method: parsed.Method, header: parsed.Header, state: conn.ConnectionState(),
			remote: raw.RemoteAddr().String(), connection: n}
		r.raw, _, _ = strings.Cut(seen.String(), "\r\n\r\n")
		if parsed.Header.Get("X-Do-Not-Read") == "" {
			r.body, r.bodyErr = io.ReadAll(parsed.Body)
		}
		s.mu.Lock()
		s.requests = append(s.requests, r)
		s.mu.Unlock()
		answer := s.answer(r)
		if answer == "" {
			return
		}
		if _, err := io.WriteString(conn, answer); err != nil || strings.Contains(answer, "Connection: close") {
			return
		}
	}
}

func (s *server) address() string { return s.listener.Addr().String() }

// call is a call to this server by the name in its certificate.
func (s *server) call() Call {
	return Call{URL: "https://" + serverHost + "/http/orders", Address: s.address()}
}

func (s *server) seen() []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]request(nil), s.requests...)
}

// last is the newest request.
func (s *server) last() request {
	s.t.Helper()
	seen := s.seen()
	require.NotEmpty(s.t, seen, "no request came")
	return seen[len(seen)-1]
}

// handshakeError is what ended a handshake for the server.
func (s *server) handshakeError() error {
	s.t.Helper()
	select {
	case err := <-s.failed:
		return err
	case <-time.After(waitLimit):
		require.Fail(s.t, "no handshake failed")
		return nil
	}
}

// do makes a call and closes the sender with the test's end.
func do(t *testing.T, s *Sender, call Call) Result {
	t.Helper()
	t.Cleanup(func() { s.Close() })
	r, err := s.Do(context.Background(), call)
	require.NoError(t, err)
	return r
}

// letIn demands that the call got the answer: the positive control.
func letIn(t *testing.T, s *Sender, call Call) Result {
	t.Helper()
	r := do(t, s, call)
	require.NoError(t, r.Err, r.String())
	require.Equal(t, 200, r.Status)
	require.Equal(t, StageDone, r.Stage)
	return r
}

// presentedTo is what the server got, as DER.
func presentedTo(r request) [][]byte {
	var out [][]byte
	for _, cert := range r.state.PeerCertificates {
		out = append(out, cert.Raw)
	}
	return out
}

// listenRaw accepts one connection after the other and hands it to handle.
func listenRaw(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var running sync.WaitGroup
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open[conn] = true
			mu.Unlock()
			running.Go(func() { handle(conn); conn.Close() })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		mu.Lock()
		for conn := range open {
			conn.Close()
		}
		mu.Unlock()
		running.Wait()
	})
	return listener.Addr().String()
}

var errBody = errors.New("the disk is on fire")
