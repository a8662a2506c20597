package neighbour

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"example.com/gatehouse/simulator/forwarding"
	"example.com/gatehouse/simulator/loadbalancer"
)

// phases are the checks of OpenSSL in their order, with the codes that each can report; see
// package verify. In the phases of which upward is true the sender's certificate is looked at
// before those above it, in the others after them.
var phases = []struct {
	codes  []int
	upward bool
}{
	{[]int{66}, true},
	{[]int{22, 18, 19, 2, 20, 21}, true},
	{[]int{34, 40, 79, 24, 94, 26, 25}, true},
	{[]int{67, 68}, true},
	{[]int{3, 11, 12, 15, 16, 8, 33, 35, 36, 44, 54, 23}, true},
	{[]int{32, 6, 7, 13, 9, 14, 10}, false},
	{[]int{47, 48, 49, 51, 53}, false},
}

// ranks is a map file: it gives each code its place in the order of checks, for a certificate of
// the sender or for one of a CA. HAProxy keeps the first error at depth 0 and the first above it;
// which of the two came first is not kept, and the places tell.
func ranks(ofCA bool) []byte {
	var b strings.Builder
	for i, p := range phases {
		place := 2 * (i + 1)
		if ofCA == p.upward {
			place++
		}
		for _, code := range slices.Sorted(slices.Values(p.codes)) {
			fmt.Fprintf(&b, "%d %d\n", code, place)
		}
	}
	return []byte(b.String())
}

// refusals is the table of first errors, for sessions that are resumed. An entry outlives the sessions
// (5 minutes).
const refusals = "refusals"

// lastRank is that of a code which no phase has, and noRank that of no error at all.
const (
	lastRank = 900
	noRank   = 999
)

func (c Config) haproxy() []File {
	var b strings.Builder
	line := func(format string, a ...any) { fmt.Fprintf(&b, format+"\n", a...) }
	ms := func(d time.Duration) int64 { return d.Milliseconds() }
	limits := c.Limits

	line("# HAProxy in front of the runtime nodes: it holds root certificates only, asks for a certificate")
	line("# and never requires one, and tells the nodes what it found. Written by gatehouse.")
	line("global")
	line("    log stdout format raw local0 warning")
	line("    tune.ssl.default-dh-param 2048")
	line("    ssl-default-bind-options ssl-min-ver TLSv1.2")
	line("")
	line("defaults")
	line("    mode http")
	line("    log global")
	line("    option http-server-close")
	line("    timeout connect 5s")
	line("    # A node that is down answers so, and the call goes to another: a busy machine is no dead node.")
	line("    timeout check 5s")
	line("    timeout client %dms", ms(or(limits.BodyStall, 20*time.Second)))
	line("    timeout http-request %dms", ms(or(limits.Header, 10*time.Second)))
	line("    timeout http-keep-alive %dms", ms(or(limits.Idle, 5*time.Minute)))
	line("    timeout server %dms", ms(or(limits.Call, 10*time.Minute)))
	line("")

	// Mode require ends the handshake, and ignoring errors is a setting of a whole bind line: such
	// a host gets a line of its own, which a frontend for TCP chooses by the server name.
	var required, others []int
	for i, h := range c.hosts() {
		if i > 0 && h.Mode == loadbalancer.Require {
			required = append(required, i)
		} else {
			others = append(others, i)
		}
	}
	bind, proxy := c.Listen, ""
	if len(required) > 0 {
		line("frontend by-name")
		line("    mode tcp")
		line("    bind %s", c.Listen)
		line("    tcp-request inspect-delay %dms", ms(or(limits.Header, 10*time.Second)))
		line("    tcp-request content accept if { req.ssl_hello_type 1 }")
		for _, i := range required {
			line("    use_backend to-host%d if { req.ssl_sni -i %s }", i, c.hosts()[i].Name)
		}
		line("    default_backend to-others")
		line("")
		for _, i := range required {
			line("backend to-host%d", i)
			line("    mode tcp")
			line("    server here %s send-proxy-v2", c.socket(fmt.Sprintf("host%d", i)))
			line("")
		}
		line("backend to-others")
		line("    mode tcp")
		line("    server here %s send-proxy-v2", c.socket("others"))
		line("")
		bind, proxy = c.socket("others"), " accept-proxy"
	}

	line("frontend tenant")
	ask := " verify none"
	if c.Default.asks() {
		ask = fmt.Sprintf(" verify optional ca-file %s crt-ignore-err all ca-ignore-err all", c.file(hostFile(0, "trust.pem")))
	} else if slices.ContainsFunc(others, func(i int) bool { return c.hosts()[i].asks() }) {
		ask += " crt-ignore-err all ca-ignore-err all"
	}
	line("    bind %s%s ssl crt-list %s%s", bind, proxy, c.file("hosts.list"), ask)
	c.haproxyRules(line, others)
	for _, i := range required {
		line("")
		line("frontend host%d", i)
		line("    bind %s accept-proxy ssl crt %s verify required ca-file %s", c.socket(fmt.Sprintf("host%d", i)), c.file(hostFile(i, "pem")), c.file(hostFile(i, "trust.pem")))
		c.haproxyRules(line, []int{i})
	}
	for i := range c.hosts() {
		c.haproxyNodes(line, i)
	}

	line("")
	line("backend %s", refusals)
	line("    stick-table type string len 64 size 10k expire 10m store gpt(2)")

	var list strings.Builder
	for _, i := range others {
		h := c.hosts()[i]
		settings := "verify none"
		if h.asks() {
			settings = "verify optional ca-file " + c.file(hostFile(i, "trust.pem"))
		}
		fmt.Fprintf(&list, "%s [%s] %s\n", c.file(hostFile(i, "pem")), settings, h.Name)
	}
	return []File{
		{Name: HAProxy.Main(), Data: []byte(b.String())},
		{Name: "hosts.list", Data: []byte(list.String())},
		{Name: "ranks-sender.map", Data: ranks(false)},
		{Name: "ranks-ca.map", Data: ranks(true)},
	}
}

