package node

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"

	"example.com/gatehouse/simulator/forwarding"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/systemlog"
)

// Loggers of texts that are the simulator's own [?]: the real texts are not published, and nobody
// is to take these for them. The two confirmed texts have systemlog.AuthenticationFilter.
const (
	authenticationLogger = "gatehouse.authentication"
	authorizationLogger  = "gatehouse.authorization"
)

// threadsOfPool is how many threads the node's connector claims to have. [?] A choice.
const threadsOfPool = 100

type noLog struct{}

func (noLog) Access(systemlog.AccessLine) error    { return nil }
func (noLog) Trace(...systemlog.TraceRecord) error { return nil }

// trace adds a record. All records of a call have the same time and thread [C for the pair of a
// certificate that was not accepted].
func (c *call) trace(logger, text string) {
	if c.thread == "" {
		c.thread = "https-jsse-nio-8041-exec-" + strconv.Itoa(int(c.node.threads.Add(1)-1)%threadsOfPool+1)
	}
	c.traces = append(c.traces, systemlog.TraceRecord{
		Time: c.began, Logger: logger, User: c.user, Thread: c.thread, Tenant: c.node.config.TenantID,
		Passport: c.passport.fields(), PassportFlag: c.passport.flag(), Text: text,
	})
}

// writeLogs writes the trace records and then the access log line of the call, and completes its
// record. It comes before the answer, so that whoever has the answer can read the logs. A log that
// cannot be written does not end the call.
func (c *call) writeLogs(a answer) {
	n := c.node
	line := systemlog.AccessLine{
		LoadBalancer: n.config.LoadBalancer,
		Client:       clientAddress(c.request.Header.Values(forwarding.ClientAddressHeader)),
		User:         c.user,
		Time:         c.began,
		Method:       c.request.Method,
		URI:          c.request.RequestURI,
		Protocol:     c.request.Proto,
		Status:       a.status,
		Bytes:        a.logged(c.request.Method),
		Duration:     n.config.Now().Sub(c.began),
		Host:         n.hostColumn(c.request.Header.Values(forwarding.HostHeader)),
		Passport:     c.passport.column(),
	}
	if line.LoadBalancer == "" {
		line.LoadBalancer = c.request.RemoteAddr
		if host, _, err := net.SplitHostPort(c.request.RemoteAddr); err == nil {
			line.LoadBalancer = host
		}
	}
	if line.URI == "" {
		line.URI = c.request.URL.RequestURI()
	}
	if len(c.traces) > 0 {
		if err := n.config.Log.Trace(c.traces...); err != nil {
			n.config.Logger.Error("the trace could not be written", "node", n.config.ID, "error", err)
		}
	}
	if err := n.config.Log.Access(line); err != nil {
		n.config.Logger.Error("the access log could not be written", "node", n.config.ID, "error", err)
	}
	c.record.Set(func(j *journey.Journey) {
		j.Node, j.User, j.Status = n.config.ID, c.user, a.status
		j.AccessLog = line.String()
		for _, r := range c.traces {
			j.Trace = append(j.Trace, r.String())
		}
	})
}

// clientAddress is the sender's address: the last that was added, for those before it may come
// from the sender itself. Empty if it is none.
func clientAddress(values []string) string {
	if len(values) == 0 {
		return ""
	}
	last := values[len(values)-1]
	last = strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:])
	if _, err := netip.ParseAddr(last); err != nil {
		return ""
	}
	return last
}

// clip bounds what a caller sent where it becomes part of a sentence.
func clip(s string) string {
	const most = 200
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > most-utf8.UTFMax && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

// hostColumn is the host that the load balancer names, or the node's own. The port is always 443:
// senders of the real system use no other. [C: logs]
func (n *Node) hostColumn(forwarded []string) string {
	if len(forwarded) != 1 || forwarded[0] == "" || len(forwarded[0]) > 253 {
		return n.config.Host
	}
	return forwarded[0] + ":443"
}
