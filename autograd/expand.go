package autograd

import "pushforward/simd"

// expandOp and sumToOp are each other's transpose.
type expandOp[F simd.Float] struct{ bulk }
type sumToOp[F simd.Float] struct{ bulk }

// Expand stretches axes of extent 1, and adds leading axes, to give x the shape s.
func (x Var[F]) Expand(s Shape) Var[F] {
	n := x.node("Expand")
	if n.shape == s {
		return x
	}
	if !fits(n.shape, s) {
		badPair("Expand", "the first does not stretch to the second", n.shape, s)
	}
	return apply1(Op[F](expandOp[F]{}), s, 0, 0, x)
}

func (expandOp[F]) Name() string { return "Expand" }
func (expandOp[F]) Forward(y Var[F]) {
	ny := y.node("Expand")
	nx := &y.t.nodes[ny.in[0]]
	expandInto(ny.data, ny.shape, nx.data, nx.shape)
}
func (expandOp[F]) VJP(y, g Var[F], _ int) Var[F] { return g.SumTo(y.In(0).Shape()) }
func (expandOp[F]) grad(t *Tape[F], n *node[F], _ int, dst, g []F) {
	sumInto(t, dst, t.nodes[n.in[0]].shape, g, n.shape)
}

// SumTo sums x over the axes that s lacks or has with extent 1, so that the result has shape s. It
// is the transpose of Expand.
func (x Var[F]) SumTo(s Shape) Var[F] {
	n := x.node("SumTo")
	if n.shape == s {
		return x
	}
	if !fits(s, n.shape) {
		badPair("SumTo", "the second does not stretch to the first", n.shape, s)
	}
	return apply1(Op[F](sumToOp[F]{}), s, 0, 0, x)
}

func (sumToOp[F]) Name() string { return "SumTo" }
func (sumToOp[F]) Forward(y Var[F]) {
	ny := y.node("SumTo")
	nx := &y.t.nodes[ny.in[0]]
	sumInto(y.t, ny.data, ny.shape, nx.data, nx.shape)
}
func (sumToOp[F]) VJP(y, g Var[F], _ int) Var[F] { return g.Expand(y.In(0).Shape()) }
func (sumToOp[F]) grad(t *Tape[F], n *node[F], _ int, dst, g []F) {
	expandInto(dst, t.nodes[n.in[0]].shape, g, n.shape)
}

// Sum returns the sum of all elements, a scalar, gathered in float64.
func (x Var[F]) Sum() Var[F] { return x.SumTo(Shape{}) }

// Mean returns the mean of all elements, a scalar; of none, NaN.
func (x Var[F]) Mean() Var[F] { return x.Sum().Scale(1 / float64(x.Shape().Len())) }

// SumAxis sums over an axis, which it keeps with extent 1.
func (x Var[F]) SumAxis(axis int) Var[F] {
	s := x.node("SumAxis").shape
	return x.SumTo(s.With(s.axis("SumAxis", axis), 1))
}

// SumAxes sums over several axes, which it keeps with extent 1; without axes over all of them.
func (x Var[F]) SumAxes(axes ...int) Var[F] {
	return x.SumTo(x.node("SumAxes").shape.fold("SumAxes", axes))
}

// MeanAxis is the mean over an axis, which it keeps with extent 1.
func (x Var[F]) MeanAxis(axis int) Var[F] {
	s := x.node("MeanAxis").shape
	i := s.axis("MeanAxis", axis)
	return x.SumTo(s.With(i, 1)).Scale(1 / float64(s.d[i]))
}

// MeanAxes is the mean over several axes, which it keeps with extent 1; without axes over all.
func (x Var[F]) MeanAxes(axes ...int) Var[F] {
	s := x.node("MeanAxes").shape
	z := s.fold("MeanAxes", axes)
	return x.SumTo(z).Scale(s.ratio(z))
}

// fold returns s with the given axes of extent 1; with all of extent 1 if there are none given.
func (s Shape) fold(op string, axes []int) Shape {
	z := s
	for _, a := range axes {
		z.d[s.axis(op, a)] = 1
	}
	if len(axes) == 0 {
		for i := range int(z.n) {
			z.d[i] = 1
		}
	}
	return z
}

// ratio is the reciprocal of the number of elements of s that fall on one of z.
func (s Shape) ratio(z Shape) float64 { return 1 / float64(s.count(z)) }

func (s Shape) count(z Shape) int {
	k := 1
	z = z.lift(int(s.n))
	for i := range int(s.n) {
		if z.d[i] == 1 {
			k *= int(s.d[i])
		}
	}
	return k
}
