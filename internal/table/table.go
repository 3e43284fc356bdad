// Package table prints tables for people.
package table

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"

	"github.com/mattn/go-runewidth"
	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/tw"
	"golang.org/x/term"
)

const (
	plainWidth = 80 // of a table that goes to a file or a pipe
	leastWidth = 12 // of a column that is narrowed
)

// Table has its headers as they are written; the widest columns are wrapped where it would not fit the width.
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

// widths are those of the columns: as wide as their widest cell, the widest narrowed until the table fits.
func (t *Table) widths() []int {
	out := make([]int, len(t.rows[0]))
	for _, row := range t.rows {
		for i, cell := range row {
			out[i] = max(out[i], runewidth.StringWidth(cell))
		}
	}
	total := 1
	for _, w := range out {
		total += w + 3 // a space on each side and a line
	}
	for ; total > t.width; total-- {
		widest := slices.Index(out, slices.Max(out))
		if out[widest] <= leastWidth {
			break
		}
		out[widest]--
	}
	return out
}

// Render prints the table.
func (t *Table) Render() error {
	limits := tw.Mapper[int, int]{}
	align := make([]tw.Align, len(t.rows[0]))
	for i, w := range t.widths() {
		limits[i] = w + 2 // the library counts the spaces beside a cell
		align[i] = tw.AlignRight
		for _, row := range t.rows[1:] {
			if _, err := strconv.ParseFloat(row[i], 64); err != nil && row[i] != "" && row[i] != "-" {
				align[i] = tw.AlignLeft
			}
		}
	}
	cell := tw.CellConfig{Formatting: tw.CellFormatting{AutoFormat: tw.Off, AutoWrap: tw.WrapNormal},
		ColMaxWidths: tw.CellWidth{PerColumn: limits},
		Padding:      tw.CellPadding{Global: tw.Padding{Left: " ", Right: " ", Overwrite: true}},
		Alignment:    tw.CellAlignment{PerColumn: align}}
	w := tablewriter.NewTable(t.out, tablewriter.WithHeaderConfig(cell), tablewriter.WithRowConfig(cell),
		tablewriter.WithHeaderAutoFormat(tw.Off))
	w.Header(t.rows[0])
	if err := w.Bulk(t.rows[1:]); err != nil {
		return err
	}
	return w.Render()
}
