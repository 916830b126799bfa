package autograd

import (
	"math"

	"pushforward/simd"
)

// Comparisons, selection, and what is made of them. A comparison yields 1 for true and 0 for false
// and has derivative zero.
type (
	greaterOp[F simd.Float]   struct{}
	lessOp[F simd.Float]      struct{}
	equalOp[F simd.Float]     struct{}
	maximumOp[F simd.Float]   struct{}
	minimumOp[F simd.Float]   struct{}
	shareOp[F simd.Float]     struct{}
	clampOp[F simd.Float]     struct{ elementwise }
	insideOp[F simd.Float]    struct{ elementwise }
	whereOp[F simd.Float]     struct{}
	atan2Op[F simd.Float]     struct{}
	powOp[F simd.Float]       struct{}
	powScalarOp[F simd.Float] struct{}
)

// Greater returns 1 where x > y, else 0. Its derivative is zero.
func (x Var[F]) Greater(y Var[F]) Var[F] { return binary(Op[F](greaterOp[F]{}), x, y) }

// Less returns 1 where x < y, else 0. Its derivative is zero.
func (x Var[F]) Less(y Var[F]) Var[F] { return binary(Op[F](lessOp[F]{}), x, y) }

// Equal returns 1 where x = y, else 0. Its derivative is zero.
func (x Var[F]) Equal(y Var[F]) Var[F] { return binary(Op[F](equalOp[F]{}), x, y) }

// Maximum returns the greater of x and y; a tie gives half of the cotangent to each. NaN wins.
func (x Var[F]) Maximum(y Var[F]) Var[F] { return binary(Op[F](maximumOp[F]{}), x, y) }

// Minimum returns the lesser of x and y; a tie gives half of the cotangent to each. NaN wins.
func (x Var[F]) Minimum(y Var[F]) Var[F] { return binary(Op[F](minimumOp[F]{}), x, y) }

// Clamp returns x limited to [lo, hi]. Its derivative is 1 between the bounds and 0 at them and
// outside. An infinite bound is none.
func (x Var[F]) Clamp(lo, hi float64) Var[F] { return x.same(clampOp[F]{}, lo, hi) }

// Atan2 returns the angle of the point (x, y), where y is the receiver.
func (y Var[F]) Atan2(x Var[F]) Var[F] { return binary(Op[F](atan2Op[F]{}), y, x) }

// Pow returns x to the power y. Where y = 0 the derivative by x is 0; where x = 0 and y ≥ 0 that by
// y is 0.
func (x Var[F]) Pow(y Var[F]) Var[F] { return binary(Op[F](powOp[F]{}), x, y) }

// PowScalar returns x to the power p.
func (x Var[F]) PowScalar(p float64) Var[F] { return x.same(powScalarOp[F]{}, p, 0) }

// Where takes a where mask is not 0, and b elsewhere. All three stretch to a common shape. What is
// not taken does not count, be it infinite or NaN. The mask has no derivative.
func Where[F simd.Float](mask, a, b Var[F]) Var[F] {
	nm, na := pair("Where", mask, a)
	_, nb := pair("Where", mask, b)
	s := join("Where", join("Where", na.shape, nb.shape), nm.shape)
	return Apply(Op[F](whereOp[F]{}), s, mask, a, b)
}

// binary records a two-operand op on operands stretched to a common shape.
func binary[F simd.Float](op Op[F], x, y Var[F]) Var[F] {
	nx, ny := pair(op.Name(), x, y)
	return apply2(op, join(op.Name(), nx.shape, ny.shape), x, y)
}

// each2 sets z to f of its two operands, stretched.
func each2[F simd.Float](z Var[F], op string, f func(x, y F) F) {
	t := z.t
	n, a, b := z.operands(op)
	hold := t.mem
	x, y := t.stretch(a.data, a.shape, n.shape), t.stretch(b.data, b.shape, n.shape)
	for i := range n.data {
		n.data[i] = f(x[i], y[i])
	}
	t.mem.at, t.mem.off = hold.at, hold.off
}

func bit[F simd.Float](b bool) F {
	if b {
		return 1
	}
	return 0
}

func (greaterOp[F]) Name() string { return "Greater" }
func (greaterOp[F]) Forward(z Var[F]) {
	each2(z, "Greater", func(x, y F) F { return bit[F](x > y) })
}
func (greaterOp[F]) VJP(_, _ Var[F], _ int) Var[F] { return Var[F]{} }

