// Package client speaks to the interfaces of a tenant, a real one or a simulated one: OData V2 under
// /api/v1 (mappings, logs, integration flows, security content), and the Neo platform API (roles,
// groups, users).
//
// It logs on with Basic or OAuth, fetches CSRF tokens and keeps the session cookies that belong to
// them, and turns a refusal into an [Error] with the status and the server's own message. What a
// server sends is bounded. It follows no redirection, for the next server would get the password.
//
// The interfaces themselves are described in the reference "management interfaces" (management-apis)
// [C there, if not marked otherwise]. What the answers mean for a suite is not decided here.
package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"time"
)

// The limits of what is read of a server, in bytes, where a caller does not set its own.
const (
	maxAnswer = 256 << 20 // a list of all mappings holds 2 MB of certificates, thrice encoded
	maxError  = 64 << 10
	maxToken  = 1 << 20
)

// DefaultTimeout is how long one request may take, the answer's body included.
const DefaultTimeout = 2 * time.Minute

// Config says where a tenant is and who asks.
type Config struct {
	// URL is that of the tenant's management node, "https://<account>-tmn.<…>". A path such as
	// /api/v1 or /itspaces is left out.
	URL string
	// Credentials of the user or OAuth client.
	Credentials Credentials
	// Trusted are the certificates that the server is trusted by. Default: those of the system.
	Trusted []*x509.Certificate
	// Timeout bounds one request. Default: DefaultTimeout.
	Timeout time.Duration
	// Transport. Default: a transport of its own, with the proxy of the environment.
	Transport http.RoundTripper
	// Now is the time by which tokens end. Default: time.Now.
	Now func() time.Time
}

// Credentials are those of a user of the identity provider, or of an OAuth client if ClientID is
// set. They come from the environment or a file; there is no way to write them out.
type Credentials struct {
	User     string
	Password string

	ClientID     string
	ClientSecret string
	// TokenURL is the token endpoint, "https://oauthasservices-<account>.<…>/oauth2/api/v1/token".
	// Default: /oauth2/api/v1/token at the URL of the tenant, where a simulated tenant has it.
	TokenURL string
}

// String hides the secrets.
func (c Credentials) String() string {
	if c.ClientID != "" {
		return "{OAuth client " + c.ClientID + " ***}"
	}
	return "{" + c.User + " ***}"
}

// GoString hides the secrets.
func (c Credentials) GoString() string { return c.String() }

// Client speaks to one tenant. It is safe for use by many goroutines.
type Client struct {
	connection
	credentials Credentials
	tokens      *tokenSource // nil with Basic

	mu   sync.Mutex
	csrf string
}

// connection is what requests to one server share.
type connection struct {
	base *url.URL
	http *http.Client
}

// New makes a client; it does not connect yet.
func New(c Config) (*Client, error) {
	base, err := parseBase(c.URL)
	if err != nil {
		return nil, err
	}
	client, err := newHTTP(c)
	if err != nil {
		return nil, err
	}
	out := &Client{connection: connection{base, client}, credentials: c.Credentials}
	if c.Credentials.ClientID == "" {
		if c.Credentials.User == "" {
			return nil, errors.New("neither a user nor an OAuth client is named, expected one of them")
		}
		return out, nil
	}
	token := &url.URL{Scheme: base.Scheme, Host: base.Host, Path: "/oauth2/api/v1/token"}
	if c.Credentials.TokenURL != "" {
		if token, err = url.Parse(c.Credentials.TokenURL); err != nil || token.Scheme != "https" || token.Host == "" {
			return nil, fmt.Errorf("the token URL %q is none, expected https://oauthasservices-<account>.<…>/oauth2/api/v1/token", c.Credentials.TokenURL)
		}
	}
	out.tokens = newTokenSource(client, token, c.Credentials.ClientID, c.Credentials.ClientSecret, c.Now)
	return out, nil
}

// URL is the address that the client was made for, without path.
func (c *connection) URL() string { return c.base.String() }

// Close closes idle connections.
func (c *connection) Close() { c.http.CloseIdleConnections() }

// parseBase checks a URL and leaves its path out. Without TLS the password would travel readable.
func parseBase(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil, u.Host == "", u.Scheme == "":
		return nil, fmt.Errorf("found %q, expected the URL of the management node such as https://e100999-tmn.hci.eu1.hana.ondemand.com", withoutUser(text))
	case u.User != nil:
		return nil, errors.New("the URL holds a user or password: name the user on its own, and its password by environment or file")
	case u.Scheme != "https":
		return nil, fmt.Errorf("found the scheme %q, expected https", u.Scheme)
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
}

// withoutUser leaves out what stands before an @, which may be a password.
func withoutUser(text string) string {
	if _, rest, found := strings.Cut(text, "@"); found {
		return "…@" + rest
	}
	return text
}

func newHTTP(c Config) (*http.Client, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, fmt.Errorf("making a place for cookies: %w", err)
	}
	transport := c.Transport
	if transport == nil {
		config := &tls.Config{MinVersion: tls.VersionTLS12}
		if c.Trusted != nil {
			config.RootCAs = x509.NewCertPool()
			for _, root := range c.Trusted {
				config.RootCAs.AddCert(root)
			}
		}
		transport = &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: config, MaxIdleConnsPerHost: 8, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true}
	}
	timeout := c.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	return &http.Client{
		Transport: transport, Jar: jar, Timeout: timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// request is one request to a server.
type request struct {
	method string
	// path is below the server's root and escaped; query may be nil.
	path   string
	query  url.Values
	header http.Header
	body   []byte
	// accept is the media type that is asked for.
	accept string
}

// send sends a request. The caller closes the body of a 2xx answer; every other is an error.
func (c *connection) send(ctx context.Context, r request, authorize func(*http.Request) error) (*http.Response, error) {
	u := *c.base
	u.Path, u.RawPath = unescaped(r.path), r.path
	u.RawQuery = strings.ReplaceAll(r.query.Encode(), "+", "%20") // not every OData server reads a + as a blank
	var body io.Reader
	if r.body != nil {
		body = bytes.NewReader(r.body)
	}
	q, err := http.NewRequestWithContext(ctx, r.method, u.String(), body)
	if err != nil {
		return nil, fmt.Errorf("making a request to %s: %w", r.path, err)
	}
	for name, values := range r.header {
		q.Header[name] = values
	}
	if r.accept != "" {
		q.Header.Set("Accept", r.accept)
	}
	if err := authorize(q); err != nil {
		return nil, err
	}
	answer, err := c.http.Do(q)
	if err != nil {
		return nil, &UnreachableError{Host: c.base.Host, Err: plain(err)}
	}
	if answer.StatusCode/100 != 2 {
		return nil, refusal(r, answer)
	}
	return answer, nil
}

// unescaped is the path as url.URL wants it beside its escaped form.
func unescaped(path string) string {
	if plain, err := url.PathUnescape(path); err == nil {
		return plain
	}
	return path
}

// plain leaves out of an error of package http what the caller says already.
func plain(err error) error {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		return u.Err
	}
	return err
}

// readAll reads a body up to a limit.
func readAll(body io.Reader, most int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(body, most+1))
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	if int64(len(data)) > most {
		return nil, fmt.Errorf("the answer is larger than %d bytes, which no tenant sends", most)
	}
	return data, nil
}
