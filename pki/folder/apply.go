package folder

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/keystore"
)

// Result is what [Plan.Apply] did.
type Result struct {
	// Written are the certificates of the plan with their files, those that were kept too, in the
	// order of the document.
	Written []Written
	// Files counts the files that were written, Removed those that were removed; the manifest and
	// the README do not count.
	Files, Removed int
}

// Apply does what the plan says. Everything is minted and encoded before anything is written, and
// each file appears whole or not at all. A run that is interrupted while it writes, by ctx or from
// outside, leaves a folder that the next run completes. A plan is applied once.
func (p *Plan) Apply(ctx context.Context) (*Result, error) {
	if conflicts := p.conflicts(); len(conflicts) > 0 && !p.options.Force {
		return nil, &ConflictError{Dir: p.dir, Files: conflicts}
	}
	defer p.disk.close()
	if p.NothingToDo() {
		return p.kept(ctx)
	}
	r := &run{Plan: p}
	r.count()
	if err := r.mint(ctx); err != nil {
		return nil, err
	}
	if err := r.encode(ctx); err != nil {
		return nil, err
	}
	if err := r.write(ctx); err != nil {
		return nil, err
	}
	return r.result(), nil
}

// kept is the result if there is nothing to do.
func (p *Plan) kept(ctx context.Context) (*Result, error) {
	r := &run{Plan: p}
	r.options.Progress = nil
	if err := r.mint(ctx); err != nil {
		return nil, err
	}
	if err := r.encode(ctx); err != nil {
		return nil, err
	}
	return r.result(), nil
}

// run is one application of a plan.
type run struct {
	*Plan
	set     *pki.Set
	ready   []*outcome // selected entries, and others that are in the folder, in the document's order
	readme  []byte
	mu      sync.Mutex
	done    int
	total   int
	written int
	removed int
}

// outcome is an entry as it will be in the folder.
type outcome struct {
	*work
	certificate *pki.Certificate
	files       []keystore.File // all of them
	write       []keystore.File // those to be written
	remove      []string
	record      record
}

func (r *run) count() {
	for _, w := range r.work {
		if w.action == Mint {
			r.total++
		}
		files, _ := r.touched(w)
		r.total += len(files)
	}
	r.tell(0)
}

func (r *run) tell(more int) {
	if r.options.Progress == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done += more
	r.options.Progress(min(r.done, r.total), r.total)
}

// entries lists the entries that are in the folder when all is done.
func (r *run) entries() []*work {
	var out []*work
	for _, d := range r.all {
		if w := r.byName[d.Name]; w.selected || w.old != nil {
			out = append(out, w)
		}
	}
	return out
}

// mint mints what is to be minted; the rest is taken from the folder.
func (r *run) mint(ctx context.Context) error {
	var names []string
	existing := map[string]pki.Existing{}
	for _, w := range r.entries() {
		names = append(names, w.name())
		if w.action == Mint || w.description.File != "" {
			continue
		}
		e := pki.Existing{DER: w.old.Certificate, Above: w.old.Above, Extra: w.old.Extra}
		if key := r.keyOf(w, true); key != nil {
			e.Key = key
		}
		existing[w.name()] = e
	}
	needed := pki.EntriesFor(r.all, names...)
	set, err := pki.Mint(ctx, needed, pki.Options{
		Now: func() time.Time { return r.now }, Rand: r.options.derived("keys"), Load: r.options.Load, Existing: existing,
		Progress: func(name string) {
			if w := r.byName[name]; w.action == Mint && w.selected {
				r.tell(1)
			}
		},
	})
	var one *pki.MintError
	var problems pki.Problems
	switch {
	case errors.As(err, &one):
		return &pki.MintError{Index: r.index[one.Name], Name: one.Name, Err: one.Err}
	case errors.As(err, &problems):
		for i := range problems {
			problems[i].Index = r.index[needed[problems[i].Index].Name]
		}
		return problems
	case err != nil:
		return err
	}
	r.set = set
	return nil
}

// writtenNow is what will be in the folder; selectedOnly leaves out what the plan is not about.
func (r *run) writtenNow(selectedOnly bool) []Written {
	var out []Written
	for _, o := range r.ready {
		if selectedOnly && !o.selected {
			continue
		}
		w := Written{Certificate: o.certificate, Files: o.files}
		for _, f := range o.files {
			w.Exports = append(w.Exports, f.Export)
		}
		out = append(out, w)
	}
	return out
}

