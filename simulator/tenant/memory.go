package tenant

import (
	"bytes"
	"context"
	"errors"
	"sync"
)

// discard is the store of a tenant made by New: it keeps nothing. The tenant itself holds what it
// needs, and when it ends everything is gone.
type discard struct{}

func (discard) Load(context.Context, func(Record) error) (bool, error) { return false, nil }
func (discard) Save(context.Context, Change) error                     { return nil }
func (discard) Close() error                                           { return nil }

// Memory is a store in memory. What it keeps outlives the tenant, but not the process: after Reopen
// another tenant can be opened with it. It is safe for use by many goroutines.
type Memory struct {
	mu      sync.Mutex
	records map[RecordID]Record
	closed  bool
}

// NewMemory makes a store that holds nothing yet.
func NewMemory() *Memory { return &Memory{records: make(map[RecordID]Record)} }

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
