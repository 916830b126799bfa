package bijector

import (
	"fmt"

	"pushforward/autograd"
	"pushforward/simd"
)

// Spline is the element of Durkan et al. (2019): an increasing rational-quadratic spline on
// [-Tail, Tail] and the identity outside. Bins pieces join the knots (xₖ, yₖ) with slopes δₖ there,
// the outermost slopes being 1. With w and h a piece's width and height, s = h/w and ξ = (x - xₖ)/w,
//
//	y     = yₖ + h·(s·ξ² + δₖ·ξ(1-ξ)) / q,   q = s + (δₖ + δₖ₊₁ - 2s)·ξ(1-ξ)
//	dy/dx = s²·(δₖ₊₁·ξ² + 2s·ξ(1-ξ) + δₖ·(1-ξ)²) / q²
//
// Widths and heights are softmaxes and slopes softplus of the parameters, none below a thousandth
// (of 2·Tail; of 1), which bounds how much the map can stretch or squeeze.
//
// The inverse solves a quadratic in ξ, in the form 2c/(-b - √(b² - 4ac)), which loses no digits where a is
// small. In exact arithmetic the discriminant is positive; rounding can make it negative at the
// steepest pieces, so it is clamped, and ξ to [0, 1].
//
// Bins 0 is 8 and Tail 0 is 5.
type Spline[F simd.Float] struct {
	Bins int
	Tail float64
}

// least is the smallest width and height, as part of the whole, and the smallest slope.
const least = 1e-3

func (e Spline[F]) sizes() (bins int, tail float64) {
	bins, tail = e.Bins, e.Tail
	if bins == 0 {
		bins = 8
	}
	if tail == 0 {
		tail = 5
	}
	if bins < 2 || bins > 500 || !(tail > 0) {
		panic(fmt.Sprintf("bijector: Spline: %d bins up to %g, want 2 to 500 and a tail above 0", bins, tail))
	}
	return bins, tail
}

// Params returns 3·Bins - 1: widths, heights and inner slopes.
func (e Spline[F]) Params() int {
	bins, _ := e.sizes()
	return 3*bins - 1
}

// Column returns k / Params(): the parameters of a column stand together.
func (e Spline[F]) Column(k, _ int) int { return k / e.Params() }

// piece is the part of the spline in which each element lies: everything is [B, D, 1].
type piece[F simd.Float] struct {
	x, y, w, h, d0, d1 autograd.Var[F]
	inside             autograd.Var[F] // 1 between the tails
}

// find computes the knots of all elements and picks the pieces in which the v lie: by the knots' y if
// inverse, else by their x. v is [B, D, 1].
func (e Spline[F]) find(v, p autograd.Var[F], inverse bool) (q piece[F]) {
	bins, tail := e.sizes()
	t, s := v.Tape(), v.Shape()
	p = p.Reshape(s.With(2, e.Params()))
	x, w := e.edges(p.Slice(2, 0, bins))
	y, h := e.edges(p.Slice(2, bins, 2*bins))
	// softplus(c) + least = 1
	c := simd.Log(simd.Expm1(1 - least))
	one := t.Full(s, 1)
	d := autograd.Concat(2, one, p.Slice(2, 2*bins, 3*bins-1).Shift(c).Softplus().Shift(least), one)

	at := x
	if inverse {
		at = y
	}
	in, place := t.Alloc(s), t.Alloc(s)
	inside, k, edge := in.Value().Data, place.Value().Data, at.Value().Data
	for i, a := range v.Value().Data {
		inside[i], k[i] = 0, 0
		if a > F(-tail) && a < F(tail) {
			inside[i] = 1
		}
		for _, left := range edge[i*bins+1 : (i+1)*bins] {
			if a < left {
				break
			}
			k[i]++
		}
	}
	return piece[F]{
		pick(x, place, 0), pick(y, place, 0), pick(w, place, 0), pick(h, place, 0),
		pick(d, place, 0), pick(d, place, 1), in,
	}
}

// edges returns the left ends of the pieces and their lengths, given what the softmax is taken of.
func (e Spline[F]) edges(p autograd.Var[F]) (left, length autograd.Var[F]) {
	bins, tail := e.sizes()
	length = softmaxShort(p).Scale(2 * tail * (1 - float64(least*float64(bins)))).Shift(2 * tail * least)
	return length.CumSum(2).Slice(2, 0, bins-1).Pad(2, 1, 0).Shift(-tail), length
}

// slope returns log dy/dx at ξ, summed over columns, and what y is made of: s, ξ(1-ξ) and q.
func (q piece[F]) slope(xi autograd.Var[F]) (logdet, s, mixed, den autograd.Var[F]) {
	s = q.h.Div(q.w)
	rest := xi.Neg().Shift(1)
	mixed = xi.Mul(rest)
	den = s.Add(q.bend(s).Mul(mixed))
	num := q.d1.Mul(xi.Square()).Add(s.Mul(mixed).Scale(2)).Add(q.d0.Mul(rest.Square()))
	l := s.Div(den).Square().Mul(num).Log()
	l = autograd.Where(q.inside, l, l.Tape().Scalar(0))
	return flatten(l).SumAxis(1), s, mixed, den
}

// bend is δₖ + δₖ₊₁ - 2s.
func (q piece[F]) bend(s autograd.Var[F]) autograd.Var[F] { return q.d0.Add(q.d1).Sub(s.Scale(2)) }

// flatten drops the last axis of [B, D, 1].
func flatten[F simd.Float](x autograd.Var[F]) autograd.Var[F] {
	s := x.Shape()
	return x.Reshape(autograd.Dims(s.Dim(0), s.Dim(1)))
}

// Forward returns the spline of x and its log-derivatives, summed over columns.
func (e Spline[F]) Forward(x, p autograd.Var[F]) (y, logdet autograd.Var[F]) {
	_, tail := e.sizes()
	v := x.Reshape(x.Shape().Append(1))
	q := e.find(v, p, false)
	xi := v.Clamp(-tail, tail).Sub(q.x).Div(q.w).Clamp(0, 1)
	logdet, s, mixed, den := q.slope(xi)
	y = q.y.Add(q.h.Mul(s.Mul(xi.Square()).Add(q.d0.Mul(mixed)).Div(den)))
	return flatten(autograd.Where(q.inside, y, v)), logdet
}

// Inverse undoes Forward.
func (e Spline[F]) Inverse(y, p autograd.Var[F]) (x, logdet autograd.Var[F]) {
	_, tail := e.sizes()
	v := y.Reshape(y.Shape().Append(1))
	q := e.find(v, p, true)
	dy, s := v.Clamp(-tail, tail).Sub(q.y), q.h.Div(q.w)
	bent := dy.Mul(q.bend(s))
	a := q.h.Mul(s.Sub(q.d0)).Add(bent)
	b := q.h.Mul(q.d0).Sub(bent)
	c := s.Mul(dy).Neg()
	root := b.Square().Sub(a.Mul(c).Scale(4)).Clamp(tiny, huge).Sqrt()
	xi := c.Scale(2).Div(b.Add(root).Neg()).Clamp(0, 1)
	logdet, _, _, _ = q.slope(xi)
	x = q.x.Add(xi.Mul(q.w))
	return flatten(autograd.Where(q.inside, x, v)), logdet.Neg()
}

// The discriminant is kept between these: both are far from what it can be, and the root of either,
// like its derivative, is a float32.
const tiny, huge = 1e-24, 1e24