func (lessOp[F]) Name() string { return "Less" }
func (lessOp[F]) Forward(z Var[F]) {
	each2(z, "Less", func(x, y F) F { return bit[F](x < y) })
}
func (lessOp[F]) VJP(_, _ Var[F], _ int) Var[F] { return Var[F]{} }

func (equalOp[F]) Name() string { return "Equal" }
func (equalOp[F]) Forward(z Var[F]) {
	each2(z, "Equal", func(x, y F) F { return bit[F](x == y) })
}
func (equalOp[F]) VJP(_, _ Var[F], _ int) Var[F] { return Var[F]{} }

func (maximumOp[F]) Name() string { return "Maximum" }
func (maximumOp[F]) Forward(z Var[F]) {
	each2(z, "Maximum", func(x, y F) F {
		if x > y || x != x {
			return x
		}
		return y
	})
}
func (maximumOp[F]) VJP(z, g Var[F], i int) Var[F] {
	return g.Mul(binary(Op[F](shareOp[F]{}), z.In(i), z.In(1-i))).shed(z.In(i).Shape())
}
func (maximumOp[F]) JVP(z, dx Var[F], i int) Var[F] { return dx.Mul(portion(z.In(0), z.In(1), i)) }

// portion is what of the tangent of operand i of the maximum of x and y comes through: all of the greater's,
// half of each at a tie, y's beside a NaN. The last is PyTorch's, whose VJP gives all to both there.
func portion[F simd.Float](x, y Var[F], i int) Var[F] {
	p := x.Greater(y).Add(x.Equal(y).Scale(0.5))
	if i == 1 {
		p = p.Scale(-1).Shift(1)
	}
	return p
}

func (minimumOp[F]) Name() string { return "Minimum" }
func (minimumOp[F]) Forward(z Var[F]) {
	each2(z, "Minimum", func(x, y F) F {
		if x < y || x != x {
			return x
		}
		return y
	})
}
func (minimumOp[F]) VJP(z, g Var[F], i int) Var[F] {
	return g.Mul(binary(Op[F](shareOp[F]{}), z.In(1-i), z.In(i))).shed(z.In(i).Shape())
}
func (minimumOp[F]) JVP(z, dx Var[F], i int) Var[F] {
	x, y := z.In(0), z.In(1)
	p := x.Less(y).Add(x.Equal(y).Scale(0.5))
	if i == 1 {
		p = p.Scale(-1).Shift(1)
	}
	return dx.Mul(p)
}

// share(x, y) is 1 where x > y, ½ where x = y, 0 where x < y, and 1 beside a NaN.
func (shareOp[F]) Name() string { return "Share" }
func (shareOp[F]) Forward(z Var[F]) {
	each2(z, "Share", func(x, y F) F {
		switch {
		case x < y:
			return 0
		case x == y:
			return 0.5
		}
		return 1
	})
}
func (shareOp[F]) VJP(_, _ Var[F], _ int) Var[F] { return Var[F]{} }

func (clampOp[F]) Name() string { return "Clamp" }
func (clampOp[F]) Forward(y Var[F]) {
	n, x := y.unary("Clamp")
	lo, hi := F(n.s), F(n.s2)
	for i, v := range x.data {
		if v < lo {
			v = lo
		}
		if v > hi {
			v = hi
		}
		n.data[i] = v
	}
}
func (clampOp[F]) VJP(y, g Var[F], _ int) Var[F] {
	n := y.node("Clamp")
	return with2(Op[F](insideOp[F]{}), n.s, n.s2, y.In(0), g)
}
func (clampOp[F]) grad(t *Tape[F], n *node[F], _ int, dst, g []F) {
	inside(F(n.s), F(n.s2), dst, t.nodes[n.in[0]].data, g)
}

// inside(x, g) is g where lo < x < hi, else 0.
func (insideOp[F]) Name() string { return "Inside" }
func (insideOp[F]) Forward(z Var[F]) {
	n, x, g := z.operands("Inside")
	inside(F(n.s), F(n.s2), n.data, x.data, g.data)
}
func (insideOp[F]) VJP(z, h Var[F], i int) Var[F] {
	if i == 0 {
		return Var[F]{}
	}
	n := z.node("Inside")
	return with2(Op[F](insideOp[F]{}), n.s, n.s2, z.In(0), h)
}

