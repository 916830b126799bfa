package optim

import (
	"iter"
	"math"

	"pushforward/simd"
)

// Adamax is Adam with the maximum norm in place of the second moment (Kingma and Ba 2015,
// §7.1):
//
//	g = grad + L2·θ
//	m += (1 - β₁)·(g - m)
//	u = max(β₂·u, |g| + Eps)
//	θ -= lr/(1 - β₁ᵗ)·m/u
//
// Zero fields mean Beta1 0.9, Beta2 0.999, Eps 1e-8; a negative one means zero. With Eps
// zero an entry that never had a gradient stays where it is.
type Adamax[F simd.Float] struct {
	Beta1, Beta2, Eps, L2 float64

	step int
	m, u []F
}

// Init makes the two vectors for n parameters.
func (a *Adamax[F]) Init(n int) {
	if a.m == nil {
		a.m, a.u = make([]F, n), make([]F, n)
	}
	sized("Adamax", n, len(a.m))
}

// Step does one step of Adamax.
func (a *Adamax[F]) Step(theta, grad []F, lr float64) {
	a.Init(len(theta))
	check("Adamax", len(theta), len(grad), len(a.m))
	a.step++
	beta := or(a.Beta1, 0.9)
	a1, b2 := F(1-beta), F(or(a.Beta2, 0.999))
	rate, eps, l2 := F(lr/(1-powi(beta, a.step))), F(or(a.Eps, 1e-8)), F(a.L2)
	for i, g := range grad {
		g += F(l2 * theta[i])
		a.m[i] += F(a1 * (g - a.m[i]))
		a.u[i] = max(F(b2*a.u[i]), F(math.Abs(float64(g)))+eps)
		if a.u[i] != 0 {
			theta[i] -= F(rate*a.m[i]) / a.u[i]
		}
	}
}

// State yields "m" and "u".
func (a *Adamax[F]) State() iter.Seq2[string, []F] {
	return yield([]string{"m", "u"}, [][]F{a.m, a.u})
}

// StepCount returns the number of steps taken.
func (a *Adamax[F]) StepCount() int { return a.step }

// SetStep makes StepCount return n.
func (a *Adamax[F]) SetStep(n int) { a.step = n }
