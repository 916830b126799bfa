package autograd

import (
	"fmt"
	"math"

	"pushforward/simd"
)

// standardOp brings each row of x [B W] to mean square 1, and before that, if centred, to mean 0:
//
//	y = (x - μ)·r,  r = 1/√(mean (x - μ)² + ε)
//
// Its derivative is r·(g - mean g - y·mean(g·y)), without mean g if not centred. The settings are ε
// and whether it is centred.
type standardOp[F simd.Float] struct{ bulk }

// standard records standardOp on x viewed as rows.
func (x Var[F]) standard(rows, w int, eps float64, centred bool) Var[F] {
	c := 0.0
	if centred {
		c = 1
	}
	return x.as(Dims(rows, w)).same(standardOp[F]{}, eps, c).as(x.Shape())
}

// LayerNorm normalises x over the trailing axes of scale's shape to mean 0 and variance 1 (biased,
// eps added inside the root) and returns the result times scale plus shift.
func LayerNorm[F simd.Float](x, scale, shift Var[F], eps float64) Var[F] {
	nx, ns := pair("LayerNorm", x, scale)
	_, nb := pair("LayerNorm", x, shift)
	xs, ss := nx.shape, ns.shape
	if ss.n > xs.n || ss != nb.shape || xs.tail(int(xs.n-ss.n)) != ss {
		badShape("LayerNorm", "want scale and shift of the shape of x's last axes", xs, ss, nb.shape)
	}
	return x.standard(xs.head(int(xs.n-ss.n)).Len(), ss.Len(), eps, true).Mul(scale).Add(shift)
}

// Standardize is LayerNorm over the last axis without scale and shift.
func Standardize[F simd.Float](x Var[F], eps float64) Var[F] {
	s := x.node("Standardize").shape
	if s.n == 0 {
		badOne("Standardize", "a scalar has no last axis", s)
	}
	return x.standard(s.head(int(s.n)-1).Len(), rowOf(s), eps, true)
}

// RMSNorm returns x/√(mean x² + eps)·scale, the mean over the last axis.
func RMSNorm[F simd.Float](x, scale Var[F], eps float64) Var[F] {
	nx, ns := pair("RMSNorm", x, scale)
	xs, ss := nx.shape, ns.shape
	if xs.n < 1 || ss.n != 1 || ss.d[0] != xs.d[xs.n-1] {
		badPair("RMSNorm", "want scale of x's last axis", xs, ss)
	}
	return x.standard(xs.head(int(xs.n)-1).Len(), rowOf(xs), eps, false).Mul(scale)
}

// GroupNorm normalises x [N C …] over the channels of each of the groups and all further axes to
// mean 0 and variance 1 (biased, eps added inside the root) and returns the result times scale [C]
// plus shift [C].
func GroupNorm[F simd.Float](x, scale, shift Var[F], groups int, eps float64) Var[F] {
	nx, ns := pair("GroupNorm", x, scale)
	_, nb := pair("GroupNorm", x, shift)
	xs := nx.shape
	if xs.n < 2 || groups < 1 || int(xs.d[1])%groups != 0 || ns.shape != Dims(int(xs.d[1])) || nb.shape != ns.shape {
		badShape("GroupNorm", fmt.Sprintf("want x [N C …] and scale and shift [C], C a multiple of %d groups", groups), xs, ns.shape, nb.shape)
	}
	n, c := int(xs.d[0]), int(xs.d[1])
	rest := xs.tail(2).Len()
	flat := Dims(n, c, rest)
	y := x.standard(n*groups, c/groups*rest, eps, true).as(flat)
	return y.Mul(scale.Reshape(Dims(1, c, 1))).Add(shift.Reshape(Dims(1, c, 1))).as(xs)
}

func (standardOp[F]) Name() string { return "Standardize" }

func (standardOp[F]) Forward(y Var[F]) {
	n, x := y.unary("Standardize")
	t, w := y.t, rowOf(n.shape)
	hold := t.mem
	q := t.mem.alloc(w)
	for i := 0; i+w <= len(n.data) && w > 0; i += w {
		d := n.data[i : i+w]
		t.k.Scale(d, t.centre(d, q, x.data[i:i+w], n), d)
	}
	t.mem.at, t.mem.off = hold.at, hold.off
}

// centre sets d to a row less its mean, if n is centred, and returns the factor r. It uses q.
func (t *Tape[F]) centre(d, q, x []F, n *node[F]) F {
	a := F(1 / float64(len(x)))
	if n.s2 != 0 {
		t.k.Shift(d, -(F(t.k.Sum(x)) * a), x)
	} else if &d[0] != &x[0] {
		copy(d, x)
	}
	t.k.Mul(q, d, d)
	v := F(F(t.k.Sum(q))*a) + F(n.s)
	return F(1 / math.Sqrt(float64(v)))
}

func (standardOp[F]) VJP(y, g Var[F], _ int) Var[F] {
	n, x := y.node("Standardize"), y.In(0)
	eps, centred := n.s, n.s2 != 0
	d, h := x, g
	if centred {
		d, h = x.Sub(x.MeanAxis(1)), g.Sub(g.MeanAxis(1))
	}
	r := d.Square().MeanAxis(1).Shift(eps).Rsqrt()
	return h.Sub(y.Mul(g.Mul(y).MeanAxis(1))).Mul(r)
}

func (standardOp[F]) grad(t *Tape[F], n *node[F], _ int, dst, g []F) {
	x := t.nodes[n.in[0]].data
	w := rowOf(n.shape)
	p, q := t.rev.take(w), t.rev.take(w)
	a := F(1 / float64(w))
	for i := 0; i+w <= len(dst) && w > 0; i += w {
		d, h, y := dst[i:i+w], g[i:i+w], n.data[i:i+w]
		r := t.centre(p, q, x[i:i+w], n)
		t.k.Mul(p, h, y)
		t.k.Scale(p, F(t.k.Sum(p))*a, y)
		if n.s2 != 0 {
			t.k.Shift(d, -(F(t.k.Sum(h)) * a), h)
		} else {
			copy(d, h)
		}
		t.k.Sub(d, d, p)
		t.k.Scale(d, r, d)
	}
	t.rev.give(p)
	t.rev.give(q)
}
