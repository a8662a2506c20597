package steps

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/systemlog"
	"example.com/gatehouse/steps/target"
)

var logSteps = []Definition{
	step("access log", `the access log shows the user "([^"]*)"`, `the access log shows the user "WAREHOUSE"`, "The user column of the call's one line.",
		line(func(c *call, l systemlog.NodeLine, user string) error {
			if orDash(l.User) != user {
				return c.differs("the user column "+user, orDash(l.User))
			}
			return nil
		})).needs(target.AccessLog),
	step("access log", `the access log shows neither certificate nor user`, `the access log shows neither certificate nor user`, "The user column is -, and the line holds nothing of the certificate.",
		func(w *world) any {
			return func(ctx context.Context) error {
				c, l, err := w.oneLine(ctx)
				if err != nil {
					return err
				}
				text := l.AccessLine.String()
				if l.User != "" {
					return c.differs("the user column -", l.User)
				}
				if len(c.Result.Sent) > 0 {
					if cn := commonName(c.Result.Sent[0]); containsText(text, cn) {
						return c.differs("a line without the certificate's names", text)
					}
				}
				return nil
			}
		}).needs(target.AccessLog),
	step("access log", `the access log shows the status (\d+)`, `the access log shows the status 401`, "The status column.",
		line(func(c *call, l systemlog.NodeLine, status string) error {
			if strconv.Itoa(l.Status) != status {
				return c.differs("the status column "+status, strconv.Itoa(l.Status))
			}
			return nil
		})).needs(target.AccessLog),
	step("access log", `the access log shows (-|\d+) bytes`, `the access log shows 5 bytes`, "The bytes column; - stands for no body.",
		line(func(c *call, l systemlog.NodeLine, bytes string) error {
			got := strconv.FormatInt(l.Bytes, 10)
			if l.Bytes < 0 {
				got = "-"
			}
			if got != bytes {
				return c.differs(bytes+" bytes", got)
			}
			return nil
		})).needs(target.AccessLog),
	step("access log", `the access log shows "([^"]*)"`, `the access log shows "POST /http/orders HTTP/1.1"`, "The line as it is written contains this.",
		line(func(c *call, l systemlog.NodeLine, part string) error {
			if !containsText(l.AccessLine.String(), part) {
				return c.differs("a line with "+part, l.AccessLine.String())
			}
			return nil
		})).needs(target.AccessLog),
	step("access log", `the access log shows the sender's address beside the load balancer's`, `the access log shows the sender's address beside the load balancer's`, "The two address columns.",
		func(w *world) any { return w.addresses }).needs(target.AccessLog),
	step("access log", `the access log has no line of the call`, `the access log has no line of the call`, "No node wrote a line.",
		then(func(c *call) error {
			if len(c.Lines) > 0 {
				return c.differs("no line", fmt.Sprintf("%d", len(c.Lines)))
			}
			return nil
		}, target.AccessLog)).needs(target.AccessLog),
	step("access log", `the access log has (\d+) lines? of the call, with the users? "([^"]*)"`, `the access log has 2 lines of the call, with the users "-, erika"`, "The user columns, in the order of the lines.",
		func(w *world) any { return w.users }).needs(target.AccessLog),
	step("access log", `the line stands in the file of the node that answered and in no other`, `the line stands in the file of the node that answered and in no other`, "Each runtime node has its own file for the day.",
		func(w *world) any { return w.rightNode }).needs(target.AccessLog, target.Nodes),
	step("access log", `the access log of the day "([^"]*)" has (\d+) lines?`, `the access log of the day "2026-11-24" has 1 line`, "The files of one day, of all nodes together.",
		func(w *world) any { return w.linesOfDay }).needs(target.AccessLog),
	step("access log", `every runtime node has a line with the status (\d+) for "([^"]*)"`, `every runtime node has a line with the status 200 for "GET /cxf/index.html"`, "What the last step left in each node's log.",
		func(w *world) any { return w.everyNode }).needs(target.AccessLog, target.Nodes),
	step("access log", `every line of the management node has its own host as user and (\d+) bytes`, `every line of the management node has its own host as user and 162 bytes`, "The user column <own host>@<issuer CN> of the lines that the management node left.",
		func(w *world) any {
			return func(ctx context.Context, bytes int) error {
				c, err := w.last(ctx, target.AccessLog)
				if err != nil {
					return err
				}
				for _, l := range c.Lines {
					if !strings.HasPrefix(l.User, w.session.ManagementHost()+"@") || l.Bytes != int64(bytes) {
						return c.differs(fmt.Sprintf("user %s@… and %d bytes", w.session.ManagementHost(), bytes), l.AccessLine.String())
					}
				}
				return nil
			}
		}).needs(target.AccessLog, target.Nodes),
	step("trace", `the trace shows "([^"]*)"`, `the trace shows "OpenSSL verify result code: 20"`, "A trace record of the call contains this, and was written by the node that answered.",
		thenWord(func(c *call, part string) error {
			for _, r := range c.Records {
				if containsText(r.TraceRecord.Text, part) && r.Node == c.Journey.Node && r.TraceRecord.Level == "ERROR" {
					return nil
				}
			}
			return c.differs("an ERROR record with "+part, fmt.Sprintf("%d records", len(c.Records)))
		}, target.Trace)).needs(target.Trace),
	step("trace", `the trace has (\d+) records? of the call`, `the trace has 2 records of the call`, "How many records were written.",
		func(w *world) any {
			return func(ctx context.Context, n int) error {
				c, err := w.last(ctx, target.Trace)
				if err != nil {
					return err
				}
				if len(c.Records) != n {
					return c.differs(fmt.Sprintf("%d records", n), strconv.Itoa(len(c.Records)))
				}
				return nil
			}
		}).needs(target.Trace),
	step("trace", `the trace shows nothing`, `the trace shows nothing`, "No record was written.",
		then(func(c *call) error {
			if len(c.Records) > 0 {
				return c.differs("no trace record", strconv.Itoa(len(c.Records)))
			}
			return nil
		}, target.Trace)).needs(target.Trace),
	step("trace", `the trace shows the subject DN "([^"]*)"`, `the trace shows the subject DN "C=DE, O=Example, CN=warehouse.example"`, "The record of the received certificate, with this subject DN in Base64.",
		thenWord(func(c *call, dn string) error {
			for _, r := range c.Records {
				if r.TraceRecord.Text == systemlog.CertificateReceived(dn) {
					return nil
				}
			}
			return c.differs(systemlog.CertificateReceived(dn), "no such record")
		}, target.Trace)).needs(target.Trace),
	step("trace", `both trace records have the same thread and second`, `both trace records have the same thread and second`, "The two records of a certificate that was not accepted.",
		then(func(c *call) error {
			if len(c.Records) != 2 {
				return c.differs("2 records", strconv.Itoa(len(c.Records)))
			}
			a, b := c.Records[0].TraceRecord, c.Records[1].TraceRecord
			if a.Thread != b.Thread || a.Thread == "" || !a.Time.Equal(b.Time) {
				return c.differs("the same thread and second", fmt.Sprintf("%s %s and %s %s", a.Thread, a.Time, b.Thread, b.Time))
			}
			return nil
		}, target.Trace)).needs(target.Trace),
	step("trace", `there is (no|a) trace file`, `there is no trace file`, "Whether any node has a trace file.",
		func(w *world) any { return w.traceFile }).needs(target.Trace),
}

