package cfm

import (
	"context"
	"errors"
	"fmt"
	"math"

	"pushforward/autograd"
	"pushforward/odeint"
	"pushforward/simd"
	"pushforward/simd/rng"
)

// DensityOptions configures LogDensity. With no tolerances set, a float64 flow is solved at
// odeint's defaults and a float32 flow at 1e-5, below which the rounding of its net would
// drive the steps.
type DensityOptions struct {
	odeint.Options
	Divergence Divergence // Auto: exact up to 64 dimensions, else 8 sign probes; Exact; Probes(n), fixed per row
	Normal     bool       // probes are standard normal numbers instead of signs: for comparison, their variance is larger
	Strict     bool       // put ℓ into the error norm
	Check      Check      // how the solver's part of the error bar is found
	RoundTrip  bool       // solve the way back too and count by how much ∫∇·v differs, at twice the price
	Key        rng.Key    // where the probes come from
	Row        []int      // number of each row, by which its probes are drawn; nil: 0, 1, …

	probes []float64 // tests: the probes themselves, rows × n × D
}

// Divergence says how ∇·v is found.
type Divergence int

// Auto is Exact up to 64 dimensions and Probes(8) beyond.
const Auto Divergence = 0

// Exact sums the D diagonal entries of the Jacobian, at the price of D products with it.
const Exact Divergence = -1

// Probes estimates the divergence without bias as the mean of ε·(∂v/∂x)ᵀε over n probes ε of
// random signs (Hutchinson 1990). A row keeps its probes for the whole solve, so that the
// equation stays smooth (Grathwohl et al. 2019); they depend on the key and the row's number.
func Probes(n int) Divergence {
	if n <= 0 {
		panic(fmt.Sprintf("cfm: Probes: %d probes", n))
	}
	return Divergence(n)
}

// autoExact is the largest dimension for which Auto is Exact, autoProbes its probes beyond.
const (
	autoExact  = 64
	autoProbes = 8
)

// resolve returns the number of probes, 0 for the exact divergence.
func (d Divergence) resolve(dim int) int {
	switch {
	case d == Exact || d == Auto && dim <= autoExact:
		return 0
	case d == Auto:
		return autoProbes
	case d < 0:
		panic(fmt.Sprintf("cfm: Divergence(%d)", int(d)))
	}
	return int(d)
}

// Density is what LogDensity found. LogP of a row whose solve did not finish is NaN.
type Density struct {
	LogP []float64
	Err  []float64 // bar on LogP: the parts below, added in squares
	// Probe is the standard error of the mean over probes: 0 for the exact divergence, NaN
	// for one probe, which says nothing of its spread. Solver is a bound that the error of the
	// integration keeps to for some 95 rows in 100, see Check. Rounding is what the rounding of
	// the field's numbers may do. RoundTrip is how much ∫∇·v differs between the way there and the
	// way back. Those that were not measured are nil.
	Parts  struct{ Probe, Solver, Rounding, RoundTrip []float64 }
	Status []odeint.Status // how each row's solve ended
	Stats  odeint.Stats    // of the solve itself
	Check  int             // rows evaluated for the error bar, besides those of Stats

	checks []int // Check by chunk of rows, while workers fill it
	chunk  int
}

// checkEvals counts the work of the chunk that begins with row first.
func (d *Density) checkEvals(first, rows int) { d.checks[first/d.chunk] += rows }

