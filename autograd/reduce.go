package autograd

import (
	"math"
	"slices"

	"pushforward/simd"
)

// Reductions other than the sum. They keep the axes they reduce, with extent 1.
type (
	amaxOp[F simd.Float]   struct{}
	aminOp[F simd.Float]   struct{}
	norm2Op[F simd.Float]  struct{}
	prodOp[F simd.Float]   struct{}
	varOp[F simd.Float]    struct{}
	stdOp[F simd.Float]    struct{}
	cumsumOp[F simd.Float] struct{ bulk }
)

// AMax returns the greatest element over the given axes, without axes over all. Ties share the
// cotangent evenly. NaN wins.
func (x Var[F]) AMax(axes ...int) Var[F] {
	return apply1(Op[F](amaxOp[F]{}), x.node("AMax").shape.fold("AMax", axes), 0, 0, x)
}

// AMin returns the least element over the given axes, without axes over all. Ties share the
// cotangent evenly. NaN wins.
func (x Var[F]) AMin(axes ...int) Var[F] {
	return apply1(Op[F](aminOp[F]{}), x.node("AMin").shape.fold("AMin", axes), 0, 0, x)
}

// Var returns the variance over the given axes, without axes over all: the sum of squared
// deviations from the mean, divided by their number less correction, or by 0 if that is negative.
func (x Var[F]) Var(correction float64, axes ...int) Var[F] {
	return x.spread("Var", varOp[F]{}, correction, axes)
}

func (x Var[F]) spread(name string, op Op[F], correction float64, axes []int) Var[F] {
	s := x.node(name).shape
	z := s.fold(name, axes)
	return apply1(op, z, max(0, float64(s.count(z))-correction), 0, x)
}

func (varOp[F]) Name() string { return "Var" }
func (varOp[F]) Forward(y Var[F]) {
	n, x := y.unary("Var")
	y.t.variance(n, x)
}

// variance sets n to the variance of x over the axes that n has with extent 1.
func (t *Tape[F]) variance(n, x *node[F]) {
	hold := t.mem
	m, d := t.mem.alloc(len(n.data)), t.mem.alloc(len(x.data))
	sumInto(t, m, n.shape, x.data, x.shape)
	t.scale(m, F(x.shape.ratio(n.shape)), m)
	t.zip(t.k.Sub, d, x.shape, x.data, x.shape, m, n.shape)
	t.times(d, d, d)
	sumInto(t, n.data, n.shape, d, x.shape)
	t.mem.at, t.mem.off = hold.at, hold.off
	if n.s == 0 { // a sum of zeros over 0 is no number, as one of no elements is
		for i, v := range n.data {
			n.data[i] = v / 0
		}
		return
	}
	t.scale(n.data, F(1/n.s), n.data)
}

// ∂xᵢ = 2·(xᵢ - mean)/n: what the mean adds cancels, since deviations sum to 0.
func (varOp[F]) VJP(y, g Var[F], _ int) Var[F] {
	return y.deviations(g)
}

// deviations returns 2·(x - mean x)/n·g for the operand x of y.
func (y Var[F]) deviations(g Var[F]) Var[F] {
	x := y.In(0)
	mean := x.SumTo(y.Shape()).Scale(x.Shape().ratio(y.Shape()))
	return x.Sub(mean).Mul(g.Scale(2 / y.node("Var").s))
}

// Std is the square root of Var. Where it is 0 its derivatives are 0.
func (x Var[F]) Std(correction float64, axes ...int) Var[F] {
	return x.spread("Std", stdOp[F]{}, correction, axes)
}

func (stdOp[F]) Name() string { return "Std" }
func (stdOp[F]) Forward(y Var[F]) {
	n, x := y.unary("Std")
	y.t.variance(n, x)
	y.t.k.Sqrt(n.data, n.data)
}
func (stdOp[F]) VJP(y, g Var[F], _ int) Var[F] {
	zero := y.t.Scalar(0)
	flat := y.Equal(zero)
	return y.deviations(Where(flat, zero, g.Div(y.Add(flat))).Scale(0.5))
}

