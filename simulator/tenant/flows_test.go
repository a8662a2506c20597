package tenant

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func route(tn *Tenant, path string) bool {
	_, answer := tn.Snapshot().Route(path)
	return answer.Found
}

func TestFlowsOfALandscapeAreArtifactsToo(t *testing.T) {
	tn := newTenant(t, Config{Channels: []Channel{{Address: "/http/orders", Flow: "Shop"}, {Address: "/cxf/stock"}, {Address: "/http/returns", Flow: "Shop"}}})
	s := tn.Snapshot()
	require.Len(t, s.Artifacts(), 2)
	shop, ok := s.Artifact("Shop")
	require.True(t, ok)
	assert.Equal(t, LandscapePackage, shop.Package)
	assert.Equal(t, DefaultVersion, shop.Version)
	assert.Nil(t, shop.Content)
	require.Len(t, shop.Channels, 2)
	assert.Equal(t, "/http/returns", shop.Channels[1].Address)
	assert.Equal(t, HTTPS, shop.Channels[0].Adapter)
	assert.Equal(t, []Package{{ID: LandscapePackage, Name: "Landscape", Version: DefaultVersion, Description: "Integration flows whose channels were configured directly"}}, s.Packages())
	assert.Equal(t, []RuntimeFlow{{ID: "Shop", Name: "Shop", Version: DefaultVersion, Status: FlowStarted}, {ID: "stock", Name: "stock", Version: DefaultVersion, Status: FlowStarted}}, s.Runtime())
	_, ok = s.Artifact("none")
	assert.False(t, ok)
}

// A changed artifact has no effect on calls until it is deployed, and then only after the downtime.
func TestDeployFlow(t *testing.T) {
	now := noon
	tn, err := New(Config{Packages: []Package{{ID: "Shop"}}, Channels: []Channel{{Address: "/http/old", Flow: "Orders"}, {Address: "/http/other"}}}, func() time.Time { return now })
	require.NoError(t, err)
	require.NoError(t, tn.PutArtifact("alice", Artifact{ID: "Orders", Package: "Shop", Version: "1.0.7", Channels: []Channel{{Address: "/http/new"}, {Address: "/cxf/new"}}}))
	assert.True(t, route(tn, "/http/old"))
	assert.False(t, route(tn, "/http/new"))
	a, _ := tn.Snapshot().Artifact("Orders")
	assert.Equal(t, "alice", a.CreatedBy)
	assert.Equal(t, noon, a.Modified)
	assert.Equal(t, "Orders", a.Channels[0].Flow)

	now = now.Add(time.Hour)
	require.NoError(t, tn.PutArtifact("bob", Artifact{ID: "Orders", Package: "Shop", Version: "1.0.8", Channels: a.Channels}))
	a, _ = tn.Snapshot().Artifact("Orders")
	assert.Equal(t, []any{"alice", noon, "bob", now}, []any{a.CreatedBy, a.Created, a.ModifiedBy, a.Modified})

	task, err := tn.DeployFlow("bob", "Orders", time.Minute)
	require.NoError(t, err)
	assert.False(t, route(tn, "/http/old"))
	c, answer := tn.Snapshot().Route("/http/new")
	require.True(t, answer.Found)
	assert.True(t, tn.Snapshot().Restarting(c, now))
	state, ok := tn.DeployStatus(task)
	assert.True(t, ok)
	assert.Equal(t, Deploying, state)
	runtime := tn.Snapshot().Runtime()
	require.Len(t, runtime, 2)
	assert.Equal(t, RuntimeFlow{ID: "Orders", Name: "Orders", Version: "1.0.8", Status: FlowStarting, DeployedBy: "bob", DeployedOn: now}, runtime[1])
	assert.Equal(t, FlowStarted, runtime[0].Status, "another flow goes on")

	now = now.Add(time.Minute)
	state, _ = tn.DeployStatus(task)
	assert.Equal(t, DeploySuccess, state)
	assert.False(t, tn.Snapshot().Restarting(c, now))
	assert.Equal(t, FlowStarted, tn.Snapshot().Runtime()[1].Status)

	_, err = tn.DeployFlow("bob", "None", 0)
	require.ErrorIs(t, err, ErrNoArtifact)
	_, ok = tn.DeployStatus("none")
	assert.False(t, ok)
}

