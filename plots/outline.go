package plots

import (
	"bytes"

	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
)

// outlined draws text as the outlines of its glyphs. An SVG then looks alike everywhere: with names of fonts it depends
// on what the reader's machine has, and with whole fonts inside it takes half a megabyte.
type outlined struct {
	vg.Canvas
	buffer sfnt.Buffer
	height vg.Length
	hovers bytes.Buffer // of elements of SVG
}

func (c *outlined) FillString(f font.Face, at vg.Point, text string) {
	const unit = 64 // of fixed.Int26_6
	// Outlines are asked for at a size that rounds nothing away, and scaled to the font's.
	const ppem = 1000
	scale := f.Font.Size / ppem
	var p vg.Path
	x := at.X
	to := func(q fixed.Point26_6) vg.Point {
		return vg.Point{X: x + scale*vg.Length(q.X)/unit, Y: at.Y - scale*vg.Length(q.Y)/unit}
	}
	var before sfnt.GlyphIndex
	for i, r := range text {
		glyph, err := f.Face.GlyphIndex(&c.buffer, r)
		if err != nil {
			continue
		}
		if i > 0 {
			if kern, err := f.Face.Kern(&c.buffer, before, glyph, fixed.I(ppem), 0); err == nil {
				x += scale * vg.Length(kern) / unit
			}
		}
		before = glyph
		segments, err := f.Face.LoadGlyph(&c.buffer, glyph, fixed.I(ppem), nil)
		if err != nil {
			continue
		}
		open := false
		for _, s := range segments {
			switch s.Op {
			case sfnt.SegmentOpMoveTo:
				if open {
					p.Close()
				}
				p.Move(to(s.Args[0]))
				open = true
			case sfnt.SegmentOpLineTo:
				p.Line(to(s.Args[0]))
			case sfnt.SegmentOpQuadTo:
				p.QuadTo(to(s.Args[0]), to(s.Args[1]))
			case sfnt.SegmentOpCubeTo:
				p.CubeTo(to(s.Args[0]), to(s.Args[1]), to(s.Args[2]))
			}
		}
		if open {
			p.Close()
		}
		if advance, err := f.Face.GlyphAdvance(&c.buffer, glyph, fixed.I(ppem), 0); err == nil {
			x += scale * vg.Length(advance) / unit
		}
	}
	if len(p) > 0 {
		c.Fill(p)
	}
}
