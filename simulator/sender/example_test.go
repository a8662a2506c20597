package sender_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/sender"
)

// host is a server that asks for client certificates, and whoever calls it.
func host() (server *httptest.Server, serverRoot, client *pki.Certificate) {
	serverRoot = pki.NewRoot("Server Root CA")
	root := pki.NewRoot("Example Root CA")
	client = root.Intermediate("Example Issuing CA").Client("warehouse")
	server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%d certificates", len(r.TLS.PeerCertificates))
	}))
	server.TLS = &tls.Config{
		Certificates: []tls.Certificate{serverRoot.Server("host.example", pki.DNS("host.example")).TLSCertificate()},
		ClientAuth:   tls.RequestClientCert,
	}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	return server, serverRoot, client
}

func ExampleSender_Do() {
	server, serverRoot, client := host()
	defer server.Close()

	warehouse := &sender.Sender{
		Name:     "warehouse",
		Keystore: sender.FromPKI(client),
		Trust:    sender.TrustRoots([]*x509.Certificate{serverRoot.X509()}),
	}
	defer warehouse.Close()
	call := sender.Call{URL: "https://host.example/http/orders", Address: server.Listener.Addr().String()}

	r, err := warehouse.Do(context.Background(), call)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Status, string(r.Body))

	trusting := warehouse.With(func(s *sender.Sender) { s.Trust = sender.TrustNone() })
	r, _ = trusting.Do(context.Background(), call)
	fmt.Println(r.Stop().Reason, "-", r.Alert)
	// Output:
	// 200 2 certificates
	// server-not-trusted - bad_certificate (42) from the sender
}

func ExampleMisbehave() {
	server, _, _ := host()
	defer server.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	o := sender.Misbehave(ctx, server.Listener.Addr().String(), sender.PlainHTTP, sender.Manner{})
	fmt.Println(o.Ending, o.Status)
	// Output: answered 400
}

// BenchmarkCall is one whole call on a new connection, with P-256 keys.
func BenchmarkCall(b *testing.B) {
	server, serverRoot, client := host()
	defer server.Close()
	s := &sender.Sender{Keystore: sender.FromPKI(client), Trust: sender.TrustRoots([]*x509.Certificate{serverRoot.X509()})}
	call := sender.Call{URL: "https://host.example/http/orders", Address: server.Listener.Addr().String()}
	b.Run("new connection", func(b *testing.B) { benchmark(b, s, call) })
	kept := s.With(func(s *sender.Sender) { s.KeepAlive = true })
	defer kept.Close()
	b.Run("kept connection", func(b *testing.B) { benchmark(b, kept, call) })
	resuming := s.With(func(s *sender.Sender) { s.Resume = true })
	b.Run("resumed session", func(b *testing.B) { benchmark(b, resuming, call) })
}

func benchmark(b *testing.B, s *sender.Sender, call sender.Call) {
	b.ReportAllocs()
	for b.Loop() {
		r, err := s.Do(context.Background(), call)
		if err != nil || r.Err != nil {
			b.Fatal(err, r.Err)
		}
	}
}

// BenchmarkBare is the same with crypto/tls and net/http alone: what BenchmarkCall is measured by.
func BenchmarkBare(b *testing.B) {
	server, serverRoot, client := host()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(serverRoot.X509())
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "host.example",
			Certificates: []tls.Certificate{client.TLSCertificate()}},
	}
	defer transport.CloseIdleConnections()
	run := func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			response, err := (&http.Client{Transport: transport}).Get("https://" + server.Listener.Addr().String())
			if err != nil {
				b.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, response.Body)
			response.Body.Close()
		}
	}
	transport.DisableKeepAlives = true
	b.Run("new connection", run)
	transport.DisableKeepAlives = false
	b.Run("kept connection", run)
}
