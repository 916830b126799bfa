package picture

import (
	"fmt"
	"image"
	"image/color"
	"io"
	"math"
)

// Columns compares tables: along the diagonal the histogram of each column, below it the columns in
// pairs, above it how strongly they correlate. At most six columns are shown.
type Columns struct {
	Title, Caption string
	Names          []string
	Real, Drawn    []float64 // rows of len(Names) numbers; either may be empty
}

const mostColumns = 6

// PNG writes the picture.
func (t Columns) PNG(w io.Writer) error {
	d := len(t.Names)
	k := min(d, mostColumns)
	side := [mostColumns + 1]int{0, 520, 340, 290, 250, 220, 200}[k]
	const left, right, gap, bottom = 70, 40, 12, 76
	width := max(left+k*(side+gap)-gap+right, 560)
	caption := t.Caption
	if d > k {
		caption = fmt.Sprintf("%s (the first %d of %d columns)", caption, k, d)
	}
	top := headHeight(width, left, t.Title, caption) + 30
	c := newCanvas(width, top+k*(side+gap)-gap+bottom)
	c.head(left, t.Title, caption)
	var names []string
	var cols []color.RGBA
	if len(t.Real) > 0 {
		names, cols = append(names, "real"), append(cols, realCol)
	}
	if len(t.Drawn) > 0 {
		names, cols = append(names, "drawn"), append(cols, drawnCol)
	}
	c.legend(float64(left+k*(side+gap)-gap), float64(top)-10, names, cols)
	real, drawn := columnsOf(t.Real, d), columnsOf(t.Drawn, d)
	spans := make([][2]float64, k)
	for j := range spans {
		spans[j][0], spans[j][1] = span(0.06, real[j], drawn[j])
	}
	for row := range k {
		for col := range k {
			at := image.Pt(left+col*(side+gap), top+row*(side+gap))
			q := panel{c, image.Rectangle{at, at.Add(image.Pt(side, side))}, box{spans[col][0], spans[col][1], spans[row][0], spans[row][1]}}
			switch {
			case row == col:
				q.histograms(real[col], drawn[col])
				q.axes(row == k-1, false)
			case row > col:
				q.both(thin(t.Real, d, col, row), thin(t.Drawn, d, col, row))
				q.axes(row == k-1, col == 0)
			default:
				q.correlations(real[col], real[row], drawn[col], drawn[row])
			}
			if row == k-1 {
				c.text(float64(at.X+side/2), float64(at.Y+side+46), fit(t.Names[col], bold, 16, float64(side)), bold, 16, ink, 0.5)
			}
			if col == 0 && k > 1 {
				c.vertical(13, float64(at.Y+side/2), fit(t.Names[row], bold, 16, float64(side)), bold, 16, ink)
			}
		}
	}
	return c.encode(w)
}

// both draws real and drawn points, the fewer on top and larger, so that they are not lost among the
// others.
func (q panel) both(real, drawn []float64) {
	size := func(xy []float64) float64 { return math.Max(1.7, math.Min(3, 28/math.Sqrt(float64(len(xy)/2+1)))) }
	if len(real) > len(drawn) {
		q.points(real, size(real), realCol, 0.45)
		q.points(drawn, size(drawn), drawnCol, 0.6)
		return
	}
	q.points(drawn, size(drawn), drawnCol, 0.45)
	q.points(real, size(real), realCol, 0.6)
}

func columnsOf(x []float64, d int) [][]float64 {
	cols := make([][]float64, d)
	for i, v := range x {
		cols[i%d] = append(cols[i%d], v)
	}
	return cols
}

// thin returns two columns of at most 700 rows spread evenly.
func thin(x []float64, d, a, b int) (xy []float64) {
	const most = 700
	n := len(x) / d
	for k := range min(n, most) {
		i := k * n / min(n, most)
		xy = append(xy, x[i*d+a], x[i*d+b])
	}
	return xy
}

// histograms draws the real one filled, the drawn one as a line. Both are shares of their rows.
func (q panel) histograms(real, drawn []float64) {
	const bins = 28
	count := func(x []float64) []float64 {
		h := make([]float64, bins)
		for _, v := range x {
			if k := int(math.Floor((v - q.b.x0) / (q.b.x1 - q.b.x0) * bins)); k >= 0 && k < bins {
				h[k] += 1 / float64(len(x))
			}
		}
		return h
	}
	a, b := count(real), count(drawn)
	most := 0.0
	for k := range bins {
		most = math.Max(most, math.Max(a[k], b[k]))
	}
	if most == 0 {
		return
	}
	q.b.y0, q.b.y1 = 0, most*1.12
	edge := func(k int) float64 { return q.b.x0 + (q.b.x1-q.b.x0)*float64(k)/bins }
	for k := range bins {
		q.c.fill(image.Rect(int(q.x(edge(k))), int(q.y(a[k])), int(q.x(edge(k+1))), q.r.Max.Y).Intersect(q.r), mix(paper, realCol, 0.45))
	}
	if len(drawn) == 0 {
		return
	}
	before := 0.0
	for k := range bins + 1 {
		now := 0.0
		if k < bins {
			now = b[k]
		}
		x := q.x(edge(k))
		q.c.line(x, q.y(before), x, q.y(now), 2, drawnCol, 1, q.r)
		if k < bins {
			q.c.line(x, q.y(now), q.x(edge(k+1)), q.y(now), 2, drawnCol, 1, q.r)
		}
		before = now
	}
}

// correlations writes the correlation of the real pair and of the drawn pair.
func (q panel) correlations(ra, rb, da, db []float64) {
	mid := q.r.Min.Add(q.r.Max).Div(2)
	type line struct {
		name string
		r    float64
		col  color.RGBA
	}
	var lines []line
	if len(ra) > 1 {
		lines = append(lines, line{"real", correlation(ra, rb), realCol})
	}
	if len(da) > 1 {
		lines = append(lines, line{"drawn", correlation(da, db), drawnCol})
	}
	y := float64(mid.Y) - float64(len(lines)-1)*13 + 6
	for _, l := range lines {
		text := "–"
		if !math.IsNaN(l.r) {
			text = number(math.Round(l.r*100) / 100)
		}
		q.c.text(float64(mid.X), y, "r = "+text, regular, 19, l.col, 0.5)
		y += 26
	}
}

func correlation(a, b []float64) float64 {
	n := float64(len(a))
	ma, mb := 0.0, 0.0
	for i := range a {
		ma, mb = ma+a[i]/n, mb+b[i]/n
	}
	aa, bb, ab := 0.0, 0.0, 0.0
	for i := range a {
		x, y := a[i]-ma, b[i]-mb
		aa, bb, ab = aa+x*x, bb+y*y, ab+x*y
	}
	if aa == 0 || bb == 0 {
		return math.NaN()
	}
	return ab / math.Sqrt(aa*bb)
}
