package tenant

import (
	"fmt"
	"strings"
)

// RouteAnswer says how a path was routed.
type RouteAnswer struct {
	// Found tells whether a channel serves the path.
	Found bool
	// Path is the path as it was compared; see CleanPath. Empty if it was refused.
	Path string
	// Below is what of the path follows the channel's address, "/item" for instance.
	Below string
	// Refused says why the path was not compared at all; nil otherwise.
	Refused error
	// Hint says of a path that was not found what its caller may have meant; empty if
	// nothing comes near.
	Hint string
}

// deployed is a channel as the snapshot keeps it.
type deployed struct {
	from    *entry[Channel]
	channel Channel
	table   map[pairKey]struct{}
}

// routes is the part of a snapshot that knows the endpoints. It is not changed once built.
type routes struct {
	// exact holds addresses of HTTPS channels in lower case, wild those that end in "/*" without
	// that end; below holds all others, which serve what lies below them too.
	exact, wild, below map[string]*deployed
	// The longest address in wild and in below bounds the search.
	longestWild, longestBelow int
	// folded finds an address without regard to case, for hints.
	folded map[string]string
}

// newRoutes knows the channels. Those that the old routes know already are taken over; the old routes
// are nil where nothing was, channels neither.
func newRoutes(channels []*entry[Channel], old *routes) *routes {
	r := &routes{
		exact: make(map[string]*deployed, len(channels)), wild: make(map[string]*deployed),
		below: make(map[string]*deployed), folded: make(map[string]string, len(channels)),
	}
	for _, e := range channels {
		d := old.of(e)
		if d == nil {
			d = deploy(e)
		}
		address := d.channel.Address
		lower := lowerASCII(address)
		r.folded[lower] = address
		if d.channel.Adapter != HTTPS {
			r.below[address] = d
			r.longestBelow = max(r.longestBelow, len(address))
			continue
		}
		// The prefix is a path of the server and keeps its case; only the address below it
		// does not care.
		if base, ok := wildcardBase(lower); ok {
			r.wild[base] = d
			r.longestWild = max(r.longestWild, len(base))
		} else {
			r.exact[lower] = d
		}
	}
	return r
}

// of returns what the routes made of exactly this channel; nil if they do not know it.
func (r *routes) of(e *entry[Channel]) *deployed {
	if d := r.at(e.value.Address); d != nil && d.from == e {
		return d
	}
	return nil
}

func deploy(e *entry[Channel]) *deployed {
	d := &deployed{from: e, channel: e.value.clone().withDefaults()}
	if table := e.value.Authorization.Table; table != nil {
		d.table = make(map[pairKey]struct{}, len(table))
		for _, pair := range table {
			if k, err := pair.key(); err == nil {
				d.table[k] = struct{}{}
			}
		}
	}
	return d
}

// route finds the channel that serves the clean path.
func (r *routes) route(path string) *deployed {
	if path == "/http" || strings.HasPrefix(path, "/http/") {
		lower := lowerASCII(path)
		if d := r.exact[lower]; d != nil {
			return d
		}
		return longest(r.wild, lower, r.longestWild)
	}
	return longest(r.below, path, r.longestBelow)
}

// longest finds the longest address that is the path or lies above it. Addresses are at most
// most bytes long: of a very long path only its beginning is looked at.
func longest(among map[string]*deployed, path string, most int) *deployed {
	if len(path) > most {
		cut := strings.LastIndexByte(path[:most+1], '/')
		if cut < 0 {
			return nil
		}
		path = path[:cut]
	}
	for ; path != ""; path = parent(path) {
		if d := among[path]; d != nil {
			return d
		}
	}
	return nil
}

// hint says what the caller of a path at which nothing is deployed may have meant. It costs a few
// lookups, whatever the path and however many channels there are.
func (r *routes) hint(path string) string {
	if len(path) > MaxAddress {
		return ""
	}
	lower := lowerASCII(path)
	if address, ok := r.folded[lower]; ok {
		return fmt.Sprintf("%q is deployed: the path has another case", address)
	}
	if d := r.route(strings.TrimRight(path, "/")); d != nil {
		return fmt.Sprintf("%q is deployed: the path has a / at its end", d.channel.Address)
	}
	if d := r.route(path + "/"); d != nil {
		return fmt.Sprintf("%q is deployed: the path lacks the / at its end", d.channel.Address)
	}
	for _, p := range prefixes {
		if d := r.route(p.path + path); d != nil {
			return fmt.Sprintf("%q is deployed: the path lacks %s", d.channel.Address, p.path)
		}
	}
	if address := r.foldedAbove(lower); address != "" {
		return fmt.Sprintf("%q is deployed: the path has another case", address)
	}
	if d := longest(r.exact, lower, len(lower)); d != nil {
		return fmt.Sprintf("%q is deployed and serves nothing below it: an address for that ends in /*", d.channel.Address)
	}
	if _, rest, ok := prefixOf(lower); ok {
		rest = path[len(path)-len(rest):]
		for _, p := range prefixes {
			if d := r.route(p.path + rest); d != nil {
				return fmt.Sprintf("%q is deployed: the path has another prefix", d.channel.Address)
			}
		}
	}
	return ""
}

// foldedAbove finds an address other than one of an exact HTTPS channel above the path, without
// regard to case.
func (r *routes) foldedAbove(lower string) string {
	for at := lower; at != ""; at = parent(at) {
		address, ok := r.folded[at]
		if !ok {
			address, ok = r.folded[at+"/*"]
		}
		if ok && (adapterOf(address) != HTTPS || strings.HasSuffix(address, "/*")) {
			return address
		}
	}
	return ""
}
