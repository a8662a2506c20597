package tenant

import (
	"crypto/hmac"
	cryptorand "crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"
	"time"
)

// DefaultTokenLifetime is how long a token lasts if nothing else is said. [?] A choice.
const DefaultTokenLifetime = time.Hour

// Tokens carry their client and their end and are signed with a key that the tenant derives from
// the client's secret. So there is no store of tokens that could grow, a snapshot can check them
// without locks, and changing the secret ends them all.
//
//	base64url(nonce 16 | end, Unix seconds 8 | client id) "." base64url(HMAC-SHA-256)

const (
	tokenNonce = 16
	tokenHead  = tokenNonce + 8
	maxToken   = 4096
)

type tokenKey [sha256.Size]byte

func newTokenKey(tenant [sha256.Size]byte, c Client) tokenKey {
	mac := hmac.New(sha256.New, tenant[:])
	fmt.Fprintf(mac, "%d:%s%s", len(c.ID), c.ID, c.Secret)
	return tokenKey(mac.Sum(nil))
}

func (k tokenKey) sign(body string) []byte {
	mac := hmac.New(sha256.New, k[:])
	mac.Write([]byte(body)) // a hash never fails
	return mac.Sum(nil)
}

type token struct {
	body      string
	signature []byte
	client    string
	expires   time.Time
}

// parseToken takes a token apart; whether it is genuine is another question.
func parseToken(s string) (token, bool) {
	if len(s) > maxToken || strings.ContainsAny(s, "\r\n") { // the decoder skips line ends
		return token{}, false
	}
	body, signature, ok := strings.Cut(s, ".")
	if !ok {
		return token{}, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil || len(raw) <= tokenHead {
		return token{}, false
	}
	mac, err := base64.RawURLEncoding.Strict().DecodeString(signature)
	if err != nil {
		return token{}, false
	}
	end := binary.BigEndian.Uint64(raw[tokenNonce:])
	if end > math.MaxInt32*1000 {
		return token{}, false
	}
	return token{body: body, signature: mac, client: string(raw[tokenHead:]), expires: time.Unix(int64(end), 0)}, true
}

func (t token) signedWith(k tokenKey) bool { return hmac.Equal(t.signature, k.sign(t.body)) }

// IssueToken makes a bearer token for an OAuth client, good until lifetime from now (0: the
// DefaultTokenLifetime; whole seconds, at least one). rand nil is crypto/rand. Whether the client
// showed its secret is for the caller to check: see CheckClient.
func (t *Tenant) IssueToken(clientID string, lifetime time.Duration, rand io.Reader) (string, error) {
	key, known := t.Snapshot().secrets[clientID]
	if !known {
		return "", fmt.Errorf("issuing a token: there is no OAuth client %q", clientID)
	}
	if rand == nil {
		rand = cryptorand.Reader
	}
	if lifetime == 0 {
		lifetime = DefaultTokenLifetime
	}
	if lifetime < time.Second {
		return "", fmt.Errorf("issuing a token: found a lifetime of %v, expected a second or more", lifetime)
	}
	raw := make([]byte, tokenHead, tokenHead+len(clientID))
	if _, err := io.ReadFull(rand, raw[:tokenNonce]); err != nil {
		return "", fmt.Errorf("issuing a token: reading random bytes: %w", err)
	}
	binary.BigEndian.PutUint64(raw[tokenNonce:], uint64(max(0, t.now().Add(lifetime).Unix())))
	raw = append(raw, clientID...)
	body := base64.RawURLEncoding.EncodeToString(raw)
	return body + "." + base64.RawURLEncoding.EncodeToString(key.sign(body)), nil
}
