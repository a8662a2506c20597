package loadbalancer_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/forwarding"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/loadbalancer"
)

// node is a runtime node that tells who the load balancer says it is talking to.
type node struct{}

func (node) ID() string { return "3fa9c01" }
func (node) Up() bool   { return true }
func (node) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	sender, err := forwarding.Read(r.Header)
	fmt.Println("node:", sender.Subject, sender.Accepted(), err)
	w.WriteHeader(http.StatusAccepted)
}

// A load balancer in front of one node, and a call with a client certificate.
func ExampleStart() {
	root := pki.NewRoot("Example Root CA", pki.Subject("CN=Example Root CA, O=Example, C=DE"))
	server := pki.NewRoot("Server Root CA").Server("tenant.example")
	client := root.Client("warehouse", pki.Subject("CN=warehouse.example, O=Example, C=DE"))

	journeys := &journey.Log{}
	lb, err := loadbalancer.Start(context.Background(), loadbalancer.Config{
		Default: loadbalancer.Host{
			Name:        "tenant.example",
			Certificate: server.TLSCertificate(),
			Trust:       []*x509.Certificate{root.X509()},
		},
		Backends: []loadbalancer.Backend{node{}},
		Journeys: journeys,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer lb.Close()

	trusted := x509.NewCertPool()
	trusted.AddCert(server.Root().X509())
	sender := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{
			ServerName:   "tenant.example",
			RootCAs:      trusted,
			Certificates: []tls.Certificate{client.TLSCertificate()},
		},
	}}
	response, err := sender.Get("https://" + lb.Addr().String() + "/http/orders")
	if err != nil {
		fmt.Println(err)
		return
	}
	response.Body.Close()
	fmt.Println("sender:", response.Status)

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	record, err := journeys.Wait(ctx, func(j journey.Journey) bool { return j.Request == 1 })
	if err != nil {
		fmt.Println(err)
		return
	}
	stop, _ := record.At(journey.LoadBalancer)
	fmt.Println("record:", stop.Verdict+";", stop.Decided)
	// Output:
	// node: C=DE, O=Example, CN=warehouse.example true <nil>
	// sender: 202 Accepted
	// record: passed; verify result 0 (ok): certificate of C=DE, O=Example, CN=warehouse.example passed on
}
