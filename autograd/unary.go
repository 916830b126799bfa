package autograd

import (
	"math"

	"pushforward/simd"
)

// Elementwise operations of one operand, other than activations.
type (
	scaleOp[F simd.Float]      struct{ elementwise }
	shiftOp[F simd.Float]      struct{ elementwise }
	expOp[F simd.Float]        struct{ elementwise }
	expm1Op[F simd.Float]      struct{ elementwise }
	logOp[F simd.Float]        struct{ elementwise }
	log1pOp[F simd.Float]      struct{ elementwise }
	sqrtOp[F simd.Float]       struct{ elementwise }
	rsqrtOp[F simd.Float]      struct{ elementwise }
	squareOp[F simd.Float]     struct{ elementwise }
	reciprocalOp[F simd.Float] struct{ elementwise }
	absOp[F simd.Float]        struct{ elementwise }
	signOp[F simd.Float]       struct{ elementwise }
	sinOp[F simd.Float]        struct{ elementwise }
	cosOp[F simd.Float]        struct{ elementwise }
	atanOp[F simd.Float]       struct{ elementwise }
	erfOp[F simd.Float]        struct{ elementwise }
)

// same records a one-operand op whose result has x's shape.
func (x Var[F]) same(op Op[F], s, s2 float64) Var[F] {
	if !x.live() {
		x.need(op.Name())
	}
	return apply1(op, x.t.nodes[x.id].shape, s, s2, x)
}

// unary returns the nodes of a one-operand op's result and operand.
func (y Var[F]) unary(op string) (n, x *node[F]) {
	n = y.node(op)
	return n, &y.t.nodes[n.in[0]]
}

// each sets dst[i] to f(x[i]), computed in float64.
func each[F simd.Float](dst, x []F, f func(float64) float64) {
	for i, v := range x {
		dst[i] = F(f(float64(v)))
	}
}

// Scale returns a·x.
func (x Var[F]) Scale(a float64) Var[F] { return x.same(scaleOp[F]{}, a, 0) }

// Neg returns -x.
func (x Var[F]) Neg() Var[F] { return x.same(scaleOp[F]{}, -1, 0) }

// Shift returns x + a.
func (x Var[F]) Shift(a float64) Var[F] { return x.same(shiftOp[F]{}, a, 0) }

// Exp returns eˣ.
func (x Var[F]) Exp() Var[F] { return x.same(expOp[F]{}, 0, 0) }

// Expm1 returns eˣ - 1, exact near 0.
func (x Var[F]) Expm1() Var[F] { return x.same(expm1Op[F]{}, 0, 0) }

// Log returns the natural logarithm.
func (x Var[F]) Log() Var[F] { return x.same(logOp[F]{}, 0, 0) }

// Log1p returns log(1 + x), exact near 0.
func (x Var[F]) Log1p() Var[F] { return x.same(log1pOp[F]{}, 0, 0) }

// Sqrt returns √x.
func (x Var[F]) Sqrt() Var[F] { return x.same(sqrtOp[F]{}, 0, 0) }

// Rsqrt returns 1/√x.
func (x Var[F]) Rsqrt() Var[F] { return x.same(rsqrtOp[F]{}, 0, 0) }

// Square returns x².
func (x Var[F]) Square() Var[F] { return x.same(squareOp[F]{}, 0, 0) }

// Reciprocal returns 1/x.
func (x Var[F]) Reciprocal() Var[F] { return x.same(reciprocalOp[F]{}, 0, 0) }

// Abs returns |x|, with derivative 0 at 0.
func (x Var[F]) Abs() Var[F] { return x.same(absOp[F]{}, 0, 0) }

// Sign returns -1, 0 or 1, and 0 of NaN. Its derivative is zero.
func (x Var[F]) Sign() Var[F] { return x.same(signOp[F]{}, 0, 0) }

// Sin returns sin x.
func (x Var[F]) Sin() Var[F] { return x.same(sinOp[F]{}, 0, 0) }

