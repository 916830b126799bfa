package optim

import (
	"fmt"
	"math"
	"slices"

	"pushforward/simd"
)

// Schedule gives the learning rate at a step, counted from 0. It is a pure function, so a
// resumed run needs only its step number.
type Schedule func(step int) float64

// Constant is lr at every step.
func Constant(lr float64) Schedule {
	return func(int) float64 { return lr }
}

// Cosine rises linearly to peak over warmup steps, then falls to zero at total along half a
// cosine, and stays there:
//
//	k < warmup: peak·(k+1)/warmup
//	else:       peak·½(1 + cos π(k-warmup)/(total-warmup))
//
// Step 0 has a rate above zero, so that no step is lost.
func Cosine(peak float64, warmup, total int) Schedule {
	return func(k int) float64 {
		switch {
		case k < warmup:
			return peak * float64(k+1) / float64(warmup)
		case k >= total:
			return 0
		}
		return peak * half(float64(k-warmup)/float64(total-warmup))
	}
}

// Warmup is lr·min(k, steps)/steps: it starts at zero.
func Warmup(lr float64, steps int) Schedule {
	positive("Warmup", "steps", steps)
	return func(k int) float64 { return lr * float64(min(k, steps)) / float64(steps) }
}

// Linear goes from lr·from to lr·to in a straight line of the given number of steps and
// stays there.
func Linear(lr, from, to float64, steps int) Schedule {
	positive("Linear", "steps", steps)
	return func(k int) float64 {
		return lr * (from + float64((to-from)*float64(min(k, steps))/float64(steps)))
	}
}

// Step multiplies lr by gamma every so many steps: lr·gamma^⌊k/every⌋.
func Step(lr float64, every int, gamma float64) Schedule {
	positive("Step", "every", every)
	return func(k int) float64 { return lr * powi(gamma, k/every) }
}

// MultiStep multiplies lr by gamma at each of the steps named, which may repeat.
func MultiStep(lr, gamma float64, at ...int) Schedule {
	at = slices.Sorted(slices.Values(at))
	return func(k int) float64 {
		n, _ := slices.BinarySearch(at, k+1) // how many are ≤ k
		return lr * powi(gamma, n)
	}
}

// Exponential is lr·gammaᵏ.
func Exponential(lr, gamma float64) Schedule {
	return func(k int) float64 { return lr * powi(gamma, k) }
}

// CosineAnnealing is low + (lr - low)·½(1 + cos πk/period). Past the period it goes up
// again, as the formula says.
func CosineAnnealing(lr, low float64, period int) Schedule {
	positive("CosineAnnealing", "period", period)
	return func(k int) float64 {
		return low + float64((lr-low)*half(float64(k)/float64(period)))
	}
}

// CosineRestarts falls from lr to low along half a cosine and starts again, first after
// period steps, then after periods mult times as long each time (Loshchilov and Hutter 2017).
func CosineRestarts(lr, low float64, period, mult int) Schedule {
	positive("CosineRestarts", "period", period)
	positive("CosineRestarts", "mult", mult)
	return func(k int) float64 {
		length := period
		if mult == 1 {
			k %= period
		}
		for ; k >= length; length *= mult {
			k -= length
		}
		return low + float64((lr-low)*half(float64(k)/float64(length)))
	}
}

// OneCycle rises from peak/div to peak over the first part of the steps, a share of about
// rise, and falls to peak/(div·end) at the last, both along half a cosine (Smith and Topin
// 2018, in PyTorch's form). Steps past the last keep its rate. PyTorch's defaults are rise
// 0.3, div 25, end 1e4.
func OneCycle(peak float64, total int, rise, div, end float64) Schedule {
	positive("OneCycle", "total", total)
	first := peak / div
	last := first / end
	up := float64(rise*float64(total)) - 1 // where the peak is, a number that need not be whole
	down := float64(total - 1)
	return func(k int) float64 {
		x := math.Min(float64(k), down)
		if x <= up {
			return between(first, peak, ratio(x, up))
		}
		return between(peak, last, ratio(x-up, down-up))
	}
}

// Then is a for the first n steps and then b, whose steps are counted from there. So
// PyTorch's warm-up and cosine is
//
//	Then(Linear(lr, 0.1, 1, n), n, CosineAnnealing(lr, low, period))
func Then(a Schedule, n int, b Schedule) Schedule {
	return func(k int) float64 {
		if k < n {
			return a(k)
		}
		return b(k - n)
	}
}

// half is ½(1 + cos πx): 1 at 0, 0 at 1.
func half(x float64) float64 { return 0.5 * (1 + simd.Cos(float64(math.Pi*x))) }

// between goes from a to b along half a cosine as x goes from 0 to 1.
func between(a, b, x float64) float64 { return b + float64((a-b)*half(x)) }

// ratio is a/b, and 1 for a stretch of no length.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 1
	}
	return a / b
}

func positive(who, what string, n int) {
	if n <= 0 {
		panic(fmt.Sprintf("optim: %s: %s = %d, want a positive number", who, what, n))
	}
}
