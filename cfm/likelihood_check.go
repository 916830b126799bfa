package cfm

import (
	"context"
	"math"

	"pushforward/odeint"
	"pushforward/simd"
)

// The solver's part of the error bar. A density is solved a second time over a coarser mesh: the steps that the
// first solve kept, m for n of them with n/m near meshRatio, spread as those are. By how much the two differ tells
// the first one's error: for a method of order p it is the difference over (n/m)^p - 1. That holds where the field
// is smooth over a step. Whether it is, the embedded error estimates of both solves say: their sums should be as
// 1 to (n/m)^(p-1). Where they are, the sums with signs say how fast errors that cancel vanish; where they are
// not, as with SELU, whose slope jumps, the difference is trusted less.
//
// The numbers were fitted on closed densities and trained nets at tolerances from 1e-4 to 1e-8; docs/density.md
// says how often the bar held and how wide it was, and what other meshes gave.
const (
	meshRatio  = 1.5
	solverWide = 4.0  // how many times the expected error the bar is
	kinkShare  = 1.5  // from this excess of the embedded sums on the field is not smooth
	kinkWide   = 10.0 // of the estimate of ℓ's error, by the excess
	embedWide  = 3.0  // of the embedded estimate where it is all there is
	sampleWide = 3.0  // of the slope of log ρ at a sample, which is a guess
	roundWide  = 2.0  // of what a move by one unit in the last place does
)

// Check says how the solver's part of a density's error bar is found.
type Check int

const (
	// CheckAuto is CheckMesh for the exact divergence. With probes, whose error is a hundred and more times the
	// solver's, it is CheckEmbedded.
	CheckAuto Check = iota
	// CheckMesh solves a second time over a mesh of two thirds as many steps, at two thirds of the price.
	CheckMesh
	// CheckEmbedded sums up the method's own estimates, at no price. They are of a lower order: mostly too wide,
	// too narrow where the divergence jumps.
	CheckEmbedded
	// CheckNone leaves the solver's part out.
	CheckNone
)

// coarse is the solve over the coarser mesh.
type coarse struct {
	times  [][]float64 // by row: between which its steps run
	steps  []int       // by row: of the first solve
	at     []int       // by row: its next step
	y      []float64   // state, rows × w
	errs   []float64   // Σ |embedded estimate|, rows × w
	drift  []float64   // Σ embedded estimate
	row    []int
	t      []float64
	arg, v []float64 // of one stage, by slot
	k      []float64 // of all stages, by row
	tmp    []float64
	evals  int
}

// mesh sets the times of row r of a solve whose steps ran between the times t.
func (c *coarse) mesh(r int, t []float64) {
	n := len(t) - 1
	m := max(1, int(float64(n)/meshRatio+0.5))
	if n == 1 {
		m = 2 // there is no coarser one
	}
	c.steps[r] = n
	s := c.times[r][:0]
	for k := range m {
		at := float64(k*n) / float64(m)
		i := int(at)
		s = append(s, math.FMA(at-float64(i), t[i+1]-t[i], t[i]))
	}
	c.times[r] = append(s, t[n])
}

// run integrates sys over the meshes of all rows from y0 by the method m.
func (c *coarse) run(sys odeint.System[float64], m *odeint.Tableau, y0 []float64) {
	w, stages, rows := sys.Dim(), len(m.B), len(c.times)
	last := stages - 1
	same := sameAsNext(m)
	c.y = append(c.y[:0], y0...)
	c.at, c.t = resize(c.at, rows), resize(c.t, rows)
	c.drift = resize(c.drift, rows*w)
	clear(c.drift)
	c.errs, c.arg, c.v, c.k = resize(c.errs, rows*w), resize(c.arg, rows*w), resize(c.v, rows*w), resize(c.k, stages*rows*w)
	clear(c.at)
	clear(c.errs)
	c.evals = 0
	for first := true; ; first = false {
		c.row = c.row[:0]
		for r, t := range c.times {
			if c.at[r] < len(t)-1 {
				c.row = append(c.row, r)
			}
		}
		n := len(c.row)
		if n == 0 {
			return
		}
		for i := range stages {
			if i == 0 && same && !first {
				for _, r := range c.row {
					copy(c.k[r*w:][:w], c.k[(last*rows+r)*w:][:w])
				}
				continue
			}
			for p, r := range c.row {
				t, to := c.times[r][c.at[r]], c.times[r][c.at[r]+1]
				h := to - t
				c.t[p] = to
				if m.C[i] != 1 {
					c.t[p] = math.FMA(m.C[i], h, t)
				}
				arg := c.arg[p*w:][:w]
				copy(arg, c.y[r*w:][:w])
				for j, a := range m.A[i] {
					if a != 0 {
						addScaled(arg, float64(a*h), c.k[(j*rows+r)*w:][:w])
					}
				}
			}
			sys.Eval(c.v[:n*w], odeint.Batch[float64]{Row: c.row, T: c.t[:n], Y: c.arg[:n*w]})
			c.evals += n
			for p, r := range c.row {
				copy(c.k[(i*rows+r)*w:][:w], c.v[p*w:])
			}
		}
		for _, r := range c.row {
			h := c.times[r][c.at[r]+1] - c.times[r][c.at[r]]
			y, e := c.y[r*w:][:w], c.errs[r*w:][:w]
			for j := range w {
				var sum, est float64
				for i := range stages {
					k := c.k[(i*rows+r)*w+j]
					sum = math.FMA(m.B[i], k, sum)
					if m.E != nil {
						est = math.FMA(m.E[i], k, est)
					}
				}
				y[j] = math.FMA(h, sum, y[j])
				e[j] += math.Abs(float64(h * est))
				c.drift[r*w+j] += float64(h * est)
			}
			c.at[r]++
		}
	}
}

