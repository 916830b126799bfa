package odeint

import (
	"math"

	"pushforward/simd"
)

// subset is a batch of some of the rows in play, gathered for an evaluation of their own.
type subset[F simd.Float] struct {
	slot []int // where they are in the solver's buffers
	row  []int
	t    []float64
	y, k []F
	h    []float64 // Hairer's trial steps
	d    []float64 // and his d₁
}

func (b *subset[F]) reserve(rows, dim int) {
	if cap(b.slot) < rows {
		b.slot, b.row, b.t = make([]int, 0, rows), make([]int, rows), make([]float64, rows)
		b.h, b.d = make([]float64, rows), make([]float64, rows)
	}
	b.y, b.k = grow(b.y, rows*dim), grow(b.k, rows*dim)
}

// evalSub sets dst to f(time(slot), y) for the slots of s.sub, dst and y being whole buffers.
func (s *Solver[F]) evalSub(dst, y []F, time func(s *Solver[F], l *lane) float64) {
	b := &s.sub
	if len(b.slot) == 0 {
		return
	}
	if len(b.slot) == len(s.row) {
		for p, r := range s.row {
			s.t[p] = time(s, &s.lanes[r])
			s.sol.Rows[r].Evals++
		}
		s.eval(dst, s.t, y)
		return
	}
	n := len(b.slot)
	for i, p := range b.slot {
		r := s.row[p]
		b.row[i], b.t[i] = r, time(s, &s.lanes[r])
		copy(s.at(b.y, i), s.at(y, p))
		s.sol.Rows[r].Evals++
	}
	s.sys.Eval(b.k[:n*s.dim], Batch[F]{Row: b.row[:n], T: b.t[:n], Y: b.y[:n*s.dim]})
	s.sol.Stats.Evals++
	s.sol.Stats.RowEvals += n
	for i, p := range b.slot {
		copy(s.at(dst, p), s.at(b.k, i))
	}
}

// start begins the rows that are fresh, at t0, after a stop or after a reset: it saves what is asked for at once,
// evaluates f, and chooses the first step. It says whether a row ended.
func (s *Solver[F]) start() (ended bool) {
	b := &s.sub
	b.slot = b.slot[:0]
	for p, r := range s.row {
		l := &s.lanes[r]
		if !l.fresh {
			continue
		}
		l.fresh = false
		y := s.at(s.y, p)
		for ; l.save < len(s.opt.SaveAt) && s.opt.SaveAt[l.save] == l.t; l.save++ {
			s.sol.save(l.save, r, y)
		}
		switch {
		case !allFinite(y):
			s.sol.fail(r, l, NotFinite, -1, nil)
			s.end(p, NotFinite, l.t, y)
			ended = true
		case l.t == s.t1:
			s.end(p, Done, l.t, y)
			ended = true
		default:
			s.startEvents(r, l, y)
			b.slot = append(b.slot, p)
		}
	}
	s.evalSub(s.k[0], s.y, (*Solver[F]).startTime)
	n := 0
	for _, p := range b.slot {
		r := s.row[p]
		if l := &s.lanes[r]; !allFinite(s.at(s.k[0], p)) {
			s.sol.fail(r, l, NotFinite, 0, nil)
			s.end(p, NotFinite, l.t, s.at(s.y, p))
			ended = true
			continue
		}
		b.slot[n] = p
		n++
	}
	b.slot = b.slot[:n]
	if s.opt.Step == 0 {
		s.firstStep()
	}
	return ended
}

func (s *Solver[F]) startTime(l *lane) float64 { return s.timeOf(0, l.t, s.t1-l.t, 0, l.nudged, false) }
func (s *Solver[F]) trialTime(l *lane) float64 { return l.t + l.step }

// firstStep chooses h for the slots of s.sub by the rule of Hairer, Nørsett and Wanner (II.4): a step that changes the
// state by a hundredth of itself, then one whose error by Euler's method, judged from the change of f over the
// first, is a hundredth.
func (s *Solver[F]) firstStep() {
	b := &s.sub
	n := 0
	for _, p := range b.slot {
		l := &s.lanes[s.row[p]]
		if s.opt.FirstStep > 0 && l.t == s.t0 {
			l.h = s.dir * min(s.opt.FirstStep, s.opt.MaxStep)
			continue
		}
		y, f := s.at(s.y, p), s.at(s.k[0], p)
		d0, d1 := s.norm(p, y, nil), s.norm(p, f, nil)
		h := 1e-6
		if d0 >= 1e-5 && d1 >= 1e-5 {
			h = 0.01 * d0 / d1
		}
		to := s.t1
		if l.stop < len(s.stops) {
			to = s.stops[l.stop]
		}
		h = min(h, math.Abs(to-l.t), s.opt.MaxStep)
		l.step = s.dir * h
		for i := range y {
			s.h[p*s.dim+i] = F(l.step)
		}
		b.slot[n], b.h[n], b.d[n] = p, h, d1
		n++
	}
	b.slot = b.slot[:n]
	if n == 0 {
		return
	}
	for _, p := range b.slot {
		y, f := s.at(s.y, p), s.at(s.k[0], p)
		for i, h := range s.at(s.h, p) {
			s.tmp[p*s.dim+i] = simd.FMA(h, f[i], y[i])
		}
	}
	s.evalSub(s.next, s.tmp, (*Solver[F]).trialTime)
	for i, p := range b.slot {
		l, h0, d1 := &s.lanes[s.row[p]], b.h[i], b.d[i]
		d2 := s.norm(p, s.at(s.next, p), s.at(s.k[0], p)) / h0
		h1 := max(1e-6, h0*1e-3)
		if d := max(d1, d2); d > 1e-15 {
			h1 = simd.Pow(0.01/d, 1/float64(s.opt.Method.Order))
		}
		h := min(float64(100*h0), h1)
		if !finite(d2) {
			h = h0
		}
		l.h = s.dir * min(max(h, s.opt.MinStep), s.opt.MaxStep)
	}
}

// norm is the tolerance-scaled root mean square of x, or of x - x0, for the row in slot p at its present state.
func (s *Solver[F]) norm(p int, x, x0 []F) float64 {
	y := s.at(s.y, p)
	var sum float64
	for i, c := range s.tol {
		if c.weight == 0 {
			continue
		}
		v := float64(x[i])
		if x0 != nil {
			v -= float64(x0[i])
		}
		r := ratio(v, math.FMA(c.rel, math.Abs(float64(y[i])), c.abs))
		sum = math.FMA(c.weight*r, r, sum)
	}
	return math.Sqrt(sum / s.wsum)
}
