package simulator

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/document"
	"example.com/gatehouse/simulator/management"
)

// The limits of the listener of the management interfaces. [?] Choices.
const (
	managementHeader      = 10 * time.Second
	managementRead        = time.Minute
	managementWrite       = 5 * time.Minute
	managementIdle        = 2 * time.Minute
	managementHeaderBytes = 64 << 10
	// managementClose is how long calls under way may take to end when the landscape is closed.
	managementClose = 2 * time.Second
)

// managementServer is the listener of the tenant's own interfaces.
type managementServer struct {
	http *http.Server
	url  string
	root *pki.Certificate
	end  context.CancelFunc // ends calls that wait
	done chan struct{}
}

// StartManagement serves the tenant's own interfaces (package management) over TLS, as
// Options.Management does, unless they are served already.
func (s *Simulator) StartManagement() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return errors.New("serving the management interfaces: the landscape is closed")
	case s.management != nil:
		return nil
	}
	m, err := s.serveManagement()
	if err != nil {
		return err
	}
	s.management = m
	return nil
}

func (s *Simulator) serveManagement() (*managementServer, error) {
	section := s.landscape.Management
	host := s.ManagementHost()
	handler, err := management.New(management.Config{
		Tenant: s.tenant, Logs: s.Logs(), Host: s.host, ManagementHost: host, Now: s.clock.Now, Rand: s.rand,
		Logger: s.log, Downtime: section.Downtime, PlatformRequests: section.PlatformRequests, Landscape: managed{s},
	})
	if err != nil {
		return nil, err
	}
	certificate, err := s.serverCertificate(host)
	if err != nil {
		return nil, err
	}
	listen := section.Listen
	if listen == "" {
		listen = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, document.Problems{s.landscape.source.Problem("management.listen", "%v: choose another address, or port 0 for a free one", err)}
	}
	var protocols http.Protocols
	protocols.SetHTTP1(true) // as the load balancer's
	running, end := context.WithCancel(context.Background())
	m := &managementServer{url: managementURL(listener.Addr()), root: certificate.Root(), end: end, done: make(chan struct{})}
	m.http = &http.Server{
		Handler: handler, ReadHeaderTimeout: managementHeader, ReadTimeout: managementRead, WriteTimeout: managementWrite,
		IdleTimeout: managementIdle, Protocols: &protocols, MaxHeaderBytes: managementHeaderBytes,
		BaseContext: func(net.Listener) context.Context { return running },
		ErrorLog:    slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		TLSConfig:   &tls.Config{Certificates: []tls.Certificate{certificate.TLSCertificate()}, MinVersion: tls.VersionTLS12, Time: s.clock.Now},
	}
	go func() {
		defer close(m.done)
		if err := m.http.ServeTLS(listener, "", ""); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("the management interfaces are no longer served", "error", err)
		}
	}()
	return m, nil
}

// managementURL is an address that a client on this machine can call.
func managementURL(a net.Addr) string {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return "https://" + a.String()
	}
	host := tcp.IP.String()
	if tcp.IP.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "https://" + net.JoinHostPort(host, strconv.Itoa(tcp.Port))
}

// close ends the listener. Calls under way get a moment to end.
func (m *managementServer) close() error {
	m.end()
	limit, cancel := context.WithTimeout(context.Background(), managementClose)
	defer cancel()
	err := m.http.Shutdown(limit)
	if err != nil {
		err = m.http.Close()
	}
	<-m.done
	if err != nil {
		return fmt.Errorf("closing the management interfaces: %w", err)
	}
	return nil
}

// ManagementURL is where the tenant's own interfaces are served, "https://127.0.0.1:8444"; empty if
// they are not. The certificate there is of ManagementHost, localhost and the loopback addresses,
// below ManagementRoot.
func (s *Simulator) ManagementURL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.management == nil {
		return ""
	}
	return s.management.url
}

// ManagementRoot is the root certificate above that of the management interfaces; nil if they are
// not served.
func (s *Simulator) ManagementRoot() *pki.Certificate {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.management == nil {
		return nil
	}
	return s.management.root
}

// serverCertificate mints a server certificate that the document does not describe.
func (s *Simulator) serverCertificate(host string) (*pki.Certificate, error) {
	c, err := pki.Create(s.servers, pki.Server, host, append(s.minting("CN="+host+", O=Gatehouse, C=DE"), pki.DNS(host, "localhost"), pki.IP(loopback...), pki.ValidFor(serverLifetime))...)
	if err != nil {
		return nil, fmt.Errorf("minting the server certificate of %s: %w", host, err)
	}
	return c, nil
}
