package picture

import (
	"image"
	"image/color"
	"math"
	"slices"
	"strconv"
)

// box is a rectangle of the plane that a panel shows.
type box struct{ x0, x1, y0, y1 float64 }

// span returns the range that holds all finite values but the outermost of a thousand on each side, with
// a margin of the given share.
func span(margin float64, values ...[]float64) (lo, hi float64) {
	var all []float64
	for _, vs := range values {
		for _, v := range vs {
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				all = append(all, v)
			}
		}
	}
	if len(all) == 0 {
		return 0, 1
	}
	slices.Sort(all)
	cut := len(all) / 1000
	lo, hi = all[cut], all[len(all)-1-cut]
	if hi == lo {
		pad := math.Max(math.Abs(hi)*0.1, 0.5)
		return lo - pad, hi + pad
	}
	m := margin * (hi - lo)
	return lo - m, hi + m
}

// around returns the box that holds points (x, y, x, y, …). Unless the axes differ by more than a factor
// of three it has the shape of a square, so that circles are round.
func around(margin float64, points ...[]float64) box {
	var xs, ys []float64
	for _, p := range points {
		for i := 0; i+1 < len(p); i += 2 {
			xs, ys = append(xs, p[i]), append(ys, p[i+1])
		}
	}
	var b box
	b.x0, b.x1 = span(margin, xs)
	b.y0, b.y1 = span(margin, ys)
	w, h := b.x1-b.x0, b.y1-b.y0
	if math.Max(w, h) < 3*math.Min(w, h) {
		side := math.Max(w, h)
		b.x0, b.x1 = b.x0-(side-w)/2, b.x1+(side-w)/2
		b.y0, b.y1 = b.y0-(side-h)/2, b.y1+(side-h)/2
	}
	return b
}

// panel is a part of a canvas that shows a box.
type panel struct {
	c canvas
	r image.Rectangle
	b box
}

func (p panel) x(v float64) float64 {
	return float64(p.r.Min.X) + (v-p.b.x0)/(p.b.x1-p.b.x0)*float64(p.r.Dx())
}

func (p panel) y(v float64) float64 {
	return float64(p.r.Max.Y) - (v-p.b.y0)/(p.b.y1-p.b.y0)*float64(p.r.Dy())
}

func (p panel) points(xy []float64, r float64, col color.RGBA, a float64) {
	for i := 0; i+1 < len(xy); i += 2 {
		p.c.dot(p.x(xy[i]), p.y(xy[i+1]), r, col, a, p.r)
	}
}

// tickSize is the size of the numbers on the axes.
const tickSize = 15

// axes draws the frame, marks, and numbers below and, if left, at the left.
func (p panel) axes(below, left bool) {
	p.c.frame(p.r, hairline)
	if below {
		for _, v := range ticks(p.b.x0, p.b.x1, max(3, p.r.Dx()/65)) {
			x := p.x(v)
			p.c.line(x, float64(p.r.Max.Y)+1, x, float64(p.r.Max.Y)+6, 1, faint, 1, p.c.Rect)
			p.c.text(x, float64(p.r.Max.Y)+22, number(v), regular, tickSize, faint, 0.5)
		}
	}
	if left {
		for _, v := range ticks(p.b.y0, p.b.y1, max(3, p.r.Dy()/55)) {
			y := p.y(v)
			p.c.line(float64(p.r.Min.X)-6, y, float64(p.r.Min.X)-1, y, 1, faint, 1, p.c.Rect)
			p.c.text(float64(p.r.Min.X)-9, y+5, number(v), regular, tickSize, faint, 1)
		}
	}
}

// title writes above the panel.
func (p panel) title(s string, size float64) {
	p.c.text(float64(p.r.Min.X), float64(p.r.Min.Y)-10, fit(s, bold, size, float64(p.r.Dx())), bold, size, ink, 0)
}

// ticks returns at most n+1 round numbers in [lo, hi].
func ticks(lo, hi float64, n int) (t []float64) {
	if !(hi > lo) {
		return nil
	}
	step := math.Pow(10, math.Floor(math.Log10((hi-lo)/float64(n))))
	for _, f := range []float64{1, 2, 5, 10} {
		if (hi-lo)/(step*f) <= float64(n) {
			step *= f
			break
		}
	}
	for k := math.Ceil(lo / step); k*step <= hi && len(t) < 50; k++ {
		t = append(t, k*step)
	}
	return t
}

// number writes a tick's value without the noise of rounding.
func number(v float64) string {
	a := math.Abs(v)
	if a > 0 && (a >= 1e5 || a < 1e-3) {
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	s := strconv.FormatFloat(math.Round(v*1e6)/1e6, 'f', -1, 64)
	if s == "-0" {
		return "0"
	}
	if s[0] == '-' {
		return "−" + s[1:]
	}
	return s
}

// head writes a picture's title and caption at the top and returns the y below them.
func (c canvas) head(x int, title, caption string) int {
	width := float64(c.Rect.Dx() - 2*x)
	y := 22
	if title != "" {
		y += 26
		c.text(float64(x), float64(y), fit(title, bold, 28, width), bold, 28, ink, 0)
	}
	for _, line := range wrap(caption, regular, 18, width) {
		y += 27
		c.text(float64(x), float64(y), line, regular, 18, faint, 0)
	}
	return y + 16
}

// headHeight is what head will use on a canvas of that width.
func headHeight(width, x int, title, caption string) int {
	y := 38
	if title != "" {
		y += 26
	}
	return y + 27*len(wrap(caption, regular, 18, float64(width-2*x)))
}

// legend writes coloured names in a row that ends at x.
func (c canvas) legend(x, y float64, names []string, cols []color.RGBA) {
	for k := len(names) - 1; k >= 0; k-- {
		w := textWidth(names[k], regular, 17)
		c.text(x, y, names[k], regular, 17, ink, 1)
		c.dot(x-w-12, y-6, 6, cols[k], 1, c.Rect)
		x -= w + 44
	}
}
