package ot

import (
	"errors"
	"fmt"
	"math"

	"pushforward/simd"
)

// ErrConverge is wrapped by the error of an iteration that ran out of sweeps; the plan comes with it.
var ErrConverge = errors.New("ot: not converged")

// SinkhornOptions configures Sinkhorn. Reg is ε, in units of the cost, and must be positive. Zero fields
// mean MaxIter 100000, Tol 1e-9.
type SinkhornOptions struct {
	Reg     float64
	MaxIter int     // sweeps over both marginals
	Tol     float64 // on the largest error of a marginal, relative to the largest mass
	// Marginal, for SinkhornUnbalanced: the weight of the divergence of each marginal from its mass.
	Marginal float64
}

// Sinkhorn returns the plan that minimises Σ p·c + ε·Σ p·(log p - 1) between masses a and b of equal
// total. It is diag(eᶠ)·exp(-c/ε)·diag(eᵍ); f and g are fitted in turn to the marginals, in the log domain,
// and warmed up along larger ε; where hundreds of sweeps are not enough Newton's method ends the work. Uniform masses are a[i] = 1/len(a).
//
// If the marginals do not come within Tol, or what rounding of costs so many ε wide allows, 2⁻⁵⁰·(1 + their spread/ε) but at most 1e-7, the error wraps ErrConverge and the plan is the last one.
// Plan.Cost is Σ p·c without the entropy, Plan.U and V are ε·f and ε·g.
func Sinkhorn(a, b, cost []float64, opt SinkhornOptions) (*Plan, error) {
	s, err := newScaling(a, b, cost, &opt)
	if err != nil {
		return nil, err
	}
	if _, err := checkMasses(a, b, cost); err != nil {
		return nil, err
	}
	s.low = least(cost) // a constant in all costs changes no plan, and its rounding would stay
	// Large ε first: the potentials ε·f and ε·g they need are near those the next smaller ε needs.
	for eps := math.Max(s.span, opt.Reg); ; {
		if err := s.setReg(eps); err != nil {
			return nil, err
		}
		if eps == opt.Reg {
			break
		}
		for range 8 {
			s.half(s.f, s.la, s.g, s.c, 1, 1)
			s.half(s.g, s.lb, s.f, s.ct, 1, 1)
		}
		next := math.Max(eps/4, opt.Reg)
		s.k.Scale(s.f, eps/next, s.f)
		s.k.Scale(s.g, eps/next, s.g)
		eps = next
	}
	scale := math.Max(opt.Tol, s.rounding()) * math.Max(largest(a), largest(b))
	p := &Plan{N: len(a), M: len(b), Err: math.Inf(1)}
	relax, before, wait := 1.0, 0.0, 1
	end := newtonFrom
	for p.Iter < opt.MaxIter {
		if p.Iter >= end {
			steps, off := newNewton(s, a, b).run(scale, opt.MaxIter-p.Iter)
			p.Iter, p.Err = p.Iter+steps, off
			if off <= scale {
				break
			}
			relax, wait, end = 1, 1, 4*p.Iter
			continue
		}
		// A half step knows how far its marginal was off before it.
		eg := s.half(s.g, s.lb, s.f, s.ct, 1, relax)
		ef := s.half(s.f, s.la, s.g, s.c, 1, relax)
		p.Err = math.Max(eg, ef)
		if p.Iter++; p.Err <= scale {
			break
		}
		if p.Iter%relaxEvery == 0 {
			if wait--; wait < 0 {
				next := overrelax(relax, before, p.Err)
				if next != relax {
					relax, wait = next, 1 // the next errors are those of the change
				}
			}
			before = p.Err
		}
	}
	converged := p.Err <= scale
	s.half(s.f, s.la, s.g, s.c, 1, 1)
	s.finish(p, cost, opt.Reg)
	p.Err = marginalError(p.P, a, b)
	if !converged {
		return p, fmt.Errorf("%w: sinkhorn: marginals are off by %.3g after %d sweeps at reg %v", ErrConverge, p.Err, p.Iter, opt.Reg)
	}
	return p, nil
}

// relaxEvery is after how many sweeps the factor of relaxation is looked at.
const relaxEvery = 15

