package steps

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"example.com/gatehouse/simulator/document"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/steps/target"
)

var outcomeSteps = []Definition{
	step("outcome", `the call is let in`, `the call is let in`, "An HTTP status below 300, and no station refused the call.",
		then(func(c *call) error {
			if !isLetIn(c) {
				return c.differs("a call that is let in", describeEnd(c))
			}
			return nil
		})),
	step("outcome", `the call is not let in`, `the call is not let in`, "An HTTP status of 300 or more, or no answer.",
		then(func(c *call) error {
			if isLetIn(c) {
				return c.differs("a call that is not let in", describeEnd(c))
			}
			return nil
		})),
	step("outcome", `the call is let in as "([^"]*)"`, `the call is let in as "WAREHOUSE"`, "Let in, with this principal.",
		thenWord(func(c *call, user string) error {
			if !isLetIn(c) || c.Journey.User != user {
				return c.differs(fmt.Sprintf("a call that is let in as %q", user), describeEnd(c))
			}
			return nil
		}, target.AccessLog)).needs(target.AccessLog),
	step("outcome", `the call is refused at the (sender|load balancer|runtime node|endpoint|channel authorization|flow) because of "([^"]*)"`, `the call is refused at the runtime node because of "no-identity"`, "The station to which the call owes its refusal, and the reason (see the list of reasons).",
		func(w *world) any {
			return func(ctx context.Context, station, reason string) error { return w.refused(ctx, station, reason) }
		}).needs(target.Stations),
	step("outcome", `the call is refused at the load balancer with verify result (\d+)`, `the call is refused at the load balancer with verify result 20`, "The load balancer did not accept the certificate, and this is OpenSSL's number for the reason.",
		func(w *world) any { return w.refusedWith }).needs(target.Stations),
	step("outcome", `the call ends at the (sender|load balancer|runtime node|endpoint|channel authorization|flow) because of "([^"]*)"`, `the call ends at the load balancer because of "request-timeout"`, "The last station of the call, whatever was the cause before.",
		func(w *world) any {
			return func(ctx context.Context, station, reason string) error {
				c, err := w.last(ctx, target.Stations)
				if err != nil {
					return err
				}
				if end, ok := c.Journey.End(); !ok || string(end.Station) != station || string(end.Reason) != reason {
					return c.differs(fmt.Sprintf("an end at the %s because of %q", station, reason), fmt.Sprintf("%s because of %q", end.Station, end.Reason))
				}
				return nil
			}
		}).needs(target.Stations),
	step("outcome", `the verify result is (\d+) at depth (\d+)`, `the verify result is 20 at depth 0`, "The load balancer's verify result and the depth of the certificate at fault.",
		func(w *world) any {
			return func(ctx context.Context, code, depth int) error {
				c, err := w.last(ctx, target.Stations)
				if err != nil {
					return err
				}
				v := c.Journey.Verification
				if v.DepthUnknown && v.Code == code {
					return &target.UnsupportedError{Feature: target.Stations, Reason: "nobody tells at which depth the chain failed: the load balancer passes on subject and verify result only"}
				}
				if !v.Presented || v.Code != code || v.Depth != depth {
					return c.differs(fmt.Sprintf("verify result %d at depth %d", code, depth), fmt.Sprintf("presented: %t, result %d at depth %d", v.Presented, v.Code, v.Depth))
				}
				return nil
			}
		}).needs(target.Stations),
	step("outcome", `the load balancer accepts the certificate`, `the load balancer accepts the certificate`, "A certificate was presented, and its verify result is 0.",
		then(func(c *call) error {
			if v := c.Journey.Verification; !v.Accepted() {
				return c.differs("an accepted certificate", fmt.Sprintf("presented: %t, result %d", v.Presented, v.Code))
			}
			return nil
		}, target.Stations)).needs(target.Stations),
	step("outcome", `the certificate is sent`, `the certificate is sent`, "The load balancer asked for a certificate, and the sender sent its own.",
		then(func(c *call) error {
			if r := c.Result; !r.CertificateAsked || !r.CertificateSent {
				return c.differs("a certificate request that was answered", fmt.Sprintf("asked: %t, sent: %t", r.CertificateAsked, r.CertificateSent))
			}
			return nil
		})),
	step("outcome", `no certificate is (asked for|sent)`, `no certificate is asked for`, "The load balancer did not ask for a certificate, or the sender did not send one though it was asked.",
		thenWord(func(c *call, what string) error {
			r := c.Result
			if what == "asked for" && (r.CertificateAsked || r.Status == 0) {
				return c.differs("a completed handshake without a certificate request", fmt.Sprintf("asked: %t, status %d", r.CertificateAsked, r.Status))
			}
			if what == "sent" && (!r.CertificateAsked || r.CertificateSent) {
				return c.differs("a certificate request that was answered with none", fmt.Sprintf("asked: %t, sent: %t", r.CertificateAsked, r.CertificateSent))
			}
			return nil
		})),
	step("outcome", `the load balancer names the CA "([^"]*)" and no other`, `the load balancer names the CA "C=DE, O=Example, CN=Example Root CA" and no other`, "The list of acceptable CAs in the certificate request.",
		thenWord(func(c *call, dn string) error {
			if names := c.Result.AcceptableCAs; !slices.Equal(names, []string{dn}) {
				return c.differs("the only CA "+dn, strings.Join(names, "; "))
			}
			return nil
		})).needs(target.CustomTrust),
	step("outcome", `the TLS session is resumed`, `the TLS session is resumed`, "The call used the keys of an earlier handshake.",
		then(func(c *call) error {
			if !c.Result.TLS.Resumed {
				return c.differs("a resumed session", "a full handshake")
			}
			return nil
		})),
	step("outcome", `the connection uses (TLS 1\.[23])`, `the connection uses TLS 1.3`, "The TLS version that was agreed on.",
		thenWord(func(c *call, version string) error {
			if got := c.Result.TLS.Version; got != version {
				return c.differs(version, strconv.Quote(got))
			}
			return nil
		})),
	step("outcome", `the (load balancer|sender) ends the connection with the alert "([^"]*)"`, `the sender ends the connection with the alert "bad_certificate"`, "A TLS alert from that side, and no HTTP answer.",
		func(w *world) any { return w.alert }),
	step("outcome", `there is no HTTP answer`, `there is no HTTP answer`, "The connection ended before one came.",
		then(func(c *call) error {
			if c.Result.Status != 0 {
				return c.differs("no HTTP answer", fmt.Sprintf("HTTP %d", c.Result.Status))
			}
			return nil
		})),
	step("outcome", `the response status is (\d+)`, `the response status is 401`, "The HTTP status.",
		func(w *world) any {
			return func(ctx context.Context, status int) error {
				c, err := w.last(ctx)
				if err != nil {
					return err
				}
				if c.Result.Status != status {
					return c.differs(fmt.Sprintf("HTTP %d", status), fmt.Sprintf("HTTP %d", c.Result.Status))
				}
				return nil
			}
		}),
	step("outcome", `the response statuses are ([\d, ]+)`, `the response statuses are 401, 200`, "Those of all requests of the last call, the challenge included.",
		thenWord(func(c *call, want string) error {
			var got []string
			for _, a := range c.Result.Attempts {
				got = append(got, strconv.Itoa(a.Status))
			}
			got = append(got, strconv.Itoa(c.Result.Status))
			if strings.Join(got, ", ") != want {
				return c.differs(want, strings.Join(got, ", "))
			}
			return nil
		})),
	step("outcome", `the response header "([^"]*)" (is|contains) "([^"]*)"`, `the response header "WWW-Authenticate" contains "Basic"`, "A header of the answer.",
		func(w *world) any { return w.header }),
	step("outcome", `the response has the header "([^"]*)"`, `the response has the header "X-CSRF-Token"`, "A header of the answer that is not empty.",
		thenWord(func(c *call, name string) error {
			if c.Result.Header.Get(name) == "" {
				return c.differs("the header "+name, "none")
			}
			return nil
		})),
	step("outcome", `the response does not have the header "([^"]*)"`, `the response does not have the header "X-CSRF-Token"`, "The answer does not carry it.",
		thenWord(func(c *call, name string) error {
			if got := c.Result.Header.Get(name); got != "" {
				return c.differs("no header "+name, strconv.Quote(got))
			}
			return nil
		})),
	step("outcome", `the load balancer presents a certificate for "([^"]*)"`, `the load balancer presents a certificate for "orders.example"`, "The certificate that the sender got from the load balancer is valid for this host name.",
		thenWord(func(c *call, host string) error {
			if len(c.Result.ServerChain) == 0 {
				return c.differs("a certificate for "+host, "none")
			}
			if err := c.Result.ServerChain[0].VerifyHostname(host); err != nil {
				return c.differs("a certificate for "+host, err.Error())
			}
			return nil
		})).needs(target.Domains),
	step("outcome", `the response body (is empty|contains "(?:[^"]*)")`, `the response body contains "No service was found."`, "The body of the answer.",
		thenWord(func(c *call, what string) error {
			body := string(c.Result.Body)
			want, isText := strings.CutPrefix(what, `contains "`)
			want = strings.TrimSuffix(want, `"`)
			if (isText && !containsText(body, want)) || (!isText && body != "") {
				return c.differs("a body that "+what, strconv.Quote(body))
			}
			return nil
		})),
	step("outcome", `the flow (sees|does not see) the header "([^"]*)"`, `the flow sees the header "SSL_CLIENT_CERT"`, "Whether a header reached the integration flow; the call must be a GET to an echo flow.",
		func(w *world) any { return w.flowHeader }).needs(target.Echo),
	step("outcome", `the flow sees the certificate of "([^"]*)"`, `the flow sees the certificate of "warehouse"`, "SSL_CLIENT_CERT holds the whole certificate of that sender and nothing else.",
		func(w *world) any { return w.flowCertificate }).needs(target.Echo),
	step("outcome", `the message is not processed`, `the message is not processed`, "The call did not get as far as the integration flow.",
		then(func(c *call) error {
			if stop, ok := c.Journey.At(journey.Flow); ok {
				return c.differs("a call that does not reach the flow", "it did: "+stop.Decided)
			}
			return nil
		}, target.Stations)).needs(target.Stations),
	step("outcome", `all (\d+) calls are answered by the same runtime node`, `all 4 calls are answered by the same runtime node`, "The last so many calls went to one node.",
		func(w *world) any {
			return func(ctx context.Context, n int) error {
				return w.spread(ctx, n, func(nodes int) bool { return nodes == 1 }, "one node")
			}
		}).needs(target.Nodes),
	step("outcome", `the (\d+) calls are answered by (\d+) runtime nodes`, `the 4 calls are answered by 2 runtime nodes`, "Over how many nodes the last so many calls were spread.",
		func(w *world) any {
			return func(ctx context.Context, n, want int) error {
				return w.spread(ctx, n, func(nodes int) bool { return nodes == want }, fmt.Sprintf("%d nodes", want))
			}
		}).needs(target.Nodes),
	step("outcome", `all (\d+) calls are let in`, `all 4 calls are let in`, "Each of the last so many calls.",
		func(w *world) any {
			return func(n int) error {
				calls, err := w.lastCalls(n)
				for _, c := range calls {
					if !isLetIn(c) {
						return c.differs("a call that is let in", describeEnd(c))
					}
				}
				return err
			}
		}),
	step("outcome", `exactly (\d+) of the (\d+) calls (?:is|are) refused because of "([^"]*)"`, `exactly 1 of the 2 calls is refused because of "csrf-token-missing"`, "How many of the last calls were refused for the reason; the others were let in.",
		func(w *world) any { return w.someRefused }).needs(target.Stations),
}

