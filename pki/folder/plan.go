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

// Action is what is to be done with an entry.
type Action string

// The actions.
const (
	// Keep leaves the certificate and its files as they are.
	Keep Action = "keep"
	// Write writes files anew; the certificate stays.
	Write Action = "write files"
	// Mint mints the certificate, the first time or again, and writes all its files.
	Mint Action = "mint"
	// Leave leaves the files of an entry that is no longer described.
	Leave Action = "leave"
	// Remove removes the files of an entry that is no longer described.
	Remove Action = "remove"
)

// Cause is why something is to be done with an entry.
type Cause string

// The causes.
const (
	New             Cause = "new"
	Changed         Cause = "changed"
	IssuerChanged   Cause = "issuer changed"
	Expired         Cause = "expired"
	NeedsRenewal    Cause = "defect needs renewal"
	SeedChanged     Cause = "seed changed"
	KeyMissing      Cause = "private key is not in the folder"
	FileMissing     Cause = "file missing"
	FileChanged     Cause = "file changed by somebody else"
	Interrupted     Cause = "a run was interrupted"
	ExportChanged   Cause = "export changed"
	PasswordChanged Cause = "password changed"
	CRLChanged      Cause = "CRL changed"
	Gone            Cause = "no longer described"
)

// Reason is a cause with what is to be known of it.
type Reason struct {
	Cause Cause `json:"cause"`
	// Detail names fields, files or dates; it may be empty.
	Detail string `json:"detail,omitempty"`
}

// String is the reason in words.
func (r Reason) String() string {
	if r.Detail == "" {
		return string(r.Cause)
	}
	return string(r.Cause) + ": " + r.Detail
}

// Entry is what the plan says of one entry.
type Entry struct {
	Name    string
	Action  Action
	Reasons []Reason
	// Files are those that are written or removed.
	Files []string
	// Conflicts are those of Files that somebody else changed or put there.
	Conflicts []string
}

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

// readManifest reads what the last run wrote, and settles what an interrupted one left.
func (p *Plan) readManifest() error {
	p.manifest = &manifest{}
	c, err := p.disk.content(ManifestName)
	if err != nil {
		return err
	}
	switch {
	case c.hash == "":
		return nil
	case c.hash == "-" || len(c.data) > maxManifest:
		return fmt.Errorf("%s in the folder %s is not what was written there, expected a file of %d bytes at most; choose another folder", ManifestName, p.dir, maxManifest)
	}
	m, err := parseManifest(c.data)
	if err != nil {
		return fmt.Errorf("%s in the folder %s cannot be used: %w; choose another folder", ManifestName, p.dir, err)
	}
	p.manifest = m
	for _, r := range m.Entries {
		p.claim(r)
	}
	if m.Readme != "" {
		p.ours[ReadmeName] = append(p.ours[ReadmeName], m.Readme)
	}
	if m.Pending != nil {
		for _, r := range m.Pending.Entries {
			p.claim(r)
		}
		if m.Pending.Readme != "" {
			p.ours[ReadmeName] = append(p.ours[ReadmeName], m.Pending.Readme)
		}
		if err := p.settlePending(); err != nil {
			return err
		}
	}
	for i := range m.Entries {
		r := &m.Entries[i]
		w := p.byName[r.Name]
		if w == nil {
			p.gone = append(p.gone, r)
			continue
		}
		w.old = r
		if !w.selected {
			w.description = r.Described
		}
	}
	return nil
}

func (p *Plan) claim(r record) {
	for _, f := range r.Files {
		p.ours[f.Name] = append(p.ours[f.Name], f.SHA256)
	}
}

// settlePending takes what an interrupted run has written: an entry whose files are all of the new
// kind is the new one, one whose files are all of the old kind is as it was, and one in between is
// minted again.
func (p *Plan) settlePending() error {
	m := p.manifest
	for _, r := range m.Pending.Entries {
		at := slices.IndexFunc(m.Entries, func(o record) bool { return o.Name == r.Name })
		var old *record
		if at >= 0 {
			old = &m.Entries[at]
		}
		anyNew, anyOld := false, false
		for _, f := range r.Files {
			c, err := p.disk.content(f.Name)
			if err != nil {
				return err
			}
			before := ""
			if old != nil {
				if o := old.file(f.Name); o != nil {
					before = o.SHA256
				}
			}
			switch c.hash {
			case "":
			case before:
				anyOld = anyOld || before != f.SHA256
			case f.SHA256:
				anyNew = true
			}
		}
		w := p.byName[r.Name]
		switch {
		case anyNew && !anyOld && at >= 0:
			// Files of formats that are no longer wanted are still ours.
			for _, f := range old.Files {
				if r.file(f.Name) == nil && p.disk.has(f.Name) {
					r.Files = append(r.Files, f)
				}
			}
			m.Entries[at] = r
		case anyNew && !anyOld:
			m.Entries = append(m.Entries, r)
		case anyNew && anyOld:
			// The old hashes stay: what the new run wrote is not taken for a stranger's either.
			for i, f := range old.Files {
				if n := r.file(f.Name); n != nil {
					if c, _ := p.disk.content(f.Name); c.hash == n.SHA256 {
						old.Files[i].SHA256 = n.SHA256
					}
				}
			}
			for _, f := range r.Files {
				if old.file(f.Name) == nil && p.disk.has(f.Name) {
					old.Files = append(old.Files, f)
				}
			}
			if w != nil {
				w.because(Mint, Interrupted, "")
			}
		}
	}
	if c, _ := p.disk.content(ReadmeName); c.hash != "" && c.hash == m.Pending.Readme {
		m.Readme = m.Pending.Readme
	}
	if len(m.Entries) == 0 {
		m.Seed = m.Pending.Seed
	}
	return nil
}

// findForeign refuses a folder with other people's files.
func (p *Plan) findForeign() error {
	p.foreign = p.disk.foreign(p.ours, p.manifest.Beside)
	if len(p.foreign) > 0 && !p.options.Force {
		return &ForeignError{Dir: p.dir, Files: p.foreign}
	}
	for _, w := range p.work {
		for _, e := range w.exports {
			if name := w.fileName(e); p.disk.has(name) && !p.disk.names[name].IsRegular() {
				return fmt.Errorf("%s in the folder %s is not a regular file, and is not replaced; remove it, or choose another folder", name, p.dir)
			}
		}
	}
	return nil
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
