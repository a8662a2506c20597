package tenant

import (
	"fmt"
	"slices"
	"time"
)

// Design changes the designtime version of the channel with that address, without any effect on
// calls: a changed channel takes effect with the next deployment only [C]. Changes add up until
// Deploy. The function gets a copy and may change everything, the address too; whether the result
// is valid shows when it is deployed.
func (t *Tenant) Design(address string, change func(*Channel)) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	i, err := t.find(address)
	if err != nil {
		return fmt.Errorf("changing a channel: %w", err)
	}
	k := t.config.Channels[i].key()
	c, ok := t.designed[k]
	if !ok {
		c = t.config.Channels[i]
	}
	c = c.clone()
	change(&c)
	t.designed[k] = c.clone()
	return nil
}

// Designed returns the designtime version of the channel with that address, which differs from
// the runtime version if changes were made and not deployed; and whether there is such a channel.
func (t *Tenant) Designed(address string) (Channel, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i, err := t.find(address)
	if err != nil {
		return Channel{}, false
	}
	if c, ok := t.designed[t.config.Channels[i].key()]; ok {
		return c.clone(), true
	}
	return t.config.Channels[i].clone(), true
}

// Deploy makes the designtime version of the channel with that address its runtime version. Until
// the downtime has passed by the tenant's clock the channel is restarting and serves nothing [C:
// there is a short downtime]. A channel without changes is deployed again, with the same downtime.
// If the designtime version is not valid, the runtime version goes on undisturbed.
func (t *Tenant) Deploy(address string, downtime time.Duration) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	i, err := t.find(address)
	if err != nil {
		return fmt.Errorf("deploying a channel: %w", err)
	}
	old := t.config.Channels[i].key()
	next := t.config
	next.Channels = slices.Clone(t.config.Channels)
	if c, ok := t.designed[old]; ok {
		next.Channels[i] = c
	}
	// Nothing but the channel has changed, so nothing else has to be looked at again.
	v := &validation{}
	v.channels(Config{Channels: next.Channels})
	if len(v.problems) > 0 {
		return &ProblemsError{Problems: v.problems}
	}
	t.config = next
	delete(t.designed, old)

	now := t.now()
	key := next.Channels[i].key()
	t.running = slices.DeleteFunc(t.running, func(d deployment) bool {
		return d.address == old || d.address == key || !now.Before(d.until)
	})
	if downtime > 0 {
		t.running = append(t.running, deployment{address: key, until: now.Add(downtime)})
	}
	t.snapshot.Store(t.Snapshot().withChannels(t.config.Channels, t.running))
	return nil
}

// find returns the index of the runtime channel with that address.
func (t *Tenant) find(address string) (int, error) {
	k := Channel{Address: address}.key()
	i := slices.IndexFunc(t.config.Channels, func(c Channel) bool { return c.key() == k })
	if i < 0 {
		return 0, fmt.Errorf("no channel has the address %q", address)
	}
	return i, nil
}
