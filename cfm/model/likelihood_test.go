package model

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/cfm"
	"pushforward/simd/rng"
)

// Maximum likelihood goes on from a flow-matched model, conditions included, and its held-out likelihood improves.
func TestLikelihoodGoesOn(t *testing.T) {
	const rows = 400
	var x, given [][]float64
	for i := range rows {
		z := make([]float64, 1)
		rng.Normal(rng.New(1).Fold(uint64(i)), z)
		class := float64(i % 2)
		x = append(x, []float64{5 + 0.3*z[0] + 2*class})
		given = append(given, []float64{class})
	}
	o := Options{
		Seed: 1, Steps: 60, Batch: 64, Hidden: 16, Blocks: 1, Calibrate: 60,
		Conditions: []Condition{{Name: "kind", Classes: []string{"a", "b"}}}, Given: given,
	}
	m, err := Fit(context.Background(), x, o)
	require.NoError(t, err)
	o.Objective, o.Start, o.Steps, o.Hidden = Likelihood, m, 30, 0
	o.Kinetic, o.Jacobian = 1e-3, 1e-3
	better, err := Fit(context.Background(), x, o)
	require.NoError(t, err)
	require.Equal(t, m.Hidden, better.Hidden)
	mean := func(m *Model) (sum float64) {
		d, err := m.LogDensity(context.Background(), x, DensityOptions{Given: given})
		require.NoError(t, err)
		for _, v := range d.LogP {
			sum += v / rows
		}
		return sum
	}
	require.Greater(t, mean(better), mean(m)+0.02)

	for want, change := range map[string]func(o *Options){
		"go with objective":    func(o *Options) { o.Objective = "" },
		"columns":              func(o *Options) { o.Start = &Model{Spec: Spec{Dim: 2}} },
		"conditions are":       func(o *Options) { o.Start = &Model{Spec: Spec{Dim: 1}} },
		"no score":             func(o *Options) { o.Start, o.Source, o.SourceTag = nil, cfm.FromLaw(flat{}), "flat" },
		"none may be negative": func(o *Options) { o.Kinetic = -1 },
	} {
		c := o
		change(&c)
		_, err := NewFitter(x, c)
		require.ErrorContains(t, err, want)
		require.ErrorIs(t, err, ErrData)
	}
}

type flat struct{}

func (flat) Sample(dst []float64, key rng.Key)      { rng.Uniform(key, dst) }
func (flat) LogProb([]float64) (p float64, ok bool) { return 0, true }
