package pki

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// maxDN bounds the string form of a name.
const maxDN = 64 << 10

// DNError is what is wrong with the string form of a name, and where.
type DNError struct {
	// Column counts characters from 1.
	Column int
	// Message says what was found and what was expected.
	Message string
}

func (e *DNError) Error() string { return fmt.Sprintf("column %d: %s", e.Column, e.Message) }

// ParseDN reads a name in the form of RFC 4514, "CN=warehouse, O=Example, C=DE", and returns it in
// the order of the certificate, which is the reverse. Blanks around separators do not count; a
// space at the beginning or end of a value is written "\ ". It understands the escapes "\," and
// "\2C", values as "#" and the hex of their DER, values in quotes as in RFC 2253, elements of
// several attributes joined by "+", keywords in any case and dotted object identifiers. The empty
// string is the empty name. Errors are of type [*DNError].
func ParseDN(s string) (DN, error) {
	if len(s) > maxDN {
		return nil, &DNError{Column: maxDN + 1, Message: "the name is too long"}
	}
	p := &dnParser{in: s}
	if bad := strings.IndexFunc(s, func(r rune) bool { return r == utf8.RuneError }); bad >= 0 && !utf8.ValidString(s) {
		return nil, p.errorAt(bad, "expected UTF-8")
	}
	p.skipBlanks()
	if p.end() {
		return nil, nil
	}
	var out DN
	rdn := RDN{}
	for {
		a, err := p.attribute()
		if err != nil {
			return nil, err
		}
		rdn = append(rdn, a)
		if p.end() {
			break
		}
		separator := p.in[p.at]
		p.at++
		if separator == ',' {
			out, rdn = append(out, rdn), RDN{}
		}
		p.skipBlanks()
		if p.end() {
			return nil, p.errorAt(p.at, "expected an attribute after %q, found the end", separator)
		}
	}
	out = append(out, rdn)
	slices.Reverse(out)
	return out, nil
}

type dnParser struct {
	in string
	at int // in bytes
}

func (p *dnParser) end() bool { return p.at >= len(p.in) }

