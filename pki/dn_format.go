package pki

import (
	"encoding/hex"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// FormatDN is the RFC 4514 string of an encoded name: last element first, ", " between the
// elements, "CN=warehouse, O=Example, C=DE". [ParseDN] reads it again; only the type of string of a
// value is not told. Characters that do not
// print, or that would change how a line looks, are escaped; a trailing space shows as "\ ".
// Bytes that are no name come out as "#" and their beginning in hex.
func FormatDN(raw []byte) string {
	dn, err := ParseRawDN(raw)
	if err != nil {
		return formatMalformed(raw)
	}
	return dn.String()
}

// TraceDN is the name in the order of the certificate, as OpenSSL prints it and as the load
// balancer's subjects stand in the trace: "C=DE, ST=Bavaria, L=Munich, O=Example,
// CN=sender.example" [C: decoded from a trace]. Escapes are those of [FormatDN]; that escaped
// characters look so in a real trace as well is a choice [?].
func TraceDN(raw []byte) string {
	dn, err := ParseRawDN(raw)
	if err != nil {
		return formatMalformed(raw)
	}
	return dn.Trace()
}

// CommonName is the value of the last CN of an encoded name, exactly as it stands there, trailing
// spaces included. Empty if there is none or the bytes are no name.
func CommonName(raw []byte) string {
	dn, err := ParseRawDN(raw)
	if err != nil {
		return ""
	}
	return dn.CommonName()
}

// String is the RFC 4514 form; see [FormatDN].
func (d DN) String() string {
	var out strings.Builder
	for _, rdn := range slices.Backward(d) {
		if out.Len() > 0 {
			out.WriteString(", ")
		}
		rdn.write(&out, "+")
	}
	return out.String()
}

// Trace is the form in the order of the certificate; see [TraceDN].
func (d DN) Trace() string {
	var out strings.Builder
	for _, rdn := range d {
		if out.Len() > 0 {
			out.WriteString(", ")
		}
		rdn.write(&out, " + ")
	}
	return out.String()
}

func (r RDN) write(out *strings.Builder, plus string) {
	for i, a := range r {
		if i > 0 {
			out.WriteString(plus)
		}
		out.WriteString(keywordOf(a.Type))
		out.WriteByte('=')
		if a.Raw != nil {
			out.WriteByte('#')
			out.WriteString(hex.EncodeToString(a.Raw))
			continue
		}
		writeEscaped(out, a.Value)
	}
}

// writeEscaped writes a value with what RFC 4514 escapes, and with every character in hex that
// does not print: line ends, direction marks, blanks other than the space.
func writeEscaped(out *strings.Builder, value string) {
	for i, r := range value {
		switch {
		case strings.ContainsRune(`"+,;<>\`, r),
			r == ' ' && (i == 0 || i == len(value)-1),
			r == '#' && i == 0:
			out.WriteByte('\\')
			out.WriteRune(r)
		case r == utf8.RuneError || !unicode.IsPrint(r):
			_, size := utf8.DecodeRuneInString(value[i:])
			for _, c := range []byte(value[i : i+size]) {
				out.WriteByte('\\')
				out.WriteString(strings.ToUpper(hex.EncodeToString([]byte{c})))
			}
		default:
			out.WriteRune(r)
		}
	}
}

// formatMalformed shows the beginning of bytes that are no name.
func formatMalformed(raw []byte) string {
	const shown = 64
	if len(raw) > shown {
		return "#" + hex.EncodeToString(raw[:shown]) + "..."
	}
	return "#" + hex.EncodeToString(raw)
}
