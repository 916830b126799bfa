// Package pushforward is flow matching in pure Go: it learns a distribution from samples and then
// draws from it, scores it and conditions it. There is no code here; the work is done on the floors
// below, each a package that is useful on its own.
//
// A flow is a velocity field v(t, x). Its solutions x(t) of dx/dt = v(t, x) push a simple law μ at
// t = 0, usually a standard normal, forward to a law ρ₁ at t = 1, whence the name. Flow matching
// learns v from samples of ρ₁ by regression: draw x₀ ~ μ, x₁ from the data and t in [0, 1), put
// xₜ = (1-t)·x₀ + t·x₁ and fit v(t, xₜ) to x₁ - x₀. A draw from the model is one solve from t = 0 to
// t = 1; a log-density is one solve back, which integrates the divergence of v along the way:
//
//	log ρ₁(x₁) = log μ(x₀) - ∫₀¹ ∇·v(t, x(t)) dt
//
// # The floors
//
//	cmd/train, cmd/pushforward   the commands
//	cfm/model                    the front door: Fit, Open, Save, Sample, LogDensity on plain rows
//	cfm                          paths, couplings, fields, flows, trainer, densities
//	cfm/ot, metric, dataset      optimal transport, distances between samples, data
//	nn, optim                    layers over one flat parameter vector; Adam, schedules, averages
//	autograd                     a reverse-mode tape whose rules are themselves recorded
//	odeint                       adaptive Runge–Kutta with a step size for each row
//	simd/rng                     random numbers as functions of position
//	simd                         kernels in Go assembly: AVX2, AVX-512, NEON and their portable twin
//
// # Bits
//
// Same seed, same data, same options give the same bits: on any CPU, with any number of cores,
// stopped and resumed or not. How that is kept is told in package simd.
package pushforward
