package profile

import (
	"fmt"
	"strings"

	"github.com/mattn/go-runewidth"

	"warpdrop/internal/show"
)

// Text is the page for a terminal of so many columns.
func (p *Page) Text(width int) string {
	var b strings.Builder
	cut := func(format string, args ...any) {
		line := strings.TrimRight(fmt.Sprintf(format, args...), " ")
		b.WriteString(runewidth.Truncate(line, width, "…") + "\n")
	}
	paragraph(&b, "", fmt.Sprintf("%s on %s, grid %s, block %s", p.Name(), p.GPU, p.Grid, p.Block), width)
	b.WriteByte('\n')
	for _, f := range p.Facts {
		paragraph(&b, fmt.Sprintf("%-18s ", f.Name), f.Text, width)
	}
	b.WriteString("\nWhat to try\n")
	for _, a := range p.Advice {
		paragraph(&b, "- ", a.Text, width)
		paragraph(&b, "  ", "Measured: "+a.Figure+". "+a.Limit, width)
	}
	if len(p.Advice) == 0 {
		b.WriteString("- no rule found a fault\n")
	}
	for _, s := range []struct {
		title string
		of    []Share
	}{{"Share of each peak", p.Light}, {"Scheduler cycles", p.Issued}, {"What warps waited for", p.Waits}} {
		b.WriteByte('\n')
		cut("%s", s.title)
		for _, x := range s.of {
			bar := strings.Repeat("#", int(float64(max(width-60, 10))*min(x.Share, 1)))
			cut("%-22s %6s %% %-*s %s", x.Name, x.Percent(), max(width-60, 10), bar, x.Text)
		}
	}
	if len(p.Sources) > 0 {
		b.WriteByte('\n')
		cut("Hottest lines of the source: stall cycles of warps before their instructions")
	}
	for _, s := range p.HottestSources(10) {
		cut("%12d %5.1f %%  %3d instructions, most at %s  %s", s.Stalls, 100*s.Share, s.Instructions, s.Hottest,
			strings.TrimSpace(s.Source+"  "+s.Code))
	}
	b.WriteByte('\n')
	cut("Hottest instructions, by stall cycles of warps before them")
	p.listing(&b, p.Hottest(10), width)
	b.WriteString("\nAll instructions\n")
	p.listing(&b, p.Lines, width)
	return show.Text(b.String())
}

// paragraph writes a text in lines of the page's width, indented by as much as the first begins with.
func paragraph(b *strings.Builder, first, text string, width int) {
	line, indent := first, strings.Repeat(" ", len(first))
	for _, word := range strings.Fields(text) {
		if len(line) > len(first) && runewidth.StringWidth(line)+runewidth.StringWidth(word) > width {
			b.WriteString(strings.TrimRight(line, " ") + "\n")
			line = indent
		}
		line += word + " "
	}
	b.WriteString(strings.TrimRight(line, " ") + "\n")
}
