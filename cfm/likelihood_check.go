package cfm

import (
	"context"
	"math"
	"slices"

	"pushforward/odeint"
	"pushforward/simd"
)

// The solver's part of the error bar. A density is solved a second time by a method of higher order, over a mesh that is
// spread as the steps of the first solve are: by how much the two differ is the first one's error, up to the
// second's, which is a few hundredths of it where the field is smooth over a step. Where it is not, as with SELU,
// whose slope jumps, both err alike, and the first solve's own estimate of ℓ's error is added. With a float32 net the
// difference has what rounding did to either; the second's is the smaller.
//
// The numbers were fitted on random closed densities and trained nets at tolerances from 1e-4 to 1e-8; docs/density.md
// says how often the bar held and how wide it was on others, and what else was tried.
const (
	meshRatio  = 1.25  // steps of a method of six evaluations to one of the second solve's
	sweeps     = 3     // of the second solve over the stages of a step
	solverWide = 3.0   // how many times the difference the bar is
	kinkFrom   = 0.006 // from this size of the embedded estimate to the divergence's bend on, the field has kinks
	kinkTo     = 0.012
	kinkWide   = 7.0 // of the embedded estimate where it has
	embedWide  = 3.0 // of the embedded estimate where it is all there is
	sampleWide = 3.0 // of the slope of log ρ at a sample, which is a guess
	roundWide  = 3.5 // deviations of what rounding adds up to, each known from some three looks
)

// Check says how the solver's part of a density's error bar is found.
type Check int

const (
	// CheckAuto is CheckMesh for the exact divergence. With probes, whose error is a hundred and more times the
	// solver's, it is CheckEmbedded.
	CheckAuto Check = iota
	// CheckMesh solves a second time by Gauss's method over fewer steps, asking for two thirds as many divergences.
	CheckMesh
	// CheckEmbedded sums up the method's own estimates, at no price. They are of a lower order: mostly too wide,
	// too narrow where the divergence jumps.
	CheckEmbedded
	// CheckNone leaves the solver's part out.
	CheckNone
)

// second is the solve that the first one's error is read from: Gauss's method with four nodes a step, of order eight. A step
// begins with its stages at the points of the first solve's continuous extension, moved by as much as the two solves differ at the step's
// beginning. Each sweep puts the integrals of the last velocities in their place; only the last one asks for the divergence, which is
// the dear part. Weights are positive and at most 1/3, so rounding adds up to less than in the first solve.
type second struct {
	times  [][]float64 // by row: between which its steps run; none for a row that is left out
	at     []int       // by row: its next step
	y      []float64   // points and ℓ, rows × w
	row    []int       // of a sweep, four slots for each row under way
	t      []float64
	arg, v []float64
	lead   []float64 // by how much the solves differ where the step begins
	bend   []float64 // by row: Σ |c₃|, c₃ being the last of four Legendre coefficients of h·∇·v over a step
	evals  int
}

// Gauss's method: nodes, weights and, by rows, the weights of integrals up to each node, on [0, 1]. The third Legendre
// polynomial at the nodes times weights times 7 gives c₃.
var (
	gaussNodes   = [nodes]float64{0.06943184420297371, 0.33000947820757187, 0.6699905217924281, 0.9305681557970263}
	gaussWeights = [nodes]float64{0.17392742256872693, 0.32607257743127307, 0.32607257743127307, 0.17392742256872693}
	gaussThird   = [nodes]float64{-0.3710270034019471, 0.939772470377753, -0.939772470377753, 0.37102700340194794}
	gaussA       = integrals(gaussNodes)
)

const nodes = 4

// integrals returns a[i][j] = ∫₀^cᵢ lⱼ(x) dx, l being the Lagrange polynomials over c.
func integrals(c [nodes]float64) (a [nodes][nodes]float64) {
	for j := range c {
		p, over := [nodes]float64{1}, 1.0 // of Π (x - cₗ), l ≠ j, and its value at cⱼ
		deg := 0
		for l, r := range c {
			if l == j {
				continue
			}
			deg++
			for k := deg; k >= 0; k-- {
				p[k] = -float64(p[k] * r)
				if k > 0 {
					p[k] += p[k-1]
				}
			}
			over *= c[j] - r
		}
		for i, x := range c {
			var sum float64
			for k := deg; k >= 0; k-- {
				sum = math.FMA(sum, x, p[k]/float64(k+1))
			}
			a[i][j] = float64(sum*x) / over
		}
	}
	return
}

