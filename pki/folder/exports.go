package folder

import (
	"fmt"
	"slices"
	"strings"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/keystore"
)

// usual are the exports of an entry that names none; those of a private key only with one, those
// with a password only with one.
var usual = []keystore.Export{
	keystore.DERFile, keystore.PEMFile, keystore.ChainFile, keystore.FullChainFile, keystore.KeyFile,
	keystore.PKCS7File, keystore.PKCS12File,
}

// exportsOf settles the formats and the password of an entry.
func (p *Plan) exportsOf(w *work) pki.Problems {
	var problems pki.Problems
	fail := func(field, format string, arguments ...any) {
		problems = append(problems, p.problem(w, field, format, arguments...))
	}
	if err := checkFileName(w.name()); err != nil {
		fail("name", "%s", err)
	}
	if p.options.Password != nil {
		var err error
		if w.password, err = p.options.Password(w.description); err != nil {
			field := "export.passwordEnv"
			if w.description.Export.PasswordFile != "" {
				field = "export.passwordFile"
			}
			fail(field, "%s", err)
		}
	}
	failed := len(problems) > 0
	given := w.description.Export.Formats
	if given == nil {
		for _, e := range usual {
			if info := e.Info(); (!info.Private || w.hasKey()) && (!info.Password || w.password != "") {
				w.exports = append(w.exports, e)
			}
		}
		return problems
	}
	for k, id := range given {
		field := fmt.Sprintf("export.formats[%d]", k)
		e, err := keystore.ParseExport(id)
		if err != nil {
			var ids []string
			for _, info := range keystore.Exports() {
				ids = append(ids, string(info.ID))
			}
			hint := ""
			if name := pki.Nearest(id, ids); name != "" {
				hint = fmt.Sprintf("; did you mean %q?", name)
			}
			fail(field, "%s%s", err, hint)
			continue
		}
		switch info := e.Info(); {
		case info.Private && !w.hasKey():
			fail(field, "%s holds the private key, which is not there; give keyFile, or leave this format out", e)
		case info.Password && w.password == "" && !failed:
			fail(field, "%s needs a password; name its environment variable in passwordEnv or its file in passwordFile, or give one for all", e)
		case e == keystore.CRLFile && !w.description.CA:
			fail(field, "crl is a list of what a CA has revoked, and this is no CA; leave the format out")
		case e == keystore.TraditionalFile && w.isEd25519():
			fail(field, "an Ed25519 key has no traditional format; take key")
		default:
			w.exports = append(w.exports, e)
		}
	}
	order := map[keystore.Export]int{}
	for i, info := range keystore.Exports() {
		order[info.ID] = i
	}
	slices.SortFunc(w.exports, func(a, b keystore.Export) int { return order[a] - order[b] })
	w.exports = slices.Compact(w.exports)
	return problems
}

func (w *work) isEd25519() bool {
	t, err := pki.ParseKeyType(w.description.Key)
	return err == nil && t == pki.Ed25519 && w.description.KeyFile == ""
}

// checkFileName asks package keystore whether a name can be a file name on every system.
func checkFileName(name string) error {
	if strings.HasPrefix(name, temporaryPrefix) {
		return fmt.Errorf("%q cannot be a file name here: it begins as files do that are not complete", name)
	}
	return keystore.CheckFileName(name)
}
