// Package evidence is what a scenario leaves behind for the reports: the calls that it made, each
// with its journey, the log lines that belong to it and the certificates that took part. Steps
// record it, the suite collects it and keeps it in a file, reports show it.
//
// There are no private keys, passwords and tokens here by construction: a certificate is told by
// its names, dates and fingerprint. Nothing here judges a call.
package evidence

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"time"
	"unicode/utf8"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/journey"
)

// MaxText is how many bytes of one text (a log line, a trace record, what a sender saw) are kept;
// what is longer is cut and says so.
const MaxText = 16 << 10

// MaxLines is how many log lines of one kind are kept of one call.
const MaxLines = 200

// Call is one call of a scenario, with all that it left behind. Texts may come from callers and
// are not escaped: whoever shows them does that.
type Call struct {
	// Sender is the name that the scenario gives the calling system.
	Sender string `json:"sender"`
	// Saw says what the sender saw: "HTTP 401", or the error that ended the connection.
	Saw string `json:"saw,omitempty"`
	// Journey is what every station wrote down; that of a target which tells none has no stops.
	Journey journey.Journey `json:"journey"`
	// AccessLines are the lines that the HTTP access log got for the call.
	AccessLines []string `json:"accessLines,omitempty"`
	// TraceRecords are the records that the LJS trace got for the call.
	TraceRecords []string `json:"traceRecords,omitempty"`
	// Certificates are those that the sender presented, its own first.
	Certificates []Certificate `json:"certificates,omitempty"`
}

// Certificate tells which certificate took part in a call.
type Certificate struct {
	// Subject and Issuer are DNs as RFC 4514 writes them.
	Subject string `json:"subject"`
	Issuer  string `json:"issuer"`
	// Serial is the serial number in hex.
	Serial    string    `json:"serial"`
	NotBefore time.Time `json:"notBefore"`
	NotAfter  time.Time `json:"notAfter"`
	// SHA256 is the fingerprint of the whole certificate, lower-case hex.
	SHA256 string `json:"sha256"`
}

// Of describes a certificate.
func Of(c *x509.Certificate) Certificate {
	sum := sha256.Sum256(c.Raw)
	return Certificate{
		Subject: pki.FormatDN(c.RawSubject), Issuer: pki.FormatDN(c.RawIssuer), Serial: fmt.Sprintf("%x", c.SerialNumber),
		NotBefore: c.NotBefore.UTC(), NotAfter: c.NotAfter.UTC(), SHA256: hex.EncodeToString(sum[:]),
	}
}

// OfDER describes certificates as they were presented. One that cannot be read is told by its
// fingerprint alone.
func OfDER(chain ...[]byte) []Certificate {
	var out []Certificate
	for _, der := range chain {
		if c, err := x509.ParseCertificate(der); err == nil {
			out = append(out, Of(c))
			continue
		}
		sum := sha256.Sum256(der)
		out = append(out, Certificate{Subject: "(cannot be read)", SHA256: hex.EncodeToString(sum[:])})
	}
	return out
}

type recorderKey struct{}

// WithRecorder lets all that is recorded with the context, or one made from it, go to the
// function. It is called by the goroutines that record, in the order in which each records.
func WithRecorder(ctx context.Context, record func(Call)) context.Context {
	return context.WithValue(ctx, recorderKey{}, record)
}

// Record hands a call to the recorder of the context; without one nothing happens. Long texts and
// long lists are cut, so that evidence stays bounded whatever a target answers.
func Record(ctx context.Context, c Call) {
	record, ok := ctx.Value(recorderKey{}).(func(Call))
	if !ok {
		return
	}
	c.Saw = cut(c.Saw)
	c.AccessLines, c.TraceRecords = cutAll(c.AccessLines), cutAll(c.TraceRecords)
	record(c)
}

func cutAll(lines []string) []string {
	if len(lines) == 0 {
		return nil
	}
	out := make([]string, 0, min(len(lines), MaxLines+1))
	for i, l := range lines {
		if i == MaxLines {
			return append(out, fmt.Sprintf("(%d more are not kept)", len(lines)-MaxLines))
		}
		out = append(out, cut(l))
	}
	return out
}

// cut shortens a text at the beginning of a character.
func cut(s string) string {
	if len(s) <= MaxText {
		return s
	}
	end := MaxText
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return fmt.Sprintf("%s… (%d bytes are not kept)", s[:end], len(s)-end)
}
