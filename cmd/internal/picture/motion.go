package picture

import (
	"image"
	"image/color"
	"image/gif"
	"io"
	"math"
)

// Motion is a moving picture of points that flow from noise to data.
type Motion struct {
	Title string
	Times []float64   // increasing
	Path  [][]float64 // Path[k] holds the points at Times[k], x y x y …
}

// ImageMotion is a moving picture of small grey images that come out of noise, in rows of ten.
type ImageMotion struct {
	Title  string
	Side   int       // an image has Side² numbers
	Levels float64   // the value of full ink
	Times  []float64 // increasing
	Path   [][]float64
}

const (
	frames     = 48 // at 25 a second
	frameDelay = 4  // hundredths of a second
	holdFirst  = 40
	holdLast   = 160
)

// GIF writes the moving picture. All frames share one palette, so that no colour flickers.
func (m Motion) GIF(w io.Writer) error {
	const side, margin = 460, 14
	ends := m.Path[len(m.Path)-1]
	p := Plane{Times: m.Times, Path: m.Path}
	b := around(0.12, ends, m.Path[0])
	cols := wheel(ends)
	pal := newPalette(cols)
	return animate(w, pal, func(t float64) canvas {
		c := newCanvas(side+2*margin, side+margin+52)
		q := panel{c, image.Rect(margin, 44, margin+side, 44+side), b}
		c.frame(q.r, hairline)
		c.text(margin, 28, fit(m.Title, bold, 18, side-90), bold, 18, ink, 0)
		c.text(margin+side, 28, "t = "+fixed2(t), regular, 18, faint, 1)
		k, s := place(m.Times, t)
		for i := range len(ends) / 2 {
			x, y := p.along(i, k, s)
			c.dot(q.x(x), q.y(y), radius(len(ends)/2)+0.4, cols[i], 1, q.r)
		}
		return c
	}, m.Times)
}

// GIF writes the moving picture.
func (m ImageMotion) GIF(w io.Writer) error {
	each := m.Side * m.Side
	n := len(m.Path[0]) / each
	const margin, gap, across = 16, 6, 10
	zoom := max(2, 48/m.Side)
	side := zoom * m.Side
	per := min(n, across)
	rows := (n + per - 1) / per
	width := max(2*margin+per*(side+gap)-gap, 260)
	return animate(w, newPalette(nil), func(t float64) canvas {
		c := newCanvas(width, 44+rows*(side+gap)-gap+margin)
		c.text(margin, 28, fit(m.Title, bold, 18, float64(width-130)), bold, 18, ink, 0)
		c.text(float64(width-margin), 28, "t = "+fixed2(t), regular, 18, faint, 1)
		k, s := place(m.Times, t)
		x := make([]float64, each)
		for i := range n {
			for j := range x {
				a, b := m.Path[k-1][i*each+j], m.Path[k][i*each+j]
				x[j] = a + s*(b-a)
			}
			c.small(image.Pt(margin+i%per*(side+gap), 44+i/per*(side+gap)), x, m.Side, zoom, m.Levels)
		}
		return c
	}, m.Times)
}

// place finds the piece k-1 to k in which t lies, and how far along it.
func place(times []float64, t float64) (k int, s float64) {
	k = 1
	for k < len(times)-1 && times[k] < t {
		k++
	}
	if len(times) < 2 || times[k] == times[k-1] {
		return min(k, len(times)-1), 0
	}
	return k, math.Max(0, math.Min(1, (t-times[k-1])/(times[k]-times[k-1])))
}

func fixed2(t float64) string {
	n := int(math.Round(t * 100))
	return string([]byte{byte('0' + n/100), '.', byte('0' + n/10%10), byte('0' + n%10)})
}

func animate(w io.Writer, pal *palette, draw func(t float64) canvas, times []float64) error {
	g := gif.GIF{LoopCount: 0}
	for f := range frames {
		t := times[0] + (times[len(times)-1]-times[0])*float64(f)/(frames-1)
		g.Image = append(g.Image, pal.reduce(draw(t)))
		delay := frameDelay
		switch f {
		case 0:
			delay = holdFirst
		case frames - 1:
			delay = holdLast
		}
		g.Delay = append(g.Delay, delay)
	}
	return gif.EncodeAll(w, &g)
}

// palette is a fixed set of colours and the nearest of them to any other.
type palette struct {
	colours color.Palette
	nearest map[color.RGBA]uint8
}

// newPalette holds greys, and the given colours' wheel in four strengths.
func newPalette(cols []color.RGBA) *palette {
	p := &palette{nearest: map[color.RGBA]uint8{}}
	greys, hues := 64, 0
	if len(cols) > 0 {
		greys, hues = 24, 56
	}
	for k := range greys {
		p.colours = append(p.colours, mix(paper, ink, float64(k)/float64(greys-1)))
	}
	p.colours = append(p.colours, hairline)
	for k := range hues {
		for _, s := range []float64{1, 0.75, 0.5, 0.25} {
			p.colours = append(p.colours, mix(paper, hue(float64(k)/float64(hues)), s))
		}
	}
	return p
}

func (p *palette) reduce(c canvas) *image.Paletted {
	out := image.NewPaletted(c.Rect, p.colours)
	for y := c.Rect.Min.Y; y < c.Rect.Max.Y; y++ {
		for x := c.Rect.Min.X; x < c.Rect.Max.X; x++ {
			col := c.RGBAAt(x, y)
			k, ok := p.nearest[col]
			if !ok {
				k = uint8(p.colours.Index(col))
				p.nearest[col] = k
			}
			out.Pix[out.PixOffset(x, y)] = k
		}
	}
	return out
}
