package cfm

import (
	"pushforward/autograd"
	"pushforward/simd"
)

// Distill is the objective that teaches a field to go from x₀ to its partner x₁ in one Euler step,
//
//	‖v(0, x₀) - (x₁ - x₀)‖² / D
//
// on pairs (x₀, T(x₀)) of a flow's own, such as Reflow's (Liu et al. 2022, §2). It is Match with t fixed at
// 0. On pairs that are not a function of x₀ it learns their mean instead, which is why one distils a flow
// after it was straightened. A field trained so is no velocity at t > 0: wrap it in Distilled, and sample with
// odeint.Euler and Step 1.
func Distill[F simd.Float](f Field[F]) Objective[F] {
	return Match(f, CondOT{}, func(float64) float64 { return 0 })
}

// Distilled is a field of one Euler step from t = 0 to 1, trained by Distill: x₁ = x₀ + v(0, x₀). LogDensity
// refuses it: the step is a map of no flow, and need not even be one to one.
type Distilled[F simd.Float] struct{ Field Field[F] }

// Velocity evaluates the field.
func (d Distilled[F]) Velocity(q Query[F]) autograd.Var[F] { return d.Field.Velocity(q) }

func (d Distilled[F]) noDensity() string {
	return "a distilled field is one step and no flow, it need not be one to one; score the flow it was distilled from"
}