// Cos returns cos x.
func (x Var[F]) Cos() Var[F] { return x.same(cosOp[F]{}, 0, 0) }

// Atan returns arctan x.
func (x Var[F]) Atan() Var[F] { return x.same(atanOp[F]{}, 0, 0) }

// Erf returns the error function 2/√π·∫₀ˣ exp(-s²) ds.
func (x Var[F]) Erf() Var[F] { return x.same(erfOp[F]{}, 0, 0) }

func (scaleOp[F]) Name() string { return "Scale" }
func (scaleOp[F]) Forward(y Var[F]) {
	n, x := y.unary("Scale")
	y.t.scale(n.data, F(n.s), x.data)
}
func (scaleOp[F]) VJP(y, g Var[F], _ int) Var[F] { return g.Scale(y.node("Scale").s) }
func (scaleOp[F]) grad(t *Tape[F], n *node[F], _ int, dst, g []F) {
	t.scale(dst, F(n.s), g)
}

func (shiftOp[F]) Name() string { return "Shift" }
func (shiftOp[F]) Forward(y Var[F]) {
	n, x := y.unary("Shift")
	y.t.shift(n.data, F(n.s), x.data)
}
func (shiftOp[F]) VJP(y, g Var[F], _ int) Var[F] { return g }
func (shiftOp[F]) grad(t *Tape[F], n *node[F], _ int, dst, g []F) {
	t.shed(dst, &t.nodes[n.in[0]], g, n)
}

func (expOp[F]) Name() string { return "Exp" }
func (expOp[F]) Forward(y Var[F]) {
	n, x := y.unary("Exp")
	y.t.k.Exp(n.data, x.data)
}
func (expOp[F]) VJP(y, g Var[F], _ int) Var[F] { return g.Mul(y) }
func (expOp[F]) grad(t *Tape[F], n *node[F], _ int, dst, g []F) {
	t.times(dst, g, n.data)
}

func (expm1Op[F]) Name() string { return "Expm1" }
func (expm1Op[F]) Forward(y Var[F]) {
	n, x := y.unary("Expm1")
	each(n.data, x.data, simd.Expm1)
}
func (expm1Op[F]) VJP(y, g Var[F], _ int) Var[F] { return g.Mul(y.In(0).Exp()) }

func (logOp[F]) Name() string { return "Log" }
func (logOp[F]) Forward(y Var[F]) {
	n, x := y.unary("Log")
	y.t.k.Log(n.data, x.data)
}
func (logOp[F]) VJP(y, g Var[F], _ int) Var[F] { return g.Div(y.In(0)) }
func (logOp[F]) grad(t *Tape[F], n *node[F], _ int, dst, g []F) {
	t.k.Div(dst, g, t.nodes[n.in[0]].data)
}

func (log1pOp[F]) Name() string { return "Log1p" }
func (log1pOp[F]) Forward(y Var[F]) {
	n, x := y.unary("Log1p")
	each(n.data, x.data, simd.Log1p)
}
func (log1pOp[F]) VJP(y, g Var[F], _ int) Var[F] { return g.Div(y.In(0).Shift(1)) }

func (sqrtOp[F]) Name() string { return "Sqrt" }
func (sqrtOp[F]) Forward(y Var[F]) {
	n, x := y.unary("Sqrt")
	y.t.k.Sqrt(n.data, x.data)
}
func (sqrtOp[F]) VJP(y, g Var[F], _ int) Var[F] { return g.Div(y).Scale(0.5) }
func (sqrtOp[F]) grad(t *Tape[F], n *node[F], _ int, dst, g []F) {
	t.k.Div(dst, g, n.data)
	t.scale(dst, 0.5, dst)
}

func (rsqrtOp[F]) Name() string { return "Rsqrt" }
func (rsqrtOp[F]) Forward(y Var[F]) {
	n, x := y.unary("Rsqrt")
	rsqrt(n.data, x.data)
}

