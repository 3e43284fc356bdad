// Package nearest guesses what somebody meant who wrote a name that is none.
package nearest

import (
	"fmt"
	"strings"

	"github.com/agnivade/levenshtein"
)

// distance counts letters that differ, two that are exchanged once.
func distance(word, name string) int {
	d := levenshtein.ComputeDistance(word, name)
	letters := []rune(word)
	for i := 1; i < len(letters); i++ {
		letters[i-1], letters[i] = letters[i], letters[i-1]
		d = min(d, 1+levenshtein.ComputeDistance(string(letters), name))
		letters[i-1], letters[i] = letters[i], letters[i-1]
	}
	return d
}

// Hint is ` (did you mean "x"?)` with the most alike of names, or nothing where none is near: up to a third of its
// letters may differ.
func Hint(word string, names []string) string {
	best, least := "", len(word)
	for _, n := range names {
		d := distance(strings.ToLower(word), strings.ToLower(n))
		if d < least && 3*d <= max(len([]rune(n)), 3) {
			best, least = n, d
		}
	}
	if best == "" || best == word {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", best)
}
