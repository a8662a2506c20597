package odata

import (
	"encoding/hex"
	"strconv"
	"strings"
	"time"
)

// kind is that of a token.
type kind int

const (
	endOfText kind = iota // the text has ended
	word                  // a name or an operator
	literal               // a value
	symbol                // a parenthesis, a comma, an equals sign
)

type token struct {
	kind kind
	text string
	// value of a literal: string, int64, bool, time.Time, []byte, or nil for null.
	value any
	at    int
}

// lexer takes a key predicate or a filter apart into words, literals and symbols.
type lexer struct {
	text string
	at   int
}

// typed are the prefixes of literals in quotes.
var typed = map[string]func(string) (any, bool){
	"datetime":       func(s string) (any, bool) { return parseTime(s, "2006-01-02T15:04:05", "2006-01-02T15:04") },
	"datetimeoffset": func(s string) (any, bool) { return parseTime(s, time.RFC3339) },
	"binary":         parseHex,
	"X":              parseHex,
}

func parseTime(s string, layouts ...string) (any, bool) {
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return nil, false
}

func parseHex(s string) (any, bool) {
	b, err := hex.DecodeString(s)
	return b, err == nil
}

// next returns the next token.
func (l *lexer) next() (token, *Error) {
	for l.at < len(l.text) && (l.text[l.at] == ' ' || l.text[l.at] == '\t') {
		l.at++
	}
	t := token{at: l.at}
	if l.at == len(l.text) {
		return t, nil
	}
	switch c := l.text[l.at]; {
	case c == '(' || c == ')' || c == ',' || c == '=':
		l.at++
		t.kind, t.text = symbol, string(c)
		return t, nil
	case c == '\'':
		s, err := l.quoted()
		t.kind, t.value = literal, s
		return t, err
	case c == '-' || isDigit(c):
		return l.number(t)
	case isLetter(c):
		return l.word(t)
	default:
		return t, badRequest("Found %q at position %d, expected a property, a value or a parenthesis.", c, l.at+1)
	}
}

// quoted reads a string; two quotes in it stand for one.
func (l *lexer) quoted() (string, *Error) {
	begin := l.at
	l.at++
	var b strings.Builder
	for {
		i := strings.IndexByte(l.text[l.at:], '\'')
		if i < 0 {
			return "", badRequest("The quote at position %d is not closed.", begin+1)
		}
		b.WriteString(l.text[l.at : l.at+i])
		l.at += i + 1
		if l.at == len(l.text) || l.text[l.at] != '\'' {
			return b.String(), nil
		}
		b.WriteByte('\'')
		l.at++
	}
}

// number reads an integer; a final L marks an Edm.Int64.
func (l *lexer) number(t token) (token, *Error) {
	begin := l.at
	for l.at++; l.at < len(l.text) && (isDigit(l.text[l.at]) || isLetter(l.text[l.at]) || l.text[l.at] == '.'); l.at++ {
	}
	text := l.text[begin:l.at]
	n, err := strconv.ParseInt(strings.TrimRight(text, "lL"), 10, 64)
	if err != nil || len(text)-len(strings.TrimRight(text, "lL")) > 1 {
		return t, badRequest("Found %q at position %d, expected a whole number.", clip(text), begin+1)
	}
	t.kind, t.text, t.value = literal, text, n
	return t, nil
}

// word reads a name, an operator, a word that is a value, or a literal with a prefix.
func (l *lexer) word(t token) (token, *Error) {
	begin := l.at
	for l.at < len(l.text) && (isLetter(l.text[l.at]) || isDigit(l.text[l.at]) || l.text[l.at] == '/') {
		l.at++
	}
	text := l.text[begin:l.at]
	t.kind, t.text = word, text
	switch text {
	case "true", "false":
		t.kind, t.value = literal, text == "true"
		return t, nil
	case "null":
		t.kind = literal
		return t, nil
	}
	if read, ok := typed[text]; ok && l.at < len(l.text) && l.text[l.at] == '\'' {
		s, err := l.quoted()
		if err != nil {
			return t, err
		}
		value, ok := read(s)
		if !ok {
			return t, badRequest("Found %s'%s' at position %d, which is no value of that type.", text, clip(s), begin+1)
		}
		t.kind, t.value = literal, value
	}
	return t, nil
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' }
