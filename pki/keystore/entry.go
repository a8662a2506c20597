package keystore

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Format is the format of a file.
type Format string

// The formats that are read. A PEM file that holds PKCS#7 and nothing else is PKCS7.
const (
	PEMFormat    Format = "PEM"
	DERFormat    Format = "DER"
	PKCS7Format  Format = "PKCS#7"
	PKCS12Format Format = "PKCS#12"
	JKSFormat    Format = "JKS"
)

// EntryKind tells what an [Entry] is.
type EntryKind string

// The kinds of entries. A key pair is a private key with its certificates under one alias, as
// PKCS#12 and JKS have it.
const (
	CertificateEntry EntryKind = "certificate"
	PrivateKeyEntry  EntryKind = "private key"
	KeyPairEntry     EntryKind = "key pair"
	RequestEntry     EntryKind = "request"
	CRLEntry         EntryKind = "crl"
)

// Entry is one thing in a file.
type Entry struct {
	Kind EntryKind
	// Alias is the name of the entry in PKCS#12 (its friendly name) and JKS; empty in other
	// formats. It stands as it is in the file, up to [MaxAlias] bytes, and may hold any character.
	Alias string
	// Chain is the DER of the certificates: of a certificate entry the one, of a key pair its
	// chain; nil for other kinds.
	Chain [][]byte
	// Key is the private key of a private key or key pair.
	Key crypto.Signer
	// Raw is the DER of a certificate, request or CRL; nil for entries with a key.
	Raw []byte
	// Created is when the entry was made, as Java writes it down; zero if the file does not tell.
	Created time.Time
}

// MaxAlias bounds the alias of an entry, in bytes.
const MaxAlias = 1_000

// Store is what a file holds.
type Store struct {
	// Format is the format of the file. One in base64 without PEM's lines is of the format that
	// the base64 holds.
	Format Format
	// Key is the private key; nil if there is none.
	Key crypto.Signer
	// Chain begins with the certificate of the key, or without a key with the first one that
	// issued none of the others; then its issuers upward as far as they are there, then all
	// others in the order of the file. Of a certificate that crypto/x509 cannot read only Raw is
	// set.
	Chain []*x509.Certificate
	// RawChain is the DER of the chain.
	RawChain [][]byte
	// Presented is the DER of the certificates in the order in which a sender with this file
	// presents them, nothing put into order and nothing left out: of PKCS#12 and JKS the chain of
	// the key's entry, of other formats and of stores without a key all certificates in the order
	// of the file. In PKCS#12 the certificate of the key leads its chain wherever it stands in
	// the file, since nobody can present it otherwise.
	Presented [][]byte
	// Entries is what the file holds, one by one. Key pairs of PKCS#12 come first, all else in the
	// order of the file.
	Entries []Entry
}

// Leaf is the first certificate of the chain; nil if there is none.
func (s *Store) Leaf() *x509.Certificate {
	if len(s.Chain) == 0 {
		return nil
	}
	return s.Chain[0]
}

// Requests is the DER of the certificate signing requests.
func (s *Store) Requests() [][]byte { return s.raw(RequestEntry) }

// CRLs is the DER of the certificate revocation lists.
func (s *Store) CRLs() [][]byte { return s.raw(CRLEntry) }

func (s *Store) raw(kind EntryKind) [][]byte {
	var out [][]byte
	for _, e := range s.Entries {
		if e.Kind == kind {
			out = append(out, e.Raw)
		}
	}
	return out
}

// contents is what a reader collects from one file.
type contents struct {
	format  Format
	entries []Entry
	parsed  map[string]*x509.Certificate
	count   int // of certificates
	secrets int // private keys
}

// countKey bounds the private keys, each of which takes work.
func (c *contents) countKey() error {
	if c.secrets++; c.secrets > maxKeys {
		return fmt.Errorf("found more than %d private keys", maxKeys)
	}
	return nil
}

// certificate checks one certificate and returns a copy of its DER.
func (c *contents) certificate(der []byte) ([]byte, error) {
	if c.count == maxCertificates {
		return nil, fmt.Errorf("found more than %d certificates", maxCertificates)
	}
	parsed, err := parseCertificate(bytes.Clone(der))
	if err != nil {
		return nil, fmt.Errorf("certificate %d: %w", c.count+1, err)
	}
	c.count++
	if c.parsed == nil {
		c.parsed = map[string]*x509.Certificate{}
	}
	c.parsed[string(der)] = parsed
	return parsed.Raw, nil
}

// addCertificate adds a certificate entry.
func (c *contents) addCertificate(der []byte, alias string, created time.Time) error {
	raw, err := c.certificate(der)
	if err != nil {
		return err
	}
	c.entries = append(c.entries, Entry{Kind: CertificateEntry, Alias: alias, Chain: [][]byte{raw}, Raw: raw, Created: created})
	return nil
}

// addRaw adds a request or a CRL.
func (c *contents) addRaw(kind EntryKind, der []byte) error {
	if len(c.entries) >= maxEntries {
		return fmt.Errorf("found more than %d entries", maxEntries)
	}
	c.entries = append(c.entries, Entry{Kind: kind, Raw: bytes.Clone(der)})
	return nil
}

func (c *contents) keys() []Entry {
	return slices.DeleteFunc(slices.Clone(c.entries), func(e Entry) bool { return e.Key == nil })
}

