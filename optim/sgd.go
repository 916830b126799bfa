package optim

import (
	"iter"

	"pushforward/simd"
)

// SGD is gradient descent, with momentum if Momentum > 0:
//
//	g = grad + L2·θ
//	u = g at the first step, then Momentum·u + (1 - Dampening)·g
//	θ -= lr·u, or lr·(g + Momentum·u) if Nesterov
//
// The zero SGD is plain descent.
type SGD[F simd.Float] struct {
	Momentum, Dampening, L2 float64
	Nesterov                bool

	step int
	n    int
	u    []F
	tmp  [block]F
}

// Init makes the momentum vector for n parameters.
func (s *SGD[F]) Init(n int) {
	if s.n == 0 {
		s.n = n
		if s.Momentum != 0 {
			s.u = make([]F, n)
		}
	}
	sized("SGD", n, s.n)
}

// Step does one step of descent.
func (s *SGD[F]) Step(theta, grad []F, lr float64) {
	s.Init(len(theta))
	check("SGD", len(theta), len(grad), s.n)
	k := simd.Best[F]()
	for lo := 0; lo < len(theta); lo += block {
		hi := min(lo+block, len(theta))
		w, g := theta[lo:hi], s.tmp[:hi-lo]
		copy(g, grad[lo:hi])
		if s.L2 != 0 {
			k.Axpy(g, F(s.L2), w)
		}
		if s.Momentum != 0 {
			u := s.u[lo:hi]
			if s.step == 0 {
				copy(u, g)
			} else {
				k.Scale(u, F(s.Momentum), u)
				k.Axpy(u, F(1-s.Dampening), g)
			}
			if s.Nesterov {
				k.Axpy(g, F(s.Momentum), u)
			} else {
				copy(g, u)
			}
		}
		k.Axpy(w, F(-lr), g)
	}
	s.step++
}

// State yields "momentum" if there is any.
func (s *SGD[F]) State() iter.Seq2[string, []F] {
	return yield([]string{"momentum"}, [][]F{s.u})
}

// StepCount returns the number of steps taken.
func (s *SGD[F]) StepCount() int { return s.step }

// SetStep makes StepCount return n.
func (s *SGD[F]) SetStep(n int) { s.step = n }
