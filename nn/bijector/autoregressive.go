package bijector

import (
	"pushforward/autograd"
	"pushforward/nn"
	"pushforward/simd"
)

// Autoregressive maps column i by an Element whose parameters are computed from the columns before
// it and the condition (Papamakarios et al. 2017):
//
//	yᵢ = element(xᵢ; pᵢ(x₀ … xᵢ₋₁, cond))
//
// A single pass through a MADE gives the parameters of all columns. The inverse needs D passes:
// each finds one more column.
type Autoregressive[F simd.Float] struct {
	element Element[F]
	net     *MADE[F]
	dim     int
}

// NewAutoregressive declares a MADE of the given hidden widths in s.Sub("net"). It starts as
// the identity.
func NewAutoregressive[F simd.Float](s nn.Scope[F], e Element[F], dim, cond int, act nn.Func[F], hidden ...int) *Autoregressive[F] {
	of := func(k int) int { return e.Column(k, dim) }
	return &Autoregressive[F]{e, NewMADE(s.Sub("net"), dim, cond, dim*e.Params(), of, act, hidden...), dim}
}

// Forward maps x [B, D].
func (a *Autoregressive[F]) Forward(x, cond autograd.Var[F]) (y, logdet autograd.Var[F]) {
	rows("Autoregressive", x, a.dim)
	return a.element.Forward(x, a.net.Forward(x, cond))
}

// Inverse undoes Forward in D passes. Columns not yet found are held at zero, so nothing can run
// away in them; what is found does not depend on them.
func (a *Autoregressive[F]) Inverse(y, cond autograd.Var[F]) (x, logdet autograd.Var[F]) {
	rows("Autoregressive", y, a.dim)
	x = y.Tape().Zeros(y.Shape())
	for i := range a.dim - 1 {
		next, _ := a.element.Inverse(y, a.net.Forward(x, cond))
		x = x.Add(next.Slice(1, i, i+1).Pad(1, i, a.dim-1-i))
	}
	return a.element.Inverse(y, a.net.Forward(x, cond))
}
