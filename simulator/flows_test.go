package simulator_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/iflow"
	"example.com/gatehouse/simulator/sender"
	"example.com/gatehouse/simulator/tenant"
)

// flowOf is a flow as it comes out of an exported file.
func flowOf(t *testing.T, id string, channels ...tenant.Channel) iflow.Flow {
	t.Helper()
	data, err := iflow.Describe(id, "The flow "+id, channels).Zip()
	require.NoError(t, err)
	e, err := iflow.Read(id+".zip", data, nil)
	require.NoError(t, err)
	require.Empty(t, e.AllFindings())
	return e.Flows[0]
}

func TestFlowsBesideTheDocument(t *testing.T) {
	t.Parallel()
	l, err := simulator.Read("landscape.yaml", simulator.ExampleDocument())
	require.NoError(t, err)
	row := tenant.DNPair{Subject: "CN=shop.example, O=Example, C=DE", Issuer: "CN=Example Issuing CA, O=Example, C=DE"}
	flow := flowOf(t, "Returns",
		tenant.Channel{Address: "/http/returns", Authorization: tenant.Authorization{UserRole: "Returns.send"}, CSRFProtected: true},
		tenant.Channel{Address: "/cxf/returns", Authorization: tenant.Authorization{Table: []tenant.DNPair{row}}, MaximumBodySize: 1 << 20},
		tenant.Channel{Address: "/cxf/old", OldAdapter: true})
	with, not := l.WithFlows(flow)
	assert.Empty(t, not)
	assert.Len(t, with.Channels, len(l.Channels)+3)
	require.NoError(t, with.Validate())

	sim, err := simulator.Start(t.Context(), with, simulator.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, sim.Close()) })
	config := sim.Tenant().Config()
	require.Len(t, config.Artifacts, 1)
	assert.Equal(t, "The flow Returns", config.Artifacts[0].Name)
	assert.Equal(t, flow.Content, config.Artifacts[0].Content)
	var got []tenant.Channel
	for _, c := range config.Channels {
		if c.Flow == "Returns" {
			c.Answer = ""
			got = append(got, c)
		}
	}
	assert.ElementsMatch(t, flow.Channels, got, "the channels are those of the file")

	for from, status := range map[string]int{"warehouse": 403, "shop": 200, "stranger": 401} {
		outcome, err := sim.Send(t.Context(), from, sender.Call{Method: "POST", URL: sim.URL("/cxf/returns")})
		require.NoError(t, err)
		assert.Equal(t, status, outcome.Journey.Status, from)
	}
	outcome, err := sim.Send(t.Context(), "warehouse", sender.Call{URL: sim.URL("/cxf/old")})
	require.NoError(t, err)
	assert.Equal(t, 200, outcome.Journey.Status, "the default role applies")
	outcome, err = sim.Send(t.Context(), "warehouse", sender.Call{URL: sim.URL("/http/returns")})
	require.NoError(t, err)
	assert.Equal(t, 403, outcome.Journey.Status, "the channel's own role is missing")
}

func TestFlowsThatDoNotStart(t *testing.T) {
	t.Parallel()
	l := simulator.Landscape{PKI: []pki.Description{}, Channels: []simulator.Channel{{Address: "/http/orders"}, {Address: "/http/all/*"}}}
	good := flowOf(t, "Good", tenant.Channel{Address: "/http/good"})
	l, not := l.WithFlows(
		good,
		flowOf(t, "Twice", tenant.Channel{Address: "/http/other"}, tenant.Channel{Address: "/http/ORDERS"}),
		flowOf(t, "Covered", tenant.Channel{Address: "/http/all/of/it"}),
		flowOf(t, "Good", tenant.Channel{Address: "/http/good2"}),
		flowOf(t, "orders", tenant.Channel{Address: "/http/orders2"}))
	require.Len(t, not, 4)
	assert.Equal(t, "Twice", not[0].Flow)
	assert.Contains(t, not[0].Reason, `"/http/ORDERS" is the address of channels[0] already`)
	assert.Contains(t, not[1].Reason, `is covered by "/http/all/*"`)
	assert.Contains(t, not[2].Reason, `another flow has the id "Good" already`)
	assert.Contains(t, not[3].Reason, `another flow has the id "orders" already`, "that of the document's channel, which names none")
	require.Len(t, l.Channels, 3, "of a flow that does not start nothing is served")

	sim, err := simulator.Start(t.Context(), l, simulator.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, sim.Close()) })
	status := map[string]tenant.FlowStatus{}
	for _, f := range sim.Tenant().Snapshot().Runtime() {
		status[f.ID] = f.Status
	}
	assert.Equal(t, tenant.FlowStarted, status["Good"])
	assert.Equal(t, tenant.FlowError, status["Twice"])
	assert.Equal(t, tenant.FlowError, status["Covered"])
}
