package iflow_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator/iflow"
	"example.com/gatehouse/simulator/tenant"
)

type P = iflow.Property

func channelOf(component string, properties ...P) iflow.MessageFlow {
	return iflow.MessageFlow{Name: component, Properties: append([]P{{"ComponentType", component}, {"direction", "Sender"}}, properties...)}
}

func only(t *testing.T, channels ...iflow.MessageFlow) iflow.Flow {
	t.Helper()
	return read(t, zipped(t, iflow.Description{ID: "f", Channels: channels}), nil)
}

func findings(flow iflow.Flow) string {
	var lines []string
	for _, f := range flow.Findings {
		lines = append(lines, f.String())
	}
	return strings.Join(lines, "\n")
}

func TestAdapters(t *testing.T) {
	t.Parallel()
	role := func(properties ...P) []P {
		return append(properties, P{"senderAuthType", "RoleBased"}, P{"userRole", "My.role"})
	}
	for name, c := range map[string]struct {
		channel iflow.MessageFlow
		adapter tenant.Adapter
		address string
	}{
		"HTTPS":    {channelOf("HTTPS", role(P{"urlPath", "/a/*"})...), tenant.HTTPS, "/http/a/*"},
		"SOAP 1.x": {channelOf("SOAP", role(P{"address", "/a"}, P{"MessageProtocol", "SOAP 1.x"})...), tenant.SOAP, "/cxf/a"},
		"SAP RM":   {channelOf("SOAP", role(P{"address", "/a"}, P{"MessageProtocol", "SAP RM"})...), tenant.SOAPSAPRM, "/cxf/a"},
		"IDoc":     {channelOf("IDOC", role(P{"address", "/a"})...), tenant.IDoc, "/cxf/a"},
		"XI":       {channelOf("XI", role(P{"address", "/a"})...), tenant.XI, "/cxf/a"},
		"XI, key":  {channelOf("XI", role(P{"Address_inbound", "/a"})...), tenant.XI, "/cxf/a"},
		"AS2":      {channelOf("AS2", role(P{"address", "/a"}, P{"MessageProtocol", "AS2"})...), tenant.AS2, "/as2/as2/a"},
		"MDN":      {channelOf("AS2", role(P{"address", "/a"}, P{"MessageProtocol", "AS2 MDN"})...), tenant.AS2MDN, "/as2/mdn/a"},
	} {
		flow := only(t, c.channel)
		assert.Empty(t, flow.Findings, name)
		if assert.Len(t, flow.Channels, 1, name) {
			got := flow.Channels[0]
			assert.Equal(t, c.adapter, got.Adapter, name)
			assert.Equal(t, c.address, got.Address, name)
			assert.Equal(t, "My.role", got.Authorization.UserRole, name)
			assert.False(t, got.Authorization.ClientCertificate(), name)
			assert.Equal(t, c.adapter == tenant.HTTPS, got.CSRFProtected, "%s: on by default for HTTPS, and no setting of others", name)
		}
	}
}

func TestODataHasNoAddress(t *testing.T) {
	t.Parallel()
	flow := only(t, channelOf("ODataSender", P{"authentication", "basic"}, P{"userRole", "My.role"}))
	require.Len(t, flow.Channels, 1)
	assert.Equal(t, "/gw/odata/SAP/f", flow.Channels[0].Address)
	assert.Equal(t, "My.role", flow.Channels[0].Authorization.UserRole)
	assert.Contains(t, findings(flow), "does not hold its address; /gw/odata/SAP/f, made from the flow's id")

	flow = only(t, channelOf("ODataSender", P{"authentication", "certificate"}, P{"clientCertificates", iflow.Rows([]tenant.DNPair{{Subject: "CN=a", Issuer: "CN=b"}})}))
	require.Len(t, flow.Channels, 1)
	assert.Equal(t, []tenant.DNPair{{Subject: "CN=a", Issuer: "CN=b"}}, flow.Channels[0].Authorization.Table)
}

func TestChannelsThatNoCallReaches(t *testing.T) {
	t.Parallel()
	receiver := https(P{"direction", "Receiver"})
	flow := only(t, receiver, channelOf("SFTP"), channelOf("JMS"), channelOf("ProcessDirect", P{"address", "/a"}))
	assert.Empty(t, flow.Channels)
	assert.Empty(t, flow.Findings, "nobody expects them to be endpoints")

	flow = only(t, channelOf("AS4", P{"address", "/a"}), channelOf("Carrier\x1bPigeon"), channelOf(""))
	assert.Empty(t, flow.Channels)
	text := findings(flow)
	assert.Contains(t, text, `f.iflw: ComponentType: channel "AS4": the endpoints of the AS4 adapter are not simulated`)
	assert.Contains(t, text, `is not known here as one that HTTP calls reach`)
	assert.Contains(t, text, `found nothing, expected the name of an adapter`)
}

