package folder

import (
	"context"
	"crypto/x509"
	"fmt"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/keystore"
)

// encode makes the content of all files.
func (r *run) encode(ctx context.Context) error {
	for _, w := range r.entries() {
		c, _ := r.set.Get(w.name())
		r.ready = append(r.ready, &outcome{work: w, certificate: c})
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, o := range r.ready {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return r.encodeOne(o)
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if r.options.Readme != nil && r.Plan.readme {
		r.readme = r.options.Readme(r.writtenNow(false))
	}
	return nil
}

func (r *run) encodeOne(o *outcome) error {
	fromFolder, err := r.fromFolder(o)
	if err != nil {
		return err
	}
	if !o.selected || o.action == Keep {
		o.files, o.record = fromFolder, *o.old
		return nil
	}
	o.record = record{
		Name: o.name(), Described: o.description, Empty: emptyLists(o.description), Inputs: o.inputs, Minted: r.now, Certificate: o.certificate.DER(),
		Above: o.certificate.Above(),
	}
	if extra := o.certificate.Extra(); extra != nil {
		o.record.Extra = extra.DER()
	}
	if o.action != Mint {
		o.record.Minted = o.old.Minted
	}
	if c, there := r.set.Get(o.description.Issuer); there {
		o.record.IssuedBy = hashOf(c.DER())
	}
	if c, there := r.set.Get(o.description.CrossSigns); there {
		o.record.CrossSigned = hashOf(c.DER())
	}
	made, err := r.encodeFiles(o)
	if err != nil {
		return err
	}
	for _, e := range o.exports {
		name := o.fileName(e)
		take := slices.IndexFunc(made, func(f keystore.File) bool { return f.Name == name })
		there := slices.IndexFunc(fromFolder, func(f keystore.File) bool { return f.Name == name })
		var f keystore.File
		switch {
		case take >= 0 && (o.action == Mint || o.rewrite[name] || there < 0):
			f = made[take]
			o.write = append(o.write, f)
		case there >= 0:
			f = fromFolder[there]
		default:
			return fmt.Errorf("writing the files of %q: there is no content for %s", o.name(), name)
		}
		o.files = append(o.files, f)
		o.record.Files = append(o.record.Files, fileRecord{Name: name, Format: e, SHA256: hashOf(f.Data)})
	}
	for _, name := range r.stale(o.work) {
		if r.disk.has(name) {
			o.remove = append(o.remove, name)
		}
	}
	return nil
}

// fromFolder are the files of an entry as they are now.
func (r *run) fromFolder(o *outcome) ([]keystore.File, error) {
	if o.old == nil {
		return nil, nil
	}
	var out []keystore.File
	for _, f := range o.old.Files {
		r.mu.Lock()
		c, err := r.disk.content(f.Name)
		r.mu.Unlock()
		if err != nil {
			return nil, err
		}
		if c.hash == f.SHA256 {
			out = append(out, keystore.File{Export: f.Format, Name: f.Name, Data: c.data, Mode: o.old.mode(f)})
		}
	}
	return out, nil
}

// encodeFiles makes the files that are to be written; nothing if there are none.
func (r *run) encodeFiles(o *outcome) ([]keystore.File, error) {
	if o.action == Write && len(o.rewrite) == 0 {
		return nil, nil
	}
	options := keystore.Options{
		Password: o.password, Alias: o.description.Export.Alias, Now: func() time.Time { return r.now },
		Rand: r.options.derived("files of " + o.name()), Exports: o.exports,
	}
	if slices.Contains(o.exports, keystore.CRLFile) {
		var err error
		if options.CRL, err = r.listOf(o); err != nil {
			return nil, err
		}
	}
	if o.action == Write {
		// What stays need not be made, and perhaps cannot be.
		options.Exports = slices.DeleteFunc(slices.Clone(o.exports), func(e keystore.Export) bool {
			stays := !o.rewrite[o.fileName(e)]
			return stays && (e.Info().Private && o.certificate.Key() == nil || e.Info().Password && o.password == "" || e == keystore.ArchiveFile)
		})
	}
	files, err := keystore.Files(o.certificate, options)
	if err != nil {
		return nil, pki.Problems{{Index: o.index, Field: "export", Message: err.Error()}}
	}
	return files, nil
}

// listOf is the CRL of a CA: the entries in the folder that it has revoked. One that is as it should be is
// taken as it is.
func (r *run) listOf(o *outcome) ([]byte, error) {
	var revoked []*pki.Certificate
	for _, w := range r.revokedEntries(o.name()) {
		c, there := r.set.Get(w.name())
		if !there {
			continue
		}
		revoked = append(revoked, c)
		o.record.Revoked = append(o.record.Revoked, hashOf(c.DER()))
	}
	name := o.fileName(keystore.CRLFile)
	if o.action == Write && !o.rewrite[name] {
		c, err := r.content(name)
		o.record.CRLUntil = o.old.CRLUntil
		return c.data, err
	}
	der, err := o.certificate.CRL(revoked)
	if err != nil {
		return nil, &pki.MintError{Index: o.index, Name: o.name(), Err: err}
	}
	if list, err := x509.ParseRevocationList(der); err == nil {
		o.record.CRLUntil = list.NextUpdate
	}
	return der, nil
}

func (r *run) content(name string) (content, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.disk.content(name)
}
