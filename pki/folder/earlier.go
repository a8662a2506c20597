package folder

import (
	"fmt"
	"slices"
)

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