// mesh sets the times of row r of a solve whose steps ran between the times t by a method that asks for the field
// stages times a step: fewer than those by meshRatio, by which the better method makes up for more.
func (c *second) mesh(r int, t []float64, stages int) {
	n := len(t) - 1
	m := int(math.Ceil(float64(n*stages) / (6 * meshRatio)))
	s := c.times[r][:0]
	for k := range m {
		at := float64(k*n) / float64(m)
		i := int(at)
		s = append(s, math.FMA(at-float64(i), t[i+1]-t[i], t[i]))
	}
	c.times[r] = append(s, t[n])
}

// solveAgain integrates sys over the meshes of all rows of c from y0, where sol began or ended.
func solveAgain[F simd.Float](c *second, sys *divergence[F], sol *odeint.Solution[float64], y0 []float64) {
	w, dim, rows := sys.Dim(), sys.flow.Dim, len(c.times)
	c.y = append(c.y[:0], y0...)
	c.at, c.bend, c.lead = resize(c.at, rows), resize(c.bend, rows), resize(c.lead, w)
	c.t, c.arg, c.v = resize(c.t, nodes*rows), resize(c.arg, nodes*rows*w), resize(c.v, nodes*rows*w)
	clear(c.at)
	clear(c.bend)
	c.evals = 0
	defer func() { sys.pathOnly = false }()
	for {
		c.row = c.row[:0]
		for r, t := range c.times {
			if c.at[r] < len(t)-1 {
				p := len(c.row)
				c.row = append(c.row, r, r, r, r)
				t, h := c.step(r)
				sol.At(c.lead, r, t)
				for j := range dim {
					c.lead[j] = c.y[r*w+j] - c.lead[j]
				}
				for g, x := range gaussNodes {
					c.t[p+g] = math.FMA(x, h, t)
					arg := sol.At(c.arg[(p+g)*w:][:w], r, c.t[p+g])
					for j := range dim {
						arg[j] += c.lead[j]
					}
				}
			}
		}
		n := len(c.row)
		if n == 0 {
			return
		}
		for sweep := range sweeps {
			sys.pathOnly = sweep < sweeps-1
			sys.Eval(c.v[:n*w], odeint.Batch[float64]{Row: c.row, T: c.t[:n], Y: c.arg[:n*w]})
			c.evals += n
			if !sys.pathOnly {
				break
			}
			for p := 0; p < n; p += nodes {
				r := c.row[p]
				_, h := c.step(r)
				for g, a := range gaussA {
					arg := c.arg[(p+g)*w:][:dim]
					copy(arg, c.y[r*w:])
					for i, a := range a {
						addScaled(arg, float64(a*h), c.v[(p+i)*w:][:dim])
					}
				}
			}
		}
		for p := 0; p < n; p += nodes {
			r, third := c.row[p], 0.0
			_, h := c.step(r)
			for g, b := range gaussWeights {
				v := c.v[(p+g)*w:][:w]
				addScaled(c.y[r*w:][:w], float64(b*h), v)
				for _, l := range v[dim:] {
					third = math.FMA(gaussThird[g]*h, l, third)
				}
			}
			c.bend[r] += math.Abs(third) / float64(w-dim)
			c.at[r]++
		}
	}
}

// step is where row r's next step begins and how long it is.
func (c *second) step(r int) (t, h float64) {
	t = c.times[r][c.at[r]]
	return t, c.times[r][c.at[r]+1] - t
}