func inside[F simd.Float](lo, hi F, dst, x, g []F) {
	low, high := math.IsInf(float64(lo), -1), math.IsInf(float64(hi), 1) // no bound there
	for i, v := range x {
		h := g[i]
		if !((low || lo < v) && (high || v < hi)) {
			h = 0
		}
		dst[i] = h
	}
}

func (whereOp[F]) Name() string { return "Where" }
func (whereOp[F]) Forward(z Var[F]) {
	t, n := z.t, z.node("Where")
	m, a, b := &t.nodes[n.in[0]], &t.nodes[n.in[1]], &t.nodes[n.in[2]]
	hold := t.mem
	ms, as, bs := t.stretch(m.data, m.shape, n.shape), t.stretch(a.data, a.shape, n.shape), t.stretch(b.data, b.shape, n.shape)
	for i, v := range ms {
		if v != 0 {
			n.data[i] = as[i]
		} else {
			n.data[i] = bs[i]
		}
	}
	t.mem.at, t.mem.off = hold.at, hold.off
}
func (whereOp[F]) VJP(z, g Var[F], i int) Var[F] {
	zero := z.t.Scalar(0)
	switch i {
	case 1:
		return Where(z.In(0), g, zero).shed(z.In(1).Shape())
	case 2:
		return Where(z.In(0), zero, g).shed(z.In(2).Shape())
	}
	return Var[F]{}
}

func (atan2Op[F]) Name() string { return "Atan2" }
func (atan2Op[F]) Forward(z Var[F]) {
	each2(z, "Atan2", func(y, x F) F { return F(atan2(float64(y), float64(x))) })
}

// ∂/∂y = x/(x² + y²), ∂/∂x = -y/(x² + y²), both 0 at the origin.
func (atan2Op[F]) VJP(z, g Var[F], i int) Var[F] {
	y, x, zero := z.In(0), z.In(1), z.t.Scalar(0)
	r := x.Square().Add(y.Square())
	r = Where(r.Equal(zero), zero, r.Reciprocal())
	if i == 0 {
		return g.Mul(x).Mul(r).shed(y.Shape())
	}
	return g.Mul(y.Neg()).Mul(r).shed(x.Shape())
}

// At the origin, NaN.
func (atan2Op[F]) JVP(z, d Var[F], i int) Var[F] {
	y, x := z.In(0), z.In(1)
	r := x.Square().Add(y.Square())
	if i == 0 {
		return d.Mul(x).Div(r)
	}
	return d.Mul(y).Div(r).Neg()
}

func (powOp[F]) Name() string { return "Pow" }
func (powOp[F]) Forward(z Var[F]) {
	each2(z, "Pow", func(x, y F) F { return F(simd.Pow(float64(x), float64(y))) })
}
func (powOp[F]) VJP(z, g Var[F], i int) Var[F] {
	return powOp[F]{}.JVP(z, g, i).shed(z.In(i).Shape())
}
func (powOp[F]) JVP(z, d Var[F], i int) Var[F] {
	x, y, zero := z.In(0), z.In(1), z.t.Scalar(0)
	if i == 0 {
		return Where(y.Equal(zero), zero, d.Mul(y.Mul(x.Pow(y.Shift(-1)))))
	}
	return d.Mul(Where(x.Equal(zero).Mul(y.Greater(zero).Add(y.Equal(zero))), zero, z.Mul(x.Log())))
}

func (powScalarOp[F]) Name() string { return "PowScalar" }
func (powScalarOp[F]) Forward(z Var[F]) {
	n, x := z.unary("PowScalar")
	switch p := n.s; p {
	case 0.5: // where they differ, at -0 and -Inf, as the root
		z.t.k.Sqrt(n.data, x.data)
	case -0.5:
		rsqrt(n.data, x.data)
	default:
		for i, v := range x.data {
			n.data[i] = F(simd.Pow(float64(v), p))
		}
	}
}
func (powScalarOp[F]) VJP(z, g Var[F], _ int) Var[F] {
	p := z.node("PowScalar").s
	if p == 0 {
		return Var[F]{}
	}
	return g.Mul(z.In(0).PowScalar(p - 1).Scale(p))
}
