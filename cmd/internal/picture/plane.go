package picture

import (
	"fmt"
	"image"
	"image/color"
	"io"
	"math"
	"strconv"
)

// Plane shows a model of two columns in one picture: data, samples, the paths from noise to data, the
// learned density, and below the same points at five times.
type Plane struct {
	Title, Caption string
	Names          [2]string
	Data, Samples  []float64   // x y x y …
	Times          []float64   // increasing
	Path           [][]float64 // Path[k] holds the points at Times[k], the same point in the same place
	Density        *Grid       // nil: left out
}

const (
	panelSide = 380
	panelGap  = 34
	shownLine = 160 // paths drawn
)

// PNG writes the picture.
func (p Plane) PNG(w io.Writer) error {
	type part struct {
		title string
		draw  func(panel)
	}
	var parts []part
	if len(p.Data) > 0 {
		parts = append(parts, part{fmt.Sprintf("data (%d points)", len(p.Data)/2), func(q panel) { q.points(p.Data, radius(len(p.Data)/2), realCol, 0.65) }})
	}
	parts = append(parts, part{fmt.Sprintf("samples (%d points)", len(p.Samples)/2), func(q panel) { q.points(p.Samples, radius(len(p.Samples)/2), drawnCol, 0.65) }})
	if len(p.Path) > 1 {
		parts = append(parts, part{"paths from noise to data", p.paths})
	}
	if p.Density != nil && len(p.Density.LogP) > 0 {
		parts = append(parts, part{"learned density; lines hold 50 % and 90 %", func(q panel) { q.heatMap(p.Density) }})
	}
	b := p.box()
	const left, right = 74, 40
	width := left + len(parts)*(panelSide+panelGap) - panelGap + right
	top := headHeight(width, left, p.Title, p.Caption) + 26
	height := top + panelSide + 78
	small, snaps := 0, []int(nil)
	if len(p.Path) > 1 {
		snaps = p.snapshots()
		small = (width - left - right - (len(snaps)-1)*18) / len(snaps)
		small = min(small, panelSide)
		height += small + 62
	}
	c := newCanvas(width, height)
	c.head(left, p.Title, p.Caption)
	for k, part := range parts {
		at := image.Pt(left+k*(panelSide+panelGap), top)
		q := panel{c, image.Rectangle{at, at.Add(image.Pt(panelSide, panelSide))}, b}
		part.draw(q)
		q.axes(true, k == 0)
		q.title(part.title, 18)
		if k == 0 {
			c.vertical(16, float64(top+panelSide/2), fit(p.Names[1], regular, 16, panelSide), regular, 16, ink)
			c.text(float64(at.X+panelSide/2), float64(top+panelSide+46), fit(p.Names[0], regular, 16, panelSide), regular, 16, ink, 0.5)
		}
	}
	y := top + panelSide + 78 + 28
	for k, s := range snaps {
		at := image.Pt(left+k*(small+18), y)
		q := panel{c, image.Rectangle{at, at.Add(image.Pt(small, small))}, b}
		q.coloured(p.Path[s], p.Path[len(p.Path)-1])
		q.axes(false, false)
		title := "t = " + when(p.Times[s])
		switch k {
		case 0:
			title += ", noise"
		case len(snaps) - 1:
			if small > 280 {
				title += ", colour: where a point ends"
			}
		}
		q.title(title, 17)
	}
	return c.encode(w)
}

// box is what all panels show.
func (p Plane) box() box {
	if g := p.Density; g != nil && len(g.LogP) > 0 {
		return box{g.X0, g.X1, g.Y0, g.Y1}
	}
	all := [][]float64{p.Data, p.Samples}
	if len(p.Path) > 0 {
		all = append(all, p.Path[0], p.Path[len(p.Path)-1])
	}
	return around(0.08, all...)
}

