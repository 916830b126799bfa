package model

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/cfm"
	"pushforward/cfm/dataset"
	"pushforward/simd/rng"
)

// A variance exploding path starts from N(0, σ_max²): training, sampling, scoring and the file all do, and another source is refused.
func TestVarianceExplodingStartsWide(t *testing.T) {
	rows := make([]float64, 2*600)
	moons, err := dataset.Toy("moons")
	require.NoError(t, err)
	moons.Sample(rows, rng.New(1))
	table := make([][]float64, 600)
	for i := range table {
		table[i] = rows[2*i : 2*i+2]
	}
	opt := Options{Path: "ve:0.05:4", Hidden: 24, Blocks: 1, Steps: 40, Batch: 64}
	m, err := Fit(context.Background(), table, opt)
	require.NoError(t, err)
	wide := cfm.Normal{Sigma: 4}
	require.Equal(t, wide, m.Flow().Source)
	require.True(t, m.HasDensity())
	var file bytes.Buffer
	require.NoError(t, m.Write(&file))
	back, err := Read(&file)
	require.NoError(t, err)
	require.Equal(t, wide, back.Flow().Source)

	opt.Source, opt.SourceTag = cfm.FromLaw(moons), "moons"
	_, err = Fit(context.Background(), table, opt)
	require.ErrorContains(t, err, "Normal{Sigma: 4}")
	_, err = m.Pairs(context.Background(), 4096, PairsOptions{})
	require.ErrorContains(t, err, "noise of its own")
}
