package cfm

import (
	"pushforward/autograd"
	"pushforward/simd"
)

// Score converts a velocity to ∇ log ρₜ. It holds for a Gaussian source and Independent
// coupling only: then, given x, the noise part n = b·x₀ + c·z of x = a·x₁ + n is Gaussian of
// variance s² = b² + c², and
//
//	x = a·E[x₁|x] + E[n|x],   v = ȧ·E[x₁|x] + (ṡ/s)·E[n|x],   ∇ log ρₜ = -E[n|x]/s²
//
// so that, solved for the score,
//
//	∇ log ρₜ(x) = (ȧ·x - a·v) / (a·sṡ - ȧ·s²)
//
// For CondOT{} that is (t·v - x)/(1-t). Nothing is divided by a, and at a = 0 it is -x/s²; at
// t = 1 a path without width has no score, and the result is not finite. The score is in
// the coordinates of q, as a function of q.X and v on their tape. Albergo et al. 2023;
// checked against closed forms in the tests.
func Score[F simd.Float](p Path, q Query[F], v autograd.Var[F]) autograd.Var[F] {
	t := q.T.Value().Data
	tape := q.T.Tape()
	cx, cv := tape.Alloc(q.T.Shape()), tape.Alloc(q.T.Shape())
	dx, dv := cx.Value().Data, cv.Value().Data
	for i, ti := range t {
		k := p.At(float64(ti))
		s2 := float64(k.B*k.B) + float64(k.C*k.C)
		if k.A == 0 { // x is all noise; ȧ may be 0 too
			dx[i], dv[i] = F(-1/s2), 0
			continue
		}
		ss := float64(k.B*k.DB) + float64(k.C*k.DC)
		den := float64(k.A*ss) - float64(k.DA*s2)
		dx[i], dv[i] = F(k.DA/den), F(-k.A/den)
	}
	return q.X.Mul(cx).Add(v.Mul(cv))
}
