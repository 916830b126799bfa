package picture

import (
	"image"
	"image/color"
	"io"
	"math"
)

// Curve shows a loss over the steps of a training: as it was logged, smoothed, and on held-out rows.
type Curve struct {
	Title, Caption string
	Step, Loss     []float64
	ValStep, Val   []float64 // may be empty
}

// PNG writes the picture. The axis is logarithmic if the loss falls by more than a factor of five.
func (v Curve) PNG(w io.Writer) error {
	const width, height, left, right, bottom = 1000, 560, 90, 40, 76
	top := headHeight(width, left, v.Title, v.Caption) + 26
	c := newCanvas(width, height)
	c.head(left, v.Title, v.Caption)
	smooth := moving(v.Loss)
	lo, hi := span(0, smooth, v.Val, quantiles(v.Loss))
	log := lo > 0 && hi > 5*lo
	up := func(y float64) float64 { return y }
	if log {
		up = math.Log10
		lo, hi = lo/1.15, hi*1.15
	} else {
		lo, hi = span(0.05, []float64{lo, hi})
	}
	last := 1.0
	for _, s := range append(append([]float64{}, v.Step...), v.ValStep...) {
		last = math.Max(last, s)
	}
	q := panel{c, image.Rect(left, top, width-right, height-bottom), box{0, last * 1.01, up(lo), up(hi)}}
	for _, y := range marks(lo, hi, log) {
		q.c.line(float64(q.r.Min.X), q.y(up(y)), float64(q.r.Max.X), q.y(up(y)), 1, hairline, 0.7, q.r)
		q.c.text(float64(q.r.Min.X)-9, q.y(up(y))+5, number(y), regular, tickSize, faint, 1)
	}
	q.axes(true, false)
	follow := func(xs, ys []float64, width float64, col color.RGBA, a float64) {
		for k := 1; k < len(xs) && k < len(ys); k++ {
			q.c.line(q.x(xs[k-1]), q.y(up(ys[k-1])), q.x(xs[k]), q.y(up(ys[k])), width, col, a, q.r)
		}
	}
	follow(v.Step, v.Loss, 1, realCol, 0.3)
	follow(v.Step, smooth, 2.4, realCol, 1)
	names, cols := []string{"training loss"}, []color.RGBA{realCol}
	if len(v.Val) > 0 {
		follow(v.ValStep, v.Val, 2.4, drawnCol, 1)
		for k := range v.Val {
			q.c.dot(q.x(v.ValStep[k]), q.y(up(v.Val[k])), 3.5, drawnCol, 1, q.r)
		}
		names, cols = append(names, "held-out loss"), append(cols, drawnCol)
	}
	c.legend(float64(q.r.Max.X), float64(top)-10, names, cols)
	c.text(float64(q.r.Min.X+q.r.Max.X)/2, float64(height)-22, "step", regular, 16, ink, 0.5)
	return c.encode(w)
}

// marks returns the values to mark on the loss axis: round steps, on a logarithmic axis a few round
// numbers in each power of ten, as many as there is room for.
func marks(lo, hi float64, log bool) (m []float64) {
	if !log {
		return ticks(lo, hi, 7)
	}
	for _, in := range [][]float64{{1}, {1, 3}, {1, 2, 5}, {1, 1.5, 2, 3, 4, 5, 7}} {
		m = m[:0]
		for e := math.Floor(math.Log10(lo)); e <= math.Log10(hi); e++ {
			for _, f := range in {
				if y := f * math.Pow(10, e); y >= lo && y <= hi {
					m = append(m, y)
				}
			}
		}
		if len(m) >= 4 {
			break
		}
	}
	return m
}

// moving averages each value with its neighbours, as many on one side as on the other, so that the line
// does not lag behind.
func moving(x []float64) []float64 {
	most := len(x) / 40
	s := make([]float64, len(x))
	for k := range x {
		r := min(most, k, len(x)-1-k)
		sum, n := 0.0, 0.0
		for _, v := range x[k-r : k+r+1] {
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				sum, n = sum+v, n+1
			}
		}
		s[k] = sum / n
	}
	return s
}

// quantiles returns what nearly all of x lies between, so that a first spike does not set the scale.
func quantiles(x []float64) []float64 {
	lo, hi := span(0, x)
	if len(x) < 20 {
		return []float64{lo, hi}
	}
	rest := append([]float64(nil), x[len(x)/20:]...)
	lo, hi = span(0, rest)
	return []float64{lo, hi}
}
