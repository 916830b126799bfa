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
	concatOp[F simd.Float]  struct{ bulk }
	permuteOp[F simd.Float] struct{ bulk }
	flipOp[F simd.Float]    struct{ bulk }
)

// view records a result that shares x's memory.
func (x Var[F]) view(op Op[F], s Shape, data []F) Var[F] {
	t := x.t
	t.nodes = append(t.nodes, node[F]{op: op, data: data, shape: s, gen: t.gen, in: [3]int32{x.id}, nin: 1, theta: t.nodes[x.id].theta})
	return Var[F]{t, int32(len(t.nodes) - 1), t.gen}
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

// Permute reorders the axes: axis i of the result is axis axes[i] of x.
func (x Var[F]) Permute(axes ...int) Var[F] {
	s := x.node("Permute").shape
	var p [MaxRank]int32
	var seen [MaxRank]bool
	if len(axes) != int(s.n) {
		badOne("Permute", fmt.Sprintf("%d axes given", len(axes)), s)
	}
	z, still := s, true
	for i, a := range axes {
		b := s.axis("Permute", a)
		if seen[b] {
			badOne("Permute", fmt.Sprintf("axis %d given twice", a), s)
		}
		seen[b] = true
		p[i] = int32(b)
		z.d[i] = s.d[b]
		still = still && b == i
	}
	if still {
		return x
	}
	return x.moved(permuteOp[F]{}, z, p[:len(axes)]...)
}

// Transpose swaps two axes.
func (x Var[F]) Transpose(i, j int) Var[F] {
	s := x.node("Transpose").shape
	a, b := s.axis("Transpose", i), s.axis("Transpose", j)
	p := [MaxRank]int{0, 1, 2, 3, 4, 5}
	p[a], p[b] = b, a
	return x.Permute(p[:s.n]...)
}

func (permuteOp[F]) Name() string { return "Permute" }
func (permuteOp[F]) Forward(y Var[F]) {
	n, x := y.unary("Permute")
	permute(y.t, n.data, n.shape, x.data, x.shape, y.t.intsOf(n))
}
func (permuteOp[F]) VJP(y, g Var[F], _ int) Var[F] {
	inv := inverse(y.Ints())
	return g.moved(permuteOp[F]{}, y.In(0).Shape(), inv[:len(y.Ints())]...)
}
func (permuteOp[F]) grad(t *Tape[F], n *node[F], _ int, dst, g []F) {
	p := t.intsOf(n)
	inv := inverse(p)
	permute(t, dst, t.nodes[n.in[0]].shape, g, n.shape, inv[:len(p)])
}

func inverse(p []int32) (inv [MaxRank]int32) {
	for i, a := range p {
		inv[a] = int32(i)
	}
	return inv
}

// permute copies x to dst, whose axis i is x's axis p[i].
func permute[F simd.Float](t *Tape[F], dst []F, zs Shape, x []F, xs Shape, p []int32) {
	if len(dst) == 0 {
		return
	}
	n := len(p)
	var step [MaxRank]int // of x, along the axes of dst
	w := 1
	for i := n - 1; i >= 0; i-- {
		step[i] = w
		w *= int(xs.d[i])
	}
	var ext, st [MaxRank]int
	for i, a := range p {
		ext[i], st[i] = int(zs.d[i]), step[a]
	}
	// Two axes swapped with whole blocks before them: a transpose of matrices.
	if k := n - 2; n >= 2 && p[n-1] == int32(k) && p[k] == int32(n-1) && headFixed(p[:k]) {
		r, c := int(xs.d[k]), int(xs.d[n-1])
		for i := 0; i < len(dst); i += r * c {
			t.k.Transpose(dst[i:i+r*c], x[i:i+r*c], r, c)
		}
		return
	}
	run := 1 // the last axes that stay: moved as one
	for n > 0 && p[n-1] == int32(n-1) {
		run *= ext[n-1]
		n--
	}
	var at [MaxRank]int
	src := 0
	for i := 0; i < len(dst); i += run {
		if run == 1 {
			dst[i] = x[src]
		} else {
			copy(dst[i:i+run], x[src:src+run])
		}
		for j := n - 1; j >= 0; j-- {
			at[j]++
			src += st[j]
			if at[j] < ext[j] {
				break
			}
			src -= ext[j] * st[j]
			at[j] = 0
		}
	}
}

func headFixed(p []int32) bool {
	for i, a := range p {
		if int(a) != i {
			return false
		}
	}
	return true
}

// Flip reverses the order along the given axes.
func (x Var[F]) Flip(axes ...int) Var[F] {
	s := x.node("Flip").shape
	for _, a := range axes {
		x = x.moved(flipOp[F]{}, s, int32(s.axis("Flip", a)))
	}
	return x
}

func (flipOp[F]) Name() string { return "Flip" }
func (flipOp[F]) Forward(y Var[F]) {
	n, x := y.unary("Flip")
	flip(n.data, x.data, n.shape, int(y.t.intsOf(n)[0]))
}
func (flipOp[F]) VJP(y, g Var[F], _ int) Var[F] {
	return g.moved(flipOp[F]{}, y.Shape(), y.Ints()[0])
}
func (flipOp[F]) grad(t *Tape[F], n *node[F], _ int, dst, g []F) {
	flip(dst, g, n.shape, int(t.intsOf(n)[0]))
}

func flip[F simd.Float](dst, x []F, s Shape, a int) {
	outer, inner := s.outerInner(a)
	k := int(s.d[a])
	for i := range outer {
		for j := range k {
			copy(dst[(i*k+j)*inner:(i*k+j+1)*inner], x[(i*k+k-1-j)*inner:])
		}
	}
}
