package autograd

import (
	"fmt"

	"pushforward/simd"
)

// linearOp is x·Wᵀ + b in one step. b is the first value of each element's chain of multiply-adds.
type linearOp[F simd.Float] struct{ chains }

// rowSumOp sums all rows into one, in order: the gradient of a bias.
type rowSumOp[F simd.Float] struct{ bulk }

// Linear returns x·Wᵀ + b for x [… in], W [out in] and b [out]: a linear layer, one fused step.
func Linear[F simd.Float](x, w, b Var[F]) Var[F] {
	nx, nw := pair("Linear", x, w)
	_, nb := pair("Linear", x, b)
	xs, ws, bs := nx.shape, nw.shape, nb.shape
	if xs.n < 1 || ws.n != 2 || bs.n != 1 || ws.d[0] != bs.d[0] {
		badShape("Linear", "want x [… in], W [out in], b [out]", xs, ws, bs)
	}
	if xs.d[xs.n-1] != ws.d[1] {
		badShape("Linear", fmt.Sprintf("inner extents %d and %d differ", xs.d[xs.n-1], ws.d[1]), xs, ws, bs)
	}
	z := xs
	z.d[z.n-1] = ws.d[0]
	t := x.t
	y := t.push(Op[F](linearOp[F]{}), z)
	n := &t.nodes[y.id]
	n.in, n.nin = [3]int32{x.id, w.id, b.id}, 3
	n.theta = t.nodes[x.id].theta || t.nodes[w.id].theta || t.nodes[b.id].theta
	linearOp[F]{}.Forward(y)
	return y
}

func (linearOp[F]) Name() string { return "Linear" }

func (linearOp[F]) Forward(y Var[F]) {
	t, n := y.t, y.node("Linear")
	x, w, b := &t.nodes[n.in[0]], &t.nodes[n.in[1]], &t.nodes[n.in[2]]
	out, in := int(w.shape.d[0]), int(w.shape.d[1])
	if len(n.data) == 0 {
		return
	}
	rows := len(n.data) / out
	t.k.GemmBias(&t.packs, simd.Dense(n.data, rows, out), simd.Dense(x.data, rows, in), t.weight(w, out, in, true, rows), b.data)
}

func (linearOp[F]) VJP(y, g Var[F], i int) Var[F] {
	x, w := y.In(0), y.In(1)
	switch i {
	case 0:
		return g.flat().product(w, 0, x.flatShape()).as(x.Shape())
	case 1:
		return g.flat().product(x.flat(), transA, w.Shape())
	}
	return apply1(Op[F](rowSumOp[F]{}), y.In(2).Shape(), 0, 0, g)
}

// flat views x as rows of its last axis.
func (x Var[F]) flat() Var[F] { return x.as(x.flatShape()) }

func (x Var[F]) flatShape() Shape {
	s := x.Shape()
	last := int(s.d[s.n-1])
	rows := 1
	for i := range int(s.n) - 1 {
		rows *= int(s.d[i])
	}
	return Dims(rows, last)
}

// as is Reshape, or x itself if the shape is right.
func (x Var[F]) as(s Shape) Var[F] {
	if x.Shape() == s {
		return x
	}
	return x.Reshape(s)
}

func (linearOp[F]) grad(t *Tape[F], n *node[F], i int, dst, g []F) {
	if i == 2 {
		clear(dst)
		t.k.AddRows(dst, g)
		return
	}
	t.linearGrad(n, i, dst, g, false)
}

func (linearOp[F]) gradAdd(t *Tape[F], n *node[F], i int, dst, g []F) bool {
	if i == 2 {
		t.k.AddRows(dst, g)
		return true
	}
	t.linearGrad(n, i, dst, g, true)
	return true
}

func (t *Tape[F]) linearGrad(n *node[F], i int, dst, g []F, acc bool) {
	x, w := &t.nodes[n.in[0]], &t.nodes[n.in[1]]
	out, in := int(w.shape.d[0]), int(w.shape.d[1])
	if len(dst) == 0 {
		return
	}
	if len(g) == 0 {
		if !acc {
			clear(dst)
		}
		return
	}
	rows := len(g) / out
	if i == 0 {
		t.k.Gemm(&t.packs, simd.Dense(dst, rows, in), simd.Dense(g, rows, out), t.weight(w, out, in, false, rows), acc)
		return
	}
	t.k.Gemm(&t.packs, simd.Dense(dst, out, in), simd.Dense(g, rows, out).T(), simd.Dense(x.data, rows, in), acc)
}

func (rowSumOp[F]) Name() string { return "RowSum" }
func (rowSumOp[F]) Forward(y Var[F]) {
	n, x := y.unary("RowSum")
	clear(n.data)
	if len(n.data) > 0 {
		y.t.k.AddRows(n.data, x.data)
	}
}
func (rowSumOp[F]) VJP(y, g Var[F], _ int) Var[F] { return g.Expand(y.In(0).Shape()) }
