package tenant

import (
	"fmt"
	"slices"
	"time"
)

// Design changes the designtime version of the channel with that address, without any effect on
// calls: a changed channel takes effect with the next deployment only [C]. Changes add up until
// Deploy. The function gets a copy and may change everything, the address too; whether the result
// is valid shows when it is deployed. Flows that were uploaded are designed with PutArtifact instead.
func (t *Tenant) Design(address string, change func(*Channel)) error {
	return t.change(func(s *Snapshot, d *draft) error {
		e, err := s.find(address)
		if err != nil {
			return fmt.Errorf("changing a channel: %w", err)
		}
		c := s.design(e).clone()
		change(&c)
		put(d, designKind, Design{Address: e.value.Address, Channel: c.clone()})
		return nil
	})
}

// design is the designtime version of a runtime channel. It is not to be changed.
func (s *Snapshot) design(e *entry[Channel]) Channel {
	if changed, ok := s.designs.get(e.key); ok {
		return changed.value.Channel
	}
	return e.value
}

// Designed returns the designtime version of the channel with that address, which differs from
// the runtime version if changes were made and not deployed; and whether there is such a channel.
func (t *Tenant) Designed(address string) (Channel, bool) {
	s := t.Snapshot()
	e, err := s.find(address)
	if err != nil {
		return Channel{}, false
	}
	return s.design(e).clone(), true
}

// Deploy makes the designtime version of the channel with that address its runtime version. Until
// the downtime has passed by the tenant's clock the channel is restarting and serves nothing [C:
// there is a short downtime]. A channel without changes is deployed again, with the same downtime.
// If the designtime version is not valid, the runtime version goes on undisturbed.
func (t *Tenant) Deploy(address string, downtime time.Duration) error {
	return t.change(func(s *Snapshot, d *draft) error {
		e, err := s.find(address)
		if err != nil {
			return fmt.Errorf("deploying a channel: %w", err)
		}
		channels := s.channels.values()
		i := slices.Index(s.channels.ordered(), e)
		channels[i] = s.design(e)
		if err := acceptChannels(channels); err != nil {
			return err
		}
		key := channels[i].key()
		if key == e.key {
			put(d, channelKind, channels[i])
		} else {
			replace(d, channelKind, channels)
			remove(d, restartKind, e.key)
		}
		remove(d, designKind, e.key)
		t.restart(s, d, downtime, key)
		return nil
	})
}

// acceptChannels checks channels alone: nothing else has changed, so nothing else has to be looked at
// again.
func acceptChannels(channels []Channel) error {
	v := &validation{}
	v.channels(Config{Channels: channels})
	return v.err()
}

// restart lets channels restart until the downtime has passed, and forgets restarts that are over.
func (t *Tenant) restart(s *Snapshot, d *draft, downtime time.Duration, keys ...string) {
	now := t.now()
	for _, e := range s.restarts.ordered() {
		if !now.Before(e.value.Until) {
			remove(d, restartKind, e.key)
		}
	}
	for _, key := range keys {
		remove(d, restartKind, key)
		if downtime > 0 {
			put(d, restartKind, restart{Channel: key, Until: now.Add(downtime).UTC().Round(0)})
		}
	}
}

// find returns the runtime channel with that address.
func (s *Snapshot) find(address string) (*entry[Channel], error) {
	e, ok := s.channels.get(Channel{Address: address}.key())
	if !ok {
		return nil, fmt.Errorf("no channel has the address %q", address)
	}
	return e, nil
}
