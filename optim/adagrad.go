package optim

import (
	"iter"

	"pushforward/simd"
)

// Adagrad divides by the root of the sum of all squared gradients (Duchi et al. 2011):
//
//	g = grad + L2·θ
//	s += g²
//	θ -= lr/(1 + (t-1)·RateDecay)·g/(√s + Eps),  t = 1, 2, …
//
// s starts at Start. Zero fields mean Eps 1e-10 and zero for the rest; a negative Eps means
// zero.
type Adagrad[F simd.Float] struct {
	RateDecay, Start, Eps, L2 float64

	step int
	s    []F
}

// Init makes the sum of squares for n parameters.
func (a *Adagrad[F]) Init(n int) {
	if a.s == nil {
		a.s = make([]F, n)
		for i := range a.s {
			a.s[i] = F(a.Start)
		}
	}
	sized("Adagrad", n, len(a.s))
}

// Step does one step of Adagrad.
func (a *Adagrad[F]) Step(theta, grad []F, lr float64) {
	a.Init(len(theta))
	check("Adagrad", len(theta), len(grad), len(a.s))
	rate := F(lr / (1 + float64(float64(a.step)*a.RateDecay)))
	a.step++
	eps, l2 := F(or(a.Eps, 1e-10)), F(a.L2)
	for i, g := range grad {
		g += F(l2 * theta[i])
		a.s[i] += F(g * g)
		theta[i] -= F(rate*g) / (sqrt(a.s[i]) + eps)
	}
}

// State yields "square".
func (a *Adagrad[F]) State() iter.Seq2[string, []F] {
	return yield([]string{"square"}, [][]F{a.s})
}

// StepCount returns the number of steps taken.
func (a *Adagrad[F]) StepCount() int { return a.step }

// SetStep makes StepCount return n.
func (a *Adagrad[F]) SetStep(n int) { a.step = n }
