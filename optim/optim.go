package optim

import (
	"fmt"
	"iter"

	"pushforward/simd"
)

// Optimizer updates a parameter vector in place.
type Optimizer[F simd.Float] interface {
	// Step moves theta against grad. Both have the length of the first call, or it panics.
	// grad is left as it is.
	Step(theta, grad []F, lr float64)
	// State yields the vectors a checkpoint must keep, always in the same order. They are
	// the optimizer's own: writing to them changes it. Before Init or the first Step there
	// are none.
	State() iter.Seq2[string, []F]
}

// Resumable is an Optimizer that can be brought to where another one stood. All optimizers
// of this package are.
type Resumable[F simd.Float] interface {
	Optimizer[F]
	// Init makes the state that a θ of n entries needs. It does nothing to a state that is
	// there already, and panics if that has another length.
	Init(n int)
	// StepCount returns how many steps were taken.
	StepCount() int
	// SetStep makes StepCount return n.
	SetStep(n int)
}

// block is how many entries are updated at a time where an update needs scratch memory:
// few enough to stay in the first-level cache.
const block = 1024

// check panics unless theta, grad and the state have one length.
func check(who string, theta, grad, state int) {
	if theta != grad {
		panic(fmt.Sprintf("optim: %s: theta has %d entries, grad %d", who, theta, grad))
	}
	sized(who, theta, state)
}

// sized panics unless a state of length state suits n parameters.
func sized(who string, n, state int) {
	if n != state {
		panic(fmt.Sprintf("optim: %s: theta has %d entries, the state was made for %d", who, n, state))
	}
}

// or is a field's value: the default for 0, zero for a negative one.
func or(x, dflt float64) float64 {
	switch {
	case x == 0:
		return dflt
	case x < 0:
		return 0
	}
	return x
}

// powi returns xⁿ by squaring, at most 2·log₂n roundings.
func powi(x float64, n int) float64 {
	p := 1.0
	for ; n > 0; n >>= 1 {
		if n&1 == 1 {
			p = float64(p * x)
		}
		x = float64(x * x)
	}
	return p
}

// yield passes named vectors on, leaving out those that were not made.
func yield[F simd.Float](names []string, vecs [][]F) iter.Seq2[string, []F] {
	return func(f func(string, []F) bool) {
		for i, v := range vecs {
			if v != nil && !f(names[i], v) {
				return
			}
		}
	}
}
