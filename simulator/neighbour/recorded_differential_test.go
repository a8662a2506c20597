package neighbour_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/verify"
	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/neighbour"
	"example.com/gatehouse/simulator/sender"
)

// presentable are the recorded cases with new keys and the dates of today, as both load balancers
// meet them.
type presentable struct {
	cases []recordedCase
	// keys are those of the senders' certificates, by case.
	keys map[string]*successor
	// hosts are where the load balancers trust the case's certificates, by case; empty for the
	// default host. trust are their trust lists.
	hosts map[string]string
	trust map[string][][]byte
	// users are whom the senders' certificates are mapped to, by certificate.
	users map[string]string
}

func presentableCases(t testing.TB) *presentable {
	t.Helper()
	recorded, ring := recordedKeys(t)
	// The load balancers outside of this process go by the machine's clock.
	again := ring.rekey(time.Since(recorded[0].At).Truncate(time.Second))
	p := &presentable{keys: map[string]*successor{}, hosts: map[string]string{}, trust: map[string][][]byte{}, users: map[string]string{}}
	hostOf := map[string]string{}
	for _, r := range recorded {
		require.Equal(t, recorded[0].At, r.At, "all cases are of one time")
		c, err := r.with(again)
		require.NoError(t, err)
		require.Equal(t, r.expected(), c.answers(t), "%s is another case with new keys", c.Case)
		p.cases = append(p.cases, c)
		leaf, err := takeApart(r.chain[0])
		require.NoError(t, err)
		p.keys[c.Case], err = ring.successor(leaf.spki())
		require.NoError(t, err)
		list := string(bytes.Join(c.trusted, nil))
		host, known := hostOf[list]
		if !known {
			host = hostName(len(hostOf))
			hostOf[list], p.trust[host] = host, c.trusted
		}
		p.hosts[c.Case] = host
		if _, known := p.users[string(c.chain[0])]; !known {
			p.users[string(c.chain[0])] = strings.ToUpper(c.Case)
		}
	}
	return p
}

// landscape trusts at each of its hosts what some of the cases trust.
func (p *presentable) landscape(t testing.TB, report string) simulator.Landscape {
	t.Helper()
	l := simulator.Landscape{
		LoadBalancer: simulator.LoadBalancer{Verification: simulator.Verification{Report: report}},
		Channels:     []simulator.Channel{{Address: "/http/orders", CSRFProtected: new(bool)}},
	}
	folder := t.TempDir()
	names := map[string]string{}
	name := func(der []byte) string {
		n, known := names[string(der)]
		if !known {
			n = fmt.Sprintf("trusted%d", len(names)+1)
			names[string(der)] = n
			file := filepath.Join(folder, n+".cer")
			require.NoError(t, os.WriteFile(file, der, 0o600))
			l.PKI = append(l.PKI, pki.Description{Name: n, File: file})
		}
		return n
	}
	for i := range len(p.trust) {
		host := hostName(i)
		var list []string
		for _, der := range p.trust[host] {
			list = append(list, name(der))
		}
		if host == "" {
			l.LoadBalancer.Trust = list
		} else {
			l.LoadBalancer.Domains = append(l.LoadBalancer.Domains, simulator.Domain{Host: host, Trust: list})
		}
	}
	for _, user := range p.users {
		l.Roles = append(l.Roles, simulator.Role{User: user, Role: "ESBMessaging.send"})
	}
	return l
}

// present sends a call with the case's certificates over a version of TLS.
func (p *presentable) present(t testing.TB, f *front, c recordedCase, version uint16, foreign bool) seen {
	t.Helper()
	host, address := p.hosts[c.Case], f.sim.Address()
	if host == "" {
		host = f.sim.Host()
	}
	if foreign {
		address = f.address
	}
	key := p.keys[c.Case]
	if shown := (presentation{chain: c.chain, key: key.signer, pem: key.pem}); !shown.goPresents(version) {
		return f.left(t, func() int { return opensslCall(t, f, shown, host, address, version) })
	}
	from := f.sim.NewSender(c.Case, nil)
	defer from.Close()
	from.MinTLS, from.MaxTLS = version, version
	from.Keystore = sender.Keystore{Certificate: c.chain[0], Chain: c.chain[1:], Key: key.signer}
	return f.left(t, func() int {
		result, err := from.Do(t.Context(), sender.Call{URL: "https://" + host + "/http/orders", Address: address})
		require.NoError(t, err)
		if result.Status == 0 {
			require.NotNil(t, result.Alert, "%s: the call has no answer, and no alert says why: %v", c.Case, result.Err)
			require.Equal(t, journey.LoadBalancerSide, result.Alert.From, c.Case)
		}
		return result.Status
	})
}