func TestTable(t *testing.T) {
	t.Parallel()
	table := func(raw string) iflow.Flow {
		return only(t, https(P{"senderAuthType", "ClientCertificate"}, P{"userRole", ""}, P{"clientCertificates", raw}))
	}
	const row = `<row><cell id='clientCertificate.subjectDN'>CN=warehouse, O=A &amp; B, C=DE</cell><cell id='clientCertificate.issuerDN'>CN=Issuing,O=Example</cell></row>`
	flow := table(row + "\n" + strings.ReplaceAll(row, "warehouse", "shop"))
	assert.Empty(t, flow.Findings)
	require.Len(t, flow.Channels, 1)
	assert.Equal(t, []tenant.DNPair{
		{Subject: "CN=warehouse, O=A & B, C=DE", Issuer: "CN=Issuing,O=Example"}, {Subject: "CN=shop, O=A & B, C=DE", Issuer: "CN=Issuing,O=Example"},
	}, flow.Channels[0].Authorization.Table)
	assert.Empty(t, flow.Channels[0].Authorization.UserRole)

	for raw, want := range map[string]string{
		"":                              "the table is empty: nobody gets in by it",
		"<row></row>":                   "row 1 is empty",
		"<row><cell>":                   "row 1 is not well-formed XML",
		"<!DOCTYPE a><row/>":            "document type",
		"<row><cell id='x'><b/></cell>": `found the element "b" within a cell`,
		"<table><row/></table>":         `found the element "table", expected row`,
		"<cell id='x'/>":                `found the element "cell", expected row`,
		"<row><cell id='clientCertificate.subjectDN'>no name</cell></row>": "row 1: subject \"no name\"",
		"<row><cell id='clientCertificate.subjectDN'>{{Who}}</cell></row>": `row 1: the parameter "Who" has no value`,
		"{{Table}}": `the parameter "Table" has no value`,
		"<row><cell id='clientCertificate.subjectDN'>&bomb;</cell></row>": "row 1 is not well-formed XML",
	} {
		flow := table(raw)
		require.Len(t, flow.Channels, 1, raw)
		assert.NotNil(t, flow.Channels[0].Authorization.Table, "%s: an empty table is one", raw)
		assert.Empty(t, flow.Channels[0].Authorization.Table, raw)
		assert.Contains(t, findings(flow), "clientCertificates: channel \"HTTPS\": ", raw)
		assert.Contains(t, findings(flow), want, raw)
	}

	flow = table("<row><cell id='clientCertificate.subjectDN'>bad</cell></row>" + row)
	assert.Len(t, flow.Channels[0].Authorization.Table, 1, "a bad row does not spoil the others")
}

func TestTableFromParameters(t *testing.T) {
	t.Parallel()
	d := iflow.Description{ID: "f", Channels: []iflow.MessageFlow{https(P{"senderAuthType", "ClientCertificate"},
		P{"clientCertificates", "<row><cell id='clientCertificate.subjectDN'>{{HTTPS_clientCertificate.subjectDN}}</cell><cell id='clientCertificate.issuerDN'>CN={{CA}}</cell></row>"})}}
	flow := read(t, zipped(t, d), map[string]string{"HTTPS_clientCertificate.subjectDN": "CN=a, O=A & B", "CA": "x"})
	assert.Empty(t, flow.Findings)
	assert.Equal(t, []tenant.DNPair{{Subject: "CN=a, O=A & B", Issuer: "CN=x"}}, flow.Channels[0].Authorization.Table)

	d.Channels = []iflow.MessageFlow{https(P{"senderAuthType", "ClientCertificate"}, P{"clientCertificates", "{{Table}}"})}
	flow = read(t, zipped(t, d), map[string]string{"Table": iflow.Rows([]tenant.DNPair{{Subject: "CN=a", Issuer: "CN=b"}})})
	assert.Equal(t, []tenant.DNPair{{Subject: "CN=a", Issuer: "CN=b"}}, flow.Channels[0].Authorization.Table)
}