// measure fills the bars' parts of the solver and of rounding of a chunk that was solved from t0 to t1, its rows from
// first on.
func (s *scorer[F]) measure(d *Density, sol *odeint.Solution[float64], first int, t0, t1 float64) {
	n, dim, w := len(sol.Status), s.flow.Dim, s.sys.Dim()
	s.rounding(d, sol, first, t0, t1)
	end := sol.Final()
	sums := func(i int) (x, l float64) { // of embedded estimates, of the point and of ℓ
		if len(sol.Errors) == 0 { // fixed steps
			return 0, 0
		}
		for j, e := range sol.Errors[i*w:][:w] {
			if j < dim {
				x += e
			} else {
				l += e / float64(w-dim)
			}
		}
		return x, l
	}
	if s.check == CheckEmbedded {
		for i := range n {
			bar := math.NaN() // fixed steps by a method without an estimate
			if x, l := sums(i); len(sol.Errors) > 0 {
				bar = float64(embedWide * (l + float64(s.steepness(d.LogP[first+i], s.state[i*w:][:dim], end[i*w:][:dim], t0)*x)))
			}
			d.Parts.Solver[first+i] = bar
		}
		return
	}
	c := &s.second
	for len(c.times) < n {
		c.times = append(c.times, nil)
	}
	all := c.times
	c.times = c.times[:n]
	for i := range n {
		c.times[i] = c.times[i][:0]
		if !sol.Status[i].OK() {
			continue
		}
		s.mesh = sol.AppendSteps(s.mesh[:0], i)
		if t1 == 1 {
			slices.Reverse(s.mesh)
		}
		c.mesh(i, s.mesh, s.stages())
	}
	start := s.state
	if t1 == 1 { // the density of a sample is asked for where the sample is, so the second solve goes back from there
		s.near = append(s.near[:0], end...)
		start = s.near
		for i := range n {
			clear(start[i*w+dim : (i+1)*w])
		}
	}
	solveAgain(c, &s.sys, sol, start)
	c.times = all
	d.checkEvals(first, c.evals)
	for i := range n {
		fine, other := end[i*w:][:w], c.y[i*w:][:w]
		le, _ := meanAndError(fine[dim:])
		lo, _ := meanAndError(other[dim:])
		logp := s.flow.logProb(other[:dim]) + lo
		differ := math.Abs(logp - s.flow.logProb(fine[:dim]) - le)
		if t1 == 1 {
			differ = math.Abs(logp - s.flow.logProb(s.state[i*w:][:dim]) + le)
		}
		_, l := sums(i)
		d.Parts.Solver[first+i] = solverError(differ, l, c.bend[i])
	}
}

// solverError is the bar on the solver's error, from the difference of two solves, the sum of the embedded estimates
// of ℓ, and the divergence's bend over the steps. The bend is of order h⁴ where the
// field is smooth and the estimate of order h⁵, but both are of order h where its slope jumps.
func solverError(differ, embedded, bend float64) float64 {
	bar := float64(solverWide * differ)
	if embedded > 0 && bend > 0 {
		share := min(max((embedded/bend-kinkFrom)/(kinkTo-kinkFrom), 0), 1)
		bar += float64(float64(kinkWide*embedded) * share)
	}
	if math.IsNaN(differ) {
		return math.Inf(1)
	}
	return bar
}

