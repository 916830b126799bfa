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
	if c.P == 0 && c.I == 0 && c.D == 0 {
		c.I = 1
	}
	c.Safety = or(c.Safety, 0.9)
	c.Min = or(c.Min, 0.2)
	c.Max = or(c.Max, 10)
	k := float64(order)
	accept := e0 <= 1
	if e0 < 1e-30 {
		return c.Max, accept
	}
	f := c.Safety * simd.Pow(e0, -(c.P+c.I+c.D)/k)
	if c.P != 0 || c.D != 0 {
		f *= simd.Pow(max(e1, 1e-4), (c.P+float64(2*c.D))/k)
		f *= simd.Pow(max(e2, 1e-4), -c.D/k)
	}
	return min(max(f, c.Min), c.Max), accept
}

// or returns x, or the default if x is 0.
func or(x, otherwise float64) float64 {
	if x == 0 {
		return otherwise
	}
	return x
}
