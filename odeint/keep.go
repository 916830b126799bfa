package odeint

import "math"

// keep takes the rows whose attempt was good over to the new state: events, saved times, dense output and the
// statistics first, while the step's stages are at hand.
func (s *Solver[F]) keep() {
	s.complete()
	s.swap = true
	for _, r := range s.row {
		s.swap = s.swap && s.lanes[r].kept
	}
	for p, r := range s.row {
		l := &s.lanes[r]
		if l.ended {
			continue
		}
		if l.kept {
			s.advance(p, r, l)
		}
		if st := &s.sol.Rows[r]; !l.ended && st.Accepted+st.Rejected >= s.opt.MaxSteps {
			s.sol.fail(r, l, MaxSteps, 0, nil)
			y := s.y
			if s.swap {
				y = s.next
			}
			s.end(p, MaxSteps, l.t, s.at(y, p))
		}
	}
	if s.swap {
		s.y, s.next = s.next, s.y
		k := s.k
		k[0], k[s.plan.end] = k[s.plan.end], k[0]
	}
}

// looks says whether the kept step of lane l has to be looked into.
func (s *Solver[F]) looks(l *lane) bool {
	return s.opt.Dense || len(s.opt.Events) > 0 ||
		l.save < len(s.opt.SaveAt) && s.dir*(l.to-s.opt.SaveAt[l.save]) > 0
}

// complete evaluates the stages after the attempt that kept rows need: f(t+h, y⁺) for the next step unless it is
// there, and those of dense output.
func (s *Solver[F]) complete() {
	pl, b := &s.plan, &s.sub
	if pl.end == pl.s {
		b.slot = b.slot[:0]
		for p, r := range s.row {
			if l := &s.lanes[r]; l.kept && (l.to != s.t1 || s.looks(l)) {
				b.slot = append(b.slot, p)
			}
		}
		s.evalSub(s.k[pl.end], s.next, (*Solver[F]).endTime)
		for _, p := range b.slot {
			l := &s.lanes[s.row[p]]
			if !l.ended && l.to != s.t1 && !allFinite(s.at(s.k[pl.end], p)) && s.opt.Step == 0 {
				l.kept = false
				s.reject(p, 0)
			}
		}
	}
	if pl.all == pl.end+1 {
		return
	}
	b.slot = b.slot[:0]
	for p, r := range s.row {
		if l := &s.lanes[r]; l.kept && s.looks(l) {
			b.slot = append(b.slot, p)
		}
	}
	if len(b.slot) == 0 {
		return
	}
	for i := pl.end + 1; i < pl.all; i++ {
		s.sum(s.tmp, s.y, &pl.a[i], len(s.row)*s.dim)
		s.extra = pl.c[i]
		s.evalSub(s.k[i], s.tmp, (*Solver[F]).extraTime)
	}
}

func (s *Solver[F]) endTime(l *lane) float64   { return s.stageTime(l, 1) }
func (s *Solver[F]) extraTime(l *lane) float64 { return s.stageTime(l, s.extra) }

// advance moves the row in slot p to the end of its kept step, or to an event in it that cuts it.
func (s *Solver[F]) advance(p, r int, l *lane) {
	st := &s.sol.Rows[r]
	st.Accepted++
	s.sol.Stats.Accepted++
	st.LastStep = l.step
	if h := math.Abs(l.step); s.sol.Stats.SmallestStep == 0 || h < s.sol.Stats.SmallestStep {
		s.sol.Stats.SmallestStep = h
	}
	l.rejected, l.bad = false, 0
	if len(s.sol.Errors) > 0 {
		for i, e := range s.at(s.e1, p) {
			s.sol.Errors[r*s.dim+i] += math.Abs(float64(e))
		}
	}
	s.watchStiffness(p, st, l)

	lk := &s.look
	looking := s.looks(l)
	if looking {
		lk.prepare(s, p, l)
	}
	cut := crossing{theta: 1, event: -1}
	if len(s.opt.Events) > 0 {
		cut = s.events(p, r, l)
	}
	to, next := l.to, s.at(s.next, p)
	if cut.event >= 0 {
		to = math.FMA(cut.theta, l.step, l.t)
		if cut.theta == 1 {
			to = l.to
		}
		copy(next, lk.state(cut.theta))
	}
	for ; l.save < len(s.opt.SaveAt); l.save++ {
		t := s.opt.SaveAt[l.save]
		if s.dir*(t-to) > 0 {
			break
		}
		if t == to {
			s.sol.save(l.save, r, next)
		} else {
			s.sol.save(l.save, r, lk.state((t-l.t)/l.step))
		}
	}
	if s.sol.steps {
		var q []float64
		if s.opt.Dense {
			q = lk.q
		}
		s.sol.piece(r, l, s.at(s.y, p), q, s.onStop(l), cut.event >= 0)
	}
	stuck := to == l.t
	l.t = to
	y := next // where the new state has to be
	if !s.swap {
		y = s.at(s.y, p)
		copy(y, next)
	}
	if cut.event >= 0 {
		if e := &s.opt.Events[cut.event]; e.Stop {
			s.end(p, Stopped, to, next)
			return
		}
		s.reset(y, l, cut.event)
		if stuck {
			s.sol.fail(r, l, StepSize, 0, nil)
			s.end(p, StepSize, to, y)
		}
		return
	}
	if !s.swap {
		copy(s.at(s.k[0], p), s.at(s.k[s.plan.end], p))
	}
	l.nudged = false
	switch {
	case to == s.t1:
		s.end(p, Done, to, next)
	case l.lands:
		l.stop++
		l.anew(0)
		l.nudged = true
	case stuck:
		s.sol.fail(r, l, StepSize, 0, nil)
		s.end(p, StepSize, to, next)
	}
}

// anew makes the row begin like a new one where it is.
func (l *lane) anew(trigger int) {
	l.fresh, l.nudged, l.rejected = true, false, false
	l.e1, l.e2 = 1, 1
	l.stiff, l.calm = 0, 0
	l.trigger = trigger
}

// watchStiffness looks whether h is held down by stability, as Hairer's codes do: two stages at t+h whose
// arguments differ a little give an estimate of the dominant eigenvalue. The elementary controller comes to rest a
// little inside the boundary.
func (s *Solver[F]) watchStiffness(p int, st *RowStats, l *lane) {
	if s.plan.pen < 0 || s.opt.Step > 0 || st.Stiff || l.stiff == 0 && st.Accepted%16 != 0 {
		return
	}
	k1, k0 := s.at(s.k[s.plan.end], p), s.at(s.k[s.plan.pen], p)
	y1, y0 := s.at(s.next, p), s.at(s.pen, p)
	var num, den float64
	for i := range k1 {
		d := float64(k1[i]) - float64(k0[i])
		num = math.FMA(d, d, num)
		d = float64(y1[i]) - float64(y0[i])
		den = math.FMA(d, d, den)
	}
	if den > 0 && math.Abs(l.step)*math.Sqrt(num/den) > 0.9*s.opt.Method.Stab {
		l.calm = 0
		if l.stiff++; l.stiff == 15 {
			st.Stiff, st.StiffT = true, l.t
			s.sol.Stats.Stiff++
		}
	} else if l.calm++; l.calm == 6 {
		l.stiff, l.calm = 0, 0
	}
}
