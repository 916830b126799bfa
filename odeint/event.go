package odeint

import (
	"cmp"
	"slices"
)

// Event watches a function of one row for sign changes.
//
// G is looked at on the continuous extension of each kept step, at points dense enough to describe it by parabolas and,
// where one of these approaches zero and turns back, at the extremum; so several crossings in one step are found, and a
// near miss is told from two crossings. What is left of G when the crossings found are divided out is looked at likewise,
// so that three close together are not taken for one. A zero at the start of a solve, or where a reset has just happened,
// is no event. Roots are enclosed to 1e-13 of the step.
type Event struct {
	Name string
	G    func(t float64, y []float64) float64 `json:"-"`
	Dir  int                                  // +1 rising, -1 falling, 0 both, in the direction of integration
	Stop bool                                 // end this row there

	// Reset changes the state at an event, in place; the row begins anew from what it leaves.
	Reset func(t float64, y []float64) `json:"-"`
}

// Hit is an event that happened.
type Hit struct {
	Row, Event int
	T          float64
	Y          []float64 // the state there, before a reset
}

// crossing is a root found in a step, at θ; event -1 is none.
type crossing struct {
	theta float64
	event int
}

// startEvents notes the value of each G at the start of a row.
func (s *Solver[F]) startEvents(r int, l *lane, y []F) {
	n := len(s.opt.Events)
	if n == 0 {
		return
	}
	for i, v := range y {
		s.look.y[i] = float64(v)
	}
	for e := range n {
		s.crossing[r*n+e] = s.opt.Events[e].G(l.t, s.look.y)
	}
}

// g is event e's function at θ of the step in s.look.
func (s *Solver[F]) g(e int, theta float64) float64 {
	return s.opt.Events[e].G(s.look.time(theta), s.look.at(theta))
}

// events finds the events in the step that s.look holds, notes those before the first that cuts it, and
// returns that one.
func (s *Solver[F]) events(p, r int, l *lane) crossing {
	n := len(s.opt.Events)
	s.found = s.found[:0]
	for e := range n {
		s.crossings(e, &s.crossing[r*n+e], l.trigger == e+1)
	}
	l.trigger = 0
	slices.SortStableFunc(s.found, func(a, b crossing) int { return cmp.Compare(a.theta, b.theta) })
	for _, c := range s.found {
		ev := &s.opt.Events[c.event]
		y := s.look.at(c.theta)
		s.sol.hit(Hit{Row: r, Event: c.event, T: s.look.time(c.theta)}, y)
		if ev.Stop || ev.Reset != nil {
			return c
		}
	}
	return crossing{1, -1}
}

// probes are where a step's first sign is looked for if its start does not count: early, so that a short excursion is
// seen, but not before G has left the rounding of zero.
var probes = [...]float64{0x1p-40, 0x1p-30, 0x1p-20, 0x1p-10}

// reset lets event e change the state y of a row, which begins anew.
func (s *Solver[F]) reset(y []F, l *lane, e int) {
	for i, v := range y {
		s.look.y[i] = float64(v)
	}
	s.opt.Events[e].Reset(l.t, s.look.y)
	for i, v := range s.look.y {
		y[i] = F(v)
	}
	l.anew(e + 1)
}

// hit stores a copy of h with the state y.
func (s *Solution[F]) hit(h Hit, y []float64) {
	s.Hits = append(s.Hits, h)
	s.hitY = append(s.hitY, y...)
}

// orderHits gives the hits their states and sorts them by row; within a row they came by time.
func (s *Solution[F]) orderHits() {
	for i := range s.Hits {
		s.Hits[i].Y = s.hitY[i*s.dim : (i+1)*s.dim : (i+1)*s.dim]
	}
	slices.SortStableFunc(s.Hits, func(a, b Hit) int { return cmp.Compare(a.Row, b.Row) })
}
