package model

import (
	"bytes"
	"context"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/autograd"
	"pushforward/cfm"
	"pushforward/odeint"
	"pushforward/simd/rng"
)

// TestKernels: a kernel-smoothed law is made without a step, is saved and opened, draws under conditions, and its closed-form density is
// that of the solve along its field.
func TestKernels(t *testing.T) {
	ctx := context.Background()
	rows, given := bent(400)
	opt := Options{Family: KDE, Seed: 3, Given: given, Conditions: []Condition{{Name: "c", Classes: []string{"a", "b"}}}}
	m, err := Fit(ctx, rows, opt)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(m.Path, "condot:"), m.Path)
	var b, c bytes.Buffer
	require.NoError(t, m.Write(&b))
	o, err := Read(bytes.NewReader(b.Bytes()))
	require.NoError(t, err)
	require.NoError(t, o.Write(&c))
	require.Equal(t, b.Bytes(), c.Bytes())
	require.Equal(t, KDE, o.FamilyName())
	require.True(t, o.HasField())
	require.Equal(t, o.Rows*(2+2), o.Weights(), "the rows and their class")
	require.Less(t, b.Len(), 4*o.Weights()+40000, "and little else")

	x, err := o.Sample(ctx, 300, SampleOptions{Seed: 1, Given: [][]float64{{1}}})
	require.NoError(t, err)
	mean := 0.0
	for _, row := range x.Rows {
		mean += row[0] / 300
	}
	require.InDelta(t, 160, mean, 8)

	d, err := o.LogDensity(ctx, x.Rows[:40], DensityOptions{Given: [][]float64{{1}}})
	require.NoError(t, err)
	points := autograd.NewTensor[float32](40, 2)
	for i, r := range x.Rows[:40] {
		o.toField(points.Row(i), r)
	}
	solved, err := o.flow.Given(autograd.FromRows([][]float32{{0, 1}})).LogDensity(ctx, points, cfm.DensityOptions{Options: odeint.Options{Rtol: 1e-6, Atol: 1e-6}})
	require.NoError(t, err)
	for i, v := range solved.LogP {
		require.InDelta(t, v-o.logScale(), d.LogP[i], 2e-4, "row %d", i)
	}

	// The same by hand.
	path, err := ParsePath(o.Path)
	require.NoError(t, err)
	sigma := path.(cfm.CondOT).SigmaMin
	train, _ := Split(rows, given, 0.2)
	row := []float64{150, 0.5}
	var sum, n float64
	for _, i := range train {
		if given[i][0] == 1 {
			u, v := (row[0]-rows[i][0])/(sigma*o.Scale[0]), (row[1]-rows[i][1])/(sigma*o.Scale[1])
			sum += math.Exp(-0.5*(u*u+v*v)) / (2 * math.Pi * sigma * sigma * o.Scale[0] * o.Scale[1])
			n++
		}
	}
	d, err = o.LogDensity(ctx, [][]float64{row}, DensityOptions{Given: [][]float64{{1}}})
	require.NoError(t, err)
	require.InDelta(t, math.Log(sum/n), d.LogP[0], 1e-4) // rows are kept in float32
	rho, err := o.LogRho([]float64{1})
	require.NoError(t, err)
	require.InDelta(t, d.LogP[0]+o.logScale(), rho(1, []float64{(row[0] - o.Loc[0]) / o.Scale[0], (row[1] - o.Loc[1]) / o.Scale[1]}), 1e-6)
}