// snapshots picks the times nearest to 0, ¼, ½, ¾, 1 of the whole.
func (p Plane) snapshots() (at []int) {
	first, last := p.Times[0], p.Times[len(p.Times)-1]
	for k := range 5 {
		want := first + (last-first)*float64(k)/4
		best := 0
		for i, t := range p.Times {
			if math.Abs(t-want) < math.Abs(p.Times[best]-want) {
				best = i
			}
		}
		if len(at) == 0 || at[len(at)-1] != best {
			at = append(at, best)
		}
	}
	return at
}

func when(t float64) string {
	switch t {
	case 0.25:
		return "¼"
	case 0.5:
		return "½"
	case 0.75:
		return "¾"
	}
	return number(math.Round(t*100) / 100)
}

// paths draws the ways of the first points, and where they begin and end.
func (p Plane) paths(q panel) {
	ends := p.Path[len(p.Path)-1]
	n := min(shownLine, len(ends)/2)
	cols := wheel(ends)
	for i := range n {
		for k := 1; k < len(p.Path); k++ {
			for s := range curveSteps {
				x0, y0 := p.along(i, k, float64(s)/curveSteps)
				x1, y1 := p.along(i, k, float64(s+1)/curveSteps)
				q.c.line(q.x(x0), q.y(y0), q.x(x1), q.y(y1), 1, cols[i], 0.45, q.r)
			}
		}
	}
	for i := range n {
		q.c.dot(q.x(p.Path[0][2*i]), q.y(p.Path[0][2*i+1]), 1.6, faint, 0.7, q.r)
		q.c.dot(q.x(ends[2*i]), q.y(ends[2*i+1]), 2.6, cols[i], 1, q.r)
	}
}

// curveSteps is how many straight pieces a path between two times has.
const curveSteps = 4

// along is point i between times k-1 and k, on the cubic through the four nearest (Catmull and Rom).
func (p Plane) along(i, k int, s float64) (x, y float64) {
	var out [2]float64
	at := func(k int) []float64 { return p.Path[max(0, min(len(p.Path)-1, k))] }
	t := func(k int) float64 { return p.Times[max(0, min(len(p.Times)-1, k))] }
	h := t(k) - t(k-1)
	for d := range 2 {
		a, b := at(k - 1)[2*i+d], at(k)[2*i+d]
		slope := func(k int) float64 {
			dt := t(k+1) - t(k-1)
			if dt == 0 {
				return 0
			}
			return (at(k + 1)[2*i+d] - at(k - 1)[2*i+d]) / dt * h
		}
		m0, m1 := slope(k-1), slope(k)
		out[d] = (1+2*s)*(1-s)*(1-s)*a + s*(1-s)*(1-s)*m0 + s*s*(3-2*s)*b - s*s*(1-s)*m1
	}
	return out[0], out[1]
}

// coloured draws points in the colours of where they end.
func (q panel) coloured(xy, ends []float64) {
	cols := wheel(ends)
	r := radius(len(xy)/2) * float64(q.r.Dx()) / panelSide
	for i := range len(xy) / 2 {
		q.c.dot(q.x(xy[2*i]), q.y(xy[2*i+1]), math.Max(1.2, r), cols[i], 0.85, q.r)
	}
}

// wheel gives each point a colour by its direction from the middle of all.
func wheel(ends []float64) []color.RGBA {
	n := len(ends) / 2
	mx, my := 0.0, 0.0
	for i := range n {
		mx, my = mx+ends[2*i]/float64(n), my+ends[2*i+1]/float64(n)
	}
	cols := make([]color.RGBA, n)
	for i := range cols {
		cols[i] = hue(math.Atan2(ends[2*i+1]-my, ends[2*i]-mx) / (2 * math.Pi))
	}
	return cols
}

// radius is the size of a dot among n.
func radius(n int) float64 {
	return math.Max(1.1, math.Min(3, 60/math.Sqrt(float64(max(n, 1)))))
}

func short(v float64) string { return strconv.FormatFloat(v, 'g', 2, 64) }
