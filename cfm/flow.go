package cfm

import (
	"context"
	"errors"
	"fmt"

	"pushforward/autograd"
	"pushforward/odeint"
	"pushforward/simd"
	"pushforward/simd/rng"
)

// Flow is a field v_θ with its parameters and source: a generative model. Its solutions carry
// the source at t = 0 to the data at t = 1. Swap Theta and it is another model of the same
// kind, the averaged one for instance. A Flow is not changed by its methods, which may run in
// several goroutines at once.
type Flow[F simd.Float] struct {
	Dim    int
	Field  Field[F]
	Theta  []F    // nil for a field without parameters
	Source Source // nil: standard normal

	// Loc and Scale standardise data: the field lives on (data - Loc) / Scale, what Sample
	// returns is mapped back, and LogDensity adds -Σ log Scale. nil means none.
	Loc, Scale []float64

	cond autograd.Tensor[F]
}

// Given returns f under conditions: row i of what is asked next uses row i of c, or its only
// row. c is borrowed.
func (f *Flow[F]) Given(c autograd.Tensor[F]) *Flow[F] {
	if c.Shape.Rank() != 2 || c.Rows() == 0 {
		panic(fmt.Sprintf("cfm: Given: %v, want [n, C] with n > 0", c.Shape))
	}
	g := *f
	g.cond = c
	return &g
}

// Samples is what Sample and Transport found: rows, and how each row's solve ended.
type Samples[F simd.Float] struct {
	X      autograd.Tensor[F]
	Status []odeint.Status
	Stats  odeint.Stats
}

// Draw returns the n rows x₀ of the source that Sample carries to t = 1, in source
// coordinates. Row i depends on key and i only.
func (f *Flow[F]) Draw(n int, key rng.Key) autograd.Tensor[F] {
	x := autograd.NewTensor[F](n, f.Dim)
	f.draw(x, 0, key, nil)
	return x
}

// draw fills x with rows first, first+1, … of the source.
func (f *Flow[F]) draw(x autograd.Tensor[F], first int, key rng.Key, tmp []float64) []float64 {
	for i := range x.Rows() {
		tmp = drawSource(x.Row(i), f.Source, key.Fold(uint64(first+i)), tmp)
	}
	return tmp
}

// Sample draws n points. Row i depends on key and i only, not on n. A row whose solve did not
// finish is where it got to, its Status says why, and the error names the first such row.
//
// Unless opt names a Method (other than odeint.Bosh5), a Control or a Step, rows are moved by odeint.Bosh5 with steps tuned for
// trained fields, to about the exactness of odeint.Dopri5 at the same tolerances. opt's SaveAt, Dense and Events do not apply.
func (f *Flow[F]) Sample(ctx context.Context, n int, key rng.Key, opt odeint.Options) (Samples[F], error) {
	if n < 0 {
		return Samples[F]{}, fmt.Errorf("cfm: sample: %d rows", n)
	}
	return f.carry(ctx, autograd.NewTensor[F](n, f.Dim), &key, 0, 1, opt)
}

// Transport carries points along the flow from time t0 to t1. x is not changed.
//
// A row at time t is in the coordinates Locₜ + Scaleₜ·z of the field's z, with Locₜ = t·Loc and
// Scaleₜ = 1 + t·(Scale - 1): those of the source at t = 0, of the data at t = 1, and a
// continuous change in between. So Sample is Draw and Transport from 0 to 1, and Transport from
// 1 to 0 encodes data. A Flow without Loc and Scale moves in the field's coordinates.
func (f *Flow[F]) Transport(ctx context.Context, x autograd.Tensor[F], t0, t1 float64, opt odeint.Options) (Samples[F], error) {
	if x.Shape.Rank() != 2 || x.Shape.Dim(1) != f.Dim {
		panic(fmt.Sprintf("cfm: Transport: points %v, the flow has %d columns", x.Shape, f.Dim))
	}
	y := autograd.NewTensor[F](x.Rows(), f.Dim)
	copy(y.Data, x.Data)
	f.rescale(y.Data, t0, false)
	return f.carry(ctx, y, nil, t0, t1, opt)
}

// chunk is how many rows are integrated together. It moves no bit of a result, since rows are
// independent; it is fixed so that Stats.Evals does not depend on the machine either.
const chunk = 256

// carry integrates x, in the field's coordinates, in place; with a key it first fills x from the
// source.
func (f *Flow[F]) carry(ctx context.Context, x autograd.Tensor[F], key *rng.Key, t0, t1 float64, opt odeint.Options) (Samples[F], error) {
	n := x.Rows()
	out := Samples[F]{X: x, Status: make([]odeint.Status, n)}
	if err := f.check(n); err != nil {
		return out, err
	}
	opt.SaveAt, opt.Dense, opt.Events = nil, false, nil
	opt = moving[F](opt)
	tasks := (n + chunk - 1) / chunk
	p := newPool(poolSize(tasks), nil)
	defer p.close()
	workers := make([]*carrier[F], p.workers)
	stats := make([]odeint.Stats, tasks)
	errs := make([]error, tasks)
	p.run(tasks, func(w, i int) {
		if workers[w] == nil {
			workers[w] = newCarrier(f, opt)
		}
		lo, hi := i*chunk, min((i+1)*chunk, n)
		stats[i], errs[i] = workers[w].run(ctx, x.Slice(lo, hi), lo, key, t0, t1, out.Status[lo:hi])
	})
	out.Stats = addStats(stats)
	f.rescale(x.Data, t1, true)
	return out, firstError("sample", errs)
}

// carrier is what one goroutine needs to carry chunks: after its first chunk it allocates
// nothing.
type carrier[F simd.Float] struct {
	flow   *Flow[F]
	solver *odeint.Solver[F]
	sys    velocity[F]
	tmp    []float64
}

