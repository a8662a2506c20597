package features_test

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/forwarding"
	"example.com/gatehouse/simulator/loadbalancer"
	"example.com/gatehouse/simulator/node"
	"example.com/gatehouse/steps/target"
)

// spreadingDeviants are load balancers that spread calls wrongly.
func spreadingDeviants() []deviant {
	const cookie = "BIGipServer" + target.BaseHost
	return []deviant{
		{"does not heed the cookie", "LB-13", "With two nodes a cookie keeps a client on its node", before(func(r *http.Request) { r.Header.Del("Cookie") }), false},
		{"names the cookie as it likes", "LB-13", "The cookie is named after the host", after(func(_ *http.Request, a *answer) {
			for i, v := range a.header["Set-Cookie"] {
				a.header["Set-Cookie"][i] = strings.Replace(v, cookie, "SERVERID", 1)
			}
		}), false},
		{"understands an encoded cookie", "LB-14", "A client that URL-encodes the cookie is not kept on its node", before(func(r *http.Request) {
			if plain, err := url.QueryUnescape(r.Header.Get("Cookie")); err == nil && plain != "" {
				r.Header.Set("Cookie", plain)
			}
		}), false},
		{"uses one node only", "LB-13", "With two nodes a client without cookies is spread over both", func() simulator.Parts {
			var made atomic.Int32
			return simulator.Parts{Node: func(n *node.Node) loadbalancer.Backend {
				return backend{Node: n, up: func() bool { return false }, first: made.Add(1) == 1}
			}}
		}, false},
		{"calls nodes that are down", "LB-20", "A node that is down gets no calls", func() simulator.Parts {
			return simulator.Parts{Node: func(n *node.Node) loadbalancer.Backend {
				return backend{Node: n, up: func() bool { return true }}
			}}
		}, false},
		{"calls a node that is down if there is no other", "LB-20", "With no node left the load balancer answers itself", func() simulator.Parts {
			return simulator.Parts{Node: func(n *node.Node) loadbalancer.Backend {
				return backend{Node: n, up: func() bool { return true }}
			}}
		}, false},
	}
}

// backend is a node that says something else of whether it is up.
type backend struct {
	*node.Node
	up    func() bool
	first bool
}

func (b backend) Up() bool {
	if b.first {
		return b.Node.Up()
	}
	return b.up()
}

// answerDeviants are nodes that answer wrongly.
func answerDeviants() []deviant {
	status := func(from, to int) func() simulator.Parts {
		return after(func(_ *http.Request, a *answer) {
			if a.status == from {
				a.status = to
			}
		})
	}
	return []deviant{
		{"answers 403 for 401", "AUT-10", "Without identity the answer is 401 with an empty chunked body", status(401, 403), false},
		{"answers 401 for 403", "CHN-2", "Without the role the call gets 403", status(403, 401), false},
		{"answers 404 for 403", "CHN-2", "Without the role the call gets 403", status(403, 404), false},
		{"writes a page to a 401", "AUT-10", "Without identity the answer is 401 with an empty chunked body", after(func(_ *http.Request, a *answer) {
			if a.status == 401 {
				a.body = []byte("<html>Unauthorized</html>")
			}
		}), false},
		{"does not ask for user and password", "AUT-11", "A 401 asks for user and password", after(func(_ *http.Request, a *answer) { a.remove("WWW-Authenticate") }), false},
		{"looks at the path first", "AUT-12", "An unauthenticated call to an unknown path gets 401", after(func(r *http.Request, a *answer) {
			if a.status == 401 && strings.HasPrefix(r.URL.Path, "/http/nothing") {
				a.status = 404
			}
		}), false},
		{"ends a call whose certificate was refused", "AUT-14", "Beside a refused certificate user and password count", before(nil, func(r *http.Request) {
			if r.Header.Get(forwarding.ResultHeader) != "" {
				r.Header.Del("Authorization")
			}
		}), false},
		{"prefers user and password to the certificate", "AUT-14", "A certificate goes before user and password", before(nil, func(r *http.Request) {
			if r.Header.Get("Authorization") != "" {
				forwarding.Strip(r.Header)
			}
		}), false},
		{"answers HEAD on SOAP channels", "EP-8", "HEAD on a channel of the adapter SOAP gets 405, and messages go through", status(405, 200), false},
		{"answers a 404 under /cxf with a page of its own", "EP-7", "A 404 under /cxf says that no service was found", after(func(_ *http.Request, a *answer) {
			if a.status == 404 {
				a.body = []byte("<html>Not found</html>")
			}
		}), false},
		{"answers 404 to a flow that restarts", "EP-10", "A flow that is being redeployed does not serve calls", status(503, 404), false},
		{"answers 200 to one-way messages", "FLW-1", "A flow that answers oneWay gives 202", status(202, 200), false},
		{"answers 200 when the flow failed", "FLW-2", "A flow that fails gives 500", status(500, 200), false},
		{"answers 400 to a large body", "FLW-3", "A body over the channel's limit gets 413", status(413, 400), false},
		{"does not say that a CSRF token is required", "CHN-13", "The 403 says that a token is required", after(func(_ *http.Request, a *answer) {
			if a.status == 403 {
				a.remove("X-CSRF-Token")
			}
		}), false},
	}
}

// before changes requests: on their way into the load balancer, or into the node.
func before(change func(*http.Request), atNode ...func(*http.Request)) func() simulator.Parts {
	return func() simulator.Parts {
		var p simulator.Parts
		if change != nil {
			p.LoadBalancer.Handler = func(honest http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					change(r)
					honest.ServeHTTP(w, r)
				})
			}
		}
		for _, change := range atNode {
			p.Node = func(n *node.Node) loadbalancer.Backend { return changed{Node: n, change: change} }
		}
		return p
	}
}

type changed struct {
	*node.Node
	change func(*http.Request)
}

func (c changed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.change(r)
	c.Node.ServeHTTP(w, r)
}

// answer is a whole answer that is held back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// after changes answers before the sender gets them.
func after(change func(*http.Request, *answer)) func() simulator.Parts {
	return func() simulator.Parts {
		return simulator.Parts{LoadBalancer: loadbalancer.Parts{Handler: func(honest http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				held := &holding{ResponseWriter: w, answer: answer{status: 200, header: http.Header{}}}
				honest.ServeHTTP(held, r)
				a := &held.answer
				a.body = held.written.Bytes()
				change(r, a)
				for name, values := range a.header {
					if name != "Content-Length" {
						w.Header()[name] = values
					}
				}
				w.WriteHeader(a.status)
				_, _ = w.Write(a.body)
			})
		}}}
	}
}

// remove takes a header away, in whatever case the node wrote it.
func (a *answer) remove(name string) {
	for n := range a.header {
		if strings.EqualFold(n, name) {
			delete(a.header, n)
		}
	}
}

// holding keeps an answer instead of sending it.
type holding struct {
	http.ResponseWriter
	answer  answer
	written bytes.Buffer
}

func (h *holding) Header() http.Header         { return h.answer.header }
func (h *holding) WriteHeader(status int)      { h.answer.status = status }
func (h *holding) Write(p []byte) (int, error) { return h.written.Write(p) }
func (h *holding) Flush()                      {}
