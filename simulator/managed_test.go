package simulator_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/keystore"
	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/connectivity"
	"example.com/gatehouse/simulator/iflow"
	"example.com/gatehouse/simulator/management"
	"example.com/gatehouse/simulator/sender"
	"example.com/gatehouse/simulator/tenant"
)

// administrator calls the management interfaces of a landscape as a tool would.
type administrator struct {
	t      *testing.T
	sim    *simulator.Simulator
	client *http.Client
	user   string
}

// administer starts the example landscape with its interfaces.
func administer(t *testing.T) administrator {
	t.Helper()
	sim, err := simulator.Start(context.WithoutCancel(t.Context()), simulator.Example(), simulator.Options{Management: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sim.Close()) })
	roots := x509.NewCertPool()
	roots.AddCert(sim.ManagementRoot().X509())
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	t.Cleanup(transport.CloseIdleConnections)
	return administrator{t, sim, &http.Client{Transport: transport}, "admin"}
}

// call makes a request and checks the status.
func (a administrator) call(method, path, body string, status int, headers ...string) (http.Header, []byte) {
	a.t.Helper()
	r, err := http.NewRequestWithContext(a.t.Context(), method, a.sim.ManagementURL()+path, strings.NewReader(body))
	require.NoError(a.t, err)
	r.SetBasicAuth(a.user, "an-example-for-"+a.user)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Authorization" {
			r.Header.Del(name)
		}
		r.Header.Add(name, value)
	}
	response, err := a.client.Do(r)
	require.NoError(a.t, err)
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	require.NoError(a.t, err)
	require.Equal(a.t, status, response.StatusCode, "%s", data)
	return response.Header, data
}

// own calls Gatehouse's own interface and reads its answer.
func (a administrator) own(method, path, body string, into any) {
	a.t.Helper()
	header, data := a.call(method, "/gatehouse/v1/"+path, body, 200)
	assert.Contains(a.t, header.Get("X-Gatehouse-Notice"), "no real tenant has it")
	answer := struct {
		Notice string
		Answer any
	}{Answer: into}
	require.NoError(a.t, json.NewDecoder(bytes.NewReader(data)).Decode(&answer), "%s", data)
	assert.Contains(a.t, answer.Notice, "no real tenant has it")
}

// change makes a modifying call of OData, with token and cookies.
func (a administrator) change(method, path, body string, status int) []byte {
	a.t.Helper()
	header, _ := a.call("GET", "/api/v1/", "", 200, "X-CSRF-Token: Fetch")
	headers := []string{"X-CSRF-Token: " + header.Get("X-Csrf-Token"), "Accept: application/json"}
	for _, c := range (&http.Response{Header: header}).Cookies() {
		headers = append(headers, "Cookie: "+c.Name+"="+c.Value)
	}
	_, data := a.call(method, "/api/v1/"+path, body, status, headers...)
	return data
}

type mintedCertificates struct {
	Certificates []struct{ Name, Certificate, Chain, FullChain, Key string }
}

// send lets a certificate of the landscape call.
func (a administrator) send(certificate, path string) simulator.Outcome {
	a.t.Helper()
	c, ok := a.sim.Certificates().Get(certificate)
	require.True(a.t, ok, certificate)
	one := a.sim.NewSender(certificate, c)
	defer one.Close()
	outcome, err := a.sim.Call(a.t.Context(), one, sender.Call{URL: path})
	require.NoError(a.t, err)
	return outcome
}

