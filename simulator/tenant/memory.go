package tenant

import (
	"bytes"
	"context"
	"errors"
	"sync"
)

// Memory is a store that keeps everything in memory until it is closed. It is what a tenant made by
// New has. A tenant never reads back what it saved, so Memory only remembers what may be loaded
// again; see Keep.
type Memory struct {
	mu      sync.Mutex
	keep    bool
	records map[RecordID]Record
	closed  bool
}

// NewMemory makes a store that keeps nothing at all: the tenant itself holds what it needs, and when
// it ends everything is gone.
func NewMemory() *Memory { return &Memory{} }

// Keep makes a store whose contents outlive the tenant: after Reopen another tenant can be opened
// with it.
func Keep() *Memory { return &Memory{keep: true, records: make(map[RecordID]Record)} }

// Reopen makes a store that was closed usable again.
func (m *Memory) Reopen() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = false
}

var errStoreClosed = errors.New("the store is closed")

// Load is that of Store.
func (m *Memory) Load(_ context.Context, yield func(Record) error) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false, errStoreClosed
	}
	for _, r := range m.records {
		r.Data, r.Blob = bytes.Clone(r.Data), bytes.Clone(r.Blob)
		if err := yield(r); err != nil {
			return false, err
		}
	}
	return len(m.records) > 0, nil
}

// Save is that of Store.
func (m *Memory) Save(ctx context.Context, change Change) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.closed:
		return errStoreClosed
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case !m.keep:
		return nil
	}
	for _, id := range change.Remove {
		delete(m.records, id)
	}
	for _, r := range change.Put {
		r.Data, r.Blob = bytes.Clone(r.Data), bytes.Clone(r.Blob)
		m.records[RecordID{r.Kind, r.Key}] = r
	}
	return nil
}

// Close is that of Store.
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}
