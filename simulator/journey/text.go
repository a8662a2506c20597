package journey

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// WriteText prints the record for people: one line a station, then, for a call that was refused,
// where it ended, which station was the cause, why, and what to change. Whatever came from a
// caller is made printable.
func WriteText(w io.Writer, j Journey) error {
	var b strings.Builder
	for _, station := range Stations() {
		stop, ok := j.At(station)
		if !ok {
			fmt.Fprintf(&b, "%-22s -\n", station)
			continue
		}
		fmt.Fprintf(&b, "%-22s %-9s %s\n", station, stop.Verdict, Printable(stop.Decided))
	}
	if end, ok := j.End(); ok {
		if cause, refused := j.Cause(); refused {
			fmt.Fprintf(&b, "\nended at  %s%s\n", end.Station, status(j))
			fmt.Fprintf(&b, "because   %s (%s", cause.Reason.Sentence(), cause.Reason)
			if r := j.Requirement(); r != "" {
				fmt.Fprintf(&b, ", %s", r)
			}
			b.WriteString(")\n")
			if fix := cause.Remedy(); fix != "" {
				fmt.Fprintf(&b, "to do     %s\n", Printable(fix))
			}
		} else {
			fmt.Fprintf(&b, "\nlet in    %s%s\n", end.Station, status(j))
		}
	}
	if j.AccessLog != "" {
		fmt.Fprintf(&b, "access log %s\n", Printable(j.AccessLog))
	}
	for _, record := range j.Trace {
		fmt.Fprintf(&b, "trace      %s\n", Printable(record))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func status(j Journey) string {
	if j.Status == 0 {
		return ", no HTTP answer"
	}
	who := ""
	if j.User != "" {
		who = " as " + Printable(j.User)
	}
	return fmt.Sprintf(", HTTP %d%s", j.Status, who)
}

// Printable makes a text that came from a caller fit for a terminal: control and formatting
// characters, which could hide or forge output, become \u escapes.
func Printable(s string) string {
	clean := true
	for _, r := range s {
		if !printable(r) {
			clean = false
			break
		}
	}
	if clean && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, "\\x%02x", s[i])
		case printable(r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "\\u%04x", r)
		}
		i += size
	}
	return b.String()
}

func printable(r rune) bool {
	return r == ' ' || (unicode.IsGraphic(r) && !unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Zs, r))
}
