package profile

import (
	"fmt"
	"strings"

	"warpdrop/internal/show"
)

// Text is the page for a terminal of 100 columns.
func (p *Page) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s on %s, grid %s, block %s\n\n", p.Kernel, p.GPU, p.Grid, p.Block)
	for _, f := range p.Facts {
		fmt.Fprintf(&b, "%-18s %s\n", f.Name, f.Text)
	}
	b.WriteString("\nWhat to try\n")
	for _, a := range p.Advice {
		fmt.Fprintf(&b, "- %s\n  Measured: %s. %s\n", a.Text, a.Figure, a.Limit)
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
		fmt.Fprintf(&b, "%12d %5.1f %%  %-26s %s  %s", l.Stalls, 100*l.Share, l.Wait(), l.Address, l.Text)
		if l.Source != "" {
			b.WriteString("  // " + l.Source)
		}
		b.WriteByte('\n')
	}
	return show.Text(b.String())
}
