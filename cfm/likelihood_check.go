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
// whose slope jumps, both err alike, and the first solve's own estimate of ℓ's error is added.
//
// The numbers were fitted on random closed densities and trained nets at tolerances from 1e-4 to 1e-8; docs/density.md
// says how often the bar held and how wide it was on others, and what else was tried.
const (
	meshRatio  = 1.25  // steps of a method of six evaluations to one of the second solve's
	solverWide = 3.0   // how many times the difference the bar is
	noiseWide  = 3.0   // times the rounding of the second solve: a difference below it is mostly that
	doubtWide  = 1.75  // how many times such a difference the bar is,
	doubtFrom  = 0.75  // which counts as no less than so much of that rounding
	kinkFrom   = 0.006 // from this size of the embedded estimate to the divergence's bend on, the field has kinks
	kinkTo     = 0.012
	kinkWide   = 5.0 // of the embedded estimate where it has
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
	// CheckMesh solves a second time by Dop853 over fewer steps, asking for two thirds as many divergences.
	CheckMesh
	// CheckEmbedded sums up the method's own estimates, at no price. They are of a lower order: mostly too wide,
	// too narrow where the divergence jumps.
	CheckEmbedded
	// CheckNone leaves the solver's part out.
	CheckNone
)

// second is the solve that the first one's error is read from: Dop853 for the points alone, and ℓ by Gauss's rule
// with four nodes a step, at the points that Dop853's continuous extension puts there. The divergence, which is
// the dear part, is so asked for four times a step.
type second struct {
	times  [][]float64 // by row: between which its steps run
	at     []int       // by row: its next step
	y      []float64   // points and ℓ, rows × w
	row    []int
	t      []float64
	arg, v []float64 // of one stage, by slot
	k      []float64 // of all stages, by row
	third  []float64 // by slot: c₃ of the step at hand
	bend   []float64 // by row: Σ |c₃|, c₃ being the last of four Legendre coefficients of h·∇·v over a step
	evals  int
}

// secondC and secondA are where the second solve asks for the field: the stages of Dop853 in rows below gaussFrom,
// whose last is f at the step's end, and then Gauss's nodes.
var secondC, secondA = secondStages()

// gaussFrom is the first of Gauss's nodes.
const gaussFrom = 16

func secondStages() (c [gaussFrom + 4]float64, a [gaussFrom + 4][]float64) {
	m := odeint.Dop853
	n := copy(c[:], m.C)
	copy(a[:], m.A)
	c[n], a[n] = 1, m.B
	copy(c[n+1:], m.XC)
	copy(a[n+1:], m.XA)
	for g, x := range gaussNodes {
		c[gaussFrom+g] = x
		a[gaussFrom+g] = make([]float64, gaussFrom)
		for i, p := range m.P {
			pow := x
			for _, q := range p {
				a[gaussFrom+g][i] = math.FMA(q, pow, a[gaussFrom+g][i])
				pow *= x
			}
		}
	}
	return
}

// Gauss's rule on [0, 1], and the third Legendre polynomial at its nodes times its weights times 7, which gives c₃.
var (
	gaussNodes   = [4]float64{0.06943184420297371, 0.33000947820757187, 0.6699905217924281, 0.9305681557970263}
	gaussWeights = [4]float64{0.17392742256872693, 0.32607257743127307, 0.32607257743127307, 0.17392742256872693}
	gaussThird   = [4]float64{-0.3710270034019471, 0.939772470377753, -0.939772470377753, 0.37102700340194794}
)

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

