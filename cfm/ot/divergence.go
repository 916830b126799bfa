package ot

import (
	"fmt"
	"math"

	"pushforward/simd"
)

// SinkhornDivergence returns
//
//	S(x, y) = OT(x, y) - ½·OT(x, x) - ½·OT(y, y),  OT = min Σ p·c + ε·KL(p | a⊗b)
//
// with equal weights and the squared distance as cost (Feydy et al. 2019). It is zero for equal samples,
// else positive; it tends to W₂² as ε falls and to the squared distance of the means as ε grows.
func SinkhornDivergence(x, y []float64, dim int, opt SinkhornOptions) (float64, error) {
	xy, err := entropic(x, y, dim, opt)
	if err != nil {
		return 0, err
	}
	xx, err := entropicSelf(x, dim, opt)
	if err != nil {
		return 0, err
	}
	yy, err := entropicSelf(y, dim, opt)
	return xy - float64(0.5*xx) - float64(0.5*yy), err
}

// entropic returns the least Σ p·c + ε·KL(p | a⊗b). At the optimum it is Σ a·(u - ε·log a) + Σ b·(v - ε·log b).
func entropic(x, y []float64, dim int, opt SinkhornOptions) (float64, error) {
	n, m := rows(x, dim), rows(y, dim)
	cost := make([]float64, n*m)
	SquaredDistances(cost, x, y, dim)
	a, b := equalMasses(n), equalMasses(m)
	p, err := Sinkhorn(a, b, cost, opt)
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for i, u := range p.U {
		sum += float64(a[i] * (u - float64(opt.Reg*simd.Log(a[i]))))
	}
	for j, v := range p.V {
		sum += float64(b[j] * (v - float64(opt.Reg*simd.Log(b[j]))))
	}
	return sum, nil
}

// entropicSelf is entropic(x, x). Both potentials are equal, and half a step at a time they are found in a
// few dozen sweeps: the plan is positive definite, so a step's Jacobian has eigenvalues in [0, ½] (Feydy et
// al. 2019, section 3.1), where sweeps in turn would crawl, since hardly any mass leaves its place.
func entropicSelf(x []float64, dim int, opt SinkhornOptions) (float64, error) {
	n := rows(x, dim)
	cost := make([]float64, n*n)
	SquaredDistances(cost, x, x, dim)
	a := equalMasses(n)
	s, err := newScaling(a, a, cost, &opt)
	if err != nil {
		return 0, err
	}
	if err := s.setReg(opt.Reg); err != nil {
		return 0, err
	}
	worst := math.Inf(1)
	for range opt.MaxIter {
		copy(s.g, s.f)
		if worst = s.half(s.f, s.la, s.g, s.c, 1, 0.5); worst <= opt.Tol*a[0] {
			sum := 0.0
			for _, f := range s.g {
				sum += float64(2 * opt.Reg * a[0] * (f - s.la[0]))
			}
			return sum, nil
		}
	}
	return 0, fmt.Errorf("%w: sinkhorn: marginals are off by %.3g after %d sweeps at reg %v", ErrConverge, worst, opt.MaxIter, opt.Reg)
}

func equalMasses(n int) []float64 {
	a := make([]float64, n)
	for i := range a {
		a[i] = 1 / float64(n)
	}
	return a
}

// Witness returns W₁ of two samples and a function that proves it (Kantorovich and Rubinstein): φ changes
// by no more than the distance between its arguments, and the mean of φ over y less that over x is W₁. It
// is [Dual.At] of the problem from y to x; a Wasserstein GAN trains a network to be this function.
func Witness(x, y []float64, dim int) (phi func(z []float64) float64, w1 float64, err error) {
	d, err := Kantorovich(y, x, dim, 1)
	if err != nil {
		return nil, 0, err
	}
	return d.At, d.Value(), nil
}