// then is a step without words that looks at the last call.
func then(check func(*call) error, features ...string) func(*world) any {
	return func(w *world) any {
		return func(ctx context.Context) error {
			c, err := w.last(ctx, features...)
			if err != nil {
				return err
			}
			return check(c)
		}
	}
}

// thenWord is a step with one word that looks at the last call.
func thenWord(check func(*call, string) error, features ...string) func(*world) any {
	return func(w *world) any {
		return func(ctx context.Context, word string) error {
			c, err := w.last(ctx, features...)
			if err != nil {
				return err
			}
			return check(c, word)
		}
	}
}

func isLetIn(c *call) bool {
	status := c.Result.Status
	return status >= 200 && status < 300 && c.Journey.Succeeded()
}

func describeEnd(c *call) string {
	if cause, refused := c.Journey.Cause(); refused {
		return fmt.Sprintf("HTTP %d, refused at the %s because of %q", c.Result.Status, cause.Station, cause.Reason)
	}
	return fmt.Sprintf("HTTP %d as %q", c.Result.Status, c.Journey.User)
}

func (w *world) refused(ctx context.Context, station, reason string) error {
	c, err := w.last(ctx, target.Stations)
	if err != nil {
		return err
	}
	if _, known := journey.Reason(reason).About(); !known {
		var words []string
		for _, r := range journey.Reasons() {
			words = append(words, string(r))
		}
		return fmt.Errorf("there is no reason %q%s; the reasons are %s", reason, document.DidYouMean(reason, words), strings.Join(words, ", "))
	}
	cause, refused := c.Journey.Cause()
	if !refused || string(cause.Station) != station || string(cause.Reason) != reason {
		return c.differs(fmt.Sprintf("a call refused at the %s because of %q", station, reason), describeEnd(c))
	}
	return nil
}

func (w *world) refusedWith(ctx context.Context, code int) error {
	if err := w.refused(ctx, string(journey.LoadBalancer), string(journey.CertificateNotAccepted)); err != nil {
		return err
	}
	c, err := w.last(ctx)
	if err != nil {
		return err
	}
	if v := c.Journey.Verification; v.Code != code {
		return c.differs(fmt.Sprintf("verify result %d", code), fmt.Sprintf("%d (%s) at depth %d", v.Code, v.Text, v.Depth))
	}
	return nil
}
