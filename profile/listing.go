package profile

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/mattn/go-runewidth"

	"warpdrop/internal/show"
	"warpdrop/sim"
)

// Orders are those of a listing's lines, the default first. All but address begin with the largest.
var Orders = []string{"stalls", "address", "warps", "conflicts", "sectors"}

// keys are what each order but address compares.
var keys = map[string]func(*Line) float64{
	"stalls":    func(l *Line) float64 { return float64(l.Stalls) },
	"warps":     func(l *Line) float64 { return float64(l.Warps) },
	"conflicts": func(l *Line) float64 { return float64(l.Conflicts) },
	"sectors":   func(l *Line) float64 { return l.PerAccess },
}

// sorted is the lines in one of the Orders, "" being the first; equal ones stay in the order of the code.
func (p *Page) sorted(order string) []Line {
	out := slices.Clone(p.Lines)
	if key := keys[cmp.Or(order, Orders[0])]; key != nil {
		slices.SortStableFunc(out, func(a, b Line) int { return cmp.Compare(key(&b), key(&a)) })
	}
	return out
}

// instructionWidth is what the other columns leave for the instruction before they give way to it.
const instructionWidth = 26

// listed is a column of the listing before the instruction. Where the width is not enough, the columns with the largest
// rank are left out.
type listed struct {
	head string
	left bool // text stands on the left, numbers on the right
	rank int
	text func(*Line) string
	has  func(*Line) bool // the column is there if a line has it; nil: always
}

var columns = []listed{
	{"%", false, 0, func(l *Line) string { return fmt.Sprintf("%.1f", 100*l.Share) }, nil},
	{"heat", true, 3, func(l *Line) string { return strings.Repeat("#", (l.Heat()+10)/20) }, nil},
	{"stall cycles", false, 8, func(l *Line) string { return fmt.Sprint(l.Stalls) }, nil},
	{"waited for", true, 1, func(l *Line) string { return l.wait(0) }, nil},
	{"and for", true, 9, func(l *Line) string { return l.wait(1) }, func(l *Line) bool { return l.wait(1) != "" }},
	{"warps", false, 7, func(l *Line) string { return fmt.Sprint(l.Warps) }, nil},
	{"lanes", false, 5, func(l *Line) string { return fmt.Sprintf("%.1f", l.Lanes()) },
		func(l *Line) bool { return l.Threads < 32*l.Warps }},
	{"conflicts", false, 4, func(l *Line) string { return some(l.Conflicts, fmt.Sprint(l.Conflicts)) },
		func(l *Line) bool { return l.Conflicts > 0 }},
	{"sectors/access", false, 6, func(l *Line) string { return some(l.Sectors, fmt.Sprintf("%.1f", l.PerAccess)) },
		func(l *Line) bool { return l.Sectors > 0 }},
	{"source", true, 2, func(l *Line) string { return l.Source }, func(l *Line) bool { return l.Source != "" }},
	{"at", true, 0, func(l *Line) string { return l.Address }, nil},
}

// some is text, or nothing for a count of nothing.
func some(n int64, text string) string {
	if n == 0 {
		return ""
	}
	return text
}

// leastShare is that of a line's stall cycles from which a reason is worth a word.
const leastShare = 0.1

// wait is the n-th reason of a line that matters.
func (l *Line) wait(n int) string {
	if n >= len(l.Waits) || l.Waits[n].Share < leastShare {
		return ""
	}
	return fmt.Sprintf("%s %.0f %%", l.Waits[n].Name, 100*l.Waits[n].Share)
}

// listing writes lines below a head, each cut to the width. Columns that no line of the page has are left out, and so
// are those for which there is no room.
func (p *Page) listing(b *strings.Builder, lines []Line, width int) {
	var shown []listed
	var widths []int
	for _, c := range columns {
		if c.has != nil && !slices.ContainsFunc(p.Lines, func(l Line) bool { return c.has(&l) }) {
			continue
		}
		w := len(c.head)
		for i := range lines {
			w = max(w, len(c.text(&lines[i])))
		}
		shown, widths = append(shown, c), append(widths, w)
	}
	for {
		room, last := width-instructionWidth, 0
		for i, c := range shown {
			room -= widths[i] + 2
			if c.rank > shown[last].rank {
				last = i
			}
		}
		if room >= 0 || shown[last].rank == 0 {
			break
		}
		shown, widths = slices.Delete(shown, last, last+1), slices.Delete(widths, last, last+1)
	}
	write := func(cell func(c listed) string, end string) {
		var row strings.Builder
		for i, c := range shown {
			w := widths[i]
			if c.left {
				w = -w
			}
			fmt.Fprintf(&row, "%*s  ", w, cell(c))
		}
		b.WriteString(runewidth.Truncate(row.String()+end, width, "…") + "\n")
	}
	write(func(c listed) string { return c.head }, "instruction")
	for i := range lines {
		write(func(c listed) string { return c.text(&lines[i]) }, lines[i].Text)
	}
}

// Listing is the instructions for a terminal of so many columns, in one of the Orders, below what warps waited for in
// all. What is cut is in CSV.
func (p *Page) Listing(order string, width int) string {
	var b strings.Builder
	paragraph(&b, "", fmt.Sprintf("%s on %s, grid %s, block %s: %s kernel cycles", p.Name(), p.GPU, p.Grid, p.Block,
		grouped(p.Numbers["kernel cycles"])), width)
	var stalls, warps int64
	for i := range p.Lines {
		stalls += p.Lines[i].Stalls
		warps += p.Lines[i].Warps
	}
	var waits []string
	for _, w := range p.Waits {
		if w.Share >= 0.005 {
			waits = append(waits, fmt.Sprintf("%s %.1f %%", w.Name, 100*w.Share))
		}
	}
	paragraph(&b, "", fmt.Sprintf("%s warp instructions; %s stall cycles of warps, here beside the instruction that "+
		"they come before: %s", grouped(warps), grouped(stalls), strings.Join(waits, ", ")), width)
	b.WriteByte('\n')
	p.listing(&b, p.sorted(order), width)
	return show.Text(b.String())
}

// grouped is n with commas between thousands.
func grouped(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// CSV writes every count of every instruction of launches, in the order of the code, one column a stall reason.
func CSV(w io.Writer, pages ...*Page) error {
	reasons := sim.StallReasons()
	out := csv.NewWriter(w)
	head := append([]string{"kernel", "address", "instruction", "source", "warps", "threads", "conflicts", "sectors",
		"stall_cycles", "stall_share"}, reasons...)
	if err := out.Write(head); err != nil {
		return err
	}
	for _, p := range pages {
		for _, l := range p.Lines {
			// The instruction is our disassembler's, whose guards begin with @: no formula, whatever show.Cell thinks.
			row := []string{show.Cell(p.Kernel), l.Address, show.Name(l.Text), show.Cell(l.Source), fmt.Sprint(l.Warps),
				fmt.Sprint(l.Threads), fmt.Sprint(l.Conflicts), fmt.Sprint(l.Sectors), fmt.Sprint(l.Stalls),
				fmt.Sprintf("%.6f", l.Share)}
			for _, reason := range reasons {
				i := slices.IndexFunc(l.Waits, func(s Share) bool { return s.Name == reason })
				if i < 0 {
					row = append(row, "0")
					continue
				}
				row = append(row, fmt.Sprint(l.Waits[i].Cycles))
			}
			if err := out.Write(row); err != nil {
				return err
			}
		}
	}
	out.Flush()
	return out.Error()
}
