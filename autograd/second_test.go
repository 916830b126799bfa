package autograd_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	. "pushforward/autograd"
	"pushforward/simd"
	"pushforward/simd/rng"
)

// TestBackwardOfActivationGradients compares Backward of an activation's VJP, which makes both cotangents in one
// kernel, with the recorded rule, bit by bit.
func TestBackwardOfActivationGradients(t *testing.T) {
	t.Run("float32", backwardOfGradients[float32])
	t.Run("float64", backwardOfGradients[float64])
}

func backwardOfGradients[F simd.Float](t *testing.T) {
	type V = Var[F]
	const n = 83
	theta := make([]F, 2*n)
	rng.Normal(rng.New(3).Named("theta"), theta)
	for i := range theta {
		theta[i] *= 4
	}
	copy(theta, []F{0, F(math.Copysign(0, -1)), F(math.Inf(1)), F(math.Inf(-1)), F(math.NaN()), 1e-30, -200, 200})
	h := NewTensor[F](n)
	rng.Normal(rng.New(3).Named("h"), h.Data)
	for name, act := range map[string]func(V) V{
		"Tanh": V.Tanh, "SiLU": V.SiLU, "SELU": V.SELU, "Sigmoid": V.Sigmoid, "GELU": V.GELU, "GELUTanh": V.GELUTanh, "ELU": V.ELU, "Softplus": V.Softplus,
	} {
		for _, more := range []bool{false, true} { // whether x and g have other readers
			tape := NewTape(theta)
			x, g := tape.Param(Param{Off: 0, Shape: Dims(n)}).Scale(1), tape.Param(Param{Off: n, Shape: Dims(n)}).Scale(1)
			z := VJP(nil, act(x), g, x)[0]
			if more {
				z = z.Add(x).Add(g)
			}
			want := VJP(nil, z, tape.Const(h), x, g)
			got := make([]F, 2*n)
			tape.BackwardFrom(z, h, got)
			for i, v := range got {
				w := want[i/n].Value().Data[i%n]
				w = 0 + w // Backward adds to a gradient of +0
				require.True(t, v == w && math.Signbit(float64(v)) == math.Signbit(float64(w)) || v != v && w != w, "%s, more %v: ∂%d is %v, want %v", name, more, i, v, w)
			}
		}
	}
}