// A tool that only speaks the interfaces mints a sender, maps it, gives it the role, and it is let in.
func TestATenantIsAdministeredThroughItsInterfaces(t *testing.T) {
	a := administer(t)
	var facts management.Facts
	a.own("GET", "landscape", "", &facts)
	assert.Equal(t, "e100999iflmap", facts.Application)
	assert.Equal(t, a.sim.Address(), facts.CallAddress)
	assert.Len(t, facts.Nodes, 2)
	assert.Equal(t, []string{"example-root"}, facts.Hosts[0].Trust)
	store, err := keystore.Read([]byte(facts.Root), "")
	require.NoError(t, err)
	require.NotNil(t, store)

	var made mintedCertificates
	a.own("POST", "certificates", `{"certificates":[{"name":"new","subject":"CN=new.example","issuer":"example-issuing","usage":["clientAuth"]}]}`, &made)
	require.Len(t, made.Certificates, 1)
	one := made.Certificates[0]
	pair, err := tls.X509KeyPair([]byte(one.Chain), []byte(one.Key))
	require.NoError(t, err)
	assert.Len(t, pair.Certificate, 2, "the certificate and its intermediate")

	assert.Equal(t, 403, a.send("new", "/http/orders").Result.Status, "not mapped")
	a.change("POST", "CertificateUserMappings", `{"User":"NEW","Certificate":"`+base64.StdEncoding.EncodeToString([]byte(one.Certificate))+`"}`, 201)
	outcome := a.send("new", "/http/orders")
	assert.Equal(t, 403, outcome.Result.Status, "mapped, without role")
	assert.Equal(t, "NEW", outcome.Journey.User)

	_, data := a.call("POST", "/oauth2/apitoken/v1?grant_type=client_credentials", "", 200, "Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte("platform:an-example-for-platform")))
	var token struct {
		AccessToken string `json:"access_token"`
	}
	require.NoError(t, json.Unmarshal(data, &token))
	bearer := "Authorization: Bearer " + token.AccessToken
	const users = "/authorization/v1/accounts/e100999/apps/e100999iflmap/roles/users?providerAccount=e100999&roleName=ESBMessaging.send"
	a.call("PUT", users, `{"users":[{"name":"NEW"}]}`, 201, bearer)
	outcome = a.send("new", "/http/orders")
	assert.Equal(t, 200, outcome.Result.Status, "at once")

	var log struct {
		Journeys []struct{ ID, Client, User string }
	}
	a.own("GET", "journeys?limit=2", "", &log)
	require.Len(t, log.Journeys, 2)
	assert.Equal(t, outcome.Journey.ID, log.Journeys[1].ID)
	a.own("GET", "journeys?client="+outcome.Result.LocalAddr+"&request=1&wait=5", "", &log)
	require.Len(t, log.Journeys, 1)
	assert.Equal(t, "NEW", log.Journeys[0].User)
	a.own("GET", "journeys?after="+outcome.Journey.ID, "", &log)
	assert.Empty(t, log.Journeys)
	first, second := a.send("warehouse", "/http/orders?mark=47"), a.send("new", "/http/orders?mark=47")
	for query, want := range map[string][]string{
		"logged=mark%3D47&wait=5":                                     {first.Journey.ID},
		"logged=mark%3D47&line=2&wait=5":                              {second.Journey.ID},
		"logged=mark%3D47&line=3":                                     nil,
		"logged=mark%3D48":                                            nil,
		"client=192.0.2.1:1&request=1&logged=mark%3D47&line=2&wait=5": {second.Journey.ID},
		"client=" + first.Result.LocalAddr + "&request=1&logged=mark%3D48&line=1&wait=5": {first.Journey.ID},
	} {
		a.own("GET", "journeys?"+query, "", &log)
		var got []string
		for _, j := range log.Journeys {
			got = append(got, j.ID)
		}
		assert.Equal(t, want, got, query)
	}
	_, data = a.call("GET", "/api/v1/LogFileArchives(Scope='latest',LogFileType='http',NodeScope='worker')/$value", "", 200)
	assert.NotEmpty(t, data)
}

// What is around the tenant is controlled too: clock, trust list, nodes.
func TestALandscapeIsControlledThroughItsInterface(t *testing.T) {
	a := administer(t)
	status := func() (int, int) {
		o := a.send("warehouse", "/http/orders")
		return o.Result.Status, o.Journey.Verification.Code
	}
	var clock struct{ Clock time.Time }
	a.own("POST", "clock", `{"advance":"9000h"}`, &clock)
	assert.Equal(t, a.sim.Clock().Now().Year(), clock.Clock.Year())
	code, verify := status()
	assert.Equal(t, []int{401, 10}, []int{code, verify}, "expired")
	a.own("POST", "clock", `{"set":"`+time.Now().UTC().Format(time.RFC3339)+`"}`, &clock)
	code, _ = status()
	assert.Equal(t, 200, code)

	a.own("POST", "certificates", `{"certificates":[{"name":"other-root","ca":true}]}`, &mintedCertificates{})
	a.own("PUT", "trust", `{"certificates":["other-root"]}`, &struct{}{})
	code, verify = status()
	assert.Equal(t, []int{401, 20}, []int{code, verify}, "another root is trusted")
	a.own("PUT", "trust", `{"host":"e100999-iflmap.hcisbt.eu1.hana.ondemand.com","certificates":["example-root"]}`, &struct{}{})
	code, _ = status()
	assert.Equal(t, 200, code)

	var nodes struct{ Nodes []management.Node }
	a.own("PUT", "nodes/1", `{"up":false}`, &nodes)
	assert.Equal(t, []bool{false, true}, []bool{nodes.Nodes[0].Up, nodes.Nodes[1].Up})
	for range 3 {
		assert.Equal(t, nodes.Nodes[1].ID, a.send("warehouse", "/http/orders").Journey.Node)
	}
	a.own("PUT", "nodes/1", `{"up":true}`, &nodes)
}

// Broken certificates and certificates of others.
func TestCertificatesAreMintedThroughTheInterface(t *testing.T) {
	a := administer(t)
	var made mintedCertificates
	a.own("POST", "certificates", `{"certificates":[{"name":"late","like":"warehouse","defect":"expired"},{"name":"root-late","like":"warehouse","defect":"root-expired"}]}`, &made)
	require.Len(t, made.Certificates, 2)
	for _, name := range []string{"late", "root-late"} {
		outcome := a.send(name, "/http/orders")
		assert.Equal(t, 401, outcome.Result.Status)
		assert.Equal(t, 10, outcome.Journey.Verification.Code, "%s: refused for its defect, not for want of trust", name)
	}

	foreign, err := pki.Create(nil, pki.CA, "foreign", pki.Subject("CN=Foreign Root"))
	require.NoError(t, err)
	client, err := pki.Create(foreign, pki.Client, "stranger", pki.Subject("CN=stranger.example"))
	require.NoError(t, err)
	body, err := json.Marshal(map[string]any{
		"certificates": []map[string]any{{"name": "foreign-root", "file": "root.pem", "ca": true}},
		"files":        map[string]string{"root.pem": string(keystore.CertificatePEM(foreign))},
	})
	require.NoError(t, err)
	made = mintedCertificates{}
	a.own("POST", "certificates", string(body), &made)
	assert.Empty(t, made.Certificates[0].Key)
	a.own("PUT", "trust", `{"certificates":["example-root","foreign-root"]}`, &struct{}{})
	one := a.sim.NewSender("stranger", client)
	defer one.Close()
	outcome, err := a.sim.Call(t.Context(), one, sender.Call{URL: "/http/orders"})
	require.NoError(t, err)
	assert.Equal(t, 0, outcome.Journey.Verification.Code, "its root is trusted now")
	assert.Equal(t, "stranger.example@Foreign Root", outcome.Journey.User)
}

func TestControlThatIsRefused(t *testing.T) {
	a := administer(t)
	before := a.sim.Certificates().Names()
	for path, row := range map[string]struct {
		method, body string
		status       int
		message      string
	}{
		"landscape/x":       {"GET", "", 404, "Nothing is at this path"},
		"nothing":           {"GET", "", 404, "landscape, nodes, trust"},
		"nodes":             {"PUT", "", 404, "followed by a name"},
		"nodes/9":           {"PUT", `{"up":true}`, 404, "there is no runtime node 9"},
		"nodes/1":           {"PUT", `{}`, 400, "Expected the number of a node"},
		"landscape":         {"DELETE", "", 405, "allowed are GET"},
		"landscape?x=y":     {"GET", "", 400, `\"x\" is not known`},
		"clock":             {"POST", `{"advance":"1h","set":"2027-01-01T00:00:00Z"}`, 400, "Expected either"},
		"clock?":            {"POST", `{"advance":"tomorrow"}`, 400, "expected a duration"},
		"clock?&":           {"POST", `{"set":"9999-01-01T00:00:00Z"}`, 400, "expected 1970 to 9000"},
		"clock?&&":          {"POST", `{"move":"1h"}`, 400, "not as expected"},
		"trust":             {"PUT", `{"certificates":["example-rot"]}`, 400, "did you mean"},
		"trust?":            {"PUT", `{"host":"other.example","certificates":[]}`, 400, "no such host"},
		"certificates":      {"POST", `{}`, 400, "expected 1 to 50"},
		"certificates?":     {"POST", `{"certificates":[{"name":"warehouse"}]}`, 400, `a certificate \"warehouse\" already`},
		"certificates?&":    {"POST", `{"certificates":[{"name":"a"},{"name":"b","issuer":"example-isuing"}]}`, 400, "certificates[1].issuer"},
		"certificates?&&":   {"POST", `{"certificates":[{"name":"a","file":"/etc/passwd"}]}`, 400, `the request has no file \"/etc/passwd\"`},
		"certificates?&&&":  {"POST", `{"certificates":[{"name":"a","like":"warehouse","defect":"none-such"}]}`, 400, "none-such"},
		"journeys?limit=0":  {"GET", "", 400, "expected a number from 1 to 1000"},
		"journeys?wait=31":  {"GET", "", 400, "expected a number from 0 to 30"},
		"journeys?client=1": {"GET", "", 400, `\"request\" is missing`},
		"journeys?logged=":  {"GET", "", 400, `\"logged\" is empty`},
		"journeys?line=0":   {"GET", "", 400, "expected a number from 1 to 1000"},
		"flows/none":        {"GET", "", 404, "could not be found"},
		"users/admin":       {"DELETE", "", 409, "nobody can remove itself"},
		"clients/x":         {"PUT", `{"secret":"s","scopes":["all"]}`, 400, "expected one of"},
		"keystore/x":        {"PUT", `{"certificate":"MIIB"}`, 400, "PEM of one certificate"},
		"keystore/x?":       {"PUT", `{"certificate":"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}`, 400, "cannot be read"},
		"users/a%0Ab":       {"PUT", `{"password":"x"}`, 400, "control characters"},
	} {
		_, data := a.call(row.method, "/gatehouse/v1/"+path, row.body, row.status)
		assert.Contains(t, string(data), row.message, path)
	}
	assert.Equal(t, before, a.sim.Certificates().Names())
	// A page of another site cannot make a browser call.
	a.call("POST", "/gatehouse/v1/clock", `{"advance":"1h"}`, 403, "Origin: https://evil.example", "Sec-Fetch-Site: cross-site")
	a.user = "developer"
	a.call("POST", "/gatehouse/v1/clock", `{"advance":"1h"}`, 403)
	assert.WithinDuration(t, time.Now(), a.sim.Clock().Now(), time.Minute, "the clock was not moved")
}

// The connectivity test reaches the landscape's own host, whose name does not resolve.
func TestConnectivityThroughTheInterface(t *testing.T) {
	a := administer(t)
	var answer struct {
		Result connectivity.Result
		Zip    []byte `json:"certificates.zip"`
	}
	a.own("POST", "connectivity", `{"address":"e100999-iflmap.hcisbt.eu1.hana.ondemand.com:443","download":true}`, &answer)
	assert.True(t, answer.Result.OK)
	require.Len(t, answer.Result.Chain, 2, "the load balancer does not send its root")
	assert.Contains(t, answer.Result.Chain[0].Subject, "CN=e100999-iflmap")
	assert.True(t, bytes.HasPrefix(answer.Zip, []byte("PK")))
	assert.Equal(t, connectivity.Asked, answer.Result.ClientCertificate)

	a.own("POST", "connectivity", `{"address":"e100999-iflmap.hcisbt.eu1.hana.ondemand.com:443","validate":true}`, &answer)
	assert.False(t, answer.Result.OK, "the root is not in the tenant keystore")
	require.NotEmpty(t, answer.Result.Failures)
	assert.Equal(t, connectivity.Trust, answer.Result.Failures[0].Step)
	require.NoError(t, a.sim.Tenant().Update(func(c *tenant.Config) error {
		c.Keystore = append(c.Keystore, tenant.KeystoreEntry{Alias: "root", Certificate: a.sim.Root().DER()})
		return nil
	}))
	a.own("POST", "connectivity", `{"address":"e100999-iflmap.hcisbt.eu1.hana.ondemand.com:443","validate":true}`, &answer)
	assert.True(t, answer.Result.OK, "%v", answer.Result.Failures)
	_, data := a.call("POST", "/gatehouse/v1/connectivity", `{"address":"a:b:c"}`, 400)
	assert.Contains(t, string(data), "expected HOST:PORT")
}

func TestUsersAndClientsThroughTheInterface(t *testing.T) {
	a := administer(t)
	a.own("PUT", "users/alice", `{"password":"an-example-for-alice"}`, &struct{}{})
	assert.Equal(t, tenant.Right, a.sim.Tenant().Snapshot().Password("alice", "an-example-for-alice"))
	a.own("DELETE", "users/alice", "", &struct{}{})
	assert.Equal(t, tenant.UnknownUser, a.sim.Tenant().Snapshot().Password("alice", "an-example-for-alice"))
	a.own("PUT", "clients/robot", `{"secret":"s"}`, &struct{}{})
	assert.True(t, a.sim.Tenant().CheckClient("robot", "s"))
	a.own("DELETE", "clients/robot", "", &struct{}{})
	assert.False(t, a.sim.Tenant().CheckClient("robot", "s"))
}

// A deployment is seen by callers: nothing before it, then the downtime, then the new flow.
func TestDeploymentIsSeenByCallers(t *testing.T) {
	a := administer(t)
	a.user = "developer"
	zip, err := iflow.Describe("invoices", "Invoices", []tenant.Channel{{Address: "/http/invoices", Adapter: tenant.HTTPS}}).Zip()
	require.NoError(t, err)
	a.change("POST", "IntegrationDesigntimeArtifacts", `{"Id":"invoices","Name":"Invoices","PackageId":"landscape","ArtifactContent":"`+base64.StdEncoding.EncodeToString(zip)+`"}`, 201)
	assert.Equal(t, 404, a.send("warehouse", "/http/invoices").Result.Status)
	a.sim.Clock().Set(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC))
	task := string(a.change("POST", "DeployIntegrationDesigntimeArtifact?Id='invoices'&Version='active'", "", 202))
	require.NotEmpty(t, task)
	a.sim.Clock().Advance(-time.Hour) // however slow this machine is, the downtime has not passed
	assert.Equal(t, 503, a.send("warehouse", "/http/invoices").Result.Status)
	a.sim.Clock().Advance(2 * time.Hour)
	assert.Equal(t, 200, a.send("warehouse", "/http/invoices").Result.Status)
	_, data := a.call("GET", "/api/v1/BuildAndDeployStatus(TaskId='"+task+"')", "", 200, "Accept: application/json")
	assert.Contains(t, string(data), `"Status":"SUCCESS"`)
}

