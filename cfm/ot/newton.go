package ot

import (
	"math"

	"pushforward/simd"
)

// Sweeps crawl where ε is small and mass passes between parts of the plan through entries that are almost nothing. Newton's
// method on the semi-dual
//
//	F(g) = Σⱼ bⱼ·gⱼ - Σᵢ aᵢ·log Σⱼ exp(gⱼ - cᵢⱼ)
//
// takes the end of such a problem in a few steps. With f fitted to its marginal, the gradient is d = b - pᵀ1 and the Hessian -L, where
//
//	L = diag(pᵀ1) - pᵀ·diag(1/p1)·p
//
// is the Laplacian of a graph whose weights Wⱼₖ = Σᵢ pᵢⱼ·pᵢₖ/Σpᵢ are sums of what is not negative. It is solved by elimination without
// a subtraction (Grassmann, Taksar and Heyman 1985), so that weights of 1e-200 are as good as those of 1.
type newton struct {
	s          *scaling
	f, g       []float64 // g is the side of fewer points
	la, lb     []float64
	c, ct      []float64
	b          []float64
	p, w       []float64 // p: len(f)×len(g); w: len(g)²
	d, x, back []float64
	packs      simd.Packs[float64]
}

const (
	newtonFrom  = 200 // sweeps that were not enough
	newtonSteps = 40  // before sweeps are tried again
	newtonFar   = 4.0 // no potential moves by more than so many ε at once
)

func newNewton(s *scaling, a, b []float64) *newton {
	t := &newton{s: s, f: s.f, g: s.g, la: s.la, lb: s.lb, c: s.c, ct: s.ct, b: b}
	if s.n < s.m {
		t.f, t.g, t.la, t.lb, t.c, t.ct, t.b = s.g, s.f, s.lb, s.la, s.ct, s.c, a
	}
	m := len(t.g)
	t.p, t.w = make([]float64, s.n*s.m), make([]float64, m*m)
	t.d, t.x, t.back = make([]float64, m), make([]float64, m), make([]float64, m)
	return t
}

// fit fits f to g and sets p, with rows divided by the roots of their sums, and d; it returns F but for what does not depend on g, and the largest |d|.
func (t *newton) fit() (value, worst float64) {
	m := len(t.g)
	t.s.half(t.f, t.la, t.g, t.c, 1, 1)
	for j, l := range t.lb {
		t.d[j] = simd.Exp(l)
		value += float64(t.d[j] * t.g[j])
	}
	for i, f := range t.f {
		row := t.p[i*m : (i+1)*m]
		t.s.k.Sub(row, t.g, t.c[i*m:(i+1)*m])
		t.s.k.Shift(row, f, row)
		t.s.k.Exp(row, row)
		t.s.k.Axpy(t.d, -1, row)
		if sum := t.s.k.Sum(row); sum > 0 {
			t.s.k.Scale(row, 1/math.Sqrt(sum), row)
		}
		value += float64(simd.Exp(t.la[i]) * f)
	}
	for _, v := range t.d {
		worst = math.Max(worst, math.Abs(v))
	}
	return value, worst
}

// run takes steps until no marginal is off by more than scale, and returns how many and the error that is left.
func (t *newton) run(scale float64, most int) (steps int, worst float64) {
	m := len(t.g)
	value, worst := t.fit()
	for steps < min(most, newtonSteps) && worst > scale {
		steps++
		p := simd.Dense(t.p, len(t.f), m)
		t.s.k.Gemm(&t.packs, simd.Dense(t.w, m, m), p.T(), p, false)
		rise := t.solve(scale / float64(4*m))
		far := 0.0
		for _, v := range t.x {
			far = math.Max(far, math.Abs(v))
		}
		if !(rise > 0) || math.IsInf(far, 1) {
			break
		}
		copy(t.back, t.g)
		before, was := value, worst
		by := math.Min(1, newtonFar/far)
		for try := 0; ; try++ {
			for j, v := range t.x {
				t.g[j] = math.FMA(by, v, t.back[j])
			}
			value, worst = t.fit()
			// F is concave; near its top it rises by less than its rounding, and the error tells.
			if value >= before+float64(0.1*by*rise) || worst < 0.7*was {
				break
			}
			if try == 20 {
				copy(t.g, t.back)
				_, worst = t.fit()
				return steps, worst
			}
			by /= 2
		}
	}
	return steps, worst
}

// solve sets x to a solution of L·x = d and returns d·x. What no weight connects to the rest stays where it is. Of parts that hardly
// hang together d knows their sum to rounding only, which divided by their weight would be a step to nowhere: what is below small counts as 0.
func (t *newton) solve(small float64) (rise float64) {
	m := len(t.g)
	x := t.x
	copy(x, t.d)
	// Eliminate j from m-1 down: row j of w keeps its weights to those before it, back[j] their sum.
	for j := m - 1; j > 0; j-- {
		row := t.w[j*m : j*m+j]
		sum := t.s.k.Sum(row)
		t.back[j] = sum
		if math.Abs(x[j]) < small {
			x[j] = 0
		}
		if !(sum > 0) {
			continue
		}
		for k, v := range row {
			if v == 0 {
				continue
			}
			share := v / sum
			x[k] = math.FMA(share, x[j], x[k])
			t.s.k.Axpy(t.w[k*m:k*m+j], share, row)
		}
	}
	x[0] = 0
	for j := 1; j < m; j++ {
		if !(t.back[j] > 0) {
			x[j] = 0
			continue
		}
		x[j] = (x[j] + t.s.k.Dot(t.w[j*m:j*m+j], x[:j])) / t.back[j]
	}
	for j, v := range x {
		rise = math.FMA(v, t.d[j], rise)
	}
	return rise
}
