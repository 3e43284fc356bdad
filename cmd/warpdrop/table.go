package main

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
	plainWidth = 100 // of a table that goes to a file or a pipe
	leastWidth = 12  // of a column that is narrowed
)

// table is a table for people: headers as they are written, the widest columns wrapped where it would not fit the
// terminal.
type table struct {
	out   io.Writer
	width int
	rows  [][]string // the head first
}

func newTable(out io.Writer, head ...string) *table {
	width := plainWidth
	if f, ok := raw(out).(*os.File); ok && isTerminal(out) {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
			width = w
		}
	}
	return &table{out, width, [][]string{head}}
}

// add adds a row.
func (t *table) add(cells ...any) {
	row := make([]string, len(cells))
	for i, c := range cells {
		row[i] = fmt.Sprint(c)
	}
	t.rows = append(t.rows, row)
}

// widths are those of the columns: as wide as their widest cell, the widest narrowed until the table fits.
func (t *table) widths() []int {
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

// render prints the table.
func (t *table) render() error {
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
