package odeint

import (
	"math"

	"pushforward/simd"
)

// aim chooses the step of the row in lane l: its h, within MaxStep, made to end on the next stop or on t1 if that is
// no further than 1% beyond.
func (s *Solver[F]) aim(l *lane) {
	to := s.t1
	if l.stop < len(s.stops) {
		to = s.stops[l.stop]
	}
	h := math.Abs(l.h)
	left := math.Abs(to - l.t)
	l.lands = false
	switch {
	case s.opt.Step > 0:
		h = s.opt.Step
		if d := left - h; d <= 1e-9*h {
			l.lands = true
			if d < -1e-9*h {
				h = left
			}
		}
	case left <= h || left <= 1.01*h && left <= s.opt.MaxStep:
		h, l.lands = left, true
	}
	l.step = s.dir * h
	l.to = l.t + l.step // exact product: dir is ±1
	if l.lands {
		l.to = to
	}
}

// stageTime is where a stage is evaluated. On a stop, f is asked for the side the step is on.
func (s *Solver[F]) stageTime(l *lane, c float64) float64 {
	return s.timeOf(c, l.t, l.step, l.to, l.nudged, s.onStop(l))
}

// onStop says whether the step of lane l ends on a stop.
func (s *Solver[F]) onStop(l *lane) bool { return l.lands && (l.to != s.t1 || s.stopAtEnd) }

// timeOf is t + c·h, or the exact ends. from and onto say whether the step begins and ends on a stop.
func (s *Solver[F]) timeOf(c, t, h, to float64, from, onto bool) float64 {
	switch {
	case c == 0 && from:
		return math.Nextafter(t, t+h)
	case c == 0:
		return t
	case c == 1 && onto:
		return math.Nextafter(to, t)
	case c == 1:
		return to
	}
	return math.FMA(c, h, t)
}

// attempt makes one step for every row, each with its own h: stages, state, error vectors.
func (s *Solver[F]) attempt() {
	m := len(s.row) * s.dim
	for p, r := range s.row {
		l := &s.lanes[r]
		s.aim(l)
		s.begun[p], s.step[p], s.ends[p] = l.t, l.step, s.stageTime(l, 1)
		h := F(l.step)
		for i := range s.at(s.h, p) {
			s.h[p*s.dim+i] = h
		}
	}
	pl := &s.plan
	s.spoilt = 0
	evals := 0
	for i := 1; i < pl.s; i++ {
		arg := s.tmp
		switch i {
		case pl.end:
			arg = s.next
		case pl.pen:
			arg = s.pen
		}
		s.sum(arg, s.y, &pl.a[i], m)
		if c := pl.c[i]; c == 1 {
			copy(s.t, s.ends[:len(s.row)])
		} else {
			for p := range s.row {
				s.t[p] = math.FMA(c, s.step[p], s.begun[p])
			}
		}
		if pl.path[i] && s.quad != nil {
			s.evalPath(s.k[i], s.t, arg)
		} else {
			s.eval(s.k[i], s.t, arg)
		}
		evals++
		// If no row's attempt can succeed, the remaining evaluations would be wasted.
		if m <= 4096 && s.hopeless(s.k[i][:m]) {
			s.spoilt = i
			break
		}
	}
	for _, r := range s.row {
		s.sol.Rows[r].Evals += evals
	}
	if s.spoilt > 0 {
		return
	}
	if pl.end == pl.s {
		s.sum(s.next, s.y, &pl.b, m)
	}
	if s.opt.Step == 0 {
		s.sum(s.e1, s.zero, &pl.e, m)
		if pl.e2.stage != nil {
			s.sum(s.e2, s.zero, &pl.e2, m)
		}
	}
}

// hopeless says whether every row of k has an entry that is not finite.
func (s *Solver[F]) hopeless(k []F) bool {
	for p := range s.row {
		if allFinite(s.at(k, p)) {
			return false
		}
	}
	return true
}

// allFinite says whether no entry of x is NaN or infinite.
func allFinite[F simd.Float](x []F) bool {
	var z F
	for _, v := range x {
		z += v - v
	}
	return z == 0
}