func (r *run) result() *Result {
	return &Result{Written: r.writtenNow(true), Files: r.written, Removed: r.removed}
}

// write brings the folder to where it should be. The manifest says first what will be written, so
// that a run that ends in between can be told from the work of other people, and at the end what
// was written.
func (r *run) write(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := r.disk.create(); err != nil {
		return err
	}
	intended := *r.manifest
	intended.Pending = &pending{Seed: r.options.seedMark(), Readme: r.manifest.Readme}
	final := manifest{Seed: r.options.seedMark(), Readme: r.manifest.Readme, Beside: r.beside()}
	if r.readme != nil {
		intended.Pending.Readme = hashOf(r.readme)
		final.Readme = hashOf(r.readme)
	}
	for _, o := range r.ready {
		if o.selected && o.action != Keep {
			intended.Pending.Entries = append(intended.Pending.Entries, o.record)
		}
		final.Entries = append(final.Entries, o.record)
	}
	if len(r.options.Names) > 0 && r.manifest.Seed != "" {
		final.Seed = r.manifest.Seed // the others still are of that one
	}
	for _, old := range r.gone {
		if !r.options.Prune {
			final.Entries = append(final.Entries, *old)
		}
	}
	intended.Beside = final.Beside
	if err := r.writeManifest(&intended); err != nil {
		return err
	}
	if err := r.writeFiles(ctx); err != nil {
		return err
	}
	if r.readme != nil {
		if err := put(r.disk.root, ReadmeName, r.readme, 0o644); err != nil {
			return fmt.Errorf("writing %s: %w", filepath.Join(r.dir, ReadmeName), err)
		}
	}
	return r.writeManifest(&final)
}

// beside lists other people's files that may stay.
func (r *run) beside() []string {
	out := slices.Clone(r.manifest.Beside)
	for _, name := range r.foreign {
		if !slices.ContainsFunc(r.ready, func(o *outcome) bool {
			return slices.ContainsFunc(o.files, func(f keystore.File) bool { return f.Name == name })
		}) && name != ReadmeName {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (r *run) writeManifest(m *manifest) error {
	data, err := m.encode()
	if err == nil {
		err = put(r.disk.root, ManifestName, data, 0o644)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", filepath.Join(r.dir, ManifestName), err)
	}
	return nil
}

// writeFiles writes and removes files, some at a time. What has begun is ended when ctx is done.
func (r *run) writeFiles(ctx context.Context) error {
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, o := range r.ready {
		group.Go(func() error {
			for _, f := range o.write {
				if err := cmp.Or(ctx.Err(), groupCtx.Err()); err != nil {
					return err
				}
				if err := put(r.disk.root, f.Name, f.Data, f.Mode); err != nil {
					return fmt.Errorf("writing %s: %w", filepath.Join(r.dir, f.Name), err)
				}
				r.tell(1)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, o := range r.ready {
		r.written += len(o.write)
		for _, name := range o.remove {
			if err := r.removeFile(ctx, name); err != nil {
				return err
			}
		}
	}
	for _, old := range r.gone {
		for _, f := range old.Files {
			if r.options.Prune && r.disk.has(f.Name) && !r.inUse(f.Name) {
				if err := r.removeFile(ctx, f.Name); err != nil {
					return err
				}
			}
		}
	}
	for name := range r.disk.names {
		if isTemporary(name) {
			if err := remove(r.disk.root, name); err != nil {
				return fmt.Errorf("removing %s: %w", filepath.Join(r.dir, name), err)
			}
		}
	}
	return nil
}

// inUse tells whether a file belongs to an entry that stays.
func (r *run) inUse(name string) bool {
	return slices.ContainsFunc(r.ready, func(o *outcome) bool { return o.record.file(name) != nil })
}

func (r *run) removeFile(ctx context.Context, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if r.inUse(name) {
		return nil
	}
	if err := remove(r.disk.root, name); err != nil {
		return fmt.Errorf("removing %s: %w", filepath.Join(r.dir, name), err)
	}
	r.removed++
	r.tell(1)
	return nil
}
