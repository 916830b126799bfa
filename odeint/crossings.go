package odeint

import (
	"math"

	"pushforward/simd"
)

// rootTol is how closely a root is enclosed, as a part of the step.
const rootTol = 0x1p-44

// A step is cut in halves until parabolas describe G on each piece to a part coarse of its size there, or maxDepth
// times.
const (
	coarse   = 0.05
	maxDepth = 8
)

// crossings appends to s.found the roots of event e in the step. at is G at the step's start, and is moved to its end;
// skip says that a sign change at the start is none.
func (s *Solver[F]) crossings(e int, at *float64, skip bool) {
	c := scan[F]{s: s, e: e, v: *at}
	if *at == 0 || skip {
		for _, p := range probes {
			c.theta, c.v = p, s.g(e, p)
			if math.Abs(c.v) > 4*math.Abs(*at) {
				break
			}
		}
	}
	s.marks, s.roots = append(s.marks[:0], mark{c.theta, c.v}), s.roots[:0]
	v1, v2, v3, v4 := s.g(e, 0.25), s.g(e, 0.5), s.g(e, 0.75), s.g(e, 1)
	c.piece(0, 0.5, *at, v1, v2, 0)
	c.piece(0.5, 1, v2, v3, v4, 0)
	*at = v4
	c.clusters()
	for _, r := range s.roots {
		if dir := s.opt.Events[e].Dir; dir == 0 || dir > 0 == r.rising {
			s.found = append(s.found, crossing{r.theta, e})
		}
	}
}

// scan walks along a step and notes in s.marks where it has been, in s.roots the sign changes.
type scan[F simd.Float] struct {
	s        *Solver[F]
	e        int
	theta, v float64 // the last point, and G there
}

// mark is a point of a step, and an event's G there.
type mark struct{ theta, v float64 }

// root is a sign change of an event's G.
type root struct {
	theta  float64
	rising bool
}

// piece goes on from θ=a to θ=b, where G is va, vm in the middle, vb at the end.
func (c *scan[F]) piece(a, b, va, vm, vb float64, depth int) {
	h := float64((b - a) / 4)
	m := a + h + h
	vl, vr := c.s.g(c.e, a+h), c.s.g(c.e, b-h)
	// The parabola through a, m and b at the two quarters.
	dl := float64((float64(3*va)+float64(6*vm)-vb)/8) - vl
	dr := float64((float64(3*vb)+float64(6*vm)-va)/8) - vr
	size := max(math.Abs(va), math.Abs(vl), math.Abs(vm), math.Abs(vr), math.Abs(vb))
	// And at a third place, lest the others lie in step with a G that oscillates.
	const odd = 0.6180339887498949
	do := float64(va*((1-odd)*(1-2*odd))) + float64(vm*(4*odd*(1-odd))) + float64(vb*(odd*(2*odd-1))) - c.s.g(c.e, a+float64(odd*(b-a)))
	if depth < maxDepth && max(math.Abs(dl), math.Abs(dr), math.Abs(do)) > coarse*size {
		c.piece(a, m, va, vl, vm, depth+1)
		c.piece(m, b, vm, vr, vb, depth+1)
		return
	}
	v := [5]float64{va, vl, vm, vr, vb}
	turned := 0. // up to where turns have been looked for
	at := a
	for i := 1; i < len(v); i++ {
		lo := at
		at += h
		// The parabola through the three points next to this stretch, twice if there are two such.
		for j := max(1, i-1); j <= min(i, len(v)-2); j++ {
			if at > turned && vertex(v[j-1], v[j], v[j+1], i-1-j) {
				c.turn(lo, at, v[i-1])
				turned = at
			}
		}
		c.point(at, v[i])
	}
}

// vertex says whether the parabola through l, m, r at -1, 0, 1, all of one sign, has its turn towards zero between k and
// k+1, and comes near zero or beyond it there.
func vertex(l, m, r float64, k int) bool {
	if m < 0 {
		l, m, r = -l, -m, -r
	}
	bend := l + r - m - m
	if !(l > 0 && m > 0 && r > 0 && bend > 0) {
		return false
	}
	x := (l - r) / (2 * bend)
	return x >= float64(k)-0.1 && x <= float64(k)+1.1 && m-float64((l-r)*(l-r)/(8*bend)) < 0.25*m
}

// point goes on to θ, where G is v.
func (c *scan[F]) point(theta, v float64) {
	if theta <= c.theta {
		return
	}
	if c.v != 0 && v == v && !(c.v < 0 && v < 0) && !(c.v > 0 && v > 0) {
		at := theta
		if v != 0 {
			at = c.s.root(c.e, c.theta, theta, c.v, v)
		}
		c.s.roots = append(c.s.roots, root{at, c.v < 0})
	}
	c.theta, c.v = theta, v
	c.s.marks = append(c.s.marks, mark{theta, v})
}

// turn looks for a point between a and b where G has the other sign than at both, where it has that of va, and goes there if there is
// one.
func (c *scan[F]) turn(a, b, va float64) {
	c.s.near = c.s.near[:0]
	if x, v, ok := c.below(max(a, c.theta), b, math.Copysign(1, va)); ok {
		c.point(x, v)
	}
}

