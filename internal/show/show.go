// Package show makes text that came from outside (names in a cubin, file names, labels) safe to print: to a terminal,
// which obeys escape sequences, to a page or a figure, where bidirectional marks can make text read as what it is not,
// and to a table that a spreadsheet opens, where a cell that begins with = is a formula.
package show

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/transform"
)

// plain tells whether a terminal or a page shows r as a sign of its own and in its place. Format characters (category
// Cf: bidirectional marks, zero-width signs) and private ones are not, neither are control characters.
func plain(r rune) bool { return unicode.IsGraphic(r) && r != utf8.RuneError || r == '\n' || r == '\t' }

// escaped is r as JSON and Go write it, so that a JSON text that is shown means what it meant.
func escaped(r rune) string {
	if r > 0xffff {
		high, low := (r-0x10000)>>10+0xd800, (r-0x10000)&0x3ff+0xdc00
		return fmt.Sprintf(`\u%04x\u%04x`, high, low)
	}
	return fmt.Sprintf(`\u%04x`, r)
}

// Text is s with \uXXXX in place of each character that is not seen as itself; bytes that are not UTF-8 become U+FFFD.
// Line ends and tabs stay.
func Text(s string) string {
	out, _, err := transform.String(Transformer{}, s)
	if err != nil { // the transformer has no errors of its own
		panic(err)
	}
	return out
}

var oneLine = strings.NewReplacer("\n", `\n`, "\t", `\t`)

// Name is Text for what has to stay on one line: line ends and tabs are written \n and \t.
func Name(s string) string { return oneLine.Replace(Text(s)) }

// Cell is Name for a cell of a table that a spreadsheet may open: one that would be taken for a formula gets an
// apostrophe before it (OWASP, "CSV injection"); numbers stay.
func Cell(s string) string {
	s = Name(s)
	if s == "" || !strings.ContainsRune("=+-@", rune(s[0])) {
		return s
	}
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		return s
	}
	return "'" + s
}

// Transformer does to a stream what Text does to a string.
type Transformer struct{ transform.NopResetter }

// Transform is transform.Transformer's.
func (Transformer) Transform(dst, src []byte, atEOF bool) (nDst, nSrc int, err error) {
	for nSrc < len(src) {
		if !atEOF && !utf8.FullRune(src[nSrc:]) {
			return nDst, nSrc, transform.ErrShortSrc
		}
		r, size := utf8.DecodeRune(src[nSrc:])
		text := ""
		switch {
		case r == utf8.RuneError:
			text = string(utf8.RuneError)
		case plain(r):
			text = string(src[nSrc : nSrc+size])
		default:
			text = escaped(r)
		}
		if nDst+len(text) > len(dst) {
			return nDst, nSrc, transform.ErrShortDst
		}
		nDst += copy(dst[nDst:], text)
		nSrc += size
	}
	return nDst, nSrc, nil
}
