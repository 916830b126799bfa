package ot

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSinkhornDivergence(t *testing.T) {
	n := 30
	if testing.Short() {
		n = 12
	}
	x, y := normals(1, 2*n, false), normals(2, 2*(n+5), false)
	for i := range y {
		y[i] += 1
	}
	zero, err := SinkhornDivergence(x, x, 2, SinkhornOptions{Reg: 0.5})
	require.NoError(t, err)
	require.InDelta(t, 0, zero, 1e-9)
	mean := func(z []float64, k int) (m float64) {
		for i := k; i < len(z); i += 2 {
			m += z[i] / float64(len(z)/2)
		}
		return m
	}
	means := math.Pow(mean(x, 0)-mean(y, 0), 2) + math.Pow(mean(x, 1)-mean(y, 1), 2)
	w2, err := W2(x, y, 2)
	require.NoError(t, err)
	far, err := SinkhornDivergence(x, y, 2, SinkhornOptions{Reg: 1e5})
	require.NoError(t, err)
	require.InEpsilon(t, means, far, 1e-3)
	near, err := SinkhornDivergence(x, y, 2, SinkhornOptions{Reg: 0.02})
	require.NoError(t, err)
	require.InEpsilon(t, w2*w2, near, 0.05)
	require.Greater(t, near, far)
	_, err = SinkhornDivergence(x, y, 2, SinkhornOptions{Reg: 0.02, MaxIter: 1})
	require.ErrorIs(t, err, ErrConverge)
}

// The witness is 1-Lipschitz, reaches W₁, and no other 1-Lipschitz function tried reaches more.
func TestWitness(t *testing.T) {
	x, y := normals(1, 3*20, false), normals(2, 3*33, false)
	for i := range y {
		y[i] = 1.5*y[i] + 0.5
	}
	phi, w1, err := Witness(x, y, 3)
	require.NoError(t, err)
	want, err := W1(x, y, 3)
	require.NoError(t, err)
	require.InEpsilon(t, want, w1, 1e-12)
	gap := func(f func([]float64) float64) float64 {
		a, b := 0.0, 0.0
		for i := 0; i < len(x); i += 3 {
			a += f(x[i:i+3]) / 20
		}
		for j := 0; j < len(y); j += 3 {
			b += f(y[j:j+3]) / 33
		}
		return b - a
	}
	require.InDelta(t, w1, gap(phi), 1e-9)
	z := normals(3, 3*40, false)
	for i := 0; i < len(z); i += 3 {
		for j := 0; j < len(z); j += 3 {
			d := math.Sqrt(squared(z[i:i+3], z[j:j+3]))
			require.LessOrEqual(t, math.Abs(phi(z[i:i+3])-phi(z[j:j+3])), d+1e-12)
		}
		c := z[i : i+3]
		require.LessOrEqual(t, math.Abs(gap(func(p []float64) float64 { return math.Sqrt(squared(p, c)) })), w1+1e-12)
	}
}
