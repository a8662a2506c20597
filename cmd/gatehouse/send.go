package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/diagnosis"
	"example.com/gatehouse/simulator/document"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/sender"
)

// maxBody bounds what --data reads. It is more than any channel takes, so that a body that is too
// large can be tried.
const maxBody = 1 << 30

type sendOptions struct {
	file, to, method, data, host string
	headers                      []string
	explain                      bool
	output                       format
}

func newSend() *cobra.Command {
	var o sendOptions
	cmd := &cobra.Command{
		Use:   "send SENDER",
		Short: "Lets one sender call, and tells of the call station by station",
		Long: `Starts the landscape within this process, lets one of its senders call once over TLS, and tells what
each station saw and decided. The exit code is 0 if the call was let in and 1 if it was refused.`,
		Example: `  gatehouse send warehouse
  gatehouse send warehouse --to /http/orders --data @order.xml --header 'Content-Type: application/xml'`,
		Args:              arguments(1, 1, "which sender? expected the name of one of the landscape's senders"),
		RunE:              classified(func(cmd *cobra.Command, args []string) error { return o.run(cmd, args[0]) }),
		ValidArgsFunction: names(senderNames),
	}
	fileFlag(cmd, &o.file)
	flags := cmd.Flags()
	flags.StringVar(&o.to, "to", "", "the path to call (default: the address of the first channel)")
	flags.StringVarP(&o.method, "method", "X", "", "the HTTP method (default: GET, or POST with --data)")
	flags.StringVarP(&o.data, "data", "d", "", "the message, or @FILE to read it from a file, @- from the standard input")
	flags.StringArrayVarP(&o.headers, "header", "H", nil, "a header 'Name: value' (may be repeated)")
	flags.StringVar(&o.host, "host", "", "the host to call, one of the landscape's custom domains (default: the tenant's own)")
	flags.BoolVar(&o.explain, "explain", false, "diagnose a refused call: causes, what points to them, and what to change")
	outputFlag(cmd, &o.output)
	return cmd
}

func (o sendOptions) run(cmd *cobra.Command, from string) error {
	l, err := readLandscape(o.file)
	if err != nil {
		return err
	}
	call, err := o.call(cmd, l)
	if err != nil {
		return err
	}
	if known := senderNames(l); !slices.Contains(known, from) {
		return invocation("no sender of %s is called %q%s; there is %s", o.file, from, document.DidYouMean(from, known), orNone(known))
	}
	// The document's address may be in use by a "gatehouse serve".
	l.LoadBalancer.Listen = ""
	// Management calls would only stand in the way of the one that is told of.
	l.Tenant.ManagementCalls = false
	sim, err := simulator.Start(cmd.Context(), l, simulator.Options{})
	if err != nil {
		return startFailed(cmd, err)
	}
	outcome, err := o.send(cmd, sim, l, from, call)
	why := diagnosisOf(sim, outcome.Journey, o.explain && err == nil)
	if closing := sim.Close(); err == nil && closing != nil {
		err = closing
	}
	if err != nil {
		return err
	}
	if err := o.show(cmd.OutOrStdout(), outcome.Journey, why); err != nil {
		return err
	}
	if !outcome.Journey.Succeeded() {
		return &failure{code: exitFailed}
	}
	return nil
}

func (o sendOptions) send(cmd *cobra.Command, sim *simulator.Simulator, l simulator.Landscape, from string, call sender.Call) (simulator.Outcome, error) {
	host := sim.Host()
	if o.host != "" {
		known := []string{host}
		for _, d := range l.LoadBalancer.Domains {
			known = append(known, d.Host)
		}
		at := slices.IndexFunc(known, func(k string) bool { return strings.EqualFold(k, o.host) })
		if at < 0 {
			return simulator.Outcome{}, invocation("--host: the landscape has no host %q%s; it has %s", o.host, document.DidYouMean(o.host, known), orNone(known))
		}
		host = known[at]
	}
	call.URL = sim.URLOn(host, o.target(l))
	outcome, err := sim.Send(cmd.Context(), from, call)
	switch {
	case cmd.Context().Err() != nil:
		return outcome, unreachable("interrupted: the call of %q was not waited for", from)
	case err != nil:
		return outcome, invocation("the call cannot be made: %w", err)
	case outcome.Result.Answered() && outcome.Journey.ID == "":
		return outcome, errors.New("the call was answered, but there is no record of it")
	}
	return outcome, nil
}

