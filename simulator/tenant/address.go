package tenant

import (
	"fmt"
	"slices"
	"strings"
)

// MaxAddress is how long the address of a channel may be, in bytes. [?] A choice.
const MaxAddress = 512

// prefix is what the addresses of some adapters begin with.
type prefix struct {
	path     string
	adapters []Adapter // the first is the default
}

// prefixes of the endpoints [C: SAP-docs/btp-integration-suite, docs/ci].
var prefixes = []prefix{
	{"/http", []Adapter{HTTPS}},
	{"/cxf", []Adapter{SOAP, SOAPSAPRM, IDoc, XI}},
	{"/as2/as2", []Adapter{AS2}},
	{"/as2/mdn", []Adapter{AS2MDN}},
	{"/gw/odata", []Adapter{OData}},
}

// Adapters lists the adapters.
func Adapters() []Adapter {
	var out []Adapter
	for _, p := range prefixes {
		out = append(out, p.adapters...)
	}
	return out
}

// Answers lists the answers.
func Answers() []Answer { return []Answer{Echo, OneWay, NoContent, Fail} }

// prefixOf finds the prefix that the path begins with and what follows it, "/" included.
func prefixOf(path string) (p prefix, rest string, ok bool) {
	for _, p := range prefixes {
		if rest, ok := strings.CutPrefix(path, p.path); ok && strings.HasPrefix(rest, "/") {
			return p, rest, true
		}
	}
	return prefix{}, "", false
}

func adapterOf(address string) Adapter {
	if p, _, ok := prefixOf(address); ok {
		return p.adapters[0]
	}
	return ""
}

// flowName makes a name for a flow whose channel has this address.
func flowName(address string) string {
	_, rest, ok := prefixOf(address)
	if !ok {
		rest = address
	}
	rest = strings.Trim(strings.TrimSuffix(rest, "/*"), "/")
	if rest == "" {
		return "flow"
	}
	return strings.ReplaceAll(rest, "/", "_")
}

// wildcardBase is the address without its final "/*", if it has one; only addresses of HTTPS
// channels do.
func wildcardBase(address string) (string, bool) { return strings.CutSuffix(address, "/*") }

// key identifies a channel: addresses of HTTPS channels are case-insensitive [C], all others
// are not ([X] for /cxf: a choice that satisfies both pages).
func (c Channel) key() string {
	if c.Adapter == HTTPS || c.Adapter == "" && adapterOf(c.Address) == HTTPS {
		return lowerASCII(c.Address)
	}
	return c.Address
}

// checkAddress says what is wrong with the address of one channel; empty if nothing is.
func checkAddress(address string, adapter Adapter) string {
	if address == "" {
		return `found none, expected a full path such as "/http/orders"`
	}
	if len(address) > MaxAddress {
		return fmt.Sprintf("is %d bytes long, expected %d at most", len(address), MaxAddress)
	}
	p, rest, ok := prefixOf(address)
	if !ok {
		hint := ""
		if strings.HasPrefix(address, "/") {
			hint = fmt.Sprintf("; did you mean %q?", "/http"+address)
		}
		return fmt.Sprintf("found %q, expected it to begin with /http/, /cxf/, /as2/as2/, /as2/mdn/ or /gw/odata/%s", address, hint)
	}
	if adapter != "" && slices.Contains(Adapters(), adapter) && !slices.Contains(p.adapters, adapter) {
		return fmt.Sprintf("found %q, expected the prefix of the %s adapter: %s/", address, adapter, prefixFor(adapter))
	}
	if rest == "/" {
		return fmt.Sprintf("found %q, expected a name behind the prefix", address)
	}
	https := p.path == "/http"
	name := rest
	if https {
		var wild bool
		name, wild = strings.CutSuffix(rest, "/*")
		if wild && strings.HasSuffix(name, "/") {
			return fmt.Sprintf("found %q, which no call can reach: expected no empty segments", address)
		}
	}
	for _, r := range name {
		switch {
		case r == '*' && https:
			return fmt.Sprintf(`found "*" within %q, expected it only as a final "/*"`, address)
		case !addressLetter(r):
			return fmt.Sprintf("found %q in %q, expected letters, digits and _ / ~ - . $ only", r, address)
		}
	}
	for segment := range strings.SplitSeq(strings.TrimPrefix(name, "/"), "/") {
		if segment == "." || segment == ".." || segment == "" && name != "" && !(https && strings.HasSuffix(name, "/")) ||
			strings.Contains(name, "//") {
			return fmt.Sprintf("found %q, which no call can reach: expected no empty segments and neither . nor ..", address)
		}
	}
	return ""
}

// addressLetter: letters, digits and _ / ~ - . $ [C for HTTPS; for the other adapters [?] the same].
func addressLetter(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("_/~-.$", r)
}

// Prefix is what the addresses of the adapter's channels begin with, such as "/http"; empty for an
// unknown adapter.
func (a Adapter) Prefix() string { return prefixFor(a) }

// FlowName is the flow that the channel belongs to, also if it names none.
func (c Channel) FlowName() string { return c.flow() }

func prefixFor(a Adapter) string {
	for _, p := range prefixes {
		if slices.Contains(p.adapters, a) {
			return p.path
		}
	}
	return ""
}

// checkAddresses finds channels that stand in each other's way: the same address twice, and
// addresses that another's "/*" covers [C].
func checkAddresses(channels []Channel, report func(i int, field, message string)) {
	first := make(map[string]int, len(channels))
	wild := make(map[string]int)
	for i, c := range channels {
		k := c.key()
		if j, taken := first[k]; taken {
			report(i, "address", fmt.Sprintf("%q is the address of channels[%d] already (%q); a second flow with it does not start", c.Address, j, channels[j].Address))
			continue
		}
		first[k] = i
		if base, ok := wildcardBase(k); ok {
			wild[base] = i
		}
	}
	if len(wild) == 0 {
		return
	}
	for i, c := range channels {
		k := c.key()
		if !strings.HasPrefix(k, "/http/") || first[k] != i {
			continue
		}
		for at, _ := wildcardBase(k); at != ""; at = parent(at) {
			if j, covered := wild[at]; covered && j != i {
				report(i, "address", fmt.Sprintf("%q is covered by %q of channels[%d], which excludes every other address below it", c.Address, channels[j].Address, j))
				break
			}
		}
	}
}

// parent is the path without its last segment.
func parent(path string) string { return path[:max(0, strings.LastIndexByte(path, '/'))] }

// lowerASCII folds the letters A to Z only: addresses hold no others, and folding all of Unicode
// would take the Kelvin sign for a k.
func lowerASCII(s string) string {
	for i := range len(s) {
		if c := s[i]; 'A' <= c && c <= 'Z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				if c := b[i]; 'A' <= c && c <= 'Z' {
					b[i] = c + 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}
