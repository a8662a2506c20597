package simulator

import (
	"fmt"
	"maps"
	"slices"

	"example.com/gatehouse/simulator/iflow"
	"example.com/gatehouse/simulator/tenant"
)

// NotStarted is an integration flow that the landscape has and that does not start.
type NotStarted struct {
	Flow string
	// Reason says what was found, and what stands in the way.
	Reason string
}

// WithFlows is the landscape with integration flows deployed beside those of the document: their
// channels are added, and the tenant has them as artifacts. A flow does not start, and none of its
// channels is served, if one of its addresses is in use already [C: a duplicate address keeps the
// second flow from starting], or if its id is.
//
// That is decided by the document alone: a tenant that goes on with the state in its store keeps the
// flows of that state.
func (l Landscape) WithFlows(flows ...iflow.Flow) (Landscape, []NotStarted) {
	l.Channels, l.Artifacts, l.Deployments = slices.Clone(l.Channels), slices.Clone(l.Artifacts), slices.Clone(l.Deployments)
	if l.files = maps.Clone(l.files); l.files == nil {
		l.files = map[string][]byte{}
	}
	running := channels(l.Channels, nil)
	ids := map[string]bool{}
	for _, c := range running {
		ids[c.FlowName()] = true
	}
	for _, a := range l.Artifacts {
		ids[a.ID] = true
	}
	for _, d := range l.Deployments {
		ids[d.Flow] = true
	}
	var not []NotStarted
	for _, f := range flows {
		if ids[f.ID] {
			not = append(not, NotStarted{f.ID, fmt.Sprintf("another flow has the id %q already", f.ID)})
			continue // there is no second artifact of that id either
		}
		ids[f.ID] = true
		deployment := Deployment{Flow: f.ID, Name: f.Name, Version: f.Version}
		next := append(slices.Clip(running), f.Channels...)
		if problems := (tenant.Config{Channels: next}).Validate(); len(problems) > 0 {
			deployment.Error = problems[0].Message
			not = append(not, NotStarted{f.ID, deployment.Error})
		} else {
			running = next
			l.Channels = append(l.Channels, documentChannels(f.Channels)...)
		}
		l.Artifacts = append(l.Artifacts, l.artifactOf(f))
		l.Deployments = append(l.Deployments, deployment)
	}
	return l, not
}

// artifactOf is the designtime of a flow, as it stands in a document; its zip stands in for a file.
func (l Landscape) artifactOf(f iflow.Flow) Artifact {
	out := Artifact{ID: f.ID, Name: f.Name, Version: f.Version, Content: "iflow:" + f.ID, Parameters: map[string]string{}, Channels: documentChannels(f.Channels)}
	l.files[out.Content] = f.Content
	for _, p := range f.Parameters {
		if p.Source != iflow.Missing {
			out.Parameters[p.Key] = p.Value
		}
	}
	return out
}
