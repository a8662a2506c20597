package iflow_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"example.com/gatehouse/simulator/iflow"
	"example.com/gatehouse/simulator/tenant"
)

func zipped(t testing.TB, d iflow.Description) []byte {
	t.Helper()
	data, err := d.Zip()
	require.NoError(t, err)
	return data
}

// read reads a flow and demands that there is one.
func read(t testing.TB, data []byte, given map[string]string) iflow.Flow {
	t.Helper()
	e, err := iflow.Read("orders.zip", data, given)
	require.NoError(t, err)
	require.Len(t, e.Flows, 1)
	assert.Empty(t, e.Findings)
	return e.Flows[0]
}

// https is a channel as the product exports it, with changes: a key that is there is replaced, an
// empty value of "-" removes it.
func https(changes ...iflow.Property) iflow.MessageFlow {
	properties := []iflow.Property{
		{"ComponentType", "HTTPS"}, {"Description", ""}, {"maximumBodySize", "40"}, {"ComponentNS", "sap"}, {"componentVersion", "1.4"},
		{"urlPath", "/orders"}, {"Name", "HTTPS"}, {"TransportProtocolVersion", "1.4.1"}, {"ComponentSWCVName", "external"}, {"system", "Sender"},
		{"xsrfProtection", "1"}, {"TransportProtocol", "HTTPS"},
		{"cmdVariantUri", "ctype::AdapterVariant/cname::sap:HTTPS/tp::HTTPS/mp::None/direction::Sender/version::1.4.1"},
		{"userRole", "ESBMessaging.send"}, {"senderAuthType", "RoleBased"}, {"MessageProtocol", "None"}, {"direction", "Sender"}, {"clientCertificates", ""},
	}
	for _, c := range changes {
		found := false
		for i := range properties {
			if properties[i].Key == c.Key {
				properties[i].Value, found = c.Value, true
			}
		}
		if !found {
			properties = append(properties, c)
		}
	}
	var out []iflow.Property
	for _, p := range properties {
		if p.Value != "-" {
			out = append(out, p)
		}
	}
	return iflow.MessageFlow{Name: "HTTPS", Properties: out}
}

func TestReadOneFlow(t *testing.T) {
	t.Parallel()
	d := iflow.Description{ID: "Orders", Name: "Orders from the warehouse", Version: "1.2.3", Channels: []iflow.MessageFlow{https()}}
	data := zipped(t, d)
	flow := read(t, data, nil)
	assert.Equal(t, "Orders", flow.ID)
	assert.Equal(t, "Orders from the warehouse", flow.Name)
	assert.Equal(t, "1.2.3", flow.Version)
	assert.Equal(t, data, flow.Content, "the zip as it was")
	assert.Empty(t, flow.Findings)
	assert.Equal(t, []tenant.Channel{{
		Address: "/http/orders", Adapter: tenant.HTTPS, Flow: "Orders", CSRFProtected: true, MaximumBodySize: 40 << 20,
		Authorization: tenant.Authorization{UserRole: "ESBMessaging.send"},
	}}, flow.Channels)
}

func TestReadBareFile(t *testing.T) {
	t.Parallel()
	e, err := iflow.Read(`C:\flows\Orders of today.iflw`, iflow.Description{Channels: []iflow.MessageFlow{https(iflow.Property{Key: "urlPath", Value: "/{{Path}}"})}}.XML(), map[string]string{"Path": "a"})
	require.NoError(t, err)
	require.Len(t, e.Flows, 1)
	flow := e.Flows[0]
	assert.Equal(t, "Orders_of_today", flow.ID)
	assert.Empty(t, flow.Findings)
	assert.Equal(t, "/http/a", flow.Channels[0].Address)

	again := read(t, flow.Content, map[string]string{"Path": "a"})
	assert.Equal(t, flow.ID, again.ID, "the zip that was made around it is a flow's")
	assert.Equal(t, flow.Channels, again.Channels)
}

func TestReadPackage(t *testing.T) {
	t.Parallel()
	data, err := iflow.Package("Warehouse",
		iflow.Description{ID: "Orders", Channels: []iflow.MessageFlow{https()}},
		iflow.Description{ID: "Returns", Channels: []iflow.MessageFlow{https(iflow.Property{Key: "urlPath", Value: "/returns"})}})
	require.NoError(t, err)
	e, err := iflow.Read("warehouse.zip", data, nil)
	require.NoError(t, err)
	require.Len(t, e.Flows, 2)
	assert.Empty(t, e.AllFindings())
	assert.Equal(t, "Orders", e.Flows[0].ID)
	assert.Equal(t, "Returns", e.Flows[1].ID)
	require.Len(t, e.Channels(), 2)
	assert.Equal(t, "/http/returns", e.Channels()[1].Address)
	for _, flow := range e.Flows {
		assert.Equal(t, flow.Channels, read(t, flow.Content, nil).Channels, "the content is a flow of its own")
	}
}

func TestPackageWithOtherArtifacts(t *testing.T) {
	t.Parallel()
	flow := zipped(t, iflow.Description{ID: "Orders", Channels: []iflow.MessageFlow{https()}})
	mapping, err := iflow.Archive(iflow.File{Name: "META-INF/MANIFEST.MF", Data: []byte("Manifest-Version: 1.0\n")}, iflow.File{Name: "value_mapping.xml", Data: []byte("<vm/>")})
	require.NoError(t, err)
	data, err := iflow.Archive(
		iflow.File{Name: "resources.cnt", Data: []byte("e30=")},
		iflow.File{Name: "0123456789abcdef0123456789abcdef_content", Data: flow},
		iflow.File{Name: "1123456789abcdef0123456789abcdef_content", Data: mapping},
		iflow.File{Name: "2123456789abcdef0123456789abcdef_content", Data: []byte("<html>")})
	require.NoError(t, err)
	e, err := iflow.Read("p.zip", data, nil)
	require.NoError(t, err)
	require.Len(t, e.Flows, 1)
	require.Len(t, e.Findings, 2)
	assert.Contains(t, e.Findings[0].String(), "1123456789abcdef0123456789abcdef_content: holds no .iflw file")
	assert.Contains(t, e.Findings[1].String(), "2123456789abcdef0123456789abcdef_content: is no zip file")
}

