package diagnosis

import (
	"fmt"
	"net/http"
	"strings"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/tenant"
)

// rowKind tells how a row of a channel's table relates to the certificate that was refused.
type rowKind int

const (
	otherRow    rowKind = iota
	sameRow             // subject and issuer are those of the certificate
	issuersRow          // it is the row of the issuing CA
	formerRow           // the same common name, and other DNs
	noRowsKnown         // the channel is not known
)

// rows tells what the best row of the channel's table is.
func (v *view) rows(subject, issuer string) (rowKind, tenant.DNPair) {
	c, ok := v.channel()
	if !ok || !c.Authorization.ClientCertificate() {
		return noRowsKnown, tenant.DNPair{}
	}
	best, found := otherRow, tenant.DNPair{}
	for _, row := range c.Authorization.Table {
		kind := otherRow
		switch {
		case sameName(row.Subject, subject) && sameName(row.Issuer, issuer):
			kind = sameRow
		case sameName(row.Subject, issuer):
			kind = issuersRow
		case sameName(row.Subject, subject), commonName(row.Subject) != "" && commonName(row.Subject) == commonName(subject):
			kind = formerRow
		}
		if best == otherRow && kind != otherRow || kind == sameRow {
			best, found = kind, row
		}
	}
	return best, found
}

func commonName(dn string) string {
	parsed, err := pki.ParseDN(dn)
	if err != nil {
		return ""
	}
	return parsed.CommonName()
}

// names are the DNs of the certificate that the channel's table does not hold, by the trace, or by
// the sender's chain if the channel is known to have a table.
func (v *view) tableNames() (subject, issuer string, quotes []Quote, ok bool) {
	if !v.forbidden() {
		return "", "", nil, false
	}
	if t := v.left(); t != nil && t.table[0] != "" {
		return t.table[0], t.table[1], t.quotes, true
	}
	if c := v.f.chain; v.byTable() && c != nil && c.leaf != nil && (v.asCertificate() || !v.silent()) {
		return pki.FormatDN(c.leaf.RawSubject), pki.FormatDN(c.leaf.RawIssuer), v.access(), true
	}
	return "", "", nil, false
}

// notInTable makes the rule of the causes for which a channel's table lacks the certificate:
// proving is how the best row must relate to it.
func notInTable(proving rowKind, text func(row tenant.DNPair) string) func(*view, *verdict) {
	return func(v *view, said *verdict) {
		subject, issuer, quotes, ok := v.tableNames()
		if !ok {
			return
		}
		said.points("The trace says that subject and issuer of the certificate are in no row of the channel's table.", quotes...)
		switch kind, row := v.rows(subject, issuer); kind {
		case noRowsKnown:
		case proving:
			said.proves(text(row))
		default:
			said.exclude()
		}
	}
}

