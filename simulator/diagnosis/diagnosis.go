// Package diagnosis goes from evidence to cause and fix: it takes whatever somebody has of a call
// that failed (access logs, traces, the sender's chain, the mapped certificate, integration flows,
// role assignments, the output of curl) and names the causes in order of likelihood, with what
// points to each, what speaks against it, what to look at next and what to change.
//
// What lives here: the catalogue of causes, the reading of evidence, the joining of access log and
// trace, the rules that weigh causes, and the summary of a day. It decides nothing about calls
// (that is the stations' work) and verifies no chain itself (package check does). Everything it
// reads is hostile: it is bounded, never run, and whoever shows it must escape it (journey.Printable),
// as WriteText and WriteHTML do.
//
// Where the evidence does not tell causes apart it says so, and where it knows no cause it says
// "not known".
package diagnosis

import (
	"context"
	"time"

	"example.com/gatehouse/pki/check"
	"example.com/gatehouse/pki/keystore"
	"example.com/gatehouse/simulator/connectivity"
	"example.com/gatehouse/simulator/systemlog"
	"example.com/gatehouse/simulator/tenant"
)

// Evidence is what somebody has. The zero value is nothing, of which nothing can be said.
type Evidence struct {
	// Logs are log files and folders with logs, plain, gzip or zip. They are read as streams.
	Logs []string
	// Texts are pasted: log lines, output of curl, openssl or another client, in any mixture.
	Texts []Text
	// Sender is the chain or keystore that the sender has; nil if it is not known.
	Sender *Chain
	// Mapped are the certificates in the certificate-to-user mapping, as far as known.
	Mapped []Mapped
	// Keystore holds the certificates (DER) of the tenant keystore, as far as known.
	Keystore [][]byte
	// KeystoreNames are further certificates of the tenant keystore, of which only the names are
	// known, as "<CN>@<CN of the issuer>".
	KeystoreNames []string
	// Whole tells that Mapped and Keystore are all there are, and not only those that are meant for
	// the sender in question.
	Whole bool
	// Channels are the sender channels of exported or deployed integration flows.
	Channels []tenant.Channel
	// Routes finds the channel of a path, where a running tenant does; else it is made of Channels.
	Routes *tenant.Snapshot
	// Assignments are users, roles and groups, as far as known; nil if they are not.
	Assignments *Assignments
	// Trust is what the load balancer trusts. Default: the published list of the time of the call.
	Trust *check.Trust
	// Hosts are hosts that were looked at: what they present, and whom they accept.
	Hosts []connectivity.Result
	// Notes are findings of whoever read the evidence, for the report.
	Notes []string
	// At is the time of a call of which the logs do not tell it. Default: the time now.
	At time.Time
}

// Text is a text that somebody pasted, or a file with such a text.
type Text struct {
	// Name is shown where the text is quoted.
	Name string
	Data []byte
}

// Chain is a file with certificates.
type Chain struct {
	Name  string
	Store *keystore.Store
}

// Mapped is a certificate of the certificate-to-user mapping.
type Mapped struct {
	// Name is shown; User is the mapped user, empty if not known.
	Name, User string
	DER        []byte
}

// Options of Diagnose. The zero value works.
type Options struct {
	// Now is the clock for evidence that has no time. Default: time.Now.
	Now func() time.Time
	// Limits bounds the reading of logs.
	Limits systemlog.Limits
	// Cases is how many different failures are diagnosed, those with most calls first.
	// Default: 50.
	Cases int
}

// DefaultCases is how many failures are diagnosed if nothing else is said.
const DefaultCases = 50

// Diagnose reads the evidence and weighs causes. The error is about files that cannot be read at
// all (systemlog.ErrNoLogs among them) and about ctx; what could not be read within them is counted
// in the report.
func Diagnose(ctx context.Context, e Evidence, o Options) (*Report, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Cases <= 0 {
		o.Cases = DefaultCases
	}
	if e.At.IsZero() {
		e.At = o.Now()
	}
	f, err := gather(ctx, e, o)
	if err != nil {
		return nil, err
	}
	return f.report(o), nil
}
