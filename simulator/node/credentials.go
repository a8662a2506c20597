package node

import (
	"encoding/base64"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxCredentials bounds an Authorization header, in bytes. [?] A choice.
const maxCredentials = 8 << 10

// scheme is what kind of credentials a call brings.
type scheme int

const (
	noCredentials scheme = iota
	basic
	bearer
	// unreadable: there is an Authorization header, and nothing can be made of it. Such a call
	// counts as one without credentials.
	unreadable
)

// credentials are what an Authorization header says.
type credentials struct {
	scheme         scheme
	user, password string // basic
	token          string // bearer
	problem        string // unreadable: what was found
}

// readCredentials reads the values of the Authorization header (RFC 7617, RFC 6750). Several
// headers are unreadable: two readers could take different ones.
func readCredentials(values []string) credentials {
	bad := func(problem string) credentials { return credentials{scheme: unreadable, problem: problem} }
	switch {
	case len(values) == 0:
		return credentials{}
	case len(values) > 1:
		return bad("several Authorization headers")
	case len(values[0]) > maxCredentials:
		return bad("an Authorization header of more than 8 KiB")
	}
	name, rest, _ := strings.Cut(values[0], " ")
	rest = strings.Trim(rest, " ")
	switch {
	case name == "" && rest == "":
		return credentials{}
	case strings.EqualFold(name, "Basic"):
		decoded, err := base64.StdEncoding.DecodeString(rest)
		if err != nil {
			return bad("Basic credentials that are not Base64")
		}
		user, password, ok := strings.Cut(string(decoded), ":")
		switch {
		case !ok:
			return bad("Basic credentials without a colon")
		case !utf8.Valid(decoded) || strings.ContainsFunc(string(decoded), unicode.IsControl):
			return bad("Basic credentials with control characters or not in UTF-8")
		case user == "" && password == "":
			return bad("empty Basic credentials")
		}
		return credentials{scheme: basic, user: user, password: password}
	case strings.EqualFold(name, "Bearer"):
		if rest == "" || strings.ContainsAny(rest, " \t") {
			return bad("a Bearer header that holds no token")
		}
		return credentials{scheme: bearer, token: rest}
	}
	return bad("an Authorization header that is neither Basic nor Bearer")
}
