package result

import (
	"encoding/base64"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"

	"example.com/gatehouse/steps/evidence"
)

// Redacted stands where a secret was.
const Redacted = "***"

// minSecret is how long a text must be to be looked for as a secret: shorter ones stand in half of
// all words.
const minSecret = 4

// Redactor takes secrets out of everything that goes into a report: private keys, passwords,
// tokens, cookies and credentials in headers by their form, and the secrets that it is told by
// their value. All results pass it before they are kept, so that no format can show one. The zero
// value knows the forms; it is safe for use by many goroutines.
type Redactor struct {
	mu     sync.RWMutex
	values []string
}

// Know adds secrets by value, also as Base64 and as in a URL. Texts of fewer than four bytes are
// left alone.
func (r *Redactor) Know(secrets ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range secrets {
		if len(s) < minSecret {
			continue
		}
		for _, form := range []string{s, base64.StdEncoding.EncodeToString([]byte(s)), base64.RawURLEncoding.EncodeToString([]byte(s)), url.QueryEscape(s)} {
			if !slices.Contains(r.values, form) {
				r.values = append(r.values, form)
			}
		}
	}
	// The longest first: one secret may contain another.
	slices.SortFunc(r.values, func(a, b string) int { return len(b) - len(a) })
}

// form is the form of a secret; keep names the groups that stay.
type form struct {
	// words: the form is looked for only in a text that has one of them, in small letters.
	words []string
	expr  *regexp.Regexp
	with  func(groups []string) string
}

// wanted tells whether the value of a token only says that one is wanted.
func wanted(value string) bool {
	value = strings.ToLower(strings.Trim(value, " \"'"))
	return value == "fetch" || value == "required"
}

var forms = []form{
	{[]string{"private key-----"}, regexp.MustCompile(`-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|$)`),
		func([]string) string { return "(a private key) " + Redacted }},
	{[]string{"authorization", "cookie", "csrf-token"}, regexp.MustCompile(`(?i)((?:proxy-)?authorization|(?:set-)?cookie|x-csrf-token)(\s*:\s*)([^\r\n"]+)`),
		func(g []string) string {
			if wanted(g[3]) {
				return g[0]
			}
			return g[1] + g[2] + Redacted
		}},
	{[]string{"basic", "bearer"}, regexp.MustCompile(`(?i)\b((?:basic|bearer) +)([A-Za-z0-9+/_.~-]{6,}=*)`),
		func(g []string) string {
			if !strings.ContainsAny(g[2], "0123456789=") && strings.ToLower(g[2]) == g[2] {
				return g[0] // a word of a sentence
			}
			return g[1] + Redacted
		}},
	{[]string{"password", "passwd", "passphrase", "secret", "token", "api-key", "apikey"}, regexp.MustCompile(`(?i)((?:password|passwd|passphrase|secret|token|api-?key)["']?(?:\s*=\s*|\s*:\s*))("[^"\r\n]+"|'[^'\r\n]+'|[^\s"',;&}]+)`),
		func(g []string) string {
			if wanted(g[2]) || g[2] == Redacted {
				return g[0]
			}
			return g[1] + Redacted
		}},
	{[]string{"password", "passphrase", "secret", "token"}, regexp.MustCompile(`(?i)((?:password|passphrase|secret|token) )"[^"]+"`), func(g []string) string { return g[1] + `"` + Redacted + `"` }},
	{[]string{"://"}, regexp.MustCompile(`(://[^/\s:@"]*:)[^/\s@"]+(@)`), func(g []string) string { return g[1] + Redacted + g[2] }},
}

// said finds the secrets that a step says, so that they are known when they come back elsewhere.
var said = regexp.MustCompile(`(?i)(?:password|passphrase|secret|token) "([^"]+)"`)

// Text is the text without secrets.
func (r *Redactor) Text(text string) string {
	if text == "" {
		return text
	}
	r.mu.RLock()
	for _, value := range r.values {
		if strings.Contains(text, value) {
			text = strings.ReplaceAll(text, value, Redacted)
		}
	}
	r.mu.RUnlock()
	lower := strings.ToLower(text)
	for _, f := range forms {
		if slices.ContainsFunc(f.words, func(word string) bool { return strings.Contains(lower, word) }) {
			text = f.expr.ReplaceAllStringFunc(text, func(found string) string { return f.with(f.expr.FindStringSubmatch(found)) })
		}
	}
	return text
}

// Result takes secrets out of a result and its calls, in place. What a step says as a password is
// a secret in all the texts of its scenario.
func (r *Redactor) Result(of *Result, calls []evidence.Call) {
	known := &Redactor{}
	for _, step := range of.Steps {
		for _, found := range said.FindAllStringSubmatch(step.Text, -1) {
			known.Know(found[1])
		}
	}
	all := r
	if len(known.values) > 0 {
		r.mu.RLock()
		known.values = append(known.values, r.values...)
		r.mu.RUnlock()
		slices.SortFunc(known.values, func(a, b string) int { return len(b) - len(a) })
		all = known
	}
	all.walk(reflect.ValueOf(of).Elem())
	all.walk(reflect.ValueOf(calls))
}

// Strings takes secrets out of every text that the value, a pointer, leads to.
func (r *Redactor) Strings(value any) { r.walk(reflect.ValueOf(value)) }

func (r *Redactor) walk(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			r.walk(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				r.walk(v.Field(i))
			}
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			r.walk(v.Index(i))
		}
	case reflect.String:
		if old := v.String(); v.CanSet() {
			if text := r.Text(old); text != old {
				v.SetString(text)
			}
		}
	}
}
