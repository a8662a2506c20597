package systemlog

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// traceFields is the number of fields of a trace record [C].
const traceFields = 15

// LevelError is the only level that runtime nodes write by default [C].
const LevelError = "ERROR"

// TraceRecord is one record of the LJS trace: 15 fields separated by "#", ended by "|" and a line
// feed; "#" and "|" in a field are escaped with "\", and a text may span lines [C]:
//
//	Time#TZone#Level#Logger##User#Thread###<tenant id>#na#na#na#na#Text|
//
// The zero value can be written. In all fields but Text, control and other unprintable characters
// are written as \uXXXX [?], so that only a text spans lines.
type TraceRecord struct {
	// Time is printed in whole seconds in the record's zone; it is read in UTC. Years outside
	// 1 to 9999 become the nearest of these.
	Time time.Time
	// Zone is the offset from UTC: +HH, +HHmm or +HH:mm. Default, also for what is none of
	// these: "+00", as runtime nodes have it [C].
	Zone string
	// Level. Default: LevelError.
	Level string
	// Logger is the name of the class that wrote the record.
	Logger string
	// Component is field 5, empty on runtime nodes [C]; generic traces call it ACH.
	Component string
	// User is the principal; empty is written "anonymous", and that is read as empty.
	User string
	// Thread, "https-jsse-nio-8041-exec-12" for instance.
	Thread string
	// Bundle and Space are fields 8 and 9, empty on runtime nodes [C].
	Bundle string
	Space  string
	// Tenant is the tenant's id: a letter and eight hex digits [C].
	Tenant string
	// Passport holds fields 11 to 13: 32 hex digits each, or nothing, which is written "na" [C].
	Passport [3]string
	// PassportFlag is field 14: "0", "1" or nothing, which is written "na" [C].
	PassportFlag string
	// Text may span lines.
	Text string
}

const (
	traceTime    = "2006 01 02 15:04:05"
	defaultZone  = "+00"
	nobody       = "anonymous"
	notAvailable = "na"
)

// AppendTo appends the record up to and including its final "|", without the line feed.
func (r TraceRecord) AppendTo(dst []byte) []byte {
	zone := r.Zone
	offset, ok := parseZone(zone)
	if !ok {
		zone = defaultZone
	}
	dst = withinYears(r.Time.UTC().Add(offset)).AppendFormat(dst, traceTime)
	for _, field := range [...]struct{ value, empty string }{
		{zone, ""}, {r.Level, LevelError}, {r.Logger, ""}, {r.Component, ""}, {r.User, nobody},
		{r.Thread, ""}, {r.Bundle, ""}, {r.Space, ""}, {r.Tenant, ""},
		{r.Passport[0], notAvailable}, {r.Passport[1], notAvailable}, {r.Passport[2], notAvailable},
		{r.PassportFlag, notAvailable},
	} {
		dst = append(dst, '#')
		if field.value == "" {
			dst = append(dst, field.empty...)
			continue
		}
		dst = appendEscaped(dst, field.value, plainInField)
	}
	dst = append(dst, '#')
	dst = appendText(dst, r.Text)
	return append(dst, '|')
}

// String is the record up to and including its final "|".
func (r TraceRecord) String() string { return string(r.AppendTo(make([]byte, 0, 256))) }

var errNotEnded = errors.New(`the record is not ended by "|"`)

// ParseTraceRecord reads one record with its final "|"; a line end after it is accepted. An error
// says which field was not as expected.
func ParseTraceRecord(s string) (TraceRecord, error) {
	s = strings.TrimSuffix(strings.TrimSuffix(s, "\n"), "\r")
	if !endsRecord(s) {
		return TraceRecord{}, errNotEnded
	}
	return parseTraceBody(s[:len(s)-1])
}

// endsRecord tells whether the line ends in a "|" that is not escaped.
func endsRecord(line string) bool {
	if line == "" || line[len(line)-1] != '|' {
		return false
	}
	i := len(line) - 1
	for i > 0 && line[i-1] == '\\' {
		i--
	}
	return (len(line)-1-i)%2 == 0
}

// startsRecord tells whether a record begins with this line. No other line of a well-formed trace
// begins so, since "#" is escaped within a text.
func startsRecord(line string) bool {
	const shape = "dddd dd dd dd:dd:dd#"
	if len(line) < len(shape) {
		return false
	}
	for i := range len(shape) {
		if c := line[i]; shape[i] == 'd' {
			if c < '0' || c > '9' {
				return false
			}
		} else if c != shape[i] {
			return false
		}
	}
	return true
}

// parseTraceBody reads a record without its final "|".
func parseTraceBody(s string) (TraceRecord, error) {
	var f [traceFields]string
	rest := s
	for n := range traceFields - 1 {
		end := fieldEnd(rest)
		if end < 0 {
			return TraceRecord{}, fmt.Errorf("%d fields: expected %d, separated by #", n+1, traceFields)
		}
		f[n], rest = rest[:end], rest[end+1:]
	}
	f[traceFields-1] = rest
	for n := range traceFields - 1 {
		if strings.IndexByte(f[n], '\n') >= 0 {
			return TraceRecord{}, fmt.Errorf("a line break in field %d: expected one in the text only", n+1)
		}
		f[n] = unescape(f[n], true)
	}
	var r TraceRecord
	offset, ok := parseZone(f[1])
	if !ok {
		return TraceRecord{}, fmt.Errorf("zone %s: expected an offset such as +00", clip(f[1]))
	}
	if r.Time, ok = parseTraceTime(f[0], offset); !ok {
		return TraceRecord{}, fmt.Errorf("time %s: expected yyyy MM dd HH:mm:ss", clip(f[0]))
	}
	if f[2] == "" {
		return TraceRecord{}, errors.New("the level is empty")
	}
	r.Zone, r.Level, r.Logger, r.Component, r.User = f[1], f[2], f[3], f[4], without(f[5], nobody)
	r.Thread, r.Bundle, r.Space, r.Tenant = f[6], f[7], f[8], f[9]
	for i := range r.Passport {
		r.Passport[i] = without(f[10+i], notAvailable)
	}
	r.PassportFlag = without(f[13], notAvailable)
	r.Text = unescapeText(f[14])
	return r, nil
}

// fieldEnd is where the first "#" stands that is not escaped, or -1.
func fieldEnd(s string) int {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '#':
			return i
		}
	}
	return -1
}

// without returns "" for the word that stands for nothing.
func without(s, nothing string) string {
	if s == nothing {
		return ""
	}
	return s
}

// parseTraceTime reads "2022 10 07 08:06:55".
func parseTraceTime(s string, offset time.Duration) (time.Time, bool) {
	if len(s) != len(traceTime) || s[4] != ' ' || s[7] != ' ' || s[10] != ' ' || s[13] != ':' || s[16] != ':' {
		return time.Time{}, false
	}
	month, ok := parseDigits(s[5:7])
	if !ok {
		return time.Time{}, false
	}
	return makeTime(s[:4], int(month), s[8:10], s[11:13], s[14:16], s[17:19], offset)
}