func newCarrier[F simd.Float](f *Flow[F], opt odeint.Options) *carrier[F] {
	return &carrier[F]{flow: f, solver: odeint.NewSolver[F](opt), sys: velocity[F]{flow: f, tape: autograd.NewTape(f.Theta)}}
}

// run carries x, rows first, first+1, … of the job.
func (c *carrier[F]) run(ctx context.Context, x autograd.Tensor[F], first int, key *rng.Key, t0, t1 float64, status []odeint.Status) (odeint.Stats, error) {
	if key != nil {
		c.tmp = c.flow.draw(x, first, *key, c.tmp)
	}
	c.sys.first = first
	sol, err := c.solver.Solve(ctx, &c.sys, x.Data, t0, t1)
	if sol == nil {
		return odeint.Stats{}, err
	}
	copy(x.Data, sol.Final())
	copy(status, sol.Status)
	return sol.Stats, shiftError(err, first)
}

// velocity is a Field as a System.
type velocity[F simd.Float] struct {
	flow  *Flow[F]
	tape  *autograd.Tape[F]
	first int // the job's row that row 0 of the solve is
}

func (s *velocity[F]) Dim() int { return s.flow.Dim }

func (s *velocity[F]) Eval(dst []F, b odeint.Batch[F]) {
	n := len(b.Row)
	q := s.flow.query(s.tape, b.Row, b.T, s.first)
	q.X = s.tape.Const(autograd.Tensor[F]{Shape: autograd.Dims(n, s.flow.Dim), Data: b.Y})
	v := s.flow.Field.Velocity(q)
	copy(dst, v.Value().Data)
	s.tape.Reset()
}

// query puts times and conditions on the tape. X is left to the caller.
func (f *Flow[F]) query(tape *autograd.Tape[F], row []int, t []float64, first int) Query[F] {
	q := Query[F]{T: tape.Alloc(autograd.Dims(len(t), 1))}
	ts := q.T.Value().Data
	for i, v := range t {
		ts[i] = F(v)
	}
	if f.cond.Data != nil {
		q.Cond = tape.Alloc(autograd.Dims(len(t), f.cond.Shape.Dim(1)))
		c := q.Cond.Value()
		for i, r := range row {
			if f.cond.Rows() == 1 {
				copy(c.Row(i), f.cond.Row(0))
			} else {
				copy(c.Row(i), f.cond.Row(first+r))
			}
		}
	}
	return q
}

// check returns an error if f cannot be asked for n rows.
func (f *Flow[F]) check(n int) error {
	switch {
	case f.Dim <= 0 || f.Field == nil:
		panic("cfm: Flow: Dim and Field must be set")
	case f.Loc != nil && len(f.Loc) != f.Dim, f.Scale != nil && len(f.Scale) != f.Dim:
		panic(fmt.Sprintf("cfm: Flow: Loc has %d entries, Scale %d, Dim is %d", len(f.Loc), len(f.Scale), f.Dim))
	case f.cond.Data != nil && f.cond.Rows() != 1 && f.cond.Rows() != n:
		return fmt.Errorf("cfm: %d rows of conditions for %d rows", f.cond.Rows(), n)
	}
	return sourceDim(f.Source, f.Dim)
}

// rescale maps rows at time t to the field's coordinates, or with back set from them.
func (f *Flow[F]) rescale(x []F, t float64, back bool) {
	if t == 0 || f.Loc == nil && f.Scale == nil {
		return
	}
	for j := range f.Dim {
		loc, scale := 0.0, 1.0
		if f.Loc != nil {
			loc = float64(t * f.Loc[j])
		}
		switch {
		case f.Scale != nil && t == 1:
			scale = f.Scale[j]
		case f.Scale != nil:
			scale = 1 + float64(t*(f.Scale[j]-1))
		}
		for i := j; i < len(x); i += f.Dim {
			if back {
				x[i] = F(float64(float64(x[i])*scale) + loc)
			} else {
				x[i] = F((float64(x[i]) - loc) / scale)
			}
		}
	}
}

// poolSize is how many workers a job of so many tasks can use: 0 for one a core.
func poolSize(tasks int) int {
	if tasks <= 1 {
		return 1
	}
	return 0
}

// addStats sums the work of chunks.
func addStats(all []odeint.Stats) odeint.Stats {
	var s odeint.Stats
	for _, c := range all {
		if c.RowEvals == 0 {
			continue
		}
		if s.RowEvals == 0 || c.SmallestStep < s.SmallestStep {
			s.SmallestStep = c.SmallestStep
		}
		s.Evals += c.Evals
		s.RowEvals += c.RowEvals
		s.Accepted += c.Accepted
		s.Rejected += c.Rejected
	}
	return s
}

// shiftError makes the row of a chunk's error the row of the job.
func shiftError(err error, first int) error {
	if err == nil || first == 0 {
		return err
	}
	var e *odeint.SolveError
	if errors.As(err, &e) {
		c := *e
		c.Row += first
		return &c
	}
	return err
}

// firstError returns the error of the first chunk that has one, and counts the rows of all.
func firstError(what string, errs []error) error {
	var first error
	var row *odeint.SolveError
	for _, err := range errs {
		var e *odeint.SolveError
		switch {
		case err == nil:
		case first == nil:
			first = err
			if errors.As(err, &e) {
				c := *e
				row, first = &c, &c
			}
		case row != nil && errors.As(err, &e):
			row.Failed += e.Failed
		}
	}
	if first == nil {
		return nil
	}
	return fmt.Errorf("cfm: %s: %w", what, first)
}