// TestKernelWidth: the width chosen is that of least held-out loss, and for draws of a Gaussian about the known best one.
func TestKernelWidth(t *testing.T) {
	ctx := context.Background()
	const n = 2000
	rows := make([][]float64, n)
	for i := range rows {
		rows[i] = make([]float64, 2)
		rng.Normal(rng.New(11).Fold(uint64(i)), rows[i])
	}
	held := func(path string) float64 {
		m, err := Fit(ctx, rows, Options{Family: KDE, Path: path})
		require.NoError(t, err)
		train, out := Split(rows, nil, 0.2)
		require.Equal(t, len(train), m.Rows)
		d, err := m.LogDensity(ctx, pick(rows, out), DensityOptions{})
		require.NoError(t, err)
		var sum float64
		for _, v := range d.LogP {
			sum += v
		}
		return sum / float64(len(out))
	}
	m, err := Fit(ctx, rows, Options{Family: KDE})
	require.NoError(t, err)
	p, err := ParsePath(m.Path)
	require.NoError(t, err)
	w := p.(cfm.CondOT).SigmaMin
	require.InDelta(t, math.Pow(1600, -1.0/6), w, 0.12, "Silverman's width for a Gaussian in the plane")
	best := held(m.Path)
	for _, factor := range []float64{0.7, 1.4} {
		require.Greater(t, best, held("condot:"+formatted(w*factor)))
	}
	alone, err := Fit(ctx, rows, Options{Family: KDE, Holdout: -1})
	require.NoError(t, err)
	q, err := ParsePath(alone.Path)
	require.NoError(t, err)
	require.InDelta(t, w, q.(cfm.CondOT).SigmaMin, 0.1, "by leaving one out")
}

func formatted(v float64) string { return Condition{}.Format(v) }

// TestKernelsRefuse: options without a use, conditions without a row, a state of another fit.
func TestKernelsRefuse(t *testing.T) {
	ctx := context.Background()
	rows, given := bent(60)
	for says, change := range map[string]func(*Options){
		"no network":          func(o *Options) { o.Steps = 10 },
		"coupling":            func(o *Options) { o.Coupling = "ot" },
		"on condot:σ":         func(o *Options) { o.Path = "vp" },
		"above 0":             func(o *Options) { o.Path = "condot" },
		"given classes only":  func(o *Options) { o.Conditions = []Condition{{Name: "c"}} },
		"draws them anew":     func(o *Options) { o.Law, o.Conditions, o.Given = someLaw{}, nil, nil },
		"dropped conditions ": func(o *Options) { o.DropCond = 0.1 },
	} {
		o := Options{Family: KDE, Given: given, Conditions: []Condition{{Name: "c", Classes: []string{"a", "b"}}}}
		change(&o)
		_, err := NewFitter(rows, o)
		require.ErrorIs(t, err, ErrData, says)
		require.ErrorContains(t, err, strings.TrimSpace(says))
	}
	m, err := Fit(ctx, rows, Options{Family: KDE, Given: given, Conditions: []Condition{{Name: "c", Classes: []string{"a", "b", "none"}}}})
	require.NoError(t, err)
	_, err = m.Sample(ctx, 3, SampleOptions{Given: [][]float64{{2}}})
	require.ErrorContains(t, err, "no training row is given the same")
	_, err = m.LogDensity(ctx, rows[:1], DensityOptions{Given: [][]float64{{2}}})
	require.ErrorContains(t, err, "no training row is given the same")
	_, err = m.Pairs(ctx, 64, PairsOptions{})
	require.ErrorContains(t, err, "reflow is for")
	_, err = m.NewScorer()
	require.ErrorContains(t, err, "takes a solve")

	f, err := NewFitter(rows, Options{Family: KDE})
	require.NoError(t, err)
	var state bytes.Buffer
	require.NoError(t, f.Save(&state))
	saved := state.Bytes()
	require.NoError(t, f.Load(bytes.NewReader(saved)))
	other, err := NewFitter(rows[:50], Options{Family: KDE})
	require.NoError(t, err)
	require.ErrorContains(t, other.Load(bytes.NewReader(saved)), "other data or options")
	ended, stop := context.WithCancel(ctx)
	stop()
	require.ErrorIs(t, f.Run(ended), context.Canceled)
}

type someLaw struct{}

func (someLaw) Sample(dst []float64, key rng.Key) { rng.Normal(key, dst) }