// sameAsNext says whether the last stage of m is the first of the next step.
func sameAsNext(m *odeint.Tableau) bool {
	last := len(m.B) - 1
	if last < 1 || m.C[last] != 1 || m.B[last] != 0 {
		return false
	}
	for j := range last {
		if a := m.A[last]; j >= len(a) && m.B[j] != 0 || j < len(a) && a[j] != m.B[j] {
			return false
		}
	}
	return true
}

// sums are what embedded estimates add up to: sizes, and with their signs.
type sums struct{ size, drift float64 }

// meshError is the bar on the error of a solve of n steps by a method of order p, when the solve of m steps
// differs from it by point in what comes of the points and by ell in ℓ. Embedded sums are those of ℓ and of the
// points' components, each of the fine and the coarse solve.
func meshError(n, m, p int, point, ell float64, l, lc, x, xc sums) float64 {
	if n == 1 { // the second solve is the finer one
		return solverWide * (math.Abs(point) + math.Abs(ell))
	}
	ratio := float64(n) / float64(m)
	pow := 1.0 // ratio^(p-1)
	for range p - 1 {
		pow *= ratio
	}
	smooth := 1 / (float64(pow*ratio) - 1)
	excess := func(fine, coarse float64) float64 {
		if math.Abs(coarse) < 1e-13 {
			return 1
		}
		return float64(math.Abs(fine/coarse) * pow)
	}
	ex, el := max(excess(x.size, xc.size), 0.5), excess(l.size, lc.size)
	share := el
	if el <= kinkShare {
		share = min(max(excess(l.drift, lc.drift), 0.2), 1)
	}
	bar := float64(math.Abs(point)*min(float64(smooth*ex), 1)) + float64(math.Abs(ell)*min(float64(smooth*share), 1))
	bar = float64(solverWide*bar) + float64(kinkWide*l.size*min(max((el-1.2)/pow, 0), 1))
	if math.IsNaN(bar) {
		return math.Inf(1)
	}
	return bar
}

// measure fills the solver's part of the bars of a chunk that was solved from t0 to t1, its rows from first on.
func (s *scorer[F]) measure(d *Density, sol *odeint.Solution[float64], first int, t0, t1 float64) {
	n, dim, w := len(sol.Status), s.flow.Dim, s.sys.Dim()
	end := sol.Final()
	add := func(size, drift []float64, i int) (x, l sums) {
		if len(size) == 0 { // fixed steps: no sums to compare
			return x, l
		}
		for j, e := range size[i*w:][:w] {
			if d := drift[i*w+j]; j < dim {
				x.size, x.drift = x.size+e, x.drift+d
			} else {
				l.size, l.drift = l.size+e/float64(w-dim), l.drift+d/float64(w-dim)
			}
		}
		return x, l
	}
	if s.check == CheckEmbedded {
		for i := range n {
			x, l := add(sol.Errors, sol.Drift, i)
			bar := math.NaN() // fixed steps by a method without an estimate
			if len(sol.Errors) > 0 {
				bar = float64(embedWide * (l.size + float64(s.steepness(d.LogP[first+i], s.state[i*w:][:dim], end[i*w:][:dim], t0)*x.size)))
			}
			d.Parts.Solver[first+i] = bar
		}
	} else {
		c := &s.coarse
		for len(c.times) < n {
			c.times = append(c.times, nil)
		}
		all := c.times
		c.times = c.times[:n]
		c.steps = resize(c.steps, n)
		for i := range n {
			s.mesh = sol.AppendSteps(s.mesh[:0], i)
			if len(s.mesh) < 2 {
				s.mesh = append(s.mesh[:0], t0, t1)
			}
			c.mesh(i, s.mesh)
		}
		c.run(&s.sys, s.solver.Options().Method, s.state)
		d.checkEvals(first, c.evals)
		for i := range n {
			fine, other := end[i*w:][:w], c.y[i*w:][:w]
			le, _ := meanAndError(fine[dim:])
			lo, _ := meanAndError(other[dim:])
			var point float64
			if t1 == 0 {
				point = s.flow.logProb(other[:dim]) - s.flow.logProb(fine[:dim])
			} else {
				for j := range dim {
					v := other[j] - fine[j]
					point += float64(v * v)
				}
				point = float64(math.Sqrt(point) * s.steepness(d.LogP[first+i], s.state[i*w:][:dim], fine[:dim], t0))
			}
			x, l := add(sol.Errors, sol.Drift, i)
			var xc, lc sums
			if len(sol.Errors) > 0 {
				xc, lc = add(c.errs, c.drift, i)
			}
			d.Parts.Solver[first+i] = meshError(c.steps[i], len(c.times[i])-1, s.solver.Options().Method.Order, point, lo-le, l, lc, x, xc)
		}
		c.times = all
	}
	s.rounding(d, sol, first, t0, t1)
}

