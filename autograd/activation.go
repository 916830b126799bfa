package autograd

import (
	"math"

	"pushforward/simd"
)

// Activations. A derivative that is fused in one kernel is an op of its own, whose VJP is written
// in plain operations: with that the set of rules closes, and every order of derivative exists.
type (
	tanhOp[F simd.Float]     struct{ elementwise }
	sigmoidOp[F simd.Float]  struct{ elementwise }
	siluOp[F simd.Float]     struct{ elementwise }
	geluOp[F simd.Float]     struct{ elementwise }
	geluTanhOp[F simd.Float] struct{ elementwise }
	seluOp[F simd.Float]     struct{ elementwise }
	eluOp[F simd.Float]      struct{ elementwise }
	softplusOp[F simd.Float] struct{ elementwise }
	mishOp[F simd.Float]     struct{ elementwise }
	reluOp[F simd.Float]     struct{ elementwise }
	leakyOp[F simd.Float]    struct{ elementwise }

	tanhGradOp[F simd.Float]     struct{ elementwise }
	sigmoidGradOp[F simd.Float]  struct{ elementwise }
	siluGradOp[F simd.Float]     struct{ elementwise }
	geluGradOp[F simd.Float]     struct{ elementwise }
	geluTanhGradOp[F simd.Float] struct{ elementwise }
	seluGradOp[F simd.Float]     struct{ elementwise }
	eluGradOp[F simd.Float]      struct{ elementwise }
	reluGradOp[F simd.Float]     struct{ elementwise }
	leakyGradOp[F simd.Float]    struct{ elementwise }

	siluCurveOp[F simd.Float] struct{ elementwise }
)

// The constants of SELU (Klambauer et al. 2017).
const (
	seluAlpha = 1.6732632423543772
	seluScale = 1.0507009873554805
)

// Tanh returns the hyperbolic tangent.
func (x Var[F]) Tanh() Var[F] { return x.same(tanhOp[F]{}, 0, 0) }

// Sigmoid returns 1/(1 + e⁻ˣ).
func (x Var[F]) Sigmoid() Var[F] { return x.same(sigmoidOp[F]{}, 0, 0) }

// LogSigmoid returns log(1/(1 + e⁻ˣ)) = -softplus(-x).
func (x Var[F]) LogSigmoid() Var[F] { return x.Neg().Softplus().Neg() }

// SiLU returns x/(1 + e⁻ˣ), also called swish.
func (x Var[F]) SiLU() Var[F] { return x.same(siluOp[F]{}, 0, 0) }

// GELU returns x·Φ(x) with Φ the normal distribution function.
func (x Var[F]) GELU() Var[F] { return x.same(geluOp[F]{}, 0, 0) }

// GELUTanh returns GELU's approximation ½x(1 + tanh(√(2/π)(x + 0.044715x³))).
func (x Var[F]) GELUTanh() Var[F] { return x.same(geluTanhOp[F]{}, 0, 0) }

// SELU returns 1.0507·(x if x > 0, else 1.6733·(eˣ - 1)).
func (x Var[F]) SELU() Var[F] { return x.same(seluOp[F]{}, 0, 0) }

// ELU returns x if x > 0, else eˣ - 1.
func (x Var[F]) ELU() Var[F] { return x.ELUAlpha(1) }

// ELUAlpha returns x if x > 0, else alpha·(eˣ - 1).
func (x Var[F]) ELUAlpha(alpha float64) Var[F] { return x.same(eluOp[F]{}, alpha, 0) }

// Softplus returns log(1 + eˣ), without a linear cut-over.
func (x Var[F]) Softplus() Var[F] { return x.same(softplusOp[F]{}, 0, 0) }

// ReLU returns max(x, 0), with derivative 0 at 0.
func (x Var[F]) ReLU() Var[F] { return x.same(reluOp[F]{}, 0, 0) }

// LeakyReLU returns x if x > 0, else slope·x, with derivative slope at 0.
func (x Var[F]) LeakyReLU(slope float64) Var[F] { return x.same(leakyOp[F]{}, slope, 0) }

// Mish returns x·tanh(softplus(x)).
func (x Var[F]) Mish() Var[F] { return x.same(mishOp[F]{}, 0, 0) }

// with2 records an elementwise op of two operands of one shape, with up to two
// settings.
func with2[F simd.Float](op Op[F], s, s2 float64, x, g Var[F]) Var[F] {
	y := x.t.push(op, x.t.nodes[x.id].shape)
	n := &y.t.nodes[y.id]
	n.in[0], n.in[1], n.nin, n.s, n.s2 = x.id, g.id, 2, s, s2
	n.theta = y.t.nodes[x.id].theta || y.t.nodes[g.id].theta
	op.Forward(y)
	return y
}

