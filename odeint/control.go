package odeint

import "pushforward/simd"

// Controller turns error estimates into step sizes, for one row.
type Controller interface {
	// Next is given the method's order and the last three scaled errors, newest first (1 before there
	// are any), and returns what to multiply h by and whether to keep the step. The older two are of
	// kept steps.
	Next(order int, e0, e1, e2 float64) (factor float64, accept bool)
}

// PID is the standard controller,
//
//	factor = Safety · e₀^(-(P+I+D)/k) · e₁^((P+2D)/k) · e₂^(-D/k),  within [Min, Max],
//
// with k the order; a step is kept if e₀ ≤ 1. The zero PID is I 1, Safety 0.9, Min 0.2, Max 10: Hairer's
// elementary controller. PI control in Gustafsson's sense is P 0.4, I 0.3 (a factor 0.3–0.4 for
// problems whose steps are limited by stability). Earlier errors count as at least 1e-4, so that a lucky step
// does not stop growth. (The solver itself never lets h grow right after a rejection.)
type PID struct{ P, I, D, Safety, Min, Max float64 }

// Next implements Controller.
func (c PID) Next(order int, e0, e1, e2 float64) (float64, bool) {
	c = c.filled()
	accept := e0 <= 1
	if e0 < leastError {
		return c.Max, accept
	}
	x := float64(-(c.P + c.I + c.D) * simd.Log(e0))
	if c.P != 0 || c.D != 0 {
		x += float64((c.P + float64(2*c.D)) * simd.Log(max(e1, leastOlder)))
		x -= float64(c.D * simd.Log(max(e2, leastOlder)))
	}
	return c.within(simd.Exp(x / float64(order))), accept
}

// leastError is an error so small that its logarithm does not matter.
const leastError = 1e-30

// leastOlder is what earlier errors count as at least.
const leastOlder = 1e-4

// filled returns c with its defaults.
func (c PID) filled() PID {
	if c.P == 0 && c.I == 0 && c.D == 0 {
		c.I = 1
	}
	c.Safety, c.Min, c.Max = or(c.Safety, 0.9), or(c.Min, 0.2), or(c.Max, 10)
	return c
}

// within applies the safety factor and the limits.
func (c PID) within(f float64) float64 { return min(max(float64(c.Safety*f), c.Min), c.Max) }

// factors sets dst to what Next would say for each of the errors e and, where c has P or D, the older e1 and e2,
// which it overwrites: the same bits, a vector at a time.
func (c PID) factors(dst []float64, order int, e, e1, e2 []float64) {
	k := simd.Best[float64]()
	for i, v := range e {
		dst[i] = max(v, leastError)
	}
	k.Log(dst, dst)
	for i, v := range dst {
		dst[i] = float64(-(c.P + c.I + c.D) * v)
	}
	if c.P != 0 || c.D != 0 {
		logs(k, e1)
		for i, v := range e1 {
			dst[i] += float64((c.P + float64(2*c.D)) * v)
		}
	}
	if c.D != 0 {
		logs(k, e2)
		for i, v := range e2 {
			dst[i] -= float64(c.D * v)
		}
	}
	for i, v := range dst {
		dst[i] = v / float64(order)
	}
	k.Exp(dst, dst)
	for i, v := range dst {
		dst[i] = c.within(v)
		if e[i] < leastError {
			dst[i] = c.Max
		}
	}
}

// logs takes logarithms of older errors in place.
func logs(k *simd.Kernels[float64], e []float64) {
	for i, v := range e {
		e[i] = max(v, leastOlder)
	}
	k.Log(e, e)
}

// or returns x, or the default if x is 0.
func or(x, otherwise float64) float64 {
	if x == 0 {
		return otherwise
	}
	return x
}
