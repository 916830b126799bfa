package cfm

import (
	"context"
	"errors"
	"fmt"
	"math"

	"pushforward/autograd"
	"pushforward/cfm/ot"
	"pushforward/odeint"
	"pushforward/simd"
)

// moving fills in how rows are moved unless opt says otherwise: by odeint.Bosh5 with proportional-integral control,
// at 2.5 times the tolerances, the first step the fifth root of the tolerance instead of a trial. A trained field moves
// standardised rows by a few times their spread over one unit of time, so that such a step is nearly always kept. On trained
// fields the result is as exact as Dopri5's at the tolerances themselves, after a quarter fewer evaluations
// (docs/benchmarks.md). On fields as smooth as a Gaussian's Dopri5 gives more digits than it is asked for; Bosh5 does not.
func moving[F simd.Float](opt odeint.Options) odeint.Options {
	if opt.Step > 0 || opt.Control != nil || opt.Method != nil && opt.Method != odeint.Bosh5 {
		return opt
	}
	const wider = 2.5
	opt.Control = odeint.PID{P: 0.2, I: 0.6}
	opt.Method = odeint.Bosh5
	o := odeint.NewSolver[F](opt).Options() // with odeint's own tolerances
	if tol := float64(wider * max(o.Rtol, o.Atol)); opt.FirstStep == 0 && opt.Rtols == nil && opt.Atols == nil {
		opt.FirstStep = simd.Pow(tol, 0.2)
	}
	wide := func(tol float64) float64 {
		if tol == 0 {
			return -1 // odeint's word for zero
		}
		return float64(wider * tol)
	}
	opt.Rtol, opt.Atol = wide(o.Rtol), wide(o.Atol)
	return opt
}

// Course is how rows get from the source to t = 1, in the field's coordinates. Both energies are sums over
// the chords xₖ₊₁ - xₖ between equal times,
//
//	Energy    = E Σₖ ‖xₖ₊₁ - xₖ‖² / (tₖ₊₁ - tₖ)  →  ∫ E‖v(t, x(t))‖² dt
//	Transport = E ‖x(1) - x(0)‖²
//
// so that Energy ≥ Transport ≥ W₂² of the two ends. Their difference is the straightness of Liu et al. 2022,
//
//	∫ E‖x(1) - x(0) - v(t, x(t))‖² dt
//
// zero where every path is a straight line run at constant speed: one Euler step is then exact.
type Course struct{ Energy, Transport float64 }

// Straightness is Energy - Transport: 0 for straight paths.
func (c Course) Straightness() float64 { return max(0, c.Energy-c.Transport) }

// Curvature is the share of the energy that goes into bends, 0 to 1.
func (c Course) Curvature() float64 {
	if c.Energy <= 0 {
		return 0
	}
	return c.Straightness() / c.Energy
}

// chords is how many pieces a course is measured in. The chords of a smooth path miss h²/12·∫‖x″‖² dt of its
// energy, h = 1/64.
const chords = 64

// Course follows the rows of x0, in source coordinates as Draw gives them, to t = 1. opt is that of Transport.
func (f *Flow[F]) Course(ctx context.Context, x0 autograd.Tensor[F], opt odeint.Options) (Course, error) {
	c, _, err := f.course(ctx, x0, chords, opt)
	return c, err
}

// course is Course measured in pieces, with where the rows arrive, in the field's coordinates.
func (f *Flow[F]) course(ctx context.Context, x0 autograd.Tensor[F], pieces int, opt odeint.Options) (c Course, out Samples[F], err error) {
	if x0.Shape.Rank() != 2 || x0.Shape.Dim(1) != f.Dim {
		panic(fmt.Sprintf("cfm: Course: points %v, the flow has %d columns", x0.Shape, f.Dim))
	}
	n := x0.Rows()
	out = Samples[F]{X: autograd.NewTensor[F](n, f.Dim), Status: make([]odeint.Status, n)}
	if err := f.check(n); err != nil || n == 0 {
		return c, out, err
	}
	opt.SaveAt, opt.Dense, opt.Events = nil, false, nil
	opt = moving[F](opt)
	for k, t := 1, opt.Step; k <= pieces; k, t = k+1, t+opt.Step {
		at := float64(k) / float64(pieces)
		if opt.Step > 0 && math.Abs(t-at) < 1e-9 {
			at = t // where the solver's own step ends, and nothing is to be interpolated
		}
		opt.SaveAt = append(opt.SaveAt, min(at, 1))
	}
	opt.SaveAt[pieces-1] = 1
	tasks := (n + chunk - 1) / chunk
	p := newPool(poolSize(tasks), nil)
	defer p.close()
	workers := make([]*carrier[F], p.workers)
	stats, errs, sums := make([]odeint.Stats, tasks), make([]error, tasks), make([]Course, tasks)
	p.run(tasks, func(w, i int) {
		if workers[w] == nil {
			workers[w] = newCarrier(f, opt)
		}
		r := workers[w]
		lo, hi := i*chunk, min((i+1)*chunk, n)
		x := x0.Slice(lo, hi)
		r.sys.first = lo
		sol, err := r.solver.Solve(ctx, &r.sys, x.Data, 0, 1)
		errs[i] = shiftError(err, lo)
		if sol == nil {
			return
		}
		stats[i] = sol.Stats
		copy(out.X.Slice(lo, hi).Data, sol.Final())
		copy(out.Status[lo:hi], sol.Status)
		before := x.Data
		for k := range pieces {
			sums[i].Energy += float64(float64(pieces) * squares(sol.Saved(k), before))
			before = sol.Saved(k)
		}
		sums[i].Transport = squares(before, x.Data)
	})
	out.Stats = addStats(stats)
	for _, s := range sums {
		c.Energy += s.Energy / float64(n)
		c.Transport += s.Transport / float64(n)
	}
	return c, out, firstError("course", errs)
}