// slope is with2 for an op that is paired.
func slope[F simd.Float](op Op[F], x, g Var[F]) Var[F] {
	z := with2(op, 0, 0, x, g)
	z.t.nodes[z.id].pair = true
	return z
}

// Tanh: y' = 1 - y².

func (tanhOp[F]) Name() string { return "Tanh" }
func (tanhOp[F]) Forward(y Var[F]) {
	n, x := y.unary("Tanh")
	y.t.k.Tanh(n.data, x.data)
}
func (tanhOp[F]) VJP(y, g Var[F], _ int) Var[F] { return slope(Op[F](tanhGradOp[F]{}), y, g) }
func (tanhOp[F]) grad(t *Tape[F], n *node[F], _ int, dst, g []F) {
	t.k.TanhGrad(dst, n.data, g)
}

// tanhGrad(y, g) = g·(1 - y²)
func (tanhGradOp[F]) Name() string { return "TanhGrad" }
func (tanhGradOp[F]) Forward(z Var[F]) {
	n, y, g := z.operands("TanhGrad")
	z.t.k.TanhGrad(n.data, y.data, g.data)
}
func (tanhGradOp[F]) VJP(z, h Var[F], i int) Var[F] {
	y, g := z.In(0), z.In(1)
	if i == 1 {
		return slope(Op[F](tanhGradOp[F]{}), y, h)
	}
	return h.Mul(g).Mul(y).Scale(-2)
}
func (tanhGradOp[F]) gradBoth(t *Tape[F], n *node[F], dst, h []F) {
	t.k.TanhGradGrad(dst, t.nodes[n.in[0]].data, t.nodes[n.in[1]].data, h)
}
func (tanhGradOp[F]) grad(t *Tape[F], n *node[F], i int, dst, h []F) {
	y, g := t.nodes[n.in[0]].data, t.nodes[n.in[1]].data
	if i == 1 {
		t.k.TanhGrad(dst, y, h)
		return
	}
	t.times(dst, h, g)
	t.times(dst, dst, y)
	t.scale(dst, -2, dst)
}

// Sigmoid: y' = y·(1 - y).

func (sigmoidOp[F]) Name() string { return "Sigmoid" }
func (sigmoidOp[F]) Forward(y Var[F]) {
	n, x := y.unary("Sigmoid")
	y.t.k.Sigmoid(n.data, x.data)
}
func (sigmoidOp[F]) VJP(y, g Var[F], _ int) Var[F] {
	return with2(Op[F](sigmoidGradOp[F]{}), 0, 0, y, g)
}
func (sigmoidOp[F]) grad(t *Tape[F], n *node[F], _ int, dst, g []F) {
	t.k.SigmoidGrad(dst, n.data, g)
}

// sigmoidGrad(y, g) = g·y·(1 - y)
func (sigmoidGradOp[F]) Name() string { return "SigmoidGrad" }
func (sigmoidGradOp[F]) Forward(z Var[F]) {
	n, y, g := z.operands("SigmoidGrad")
	z.t.k.SigmoidGrad(n.data, y.data, g.data)
}
func (sigmoidGradOp[F]) VJP(z, h Var[F], i int) Var[F] {
	y, g := z.In(0), z.In(1)
	if i == 1 {
		return with2(Op[F](sigmoidGradOp[F]{}), 0, 0, y, h)
	}
	return h.Mul(g).Mul(y.Scale(-2).Shift(1))
}

// SiLU: with s = sigmoid(x), y' = s·(1 + x·(1 - s)) and y'' = s·(1 - s)·(2 + x·(1 - 2s)). Where there is an Input, whose
// derivative will be asked for, it keeps both; all that is differentiated later makes do with products of them, of the
// same bits.

