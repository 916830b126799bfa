package odeint

import (
	"context"
	"fmt"
	"math"
	"runtime"

	"pushforward/simd"
)

// Solver owns the work space of a solve and can be used again and again without allocating. It belongs to
// one goroutine.
type Solver[F simd.Float] struct {
	opt  Options
	plan plan[F]
	kern *simd.Kernels[F]
	pid  *PID  // the controller, if it is a PID
	bad  error // of the options

	// The solve at hand.
	sys       System[F]
	quad      Quadrature[F] // sys, if it is one
	dim       int
	t0, t1    float64
	dir       float64 // the sign of t1 - t0
	tol       []tolerance
	wsum      float64
	stops     []float64 // those strictly between t0 and t1
	nudge     bool      // t0 is one too
	stopAtEnd bool      // t1 is one too
	lanes     []lane    // by row
	crossing  []float64 // rows × events: each G where the row is now
	rounds    uint      // since when other goroutines have been let run

	// Slot p of these belongs to row[p], a row that has not ended.
	row         []int
	t           []float64 // times handed to Eval
	begun       []float64 // where the attempt begins,
	step, ends  []float64 // its h, and the time of stages at its end,
	err, factor []float64 // its scaled error, and what the controller makes of it
	old1, old2  []float64 // with the errors before it
	y, next     []F       // state, and state after the attempt
	tmp, pen    []F       // arguments of stages
	h, zero     []F       // h and 0, once per component
	e1, e2      []F       // the error estimates
	k           [][]F     // stages
	ks          [][]F     // the stages of one sum

	// The attempt at hand.
	spoilt int        // the stage at which it was given up for all rows; 0: it was not
	swap   bool       // all rows keep theirs, so that buffers change places instead of contents
	extra  float64    // the c of the stage that complete is at
	found  []crossing // the events in one row's step,
	marks  []mark     // where one was looked at,
	roots  []root     // its sign changes,
	near   []float64  // and those near a place

	sub  subset[F]
	look look[F]
	back backward[F]
	sol  Solution[F]
}

// lane is a row's own life.
type lane struct {
	t, h     float64 // where it is; the step it would take
	step     float64 // the step under way
	to       float64 // where that leads
	e1, e2   float64 // scaled errors of the last kept steps
	save     int     // next of SaveAt
	stop     int     // next of stops
	bad      int     // attempts in a row that were not finite
	stiff    int     // steps along the edge of stability, as Hairer counts them
	calm     int
	kept     bool // the attempt is accepted
	rejected bool // the last attempt was not
	lands    bool // the step under way ends on a stop or on t1
	fresh    bool // begins anew: f is to be evaluated and h to be chosen
	nudged   bool // the present step began on a stop
	trigger  int  // 1 + the event whose reset the row begins anew from
	ended    bool
}

// NewSolver returns a solver. Options that make no sense are reported by Solve.
func NewSolver[F simd.Float](opt Options) *Solver[F] {
	s := &Solver[F]{opt: defaults[F](opt), kern: simd.Best[F]()}
	if s.bad = s.opt.check(); s.bad == nil {
		s.plan = newPlan[F](s.opt.Method)
		s.k = make([][]F, s.plan.all)
		s.ks = make([][]F, 0, s.plan.all)
		if c, ok := s.opt.Control.(PID); ok {
			c = c.filled()
			s.pid = &c
		}
	}
	return s
}

// Options returns the options in use, defaults filled in.
func (s *Solver[F]) Options() Options { return s.opt }

// Solve integrates each row of y0 from t0 to t1, which may be earlier, with its own step sizes. The result
// is valid until the next call. An error leaves a usable partial Solution: see its Status.
//
// The error is a *SolveError naming the first row that failed, or wraps ErrOptions or ErrTolerance, in
// which case there is no Solution. A y0 whose length is not a multiple of the system's dimension
// panics. After the first solve of a size, Solve allocates nothing.
func (s *Solver[F]) Solve(ctx context.Context, sys System[F], y0 []F, t0, t1 float64) (*Solution[F], error) {
	if s.bad != nil {
		return nil, s.bad
	}
	s.sys, s.dim = sys, sys.Dim()
	s.quad, _ = sys.(Quadrature[F])
	rows := 0
	if s.dim > 0 {
		rows = len(y0) / s.dim
	}
	if s.dim < 0 || rows*s.dim != len(y0) {
		panic(fmt.Sprintf("odeint: Solve: %d numbers are no rows of dimension %d", len(y0), s.dim))
	}
	if err := s.span(t0, t1); err != nil {
		return nil, err
	}
	s.reserve(rows)
	copy(s.y, y0)
	s.sol.begin(s.dim, rows, s.dir, t1, s.opt.SaveAt)
	s.sol.keepSteps(&s.opt, s.plan.deg())
	for i := range s.lanes {
		s.lanes[i] = lane{t: t0, e1: 1, e2: 1, fresh: true, nudged: s.nudge}
		s.row = append(s.row, i)
	}
	done := ctx.Done()
	for s.settle(); len(s.row) > 0; s.settle() {
		if s.ended(done) {
			s.cancel(ctx.Err())
			continue
		}
		s.attempt()
		s.judge()
		s.keep()
	}
	s.sys, s.quad = nil, nil
	return &s.sol, s.sol.finish()
}

