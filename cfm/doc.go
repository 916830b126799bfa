// Package cfm is conditional flow matching: paths and couplings, velocity fields, the training that fits
// one, and what a fitted one is good for, drawing and scoring.
//
// # What is computed
//
// A [Flow] is a velocity field v(t, x) with a source μ. Its solutions
//
//	dx/dt = v(t, x),  x(0) = x₀ ~ μ
//
// have the law of the data at t = 1. Flow matching fits v by regression: a pair (x₀, x₁) of a source row and
// a data row is joined by a [Path] xₜ with derivative uₜ, and [Match] minimises the mean of
//
//	‖v(t, xₜ) - uₜ‖²
//
// over pairs, times and noise. The minimum is v(t, x) = E[uₜ | xₜ = x], the one field whose flow has the law
// of xₜ at every t; so the least loss is not zero but the mean conditional variance of uₜ. Which x₀ goes with
// which x₁ is free, as long as both laws are right: that is the [Coupling].
//
// Time runs from the source at 0 to the data at 1, everywhere.
//
// The log-density follows along a solution (Chen et al. 2018):
//
//	log ρ₁(x₁) = log μ(x₀) - ∫₀¹ ∇·v(t, x(t)) dt
//
// [Flow.LogDensity] integrates it backwards from x₁ with the divergence exact or estimated by probes.
//
// # Parts
//
//	Path      six numbers at time t: CondOT, Tube, VP, VE, Cosine, Bridge, Polynomial, LinearVP
//	Coupling  Independent, ExactOT, Sinkhorn
//	Field     Net (the standard network), MLPField (torchcfm's), Marginal (closed form), Guided, FieldFunc
//	Source    Normal, or any law by FromLaw
//	Data      FromTensor, FromPairs, FromConditioned, Augment, Reflow
//	Trainer   fits a Flow's parameters: shards, averages, held-out loss, resume
//	Objective Match, Distill (one Euler step), BridgeMatch (velocity and score)
//	Flow      Sample, Transport, LogDensity, SampleDensity; SampleSDE with noise; Course, Tune
//
// # Units
//
// The field lives on standardised data, (x - Loc)/Scale. Data yields x₁ in data units and the trainer
// standardises; Sample maps back; LogDensity takes data units and accounts for the change. The source is
// never scaled.
//
// # Bits
//
// A row of a sample depends on the key and its number; a training run on the configuration and the key.
// Neither depends on the number of cores or on whether the run was stopped and resumed, and the bits are
// the same on every CPU.
package cfm