// LogDensity finds log ρ₁ of each row of x, which is in data units. It integrates
// d/dt (x, ℓ) = (v, ∇·v) from (x, 0) at t = 1 down to t = 0; then
//
//	log ρ₁(x) = log μ(x₀) + ℓ(0) - Σ log Scale
//
// (Chen et al. 2018). The state is held in float64 whatever F is. ℓ is left out of the error
// norm unless opt.Strict: it is a quadrature along x, whose steps, at most 1/8 long unless
// opt.MaxStep says otherwise, suffice for it where the divergence is smooth. Every probe has its
// own ℓ.
//
// A row whose solve failed has its Status and LogP NaN; the error names the first such row.
// A Guided field and a source without a density are refused.
func (f *Flow[F]) LogDensity(ctx context.Context, x autograd.Tensor[F], opt DensityOptions) (Density, error) {
	if x.Shape.Rank() != 2 || x.Shape.Dim(1) != f.Dim {
		panic(fmt.Sprintf("cfm: LogDensity: points %v, the flow has %d columns", x.Shape, f.Dim))
	}
	if opt.Row != nil && len(opt.Row) != x.Rows() {
		panic(fmt.Sprintf("cfm: LogDensity: points %v, numbers of %d rows", x.Shape, len(opt.Row)))
	}
	d, _, err := f.push(ctx, x, x.Rows(), 1, 0, opt)
	return d, err
}

// SampleDensity is Sample and LogDensity in one solve from t = 0 to 1: the rows of Sample with
//
//	log ρ₁(x) = log μ(x₀) - ∫₀¹ ∇·v dt - Σ log Scale
//
// Rows differ from Sample's by the tolerance of the solve.
func (f *Flow[F]) SampleDensity(ctx context.Context, n int, key rng.Key, opt DensityOptions) (Samples[F], Density, error) {
	d, y, err := f.push(ctx, f.Draw(n, key), n, 0, 1, opt)
	s := Samples[F]{X: autograd.NewTensor[F](n, f.Dim), Status: d.Status, Stats: d.Stats}
	for i := range y {
		s.X.Data[i] = F(y[i])
	}
	return s, d, err
}

// push integrates points and divergence from t0 to t1, the ends of [0, 1] in either order. y
// is where the points arrive, in the coordinates of t1.
func (f *Flow[F]) push(ctx context.Context, x autograd.Tensor[F], n int, t0, t1 float64, opt DensityOptions) (d Density, y []float64, err error) {
	return f.pushWith(ctx, x, n, t0, t1, opt, nil, nil)
}

// pushWith is push with a hook: begin is told the number of chunks, then is called with each
// chunk's solution.
func (f *Flow[F]) pushWith(ctx context.Context, x autograd.Tensor[F], n int, t0, t1 float64, opt DensityOptions, begin func(tasks int), then func(s *scorer[F], task, first int, sol *odeint.Solution[float64]) error) (d Density, y []float64, err error) {
	d = Density{LogP: make([]float64, n), Err: make([]float64, n), Status: make([]odeint.Status, n)}
	d.Parts.Probe = make([]float64, n)
	check := opt.resolveCheck(f.Dim)
	if check != CheckNone {
		d.Parts.Solver, d.Parts.Rounding = make([]float64, n), make([]float64, n)
	}
	if opt.RoundTrip {
		d.Parts.RoundTrip = make([]float64, n)
	}
	if err := f.check(n); err != nil {
		return d, nil, err
	}
	if u, ok := f.Field.(undensity); ok {
		return d, nil, fmt.Errorf("cfm: log density: %s", u.noDensity())
	}
	probes := opt.Divergence.resolve(f.Dim)
	y = make([]float64, n*f.Dim)
	rows := densityRows(f.Dim, probes)
	tasks := (n + rows - 1) / rows
	d.checks, d.chunk = make([]int, tasks), rows
	p := newPool(poolSize(tasks), nil)
	defer p.close()
	workers := make([]*scorer[F], p.workers)
	stats := make([]odeint.Stats, tasks)
	errs := make([]error, tasks)
	if begin != nil {
		begin(tasks)
	}
	p.run(tasks, func(w, i int) {
		if workers[w] == nil {
			workers[w] = newScorer(f, probes, opt)
		}
		s := workers[w]
		lo, hi := i*rows, min((i+1)*rows, n)
		sol, err := s.run(ctx, &d, y[lo*f.Dim:hi*f.Dim], x.Slice(lo, hi), lo, t0, t1)
		if sol != nil {
			stats[i] = sol.Stats
		}
		if err == nil && then != nil {
			err = then(s, i, lo, sol)
		}
		errs[i] = err
	})
	d.Stats = addStats(stats)
	for _, c := range d.checks {
		d.Check += c
	}
	d.checks = nil
	return d, y, firstError("log density", errs)
}

