package tenant

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"time"
)

// ErrNoArtifact is in the error of an operation on an integration flow that does not exist.
var ErrNoArtifact = errors.New("there is no integration flow with that ID")

// maxTasks is how many deployments are remembered; the oldest go first. [?] A choice.
const maxTasks = 250

// PutArtifact creates or replaces the designtime version of an integration flow; by is the user who
// does so. It has no effect on calls until DeployFlow. Who created it, and when, and who changed it
// last, is set here. Whether its channels are valid shows when it is deployed.
func (t *Tenant) PutArtifact(by string, a Artifact) error {
	return t.change(func(s *Snapshot, d *draft) error {
		now := t.moment()
		a := a.clone()
		for i := range a.Channels {
			a.Channels[i].Flow = a.ID
		}
		a.CreatedBy, a.Created, a.ModifiedBy, a.Modified = by, now, by, now
		if old, ok := s.artifacts.get(a.ID); ok {
			a.CreatedBy, a.Created = old.value.CreatedBy, old.value.Created
		}
		v := &validation{}
		v.artifact(s.artifacts.len(), a, func(id string) bool { _, ok := s.packages.get(id); return ok })
		if err := v.err(); err != nil {
			return err
		}
		put(d, artifactKind, a)
		remove(d, withoutDesignKind, a.ID)
		dropDesigns(s, d, a.ID)
		return nil
	})
}

// dropDesigns forgets the changed channels of a flow: its artifact says now what they are to be.
func dropDesigns(s *Snapshot, d *draft, flow string) {
	for _, e := range s.channelsOf(flow) {
		remove(d, designKind, e.key)
	}
}

// RemoveArtifact removes the designtime version of an integration flow and tells whether there was
// one; by is the user who does so. A deployed flow goes on [C: deleting the designtime artifact does
// not undeploy].
func (t *Tenant) RemoveArtifact(by, id string) (removed bool, err error) {
	err = t.change(func(s *Snapshot, d *draft) error {
		if _, removed = s.Artifact(id); !removed {
			return nil
		}
		remove(d, artifactKind, id)
		dropDesigns(s, d, id)
		if len(s.channelsOf(id)) > 0 {
			put(d, withoutDesignKind, id)
		}
		return nil
	})
	return removed && err == nil, err
}

// channelsOf lists the deployed channels of a flow.
func (s *Snapshot) channelsOf(flow string) []*entry[Channel] {
	var out []*entry[Channel]
	for _, e := range s.channels.ordered() {
		if e.value.flow() == flow {
			out = append(out, e)
		}
	}
	return out
}

// DeployFlow deploys the designtime version of an integration flow; by is the user who does so. Its
// channels take the place of the deployed ones of the flow. Until the downtime has passed by the
// tenant's clock they are restarting and serve nothing [C: there is a short downtime].
//
// Channels that are not valid make the deployment fail, which DeployStatus tells: a deployed version
// goes on undisturbed, and without one the flow is in status ERROR. The error of DeployFlow itself is
// ErrNoArtifact or the store's.
func (t *Tenant) DeployFlow(by, id string, downtime time.Duration) (taskID string, err error) {
	err = t.change(func(s *Snapshot, d *draft) error {
		a, ok := s.Artifact(id)
		if !ok {
			return fmt.Errorf("deploying %q: %w", id, ErrNoArtifact)
		}
		now := t.moment()
		task := Task{ID: t.nextTask(s, d), Flow: id, Until: now.Add(max(0, downtime))}
		taskID = task.ID
		deployed := Deployment{Flow: id, Name: a.Name, Version: a.Version, By: by, On: now}
		old := s.channelsOf(id)
		channels, changed := withFlow(s.channels.values(), a)
		if err := acceptChannels(channels); err != nil {
			task.Error = err.Error()
			if len(old) == 0 {
				deployed.Error = task.Error
				put(d, deploymentKind, deployed)
			}
			put(d, taskKind, task)
			return nil
		}
		replace(d, channelKind, channels)
		for _, e := range old {
			remove(d, designKind, e.key)
			remove(d, restartKind, e.key)
		}
		t.restart(s, d, downtime, changed...)
		put(d, deploymentKind, deployed)
		put(d, taskKind, task)
		return nil
	})
	return taskID, err
}

// withFlow puts the channels of an artifact in the place of those of its flow, and returns the keys of
// the new ones. Those with an address that the flow had before keep their place.
func withFlow(channels []Channel, a Artifact) (all []Channel, keys []string) {
	next := make(map[string]Channel, len(a.Channels))
	var fresh []Channel
	for _, c := range a.Channels {
		c.Flow = a.ID
		keys = append(keys, c.key())
		if _, twice := next[c.key()]; twice { // the validation will say so
			fresh = append(fresh, c)
			continue
		}
		next[c.key()] = c
	}
	for _, c := range channels {
		if c.flow() != a.ID {
			all = append(all, c)
			continue
		}
		if n, ok := next[c.key()]; ok {
			all = append(all, n)
			delete(next, c.key())
		}
	}
	for _, c := range a.Channels {
		if n, ok := next[c.key()]; ok {
			all = append(all, n)
			delete(next, c.key())
		}
	}
	return append(all, fresh...), keys
}

// nextTask makes the id of a deployment and forgets the oldest ones. Ids are made from the tenant's
// secret, so that they cannot be guessed and need no randomness.
func (t *Tenant) nextTask(s *Snapshot, d *draft) string {
	tasks := s.tasks.ordered()
	for i := 0; i <= len(tasks)-maxTasks; i++ {
		remove(d, taskKind, tasks[i].key)
	}
	next := int64(0)
	if s.tasks != nil {
		next = s.tasks.next
	}
	key := s.signingKey()
	sum := sha256.Sum256(fmt.Appendf(key[:], "task %d", next))
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// DeployStatus tells how far the deployment with that task id is, and whether there was one.
func (t *Tenant) DeployStatus(taskID string) (DeployState, bool) {
	task, ok := t.Task(taskID)
	return task.State(t.now()), ok
}

// Task returns the deployment with that task id.
func (t *Tenant) Task(taskID string) (Task, bool) {
	e, ok := t.Snapshot().tasks.get(taskID)
	if !ok {
		return Task{}, false
	}
	return e.value, true
}

// Undeploy removes an integration flow from the runtime nodes, with all its channels, and tells
// whether it was there; by is the user who does so. The designtime version stays: that of a flow that
// was configured directly becomes one that was uploaded.
func (t *Tenant) Undeploy(by, id string) (removed bool, err error) {
	err = t.change(func(s *Snapshot, d *draft) error {
		channels := s.channelsOf(id)
		_, known := s.deployments.get(id)
		removed = known || len(channels) > 0
		if a, ok := s.Artifact(id); ok {
			if _, uploaded := s.artifacts.get(id); !uploaded {
				put(d, artifactKind, a.clone())
			}
		}
		for _, e := range channels {
			remove(d, channelKind, e.key)
			remove(d, designKind, e.key)
			remove(d, restartKind, e.key)
		}
		remove(d, deploymentKind, id)
		remove(d, withoutDesignKind, id)
		return nil
	})
	return removed && err == nil, err
}