func (p *dnParser) errorAt(at int, format string, arguments ...any) error {
	return &DNError{
		Column:  utf8.RuneCountInString(p.in[:min(at, len(p.in))]) + 1,
		Message: fmt.Sprintf(format, arguments...),
	}
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func (p *dnParser) skipBlanks() {
	for !p.end() && isBlank(p.in[p.at]) {
		p.at++
	}
}

// attribute reads KEYWORD=value up to the separator or the end.
func (p *dnParser) attribute() (Attribute, error) {
	start := p.at
	rest := p.in[start:]
	equals := strings.IndexAny(rest, "=,+")
	if equals < 0 || rest[equals] != '=' {
		word := rest
		if equals >= 0 {
			word = rest[:equals]
		}
		return Attribute{}, p.errorAt(start,
			"expected ATTRIBUTE=value, found %q; a comma or plus inside a value is written \\, or \\+", clip(word))
	}
	keyword := strings.TrimRight(rest[:equals], " \t\r\n")
	oid, known := oidByKeyword[strings.ToLower(keyword)]
	if !known {
		dotted := keyword
		if len(dotted) > 4 && strings.EqualFold(dotted[:4], "OID.") {
			dotted = dotted[4:]
		}
		if len(dotted) > 256 || !strings.ContainsRune(dotted, '.') {
			return Attribute{}, p.errorAt(start, "unknown attribute %q%s", clip(keyword), didYouMean(clip(keyword), keywords()))
		}
		content, err := oidContent(dotted)
		if err != nil {
			return Attribute{}, p.errorAt(start, "unknown attribute %q", clip(keyword))
		}
		if oid, known = dottedOID(content); !known {
			return Attribute{}, p.errorAt(start, "unknown attribute %q", clip(keyword))
		}
	}
	p.at = start + equals + 1
	p.skipBlanks()
	valueAt := p.at
	a := Attribute{Type: oid}
	var err error
	switch {
	case !p.end() && p.in[p.at] == '#':
		a, err = p.hexValue(oid)
	case !p.end() && p.in[p.at] == '"':
		a.Value, err = p.quoted()
	default:
		a.Value, err = p.plain()
	}
	if err != nil {
		return Attribute{}, err
	}
	if a.Raw == nil {
		if _, err := stringTag(oid, a.Value); err != nil {
			return Attribute{}, p.errorAt(valueAt, "%s", err)
		}
	}
	return a, nil
}

// plain reads a value without quotes. Unescaped blanks at its end do not count.
func (p *dnParser) plain() (string, error) {
	var out []byte
	keep := 0 // how much of out is there for certain
	for !p.end() {
		switch c := p.in[p.at]; c {
		case ',', '+':
			return string(out[:keep]), nil
		case '"', ';', '<', '>', 0:
			return "", p.errorAt(p.at, "%q inside a value is written \\%02X", c, c)
		case '\\':
			escaped, err := p.escape()
			if err != nil {
				return "", err
			}
			out = append(out, escaped)
			keep = len(out)
		default:
			out = append(out, c)
			p.at++
			if !isBlank(c) {
				keep = len(out)
			}
		}
	}
	return string(out[:keep]), nil
}

// quoted reads a value in quotes and the blanks behind it.
func (p *dnParser) quoted() (string, error) {
	opening := p.at
	p.at++
	var out []byte
	for !p.end() {
		switch c := p.in[p.at]; c {
		case '"':
			p.at++
			return string(out), p.onlySeparatorFollows("the closing quote")
		case '\\':
			escaped, err := p.escape()
			if err != nil {
				return "", err
			}
			out = append(out, escaped)
		default:
			out = append(out, c)
			p.at++
		}
	}
	return "", p.errorAt(opening, "the quote is not closed")
}

// escape reads a backslash and what follows it: two hex digits or a special character.
func (p *dnParser) escape() (byte, error) {
	rest := p.in[p.at+1:]
	if len(rest) >= 2 {
		if raw, err := hex.DecodeString(rest[:2]); err == nil {
			p.at += 3
			return raw[0], nil
		}
	}
	if rest == "" || !strings.ContainsRune(` "#+,;<=>\`, rune(rest[0])) {
		return 0, p.errorAt(p.at, `expected two hex digits or one of  "#+,;<=>\ after the backslash`)
	}
	p.at += 2
	return rest[0], nil
}

// hexValue reads "#" and the hex of one DER element.
func (p *dnParser) hexValue(oid string) (Attribute, error) {
	start := p.at
	p.at++
	digits := p.at
	for !p.end() && strings.IndexByte("0123456789abcdefABCDEF", p.in[p.at]) >= 0 {
		p.at++
	}
	raw, err := hex.DecodeString(p.in[digits:p.at])
	if err != nil || len(raw) == 0 {
		return Attribute{}, p.errorAt(start, "expected pairs of hex digits after #; a value that begins with # is written \\#")
	}
	var content cryptobyte.String
	var tag cbasn1.Tag
	element := cryptobyte.String(raw)
	if !element.ReadAnyASN1(&content, &tag) || !element.Empty() {
		return Attribute{}, p.errorAt(start, "expected the DER of one value after #")
	}
	if err := p.onlySeparatorFollows("the hex digits"); err != nil {
		return Attribute{}, err
	}
	return Attribute{Type: oid, Raw: raw}, nil
}

func (p *dnParser) onlySeparatorFollows(what string) error {
	p.skipBlanks()
	if p.end() || p.in[p.at] == ',' || p.in[p.at] == '+' {
		return nil
	}
	return p.errorAt(p.at, "expected a comma, a plus or the end after %s", what)
}

func keywords() []string {
	var out []string
	for _, t := range attributeTypes {
		out = append(out, t.keyword)
	}
	return out
}

// clip shortens what is repeated in a message.
func clip(s string) string {
	const limit = 40
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	return string([]rune(s)[:limit]) + "..."
}
