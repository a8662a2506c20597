package systemlog

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// AccessLine is one line of the HTTP access log [C: 8,603 lines of real tenants have this form]:
//
//	<LB> (<client>) - <user> [dd/Mon/yyyy:HH:mm:ss +0000] <method> <URI> <protocol> <status> <bytes|-> <ms> <host> <-|[passport]>
//
// The zero value can be written. Content comes from callers and may be anything: what would break
// the line or its columns is escaped (see AppendTo), so that a line is always one line and reads
// back as what was written.
type AccessLine struct {
	// LoadBalancer is the address that the runtime node sees; Client is the sender's. Empty: "-".
	LoadBalancer string
	Client       string
	// User is the principal: a user name, CN@IssuerCN or oauth_client_<id>. It may hold blanks and
	// brackets. Empty: "-", nobody was recognised.
	User string
	// Time is printed in UTC and whole seconds; years outside 1 to 9999 become the nearest of these.
	Time time.Time
	// Method and URI (path with query). Empty: "-".
	Method string
	URI    string
	// Protocol. Default: "HTTP/1.1".
	Protocol string
	// Status is printed with three digits; what is not in 0 to 999 becomes 000.
	Status int
	// Bytes is the length of the answer's body on the wire; -1 (or less) is "-", no body.
	Bytes int64
	// Duration is printed in whole milliseconds; a negative one becomes 0.
	Duration time.Duration
	// Host is the virtual host that was called, with its port: "<host>:443". Empty: "-".
	Host string
	// Passport is what stands in the brackets of the last column, in hex:
	// root context id/transaction id/1/connection id. Empty: "-".
	Passport string
	// Short: the line has the form in which a blog quotes the log, without client, bytes,
	// duration, host and passport:
	//
	//	<LB> - <user> [dd/Mon/yyyy:HH:mm:ss +0000] <method> <URI> <protocol> <status>
	//
	// Real logs do not have it [C]. Read from it, Bytes is -1 and what is missing is empty.
	Short bool
}

const accessTime = "[02/Jan/2006:15:04:05 -0700]"

// AppendTo appends the line without line end. Blanks (except in the user), control and other
// unprintable characters become \uXXXX, a byte that is not UTF-8 \xXX, a backslash two. An empty
// column is "-", and a value that is itself a dash is written \u002d [?: how the real system
// escapes is not known; Tomcat is the model].
func (l AccessLine) AppendTo(dst []byte) []byte {
	dst = appendToken(dst, l.LoadBalancer)
	if !l.Short {
		dst = append(dst, " ("...)
		dst = appendToken(dst, l.Client)
		dst = append(dst, ')')
	}
	dst = append(dst, " - "...)
	dst = appendUser(dst, l.User)
	dst = append(dst, ' ')
	dst = withinYears(l.Time.UTC()).AppendFormat(dst, accessTime)
	dst = append(dst, ' ')
	dst = appendToken(dst, l.Method)
	dst = append(dst, ' ')
	dst = appendToken(dst, l.URI)
	dst = append(dst, ' ')
	if l.Protocol == "" {
		dst = append(dst, "HTTP/1.1"...)
	} else {
		dst = appendEscaped(dst, l.Protocol, plainInToken)
	}
	dst = append(dst, ' ')
	if s := l.Status; s >= 0 && s <= 999 {
		dst = append(dst, byte('0'+s/100), byte('0'+s/10%10), byte('0'+s%10))
	} else {
		dst = append(dst, "000"...)
	}
	if l.Short {
		return dst
	}
	dst = append(dst, ' ')
	if l.Bytes < 0 {
		dst = append(dst, '-')
	} else {
		dst = strconv.AppendInt(dst, l.Bytes, 10)
	}
	dst = append(dst, ' ')
	dst = strconv.AppendInt(dst, max(0, l.Duration.Milliseconds()), 10)
	dst = append(dst, ' ')
	dst = appendToken(dst, l.Host)
	if l.Passport == "" {
		return append(dst, " -"...)
	}
	dst = append(dst, " ["...)
	dst = appendEscaped(dst, l.Passport, plainInToken)
	return append(dst, ']')
}

