package profile

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"math"
	"strings"

	"warpdrop/internal/show"
)

//go:embed page.html.tmpl
var pageText string

var pageTemplate = template.Must(template.New("profile").Funcs(template.FuncMap{
	"percent": func(x float64) float64 { return 100 * x },
	"heat":    func(l Line) string { return fmt.Sprintf("%.2f", 0.6*float64(l.Heat())/100) },
	"arrow": func(l Line) string {
		if l.Target <= l.Address {
			return "↑"
		}
		return "↓"
	},
	"waits": func(l Line) string {
		var parts []string
		for _, w := range l.Waits {
			parts = append(parts, fmt.Sprintf("%s %.1f %%", w.Name, 100*w.Share))
		}
		return strings.Join(parts, ", ")
	},
}).Parse(pageText))

// Heads are those of the listing.
func (p *Page) Heads() []string {
	heads := []string{"address", "warps", "lanes", "stall cycles", "%", "mostly", "conflicts", "sectors an access"}
	if len(p.Sources) > 0 {
		heads = append(heads, "source")
	}
	return append(heads, "instruction")
}

// RoofPercent is what the launch reached of the lower roof.
func (p *Page) RoofPercent() string { return fmt.Sprintf("%.1f", 100*p.Roof.Share) }

// HTML is the page as one file that needs nothing else.
func (p *Page) HTML() ([]byte, error) {
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, p); err != nil {
		return nil, err
	}
	return []byte(show.Text(b.String())), nil
}

// RoofSVG draws the two roofs and the launch on logarithmic axes: FLOP a byte from 1/16 to 256, GFLOP/s over five
// decades.
func (p *Page) RoofSVG() template.HTML {
	const width, height, left, bottom = 340.0, 180.0, 44.0, 150.0
	x := func(intensity float64) float64 {
		return left + (width-left-10)*(math.Log2(max(intensity, 1.0/16))+4)/12
	}
	top := math.Ceil(math.Log10(p.Roof.PeakGFLOPS))
	y := func(gflops float64) float64 {
		return bottom - (bottom-10)*(max(math.Log10(max(gflops, 1e-9)), top-5)-top+5)/5
	}
	ridge := p.Roof.PeakGFLOPS / p.Roof.PeakGBps
	var b strings.Builder
	fmt.Fprintf(&b,
		`<svg viewBox="0 0 %g %g" role="img" aria-label="roofline" style="width:100%%;max-width:26rem;color:inherit"><g stroke="currentColor" fill="none">`, width, height)
	fmt.Fprintf(&b, `<path d="M%.1f 10V%.1fH%.1f" opacity=".5"/>`, left, bottom, width-10)
	fmt.Fprintf(&b, `<path d="M%.1f %.1fL%.1f %.1fH%.1f" stroke-width="2"/></g>`, x(1.0/16), y(p.Roof.PeakGBps/16),
		x(ridge), y(p.Roof.PeakGFLOPS), width-10)
	if p.Roof.FLOPPerByte > 0 {
		fmt.Fprintf(&b,
			`<circle cx="%.1f" cy="%.1f" r="5" fill="var(--bar)"><title>%.2f FLOP a byte, %.0f GFLOP/s</title></circle>`,
			min(x(p.Roof.FLOPPerByte), width-10), y(p.Roof.GFLOPS), p.Roof.FLOPPerByte, p.Roof.GFLOPS)
	}
	b.WriteString(`<g fill="currentColor" font-size="10">`)
	for _, i := range []float64{0.0625, 1, 16, 256} {
		fmt.Fprintf(&b, `<text x="%.1f" y="%.1f" text-anchor="middle">%g</text>`, x(i), bottom+14, i)
	}
	for d := top - 4; d <= top; d += 2 {
		fmt.Fprintf(&b, `<text x="%.1f" y="%.1f" text-anchor="end">%.0f</text>`, left-4, y(math.Pow(10, d))+3,
			math.Pow(10, d))
	}
	fmt.Fprintf(&b,
		`<text x="%.1f" y="%.1f" text-anchor="middle">FLOP a byte</text><text x="%.1f" y="12">GFLOP/s</text></g></svg>`,
		(left+width)/2, height-4, left+6)
	return template.HTML(b.String()) // numbers only
}
