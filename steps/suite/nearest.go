package suite

import (
	"fmt"
	"regexp"
	"strings"

	"example.com/gatehouse/simulator/document"
	"example.com/gatehouse/steps"
)

// nearestSteps is how many steps answer one that nothing understands.
const nearestSteps = 3

// given are the parts of a step that everybody writes differently.
var given = regexp.MustCompile(`"[^"]*"|\b\d+\b`)

// Undefined answers a step that nothing understands with the nearest ones of the vocabulary.
func Undefined(text string) string {
	shape := func(sentence string) string { return given.ReplaceAllString(sentence, `"x"`) }
	examples := map[string]string{}
	var shapes []string
	for _, d := range steps.Vocabulary() {
		if _, twice := examples[shape(d.Example)]; !twice {
			examples[shape(d.Example)] = d.Example
			shapes = append(shapes, shape(d.Example))
		}
	}
	answer := fmt.Sprintf("no step understands %q", text)
	for i := range nearestSteps {
		found, ok := document.Nearest(shape(text), shapes)
		if !ok {
			break
		}
		if i == 0 {
			answer += fmt.Sprintf(", did you mean %q?", examples[found])
		} else {
			answer += fmt.Sprintf(" Or %q?", examples[found])
		}
		for j, s := range shapes {
			if s == found {
				shapes = append(shapes[:j], shapes[j+1:]...)
				break
			}
		}
	}
	return answer + " \"gatehouse steps\" lists all"
}

// Quote makes a word of a command line that a shell leaves as it is.
func Quote(word string) string {
	if word != "" && !strings.ContainsFunc(word, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:=@,+%", r))
	}) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