// overrelax returns the next factor of relaxation. Near its end Sinkhorn is Gauss and Seidel's iteration
// on a linear system, and as Young found for that (Iterative Solution of Large Linear Systems, 1971), going
// relax times the way turns the rate λ of plain sweeps into a rate ρ with (ρ + relax - 1)² = ρ·relax²·λ,
// least at relax = 2/(1 + √(1-λ)). The errors relaxEvery sweeps apart tell ρ, ρ tells λ. An error that
// keeps growing means that the end is not near: back to plain sweeps.
func overrelax(relax, before, now float64) float64 {
	rho := simd.Pow(now/before, 1.0/relaxEvery)
	if !(rho < 1.05) {
		return 1
	}
	if rho >= 1 {
		return relax
	}
	if rho <= relax-1 {
		return relax // past the best factor
	}
	l := (rho + relax - 1) / relax
	l = float64(l*l) / rho
	best := 2 / (1 + math.Sqrt(math.Max(0, 1-l)))
	return math.Max(relax, math.Min(best, math.Min((relax+2)/2, 1.9995))) // not more than half way to 2 at once
}

// SinkhornUnbalanced relaxes both marginals: it minimises
//
//	Σ p·c + ε·KL(p | a⊗b) + ρ·KL(p1 | a) + ρ·KL(pᵀ1 | b),  ρ = opt.Marginal,
//
// the form POT solves by default. The masses need not balance. The scalings are uᵢ = (aᵢ/(Kv)ᵢ)^(ρ/(ρ+ε))
// with K = a⊗b·exp(-c/ε), and likewise v. Plan.Err is how far the largest marginal is from its mass: not an error of the
// solution here, but what the relaxation has given up.
func SinkhornUnbalanced(a, b, cost []float64, opt SinkhornOptions) (*Plan, error) {
	if !(opt.Marginal > 0) || math.IsInf(opt.Marginal, 1) {
		return nil, fmt.Errorf("%w: sinkhorn: the marginals' weight is %v", ErrCost, opt.Marginal)
	}
	s, err := newScaling(a, b, cost, &opt)
	if err != nil {
		return nil, err
	}
	if err := s.setReg(opt.Reg); err != nil {
		return nil, err
	}
	// The reference measure a⊗b enters as costs lowered by ε·(log aᵢ + log bⱼ).
	n, m := len(a), len(b)
	for i := range n {
		for j := range m {
			s.c[i*m+j] -= s.la[i] + s.lb[j]
		}
	}
	transpose(s.ct, s.c, n, m)
	power := opt.Marginal / (opt.Marginal + opt.Reg)
	p := &Plan{N: n, M: m}
	tol := math.Max(opt.Tol, s.rounding()) // potentials are as large as the costs, and so is their rounding
	for {
		s.half(s.f, s.la, s.g, s.c, power, 1)
		s.shift(opt.Marginal / opt.Reg)
		copy(s.old, s.g)
		s.half(s.g, s.lb, s.f, s.ct, power, 1)
		worst := 0.0
		for j, v := range s.g {
			if d := math.Abs(v - s.old[j]); d > worst {
				worst = d
			}
		}
		if p.Iter++; worst <= tol {
			break
		}
		if p.Iter == opt.MaxIter {
			s.finish(p, cost, opt.Reg)
			p.Err = marginalError(p.P, a, b)
			return p, fmt.Errorf("%w: unbalanced sinkhorn: potentials still move by %.3g after %d sweeps at reg %v, marginals are off by %.3g", ErrConverge, worst, p.Iter, opt.Reg, p.Err)
		}
	}
	s.finish(p, cost, opt.Reg)
	p.Err = marginalError(p.P, a, b)
	return p, nil
}

// scaling holds what the half steps work on, all divided by ε.
type scaling struct {
	k      *simd.Kernels[float64]
	cost   []float64
	c, ct  []float64 // costs/ε and their transpose
	la, lb []float64 // log masses
	f, g   []float64
	buf    []float64
	old    []float64
	span   float64 // the spread of the costs
	low    float64 // taken off all costs
	n, m   int
}

func newScaling(a, b, cost []float64, opt *SinkhornOptions) (*scaling, error) {
	n, m := len(a), len(b)
	if n == 0 || m == 0 {
		return nil, fmt.Errorf("%w: sinkhorn: %d and %d points", ErrCost, n, m)
	}
	if len(cost) != n*m {
		panic(fmt.Sprintf("ot: Sinkhorn: %d×%d masses need costs of %d, got %d", n, m, n*m, len(cost)))
	}
	if !(opt.Reg > 0) || math.IsInf(opt.Reg, 1) {
		return nil, fmt.Errorf("%w: sinkhorn: reg is %v, must be positive", ErrCost, opt.Reg)
	}
	if err := checkCosts(cost, m); err != nil {
		return nil, fmt.Errorf("ot: sinkhorn: %w", err)
	}
	if opt.MaxIter == 0 {
		opt.MaxIter = 100000
	}
	if opt.Tol == 0 {
		opt.Tol = 1e-9
	}
	s := &scaling{k: simd.Best[float64](), cost: cost, n: n, m: m,
		c: make([]float64, n*m), ct: make([]float64, n*m), la: make([]float64, n), lb: make([]float64, m),
		f: make([]float64, n), g: make([]float64, m), buf: make([]float64, max(n, m)), old: make([]float64, m)}
	for k, w := range [][]float64{a, b} {
		l := [][]float64{s.la, s.lb}[k]
		for i, v := range w {
			if !(v > 0) || math.IsInf(v, 1) {
				return nil, fmt.Errorf("%w: sinkhorn: mass %d of %c is %v, must be positive", ErrCost, i, "ab"[k], v)
			}
			l[i] = simd.Log(v)
		}
	}
	s.span = spread(cost)
	return s, nil
}

