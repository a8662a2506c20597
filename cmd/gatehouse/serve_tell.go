package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/journey"
)

// teller tells what happens in a landscape: in text for people, or one JSON object a line for
// programs. Many may tell at once.
type teller struct {
	// faults takes what goes wrong inside; it goes to the standard error.
	faults *slog.Logger
	// explain says below the line of a refused call what is wrong and what to do; nil: nothing.
	explain func(journey.Journey) string

	mu     sync.Mutex
	out    io.Writer
	stderr io.Writer
	events *slog.Logger // nil: text
	failed *checkedWriter
}

func newTeller(cmd *cobra.Command, f format) *teller {
	t := &teller{out: cmd.OutOrStdout(), stderr: cmd.ErrOrStderr()}
	warn := &slog.HandlerOptions{Level: slog.LevelWarn}
	if f != jsonFormat {
		t.faults = slog.New(slog.NewTextHandler(t.stderr, warn))
		return t
	}
	t.faults = slog.New(slog.NewJSONHandler(t.stderr, warn))
	t.failed = &checkedWriter{Writer: t.out}
	t.events = slog.New(slog.NewJSONHandler(t.failed, nil))
	return t
}

// say tells something, in one form or the other.
func (t *teller) say(text func() string, event string, attributes ...slog.Attr) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.events == nil {
		return show(t.out, text())
	}
	t.events.LogAttrs(context.Background(), slog.LevelInfo, event, attributes...)
	return written(t.failed.err)
}

// started tells where the landscape can be called.
func (t *teller) started(o serveOptions, sim *simulator.Simulator, behind *simulator.Behind, l simulator.Landscape, keys keyFolder, logs, metrics string) error {
	hosts := []string{sim.Host()}
	for _, d := range l.LoadBalancer.Domains {
		hosts = append(hosts, d.Host)
	}
	return t.say(func() string { return banner(o, sim, behind, l, keys, logs, metrics) }, "started",
		slog.String("file", o.file), slog.String("address", sim.Address()), slog.String("management", sim.ManagementURL()), slog.Any("hosts", hosts),
		slog.String("keys", keys.dir), slog.String("root", keys.root()), slog.String("logs", logs), slog.String("metrics", metrics))
}

// call tells of a call. What a caller chose is made printable, and bounded.
func (t *teller) call(j journey.Journey) error {
	return t.say(func() string {
		if t.explain == nil {
			return callLine(j)
		}
		return callLine(j) + t.explain(j)
	}, "call", callAttributes(j)...)
}

func callAttributes(j journey.Journey) []slog.Attr {
	out := []slog.Attr{
		slog.String("id", j.ID), slog.Time("began", j.Started.UTC()), slog.Int64("took_ms", j.Ended.Sub(j.Started).Milliseconds()),
		slog.String("from", j.Client), slog.String("host", shown(j.Host)), slog.String("method", shown(j.Method)), slog.String("path", shown(j.Path)),
		slog.Int("status", j.Status), slog.Bool("let_in", j.Succeeded()), slog.String("user", shown(j.User)), slog.String("node", j.Node),
		slog.String("tls", j.TLS.Version), slog.Bool("certificate", j.Verification.Presented),
	}
	if j.Verification.Presented {
		out = append(out, slog.String("subject", shown(j.Verification.SenderSubject)), slog.Int("verify_result", j.Verification.Code))
	}
	if cause, refused := j.Cause(); refused {
		out = append(out, slog.String("station", string(cause.Station)), slog.String("reason", string(cause.Reason)),
			slog.String("requirement", j.Requirement()), slog.String("decided", shown(cause.Decided)), slog.String("fix", shown(cause.Remedy())))
	}
	return out
}

// namesOf is a list of names that is a list for programs even if it is empty.
func namesOf(key string, list []string) slog.Attr {
	return slog.Any(key, append([]string{}, list...))
}

// reloaded tells that the document was taken over.
func (t *teller) reloaded(file string, r simulator.Reloaded) {
	t.forgive(t.say(func() string {
		text := fmt.Sprintf("%s was reloaded: %d certificates kept", file, len(r.Kept))
		if len(r.Minted) > 0 {
			text += ", minted: " + listed(r.Minted)
		}
		if len(r.Gone) > 0 {
			text += ", gone: " + listed(r.Gone)
		}
		return text + "\n"
	}, "reloaded", slog.String("file", file), namesOf("kept", r.Kept), namesOf("minted", r.Minted), namesOf("gone", r.Gone)))
}

// notReloaded tells that the document was refused; each line of text begins with its position.
func (t *teller) notReloaded(file string, err error) {
	if t.events != nil {
		t.faults.Error("not reloaded; the landscape goes on as it was", "file", file, "problems", strings.Split(err.Error(), "\n"))
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	_, _ = fmt.Fprintf(t.stderr, "%s was not reloaded, the landscape goes on as it was:\n%s\n", file, printableLines(err.Error()))
}

// stopped is the last word.
func (t *teller) stopped(calls int) error {
	return t.say(func() string { return fmt.Sprintf("stopped after %d calls\n", calls) }, "stopped", slog.Int("calls", calls))
}

// forgive notes an error of output where nobody waits for it; the next call ends the command.
func (t *teller) forgive(err error) {
	if err != nil {
		t.faults.Warn("the output cannot be written", "error", err)
	}
}
