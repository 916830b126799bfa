package autograd

import (
	"fmt"

	"pushforward/simd"
)

// takeOp picks elements, or blocks of elements, by their place, and putOp is its transpose, adding
// what falls on one place. The whole numbers of a node are first the block's length, then the places
// in blocks. All that indexes is made of these two.
type takeOp[F simd.Float] struct{ bulk }
type putOp[F simd.Float] struct{ bulk }

// take records the picking of the blocks at the given places.
func (x Var[F]) take(s Shape, ints []int32) Var[F] {
	return ApplyInts(Op[F](takeOp[F]{}), s, ints, x)
}

func (takeOp[F]) Name() string { return "Take" }
func (takeOp[F]) Forward(y Var[F]) {
	n, x := y.unary("Take")
	take(n.data, x.data, y.t.intsOf(n))
}
func (takeOp[F]) VJP(y, g Var[F], _ int) Var[F] {
	return ApplyInts(Op[F](putOp[F]{}), y.In(0).Shape(), y.Ints(), g)
}
func (takeOp[F]) grad(t *Tape[F], n *node[F], _ int, dst, g []F) {
	clear(dst)
	put(dst, g, t.intsOf(n))
}
func (takeOp[F]) gradAdd(t *Tape[F], n *node[F], _ int, dst, g []F) bool {
	put(dst, g, t.intsOf(n))
	return true
}

func take[F simd.Float](dst, x []F, v []int32) {
	w := int(v[0])
	if w == 1 {
		for i, j := range v[1:] {
			dst[i] = x[j]
		}
		return
	}
	for i, j := range v[1:] {
		copy(dst[i*w:(i+1)*w], x[int(j)*w:])
	}
}

func put[F simd.Float](dst, x []F, v []int32) {
	w := int(v[0])
	for i, j := range v[1:] {
		d, s := dst[int(j)*w:(int(j)+1)*w], x[i*w:(i+1)*w]
		for l, a := range s {
			d[l] += a
		}
	}
}

func (putOp[F]) Name() string { return "Put" }
func (putOp[F]) Forward(y Var[F]) {
	n, x := y.unary("Put")
	clear(n.data)
	put(n.data, x.data, y.t.intsOf(n))
}
func (putOp[F]) VJP(y, g Var[F], _ int) Var[F] { return g.take(y.In(0).Shape(), y.Ints()) }
func (putOp[F]) grad(t *Tape[F], n *node[F], _ int, dst, g []F) {
	take(dst, g, t.intsOf(n))
}

// IndexSelect returns the slices of x along an axis at the given indices; an index may come twice.
// With axis 0 and a matrix it is an embedding: the rows of x asked for.
func (x Var[F]) IndexSelect(axis int, index []int32) Var[F] {
	s := x.node("IndexSelect").shape
	a := s.axis("IndexSelect", axis)
	outer, inner := s.outerInner(a)
	t, k := x.t, int(s.d[a])
	hold := len(t.ints)
	t.ints = append(t.ints, int32(inner))
	for i := range outer {
		for _, j := range index {
			if j < 0 || int(j) >= k {
				badOne("IndexSelect", fmt.Sprintf("axis %d has no index %d", axis, j), s)
			}
			t.ints = append(t.ints, int32(i*k)+j)
		}
	}
	return x.built(hold, s.With(a, len(index)))
}

// built records a take whose whole numbers have been written to t.ints from hold on.
func (x Var[F]) built(hold int, s Shape) Var[F] {
	t := x.t
	y := t.push(Op[F](takeOp[F]{}), s)
	n := &t.nodes[y.id]
	n.in[0], n.nin, n.theta = x.id, 1, t.nodes[x.id].theta
	n.ints, n.nints = int32(hold), int32(len(t.ints)-hold)
	takeOp[F]{}.Forward(y)
	return y
}

// Gather returns the tensor of shape s with element [i … j … k] = x[i … index[i … j … k] … k], the
// index in the place of the given axis: torch.gather. s may be smaller than x off the axis.
func (x Var[F]) Gather(axis int, s Shape, index []int32) Var[F] {
	xs := x.node("Gather").shape
	a := xs.axis("Gather", axis)
	if s.n != xs.n || s.Len() != len(index) {
		badPair("Gather", fmt.Sprintf("%d indices for a result of the second shape", len(index)), xs, s)
	}
	var step, at [MaxRank]int
	w := 1
	for i := int(xs.n) - 1; i >= 0; i-- {
		if i != a && s.d[i] > xs.d[i] {
			badPair("Gather", fmt.Sprintf("the index is longer than x along axis %d", i), xs, s)
		}
		step[i] = w
		w *= int(xs.d[i])
	}
	t := x.t
	hold := len(t.ints)
	t.ints = append(t.ints, 1)
	for _, j := range index {
		if j < 0 || j >= xs.d[a] {
			badOne("Gather", fmt.Sprintf("axis %d has no index %d", axis, j), xs)
		}
		p := int(j) * step[a]
		for i := range int(s.n) {
			if i != a {
				p += at[i] * step[i]
			}
		}
		t.ints = append(t.ints, int32(p))
		for i := int(s.n) - 1; i >= 0; i-- {
			if at[i]++; at[i] < int(s.d[i]) {
				break
			}
			at[i] = 0
		}
	}
	return x.built(hold, s)
}
