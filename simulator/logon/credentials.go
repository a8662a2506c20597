package logon

import (
	"encoding/base64"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxCredentials bounds an Authorization header, in bytes. [?] A choice.
const maxCredentials = 8 << 10

// Scheme is what kind of credentials a call brings.
type Scheme int

const (
	// None: there is no Authorization header, or an empty one.
	None Scheme = iota
	Basic
	Bearer
	// Unreadable: there is an Authorization header, and nothing can be made of it. Such a call
	// counts as one without credentials.
	Unreadable
)

// Credentials are what an Authorization header says.
type Credentials struct {
	Scheme Scheme
	// User and Password are those of Basic.
	User, Password string
	// Token is that of Bearer.
	Token string
	// Problem says what was found in an unreadable header.
	Problem string
}

// String hides the secrets.
func (c Credentials) String() string { return "{" + c.User + " ***}" }

// GoString hides the secrets.
func (c Credentials) GoString() string { return c.String() }

// ReadCredentials reads the values of the Authorization header (RFC 7617, RFC 6750). Several
// headers are unreadable: two readers could take different ones.
func ReadCredentials(values []string) Credentials {
	bad := func(problem string) Credentials { return Credentials{Scheme: Unreadable, Problem: problem} }
	switch {
	case len(values) == 0:
		return Credentials{}
	case len(values) > 1:
		return bad("several Authorization headers")
	case len(values[0]) > maxCredentials:
		return bad("an Authorization header of more than 8 KiB")
	}
	name, rest, _ := strings.Cut(values[0], " ")
	rest = strings.Trim(rest, " ")
	switch {
	case name == "" && rest == "":
		return Credentials{}
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
		return Credentials{Scheme: Basic, User: user, Password: password}
	case strings.EqualFold(name, "Bearer"):
		if rest == "" || strings.ContainsAny(rest, " \t") {
			return bad("a Bearer header that holds no token")
		}
		return Credentials{Scheme: Bearer, Token: rest}
	}
	return bad("an Authorization header that is neither Basic nor Bearer")
}
