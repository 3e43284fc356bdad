package profile

import (
	"fmt"
	"strings"

	"github.com/mattn/go-runewidth"

	"warpdrop/internal/show"
)

// textWidth is that of the terminal that Text is for.
const textWidth = 100

// Text is the page for a terminal of 100 columns.
func (p *Page) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s on %s, grid %s, block %s\n\n", p.Kernel, p.GPU, p.Grid, p.Block)
	for _, f := range p.Facts {
		fmt.Fprintf(&b, "%-18s %s\n", f.Name, f.Text)
	}
	b.WriteString("\nWhat to try\n")
	for _, a := range p.Advice {
		paragraph(&b, "- ", a.Text)
		paragraph(&b, "  ", "Measured: "+a.Figure+". "+a.Limit)
	}
	if len(p.Advice) == 0 {
		b.WriteString("- no rule found a fault\n")
	}
	for _, s := range []struct {
		title string
		of    []Share
	}{{"Share of each peak", p.Light}, {"Scheduler cycles", p.Issued}, {"What warps waited for", p.Waits}} {
		fmt.Fprintf(&b, "\n%s\n", s.title)
		for _, x := range s.of {
			fmt.Fprintf(&b, "%-22s %6s %% %-40s %s\n", x.Name, x.Percent(), strings.Repeat("#", int(40*min(x.Share, 1))), x.Text)
		}
	}
	if len(p.Sources) > 0 {
		b.WriteString("\nHottest lines of the source: stall cycles of warps before their instructions\n")
	}
	for _, s := range p.HottestSources(10) {
		fmt.Fprintf(&b, "%12d %5.1f %%  %3d instructions, most at %s  %s\n", s.Stalls, 100*s.Share, s.Instructions,
			s.Hottest, s.Source)
	}
	b.WriteString("\nHottest instructions: stall cycles of warps before them\n")
	for _, l := range p.Hottest(10) {
		text := fmt.Sprintf("%12d %5.1f %%  %-26s %s  %s", l.Stalls, 100*l.Share, l.Wait(), l.Address, l.Text)
		if l.Source != "" {
			text += "  // " + l.Source
		}
		b.WriteString(runewidth.Truncate(text, textWidth, "…") + "\n")
	}
	b.WriteString("\nAll instructions: warps that executed it, stall cycles, conflicts, sectors an access\n")
	for _, l := range p.Lines {
		text := fmt.Sprintf("%10d %12d %5.1f %% %10d %6.1f  %s  %s", l.Warps, l.Stalls, 100*l.Share, l.Conflicts, l.Sectors,
			l.Address, l.Text)
		b.WriteString(runewidth.Truncate(text, textWidth, "…") + "\n")
	}
	return show.Text(b.String())
}

// paragraph writes a text in lines of the page's width, indented by as much as the first begins with.
func paragraph(b *strings.Builder, first, text string) {
	line, indent := first, strings.Repeat(" ", len(first))
	for _, word := range strings.Fields(text) {
		if len(line) > len(first) && runewidth.StringWidth(line)+runewidth.StringWidth(word) > textWidth {
			b.WriteString(strings.TrimRight(line, " ") + "\n")
			line = indent
		}
		line += word + " "
	}
	b.WriteString(strings.TrimRight(line, " ") + "\n")
}
