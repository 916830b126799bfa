package autograd

import "pushforward/simd"

// The activations that are two curves joined at 0.

// SELU: y' = λαeˣ for x ≤ 0, else λ; y'' = λαeˣ for x < 0, else 0.

func (seluOp[F]) Name() string { return "SELU" }
func (seluOp[F]) Forward(y Var[F]) {
	n, x := y.unary("SELU")
	y.t.k.SELU(n.data, x.data)
}
func (seluOp[F]) VJP(y, g Var[F], _ int) Var[F] {
	return slope(Op[F](seluGradOp[F]{}), y.In(0), g)
}
func (seluOp[F]) grad(t *Tape[F], n *node[F], _ int, dst, g []F) {
	t.k.SELUGrad(dst, t.nodes[n.in[0]].data, g)
}

func (seluGradOp[F]) Name() string { return "SELUGrad" }
func (seluGradOp[F]) Forward(z Var[F]) {
	n, x, g := z.operands("SELUGrad")
	z.t.k.SELUGrad(n.data, x.data, g.data)
}
func (seluGradOp[F]) VJP(z, h Var[F], i int) Var[F] {
	x, g := z.In(0), z.In(1)
	if i == 1 {
		return slope(Op[F](seluGradOp[F]{}), x, h)
	}
	return h.Mul(g).Mul(x.expBelow(seluScale * seluAlpha))
}
func (seluGradOp[F]) gradBoth(t *Tape[F], n *node[F], dst, h []F) {
	t.k.SELUGradGrad(dst, t.nodes[n.in[0]].data, t.nodes[n.in[1]].data, h)
}
func (seluGradOp[F]) grad(t *Tape[F], n *node[F], i int, dst, h []F) {
	x, g := t.nodes[n.in[0]].data, t.nodes[n.in[1]].data
	if i == 1 {
		t.k.SELUGrad(dst, x, h)
		return
	}
	spare := t.rev.take(len(h))
	copy(spare, h)
	t.k.SELUGradGrad(dst, x, g, spare)
	t.rev.give(spare)
}

// expBelow returns a·eˣ for x < 0, else 0, for NaN too: the curve of ELU and SELU, whose derivatives of
// all orders from the second on are itself.
func (x Var[F]) expBelow(a float64) Var[F] {
	zero := x.t.Scalar(0)
	return Where(x.Less(zero), x.Minimum(zero).Exp().Scale(a), zero)
}

// ELU: y' = αeˣ for x ≤ 0, else 1.

func (eluOp[F]) Name() string { return "ELU" }
func (eluOp[F]) Forward(y Var[F]) {
	n, x := y.unary("ELU")
	y.t.k.ELU(n.data, x.data)
	if n.s != 1 {
		for i, v := range x.data {
			if !(v > 0) {
				n.data[i] *= F(n.s)
			}
		}
	}
}
func (eluOp[F]) VJP(y, g Var[F], _ int) Var[F] {
	return with2(Op[F](eluGradOp[F]{}), y.node("ELU").s, 0, y.In(0), g)
}
func (eluOp[F]) grad(t *Tape[F], n *node[F], _ int, dst, g []F) {
	eluGrad(t, n.s, dst, t.nodes[n.in[0]].data, g)
}

func eluGrad[F simd.Float](t *Tape[F], alpha float64, dst, x, g []F) {
	t.k.ELUGrad(dst, x, g)
	if alpha != 1 {
		for i, v := range x {
			if v <= 0 {
				dst[i] *= F(alpha)
			}
		}
	}
}

func (eluGradOp[F]) Name() string { return "ELUGrad" }
func (eluGradOp[F]) Forward(z Var[F]) {
	n, x, g := z.operands("ELUGrad")
	eluGrad(z.t, n.s, n.data, x.data, g.data)
}
func (eluGradOp[F]) VJP(z, h Var[F], i int) Var[F] {
	x, g, s := z.In(0), z.In(1), z.node("ELUGrad").s
	if i == 1 {
		return with2(Op[F](eluGradOp[F]{}), s, 0, x, h)
	}
	return h.Mul(g).Mul(x.expBelow(s))
}

