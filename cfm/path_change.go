package cfm

import (
	"fmt"
	"math"

	"pushforward/autograd"
	"pushforward/simd"
)

// ChangePath turns a field trained on one path into the field of another, without training: at equal ratios of data to noise the points
// of two paths differ by a factor only. With the time t(r) at which a/s of from is what that of to is at r, and q = s_to(r)/s_from(t) =
// a_to(r)/a_from(t),
//
//	x_to(r) = q·x_from(t),   v_to(r, x) = (q̇/q)·x + q·ṫ·v_from(t, x/q)
//
// (flow_matching's ScheduleTransformedModel; Pokle et al. 2023). It is exact, so samples at t = 1 stay the same but for the solver's errors
// and for paths that start with a little of the data: what changes is where the solver's steps lie, and which noise SampleSDE and Score take. Each
// path must have one kind of noise only, b·x₀ or c·z, and its a/s must rise from near 0 without bound, which excludes
// a path with σ_min and Tube. A field that is trained on x₀ of any source and coupling may change between paths of b.
//
// Where the new path's derivative is not bounded at an end the field is held at the end of its Span.
func ChangePath[F simd.Float](f Field[F], from, to Path) (Field[F], error) {
	for _, p := range []Path{from, to} {
		if err := CheckPath(p); err != nil {
			return nil, err
		}
		k, end := p.At(0.5), p.At(1)
		if k.B != 0 && k.C != 0 {
			return nil, fmt.Errorf("cfm: change of path: %T%+v has two kinds of noise, x₀ and z, whose shares differ from path to path", p, p)
		}
		if s, _ := end.Noise(); s > 1e-6 {
			return nil, fmt.Errorf("cfm: change of path: %T%+v keeps noise of width %g at t = 1: no other path meets its end", p, p, s)
		}
	}
	if (from.At(0.5).B == 0) != (to.At(0.5).B == 0) {
		return nil, fmt.Errorf("cfm: change of path: the noise of %T is x₀ and that of %T is not, or the other way round", from, to)
	}
	return FieldFunc[F](func(q Query[F]) autograd.Var[F] {
		tape := q.T.Tape()
		at, shrink, lin, grow := tape.Alloc(q.T.Shape()), tape.Alloc(q.T.Shape()), tape.Alloc(q.T.Shape()), tape.Alloc(q.T.Shape())
		ts, ss, ls, gs := at.Value().Data, shrink.Value().Data, lin.Value().Data, grow.Value().Data
		for i, r := range q.T.Value().Data {
			c := changeAt(from, to, float64(r))
			ts[i], ss[i], ls[i], gs[i] = F(c.t), F(1/c.q), F(c.lin), F(float64(c.q*c.dt))
		}
		moved := q
		moved.T, moved.X = at, q.X.Mul(shrink)
		return q.X.Mul(lin).Add(f.Velocity(moved).Mul(grow))
	}), nil
}

// change is the map between two paths at one time: t, ṫ, q and q̇/q.
type change struct{ t, dt, q, lin float64 }

func changeAt(from, to Path, r float64) change {
	lo, hi := Span(to)
	// At the very ends a/s is 0 and infinite, and its derivative may be so; so near to them the points are those of the ends.
	r = math.Min(math.Max(r, math.Max(lo, 1e-9)), math.Min(hi, 1-1e-9))
	n := to.At(r)
	s, ds := n.Noise()
	t := TimeOfSNR(from, n.A/s)
	k := from.At(t)
	ks, kds := k.Noise()
	// The part that is not faint tells q, with its own rate.
	c := change{t: t}
	if n.A >= s {
		c.q = n.A / k.A
	} else {
		c.q = s / ks
	}
	// d(a/s)/dr = d(a/s)/dt·ṫ, that is (ȧs - aṡ)/s² on both sides.
	c.dt = (float64(n.DA*s) - float64(n.A*ds)) / (float64(k.DA*ks) - float64(k.A*kds)) / float64(c.q*c.q)
	if n.A >= s {
		c.lin = n.DA/n.A - float64(k.DA/k.A*c.dt)
	} else {
		c.lin = ds/s - float64(kds/ks*c.dt)
	}
	return c
}
