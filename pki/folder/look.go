package folder

import (
	"crypto"
	"crypto/x509"
	"errors"
	"slices"
	"strings"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/keystore"
)

// look finds out what is to be done with an entry; whatever it is issued by has been looked at.
func (p *Plan) look(w *work) error {
	inputs, err := p.inputsOf(w.description)
	if err != nil {
		return err
	}
	w.inputs = inputs
	if w.old == nil {
		w.because(Mint, New, "")
		return nil
	}
	fields, export := changedFields(w.old.Described, w.description)
	if len(fields) > 0 {
		w.because(Mint, Changed, strings.Join(fields, ", "))
	}
	if w.inputs != w.old.Inputs {
		w.because(Mint, Changed, "content of a file that is named")
	}
	if p.manifest.Seed != p.options.seedMark() && w.description.File == "" {
		w.because(Mint, SeedChanged, "")
	}
	p.lookAbove(w)
	if w.description.File == "" {
		p.lookAtDates(w)
	}
	return p.lookAtFiles(w, export)
}

// inputsOf is a hash of the files that the description names.
func (p *Plan) inputsOf(d pki.Description) (string, error) {
	var all []byte
	paths := []string{d.File, d.KeyFile}
	if d.Like != "" { // what is inherited stands in a file
		paths = append(paths, p.eff[d.Like].File)
	}
	for _, path := range paths {
		if path == "" {
			continue
		}
		if p.options.Load == nil {
			return "", pki.Problems{{Index: p.index[d.Name], Field: "file", Message: path + ": files are not allowed here"}}
		}
		data, err := p.options.Load(path)
		if err != nil {
			field := "file"
			if path == d.KeyFile {
				field = "keyFile"
			}
			return "", pki.Problems{{Index: p.index[d.Name], Field: field, Message: "reading " + path + ": " + err.Error()}}
		}
		all = append(all, hashOf(data)...)
	}
	if all == nil {
		return "", nil
	}
	return hashOf(all), nil
}

// lookAbove compares what the certificate rests on with what it was minted with.
func (p *Plan) lookAbove(w *work) {
	changed := func(name, minted string) bool {
		above := p.byName[name]
		return name != "" && (above.action == Mint || above.old != nil && hashOf(above.old.Certificate) != minted)
	}
	if changed(w.description.Issuer, w.old.IssuedBy) {
		w.because(Mint, IssuerChanged, w.description.Issuer)
	}
	if changed(w.description.CrossSigns, w.old.CrossSigned) {
		w.because(Mint, Changed, w.description.CrossSigns)
	}
}

// lookAtDates finds a certificate that time has made another one than it was when it was minted:
// a good one that has expired, one that was to begin in the future and has begun.
func (p *Plan) lookAtDates(w *work) {
	ofTime := false
	if w.description.Defect != "" {
		for _, d := range pki.Defects() {
			ofTime = ofTime || d.ID == w.description.Defect && d.Group == pki.Time
		}
	}
	check := func(der []byte, own bool) {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return // a defect, which time does not mend
		}
		was, is := phaseAt(c, w.old.Minted), phaseAt(c, p.now)
		switch {
		case was == is:
		case own && !ofTime && datesAreFixed(w.description, is):
		case ofTime:
			w.because(Mint, NeedsRenewal, datesOf(c))
		case is == after:
			w.because(Mint, Expired, datesOf(c))
		default:
			w.because(Mint, NeedsRenewal, datesOf(c))
		}
	}
	check(w.old.Certificate, true)
	for _, above := range w.old.Above {
		check(above.DER, false)
	}
}

func datesOf(c *x509.Certificate) string {
	return "valid from " + c.NotBefore.UTC().Format(time.RFC3339) + " to " + c.NotAfter.UTC().Format(time.RFC3339)
}