func TestAFailedDeploymentLeavesTheOldVersion(t *testing.T) {
	tn := newTenant(t, Config{Channels: []Channel{{Address: "/http/taken"}, {Address: "/http/orders", Flow: "Orders"}}})
	require.NoError(t, tn.PutArtifact("alice", Artifact{ID: "Orders", Channels: []Channel{{Address: "/http/taken"}}}))
	before := tn.Snapshot().routes
	task, err := tn.DeployFlow("alice", "Orders", time.Minute)
	require.NoError(t, err)
	state, _ := tn.DeployStatus(task)
	assert.Equal(t, DeployFailed, state)
	one, _ := tn.Task(task)
	assert.Contains(t, one.Error, `"/http/taken" is the address of channels[0] already`)
	assert.Same(t, before, tn.Snapshot().routes)
	assert.Equal(t, FlowStarted, tn.Snapshot().Runtime()[1].Status)

	require.NoError(t, tn.PutArtifact("alice", Artifact{ID: "New", Channels: []Channel{{Address: "orders"}}}))
	task, err = tn.DeployFlow("alice", "New", time.Minute)
	require.NoError(t, err)
	state, _ = tn.DeployStatus(task)
	assert.Equal(t, DeployFailed, state)
	runtime := tn.Snapshot().Runtime()
	require.Len(t, runtime, 3)
	assert.Equal(t, FlowError, runtime[2].Status, "a flow that never ran is in error")
	assert.Contains(t, runtime[2].Error, `expected it to begin with /http/`)
	require.NoError(t, tn.PutArtifact("alice", Artifact{ID: "New", Channels: []Channel{{Address: "/http/new"}}}))
	_, err = tn.DeployFlow("alice", "New", 0)
	require.NoError(t, err)
	assert.Equal(t, FlowStarted, tn.Snapshot().Runtime()[2].Status, "until it is deployed well")
	require.NoError(t, tn.PutArtifact("alice", Artifact{ID: "Twice", Channels: []Channel{{Address: "/http/2"}, {Address: "/http/2"}}}))
	task, err = tn.DeployFlow("alice", "Twice", 0)
	require.NoError(t, err)
	state, _ = tn.DeployStatus(task)
	assert.Equal(t, DeployFailed, state, "the same address twice")
}

func TestUndeployAndRemove(t *testing.T) {
	tn := newTenant(t, Config{Channels: []Channel{{Address: "/http/a", Flow: "A"}, {Address: "/http/b", Flow: "B"}}})
	removed, err := tn.Undeploy("alice", "A")
	require.NoError(t, err)
	assert.True(t, removed)
	assert.False(t, route(tn, "/http/a"))
	a, ok := tn.Snapshot().Artifact("A")
	require.True(t, ok, "the designtime version stays")
	assert.Equal(t, "/http/a", a.Channels[0].Address)
	removed, err = tn.Undeploy("alice", "A")
	require.NoError(t, err)
	assert.False(t, removed)
	_, err = tn.DeployFlow("alice", "A", 0)
	require.NoError(t, err)
	assert.True(t, route(tn, "/http/a"), "and can be deployed again")

	for _, id := range []string{"A", "B"} {
		removed, err = tn.RemoveArtifact("alice", id)
		require.NoError(t, err)
		assert.True(t, removed)
		_, ok = tn.Snapshot().Artifact(id)
		assert.False(t, ok)
		removed, _ = tn.RemoveArtifact("alice", id)
		assert.False(t, removed)
	}
	assert.True(t, route(tn, "/http/a"), "a deployed flow goes on")
	assert.True(t, route(tn, "/http/b"))
	assert.Equal(t, []string{"A", "B"}, tn.Config().WithoutDesign)
	require.NoError(t, tn.PutArtifact("alice", Artifact{ID: "B"}))
	assert.Equal(t, []string{"A"}, tn.Config().WithoutDesign)
	_, err = tn.Undeploy("alice", "A")
	require.NoError(t, err)
	assert.Empty(t, tn.Config().WithoutDesign)
	_, ok = tn.Snapshot().Artifact("A")
	assert.False(t, ok)
	require.NoError(t, tn.Update(func(*Config) error { return nil }), "what is left is valid")
}

