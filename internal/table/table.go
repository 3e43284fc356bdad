// Package table prints tables for people.
package table

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/mattn/go-runewidth"
	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/tw"
	"golang.org/x/term"
)

const (
	plainWidth  = 80 // of a table that goes to a file or a pipe
	longestWord = 24 // longer words are broken where a table would not fit
	mostLines   = 4  // of a cell that is wrapped
	mostTurned  = 6  // rows that are turned into columns
	mostKeys    = 4  // columns that tell rows apart
	mostParts   = 3  // tables that columns are dealt over
)

// Table has its headers as they are written. Where it does not fit its width, headers are wrapped; then columns that
// say the same in all rows are said once, above the table, and cells are wrapped between words; then rows are turned
// into columns, or columns are dealt over several tables, and where that does not fit either, each row is a list (see
// Render).
type Table struct {
	out   io.Writer
	width int
	rows  [][]string // the head first
}

// New is a table of at most so many columns of text (see Width) that Render writes to out.
func New(out io.Writer, width int, head ...string) *Table {
	return &Table{out, width, [][]string{head}}
}

// Width is what the environment's COLUMNS says, else that of the terminal that w is, else 80.
func Width(w io.Writer) int {
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	if f, ok := w.(*os.File); ok {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil && n > 0 {
			return n
		}
	}
	return plainWidth
}

// Add adds a row.
func (t *Table) Add(cells ...any) {
	row := make([]string, len(cells))
	for i, c := range cells {
		row[i] = fmt.Sprint(c)
	}
	t.rows = append(t.rows, row)
}

// AddRows adds rows.
func (t *Table) AddRows(rows [][]string) { t.rows = append(t.rows, rows...) }

// Render prints the table in the first of its forms that fits.
func (t *Table) Render() error {
	if w := headWidths(t.rows); fit(w, t.width) {
		return draw(t.out, t.rows, w)
	}
	rows, same := t.rows, []string(nil)
	if len(t.rows) > 2 {
		rows, same = hoist(t.rows)
	}
	if w := headWidths(rows); fit(w, t.width) || fit(cellWidths(rows, w), t.width) {
		if err := t.above(same); err != nil {
			return err
		}
		return draw(t.out, rows, w)
	}
	if turned := turn(rows); len(rows)-1 <= mostTurned {
		if w := headWidths(turned); fit(w, t.width) || len(rows) == 2 && fit(cellWidths(turned, w), t.width) {
			if err := t.above(same); err != nil {
				return err
			}
			return draw(t.out, turned, w)
		}
	}
	if err := t.above(same); err != nil {
		return err
	}
	if parts := t.split(rows); parts != nil {
		for _, p := range parts {
			w := headWidths(p)
			if !fit(w, t.width) {
				fit(cellWidths(p, w), t.width)
			}
			if err := draw(t.out, p, w); err != nil {
				return err
			}
		}
		return nil
	}
	return t.lists(rows)
}

// split deals the columns over up to mostParts tables, each of which begins with the columns that tell rows apart; nil
// where these are too many or too wide.
func (t *Table) split(rows [][]string) (parts [][][]string) {
	keys := 0
	for unique := false; !unique; {
		if keys++; keys > mostKeys || keys == len(rows[0]) {
			return nil
		}
		seen := map[string]bool{}
		for _, r := range rows[1:] {
			seen[strings.Join(r[:keys], "\x00")] = true
		}
		unique = len(seen) == len(rows)-1
	}
	part := columns(rows, keys, nil)
	for i := keys; i < len(rows[0]); i++ {
		more := columns(rows, i, part)
		if w := headWidths(more); fit(w, t.width) || len(part[0]) == keys && fit(cellWidths(more, w), t.width) {
			part = more
			continue
		}
		if len(part[0]) == keys {
			return nil // not even one column beside those
		}
		parts = append(parts, part)
		part = columns(rows, keys, nil)
		i-- // it begins the next
	}
	if parts = append(parts, part); len(parts) > mostParts {
		return nil
	}
	return parts
}

// columns are the first n columns where part is nil, else part and column n.
func columns(rows [][]string, n int, part [][]string) (out [][]string) {
	for i, r := range rows {
		if part == nil {
			out = append(out, slices.Clone(r[:n]))
		} else {
			out = append(out, append(slices.Clone(part[i]), r[n]))
		}
	}
	return out
}

// above prints what all rows have in common.
func (t *Table) above(same []string) error {
	if len(same) == 0 {
		return nil
	}
	_, err := fmt.Fprintln(t.out, items("all rows: ", same, ",", t.width, "  "))
	return err
}

// hoist takes out the columns that are equal in all rows, and tells them; those without a value are left out.
func hoist(rows [][]string) (left [][]string, same []string) {
	var keep []int
	for i, name := range rows[0] {
		first := rows[1][i]
		switch {
		case slices.ContainsFunc(rows[2:], func(r []string) bool { return r[i] != first }):
			keep = append(keep, i)
		case first != "" && first != "-":
			same = append(same, name+" "+first)
		}
	}
	if len(keep) == 0 {
		return rows, nil
	}
	for _, r := range rows {
		short := make([]string, len(keep))
		for j, i := range keep {
			short[j] = r[i]
		}
		left = append(left, short)
	}
	return left, same
}

// turn makes rows columns.
func turn(rows [][]string) [][]string {
	out := make([][]string, len(rows[0]))
	for i := range out {
		for _, r := range rows {
			out[i] = append(out[i], r[i])
		}
	}
	return out
}

// A columnWidth is how wide a column is, and how narrow it can be.
type columnWidth struct{ is, least int }