// stages is how often the first solve's method asks for the field in a step.
func (s *scorer[F]) stages() int {
	m := s.solver.Options().Method
	n := len(m.B)
	if n > 1 && m.C[n-1] == 1 && m.B[n-1] == 0 {
		n-- // the last is the next step's first
	}
	return n
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

// rounding adds what F's rounding does. A float32 net is asked at places of the way, at each for three points in a row, a few
// units in the last place apart in point and time: there the field is straight, so the second difference of velocity and
// of divergence is rounding alone, of argument and of arithmetic, with six times its variance. Each evaluation's
// rounding is independent of the others', for the points are far more than a unit apart, and it comes into the result with
// the weight h·bᵢ of its stage; that of a velocity with the slope of log ρₜ besides. Rounding to float64 is below 1e-13
// and counted by a formula.
func (s *scorer[F]) rounding(d *Density, sol *odeint.Solution[float64], first int, t0, t1 float64) {
	n, dim, w := len(sol.Status), s.flow.Dim, s.sys.Dim()
	var zero F
	if _, single := any(zero).(float32); !single {
		for i := range n {
			d.Parts.Rounding[first+i] = float64(0x1p-51 * (1 + float64(math.Abs(d.LogP[first+i])/8)))
		}
		return
	}
	places := roundingPlaces[:]
	if s.check == CheckEmbedded {
		places = places[1:2] // beside the error of probes rounding is nothing
	}
	end := sol.Final()
	s.near, s.vs, s.ws, s.us = resize(s.near, n*w), resize(s.vs, n*w), resize(s.ws, n*w), resize(s.us, n*w)
	s.slope, s.hold = resize(s.slope, n*dim), resize(s.hold, 2*dim)
	b := odeint.Batch[float64]{Row: resize(s.second.row, n), T: resize(s.second.t, n), Y: s.near}
	s.second.row, s.second.t = b.Row, b.T
	s.square, s.since = resize(s.square, n), resize(s.since, n)
	clear(s.square)
	weights := sumSquares(s.solver.Options().Method.B)
	exact := s.sys.probes == 0 && !s.sys.penalties
	source := end
	if t0 == 0 {
		source = s.state
	}
	for i := range n {
		s.since[i] = 0
		s.slopeAtSource(s.slope[i*dim:][:dim], source[i*w:][:dim])
	}
	for p := range places {
		if t0 == 1 {
			p = len(places) - 1 - p // from the source on
		}
		for i := range n {
			b.Row[i], b.T[i] = i, t0
			near := s.near[i*w:][:w]
			copy(near, s.state[i*w:])
			s.mesh = sol.AppendSteps(s.mesh[:0], i)
			if steps := len(s.mesh) - 1; steps > 0 {
				k := int(places[p] * float64(steps))
				b.T[i] = s.mesh[k]
				copy(near, sol.Start(i, k))
			}
		}
		s.sys.keepJac = exact
		s.sys.Eval(s.vs, b)
		s.sys.keepJac = false
		for _, out := range [][]float64{s.us, s.ws} {
			for i := range n {
				for j := range dim {
					s.near[i*w+j] += float64(math.Copysign(nearUnits, float64(-(j&1))) * ulp32(s.near[i*w+j]))
				}
				b.T[i] += float64(math.Copysign(nearUnits, t1-t0) * ulp32(b.T[i]))
			}
			s.sys.Eval(out, b)
		}
		d.checkEvals(first, 3*n)
		for i := range n {
			slope := s.slope[i*dim:][:dim]
			if exact {
				jac := s.sys.jac[i*dim*dim:][:dim*dim]
				carrySlope(slope, s.hold, jac, b.T[i]-s.since[i])
				s.since[i] = b.T[i]
			} else if t0 == 0 {
				steep := s.steepness(d.LogP[first+i], s.state[i*w:][:dim], end[i*w:][:dim], t0)
				for j := range slope {
					slope[j] = steep
				}
			}
			var sum, ell float64
			for j := range w {
				dv := s.vs[i*w+j] - s.us[i*w+j] - (s.us[i*w+j] - s.ws[i*w+j])
				if j >= dim {
					ell += dv / float64(w-dim)
					continue
				}
				unit := ulp32(s.vs[i*w+j])
				sum += float64(float64(slope[j]*slope[j]) * max(float64(dv*dv)/6, float64(unit*unit)/12))
			}
			ell = float64(ell*ell) / 6
			s.mesh = sol.AppendSteps(s.mesh[:0], i)
			var steps float64 // Σ h² of the steps that this place stands for
			lo, hi := p*(len(s.mesh)-1)/len(places), (p+1)*(len(s.mesh)-1)/len(places)
			for k := lo; k < hi; k++ {
				h := s.mesh[k+1] - s.mesh[k]
				steps += float64(h * h)
			}
			s.square[i] += float64(float64(steps*weights) * (sum + ell))
		}
	}
	for i := range n {
		d.Parts.Rounding[first+i] = float64(roundWide * math.Sqrt(s.square[i]))
	}
}

// roundingPlaces are the shares of the steps at which rounding is looked at, each for a third of them; nearUnits is how
// many units in the last place the points there are apart, which is no whole number so that they round differently.
var roundingPlaces = [3]float64{1. / 6, 1. / 2, 5. / 6}

const nearUnits = 5.3

// ulp32 is the unit in the last place of x as a float32.
func ulp32(x float64) float64 {
	v := float32(math.Abs(x))
	return float64(math.Nextafter32(v, math.MaxFloat32) - v)
}

// slopeAtSource sets dst to ∇log μ at x, or to that of the standard normal law where the source does not say.
func (s *scorer[F]) slopeAtSource(dst, x []float64) {
	if src, ok := s.flow.Source.(Scored); ok {
		src.Score(dst, x)
		return
	}
	Normal{}.Score(dst, x)
}

// carrySlope moves s = ∇log ρₜ on by time dt along a row's way, ds/dt = -(∂v/∂x)ᵀs with the Jacobian held: the change of the
// divergence across the way, -∇(∇·v), is left out. Steps are Taylor's of third order; tmp has length 2·D.
func carrySlope(s, tmp, jac []float64, dt float64) {
	dim, norm := len(s), math.Sqrt(sumSquares(jac))
	steps := int(min(max(1, math.Ceil(2*norm*dt)), 200))
	if !(dt > 0) || math.IsInf(norm, 1) || norm != norm {
		return
	}
	h := dt / float64(steps)
	a, b := tmp[:dim], tmp[dim:2*dim]
	for range steps {
		copy(a, s)
		for k := 1.0; k <= 3; k++ {
			clear(b)
			for j, u := range a {
				addScaled(b, float64(-u*h)/k, jac[j*dim:][:dim])
			}
			for l, u := range b {
				s[l] += u
			}
			a, b = b, a
		}
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
