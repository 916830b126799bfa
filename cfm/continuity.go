package cfm

import (
	"context"
	"fmt"
	"math"

	"pushforward/autograd"
	"pushforward/odeint"
	"pushforward/simd"
)

// The continuity equation
//
//	∂ρ/∂t + ∇·(v ρ) = 0
//
// is what makes ρₜ the law that v carries along. Two checks of it: ContinuityGrid takes differences of ρ and v·ρ in
// space and time, which knows nothing of how ρ was found, in one and two dimensions; ContinuityPaths follows draws in any
// number of dimensions, where it reads d/dt log ρ = -∇·v, and d/dt log det ∂xₜ/∂x₀ = ∇·v.

// ContinuityOptions configures ContinuityGrid and ContinuityPaths.
type ContinuityOptions struct {
	// LogRho is the log-density to be checked at time t and point x, in the field's coordinates; nil: the flow's own,
	// LogDensityAt. It is called from several goroutines.
	LogRho func(t float64, x []float64) float64
	// Density says how the flow's own density is solved for.
	Density DensityOptions
	// Step is the distance in time of the differences: 1/128. Times from 2·Step to 1 - 2·Step can be asked for.
	Step float64
}

func (o ContinuityOptions) step() float64 {
	if o.Step == 0 {
		return 1.0 / 128
	}
	return o.Step
}

// Grid is a rectangle of points at equal distances along one or two axes.
type Grid struct {
	Lo, Hi []float64 // the first and the last point of each axis
	N      []int     // points along each axis
}

// Len is the number of points.
func (g Grid) Len() int {
	n := 1
	for _, k := range g.N {
		n *= k
	}
	return n
}

// Spacing is the distance of neighbours along an axis.
func (g Grid) Spacing(axis int) float64 { return (g.Hi[axis] - g.Lo[axis]) / float64(g.N[axis]-1) }

// Cell is the length or area that belongs to a point.
func (g Grid) Cell() float64 {
	c := 1.0
	for a := range g.N {
		c *= g.Spacing(a)
	}
	return c
}

// Points are the points, [Len, axes], the first axis running fastest.
func (g Grid) Points() autograd.Tensor[float64] {
	x := autograd.NewTensor[float64](g.Len(), len(g.N))
	for k := range g.Len() {
		for a, rest := 0, k; a < len(g.N); a++ {
			x.Row(k)[a] = g.Lo[a] + float64(float64(rest%g.N[a])*g.Spacing(a))
			rest /= g.N[a]
		}
	}
	return x
}

// gridMargin is how many points along each edge have no residual: the differences over twice the spacing need them.
const gridMargin = 4

// Continuity is the continuity equation on a grid at one time. Change is ∂ρ/∂t and Flux ∇·(vρ), by central differences of
// fourth order; Residual is their sum. Fields are by point of the grid; Flux and Residual are NaN next to the edge.
type Continuity struct {
	T                           float64
	Grid                        Grid
	Rho, Change, Flux, Residual []float64

	Mass     float64 // Σ ρ·cell: what the grid holds of the mass, near 1 if it is wide and fine enough
	L1       float64 // ∫|residual|: the mass that the equation leaves unaccounted for, per unit of time
	L1Change float64 // ∫|∂ρ/∂t|, and over the same points
	L1Coarse float64 // ∫|residual| with twice the spacing: 16 times L1 where the differences are all that is wrong
	Failed   int     // points without a residual because a solve did not finish
}

// Relative is ∫|residual| / ∫|∂ρ/∂t|, the share of the change that the flux does not explain: 0 where the equation holds,
// of the order of 1 where ρ and v do not belong together. Of a law that stands still it says nothing; see L1.
func (c *Continuity) Relative() float64 { return c.L1 / c.L1Change }

// RelativeCoarse is Relative with twice the spacing.
func (c *Continuity) RelativeCoarse() float64 { return c.L1Coarse / c.L1Change }

