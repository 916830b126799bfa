package ot

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/simd/rng"
)

func uniformDraws(dim int) func(dst []float64, k int) {
	return func(dst []float64, k int) { rng.Uniform(rng.New(9).Fold(uint64(k)), dst) }
}

// On the line the map is known: the cells are the intervals of length 1/N in the order of the points, and the potential's
// differences follow from the cells' ends, where two points cost the same.
func TestSemiDiscreteOnTheLine(t *testing.T) {
	y := []float64{0.9, -1, 0.2, 3}
	order := []int{1, 2, 0, 3}
	s, err := FitSemiDiscrete(y, 1, 40000, uniformDraws(1))
	require.NoError(t, err)
	require.Less(t, s.Err, 0.02)
	for k := 1; k < 4; k++ {
		a, b, end := order[k-1], order[k], float64(k)/4
		want := math.Pow(end-y[b], 2) - math.Pow(end-y[a], 2)
		require.InDelta(t, want, s.G[b]-s.G[a], 0.05)
	}
	x, to := []float64{0.05, 0.2, 0.3, 0.45, 0.55, 0.7, 0.8, 0.97}, make([]int, 8)
	s.Map(to, x)
	require.Equal(t, []int{1, 1, 2, 2, 0, 0, 3, 3}, to)
}

// In the plane every point gets its mass, and the map costs no more than the duality gap above the dual's value.
func TestSemiDiscreteInThePlane(t *testing.T) {
	const n, d = 100, 2
	y := normals(1, n*d, false)
	s, err := FitSemiDiscrete(y, d, 60000, uniformDraws(d))
	require.NoError(t, err)
	require.Less(t, s.Err, 0.08)
	const m = 20000
	x, to := make([]float64, m*d), make([]int, m)
	rng.Uniform(rng.New(77), x)
	s.Map(to, x)
	var cost, dual float64
	for i, j := range to {
		c := squared(x[i*d:(i+1)*d], y[j*d:(j+1)*d])
		cost += c / m
		dual += (c - s.G[j]) / m
	}
	for _, g := range s.G {
		dual += g / n
	}
	require.InDelta(t, dual, cost, 0.06*cost)
	// Independent pairs cost more, and an assignment of as many draws about the same.
	w, err := W2(x[:4*n*d], y, d)
	require.NoError(t, err)
	require.InEpsilon(t, w*w, dual, 0.1)
}

func TestSemiDiscreteRefuses(t *testing.T) {
	_, err := FitSemiDiscrete(nil, 2, 0, uniformDraws(2))
	require.ErrorIs(t, err, ErrCost)
	_, err = FitSemiDiscrete([]float64{1, math.NaN()}, 1, 0, uniformDraws(1))
	require.ErrorIs(t, err, ErrCost)
	s, err := FitSemiDiscrete([]float64{3}, 1, 0, uniformDraws(1))
	require.NoError(t, err)
	to := []int{7}
	s.Map(to, []float64{2})
	require.Equal(t, []int{0}, to)
	require.Panics(t, func() { s.Map(to, []float64{2, 3}) })
}
