package picture

import (
	"image"
	"io"
	"math"
	"slices"
)

// Sheet shows small grey images in columns, one column a label: drawn ones, the nearest training image
// under each, and real ones.
type Sheet struct {
	Title, Caption string
	Side           int       // an image has Side² numbers, row by row
	Levels         float64   // the value of full ink; 0 is paper
	Labels         []string  // one a column
	Drawn          []float64 // len(Labels) images, or several rows of as many
	Nearest, Real  []float64 // likewise; may be empty
}

// PNG writes the sheet. Values are rounded to whole levels, so that what shows as paper is paper.
func (s Sheet) PNG(w io.Writer) error {
	across := max(len(s.Labels), 1)
	const margin, gap, between = 40, 10, 30
	zoom := max(2, 80/max(s.Side, 1))
	side := zoom * s.Side
	bands := []struct {
		name string
		x    []float64
	}{{"drawn by the model", s.Drawn}, {"nearest training image", s.Nearest}, {"real, held out", s.Real}}
	bands = slices.DeleteFunc(bands, func(b struct {
		name string
		x    []float64
	}) bool {
		return len(b.x) < s.Side*s.Side
	})
	left := margin
	if len(bands) > 1 {
		left += 140
	}
	width := left + across*(side+gap) - gap + margin
	labelled := slices.ContainsFunc(s.Labels, func(l string) bool { return l != "" })
	top := headHeight(width, margin, s.Title, s.Caption)
	y := top
	if labelled {
		y += 26
	}
	rows := func(x []float64) int {
		each := s.Side * s.Side
		return (len(x)/each + across - 1) / across
	}
	height := y
	for _, b := range bands {
		height += rows(b.x)*(side+gap) + between - gap
	}
	c := newCanvas(width, height+margin-between)
	c.head(margin, s.Title, s.Caption)
	if labelled {
		for k, l := range s.Labels {
			c.text(float64(left+k*(side+gap))+float64(side)/2, float64(y)-8, fit(l, bold, 20, float64(side+gap-4)), bold, 20, ink, 0.5)
		}
	}
	for _, b := range bands {
		n := rows(b.x)
		if len(bands) > 1 {
			lines := wrap(b.name, regular, 18, 120)
			at := float64(y) + float64(n*(side+gap)-gap)/2 - float64(len(lines)-1)*11 + 6
			for _, l := range lines {
				c.text(float64(margin), at, l, regular, 18, ink, 0)
				at += 22
			}
		}
		for k := range len(b.x) / (s.Side * s.Side) {
			at := image.Pt(left+k%across*(side+gap), y+k/across*(side+gap))
			c.small(at, b.x[k*s.Side*s.Side:(k+1)*s.Side*s.Side], s.Side, zoom, s.Levels)
		}
		y += n*(side+gap) - gap + between
	}
	return c.encode(w)
}

// small draws an image with every number a square of zoom pixels.
func (c canvas) small(at image.Point, x []float64, side, zoom int, levels float64) {
	r := image.Rectangle{at, at.Add(image.Pt(side*zoom, side*zoom))}
	c.frame(r, hairline)
	for k, v := range x {
		v = math.Max(0, math.Min(levels, math.Round(v)))
		if math.IsNaN(v) {
			v = 0
		}
		p := at.Add(image.Pt(k%side*zoom, k/side*zoom))
		c.fill(image.Rectangle{p, p.Add(image.Pt(zoom, zoom))}, mix(paper, ink, v/levels))
	}
}