func rsqrt[F simd.Float](dst, x []F) {
	for i, v := range x {
		dst[i] = F(1 / math.Sqrt(float64(v)))
	}
}
func (rsqrtOp[F]) VJP(y, g Var[F], _ int) Var[F] { return g.Mul(y.Square().Mul(y)).Scale(-0.5) }
func (rsqrtOp[F]) grad(t *Tape[F], n *node[F], _ int, dst, g []F) {
	d := t.rev.take(len(g))
	t.times(d, n.data, n.data)
	t.times(d, d, n.data)
	t.times(dst, g, d)
	t.scale(dst, -0.5, dst)
	t.rev.give(d)
}

func (squareOp[F]) Name() string { return "Square" }
func (squareOp[F]) Forward(y Var[F]) {
	n, x := y.unary("Square")
	y.t.times(n.data, x.data, x.data)
}
func (squareOp[F]) VJP(y, g Var[F], _ int) Var[F] { return g.Mul(y.In(0)).Scale(2) }
func (squareOp[F]) grad(t *Tape[F], n *node[F], _ int, dst, g []F) {
	t.times(dst, g, t.nodes[n.in[0]].data)
	t.scale(dst, 2, dst)
}

func (reciprocalOp[F]) Name() string { return "Reciprocal" }
func (reciprocalOp[F]) Forward(y Var[F]) {
	n, x := y.unary("Reciprocal")
	for i, v := range x.data {
		n.data[i] = 1 / v
	}
}
func (reciprocalOp[F]) VJP(y, g Var[F], _ int) Var[F] { return g.Mul(y.Square()).Neg() }

func (absOp[F]) Name() string { return "Abs" }
func (absOp[F]) Forward(y Var[F]) {
	n, x := y.unary("Abs")
	for i, v := range x.data {
		n.data[i] = F(math.Abs(float64(v)))
	}
}
func (absOp[F]) VJP(y, g Var[F], _ int) Var[F] { return g.Mul(y.In(0).Sign()) }

func (signOp[F]) Name() string { return "Sign" }
func (signOp[F]) Forward(y Var[F]) {
	n, x := y.unary("Sign")
	for i, v := range x.data {
		n.data[i] = sign(v)
	}
}
func (signOp[F]) VJP(_, _ Var[F], _ int) Var[F] { return Var[F]{} }

func sign[F simd.Float](v F) F {
	switch {
	case v > 0:
		return 1
	case v < 0:
		return -1
	}
	return 0
}

func (sinOp[F]) Name() string { return "Sin" }
func (sinOp[F]) Forward(y Var[F]) {
	n, x := y.unary("Sin")
	y.t.k.Sin(n.data, x.data)
}
func (sinOp[F]) VJP(y, g Var[F], _ int) Var[F] { return g.Mul(y.In(0).Cos()) }

func (cosOp[F]) Name() string { return "Cos" }
func (cosOp[F]) Forward(y Var[F]) {
	n, x := y.unary("Cos")
	y.t.k.Cos(n.data, x.data)
}
func (cosOp[F]) VJP(y, g Var[F], _ int) Var[F] { return g.Mul(y.In(0).Sin()).Neg() }

func (atanOp[F]) Name() string { return "Atan" }
func (atanOp[F]) Forward(y Var[F]) {
	n, x := y.unary("Atan")
	each(n.data, x.data, atan)
}
func (atanOp[F]) VJP(y, g Var[F], _ int) Var[F] { return g.Div(y.In(0).Square().Shift(1)) }

func (erfOp[F]) Name() string { return "Erf" }
func (erfOp[F]) Forward(y Var[F]) {
	n, x := y.unary("Erf")
	y.t.k.Erf(n.data, x.data)
}
func (erfOp[F]) VJP(y, g Var[F], _ int) Var[F] {
	return g.Mul(y.In(0).Square().Neg().Exp()).Scale(2 / math.SqrtPi)
}
