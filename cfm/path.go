package cfm

import (
	"fmt"
	"math"

	"pushforward/simd"
)

// Path is a conditional probability path between paired end points x₀ and x₁ and fresh
// noise z ~ N(0, I):
//
//	xₜ = a·x₁ + b·x₀ + c·z,   uₜ = ȧ·x₁ + ḃ·x₀ + ċ·z
//
// The conditions (x₀, x₁) stay with the path: the field that is learned sees xₜ and t only.
// uₜ is written in x₁, x₀ and z, never in xₜ, since (x₁ - xₜ)/(1 - t) and its like lose all
// digits towards t = 1.
//
// CheckPath tells whether a Path of one's own is one.
type Path interface {
	At(t float64) Coeffs
}

// Coeffs is a path's six numbers at one time.
type Coeffs struct{ A, B, C, DA, DB, DC float64 }

// Spanned is a Path whose derivative is bounded on a part of [0, 1] only. Match draws its
// times from [lo, hi]. At is finite everywhere all the same: beyond the span the values are
// exact and the derivatives are held at a time 1e-12 from the end.
type Spanned interface {
	Path
	Span() (lo, hi float64)
}

// Span returns the times from which p may be trained: [0, 1] unless p says otherwise.
func Span(p Path) (lo, hi float64) {
	if s, ok := p.(Spanned); ok {
		return s.Span()
	}
	return 0, 1
}

const (
	edge = 1e-4  // how far a training time stays from a singular end
	tiny = 1e-12 // how far the evaluation of an unbounded derivative does
)

// CondOT is Lipman's conditional optimal transport path,
//
//	a = t,  b = 1 - (1-σ)·t,  σ = SigmaMin
//
// whose x₁ given x₁ has standard deviation σ at t = 1. With σ = 0 it is the straight line of
// rectified flow. Lipman et al. 2023, eqs 20 to 23.
type CondOT struct{ SigmaMin float64 }

func (p CondOT) At(t float64) Coeffs {
	return Coeffs{A: t, B: 1 - float64((1-p.SigmaMin)*t), DA: 1, DB: p.SigmaMin - 1}
}

// Tube is the straight line with noise of constant width, a = t, b = 1-t, c = σ: what
// torchcfm calls its independent matcher and, after an OT coupling, its exact-OT matcher.
// Tong et al. 2024, eq. 14.
type Tube struct{ Sigma float64 }

func (p Tube) At(t float64) Coeffs {
	return Coeffs{A: t, B: 1 - t, C: p.Sigma, DA: 1, DB: -1}
}

// VP is the variance preserving diffusion with a linear β, seen from noise (t = 0) to data:
//
//	a = e^(-T/2),  b = √(1 - e^(-T)),  T = s·BetaMin + ½s²·(BetaMax - BetaMin),  s = 1-t
//
// The zero VP has BetaMin 0.1 and BetaMax 20. x₀ should be standard normal. At t = 0 a little
// of x₁ is left (a = 0.0066), and at t = 1 ḃ is unbounded: its span ends at 1 - 1e-4.
// Lipman et al. 2023, eq. 19.
type VP struct{ BetaMin, BetaMax float64 }

func (p VP) betas() (lo, hi float64) {
	if p == (VP{}) {
		return 0.1, 20
	}
	return p.BetaMin, p.BetaMax
}

func (p VP) At(t float64) Coeffs {
	lo, hi := p.betas()
	integral := func(s float64) float64 { return float64(s*lo) + float64(0.5*s*s*(hi-lo)) }
	s := 1 - t
	half := float64(-0.5 * integral(s))
	a, b := simd.Exp(half), math.Sqrt(-simd.Expm1(float64(2*half)))
	beta := lo + float64(s*(hi-lo))
	// da/ds = -½βa and d(b²)/ds = βa²; t runs the other way.
	bs := b
	if s < tiny {
		bs = math.Sqrt(-simd.Expm1(-integral(tiny)))
	}
	return Coeffs{A: a, B: b, DA: 0.5 * beta * a, DB: -0.5 * beta * a * a / bs}
}

func (p VP) Span() (lo, hi float64) { return 0, 1 - edge }

// VE is the variance exploding diffusion, seen from noise to data:
//
//	a = 1,  c = SigmaMax^(1-t)·SigmaMin^t
//
// Its noise is z, so x₀ does not enter, and the law at t = 0 is nearly N(0, SigmaMax²): a
// Flow trained on it wants Source: Normal{Sigma: SigmaMax}. The zero VE has SigmaMin 0.01 and
// SigmaMax 50. Lipman et al. 2023, eq. 17; Song et al. 2021.
type VE struct{ SigmaMin, SigmaMax float64 }

func (p VE) sigmas() (lo, hi float64) {
	if p == (VE{}) {
		return 0.01, 50
	}
	return p.SigmaMin, p.SigmaMax
}

func (p VE) At(t float64) Coeffs {
	lo, hi := p.sigmas()
	rate := simd.Log(lo / hi)
	c := hi * simd.Exp(float64(rate*t))
	return Coeffs{A: 1, C: c, DC: c * rate}
}

// Cosine is the trigonometric path a = sin ½πt, b = cos ½πt, c = Sigma. With a standard
// normal x₀ and x₁ of unit variance it keeps the variance; torchcfm calls it variance
// preserving. Albergo and Vanden-Eijnden 2023.
type Cosine struct{ Sigma float64 }

