package evidence

import (
	"errors"
	"fmt"
	"strings"
)

// Mismatch is the error of a step that found something else than the scenario says. Reports show
// the two beside each other.
type Mismatch struct {
	Expected, Found string
	// More is what helps to understand it; it may have several lines.
	More string
}

func (m *Mismatch) Error() string {
	text := fmt.Sprintf("expected %s\n   found %s", m.Expected, m.Found)
	if m.More != "" {
		text += "\n" + m.More
	}
	return text
}

// Difference finds what was expected and what was found in an error: that of a Mismatch, or that
// of a text with a line "expected …" followed by a line "found …".
func Difference(err error) (expected, found string, ok bool) {
	if err == nil {
		return "", "", false
	}
	if m := (*Mismatch)(nil); errors.As(err, &m) {
		return m.Expected, m.Found, true
	}
	lines := strings.Split(err.Error(), "\n")
	for i := 0; i+1 < len(lines); i++ {
		_, after, has := strings.Cut(lines[i], "expected ")
		then, is := strings.CutPrefix(strings.TrimSpace(lines[i+1]), "found ")
		if has && is {
			return strings.TrimSpace(after), then, true
		}
	}
	return "", "", false
}
