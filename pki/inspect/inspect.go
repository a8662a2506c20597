// Package inspect explains a file that somebody has: what it is, what is in it, where each part
// belongs (the sender, the tenant, the load balancer, nobody), and what is wrong with it.
//
// It says of a chain what package verify finds, and beside that what OpenSSL does not mind and
// others do. What is not here: the reading of formats (package keystore), the rules of
// verification (package verify), and the landscape that the file is meant for.
package inspect

import (
	"crypto"
	"fmt"
	"time"

	"example.com/gatehouse/pki/check"
	"example.com/gatehouse/pki/keystore"
	"example.com/gatehouse/pki/verify"
)

// Options of [File]. The zero value is of use.
type Options struct {
	// At is the time at which the file is looked at. Default: now.
	At time.Time
	// Trust is what the load balancer trusts; the chain is checked against it. Default: the
	// published list in force if the chain's root is or was on one, else the chain is checked as
	// far as that goes without.
	Trust check.Trust
}

// Report explains one file.
type Report struct {
	// What says what the file is, in half a sentence.
	What string `json:"what"`
	// Format is its format.
	Format keystore.Format `json:"format"`
	// Entries is what it holds, one by one. The certificates of a key pair are entries of their own
	// behind it.
	Entries []Entry `json:"entries"`
	// Findings are what is wrong with the file as a whole, with the chain above all.
	Findings []Finding `json:"findings,omitempty"`
	// Notes say what is good to know, and what is not wrong.
	Notes []string `json:"notes,omitempty"`
	// Verdict is the load balancer's answer to the chain, of several the first; nil if there is no
	// chain of a sender, or no list to check it against. Against names the list.
	Verdict *check.Report `json:"verdict,omitempty"`
	Against string        `json:"against,omitempty"`
	// At is the time that was asked about.
	At time.Time `json:"at"`
}

