package autograd

import (
	"fmt"

	"pushforward/simd"
)

// permuteOp reorders axes and flipOp reverses one: the whole numbers are the order, and the axis.
type permuteOp[F simd.Float] struct{ bulk }
type flipOp[F simd.Float] struct{ bulk }

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
	var p [MaxRank]int
	for k := range p {
		p[k] = k
	}
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
