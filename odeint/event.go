package odeint

import (
	"cmp"
	"math"
	"slices"

	"pushforward/simd"
)

// Event watches a function of one row for sign changes.
//
// G is looked at on the continuous extension of each kept step: at its ends and at three points between, and, where
// it approaches zero and turns back between two of these, at its extremum; so several crossings in one step are
// found, and a near miss is told from two crossings. A zero at the start of a solve, or where a reset has
// just happened, is no event.
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

// rootTol is how closely a root is enclosed, as a part of the step.
const rootTol = 0x1p-44

// cutting is where a step is cut by an event, if event ≥ 0.
type cutting struct {
	theta float64
	event int
}

// crossing is a root found in a step.
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
		g := s.opt.Events[e].G(l.t, s.look.y)
		if l.trigger == e+1 {
			g = 0
		}
		s.crossing[r*n+e] = g
	}
	l.trigger = 0
}

// g is event e's function at θ of the step in s.look.
func (s *Solver[F]) g(e int, theta float64) float64 {
	return s.opt.Events[e].G(s.look.time(theta), s.look.at(theta))
}

// events finds the events in the step that s.look holds, notes those before the first that cuts it, and
// returns that one.
func (s *Solver[F]) events(p, r int, l *lane) cutting {
	n := len(s.opt.Events)
	s.found = s.found[:0]
	for e := range n {
		s.crossings(e, &s.crossing[r*n+e])
	}
	slices.SortStableFunc(s.found, func(a, b crossing) int { return cmp.Compare(a.theta, b.theta) })
	for _, c := range s.found {
		ev := &s.opt.Events[c.event]
		y := s.look.at(c.theta)
		s.sol.hit(Hit{Row: r, Event: c.event, T: s.look.time(c.theta)}, y)
		if ev.Stop || ev.Reset != nil {
			return cutting{c.theta, c.event}
		}
	}
	return cutting{1, -1}
}

// probe is how far from a node of a step its slope is taken.
const probe = 0x1p-10

// crossings appends to s.found the roots of event e in the step. at is G at the step's start, and is
// moved to its end.
func (s *Solver[F]) crossings(e int, at *float64) {
	const nodes = 5
	var theta, v, w [nodes]float64 // w: G a little further on, at the last node a little before
	for i := range nodes {
		theta[i] = float64(i) / (nodes - 1)
		if v[i] = *at; i > 0 {
			v[i] = s.g(e, theta[i])
		}
	}
	*at = v[nodes-1]
	w[0] = s.g(e, probe)
	scan := scan[F]{s: s, e: e, v: v[0]}
	if v[0] == 0 {
		scan.theta, scan.v = probe, w[0]
	}
	near := false // whether a turn between nodes could reach zero at all
	least, most := math.Abs(v[0]), math.Abs(v[0])
	for _, x := range v {
		least, most = min(least, math.Abs(x)), max(most, math.Abs(x))
	}
	near = least < most || most == 0
	for i := 1; i < nodes; i++ {
		if near {
			a, b := i-1, i
			if a > 0 {
				w[a] = s.g(e, theta[a]+probe)
			}
			slopeA := (w[a] - v[a]) / probe
			if v[a] == 0 {
				slopeA = 0
			}
			slopeB := (v[b] - s.g(e, theta[b]-probe)) / probe
			if turns(v[a], v[b], slopeA, slopeB, theta[b]-theta[a]) {
				scan.turn(theta[a], theta[b], v[b])
			}
		}
		scan.point(theta[i], v[i])
	}
}

// turns says whether a function with values a, b of one sign and these slopes at the ends of an interval of length h comes
// close to zero between them: it approaches zero at one end, leaves it at the other, and its tangents meet near or
// beyond zero.
func turns(a, b, slopeA, slopeB, h float64) bool {
	if a < 0 {
		a, b, slopeA, slopeB = -a, -b, -slopeA, -slopeB
	}
	if !(a > 0 && b > 0 && slopeA < 0 && slopeB > 0) {
		return false
	}
	x := (b - a - float64(slopeB*h)) / (slopeA - slopeB)
	return math.FMA(slopeA, x, a) < 0.1*max(a, b)
}

// scan walks along a step and notes sign changes.
type scan[F simd.Float] struct {
	s        *Solver[F]
	e        int
	theta, v float64 // the last point, and G there; 0 once a root at a point has been noted
}

// point goes on to θ, where G is v.
func (c *scan[F]) point(theta, v float64) {
	if c.v != 0 && v == v && !(c.v < 0 && v < 0) && !(c.v > 0 && v > 0) {
		dir := c.s.opt.Events[c.e].Dir
		if dir == 0 || dir > 0 == (c.v < 0) {
			at := theta
			if v != 0 {
				at = c.s.root(c.e, c.theta, theta, c.v, v)
			}
			c.s.found = append(c.s.found, crossing{at, c.e})
		}
	}
	c.theta, c.v = theta, v
}

// turn looks for a point between a and b where G has the other sign than v, which it has at both ends, by
// golden section for its extremum.
func (c *scan[F]) turn(a, b, v float64) {
	sign := math.Copysign(1, v)
	const golden = 0.6180339887498949
	x1, x2 := b-float64(golden*(b-a)), a+float64(golden*(b-a))
	g1, g2 := sign*c.s.g(c.e, x1), sign*c.s.g(c.e, x2)
	for range 40 {
		if g1 <= 0 {
			c.point(x1, sign*g1)
			return
		}
		if g2 <= 0 {
			c.point(x2, sign*g2)
			return
		}
		if g1 < g2 {
			b, x2, g2 = x2, x1, g1
			x1 = b - float64(golden*(b-a))
			g1 = sign * c.s.g(c.e, x1)
		} else {
			a, x1, g1 = x1, x2, g2
			x2 = a + float64(golden*(b-a))
			g2 = sign * c.s.g(c.e, x2)
		}
	}
}

// root encloses the sign change of event e between θ=a and θ=b, where G is ga and gb, and returns the end of the
// enclosure that lies after it. It is the ITP method of Oliveira and Takahashi (2020): the interpolated point,
// truncated towards the middle and projected on an interval round it, so that it is never slower than bisection by more
// than a step and as fast as regula falsi at its best.
func (s *Solver[F]) root(e int, a, b, ga, gb float64) float64 {
	const k1, n0 = 0.2, 1
	half := 0 // bisections it would take
	for w := b - a; w > 2*rootTol; w /= 2 {
		half++
	}
	flip := 1.
	if ga > 0 {
		flip = -1
	}
	ga, gb = float64(flip*ga), float64(flip*gb)
	for j := 0; b-a > 2*rootTol && j < 200; j++ {
		mid := a + (b-a)/2                            // exact product: a half
		r := math.Ldexp(rootTol, half+n0-j) - (b-a)/2 // exact product: a half
		delta := float64(k1 * (b - a) * (b - a))
		xf := (float64(gb*a) - float64(ga*b)) / (gb - ga)
		sigma := math.Copysign(1, mid-xf)
		x := mid
		if delta <= math.Abs(mid-xf) {
			x = xf + float64(sigma*delta)
		}
		if !(math.Abs(x-mid) <= r) {
			x = mid - float64(sigma*r)
		}
		if !(x > a && x < b) {
			x = mid
		}
		g := flip * s.g(e, x)
		switch {
		case g > 0:
			b, gb = x, g
		case g < 0:
			a, ga = x, g
		default:
			return x
		}
	}
	return b
}

// reset lets event e change the state of the row in slot p, which begins anew.
func (s *Solver[F]) reset(p int, l *lane, e int) {
	y := s.at(s.y, p)
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
