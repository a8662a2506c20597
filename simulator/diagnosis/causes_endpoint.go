package diagnosis

import (
	"fmt"
	"net/http"
	"strings"

	"example.com/gatehouse/simulator/journey"
)

// prefixes of endpoints [C: SAP-docs/btp-integration-suite, docs/ci].
var prefixes = []string{"/http/", "/cxf/", "/as2/as2/", "/as2/mdn/", "/gw/odata/"}

func prefixed(path string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(path, p) {
			return true
		}
	}
	return false
}

// nowhere makes the rule of the causes of a 404.
func nowhere(more func(v *view, said *verdict, hint string)) func(*view, *verdict) {
	return func(v *view, said *verdict) {
		if v.status() != http.StatusNotFound {
			return
		}
		said.fits("404: nothing is deployed at "+or(v.path(), "the path")+".", append(v.access(), v.outQuotes()...)...)
		more(v, said, v.f.hintFor(v.path()))
	}
}

// outQuotes are lines of the client's output, if no log line tells of the call.
func (v *view) outQuotes() []Quote {
	if v.group != nil || v.out == nil {
		return nil
	}
	return v.out.quotes
}

// endpointCauses are those of a path at which nothing answers as expected.
func endpointCauses() []Cause {
	const symptom = "404; the access log shows the user."
	return []Cause{
		{
			ID: "nothing-deployed", Station: journey.Endpoint, Reason: journey.NothingDeployed, common: 5,
			Title:       "No integration flow is deployed at this path",
			Symptom:     symptom,
			Evidence:    "The path in the access log is that of no channel.",
			Why:         "The flow was not deployed, has another address, or failed to start because another flow has the same address.",
			Fix:         "Deploy the flow, and copy its endpoint from Operations View → Manage Integration Content.",
			Check:       "Compare the path with the endpoints under Operations View → Manage Integration Content.",
			Requirement: "EP-6", Needs: "the integration flows",
			judge: nowhere(func(v *view, said *verdict, hint string) {
				_, served := v.channel()
				switch {
				case served:
					said.against("An integration flow that is here has this path: it may not be deployed.")
				case hint != "" || !prefixed(v.path()):
					said.against("The path looks like a slip.")
				case len(v.f.evidence.Channels) > 0:
					said.proves("No channel of the given integration flows serves the path, or one like it.")
				}
			}),
		},
		{
			ID: "path-lacks-prefix", Station: journey.Endpoint, Reason: journey.NothingDeployed, common: 6,
			Title:       "The path lacks its prefix, /http or /cxf",
			Symptom:     symptom,
			Evidence:    "The path in the access log begins with none of the prefixes.",
			Why:         "The address in the channel is without prefix; the endpoint begins with /http for HTTPS, /cxf for SOAP and IDoc, /as2/as2, /gw/odata.",
			Fix:         "Put the prefix before the address in the sender's destination: /http for HTTPS channels, /cxf for SOAP, SAP RM, IDoc and XI.",
			Check:       "See with what the path begins.",
			Requirement: "EP-1", Scenario: "FLD-13", Mark: confirms, Source: "CI",
			judge: nowhere(func(v *view, said *verdict, hint string) {
				path := v.path()
				if path == "" || prefixed(path) {
					said.exclude()
					return
				}
				said.points("The path begins with none of "+quoted(prefixes)+".", v.access()...)
				for _, p := range prefixes {
					with := strings.TrimSuffix(p, "/") + path
					if _, ok := v.f.likePath(path, func(other string) bool { return other == with }); ok {
						said.proves("Calls to " + with + " were let in.")
						said.instead("Call " + with + ".")
					}
				}
				if strings.Contains(hint, "lacks") {
					said.proves("Of the given integration flows, " + hint + ".")
				}
			}),
		},
		{
			ID: "path-other-case", Station: journey.Endpoint, Reason: journey.NothingDeployed, common: 4,
			Title:       "The path is written in another case",
			Symptom:     symptom,
			Evidence:    "The path in the access log differs from the endpoint in capital letters only.",
			Why:         "Addresses under /cxf are case-sensitive, and so are the prefixes; those of HTTPS channels are not.",
			Fix:         "Write the path as the endpoint is written.",
			Check:       "Compare the case of the path with the endpoint's.",
			Requirement: "EP-4", Scenario: "FLD-13", Needs: "the integration flows", Mark: differs, Source: "CI",
			judge: nowhere(func(v *view, said *verdict, hint string) {
				path := v.path()
				if other, ok := v.f.likePath(path, func(other string) bool { return strings.EqualFold(other, path) }); ok {
					said.proves("Calls to " + other + " were let in.")
					said.instead("Call " + other + ".")
					return
				}
				switch {
				case strings.Contains(hint, "another case"):
					said.proves("Of the given integration flows, " + hint + ".")
				case len(v.f.evidence.Channels) > 0 || !prefixed(strings.ToLower(path)):
					said.exclude()
				}
			}),
		},
		{
			ID: "path-below-address", Station: journey.Endpoint, Reason: journey.NothingDeployed, common: 2,
			Title:       "The path goes on below an address that serves nothing below it",
			Symptom:     symptom,
			Evidence:    "The path begins with the address of an HTTPS channel, and goes on.",
			Why:         "An HTTPS channel serves paths below its address only if that ends in /*. A slash at the end is such a path, too.",
			Fix:         "Let the address of the channel end in /*, or call the address itself, without a slash at its end.",
			Check:       "Compare the path with the endpoint to its end.",
			Requirement: "EP-3", Needs: "the integration flows", Mark: confirms, Source: "CI",
			judge: nowhere(func(v *view, said *verdict, hint string) {
				path := v.path()
				if other, ok := v.f.likePath(path, func(other string) bool {
					return strings.HasPrefix(other, "/http/") && len(path) > len(other) && strings.EqualFold(path[:len(other)], other) && path[len(other)] == '/'
				}); ok {
					said.proves("Calls to " + other + " were let in.")
					return
				}
				switch {
				case strings.Contains(hint, "/ at its end"), strings.Contains(hint, "below it"):
					said.proves("Of the given integration flows, " + hint + ".")
				case len(v.f.evidence.Channels) > 0 || !strings.HasPrefix(path, "/http/"):
					said.exclude()
				}
			}),
		},
		{
			ID: "flow-undeployed", Station: journey.Endpoint, Reason: journey.NothingDeployed, common: 3,
			Title:       "The integration flow was there and is no longer",
			Symptom:     "404 since some time, for a path at which calls were let in before.",
			Evidence:    "Earlier lines of the same path with a status of success.",
			Why:         "The flow was undeployed, got another address, or did not start after a deployment.",
			Fix:         "Deploy the flow again: Operations View → Manage Integration Content tells its state.",
			Check:       "Look at the state of the flow under Operations View → Manage Integration Content.",
			Requirement: "EP-6",
			judge: nowhere(func(v *view, said *verdict, _ string) {
				if l, ok := v.f.sameCaller(v.group); ok && !l.last.After(v.group.first) {
					said.points(fmt.Sprintf("%d calls of the same client to this path were let in, the last at %s.", l.count, l.last.UTC().Format("2006-01-02 15:04:05")), v.access()...)
				} else {
					said.exclude()
				}
			}),
		},
		{
			ID: "ping-405", Station: journey.Endpoint, Reason: journey.MethodNotAllowed, common: 6,
			Title:       "No fault: the ping of SOAMANAGER is answered with 405",
			Symptom:     "405 for HEAD on a SOAP or IDoc endpoint; the connection test of the sender says error.",
			Evidence:    "The line with HEAD, /cxf and 405.",
			Why:         "SOAP and IDoc channels take no HEAD. The answer shows that the sender was recognised.",
			Fix:         "Nothing: send a real message.",
			Check:       "Send a message.",
			Requirement: "EP-8", Scenario: "FLD-12", Source: "KBA 2400906, KBA 2584066",
			judge: func(v *view, said *verdict) {
				if v.status() == http.StatusMethodNotAllowed && v.method() == http.MethodHead {
					said.proves("HEAD, answered with 405.", append(v.access(), v.outQuotes()...)...)
				}
			},
		},
		{
			ID: "method-not-allowed", Station: journey.Endpoint, Reason: journey.MethodNotAllowed, common: 3,
			Title:       "The endpoint does not take this method",
			Symptom:     "405.",
			Evidence:    "The method in the access log.",
			Why:         "A browser or a test sends GET where the channel takes POST.",
			Fix:         "Send with the method that the channel takes, most often POST.",
			Check:       "Look at the method in the access log.",
			Requirement: "EP-8", Mark: infers, Source: "RFC 9110, section 15.5.6",
			judge: func(v *view, said *verdict) {
				if v.status() == http.StatusMethodNotAllowed && v.method() != http.MethodHead {
					said.proves("The method is "+or(v.method(), "another than HEAD")+".", append(v.access(), v.outQuotes()...)...)
				}
			},
		},
		{
			ID: "flow-restarting", Station: journey.Endpoint, Reason: journey.FlowRestarting, common: 5,
			Title:       "The integration flow is being redeployed",
			Symptom:     "503 for a short time; the access log shows the user.",
			Evidence:    "Lines with 503 between lines with success.",
			Why:         "Every deployment has a short downtime, also one that only changes a channel's table.",
			Fix:         "Send again; deploy when nobody sends.",
			Check:       "See when the flow was deployed last.",
			Requirement: "EP-10", Mark: chosen,
			judge: func(v *view, said *verdict) {
				if v.status() == http.StatusServiceUnavailable && v.logged() {
					said.proves("503 from a runtime node.", v.access()...)
				}
			},
		},
	}
}
