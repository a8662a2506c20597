package tenant

import (
	"context"
	"encoding/json"
	"fmt"
)

// Store keeps the contents of a tenant as records. It need not be safe for use by many goroutines:
// a tenant calls one method at a time.
type Store interface {
	// Load yields every record, in any order, and tells whether anything was ever saved. The
	// record is the callee's to keep.
	Load(ctx context.Context, yield func(Record) error) (found bool, err error)
	// Save makes a change: all of it or, if it fails, nothing. Once it has returned without an error
	// the change outlives the process, however that ends. The change is not to be kept or altered.
	Save(ctx context.Context, change Change) error
	// Close releases what the store holds.
	Close() error
}

// Record is one item that a store keeps. Kind and Key identify it.
type Record struct {
	Kind, Key string
	// Order is its place among the records of its kind.
	Order int64
	// Data is the item as JSON, without Blob.
	Data []byte
	// Blob is the part of it that is bytes: a certificate, the zip of a flow. nil and empty are
	// kept apart.
	Blob []byte
}

// Change is what a store saves at once.
type Change struct {
	Put    []Record
	Remove []RecordID
}

// RecordID names a record.
type RecordID struct{ Kind, Key string }

// Empty tells whether there is nothing to save.
func (c Change) Empty() bool { return len(c.Put) == 0 && len(c.Remove) == 0 }

// record is an entry as the store keeps it.
func (k *kind[T]) record(e *entry[T]) (Record, error) {
	r := Record{Kind: k.name, Key: e.key, Order: e.order}
	v := e.value
	if k.blob != nil {
		part := k.blob(&v)
		r.Blob, *part = *part, nil
	}
	var err error
	if r.Data, err = json.Marshal(v); err != nil {
		return Record{}, fmt.Errorf("encoding %s %q: %w", k.name, e.key, err)
	}
	return r, nil
}

// load takes a record into the draft.
func (k *kind[T]) load(d *draft, r Record) error {
	var v T
	if err := json.Unmarshal(r.Data, &v); err != nil {
		return fmt.Errorf("reading %s %q: %w", r.Kind, r.Key, err)
	}
	if k.blob != nil {
		*k.blob(&v) = r.Blob
	}
	editorOf(d, k).put(r.Key, r.Order, v)
	return nil
}
