package cfm

import (
	"fmt"
	"math"
)

// Given names what of a pair is held fixed in a conditional law pₜ(x | ·) of a path. The law is a Gaussian in each case, and the
// mean of its velocity over what is not fixed, given x, is the marginal velocity in each case: the regression of Match has the same
// minimiser, and its noise is least with the most averaged out.
type Given uint8

const (
	// GivenBoth conditions on (x₀, x₁): N(a·x₁ + b·x₀, c²). It holds for every source and coupling, and is what Match draws from
	// (Tong et al. 2024).
	GivenBoth Given = iota
	// GivenX1 conditions on the data: N(a·x₁, b² + c²), x₀ being standard normal and independent of x₁ (Lipman et al. 2023).
	GivenX1
	// GivenX0 conditions on the source: N(b·x₀, a² + c²), x₁ being standard normal and independent of x₀. It is GivenX1 seen from the other
	// end, for flows that carry data to noise.
	GivenX0
)

// String returns "x₀ and x₁", "x₁" or "x₀".
func (g Given) String() string { return [...]string{"x₀ and x₁", "x₁", "x₀"}[g] }

// ConditionalLaw is the Gaussian N(M0·x₀ + M1·x₁, S²) of a path at one time, with the derivatives in time of its three numbers.
type ConditionalLaw struct{ M0, M1, S, DM0, DM1, DS float64 }

// Given returns the law of x at one time of the path, given what g names.
func (k Coeffs) Given(g Given) ConditionalLaw {
	switch g {
	case GivenX1:
		s, ds := k.Noise()
		return ConditionalLaw{M1: k.A, DM1: k.DA, S: s, DS: ds}
	case GivenX0:
		s, ds := Coeffs{B: k.A, C: k.C, DB: k.DA, DC: k.DC}.Noise()
		return ConditionalLaw{M0: k.B, DM0: k.DB, S: s, DS: ds}
	case GivenBoth:
		return ConditionalLaw{M0: k.B, M1: k.A, S: k.C, DM0: k.DB, DM1: k.DA, DS: k.DC}
	}
	panic(fmt.Sprintf("cfm: Given(%d) is no condition", g))
}

// Mean returns M0·x₀ + M1·x₁. What the law is not conditioned on has weight 0.
func (l ConditionalLaw) Mean(x0, x1 float64) float64 { return float64(l.M0*x0) + float64(l.M1*x1) }

// Velocity returns the conditional velocity at x,
//
//	u(t, x | ·) = Ṁ0·x₀ + Ṁ1·x₁ + (Ṡ/S)·(x - mean)
//
// Where the law has no width x is its mean, and the last term is left out.
func (l ConditionalLaw) Velocity(x, x0, x1 float64) float64 {
	u := float64(l.DM0*x0) + float64(l.DM1*x1)
	if l.S == 0 {
		return u
	}
	return u + float64(l.DS/l.S*(x-l.Mean(x0, x1)))
}

// SourceOf returns the source from which p starts when its noise is all its own: Normal{SigmaMax} for VE, whose x₀ does not enter. It
// is nil, the standard normal, for the other paths here.
func SourceOf(p Path) Source {
	if v, ok := p.(VE); ok {
		_, hi := v.sigmas()
		return Normal{Sigma: hi}
	}
	return nil
}

// CheckSource returns an error if the conditional law given g does not hold for the source s, nil being the standard normal:
//
//   - a path with no x₀ in it, as VE, starts from its own noise and cannot start from another law;
//   - GivenX1 takes x₀ for standard normal noise, so that another source would be sampled from a law that no training has seen at its
//     start and scored by a formula that is not its own.
//
// GivenBoth holds for every source whose x₀ is in the path.
func CheckSource(p Path, s Source, g Given) error {
	k := p.At(0.5)
	if k.B == 0 && k.DB == 0 {
		want := p.At(0).C
		if n, ok := s.(Normal); ok && math.Abs(n.sigma()-want) <= 1e-9*want || s == nil && want == 1 {
			return nil
		}
		return fmt.Errorf("cfm: path %T%+v starts from noise of its own, of width %g: the source is to be Normal{Sigma: %g}", p, p, want, want)
	}
	if g == GivenX1 && !standard(s) {
		return fmt.Errorf("cfm: path %T%+v given x₁ takes x₀ for standard normal noise; the source is %T: condition on x₀ and x₁", p, p, s)
	}
	return nil
}
