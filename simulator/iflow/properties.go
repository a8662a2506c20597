package iflow

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// property is one entry of a Java properties file, or of a channel.
type property struct{ key, value string }

func unprintable(r rune) bool { return unicode.IsControl(r) || r == utf8.RuneError }

// parseProperties reads a Java properties file as java.util.Properties.load does: ISO-8859-1,
// comments with # and !, keys that end at the first =, : or blank that is not escaped, lines that
// go on after a backslash, \t \n \r \f and \uXXXX. Of a key that stands twice the last value counts.
// A \u without four hex digits is a finding, and the value is left out.
//
// Files that are valid UTF-8 and hold characters beyond ASCII are read as UTF-8: some tools write
// them so, and no text of a language reads like that in ISO-8859-1. [choice]
func parseProperties(data []byte) ([]property, []Finding) {
	text := decodeLatin1(data)
	var out []property
	var findings []Finding
	at := map[string]int{}
	for _, line := range logicalLines(text) {
		rawKey, rawValue := splitProperty(line)
		key, err := unescape(rawKey)
		if err != nil {
			findings = append(findings, Finding{Key: clip(rawKey), Message: err.Error() + "; the parameter is left out"})
			continue
		}
		value, err := unescape(rawValue)
		if err != nil {
			findings = append(findings, Finding{Key: clip(key), Message: err.Error() + "; the parameter is left out"})
			continue
		}
		if i, twice := at[key]; twice {
			findings = append(findings, Finding{Key: clip(key), Message: "stands there more than once; the last value counts"})
			out[i].value = value
			continue
		}
		at[key] = len(out)
		out = append(out, property{key, value})
	}
	return out, findings
}

func decodeLatin1(data []byte) string {
	if utf8.Valid(data) {
		return strings.TrimPrefix(string(data), "\ufeff")
	}
	var b strings.Builder
	b.Grow(len(data) + len(data)/8)
	for _, c := range data {
		b.WriteRune(rune(c))
	}
	return b.String()
}

// logicalLines joins lines that go on and leaves out comments and empty lines.
func logicalLines(text string) []string {
	var out []string
	var current strings.Builder
	open := false
	for line := range strings.SplitSeq(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text), "\n") {
		line = strings.TrimLeft(line, " \t\f")
		if !open && (line == "" || line[0] == '#' || line[0] == '!') {
			continue
		}
		trimmed := strings.TrimRight(line, `\`)
		open = (len(line)-len(trimmed))%2 == 1
		if open {
			line = line[:len(line)-1]
		}
		current.WriteString(line)
		if !open {
			out = append(out, current.String())
			current.Reset()
		}
	}
	if current.Len() > 0 {
		out = append(out, current.String())
	}
	return out
}

// splitProperty cuts a line into key and value, both still escaped.
func splitProperty(line string) (key, value string) {
	end := len(line)
	for i := 0; i < len(line); i++ {
		if line[i] == '\\' {
			i++
			continue
		}
		if strings.IndexByte("=: \t\f", line[i]) >= 0 {
			end = i
			break
		}
	}
	value = strings.TrimLeft(line[end:], " \t\f")
	if value != "" && (value[0] == '=' || value[0] == ':') {
		value = strings.TrimLeft(value[1:], " \t\f")
	}
	return line[:end], value
}

func unescape(s string) (string, error) {
	if strings.IndexByte(s, '\\') < 0 {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		i++
		if i == len(s) {
			break // a backslash at the very end says nothing
		}
		switch s[i] {
		case 't':
			b.WriteByte('\t')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 'f':
			b.WriteByte('\f')
		case 'u':
			r, ok := hex4(s[i+1:])
			if !ok {
				return "", fmt.Errorf(`has \u without four hex digits behind it`)
			}
			i += 4
			if utf16.IsSurrogate(r) && strings.HasPrefix(s[i+1:], `\u`) {
				if low, ok := hex4(s[i+3:]); ok {
					if both := utf16.DecodeRune(r, low); both != utf8.RuneError {
						r = both
						i += 6
					}
				}
			}
			b.WriteRune(r) // half a pair becomes U+FFFD
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), nil
}

func hex4(s string) (rune, bool) {
	if len(s) < 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(s[:4], 16, 16)
	return rune(n), err == nil && !strings.ContainsAny(s[:4], "+_")
}
