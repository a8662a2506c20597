package tenant

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestToken(t *testing.T) {
	now := noon
	tn, err := New(good(), func() time.Time { return now })
	require.NoError(t, err)
	rand := bytes.NewReader(bytes.Repeat([]byte{7}, 64))
	token, err := tn.IssueToken("1a2b-3c4d", 10*time.Minute, rand)
	require.NoError(t, err)

	s := tn.Snapshot()
	client, ok := s.Token(token, now.Add(10*time.Minute-time.Second))
	assert.True(t, ok)
	assert.Equal(t, "1a2b-3c4d", client)
	_, ok = s.Token(token, now.Add(10*time.Minute))
	assert.False(t, ok, "it has expired")
	for i := range token {
		changed := []byte(token)
		changed[i] ^= 1
		_, ok = s.Token(string(changed), now)
		assert.False(t, ok, "changed at %d", i)
	}
	for _, bad := range []string{"", ".", "a.b", token + "A", token[:len(token)-1], token + "\n", strings.Repeat("a", 5000)} {
		_, ok = s.Token(bad, now)
		assert.False(t, ok, bad)
	}
	stranger := newTenant(t, good())
	_, ok = stranger.Snapshot().Token(token, now)
	assert.False(t, ok, "a token of another tenant")

	require.NoError(t, tn.Update(func(c *Config) error { c.Clients[0].Secret = "new"; return nil }))
	_, ok = tn.Snapshot().Token(token, now)
	assert.False(t, ok, "the secret has changed")
	_, ok = s.Token(token, now)
	assert.True(t, ok, "an old snapshot does not change")
	assert.True(t, tn.CheckClient("1a2b-3c4d", "new"))
	assert.False(t, tn.CheckClient("1a2b-3c4d", "secret-of-client"))
	assert.False(t, tn.CheckClient("other", ""))

	_, err = tn.IssueToken("other", 0, nil)
	assert.EqualError(t, err, `issuing a token: there is no OAuth client "other"`)
	_, err = tn.IssueToken("1a2b-3c4d", time.Millisecond, nil)
	assert.ErrorContains(t, err, "expected a second or more")
	_, err = tn.IssueToken("1a2b-3c4d", 0, bytes.NewReader(nil))
	assert.ErrorContains(t, err, "reading random bytes")
	a, err := tn.IssueToken("1a2b-3c4d", 0, nil)
	require.NoError(t, err)
	b, err := tn.IssueToken("1a2b-3c4d", 0, nil)
	require.NoError(t, err)
	assert.NotEqual(t, a, b)
}

func FuzzToken(f *testing.F) {
	tn, err := New(good(), at(noon))
	require.NoError(f, err)
	real, err := tn.IssueToken("1a2b-3c4d", 0, nil)
	require.NoError(f, err)
	for _, seed := range []string{real, "", ".", "a.b", real[:20], real + "."} {
		f.Add(seed)
	}
	s := tn.Snapshot()
	f.Fuzz(func(t *testing.T, token string) {
		if _, ok := s.Token(token, noon); ok && token != real {
			t.Fatalf("%q was let in", token)
		}
	})
}

func TestTheLifetimeOfAToken(t *testing.T) {
	for given, want := range map[time.Duration]time.Duration{0: DefaultTokenLifetime, time.Second: time.Second, 2*time.Second - 1: time.Second} {
		tn := newTenant(t, good())
		token, err := tn.IssueToken("1a2b-3c4d", given, nil)
		require.NoError(t, err)
		_, ok := tn.Snapshot().Token(token, noon.Add(want-1))
		assert.True(t, ok, given)
		_, ok = tn.Snapshot().Token(token, noon.Add(want))
		assert.False(t, ok, given)
	}
	tn, err := New(good(), at(time.Unix(-7200, 0)))
	require.NoError(t, err)
	token, err := tn.IssueToken("1a2b-3c4d", 0, nil)
	require.NoError(t, err)
	_, ok := tn.Snapshot().Token(token, time.Unix(0, -1))
	assert.True(t, ok, "there is no time before 1970 in a token")
	_, ok = tn.Snapshot().Token(token, time.Unix(0, 0))
	assert.False(t, ok)
}

// Who knows how tokens are made, and no key, makes none for a client that there is not.
func TestForgedTokens(t *testing.T) {
	tn := newTenant(t, good())
	for _, client := range []string{"1a2b-3c4d", "none"} {
		raw := binary.BigEndian.AppendUint64(make([]byte, tokenNonce), uint64(noon.Add(time.Hour).Unix()))
		body := base64.RawURLEncoding.EncodeToString(append(raw, client...))
		for name, key := range map[string]tokenKey{"no key": {}, "without the tenant's secret": newTokenKey([32]byte{}, good().Clients[0])} {
			_, ok := tn.Snapshot().Token(body+"."+base64.RawURLEncoding.EncodeToString(key.sign(body)), noon)
			assert.False(t, ok, "%s %s", client, name)
		}
	}
}

// What a token may be at the utmost, and what is just too much.
func TestTheLimitsOfAToken(t *testing.T) {
	encoded := func(client string, end uint64) string {
		raw := binary.BigEndian.AppendUint64(make([]byte, tokenNonce), end)
		return base64.RawURLEncoding.EncodeToString(append(raw, client...))
	}
	const last = math.MaxInt32 * 1000
	long := encoded("cc", 0) + "."
	long += strings.Repeat("A", maxToken-len(long))
	for name, row := range map[string]struct {
		token string
		ok    bool
	}{
		"a client and a signature":  {encoded("cc", 0) + ".AAAA", true},
		"no dot":                    {encoded("cc", 0), false},
		"no client":                 {encoded("", 0) + ".AAAA", false},
		"no signature":              {encoded("cc", 0) + ".", true},
		"the last moment":           {encoded("cc", last) + ".AAAA", true},
		"after the last moment":     {encoded("cc", last+1) + ".AAAA", false},
		"the longest one":           {long, true},
		"one that is too long":      {long + "AAAA", false},
		"no Base64":                 {"*" + encoded("cc", 0) + ".AAAA", false},
		"no Base64 behind the dot":  {encoded("cc", 0) + ".*", false},
		"a line end":                {encoded("cc", 0) + ".AA\nAA", false},
		"a line end of another day": {encoded("cc", 0) + ".AA\rAA", false},
	} {
		parsed, ok := parseToken(row.token)
		assert.Equal(t, row.ok, ok, name)
		if ok {
			assert.Equal(t, "cc", parsed.client, name)
		}
	}
}
