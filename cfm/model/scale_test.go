package model

import (
	"bytes"
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/simd/rng"
)

// Under scaling logit densities integrate to 1 over [0, 1]² but for what the flow has beyond it, draws stay inside, whole numbers go
// through it too, and a row outside is refused by its row and column, at training and at scoring.
func TestLogitScaling(t *testing.T) {
	ctx := context.Background()
	var rows, whole [][]float64
	for i := range 600 {
		z := make([]float64, 2)
		rng.Normal(rng.New(1).Fold(uint64(i)), z)
		a := 1 / (1 + math.Exp(-z[0]))
		b := 1 / (1 + math.Exp(-z[0]-z[1]))
		rows = append(rows, []float64{a, b})
		whole = append(whole, []float64{math.Floor(8 * a), math.Floor(8 * b)})
	}
	rows[3][1], rows[4][0] = 0, 1 // the ends have images
	for _, family := range []string{KDE, RealNVP} {
		o := Options{Seed: 1, Family: family, Scaling: Logit}
		if family != KDE {
			o.Steps, o.Hidden, o.Blocks = 200, 16, 4
		}
		m, err := Fit(ctx, rows, o)
		require.NoError(t, err)
		var b bytes.Buffer
		require.NoError(t, m.Write(&b))
		m, err = Read(bytes.NewReader(b.Bytes()))
		require.NoError(t, err)
		const n = 64
		var grid [][]float64
		for i := range n * n {
			grid = append(grid, []float64{(float64(i/n) + 0.5) / n, (float64(i%n) + 0.5) / n})
		}
		d, err := m.LogDensity(ctx, grid, DensityOptions{})
		require.NoError(t, err)
		mass := 0.0
		for _, v := range d.LogP {
			mass += math.Exp(v) / (n * n)
		}
		t.Logf("%s: mass %.4f", family, mass)
		require.InDelta(t, 0.98, mass, 0.025)
		s, err := m.Sample(ctx, 500, SampleOptions{Seed: 1})
		require.NoError(t, err)
		mean := 0.0
		for _, r := range s.Rows {
			for _, v := range r {
				require.True(t, v >= 0 && v <= 1)
			}
			mean += r[0] / 500
		}
		require.InDelta(t, 0.5, mean, 0.06)
		_, err = m.LogDensity(ctx, [][]float64{{0.5, 0.5}, {0.2, 1.25}}, DensityOptions{})
		require.ErrorIs(t, err, ErrData)
		require.ErrorContains(t, err, "row 2, column x1: 1.25 is outside of [0, 1]")
	}
	// Whole numbers go the same way.
	m, err := Fit(ctx, whole, Options{Seed: 1, Family: KDE, Scaling: Logit, Levels: 8})
	require.NoError(t, err)
	d, err := m.LogDensity(ctx, whole, DensityOptions{})
	require.NoError(t, err)
	sum := 0.0
	for _, v := range d.LogP {
		sum += v / float64(len(whole))
	}
	require.InDelta(t, 0.3, sum, 0.3) // the law's own negative entropy, and not off by the logarithm of a scale
	s, err := m.Sample(ctx, 50, SampleOptions{})
	require.NoError(t, err)
	for _, r := range s.Rows {
		require.Equal(t, math.Floor(r[0]), r[0])
	}
	rows[7][0] = -0.1
	_, err = Fit(ctx, rows, Options{Family: KDE, Scaling: Logit, Columns: []string{"a", "b"}})
	require.ErrorContains(t, err, "row 8, column a: -0.1 is outside of [0, 1]")
}