// solveAgain integrates sys over the meshes of all rows of c from y0.
func solveAgain[F simd.Float](c *second, sys *divergence[F], y0 []float64) {
	w, dim, rows := sys.Dim(), sys.flow.Dim, len(c.times)
	c.y = append(c.y[:0], y0...)
	c.at, c.t, c.bend = resize(c.at, rows), resize(c.t, rows), resize(c.bend, rows)
	c.arg, c.v, c.k = resize(c.arg, rows*w), resize(c.v, rows*w), resize(c.k, gaussFrom*rows*dim)
	c.third = resize(c.third, rows)
	clear(c.at)
	clear(c.bend)
	c.evals = 0
	defer func() { sys.pathOnly = false }()
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
		clear(c.third)
		for i, a := range secondA {
			if i == 0 && !first { // f at the last step's end
				for _, r := range c.row {
					copy(c.k[r*dim:][:dim], c.k[(12*rows+r)*dim:][:dim])
				}
				continue
			}
			for p, r := range c.row {
				t, h := c.step(r)
				c.t[p] = c.times[r][c.at[r]+1]
				if secondC[i] != 1 {
					c.t[p] = math.FMA(secondC[i], h, t)
				}
				arg := c.arg[p*w:][:dim]
				copy(arg, c.y[r*w:][:dim])
				for j, a := range a {
					if a != 0 {
						addScaled(arg, float64(a*h), c.k[(j*rows+r)*dim:][:dim])
					}
				}
			}
			sys.pathOnly = i < gaussFrom
			sys.Eval(c.v[:n*w], odeint.Batch[float64]{Row: c.row, T: c.t[:n], Y: c.arg[:n*w]})
			c.evals += n
			for p, r := range c.row {
				v := c.v[p*w:][:w]
				if i < gaussFrom {
					copy(c.k[(i*rows+r)*dim:][:dim], v)
					continue
				}
				_, h := c.step(r)
				for j := dim; j < w; j++ {
					c.y[r*w+j] = math.FMA(float64(gaussWeights[i-gaussFrom]*h), v[j], c.y[r*w+j])
					c.third[p] = math.FMA(gaussThird[i-gaussFrom]*h, v[j], c.third[p])
				}
			}
		}
		for p, r := range c.row {
			_, h := c.step(r)
			for i, b := range odeint.Dop853.B {
				if b != 0 {
					addScaled(c.y[r*w:][:dim], float64(b*h), c.k[(i*rows+r)*dim:][:dim])
				}
			}
			c.bend[r] += math.Abs(c.third[p]) / float64(w-dim)
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
		s.mesh = sol.AppendSteps(s.mesh[:0], i)
		if len(s.mesh) < 2 {
			s.mesh = append(s.mesh[:0], t0, t1)
		}
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
	solveAgain(c, &s.sys, start)
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
		known := math.Inf(1)
		if len(sol.Errors) > 0 && s.noise[i] > 0 {
			known = l + math.Sqrt(float64(sumSquares(s.slope[i*dim:][:dim])*sumSquares(sol.Errors[i*w:][:dim])))
			known *= float64(embedWide * min(1, s.change[i]))
		}
		d.Parts.Solver[first+i] = solverError(differ, s.noise[i], known, l, c.bend[i])
	}
}

// solverError is the bar on the solver's error, from the difference of two solves, what rounding adds to the second, the bar by
// embedded estimates, the sum of those of ℓ, and the divergence's bend over the steps. Dop853's weights, of either sign and up to 6,
// make some nine times more of rounding than those of the first solve: a difference no larger than that says little of the
// solver, and then the embedded estimates do if they are smaller. Those are of the lower order, so the error of the
// step that was taken is theirs times what the field changes over a step. The bend is of order h⁴ where the
// field is smooth and the estimate of order h⁵, but both are of order h where its slope jumps.
func solverError(differ, noise, known, embedded, bend float64) float64 {
	bar := 0.0
	if differ > 0 {
		bar = float64(solverWide * differ)
		speaks := float64(differ * differ)
		speaks /= speaks + float64(noiseWide*noiseWide*float64(noise*noise))
		bar = float64(speaks*bar) + float64((1-speaks)*min(float64(doubtWide*math.Sqrt(float64(differ*differ)+float64(doubtFrom*doubtFrom*float64(noise*noise)))), known))
	}
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
	s.noise = resize(s.noise, n)
	clear(s.noise)
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
	s.norm, s.change = resize(s.norm, n), resize(s.change, n)
	clear(s.square)
	weights, again := sumSquares(s.solver.Options().Method.B), float64(6*meshRatio)/float64(s.stages())
	exact := s.sys.probes == 0 && !s.sys.penalties
	source := end
	if t0 == 0 {
		source = s.state
	}
	for i := range n {
		s.since[i], s.norm[i], s.change[i] = 0, 0, 0
		if !exact {
			s.change[i] = 1
		}
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
				at, jac := b.T[i], s.sys.jac[i*dim*dim:][:dim*dim]
				norm, since := math.Sqrt(sumSquares(jac)), at-s.since[i]
				carrySlope(slope, s.hold, jac, norm, since)
				rate := norm
				if s.norm[i] > 0 && norm > 0 && since > 0 {
					rate += math.Abs(norm-s.norm[i]) / (since * norm)
				}
				s.change[i] = max(s.change[i], rate/float64(max(1, len(sol.AppendSteps(s.mesh[:0], i))-1)))
				s.since[i], s.norm[i] = at, norm
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
			s.noise[i] += float64(float64(steps*again) * (float64(secondSquares*sum) + float64(gaussSquares*ell)))
		}
	}
	for i := range n {
		d.Parts.Rounding[first+i] = float64(roundWide * math.Sqrt(s.square[i]))
		s.noise[i] = math.Sqrt(s.noise[i])
	}
}

// roundingPlaces are the shares of the steps at which rounding is looked at, each for a third of them; nearUnits is how
// many units in the last place the points there are apart, which is no whole number so that they round differently.
var roundingPlaces = [3]float64{1. / 6, 1. / 2, 5. / 6}

const nearUnits = 5.3

// secondSquares and gaussSquares are Σ bᵢ² of the second solve, of points and of ℓ.
var secondSquares, gaussSquares = sumSquares(odeint.Dop853.B), sumSquares(gaussWeights[:])

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
// divergence across the way, -∇(∇·v), is left out. norm is the Jacobian's. Steps are Taylor's of third order; tmp has length 2·D.
func carrySlope(s, tmp, jac []float64, norm, dt float64) {
	dim := len(s)
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