// Softplus: y' = sigmoid(x).

func (softplusOp[F]) Name() string { return "Softplus" }
func (softplusOp[F]) Forward(y Var[F]) {
	n, x := y.unary("Softplus")
	y.t.k.Softplus(n.data, x.data)
}
func (softplusOp[F]) VJP(y, g Var[F], _ int) Var[F] { return g.Mul(y.In(0).Sigmoid()) }
func (softplusOp[F]) grad(t *Tape[F], n *node[F], _ int, dst, g []F) {
	d := t.rev.take(len(g))
	t.k.Sigmoid(d, t.nodes[n.in[0]].data)
	t.times(dst, g, d)
	t.rev.give(d)
}

// ReLU and LeakyReLU: y' = 1 for x > 0, else 0 or the slope. ReLU lets the cotangent of a NaN through,
// LeakyReLU with slope 0 multiplies it by 0.

func (reluOp[F]) Name() string { return "ReLU" }
func (reluOp[F]) Forward(y Var[F]) {
	n, x := y.unary("ReLU")
	dst := n.data[:len(x.data)]
	for i, v := range x.data {
		if v <= 0 {
			v = 0
		}
		dst[i] = v
	}
}
func (reluOp[F]) VJP(y, g Var[F], _ int) Var[F] {
	return with2(Op[F](reluGradOp[F]{}), 0, 0, y.In(0), g)
}
func (reluOp[F]) grad(t *Tape[F], n *node[F], _ int, dst, g []F) {
	reluGrad(dst, t.nodes[n.in[0]].data, g)
}

// reluGrad sets dst to 0 where x ≤ 0, to g elsewhere.
func reluGrad[F simd.Float](dst, x, g []F) {
	dst, g = dst[:len(x)], g[:len(x)]
	for i, v := range x {
		h := g[i]
		if v <= 0 {
			h = 0
		}
		dst[i] = h
	}
}

func (reluGradOp[F]) Name() string { return "ReLUGrad" }
func (reluGradOp[F]) Forward(z Var[F]) {
	n, x, g := z.operands("ReLUGrad")
	reluGrad(n.data, x.data, g.data)
}
func (reluGradOp[F]) VJP(z, h Var[F], i int) Var[F] {
	if i == 0 {
		return Var[F]{}
	}
	return with2(Op[F](reluGradOp[F]{}), 0, 0, z.In(0), h)
}

func (leakyOp[F]) Name() string { return "LeakyReLU" }
func (leakyOp[F]) Forward(y Var[F]) {
	n, x := y.unary("LeakyReLU")
	leakyGrad(F(n.s), n.data, x.data, x.data)
}
func (leakyOp[F]) VJP(y, g Var[F], _ int) Var[F] {
	return with2(Op[F](leakyGradOp[F]{}), y.node("LeakyReLU").s, 0, y.In(0), g)
}
func (leakyOp[F]) grad(t *Tape[F], n *node[F], _ int, dst, g []F) {
	leakyGrad(F(n.s), dst, t.nodes[n.in[0]].data, g)
}

// leakyGrad sets dst to g where x > 0, to slope·g elsewhere.
func leakyGrad[F simd.Float](slope F, dst, x, g []F) {
	dst, g = dst[:len(x)], g[:len(x)]
	for i, v := range x {
		h := g[i]
		if !(v > 0) {
			h *= slope
		}
		dst[i] = h
	}
}

func (leakyGradOp[F]) Name() string { return "LeakyReLUGrad" }
func (leakyGradOp[F]) Forward(z Var[F]) {
	n, x, g := z.operands("LeakyReLUGrad")
	leakyGrad(F(n.s), n.data, x.data, g.data)
}
func (leakyGradOp[F]) VJP(z, h Var[F], i int) Var[F] {
	if i == 0 {
		return Var[F]{}
	}
	return with2(Op[F](leakyGradOp[F]{}), z.node("LeakyReLUGrad").s, 0, z.In(0), h)
}
