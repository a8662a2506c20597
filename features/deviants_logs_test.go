package features_test

import (
	"slices"
	"strings"

	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/node"
	"example.com/gatehouse/simulator/systemlog"
)

// log writes to the honest log, but for what is exchanged.
type log struct {
	node.Log
	access func(systemlog.AccessLine) error
	trace  func([]systemlog.TraceRecord) error
}

func (l log) Access(line systemlog.AccessLine) error {
	if l.access != nil {
		return l.access(line)
	}
	return l.Log.Access(line)
}

func (l log) Trace(records ...systemlog.TraceRecord) error {
	if l.trace != nil {
		return l.trace(records)
	}
	return l.Log.Trace(records...)
}

// logging exchanges the logs, each by itself.
func logging(exchange func(*log)) func() simulator.Parts {
	return func() simulator.Parts {
		return simulator.Parts{Logs: func(honest []node.Log) []node.Log {
			out := make([]node.Log, len(honest))
			for i, h := range honest {
				l := log{Log: h}
				exchange(&l)
				out[i] = l
			}
			return out
		}}
	}
}

// lines changes access log lines.
func lines(change func(*systemlog.AccessLine)) func() simulator.Parts {
	return logging(func(l *log) {
		honest := l.Log
		l.access = func(line systemlog.AccessLine) error {
			change(&line)
			return honest.Access(line)
		}
	})
}

// records changes what a call leaves in the trace.
func records(change func([]systemlog.TraceRecord) []systemlog.TraceRecord) func() simulator.Parts {
	return logging(func(l *log) {
		honest := l.Log
		l.trace = func(given []systemlog.TraceRecord) error { return honest.Trace(change(slices.Clone(given))...) }
	})
}

// accessLogDeviants write wrong lines.
func accessLogDeviants() []deviant {
	return []deviant{
		{"logs on the wrong node", "LOG-1", "A call leaves one line in the file of its node", func() simulator.Parts {
			return simulator.Parts{Logs: func(honest []node.Log) []node.Log {
				return append(slices.Clone(honest[1:]), honest[0])
			}}
		}, false},
		{"logs on every node", "LOG-9", "Each node's file holds its own calls only", func() simulator.Parts {
			return simulator.Parts{Logs: func(honest []node.Log) []node.Log {
				out := make([]node.Log, len(honest))
				for i, h := range honest {
					out[i] = log{Log: h, access: func(line systemlog.AccessLine) error {
						for _, every := range honest {
							if err := every.Access(line); err != nil {
								return err
							}
						}
						return nil
					}}
				}
				return out
			}}
		}, false},
		{"logs the common name for the mapped user", "LOG-2", "A mapped certificate stands for its user", lines(func(l *systemlog.AccessLine) {
			if l.User != "" && l.User == strings.ToUpper(l.User) {
				l.User = strings.ToLower(l.User) + ".example"
			}
		}), false},
		{"logs the mapped user without its issuer's name", "LOG-2", "An accepted certificate without a mapping stands for the names of sender and issuer", lines(func(l *systemlog.AccessLine) { l.User, _, _ = strings.Cut(l.User, "@") }), false},
		{"logs the user of a failed logon", "LOG-3", "Every 401 has user - and 5 bytes: unknown user", lines(func(l *systemlog.AccessLine) {
			if l.Status == 401 {
				l.User = "x"
			}
		}), false},
		{"logs no bytes of a 401", "LOG-3", "Every 401 has user - and 5 bytes: no certificate", lines(func(l *systemlog.AccessLine) {
			if l.Status == 401 {
				l.Bytes = 0
			}
		}), false},
		{"logs 0 bytes of a one-way message", "LOG-4", "A one-way 202 has no bytes", lines(func(l *systemlog.AccessLine) { l.Bytes = max(l.Bytes, 0) }), false},
		{"does not log the challenge", "LOG-5", "Waiting for the challenge leaves two lines", logging(func(l *log) {
			honest := l.Log
			l.access = func(line systemlog.AccessLine) error {
				if line.Status == 401 {
					return nil
				}
				return honest.Access(line)
			}
		}), false},
		{"logs each call twice", "LOG-1", "A call leaves one line in the file of its node", logging(func(l *log) {
			honest := l.Log
			l.access = func(line systemlog.AccessLine) error {
				if err := honest.Access(line); err != nil {
					return err
				}
				return honest.Access(line)
			}
		}), false},
		{"logs no query", "LOG-1", "The query of the call stands in the line", lines(func(l *systemlog.AccessLine) { l.URI, _, _ = strings.Cut(l.URI, "?") }), false},
		{"logs another status", "FLW-1", "A flow that answers oneWay gives 202", lines(func(l *systemlog.AccessLine) {
			if l.Status == 202 {
				l.Status = 200
			}
		}), false},
		{"logs no passport", "LOG-6", "With one it holds root context id, transaction id and connection id", lines(func(l *systemlog.AccessLine) { l.Passport = "" }), false},
		{"logs the load balancer's address as the sender's", "LB-12", "The sender's address is passed on", lines(func(l *systemlog.AccessLine) { l.Client = l.LoadBalancer }), false},
		{"keeps log files for ever", "LOG-10", "Log files are kept for 7 days", logging(func(l *log) { l.Log.(*systemlog.Writer).Retain = -1 }), false},
	}
}

