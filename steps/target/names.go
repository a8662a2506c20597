package target

import (
	"slices"
	"strings"
	"sync"

	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/systemlog"
)

// names translates between what scenarios call things and what they are called on a target that
// scenarios share: users get names that nobody else has, channels and hosts are those that play the
// parts.
type names struct {
	mu sync.Mutex
	// run sets the users of this run apart.
	run      string
	users    map[string]string // from the scenario's name to the target's
	channels map[string]string
	hosts    map[string]string
	// issuers are common names of CAs.
	issuers map[string]string
}

func newNames(run string) *names {
	return &names{run: run, users: map[string]string{}, channels: map[string]string{}, hosts: map[string]string{}, issuers: map[string]string{}}
}

// user is the target's name of a user, a new one for a user that was not named before.
func (n *names) user(scenario string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if name, ok := n.users[scenario]; ok {
		return name
	}
	name := "GH-" + n.run + "-" + scenario
	n.users[scenario] = name
	return name
}

// isOwn tells whether the target's user was made up here.
func (n *names) isOwn(target string) bool { return strings.HasPrefix(target, "GH-"+n.run+"-") }

// plays says that a user of the target has a part.
func (n *names) plays(scenario, target string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.users[scenario] = target
}

// channel says which channel of the target plays one of the scenario. Addresses that end in /* serve
// what lies below.
func (n *names) channel(scenario, target string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.channels[strings.TrimSuffix(scenario, "/*")] = strings.TrimSuffix(target, "/*")
}

// path is the target's path for one of a scenario: that of the channel with the longest address.
func (n *names) path(scenario string) string {
	path, query, hasQuery := strings.Cut(scenario, "?")
	n.mu.Lock()
	defer n.mu.Unlock()
	longest := ""
	for address := range n.channels {
		if belongs(path, address) && len(address) > len(longest) {
			longest = address
		}
	}
	if longest != "" {
		to := n.channels[longest]
		if !strings.HasPrefix(path, longest) { // another case, which is what the scenario is about
			to = path[:strings.Index(path[1:], "/")+2] + strings.ToUpper(to[strings.Index(to[1:], "/")+2:])
		}
		path = to + path[len(longest):]
	}
	if hasQuery {
		path += "?" + query
	}
	return path
}

// belongs tells whether the path is the address or lies below it, in whatever case.
func belongs(path, address string) bool {
	if len(path) < len(address) || !strings.EqualFold(path[:len(address)], address) {
		return false
	}
	return len(path) == len(address) || path[len(address)] == '/' || strings.HasSuffix(address, "/")
}

// host is the target's name of a host.
func (n *names) host(scenario string) (string, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	name, ok := n.hosts[scenario]
	return name, ok
}

// back translates a text of the target into the scenario's names.
func (n *names) back(text string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, of := range []map[string]string{n.users, n.hosts, n.channels} {
		text = replaceAll(text, of)
	}
	return text
}

// backHost translates the hosts in a text.
func (n *names) backHost(text string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return replaceAll(text, n.hosts)
}

// backUser translates the user column: a user, or <CN>@<CN of the issuer>.
func (n *names) backUser(user string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	for scenario, target := range n.users {
		if user == target {
			return scenario
		}
	}
	if at := strings.LastIndexByte(user, '@'); at >= 0 {
		for scenario, target := range n.issuers {
			if user[at+1:] == target {
				return user[:at+1] + scenario
			}
		}
	}
	return user
}

// replaceAll replaces the target's words by the scenario's, longer ones first.
func replaceAll(text string, words map[string]string) string {
	type pair struct{ scenario, target string }
	var pairs []pair
	for scenario, target := range words {
		if target != "" && target != scenario {
			pairs = append(pairs, pair{scenario, target})
		}
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		if d := len(b.target) - len(a.target); d != 0 {
			return d
		}
		return strings.Compare(a.target, b.target)
	})
	for _, p := range pairs {
		text = strings.ReplaceAll(text, p.target, p.scenario)
	}
	return text
}

// line translates an access log line, and takes out what the session added to the call.
func (n *names) line(l systemlog.NodeLine, added string, passport string) systemlog.NodeLine {
	l.User = n.backUser(l.User)
	l.URI = strings.TrimSuffix(strings.TrimSuffix(strings.Replace(l.URI, added, "", 1), "&"), "?")
	l.URI, l.Host = n.back(l.URI), n.back(l.Host)
	if passport != "" && strings.EqualFold(l.Passport, passport) {
		l.Passport = ""
	}
	return l
}

// record translates a trace record.
func (n *names) record(r systemlog.NodeRecord, passport bool) systemlog.NodeRecord {
	r.User, r.Text = n.backUser(r.User), n.back(r.Text)
	if passport {
		r.Passport, r.PassportFlag = [3]string{}, ""
	}
	return r
}

// journey translates the record of a call.
func (n *names) journey(j journey.Journey, added string) journey.Journey {
	j.User, j.Host, j.Path = n.backUser(j.User), n.back(j.Host), n.back(j.Path)
	stops := slices.Clone(j.Stops)
	for i := range stops {
		stops[i].Decided, stops[i].Fix = n.back(stops[i].Decided), n.back(stops[i].Fix)
	}
	j.Stops = stops
	j.AccessLog = n.back(strings.Replace(j.AccessLog, added, "", 1))
	trace := slices.Clone(j.Trace)
	for i := range trace {
		trace[i] = n.back(trace[i])
	}
	j.Trace = trace
	return j
}
