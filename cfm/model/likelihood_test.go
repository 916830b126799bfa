package model

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/cfm"
	"pushforward/cfm/dataset"
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
	o.Objective, o.Start, o.Steps, o.Hidden, o.LR = Likelihood, m, 30, 0, 5e-4
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

// From a flow-matched start the held-out likelihood is at every evaluation at least what it was at the one before, and
// that of rows nobody saw gets better too. At a rate far too high the fit goes back to the start and halves it.
func TestLikelihoodImprovesAtEveryEvaluation(t *testing.T) {
	if testing.Short() {
		t.Skip("half a minute on a tier without vectors")
	}
	ctx := context.Background()
	law, err := dataset.Toy("moons-normal")
	require.NoError(t, err)
	draw := func(n int, key uint64) (rows [][]float64) {
		x := make([]float64, 2*n)
		law.Sample(x, rng.New(key))
		for i := range n {
			rows = append(rows, x[2*i:2*i+2])
		}
		return rows
	}
	rows, fresh := draw(1500, 1), draw(400, 2)
	o := Options{Seed: 1, Steps: 400, Batch: 128, Hidden: 16, Blocks: 1, Calibrate: -1}
	m, err := Fit(ctx, rows, o)
	require.NoError(t, err)
	mean := func(m *Model) (sum float64) {
		d, err := m.LogDensity(ctx, fresh, DensityOptions{})
		require.NoError(t, err)
		for _, v := range d.LogP {
			sum += v / float64(len(fresh))
		}
		return sum
	}
	run := func(rate float64) (*Model, []float64, []float64) {
		o := o
		o.Objective, o.Start, o.Steps, o.Batch, o.ValEvery, o.LR = Likelihood, m, 24, 128, 6, rate
		f, err := NewFitter(rows, o)
		require.NoError(t, err)
		start, _ := f.Val()
		vals, rates := []float64{start}, []float64(nil)
		require.NoError(t, f.Watch(ctx, func(p Progress) bool {
			if p.HasVal {
				vals = append(vals, p.Val)
			}
			rates = append(rates, p.LR)
			return true
		}))
		better, err := f.Finish(ctx)
		require.NoError(t, err)
		return better, vals, rates
	}
	better, vals, _ := run(1e-3)
	require.Len(t, vals, 5)
	for i, v := range vals[1:] {
		require.Less(t, v, vals[i], "evaluation %d", i+1)
	}
	t.Logf("held-out losses %.4f, fresh rows %+.4f", vals, mean(better)-mean(m))
	require.Greater(t, mean(better), mean(m)+0.003)

	_, vals, rates := run(0.8)
	for _, v := range vals[1:] {
		require.LessOrEqual(t, v, vals[0])
	}
	t.Logf("at a rate too high %.4f, rates %.3f", vals, rates)
	require.Less(t, rates[13], 0.4*rates[5])
}
