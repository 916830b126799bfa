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
	noiseWide  = 1.0   // times the rounding of one velocity: a difference below it is mostly rounding of the second solve
	kinkFrom   = 0.006 // from this size of the embedded estimate to the divergence's bend on, the field has kinks
	kinkTo     = 0.012
	kinkWide   = 5.0 // of the embedded estimate where it has
	embedWide  = 3.0 // of the embedded estimate where it is all there is
	sampleWide = 3.0 // of the slope of log ρ at a sample, which is a guess
	pointWide  = 1.0 // of what a move by one unit in the last place does to velocities,
	ellWide    = 1.2 // and to divergences
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
		d.Parts.Solver[first+i] = solverError(differ, s.noise[i], l, c.bend[i])
	}
}

// solverError is the bar on the solver's error, from the difference of two solves, what rounding does to one velocity, the
// sum of embedded estimates of ℓ, and the divergence's bend over the steps. Dop853's weights, of either sign and up to 6, make
// more of rounding than those of the first solve. The bend is of order h⁴ where the
// field is smooth and the estimate of order h⁵, but both are of order h where its slope jumps.
func solverError(differ, noise, embedded, bend float64) float64 {
	bar := 0.0
	if differ > 0 {
		bar = float64(float64(solverWide*differ) * (differ / (differ + float64(noiseWide*noise))))
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

// rounding adds what F's rounding does: a float32 net is asked at three places of the way, there and one unit in the last
// place beside in point and time, and the change of its velocity and divergence is taken for the error of every
// evaluation. Most of it averages out over the way. Rounding to float64 is below 1e-13 and counted by a formula.
func (s *scorer[F]) rounding(d *Density, sol *odeint.Solution[float64], first int, t0, t1 float64) {
	n, dim, w := len(sol.Status), s.flow.Dim, s.sys.Dim()
	s.moved, s.noise = resize(s.moved, n), resize(s.noise, n)
	clear(s.moved)
	clear(s.noise)
	var zero F
	if _, single := any(zero).(float32); !single {
		for i := range n {
			d.Parts.Rounding[first+i] = float64(0x1p-51 * (1 + float64(math.Abs(d.LogP[first+i])/8)))
		}
		return
	}
	places := []float64{1. / 6, 1. / 2, 5. / 6}
	if s.check == CheckEmbedded {
		places = places[1:2] // beside the error of probes rounding is nothing
	}
	end := sol.Final()
	s.near, s.vs, s.ws = resize(s.near, n*w), resize(s.vs, n*w), resize(s.ws, n*w)
	b := odeint.Batch[float64]{Row: resize(s.second.row, n), T: resize(s.second.t, n), Y: s.near}
	s.second.row, s.second.t = b.Row, b.T
	for _, place := range places {
		for i := range n {
			b.Row[i], b.T[i] = i, t0
			near := s.near[i*w:][:w]
			copy(near, s.state[i*w:])
			s.mesh = sol.AppendSteps(s.mesh[:0], i)
			if steps := len(s.mesh) - 1; steps > 0 {
				k := int(place * float64(steps))
				b.T[i] = s.mesh[k]
				copy(near, sol.Start(i, k))
			}
		}
		s.sys.Eval(s.vs, b)
		for i := range n {
			for j := range dim {
				v := float32(s.near[i*w+j])
				to := float32(math.Inf(1 - 2*(j&1)))
				s.near[i*w+j] = float64(math.Nextafter32(v, to))
			}
			b.T[i] = math.Abs(b.T[i] - 0x1p-24)
		}
		s.sys.Eval(s.ws, b)
		d.checkEvals(first, 2*n)
		for i := range n {
			steep := 1.0
			if t0 == 0 {
				steep = s.steepness(d.LogP[first+i], s.state[i*w:][:dim], end[i*w:][:dim], t0)
			}
			var sum, ell float64
			for j := range dim {
				dv := float64(steep * (s.ws[i*w+j] - s.vs[i*w+j]))
				if t0 != 0 {
					dv *= end[i*w+j]
				}
				sum += float64(dv * dv)
			}
			for j := dim; j < w; j++ {
				ell += (s.ws[i*w+j] - s.vs[i*w+j]) / float64(w-dim)
			}
			s.noise[i] += sum / float64(len(places))
			s.moved[i] += float64(ell*ell) / float64(len(places))
		}
	}
	for i := range n {
		d.Parts.Rounding[first+i] = math.Sqrt(float64(pointWide*pointWide*s.noise[i]) + float64(ellWide*ellWide*s.moved[i]))
		s.noise[i] = math.Sqrt(s.noise[i])
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
