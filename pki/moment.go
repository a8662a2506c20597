package pki

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Span is a length of time in calendar units. Its text is a row of numbers with units, the units
// being y, mo, w, d, h, m (minutes) and s: "365d", "1y6mo", "90m".
type Span struct {
	Years, Months, Days int
	Time                time.Duration
}

// AddTo is the time that lies the span behind t, counted by the calendar in UTC.
func (s Span) AddTo(t time.Time) time.Time {
	return t.UTC().AddDate(s.Years, s.Months, s.Days).Add(s.Time)
}

// IsZero tells whether the span has no length.
func (s Span) IsZero() bool { return s == Span{} }

func (s Span) negated() Span {
	return Span{Years: -s.Years, Months: -s.Months, Days: -s.Days, Time: -s.Time}
}

// maxAmount bounds each number in a span; it keeps sums far away from an overflow.
const maxAmount = 100_000

const spanForm = `numbers with units such as "365d" or "1y6mo" (y, mo, w, d, h, m, s)`

// ParseSpan reads the text of a span.
func ParseSpan(text string) (Span, error) {
	var out Span
	rest := text
	if rest == "" {
		return out, errors.New("empty, expected " + spanForm)
	}
	for rest != "" {
		digits := 0
		for digits < len(rest) && '0' <= rest[digits] && rest[digits] <= '9' {
			digits++
		}
		letters := digits
		for letters < len(rest) && 'a' <= rest[letters] && rest[letters] <= 'z' {
			letters++
		}
		n, err := strconv.Atoi(rest[:digits])
		if err != nil || n > maxAmount {
			return Span{}, fmt.Errorf("%q: expected %s, no number above %d", clip(text), spanForm, maxAmount)
		}
		switch rest[digits:letters] {
		case "y":
			out.Years += n
		case "mo":
			out.Months += n
		case "w":
			out.Days += 7 * n
		case "d":
			out.Days += n
		case "h":
			out.Time += time.Duration(n) * time.Hour
		case "m":
			out.Time += time.Duration(n) * time.Minute
		case "s":
			out.Time += time.Duration(n) * time.Second
		default:
			return Span{}, fmt.Errorf("%q: expected %s", clip(text), spanForm)
		}
		rest = rest[letters:]
		if len(text) > 100 {
			return Span{}, fmt.Errorf("%q: expected %s", clip(text), spanForm)
		}
	}
	return out, nil
}

// String is the text of the span, empty for the zero span. A span of fractions of a second loses
// them.
func (s Span) String() string {
	var out strings.Builder
	put := func(n int, unit string) {
		if n != 0 {
			fmt.Fprintf(&out, "%d%s", n, unit)
		}
	}
	put(s.Years, "y")
	put(s.Months, "mo")
	put(s.Days, "d")
	put(int(s.Time/time.Hour), "h")
	put(int(s.Time%time.Hour/time.Minute), "m")
	put(int(s.Time%time.Minute/time.Second), "s")
	return out.String()
}

// MarshalText implements encoding.TextMarshaler.
func (s Span) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler; see [ParseSpan].
func (s *Span) UnmarshalText(text []byte) error {
	parsed, err := ParseSpan(string(text))
	if err != nil {
		return err
	}
	*s = parsed
	return nil
}

// Moment is a point in time that is either fixed or counted from the clock's now. Its text is a
// date ("2027-01-31", midnight in UTC), an RFC 3339 time, "now", or a sign and a span: "-30d",
// "+2y". The zero value means that none was given; its text is empty.
type Moment struct {
	fixed  time.Time
	span   Span
	before bool // the span is counted back
	set    bool
}

// FixedMoment is the moment of that time.
func FixedMoment(t time.Time) Moment { return Moment{fixed: t.UTC(), set: true} }

// MomentFromNow is the moment that lies the span behind now.
func MomentFromNow(s Span) Moment { return Moment{span: s, set: true} }

// MomentBeforeNow is the moment that lies the span before now.
func MomentBeforeNow(s Span) Moment { return Moment{span: s, before: true, set: true} }

// IsZero tells that no moment was given.
func (m Moment) IsZero() bool { return !m.set }

// IsRelative tells whether the moment depends on the clock.
func (m Moment) IsRelative() bool { return m.set && m.fixed.IsZero() }

// At is the time of the moment if it is now that time; the zero time if none was given.
func (m Moment) At(now time.Time) time.Time {
	switch {
	case !m.set:
		return time.Time{}
	case !m.IsRelative():
		return m.fixed
	case m.before:
		return m.span.negated().AddTo(now)
	default:
		return m.span.AddTo(now)
	}
}

// ParseMoment reads the text of a moment; empty is the zero value.
func ParseMoment(text string) (Moment, error) {
	switch {
	case text == "":
		return Moment{}, nil
	case text == "now":
		return MomentFromNow(Span{}), nil
	case text[0] == '+' || text[0] == '-':
		span, err := ParseSpan(text[1:])
		if err != nil {
			return Moment{}, err
		}
		return Moment{span: span, before: text[0] == '-', set: true}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil && !t.IsZero() {
			return FixedMoment(t), nil
		}
	}
	return Moment{}, fmt.Errorf(
		`%q is not a moment: expected a date such as "2027-01-31", a time such as "2027-01-31T12:00:00Z", or a distance from now such as "-30d" or "+2y"`,
		clip(text))
}

// String is the text of the moment.
func (m Moment) String() string {
	switch {
	case !m.set:
		return ""
	case !m.IsRelative():
		return m.fixed.Format(time.RFC3339Nano)
	case m.span.IsZero():
		return "now"
	case m.before:
		return "-" + m.span.String()
	default:
		return "+" + m.span.String()
	}
}

// MarshalText implements encoding.TextMarshaler.
func (m Moment) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler; see [ParseMoment].
func (m *Moment) UnmarshalText(text []byte) error {
	parsed, err := ParseMoment(string(text))
	if err != nil {
		return err
	}
	*m = parsed
	return nil
}