// steepness is about how large ∇log ρ is where the solve ends: that of a normal law as wide as the flow has made
// the source there, at the place of its source point.
func (s *scorer[F]) steepness(logp float64, start, end []float64, t0 float64) float64 {
	dim := float64(len(end))
	source := end
	if t0 == 0 {
		source = start
	}
	var q float64
	for _, v := range source {
		q += float64(v * v)
	}
	far := max(1, math.Sqrt(q))
	if t0 != 0 {
		return far
	}
	return sampleWide * far * simd.Exp((logp+s.logDet-s.flow.logProb(source))/dim)
}

// rounding adds what F's rounding does: a float32 net is asked once more at both ends of the way, there and one
// unit in the last place beside, and the change of its velocity and divergence is taken for the error of every
// evaluation. Rounding to float64 is below 1e-13 and counted by a formula.
func (s *scorer[F]) rounding(d *Density, sol *odeint.Solution[float64], first int, t0, t1 float64) {
	n, dim, w := len(sol.Status), s.flow.Dim, s.sys.Dim()
	s.moved = resize(s.moved, n)
	clear(s.moved)
	unit := 0x1p-52
	var zero F
	if _, single := any(zero).(float32); single {
		unit = 0x1p-24
		end := sol.Final()
		s.near, s.vs, s.ws = resize(s.near, n*w), resize(s.vs, n*w), resize(s.ws, n*w)
		b := odeint.Batch[float64]{Row: resize(s.coarse.row, n), T: resize(s.coarse.t, n)}
		s.coarse.row, s.coarse.t = b.Row, b.T
		for i := range n {
			b.Row[i] = i
		}
		for e, y := range [2][]float64{s.state, end} {
			for i := range n {
				b.T[i] = [2]float64{t0, t1}[e]
			}
			copy(s.near, y[:n*w])
			b.Y = s.near
			s.sys.Eval(s.vs, b)
			for i := range n {
				for j := range dim {
					v := float32(s.near[i*w+j])
					to := float32(math.Inf(1 - 2*(j&1)))
					s.near[i*w+j] = float64(math.Nextafter32(v, to))
				}
			}
			s.sys.Eval(s.ws, b)
			d.checkEvals(first, 2*n)
			for i := range n {
				source := end[i*w:][:dim]
				steep := 1.0
				if t0 == 0 {
					source = s.state[i*w:][:dim]
					steep = s.steepness(d.LogP[first+i], source, end[i*w:][:dim], t0)
				}
				var point, ell float64
				for j := range dim {
					dv := s.ws[i*w+j] - s.vs[i*w+j]
					if t0 == 0 {
						point += float64(steep * math.Abs(dv))
					} else {
						point += float64(source[j] * dv)
					}
				}
				for j := dim; j < w; j++ {
					ell += (s.ws[i*w+j] - s.vs[i*w+j]) / float64(w-dim)
				}
				s.moved[i] += float64(0.5 * (float64(point*point) + float64(ell*ell)))
			}
		}
	}
	for i := range n {
		least := float64(unit * (1 + float64(math.Abs(d.LogP[first+i])/8)))
		d.Parts.Rounding[first+i] = float64(roundWide * math.Sqrt(s.moved[i]+float64(least*least)))
	}
}

// roundTrip solves from where the rows arrived back to where they came from, ℓ going on: it would come back to 0.
func (s *scorer[F]) roundTrip(ctx context.Context, d *Density, end []float64, first int, t0, t1 float64) {
	dim, w := s.flow.Dim, s.sys.Dim()
	sol, _ := s.back.Solve(ctx, &s.sys, end, t1, t0)
	for i := range len(end) / w {
		d.Parts.RoundTrip[first+i] = math.Inf(1) // it did not come back
		if sol != nil && sol.Status[i].OK() {
			ell, _ := meanAndError(sol.Final()[i*w+dim : (i+1)*w])
			d.Parts.RoundTrip[first+i] = math.Abs(ell)
		}
	}
	if sol != nil {
		d.checkEvals(first, sol.Stats.RowEvals)
	}
}
