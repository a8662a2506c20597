package tenant

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

func TestRoute(t *testing.T) {
	s := newTenant(t, Config{Channels: []Channel{
		{Address: "/http/orders"}, {Address: "/http/Mixed"}, {Address: "/http/all/*"}, {Address: "/http/slash/"},
		{Address: "/cxf/orders"}, {Address: "/cxf/orders/special", Adapter: XI}, {Address: "/cxf/Orders"},
		{Address: "/as2/as2/in"}, {Address: "/as2/mdn/in"}, {Address: "/gw/odata/SAP/ORDERS"},
	}}).Snapshot()
	for path, want := range map[string]struct{ address, below string }{
		"/http/orders":                      {"/http/orders", ""},
		"/http/ORDERS":                      {"/http/orders", ""},
		"/http/mixed":                       {"/http/Mixed", ""},
		"/http/slash/":                      {"/http/slash/", ""},
		"/http/all":                         {"/http/all/*", ""},
		"/http/ALL/":                        {"/http/all/*", "/"},
		"/http/all/A/b":                     {"/http/all/*", "/A/b"},
		"/http/x/../orders":                 {"/http/orders", ""},
		"/cxf/orders":                       {"/cxf/orders", ""},
		"/cxf/orders/item":                  {"/cxf/orders", "/item"},
		"/cxf/orders/special":               {"/cxf/orders/special", ""},
		"/cxf/orders/special/item":          {"/cxf/orders/special", "/item"},
		"/cxf/orders/specialist":            {"/cxf/orders", "/specialist"},
		"/cxf/Orders":                       {"/cxf/Orders", ""},
		"/as2/as2/in":                       {"/as2/as2/in", ""},
		"/as2/mdn/in":                       {"/as2/mdn/in", ""},
		"/gw/odata/SAP/ORDERS;v=1/Items(1)": {"/gw/odata/SAP/ORDERS", "/Items(1)"},
	} {
		c, answer := s.Route(path)
		assert.True(t, answer.Found, path)
		assert.Equal(t, want.address, c.Address, path)
		assert.Equal(t, want.below, answer.Below, path)
		assert.Empty(t, answer.Hint, path)
	}
	for path, hint := range map[string]string{
		"/":                     "",
		"/http":                 "",
		"/http/unknown":         "",
		"/http/orders/item":     `"/http/orders" is deployed and serves nothing below it: an address for that ends in /*`,
		"/cxf":                  "",
		"/cxf/unknown":          "",
		"/http/alles":           "",
		"/HTTP/orders":          `"/http/orders" is deployed: the path has another case`,
		"/HTTP/all/x":           `"/http/all/*" is deployed: the path has another case`,
		"/http/orders/":         `"/http/orders" is deployed: the path has a / at its end`,
		"/http/slash":           `"/http/slash/" is deployed: the path lacks the / at its end`,
		"/orders":               `"/http/orders" is deployed: the path lacks /http`,
		"/all/x":                `"/http/all/*" is deployed: the path lacks /http`,
		"/Orders":               `"/http/orders" is deployed: the path lacks /http`,
		"/cxf/mixed":            `"/http/Mixed" is deployed: the path has another prefix`,
		"/http/in":              `"/as2/as2/in" is deployed: the path has another prefix`,
		"/gw/odata/sap/orders":  `"/gw/odata/SAP/ORDERS" is deployed: the path has another case`,
		"/gw/odata/sap/orders/": `"/gw/odata/SAP/ORDERS" is deployed: the path has another case`,
		"/CXF/orders/special/x": `"/cxf/orders/special" is deployed: the path has another case`,
	} {
		c, answer := s.Route(path)
		assert.False(t, answer.Found, path)
		assert.Zero(t, c, path)
		assert.NoError(t, answer.Refused, path)
		assert.Equal(t, hint, answer.Hint, path)
	}
	_, answer := s.Route("/http%2forders")
	assert.ErrorIs(t, answer.Refused, errPathEncoded)
	assert.False(t, answer.Found)
}