func TestADesignedChannelIsDeployedWithItsFlow(t *testing.T) {
	tn := newTenant(t, Config{Channels: []Channel{{Address: "/http/a", Flow: "A"}}})
	require.NoError(t, tn.Design("/http/a", func(c *Channel) { c.Address = "/http/a2" }))
	a, _ := tn.Snapshot().Artifact("A")
	assert.Equal(t, "/http/a2", a.Channels[0].Address)
	require.NoError(t, tn.Design("/http/a", func(c *Channel) { c.Flow = "another" }))
	a, _ = tn.Snapshot().Artifact("A")
	assert.Equal(t, "A", a.Channels[0].Flow, "it stays a channel of its flow")
	assert.True(t, route(tn, "/http/a"))
	_, err := tn.DeployFlow("alice", "A", 0)
	require.NoError(t, err)
	assert.False(t, route(tn, "/http/a"))
	assert.True(t, route(tn, "/http/a2"))
	assert.Empty(t, tn.Config().Designs)
}

// What was changed at a channel, and not deployed, ends with its flow's designtime version, and so
// does all that is known of a channel with the channel.
func TestNothingIsLeftOfAChannel(t *testing.T) {
	for name, end := range map[string]func(tn *Tenant) error{
		"an artifact takes its place": func(tn *Tenant) error { return tn.PutArtifact("alice", Artifact{ID: "A"}) },
		"its artifact is removed":     func(tn *Tenant) error { _, err := tn.RemoveArtifact("alice", "A"); return err },
		"it is undeployed":            func(tn *Tenant) error { _, err := tn.Undeploy("alice", "A"); return err },
	} {
		t.Run(name, func(t *testing.T) {
			tn := newTenant(t, Config{Channels: []Channel{{Address: "/http/a", Flow: "A"}, {Address: "/http/b", Flow: "B"}}})
			for _, address := range []string{"/http/a", "/http/b"} {
				require.NoError(t, tn.Deploy(address, time.Minute))
				require.NoError(t, tn.Design(address, func(c *Channel) { c.Answer = Fail }))
			}
			require.NoError(t, end(tn))
			require.Len(t, tn.Config().Designs, 1)
			assert.Equal(t, "/http/b", tn.Config().Designs[0].Address, "that of another flow stays")
			if !route(tn, "/http/a") {
				require.Len(t, tn.Snapshot().restarts.values(), 1)
				assert.Equal(t, "/http/b", tn.Snapshot().restarts.values()[0].Channel)
			}
		})
	}
	tn := newTenant(t, Config{Channels: []Channel{{Address: "/http/a", Flow: "A"}}})
	require.NoError(t, tn.Deploy("/http/a", time.Minute))
	require.NoError(t, tn.PutArtifact("alice", Artifact{ID: "A", Channels: []Channel{{Address: "/http/new"}}}))
	_, err := tn.DeployFlow("alice", "A", time.Hour)
	require.NoError(t, err)
	assert.Equal(t, []restart{{Channel: "/http/new", Until: noon.Add(time.Hour)}}, tn.Snapshot().restarts.values())
}

// A deployment without a downtime is over at once, and a negative one is none.
func TestDeploymentsWithoutADowntime(t *testing.T) {
	tn := newTenant(t, Config{Channels: []Channel{{Address: "/http/a", Flow: "A"}}})
	for _, downtime := range []time.Duration{0, -time.Hour} {
		id, err := tn.DeployFlow("alice", "A", downtime)
		require.NoError(t, err)
		state, ok := tn.DeployStatus(id)
		assert.True(t, ok)
		assert.Equal(t, DeploySuccess, state)
		task, _ := tn.Task(id)
		assert.Equal(t, Task{ID: id, Flow: "A", Until: noon}, task)
		assert.Empty(t, tn.Snapshot().restarts.values())
	}
}

func TestOnlySoManyDeploymentsAreRemembered(t *testing.T) {
	tn := newTenant(t, Config{})
	require.NoError(t, tn.PutArtifact("alice", Artifact{ID: "A"}))
	ids := make(map[string]bool)
	var first, last string
	for i := range maxTasks + 3 {
		id, err := tn.DeployFlow("alice", "A", 0)
		require.NoError(t, err)
		ids[id] = true
		if last = id; i == 0 {
			first = id
		}
	}
	assert.Len(t, ids, maxTasks+3, "ids differ")
	assert.Regexp(t, `^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`, first)
	assert.Equal(t, maxTasks, tn.Snapshot().tasks.len())
	_, ok := tn.Task(first)
	assert.False(t, ok)
	_, ok = tn.Task(last)
	assert.True(t, ok)
}