// Entry is one thing in the file. What it has not, or what cannot be read, is empty.
type Entry struct {
	// Number counts from 1, in the order of the file.
	Number int `json:"number"`
	// Kind is certificate, key pair, private key, request or crl. A key pair is shown with its own
	// certificate.
	Kind keystore.EntryKind `json:"kind"`
	// PairOf is the number of the key pair whose chain the certificate is in; 0 for all others.
	PairOf int `json:"pairOf,omitempty"`
	// Alias is its name in the file; it may hold any character.
	Alias string `json:"alias,omitempty"`
	// Created is when a Java keystore got it.
	Created time.Time `json:"created,omitzero"`
	// Subject and Issuer are names as RFC 4514 writes them, Serial is in hexadecimal.
	Subject string `json:"subject,omitempty"`
	Issuer  string `json:"issuer,omitempty"`
	Serial  string `json:"serial,omitempty"`
	// NotBefore and NotAfter bound the validity; of a CRL they are thisUpdate and nextUpdate.
	NotBefore time.Time `json:"notBefore,omitzero"`
	NotAfter  time.Time `json:"notAfter,omitzero"`
	// Validity says what that means at the time in question: "expired 3 days ago".
	Validity string `json:"validity,omitempty"`
	// Key and Signature say what the key is and how the certificate is signed.
	Key       string `json:"key,omitempty"`
	Signature string `json:"signature,omitempty"`
	// KeyUsage and Usage are the key usage and the extended key usage.
	KeyUsage []string `json:"keyUsage,omitempty"`
	Usage    []string `json:"usage,omitempty"`
	// Names are the alternative names, with their kind: "DNS:warehouse.example".
	Names []string `json:"names,omitempty"`
	// CA: it is a certificate that issues others.
	CA bool `json:"ca"`
	// SHA1 and SHA256 are the fingerprints.
	SHA1   string `json:"sha1,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
	// Belongs says where it belongs, and where it does not.
	Belongs string `json:"belongs"`
	// Findings are what is wrong with it.
	Findings []Finding `json:"findings,omitempty"`

	der    []byte
	read   *verify.Certificate // nil if it cannot be read
	public crypto.PublicKey    // nil if it is not supported
}

// Kind says what a finding is about. The words are stable.
type Kind string

// The kinds of findings, beside those of package request for names.
const (
	// VerifyResult: OpenSSL refuses the certificate; the finding has the code.
	VerifyResult Kind = "verify-result"
	// Unreadable: it cannot be read, or not by everybody.
	Unreadable Kind = "unreadable"
	// ChainIncomplete: certificates that a sender must present are not there.
	ChainIncomplete Kind = "chain-incomplete"
	// ChainOrder: the certificates are not in the order of the chain.
	ChainOrder Kind = "chain-order"
	// Unrelated: certificates that have nothing to do with the chain.
	Unrelated Kind = "unrelated"
	// Duplicate: the same certificate stands there more than once.
	Duplicate Kind = "duplicate"
	// KeyMismatch: the private key belongs to none of the certificates.
	KeyMismatch Kind = "key-mismatch"
	// LeafIsCA: a CA certificate in the place of the sender's own.
	LeafIsCA Kind = "leaf-is-ca"
	// NoUsage: no extended key usage says that it is for clients.
	NoUsage Kind = "no-usage"
	// OddName, OddKey, OddSerial, OddDates, OddExtension: what OpenSSL takes, and RFC 5280 or other
	// programs do not.
	OddName      Kind = "odd-name"
	OddKey       Kind = "odd-key"
	OddSerial    Kind = "odd-serial"
	OddDates     Kind = "odd-dates"
	OddExtension Kind = "odd-extension"
)

// Finding is one thing that is wrong.
type Finding struct {
	Kind Kind `json:"kind"`
	// Code is OpenSSL's verify result, if it refuses because of it; else 0.
	Code int `json:"verifyResult,omitempty"`
	// Text says what was found and what to do.
	Text string `json:"text"`
}

// File explains a file's bytes. The password is for encrypted keys and keystores. The error says
// that the file cannot be read at all, what was found and what was expected; it is
// [keystore.ErrPasswordNeeded] or [keystore.ErrWrongPassword] where that is the reason. Whatever
// is wrong with what can be read is a finding. Neither repeats key material.
func File(data []byte, password string, o Options) (Report, error) {
	store, err := keystore.Inspect(data, password)
	if err != nil {
		return Report{}, err
	}
	if o.At.IsZero() {
		o.At = time.Now()
	}
	o.At = o.At.UTC().Truncate(time.Second)
	v := &view{store: store, options: o, report: Report{Format: store.Format, At: o.At}}
	v.report.What = describe(store, data)
	for _, e := range store.Entries {
		v.add(e)
	}
	for _, c := range v.chains() {
		if err := v.checkChain(c); err != nil {
			return Report{}, fmt.Errorf("checking the chain: %w", err)
		}
	}
	v.checkKeys()
	v.checkDuplicates()
	v.remark()
	return v.report, nil
}

// view is the work on one report.
type view struct {
	store   *keystore.Store
	options Options
	report  Report
}

// find adds a finding to the entry, once.
func (e *Entry) find(kind Kind, code int, format string, args ...any) {
	e.Findings = appendOnce(e.Findings, Finding{Kind: kind, Code: code, Text: fmt.Sprintf(format, args...)})
}

// find adds a finding about the whole file, once.
func (v *view) find(kind Kind, code int, format string, args ...any) {
	v.report.Findings = appendOnce(v.report.Findings, Finding{Kind: kind, Code: code, Text: fmt.Sprintf(format, args...)})
}

// appendOnce leaves out what has been found already: the same text, or the same verify result.
func appendOnce(list []Finding, f Finding) []Finding {
	for _, other := range list {
		if other.Text == f.Text || f.Code != 0 && other.Code == f.Code {
			return list
		}
	}
	return append(list, f)
}

func (v *view) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	for _, other := range v.report.Notes {
		if other == text {
			return
		}
	}
	v.report.Notes = append(v.report.Notes, text)
}
