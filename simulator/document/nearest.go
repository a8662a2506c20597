package document

import "fmt"

// Nearest returns the word that differs least from the one given, if one is near enough to be
// meant: at most a third of the longer word's letters differ.
func Nearest(word string, among []string) (string, bool) {
	best, bestDistance := "", -1
	for _, candidate := range among {
		d := distance([]rune(word), []rune(candidate))
		if bestDistance < 0 || d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	longer := max(len([]rune(word)), len([]rune(best)))
	if bestDistance < 0 || bestDistance*3 > longer+1 {
		return "", false
	}
	return best, true
}

// DidYouMean is the second half of a sentence about an unknown word: `, did you mean "x"?`, or
// nothing.
func DidYouMean(word string, among []string) string {
	if n, ok := Nearest(word, among); ok {
		return fmt.Sprintf(", did you mean %q?", n)
	}
	return ""
}

// distance counts insertions, deletions, replacements and swaps of neighbours, without regard
// to letter case.
func distance(a, b []rune) int {
	if len(a) > 100 || len(b) > 100 {
		return max(len(a), len(b))
	}
	fold := func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if fold(a[i-1]) == fold(b[j-1]) {
				cost = 0
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && fold(a[i-1]) == fold(b[j-2]) && fold(a[i-2]) == fold(b[j-1]) {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(a)][len(b)]
}