// lookAtFiles compares the files with what was written.
func (p *Plan) lookAtFiles(w *work, exportChanged bool) error {
	if err := p.keepUnopened(w); err != nil {
		return err
	}
	for _, e := range w.exports {
		name := w.fileName(e)
		c, err := p.disk.content(name)
		if err != nil {
			return err
		}
		f := w.old.file(name)
		switch {
		case f == nil:
			w.rewriteFile(name)
			w.because(Write, ExportChanged, string(e))
		case c.hash == "":
			w.rewriteFile(name)
			w.because(Write, FileMissing, name)
		case c.hash != f.SHA256:
			w.rewriteFile(name)
			w.because(Write, FileChanged, name)
		}
		if exportChanged && w.old.Described.Export.Alias != w.description.Export.Alias && (e.Info().Password && w.password != "" || e == keystore.ArchiveFile) {
			w.rewriteFile(name)
			w.because(Write, ExportChanged, "alias")
		}
	}
	for _, name := range p.stale(w) {
		w.because(Write, ExportChanged, "without "+name)
	}
	if exportChanged && w.action == Keep {
		// The words differ and the files do not: only the manifest is to be brought up to date.
		w.because(Write, ExportChanged, "")
	}
	if w.action != Mint && w.password != "" && !p.opens(w) {
		for _, e := range w.exports {
			if e.Info().Password {
				w.rewriteFile(w.fileName(e))
			}
		}
		w.because(Write, PasswordChanged, "")
	}
	return nil
}

// keepUnopened keeps a key store that is there by default and that this run has no password for,
// as long as the certificate in it stays.
func (p *Plan) keepUnopened(w *work) error {
	name := w.fileName(keystore.PKCS12File)
	f := w.old.file(name)
	if f == nil || w.description.Export.Formats != nil || w.password != "" {
		return nil
	}
	c, err := p.disk.content(name)
	if err == nil && c.hash == f.SHA256 {
		w.exports = append(w.exports, keystore.PKCS12File)
	}
	return err
}

// dropUnopened takes back what keepUnopened has kept, if the certificate is minted again.
func (w *work) dropUnopened() {
	if w.action == Mint && w.password == "" {
		w.exports = slices.DeleteFunc(w.exports, func(e keystore.Export) bool { return e.Info().Password })
	}
}

// opens tells whether the password opens the files that have one; one of them speaks for all.
func (p *Plan) opens(w *work) bool {
	for _, e := range w.exports {
		if !e.Info().Password {
			continue
		}
		c, err := p.disk.content(w.fileName(e))
		f := w.old.file(w.fileName(e))
		if err != nil || f == nil || c.hash != f.SHA256 {
			continue // it is written anew anyway
		}
		_, err = keystore.Read(c.data, w.password)
		return !errors.Is(err, keystore.ErrWrongPassword) && !errors.Is(err, keystore.ErrPasswordNeeded)
	}
	return true
}

// keyExports are the files that hold a private key, the quickest to read first.
var keyExports = []keystore.Export{
	keystore.KeyFile, keystore.TraditionalFile, keystore.EncryptedKeyFile, keystore.PKCS12File, keystore.PFXFile,
	keystore.LegacyPKCS12File, keystore.JKSFile,
}

// keyOf finds the private key of an entry in its files; nil if it is in none.
func (p *Plan) keyOf(w *work, onlyPlain bool) crypto.Signer {
	if w.key != nil || w.keyLooked || w.old == nil {
		return w.key
	}
	for _, e := range keyExports {
		if onlyPlain && e.Info().Password {
			return nil
		}
		name := w.name() + e.Info().Suffix
		f := w.old.file(name)
		if f == nil {
			continue
		}
		c, err := p.disk.content(name)
		if err != nil || c.hash != f.SHA256 {
			continue
		}
		store, err := keystore.Read(c.data, w.password)
		if err != nil || store.Key == nil || !belongs(store.Key, w.old.Certificate) {
			continue
		}
		w.key = store.Key
		return w.key
	}
	w.keyLooked = true
	return nil
}

// belongs tells whether the key is that of the certificate; of one that does not parse, it is.
func belongs(key crypto.Signer, der []byte) bool {
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return true
	}
	public, comparable := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	return comparable && public.Equal(c.PublicKey)
}

