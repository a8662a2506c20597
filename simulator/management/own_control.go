package management

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/keystore"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/management/odata"
)

const (
	// maxListed bounds the journeys and audit entries of one answer, and is how many there are if
	// no limit is given: defaultListed.
	maxListed     = 1000
	defaultListed = 100
	// maxWait is the longest that a client may wait for a call.
	maxWait = 30 * time.Second
	// maxMinted bounds the certificates that one request makes.
	maxMinted = 50
)

func unescape(segment string) (string, *odata.Error) {
	out, err := url.PathUnescape(segment)
	if err != nil {
		return "", odata.Errorf(http.StatusBadRequest, "The path is not percent-encoded as it should be.")
	}
	return out, nil
}

// number reads a query parameter.
func (c *ownCall) number(name string, fallback, least, most int) (int, *odata.Error) {
	text, ok := c.query[name]
	if !ok {
		return fallback, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, odata.Errorf(http.StatusBadRequest, "Found %s=%q, expected a number from %d to %d.", name, clip(text), least, most)
	}
	return n, nil
}

// ownJourneys lists the records of the newest calls, the oldest first: at most limit; those after
// the one with an id; or only one, for which wait gives a time to wait in seconds. That is the one
// of a connection (client) and its request; or, for those who do not know what address the load
// balancer saw, the one whose access log line holds a text (logged), of several the line-th that
// began; or whichever of the two is found.
func ownJourneys(c *ownCall) (any, *odata.Error) {
	l, err := c.landscape()
	if err != nil {
		return nil, err
	}
	limit, err := c.number("limit", defaultListed, 1, maxListed)
	if err != nil {
		return nil, err
	}
	request, err := c.number("request", 0, 0, 1<<31-1)
	if err != nil {
		return nil, err
	}
	wait, err := c.number("wait", 0, 0, int(maxWait.Seconds()))
	if err != nil {
		return nil, err
	}
	line, err := c.number("line", 1, 1, maxListed)
	if err != nil {
		return nil, err
	}
	var matches []func(journey.Journey) bool
	if client, ok := c.query["client"]; ok {
		if _, given := c.query["request"]; !given {
			return nil, odata.Errorf(http.StatusBadRequest, `The parameter "request" is missing: which call of the connection, from 1.`)
		}
		matches = append(matches, journey.Call(client, request))
	}
	if text, ok := c.query["logged"]; ok {
		if text == "" {
			return nil, odata.Errorf(http.StatusBadRequest, `The parameter "logged" is empty: every line holds that.`)
		}
		matches = append(matches, logged(l.Journeys(), text, line))
	}
	if len(matches) > 0 {
		match := func(j journey.Journey) bool {
			return slices.ContainsFunc(matches, func(m func(journey.Journey) bool) bool { return m(j) })
		}
		return map[string]any{"journeys": one(c.http.Context(), l.Journeys(), match, time.Duration(wait)*time.Second)}, nil
	}
	all := l.Journeys().All()
	if after, ok := c.query["after"]; ok {
		for i, j := range all {
			if j.ID == after {
				all = all[i+1:]
				break
			}
		}
	}
	return map[string]any{"journeys": all[max(0, len(all)-limit):]}, nil
}

// logged matches the n-th journey, from 1 in the order in which they began, of those whose access log
// line holds the text. Records are kept in the order in which calls end, and a moment after their
// answer.
func logged(log *journey.Log, text string, n int) func(journey.Journey) bool {
	holds := func(j journey.Journey) bool { return strings.Contains(j.AccessLog, text) }
	return func(j journey.Journey) bool {
		if !holds(j) {
			return false
		}
		all := slices.DeleteFunc(log.All(), func(k journey.Journey) bool { return !holds(k) })
		slices.SortStableFunc(all, func(a, b journey.Journey) int { return a.Started.Compare(b.Started) })
		return len(all) >= n && all[n-1].ID == j.ID
	}
}

// one waits for a journey; without a time to wait it must be there already.
func one(ctx context.Context, log *journey.Log, match func(journey.Journey) bool, wait time.Duration) []journey.Journey {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	// What is there already is found even if the time is up.
	for _, j := range slices.Backward(log.All()) {
		if match(j) {
			return []journey.Journey{j}
		}
	}
	if j, err := log.Wait(ctx, match); err == nil {
		return []journey.Journey{j}
	}
	return []journey.Journey{}
}

func ownClock(c *ownCall) (any, *odata.Error) {
	return map[string]any{"clock": c.server.config.Now().UTC()}, nil
}