// call makes the call of the flags, all but its URL.
func (o sendOptions) call(cmd *cobra.Command, l simulator.Landscape) (sender.Call, error) {
	call := sender.Call{Method: o.method, Header: http.Header{}}
	if target := o.target(l); target == "" {
		return call, invocation("%s has no channel to call: name a path with --to", o.file)
	} else if !strings.HasPrefix(target, "/") {
		return call, invocation("--to: found %q, expected a path that begins with / such as /http/orders", o.to)
	}
	if strings.ContainsFunc(o.method, func(r rune) bool { return !isTokenRune(r) }) {
		return call, invocation("--method: found %q, expected an HTTP method such as POST", o.method)
	}
	for _, line := range o.headers {
		name, value, ok := strings.Cut(line, ":")
		if !ok || name == "" || strings.ContainsFunc(name, func(r rune) bool { return !isTokenRune(r) }) {
			return call, invocation("--header: expected 'Name: value', with a name of letters, digits and hyphens before the colon")
		}
		if strings.ContainsAny(value, "\r\n\x00") {
			return call, invocation("--header: the value of %s has a line end in it, expected one line", name)
		}
		call.Header[name] = append(call.Header[name], strings.TrimSpace(value))
	}
	if !cmd.Flags().Changed("data") {
		return call, nil
	}
	file, isFile := strings.CutPrefix(o.data, "@")
	var err error
	switch {
	case !isFile:
		call.Body = []byte(o.data)
	case file == "-":
		call.Body, err = readAll(cmd.InOrStdin(), "the standard input", maxBody)
	default:
		call.Body, err = readFile(file, maxBody)
	}
	if err != nil {
		return call, invocation("--data: %w", err)
	}
	return call, nil
}

// isTokenRune tells what may stand in a method or a header name: token of RFC 9110, section 5.6.2.
func isTokenRune(r rune) bool {
	return r < 0x7f && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("!#$%&'*+-.^_`|~", r))
}

// target is the path to call; empty if there is none.
func (o sendOptions) target(l simulator.Landscape) string {
	if o.to != "" {
		return o.to
	}
	return firstAddress(l)
}

// firstAddress is the path of the first channel; empty if there is none.
func firstAddress(l simulator.Landscape) string {
	if len(l.Channels) == 0 {
		return ""
	}
	return strings.TrimSuffix(l.Channels[0].Address, "/*")
}

func (o sendOptions) show(w io.Writer, j journey.Journey, why *diagnosis.Case) error {
	if o.output == jsonFormat {
		if o.explain {
			return showJSON(w, explained{Journey: j, Diagnosis: why})
		}
		return showJSON(w, j)
	}
	var b bytes.Buffer
	if err := journey.WriteText(&b, j); err != nil {
		return fmt.Errorf("telling of the call: %w", err)
	}
	text := painted(b.String(), j)
	if why != nil {
		text += "\n" + explanation(*why)
	}
	return show(w, text)
}

// painted colours the verdicts in what journey.WriteText wrote, one line a station.
func painted(text string, j journey.Journey) string {
	styles := map[journey.Verdict]func(...string) string{
		journey.Passed: good.Render, journey.Answered: good.Render, journey.Refused: bad.Render, journey.Withheld: bad.Render,
	}
	lines := strings.SplitAfter(text, "\n")
	for i, station := range journey.Stations() {
		stop, ok := j.At(station)
		if !ok || i >= len(lines) {
			continue
		}
		if style, ok := styles[stop.Verdict]; ok {
			lines[i] = strings.Replace(lines[i], " "+string(stop.Verdict)+" ", " "+style(string(stop.Verdict))+" ", 1)
		}
	}
	return strings.Join(lines, "")
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