// keys makes sure that what must sign or be written again can: a certificate whose private key is
// needed and not in the folder is minted again, and so is everything below it.
func (p *Plan) keys(order []*work) error {
	for {
		needed := map[*work]bool{}
		for _, w := range order {
			switch {
			case w.action == Mint:
				p.signers(w, needed)
				if w.description.CrossSigns != "" {
					needed[p.byName[w.description.CrossSigns]] = true
				}
			case w.action == Write && p.needsOwnKey(w):
				needed[w] = true
			}
		}
		again := false
		for _, w := range order {
			if needed[w] && w.action != Mint && w.description.File == "" && p.keyOf(w, false) == nil {
				w.because(Mint, KeyMissing, "")
				again = true
			}
		}
		for _, w := range order {
			if w.action == Mint || w.old == nil {
				continue
			}
			if p.lookAbove(w); w.action == Mint {
				again = true
			}
		}
		if !again {
			return nil
		}
	}
}

// signers marks the CAs whose keys are needed to mint an entry.
func (p *Plan) signers(w *work, needed map[*work]bool) {
	whole := false // a defect in the CAs makes twins of them, which theirs must sign
	if w.description.Defect != "" {
		for _, d := range pki.Defects() {
			whole = whole || d.ID == w.description.Defect && (d.Level != pki.AtLeaf || d.Group == pki.Revocation)
		}
	}
	for name := w.description.Issuer; name != ""; name = p.byName[name].description.Issuer {
		needed[p.byName[name]] = true
		if !whole {
			return
		}
	}
}

func (p *Plan) needsOwnKey(w *work) bool {
	return w.hasKey() && slices.ContainsFunc(w.exports, func(e keystore.Export) bool {
		return w.rewrite[w.fileName(e)] && (e.Info().Private || e == keystore.CRLFile || e == keystore.ArchiveFile)
	})
}

// lists finds CRLs that do not list what they are to list, or that have run out.
func (p *Plan) lists() {
	for _, w := range p.work {
		if w.old == nil || w.action == Mint || !slices.Contains(w.exports, keystore.CRLFile) {
			continue
		}
		hashes, open := p.revokedBy(w.name())
		detail := ""
		switch {
		case open || !slices.Equal(hashes, w.old.Revoked):
			detail = "other certificates are revoked"
		case !w.old.CRLUntil.IsZero() && !p.now.Before(w.old.CRLUntil):
			detail = "it ran out at " + w.old.CRLUntil.UTC().Format(time.RFC3339)
		default:
			continue
		}
		w.because(Write, CRLChanged, detail)
		w.rewriteFile(w.fileName(keystore.CRLFile))
		if slices.Contains(w.exports, keystore.ArchiveFile) {
			w.rewriteFile(w.fileName(keystore.ArchiveFile))
		}
	}
}

// revokedBy lists the hashes of the certificates that the CA has revoked; open tells that not all
// of them are minted yet.
func (p *Plan) revokedBy(ca string) (hashes []string, open bool) {
	for _, w := range p.revokedEntries(ca) {
		if w.action == Mint {
			return nil, true
		}
		hashes = append(hashes, hashOf(w.old.Certificate))
	}
	return hashes, false
}

// revokedID is the defect that puts a certificate on the CRL of its issuer.
const revokedID = "revoked"

// revokedEntries lists the entries in the folder that the CA has revoked, in the document's order.
func (p *Plan) revokedEntries(ca string) []*work {
	var out []*work
	for _, d := range p.all {
		w := p.byName[d.Name]
		if w.description.Defect == revokedID && w.description.Issuer == ca && (w.selected || w.old != nil) {
			out = append(out, w)
		}
	}
	return out
}

// readmeState finds out whether the README is to be written.
func (p *Plan) readmeState() error {
	if p.options.Readme == nil {
		return nil
	}
	c, err := p.disk.content(ReadmeName)
	if err != nil {
		return err
	}
	changes := slices.ContainsFunc(p.Entries(), func(e Entry) bool { return e.Action != Keep && e.Action != Leave })
	p.readme = changes || c.hash == "" || c.hash != p.manifest.Readme
	return nil
}
