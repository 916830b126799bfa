package autograd

import (
	"fmt"

	"pushforward/simd"
)

// concatOp joins operands along an axis, its setting.
type concatOp[F simd.Float] struct{ bulk }

// Concat joins values along an axis. They agree in all others.
func Concat[F simd.Float](axis int, xs ...Var[F]) Var[F] {
	if len(xs) == 0 {
		misuse("Concat", "no operands")
	}
	s := xs[0].node("Concat").shape
	a := s.axis("Concat", axis)
	for _, x := range xs[1:] {
		q := x.node("Concat").shape
		if q.n != s.n || q.With(a, 1) != s.With(a, 1) {
			badPair("Concat", fmt.Sprintf("extents differ off axis %d", axis), xs[0].Shape(), q)
		}
		s.d[a] += q.d[a]
	}
	y := record(Op[F](concatOp[F]{}), s, xs)
	y.t.nodes[y.id].s = float64(a)
	concatOp[F]{}.Forward(y)
	return y
}

// Stack joins values of one shape along a new axis.
func Stack[F simd.Float](axis int, xs ...Var[F]) Var[F] {
	if len(xs) == 0 {
		misuse("Stack", "no operands")
	}
	s := xs[0].node("Stack").shape
	a := axis
	if a < 0 {
		a += int(s.n) + 1
	}
	if a < 0 || a > int(s.n) || s.n == MaxRank {
		badOne("Stack", fmt.Sprintf("cannot stack along axis %d", axis), s)
	}
	z := s.head(a).Append(1)
	for i := a; i < int(s.n); i++ {
		z = z.Append(int(s.d[i]))
	}
	ys := make([]Var[F], len(xs))
	for i, x := range xs {
		if x.Shape() != s {
			badPair("Stack", "shapes differ", s, x.Shape())
		}
		ys[i] = x.Reshape(z)
	}
	return Concat(a, ys...)
}

func (concatOp[F]) Name() string { return "Concat" }
func (concatOp[F]) Forward(y Var[F]) {
	t, n := y.t, y.node("Concat")
	a := int(n.s)
	outer, inner := n.shape.outerInner(a)
	wide, off := int(n.shape.d[a])*inner, 0
	for i := range int(n.nin) {
		x := &t.nodes[t.arg(n, i)]
		w := int(x.shape.d[a]) * inner
		for j := range outer {
			d, s := n.data[j*wide+off:j*wide+off+w], x.data[j*w:(j+1)*w]
			for l := range s {
				d[l] = s[l]
			}
		}
		off += w
	}
}
func (concatOp[F]) VJP(y, g Var[F], i int) Var[F] {
	a := int(y.node("Concat").s)
	lo := 0
	for j := range i {
		lo += y.In(j).Shape().Dim(a)
	}
	return g.Slice(a, lo, lo+y.In(i).Shape().Dim(a))
}
func (concatOp[F]) grad(t *Tape[F], n *node[F], i int, dst, g []F) {
	a, lo := int(n.s), 0
	for j := range i {
		lo += int(t.nodes[t.arg(n, j)].shape.d[a])
	}
	slice(dst, t.nodes[t.arg(n, i)].shape, g, n.shape, a, lo, 1)
}