// ContinuityGrid checks the continuity equation on a grid at time t, in the field's coordinates. What is left is the error of
// the differences, which falls with the fourth power of the spacing as long as ρ is smooth over some points, the error in time
// and that of the density's solves. A grid of N points costs 5·N log-densities.
//
// It panics unless the flow has one or two columns and the grid as many, with at least 16 points along each.
func (f *Flow[F]) ContinuityGrid(ctx context.Context, g Grid, t float64, opt ContinuityOptions) (*Continuity, error) {
	if f.Dim > 2 || len(g.N) != f.Dim || len(g.Lo) != f.Dim || len(g.Hi) != f.Dim {
		panic(fmt.Sprintf("cfm: ContinuityGrid: a grid of %d axes for a flow of %d columns; want 1 or 2 of each", len(g.N), f.Dim))
	}
	for a, n := range g.N {
		if n < 16 || !(g.Hi[a] > g.Lo[a]) {
			panic(fmt.Sprintf("cfm: ContinuityGrid: axis %d: %d points from %v to %v; want at least 16, upwards", a, n, g.Lo[a], g.Hi[a]))
		}
	}
	h := opt.step()
	if lo, hi := 2*h, 1-float64(2*h); !(h > 0) || t < lo || t > hi {
		return nil, fmt.Errorf("cfm: continuity: time %v with differences over %v: want %v to %v", t, h, lo, hi)
	}
	f = f.bare()
	points := g.Points()
	c := &Continuity{T: t, Grid: g, Change: make([]float64, g.Len())}
	rho := func(t float64) ([]float64, error) {
		p, err := f.logRho(ctx, points, t, opt)
		if err != nil {
			return nil, err
		}
		for i, l := range p {
			p[i] = simd.Exp(l)
		}
		return p, nil
	}
	var err error
	if c.Rho, err = rho(t); err != nil {
		return nil, err
	}
	for _, s := range [4]struct{ at, weight float64 }{{-2, 1}, {-1, -8}, {1, 8}, {2, -1}} {
		p, err := rho(t + float64(s.at*h))
		if err != nil {
			return nil, err
		}
		for i, v := range p {
			c.Change[i] += float64(s.weight / (12 * h) * v)
		}
	}
	v, err := f.velocities(ctx, points, t)
	if err != nil {
		return nil, err
	}
	for i, r := range c.Rho {
		for a := range f.Dim {
			v[i*f.Dim+a] *= r
		}
		if r == r {
			c.Mass += float64(r * g.Cell())
		}
	}
	c.Flux = g.divergence(v, 1)
	coarse := g.divergence(v, 2)
	c.Residual = make([]float64, g.Len())
	for i := range c.Residual {
		c.Residual[i] = c.Change[i] + c.Flux[i]
		switch r := c.Change[i] + coarse[i]; {
		case !g.inner(i):
			c.Flux[i], c.Residual[i] = math.NaN(), math.NaN()
		case math.IsNaN(c.Residual[i]) || math.IsNaN(r):
			c.Failed++
		default:
			c.L1 += float64(math.Abs(c.Residual[i]) * g.Cell())
			c.L1Coarse += float64(math.Abs(r) * g.Cell())
			c.L1Change += float64(math.Abs(c.Change[i]) * g.Cell())
		}
	}
	return c, nil
}

// inner says whether point k has neighbours enough.
func (g Grid) inner(k int) bool {
	for _, n := range g.N {
		if i := k % n; i < gridMargin || i >= n-gridMargin {
			return false
		}
		k /= n
	}
	return true
}

// divergence is ∇·m of a field m [Len, axes] by differences over every stride-th point, of inner points:
//
//	m'(x) = (m(x-2h) - 8m(x-h) + 8m(x+h) - m(x+2h)) / 12h + O(h⁴)
func (g Grid) divergence(m []float64, stride int) []float64 {
	div := make([]float64, g.Len())
	axes, next := len(g.N), stride // points from one to the next along the axis
	for a, n := range g.N {
		w := 1 / (12 * float64(stride) * g.Spacing(a))
		for k := range div {
			if !g.inner(k) {
				continue
			}
			at := func(i int) float64 { return m[(k+i*next)*axes+a] }
			div[k] += float64(w * (at(-2) - float64(8*at(-1)) + float64(8*at(1)) - at(2)))
		}
		next *= n
	}
	return div
}

// bare is the flow in the field's coordinates.
func (f *Flow[F]) bare() *Flow[F] {
	g := *f
	g.Loc, g.Scale = nil, nil
	return &g
}

