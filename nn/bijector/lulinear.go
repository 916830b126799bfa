package bijector

import (
	"pushforward/autograd"
	"pushforward/nn"
	"pushforward/simd"
)

// LULinear mixes the columns by a matrix that is kept as its factors (Kingma and Dhariwal 2018):
//
//	y = L·U·x + b,  log |det| = Σ dᵢ
//
// L is lower triangular with ones on the diagonal, U upper triangular with e^dᵢ there, so the
// matrix can never become singular. Inverse solves the two triangles. All starts at the
// identity. The factors stand for every matrix up to an order of the columns and the signs of
// them, which the other layers do not care for; put a Permute before it to have the order.
type LULinear[F simd.Float] struct {
	// Lower and Upper are [D, D], of which only one half counts, the diagonal not.
	Lower, Upper, LogDiag, Bias autograd.Param

	dim          int
	low, up, eye autograd.Tensor[F]
}

// NewLULinear declares "lower", "upper", "logdiag" and "bias" in s.
func NewLULinear[F simd.Float](s nn.Scope[F], dim int) *LULinear[F] {
	l := &LULinear[F]{
		Lower: s.Param("lower", nn.Zeros, dim, dim), Upper: s.Param("upper", nn.Zeros, dim, dim),
		LogDiag: s.Param("logdiag", nn.Zeros, dim), Bias: s.Param("bias", nn.Zeros, dim),
		dim: dim,
		low: autograd.NewTensor[F](dim, dim), up: autograd.NewTensor[F](dim, dim), eye: autograd.NewTensor[F](dim, dim),
	}
	triangle(l.low.Data, dim, false, false)
	triangle(l.up.Data, dim, true, false)
	for i := range dim {
		l.eye.Data[i*(dim+1)] = 1
	}
	return l
}

// factors returns L, U and the sum of U's logarithmic diagonal.
func (l *LULinear[F]) factors(t *autograd.Tape[F]) (lower, upper, logdet autograd.Var[F]) {
	eye, d := t.Const(l.eye), t.Param(l.LogDiag)
	lower = t.Param(l.Lower).Mul(t.Const(l.low)).Add(eye)
	upper = t.Param(l.Upper).Mul(t.Const(l.up)).Add(eye.Mul(d.Exp()))
	return lower, upper, d.Sum()
}

// Forward returns L·U·x + b.
func (l *LULinear[F]) Forward(x, _ autograd.Var[F]) (y, logdet autograd.Var[F]) {
	rows("LULinear", x, l.dim)
	t := x.Tape()
	lower, upper, d := l.factors(t)
	return autograd.Linear(x, lower.MatMul(upper), t.Param(l.Bias)), constant(d, x)
}

// Inverse returns U⁻¹·L⁻¹·(y - b), by substitution.
func (l *LULinear[F]) Inverse(y, _ autograd.Var[F]) (x, logdet autograd.Var[F]) {
	rows("LULinear", y, l.dim)
	t := y.Tape()
	lower, upper, d := l.factors(t)
	x = solve(solve(y.Sub(t.Param(l.Bias)), lower, 0, 0), upper, 1, 0)
	return x, constant(d.Neg(), y)
}