// tableCauses are those of channels that compare the DNs of certificates.
func tableCauses() []Cause {
	const symptom = "403; one trace record: the certificate is not contained in the accepted subjectAndIssuers list of the integration flow."
	const needs = "the integration flow"
	const kba = "KBA 3538749"
	return []Cause{
		{
			ID: "dns-not-in-table", Station: journey.Authorization, Reason: journey.DNsNotInTable, common: 6,
			Title:       "The sender's certificate is not in the channel's table",
			Symptom:     symptom,
			Evidence:    "The trace record, which names subject and issuer; the rows of the channel.",
			Why:         "The channel authorizes by client certificate and holds the subject DN and issuer DN of other certificates.",
			Fix:         "Better, change the channel to User Role and map the certificate under " + mappingMenu + ". Else add the sender's own certificate in " + channelMenu + " → Client Certificate → Add, and deploy.",
			Check:       "Compare the rows of " + channelMenu + " with the DNs in the trace record.",
			Requirement: "CHN-8", Needs: needs, Source: kba,
			judge: notInTable(otherRow, func(tenant.DNPair) string { return "No row is of the certificate, of its CA, or of an earlier one." }),
		},
		{
			ID: "ca-in-table", Station: journey.Authorization, Reason: journey.DNsNotInTable, common: 5,
			Title:       "The certificate of the CA was uploaded to the channel, and not the sender's own",
			Symptom:     symptom,
			Evidence:    "A row of the channel's table has the issuer's DN as its subject.",
			Why:         "A row stands for one certificate's two DNs; that of the CA lets none of its senders in.",
			Fix:         "Upload the sender's own certificate in " + channelMenu + " → Client Certificate → Add, and deploy; or better, change to User Role.",
			Check:       "Compare the subject in the rows of " + channelMenu + " with the subject in the trace record.",
			Requirement: "CHN-9", Scenario: "FLD-7", Needs: needs, Source: "blog, comments",
			judge: notInTable(issuersRow, func(row tenant.DNPair) string { return "A row is that of the issuing CA: subject " + row.Subject + "." }),
		},
		{
			ID: "table-outdated", Station: journey.Authorization, Reason: journey.DNsNotInTable, common: 4,
			Title:       "The certificate was renewed with other DNs, and the channel's table holds the old ones",
			Symptom:     "403 since the renewal; one trace record: not contained in the accepted subjectAndIssuers list.",
			Evidence:    "A row has the same common name, and another subject or issuer.",
			Why:         "A renewed certificate passes only if subject DN and issuer DN stayed the same; CAs change the names of their intermediates.",
			Fix:         "Upload the new certificate in " + channelMenu + " → Client Certificate, and deploy; or better, change to User Role.",
			Check:       "Compare issuer and subject in the rows of " + channelMenu + " with those in the trace record.",
			Requirement: "CHN-7", Scenario: "FLD-7", Needs: needs, Source: "CI, .iflw format",
			judge: notInTable(formerRow, func(row tenant.DNPair) string {
				return "A row has the same common name: subject " + row.Subject + ", issuer " + row.Issuer + "."
			}),
		},
		{
			ID: "table-not-deployed", Station: journey.Authorization, Reason: journey.DNsNotInTable, common: 3,
			Title:       "The channel's table was changed, and the flow was not deployed since",
			Symptom:     symptom,
			Evidence:    "The flow as it is edited has a row with exactly these DNs.",
			Why:         "A changed table takes effect with the next deployment.",
			Fix:         "Deploy the integration flow; it has a short downtime.",
			Check:       "Compare the time of the last deployment with that of the last change.",
			Requirement: "CHN-10", Needs: needs,
			judge: notInTable(sameRow, func(row tenant.DNPair) string {
				return "The flow has a row for exactly this certificate: subject " + row.Subject + ", issuer " + row.Issuer + "."
			}),
		},
		{
			ID: "no-certificate-for-table", Station: journey.Authorization, Reason: journey.NoCertificateForTable, common: 2, own: []string{"compares client certificates, and user"},
			Title:       "The channel compares certificates, and the user logged on with a password or a token",
			Symptom:     "403; the access log shows a user.",
			Evidence:    "The channel's authorization is Client Certificate.",
			Why:         "Without a certificate there is nothing to compare with the table.",
			Fix:         "Send a client certificate, or change the authorization to User Role in " + channelMenu + ".",
			Check:       "See whether the channel's authorization is Client Certificate.",
			Requirement: "CHN-7", Needs: needs, Mark: chosen, Source: "CI",
			judge: func(v *view, said *verdict) {
				t := v.left()
				if !v.forbidden() || !v.asUser() || t != nil && t.table[0] != "" || v.fetchedToken() {
					return
				}
				said.fits("The user column shows a user.", v.access()...)
				if v.byTable() {
					said.proves("The channel compares certificates, and no trace record names one.")
				} else if v.byRole() || v.out != nil && v.out.CSRFRequired {
					said.exclude()
				}
			},
		},
	}
}

