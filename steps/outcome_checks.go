package steps

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/steps/target"
)

func (w *world) alert(ctx context.Context, side, name string) error {
	c, err := w.last(ctx)
	if err != nil {
		return err
	}
	if _, known := journey.AlertNumber(name); !known {
		return fmt.Errorf("there is no TLS alert %q", name)
	}
	a := c.Result.Alert
	if a == nil || string(a.From) != side || a.Name != name || c.Result.Status != 0 {
		found := "no alert"
		if a != nil {
			found = a.String()
		}
		return c.differs(fmt.Sprintf("the alert %s from the %s and no HTTP answer", name, side), fmt.Sprintf("%s, HTTP %d", found, c.Result.Status))
	}
	return nil
}

func (w *world) header(ctx context.Context, name, how, want string) error {
	c, err := w.last(ctx)
	if err != nil {
		return err
	}
	got := c.Result.Header.Get(name)
	if (how == "is" && got != want) || (how == "contains" && !containsText(got, want)) {
		return c.differs(fmt.Sprintf("a header %s that %s %q", name, how, want), strconv.Quote(got))
	}
	return nil
}

// flowSaw returns the values of a header that reached the flow, as the flow's own answer to a GET
// tells them.
func (c *call) flowSaw(name string) ([]string, error) {
	var told struct {
		Headers map[string][]string `json:"headers"`
	}
	if err := json.Unmarshal(c.Result.Body, &told); err != nil || told.Headers == nil {
		return nil, c.differs("an answer that tells what reached the flow, as an echo flow gives to GET", describeEnd(c))
	}
	for got, values := range told.Headers {
		if strings.EqualFold(got, name) {
			return values, nil
		}
	}
	return nil, nil
}

func (w *world) flowHeader(ctx context.Context, sees, name string) error {
	c, err := w.last(ctx)
	if err != nil {
		return err
	}
	values, err := c.flowSaw(name)
	if err != nil {
		return err
	}
	if (len(values) > 0) != (sees == "sees") {
		return c.differs(fmt.Sprintf("a flow that %s the header %s", sees, name), fmt.Sprintf("%q", values))
	}
	return nil
}

func (w *world) flowCertificate(ctx context.Context, name string) error {
	c, err := w.last(ctx)
	if err != nil {
		return err
	}
	a, err := w.holder(name)
	if err != nil {
		return err
	}
	values, err := c.flowSaw("SSL_CLIENT_CERT")
	if err != nil {
		return err
	}
	if want := base64Of(a.keystore.Certificate); !slices.Equal(values, []string{want}) {
		return c.differs("the certificate of "+name+" once", fmt.Sprintf("%.200q", values))
	}
	return nil
}

func (w *world) lastCalls(n int) ([]*call, error) {
	if n < 1 || n > len(w.calls) {
		return nil, fmt.Errorf("%d calls were made, expected at least %d", len(w.calls), n)
	}
	return w.calls[len(w.calls)-n:], nil
}

func (w *world) spread(ctx context.Context, n int, good func(int) bool, want string) error {
	calls, err := w.lastCalls(n)
	if err != nil {
		return err
	}
	nodes := map[string]int{}
	for _, c := range calls {
		if err := w.observe(ctx, c, target.AccessLog); err != nil {
			return err
		}
		if c.Journey.Node == "" {
			return c.differs("a call that a node answers", describeEnd(c))
		}
		nodes[c.Journey.Node]++
	}
	if !good(len(nodes)) {
		return mismatch(fmt.Sprintf("%d calls on %s", n, want), fmt.Sprintf("%v", nodes))
	}
	return nil
}

func (w *world) someRefused(ctx context.Context, n, of int, reason string) error {
	calls, err := w.lastCalls(of)
	if err != nil {
		return err
	}
	refused := 0
	for _, c := range calls {
		if err := w.observe(ctx, c, target.Stations); err != nil {
			return err
		}
		cause, bad := c.Journey.Cause()
		switch {
		case bad && string(cause.Reason) == reason:
			refused++
		case !isLetIn(c):
			return c.differs("a call that is let in or refused because of "+reason, describeEnd(c))
		}
	}
	if refused != n {
		return mismatch(fmt.Sprintf("%d of %d calls refused because of %q", n, of, reason), strconv.Itoa(refused))
	}
	return nil
}
