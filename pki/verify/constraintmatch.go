package verify

import (
	"bytes"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// The functions here tell whether a name is within the base of a name constraint, as OpenSSL's
// nc_dns, nc_email, nc_uri and nc_ip do. Those that return a code return 0, PermittedViolation
// for a name outside, or UnsupportedNameSyntax.

func equalFold(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

func hasSuffixFold(s, suffix []byte) bool {
	return len(s) >= len(suffix) && equalFold(s[len(s)-len(suffix):], suffix)
}

func dnsWithin(host, base []byte) bool {
	if len(base) == 0 {
		return true
	}
	if len(host) > len(base) && base[0] != '.' && host[len(host)-len(base)-1] != '.' {
		return false
	}
	return hasSuffixFold(host, base)
}

func emailWithin(email, base []byte) int {
	at, baseAt := bytes.LastIndexByte(email, '@'), bytes.LastIndexByte(base, '@')
	if at < 0 {
		return UnsupportedNameSyntax
	}
	if baseAt < 0 && len(base) > 0 && base[0] == '.' {
		if len(email) > len(base) && hasSuffixFold(email, base) {
			return 0
		}
		return PermittedViolation
	}
	if baseAt > 0 {
		local := base[:baseAt]
		if len(local) != at {
			return PermittedViolation
		}
		if bytes.IndexByte(local, 0) >= 0 || bytes.IndexByte(email[:at], 0) >= 0 {
			return UnsupportedNameSyntax
		}
		if !bytes.Equal(local, email[:at]) {
			return PermittedViolation
		}
	}
	if equalFold(base[baseAt+1:], email[at+1:]) {
		return 0
	}
	return PermittedViolation
}

func uriWithin(uri, base []byte) int {
	colon := bytes.IndexByte(uri, ':')
	if colon < 0 || len(uri)-colon < 3 || uri[colon+1] != '/' || uri[colon+2] != '/' {
		return UnsupportedNameSyntax
	}
	host := uri[colon+3:]
	// A colon anywhere ends the host, even behind a slash: OpenSSL looks for it first.
	if end := bytes.IndexByte(host, ':'); end >= 0 {
		host = host[:end]
	} else if end := bytes.IndexByte(host, '/'); end >= 0 {
		host = host[:end]
	}
	if len(host) == 0 {
		return UnsupportedNameSyntax
	}
	if len(base) > 0 && base[0] == '.' {
		if len(host) > len(base) && hasSuffixFold(host, base) {
			return 0
		}
		return PermittedViolation
	}
	if equalFold(host, base) {
		return 0
	}
	return PermittedViolation
}

func addressWithin(address, base []byte) int {
	if n := len(address); n != 4 && n != 16 {
		return UnsupportedNameSyntax
	}
	if n := len(base); n != 8 && n != 32 {
		return UnsupportedNameSyntax
	}
	if len(base) != 2*len(address) {
		return PermittedViolation
	}
	network, mask := base[:len(address)], base[len(address):]
	for i := range address {
		if address[i]&mask[i] != network[i]&mask[i] {
			return PermittedViolation
		}
	}
	return 0
}

// mailboxWithin compares an internationalised mailbox (an otherName, RFC 8398) with an
// rfc822Name constraint. Labels of the constraint in Punycode are compared as they stand, which
// OpenSSL does not: see Limits.
func mailboxWithin(other cryptobyte.String, base []byte) int {
	if bytes.IndexByte(base, 0) >= 0 {
		return UnsupportedNameSyntax
	}
	var mailbox cryptobyte.String
	if !other.ReadASN1(&mailbox, asn1.UTF8String) {
		return UnsupportedNameSyntax
	}
	at := bytes.LastIndexByte(mailbox, '@')
	if at < 0 {
		return UnsupportedNameSyntax
	}
	if len(base) > 0 && base[0] == '.' {
		// OpenSSL puts a second dot before the constraint, so that hardly anything is within.
		if dotted := append([]byte{'.'}, base...); len(mailbox) > len(dotted) && hasSuffixFold(mailbox, dotted) {
			return 0
		}
		return PermittedViolation
	}
	if equalFold(base, mailbox[at+1:]) {
		return 0
	}
	return PermittedViolation
}
