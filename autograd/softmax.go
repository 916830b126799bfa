package autograd

import (
	"math"

	"pushforward/simd"
)

// Softmax and its relatives, along one axis, computed from differences to the greatest element.
type (
	softmaxOp[F simd.Float]    struct{ bulk }
	logSoftmaxOp[F simd.Float] struct{ bulk }
	logSumExpOp[F simd.Float]  struct{}
)

// Softmax returns exp(x)/Σ exp(x), the sum along an axis. An element of -Inf gives 0, as a mask does.
func (x Var[F]) Softmax(axis int) Var[F] {
	return x.along("Softmax", axis, func(x Var[F]) Var[F] { return x.same(softmaxOp[F]{}, 0, 0) })
}

// LogSoftmax returns log(Softmax(x)), computed without the logarithm of a small number.
func (x Var[F]) LogSoftmax(axis int) Var[F] {
	return x.along("LogSoftmax", axis, func(x Var[F]) Var[F] { return x.same(logSoftmaxOp[F]{}, 0, 0) })
}

// along does f to x with the given axis moved last.
func (x Var[F]) along(op string, axis int, f func(Var[F]) Var[F]) Var[F] {
	s := x.node(op).shape
	a := s.axis(op, axis)
	if a == int(s.n)-1 {
		return f(x)
	}
	return f(x.Transpose(a, -1)).Transpose(a, -1)
}

// LogSumExp returns log Σ exp(x) over the given axes, kept with extent 1; without axes over all.
func (x Var[F]) LogSumExp(axes ...int) Var[F] {
	z := x.node("LogSumExp").shape.fold("LogSumExp", axes)
	return apply1(Op[F](logSumExpOp[F]{}), z, 0, 0, x)
}

// top returns the greatest of x, NaN if there is one. A row of -Inf alone, or one with an Inf, so has NaN for
// its differences, as in PyTorch.
func top[F simd.Float](x []F) F {
	m := F(math.Inf(-1))
	for _, v := range x {
		if v > m || v != v {
			m = v
		}
	}
	return m
}

func (softmaxOp[F]) Name() string { return "Softmax" }
func (softmaxOp[F]) Forward(y Var[F]) {
	n, x := y.unary("Softmax")
	k := y.t.k
	w := rowOf(n.shape)
	for i := 0; i+w <= len(n.data) && w > 0; i += w {
		d := n.data[i : i+w]
		k.Shift(d, -top(x.data[i:i+w]), x.data[i:i+w])
		k.Exp(d, d)
		k.Scale(d, F(1/k.Sum(d)), d)
	}
}

// rowOf is the extent of the last axis, 1 for a scalar.
func rowOf(s Shape) int {
	if s.n == 0 {
		return 1
	}
	return int(s.d[s.n-1])
}

// ∂x = y·(g - Σ g·y)
func (softmaxOp[F]) VJP(y, g Var[F], _ int) Var[F] {
	p := g.Mul(y)
	return p.Sub(p.SumAxis(-1).Mul(y))
}
func (softmaxOp[F]) grad(t *Tape[F], n *node[F], _ int, dst, g []F) {
	w := rowOf(n.shape)
	p := t.rev.take(w)
	for i := 0; i+w <= len(dst) && w > 0; i += w {
		d, y := dst[i:i+w], n.data[i:i+w]
		t.k.Mul(d, g[i:i+w], y)
		t.k.Scale(p, F(t.k.Sum(d)), y)
		t.k.Sub(d, d, p)
	}
	t.rev.give(p)
}

func (logSoftmaxOp[F]) Name() string { return "LogSoftmax" }
func (logSoftmaxOp[F]) Forward(y Var[F]) {
	n, x := y.unary("LogSoftmax")
	k := y.t.k
	w := rowOf(n.shape)
	for i := 0; i+w <= len(n.data) && w > 0; i += w {
		d := n.data[i : i+w]
		m := top(x.data[i : i+w])
		k.Shift(d, -m, x.data[i:i+w])
		k.Exp(d, d)
		l := F(simd.Log(k.Sum(d)))
		k.Shift(d, -m, x.data[i:i+w])
		k.Shift(d, -l, d)
	}
}

// ∂x = g - softmax(x)·Σ g
func (logSoftmaxOp[F]) VJP(y, g Var[F], _ int) Var[F] {
	return g.Sub(y.Exp().Mul(g.SumAxis(-1)))
}

func (logSumExpOp[F]) Name() string { return "LogSumExp" }
func (logSumExpOp[F]) Forward(y Var[F]) {
	t := y.t
	n, x := y.unary("LogSumExp")
	hold := t.mem
	m, d := t.mem.alloc(len(n.data)), t.mem.alloc(len(x.data))
	reduceMax(m, n.shape, x.data, x.shape)
	for i, v := range m {
		if math.IsInf(float64(v), 0) {
			m[i] = 0
		}
	}
	t.zip(t.k.Sub, d, x.shape, x.data, x.shape, m, n.shape)
	t.k.Exp(d, d)
	sumInto(t, n.data, n.shape, d, x.shape)
	for i, v := range n.data {
		n.data[i] = F(simd.Log(float64(v))) + m[i]
	}
	t.mem.at, t.mem.off = hold.at, hold.off
}
func (logSumExpOp[F]) VJP(y, g Var[F], _ int) Var[F] {
	return y.In(0).Sub(y).Exp().Mul(g)
}

// By the differences to the greatest element, which are more exact than those to y.
func (logSumExpOp[F]) JVP(y, dx Var[F], _ int) Var[F] {
	x, s := y.In(0), y.Shape()
	if len(x.Value().Data) == 0 {
		return y.t.Zeros(s)
	}
	top := y.t.Alloc(s)
	reduceMax(y.t.nodes[top.id].data, s, x.Value().Data, x.Shape())
	p := x.Sub(top).Exp()
	return p.Mul(dx).SumTo(s).Div(p.SumTo(s))
}