func (s *scaling) setReg(eps float64) error {
	s.k.Shift(s.c, -s.low, s.cost)
	s.k.Scale(s.c, 1/eps, s.c)
	if checkCosts(s.c, s.m) != nil {
		return fmt.Errorf("%w: sinkhorn: costs up to %.3g divided by reg %v are not finite", ErrCost, s.span, eps)
	}
	transpose(s.ct, s.c, s.n, s.m)
	return nil
}

// rounding is the error that exponents as large as costs/ε leave in a mass, as a share of it; where that is more than 1e-7 it is
// no excuse.
func (s *scaling) rounding() float64 {
	return math.Min(1e-7, (1+math.Max(largest(s.c), -least(s.c)))/(1<<50))
}

func least(x []float64) float64 {
	l := x[0]
	for _, v := range x {
		l = math.Min(l, v)
	}
	return l
}

func spread(x []float64) float64 { return largest(x) - least(x) }

func transpose(dst, src []float64, n, m int) {
	for i := range n {
		for j := range m {
			dst[j*n+i] = src[i*m+j]
		}
	}
}

// half moves each fᵢ towards power·(log aᵢ - log Σⱼ exp(gⱼ - cᵢⱼ)), relax times the way, and returns the
// largest error the marginal had before, in units of mass.
func (s *scaling) half(f, la, g, c []float64, power, relax float64) (worst float64) {
	m := len(g)
	buf := s.buf[:m]
	for i := range f {
		s.k.Sub(buf, g, c[i*m:(i+1)*m])
		top := buf[0]
		for _, v := range buf {
			if v > top {
				top = v
			}
		}
		s.k.Shift(buf, -top, buf)
		s.k.Exp(buf, buf)
		lse := simd.Log(s.k.Sum(buf)) + top
		now := float64(power * (la[i] - lse))
		if e := math.Abs(simd.Exp(f[i]+lse) - simd.Exp(la[i])); e > worst {
			worst = e
		}
		f[i] = math.FMA(relax, now-f[i], f[i])
	}
	return worst
}

// shift adds to f and takes from g the constant that is best for the dual of the unbalanced problem, which
// plain sweeps approach slowly when ρ/ε is large (Séjourné, Vialard and Peyré 2022).
func (s *scaling) shift(ratio float64) {
	by := float64(ratio/2) * (s.logMean(s.la, s.f, ratio) - s.logMean(s.lb, s.g, ratio))
	s.k.Shift(s.f, by, s.f)
	s.k.Shift(s.g, -by, s.g)
}

// logMean returns log Σ exp(laᵢ - fᵢ/ratio).
func (s *scaling) logMean(la, f []float64, ratio float64) float64 {
	buf := s.buf[:len(f)]
	s.k.Scale(buf, -1/ratio, f)
	s.k.Add(buf, la, buf)
	top := buf[0]
	for _, v := range buf {
		top = math.Max(top, v)
	}
	s.k.Shift(buf, -top, buf)
	s.k.Exp(buf, buf)
	return simd.Log(s.k.Sum(buf)) + top
}

// finish writes the plan, its cost and its potentials.
func (s *scaling) finish(p *Plan, cost []float64, eps float64) {
	p.P = make([]float64, s.n*s.m)
	for i := range s.n {
		row := p.P[i*s.m : (i+1)*s.m]
		s.k.Sub(row, s.g, s.c[i*s.m:(i+1)*s.m])
		s.k.Shift(row, s.f[i], row)
		s.k.Exp(row, row)
		for j, v := range row {
			p.Cost = math.FMA(v, cost[i*s.m+j], p.Cost)
		}
	}
	p.U, p.V = make([]float64, s.n), make([]float64, s.m)
	s.k.Scale(p.U, eps, s.f)
	s.k.Shift(p.U, s.low, p.U)
	s.k.Scale(p.V, eps, s.g)
}

func largest(x []float64) float64 {
	l := x[0]
	for _, v := range x {
		l = math.Max(l, v)
	}
	return l
}