// verdict is what becomes of the case where nothing stands in the way of its certificates: what
// package verify says, without CRLs, since the load balancers look at none.
func (p *presentable) verdict(t testing.TB, c recordedCase, report verify.Report) seen {
	t.Helper()
	list, err := verify.NewTrustList(c.trusted...)
	require.NoError(t, err)
	r := verify.New(list, verify.Options{Now: func() time.Time { return c.at }, Report: report}).Verify(c.chain)
	if r.OK() {
		return seen{Status: 200, User: p.users[string(c.chain[0])]}
	}
	leaf, err := takeApart(c.chain[0])
	require.NoError(t, err)
	return seen{Status: 401, Code: r.Code, Subject: pki.TraceDN(leaf.subject())}
}

// recorded is what the neighbour must make of the case: what was recorded of it.
func (p *presentable) recorded(t testing.TB, c recordedCase, kind neighbour.Kind, version uint16) seen {
	t.Helper()
	handshake, sent, report := c.HAProxy.Handshake, c.HAProxy.Used == 1, verify.First
	if kind == neighbour.Nginx {
		handshake, sent, report = c.Nginx.Optional.Handshake, c.Nginx.Optional.Verify != "NONE", verify.Last
	}
	verdict := p.verdict(t, c, report)
	switch {
	case !handshake:
		return seen{}
	case !sent && version == tls.VersionTLS12:
		// It was recorded over TLS 1.3, where a sender with a key on such a curve sends no
		// certificate. Over TLS 1.2 it does, and OpenSSL ends the handshake: wrong curve.
		return seen{}
	case !sent:
		return seen{Status: 401}
	}
	if kind == neighbour.Nginx && !c.CRL {
		require.Equal(t, c.Nginx.Optional.Verify == "SUCCESS", verdict.Status == 200, c.Case)
	}
	return verdict
}

// Every recorded chain goes, with new keys, through both load balancers over TLS: ours, and the real
// one in front of the same nodes. What the real one makes of it is what was recorded.
func TestDifferentialRecordedCases(t *testing.T) {
	p := presentableCases(t)
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			report, reported := "first", verify.First
			if kind == neighbour.Nginx {
				report, reported = "last", verify.Last // nginx knows no other
			}
			f := startBehind(t, kind, p.landscape(t, report))
			p.checkTrust(t, f)
			for der, user := range p.users {
				require.NoError(t, f.sim.Tenant().MapCertificate([]byte(der), user))
			}
			for _, version := range versions {
				compared := newComparison(kind, version, func(d neighbour.Difference) []string { return d.Cases })
				for _, c := range p.cases {
					name := fmt.Sprintf("%s (%s) over %s", c.Case, c.Description, tls.VersionName(version))
					ours, theirs := p.present(t, f, c, version, false), p.present(t, f, c, version, true)
					assert.Equal(t, p.recorded(t, c, kind, version), theirs, "%s: %s does what was recorded", name, kind)
					if compared.put(t, c.Case, ours, theirs) {
						verdict := p.verdict(t, c, reported)
						assert.NotEqual(t, ours == verdict, theirs == verdict, "%s: one of the two has the verdict %s; ours %s, %s %s", name, verdict, ours, kind, theirs)
					}
				}
				compared.report(t, len(p.cases), "recorded chains")
			}
		})
	}
}

// checkTrust looks whether the neighbour trusts at each host what the cases trust there, in the same
// order.
func (p *presentable) checkTrust(t testing.TB, f *front) {
	t.Helper()
	found := 0
	for _, file := range f.behind.Files {
		var i int
		if _, err := fmt.Sscanf(filepath.Base(file), "host%d.trust.pem", &i); err == nil {
			found++
			assert.Equal(t, p.trust[hostName(i)], readPEM(t, file), "host %d", i)
		}
	}
	assert.Equal(t, len(p.trust), found)
}

// hostName is the name of a host of the cases; empty for the default host.
func hostName(i int) string {
	if i == 0 {
		return ""
	}
	return fmt.Sprintf("trust%d.example", i)
}
