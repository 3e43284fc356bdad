// Package plots draws figures from plain numbers with gonum/plot, and the HTML report. It knows no experiments.
package plots

import (
	"bytes"
	"fmt"
	"image/color"
	"os"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgpdf"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Look is how a series is drawn: colour, dashes and marker all differ, so that a figure reads in grey and by
// colour-blind readers too.
type Look struct {
	Color  color.NRGBA
	Dashes []vg.Length
	Marker draw.GlyphDrawer
}

// Palette of Okabe and Ito (2008), which is told apart with every common colour blindness.
var (
	white     = color.NRGBA{0xff, 0xff, 0xff, 0xff}
	black     = color.NRGBA{0x00, 0x00, 0x00, 0xff}
	orange    = color.NRGBA{0xe6, 0x9f, 0x00, 0xff}
	skyBlue   = color.NRGBA{0x56, 0xb4, 0xe9, 0xff}
	green     = color.NRGBA{0x00, 0x9e, 0x73, 0xff}
	yellow    = color.NRGBA{0xf0, 0xe4, 0x42, 0xff}
	blue      = color.NRGBA{0x00, 0x72, 0xb2, 0xff}
	vermilion = color.NRGBA{0xd5, 0x5e, 0x00, 0xff}
	purple    = color.NRGBA{0xcc, 0x79, 0xa7, 0xff}
	grey      = color.NRGBA{0x80, 0x80, 0x80, 0xff}
	lightGrey = color.NRGBA{0xdd, 0xdd, 0xdd, 0xff}
)

var (
	solid   []vg.Length
	dashed  = []vg.Length{vg.Points(5), vg.Points(3)}
	dotted  = []vg.Length{vg.Points(1.5), vg.Points(2.5)}
	dashDot = []vg.Length{vg.Points(6), vg.Points(2), vg.Points(1.5), vg.Points(2)}
)

// looks fixes a look for each name that comes back in many figures.
var looks = map[string]Look{
	"none":        {grey, dotted, draw.RingGlyph{}},
	"dense":       {black, solid, draw.CircleGlyph{}},
	"masked":      {vermilion, dashDot, draw.CrossGlyph{}},
	"dropconnect": {purple, dashDot, draw.PlusGlyph{}},
	"rdp":         {blue, solid, draw.BoxGlyph{}},
	"tdp":         {green, dashed, draw.PyramidGlyph{}},
}

// cycle serves names without a look of their own.
var cycle = []Look{
	{blue, solid, draw.CircleGlyph{}}, {orange, dashed, draw.BoxGlyph{}}, {green, dashDot, draw.PyramidGlyph{}}, {vermilion, dotted, draw.CrossGlyph{}},
	{skyBlue, solid, draw.BoxGlyph{}}, {purple, dashed, draw.PlusGlyph{}}, {yellow, dashDot, draw.RingGlyph{}}, {grey, dotted, draw.SquareGlyph{}},
}

// lookOf is a series' look: by its name, or by its place among those without one.
func lookOf(name string, place int) Look {
	if l, ok := looks[strings.ToLower(name)]; ok {
		return l
	}
	return cycle[place%len(cycle)]
}

// Size of every figure.
const (
	Width  = 16 * vg.Centimeter
	Height = 10 * vg.Centimeter
	dpi    = 120
)

// New is an empty plot in the project's style.
func New(title, x, y string) *plot.Plot {
	p := plot.New()
	text := font.Font{Typeface: "Liberation", Variant: "Sans", Size: 10}
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.Title.TextStyle.Font = font.Font{Typeface: "Liberation", Variant: "Sans", Size: 12}
	p.Title.Padding = vg.Points(6)
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.TextStyle.Font, a.Tick.Label.Font = text, font.Font{Typeface: "Liberation", Variant: "Sans", Size: 9}
		a.Label.Padding = vg.Points(4)
	}
	p.Legend.TextStyle.Font = font.Font{Typeface: "Liberation", Variant: "Sans", Size: 9}
	p.Legend.Top = true
	p.Legend.Padding = vg.Points(2)
	p.Legend.XOffs, p.Legend.YOffs = -vg.Points(4), -vg.Points(2)
	p.BackgroundColor = color.White
	return p
}

// framed leaves a margin, in white.
func framed(c draw.Canvas) draw.Canvas {
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	const margin = 8
	return draw.Crop(c, margin, -margin, margin, -margin)
}

// Formats that figures are written in.
var Formats = []string{"png", "svg", "pdf"}

// Render draws a plot in a format, the same bytes for the same plot.
func Render(p *plot.Plot, format string) ([]byte, error) {
	var b bytes.Buffer
	switch format {
	case "png":
		c := vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(Width, Height), vgimg.UseDPI(dpi))}
		p.Draw(framed(draw.New(c)))
		if _, err := c.WriteTo(&b); err != nil {
			return nil, err
		}
	case "svg":
		c := vgsvg.New(Width, Height)
		p.Draw(framed(draw.NewCanvas(&outlined{Canvas: c}, Width, Height)))
		if _, err := c.WriteTo(&b); err != nil {
			return nil, err
		}
	case "pdf":
		c := vgpdf.New(Width, Height)
		p.Draw(framed(draw.New(c)))
		if _, err := c.WriteTo(&b); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("format %q; allowed are %s", format, strings.Join(Formats, ", "))
	}
	return b.Bytes(), nil
}

// Save writes a plot to a file whose ending names the format.
func Save(p *plot.Plot, path string) error {
	data, err := Render(p, path[strings.LastIndexByte(path, '.')+1:])
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}
