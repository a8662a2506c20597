package folder

import (
	"cmp"
	"context"
	"crypto"
	"fmt"
	"slices"
	"strings"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/keystore"
)

// Plan says what is to be done with a folder. Make one with [Compare].
type Plan struct {
	dir      string
	options  Options
	now      time.Time
	all      []pki.Description
	index    map[string]int
	eff      map[string]pki.Description
	manifest *manifest
	disk     *disk
	ours     map[string][]string // hashes that files of ours may have, by name
	work     []*work             // in the order of the document
	byName   map[string]*work
	gone     []*record
	foreign  []string
	readme   bool // to be written
}

// work is an entry of the plan in the making.
type work struct {
	description pki.Description // with all that it inherits
	index       int             // in the document
	selected    bool            // false: it is only there for the README
	exports     []keystore.Export
	password    string
	old         *record // nil: it was never written
	inputs      string
	action      Action
	reasons     []Reason
	rewrite     map[string]bool // files to write, if the action is Write
	key         crypto.Signer   // of old, once it was looked for
	keyLooked   bool
}

func (w *work) name() string { return w.description.Name }

// because sets an action, unless a stronger one is set, and adds the reason.
func (w *work) because(action Action, cause Cause, detail string) {
	if w.action != Mint {
		w.action = action
	}
	reason := Reason{Cause: cause, Detail: detail}
	if !slices.Contains(w.reasons, reason) {
		w.reasons = append(w.reasons, reason)
	}
}

// rewriteFile marks a file of an entry whose certificate stays.
func (w *work) rewriteFile(name string) {
	if w.rewrite == nil {
		w.rewrite = map[string]bool{}
	}
	w.rewrite[name] = true
}

func (w *work) fileName(e keystore.Export) string { return w.name() + e.Info().Suffix }

// hasKey tells whether the certificate will have a private key.
func (w *work) hasKey() bool { return w.description.File == "" || w.description.KeyFile != "" }

// Compare compares the descriptions with the folder. Nothing is written, and the folder need not be
// there. An error is [pki.Problems] for what is wrong with the descriptions, and a [*ForeignError]
// for a folder that holds other people's files.
func Compare(ctx context.Context, dir string, descriptions []pki.Description, options Options) (*Plan, error) {
	if problems := pki.Validate(descriptions); len(problems) > 0 {
		return nil, pki.Problems(problems)
	}
	p := &Plan{
		dir: dir, options: options, all: descriptions, eff: effective(descriptions),
		index: make(map[string]int, len(descriptions)), byName: map[string]*work{}, ours: map[string][]string{},
	}
	for i, d := range descriptions {
		p.index[d.Name] = i
	}
	now := options.Now
	if now == nil {
		now = time.Now
	}
	p.now = now().UTC()
	if err := p.choose(); err != nil {
		return nil, err
	}
	if problems := p.settleExports(); len(problems) > 0 {
		return nil, problems
	}
	d, err := openDisk(dir)
	if err != nil {
		return nil, err
	}
	defer d.close()
	p.disk = d
	if err := p.compare(ctx); err != nil {
		return nil, err
	}
	return p, nil
}

// choose makes the list of entries: those asked for and what they cannot do without.
func (p *Plan) choose() error {
	selected := map[string]bool{}
	var add func(name string)
	add = func(name string) {
		// An issuer is looked at before it is marked, and there are no circles.
		for name != "" && !selected[name] {
			selected[name] = true
			d := p.eff[name]
			if d.CrossSigns != "" {
				add(d.CrossSigns)
			}
			name = d.Issuer
		}
	}
	for _, name := range p.options.Names {
		if _, known := p.index[name]; !known {
			return fmt.Errorf("no entry is named %q", name)
		}
		add(name)
	}
	for i, d := range p.all {
		w := &work{description: p.eff[d.Name], index: i, action: Keep, selected: len(p.options.Names) == 0 || selected[d.Name]}
		p.byName[d.Name] = w
		if w.selected {
			p.work = append(p.work, w)
		}
	}
	return nil
}

// compare finds out what is to be done with each entry.
func (p *Plan) compare(ctx context.Context) error {
	if err := p.readManifest(); err != nil {
		return err
	}
	if err := p.findForeign(); err != nil {
		return err
	}
	order := p.topological()
	for _, w := range order {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := p.look(w); err != nil {
			return err
		}
	}
	p.lists()
	if err := p.keys(order); err != nil {
		return err
	}
	p.lists()
	for _, w := range p.work {
		w.dropUnopened()
	}
	return p.readmeState()
}