// Norm2 returns √Σx² over the given axes, without axes over all. Its gradient at 0 is 0, its second
// derivative there, which does not exist, NaN.
func (x Var[F]) Norm2(axes ...int) Var[F] {
	return apply1(Op[F](norm2Op[F]{}), x.node("Norm2").shape.fold("Norm2", axes), 0, 0, x)
}

// CumSum returns the running sums along an axis.
func (x Var[F]) CumSum(axis int) Var[F] {
	s := x.node("CumSum").shape
	return x.moved(cumsumOp[F]{}, s, int32(s.axis("CumSum", axis)), 0)
}

// Prod returns the product along an axis, multiplying halves with halves. Its derivatives of all orders are
// right where factors are zero, too.
func (x Var[F]) Prod(axis int) Var[F] {
	s := x.node("Prod").shape
	a := s.axis("Prod", axis)
	if s.d[a] == 0 {
		return x.t.Full(s.With(a, 1), 1)
	}
	return apply1(Op[F](prodOp[F]{}), s.With(a, 1), float64(a), 0, x)
}

func (prodOp[F]) Name() string { return "Prod" }
func (prodOp[F]) Forward(y Var[F]) {
	n, x := y.unary("Prod")
	outer, inner := x.shape.outerInner(int(n.s))
	k := int(x.shape.d[int(n.s)])
	hold := y.t.mem
	buf := y.t.mem.alloc(k * inner)
	for i := range outer {
		b := buf[:copy(buf, x.data[i*k*inner:(i+1)*k*inner])]
		for len(b) > inner {
			m := len(b) / inner
			h := m / 2 * inner
			y.t.times(b[:h], b[:h], b[h:2*h])
			if m%2 == 1 {
				h += copy(b[h:], b[2*h:])
			}
			b = b[:h]
		}
		copy(n.data[i*inner:(i+1)*inner], b)
	}
	y.t.mem.at, y.t.mem.off = hold.at, hold.off
}

// ∂xᵢ = g·y/xᵢ, and where a factor is 0 what the products of the others are.
func (prodOp[F]) VJP(y, g Var[F], _ int) Var[F] {
	x := y.In(0)
	if slices.Contains(x.Value().Data, 0) {
		var one [1]Var[F]
		return VJP(one[:0], x.halves(int(y.node("Prod").s)), g, x)[0]
	}
	return g.Mul(y.Div(x))
}
func (prodOp[F]) JVP(y, d Var[F], _ int) Var[F] {
	x, a := y.In(0), int(y.node("Prod").s)
	for n := x.Shape().Dim(a); n > 1; n = x.Shape().Dim(a) {
		h := n / 2
		x1, x2 := x.Slice(a, 0, h), x.Slice(a, h, 2*h)
		xs, ds := x1.Mul(x2), x1.Mul(d.Slice(a, h, 2*h)).Add(x2.Mul(d.Slice(a, 0, h)))
		if n%2 == 1 {
			xs, ds = Concat(a, xs, x.Slice(a, n-1, n)), Concat(a, ds, d.Slice(a, n-1, n))
		}
		x, d = xs, ds
	}
	return d
}

// halves is Prod as products of halves.
func (x Var[F]) halves(a int) Var[F] {
	for n := x.Shape().Dim(a); n > 1; n = x.Shape().Dim(a) {
		h := n / 2
		y := x.Slice(a, 0, h).Mul(x.Slice(a, h, 2*h))
		if n%2 == 1 {
			y = Concat(a, y, x.Slice(a, n-1, n))
		}
		x = y
	}
	return x
}

// reduceMax sets dst, of shape zs, to the greatest elements of x over the axes with extent 1 there.
func reduceMax[F simd.Float](dst []F, zs Shape, x []F, xs Shape) {
	fill(dst, F(math.Inf(-1)))
	fold(dst, zs, x, xs, func(m, v F) F {
		if v > m || v != v {
			return v
		}
		return m
	})
}

