package optim

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestClipNorm(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	for _, c := range []struct {
		name       string
		grad, want []float64
		max, norm  float64
	}{
		{"below", []float64{3, 4}, []float64{3, 4}, 10, 5},
		{"above", []float64{3, 4}, []float64{0.6, 0.8}, 1, 5},
		{"zero", []float64{0, 0}, []float64{0, 0}, 1, 0},
		{"empty", nil, nil, 1, 0},
		{"to nothing", []float64{3, 4}, []float64{0, 0}, 0, 5},
		{"squares overflow", []float64{3e200, 4e200}, []float64{0.6, 0.8}, 1, 5e200},
		{"squares underflow", []float64{3e-200, 4e-200}, []float64{3e-200, 4e-200}, 1, 5e-200},
		{"infinity stays", []float64{1, inf}, []float64{1, inf}, 1, inf},
		{"NaN stays", []float64{1, nan}, []float64{1, nan}, 1, nan},
	} {
		t.Run(c.name, func(t *testing.T) {
			norm := ClipNorm(c.grad, c.max)
			if math.IsNaN(c.norm) {
				require.True(t, math.IsNaN(norm))
			} else if math.IsInf(c.norm, 0) {
				require.Equal(t, c.norm, norm)
			} else {
				require.InDelta(t, 0, norm-c.norm, 1e-15*c.norm)
			}
			for i, w := range c.want {
				if math.IsNaN(w) {
					require.True(t, math.IsNaN(c.grad[i]))
				} else if math.IsInf(w, 0) {
					require.Equal(t, w, c.grad[i])
				} else {
					require.InDelta(t, w, c.grad[i], 1e-6*math.Abs(w)) // the rule's own 1e-6
				}
			}
			require.False(t, Norm(c.grad) > max(c.max, c.norm*0) && c.max < c.norm && !math.IsInf(c.norm, 0), "still too long")
		})
	}
}

func TestClipNormP(t *testing.T) {
	for _, c := range []struct{ p, norm float64 }{{1, 7}, {2, 5}, {3, math.Cbrt(27 + 64)}, {0.5, 7 + 2*math.Sqrt(12)}, {math.Inf(1), 4}} {
		grad := []float32{-3, 4}
		require.InDelta(t, c.norm, ClipNormP(grad, 1, c.p), 1e-12*c.norm)
		require.InDelta(t, 1, ClipNormP(grad, 100, c.p), 2e-6)
	}
	require.Panics(t, func() { ClipNormP([]float32{1}, 1, 0) })
	require.Panics(t, func() { ClipNorm([]float32{1}, -1) })
	require.Panics(t, func() { ClipNorm([]float32{1}, math.NaN()) })
}

func TestClipValue(t *testing.T) {
	g := []float32{-3, -0.5, 0, 0.5, 3, float32(math.Inf(-1)), float32(math.NaN())}
	ClipValue(g, 1)
	require.Equal(t, []float32{-1, -0.5, 0, 0.5, 1, -1}, g[:6])
	require.True(t, g[6] != g[6])
	require.Panics(t, func() { ClipValue(g, -1) })
}
