package plots

import (
	"bytes"
	"encoding/xml"
	"fmt"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg/draw"
)

// hovers names points: in SVG a circle that is not seen lies over each, with a title that browsers show under the
// pointer. Other formats have no such thing.
type hovers Series

// Plot implements plot.Plotter.
func (h hovers) Plot(c draw.Canvas, p *plot.Plot) {
	canvas := c.Canvas
	for { // gonum/plot wraps canvases into others
		inner, ok := canvas.(draw.Canvas)
		if !ok {
			break
		}
		canvas = inner.Canvas
	}
	svg, ok := canvas.(*outlined)
	if !ok {
		return
	}
	x, y := p.Transforms(&c)
	for i, words := range h.Hover {
		var text bytes.Buffer
		if xml.EscapeText(&text, []byte(words)) != nil {
			continue
		}
		fmt.Fprintf(&svg.hovers, "<circle cx=\"%.2f\" cy=\"%.2f\" r=\"4\" fill-opacity=\"0\"><title>%s</title></circle>\n",
			x(h.X[i]).Points(), (svg.height - y(h.Y[i])).Points(), text.Bytes())
	}
}

// withHovers is an SVG with its hovers before its end.
func withHovers(svg, hovers []byte) []byte {
	end := bytes.LastIndex(svg, []byte("</svg>"))
	if len(hovers) == 0 || end < 0 {
		return svg
	}
	return append(append(append([]byte{}, svg[:end]...), hovers...), svg[end:]...)
}
