// Package plots draws figures from plain numbers with gonum/plot, and the HTML report. It knows no experiments.
package plots

import (
	"bytes"
	"fmt"
	"image/color"
	"io"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"

	"warpdrop/internal/atomicfile"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgpdf"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Look is how a series is drawn: colour, dashes, marker and hatching all differ, so that a figure reads in grey and by
// colour-blind readers too.
type Look struct {
	Color  color.NRGBA
	Dashes []vg.Length
	Marker draw.GlyphDrawer
	Hatch  hatch // of bars
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

// looks fixes a look for each name that comes back in many figures: methods, parts of an iteration, stall reasons.
// SetLook adds to it.
var looks = map[string]Look{
	"none":        {grey, dotted, draw.RingGlyph{}, noHatch},
	"dense":       {black, solid, draw.CircleGlyph{}, noHatch},
	"masked":      {vermilion, dashDot, cross{}, crossed},
	"dropconnect": {purple, dashDot, plus{}, level},

	"activation":            {yellow, solid, draw.BoxGlyph{}, noHatch},
	"clip":                  {purple, solid, draw.BoxGlyph{}, crossed},
	"copy":                  {grey, solid, draw.BoxGlyph{}, noHatch},
	"embedding":             {white, solid, draw.BoxGlyph{}, noHatch},
	"gather":                {vermilion, solid, draw.BoxGlyph{}, rising},
	"gemm_backward_data":    {skyBlue, solid, draw.BoxGlyph{}, noHatch},
	"gemm_backward_weights": {green, solid, draw.BoxGlyph{}, rising},
	"gemm_forward":          {blue, solid, draw.BoxGlyph{}, noHatch},
	"gemm_recurrent":        {skyBlue, solid, draw.BoxGlyph{}, level},
	"kernel":                {blue, solid, draw.BoxGlyph{}, noHatch},
	"loss":                  {purple, solid, draw.BoxGlyph{}, falling},
	"mask":                  {vermilion, solid, draw.BoxGlyph{}, crossed},
	"update":                {orange, solid, draw.BoxGlyph{}, noHatch},

	"issued":            {blue, solid, draw.BoxGlyph{}, noHatch},
	"stall_count":       {skyBlue, solid, draw.BoxGlyph{}, rising},
	"memory":            {vermilion, solid, draw.BoxGlyph{}, noHatch},
	"memory_queue":      {orange, solid, draw.BoxGlyph{}, falling},
	"shared":            {yellow, solid, draw.BoxGlyph{}, noHatch},
	"bank_conflict":     {purple, solid, draw.BoxGlyph{}, crossed},
	"block_barrier":     {green, solid, draw.BoxGlyph{}, noHatch},
	"branch":            {purple, solid, draw.BoxGlyph{}, falling},
	"variable_latency":  {green, solid, draw.BoxGlyph{}, rising},
	"unit_busy":         {skyBlue, solid, draw.BoxGlyph{}, noHatch},
	"register_bank":     {vermilion, solid, draw.BoxGlyph{}, rising},
	"instruction_fetch": {grey, solid, draw.BoxGlyph{}, level},
	"constant":          {white, solid, draw.BoxGlyph{}, noHatch},
	"block_start":       {orange, solid, draw.BoxGlyph{}, rising},
	"not_selected":      {white, solid, draw.BoxGlyph{}, level},
	"no_warp":           {lightGrey, solid, draw.BoxGlyph{}, noHatch},
	"other":             {white, solid, draw.BoxGlyph{}, noHatch},
}

// The words that SetLook takes.
var (
	colorWords = map[string]color.NRGBA{"black": black, "orange": orange, "skyblue": skyBlue, "green": green,
		"yellow": yellow, "blue": blue, "vermilion": vermilion, "purple": purple, "grey": grey}
	dashWords   = map[string][]vg.Length{"solid": solid, "dashed": dashed, "dotted": dotted, "dashdot": dashDot}
	markerWords = map[string]draw.GlyphDrawer{"circle": draw.CircleGlyph{}, "ring": draw.RingGlyph{},
		"box": draw.BoxGlyph{}, "square": draw.SquareGlyph{}, "pyramid": draw.PyramidGlyph{},
		"triangle": draw.TriangleGlyph{}, "cross": cross{}, "plus": plus{}}
	hatchWords = map[string]hatch{"plain": noHatch, "rising": rising, "falling": falling, "crossed": crossed,
		"level": level}
)

// SetLook fixes the look of what is called name: a colour, dashes, a marker and a hatching in four words, like "blue
// solid box plain". It is for initialisation: figures may be drawn side by side afterwards.
func SetLook(name, look string) error {
	w := strings.Fields(look)
	if len(w) != 4 {
		return fmt.Errorf("look %q of %s: want four words: colour, dashes, marker, hatching", look, name)
	}
	c, knownColor := colorWords[w[0]]
	d, knownDashes := dashWords[w[1]]
	m, knownMarker := markerWords[w[2]]
	h, knownHatch := hatchWords[w[3]]
	for _, x := range []struct {
		known bool
		word  string
		all   []string
	}{
		{knownColor, w[0], words(colorWords)}, {knownDashes, w[1], words(dashWords)}, {knownMarker, w[2], words(markerWords)},
		{knownHatch, w[3], words(hatchWords)}} {
		if !x.known {
			return fmt.Errorf("look %q of %s: %q is not one of %s", look, name, x.word, strings.Join(x.all, ", "))
		}
	}
	looks[strings.ToLower(name)] = Look{c, d, m, h}
	return nil
}

func words[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }

// cycle serves names without a look of their own.
var cycle = []Look{
	{blue, solid, draw.CircleGlyph{}, noHatch}, {orange, dashed, draw.BoxGlyph{}, rising},
	{green, dashDot, draw.PyramidGlyph{}, noHatch}, {vermilion, dotted, cross{}, crossed},
	{skyBlue, solid, draw.BoxGlyph{}, noHatch}, {purple, dashed, plus{}, falling},
	{yellow, dashDot, draw.RingGlyph{}, noHatch}, {grey, dotted, draw.SquareGlyph{}, level},
}

// lookOf is a series' look: by its key, or by its place among those without one. Variants of one key share its colour.
func lookOf(key string, place, variant int) Look {
	l, ok := looks[strings.ToLower(key)]
	if !ok {
		return cycle[place%len(cycle)]
	}
	for ; variant > 0; variant-- {
		l.Dashes, l.Marker, l.Hatch = after(allDashes, l.Dashes), after(allMarkers, l.Marker), (l.Hatch+1)%(level+1)
	}
	return l
}

var (
	allDashes  = [][]vg.Length{solid, dashed, dashDot, dotted}
	allMarkers = []draw.GlyphDrawer{draw.CircleGlyph{}, draw.SquareGlyph{}, draw.PyramidGlyph{}, cross{}, draw.RingGlyph{},
		draw.BoxGlyph{}, plus{}, draw.TriangleGlyph{}}
)

// after is what follows x in a list, round and round.
func after[T any](list []T, x T) T {
	at := slices.IndexFunc(list, func(y T) bool { return reflect.DeepEqual(x, y) })
	return list[(at+1)%len(list)]
}

// cross and plus are gonum/plot's, with lines as thick as the curves'.
type (
	cross struct{}
	plus  struct{}
)

func (cross) DrawGlyph(c *draw.Canvas, s draw.GlyphStyle, at vg.Point) {
	r := s.Radius
	strokes(c, s, at, r, r, -r, -r)
	strokes(c, s, at, r, -r, -r, r)
}

func (plus) DrawGlyph(c *draw.Canvas, s draw.GlyphStyle, at vg.Point) {
	r := s.Radius * 1.2
	strokes(c, s, at, r, 0, -r, 0)
	strokes(c, s, at, 0, r, 0, -r)
}

func strokes(c *draw.Canvas, s draw.GlyphStyle, at vg.Point, ax, ay, bx, by vg.Length) {
	c.StrokeLine2(draw.LineStyle{Color: s.Color, Width: vg.Points(1.3)}, at.X+ax, at.Y+ay, at.X+bx, at.Y+by)
}

// Size of a figure; one with many rows of bars is higher.
const (
	Width  = 16 * vg.Centimeter
	Height = 9.5 * vg.Centimeter
	dpi    = 120
)

func textStyle(size vg.Length) text.Style {
	return text.Style{Color: black, Font: font.Font{Typeface: "Liberation", Variant: "Sans", Size: size},
		Handler: plot.DefaultTextHandler, YAlign: text.YTop}
}

// Figure is a plot with what stands above it, outside of the data: title, notes, legend.
type Figure struct {
	Plot   *plot.Plot
	Title  string
	X, Y   string   // labels of the axes
	Notes  []string // what is missing or left out
	Legend []Entry
	Height vg.Length
	Spread bool // points have bars
	Chart  *Chart
}

// Entry is a line of a legend.
type Entry struct {
	Name   string
	Thumbs []plot.Thumbnailer
}

// newFigure is an empty figure in the project's style.
func newFigure(a Axis) *Figure {
	p := plot.New()
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Tick.Label.Font = textStyle(9).Font
		axis.Tick.Marker = niceTicks{}
		axis.LineStyle.Width, axis.Tick.LineStyle.Width = vg.Points(0.6), vg.Points(0.6)
		axis.Padding = 0
	}
	p.BackgroundColor = nil
	return &Figure{Plot: p, Title: a.Title, X: a.X, Y: a.Y, Height: Height}
}

// Published tells whether the figure shows published values.
func (f *Figure) Published() bool {
	return slices.ContainsFunc(f.Legend, func(e Entry) bool { return strings.HasSuffix(e.Name, paperMark) })
}

// paperMark ends the names of published series.
const paperMark = " (paper)"

// draw draws the figure on a canvas of its size.
func (f *Figure) draw(c draw.Canvas) {
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	const margin = 8
	c = draw.Crop(c, margin, -margin, margin, -margin)
	y := c.Max.Y
	line := func(style text.Style, words string) {
		for _, l := range wrap(style, words, c.Max.X-c.Min.X) {
			c.FillText(style, vg.Point{X: c.Min.X, Y: y}, l)
			y -= style.Height(l) + vg.Points(3)
		}
	}
	line(textStyle(12.5), f.Title)
	note := textStyle(9)
	for _, n := range f.Notes {
		note.Color = color.NRGBA{0x9a, 0x3c, 0x00, 0xff}
		line(note, n)
	}
	y -= vg.Points(2)
	const swatch, gap, row = 22, 5, 14
	entry := textStyle(9)
	x := c.Min.X
	for i, e := range f.Legend {
		w := swatch + gap + entry.Width(e.Name) + 14
		if i > 0 && x+w > c.Max.X {
			x, y = c.Min.X, y-row
		}
		for _, t := range e.Thumbs {
			t.Thumbnail(&draw.Canvas{Canvas: c.Canvas,
				Rectangle: vg.Rectangle{Min: vg.Point{X: x, Y: y - 9.5}, Max: vg.Point{X: x + swatch, Y: y - 0.5}}})
		}
		c.FillText(entry, vg.Point{X: x + swatch + gap, Y: y - 1}, e.Name)
		x += w
	}
	if len(f.Legend) > 0 {
		y -= row + 4
	}
	// The labels of the axes are not left to gonum/plot, which takes the middle of a logarithmic axis for its right end.
	box := vg.Rectangle{Min: c.Min, Max: vg.Point{X: c.Max.X - 6, Y: y - 2}}
	label := textStyle(10)
	if f.X != "" {
		label.XAlign, label.YAlign = text.XCenter, text.YBottom
		c.FillText(label, vg.Point{X: (box.Min.X + box.Max.X) / 2, Y: box.Min.Y}, f.X)
		box.Min.Y += 16
	}
	if f.Y != "" {
		label.XAlign, label.YAlign, label.Rotation = text.XCenter, text.YTop, math.Pi/2
		c.FillText(label, vg.Point{X: box.Min.X, Y: (box.Min.Y + box.Max.Y) / 2}, f.Y)
		box.Min.X += 16
	}
	f.Plot.Draw(draw.Canvas{Canvas: c.Canvas, Rectangle: box})
}

// wrap breaks words into lines no wider than width, where they have spaces.
func wrap(style text.Style, words string, width vg.Length) (lines []string) {
	line := ""
	for _, w := range strings.Fields(words) {
		if line != "" && style.Width(line+" "+w) > width {
			lines = append(lines, line)
			line = ""
		}
		line = strings.TrimSpace(line + " " + w)
	}
	return append(lines, line)
}

// Formats that figures are written in.
var Formats = []string{"png", "svg", "pdf"}

// Render draws a figure in a format, the same bytes for the same figure.
func Render(f *Figure, format string) ([]byte, error) {
	var b bytes.Buffer
	var c io.WriterTo
	var named *outlined
	switch format {
	case "png":
		canvas := vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(Width, f.Height), vgimg.UseDPI(dpi))}
		f.draw(draw.New(canvas))
		c = canvas
	case "svg":
		canvas := vgsvg.New(Width, f.Height)
		named = &outlined{Canvas: canvas, height: f.Height}
		f.draw(draw.NewCanvas(named, Width, f.Height))
		c = canvas
	case "pdf":
		canvas := vgpdf.New(Width, f.Height)
		f.draw(draw.New(canvas))
		c = canvas
	default:
		return nil, fmt.Errorf("format %q; allowed are %s", format, strings.Join(Formats, ", "))
	}
	if _, err := c.WriteTo(&b); err != nil {
		return nil, err
	}
	if named != nil {
		return withHovers(b.Bytes(), named.hovers.Bytes()), nil
	}
	return b.Bytes(), nil
}

// Save writes a figure to a file that the user names, whose ending names the format.
func Save(f *Figure, path string) error {
	data, err := Render(f, path[strings.LastIndexByte(path, '.')+1:])
	if err != nil {
		return err
	}
	return atomicfile.ThroughBytes(path, data)
}