// fold sets each element of dst to f of itself and, in order, the elements of x that fall on it.
func fold[F simd.Float](dst []F, zs Shape, x []F, xs Shape, f func(m, v F) F) {
	var at, step [MaxRank]int
	w := 1
	zs = zs.lift(int(xs.n))
	for i := int(xs.n) - 1; i >= 0; i-- {
		if zs.d[i] > 1 {
			step[i] = w
		}
		w *= int(zs.d[i])
	}
	j := 0
	for _, v := range x {
		dst[j] = f(dst[j], v)
		for i := int(xs.n) - 1; i >= 0; i-- {
			at[i]++
			j += step[i]
			if at[i] < int(xs.d[i]) {
				break
			}
			j -= at[i] * step[i]
			at[i] = 0
		}
	}
}

func (amaxOp[F]) Name() string { return "AMax" }
func (amaxOp[F]) Forward(y Var[F]) {
	n, x := y.unary("AMax")
	reduceMax(n.data, n.shape, x.data, x.shape)
}
func (amaxOp[F]) VJP(y, g Var[F], _ int) Var[F] { return tied(y, g) }

// tied shares g among the operand's elements that equal y.
func tied[F simd.Float](y, g Var[F]) Var[F] {
	m := y.In(0).Equal(y)
	return g.Div(m.SumTo(y.Shape())).Mul(m)
}

func (aminOp[F]) Name() string { return "AMin" }
func (aminOp[F]) Forward(y Var[F]) {
	n, x := y.unary("AMin")
	fill(n.data, F(math.Inf(1)))
	fold(n.data, n.shape, x.data, x.shape, func(m, v F) F {
		if v < m || v != v {
			return v
		}
		return m
	})
}
func (aminOp[F]) VJP(y, g Var[F], _ int) Var[F] { return tied(y, g) }

func (norm2Op[F]) Name() string { return "Norm2" }
func (norm2Op[F]) Forward(y Var[F]) {
	t := y.t
	n, x := y.unary("Norm2")
	hold := t.mem
	d := t.mem.alloc(len(x.data))
	t.k.Mul(d, x.data, x.data)
	sumInto(t, n.data, n.shape, d, x.shape)
	t.k.Sqrt(n.data, n.data)
	t.mem.at, t.mem.off = hold.at, hold.off
}

// ∂x = g·x/y, 0 where y is 0.
func (norm2Op[F]) VJP(y, g Var[F], _ int) Var[F] {
	zero := y.t.Scalar(0)
	return g.Mul(Where(y.Equal(zero), zero, y.In(0).Div(y)))
}
func (op norm2Op[F]) JVP(y, dx Var[F], _ int) Var[F] { return op.VJP(y, dx, 0).SumTo(y.Shape()) }

// CumSum's whole numbers are the axis and whether it runs backward.
func (cumsumOp[F]) Name() string { return "CumSum" }
func (cumsumOp[F]) Forward(y Var[F]) {
	n, x := y.unary("CumSum")
	v := y.t.intsOf(n)
	cumsum(n.data, x.data, n.shape, int(v[0]), v[1] != 0)
}
func (cumsumOp[F]) VJP(y, g Var[F], _ int) Var[F] {
	v := y.Ints()
	return g.moved(cumsumOp[F]{}, y.Shape(), v[0], 1-v[1])
}
func (cumsumOp[F]) grad(t *Tape[F], n *node[F], _ int, dst, g []F) {
	v := t.intsOf(n)
	cumsum(dst, g, n.shape, int(v[0]), v[1] == 0)
}

func cumsum[F simd.Float](dst, x []F, s Shape, a int, backward bool) {
	outer, inner := s.outerInner(a)
	k := int(s.d[a])
	for i := range outer {
		for l := range inner {
			sum := 0.0
			for j := range k {
				p := j
				if backward {
					p = k - 1 - j
				}
				p = (i*k+p)*inner + l
				sum += float64(x[p])
				dst[p] = F(sum)
			}
		}
	}
}
