package reproduction

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"example.com/gatehouse/simulator/systemlog"
)

// Shown is what evidence shows of a call, as far as it can be compared.
type Shown struct {
	// Status is the HTTP status; 0 if it is not known.
	Status int `json:"status,omitempty"`
	// Line tells that an access log line is there; then User ("-" for none) and Request count.
	Line    bool   `json:"line"`
	User    string `json:"user,omitempty"`
	Request string `json:"request,omitempty"`
	// NoLine tells that the access logs are there and hold no line of the call.
	NoLine bool `json:"noLine,omitempty"`
	// NoAnswer tells that the sender's client says that none came.
	NoAnswer bool `json:"noAnswer,omitempty"`
	// Trace tells that the trace is there; then Texts, those of confirmed wording, count.
	Trace bool     `json:"trace"`
	Texts []string `json:"texts,omitempty"`
}

// Shows is what the evidence shows of the call that is reproduced. Nothing of it is known for a
// cause by its name.
func (r *Reproduction) Shows() Shown {
	k := r.Known
	s := Shown{Status: k.Status, Line: k.Logged, NoAnswer: k.NoAnswer, Trace: k.Traced && k.Logged, Texts: k.Texts}
	if k.Logged {
		s.User = or(k.User, "-")
		if k.Path != "" {
			s.Request = strings.TrimSpace(k.Method + " " + k.Path)
		}
	} else {
		s.NoLine = k.LogsRead && k.Evidence && k.Status == 0 // a line of an answered call is only missing
	}
	return s
}

// Seen is what a call of the landscape left.
type Seen struct {
	// Answer is the HTTP status that the sender saw; 0 if none came.
	Answer int
	// Lines are access log lines, Records trace records, as they stand there.
	Lines, Records []string
}

// Shown is what can be compared of it: the line of the request that failed, and all records.
func (s Seen) Shown() Shown {
	out := Shown{Status: s.Answer, NoLine: len(s.Lines) == 0, Trace: true}
	for _, text := range s.Lines {
		l, err := systemlog.ParseAccessLine(text)
		if err != nil || out.Line && l.Status < 400 {
			continue
		}
		path, _, _ := strings.Cut(l.URI, "?")
		out.Line, out.Status, out.User, out.Request = true, l.Status, or(l.User, "-"), l.Method+" "+path
		if l.Status >= 400 {
			break
		}
	}
	for _, text := range s.Records {
		if r, err := systemlog.ParseTraceRecord(text); err == nil && confirmed(r.Text) {
			out.Texts = append(out.Texts, r.Text)
		}
	}
	return out
}

// Comparison is one thing that the evidence shows, beside what the landscape did.
type Comparison struct {
	What       string `json:"what"`
	Evidence   string `json:"evidence"`
	Reproduced string `json:"reproduced"`
	Agrees     bool   `json:"agrees"`
}

// expected lists what is compared.
func (s Shown) expected() []Comparison {
	var out []Comparison
	if s.Status != 0 {
		out = append(out, Comparison{What: "status", Evidence: strconv.Itoa(s.Status)})
	}
	if s.Line {
		out = append(out, Comparison{What: "user column", Evidence: s.User})
		if s.Request != "" {
			out = append(out, Comparison{What: "request", Evidence: s.Request})
		}
	}
	if s.NoAnswer {
		out = append(out, Comparison{What: "answer", Evidence: "none"})
	}
	if s.NoLine {
		out = append(out, Comparison{What: "access log", Evidence: "no line of the call"})
	}
	if s.Trace {
		for _, text := range s.Texts {
			out = append(out, Comparison{What: "trace", Evidence: readable(text)})
		}
		if len(s.Texts) == 0 {
			out = append(out, Comparison{What: "trace", Evidence: "no record of a certificate that was refused"})
		}
	}
	return out
}

// Compare lays what the evidence shows beside what a call of the landscape left. What the evidence
// does not tell is not compared.
func Compare(evidence Shown, seen Shown) []Comparison {
	out := evidence.expected()
	var unmatched []string
	for _, text := range seen.Texts {
		if !slices.ContainsFunc(evidence.Texts, func(e string) bool { return sameText(e, text) }) {
			unmatched = append(unmatched, readable(text))
		}
	}
	for i := range out {
		c := &out[i]
		switch c.What {
		case "status":
			c.Reproduced = "no answer"
			if seen.Status != 0 {
				c.Reproduced = strconv.Itoa(seen.Status)
			}
			c.Agrees = seen.Status == evidence.Status
		case "user column":
			c.Reproduced, c.Agrees = or(seen.User, "no line"), seen.Line && seen.User == evidence.User
		case "request":
			c.Reproduced, c.Agrees = or(seen.Request, "no line"), seen.Request == evidence.Request
		case "answer":
			c.Reproduced, c.Agrees = "none", seen.Status == 0
			if seen.Status != 0 {
				c.Reproduced = fmt.Sprintf("HTTP %d", seen.Status)
			}
		case "access log":
			c.Reproduced, c.Agrees = "no line of the call", seen.NoLine
			if !seen.NoLine {
				c.Reproduced = fmt.Sprintf("a line with the status %d", seen.Status)
			}
		case "trace":
			c.Reproduced, c.Agrees = c.Evidence, slices.ContainsFunc(seen.Texts, func(t string) bool { return readable(t) == c.Evidence || anySame(evidence.Texts, t, c.Evidence) })
			if len(evidence.Texts) == 0 {
				c.Agrees = len(seen.Texts) == 0
			}
			if !c.Agrees {
				c.Reproduced = or(strings.Join(unmatched, "; "), "no such record")
			}
		}
	}
	if evidence.Trace && len(evidence.Texts) > 0 && len(seen.Texts) > len(evidence.Texts) {
		out = append(out, Comparison{What: "trace", Evidence: "no other record", Reproduced: or(strings.Join(unmatched, "; "), "more records")})
	}
	return out
}

// anySame tells whether a text of the evidence that reads so is the same as the one that was seen.
func anySame(texts []string, seen, reads string) bool {
	return slices.ContainsFunc(texts, func(e string) bool { return readable(e) == reads && sameText(e, seen) })
}

// sameText compares two confirmed texts; DNs in them may be written in different ways.
func sameText(a, b string) bool {
	if a == b {
		return true
	}
	x, ok1 := systemlog.ParseCertificateReceived(a)
	y, ok2 := systemlog.ParseCertificateReceived(b)
	if ok1 && ok2 {
		return sameDN(x, y)
	}
	xs, xi, ok1 := systemlog.ParseNotInTable(a)
	ys, yi, ok2 := systemlog.ParseNotInTable(b)
	return ok1 && ok2 && sameDN(xs, ys) && sameDN(xi, yi)
}

// readable shows a confirmed text with its DN in clear.
func readable(text string) string {
	if dn, ok := systemlog.ParseCertificateReceived(text); ok {
		return "client certificate received at load balancer: " + dn + " (in Base64)"
	}
	return text
}

// Agree tells whether everything agrees.
func Agree(all []Comparison) bool {
	return !slices.ContainsFunc(all, func(c Comparison) bool { return !c.Agrees })
}
