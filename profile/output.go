package profile

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"warpdrop/internal/atomicfile"
	"warpdrop/internal/table"
)

// leastWidth is that of text, in columns.
const leastWidth = 40

// Output is where pages go and in which form, which the ending of the file's name says: .html the page for a browser,
// .json all of it, .csv every count of every instruction; .txt, as any other ending, is text.
type Output struct {
	File    string // "-" is standard output, as text
	Order   string // of the instructions in text: one of Orders, "" is the first
	Width   int    // of text, in columns; 0: that of the terminal or of COLUMNS, see table.Width
	Whole   bool   // text is the whole page, not its instructions alone, and a name without such an ending is HTML
	Several bool   // there may be several launches: JSON is an array, and there is no HTML
}

// ending is one of .html, .json, .csv and .txt.
func (o *Output) ending() string {
	switch e := filepath.Ext(o.File); {
	case e == ".json", e == ".csv", e == ".html", e == ".txt":
		return e
	case o.Whole:
		return ".html"
	}
	return ".txt"
}

// Check returns an error for what Write could not do.
func (o *Output) Check() error {
	if o.Order != "" && !slices.Contains(Orders, o.Order) {
		return fmt.Errorf("an order of %q; allowed is %s", o.Order, strings.Join(Orders, ", "))
	}
	if o.Width != 0 && o.Width < leastWidth {
		return fmt.Errorf("a width of %d columns; allowed is %d and up", o.Width, leastWidth)
	}
	if o.Several && o.ending() == ".html" {
		return fmt.Errorf("%s: a page has one launch, and here may be several; allowed is .json, .csv and text", o.File)
	}
	return nil
}

// Write writes the pages to the file, or to standard output.
func (o *Output) Write(stdout io.Writer, pages ...*Page) error {
	if o.File == "-" {
		return o.text(stdout, pages)
	}
	return atomicfile.Through(o.File, func(w io.Writer) error {
		switch o.ending() {
		case ".csv":
			return CSV(w, pages...)
		case ".json":
			e := json.NewEncoder(w)
			e.SetIndent("", " ")
			if o.Several {
				return e.Encode(pages)
			}
			return e.Encode(pages[0])
		case ".html":
			data, err := pages[0].HTML()
			if err == nil {
				_, err = w.Write(data)
			}
			return err
		}
		return o.text(w, pages)
	})
}

func (o *Output) text(w io.Writer, pages []*Page) error {
	width := o.Width
	if width == 0 {
		width = max(table.Width(w), leastWidth)
	}
	for i, p := range pages {
		text := "\n"[:min(i, 1)]
		if o.Whole {
			text += p.Text(width)
		} else {
			text += p.Listing(o.Order, width)
		}
		if _, err := io.WriteString(w, text); err != nil {
			return err
		}
	}
	return nil
}
