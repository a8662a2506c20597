package node

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/tenant"
)

// pingPath is what the management node calls every 30 seconds, and anybody who is recognised
// may: the list of services. The answer has 162 bytes. [C: access logs of real tenants]
const pingPath = "/cxf/index.html"

// pingBody has exactly 162 bytes; its text is the simulator's own.
var pingBody = []byte(`<html><head><title>Services</title></head><body><p>This runtime node is available and takes calls under its deployed endpoints.</p>` +
	strings.Repeat(" ", 15) + `</body></html>` + "\n\n")

// endpoint is what was found at a path.
type endpoint struct {
	stop    journey.Stop
	status  int // of a call that ends here
	cxf     bool
	ping    bool
	channel tenant.Channel
}

func (e endpoint) refused() bool { return e.stop.Verdict == journey.Refused }

// endpointOf finds the channel that serves the path, and whether it takes the call.
//
//   - Nothing deployed: 404 [C]. So is a path that is refused (see tenant.CleanPath) [?].
//   - The flow is being redeployed: 503 [?].
//   - HEAD on channels under /cxf, the ping of SOAMANAGER: 405 [C: KBA 2400906, 2584066 for SOAP
//     and IDoc; the others share their servlet: I].
func endpointOf(method, path string, s Lookups, now time.Time) endpoint {
	out := endpoint{stop: journey.Stop{Station: journey.Endpoint, Verdict: journey.Passed}}
	if path == pingPath && method == http.MethodGet {
		out.ping, out.status = true, http.StatusOK
		out.stop.Decided = "the node itself answers GET " + pingPath + ", which tells that it is available"
		return out
	}
	refuse := func(status int, reason journey.Reason, format string, arguments ...any) endpoint {
		out.status = status
		out.stop.Verdict, out.stop.Reason = journey.Refused, reason
		out.stop.Decided = fmt.Sprintf(format, arguments...)
		return out
	}
	channel, answer := s.Route(path)
	out.cxf = strings.HasPrefix(answer.Path, "/cxf/") || answer.Path == "/cxf"
	switch {
	case answer.Refused != nil:
		return refuse(http.StatusNotFound, journey.NothingDeployed, "%q is not looked up: %v", clip(path), answer.Refused)
	case !answer.Found && answer.Hint != "":
		return refuse(http.StatusNotFound, journey.NothingDeployed, "nothing is deployed at %q; %s", clip(answer.Path), answer.Hint)
	case !answer.Found:
		return refuse(http.StatusNotFound, journey.NothingDeployed, "nothing is deployed at %q", clip(answer.Path))
	case s.Restarting(channel, now):
		return refuse(http.StatusServiceUnavailable, journey.FlowRestarting, "flow %q behind %q is being redeployed", channel.Flow, channel.Address)
	case method == http.MethodHead && out.cxf:
		return refuse(http.StatusMethodNotAllowed, journey.MethodNotAllowed, "the %s channel %q answers HEAD with 405 and takes messages all the same", channel.Adapter, channel.Address)
	}
	out.channel = channel
	out.stop.Decided = fmt.Sprintf("the %s channel %q of flow %q serves the path", channel.Adapter, channel.Address, channel.Flow)
	return out
}

// noService is the 404 of the library that serves /cxf [C: Apache CXF; I for the product].
const noService = "<html><body>No service was found.</body></html>"

func (e endpoint) answer() answer {
	switch {
	case e.ping:
		return answer{status: e.status, contentType: "text/html;charset=UTF-8", body: pingBody}
	case e.status == http.StatusNotFound && e.cxf:
		return answer{status: e.status, contentType: "text/html", body: []byte(noService)}
	case e.status == http.StatusMethodNotAllowed:
		a := page(e.status)
		a.add("Allow", http.MethodPost)
		return a
	}
	return page(e.status)
}