// topological puts issuers, and those that are signed again, before the entries that need them.
func (p *Plan) topological() []*work {
	var out []*work
	seen := map[*work]bool{}
	for _, w := range p.work {
		stack := []*work{w}
		for len(stack) > 0 {
			top := stack[len(stack)-1]
			ready := true
			for _, name := range top.needs() {
				if below := p.byName[name]; !seen[below] {
					stack, ready = append(stack, below), false
				}
			}
			if ready {
				stack = stack[:len(stack)-1]
				if !seen[top] {
					seen[top] = true
					out = append(out, top)
				}
			}
		}
	}
	return out
}

// needs lists the entries whose certificates this one rests on.
func (w *work) needs() []string {
	var out []string
	for _, name := range []string{w.description.Issuer, w.description.CrossSigns} {
		if name != "" {
			out = append(out, name)
		}
	}
	return out
}

// Entries lists what is to be done, in the order of the document, then the entries that are no
// longer described.
func (p *Plan) Entries() []Entry {
	var out []Entry
	for _, w := range p.work {
		e := Entry{Name: w.name(), Action: w.action, Reasons: slices.Clone(w.reasons)}
		e.Files, e.Conflicts = p.touched(w)
		out = append(out, e)
	}
	for _, r := range p.gone {
		e := Entry{Name: r.Name, Action: Leave, Reasons: []Reason{{Cause: Gone}}}
		if p.options.Prune {
			e.Action = Remove
		}
		for _, f := range r.Files {
			e.Files = append(e.Files, f.Name)
			if p.options.Prune && p.strange(f.Name) {
				e.Conflicts = append(e.Conflicts, f.Name)
			}
		}
		out = append(out, e)
	}
	return out
}

// touched lists the files of an entry that are written or removed, and those of them that are not
// as they were left.
func (p *Plan) touched(w *work) (files, conflicts []string) {
	for _, e := range w.exports {
		name := w.fileName(e)
		if w.action == Mint || w.action == Write && w.rewrite[name] {
			files = append(files, name)
		}
	}
	files = append(files, p.stale(w)...)
	for _, name := range files {
		if p.strange(name) {
			conflicts = append(conflicts, name)
		}
	}
	// A file that somebody changed is one that is to be put right, whatever else is done.
	for _, r := range w.reasons {
		if r.Cause == FileChanged && !slices.Contains(conflicts, r.Detail) {
			conflicts = append(conflicts, r.Detail)
		}
	}
	return files, conflicts
}

// stale lists files of an entry in formats that are no longer wanted.
func (p *Plan) stale(w *work) []string {
	if w.old == nil || !w.selected {
		return nil
	}
	var out []string
	for _, f := range w.old.Files {
		if !slices.ContainsFunc(w.exports, func(e keystore.Export) bool { return w.fileName(e) == f.Name }) {
			out = append(out, f.Name)
		}
	}
	return out
}

// strange tells whether there is a file of that name that is not as it was written.
func (p *Plan) strange(name string) bool {
	c, err := p.disk.content(name)
	return err != nil || c.hash != "" && !slices.Contains(p.ours[name], c.hash)
}

// NothingToDo tells that [Plan.Apply] would change nothing.
func (p *Plan) NothingToDo() bool {
	if p.readme || p.manifest.Pending != nil {
		return false
	}
	return !slices.ContainsFunc(p.Entries(), func(e Entry) bool { return e.Action != Keep && e.Action != Leave })
}

// conflicts lists all files that are in the way.
func (p *Plan) conflicts() []string {
	var out []string
	for _, e := range p.Entries() {
		out = append(out, e.Conflicts...)
	}
	if p.readme && p.strange(ReadmeName) {
		out = append(out, ReadmeName)
	}
	return out
}

// problem makes an error about an entry of the document.
func (p *Plan) problem(w *work, field, format string, arguments ...any) pki.Problem {
	return pki.Problem{Index: w.index, Field: field, Message: fmt.Sprintf(format, arguments...)}
}

// settleExports finds formats and passwords, and refuses files that would be in each other's way.
func (p *Plan) settleExports() pki.Problems {
	var problems pki.Problems
	taken := map[string]string{} // by the name of the file as Windows and macOS compare it
	for _, w := range p.work {
		found := p.exportsOf(w)
		problems = append(problems, found...)
		for _, e := range w.exports {
			name := w.fileName(e)
			folded := strings.ToLower(name)
			other, clash := taken[folded]
			switch {
			case folded == strings.ToLower(ManifestName) || folded == strings.ToLower(ReadmeName):
				problems = append(problems, p.problem(w, "name", "the file %s is one that every folder has; choose another name", name))
			case clash && other != w.name():
				problems = append(problems, p.problem(w, "name", "its file %s is one of %q too, where upper and lower case are the same; choose another name", name, other))
			default:
				taken[folded] = w.name()
			}
		}
	}
	slices.SortStableFunc(problems, func(a, b pki.Problem) int { return cmp.Compare(a.Index, b.Index) })
	return problems
}