// LogDensityAt finds log ρₜ of each row of x at a time t in [0, 1], by solving from t back to 0. Rows are in the coordinates of
// Transport at that time, so that of t = 1 it is LogDensity.
func (f *Flow[F]) LogDensityAt(ctx context.Context, x autograd.Tensor[F], t float64, opt DensityOptions) (Density, error) {
	if x.Shape.Rank() != 2 || x.Shape.Dim(1) != f.Dim {
		panic(fmt.Sprintf("cfm: LogDensityAt: points %v, the flow has %d columns", x.Shape, f.Dim))
	}
	if !(t >= 0 && t <= 1) {
		return Density{}, fmt.Errorf("cfm: log density at time %v: want 0 to 1", t)
	}
	if t == 1 {
		return f.LogDensity(ctx, x, opt)
	}
	z := autograd.NewTensor[F](x.Rows(), f.Dim)
	copy(z.Data, x.Data)
	f.rescale(z.Data, t, false)
	var d Density
	var err error
	if t == 0 {
		d, err = f.atSource(z)
	} else {
		d, _, err = f.bare().push(ctx, z, z.Rows(), t, 0, opt)
	}
	var shift float64
	for _, s := range f.Scale {
		shift += simd.Log(math.Abs(1 + float64(t*(s-1))))
	}
	for i := range d.LogP {
		d.LogP[i] -= shift
	}
	return d, err
}

// atSource is the density before anything has moved.
func (f *Flow[F]) atSource(z autograd.Tensor[F]) (Density, error) {
	n := z.Rows()
	d := Density{LogP: make([]float64, n), Err: make([]float64, n), Status: make([]odeint.Status, n)}
	row := make([]float64, f.Dim)
	for i := range n {
		for j, v := range z.Row(i) {
			row[j] = float64(v)
		}
		if d.LogP[i] = f.logProb(row); math.IsNaN(d.LogP[i]) {
			return d, fmt.Errorf("cfm: log density: %w", errNoDensity)
		}
	}
	return d, f.check(n)
}

// logRho is the density to be checked, of a bare flow. A row whose solve did not finish is NaN.
func (f *Flow[F]) logRho(ctx context.Context, x autograd.Tensor[float64], t float64, opt ContinuityOptions) ([]float64, error) {
	n := x.Rows()
	if opt.LogRho != nil {
		p := make([]float64, n)
		tasks := (n + chunk - 1) / chunk
		pool := newPool(poolSize(tasks), nil)
		defer pool.close()
		pool.run(tasks, func(_, k int) {
			for i := k * chunk; i < min((k+1)*chunk, n) && ctx.Err() == nil; i++ {
				p[i] = opt.LogRho(t, x.Row(i))
			}
		})
		return p, ctx.Err()
	}
	y := autograd.NewTensor[F](n, f.Dim)
	for i, v := range x.Data {
		y.Data[i] = F(v)
	}
	o := opt.Density
	o.Check = CheckNone
	d, err := f.LogDensityAt(ctx, y, t, o)
	return d.LogP, unlessSolve(ctx, err)
}

// velocities evaluates a bare flow's field at all points.
func (f *Flow[F]) velocities(ctx context.Context, x autograd.Tensor[float64], t float64) ([]float64, error) {
	n := x.Rows()
	if err := f.check(n); err != nil {
		return nil, err
	}
	v := make([]float64, n*f.Dim)
	tasks := (n + chunk - 1) / chunk
	p := newPool(poolSize(tasks), nil)
	defer p.close()
	workers := make([]*velocity[F], p.workers)
	p.run(tasks, func(w, k int) {
		if ctx.Err() != nil {
			return
		}
		if workers[w] == nil {
			workers[w] = &velocity[F]{flow: f, tape: autograd.NewTape(f.Theta)}
		}
		lo, hi := k*chunk, min((k+1)*chunk, n)
		b := odeint.Batch[F]{Y: make([]F, (hi-lo)*f.Dim)}
		for i := lo; i < hi; i++ {
			b.Row, b.T = append(b.Row, i), append(b.T, t)
		}
		for i := range b.Y {
			b.Y[i] = F(x.Data[lo*f.Dim+i])
		}
		to := make([]F, len(b.Y))
		workers[w].Eval(to, b)
		for i, u := range to {
			v[lo*f.Dim+i] = float64(u)
		}
	})
	return v, ctx.Err()
}
