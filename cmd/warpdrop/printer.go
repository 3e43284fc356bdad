package main

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
	"golang.org/x/text/transform"

	"warpdrop/internal/show"
	"warpdrop/internal/table"
)

// printer is standard output or standard error. What passes is text for people and programs, so names from files cannot
// steer the terminal (see package show); a write that fails is remembered, so that a command whose output was lost does
// not end as if it had been read.
type printer struct {
	name string
	raw  io.Writer
	text *transform.Writer
	err  error // of the first write that failed
}

func newPrinter(name string, raw io.Writer) *printer {
	return &printer{name: name, raw: raw, text: transform.NewWriter(raw, show.Transformer{})}
}

func (p *printer) Write(b []byte) (int, error) {
	if p.err != nil {
		return 0, p.err
	}
	n, err := p.text.Write(b)
	p.note(err)
	return n, p.err
}

// note keeps the first error.
func (p *printer) note(err error) {
	if err != nil && p.err == nil {
		p.err = fmt.Errorf("%s: %w", p.name, err)
	}
}

// close writes what is left, half a character at most.
func (p *printer) close() error {
	p.note(p.text.Close())
	return p.err
}

// raw is where w's output goes, for what draws on the terminal itself and for other programs.
func raw(w io.Writer) io.Writer {
	if p, ok := w.(*printer); ok {
		return p.raw
	}
	return w
}

// newTable is a table on a command's output.
func newTable(out io.Writer, head ...string) *table.Table {
	return table.New(out, table.Width(raw(out)), head...)
}

// prose prints sentences: as lines that fit where a person reads, who sits at a terminal or has set COLUMNS, else as
// they are.
func prose(out io.Writer, text string) error {
	if fits(out) {
		text = table.Fold(text, table.Width(raw(out)), "  ")
	}
	_, err := fmt.Fprintln(out, text)
	return err
}

// fits tells whether lines are made to fit out's width.
func fits(out io.Writer) bool { return os.Getenv("COLUMNS") != "" || isTerminal(out) }

// isTerminal tells whether w is a terminal that a bar can be drawn on.
func isTerminal(w io.Writer) bool {
	f, ok := raw(w).(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