// String is the line without line end.
func (l AccessLine) String() string { return string(l.AppendTo(make([]byte, 0, 256))) }

// withinYears moves a time that four digits cannot say to the nearest that they can.
func withinYears(t time.Time) time.Time {
	switch y := t.Year(); {
	case y < 1:
		return time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	case y > 9999:
		return time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	}
	return t
}

// Columns after the user: two of time and zone, and then these many more.
const (
	columnsAfterTime      = 8
	columnsAfterTimeShort = 4
)

var errLineBreak = errors.New("a line break within the line")

// ParseAccessLine reads one line of the access log in its full or its short form; a line end is
// accepted. The line is read from its end, since only the user may hold blanks; so a user name
// that imitates a time and a request cannot shift the columns. The time is returned in UTC.
// An error says which column was not as expected.
func ParseAccessLine(line string) (AccessLine, error) {
	line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
	if strings.IndexByte(line, '\n') >= 0 {
		return AccessLine{}, errLineBreak
	}
	var l AccessLine
	balancer, rest, ok := strings.Cut(line, " ")
	if !ok || balancer == "" {
		return AccessLine{}, errors.New(`no address of a load balancer at the beginning`)
	}
	l.LoadBalancer = fromDash(balancer)
	columns := columnsAfterTime
	if strings.HasPrefix(rest, "(") {
		var client string
		client, rest, ok = strings.Cut(rest, " ")
		if !ok || len(client) < 3 || client[len(client)-1] != ')' {
			return AccessLine{}, errors.New("the client's address does not stand in parentheses")
		}
		l.Client = fromDash(client[1 : len(client)-1])
	} else {
		l.Short, l.Bytes, columns = true, -1, columnsAfterTimeShort
	}
	rest, ok = strings.CutPrefix(rest, "- ")
	if !ok {
		return AccessLine{}, errors.New(`no "-" after the addresses`)
	}
	var tail [columnsAfterTime + 2]string
	for i := columns + 1; i >= 0; i-- {
		blank := strings.LastIndexByte(rest, ' ')
		if blank < 0 || blank+1 == len(rest) {
			return AccessLine{}, fmt.Errorf("column missing or empty: expected %d after the user", columns+2)
		}
		rest, tail[i] = rest[:blank], rest[blank+1:]
	}
	if rest == "" {
		return AccessLine{}, errors.New(`the user column is empty: expected a name or "-"`)
	}
	l.User = fromDash(rest)
	if l.Time, ok = parseAccessTime(tail[0], tail[1]); !ok {
		return AccessLine{}, fmt.Errorf("time %s: expected [dd/Mon/yyyy:HH:mm:ss +0000]", clip(tail[0]+" "+tail[1]))
	}
	l.Method, l.URI = fromDash(tail[2]), fromDash(tail[3])
	l.Protocol = unescape(tail[4], false)
	if n, ok := parseDigits(tail[5]); ok && len(tail[5]) == 3 {
		l.Status = int(n)
	} else {
		return AccessLine{}, fmt.Errorf("status %s: expected three digits", clip(tail[5]))
	}
	if l.Short {
		return l, nil
	}
	return l, l.parseMeasures(tail[6:])
}

// parseMeasures reads the columns that the short form lacks. On an error l must not be used.
func (l *AccessLine) parseMeasures(tail []string) error {
	var ok bool
	if tail[0] == "-" {
		l.Bytes = -1
	} else if l.Bytes, ok = parseDigits(tail[0]); !ok {
		return fmt.Errorf(`bytes %s: expected a number or "-"`, clip(tail[0]))
	}
	millis, ok := parseDigits(tail[1])
	if !ok || millis > math.MaxInt64/int64(time.Millisecond) {
		return fmt.Errorf("duration %s: expected milliseconds", clip(tail[1]))
	}
	l.Duration = time.Duration(millis) * time.Millisecond
	l.Host = fromDash(tail[2])
	switch p := tail[3]; {
	case p == "-":
	case len(p) > 2 && p[0] == '[' && p[len(p)-1] == ']':
		l.Passport = unescape(p[1:len(p)-1], false)
	default:
		return fmt.Errorf(`last column %s: expected "-" or a passport in brackets`, clip(p))
	}
	return nil
}

