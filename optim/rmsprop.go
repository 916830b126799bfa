package optim

import (
	"iter"

	"pushforward/simd"
)

// RMSprop divides by a running root mean square of the gradient:
//
//	g = grad + L2·θ
//	s = Alpha·s + (1 - Alpha)·g²
//	r = √s + Eps; if Centered, √(s - ḡ²) + Eps with ḡ the running mean of g
//	θ -= lr·g/r; with momentum u = Momentum·u + g/r and θ -= lr·u
//
// Zero fields mean Alpha 0.99, Eps 1e-8, no momentum; a negative Alpha or Eps means zero.
type RMSprop[F simd.Float] struct {
	Alpha, Eps, Momentum, L2 float64
	Centered                 bool

	step       int
	s, mean, u []F
}

// Init makes the vectors for n parameters.
func (r *RMSprop[F]) Init(n int) {
	if r.s == nil {
		r.s = make([]F, n)
		if r.Centered {
			r.mean = make([]F, n)
		}
		if r.Momentum != 0 {
			r.u = make([]F, n)
		}
	}
	sized("RMSprop", n, len(r.s))
}

// Step does one step of RMSprop.
func (r *RMSprop[F]) Step(theta, grad []F, lr float64) {
	r.Init(len(theta))
	check("RMSprop", len(theta), len(grad), len(r.s))
	r.step++
	alpha := or(r.Alpha, 0.99)
	a, c, eps, l2 := F(alpha), F(1-alpha), F(or(r.Eps, 1e-8)), F(r.L2)
	mom, rate := F(r.Momentum), F(lr)
	for i, g := range grad {
		g += F(l2 * theta[i])
		r.s[i] = F(a*r.s[i]) + F(F(c*g)*g)
		v := r.s[i]
		if r.Centered {
			r.mean[i] += F(c * (g - r.mean[i]))
			// Rounding can bring the difference of two nearly equal squares below zero.
			v = max(v-F(r.mean[i]*r.mean[i]), 0)
		}
		d := g / (sqrt(v) + eps)
		if r.u != nil {
			r.u[i] = F(mom*r.u[i]) + d
			d = r.u[i]
		}
		theta[i] -= F(rate * d)
	}
}

// State yields "square" and, if in use, "mean" and "momentum".
func (r *RMSprop[F]) State() iter.Seq2[string, []F] {
	return yield([]string{"square", "mean", "momentum"}, [][]F{r.s, r.mean, r.u})
}

// StepCount returns the number of steps taken.
func (r *RMSprop[F]) StepCount() int { return r.step }

// SetStep makes StepCount return n.
func (r *RMSprop[F]) SetStep(n int) { r.step = n }
