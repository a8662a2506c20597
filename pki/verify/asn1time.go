package verify

import "time"

// asn1Time is a UTCTime or GeneralizedTime as it stands in a certificate.
type asn1Time struct {
	utc  bool
	text []byte
	// unix is set if strict.
	unix int64
	// strict: YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ and a date that exists. OpenSSL compares only
	// such times with the clock; others are a format error (codes 13 to 16).
	strict bool
}

func newTime(utc bool, text []byte) asn1Time {
	t := asn1Time{utc: utc, text: text}
	want := 15
	if utc {
		want = 13
	}
	if len(text) != want || text[want-1] != 'Z' {
		return t
	}
	for _, c := range text[:want-1] {
		if c < '0' || c > '9' {
			return t
		}
	}
	t.unix, t.strict = parseTime(utc, text)
	return t
}

// compare is X509_cmp_time: 1 if t is after now, -1 if it is now or before, 0 for a format error.
func (t asn1Time) compare(now int64) int {
	switch {
	case !t.strict:
		return 0
	case t.unix <= now:
		return -1
	default:
		return 1
	}
}

// laterThan is ASN1_TIME_compare(t, u) > 0, which also reads times without seconds, with
// fractions and with an offset. It is false if one of them cannot be read.
func (t asn1Time) laterThan(u asn1Time) bool {
	a, ok := t.loose()
	if !ok {
		return false
	}
	b, ok := u.loose()
	return ok && a > b
}

func (t asn1Time) loose() (int64, bool) {
	if t.strict {
		return t.unix, true
	}
	return parseTime(t.utc, t.text)
}

// time returns the moment; the zero time if the text is not a date.
func (t asn1Time) time() time.Time {
	unix, ok := t.loose()
	if !ok {
		return time.Time{}
	}
	return time.Unix(unix, 0).UTC()
}

// timeReader reads digits in pairs.
type timeReader struct {
	text []byte
	at   int
}

// pair reads two digits that make a number between low and high.
func (r *timeReader) pair(low, high int) (int, bool) {
	if r.at+2 > len(r.text) {
		return 0, false
	}
	a, b := r.text[r.at], r.text[r.at+1]
	if a < '0' || a > '9' || b < '0' || b > '9' {
		return 0, false
	}
	r.at += 2
	n := int(a-'0')*10 + int(b-'0')
	return n, n >= low && n <= high
}

// peek returns the next octet, 0 at the end.
func (r *timeReader) peek() byte {
	if r.at < len(r.text) {
		return r.text[r.at]
	}
	return 0
}

// parseTime reads what OpenSSL's ASN1_TIME_to_tm reads and returns seconds since 1970.
func parseTime(utc bool, text []byte) (int64, bool) {
	r := timeReader{text: text}
	var year int
	var century int
	var ok bool
	if !utc {
		if century, ok = r.pair(0, 99); !ok {
			return 0, false
		}
	}
	if year, ok = r.pair(0, 99); !ok {
		return 0, false
	}
	switch {
	case !utc:
		year += century * 100
	case year < 50:
		year += 2000
	default:
		year += 1900
	}
	month, ok := r.pair(1, 12)
	if !ok {
		return 0, false
	}
	day, ok := r.pair(1, 31)
	if !ok || day > daysIn(year, month) {
		return 0, false
	}
	hour, ok := r.pair(0, 23)
	if !ok {
		return 0, false
	}
	minute, ok := r.pair(0, 59)
	if !ok {
		return 0, false
	}
	second := 0
	if c := r.peek(); c != 'Z' && c != '+' && c != '-' {
		if second, ok = r.pair(0, 59); !ok {
			return 0, false
		}
	}
	if !utc && r.peek() == '.' {
		r.at++
		start := r.at
		for c := r.peek(); c >= '0' && c <= '9'; c = r.peek() {
			r.at++
		}
		if r.at == start {
			return 0, false
		}
	}
	offset, ok := r.zone()
	if !ok || r.at != len(text) {
		return 0, false
	}
	return ((daysSince1970(year, month, day)*24+int64(hour))*60+int64(minute))*60 + int64(second) + offset, true
}

// zone reads "Z" or "+hhmm" and returns what must be added for UTC, in seconds.
func (r *timeReader) zone() (int64, bool) {
	sign := int64(0)
	switch r.peek() {
	case 'Z':
		r.at++
		return 0, true
	case '+':
		sign = -1
	case '-':
		sign = 1
	default:
		return 0, false
	}
	r.at++
	hours, ok := r.pair(0, 12)
	if !ok {
		return 0, false
	}
	minutes, ok := r.pair(0, 59)
	return sign * int64(hours*3600+minutes*60), ok
}

var monthLength = [...]int{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

func daysIn(year, month int) int {
	if month == 2 && year%4 == 0 && (year%100 != 0 || year%400 == 0) {
		return 29
	}
	return monthLength[month-1]
}

// daysSince1970 counts days of the Gregorian calendar, also before its time. Years begin in March
// here, so that the leap day is the last one.
func daysSince1970(year, month, day int) int64 {
	if month -= 2; month <= 0 {
		month += 12
		year--
	}
	year += 400 // the calendar repeats itself; this keeps year 0 positive
	return int64(year*365+year/4-year/100+year/400+(153*(month-1)+2)/5+day-1) - 865565
}
