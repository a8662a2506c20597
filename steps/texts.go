package steps

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"example.com/gatehouse/simulator/document"
)

func base64Of(der []byte) string { return base64.StdEncoding.EncodeToString(der) }

func contains(words []string, word string) bool { return slices.Contains(words, word) }

func containsText(text, part string) bool { return part != "" && strings.Contains(text, part) }

// unknownPhrase answers a phrase that nothing understands with the nearest one.
func unknownPhrase(text string, known []string) error {
	return fmt.Errorf("nothing understands %q%s; these can be said here:\n  %s", text, document.DidYouMean(text, known), strings.Join(known, "\n  "))
}
