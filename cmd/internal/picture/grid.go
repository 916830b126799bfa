package picture

import (
	"math"
	"slices"
)

// Grid is a log-density on a regular grid of points in the plane.
type Grid struct {
	X0, X1, Y0, Y1 float64
	NX, NY         int
	LogP           []float64 // at Points, in their order; NaN where it is not known
}

// NewGrid returns an n×n grid over the region of the points in data, x y x y …, with a wide margin.
func NewGrid(data []float64, n int) *Grid {
	b := around(0.14, data)
	return &Grid{b.x0, b.x1, b.y0, b.y1, n, n, nil}
}

// Points returns the centres of the cells, NX·NY pairs, x running fastest, from the lowest y up.
func (g *Grid) Points() []float64 {
	p := make([]float64, 0, 2*g.NX*g.NY)
	for j := range g.NY {
		for i := range g.NX {
			p = append(p, g.X0+(float64(i)+0.5)*g.dx(), g.Y0+(float64(j)+0.5)*g.dy())
		}
	}
	return p
}

func (g *Grid) dx() float64 { return (g.X1 - g.X0) / float64(g.NX) }
func (g *Grid) dy() float64 { return (g.Y1 - g.Y0) / float64(g.NY) }

// density returns exp(LogP) over its largest value, and that value. NaN stays NaN.
func (g *Grid) density() (p []float64, most float64) {
	top := math.Inf(-1)
	for _, l := range g.LogP {
		if l > top {
			top = l
		}
	}
	p = make([]float64, len(g.LogP))
	for k, l := range g.LogP {
		p[k] = math.Exp(l - top)
	}
	return p, math.Exp(top)
}

// at interpolates v between the centres of the cells.
func (g *Grid) at(v []float64, x, y float64) float64 {
	fx := math.Max(0, math.Min(float64(g.NX-1), (x-g.X0)/g.dx()-0.5))
	fy := math.Max(0, math.Min(float64(g.NY-1), (y-g.Y0)/g.dy()-0.5))
	i, j := min(int(fx), max(g.NX-2, 0)), min(int(fy), max(g.NY-2, 0))
	i1, j1 := min(i+1, g.NX-1), min(j+1, g.NY-1)
	s, t := fx-float64(i), fy-float64(j)
	return (1-t)*((1-s)*v[j*g.NX+i]+s*v[j*g.NX+i1]) + t*((1-s)*v[j1*g.NX+i]+s*v[j1*g.NX+i1])
}

// level returns the density above which the given share of the mass lies.
func level(p []float64, share float64) float64 {
	var known []float64
	for _, v := range p {
		if !math.IsNaN(v) {
			known = append(known, v)
		}
	}
	slices.Sort(known)
	total := 0.0
	for _, v := range known {
		total += v
	}
	sum := 0.0
	for k := len(known) - 1; k >= 0; k-- {
		if sum += known[k]; sum >= share*total {
			return known[k]
		}
	}
	return 0
}

// contour calls f for each piece of the line where v crosses the value at: marching squares on the
// centres of the cells, with the crossing interpolated along each side.
func (g *Grid) contour(v []float64, at float64, f func(x0, y0, x1, y1 float64)) {
	for j := range g.NY - 1 {
		for i := range g.NX - 1 {
			corner := [4][2]int{{i, j}, {i + 1, j}, {i + 1, j + 1}, {i, j + 1}}
			var cut [][2]float64
			for k := range corner {
				a, b := corner[k], corner[(k+1)%4]
				va, vb := v[a[1]*g.NX+a[0]], v[b[1]*g.NX+b[0]]
				if (va >= at) == (vb >= at) || math.IsNaN(va) || math.IsNaN(vb) {
					continue
				}
				s := (at - va) / (vb - va)
				cut = append(cut, [2]float64{
					g.X0 + (float64(a[0])+0.5+s*float64(b[0]-a[0]))*g.dx(),
					g.Y0 + (float64(a[1])+0.5+s*float64(b[1]-a[1]))*g.dy(),
				})
			}
			for k := 0; k+1 < len(cut); k += 2 {
				f(cut[k][0], cut[k][1], cut[k+1][0], cut[k+1][1])
			}
		}
	}
}

// heatMap paints the density over the panel, and round it lines that hold half and nine tenths of the
// mass.
func (p panel) heatMap(g *Grid) {
	if g.NX < 2 || g.NY < 2 || len(g.LogP) != g.NX*g.NY {
		return
	}
	v, most := g.density()
	for y := p.r.Min.Y; y < p.r.Max.Y; y++ {
		for x := p.r.Min.X; x < p.r.Max.X; x++ {
			wx := p.b.x0 + (float64(x-p.r.Min.X)+0.5)/float64(p.r.Dx())*(p.b.x1-p.b.x0)
			wy := p.b.y0 + (float64(p.r.Max.Y-y)-0.5)/float64(p.r.Dy())*(p.b.y1-p.b.y0)
			col := wash
			if wx >= g.X0 && wx <= g.X1 && wy >= g.Y0 && wy <= g.Y1 {
				if d := g.at(v, wx, wy); !math.IsNaN(d) {
					col = heat(math.Sqrt(d))
				}
			}
			p.c.SetRGBA(x, y, col)
		}
	}
	for _, share := range []float64{0.5, 0.9} {
		col, a := drawnCol, 0.95
		if share > 0.5 {
			a = 0.7
		}
		g.contour(v, level(v, share), func(x0, y0, x1, y1 float64) {
			p.c.line(p.x(x0), p.y(y0), p.x(x1), p.y(y1), 1.3, col, a, p.r)
		})
	}
	// The scale, under the numbers of the axis.
	y := p.r.Max.Y + 40
	x0, x1 := p.r.Min.X+30, p.r.Max.X-90
	for x := x0; x < x1; x++ {
		t := float64(x-x0) / float64(x1-1-x0)
		for k := range 10 {
			p.c.SetRGBA(x, y+k, heat(math.Sqrt(t)))
		}
	}
	p.c.text(float64(x0)-8, float64(y)+10, "0", regular, tickSize, faint, 1)
	p.c.text(float64(x1)+8, float64(y)+10, short(most), regular, tickSize, faint, 0)
}
