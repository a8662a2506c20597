package sender

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// The most that a jar keeps, since a server may send as many cookies as it likes.
const (
	maxCookies    = 50   // for each host
	maxCookieSize = 4096 // name and value, bytes
	maxHosts      = 100
)

// jar keeps cookies by host. Unlike net/http/cookiejar it follows the sender's clock and hands
// values back as they came. A cookie goes back to exactly the host that set it: the Domain
// attribute is not heeded.
type jar struct {
	mu    sync.Mutex
	hosts map[string][]cookie
}

type cookie struct {
	name, value, path string
	expires           time.Time // zero: with the session
}

// set stores the cookies of an answer. A cookie that has expired is removed.
func (j *jar) set(host, path string, header http.Header, now time.Time) {
	cookies := (&http.Response{Header: header}).Cookies()
	if len(cookies) == 0 {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	host = strings.ToLower(host)
	if j.hosts == nil {
		j.hosts = make(map[string][]cookie)
	}
	if _, known := j.hosts[host]; !known && len(j.hosts) >= maxHosts {
		return
	}
	for _, c := range cookies {
		k := cookie{name: c.Name, value: c.Value, path: c.Path, expires: c.Expires}
		if c.Quoted {
			k.value = `"` + c.Value + `"`
		}
		if !strings.HasPrefix(k.path, "/") {
			k.path = directory(path)
		}
		switch {
		case c.MaxAge < 0:
			k.expires = time.Unix(1, 0)
		case c.MaxAge > 0:
			k.expires = now.Add(time.Duration(min(c.MaxAge, 1<<31-1)) * time.Second)
		}
		at := slices.IndexFunc(j.hosts[host], func(o cookie) bool { return o.name == k.name && o.path == k.path })
		gone := !k.expires.IsZero() && !k.expires.After(now)
		switch {
		case at >= 0 && gone:
			j.hosts[host] = slices.Delete(j.hosts[host], at, at+1)
		case gone || len(k.name)+len(k.value) > maxCookieSize:
		case at >= 0:
			j.hosts[host][at] = k
		case len(j.hosts[host]) < maxCookies:
			j.hosts[host] = append(j.hosts[host], k)
		}
	}
}

// header is the Cookie header for a request, "" for none. Longer paths come first (RFC 6265,
// section 5.4).
func (j *jar) header(host, path string, encode bool, now time.Time) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var fit []cookie
	for _, k := range j.hosts[strings.ToLower(host)] {
		if (k.expires.IsZero() || k.expires.After(now)) && below(path, k.path) {
			fit = append(fit, k)
		}
	}
	slices.SortStableFunc(fit, func(a, b cookie) int { return len(b.path) - len(a.path) })
	pairs := make([]string, len(fit))
	for i, k := range fit {
		if encode {
			k.value = url.QueryEscape(k.value)
		}
		pairs[i] = k.name + "=" + k.value
	}
	return strings.Join(pairs, "; ")
}

// directory is the path that a cookie without one gets (RFC 6265, section 5.1.4).
func directory(path string) string {
	path, _, _ = strings.Cut(path, "?")
	if i := strings.LastIndexByte(path, '/'); i > 0 {
		return path[:i]
	}
	return "/"
}

// below tells whether a cookie of that path goes with a request.
func below(path, of string) bool {
	path, _, _ = strings.Cut(path, "?")
	if !strings.HasPrefix(path, of) {
		return false
	}
	return len(path) == len(of) || strings.HasSuffix(of, "/") || path[len(of)] == '/'
}