func (siluOp[F]) Name() string { return "SiLU" }
func (siluOp[F]) Forward(y Var[F]) {
	t := y.t
	n, x := y.unary("SiLU")
	if t.inputs == 0 {
		t.k.SiLU(n.data, x.data)
		return
	}
	c := t.keepSlopes(n)
	t.k.SiLUSlopes(n.data, x.data, c.p, c.q)
}
func (siluOp[F]) VJP(y, g Var[F], _ int) Var[F] {
	return y.sloped(siluGradOp[F]{}, y.In(0), g, true)
}
func (siluOp[F]) grad(t *Tape[F], n *node[F], _ int, dst, g []F) {
	if c := t.slopesOf(n); c != nil {
		t.times(dst, g, c.p)
		return
	}
	t.k.SiLUGrad(dst, t.nodes[n.in[0]].data, g)
}
func (siluOp[F]) gradAdd(t *Tape[F], n *node[F], _ int, dst, g []F) bool {
	c := t.slopesOf(n)
	if c != nil {
		t.k.MulPlus(dst, g, c.p, dst)
	}
	return c != nil
}

func (siluGradOp[F]) Name() string { return "SiLUGrad" }
func (siluGradOp[F]) Forward(z Var[F]) {
	n, x, g := z.operands("SiLUGrad")
	if c := z.t.slopesOf(n); c != nil {
		z.t.times(n.data, g.data, c.p)
		return
	}
	z.t.k.SiLUGrad(n.data, x.data, g.data)
}
func (siluGradOp[F]) VJP(z, h Var[F], i int) Var[F] {
	x, g := z.In(0), z.In(1)
	if i == 1 {
		return z.sloped(siluGradOp[F]{}, x, h, true)
	}
	return z.sloped(siluCurveOp[F]{}, x, h.Mul(g), false)
}
func (siluGradOp[F]) gradBoth(t *Tape[F], n *node[F], dst, h []F) {
	x, g := t.nodes[n.in[0]].data, t.nodes[n.in[1]].data
	if c := t.slopesOf(n); c != nil {
		t.k.MulGradGrad(dst, c.q, g, h, c.p)
		return
	}
	t.k.SiLUGradGrad(dst, x, g, h)
}
func (siluGradOp[F]) grad(t *Tape[F], n *node[F], i int, dst, h []F) {
	x, g := t.nodes[n.in[0]].data, t.nodes[n.in[1]].data
	c := t.slopesOf(n)
	switch {
	case i == 1 && c != nil:
		t.times(dst, h, c.p)
	case i == 1:
		t.k.SiLUGrad(dst, x, h)
	case c != nil:
		t.times(dst, h, g)
		t.times(dst, dst, c.q)
	default:
		spare := t.rev.take(len(h))
		copy(spare, h)
		t.k.SiLUGradGrad(dst, x, g, spare)
		t.rev.give(spare)
	}
}

// siluCurve(x, u) = u·f"(x) with f = SiLU. With d = c - s, c = 1 - s, f‴ = s·c·(3d + x·(d² - 2sc)).
func (siluCurveOp[F]) Name() string { return "SiLUCurve" }
func (siluCurveOp[F]) Forward(z Var[F]) {
	n, x, u := z.operands("SiLUCurve")
	if c := z.t.slopesOf(n); c != nil {
		z.t.times(n.data, u.data, c.q)
		return
	}
	hold := z.t.mem
	ones := z.t.mem.alloc(len(u.data))
	fill(ones, 1)
	z.t.k.SiLUGradGrad(n.data, x.data, u.data, ones)
	z.t.mem.at, z.t.mem.off = hold.at, hold.off
}
func (siluCurveOp[F]) VJP(z, k Var[F], i int) Var[F] {
	x, u := z.In(0), z.In(1)
	if i == 1 {
		return z.sloped(siluCurveOp[F]{}, x, k, false)
	}
	s, c := x.Sigmoid(), x.Neg().Sigmoid()
	sc, d := s.Mul(c), c.Sub(s)
	return k.Mul(u).Mul(sc).Mul(d.Scale(3).Add(x.Mul(d.Square().Sub(sc.Scale(2)))))
}

// keepSlopes makes room for the slopes of n's function.
func (t *Tape[F]) keepSlopes(n *node[F]) slopes[F] {
	c := slopes[F]{t.mem.alloc(len(n.data)), t.mem.alloc(len(n.data))}
	n.s, n.ints = 1, int32(len(t.slopes))
	t.slopes = append(t.slopes, c)
	return c
}

// slopesOf returns the slopes kept for n or the node whose derivative it is, nil if there are none.
func (t *Tape[F]) slopesOf(n *node[F]) *slopes[F] {
	if n.s == 0 {
		return nil
	}
	return &t.slopes[n.ints]
}

