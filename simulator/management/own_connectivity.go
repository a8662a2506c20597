package management

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"strings"

	"example.com/gatehouse/simulator/connectivity"
	"example.com/gatehouse/simulator/management/odata"
)

// ownConnectivity is the connectivity test: it lists the chain of a host, as the tenant sees it. What
// is trusted is the tenant keystore [I: that is what the tenant's own connections trust]. A host of the
// landscape is reached though its name does not resolve.
func ownConnectivity(c *ownCall) (any, *odata.Error) {
	var body struct {
		Address    string `json:"address"`
		ServerName string `json:"serverName"`
		// Validate is the option "Validate Server Certificate".
		Validate bool `json:"validate"`
		// Download adds certificates.zip.
		Download bool `json:"download"`
	}
	if err := c.body(&body); err != nil {
		return nil, err
	}
	result, err := connectivity.Test(c.http.Context(), body.Address, connectivity.Options{
		ServerName: body.ServerName, SkipValidation: !body.Validate, Trusted: c.trusted(), Now: c.server.config.Now, Dial: c.dial,
	})
	switch {
	case errors.Is(err, connectivity.ErrAddress):
		return nil, odata.Errorf(http.StatusBadRequest, "Found the address %q, %v.", clip(body.Address), connectivity.ErrAddress)
	case err != nil:
		return nil, odata.Errorf(http.StatusServiceUnavailable, "The connectivity test was ended.")
	}
	answer := map[string]any{"result": result}
	if body.Download && len(result.Chain) > 0 {
		zip, err := result.Zip(c.server.config.Now())
		if err != nil {
			return nil, odata.Errorf(http.StatusInternalServerError, "The certificates cannot be packed.")
		}
		answer[connectivity.DownloadName] = zip // as Base64
	}
	return answer, nil
}

// trusted are the certificates of the tenant keystore; none is not the default of the test.
func (c *ownCall) trusted() []*x509.Certificate {
	out := []*x509.Certificate{}
	for _, e := range c.server.config.Tenant.Snapshot().Keystore() {
		if x, err := x509.ParseCertificate(e.Certificate); err == nil {
			out = append(out, x)
		}
	}
	return out
}

// dial reaches the hosts of the landscape at the load balancer's address, and all others as usual.
func (c *ownCall) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if l := c.server.config.Landscape; l != nil {
		facts := l.Facts()
		host, _, _ := net.SplitHostPort(address)
		for _, h := range facts.Hosts {
			if strings.EqualFold(h.Name, host) {
				address = facts.CallAddress
			}
		}
	}
	return (&net.Dialer{}).DialContext(ctx, network, address)
}
