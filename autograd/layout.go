package autograd

import (
	"fmt"

	"pushforward/simd"
)

// Operations that move elements and compute nothing. Reshape shares memory; so does a slice of the
// leading axis; all others copy.
type (
	reshapeOp[F simd.Float] struct{ elementwise }
	sliceOp[F simd.Float]   struct{ bulk }
	unsliceOp[F simd.Float] struct{ bulk }
)

// view records a result that shares x's memory.
func (x Var[F]) view(op Op[F], s Shape, data []F) Var[F] {
	t := x.t
	y := t.push(op, Shape{n: 1}) // of no elements
	n := &t.nodes[y.id]
	n.data, n.shape = data, s
	n.in[0], n.nin, n.theta = x.id, 1, t.nodes[x.id].theta
	return y
}

// setInts gives the newest node whole numbers.
func (t *Tape[F]) setInts(y Var[F], v ...int32) {
	n := &t.nodes[y.id]
	n.ints, n.nints = int32(len(t.ints)), int32(len(v))
	t.ints = append(t.ints, v...)
}

// intsOf returns a node's whole numbers.
func (t *Tape[F]) intsOf(n *node[F]) []int32 { return t.ints[n.ints : n.ints+n.nints] }

// moved records an op of one operand with whole numbers of its own.
func (x Var[F]) moved(op Op[F], s Shape, v ...int32) Var[F] {
	y := x.t.push(op, s)
	n := &y.t.nodes[y.id]
	n.in[0], n.nin, n.theta = x.id, 1, y.t.nodes[x.id].theta
	y.t.setInts(y, v...)
	op.Forward(y)
	return y
}

// Reshape gives the elements of x another shape, of as many elements. Nothing is copied.
func (x Var[F]) Reshape(s Shape) Var[F] {
	n := x.node("Reshape")
	if n.shape.Len() != s.Len() {
		badPair("Reshape", fmt.Sprintf("%d elements do not fill %d", n.shape.Len(), s.Len()), n.shape, s)
	}
	return x.view(reshapeOp[F]{}, s, n.data)
}

// ReshapeDims is Reshape to the given extents, one of which may be -1, to be inferred.
func (x Var[F]) ReshapeDims(dims ...int) Var[F] {
	return x.Reshape(inferDims("ReshapeDims", x.node("ReshapeDims").shape, dims))
}

func (reshapeOp[F]) Name() string                  { return "Reshape" }
func (reshapeOp[F]) Forward(Var[F])                {}
func (reshapeOp[F]) VJP(y, g Var[F], _ int) Var[F] { return g.Reshape(y.In(0).Shape()) }
func (reshapeOp[F]) grad(t *Tape[F], n *node[F], _ int, dst, g []F) {
	t.shed(dst, &t.nodes[n.in[0]], g, n)
}

// Slice returns elements lo to hi (exclusive) along an axis. Of the leading axis it is a view.
func (x Var[F]) Slice(axis, lo, hi int) Var[F] { return x.SliceStep(axis, lo, hi, 1) }

// SliceStep returns elements lo, lo+step, … below hi along an axis.
func (x Var[F]) SliceStep(axis, lo, hi, step int) Var[F] {
	n := x.node("Slice")
	a := n.shape.axis("Slice", axis)
	if lo < 0 || hi < lo || hi > int(n.shape.d[a]) || step < 1 {
		badOne("Slice", fmt.Sprintf("axis %d has no elements %d to %d in steps of %d", axis, lo, hi, step), n.shape)
	}
	s := n.shape
	s.d[a] = int32((hi - lo + step - 1) / step)
	if s == n.shape {
		return x
	}
	if outer, inner := n.shape.outerInner(a); outer == 1 && step == 1 {
		y := x.view(sliceOp[F]{}, s, n.data[lo*inner:hi*inner:hi*inner])
		x.t.setInts(y, int32(a), int32(lo), 1)
		return y
	}
	return x.moved(sliceOp[F]{}, s, int32(a), int32(lo), int32(step))
}