// oneLine is the one line that the last call left.
func (w *world) oneLine(ctx context.Context) (*call, systemlog.NodeLine, error) {
	c, err := w.last(ctx, target.AccessLog)
	if err != nil {
		return nil, systemlog.NodeLine{}, err
	}
	if len(c.Lines) != 1 {
		return c, systemlog.NodeLine{}, c.differs("one access log line of the call", strconv.Itoa(len(c.Lines)))
	}
	return c, c.Lines[0], nil
}

// line is a step with one word that looks at the one line of the last call.
func line(check func(*call, systemlog.NodeLine, string) error) func(*world) any {
	return func(w *world) any {
		return func(ctx context.Context, word string) error {
			c, l, err := w.oneLine(ctx)
			if err != nil {
				return err
			}
			return check(c, l, word)
		}
	}
}

func orDash(user string) string {
	if user == "" {
		return "-"
	}
	return user
}

func (w *world) addresses(ctx context.Context) error {
	c, l, err := w.oneLine(ctx)
	if err != nil {
		return err
	}
	client, _, err := net.SplitHostPort(c.Result.LocalAddr)
	if err != nil {
		return err
	}
	if l.Client != client || l.LoadBalancer == "" || l.LoadBalancer == client {
		return c.differs("the sender's address "+client+" in brackets", l.AccessLine.String())
	}
	return nil
}

func (w *world) users(ctx context.Context, n int, users string) error {
	c, err := w.last(ctx, target.AccessLog)
	if err != nil {
		return err
	}
	var got []string
	for _, l := range c.Lines {
		got = append(got, orDash(l.User))
	}
	if len(got) != n || strings.Join(got, ", ") != users {
		return c.differs(fmt.Sprintf("%d lines with the users %s", n, users), fmt.Sprintf("%d: %s", len(got), strings.Join(got, ", ")))
	}
	return nil
}

func (w *world) rightNode(ctx context.Context) error {
	c, l, err := w.oneLine(ctx)
	if err != nil {
		return err
	}
	if l.Node == "" || l.Node != c.Journey.Node {
		return c.differs("a line in the file of node "+c.Journey.Node, "node "+l.Node)
	}
	return nil
}

func (w *world) linesOfDay(ctx context.Context, day string, n int) error {
	s, err := w.start(ctx)
	if err != nil {
		return err
	}
	lines, files, err := s.LinesOfDay(ctx, day)
	if err != nil {
		return err
	}
	if lines != n {
		return mismatch(fmt.Sprintf("%d lines in the access logs of %s", n, day), fmt.Sprintf("%d in %d files", lines, files))
	}
	return nil
}

func (w *world) everyNode(ctx context.Context, status int, request string) error {
	c, err := w.last(ctx, target.AccessLog)
	if err != nil {
		return err
	}
	nodes, err := w.session.NodeIDs(ctx)
	if err != nil {
		return err
	}
	for _, node := range nodes {
		found := slices.ContainsFunc(c.Lines, func(l systemlog.NodeLine) bool {
			return l.Node == node && l.Status == status && l.Method+" "+l.URI == request
		})
		if !found {
			return c.differs(fmt.Sprintf("a line %s %d of node %s", request, status, node), "none")
		}
	}
	return nil
}

func (w *world) traceFile(ctx context.Context, which string) error {
	s, err := w.start(ctx)
	if err != nil {
		return err
	}
	files, err := s.TraceFiles(ctx)
	if err != nil {
		return err
	}
	if (len(files) > 0) != (which == "a") {
		return mismatch(which+" trace file", fmt.Sprintf("%d: %s", len(files), journey.Printable(strings.Join(files, ", "))))
	}
	return nil
}

func commonName(der []byte) string {
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return ""
	}
	return pki.CommonName(c.RawSubject)
}