// A path is given a hint for as long as an address could be meant.
func TestHintsEndWithTheLongestAddress(t *testing.T) {
	address := "/cxf/" + strings.Repeat("a", MaxAddress-len("/cxf/"))
	s := newTenant(t, Config{Channels: []Channel{{Address: address}}}).Snapshot()
	_, answer := s.Route(strings.ToUpper(address))
	assert.Contains(t, answer.Hint, "the path has another case")
	_, answer = s.Route(strings.ToUpper(address) + "/")
	assert.False(t, answer.Found)
	assert.Empty(t, answer.Hint)
}

func TestOnlyASCIILettersFold(t *testing.T) {
	s := newTenant(t, Config{Channels: []Channel{{Address: "/http/kilo"}, {Address: "/http/k/*"}}}).Snapshot()
	_, answer := s.Route("/http/KILO")
	assert.True(t, answer.Found)
	_, answer = s.Route("/http/\u212Ailo") // the Kelvin sign is no k
	assert.False(t, answer.Found)
	_, answer = s.Route("/http/K/\u212A/\xff/İ")
	assert.Equal(t, "/\u212A/\xff/İ", answer.Below)
}

func TestAStarBelowThePrefixServesAll(t *testing.T) {
	s := newTenant(t, Config{Channels: []Channel{{Address: "/http/*"}}}).Snapshot()
	for _, path := range []string{"/http", "/http/", "/http/a", "/http/a/b"} {
		_, answer := s.Route(path)
		assert.True(t, answer.Found, path)
	}
	_, answer := s.Route("/cxf/a")
	assert.False(t, answer.Found)
}

// slowRoute is the rule as one would read it out: look at every channel, take the longest.
func slowRoute(channels []Channel, path string) string {
	best, length := "", -1
	for _, c := range channels {
		address, request := c.Address, path
		https := strings.HasPrefix(address, "/http/")
		if https {
			address = strings.ToLower(address)
			if strings.HasPrefix(path, "/http") {
				request = strings.ToLower(path)
			}
		}
		base, wild := strings.CutSuffix(address, "/*")
		serves := request == base
		if wild || !https {
			serves = serves || strings.HasPrefix(request, base+"/")
		}
		if serves && len(base) > length {
			best, length = c.Address, len(base)
		}
	}
	return best
}

func TestRouteAgreesWithTheSlowModel(t *testing.T) {
	segment := rapid.StringOfN(rapid.SampledFrom([]rune("aAb")), 1, 2, -1)
	tail := rapid.Custom(func(t *rapid.T) string {
		return "/" + strings.Join(rapid.SliceOfN(segment, 1, 4).Draw(t, "segments"), "/")
	})
	rapid.Check(t, func(t *rapid.T) {
		var c Config
		for range rapid.IntRange(0, 8).Draw(t, "channels") {
			address := rapid.SampledFrom([]string{"/http", "/cxf", "/as2/as2", "/gw/odata"}).Draw(t, "prefix") + tail.Draw(t, "address")
			if strings.HasPrefix(address, "/http") && rapid.Bool().Draw(t, "star") {
				address += "/*"
			}
			next := c
			next.Channels = append(next.Channels[:len(next.Channels):len(next.Channels)], Channel{Address: address})
			if len(next.Validate()) == 0 {
				c = next
			}
		}
		tenant, err := New(c, nil)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			path := rapid.SampledFrom([]string{"/http", "/HTTP", "/cxf", "/as2/as2", "/as2/mdn", "/gw/odata", ""}).Draw(t, "prefix") + tail.Draw(t, "path")
			if rapid.Bool().Draw(t, "slash") {
				path += "/"
			}
			got, answer := tenant.Snapshot().Route(path)
			if want := slowRoute(c.Channels, path); got.Address != want || answer.Found != (want != "") {
				t.Fatalf("%q is served by %q, expected %q", path, got.Address, want)
			}
		}
	})
}

// A path may be as long as a header: what it costs must not grow with its square.
func TestALongPathCostsLittle(t *testing.T) {
	s := newTenant(t, good()).Snapshot()
	for _, prefix := range []string{"/cxf", "/http/all", "/nowhere", "/http"} {
		path := prefix + strings.Repeat("/a", 1<<20)
		begin := time.Now()
		_, _ = s.Route(path)
		assert.Less(t, time.Since(begin), time.Second, prefix)
	}
	_, answer := s.Route("/http/all" + strings.Repeat("/a", 1<<16))
	assert.True(t, answer.Found)
}
