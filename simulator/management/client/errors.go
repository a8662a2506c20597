package client

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"
)

// Error is a refusal by the server.
type Error struct {
	// Method and Path are what was asked for.
	Method, Path string
	// Status is the HTTP status, Code and Message what the server says in its own words; both may
	// be empty.
	Status  int
	Code    string
	Message string
	// RetryAfter is how long the server wants to be left alone; 0 if it does not say.
	RetryAfter time.Duration

	noToken bool // the server demands a CSRF token
}

// The refusals that callers tell apart, for errors.Is.
var (
	ErrUnauthorized = &Error{Status: http.StatusUnauthorized}
	ErrForbidden    = &Error{Status: http.StatusForbidden}
	ErrNotFound     = &Error{Status: http.StatusNotFound}
	ErrConflict     = &Error{Status: http.StatusConflict}
	ErrTooMany      = &Error{Status: http.StatusTooManyRequests}
)

func (e *Error) Error() string {
	text := fmt.Sprintf("%s %s: HTTP %d", e.Method, e.Path, e.Status)
	if said := strings.TrimSpace(e.Message); said != "" {
		text += ": " + strings.TrimSuffix(said, ".")
	} else if name := http.StatusText(e.Status); name != "" {
		text += " " + name
	}
	if advice := e.advice(); advice != "" {
		text += " (" + advice + ")"
	}
	return text
}

// advice says what such a status most often means.
func (e *Error) advice() string {
	switch {
	case e.Status == http.StatusUnauthorized && !strings.HasPrefix(e.Path, root):
		return "the id or secret of the OAuth client is wrong"
	case e.Status == http.StatusUnauthorized:
		return "the user or password is wrong, or the user is none of the identity provider"
	case e.Status == http.StatusForbidden && strings.HasPrefix(e.Path, "/authorization/"):
		return "the platform API client lacks the scope for that"
	case e.Status == http.StatusForbidden:
		return "the user lacks a role for that; AuthGroup.Administrator has those for mappings and logs"
	case e.Status/100 == 3:
		return "the server sends elsewhere: is the URL that of the management node?"
	}
	return ""
}

// Is makes errors.Is(err, ErrNotFound) compare the status.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Method == "" && t.Status == e.Status
}

// UnreachableError tells that there was no answer at all.
type UnreachableError struct {
	Host string
	Err  error
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("%s cannot be reached: %v", e.Host, e.Err)
}
func (e *UnreachableError) Unwrap() error { return e.Err }

// maxMessage bounds what is kept of a server's message, in bytes.
const maxMessage = 2000

// refusal makes the error of an answer, whatever shape it has: OData in JSON or XML, or a page.
func refusal(r request, answer *http.Response) error {
	defer answer.Body.Close()
	e := &Error{Method: r.method, Path: unescaped(r.path), Status: answer.StatusCode}
	if after, err := time.ParseDuration(answer.Header.Get("Retry-After") + "s"); err == nil && after > 0 {
		e.RetryAfter = after
	}
	e.noToken = e.Status == http.StatusForbidden && strings.EqualFold(answer.Header.Get(csrfHeader), tokenNeeded)
	data, err := io.ReadAll(io.LimitReader(answer.Body, maxError))
	if err != nil {
		return e // the status is what counts
	}
	e.Code, e.Message = spoken(answer.Header.Get("Content-Type"), data)
	e.Code, e.Message = clip(e.Code), clip(e.Message)
	return e
}

// spoken finds code and message in the body of an error.
func spoken(contentType string, data []byte) (code, message string) {
	var odata struct {
		Error struct {
			Code    string          `json:"code"`
			Message json.RawMessage `json:"message"`
		} `json:"error"`
	}
	if json.Unmarshal(data, &odata) == nil && len(odata.Error.Message) > 0 {
		var text struct {
			Value string `json:"value"`
		}
		if json.Unmarshal(odata.Error.Message, &text) != nil {
			_ = json.Unmarshal(odata.Error.Message, &text.Value) // some services write a plain string
		}
		return odata.Error.Code, text.Value
	}
	var atom struct {
		XMLName xml.Name `xml:"error"`
		Code    string   `xml:"code"`
		Message string   `xml:"message"`
	}
	if xml.Unmarshal(data, &atom) == nil {
		return atom.Code, atom.Message
	}
	var oauth struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if json.Unmarshal(data, &oauth) == nil && oauth.Error != "" {
		return oauth.Error, strings.TrimSpace(oauth.Error + " " + oauth.Description)
	}
	if strings.HasPrefix(contentType, "text/plain") {
		return "", string(data)
	}
	return "", "" // a page for people
}

func clip(s string) string {
	if len(s) > maxMessage {
		s = s[:maxMessage]
	}
	return strings.ToValidUTF8(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == utf8.RuneError {
			return ' '
		}
		return r
	}, s), " ")
}