func (sliceOp[F]) Name() string { return "Slice" }
func (sliceOp[F]) Forward(y Var[F]) {
	n, x := y.unary("Slice")
	v := y.t.intsOf(n)
	slice(n.data, n.shape, x.data, x.shape, int(v[0]), int(v[1]), int(v[2]))
}
func (sliceOp[F]) VJP(y, g Var[F], _ int) Var[F] {
	v := y.Ints()
	return g.moved(unsliceOp[F]{}, y.In(0).Shape(), v[0], v[1], v[2])
}
func (sliceOp[F]) grad(t *Tape[F], n *node[F], _ int, dst, g []F) {
	v, x := t.intsOf(n), &t.nodes[n.in[0]]
	clear(dst)
	unslice(dst, x.shape, g, n.shape, int(v[0]), int(v[1]), int(v[2]))
}
func (sliceOp[F]) gradAdd(t *Tape[F], n *node[F], _ int, dst, g []F) bool {
	v, x := t.intsOf(n), &t.nodes[n.in[0]]
	if v[2] != 1 {
		return false
	}
	outer, inner := x.shape.outerInner(int(v[0]))
	w, wide, off := int(n.shape.d[v[0]])*inner, int(x.shape.d[v[0]])*inner, int(v[1])*inner
	for i := range outer {
		d := dst[i*wide+off : i*wide+off+w]
		t.k.Add(d, d, g[i*w:(i+1)*w])
	}
	return true
}

// slice copies elements lo, lo+step, … of x's axis a to dst.
func slice[F simd.Float](dst []F, zs Shape, x []F, xs Shape, a, lo, step int) {
	outer, inner := xs.outerInner(a)
	k, wide := int(zs.d[a]), int(xs.d[a])*inner
	for i := range outer {
		if step == 1 {
			copy(dst[i*k*inner:(i+1)*k*inner], x[i*wide+lo*inner:])
			continue
		}
		for j := range k {
			copy(dst[(i*k+j)*inner:(i*k+j+1)*inner], x[i*wide+(lo+j*step)*inner:])
		}
	}
}

// unslice copies x to elements lo, lo+step, … of dst's axis a.
func unslice[F simd.Float](dst []F, zs Shape, x []F, xs Shape, a, lo, step int) {
	outer, inner := xs.outerInner(a)
	k, wide := int(xs.d[a]), int(zs.d[a])*inner
	for i := range outer {
		if step == 1 {
			copy(dst[i*wide+lo*inner:], x[i*k*inner:(i+1)*k*inner])
			continue
		}
		for j := range k {
			copy(dst[i*wide+(lo+j*step)*inner:], x[(i*k+j)*inner:(i*k+j+1)*inner])
		}
	}
}

// unslice is the transpose of slice: x among zeros.
func (unsliceOp[F]) Name() string { return "Unslice" }
func (unsliceOp[F]) Forward(y Var[F]) {
	n, x := y.unary("Unslice")
	v := y.t.intsOf(n)
	clear(n.data)
	unslice(n.data, n.shape, x.data, x.shape, int(v[0]), int(v[1]), int(v[2]))
}
func (unsliceOp[F]) VJP(y, g Var[F], _ int) Var[F] {
	v, s := y.Ints(), y.In(0).Shape()
	return g.moved(sliceOp[F]{}, s, v[0], v[1], v[2])
}
func (unsliceOp[F]) grad(t *Tape[F], n *node[F], _ int, dst, g []F) {
	v, x := t.intsOf(n), &t.nodes[n.in[0]]
	slice(dst, x.shape, g, n.shape, int(v[0]), int(v[1]), int(v[2]))
}

// Pad puts before and after zeros around x along an axis; negative numbers cut.
func (x Var[F]) Pad(axis, before, after int) Var[F] {
	s := x.node("Pad").shape
	a := s.axis("Pad", axis)
	if before < 0 || after < 0 {
		lo, hi := max(0, -before), int(s.d[a])-max(0, -after)
		if lo > hi {
			badOne("Pad", fmt.Sprintf("cannot cut %d and %d of axis %d", -before, -after, axis), s)
		}
		return x.Slice(a, lo, hi).Pad(a, max(0, before), max(0, after))
	}
	if before == 0 && after == 0 {
		return x
	}
	z := s
	z.d[a] += int32(before + after)
	return x.moved(unsliceOp[F]{}, z, int32(a), int32(before), 1)
}