// Solve is NewSolver and Solve in one, for a solve that is done once.
func Solve[F simd.Float](ctx context.Context, sys System[F], y0 []F, t0, t1 float64, opt Options) (*Solution[F], error) {
	return NewSolver[F](opt).Solve(ctx, sys, y0, t0, t1)
}

// reserve makes the buffers large enough for rows.
func (s *Solver[F]) reserve(rows int) {
	n := padded(rows * s.dim)
	s.lanes = grow(s.lanes, rows)
	s.crossing = grow(s.crossing, rows*len(s.opt.Events))
	if cap(s.row) < rows {
		s.row = make([]int, 0, rows)
	}
	s.row = s.row[:0]
	for _, b := range []*[]float64{&s.t, &s.begun, &s.step, &s.ends, &s.err, &s.factor, &s.old1, &s.old2} {
		*b = grow(*b, rows)
	}
	for _, b := range []*[]F{&s.y, &s.next, &s.tmp, &s.pen, &s.h, &s.zero, &s.e1, &s.e2} {
		*b = grow(*b, n)
	}
	clear(s.zero)
	for i := range s.k {
		s.k[i] = grow(s.k[i], n)
	}
	s.sub.reserve(rows, s.dim)
	s.look.reserve(s.dim, s.plan.deg())
}

// vector is what buffers are padded to, so that a kernel has no tail to do: the lanes of the widest registers.
const vector = 16

// padded is n rounded up to whole vectors.
func padded(n int) int { return (n + vector - 1) &^ (vector - 1) }

// sum sets dst = y + h·Σ cⱼkⱼ over the first m elements, and to the end of a vector to whatever.
func (s *Solver[F]) sum(dst, y []F, c *sum[F], m int) {
	m = padded(m)
	s.ks = s.ks[:0]
	for _, j := range c.stage {
		s.ks = append(s.ks, s.k[j][:m])
	}
	s.kern.Combine(dst[:m], y[:m], s.h[:m], c.coef, s.ks)
}

// eval evaluates f for the rows in play. Who calls it counts it for the rows.
func (s *Solver[F]) eval(dst []F, t []float64, y []F) {
	n := len(s.row)
	s.sys.Eval(dst[:n*s.dim], Batch[F]{Row: s.row, T: t[:n], Y: y[:n*s.dim]})
	s.sol.Stats.Evals++
	s.sol.Stats.RowEvals += n
}

// evalPath is eval for a stage that serves other stages alone.
func (s *Solver[F]) evalPath(dst []F, t []float64, y []F) {
	n := len(s.row)
	s.quad.EvalPath(dst[:n*s.dim], Batch[F]{Row: s.row, T: t[:n], Y: y[:n*s.dim]})
	s.sol.Stats.Evals++
	s.sol.Stats.RowEvals += n
}

// settle lets rows that have ended leave, in order, and starts those that are fresh.
func (s *Solver[F]) settle() {
	for {
		s.compact()
		if !s.start() {
			return
		}
	}
}

// compact moves the rows that have not ended to the front, keeping their order.
func (s *Solver[F]) compact() {
	n := 0
	for p, r := range s.row {
		if s.lanes[r].ended {
			continue
		}
		if n != p {
			s.row[n] = r
			copy(s.at(s.y, n), s.at(s.y, p))
			copy(s.at(s.k[0], n), s.at(s.k[0], p))
		}
		n++
	}
	s.row = s.row[:n]
}

// at is slot p's part of a buffer.
func (s *Solver[F]) at(x []F, p int) []F { return x[p*s.dim : (p+1)*s.dim] }

// end retires the row in slot p at time t in state y.
func (s *Solver[F]) end(p int, status Status, t float64, y []F) {
	r := s.row[p]
	s.lanes[r].ended = true
	s.sol.end(r, status, t, y)
}

// ended says whether the context whose Done is given has ended. Now and then it lets other goroutines run: where there is
// one thread and no preemption (js/wasm), a deadline would not come otherwise.
func (s *Solver[F]) ended(done <-chan struct{}) bool {
	if done == nil {
		return false
	}
	if s.rounds++; s.rounds%64 == 0 {
		runtime.Gosched()
	}
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// cancel retires all rows.
func (s *Solver[F]) cancel(err error) {
	for p, r := range s.row {
		s.sol.fail(r, &s.lanes[r], Cancelled, 0, err)
		s.end(p, Cancelled, s.lanes[r].t, s.at(s.y, p))
	}
}

// tiny is the smallest step a row at time t may take: what t resolves, and 2⁻¹⁰⁰ of the whole.
func (s *Solver[F]) tiny(t float64) float64 {
	t = math.Abs(t)
	return max(4*(math.Nextafter(t, math.Inf(1))-t), math.Abs(s.t1-s.t0)*0x1p-100, s.opt.MinStep)
}
