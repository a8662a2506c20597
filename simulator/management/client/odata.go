package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

const (
	// root is where OData begins.
	root = "/api/v1/"
	// maxPages bounds how many pages of a list are followed.
	maxPages = 10_000

	csrfHeader  = "X-Csrf-Token"
	jsonType    = "application/json"
	fetchToken  = "Fetch"
	tokenNeeded = "Required"
)

// do sends a request below /api/v1/: with the logon, and a modifying one with CSRF token and cookies.
// A token that has ended is fetched once more.
func (c *Client) do(ctx context.Context, r request) (*http.Response, error) {
	r.path = root + r.path
	authorize := func(q *http.Request) error {
		if c.tokens != nil {
			return c.tokens.authorize(ctx, q)
		}
		q.SetBasicAuth(c.credentials.User, c.credentials.Password)
		return nil
	}
	if r.method == http.MethodGet {
		answer, err := c.send(ctx, r, authorize)
		if c.tokens != nil && errors.Is(err, ErrUnauthorized) {
			c.tokens.forget()
			return c.send(ctx, r, authorize)
		}
		return answer, err
	}
	for again := false; ; again = true {
		token, err := c.csrfToken(ctx, again)
		if err != nil {
			return nil, err
		}
		if r.header = r.header.Clone(); r.header == nil {
			r.header = http.Header{}
		}
		r.header.Set(csrfHeader, token)
		answer, err := c.send(ctx, r, authorize)
		refused := (*Error)(nil)
		if again || !errors.As(err, &refused) || !refused.noToken {
			return answer, err
		}
	}
}

// csrfToken is the token of the session; again fetches a new one.
func (c *Client) csrfToken(ctx context.Context, again bool) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.csrf != "" && !again {
		return c.csrf, nil
	}
	answer, err := c.do(ctx, request{method: http.MethodGet, accept: jsonType, header: http.Header{csrfHeader: {fetchToken}}})
	if err != nil {
		return "", fmt.Errorf("fetching a CSRF token: %w", err)
	}
	defer answer.Body.Close()
	if _, err := readAll(answer.Body, maxAnswer); err != nil {
		return "", fmt.Errorf("fetching a CSRF token: %w", err)
	}
	token := answer.Header.Get(csrfHeader)
	if token == "" {
		return "", errors.New("fetching a CSRF token: the server gave none; is the URL that of the management node?")
	}
	c.csrf = token
	return token, nil
}

// getJSON reads one answer in JSON into a value.
func (c *Client) getJSON(ctx context.Context, path string, query url.Values, into any) error {
	answer, err := c.do(ctx, request{method: http.MethodGet, path: path, query: query, accept: jsonType})
	if err != nil {
		return err
	}
	return decode(path, answer, into)
}

func decode(path string, answer *http.Response, into any) error {
	defer answer.Body.Close()
	if kind := answer.Header.Get("Content-Type"); !strings.Contains(kind, "json") {
		if strings.Contains(kind, "html") {
			return fmt.Errorf("reading %s: the answer is a page for people and no data: is the URL that of the management node (…-tmn…), and may the user log on with a password?", path)
		}
		return fmt.Errorf("reading %s: found an answer of type %q, expected JSON", path, clip(kind))
	}
	data, err := readAll(answer.Body, maxAnswer)
	if err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("reading %s: the answer is not what it should be: %w", path, err)
	}
	return nil
}

// entity reads one entity.
func entity[T any](ctx context.Context, c *Client, path string, query url.Values) (T, error) {
	var out struct {
		D *T `json:"d"`
	}
	var none T
	if err := c.getJSON(ctx, path, query, &out); err != nil {
		return none, err
	}
	if out.D == nil {
		return none, fmt.Errorf("reading %s: the answer holds no entity", path)
	}
	return *out.D, nil
}

// list reads a collection, all of its pages.
func list[T any](ctx context.Context, c *Client, path string, query url.Values) ([]T, error) {
	out := []T{}
	asked := map[string]bool{}
	for range maxPages {
		var page struct {
			D json.RawMessage `json:"d"`
		}
		if err := c.getJSON(ctx, path, query, &page); err != nil {
			return nil, err
		}
		var inner struct {
			Results *[]T   `json:"results"`
			Next    string `json:"__next"`
		}
		if err := json.Unmarshal(page.D, &inner); err != nil || inner.Results == nil {
			// Services of OData 1 have the list itself in "d".
			var bare []T
			if json.Unmarshal(page.D, &bare) != nil {
				return nil, fmt.Errorf("reading %s: the answer holds no list", path)
			}
			return append(out, bare...), nil
		}
		out = append(out, *inner.Results...)
		if inner.Next == "" {
			return out, nil
		}
		next, err := c.base.Parse(inner.Next)
		if err != nil || next.Host != c.base.Host || !strings.HasPrefix(next.EscapedPath(), root) || asked[inner.Next] {
			return nil, fmt.Errorf("reading %s: the next page is said to be at %q, which cannot be", path, clip(inner.Next))
		}
		asked[inner.Next] = true
		path, query = strings.TrimPrefix(next.EscapedPath(), root), next.Query()
	}
	return nil, fmt.Errorf("reading %s: the list has more than %d pages", path, maxPages)
}

// modify sends a modifying request with a JSON body, or without one if it is nil. The answer's body
// is read into a value unless that is nil.
func (c *Client) modify(ctx context.Context, method, path string, query url.Values, body, into any) error {
	r := request{method: method, path: path, query: query, accept: jsonType}
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("writing a request to %s: %w", path, err)
		}
		r.body, r.header = data, http.Header{"Content-Type": {jsonType}}
	}
	answer, err := c.do(ctx, r)
	if err != nil {
		return err
	}
	if into != nil {
		return decode(path, answer, into)
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("reading the answer of %s: %w", path, err)
	}
	return nil
}

// key is an entity's address: Set('a') or Set(Id='a',Version='b').
func key(set string, pairs ...string) string {
	if len(pairs) == 1 {
		return set + "(" + literal(pairs[0]) + ")"
	}
	var parts []string
	for i := 0; i+1 < len(pairs); i += 2 {
		parts = append(parts, pairs[i]+"="+literal(pairs[i+1]))
	}
	return set + "(" + strings.Join(parts, ",") + ")"
}

// literal is a string of OData within a path: quotes are doubled, and then all is escaped.
func literal(s string) string {
	return "'" + url.PathEscape(strings.ReplaceAll(s, "'", "''")) + "'"
}

// quoted is a string of OData within a query, which is escaped as a whole.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// EntitySets lists what the service document names: the shortest way to see whether the tenant is
// there and lets the user in.
func (c *Client) EntitySets(ctx context.Context) ([]string, error) {
	out, err := entity[struct {
		Sets []string `json:"EntitySets"`
	}](ctx, c, "", nil)
	return out.Sets, err
}
