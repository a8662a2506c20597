package folder

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/keystore"
)

// ManifestName is the name of the file that says what of the folder is ours. There are no secrets
// in it.
const ManifestName = "gatehouse-pki.json"

const (
	manifestVersion = 1
	// maxManifest bounds a manifest, in bytes, and maxRecords the entries in it.
	maxManifest = 64 << 20
	maxRecords  = 20_000
)

// manifest is what was written, by the last run that ended and by one that did not.
type manifest struct {
	Version int    `json:"version"`
	About   string `json:"about"`
	Seed    string `json:"seed,omitempty"`
	// Entries are in the folder.
	Entries []record `json:"entries"`
	// Readme is the hash of the README, empty if there is none of ours.
	Readme string `json:"readme,omitempty"`
	// Beside are other people's files that may stay.
	Beside []string `json:"beside,omitempty"`
	// Pending is what the run that wrote the manifest was about to write. It is gone when all is
	// written.
	Pending *pending `json:"pending,omitempty"`
}

type pending struct {
	Entries []record `json:"entries"`
	Readme  string   `json:"readme,omitempty"`
	Seed    string   `json:"seed,omitempty"`
}

const about = "Written by gatehouse to know its files again. Certificates for tests: nothing here is secret or of value."

// record is one entry as it was minted and written.
type record struct {
	Name string `json:"name"`
	// Described is the description with all that it inherits.
	Described pki.Description `json:"described"`
	// Empty names the lists of the description that are there and empty, which JSON leaves out.
	Empty []string `json:"empty,omitempty"`
	// Inputs is a hash of the files that the description names.
	Inputs string `json:"inputs,omitempty"`
	// Minted is the time of the clock.
	Minted time.Time `json:"minted"`
	// IssuedBy is the hash of the issuer's certificate, CrossSigned of the one that is signed again.
	IssuedBy    string `json:"issuedBy,omitempty"`
	CrossSigned string `json:"crossSigned,omitempty"`
	// Certificate is the certificate, Above and Extra what was made for it alone.
	Certificate []byte      `json:"certificate"`
	Above       []pki.Above `json:"above,omitempty"`
	Extra       []byte      `json:"extra,omitempty"`
	// Revoked are the hashes of the certificates in the CRL, CRLUntil is when it runs out.
	Revoked  []string     `json:"revoked,omitempty"`
	CRLUntil time.Time    `json:"crlUntil,omitzero"`
	Files    []fileRecord `json:"files"`
}

type fileRecord struct {
	Name   string          `json:"name"`
	Format keystore.Export `json:"format"`
	SHA256 string          `json:"sha256"`
}

// errNewer is a manifest of a later version of this program.
var errNewer = errors.New("it was written by a later version")

// parseManifest reads a manifest, which anybody may have changed.
func parseManifest(data []byte) (*manifest, error) {
	var version struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(data, &version); err != nil {
		return nil, fmt.Errorf("it is not the JSON that was written: %w", err)
	}
	if version.Version > manifestVersion {
		return nil, errNewer
	}
	var m manifest
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&m); err != nil {
		return nil, fmt.Errorf("it is not the JSON that was written: %w", err)
	}
	if m.Version != manifestVersion {
		return nil, fmt.Errorf("found version %d, expected %d", m.Version, manifestVersion)
	}
	all := m.Entries
	if m.Pending != nil {
		all = append(all[:len(all):len(all)], m.Pending.Entries...)
	}
	if len(all) > maxRecords {
		return nil, fmt.Errorf("found %d entries, expected %d at most", len(all), maxRecords)
	}
	for _, r := range all {
		if err := r.check(); err != nil {
			return nil, fmt.Errorf("entry %q: %w", r.Name, err)
		}
	}
	for i := range m.Entries {
		fillEmpty(&m.Entries[i].Described, m.Entries[i].Empty)
	}
	if m.Pending != nil {
		for i := range m.Pending.Entries {
			fillEmpty(&m.Pending.Entries[i].Described, m.Pending.Entries[i].Empty)
		}
	}
	return &m, nil
}

func (r record) check() error {
	if r.Name != r.Described.Name {
		return errors.New("its name is not that of its description")
	}
	if len(r.Certificate) == 0 {
		return errors.New("there is no certificate")
	}
	for _, f := range r.Files {
		if f.Name == "" || strings.ContainsAny(f.Name, `/\`) || !fs.ValidPath(f.Name) || f.Name == "." {
			return fmt.Errorf("%q is not a file in the folder", f.Name)
		}
	}
	return nil
}

func (m *manifest) encode() ([]byte, error) {
	m.Version, m.About = manifestVersion, about
	if m.Entries == nil {
		m.Entries = []record{}
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(m); err != nil {
		return nil, fmt.Errorf("encoding the manifest: %w", err)
	}
	return b.Bytes(), nil
}

// mode is the mode of a file: for its owner only if a private key is in it.
func (r *record) mode(f fileRecord) fs.FileMode {
	private := f.Format.Info().Private
	if f.Format == keystore.ArchiveFile {
		// Alone it holds what is written by default.
		private = len(r.Files) == 1 || slices.ContainsFunc(r.Files, func(f fileRecord) bool { return f.Format.Info().Private })
	}
	if private {
		return 0o600
	}
	return 0o644
}

// file finds the record of a file; nil if there is none.
func (r *record) file(name string) *fileRecord {
	for i := range r.Files {
		if r.Files[i].Name == name {
			return &r.Files[i]
		}
	}
	return nil
}
