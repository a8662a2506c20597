package logon

import (
	"encoding/base64"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
)

func basicHeader(text string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(text))
}

func TestCredentialsHideTheirSecrets(t *testing.T) {
	c := ReadCredentials([]string{basicHeader("alice:secret")})
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v", c, c, c), "secret")
}

func TestReadCredentials(t *testing.T) {
	basicOf := func(user, password string) Credentials {
		return Credentials{Scheme: Basic, User: user, Password: password}
	}
	for value, want := range map[string]Credentials{
		"":                          {},
		" ":                         {},
		basicHeader("alice:secret"): basicOf("alice", "secret"),
		basicHeader("alice:a:b"):    basicOf("alice", "a:b"),
		basicHeader("alice:"):       basicOf("alice", ""),
		basicHeader("jürgen:ä"):     basicOf("jürgen", "ä"),
		"bASIC  YTpi ":              basicOf("a", "b"),
		"Bearer abc.def":            {Scheme: Bearer, Token: "abc.def"},
		"BEARER abc":                {Scheme: Bearer, Token: "abc"},
	} {
		assert.Equal(t, want, ReadCredentials([]string{value}), value)
	}
	assert.Equal(t, Credentials{}, ReadCredentials(nil))
	for value, problem := range map[string]string{
		"Basic":                               "empty Basic", // no colon comes first
		"Basic %":                             "not Base64",
		basicHeader("alice"):                  "without a colon",
		basicHeader(":"):                      "empty Basic",
		basicHeader("a\nb:c"):                 "control characters",
		basicHeader("a\xff:c"):                "not in UTF-8",
		"Bearer":                              "no token",
		"Bearer a b":                          "no token",
		"Digest username=a":                   "neither Basic nor Bearer",
		"Basic " + string(make([]byte, 9000)): "more than 8 KiB",
	} {
		got := ReadCredentials([]string{value})
		assert.Equal(t, Unreadable, got.Scheme, value)
		if value != "Basic" {
			assert.Contains(t, got.Problem, problem, value)
		}
		assert.Empty(t, got.Password)
	}
	twice := ReadCredentials([]string{basicHeader("a:b"), basicHeader("a:b")})
	assert.Equal(t, Unreadable, twice.Scheme)

}

func FuzzReadCredentials(f *testing.F) {
	for _, seed := range []string{"", "Basic", "Basic YTpi", "Bearer x", "Basic %", basicHeader("alice:a:b"), "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		got := ReadCredentials([]string{value})
		switch got.Scheme {
		case Basic:
			if again := ReadCredentials([]string{basicHeader(got.User + ":" + got.Password)}); again != got {
				t.Fatalf("%q: %+v, and again %+v", value, got, again)
			}
		case Bearer:
			if got.Token == "" || got.User != "" {
				t.Fatalf("%q: %+v", value, got)
			}
		case Unreadable:
			if got.Problem == "" || got.Password != "" || got.Token != "" {
				t.Fatalf("%q: %+v", value, got)
			}
		}
	})
}
