package cfm

import (
	"fmt"

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
		a, r, lin, self := tp.Alloc(q.T.Shape()), tp.Alloc(q.T.Shape()), tp.Alloc(q.T.Shape()), tp.Alloc(q.T.Shape())
		da, dr, dl, ds := a.Value().Data, r.Value().Data, lin.Value().Data, self.Value().Data
		for i, t := range q.T.Value().Data {
			k := p.At(float64(t))
			s2 := float64(k.B*k.B) + float64(k.C*k.C)
			rate := (float64(k.B*k.DB) + float64(k.C*k.DC)) / s2 // ṡ/s
			da[i], dr[i], dl[i], ds[i] = F(k.A), F(k.A/s2), F(k.DA-float64(k.A*rate)), F(rate)
		}
		// -‖x - a·x₁‖²/2s² = (a/s²)·(x·x₁ - a·½‖x₁‖²) but for what all i share.
		pts := tp.Const(x1)
		w := q.X.MatMulT(pts).Sub(a.Mul(tp.Const(half))).Mul(r).Softmax(1)
		return w.MatMul(pts).Mul(lin).Add(q.X.Mul(self))
	})
}