// traceDeviants write wrong records.
func traceDeviants() []deviant {
	const leaves = "A certificate that is not accepted leaves two records: expired"
	status := func(r systemlog.TraceRecord) bool { _, ok := systemlog.ParseCertificateStatus(r.Text); return ok }
	received := func(r systemlog.TraceRecord) bool {
		_, ok := systemlog.ParseCertificateReceived(r.Text)
		return ok
	}
	without := func(drop func(systemlog.TraceRecord) bool) func() simulator.Parts {
		return records(func(given []systemlog.TraceRecord) []systemlog.TraceRecord { return slices.DeleteFunc(given, drop) })
	}
	each := func(change func(i int, r *systemlog.TraceRecord)) func() simulator.Parts {
		return records(func(given []systemlog.TraceRecord) []systemlog.TraceRecord {
			for i := range given {
				change(i, &given[i])
			}
			return given
		})
	}
	return []deviant{
		{"leaves the trace out", "TRC-1", leaves, logging(func(l *log) { l.trace = func([]systemlog.TraceRecord) error { return nil } }), false},
		{"traces no subject DN", "TRC-1", leaves, without(received), false},
		{"traces no verify result", "TRC-1", leaves, without(status), false},
		{"traces another code", "TRC-1", leaves, each(func(_ int, r *systemlog.TraceRecord) {
			if status(*r) {
				r.Text = systemlog.CertificateStatus(21)
			}
		}), false},
		{"traces the subject DN in plain text", "TRC-5", "The subject DN stands in the order of the certificate", each(func(_ int, r *systemlog.TraceRecord) {
			if dn, ok := systemlog.ParseCertificateReceived(r.Text); ok {
				r.Text = "client certificate received at load balancer: " + dn
			}
		}), false},
		{"traces a pair in two threads", "TRC-2", "The two records belong together", each(func(i int, r *systemlog.TraceRecord) { r.Thread += strings.Repeat("1", i) }), false},
		{"traces no errors but INFO", "TRC-1", leaves, each(func(_ int, r *systemlog.TraceRecord) { r.Level = "INFO" }), false},
		{"traces calls that went well", "TRC-3", "Without errors there is no trace file", logging(func(l *log) {
			honest := l.Log
			l.access = func(line systemlog.AccessLine) error {
				if line.Status == 200 {
					if err := honest.Trace(systemlog.TraceRecord{Text: "processed"}); err != nil {
						return err
					}
				}
				return honest.Access(line)
			}
		}), false},
		{"does not trace a failed logon", "TRC-4", "A failed logon is traced with the user", without(func(r systemlog.TraceRecord) bool { return strings.Contains(r.Text, "Basic") }), false},
		{"does not trace a missing role", "TRC-4", "Without the role the call gets 403", without(func(r systemlog.TraceRecord) bool { return strings.Contains(r.Text, "does not have role") }), false},
		{"words the record of the table as it likes", "CHN-8", "DNs that are not in the table get 403 and one trace record", each(func(_ int, r *systemlog.TraceRecord) {
			if _, _, ok := systemlog.ParseNotInTable(r.Text); ok {
				r.Text = "not in the table"
			}
		}), false},
	}
}