// flowCauses are those after the authorization: CSRF protection, and the flow itself.
func flowCauses() []Cause {
	return []Cause{
		{
			ID: "csrf-token-missing", Station: journey.Authorization, Reason: journey.CSRFTokenMissing, common: 6, own: []string{"demands a CSRF token"},
			Title:       "The channel demands a CSRF token, and the sender sends none that is valid",
			Symptom:     "403 for POST, PUT or DELETE on /http; the access log shows the user, which has the role.",
			Evidence:    "The answer carries X-CSRF-Token: Required; the channel is CSRF protected.",
			Why:         "CSRF protection is on by default in HTTPS channels, and most systems fetch no token.",
			Fix:         "Switch CSRF Protected off in the sender channel → Connection and deploy, if the callers are systems; or fetch a token with X-CSRF-Token: Fetch and send it with the cookies of that answer.",
			Check:       "See whether the answer has the header X-CSRF-Token: Required, and whether CSRF Protected is set in the channel.",
			Requirement: "CHN-12", Needs: "what the sender's client says, or the integration flow", Source: "CI",
			judge: func(v *view, said *verdict) {
				t := v.left()
				modifies := v.method() != http.MethodGet && v.method() != http.MethodHead
				if !v.forbidden() || !modifies || !strings.HasPrefix(strings.ToLower(v.path()), "/http") || v.group != nil && v.user() == "" || t != nil && t.table[0] != "" {
					return
				}
				c, known := v.channel()
				switch {
				case v.out != nil && v.out.CSRFRequired:
					said.proves("The answer demands a token: X-CSRF-Token: Required.", v.out.quotes...)
				case known && !c.CSRFProtected:
					return
				case v.asCertificate() && !looksLikeMail(v.user()):
					return // refused for want of a role
				case v.fetchedToken():
					said.points("The same client was let in with a GET just before, and not with "+v.method()+".", v.access()...)
				case known && v.f.evidence.Assignments != nil && v.f.evidence.Assignments.has(v.user(), c.Role()):
					said.proves("The channel is CSRF protected, and the user has its role.")
				case known:
					said.points("The channel "+c.Address+" is CSRF protected.", v.access()...)
				default:
					said.fits("A modifying request to an HTTPS channel, which is CSRF protected by default.", v.access()...)
				}
				if v.group0().fetchedElsewhere > 0 {
					said.against("The token was fetched at another node.")
				}
			},
		},
		{
			ID: "cookie-encoded", Station: journey.LoadBalancer, Reason: journey.CSRFTokenMissing, common: 4, own: []string{"demands a CSRF token"},
			Title:       "The sender encodes the load balancer's cookie and loses its node, and with it the CSRF token",
			Symptom:     "403 now and then with two runtime nodes or more, after a token was fetched.",
			Evidence:    "The token was fetched at one node, and the next call of the same client was refused at another.",
			Why:         "Old ABAP kernels URL-encode the value of the cookie BIGipServer…, so that it names no node.",
			Fix:         "Apply note 2681175 to the sender, or switch CSRF Protected off in the channel.",
			Check:       "See whether the token was fetched at the node that refused the call.",
			Requirement: "LB-14", Scenario: "FLD-14", Source: "note 2681175",
			judge: func(v *view, said *verdict) {
				if !v.forbidden() {
					return
				}
				if v.out != nil && v.out.EncodedCookie {
					said.proves("The client sent the cookie with %21 for its exclamation mark.")
				}
				if g := v.group0(); g.fetchedElsewhere > 0 {
					said.proves(fmt.Sprintf("Before %d of %d calls the same client was let in with a GET at another node.", g.fetchedElsewhere, g.count), v.access()...)
				}
			},
		},
		{
			ID: "body-too-large", Station: journey.Flow, Reason: journey.BodyTooLarge, common: 3,
			Title:       "The message is larger than the channel allows",
			Symptom:     "413; the access log shows the user.",
			Evidence:    "The line with 413.",
			Why:         "The limit of the channel is 40 MB by default.",
			Fix:         "Send smaller messages, or raise Body Size in the sender channel → Conditions and deploy.",
			Check:       "Compare the message's size with the channel's limit.",
			Requirement: "FLW-3", Source: "logs",
			judge: byStatus(http.StatusRequestEntityTooLarge, "413 from a runtime node."),
		},
		{
			ID: "flow-failed", Station: journey.Flow, Reason: journey.FlowFailed, common: 5,
			Title:       "The sender was let in, and the integration flow failed",
			Symptom:     "500; the access log shows the user.",
			Evidence:    "The line with 500.",
			Why:         "Something within the flow went wrong. The inbound connection is in order.",
			Fix:         "Look at the message processing log: Operations View → Monitor Message Processing.",
			Check:       "Look for the message at this time under Monitor Message Processing.",
			Requirement: "FLW-2", Source: "CI",
			judge: byStatus(http.StatusInternalServerError, "500 from a runtime node, for a user that was let in."),
		},
		{
			ID: "body-stalled", Station: journey.LoadBalancer, Reason: journey.BodyStalled, common: 2,
			Title:       "The sender stopped in the middle of its message",
			Symptom:     "408, or a connection that ends.",
			Evidence:    "The line with 408.",
			Why:         "A body that pauses for more than 20 seconds is cancelled.",
			Fix:         "Find out why the sender or the network pauses while it sends.",
			Check:       "Look at the duration in the access log.",
			Requirement: "LB-18", Source: "CI",
			judge: byStatus(http.StatusRequestTimeout, "408 from a runtime node."),
		},
		{
			ID: "call-too-long", Station: journey.LoadBalancer, Reason: journey.RequestTimeout, common: 3,
			Title:       "The call took longer than 10 minutes and was ended",
			Symptom:     "The sender gets no answer; the access log shows a duration of 600,000 milliseconds or more.",
			Evidence:    "The duration in the access log.",
			Why:         "A call may last 10 minutes at most.",
			Fix:         "Let the flow answer early and go on asynchronously, or send smaller messages.",
			Check:       "Look at the duration in the access log.",
			Requirement: "LB-18", Source: "CI",
			judge: func(v *view, said *verdict) {
				if g := v.group; g != nil && g.slow > 0 && v.status() >= 500 {
					said.proves(fmt.Sprintf("%d of %d calls took 10 minutes or more.", g.slow, g.count), v.access()...)
					return
				}
				complainedOnly(timedOut)(v, said)
			},
		},
	}
}

