// Package folder is an output folder of test certificates: what is in it, what of it must be
// minted again, and what gets written.
//
// A folder belongs to one document of descriptions. Beside the certificates' files it holds a
// manifest ([ManifestName]), from which the next run knows what it finds there: [Compare] compares the
// document with it and says what is to be done and why, and [Plan.Apply] does that. Files of other
// people are never touched unless that is forced.
//
// What is not here: the minting (package pki), the formats of the files (package keystore), the
// text of the README (its maker is an option), and where passwords come from.
package folder

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"strings"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/keystore"
)

// ReadmeName is the name of the file that explains the others.
const ReadmeName = "README.txt"

// Options say with what a folder is planned and written. The zero value is of use: random keys,
// the machine's clock, no files with passwords, no README.
type Options struct {
	// Now is the clock. It is read once. Default: time.Now.
	Now func() time.Time
	// Seed makes everything a function of itself, the clock and the descriptions: the same bytes
	// come out on every machine. Default: everything is random.
	Seed string
	// Load reads a file that a description names. Default: such descriptions are an error.
	Load func(path string) ([]byte, error)
	// Password finds the password of an entry, with all that the entry inherits; empty if there is
	// none. Default: there is none.
	Password func(d pki.Description) (string, error)
	// Names limits everything to these entries and their issuers. Default: all entries.
	Names []string
	// Force lets other people's files stay beside ours, and replaces those that are in the way and
	// files of ours that somebody changed.
	Force bool
	// Prune removes the files of entries that are no longer described.
	Prune bool
	// Readme makes the content of the README from everything that is in the folder then. It must
	// be a function of its argument alone for the folder to be reproducible. Default: none is
	// written.
	Readme func([]Written) []byte
	// Progress is told how much is done of what Apply does, one call at a time. Default: nobody is
	// told.
	Progress func(done, total int)
}

// Written is a certificate with its files, as they are in the folder.
type Written struct {
	// Certificate is the certificate. Its private key is there only if it was minted now, or is in
	// a file that is not encrypted.
	Certificate *pki.Certificate
	// Files are its files, in the order of the exports.
	Files []keystore.File
	// Exports are the formats of the files.
	Exports []keystore.Export
}

// ForeignError says that the folder holds files that are not ours.
type ForeignError struct {
	Dir   string
	Files []string
}

func (e *ForeignError) Error() string {
	const shown = 5
	names := e.Files
	more := ""
	if len(names) > shown {
		more = fmt.Sprintf(" and %d more", len(names)-shown)
		names = names[:shown]
	}
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = fmt.Sprintf("%q", name)
	}
	return fmt.Sprintf("the folder %s holds files that were not written here: %s%s; nothing was changed. Choose another folder, or force it if they may stay",
		e.Dir, strings.Join(quoted, ", "), more)
}

// ConflictError says that files which are to be written or removed were changed by somebody else.
type ConflictError struct {
	Dir   string
	Files []string
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("in the folder %s somebody changed %s; nothing was written. Put them elsewhere, or force them to be replaced",
		e.Dir, strings.Join(e.Files, ", "))
}

// seedKey is the secret from which everything of a seeded folder is derived.
func seedKey(seed string) []byte {
	sum := sha256.Sum256([]byte("gatehouse test certificates, seed\x00" + seed))
	return sum[:]
}

// derived is a source of randomness of its own for one purpose; nil without a seed.
func (o Options) derived(purpose string) io.Reader {
	if o.Seed == "" {
		return nil
	}
	mac := hmac.New(sha256.New, seedKey(o.Seed))
	mac.Write([]byte(purpose))
	return mathrand.NewChaCha8([32]byte(mac.Sum(nil)))
}

// seedMark tells in the manifest whether a seed is the same as before; empty without one.
func (o Options) seedMark() string {
	if o.Seed == "" {
		return ""
	}
	mac := hmac.New(sha256.New, seedKey(o.Seed))
	mac.Write([]byte("manifest"))
	return "seeded " + hex.EncodeToString(mac.Sum(nil))
}

func hashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