// parseDigits reads a number of digits only, up to math.MaxInt64.
func parseDigits(s string) (int64, bool) {
	if s == "" || len(s) > 19 {
		return 0, false
	}
	var n uint64
	for i := range len(s) {
		c := s[i] - '0'
		if c > 9 {
			return 0, false
		}
		n = n*10 + uint64(c)
	}
	return int64(n), n <= math.MaxInt64
}

const monthNames = "JanFebMarAprMayJunJulAugSepOctNovDec"

// parseAccessTime reads "[12/Apr/2021:00:00:05" and "+0000]".
func parseAccessTime(stamp, zone string) (time.Time, bool) {
	if len(stamp) != 21 || len(zone) != 6 || zone[5] != ']' ||
		stamp[0] != '[' || stamp[3] != '/' || stamp[7] != '/' || stamp[12] != ':' || stamp[15] != ':' || stamp[18] != ':' {
		return time.Time{}, false
	}
	month := strings.Index(monthNames, stamp[4:7])
	if month < 0 || month%3 != 0 {
		return time.Time{}, false
	}
	offset, ok := parseZone(zone[:5])
	if !ok {
		return time.Time{}, false
	}
	return makeTime(stamp[8:12], month/3+1, stamp[1:3], stamp[13:15], stamp[16:18], stamp[19:21], offset)
}

// makeTime checks the parts of a local time and returns the instant in UTC.
func makeTime(year string, month int, day, hour, minute, second string, offset time.Duration) (time.Time, bool) {
	y, ok1 := parseDigits(year)
	d, ok2 := parseDigits(day)
	h, ok3 := parseDigits(hour)
	m, ok4 := parseDigits(minute)
	s, ok5 := parseDigits(second)
	if !(ok1 && ok2 && ok3 && ok4 && ok5) || y < 1 || month < 1 || month > 12 || h > 23 || m > 59 || s > 59 {
		return time.Time{}, false
	}
	local := time.Date(int(y), time.Month(month), int(d), int(h), int(m), int(s), 0, time.UTC)
	if local.Day() != int(d) {
		return time.Time{}, false // 31 February and the like
	}
	t := local
	if offset != 0 {
		t = local.Add(-offset)
	}
	if t.Year() < 1 || t.Year() > 9999 {
		return time.Time{}, false
	}
	return t, true
}

// parseZone reads +HH, +HHmm or +HH:mm, with either sign.
func parseZone(s string) (time.Duration, bool) {
	if len(s) < 3 || len(s) > 6 || (s[0] != '+' && s[0] != '-') {
		return 0, false
	}
	hours, ok := parseDigits(s[1:3])
	if !ok || hours > 18 {
		return 0, false
	}
	var minutes int64
	switch rest := s[3:]; {
	case len(rest) == 3 && rest[0] == ':':
		minutes, ok = parseDigits(rest[1:])
	case len(rest) == 2:
		minutes, ok = parseDigits(rest)
	case len(rest) != 0:
		return 0, false
	}
	if !ok || minutes > 59 {
		return 0, false
	}
	offset := time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	if s[0] == '-' {
		offset = -offset
	}
	return offset, true
}

// clip quotes what was found for an error, shortened and with nothing unprintable.
func clip(s string) string {
	const most = 80
	if len(s) > most {
		return strconv.QuoteToASCII(s[:most]) + "…"
	}
	return strconv.QuoteToASCII(s)
}