// headWidths are those of columns as wide as their widest cell, of which only the head may be wrapped.
func headWidths(rows [][]string) []columnWidth {
	out := make([]columnWidth, len(rows[0]))
	for i := range out {
		out[i] = columnWidth{runewidth.StringWidth(rows[0][i]), word(rows[0][i])}
		for _, r := range rows[1:] {
			n := runewidth.StringWidth(r[i])
			out[i] = columnWidth{max(out[i].is, n), max(out[i].least, n)}
		}
	}
	return out
}

// cellWidths lets cells be wrapped too, to no more than mostLines lines each.
func cellWidths(rows [][]string, w []columnWidth) []columnWidth {
	for i := range w {
		w[i].least = 0
		for _, r := range rows {
			least := word(r[i])
			for len(strings.Split(wrap(r[i], least), "\n")) > mostLines {
				least++
			}
			w[i].least = max(w[i].least, least)
		}
	}
	return w
}

// word is the width of the longest word; very long ones may be broken.
func word(s string) int {
	n := 1
	for w := range strings.FieldsSeq(s) {
		n = max(n, runewidth.StringWidth(w))
	}
	return min(n, longestWord)
}

// fit narrows the widest columns until the table fits, and tells whether it does.
func fit(w []columnWidth, width int) bool {
	total := 1
	for _, c := range w {
		total += c.is + 3 // a space on each side and a line
	}
	for ; total > width; total-- {
		widest := -1
		for i, c := range w {
			if c.is > c.least && (widest < 0 || c.is > w[widest].is) {
				widest = i
			}
		}
		if widest < 0 {
			return false
		}
		w[widest].is--
	}
	return true
}

// wrap breaks s between words, and words that are longer than a line.
func wrap(s string, width int) string {
	if runewidth.StringWidth(s) <= width {
		return s
	}
	return Fold(s, width, "")
}

// Fold breaks lines between words so that they fit, and words where they do not; lines but the first begin with indent.
func Fold(s string, width int, indent string) string {
	return fold("", strings.Fields(s), width, indent)
}

// items are folded between them rather than within them.
func items(head string, list []string, comma string, width int, indent string) string {
	var words []string
	for i, s := range list {
		if i < len(list)-1 {
			s += comma
		}
		if runewidth.StringWidth(indent+s) > width {
			words = append(words, strings.Fields(s)...)
		} else {
			words = append(words, s)
		}
	}
	return fold(head, words, width, indent)
}

// fold begins with line.
func fold(line string, words []string, width int, indent string) string {
	var lines []string
	empty := true
	next := func() { lines, line, empty = append(lines, line), indent, true }
	for _, w := range words {
		if !empty && runewidth.StringWidth(line+" "+w) > width {
			next()
		}
		if !empty {
			line += " "
		}
		for runewidth.StringWidth(line+w) > width {
			head := runewidth.Truncate(w, max(1, width-runewidth.StringWidth(line)), "")
			if head == "" {
				break // one character is wider than the line
			}
			line += head
			w = w[len(head):]
			next()
		}
		line += w
		empty = false
	}
	return strings.Join(append(lines, line), "\n")
}

// draw prints the table; columns of numbers stand on the right.
func draw(out io.Writer, rows [][]string, widths []columnWidth) error {
	align := make([]tw.Align, len(rows[0]))
	for i := range align {
		align[i] = tw.AlignRight
		for _, row := range rows[1:] {
			if _, err := strconv.ParseFloat(row[i], 64); err != nil && row[i] != "" && row[i] != "-" {
				align[i] = tw.AlignLeft
			}
		}
	}
	cells := make([][]string, len(rows))
	for i, row := range rows {
		for j, c := range row {
			cells[i] = append(cells[i], wrap(c, widths[j].is))
		}
	}
	cell := tw.CellConfig{Formatting: tw.CellFormatting{AutoFormat: tw.Off, AutoWrap: tw.WrapNone},
		Padding:   tw.CellPadding{Global: tw.Padding{Left: " ", Right: " ", Overwrite: true}},
		Alignment: tw.CellAlignment{PerColumn: align}}
	w := tablewriter.NewTable(out, tablewriter.WithHeaderConfig(cell), tablewriter.WithRowConfig(cell),
		tablewriter.WithHeaderAutoFormat(tw.Off))
	w.Header(cells[0])
	if err := w.Bulk(cells[1:]); err != nil {
		return err
	}
	return w.Render()
}

// lists prints each row as a list of its columns that have a value: of few rows a line each, of many one behind the
// other below the first.
func (t *Table) lists(rows [][]string) error {
	var b strings.Builder
	name := 0
	for _, h := range rows[0] {
		name = max(name, runewidth.StringWidth(h))
	}
	name = min(name, t.width/2)
	for i, row := range rows[1:] {
		if len(rows)-1 > mostTurned {
			var cells []string
			for j, h := range rows[0] {
				if j > 0 && row[j] != "" && row[j] != "-" {
					cells = append(cells, h+" "+row[j])
				}
			}
			head := Fold(rows[0][0]+" "+row[0], t.width, "")
			fmt.Fprintf(&b, "%s\n%s\n", head, items("  ", cells, ";", t.width, "  "))
			continue
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		for j, h := range rows[0] {
			if row[j] == "" || row[j] == "-" {
				continue
			}
			head := strings.Split(wrap(h, name), "\n")
			value := strings.Split(wrap(row[j], max(8, t.width-name-2)), "\n")
			for k := range max(len(head), len(value)) {
				line := ""
				if k < len(head) {
					line = head[k]
				}
				if k < len(value) {
					line = runewidth.FillRight(line, name+2) + value[k]
				}
				fmt.Fprintln(&b, line)
			}
		}
	}
	_, err := io.WriteString(t.out, b.String())
	return err
}
