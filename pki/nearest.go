package pki

import (
	"fmt"
	"strings"
)

// nearest is the name that is most like s, or "" if none is like it: at most a third of its
// letters may differ, and always one or two.
func nearest(s string, names []string) string {
	best, limit := "", max(2, len(s)/3)+1
	for _, name := range names {
		if d := distance(strings.ToLower(s), strings.ToLower(name), limit); d < limit {
			best, limit = name, d
		}
	}
	return best
}

// didYouMean is the end of a sentence about an unknown name.
func didYouMean(s string, names []string) string {
	if name := nearest(s, names); name != "" {
		return fmt.Sprintf("; did you mean %q?", name)
	}
	if len(names) > 0 && len(names) <= 12 {
		return "; known are " + strings.Join(names, ", ")
	}
	return ""
}

// distance is the Levenshtein distance of two names, or limit if it is not below that.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, diagonal+1, row[j]+1)
		}
	}
	return min(row[len(b)], limit)
}