// below looks by golden section for the least of sign times G divided between a and b, and ends where it is not positive. It returns
// the place, and G itself there.
func (c *scan[F]) below(a, b, sign float64) (theta, v float64, ok bool) {
	const golden = 0.6180339887498949
	at := func(x float64) (g, d float64) {
		g = c.s.g(c.e, x)
		return g, sign * c.s.divided(x, g)
	}
	x1, x2 := b-float64(golden*(b-a)), a+float64(golden*(b-a))
	g1, d1 := at(x1)
	g2, d2 := at(x2)
	for range 40 {
		switch {
		case d1 <= 0:
			return x1, g1, true
		case d2 <= 0:
			return x2, g2, true
		case d1 < d2:
			b, x2, g2, d2 = x2, x1, g1, d1
			x1 = b - float64(golden*(b-a))
			g1, d1 = at(x1)
		default:
			a, x1, g1, d1 = x1, x2, g2, d2
			x2 = a + float64(golden*(b-a))
			g2, d2 = at(x2)
		}
	}
	return 0, 0, false
}

// clusters looks for crossings that hide beside those found: G divided by the distances from these, which has no sign
// change between marks, is looked at for turns through zero as G itself was.
func (c *scan[F]) clusters() {
	s := c.s
	if len(s.roots) == 0 {
		return
	}
	n := 0 // marks on a root say nothing of what is beside it
	for _, m := range s.marks {
		if m.v != 0 && m.v == m.v {
			s.marks[n] = m
			n++
		}
	}
	s.marks = s.marks[:n]
	for i := 2; i < n; i++ {
		for range maxPairs {
			if !c.pair(s.marks[i-2], s.marks[i-1], s.marks[i]) {
				break
			}
		}
	}
}

// maxPairs is how many pairs of hidden crossings are looked for at one place, leastLobe how far apart they are at least, as
// a part of the step.
const (
	maxPairs  = 8
	leastLobe = 0x1p-36
)

// pair looks for two hidden crossings near the marks l, m and r, adds them to s.roots, and says whether it did.
func (c *scan[F]) pair(l, m, r mark) bool {
	s := c.s
	width := r.theta - l.theta
	s.near = s.near[:0]
	for _, x := range s.roots {
		if x.theta > l.theta-width && x.theta < r.theta+width {
			s.near = append(s.near, x.theta)
		}
	}
	if len(s.near) == 0 {
		return false
	}
	dl, dm, dr := s.divided(l.theta, l.v), s.divided(m.theta, m.v), s.divided(r.theta, r.v)
	sign := math.Copysign(1, dm)
	dl, dm, dr = float64(sign*dl), float64(sign*dm), float64(sign*dr)
	// The parabola through the three, in Newton's form.
	fl, fr := (dm-dl)/(m.theta-l.theta), (dr-dm)/(r.theta-m.theta)
	bend := (fr - fl) / width
	if !(dl > 0 && dm > 0 && dr > 0 && bend > 0 && dl+dm+dr < math.MaxFloat64) {
		return false
	}
	turn := (l.theta+m.theta)/2 - fl/(2*bend) // exact product: a half, a double
	dist := turn - l.theta
	least := dl + float64(fl*dist) + float64(bend*dist*(turn-m.theta))
	if turn < l.theta-float64(0.1*width) || turn > r.theta+float64(0.1*width) || least > 0.25*max(dl, dm, dr) {
		return false
	}
	x, v, ok := c.below(l.theta, r.theta, sign)
	if !ok || v == 0 {
		return false
	}
	// The nearest points on either side whose sign is the other one.
	a, va := c.beside(x, v, -1)
	b, vb := c.beside(x, v, +1)
	if !(a < x && x < b) {
		return false
	}
	for range maxPairs {
		q1, q2 := s.root(c.e, a, x, va, v), s.root(c.e, x, b, v, vb)
		if q2-q1 < leastLobe {
			return false
		}
		z, vz := c.breach(q1, q2, v)
		switch {
		case z == q2:
			s.roots = append(s.roots, root{q1, v > 0}, root{q2, v < 0})
			return true
		case vz == 0:
			return false
		case z < x: // there are more between, or G is noise
			a, va = z, vz
		default:
			b, vb = z, vz
		}
	}
	return false
}

// divided is the value v of G at θ divided by the distances from s.near.
func (s *Solver[F]) divided(theta, v float64) float64 {
	for _, r := range s.near {
		if math.Abs(theta-r) < leastLobe {
			return math.Inf(1)
		}
		v /= theta - r
	}
	return v
}

// beside is the nearest point in the direction dir from x, where G is v, known to have G of the other sign: a mark, or between
// x and a crossing found before. Without one it is x itself.
func (c *scan[F]) beside(x, v, dir float64) (theta, value float64) {
	edge := math.Inf(1)
	for _, m := range c.s.marks {
		if d := dir * (m.theta - x); d > 0 && d < edge {
			edge, theta, value = d, m.theta, m.v
		}
	}
	isRoot := false
	for _, r := range c.s.roots {
		if d := dir * (r.theta - x); d > 0 && d <= edge {
			edge, theta, isRoot = d, r.theta, true
		}
	}
	if isRoot {
		r := theta
		for k := 1; k <= 20; k++ {
			theta = r + math.Ldexp(x-r, -k)
			if value = c.s.g(c.e, theta); value != 0 && value < 0 != (v < 0) {
				break
			}
		}
	}
	if value == 0 || value < 0 == (v < 0) {
		return x, v
	}
	return theta, value
}

// breach is a point between a and b where G has not the sign of v, and G there, or b.
func (c *scan[F]) breach(a, b, v float64) (theta, value float64) {
	for _, x := range [...]float64{0.13, 0.29, 0.47, 0.71, 0.83} {
		theta = a + float64(x*(b-a))
		if value = c.s.g(c.e, theta); value == 0 || value < 0 != (v < 0) {
			return theta, value
		}
	}
	return b, v
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
