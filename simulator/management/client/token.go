package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// early is how long before its end a token is fetched anew.
const early = 30 * time.Second

// tokenSource fetches tokens by client credentials and keeps one until it ends.
type tokenSource struct {
	connection connection
	path       string
	id, secret string
	now        func() time.Time

	mu    sync.Mutex
	token string
	until time.Time
}

func newTokenSource(c *http.Client, endpoint *url.URL, id, secret string, now func() time.Time) *tokenSource {
	if now == nil {
		now = time.Now
	}
	base := &url.URL{Scheme: endpoint.Scheme, Host: endpoint.Host}
	return &tokenSource{connection: connection{base, c}, path: endpoint.EscapedPath(), id: id, secret: secret, now: now}
}

// authorize puts a token on a request.
func (s *tokenSource) authorize(ctx context.Context, q *http.Request) error {
	token, err := s.get(ctx)
	if err != nil {
		return err
	}
	q.Header.Set("Authorization", "Bearer "+token)
	return nil
}

func (s *tokenSource) get(ctx context.Context) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token != "" && s.now().Before(s.until) {
		return s.token, nil
	}
	answer, err := s.connection.send(ctx, request{
		method: http.MethodPost, path: s.path, query: url.Values{"grant_type": {"client_credentials"}}, accept: "application/json",
	}, func(q *http.Request) error {
		q.SetBasicAuth(s.id, s.secret)
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("fetching a token: %w", err)
	}
	defer answer.Body.Close()
	data, err := readAll(answer.Body, maxToken)
	if err != nil {
		return "", fmt.Errorf("fetching a token: %w", err)
	}
	var out struct {
		Token   string `json:"access_token"`
		Type    string `json:"token_type"`
		Expires int64  `json:"expires_in"`
	}
	if err := json.Unmarshal(data, &out); err != nil || out.Token == "" {
		return "", errors.New("fetching a token: the answer holds none; is the token URL right?")
	}
	s.token = out.Token
	s.until = s.now().Add(time.Duration(min(max(out.Expires, 0), 24*60*60))*time.Second - early)
	return s.token, nil
}

// forget makes the next request fetch a new token.
func (s *tokenSource) forget() {
	s.mu.Lock()
	s.token = ""
	s.mu.Unlock()
}