// scaledError is the error of the attempt in slot p, in units of the tolerance. It is NaN if the new state or the
// estimate is not finite.
func (s *Solver[F]) scaledError(p int) float64 {
	y, next, e := s.at(s.y, p), s.at(s.next, p), s.at(s.e1, p)
	if s.spoilt > 0 || !allFinite(next) {
		return math.NaN()
	}
	var e2 []F
	if s.plan.e2.stage != nil {
		e2 = s.at(s.e2, p)
	}
	var sum, sum2 float64
	for i, c := range s.tol {
		if c.weight == 0 {
			continue
		}
		scale := math.FMA(c.rel, max(math.Abs(float64(y[i])), math.Abs(float64(next[i]))), c.abs)
		r := ratio(float64(e[i]), scale)
		sum = math.FMA(c.weight*r, r, sum)
		if e2 != nil {
			r = ratio(float64(e2[i]), scale)
			sum2 = math.FMA(c.weight*r, r, sum2)
		}
	}
	if e2 != nil && sum > 0 {
		return sum / math.Sqrt((sum+float64(0.01*sum2))*s.wsum)
	}
	return math.Sqrt(sum / s.wsum)
}

// ratio is e/scale, and 0 for 0/0.
func ratio(e, scale float64) float64 {
	if e == 0 {
		return 0
	}
	return e / scale
}

// judge decides for every row whether its attempt is kept and how long its next step will be.
func (s *Solver[F]) judge() {
	if s.opt.Step > 0 {
		for p, r := range s.row {
			l := &s.lanes[r]
			if l.kept = s.spoilt == 0 && allFinite(s.at(s.next, p)); !l.kept {
				s.reject(p, 0)
			}
		}
		return
	}
	for p := range s.row {
		s.err[p] = s.scaledError(p)
	}
	together := s.pid != nil && len(s.row) >= 8
	if n := len(s.row); together {
		if s.pid.P != 0 || s.pid.D != 0 {
			for p, r := range s.row {
				s.old1[p], s.old2[p] = s.lanes[r].e1, s.lanes[r].e2
			}
		}
		s.pid.factors(s.factor[:n], s.opt.Method.Order, s.err[:n], s.old1[:n], s.old2[:n])
	}
	for p, r := range s.row {
		l, e := &s.lanes[r], s.err[p]
		if !finite(e) {
			l.kept = false
			s.reject(p, 0)
			continue
		}
		var factor float64
		if together {
			factor, l.kept = s.factor[p], e <= 1
		} else {
			factor, l.kept = s.opt.Control.Next(s.opt.Method.Order, e, l.e1, l.e2)
		}
		if !l.kept {
			l.bad = 0
			s.reject(p, factor)
			continue
		}
		if l.rejected {
			factor = min(factor, 1)
		}
		l.h = s.dir * min(max(math.Abs(l.step)*factor, s.opt.MinStep), s.opt.MaxStep)
		l.e1, l.e2 = e, l.e1
	}
}

// reject shortens the step of the row in slot p by factor, or, if that is 0, because something was not
// finite: at first gently, as a region where f is undefined may be near, then ever more, so that a field without
// a number in it is found out soon. A row whose step would be too short ends.
func (s *Solver[F]) reject(p int, factor float64) {
	r := s.row[p]
	l := &s.lanes[r]
	s.sol.Stats.Rejected++
	s.sol.Rows[r].Rejected++
	l.rejected = true
	status, stage := StepSize, 0
	if factor == 0 {
		factor = [...]float64{0.25, 0.1, 1e-2, 1e-4, 1e-8}[min(l.bad, 4)]
		l.bad++
		status, stage = NotFinite, s.culprit(p)
	}
	if l.h = l.step * min(factor, 0.9); s.opt.Step > 0 {
		l.h = l.step
	}
	if s.opt.Step > 0 || math.Abs(l.h) < s.tiny(l.t) {
		s.sol.fail(r, l, status, stage, nil)
		s.end(p, status, l.t, s.at(s.y, p))
	}
}

// culprit is the first stage of the attempt in slot p that is not finite, or -1.
func (s *Solver[F]) culprit(p int) int {
	for i := range s.plan.s {
		if !allFinite(s.at(s.k[i], p)) {
			return i
		}
		if i == s.spoilt && i > 0 {
			break
		}
	}
	return -1
}