// only is the store of a file with one key at most.
func (c *contents) only() (*Store, error) {
	keys := c.keys()
	switch {
	case len(keys) > 1 && slices.ContainsFunc(keys, func(e Entry) bool { return e.Alias != "" }):
		return nil, fmt.Errorf("found %d private keys, expected one; choose an entry by its alias (%s)", len(keys), aliases(keys))
	case len(keys) > 1:
		return nil, fmt.Errorf("found %d private keys, expected one at most", len(keys))
	case len(keys) == 1:
		return c.store(&keys[0], true)
	default:
		return c.store(nil, true)
	}
}

// entry is the store of one entry.
func (c *contents) entry(alias string) (*Store, error) {
	named := slices.DeleteFunc(slices.Clone(c.entries), func(e Entry) bool { return e.Alias == "" || e.Chain == nil && e.Key == nil })
	if len(named) == 0 {
		return nil, fmt.Errorf("the entries of the file have no alias: it cannot be asked for the entry %s", shown(alias))
	}
	for _, same := range []func(a, b string) bool{func(a, b string) bool { return a == b }, strings.EqualFold} {
		for _, e := range named {
			if same(e.Alias, alias) {
				return c.store(&e, false)
			}
		}
	}
	return nil, fmt.Errorf("found no entry with the alias %s, expected one of %s", shown(alias), aliases(named))
}

// store puts together what a chosen entry gives; nil stands for a file without a key. With others,
// the certificates outside of the entry follow its own.
func (c *contents) store(chosen *Entry, others bool) (*Store, error) {
	s := &Store{Format: c.format, Entries: c.entries}
	whole := chosen == nil || chosen.Kind == PrivateKeyEntry
	var rest [][]byte
	for _, e := range c.entries {
		if e.Kind == CertificateEntry {
			rest = append(rest, e.Raw)
		}
	}
	if chosen != nil {
		s.Key = chosen.Key
		s.Presented = chosen.Chain
	}
	found := s.Presented
	if whole {
		s.Presented, found = rest, rest
	} else if others {
		found = slices.Concat(s.Presented, rest)
	}
	var parsed []*x509.Certificate
	for _, der := range found {
		parsed = append(parsed, c.parsed[string(der)])
	}
	chain, err := ordered(s.Key, parsed)
	if err != nil {
		return nil, err
	}
	s.Chain = chain
	for _, one := range chain {
		s.RawChain = append(s.RawChain, one.Raw)
	}
	return s, nil
}

// aliases lists aliases for a message.
func aliases(entries []Entry) string {
	const most = 10
	var out []string
	for i, e := range entries {
		if i == most {
			out = append(out, fmt.Sprintf("and %d more", len(entries)-most))
			break
		}
		out = append(out, shown(e.Alias))
	}
	return strings.Join(out, ", ")
}

// shown is a name from outside for a message: quoted and in bounds.
func shown(name string) string {
	const most = 40
	if r := []rune(name); len(r) > most {
		name = string(r[:most]) + "…"
	}
	return fmt.Sprintf("%q", name)
}

func checkAlias(alias string) error {
	if len(alias) > MaxAlias {
		return fmt.Errorf("found an alias of %d bytes, expected %d at most", len(alias), MaxAlias)
	}
	return nil
}

// samePublic tells whether the certificate is that of the key; false for one that cannot be read.
func samePublic(key crypto.Signer, c *x509.Certificate) bool {
	public, comparable := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	return comparable && c.PublicKey != nil && public.Equal(c.PublicKey)
}

// ordered puts a chain into order.
func ordered(key crypto.Signer, found []*x509.Certificate) ([]*x509.Certificate, error) {
	if len(found) == 0 {
		return nil, nil
	}
	first := 0
	if key != nil {
		if first = ownCertificate(key, found); first < 0 {
			return nil, fmt.Errorf("the private key belongs to none of the certificates (%d)", len(found))
		}
	} else {
		issuers := map[string]bool{}
		for _, c := range found {
			if !bytes.Equal(c.RawIssuer, c.RawSubject) {
				issuers[string(c.RawIssuer)] = true
			}
		}
		first = max(0, slices.IndexFunc(found, func(c *x509.Certificate) bool { return !issuers[string(c.RawSubject)] }))
	}
	used := make([]bool, len(found))
	out := path(found, first, used)
	for i, c := range found {
		if !used[i] {
			out = append(out, c)
		}
	}
	return out, nil
}

// ownCertificate is the index of the key's certificate, or of the first one that cannot be read,
// which gets the benefit of the doubt; -1 if there is neither.
func ownCertificate(key crypto.Signer, found []*x509.Certificate) int {
	if i := slices.IndexFunc(found, func(c *x509.Certificate) bool { return samePublic(key, c) }); i >= 0 {
		return i
	}
	return slices.IndexFunc(found, func(c *x509.Certificate) bool { return c.PublicKey == nil })
}

// path follows the issuers upward and marks what it used.
func path(found []*x509.Certificate, first int, used []bool) []*x509.Certificate {
	var out []*x509.Certificate
	for next := first; next >= 0; {
		used[next] = true
		top := found[next]
		out = append(out, top)
		next = -1
		for i, c := range found {
			if !used[i] && len(c.RawSubject) > 0 && bytes.Equal(c.RawSubject, top.RawIssuer) {
				next = i
				break
			}
		}
	}
	return out
}

var errNoCertificate = errors.New("expected a certificate (PEM, DER, PKCS#7, PKCS#12 or JKS)")
