package node

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator/forwarding"
	"example.com/gatehouse/simulator/journey"
)

func TestAMappedCertificateStandsForItsUser(t *testing.T) { // AUT-1, AUT-2, AUT-3, AUT-5
	f := newFixture(t)
	o := f.call("POST", "/http/orders", accepted(f.warehouse), body("hello")).endsWith(200, "WAREHOUSE", "")
	assert.Equal(t, "hello", o.body)
	stop, _ := o.journey.At(journey.RuntimeNode)
	assert.Equal(t, `the certificate of "warehouse.example@Example Issuing CA" is mapped to user "WAREHOUSE"`, stop.Decided)
	require.Len(t, o.journey.Stops, 4)
	assert.Empty(t, o.traces)

	renewed := mint(t, "warehouse.example", issuer) // the same names and key, another certificate
	f.call("POST", "/http/orders", accepted(renewed)).endsWith(403, "warehouse.example@"+issuer, journey.NotMapped)
}

func TestWithoutIdentity(t *testing.T) { // AUT-10, AUT-11, AUT-12
	f := newFixture(t)
	for _, path := range []string{"/http/orders", "/cxf/orders", "/nowhere", "/http%2forders", "/cxf/index.html"} {
		o := f.call("POST", path).endsWith(401, "", journey.NoIdentity)
		assert.Len(t, o.journey.Stops, 1, "the path is not looked at")
		assert.Empty(t, o.traces)
	}
	f.call("GET", "/nowhere", accepted(f.warehouse)).endsWith(404, "WAREHOUSE", journey.NothingDeployed)
}

func TestACertificateThatWasNotAccepted(t *testing.T) { // TRC-1, TRC-2, AUT-14
	f := newFixture(t)
	o := f.call("POST", "/http/orders", notAccepted(20)).endsWith(401, "", journey.NoIdentity)
	require.Len(t, o.traces, 2)
	assert.Equal(t, []string{
		"client certificate received at load balancer: Qz1ERSwgTz1FeGFtcGxlLCBDTj1zZW5kZXIuZXhhbXBsZQ==",
		"client certificate status from load balancer: Invalid Certificate Presented, OpenSSL verify result code: 20",
	}, o.texts())
	assert.Equal(t, "2021 04 12 12:00:03#+00#ERROR#com.sap.esb.security.cloud.authentication.CloudAuthenticationFilter##anonymous#https-jsse-nio-8041-exec-1###ae17f860e#na#na#na#na#client certificate status from load balancer: Invalid Certificate Presented, OpenSSL verify result code: 20|", o.journey.Trace[1])
	assert.Equal(t, o.traces[0].Thread, o.traces[1].Thread)
	assert.Equal(t, o.traces[0].Time, o.traces[1].Time)

	again := f.call("POST", "/http/orders", notAccepted(10))
	assert.NotEqual(t, o.traces[0].Thread, again.traces[0].Thread)

	o = f.call("POST", "/http/orders", notAccepted(20), password("alice", "right")).endsWith(200, "alice", "")
	assert.Len(t, o.traces, 2, "a refused certificate leaves Basic credentials in force")
	o = f.call("POST", "/http/orders", notAccepted(20), password("alice", "wrong")).endsWith(401, "", journey.PasswordWrong)
	assert.Len(t, o.traces, 3)
}

func TestACertificateGoesBeforeCredentials(t *testing.T) { // AUT-14
	f := newFixture(t)
	f.call("POST", "/http/orders", accepted(f.warehouse), password("alice", "wrong")).endsWith(200, "WAREHOUSE", "")
	f.call("POST", "/http/orders", accepted(f.unmapped), password("alice", "right")).endsWith(403, "shop.example@"+issuer, journey.NotMapped)
}

func TestACommonNameThatEndsInASpace(t *testing.T) { // SND-5, SND-4
	f := newFixture(t)
	bad := mint(t, "sender ", issuer)
	require.NoError(t, f.tenant.MapCertificate(bad.Raw, "WAREHOUSE"))
	o := f.call("POST", "/http/orders", accepted(bad)).endsWith(401, "", journey.TrailingSpaceInCN)
	require.Len(t, o.traces, 1)
	assert.Equal(t, "gatehouse.authentication", o.traces[0].Logger)
	assert.Contains(t, o.traces[0].Text, `its common name "sender " ends in a space`)
	f.call("POST", "/http/orders", accepted(bad), password("alice", "right")).endsWith(200, "alice", "")
	f.call("POST", "/http/orders", accepted(bad), password("alice", "wrong")).endsWith(401, "", journey.PasswordWrong)

	for _, cn := range []string{"sender", " sender", "sen der", "", "ünïcode*", "a@b"} {
		good := mint(t, cn, issuer)
		require.NoError(t, f.tenant.MapCertificate(good.Raw, "WAREHOUSE"))
		f.call("POST", "/http/orders", accepted(good)).endsWith(200, "WAREHOUSE", "")
	}
}