// squares is Σ (x - y)².
func squares[F simd.Float](x, y []F) (sum float64) {
	for i, v := range x {
		d := float64(v) - float64(y[i])
		sum += float64(d * d)
	}
	return sum
}

// Sampler is a way to integrate a flow and what Tune found it to be worth, against the reference's rows from
// the same noise. Both errors are in units of the spread √(E‖x - E x‖²) of the reference's rows: 0.01 is one
// per cent of it.
type Sampler struct {
	Options odeint.Options
	Evals   float64 // evaluations of the field a row
	W2      float64 // between the two clouds: how wrong the law is
	Paired  float64 // root mean square distance of the rows of equal noise: at least W2
	Course
}

// TuneOptions configures Tune. Zero fields have the documented defaults.
type TuneOptions struct {
	Error      float64          // the largest W2 allowed: 0.01
	Candidates []odeint.Options // Samplers()
	Reference  odeint.Options   // Dopri5 at 1e-5
}

// ErrNoSampler says that no candidate of Tune met the error.
var ErrNoSampler = errors.New("no sampler meets the error")

// Samplers are the candidates of Tune: Euler, midpoint and RK4 with 1, 2, 3, 4, 6, 8, … steps, and Bosh3, Bosh5 and Dopri5 at
// tolerances from 0.1 to 1e-4.
func Samplers() (all []odeint.Options) {
	for _, m := range []struct {
		method *odeint.Tableau
		most   int
	}{{odeint.Euler, 96}, {odeint.Midpoint, 48}, {odeint.RK4, 16}} {
		for _, n := range []int{1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96} {
			if n <= m.most {
				all = append(all, odeint.Options{Method: m.method, Step: 1 / float64(n)})
			}
		}
	}
	for _, m := range []*odeint.Tableau{odeint.Bosh3, odeint.Bosh5, odeint.Dopri5} {
		for _, tol := range []float64{1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 1e-4} {
			all = append(all, odeint.Options{Method: m, Rtol: tol, Atol: tol})
		}
	}
	return all
}

// Tune measures every candidate on the rows of x0, in source coordinates, and returns the one of fewest
// evaluations whose W2 is within the error, the more exact one among equals, with all that was measured in
// the order of the candidates. W2 is exact, so its time grows with the cube of the rows: 1,024 are plenty. A
// candidate whose solve failed counts as infinitely wrong. With none good enough the error wraps ErrNoSampler.
func (f *Flow[F]) Tune(ctx context.Context, x0 autograd.Tensor[F], opt TuneOptions) (best Sampler, all []Sampler, err error) {
	if opt.Error == 0 {
		opt.Error = 0.01
	}
	if !(opt.Error > 0) || math.IsInf(opt.Error, 0) {
		return best, nil, fmt.Errorf("cfm: tune: an error of %v, want a positive number", opt.Error)
	}
	if opt.Candidates == nil {
		opt.Candidates = Samplers()
	}
	if opt.Reference.Method == nil && opt.Reference.Rtol == 0 {
		opt.Reference = odeint.Options{Method: odeint.Dopri5, Rtol: 1e-5, Atol: 1e-5}
	}
	if x0.Rows() < 2 {
		return best, nil, fmt.Errorf("cfm: tune: %d rows, want at least 2", x0.Rows())
	}
	_, ref, err := f.course(ctx, x0, chords, opt.Reference)
	if err != nil {
		return best, nil, fmt.Errorf("cfm: tune: reference: %w", err)
	}
	want := widen(nil, ref.X.Data)
	unit := spread(want, f.Dim)
	if unit == 0 {
		return best, nil, fmt.Errorf("cfm: tune: the reference's rows are all equal")
	}
	var got []float64
	for _, o := range opt.Candidates {
		pieces := chords
		if o.Step > 0 {
			pieces = max(1, int(math.Round(1/o.Step))) // the solver's own steps
		}
		c, s, err := f.course(ctx, x0, pieces, o)
		var solve *odeint.SolveError
		if err != nil && (ctx.Err() != nil || !errors.As(err, &solve)) {
			return best, all, fmt.Errorf("cfm: tune: %w", err)
		}
		t := Sampler{Options: o, Evals: float64(s.Stats.RowEvals) / float64(x0.Rows()), W2: math.Inf(1), Paired: math.Inf(1), Course: c}
		if err == nil {
			got = widen(got, s.X.Data)
			t.Paired = math.Sqrt(squares(got, want)/float64(x0.Rows())) / unit
			w2, err := ot.W2(got, want, f.Dim)
			if err != nil {
				return best, all, fmt.Errorf("cfm: tune: %w", err)
			}
			t.W2 = w2 / unit
		}
		all = append(all, t)
		if t.W2 <= opt.Error && (best.Evals == 0 || t.Evals < best.Evals || t.Evals == best.Evals && t.W2 < best.W2) {
			best = t
		}
	}
	if best.Evals == 0 {
		return best, all, fmt.Errorf("cfm: tune: %w of %g; the nearest comes to %.3g", ErrNoSampler, opt.Error, leastW2(all))
	}
	return best, all, nil
}

func leastW2(all []Sampler) float64 {
	least := math.Inf(1)
	for _, s := range all {
		least = min(least, s.W2)
	}
	return least
}

// spread is √(E‖x - E x‖²).
func spread(x []float64, dim int) float64 {
	n := len(x) / dim
	mean := make([]float64, dim)
	for i, v := range x {
		mean[i%dim] += v / float64(n)
	}
	var sum float64
	for i, v := range x {
		d := v - mean[i%dim]
		sum += float64(d * d)
	}
	return math.Sqrt(sum / float64(n))
}