func TestOldChannels(t *testing.T) {
	t.Parallel()
	old := channelOf("SOAP", P{"address", "/old"}, P{"system", "ERP"})
	row := iflow.Rows([]tenant.DNPair{{Subject: "CN=a", Issuer: "CN=b"}})
	read1 := func(p iflow.Participant, c iflow.MessageFlow) iflow.Flow {
		return read(t, zipped(t, iflow.Description{ID: "f", Senders: []iflow.Participant{p}, Channels: []iflow.MessageFlow{c}}), nil)
	}
	flow := read1(iflow.Participant{Name: "ERP", Properties: []P{{"enableBasicAuthentication", "true"}}}, old)
	assert.Empty(t, flow.Findings)
	require.Len(t, flow.Channels, 1)
	assert.True(t, flow.Channels[0].OldAdapter)
	assert.Equal(t, tenant.DefaultRole, flow.Channels[0].Role(), "no role entry: the default role applies")
	assert.False(t, flow.Channels[0].Authorization.ClientCertificate())

	flow = read1(iflow.Participant{Name: "ERP", Properties: []P{{"enableBasicAuthentication", "false"}, {"clientCertificates", row}}}, old)
	require.Len(t, flow.Channels, 1)
	assert.True(t, flow.Channels[0].OldAdapter)
	assert.Equal(t, []tenant.DNPair{{Subject: "CN=a", Issuer: "CN=b"}}, flow.Channels[0].Authorization.Table)

	byName := old
	byName.From = "Participant_9"
	flow = read1(iflow.Participant{Name: "ERP", Properties: []P{{"enableBasicAuthentication", "false"}, {"clientCertificates", row}}}, byName)
	assert.Len(t, flow.Channels[0].Authorization.Table, 1, "the participant is found by the property system too")

	flow = read1(iflow.Participant{Name: "CRM"}, byName)
	require.Len(t, flow.Channels, 1)
	assert.Contains(t, findings(flow), "no sender participant that could hold it; as for an old adapter version, the default role ESBMessaging.send applies")

	flow = read1(iflow.Participant{Name: "ERP", Properties: []P{{"enableBasicAuthentication", "false"}, {"clientCertificates", row}}}, https())
	assert.False(t, flow.Channels[0].OldAdapter, "a channel of a new version has its own, whatever the participant says")
	assert.False(t, flow.Channels[0].Authorization.ClientCertificate())
}

func TestWhatCannotBeToldIsLeftOut(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		channel iflow.MessageFlow
		want    string
	}{
		"address missing":     {https(P{"urlPath", "-"}), `f.iflw: urlPath: channel "HTTPS": is not there, expected the address`},
		"address empty":       {https(P{"urlPath", " "}), `urlPath: channel "HTTPS": found nothing`},
		"address impossible":  {https(P{"urlPath", "/a b"}), `urlPath: channel "HTTPS": found ' ' in "/http/a b"`},
		"address unresolved":  {https(P{"urlPath", "/{{Path of orders}}"}), `urlPath: channel "HTTPS": the parameter "Path of orders" has no value in parameters.prop`},
		"role unresolved":     {https(P{"userRole", "{{Role}}"}), `userRole: channel "HTTPS": the parameter "Role" has no value`},
		"kind unresolved":     {https(P{"senderAuthType", "{{Auth}}"}), `senderAuthType: channel "HTTPS": the parameter "Auth" has no value`},
		"kind unknown":        {https(P{"senderAuthType", "Everybody"}), `senderAuthType: channel "HTTPS": found "Everybody", expected RoleBased or ClientCertificate; the channel is left out`},
		"adapter unresolved":  {https(P{"ComponentType", "{{Adapter}}"}), `ComponentType: channel "HTTPS": the parameter "Adapter" has no value`},
		"role does not print": {https(P{"userRole", "a\tb"}), `userRole: channel "HTTPS": `},
	} {
		flow := only(t, c.channel, https(P{"urlPath", "/good"}))
		if assert.Len(t, flow.Channels, 1, "%s: the other channel stays", name) {
			assert.Equal(t, "/http/good", flow.Channels[0].Address, name)
		}
		assert.Contains(t, findings(flow), c.want, name)
		assert.Contains(t, findings(flow), "left out", name)
	}
}

