package optim

import (
	"iter"
	"math"

	"pushforward/simd"
)

// NAdam is Adam with Nesterov's momentum (Dozat 2016), as PyTorch has it:
//
//	μₜ = β₁·(1 - ½·0.96^(t·MomentumDecay)),  Pₜ = μ₁·…·μₜ
//	θ -= lr·((1-μₜ)/(1-Pₜ)·g + μₜ₊₁/(1-Pₜ·μₜ₊₁)·m) / (√(v/c₂) + Eps)
//
// with m, v and c₂ those of Adam, and g = grad + L2·θ. Decay shrinks θ by lr·Decay·θ first.
// Zero fields mean Beta1 0.9, Beta2 0.999, Eps 1e-8, MomentumDecay 0.004, no decay; a
// negative one of the first four means zero.
type NAdam[F simd.Float] struct {
	Beta1, Beta2, Eps, MomentumDecay float64
	Decay, L2                        float64

	step int
	prod float64 // P of step, 0 if it is to be multiplied out anew
	m, v []F
}

// Init makes the two moments for n parameters.
func (a *NAdam[F]) Init(n int) {
	if a.m == nil {
		a.m, a.v = make([]F, n), make([]F, n)
	}
	sized("NAdam", n, len(a.m))
}

func (a *NAdam[F]) mu(t int) float64 {
	w := simd.Pow(0.96, float64(float64(t)*or(a.MomentumDecay, 0.004)))
	return float64(or(a.Beta1, 0.9) * (1 - float64(0.5*w)))
}

// Step does one step of NAdam.
func (a *NAdam[F]) Step(theta, grad []F, lr float64) {
	a.Init(len(theta))
	check("NAdam", len(theta), len(grad), len(a.m))
	if a.prod == 0 {
		a.prod = 1
		for t := 1; t <= a.step; t++ {
			a.prod = times32(a.prod, a.mu(t))
		}
	}
	a.step++
	b1, b2 := or(a.Beta1, 0.9), or(a.Beta2, 0.999)
	mu, next := a.mu(a.step), a.mu(a.step+1)
	a.prod = times32(a.prod, mu)
	root := math.Sqrt(1 - powi(b2, a.step))
	sg, sm := F(lr*(1-mu)/(1-a.prod)*root), F(lr*next/(1-float64(a.prod*next))*root)
	eps := F(or(a.Eps, 1e-8) * root)
	a1, a2, bb := F(1-b1), F(1-b2), F(b2)
	decay, l2 := F(lr*a.Decay), F(a.L2)
	for i, g := range grad {
		theta[i] -= F(decay * theta[i])
		g += F(l2 * theta[i])
		a.m[i] += F(a1 * (g - a.m[i]))
		a.v[i] = F(bb*a.v[i]) + F(F(a2*g)*g)
		theta[i] -= (F(sg*g) + F(sm*a.m[i])) / (sqrt(a.v[i]) + eps)
	}
}

// times32 is the product in float32: PyTorch keeps Pₙ in that whatever the parameters' type.
func times32(x, y float64) float64 { return float64(float32(x) * float32(y)) }

// State yields "m" and "v".
func (a *NAdam[F]) State() iter.Seq2[string, []F] {
	return yield([]string{"m", "v"}, [][]F{a.m, a.v})
}

// StepCount returns the number of steps taken.
func (a *NAdam[F]) StepCount() int { return a.step }

// SetStep makes StepCount return n. The next step then multiplies Pₙ out anew, which takes
// time proportional to n once.
func (a *NAdam[F]) SetStep(n int) { a.step, a.prod = n, 0 }
