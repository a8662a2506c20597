package target

import (
	"context"
	"crypto/x509"
	"errors"
	"slices"
	"strings"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/sender"
	"example.com/gatehouse/simulator/systemlog"
)

// findLines waits for the access log lines of a call: one for each request that was answered. For a
// call without an answer it waits whether any come.
func (s *remoteSession) findLines(ctx context.Context, c *Call) error {
	expected := answeredBefore(c.Result)
	limit := s.remote.waits.Absence
	if c.Result.Answered() {
		expected++
		limit = s.remote.waits.Log
	}
	var found []systemlog.NodeLine
	err := waitFor(ctx, limit, func() (bool, error) {
		if err := s.remote.logs.refresh(ctx, time.Now()); err != nil {
			return false, err
		}
		found = s.remote.logs.linesOf(c.remote.marker)
		return expected > 0 && len(found) >= expected, nil
	})
	if err != nil {
		return err
	}
	c.Lines = nil
	for _, l := range inOrder(found, c.Result) {
		c.Lines = append(c.Lines, s.names.line(l, c.remote.marker, c.remote.passport))
	}
	if len(c.Lines) > 0 {
		last := c.Lines[len(c.Lines)-1]
		c.Journey.Node, c.Journey.User, c.Journey.AccessLog = last.Node, last.User, last.AccessLine.String()
	}
	return nil
}

// answeredBefore counts the requests that were answered before the last one of a call.
func answeredBefore(r sender.Result) (n int) {
	for _, a := range r.Attempts {
		if a.Status != 0 {
			n++
		}
	}
	return n
}

// inOrder puts the lines into the order of the requests: challenge or token fetch first. Lines of two
// nodes have whole seconds only, so that the statuses must tell.
func inOrder(lines []systemlog.NodeLine, r sender.Result) []systemlog.NodeLine {
	rest := slices.Clone(lines)
	var out []systemlog.NodeLine
	take := func(status int) {
		if i := slices.IndexFunc(rest, func(l systemlog.NodeLine) bool { return l.Status == status }); i >= 0 {
			out, rest = append(out, rest[i]), slices.Delete(rest, i, i+1)
		}
	}
	for _, a := range r.Attempts {
		take(a.Status)
	}
	take(r.Status)
	return append(rest, out...)
}

// findRecords waits for the trace records of a call, whose line must have been looked for before. A
// call that left no line left no records: the runtime node never saw it.
func (s *remoteSession) findRecords(ctx context.Context, c *Call) error {
	if len(c.Lines) == 0 {
		return nil
	}
	var found []systemlog.NodeRecord
	var unclear error
	err := waitFor(ctx, s.remote.waits.Trace, func() (bool, error) {
		if err := s.remote.logs.refresh(ctx, time.Now()); err != nil {
			return false, err
		}
		found, unclear = s.recordsOf(c)
		// An answer that is no refusal leaves none; there is nothing to wait for.
		return len(found) > 0 || c.Result.Status < 400, nil
	})
	if err = errors.Join(err, unclear); err != nil {
		return err
	}
	c.Records = nil
	for _, r := range found {
		c.Records = append(c.Records, s.names.record(r, c.remote.root != ""))
	}
	return nil
}

// tolerance is how far the times of a call's records and line may be apart, by whole seconds of one
// node's clock.
const tolerance = 2 * time.Second

// recordsOf finds the trace records of a call: by the passport that was sent with it; or else, on a
// tenant whose trace has none, by node and time, and of several threads by what the records say.
func (s *remoteSession) recordsOf(c *Call) ([]systemlog.NodeRecord, error) {
	if c.remote.root != "" {
		marked := s.remote.logs.recordsWhere(func(r systemlog.NodeRecord) bool {
			return slices.ContainsFunc(r.Passport[:], func(p string) bool { return strings.EqualFold(p, c.remote.root) })
		})
		if len(marked) > 0 {
			return marked, nil
		}
	}
	line := c.Lines[len(c.Lines)-1]
	near := s.remote.logs.recordsWhere(func(r systemlog.NodeRecord) bool {
		apart := r.Time.Sub(line.Time)
		return r.Node == line.Node && r.Passport[0] == "" && apart >= -tolerance && apart <= line.Duration+tolerance
	})
	threads := map[string][]systemlog.NodeRecord{}
	for _, r := range near {
		threads[r.Thread] = append(threads[r.Thread], r)
	}
	if len(threads) <= 1 {
		return near, nil
	}
	var ours [][]systemlog.NodeRecord
	for _, records := range threads {
		if slices.ContainsFunc(records, func(r systemlog.NodeRecord) bool { return about(c, r) }) {
			ours = append(ours, records)
		}
	}
	switch len(ours) {
	case 0:
		return nil, nil
	case 1:
		return ours[0], nil
	}
	return nil, &FaultError{"finding the trace records of a call", errors.New("several calls at the same second left the same records on the same node: run with fewer scenarios at once (--concurrency 1)")}
}

// about tells whether a record names what the call sent: the subject of its certificate, or its
// user.
func about(c *Call, r systemlog.NodeRecord) bool {
	if dn, ok := systemlog.ParseCertificateReceived(r.Text); ok {
		return len(c.Result.Sent) > 0 && dn == traceDN(c.Result.Sent[0])
	}
	user := c.Lines[len(c.Lines)-1].User
	return user != "" && strings.Contains(r.Text, user)
}

func traceDN(der []byte) string {
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return ""
	}
	return pki.TraceDN(c.RawSubject)
}

func (s *remoteSession) LinesOfDay(context.Context, string) (lines, files int, err error) {
	return 0, 0, &UnsupportedError{Feature: AccessLog, Reason: "others call the target too: the lines of a whole day are counted in the embedded simulator only"}
}

func (s *remoteSession) TraceFiles(context.Context) ([]string, error) {
	return nil, &UnsupportedError{Feature: Trace, Reason: "others call the target too: whether there is any trace file is looked at in the embedded simulator only"}
}
