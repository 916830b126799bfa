package picture

import (
	"cmp"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"slices"
)

// Board is a picture of several panels in rows.
type Board struct {
	Title, Caption string
	Columns        int // panels in a row; 0: all
	Side           int // of a panel in pixels; 0: 300
	Panels         []Panel
}

// Panel shows lines, points and a map on common axes.
type Panel struct {
	Title        string
	XName, YName string
	LogX, LogY   bool
	Box          [4]float64 // x from, x to, y from, y to; zero: what holds all there is
	Square       bool       // equal units along both axes
	Map          *Map
	Lines        []Line
}

// Line is a line through points, or the points alone.
type Line struct {
	Name   string // "": not in the legend
	X, Y   []float64
	Colour int // of Colours
	Width  float64
	Dots   bool    // points without a line between
	Dashed bool    // a line to compare with
	Alpha  float64 // opacity; 0: full
}

// Map is a field on a regular grid, painted from the lowest y up, x running fastest.
type Map struct {
	X0, X1, Y0, Y1 float64 // of the centres of the outermost cells
	NX, NY         int
	V              []float64 // NaN: left grey
	Signed         bool      // blue below 0, red above
	Most           float64   // value of the strongest colour; 0: the largest there is
}

// Colours is how many colours lines have.
const Colours = 6

var lineColours = [Colours]color.RGBA{realCol, drawnCol, {0x2a, 0x9d, 0x6f, 0xff}, {0x8e, 0x5b, 0xb5, 0xff}, {0xc9, 0x9a, 0x1c, 0xff}, faint}

// most is the value of the strongest colour.
func (m *Map) most() float64 {
	if m.Most > 0 {
		return m.Most
	}
	top := 0.0
	for _, v := range m.V {
		if a := math.Abs(v); a > top {
			top = a
		}
	}
	if top == 0 {
		return 1
	}
	return top
}

// shades is in how many steps colours are told apart: few make small files.
const shades = 24

// shade is the colour of a share of the strongest, from -1 or 0 to 1.
func (m *Map) shade(t float64) color.RGBA {
	if !m.Signed {
		return heat(math.Sqrt(math.Round(math.Max(t, 0)*shades) / shades))
	}
	t = math.Round(math.Max(-1, math.Min(1, t))*shades) / shades
	if t < 0 {
		return mix(paper, realCol, -t)
	}
	return mix(paper, drawnCol, t)
}

func (p panel) paint(m *Map) {
	dx, dy := (m.X1-m.X0)/float64(m.NX-1), (m.Y1-m.Y0)/float64(m.NY-1)
	g := &Grid{X0: m.X0 - dx/2, X1: m.X1 + dx/2, Y0: m.Y0 - dy/2, Y1: m.Y1 + dy/2, NX: m.NX, NY: m.NY}
	most := m.most()
	for y := p.r.Min.Y; y < p.r.Max.Y; y++ {
		for x := p.r.Min.X; x < p.r.Max.X; x++ {
			wx := p.b.x0 + (float64(x-p.r.Min.X)+0.5)/float64(p.r.Dx())*(p.b.x1-p.b.x0)
			wy := p.b.y0 + (float64(p.r.Max.Y-y)-0.5)/float64(p.r.Dy())*(p.b.y1-p.b.y0)
			col := wash
			if wx >= g.X0 && wx <= g.X1 && wy >= g.Y0 && wy <= g.Y1 {
				if v := g.at(m.V, wx, wy); !math.IsNaN(v) {
					col = m.shade(v / most)
				}
			}
			p.c.SetRGBA(x, y, col)
		}
	}
}

// boxOf is what a panel shows.
func (q Panel) boxOf() box {
	if q.Box != [4]float64{} {
		return box{q.scaled(q.Box[0], q.LogX), q.scaled(q.Box[1], q.LogX), q.scaled(q.Box[2], q.LogY), q.scaled(q.Box[3], q.LogY)}
	}
	if m := q.Map; m != nil {
		return box{m.X0, m.X1, m.Y0, m.Y1}
	}
	var xs, ys [][]float64
	var both []float64
	for _, l := range q.Lines {
		x, y := q.all(l.X, q.LogX), q.all(l.Y, q.LogY)
		xs, ys = append(xs, x), append(ys, y)
		for i := range min(len(x), len(y)) {
			both = append(both, x[i], y[i])
		}
	}
	if q.Square {
		return around(0.05, both)
	}
	var b box
	b.x0, b.x1 = span(0.04, xs...)
	b.y0, b.y1 = span(0.07, ys...)
	return b
}

func (q Panel) scaled(v float64, log bool) float64 {
	if log {
		return math.Log10(v)
	}
	return v
}

func (q Panel) all(v []float64, log bool) []float64 {
	s := make([]float64, len(v))
	for i := range v {
		s[i] = q.scaled(v[i], log)
	}
	return s
}

