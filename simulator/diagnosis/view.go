package diagnosis

import (
	"net/http"
	"strings"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/connectivity"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/tenant"
)

// view is one case with all evidence, as rules look at it.
type view struct {
	f *facts
	// group is the calls; nil if no log line tells of the call.
	group *group
	// out is what the sender's client told of the call; nil if nothing.
	out *Output
	// record is the stations' own record of the call; nil if there is none.
	record *journey.Journey
	// missing: the logs hold no failure at all, and a call may be missed.
	missing bool
	// absent: a client had an answer, and no log that is here has a line of the call; the case is
	// about that.
	absent bool
}

// key is what tells the calls apart; empty without log lines.
func (v *view) key() groupKey {
	if v.group == nil {
		return groupKey{}
	}
	return v.group.key
}

// status is the HTTP status; 0 if no answer came.
func (v *view) status() int {
	if v.absent {
		return 0
	}
	if v.group != nil {
		return v.group.key.status
	}
	if v.out != nil {
		return v.out.Status
	}
	return 0
}

// logged tells whether a log line tells of the call.
func (v *view) logged() bool { return v.group != nil }

// user is the user column; empty for "-" and without log lines.
func (v *view) user() string { return v.key().user }

func (v *view) path() string {
	if v.group != nil {
		if v.group.key.path == otherPaths {
			return ""
		}
		return v.group.key.path
	}
	if v.out != nil {
		path, _, _ := strings.Cut(v.out.Path, "?")
		return path
	}
	return ""
}

func (v *view) method() string {
	if v.group != nil {
		return v.group.key.method
	}
	if v.out != nil {
		return v.out.Method
	}
	return ""
}

// host is the virtual host, without port.
func (v *view) host() string {
	if v.group != nil {
		host, _, _ := strings.Cut(v.group.key.host, ":")
		return host
	}
	if v.out != nil {
		return v.out.Host
	}
	return ""
}

// customDomain tells whether the host is none of the default ones. [C: default hosts lie below
// hana.ondemand.com]
func (v *view) customDomain() bool {
	h := strings.ToLower(v.host())
	return h != "" && !strings.HasSuffix(h, ".ondemand.com")
}

// at is when the last of the calls was.
func (v *view) at() time.Time {
	switch {
	case v.group != nil:
		return v.group.last
	case v.out != nil && !v.out.At.IsZero():
		return v.out.At
	}
	return v.f.evidence.At
}

// left is what the trace has of the call; nil if nothing.
func (v *view) left() *traced {
	if v.group == nil {
		return nil
	}
	return v.group.left
}

// rejected tells whether the trace says that the load balancer did not accept a certificate, and
// with which verify result; -1 is not told.
func (v *view) rejected() (code int, subject string, quotes []Quote, ok bool) {
	t := v.left()
	if t == nil || !t.rejected() {
		return 0, "", nil, false
	}
	return t.code, t.subject, t.quotes, true
}

// code tells whether the certificate was refused with one of the results.
func (v *view) code(codes ...int) ([]Quote, bool) {
	code, _, quotes, ok := v.rejected()
	if !ok {
		return nil, false
	}
	for _, c := range codes {
		if c == code {
			return quotes, true
		}
	}
	return nil, false
}

// maybeRejected tells whether the call looks as one whose certificate was refused, but no trace
// tells: 401 without a user, and the node's trace is not among the evidence.
func (v *view) maybeRejected() bool {
	if v.absent || v.status() != http.StatusUnauthorized || v.user() != "" || v.withoutCertificate() {
		return false
	}
	if v.group == nil {
		return true
	}
	return v.group.left == nil && v.group.untraced > 0
}

// nobody tells whether the call was not recognised, and no certificate was refused as far as can
// be told: 401 without records in a trace that is there, or no trace at all.
func (v *view) nobody() bool {
	if v.status() != http.StatusUnauthorized || v.user() != "" {
		return false
	}
	_, _, _, refused := v.rejected()
	return !refused
}

// own tells whether the simulator's own trace text begins so.
func (v *view) own(prefix string) ([]Quote, bool) {
	t := v.left()
	if t == nil || !strings.Contains(t.own, prefix) {
		return nil, false
	}
	return t.quotes, true
}

// hasOwn tells whether there is a text of the simulator's own, which tells a cause by itself.
func (v *view) hasOwn() bool { return v.left() != nil && v.left().own != "" }

// access quotes the first line of the case.
func (v *view) access() []Quote {
	if v.group == nil || len(v.group.samples) == 0 {
		return nil
	}
	return []Quote{v.group.samples[0].quote()}
}

// silent tells whether the trace is there and shows nothing for the call.
func (v *view) silent() bool {
	return v.group != nil && v.group.left == nil && v.group.untraced == 0
}

// channel is the channel that serves the path, if it is known.
func (v *view) channel() (tenant.Channel, bool) { return v.f.channelFor(v.path()) }

// byTable, byRole tell how the channel authorizes; false if it is not known.
func (v *view) byTable() bool {
	c, ok := v.channel()
	return ok && c.Authorization.ClientCertificate()
}

func (v *view) byRole() bool {
	c, ok := v.channel()
	return ok && !c.Authorization.ClientCertificate()
}

// role is the role that the channel demands, as far as known.
func (v *view) role() string {
	if c, ok := v.channel(); ok {
		return c.Role()
	}
	return tenant.DefaultRole
}

// asCertificate tells whether the user column shows a certificate that is not mapped: two names
// with @ between. An e-mail address looks the same, so that it is not certain.
func (v *view) asCertificate() bool { return strings.Contains(v.user(), "@") }

// asUser tells whether it shows a user.
func (v *view) asUser() bool {
	return v.user() != "" && (!v.asCertificate() || v.user() == strings.ToLower(v.user()) && looksLikeMail(v.user()))
}

// looksLikeMail: an issuer's common name is seldom a host name.
func looksLikeMail(user string) bool {
	_, domain, _ := strings.Cut(user, "@")
	return strings.Contains(domain, ".") && !strings.ContainsAny(domain, " ")
}

// lookedAt is what is known of the host by looking at it.
func (v *view) lookedAt() (connectivity.Result, bool) {
	for _, h := range v.f.evidence.Hosts {
		if host := v.host(); host == "" || strings.EqualFold(h.ServerName, host) || h.ServerName == "" {
			return h, true
		}
	}
	return connectivity.Result{}, false
}

// namedCAs are the CAs that the load balancer names as those that it accepts [C: blog]; false if
// nobody looked.
func (v *view) namedCAs() ([]string, bool) {
	if h, ok := v.lookedAt(); ok && len(h.AcceptableCAs) > 0 {
		return h.AcceptableCAs, true
	}
	if v.out != nil && len(v.out.Named) > 0 {
		return v.out.Named, true
	}
	return nil, false
}

// rootNamed tells whether the root above the sender's chain is among the CAs that are named.
func (v *view) rootNamed() (named, known bool) {
	names, ok := v.namedCAs()
	top, _ := v.f.chain.top()
	if !ok || top == nil {
		return false, false
	}
	wanted := pki.TraceDN(top)
	for _, n := range names {
		if sameName(strings.ReplaceAll(n, " = ", "="), wanted) {
			return true, true
		}
	}
	return false, true
}