// complainedOnly is complained without the calls that leave no trace at all.
func complainedOnly(of symptom) func(*view, *verdict) {
	return func(v *view, said *verdict) {
		if q, ok := v.out.shows(of); ok && v.noAnswer() {
			said.points("The client says it.", q)
		}
	}
}

// byStatus makes the rule of causes that a status tells.
func byStatus(status int, text string) func(*view, *verdict) {
	return func(v *view, said *verdict) {
		if v.status() == status {
			said.proves(text, append(v.access(), v.outQuotes()...)...)
		}
	}
}

// logCauses are those for which the call stands in no log that is here.
func logCauses() []Cause {
	const logsMenu = "Operations View → Access Logs → System Log Files"
	// absent: a client had an answer from a runtime node, or a call is missed, and no line tells of it.
	absent := func(v *view) bool { return v.missing || v.absent }
	outside := func(v *view) bool {
		return v.out != nil && !v.out.At.IsZero() && (v.out.At.Before(v.f.read.From.Add(-absentMargin)) || v.out.At.After(v.f.read.To.Add(absentMargin)))
	}
	return []Cause{
		{
			ID: "log-of-other-node", Station: journey.RuntimeNode, common: 7,
			Title:       "The call stands in the log of another runtime node",
			Symptom:     "The call is in none of the access logs at hand.",
			Evidence:    "Each runtime node has files of its own; nobody knows at which node a call arrives.",
			Why:         "The load balancer chooses the node.",
			Fix:         "Get the HTTP access log of every runtime node for the day: " + logsMenu + "; search all of them.",
			Check:       "Count the node ids in the names of the HTTP access log files of the day.",
			Requirement: "LOG-9", Scenario: "FLD-11", Needs: "what the sender's client says",
			judge: func(v *view, said *verdict) {
				switch {
				case !absent(v):
				case v.missing:
					said.fits(fmt.Sprintf("The logs are those of %d runtime nodes: %s.", len(v.f.read.Nodes), quoted(v.f.read.Nodes)))
				case outside(v), v.out.Status == http.StatusServiceUnavailable && v.f.read.AccessLines > 0:
					said.exclude()
				default:
					said.points("The client had an answer within the time of these logs, and no line tells of it.", v.out.quotes...)
				}
			},
		},
		{
			ID: "log-of-other-day", Station: journey.RuntimeNode, common: 4,
			Title:       "The call is older or newer than the logs at hand",
			Symptom:     "The call is in none of the access logs at hand.",
			Evidence:    "The time of the call, and the days of the files. Times in the logs are in UTC.",
			Why:         "There is one file for each node and day, in UTC, kept for 7 days.",
			Fix:         "Get the files of the day of the call in UTC: " + logsMenu + ". After 7 days they are gone: call again.",
			Check:       "Compare the time of the call, in UTC, with the days in the names of the files.",
			Requirement: "LOG-10", Needs: "what the sender's client says", Source: "logs",
			judge: func(v *view, said *verdict) {
				switch {
				case !absent(v):
				case v.missing:
					said.fits("The logs are from " + v.f.read.From.UTC().Format("2006-01-02 15:04:05") + " to " + v.f.read.To.UTC().Format("2006-01-02 15:04:05") + " UTC.")
				case outside(v):
					said.proves("The client's answer is of "+v.out.At.UTC().Format("2006-01-02 15:04:05")+" UTC, outside of the time of these logs.", v.out.quotes...)
				case v.out.At.IsZero():
					said.points("The time of the client's answer is not known.")
				}
			},
		},
		{
			ID: "no-trace-file", Station: journey.RuntimeNode, common: 5,
			Title:       "No fault: there is no trace file, since nothing was wrong",
			Symptom:     "The ljs_trace file that is looked for does not exist.",
			Evidence:    "The access log of the node shows no refused call for the day.",
			Why:         "Only errors are traced: a node without errors has no trace file for the day.",
			Fix:         "Nothing. If a call is missed, look into the access logs of the other nodes.",
			Check:       "See whether the access log of the same node and day shows a refused call.",
			Requirement: "TRC-3", Scenario: "FLD-11", Source: "CI",
			judge: func(v *view, said *verdict) {
				if v.missing && v.f.read.AccessLines > 0 && !v.f.trace.any {
					said.fits("No call was refused in the access logs, and there is no trace.")
				}
			},
		},
		{
			ID: "no-node-up", Station: journey.LoadBalancer, Reason: journey.NoNodeAvailable, common: 2,
			Title:       "No runtime node is up",
			Symptom:     "503, and no line in any access log.",
			Evidence:    "The client's answer; the access logs end before.",
			Why:         "The load balancer answers itself when it has no node to pass the call to.",
			Fix:         "Wait until a node is up again; the tenant's availability page and Operations View tell.",
			Check:       "See whether the management node's calls (GET /cxf/index.html every 30 seconds) stand in the access logs at that time.",
			Requirement: "LB-20", Needs: "what the sender's client says", Mark: chosen, Source: "F5",
			judge: func(v *view, said *verdict) {
				switch {
				case v.missing:
					said.fits("A call that no node took leaves no line.")
				case v.absent && v.out.Status == http.StatusServiceUnavailable:
					said.proves("503, and no runtime node has a line of it.", v.out.quotes...)
				}
			},
		},
	}
}