// densityRows is how many rows are scored together: fewer where each needs many products, so
// that few rows still spread over the cores. It moves no bit.
func densityRows(dim, probes int) int {
	if probes == 0 && dim > 8 || probes > 8 {
		return 32
	}
	return 128
}

// scorer is what one goroutine needs to score chunks: after its first it allocates nothing.
type scorer[F simd.Float] struct {
	flow   *Flow[F]
	opt    DensityOptions
	solver *odeint.Solver[float64]
	back   *odeint.Solver[float64] // of round trips
	sys    divergence[F]
	state  []float64
	logDet float64 // Σ log Scale

	check            Check
	second           second
	mesh             []float64
	near, vs, us, ws []float64 // of rounding
	slope, hold      []float64 // ∇log ρₜ by row, and scratch memory for it
	since, square    []float64 // by row: the time of slope, and the square of what rounding adds up to
}

// resolveCheck is opt.Check with what CheckAuto stands for.
func (opt DensityOptions) resolveCheck(dim int) Check {
	switch {
	case opt.Check == CheckAuto && opt.Divergence.resolve(dim) > 0, opt.Check <= CheckMesh && len(opt.Stops) > 0:
		return CheckEmbedded
	case opt.Check == CheckAuto:
		return CheckMesh
	case opt.Check < 0 || opt.Check > CheckNone:
		panic(fmt.Sprintf("cfm: Check(%d)", int(opt.Check)))
	}
	return opt.Check
}

func newScorer[F simd.Float](f *Flow[F], probes int, opt DensityOptions) *scorer[F] {
	return newPenalised(f, probes, opt, false)
}

// newPenalised is newScorer of a system that integrates the penalties of NLL too.
func newPenalised[F simd.Float](f *Flow[F], probes int, opt DensityOptions, penalties bool) *scorer[F] {
	o := opt.Options
	o.SaveAt, o.Dense, o.Events = nil, false, nil
	var zero F
	if _, single := any(zero).(float32); single && o.Rtol == 0 && o.Atol == 0 {
		o.Rtol, o.Atol = 1e-5, 1e-5
	}
	if o.MaxStep == 0 && !opt.Strict {
		o.MaxStep = quadratureStep
	}
	s := &scorer[F]{flow: f, opt: opt, sys: newDivergence(f, probes), check: opt.resolveCheck(f.Dim)}
	o.Errors = s.check != CheckNone
	o.Replay, o.Dense = o.Replay || s.check != CheckNone, s.check == CheckMesh
	s.sys.penalties = penalties
	o.Weights = make([]float64, s.sys.Dim())
	for j := range o.Weights {
		if j < f.Dim || opt.Strict && j < f.Dim+s.sys.ells() {
			o.Weights[j] = 1
		}
	}
	s.solver = odeint.NewSolver[float64](o)
	if opt.RoundTrip {
		s.back = odeint.NewSolver[float64](o)
	}
	for _, v := range f.Scale {
		s.logDet += simd.Log(math.Abs(v))
	}
	return s
}

// quadratureStep bounds the steps of a solve that does not watch ℓ. A row that hardly moves
// would otherwise cross [0, 1] in one or two steps, however its divergence changes on the way:
// 0.02 nats off at the centre of a Gaussian. Rows that move take some ten steps anyhow.
const quadratureStep = 1.0 / 8

var errNoDensity = errors.New("the source has no density in closed form")

