package optim

import (
	"iter"

	"pushforward/simd"
)

// EMA keeps an exponential moving average of θ:
//
//	Theta += (1 - d)·(θ - Theta),  d = min(Decay, (1+n)/(Warm+n))
//
// where n counts the updates before this one. The rising d is a warm-up, without which the
// average of a short run is mostly the random start: until d reaches Decay, an
// update weighs some n^(Warm-2): Warm 2 is the plain mean, and the larger Warm the shorter the memory.
// Flat turns it off, d = Decay. A nil Theta becomes a copy of the first θ, which counts as an update.
type EMA[F simd.Float] struct {
	Decay float64
	Theta []F
	Flat  bool
	Warm  float64 // 10

	n   int
	tmp [block]F
}

// Update takes theta into the average. It panics if the length is not Theta's.
func (e *EMA[F]) Update(theta []F) {
	if e.Theta == nil {
		e.Theta = append(make([]F, 0, len(theta)), theta...)
		e.n++
		return
	}
	sized("EMA", len(theta), len(e.Theta))
	d := e.Decay
	if !e.Flat {
		d = min(d, float64(1+e.n)/(or(e.Warm, 10)+float64(e.n)))
	}
	e.n++
	// The difference form has θ itself as its fixed point. d·a + (1-d)·θ has not: in float32
	// the rounded d and 1-d do not add up to one, and an average that is there would leave.
	k := simd.Best[F]()
	for lo := 0; lo < len(theta); lo += block {
		hi := min(lo+block, len(theta))
		diff, avg := e.tmp[:hi-lo], e.Theta[lo:hi]
		k.Sub(diff, theta[lo:hi], avg)
		k.Axpy(avg, F(1-d), diff)
	}
}

// State yields the average as "ema".
func (e *EMA[F]) State() iter.Seq2[string, []F] {
	return yield([]string{"ema"}, [][]F{e.Theta})
}

// StepCount returns the number of updates.
func (e *EMA[F]) StepCount() int { return e.n }

// SetStep makes StepCount return n, on which the warm-up depends.
func (e *EMA[F]) SetStep(n int) { e.n = n }