func (p Cosine) At(t float64) Coeffs {
	a, b := simd.Sin(float64(math.Pi/2*t)), simd.Cos(float64(math.Pi/2*t))
	return Coeffs{A: a, B: b, C: p.Sigma, DA: math.Pi / 2 * b, DB: -math.Pi / 2 * a}
}

// Bridge is the Brownian bridge a = t, b = 1-t, c = σ√(t(1-t)): its variance is σ²t(1-t).
// With Sinkhorn{Reg: 2σ²} it is the Schrödinger bridge. ċ is unbounded at both ends, so its
// span is [1e-4, 1 - 1e-4]. Tong et al. 2024, eqs 20 and 21.
type Bridge struct{ Sigma float64 }

func (p Bridge) At(t float64) Coeffs {
	s := min(max(t, tiny), 1-tiny)
	return Coeffs{
		A: t, B: 1 - t, C: p.Sigma * math.Sqrt(max(0, t*(1-t))),
		DA: 1, DB: -1, DC: p.Sigma * (0.5 - s) / math.Sqrt(s*(1-s)),
	}
}

func (p Bridge) Span() (lo, hi float64) { return edge, 1 - edge }

// Polynomial is a = tᴺ, b = 1 - tᴺ. The zero Polynomial has N = 1, which is CondOT{}. N must
// be at least 1.
type Polynomial struct{ N float64 }

func (p Polynomial) At(t float64) Coeffs {
	n := p.N
	if n == 0 {
		n = 1
	}
	a := simd.Pow(t, n)
	da := n * simd.Pow(t, n-1)
	return Coeffs{A: a, B: 1 - a, DA: da, DB: -da}
}

// LinearVP is a = t, b = √(1-t²). ḃ is unbounded at t = 1: its span ends at 1 - 1e-4.
type LinearVP struct{}

func (LinearVP) At(t float64) Coeffs {
	b := math.Sqrt(max(0, (1-t)*(1+t)))
	s := min(t, 1-tiny)
	return Coeffs{A: t, B: b, DA: 1, DB: -s / math.Sqrt((1-s)*(1+s))}
}

func (LinearVP) Span() (lo, hi float64) { return 0, 1 - edge }

// CheckPath returns an error unless p's six numbers are finite over its span, its widths are
// not negative, and its last three are the derivatives of the first three, compared with
// central differences at 33 times to 1e-5 of the size of the path.
func CheckPath(p Path) error {
	if err := checkParameters(p); err != nil {
		return err
	}
	lo, hi := Span(p)
	if !(0 <= lo && lo < hi && hi <= 1) {
		return fmt.Errorf("cfm: path %T%+v: its span [%g, %g] is not in [0, 1]", p, p, lo, hi)
	}
	const n = 32
	for i := 0; i <= n; i++ {
		t := lo + float64((hi-lo)*float64(i)/n)
		c := p.At(t)
		val := [3]float64{c.A, c.B, c.C}
		der := [3]float64{c.DA, c.DB, c.DC}
		for j, name := range [3]string{"a", "b", "c"} {
			if bad(val[j]) || bad(der[j]) {
				return fmt.Errorf("cfm: path %T%+v: %s or its derivative is not finite at t=%g", p, p, name, t)
			}
		}
		if c.C < 0 {
			return fmt.Errorf("cfm: path %T%+v: c = %g at t=%g; a width is not negative", p, p, c.C, t)
		}
		if i == 0 || i == n {
			continue // a difference would leave the span
		}
		// Richardson's combination of two central differences: its error is O(h⁴), so h may
		// be large enough for rounding not to matter.
		h := 1e-3 * min(t-lo, hi-t)
		d := func(h float64) [3]float64 {
			u, v := p.At(t+h), p.At(t-h)
			return [3]float64{(u.A - v.A) / (2 * h), (u.B - v.B) / (2 * h), (u.C - v.C) / (2 * h)}
		}
		d1, d2 := d(h), d(h/2)
		for j, name := range [3]string{"a", "b", "c"} {
			num := (float64(4*d2[j]) - d1[j]) / 3
			// Rounding of the values divided by h is the last term.
			tol := float64(1e-5*(1+math.Abs(num))) + float64(1e-14*math.Abs(val[j])/h)
			if math.Abs(num-der[j]) > tol {
				return fmt.Errorf("cfm: path %T%+v: the derivative of %s at t=%.6g is given as %.6g, differences say %.6g", p, p, name, t, der[j], num)
			}
		}
	}
	return nil
}

// checkParameters refuses numbers that the paths of this package are not made for: above all a negative width, which
// the formulas would take.
func checkParameters(p Path) error {
	refuse := func(ok bool, what string) error {
		if ok {
			return nil
		}
		return fmt.Errorf("cfm: path %T%+v: %s", p, p, what)
	}
	switch p := p.(type) {
	case CondOT:
		return refuse(p.SigmaMin >= 0 && p.SigmaMin <= 1, "SigmaMin is a width, not negative, and at most 1")
	case VP:
		lo, hi := p.betas()
		return refuse(lo >= 0 && hi > 0 && !math.IsInf(hi, 1), "BetaMin is not negative and BetaMax is positive")
	case VE:
		lo, hi := p.sigmas()
		return refuse(lo > 0 && hi > 0, "SigmaMin and SigmaMax are widths, positive")
	case Polynomial:
		return refuse(p.N == 0 || p.N >= 1, "N is at least 1")
	}
	return nil
}

func bad(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) }
