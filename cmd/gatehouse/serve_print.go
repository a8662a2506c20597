package main

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"strconv"
	"strings"
	"time"

	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/journey"
)

// banner says where the landscape can be called, how, and where its logs are.
func banner(o serveOptions, sim *simulator.Simulator, l simulator.Landscape, keys keyFolder, logs string) string {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "  %s%s\n", heading.Render(fmt.Sprintf("%-9s", name)), fmt.Sprintf(format, args...))
	}
	fmt.Fprintf(&b, "%s is running on %s; Ctrl-C ends it.\n\n", o.file, sim.Address())
	hosts := []string{sim.Host()}
	for _, d := range l.LoadBalancer.Domains {
		hosts = append(hosts, d.Host)
	}
	name := "URLs"
	for _, host := range hosts {
		if len(l.Channels) == 0 {
			line(name, "%s (no channel is deployed)", sim.URLOn(host, "/"))
			name = ""
		}
		for _, c := range l.Channels {
			line(name, "%s", sim.URLOn(host, c.Address))
			name = ""
		}
	}
	line("manage", "%s/api/v1/ (its root: %s)", sim.ManagementURL(), keys.managementRoot())
	line("logs", "%s", logs)
	if keys.temporary {
		line("keys", "%s (removed at the end; keep them with --keys)", keys.dir)
	} else {
		line("keys", "%s", keys.dir)
	}
	if o.state != "" {
		line("state", "%s", stateLine(o.state, sim))
	}
	if len(l.Senders) > 0 {
		line("senders", "%s", strings.Join(senderNames(l), ", "))
	}
	if !l.Clock.IsZero() {
		line("clock", "%s; other clients judge the load balancer's certificate by their own", sim.Clock().Now().UTC().Format(time.RFC3339))
	}
	from, command := curlLine(sim, l, keys)
	fmt.Fprintf(&b, "\nCall it %s:\n\n  %s\n\n", from, command)
	return b.String()
}

// curlLine is a command that calls the first channel: as the first sender that is as it should
// be, or else the first with a key pair, or else without a certificate.
func curlLine(sim *simulator.Simulator, l simulator.Landscape, keys keyFolder) (from, command string) {
	host, port := sim.Host(), strconv.Itoa(sim.Port())
	words := []string{"curl", "-i", "--resolve", host + ":" + port + ":" + reachable(sim.Address()), "--cacert", keys.root()}
	from = "without a certificate"
	if s, ok := ordinarySender(sim, l); ok {
		from = fmt.Sprintf("as %q", s.Name)
		words = append(words, "--cert", keys.chain(s.Certificate), "--key", keys.key(s.Certificate))
	}
	target := firstAddress(l)
	if target == "" {
		target = "/"
	}
	words = append(words, sim.URL(target))
	for i, word := range words {
		words[i] = shellQuote(word)
	}
	return from, strings.Join(words, " ")
}

func ordinarySender(sim *simulator.Simulator, l simulator.Landscape) (best simulator.Sender, found bool) {
	for _, s := range l.Senders {
		c, ok := certificateOf(sim, s)
		if !ok || c.Key() == nil {
			continue
		}
		if (s.Sends == "" || s.Sends == "chain") && len(s.Without) == 0 && s.KeyOf == "" && c.Defect() == "" {
			return s, true
		}
		if !found {
			best, found = s, true
		}
	}
	return best, found
}

// reachable is the host of a listening address as a client on this machine names it.
func reachable(listening string) string {
	host, _, err := net.SplitHostPort(listening)
	if err != nil {
		return listening
	}
	switch ip := net.ParseIP(host); {
	case ip == nil || ip.IsUnspecified():
		return "127.0.0.1"
	case ip.To4() == nil:
		return "[" + host + "]"
	}
	return host
}

// shellQuote quotes a word for the shell, if need be.
func shellQuote(word string) string { return quoteFor(runtime.GOOS, word) }

func quoteFor(system, word string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=@%+,"
	safe := plain
	if system == "windows" {
		safe = strings.ReplaceAll(plain, "%", "") + `\`
	}
	if word != "" && strings.Trim(word, safe) == "" {
		return word
	}
	if system == "windows" {
		return `"` + word + `"`
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// follower prints a line for each call that a journey log gets.
type follower struct {
	log   *journey.Log
	print func(journey.Journey) error

	seen  map[string]bool // ids of what the log kept when it was looked at last
	count int
}

// follow prints until ctx ends.
func (f *follower) follow(ctx context.Context) error {
	for {
		_, ended := f.log.Wait(ctx, func(j journey.Journey) bool { return !f.seen[j.ID] })
		if err := f.flush(); err != nil || ended != nil {
			return err
		}
	}
}

// flush prints what is new.
func (f *follower) flush() error {
	kept := f.log.All()
	seen := make(map[string]bool, len(kept))
	for _, j := range kept {
		seen[j.ID] = true
		if f.seen[j.ID] {
			continue
		}
		f.count++
		if err := f.print(j); err != nil {
			return err
		}
	}
	f.seen = seen
	return nil
}

// maxShown bounds each part of a line that a caller chose, in characters.
const maxShown = 200

// callLine tells of a call on one line: when, who, what, the status, and the cause of a refusal.
func callLine(j journey.Journey) string {
	status, style := "---", bad
	if j.Status != 0 {
		status = strconv.Itoa(j.Status)
	}
	if j.Succeeded() {
		style = good
	}
	who := "no certificate"
	if j.Verification.Presented {
		who = shown(j.Verification.SenderSubject)
	}
	request := "no request"
	if j.Request > 0 {
		request = strings.TrimSpace(shown(j.Method) + " " + shown(j.Path))
	}
	return fmt.Sprintf("%s  %s  %s  %s  %s\n", faint.Render(j.Started.UTC().Format(time.RFC3339)), style.Render(status), who, request, outcome(j))
}

func outcome(j journey.Journey) string {
	cause, refused := j.Cause()
	if !refused {
		if j.User == "" {
			return "let in"
		}
		return "let in as " + shown(j.User)
	}
	reason := string(cause.Reason)
	if id := j.Requirement(); id != "" {
		reason += ", " + id
	}
	return fmt.Sprintf("%s: %s (%s)", cause.Station, shown(cause.Decided), reason)
}

func shown(s string) string { return journey.Printable(clip(s, maxShown)) }