func TestManagementIsOffUnlessAskedFor(t *testing.T) {
	sim := simulator.New(t, simulator.Example())
	assert.Empty(t, sim.ManagementURL())
	assert.Nil(t, sim.ManagementRoot())
	require.NoError(t, sim.StartManagement())
	url := sim.ManagementURL()
	assert.NotEmpty(t, url)
	require.NoError(t, sim.StartManagement(), "once more is no error")
	assert.Equal(t, url, sim.ManagementURL())

	l := simulator.Example()
	l.Management.Listen = "127.0.0.1:0"
	assert.NotEmpty(t, simulator.New(t, l).ManagementURL(), "the document asks for it")
	l.Management.Listen = "127.0.0.1"
	assert.ErrorContains(t, l.Validate(), "management.listen")
	l.Management.Listen = strings.TrimPrefix(url, "https://")
	_, err := simulator.Start(t.Context(), l, simulator.Options{})
	assert.ErrorContains(t, err, "management.listen")
}

// The document says how many requests of the platform API are taken within a minute.
func TestPlatformRequests(t *testing.T) {
	l := simulator.Example()
	for n, ok := range map[int]bool{-1: false, 0: true, 1: true, 100_000: true, 100_001: false} {
		l.Management.PlatformRequests = n
		if err := l.Validate(); ok {
			require.NoError(t, err, "%d", n)
		} else {
			require.ErrorContains(t, err, fmt.Sprintf("management.platformRequests: found %d", n))
		}
	}
}

// Who waits for a call does not keep the landscape from closing.
func TestCloseEndsCallsThatWait(t *testing.T) {
	a := administer(t)
	done := make(chan struct{})
	begun := make(chan struct{})
	go func() {
		defer close(done)
		r, err := http.NewRequest("GET", a.sim.ManagementURL()+"/gatehouse/v1/journeys?client=127.0.0.1:1&request=1&wait=30", nil)
		if err != nil {
			return
		}
		r.SetBasicAuth("admin", "an-example-for-admin")
		close(begun)
		if response, err := a.client.Do(r); err == nil {
			response.Body.Close()
		}
	}()
	<-begun
	require.NoError(t, a.sim.Close())
	<-done
}
