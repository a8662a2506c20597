package main

import (
	"fmt"
	"net"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"example.com/gatehouse/simulator/receiver"
)

// receiveBanner says where the sender has to call, and what it must trust.
func receiveBanner(r *receiver.Receiver, config receiver.Config, keys string, temporary bool, hosts []string) string {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "  %s%s\n", heading.Render(fmt.Sprintf("%-9s", name)), clean(fmt.Sprintf(format, args...)))
	}
	fmt.Fprintf(&b, "Waiting for calls on %s; Ctrl-C ends it.\n\n", r.Addr())
	name := "URLs"
	port := portOf(r.Addr())
	for _, host := range append([]string{"localhost"}, hosts...) {
		line(name, "https://%s/http/orders", net.JoinHostPort(host, port))
		name = ""
	}
	root := receiver.RootFile(keys)
	if temporary {
		line("root", "%s (removed at the end; keep it with --keys)", root)
	} else {
		line("root", "%s", root)
	}
	line("", "the sender must trust it; the key beside it is for this machine only")
	against := config.Against
	if !config.At.IsZero() {
		against += ", on " + config.At.UTC().Format("2 January 2006, 15:04:05 UTC")
	}
	line("trust", "%s", against)
	fmt.Fprintf(&b, "\nFor instance:\n\n  %s\n\n", strings.Join([]string{"curl", "--cacert", shellQuote(root),
		"--cert", "chain.pem", "--key", "sender.key", "-d", "x", "https://localhost:" + port + "/http/orders"}, " "))
	return b.String()
}

// marks are how points of the checklist are shown.
var marks = map[receiver.Mark]struct {
	text  string
	style lipgloss.Style
}{
	receiver.Good:    {"ok", good},
	receiver.Note:    {"note", faint},
	receiver.Warning: {"warn", heading},
	receiver.Bad:     {"BAD", bad},
	receiver.Open:    {"?", faint},
}

// receivedText is the checklist of one call.
func receivedText(c receiver.Call) string {
	var b strings.Builder
	verdict := bad.Render("refused")
	switch {
	case c.Accepted && c.Ping:
		verdict = good.Render("accepted (a ping)")
	case c.Accepted:
		verdict = good.Render("accepted")
	case c.Ended != receiver.Answered:
		verdict = bad.Render("ended " + string(c.Ended))
	}
	what := ""
	if c.Request.Method != "" {
		what = "  " + shown(c.Request.Method) + " " + shown(c.Request.Path)
	}
	fmt.Fprintf(&b, "%s  %s  %s%s\n", heading.Render(fmt.Sprintf("call %d", c.Number)), c.At.UTC().Format(time.RFC3339), verdict, what)
	from := shown(c.From)
	if agent := c.Request.UserAgent; agent != "" {
		from += ", " + shown(agent)
	}
	fmt.Fprintf(&b, "  from %s\n", from)
	for _, one := range c.Checks {
		mark := marks[one.Mark]
		label := one.Point
		if one.Certificate > 0 {
			label = fmt.Sprintf("%s %d", one.Point, one.Certificate)
		}
		fmt.Fprintf(&b, "  %s %-16s %s\n", mark.style.Render(fmt.Sprintf("%-4s", mark.text)), label, long(one.Found))
		if one.Todo != "" {
			fmt.Fprintf(&b, "       %-16s → %s\n", "", long(one.Todo))
		}
	}
	b.WriteString("\n  The real tenant would answer and log:\n")
	for _, o := range c.Outcomes {
		b.WriteString(outcomeText(o))
	}
	if len(c.Hints) > 0 {
		b.WriteString("\n  What to change in the sender:\n")
	}
	about := ""
	for _, h := range c.Hints {
		if h.About != about {
			fmt.Fprintf(&b, "    %s\n", h.About)
			about = h.About
		}
		fmt.Fprintf(&b, "      %-11s %s\n", h.System, long(h.Text))
	}
	b.WriteByte('\n')
	return b.String()
}

func outcomeText(o receiver.Outcome) string {
	var b strings.Builder
	if o.Status == 0 {
		return fmt.Sprintf("    no HTTP answer, no line in the access log and none in the trace\n      when      %s\n", long(o.When))
	}
	reason := ""
	if o.Reason != "" {
		reason = ", " + string(o.Reason)
	}
	fmt.Fprintf(&b, "    HTTP %d, user column %s%s\n      when      %s\n", o.Status, shown(o.User), reason, long(o.When))
	if o.AccessLog != "" {
		fmt.Fprintf(&b, "      access    %s\n", long(o.AccessLog))
	}
	for _, record := range o.Trace {
		fmt.Fprintf(&b, "      trace     %s\n", long(record))
	}
	if o.OwnWords {
		fmt.Fprintf(&b, "                %s\n", faint.Render("(what the logger gatehouse.… writes is in gatehouse's own words: the real text is not published)"))
	}
	return b.String()
}

// long bounds a text that holds names of a caller's choice, and makes it printable.
func long(text string) string { return clean(clip(text, 1500)) }

// receivedEnd is the last line.
func receivedEnd(r received, expected string) string {
	accepted := 0
	for _, c := range r.Calls {
		if c.Accepted {
			accepted++
		}
	}
	text := fmt.Sprintf("%d calls, %d accepted", r.Count, accepted)
	if r.Count == 1 {
		text = fmt.Sprintf("1 call, %d accepted", accepted)
	}
	switch {
	case expected == "":
	case r.Met:
		text += "; " + good.Render("as expected")
	default:
		text += "; " + bad.Render("expected: every one "+expected)
	}
	return text + "\n"
}