func TestPackedAgainByHand(t *testing.T) {
	t.Parallel()
	d := iflow.Description{Channels: []iflow.MessageFlow{https(iflow.Property{Key: "urlPath", Value: "{{Path}}"})}}
	data, err := iflow.Archive(
		iflow.File{Name: "__MACOSX/Orders/._x.iflw", Data: []byte("\x00\x05")},
		iflow.File{Name: "Orders/", Data: nil},
		iflow.File{Name: "Orders/META-INF/MANIFEST.MF", Data: []byte("Bundle-SymbolicName: Orders\r\n")},
		iflow.File{Name: "Orders/src/main/resources/parameters.prop", Data: []byte("Path=/b\n")},
		iflow.File{Name: "Orders/src/main/resources/scenarioflows/integrationflow/x.iflw", Data: d.XML()})
	require.NoError(t, err)
	flow := read(t, data, nil)
	assert.Equal(t, "Orders", flow.ID)
	assert.Equal(t, "/http/b", flow.Channels[0].Address)
	assert.Empty(t, flow.Findings)
}

func TestManifest(t *testing.T) {
	t.Parallel()
	long := "Orders from all of the warehouses in the north and the south, ä and ö too, and from nowhere else"
	d := iflow.Description{ID: strings.Repeat("a_very_long_id", 10), Name: long, Channels: []iflow.MessageFlow{https()}}
	flow := read(t, zipped(t, d), nil)
	assert.Equal(t, d.ID, flow.ID, "folded lines are joined, and directives are left out")
	assert.Equal(t, long, flow.Name)

	iflw := iflow.File{Name: "src/main/resources/scenarioflows/integrationflow/Orders.iflw", Data: d.XML()}
	for name, c := range map[string]struct {
		manifest []byte
		finding  string
	}{
		"none":        {nil, "META-INF/MANIFEST.MF: is missing"},
		"no id":       {[]byte("Manifest-Version: 1.0\n\nBundle-SymbolicName: of a section\n"), "Bundle-SymbolicName: has no value"},
		"terminal":    {[]byte("Bundle-SymbolicName: a\x1b[2J\n"), "Bundle-SymbolicName: is longer than 256 bytes or has characters"},
		"endless":     {[]byte("Bundle-SymbolicName: " + strings.Repeat("a", 300)), "Bundle-SymbolicName: is longer than 256 bytes"},
		"no manifest": {[]byte("\xff\xfe\x00\x01"), "Bundle-SymbolicName: has no value"},
	} {
		files := []iflow.File{iflw}
		if c.manifest != nil {
			files = append(files, iflow.File{Name: "META-INF/MANIFEST.MF", Data: c.manifest})
		}
		data, err := iflow.Archive(files...)
		require.NoError(t, err)
		flow := read(t, data, nil)
		assert.Equal(t, "Orders", flow.ID, name)
		require.NotEmpty(t, flow.Findings, name)
		assert.Contains(t, flow.Findings[0].String(), c.finding, name)
	}
}

// What is written and read again is the same, for every channel that a tenant accepts.
func TestWrittenIsRead(t *testing.T) {
	t.Parallel()
	letters := rapid.StringMatching(`[a-zA-Z0-9_.$~-]{1,12}`)
	names := rapid.StringMatching(`[A-Za-z0-9 .&<>'"äß€{}_-]{0,20}`)
	rapid.Check(t, func(t *rapid.T) {
		var channels []tenant.Channel
		for i := range rapid.IntRange(1, 4).Draw(t, "channels") {
			c := tenant.Channel{
				Adapter: rapid.SampledFrom([]tenant.Adapter{tenant.HTTPS, tenant.SOAP, tenant.SOAPSAPRM, tenant.IDoc, tenant.XI, tenant.AS2, tenant.AS2MDN}).Draw(t, "adapter"),
				Flow:    "f", MaximumBodySize: int64(rapid.IntRange(1, 100).Draw(t, "MB")) << 20,
			}
			c.Address = c.Adapter.Prefix() + "/" + letters.Draw(t, "address") + string(rune('0'+i))
			if c.Adapter == tenant.HTTPS {
				c.CSRFProtected = rapid.Bool().Draw(t, "csrf")
			}
			switch rapid.IntRange(0, 2).Draw(t, "authorization") {
			case 0:
				c.Authorization.UserRole = "Role." + letters.Draw(t, "role")
			case 1:
				c.Authorization.Table = []tenant.DNPair{{Subject: "CN=" + escapeDN(names.Draw(t, "cn")) + "x", Issuer: "CN=CA, O=Example"}}
			default:
				c.OldAdapter = true
			}
			channels = append(channels, c)
		}
		data, err := iflow.Describe("f", "a flow", channels).Zip()
		require.NoError(t, err)
		e, err := iflow.Read("f.zip", data, nil)
		require.NoError(t, err)
		assert.Empty(t, e.AllFindings())
		assert.Equal(t, channels, e.Channels())
	})
}

func escapeDN(s string) string {
	return strings.NewReplacer(`"`, `\"`, "<", `\<`, ">", `\>`, " ", "_", "{", "", "}", "").Replace(s)
}