// sloped records an op of x and g that may use y's slopes, if y has any.
func (y Var[F]) sloped(op Op[F], x, g Var[F], paired bool) Var[F] {
	t := y.t
	z := t.push(op, t.nodes[x.id].shape)
	n, of := &t.nodes[z.id], &t.nodes[y.id]
	n.in[0], n.in[1], n.nin, n.s, n.ints = x.id, g.id, 2, of.s, of.ints
	n.theta = t.nodes[x.id].theta || t.nodes[g.id].theta
	n.pair = paired
	op.Forward(z)
	return z
}

// Mish: with t = tanh(softplus(x)), y' = t + x·sigmoid(x)·(1 - t²).

func (mishOp[F]) Name() string { return "Mish" }
func (mishOp[F]) Forward(y Var[F]) {
	n, x := y.unary("Mish")
	y.t.k.Softplus(n.data, x.data)
	y.t.k.Tanh(n.data, n.data)
	y.t.times(n.data, x.data, n.data)
}
func (mishOp[F]) VJP(y, g Var[F], _ int) Var[F] {
	x := y.In(0)
	t := x.Softplus().Tanh()
	return g.Mul(t.Add(slope(Op[F](tanhGradOp[F]{}), t, x.SiLU())))
}

// GELU: with φ the normal density, y' = Φ(x) + x·φ(x) and y'' = φ(x)·(2 - x²).

func (geluOp[F]) Name() string { return "GELU" }
func (geluOp[F]) Forward(y Var[F]) {
	n, x := y.unary("GELU")
	y.t.k.GELU(n.data, x.data)
}
func (geluOp[F]) VJP(y, g Var[F], _ int) Var[F] {
	return with2(Op[F](geluGradOp[F]{}), 0, 0, y.In(0), g)
}
func (geluOp[F]) grad(t *Tape[F], n *node[F], _ int, dst, g []F) {
	t.k.GELUGrad(dst, t.nodes[n.in[0]].data, g)
}

func (geluGradOp[F]) Name() string { return "GELUGrad" }
func (geluGradOp[F]) Forward(z Var[F]) {
	n, x, g := z.operands("GELUGrad")
	z.t.k.GELUGrad(n.data, x.data, g.data)
}
func (geluGradOp[F]) VJP(z, h Var[F], i int) Var[F] {
	x, g := z.In(0), z.In(1)
	if i == 1 {
		return with2(Op[F](geluGradOp[F]{}), 0, 0, x, h)
	}
	phi := x.Square().Scale(-0.5).Exp().Scale(1 / math.Sqrt(2*math.Pi))
	return h.Mul(g).Mul(phi.Scale(2).Sub(phi.Mul(x).Mul(x))) // x² may overflow where φ is 0
}

// GELUTanh is x·s with s = sigmoid(a), a = A·(x + kx³). With c = 1 - s, y' = s + x·s·c·a' and
// y'' = s·c·(2a' + x·(a'' + (c - s)·a'²)).

func (geluTanhOp[F]) Name() string { return "GELUTanh" }
func (geluTanhOp[F]) Forward(y Var[F]) {
	n, x := y.unary("GELUTanh")
	y.t.k.GELUTanh(n.data, x.data)
}
func (geluTanhOp[F]) VJP(y, g Var[F], _ int) Var[F] {
	return with2(Op[F](geluTanhGradOp[F]{}), 0, 0, y.In(0), g)
}
func (geluTanhOp[F]) grad(t *Tape[F], n *node[F], _ int, dst, g []F) {
	t.k.GELUTanhGrad(dst, t.nodes[n.in[0]].data, g)
}

func (geluTanhGradOp[F]) Name() string { return "GELUTanhGrad" }
func (geluTanhGradOp[F]) Forward(z Var[F]) {
	n, x, g := z.operands("GELUTanhGrad")
	z.t.k.GELUTanhGrad(n.data, x.data, g.data)
}
func (geluTanhGradOp[F]) VJP(z, h Var[F], i int) Var[F] {
	x, g := z.In(0), z.In(1)
	if i == 1 {
		return with2(Op[F](geluTanhGradOp[F]{}), 0, 0, x, h)
	}
	const A, k = 2 * 0.7978845608028654, 0.044715
	q := x.Square()
	a := q.Scale(k).Shift(1).Mul(x).Scale(A)
	s, c := a.Sigmoid(), a.Neg().Sigmoid() // 1 - s would lose digits where s is near 1
	a1 := q.Scale(3 * k).Shift(1).Scale(A)
	in := a1.Scale(2).Add(x.Mul(x.Scale(6 * k * A).Add(c.Sub(s).Mul(a1.Square()))))
	return h.Mul(g).Mul(s.Mul(c)).Mul(in)
}
