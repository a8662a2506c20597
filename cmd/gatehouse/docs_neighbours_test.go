package main

import (
	"fmt"
	"strings"

	"example.com/gatehouse/simulator/neighbour"
)

// neighboursPage says how a real load balancer is put in front, and what it does otherwise.
func neighboursPage() string {
	var b strings.Builder
	b.WriteString(`# A real load balancer in front

` + "```console" + `
$ gatehouse serve --behind haproxy --behind-listen 127.0.0.1:8443
$ haproxy -W -db -f haproxy/haproxy.cfg
` + "```" + `

` + "`gatehouse serve --behind haproxy`" + ` (or ` + "`nginx`" + `) writes a configuration with which the program behaves as
the real load balancer does, as far as its own means go: it holds root certificates only, asks for a
certificate and never requires one, removes what a sender writes into reserved headers, and passes on
either the accepted certificate or the subject DN and the verify result of a refused one; custom
domains have their modes and bundles, with two nodes a cookie keeps a sender on its node, and the
sender's address is passed on. Each runtime node listens for that program alone: mutual TLS with a
certificate made for it. Whoever else connects is refused in the handshake; a certificate without a
verdict, a verdict without a certificate and a header that stands twice are answered with 400.

In a container: give the folder to it (` + "`--behind-folder`" + `), say where it sees it (` + "`--behind-seen-as`" + `),
and where the nodes listen and are reached (` + "`--node-host`, `--nodes-seen-at`" + `).

HAProxy also tells the runtime node's door at which depth a chain failed, which stands in the record of
the call and goes no further, and answers 503 itself when no node is left.

HAProxy chooses a host in mode *require* by the server name before TLS ends, through abstract
sockets, which only Linux has.
`)
	for _, kind := range []neighbour.Kind{neighbour.HAProxy, neighbour.Nginx} {
		fmt.Fprintf(&b, "\n## What %s does otherwise\n\n| what comes out differently | why | defects that show it | recorded chains that show it |\n|---|---|---|---|\n", kind)
		for _, d := range neighbour.Differences(kind) {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", d.What, d.Reason, quoted(d.Defects), quoted(d.Cases))
		}
		if scenarios := neighbour.ScenarioDifferences(kind); len(scenarios) > 0 {
			fmt.Fprintf(&b, "\nOf the bundled suite these scenarios do not pass with %s in a container in front of the runtime nodes:\n\n| what they are about | | why | scenarios |\n|---|---|---|---|\n", kind)
			for _, d := range scenarios {
				names := strings.Join(d.Scenarios, "<br>")
				if d.Tag != "" {
					names = "those with the tag `" + d.Tag + "`"
				}
				how := "not supported"
				if d.Run {
					how = "comes out differently"
				}
				fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", d.What, how, d.Reason, names)
			}
		}
	}
	b.WriteString(`
Tests send every defect of [the catalogue](defects.md), and every recorded chain of
` + "`pki/verify/testdata/cases`" + ` with new keys, through both load balancers, over TLS 1.2 and over TLS 1.3.
Keys that Go does not sign with are presented by ` + "`openssl s_client`" + `. The tests fail for a difference
that does not stand here, and for one that stands here and is none. What the other load balancer makes
of a recorded chain must also be what was recorded of it.

The test that runs the bundled suite through HAProxy (` + "`make container`" + `) does the same with its scenarios.
For nginx nobody has run it.
`)
	return b.String()
}

// quoted are ids in a cell of a table.
func quoted(ids []string) string {
	if len(ids) == 0 {
		return "–"
	}
	return "`" + strings.Join(ids, "`, `") + "`"
}