// socket is an abstract socket of this configuration, which needs no file and no rights.
func (c Config) socket(name string) string {
	_, port, ok := strings.Cut(c.Listen, ":")
	if !ok || port == "" {
		port = "0"
	}
	return "abns@gatehouse-" + strings.NewReplacer("[", "", "]", "", ":", "").Replace(port) + "-" + name
}

// haproxyRules are what happens to a request on some hosts, the first of which is that of unknown
// names.
func (c Config) haproxyRules(line func(string, ...any), hosts []int) {
	line("    http-request del-header ^(ssl[-_]client|x[-_]forwarded[-_]) -m reg")
	line("    http-request del-header ^(forwarded|x[-_]real[-_]ip|x[-_]client[-_]ip|x[-_]ssl[-_]client[-_]cert|client[-_]cert([-_]chain)?)$ -m reg")
	line("    http-request del-header %s", checkHeader)
	line("    http-request set-header %s %%[src]", forwarding.ClientAddressHeader)
	line("    http-request set-header %s https", forwarding.ProtocolHeader)
	all := c.hosts()
	for at, i := range hosts {
		condition := ""
		if at > 0 {
			condition = fmt.Sprintf(" if { ssl_fc_sni -i %s }", all[i].Name)
		}
		line("    http-request set-header %s %s%s", forwarding.HostHeader, all[i].Name, condition)
	}
	line("    # The first error of all, and at which depth it is.")
	line("    http-request set-var(txn.sender) ssl_c_err,map_int(%s,%d)", c.file("ranks-sender.map"), lastRank)
	line("    http-request set-var(txn.sender) int(%d) if { ssl_c_err 0 }", noRank)
	line("    http-request set-var(txn.ca) ssl_c_ca_err,map_int(%s,%d)", c.file("ranks-ca.map"), lastRank)
	line("    http-request set-var(txn.ca) int(%d) if { ssl_c_ca_err 0 }", noRank)
	line("    http-request set-var(txn.code) ssl_c_verify")
	line("    http-request set-var(txn.code) ssl_c_err if !{ ssl_c_err 0 }")
	line("    http-request set-var(txn.depth) int(0) if !{ ssl_c_err 0 }")
	above := "if !{ ssl_c_ca_err 0 } { var(txn.ca),sub(txn.sender) lt 0 }"
	line("    http-request set-var(txn.code) ssl_c_ca_err %s", above)
	line("    http-request set-var(txn.depth) ssl_c_ca_err_depth %s", above)
	line("    # A resumed session knows the last error only. Which was the first is known of the newest full")
	line("    # handshake with that certificate and that last error.")
	refused := "if { ssl_c_used 1 } !{ ssl_c_verify 0 }"
	line("    http-request set-var(txn.last) ssl_c_verify")
	line("    http-request set-var(txn.refusal) ssl_c_sha1,hex,concat(/,txn.last)")
	line("    http-request track-sc0 var(txn.refusal) table %s %s", refusals, refused)
	line("    http-request sc-set-gpt(0,0) var(txn.code) %s !{ ssl_fc_is_resumed }", refused)
	line("    http-request sc-set-gpt(1,0) var(txn.depth),add(1) %s !{ ssl_fc_is_resumed } { var(txn.depth) -m found }", refused)
	line("    http-request set-var(txn.code) sc_get_gpt(0,0) %s { ssl_fc_is_resumed } { sc_get_gpt(0,0) gt 0 }", refused)
	line("    http-request set-var(txn.depth) sc_get_gpt(1,0),sub(1) %s { ssl_fc_is_resumed } { sc_get_gpt(1,0) gt 0 }", refused)
	line("    http-request set-header %s %%[ssl_c_der,base64] if { ssl_c_used 1 } { var(txn.code) -m int 0 }", forwarding.CertificateHeader)
	line("    http-request set-header %s %%[ssl_c_s_dn(,0,rfc2253),base64] if { ssl_c_used 1 } !{ var(txn.code) -m int 0 }", forwarding.SubjectHeader)
	line("    http-request set-header %s %%[var(txn.code)] if { ssl_c_used 1 }", forwarding.ResultHeader)
	line("    http-request set-header %s %%[var(txn.depth)] if { ssl_c_used 1 } !{ var(txn.code) -m int 0 } { var(txn.depth) -m found }", depthHeader)
	for _, i := range hosts[1:] {
		line("    use_backend nodes%d if { ssl_fc_sni -i %s }", i, all[i].Name)
	}
	line("    default_backend nodes%d", hosts[0])
}

func (c Config) haproxyNodes(line func(string, ...any), i int) {
	h := c.hosts()[i]
	line("")
	line("backend nodes%d", i)
	line("    balance roundrobin")
	line("    option redispatch")
	line("    retry-on conn-failure 502")
	line("    # With no node left the load balancer answers itself, whether it has noticed already or not.")
	line("    http-response set-status 503 if { status 502 } { res.hdr(%s) -m str %s }", checkHeader, nodeDown)
	line("    http-response del-header %s", checkHeader)
	line("    option httpchk")
	line("    http-check send meth GET uri / hdr %s 1", checkHeader)
	line("    http-check expect status 200")
	cookie := ""
	if name := c.cookie(h); name != "" {
		line("    cookie %s insert indirect httponly secure", name)
	}
	for at, n := range c.Nodes {
		if c.cookie(h) != "" {
			cookie = " cookie " + c.cookieValue(h, n)
		}
		line("    server node%d %s ssl verify required ca-file %s crt %s verifyhost %s sni str(%s)%s check inter 1s fall 3 rise 1",
			at+1, n.Address, c.file("nodes-ca.pem"), c.file("neighbour.pem"), serverName(n.ID), serverName(n.ID), cookie)
	}
}