func TestSettingsWithDefaults(t *testing.T) {
	t.Parallel()
	flow := only(t, https(P{"xsrfProtection", "0"}, P{"maximumBodySize", "3"}))
	assert.Empty(t, flow.Findings)
	assert.False(t, flow.Channels[0].CSRFProtected)
	assert.EqualValues(t, 3<<20, flow.Channels[0].BodyLimit())

	flow = only(t, https(P{"xsrfProtection", "-"}, P{"maximumBodySize", "-"}, P{"userRole", ""}))
	assert.Empty(t, flow.Findings, "old exports have no such settings")
	assert.True(t, flow.Channels[0].CSRFProtected)
	assert.Equal(t, tenant.DefaultBodySize, flow.Channels[0].BodyLimit())
	assert.Equal(t, tenant.DefaultRole, flow.Channels[0].Role())

	for _, c := range []struct{ key, value, want string }{
		{"xsrfProtection", "maybe", `found "maybe", expected 0 or 1`},
		{"xsrfProtection", "{{CSRF}}", `the parameter "CSRF" has no value`},
		{"maximumBodySize", "many", `found "many", expected a number of MB from 1 to 2048`},
		{"maximumBodySize", "-1", `found "-1", expected a number of MB`},
		{"maximumBodySize", "99999999999999999999", `found "99999999999999999999", expected a number of MB`},
		{"maximumBodySize", "{{Size}}", `the parameter "Size" has no value`},
		{"urlPath", "orders", `found "orders", expected it to begin with /; one is put before it`},
	} {
		flow := only(t, https(P{c.key, c.value}))
		require.Len(t, flow.Channels, 1, c.value)
		assert.True(t, flow.Channels[0].CSRFProtected, c.value)
		assert.Equal(t, tenant.DefaultBodySize, flow.Channels[0].BodyLimit(), c.value)
		assert.Equal(t, "/http/orders", flow.Channels[0].Address, c.value)
		assert.Contains(t, findings(flow), c.key+`: channel "HTTPS": `+c.want, c.value)
	}
}

func TestRepeatedProperty(t *testing.T) {
	t.Parallel()
	c := https()
	c.Properties = append(c.Properties, P{"userRole", "Second.role"})
	flow := only(t, c)
	require.Len(t, flow.Channels, 1)
	assert.Equal(t, "ESBMessaging.send", flow.Channels[0].Authorization.UserRole)
	assert.Contains(t, findings(flow), "userRole: channel \"HTTPS\": stands there more than once; the first value counts")
}

func TestParameters(t *testing.T) {
	t.Parallel()
	d := iflow.Description{
		ID:         "Orders",
		Parameters: []iflow.Parameter{{Key: "Sender Path", Value: "/a/b"}, {Key: "Unused", Value: "x"}, {Key: "Zoll=Ä:#\U0001F600", Value: " blanks and = : \\ and\nlines "}},
		Channels:   []iflow.MessageFlow{https(P{"urlPath", "{{Sender Path}}/{{Version}}"}, P{"userRole", "{{Sender Role}}"})},
	}
	flow := read(t, zipped(t, d), map[string]string{"Version": "v1", "Nobody uses it": "x"})
	assert.Empty(t, flow.Channels)
	assert.Equal(t, []iflow.Parameter{
		{Key: "Sender Path", Value: "/a/b", Source: iflow.PropertiesFile},
		{Key: "Unused", Value: "x", Source: iflow.PropertiesFile},
		{Key: "Zoll=Ä:#\U0001F600", Value: " blanks and = : \\ and\nlines ", Source: iflow.PropertiesFile},
		{Key: "Sender Role", Source: iflow.Missing},
		{Key: "Version", Value: "v1", Source: iflow.Given},
	}, flow.Parameters)

	given := map[string]string{"Version": "v1", "Sender Role": "A.role", "Orders/Sender Role": "B.role", "Sender Path": "/c"}
	e, err := iflow.Read("o.zip", zipped(t, d), given)
	require.NoError(t, err)
	flow = e.Flows[0]
	assert.Empty(t, flow.Findings)
	require.Len(t, flow.Channels, 1)
	assert.Equal(t, "/http/c/v1", flow.Channels[0].Address, "what was given wins over the file")
	assert.Equal(t, "B.role", flow.Channels[0].Authorization.UserRole, "and what was given for this flow over the rest")
	assert.Empty(t, e.Unused(given))
	assert.Equal(t, []string{"Nobody uses it", "Other/Version"}, e.Unused(map[string]string{"Nobody uses it": "", "Other/Version": "", "Unused": ""}))
}

func TestValuesAreNotResolvedAgain(t *testing.T) {
	t.Parallel()
	d := iflow.Description{ID: "f", Parameters: []iflow.Parameter{{Key: "A", Value: "{{A}}{{A}}"}}, Channels: []iflow.MessageFlow{https(P{"userRole", "{{A}}{{A}}"})}}
	flow := read(t, zipped(t, d), nil)
	require.Len(t, flow.Channels, 1)
	assert.Equal(t, "{{A}}{{A}}{{A}}{{A}}", flow.Channels[0].Authorization.UserRole)
	assert.Equal(t, "{{", only(t, https(P{"userRole", "{{"})).Channels[0].Authorization.UserRole, "braces that are not closed are text")
}
