package autograd

import "pushforward/simd"

// mseOp is the mean squared difference in one step.
type mseOp[F simd.Float] struct{ bulk }

// MSE returns mean((x - y)²), a scalar, for x and y of one shape.
func MSE[F simd.Float](x, y Var[F]) Var[F] {
	nx, ny := pair("MSE", x, y)
	if nx.shape != ny.shape {
		badPair("MSE", "shapes differ", nx.shape, ny.shape)
	}
	return apply2(Op[F](mseOp[F]{}), Shape{}, x, y)
}

func (mseOp[F]) Name() string { return "MSE" }
func (mseOp[F]) Forward(z Var[F]) {
	t := z.t
	n, x, y := z.operands("MSE")
	hold := t.mem
	d := t.mem.alloc(len(x.data))
	t.k.Sub(d, x.data, y.data)
	n.data[0] = F(t.k.SumSq(d) / float64(len(d)))
	t.mem.at, t.mem.off = hold.at, hold.off
}
func (mseOp[F]) VJP(z, g Var[F], i int) Var[F] {
	x, y := z.In(i), z.In(1-i)
	return x.Sub(y).Mul(g.Scale(2 / float64(x.Shape().Len())))
}
func (mseOp[F]) grad(t *Tape[F], n *node[F], i int, dst, g []F) {
	x, y := t.nodes[n.in[i]].data, t.nodes[n.in[1-i]].data
	a := F(2/float64(len(x))) * g[0]
	t.k.Sub(dst, x, y)
	t.scale(dst, a, dst)
}

// huberOp is ½d² for |d| ≤ δ, else δ(|d| - ½δ); its derivative is d clamped to [-δ, δ].
type huberOp[F simd.Float] struct{ elementwise }

// Huber returns the mean over all elements of ½d² for |d| ≤ delta, else delta·(|d| - ½delta), with
// d = x - y.
func Huber[F simd.Float](x, y Var[F], delta float64) Var[F] {
	return x.Sub(y).same(huberOp[F]{}, delta, 0).Mean()
}

func (huberOp[F]) Name() string { return "Huber" }
func (huberOp[F]) Forward(y Var[F]) {
	n, x := y.unary("Huber")
	c := F(n.s)
	for i, v := range x.data {
		a := v
		if a < 0 {
			a = -a
		}
		if a <= c {
			n.data[i] = F(0.5*v) * v
		} else {
			n.data[i] = c * (a - F(0.5*c))
		}
	}
}
func (huberOp[F]) VJP(y, g Var[F], _ int) Var[F] {
	s := y.node("Huber").s
	return g.Mul(y.In(0).Clamp(-s, s))
}

// BCEWithLogits returns the mean binary cross-entropy of logits x against targets y in [0, 1]:
// mean((1-y)·x + softplus(-x)).
func BCEWithLogits[F simd.Float](x, y Var[F]) Var[F] {
	return y.Neg().Shift(1).Mul(x).Add(x.Neg().Softplus()).Mean()
}

// CrossEntropy returns the mean over rows of -log softmax(x)[i, target[i]], for logits x [B, C].
func CrossEntropy[F simd.Float](x Var[F], target []int32) Var[F] {
	s := x.node("CrossEntropy").shape
	if s.n != 2 || int(s.d[0]) != len(target) {
		badOne("CrossEntropy", "want logits [B C] and one target for each row", s)
	}
	return x.LogSoftmax(1).Gather(1, Dims(len(target), 1), target).Mean().Neg()
}
