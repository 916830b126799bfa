package cfm

import (
	"fmt"
	"math"

	"pushforward/autograd"
	"pushforward/simd"
)

// Marginal returns the field that flow matching learns in the limit, in closed form, for data
// that is nothing but the N rows of x1 [N, D], a standard normal source and Independent
// coupling. With s² = b² + c²,
//
//	v(t, x) = Σᵢ wᵢ·(ȧ·x₁ᵢ + (ṡ/s)·(x - a·x₁ᵢ)),   w = softmax(-‖x - a·x₁ᵢ‖² / 2s²)
//
// (Lipman et al. 2023, eq. 8). It carries the source to the law of the data blurred by s at
// t = 1: with CondOT{σ} to the kernel density estimate (1/N)·Σ N(x₁ᵢ, σ²·I). Where s = 0 it is
// not defined, so CondOT{} is good for t < 1 only. x1 is borrowed, in the coordinates of the field.
func Marginal[F simd.Float](x1 autograd.Tensor[F], p Path) Field[F] {
	if x1.Shape.Rank() != 2 || x1.Rows() == 0 {
		panic(fmt.Sprintf("cfm: Marginal: points %v, want [N, D] with N > 0", x1.Shape))
	}
	half := autograd.NewTensor[F](1, x1.Rows()) // ½‖x₁ᵢ‖²
	for i := range half.Data {
		var s float64
		for _, v := range x1.Row(i) {
			s += float64(float64(v) * float64(v))
		}
		half.Data[i] = F(0.5 * s)
	}
	return FieldFunc[F](func(q Query[F]) autograd.Var[F] {
		tp := q.T.Tape()
		return MarginalVelocity(q, p, tp.Const(x1), tp.Const(half), autograd.Var[F]{})
	})
}

// MarginalVelocity is Marginal at q for points [N, D] on its tape, half of whose squared lengths are half [1, N]. If there is a
// logw [B, N], w = softmax(logw - ‖x - a·x₁ᵢ‖² / 2s²): conditions are told by it which points are meant.
func MarginalVelocity[F simd.Float](q Query[F], p Path, pts, half, logw autograd.Var[F]) autograd.Var[F] {
	tp := q.T.Tape()
	a, r, lin, self := tp.Alloc(q.T.Shape()), tp.Alloc(q.T.Shape()), tp.Alloc(q.T.Shape()), tp.Alloc(q.T.Shape())
	da, dr, dl, ds := a.Value().Data, r.Value().Data, lin.Value().Data, self.Value().Data
	for i, t := range q.T.Value().Data {
		k := p.At(float64(t))
		s2 := float64(k.B*k.B) + float64(k.C*k.C)
		rate := (float64(k.B*k.DB) + float64(k.C*k.DC)) / s2 // ṡ/s
		da[i], dr[i], dl[i], ds[i] = F(k.A), F(k.A/s2), F(k.DA-float64(k.A*rate)), F(rate)
	}
	// -‖x - a·x₁‖²/2s² = (a/s²)·(x·x₁ - a·½‖x₁‖²) but for what all i share.
	w := q.X.MatMulT(pts).Sub(a.Mul(half)).Mul(r)
	if logw.Tape() != nil {
		w = w.Add(logw)
	}
	return w.Softmax(1).MatMul(pts).Mul(lin).Add(q.X.Mul(self))
}

// MarginalDensity returns the closed-form log ρₜ of what Marginal carries along, log (1/N)·Σ N(x; a·x₁ᵢ, s²·I), as a function of
// time and point. It is computed in float64, at N·D multiply-adds and N exponentials a point. Where s = 0 it is not finite.
func MarginalDensity[F simd.Float](x1 autograd.Tensor[F], p Path) func(t float64, x []float64) float64 {
	if x1.Shape.Rank() != 2 || x1.Rows() == 0 {
		panic(fmt.Sprintf("cfm: MarginalDensity: points %v, want [N, D] with N > 0", x1.Shape))
	}
	n, dim := x1.Rows(), x1.Shape.Dim(1)
	return func(t float64, x []float64) float64 {
		k := p.At(t)
		s2 := float64(k.B*k.B) + float64(k.C*k.C)
		return logSumKernels(n, s2, dim, func(i int) float64 {
			var q float64
			for j, v := range x1.Row(i) {
				d := x[j] - float64(k.A*float64(v))
				q = math.FMA(d, d, q)
			}
			return q
		})
	}
}

// logSumKernels is log (1/n)·Σ N(d; 0, s2·I) of n points at squared distances q.
func logSumKernels(n int, s2 float64, dim int, q func(i int) float64) float64 {
	all := make([]float64, n)
	least := math.Inf(1)
	for i := range all {
		all[i] = q(i)
		least = min(least, all[i])
	}
	for i, v := range all {
		all[i] = (least - v) / (2 * s2)
	}
	k := simd.Best[float64]()
	k.Exp(all, all)
	const log2Pi = 1.83787706640934548356
	return simd.Log(k.Sum(all)/float64(n)) - least/(2*s2) - float64(0.5*float64(dim)*(log2Pi+simd.Log(s2)))
}
