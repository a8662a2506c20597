package loadbalancer

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
)

// spread distributes calls over the backends: round robin, unless a cookie names one.
type spread struct {
	backends []Backend
	key      [32]byte
	next     *atomic.Uint64
}

func newSpread(backends []Backend, random io.Reader) (spread, error) {
	s := spread{backends: backends, next: new(atomic.Uint64)}
	ids := make(map[string]bool, len(backends))
	for i, b := range backends {
		if b == nil {
			return spread{}, fmt.Errorf("backend %d is nil", i+1)
		}
		id := b.ID()
		if id == "" {
			return spread{}, fmt.Errorf("backend %d has no id", i+1)
		}
		if ids[id] {
			return spread{}, fmt.Errorf("two backends have the id %q", id)
		}
		ids[id] = true
	}
	if _, err := io.ReadFull(random, s.key[:]); err != nil {
		return spread{}, fmt.Errorf("making the key of affinity cookies: %w", err)
	}
	return s, nil
}

// errNoBackend says that no runtime node is up.
var errNoBackend = errors.New("no runtime node is up")

// pick returns the backend for a call: the one at index wanted if it is up (negative: none is
// wanted), else the next in turn that is up.
func (s spread) pick(wanted int) (int, error) {
	if wanted >= 0 && s.backends[wanted].Up() {
		return wanted, nil
	}
	n := len(s.backends)
	if n == 0 {
		return 0, errNoBackend
	}
	first := int((s.next.Add(1) - 1) % uint64(n))
	for i := range n {
		if at := (first + i) % n; s.backends[at].Up() {
			return at, nil
		}
	}
	return 0, errNoBackend
}

// affinity is the cookie of one host that keeps a client on its node. It is off with fewer than
// two nodes. [C] SAP-docs/btp-integration-suite: a cookie BIGipServer<host>.
//
// The value has the look of BIG-IP's encrypted cookies: "!" and Base64 with padding. So a sender
// that URL-encodes it changes it, and loses its node (note 2681175) [C]. It is a keyed hash of the
// node's id; there is nothing to decrypt, and nothing to forge without the key.
type affinity struct {
	name    string
	indexOf map[string]int // from the cookie's value
	headers []string       // the Set-Cookie value for each backend
}

func (s spread) affinityFor(host string) affinity {
	if len(s.backends) < 2 {
		return affinity{}
	}
	a := affinity{
		name:    "BIGipServer" + host,
		indexOf: make(map[string]int, len(s.backends)),
		headers: make([]string, len(s.backends)),
	}
	for i, b := range s.backends {
		mac := hmac.New(sha256.New, s.key[:])
		mac.Write([]byte(host + "\x00" + b.ID()))
		value := "!" + base64.StdEncoding.EncodeToString(mac.Sum(nil))
		a.indexOf[value] = i
		a.headers[i] = a.name + "=" + value + "; path=/; Httponly; Secure"
	}
	return a
}

// wanted returns the index of the backend that the request's cookie names, or -1: without a
// cookie, and for a value that is not one of ours.
func (a affinity) wanted(r *http.Request) int {
	if a.name == "" {
		return -1
	}
	for _, cookie := range r.CookiesNamed(a.name) {
		if i, ok := a.indexOf[cookie.Value]; ok && !cookie.Quoted {
			return i
		}
	}
	return -1
}

// setCookie is the Set-Cookie value for a call that wanted one backend and got another; empty if
// the client has its cookie already.
func (a affinity) setCookie(wanted, got int) string {
	if a.name == "" || wanted == got {
		return ""
	}
	return a.headers[got]
}
