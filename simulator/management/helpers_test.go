package management_test

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

func itoa(n int) string { return strconv.Itoa(n) }

func base64Of(data []byte) string { return base64.StdEncoding.EncodeToString(data) }

// auditText is the audit log, a line an entry.
func (f *fixture) auditText() string {
	var b strings.Builder
	for _, e := range f.tenant.AuditLog() {
		fmt.Fprintln(&b, e.User, e.Action, e.Object, e.Result, e.Detail)
	}
	return b.String()
}

// platformToken fetches one of the platform API.
func (f *fixture) platformToken(id, secret string) string {
	f.t.Helper()
	var body struct {
		Token string `json:"access_token"`
	}
	f.call("POST", "/oauth2/apitoken/v1?grant_type=client_credentials", "", basic(id, secret)).is(200).into(&body)
	return body.Token
}

// fingerprints are those of a certificate, as the keystore shows them.
func fingerprints(der []byte) []string {
	a, b, c := sha1.Sum(der), sha256.Sum256(der), sha512.Sum512(der)
	return []string{hex.EncodeToString(a[:]), hex.EncodeToString(b[:]), hex.EncodeToString(c[:])}
}
