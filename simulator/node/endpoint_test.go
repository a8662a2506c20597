package node

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/tenant"
)

func TestNothingDeployed(t *testing.T) { // EP-6, EP-7
	f := newFixture(t)
	for path, decided := range map[string]string{
		"/http/unknown":  `nothing is deployed at "/http/unknown"`,
		"/orders":        `nothing is deployed at "/orders"; "/http/orders" is deployed: the path lacks /http`,
		"/":              `nothing is deployed at "/"`,
		"/http%2forders": `"/http%2forders" is not looked up: the path holds an encoded / or a \, with which one path could pass for another`,
		"/cxf/ORDERS":    `nothing is deployed at "/cxf/ORDERS"; "/cxf/orders" is deployed: the path has another case`,
	} {
		o := f.call("POST", path, accepted(f.warehouse)).endsWith(404, "WAREHOUSE", journey.NothingDeployed)
		stop, _ := o.journey.At(journey.Endpoint)
		assert.Equal(t, decided, stop.Decided)
		assert.Len(t, o.journey.Stops, 2)
		if strings.HasPrefix(path, "/cxf/") {
			assert.Equal(t, "<html><body>No service was found.</body></html>", o.body)
			assert.Equal(t, "text/html", o.response.Header.Get("Content-Type"))
		} else {
			assert.Contains(t, o.body, "<title>HTTP Status 404 – Not Found</title>")
		}
		assert.EqualValues(t, len(o.body), o.line.Bytes)
	}
	f.call("POST", "/cxf/orders/below", accepted(f.warehouse)).endsWith(200, "WAREHOUSE", "")
	f.call("POST", "/HTTP/orders", accepted(f.warehouse)).endsWith(404, "WAREHOUSE", journey.NothingDeployed)
	f.call("POST", "/http/ORDERS?a=b", accepted(f.warehouse)).endsWith(200, "WAREHOUSE", "")
}

// The path that is authorized is the path that is served: no spelling leads around a channel.
func TestNoSpellingOfAPathLeadsAroundItsAuthorization(t *testing.T) {
	f := newFixture(t)
	for _, path := range []string{
		"/http/other", "/http/Other", "/http/./other", "/http/orders/../other", "//http//other", "/http/%6fther",
		"/http/other;/orders", "/http/orders/%2e%2e/other", "/http/orders/..;x/other",
	} {
		status := f.call("POST", path, accepted(f.warehouse)).response.StatusCode
		assert.Contains(t, []int{403, 404}, status, path)
	}
	f.call("POST", "/http/other/../orders", accepted(f.warehouse)).endsWith(200, "WAREHOUSE", "")
}

func TestPingOfSOAMANAGER(t *testing.T) { // EP-8
	f := newFixture(t)
	for _, path := range []string{"/cxf/orders", "/cxf/idoc", "/cxf/idoc/below"} {
		o := f.call("HEAD", path, accepted(f.warehouse)).endsWith(405, "WAREHOUSE", journey.MethodNotAllowed)
		assert.Equal(t, "POST", o.response.Header.Get("Allow"))
		assert.EqualValues(t, -1, o.line.Bytes, "HEAD has no body")
		f.call("POST", path, accepted(f.warehouse)).endsWith(200, "WAREHOUSE", "")
	}
	f.call("HEAD", "/http/orders", accepted(f.warehouse)).endsWith(200, "WAREHOUSE", "")
}

func TestTheManagementNodesPing(t *testing.T) { // LOG-7
	f := newFixture(t)
	manager := mint(t, "management.example", issuer)
	o := f.call("GET", "/cxf/index.html", accepted(manager)).endsWith(200, "management.example@"+issuer, "")
	assert.Len(t, o.body, 162)
	assert.EqualValues(t, 162, o.line.Bytes)
	assert.Len(t, o.journey.Stops, 2)
	assert.True(t, o.journey.Succeeded())
	f.call("GET", "/cxf/index.html").endsWith(401, "", journey.NoIdentity)
	f.call("POST", "/cxf/index.html", accepted(manager)).endsWith(404, "management.example@"+issuer, journey.NothingDeployed)
}

func TestAFlowThatIsBeingRedeployed(t *testing.T) { // EP-10, CHN-10
	f := newFixture(t)
	require.NoError(t, f.tenant.Design("/http/table", func(c *tenant.Channel) {
		c.Authorization.Table = []tenant.DNPair{tenant.DNPairOf(f.warehouse)}
	}))
	f.call("POST", "/http/table", accepted(f.unmapped)).endsWith(200, "shop.example@"+issuer, "")
	f.call("POST", "/http/table", accepted(f.warehouse)).endsWith(403, "WAREHOUSE", journey.DNsNotInTable)
	require.NoError(t, f.tenant.Deploy("/http/table", time.Minute))
	f.call("POST", "/http/table", accepted(f.warehouse)).endsWith(503, "WAREHOUSE", journey.FlowRestarting)
	f.call("POST", "/http/orders", accepted(f.warehouse)).endsWith(200, "WAREHOUSE", "")
	f.now = f.now.Add(time.Minute)
	f.call("POST", "/http/table", accepted(f.unmapped)).endsWith(403, "shop.example@"+issuer, journey.DNsNotInTable)
	f.call("POST", "/http/table", accepted(f.warehouse)).endsWith(200, "WAREHOUSE", "")
}
