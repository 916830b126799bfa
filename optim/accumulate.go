package optim

import (
	"iter"

	"pushforward/simd"
)

// Accumulate gathers the gradients of Every calls and passes their mean to Opt once: a
// batch Every times as large in the memory of one. The calls between leave θ alone; the
// rate is that of the last call. Every of 0 or 1 passes each gradient on.
type Accumulate[F simd.Float] struct {
	Opt   Resumable[F]
	Every int

	step int
	sum  []F
}

// Init makes the sum, and Opt's state, for n parameters.
func (a *Accumulate[F]) Init(n int) {
	if a.sum == nil {
		a.sum = make([]F, n)
	}
	sized("Accumulate", n, len(a.sum))
	a.Opt.Init(n)
}

// Step adds grad to the sum and, at every Every-th call, lets Opt step.
func (a *Accumulate[F]) Step(theta, grad []F, lr float64) {
	a.Init(len(theta))
	check("Accumulate", len(theta), len(grad), len(a.sum))
	every := max(a.Every, 1)
	simd.Best[F]().Axpy(a.sum, F(1/float64(every)), grad)
	if a.step++; a.step%every == 0 {
		a.Opt.Step(theta, a.sum, lr)
		clear(a.sum)
	}
}

// State yields "sum" and what Opt yields.
func (a *Accumulate[F]) State() iter.Seq2[string, []F] {
	return func(f func(string, []F) bool) {
		if a.sum != nil && !f("sum", a.sum) {
			return
		}
		for name, v := range a.Opt.State() {
			if !f(name, v) {
				return
			}
		}
	}
}

// StepCount returns the number of calls of Step.
func (a *Accumulate[F]) StepCount() int { return a.step }

// SetStep makes StepCount return n, and Opt's the number of steps that n calls make.
func (a *Accumulate[F]) SetStep(n int) {
	a.step = n
	a.Opt.SetStep(n / max(a.Every, 1))
}
