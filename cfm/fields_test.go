package cfm

import (
	"math"
	"testing"

	"pushforward/autograd"
	"pushforward/simd"
	"pushforward/simd/rng"
)

// gaussField is the field of CondOT{} and Independent coupling from N(0, I) to N(m, diag s²):
// vⱼ = mⱼ + (t·sⱼ² - (1-t))/(t²sⱼ² + (1-t)²)·(xⱼ - t·mⱼ). Its flow is x₁ = m + s·x₀.
func gaussField[F simd.Float](m, s []float64) Field[F] {
	d := len(m)
	return FieldFunc[F](func(q Query[F]) autograd.Var[F] {
		tp, n := q.T.Tape(), q.T.Shape().Dim(0)
		gain, shift := tp.Alloc(autograd.Dims(n, d)), tp.Alloc(autograd.Dims(n, d))
		g, h := gain.Value().Data, shift.Value().Data
		for i, tf := range q.T.Value().Data {
			t := float64(tf)
			for j := range d {
				k := (t*s[j]*s[j] - (1 - t)) / (t*t*s[j]*s[j] + (1-t)*(1-t))
				g[i*d+j], h[i*d+j] = F(k), F(m[j]-k*t*m[j])
			}
		}
		return q.X.Mul(gain).Add(shift)
	})
}

// linearField is v = A·x, the same at all times.
func linearField[F simd.Float](a [][]float64) Field[F] {
	d := len(a)
	w := autograd.NewTensor[F](d, d)
	for i := range a {
		for j := range a[i] {
			w.Data[i*d+j] = F(a[i][j])
		}
	}
	return FieldFunc[F](func(q Query[F]) autograd.Var[F] { return q.X.MatMulT(q.T.Tape().Const(w)) })
}

// twistField is smooth, not linear and not symmetric: v = tanh(B·x + t)·C.
func twistField[F simd.Float](d int, key rng.Key) Field[F] {
	b, c := autograd.NewTensor[F](d, d), autograd.NewTensor[F](d, d)
	rng.Normal(key.Named("b"), b.Data)
	rng.Normal(key.Named("c"), c.Data)
	return FieldFunc[F](func(q Query[F]) autograd.Var[F] {
		tp := q.T.Tape()
		return q.X.MatMulT(tp.Const(b)).Add(q.T).Tanh().MatMul(tp.Const(c))
	})
}

func gaussLogProb(x, m, s []float64) float64 {
	var l float64
	for j := range x {
		z := (x[j] - m[j]) / s[j]
		l -= 0.5*z*z + math.Log(s[j]) + 0.5*math.Log(2*math.Pi)
	}
	return l
}

// normalTensor returns n rows of d standard normal numbers.
func normalTensor[F simd.Float](n, d int, key rng.Key) autograd.Tensor[F] {
	x := autograd.NewTensor[F](n, d)
	rng.Normal(key, x.Data)
	return x
}

// permuted returns x with row i taken from row at[i].
func permuted[F simd.Float](x autograd.Tensor[F], at []int) autograd.Tensor[F] {
	y := autograd.NewTensor[F](x.Rows(), x.Shape.Dim(1))
	for i, j := range at {
		copy(y.Row(i), x.Row(j))
	}
	return y
}

func maxAbsDiff[A, B simd.Float](a []A, b []B) float64 {
	var m float64
	for i := range a {
		m = math.Max(m, math.Abs(float64(a[i])-float64(b[i])))
		if math.IsNaN(float64(a[i])) != math.IsNaN(float64(b[i])) {
			return math.Inf(1)
		}
	}
	return m
}

var zeroKey = rng.New(0)

// byShort is n, or less under -short.
func byShort(t testing.TB, n, short int) int {
	t.Helper()
	if testing.Short() {
		return short
	}
	return n
}