func TestBasicCredentials(t *testing.T) { // AUT-6, AUT-7, AUT-8
	f := newFixture(t)
	o := f.call("POST", "/http/orders", password("alice", "right")).endsWith(200, "alice", "")
	assert.Empty(t, o.traces)
	for _, row := range []struct {
		user   string
		reason journey.Reason
	}{
		{"alice", journey.PasswordWrong},
		{"bob", journey.UserUnknown},
		{"WAREHOUSE", journey.UserOnlyInMapping},
		{"BACKEND", journey.UserOnlyInCredentials},
		{"shop.example@" + issuer, journey.UserUnknown},
	} {
		o := f.call("POST", "/http/orders", password(row.user, "Right")).endsWith(401, "", row.reason)
		require.Len(t, o.traces, 1)
		assert.Contains(t, o.traces[0].Text, row.user)
		assert.Equal(t, "gatehouse.authentication", o.traces[0].Logger)
		assert.Len(t, o.journey.Stops, 1)
	}
}

func TestBearerToken(t *testing.T) { // AUT-9
	f := newFixture(t)
	token, err := f.tenant.IssueToken("1a2b", time.Minute, nil)
	require.NoError(t, err)
	f.call("POST", "/http/orders", header("Authorization", "Bearer "+token)).endsWith(200, "oauth_client_1a2b", "")
	o := f.call("POST", "/http/orders", header("Authorization", "Bearer x"+token)).endsWith(401, "", journey.TokenNotValid)
	assert.Len(t, o.traces, 1)
	assert.NotContains(t, o.traces[0].Text, token)
	f.now = f.now.Add(time.Minute)
	f.call("POST", "/http/orders", header("Authorization", "bearer "+token)).endsWith(401, "", journey.TokenNotValid)
}

func TestForwardingHeadersThatContradictEachOther(t *testing.T) { // LB-9
	f := newFixture(t)
	for name, options := range map[string][]option{
		"accepted and not":   {accepted(f.warehouse), notAccepted(20)},
		"twice":              {accepted(f.warehouse), header(forwarding.CertificateHeader, "AAAA")},
		"not Base64":         {header(forwarding.CertificateHeader, "%")},
		"no certificate":     {header(forwarding.CertificateHeader, "AAAA")},
		"user only":          {header(forwarding.UserHeader, "WAREHOUSE")},
		"and Basic in force": {header(forwarding.UserHeader, "WAREHOUSE"), password("alice", "right")},
	} {
		t.Run(name, func(t *testing.T) {
			f.t = t
			o := f.call("POST", "/http/orders", options...).endsWith(400, "", journey.ForwardedBadly)
			assert.Len(t, o.journey.Stops, 1)
		})
	}
	f.t = t
	f.call("POST", "/http/orders", accepted(f.warehouse)).endsWith(200, "WAREHOUSE", "")
}

func TestUnreadableCredentialsCountAsNone(t *testing.T) {
	f := newFixture(t)
	o := f.call("GET", "/http/orders", header("Authorization", "Basic %")).endsWith(http.StatusUnauthorized, "", journey.NoIdentity)
	stop, _ := o.journey.End()
	assert.Equal(t, "found Basic credentials that are not Base64, which count as none", stop.Decided)
}

func FuzzReadCertificate(f *testing.F) {
	cert := mint(f, "warehouse", issuer)
	f.Add(cert.Raw)
	f.Add([]byte{0x30, 0})
	f.Add(cert.RawTBSCertificate)
	f.Fuzz(func(t *testing.T, der []byte) {
		got, err := readCertificate(der)
		if (got == nil) == (err == nil) {
			t.Fatalf("%v, %v", got, err)
		}
	})
}

func TestReadCertificateAgreesWithTheStandardLibrary(t *testing.T) {
	for _, cn := range []string{"warehouse", "", "trailing ", "ünïcode", "a@b"} {
		cert := mint(t, cn, issuer)
		got, err := readCertificate(cert.Raw)
		require.NoError(t, err)
		assert.Equal(t, cert.RawSubject, got.subject)
		assert.Equal(t, cert.RawIssuer, got.issuer)
		assert.Equal(t, cert.Subject.CommonName, got.commonName)
		assert.Equal(t, cert.Issuer.CommonName, got.issuerName)
	}
}