func (q Panel) draw(p panel) {
	if q.Map != nil {
		p.paint(q.Map)
	}
	if q.LogX {
		for _, v := range marks(math.Pow(10, p.b.x0), math.Pow(10, p.b.x1), true) {
			x := p.x(math.Log10(v))
			p.c.line(x, float64(p.r.Min.Y), x, float64(p.r.Max.Y), 1, hairline, 0.6, p.r)
			p.c.text(x, float64(p.r.Max.Y)+20, number(v), regular, tickSize, faint, 0.5)
		}
	}
	if q.LogY {
		for _, v := range marks(math.Pow(10, p.b.y0), math.Pow(10, p.b.y1), true) {
			y := p.y(math.Log10(v))
			p.c.line(float64(p.r.Min.X), y, float64(p.r.Max.X), y, 1, hairline, 0.6, p.r)
			p.c.text(float64(p.r.Min.X)-7, y+5, number(v), regular, tickSize, faint, 1)
		}
	}
	for _, l := range q.Lines {
		x, y := q.all(l.X, q.LogX), q.all(l.Y, q.LogY)
		col, width, alpha := lineColours[l.Colour%Colours], l.Width, l.Alpha
		if width == 0 {
			width = 2
		}
		if alpha == 0 {
			alpha = 1
		}
		for i := range x {
			switch {
			case l.Dots:
				p.c.dot(p.x(x[i]), p.y(y[i]), width, col, alpha, p.r)
			case i == 0:
			case l.Dashed:
				p.dashes(x[i-1], y[i-1], x[i], y[i], width, col, alpha)
			default:
				p.c.line(p.x(x[i-1]), p.y(y[i-1]), p.x(x[i]), p.y(y[i]), width, col, alpha, p.r)
			}
		}
	}
	p.axes(!q.LogX, !q.LogY)
}

// dashes draws a broken line.
func (p panel) dashes(x0, y0, x1, y1, width float64, col color.RGBA, a float64) {
	ax, ay, bx, by := p.x(x0), p.y(y0), p.x(x1), p.y(y1)
	l := math.Hypot(bx-ax, by-ay)
	for s := 0.0; s < l; s += 9 {
		e := math.Min(s+5, l)
		p.c.line(ax+(bx-ax)*s/l, ay+(by-ay)*s/l, ax+(bx-ax)*e/l, ay+(by-ay)*e/l, width, col, a, p.r)
	}
}

// PNG writes the picture.
func (b Board) PNG(w io.Writer) error {
	side, columns := b.Side, b.Columns
	if side == 0 {
		side = 300
	}
	if columns == 0 {
		columns = max(1, len(b.Panels))
	}
	const left, right, gap = 66, 24, 66
	rows := (len(b.Panels) + columns - 1) / columns
	width := left + columns*(side+gap) - gap + right
	head := headHeight(width, left-40, b.Title, b.Caption) + 12
	legendLines, below := 0, 30
	for _, q := range b.Panels {
		n := 0
		for _, l := range q.Lines {
			if l.Name != "" {
				n++
			}
		}
		legendLines = max(legendLines, n)
		if q.XName != "" {
			below = 52
		}
	}
	each := 26 + side + below + 21*legendLines
	c := newCanvas(width, head+rows*each+8)
	c.head(left-40, b.Title, b.Caption)
	for k, q := range b.Panels {
		at := image.Pt(left+k%columns*(side+gap), head+k/columns*each+26)
		p := panel{c, image.Rectangle{at, at.Add(image.Pt(side, side))}, q.boxOf()}
		q.draw(p)
		p.title(q.Title, 17)
		if q.XName != "" {
			c.text(float64(at.X+side/2), float64(at.Y+side+42), fit(q.XName, regular, 15, float64(side)), regular, 15, ink, 0.5)
		}
		if q.YName != "" {
			c.vertical(float64(at.X-50), float64(at.Y+side/2), fit(q.YName, regular, 15, float64(side)), regular, 15, ink)
		}
		y := float64(at.Y + side + below + 10)
		for _, l := range q.Lines {
			if l.Name == "" {
				continue
			}
			col := lineColours[l.Colour%Colours]
			switch {
			case l.Dots:
				c.dot(float64(at.X)+11, y-5, 4, col, 1, c.Rect)
			case l.Dashed:
				for s := 0.0; s < 22; s += 9 {
					c.line(float64(at.X)+s, y-5, float64(at.X)+s+4, y-5, 2, col, 1, c.Rect)
				}
			default:
				c.line(float64(at.X), y-5, float64(at.X)+22, y-5, 3, col, 1, c.Rect)
			}
			c.text(float64(at.X)+30, y, fit(l.Name, regular, 15, float64(side-30)), regular, 15, ink, 0)
			y += 21
		}
	}
	return c.encodeSmall(w)
}

// encodeSmall writes the canvas with its 128 most frequent colours; the others, at the edges of letters and lines, become the nearest of
// them. That is a third of the size.
func (c canvas) encodeSmall(w io.Writer) error {
	count := map[color.RGBA]int{}
	for i := 0; i < len(c.Pix); i += 4 {
		count[color.RGBA{c.Pix[i], c.Pix[i+1], c.Pix[i+2], 0xff}]++
	}
	all := make([]color.RGBA, 0, len(count))
	for col := range count {
		all = append(all, col)
	}
	code := func(col color.RGBA) int { return int(col.R)<<16 | int(col.G)<<8 | int(col.B) }
	slices.SortFunc(all, func(a, b color.RGBA) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(code(a), code(b)))
	})
	var palette color.Palette
	for _, col := range all[:min(128, len(all))] {
		palette = append(palette, col)
	}
	index := map[color.RGBA]uint8{}
	for _, col := range all {
		index[col] = uint8(palette.Index(col))
	}
	img := image.NewPaletted(c.Rect, palette)
	for i := range img.Pix {
		p := c.Pix[4*i:]
		img.Pix[i] = index[color.RGBA{p[0], p[1], p[2], 0xff}]
	}
	return (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(w, img)
}
