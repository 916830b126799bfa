package bijector

import (
	"pushforward/autograd"
	"pushforward/simd"
)

// Element is an increasing map of one number, applied to each column by itself with parameters
// of its own for every row and column.
type Element[F simd.Float] interface {
	// Params returns how many parameters a column takes. Parameters that are all zero make
	// the identity.
	Params() int
	// Column says which of dim columns parameter k of Params()·dim belongs to.
	Column(k, dim int) int
	// Forward maps x [B, D] given p [B, Params()·D] and returns the log-derivatives summed over
	// columns, [B, 1].
	Forward(x, p autograd.Var[F]) (y, logdet autograd.Var[F])
	// Inverse undoes Forward given the same p.
	Inverse(y, p autograd.Var[F]) (x, logdet autograd.Var[F])
}

// Affine is the element y = x·eˢ + m with s kept between -Bound and Bound:
//
//	s = Bound·tanh(r/Bound)
//
// r and m being its two parameters. Without a bound a single unlucky row can push eˢ to infinity
// and take the training with it. Bound 0 is 3.
type Affine[F simd.Float] struct{ Bound float64 }

// Params returns 2.
func (Affine[F]) Params() int { return 2 }

// Column returns k mod dim: first come the r of all columns, then the m.
func (Affine[F]) Column(k, dim int) int { return k % dim }

func (a Affine[F]) split(x, p autograd.Var[F]) (s, m autograd.Var[F]) {
	bound, d := a.Bound, x.Shape().Dim(1)
	if bound == 0 {
		bound = 3
	}
	s = p.Slice(1, 0, d).Scale(1 / bound).Tanh().Scale(bound)
	return s, p.Slice(1, d, 2*d)
}

// Forward returns x·eˢ + m and Σ s.
func (a Affine[F]) Forward(x, p autograd.Var[F]) (y, logdet autograd.Var[F]) {
	s, m := a.split(x, p)
	return x.Mul(s.Exp()).Add(m), s.SumAxis(1)
}

// Inverse returns (y - m)·e⁻ˢ and -Σ s.
func (a Affine[F]) Inverse(y, p autograd.Var[F]) (x, logdet autograd.Var[F]) {
	s, m := a.split(y, p)
	s = s.Neg()
	return y.Sub(m).Mul(s.Exp()), s.SumAxis(1)
}
