package systemlog

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// How content that would break a line or its columns is written. The real escapes are not known
// [?]; those here follow Tomcat's access log, except that control characters have the \u form
// only: a name like DOMAIN\name in a log from elsewhere is then not taken for a line feed.
//
//	\           \\
//	control and other unprintable characters, and a blank in a column that has none
//	            \u and four hex digits, or \U and eight
//	a byte that is not UTF-8
//	            \x and two hex digits
//	# and |     \# and \| (trace only [C])
//
// A backslash before anything else stands for itself when read.

// plainBytes marks the ASCII bytes that are written as they are.
type plainBytes [utf8.RuneSelf]bool

func plainExcept(first byte, except string) *plainBytes {
	var p plainBytes
	for c := first; c < 0x7f; c++ {
		p[c] = strings.IndexByte(except, c) < 0
	}
	return &p
}

var (
	plainInToken = plainExcept('!', `\`)
	plainInUser  = plainExcept(' ', `\`)
	plainInField = plainExcept(' ', `\#|`)
)

const hexDigits = "0123456789abcdef"

func appendHex(dst []byte, v uint32, digits int) []byte {
	for shift := 4 * (digits - 1); shift >= 0; shift -= 4 {
		dst = append(dst, hexDigits[v>>shift&0xf])
	}
	return dst
}

// appendEscaped appends s, escaping whatever is not plain.
func appendEscaped(dst []byte, s string, plain *plainBytes) []byte {
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf && plain[c] {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if c >= utf8.RuneSelf && unicode.IsPrint(r) && (r != utf8.RuneError || size > 1) {
			i += size
			continue
		}
		dst = append(dst, s[start:i]...)
		switch {
		case c == '\\' || c == '#' || c == '|':
			dst = append(dst, '\\', c)
		case r == utf8.RuneError && size == 1:
			dst = appendHex(append(dst, `\x`...), uint32(c), 2)
		case r > 0xffff:
			dst = appendHex(append(dst, `\U`...), uint32(r), 8)
		default:
			dst = appendHex(append(dst, `\u`...), uint32(r), 4)
		}
		i += size
		start = i
	}
	return append(dst, s[start:]...)
}

// appendToken appends a column that holds no blank and is never empty: "-" stands for nothing,
// and a value that is a dash itself is escaped, so that nobody can pass for nobody.
func appendToken(dst []byte, s string) []byte { return appendOrDash(dst, s, plainInToken) }

// appendUser is appendToken for the one column that may hold blanks.
func appendUser(dst []byte, s string) []byte { return appendOrDash(dst, s, plainInUser) }

func appendOrDash(dst []byte, s string, plain *plainBytes) []byte {
	switch s {
	case "":
		return append(dst, '-')
	case "-":
		return append(dst, `\u002d`...)
	}
	return appendEscaped(dst, s, plain)
}

// appendText appends a trace text: line feeds stay, only the separators are escaped [C].
// Whether the real system escapes the backslash too is not known [?]; without it a text that
// ends in one could not be read back.
func appendText(dst []byte, s string) []byte {
	start := 0
	for i := range len(s) {
		if c := s[i]; c == '\\' || c == '#' || c == '|' {
			dst = append(append(dst, s[start:i]...), '\\', c)
			start = i + 1
		}
	}
	return append(dst, s[start:]...)
}

// fromDash is the value of a column in which "-" stands for nothing.
func fromDash(s string) string {
	if s == "-" {
		return ""
	}
	return unescape(s, false)
}

// unescape undoes appendEscaped; separators tells whether \# and \| are escapes too.
func unescape(s string, separators bool) string {
	i := strings.IndexByte(s, '\\')
	if i < 0 {
		return s
	}
	out := append(make([]byte, 0, len(s)), s[:i]...)
	for i < len(s) {
		c := s[i]
		if c != '\\' || i+1 == len(s) {
			out = append(out, c)
			i++
			continue
		}
		digits := 0
		switch next := s[i+1]; {
		case next == '\\', separators && (next == '#' || next == '|'):
			out = append(out, next)
			i += 2
			continue
		case next == 'x':
			digits = 2
		case next == 'u':
			digits = 4
		case next == 'U':
			digits = 8
		}
		v, ok := parseHex(s[i+2:], digits)
		switch {
		case !ok, digits > 2 && !utf8.ValidRune(rune(v)):
			out = append(out, c)
			i++
			continue
		case digits == 2:
			out = append(out, byte(v))
		default:
			out = utf8.AppendRune(out, rune(v))
		}
		i += 2 + digits
	}
	return string(out)
}

// unescapeText undoes appendText.
func unescapeText(s string) string {
	i := strings.IndexByte(s, '\\')
	if i < 0 {
		return s
	}
	out := append(make([]byte, 0, len(s)), s[:i]...)
	for ; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && strings.IndexByte(`\#|`, s[i+1]) >= 0 {
			i++
		}
		out = append(out, s[i])
	}
	return string(out)
}

// parseHex reads the first digits of s; false if they are none or too few.
func parseHex(s string, digits int) (uint32, bool) {
	if digits == 0 || len(s) < digits {
		return 0, false
	}
	var v uint32
	for i := range digits {
		var d byte
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			d = c - '0'
		case c >= 'a' && c <= 'f':
			d = c - 'a' + 10
		case c >= 'A' && c <= 'F':
			d = c - 'A' + 10
		default:
			return 0, false
		}
		v = v<<4 | uint32(d)
	}
	return v, true
}
