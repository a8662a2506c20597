package target

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/management"
	"example.com/gatehouse/simulator/management/client"
)

// maxOwnAnswer bounds an answer of Gatehouse's own interface, in bytes.
const maxOwnAnswer = 64 << 20

// ownClient speaks to Gatehouse's own interface, which a running simulator has beside those of a
// tenant.
type ownClient struct {
	base     *url.URL
	http     *http.Client
	user     string
	password string
}

func (d Document) ownClient(i Interface) (ownInterfaces, error) {
	base, err := url.Parse(i.URL)
	if err != nil {
		return nil, err
	}
	secret, err := d.secret(i.Secret)
	if err != nil {
		return nil, err
	}
	roots, err := d.roots(i.Endpoint)
	if err != nil {
		return nil, err
	}
	return &ownClient{
		base: base, user: i.User, password: secret,
		http: &http.Client{
			Transport: transport(roots, i.Address), Timeout: client.DefaultTimeout,
			// The next server would get the password.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// tlsConfig trusts the roots, or those of this machine.
func tlsConfig(roots []*x509.Certificate) *tls.Config {
	if roots == nil {
		return &tls.Config{MinVersion: tls.VersionTLS12}
	}
	pool := x509.NewCertPool()
	for _, r := range roots {
		pool.AddCert(r)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}
}

// ask sends a request and reads what stands in the answer.
func (o *ownClient) ask(ctx context.Context, method, path string, query url.Values, body, into any) error {
	if o.user == "" {
		return &refusedError{err: errors.New("the interface of Gatehouse itself is asked as a user, and the management section has an OAuth client")}
	}
	var data []byte
	if body != nil {
		var err error
		if data, err = json.Marshal(body); err != nil {
			return fmt.Errorf("writing a request: %w", err)
		}
	}
	u := o.base.JoinPath("/gatehouse/v1/", path)
	u.RawQuery = query.Encode()
	request, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(data))
	if err != nil {
		return err
	}
	request.SetBasicAuth(o.user, o.password)
	request.Header.Set("Content-Type", "application/json")
	answer, err := o.http.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxOwnAnswer))
	if err != nil {
		return fmt.Errorf("reading the answer to %s %s: %w", method, path, err)
	}
	var envelope struct {
		Notice string          `json:"notice"`
		Answer json.RawMessage `json:"answer"`
		Error  string          `json:"error"`
	}
	if err := json.Unmarshal(text, &envelope); err != nil || envelope.Notice == "" {
		return &refusedError{err: fmt.Errorf("%s %s: HTTP %d, not an answer of Gatehouse", method, path, answer.StatusCode)}
	}
	if answer.StatusCode >= 300 {
		return &refusedError{err: fmt.Errorf("%s %s: HTTP %d: %s", method, path, answer.StatusCode, journey.Printable(envelope.Error))}
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(envelope.Answer, into); err != nil {
		return fmt.Errorf("reading the answer to %s %s: %w", method, path, err)
	}
	return nil
}

func (o *ownClient) close() { o.http.CloseIdleConnections() }

func (o *ownClient) facts(ctx context.Context) (*management.Facts, error) {
	var f management.Facts
	if err := o.ask(ctx, http.MethodGet, "landscape", nil, nil, &f); err != nil {
		return nil, err
	}
	return &f, nil
}

// ownWait is how long one request waits for the record of a call, in seconds.
const ownWait = 30

func (o *ownClient) journey(ctx context.Context, of wanted, limit time.Duration) (*journey.Journey, error) {
	var found struct {
		Journeys []journey.Journey `json:"journeys"`
	}
	query := url.Values{
		"client": {of.client}, "request": {strconv.Itoa(of.request)}, "logged": {of.logged}, "line": {strconv.Itoa(of.line)},
		"wait": {strconv.Itoa(min(max(1, int(limit/time.Second)), ownWait))},
	}
	if err := o.ask(ctx, http.MethodGet, "journeys", query, nil, &found); err != nil {
		return nil, err
	}
	if len(found.Journeys) == 0 {
		return nil, nil
	}
	return &found.Journeys[len(found.Journeys)-1], nil
}

func (o *ownClient) advance(ctx context.Context, by time.Duration) error {
	return o.ask(ctx, http.MethodPost, "clock", nil, map[string]string{"advance": by.String()}, nil)
}

func (o *ownClient) setNode(ctx context.Context, number int, up bool) error {
	return o.ask(ctx, http.MethodPut, "nodes/"+strconv.Itoa(number), nil, map[string]bool{"up": up}, nil)
}

func (o *ownClient) mint(ctx context.Context, descriptions ...map[string]any) ([]mintedCertificate, error) {
	var made struct {
		Certificates []mintedCertificate `json:"certificates"`
	}
	err := o.ask(ctx, http.MethodPost, "certificates", nil, map[string]any{"certificates": descriptions}, &made)
	return made.Certificates, err
}

func (o *ownClient) putUser(ctx context.Context, name, password string) error {
	return o.ask(ctx, http.MethodPut, "users/"+url.PathEscape(name), nil, map[string]string{"password": password}, nil)
}

func (o *ownClient) removeUser(ctx context.Context, name string) error {
	return o.ask(ctx, http.MethodDelete, "users/"+url.PathEscape(name), nil, nil, nil)
}

func (o *ownClient) putClient(ctx context.Context, id, secret string) error {
	return o.ask(ctx, http.MethodPut, "clients/"+url.PathEscape(id), nil, map[string]string{"secret": secret}, nil)
}

func (o *ownClient) removeClient(ctx context.Context, id string) error {
	return o.ask(ctx, http.MethodDelete, "clients/"+url.PathEscape(id), nil, nil, nil)
}

func (o *ownClient) putIntoKeystore(ctx context.Context, alias string, certificate []byte) error {
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})
	return o.ask(ctx, http.MethodPut, "keystore/"+url.PathEscape(alias), nil, map[string]string{"certificate": string(text)}, nil)
}

func (o *ownClient) removeFromKeystore(ctx context.Context, alias string) error {
	return o.ask(ctx, http.MethodDelete, "keystore/"+url.PathEscape(alias), nil, nil, nil)
}

// token fetches a bearer token of an OAuth client. [C: the token service of a tenant]
func (r *remote) token(ctx context.Context, tokenURL, id, secret string) (string, error) {
	var roots []*x509.Certificate
	address := ""
	if m := r.document.Management; m != nil {
		var err error
		if roots, err = r.document.roots(m.Endpoint); err != nil {
			return "", err
		}
		if u, err := url.Parse(tokenURL); err == nil && u.Host == hostOf(m.URL) {
			address = m.Address
		}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, tokenURL+"?grant_type=client_credentials", strings.NewReader(""))
	if err != nil {
		return "", err
	}
	request.SetBasicAuth(id, secret)
	one := &http.Client{Transport: transport(roots, address), Timeout: client.DefaultTimeout}
	defer one.CloseIdleConnections()
	answer, err := one.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	var told struct {
		Token string `json:"access_token"`
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	switch {
	case err != nil:
		return "", err
	case answer.StatusCode != http.StatusOK:
		return "", &refusedError{err: fmt.Errorf("the token service answered HTTP %d", answer.StatusCode)}
	case json.Unmarshal(text, &told) != nil || told.Token == "":
		return "", errors.New("the token service's answer holds no access_token")
	}
	return told.Token, nil
}

func hostOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return u.Host
}