// run scores rows first, first+1, … of the job.
func (s *scorer[F]) run(ctx context.Context, d *Density, y []float64, x autograd.Tensor[F], first int, t0, t1 float64) (*odeint.Solution[float64], error) {
	f, n, dim, w := s.flow, x.Rows(), s.flow.Dim, s.sys.Dim()
	s.state = resize(s.state, n*w)
	clear(s.state)
	for i := range n {
		z := s.state[i*w:][:dim]
		for j, v := range x.Row(i) {
			z[j] = float64(v)
			if t0 == 1 {
				z[j] = f.toField(j, z[j])
			}
		}
	}
	s.sys.begin(n, first, s.opt)
	var start []float64
	if t0 == 0 {
		// log μ of the start points is needed after the solve; y holds them until then.
		for i := range n {
			copy(y[i*dim:][:dim], s.state[i*w:][:dim])
		}
		start = y
	}
	sol, err := s.solver.Solve(ctx, &s.sys, s.state, t0, t1)
	if sol == nil {
		return nil, err
	}
	end := sol.Final()
	for i := range n {
		r := first + i
		d.Status[r] = sol.Status[i]
		z, l := end[i*w:][:dim], end[i*w+dim:][:s.sys.ells()]
		base := z
		if t0 == 0 {
			base = start[i*dim:][:dim]
		}
		logp := f.logProb(base)
		mean, se := meanAndError(l)
		if t0 == 0 {
			mean = -mean
		}
		d.LogP[r] = logp + mean - s.logDet
		if s.sys.probes == 0 {
			se = 0
		}
		d.Parts.Probe[r] = se
		if sol.Status[i].OK() && math.IsNaN(logp) && err == nil {
			err = errNoDensity
		}
		for j, v := range z {
			if t1 == 1 {
				v = f.toData(j, v)
			}
			y[i*dim+j] = v
		}
	}
	if s.check != CheckNone && ctx.Err() == nil {
		s.measure(d, sol, first, t0, t1)
	}
	if d.Parts.RoundTrip != nil {
		s.roundTrip(ctx, d, end, first, t0, t1)
	}
	for i := range n {
		s.total(d, first+i, sol.Status[i].OK())
	}
	return sol, shiftError(err, first)
}

// total adds the parts of row r's bar. A row whose solve failed has none, and no density.
func (s *scorer[F]) total(d *Density, r int, ok bool) {
	if !ok {
		d.LogP[r], d.Err[r] = math.NaN(), math.NaN()
		for _, p := range [][]float64{d.Parts.Probe, d.Parts.Solver, d.Parts.Rounding, d.Parts.RoundTrip} {
			if p != nil {
				p[r] = math.NaN()
			}
		}
		return
	}
	var sum float64
	for _, p := range [][]float64{d.Parts.Probe, d.Parts.Solver, d.Parts.Rounding, d.Parts.RoundTrip} {
		if p != nil {
			sum += float64(p[r] * p[r])
		}
	}
	d.Err[r] = math.Sqrt(sum)
}

// meanAndError returns the mean of l and its standard error, NaN for one number.
func meanAndError(l []float64) (mean, se float64) {
	n := float64(len(l))
	for _, v := range l {
		mean += v
	}
	mean /= n
	if len(l) == 1 {
		return mean, math.NaN()
	}
	var q float64
	for _, v := range l {
		e := v - mean
		q += float64(e * e)
	}
	return mean, math.Sqrt(q / (n * (n - 1)))
}

// logProb returns log μ.
func (f *Flow[F]) logProb(x []float64) float64 {
	if f.Source == nil {
		return Normal{}.LogProb(x)
	}
	return f.Source.LogProb(x)
}

// toField and toData map a number of column j.
func (f *Flow[F]) toField(j int, v float64) float64 {
	if f.Loc != nil {
		v -= f.Loc[j]
	}
	if f.Scale != nil {
		v /= f.Scale[j]
	}
	return v
}

func (f *Flow[F]) toData(j int, v float64) float64 {
	if f.Scale != nil {
		v = float64(v * f.Scale[j])
	}
	if f.Loc != nil {
		v += f.Loc[j]
	}
	return v
}
