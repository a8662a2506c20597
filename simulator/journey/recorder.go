package journey

import (
	"context"
	"sync"
)

// Recorder collects the record of a call while it is under way. Stations write to it from
// whatever goroutine handles the call. The zero value is ready for use; the methods of a nil
// Recorder do nothing, so a station need not ask whether somebody listens.
type Recorder struct {
	mu sync.Mutex
	j  Journey
}

// NewRecorder begins a record with what is known already.
func NewRecorder(begin Journey) *Recorder { return &Recorder{j: begin} }

// Stop appends what a station decided.
func (r *Recorder) Stop(s Stop) {
	r.Set(func(j *Journey) { j.Stops = append(j.Stops, s) })
}

// Set changes the record.
func (r *Recorder) Set(change func(*Journey)) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.j)
}

// Journey returns the record as it stands, a copy of its own.
func (r *Recorder) Journey() Journey {
	if r == nil {
		return Journey{}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	j := r.j
	j.Stops = append([]Stop(nil), r.j.Stops...)
	j.Trace = append([]string(nil), r.j.Trace...)
	return j
}

type recorderKey struct{}

// NewContext hands the recorder on to the stations that come after.
func NewContext(ctx context.Context, r *Recorder) context.Context {
	return context.WithValue(ctx, recorderKey{}, r)
}

// FromContext returns the recorder of the call, or nil.
func FromContext(ctx context.Context) *Recorder {
	r, _ := ctx.Value(recorderKey{}).(*Recorder)
	return r
}