// ownSetClock moves the clock to a time, or by a duration.
func ownSetClock(c *ownCall) (any, *odata.Error) {
	l, err := c.landscape()
	if err != nil {
		return nil, err
	}
	var body struct {
		Set     *time.Time `json:"set"`
		Advance string     `json:"advance"`
	}
	if err := c.body(&body); err != nil {
		return nil, err
	}
	switch {
	case (body.Set != nil) == (body.Advance != ""):
		return nil, odata.Errorf(http.StatusBadRequest, `Expected either {"set":"2027-01-31T12:00:00Z"} or {"advance":"48h"}.`)
	case body.Set != nil:
		if y := body.Set.Year(); y < 1970 || y > 9000 {
			return nil, odata.Errorf(http.StatusBadRequest, "Found the year %d, expected 1970 to 9000.", y)
		}
		l.SetClock(*body.Set)
	default:
		by, err := time.ParseDuration(body.Advance)
		if err != nil {
			return nil, odata.Errorf(http.StatusBadRequest, `Found advance %q, expected a duration such as "48h" or "-1h30m".`, clip(body.Advance))
		}
		to := c.server.config.Now().Add(by)
		if y := to.Year(); y < 1970 || y > 9000 {
			return nil, odata.Errorf(http.StatusBadRequest, "The clock would show the year %d, expected 1970 to 9000.", y)
		}
		l.SetClock(to)
	}
	return ownClock(c)
}

// minted is a certificate that was made, with its private key.
type minted struct {
	Name        string `json:"name"`
	Certificate string `json:"certificate"`
	// Chain is what a sender presents: the certificate and its intermediates.
	Chain string `json:"chain"`
	// FullChain goes up to the root.
	FullChain string `json:"fullChain"`
	// Key is empty if the key is not known.
	Key string `json:"key,omitempty"`
}

// ownMint makes certificates from descriptions as a landscape document has them. Files that they
// name are given with the request.
func ownMint(c *ownCall) (any, *odata.Error) {
	l, err := c.landscape()
	if err != nil {
		return nil, err
	}
	var body struct {
		Certificates []pki.Description `json:"certificates"`
		Files        map[string]string `json:"files"`
	}
	if err := c.body(&body); err != nil {
		return nil, err
	}
	if n := len(body.Certificates); n == 0 || n > maxMinted {
		return nil, odata.Errorf(http.StatusBadRequest, `Found %d descriptions in "certificates", expected 1 to %d.`, n, maxMinted)
	}
	load := func(path string) ([]byte, error) {
		text, ok := body.Files[path]
		if !ok {
			return nil, fmt.Errorf(`the request has no file %q: give its text in "files"`, path)
		}
		return []byte(text), nil
	}
	made, failed := l.Mint(c.http.Context(), body.Certificates, load)
	if failed != nil {
		return nil, odata.Errorf(http.StatusBadRequest, "%v", failed)
	}
	out := []minted{}
	for _, one := range made {
		m := minted{Name: one.Name(), Certificate: string(keystore.CertificatePEM(one)), Chain: string(keystore.ChainPEM(one)), FullChain: string(keystore.FullChainPEM(one))}
		if key := one.Key(); key != nil {
			text, err := keystore.KeyPEM(key)
			if err != nil {
				return nil, odata.Errorf(http.StatusInternalServerError, "The private key of %q cannot be written.", one.Name())
			}
			m.Key = string(text)
		}
		out = append(out, m)
	}
	return map[string]any{"certificates": out}, nil
}

// ownTrust replaces the trust list of a host.
func ownTrust(c *ownCall) (any, *odata.Error) {
	l, err := c.landscape()
	if err != nil {
		return nil, err
	}
	var body struct {
		Host         string   `json:"host"`
		Certificates []string `json:"certificates"`
	}
	if err := c.body(&body); err != nil {
		return nil, err
	}
	if body.Host == "" {
		body.Host = l.Facts().Host
	}
	if failed := l.SetTrust(body.Host, body.Certificates...); failed != nil {
		return nil, odata.Errorf(http.StatusBadRequest, "%v", failed)
	}
	return map[string]any{"hosts": l.Facts().Hosts}, nil
}

// ownNode switches a runtime node up or down.
func ownNode(c *ownCall) (any, *odata.Error) {
	l, err := c.landscape()
	if err != nil {
		return nil, err
	}
	var body struct {
		Up *bool `json:"up"`
	}
	if err := c.body(&body); err != nil {
		return nil, err
	}
	number, failed := strconv.Atoi(c.rest)
	if failed != nil || body.Up == nil {
		return nil, odata.Errorf(http.StatusBadRequest, `Expected the number of a node in the path, from 1, and {"up":true} or {"up":false}.`)
	}
	if failed := l.SetNode(number, *body.Up); failed != nil {
		return nil, odata.Errorf(http.StatusNotFound, "%v", failed)
	}
	return map[string]any{"nodes": l.Facts().Nodes}, nil
}
