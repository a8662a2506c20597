package neighbour_test

import (
	"crypto/tls"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/neighbour"
	"example.com/gatehouse/simulator/sender"
)

// HAProxy's session keeps the last error of a refused chain. What the first one was, and where, is
// remembered from the full handshake, with either version of TLS.
func TestResumedSessionsKeepTheFirstError(t *testing.T) {
	l := landscape()
	l.PKI = append(l.PKI, pki.Description{Name: "below", Like: "warehouse", Defect: "intermediate-expired"})
	f := startBehind(t, neighbour.HAProxy, l)
	const subject = "C=DE, O=Example, CN=warehouse.example"
	for version, number := range map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13} {
		for _, one := range []struct {
			certificate string
			sends       sender.Sends
			want        seen
		}{
			{"warehouse", sender.LeafOnly, seen{Status: 401, Code: 20, Subject: subject}},
			{"lapsed", sender.Chain, seen{Status: 401, Code: 10, Subject: subject}},
			{"below", sender.Chain, seen{Status: 401, Code: 10, Depth: 1, Subject: subject}},
			{"other", sender.Chain, seen{Status: 401, Code: 20, Subject: "C=DE, O=Example, CN=other.example"}},
			{"warehouse", sender.Chain, seen{Status: 200, User: "WAREHOUSE"}},
		} {
			from := f.sender(t, one.certificate)
			from.Resume, from.Sends = true, one.sends
			from.MinTLS, from.MaxTLS = number, number
			name := version + ": " + one.certificate
			for n := range 3 {
				assert.Equal(t, one.want, f.through(t, from, true, nil), "%s, call %d", name, n+1)
			}
			call := f.call("/http/orders")
			result, err := from.Do(t.Context(), call)
			require.NoError(t, err)
			assert.True(t, result.TLS.Resumed, "%s: the session is resumed", name)
		}
	}
}
