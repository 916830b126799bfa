package model

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/autograd"
	"pushforward/cfm"
	"pushforward/cfm/dataset"
	"pushforward/cfm/ot"
	"pushforward/nn"
	"pushforward/simd/rng"
)

// curved is a model whose paths bend: 8gaussians to moons.
func curved(t *testing.T, steps int) (m *Model, rows [][]float64, o Options) {
	t.Helper()
	src, err := dataset.Toy("8gaussians")
	require.NoError(t, err)
	law, err := dataset.Toy("moons")
	require.NoError(t, err)
	x := make([]float64, 2*600)
	law.Sample(x, rng.New(5))
	for i := 0; i < len(x); i += 2 {
		rows = append(rows, x[i:i+2])
	}
	o = Options{Seed: 1, Steps: steps, Batch: 128, Hidden: 64, Blocks: 2, Calibrate: 16, Source: cfm.FromLaw(src), SourceTag: "8gaussians", Law: law}
	m, err = Fit(ctx, rows, o)
	require.NoError(t, err)
	return m, rows, o
}

func w2(t *testing.T, a, b [][]float64) float64 {
	t.Helper()
	join := func(rows [][]float64) (x []float64) {
		for _, r := range rows {
			x = append(x, r...)
		}
		return x
	}
	d, err := ot.W2(join(a), join(b), 2)
	require.NoError(t, err)
	return d
}

// After two rounds one Euler step is as good as the adaptive solver, and the energy falls every round; a
// distilled network is one step and says so.
func TestReflowStraightens(t *testing.T) {
	if testing.Short() {
		t.Skip("trains four networks")
	}
	m, rows, o := curved(t, 1000)
	r := o
	r.Columns, r.Steps = m.Columns, 400
	got, rounds, err := Reflow(ctx, m, rows, ReflowOptions{Rounds: 2, Pairs: 3000, Options: r})
	require.NoError(t, err)
	require.Len(t, rounds, 2)
	for i, r := range rounds {
		require.Less(t, r.After.Energy, r.Before.Energy, "round %d", i+1)
		require.Less(t, r.After.Straightness(), r.Before.Straightness(), "round %d", i+1)
	}
	require.InDelta(t, rounds[0].After.Energy, rounds[1].Before.Energy, 0.02*rounds[0].After.Energy)
	require.Equal(t, 2, got.Reflow)
	require.Equal(t, Reflowed, got.Coupling)
	dist := func(m *Model, s Solver) float64 {
		x, err := m.Sample(ctx, len(rows), SampleOptions{Seed: 9, Solver: s})
		require.NoError(t, err)
		return w2(t, x.Rows, rows)
	}
	euler := Solver{Method: "euler", Step: 1}
	require.LessOrEqual(t, dist(got, euler), 1.5*dist(got, Solver{}))
	require.Greater(t, rounds[0].Before.Curvature(), 20*rounds[1].After.Curvature())

	// Still a flow, with a density.
	d, err := got.LogDensity(ctx, rows[:3], DensityOptions{})
	require.NoError(t, err)
	require.Len(t, d.LogP, 3)
	_, err = got.Sample(ctx, 1, SampleOptions{Noise: 0.5})
	require.ErrorContains(t, err, "coupling reflow does not give it")

	one, rounds, err := Reflow(ctx, got, rows, ReflowOptions{Distill: true, Pairs: 3000, Options: r})
	require.NoError(t, err)
	require.True(t, rounds[0].Distill)
	require.True(t, one.Distilled)
	require.LessOrEqual(t, dist(one, Solver{}), 1.5*dist(got, Solver{}))
	require.Equal(t, dist(one, euler), dist(one, Solver{}))
	var file bytes.Buffer
	require.NoError(t, one.Write(&file))
	one, err = Read(&file)
	require.NoError(t, err)
	one.SetSource(o.Source)
	require.False(t, one.HasDensity())
	_, err = one.LogDensity(ctx, rows[:3], DensityOptions{})
	require.ErrorContains(t, err, "the model is distilled: one step is no flow")
	_, err = one.Sample(ctx, 1, SampleOptions{Solver: Solver{Method: "rk4"}})
	require.ErrorContains(t, err, "one Euler step and by nothing else")
	_, err = one.Sample(ctx, 1, SampleOptions{Noise: 1})
	require.ErrorContains(t, err, "noise on the way of a distilled model")
	_, _, err = Reflow(ctx, one, rows, ReflowOptions{Options: r})
	require.ErrorContains(t, err, "the model is distilled")
	path, err := one.Trace(ctx, 2, []float64{0, 0.5, 1}, SampleOptions{Seed: 4})
	require.NoError(t, err)
	x, err := one.Sample(ctx, 2, SampleOptions{Seed: 4})
	require.NoError(t, err)
	for j := range 2 {
		require.InDelta(t, x.Rows[0][j], path[2][0][j], 1e-5)
		require.InDelta(t, (path[0][0][j]+path[2][0][j])/2, path[1][0][j], 1e-5)
	}
}

// Pairs are the same on any number of cores, survive a file, and carry their conditions; a round on them can be
// stopped and taken up again.
func TestReflowUnderConditions(t *testing.T) {
	rows, o := conditioned(60, 90)
	m, err := Fit(ctx, rows, o)
	require.NoError(t, err)
	opt := PairsOptions{Seed: 2, Round: 1, Given: o.Given}
	p, err := m.Pairs(ctx, 600, opt)
	require.NoError(t, err)
	func() {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
		q, err := m.Pairs(ctx, 600, opt)
		require.NoError(t, err)
		require.Equal(t, p, q)
	}()
	require.Equal(t, o.Given[600%90-1], p.Given[599])
	other, err := m.Pairs(ctx, 64, PairsOptions{Seed: 2, Round: 2, Given: o.Given})
	require.NoError(t, err)
	require.NotEqual(t, p.X0.Row(0), other.X0.Row(0))
	// A pair is a row of the source and where Sample would take it under its conditions.
	near, err := m.gen.carry(ctx, m.flow, p.X0.Slice(5, 6), m.encoded(p.Given[5:6]), 0, 1, must(Solver{}.options(1e-5)))
	require.NoError(t, err)
	require.Equal(t, near.X.Data, p.X1.Slice(5, 6).Data)

	var file bytes.Buffer
	require.NoError(t, p.Write(&file))
	raw := file.Bytes()
	q, err := m.ReadPairs(bytes.NewReader(raw))
	require.NoError(t, err)
	require.Equal(t, p, q)
	for name, change := range map[string]func(f *nn.File){
		`"x1" is missing`:      func(f *nn.File) { f.Find("x1").Name = "y" },
		`row 3 is not finite`:  func(f *nn.File) { f.Find("x0").Data.([]float32)[5] = float32(math.NaN()) },
		`"given" is [600 1]`:   func(f *nn.File) { f.Find("given").Shape[1] = 1; f.Find("given").Data = make([]float64, 600) },
		`is not the number of`: func(f *nn.File) { f.Find("given").Data.([]float64)[0] = 7 },
	} {
		_, err := m.ReadPairs(bytes.NewReader(forge(t, raw, change)))
		require.ErrorContains(t, err, name)
		require.ErrorIs(t, err, ErrFile)
	}
	_, err = m.ReadPairs(strings.NewReader("nonsense"))
	require.ErrorIs(t, err, ErrFile)

	round := func() (*Fitter, Options) {
		r := o
		r.From, r.Pairs, r.Steps = m, p, 30
		f, err := NewFitter(rows, r)
		require.NoError(t, err)
		return f, r
	}
	whole, _ := round()
	require.NoError(t, whole.Run(ctx))
	want, err := whole.Finish(ctx)
	require.NoError(t, err)
	require.Equal(t, 1, want.Reflow)
	require.Greater(t, want.Calibration(), 0)
	half, _ := round()
	require.NoError(t, half.Watch(ctx, func(p Progress) bool { return p.Step < 11 }))
	var state bytes.Buffer
	require.NoError(t, half.Save(&state))
	rest, _ := round()
	require.NoError(t, rest.Load(&state))
	require.Equal(t, 11, rest.Step())
	require.NoError(t, rest.Run(ctx))
	got, err := rest.Finish(ctx)
	require.NoError(t, err)
	require.Equal(t, written(t, want), written(t, got))

	for says, change := range map[string]func(o *Options){
		"the model to be straightened has 2":  func(o *Options) { o.Columns = nil; rows = [][]float64{{1}, {2}}; o.Given = o.Given[:2] },
		"columns a, b":                        func(o *Options) { o.Columns = []string{"a", "b"} },
		"the conditions are not those":        func(o *Options) { o.Conditions = o.Conditions[:1]; o.Given = firsts(o.Given) },
		"reflow needs pairs":                  func(o *Options) { o.Pairs = nil },
		"pairs without the model they are of": func(o *Options) { o.From = nil },
		"are not pairs of this model":         func(o *Options) { o.Pairs = &Pairs{X0: p.X0, X1: p.X1} },
	} {
		_, r := round()
		kept := rows
		change(&r)
		_, err := NewFitter(rows, r)
		rows = kept
		require.ErrorContains(t, err, says)
		require.ErrorIs(t, err, ErrData)
	}
	_, err = m.Pairs(ctx, 3, opt)
	require.ErrorContains(t, err, "3 pairs, want at least 64")
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	_, err = m.Pairs(stopped, 64, opt)
	require.ErrorIs(t, err, context.Canceled)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func firsts(rows [][]float64) (one [][]float64) {
	for _, r := range rows {
		one = append(one, r[:1])
	}
	return one
}

// A tuned model keeps its sampler in its file and is sampled by it.
func TestTunedSampler(t *testing.T) {
	rows, o := conditioned(60, 90)
	m, err := Fit(ctx, rows, o)
	require.NoError(t, err)
	tuned, tried, err := m.Tuned(ctx, TuneOptions{Error: 0.05, Rows: 100, Given: o.Given})
	require.NoError(t, err)
	require.Nil(t, m.Sampler)
	s := tuned.Sampler
	require.LessOrEqual(t, s.W2, 0.05)
	for _, c := range tried {
		require.True(t, c.W2 > 0.05 || c.Evals >= s.Evals, "%v", c)
	}
	again, err := Read(bytes.NewReader(written(t, tuned)))
	require.NoError(t, err)
	require.Equal(t, tuned.Spec, again.Spec)
	given := [][]float64{{1, 0.5}}
	x, err := again.Sample(ctx, 20, SampleOptions{Given: given})
	require.NoError(t, err)
	y, err := m.Sample(ctx, 20, SampleOptions{Given: given, Solver: s.solver()})
	require.NoError(t, err)
	require.Equal(t, y.Rows, x.Rows)
	require.InDelta(t, s.Evals, float64(x.Stats.RowEvals)/20, 0.5*s.Evals)
	x, err = again.Sample(ctx, 20, SampleOptions{Given: given, Solver: Solver{Method: "bosh5"}})
	require.NoError(t, err)
	y, err = m.Sample(ctx, 20, SampleOptions{Given: given})
	require.NoError(t, err)
	require.Equal(t, y.Rows, x.Rows, "told otherwise, it is not used")

	_, _, err = m.Tuned(ctx, TuneOptions{Error: 1e-12, Rows: 10, Given: given})
	require.ErrorIs(t, err, ErrNoSampler)
	_, _, err = m.Tuned(ctx, TuneOptions{Error: -1})
	require.ErrorIs(t, err, ErrData)
	for _, bad := range []string{`{"method":"magic","steps":1,"evals":1}`, `{"method":"euler","evals":1}`, `{"method":"euler","steps":-3,"evals":1}`} {
		_, err := Read(bytes.NewReader(forge(t, written(t, m), func(f *nn.File) {
			f.Meta["model"] = strings.TrimSuffix(f.Meta["model"], "}") + `,"sampler":` + bad + "}"
		})))
		require.ErrorIs(t, err, ErrFile)
		require.ErrorContains(t, err, "sampler")
	}
}

// Trap P39: w = 0 is no guidance and -1 none of the conditions. Asked of a model that cannot, it is refused.
func TestGuidance(t *testing.T) {
	rows, o := conditioned(400, 300)
	plain, err := Fit(ctx, rows, small(10))
	require.NoError(t, err)
	_, err = plain.Sample(ctx, 1, SampleOptions{Guidance: 1})
	require.ErrorContains(t, err, "guidance asked of a model without conditions")
	require.ErrorIs(t, err, ErrData)
	short := o
	short.Steps = 10
	always, err := Fit(ctx, rows, short)
	require.NoError(t, err)
	_, err = always.Sample(ctx, 1, SampleOptions{Given: o.Given[:1], Guidance: 1})
	require.ErrorContains(t, err, "never saw a row without its conditions")

	o.DropCond, o.Hidden, o.Batch, o.Steps = 0.3, 32, 128, 700
	m, err := Fit(ctx, rows, o)
	require.NoError(t, err)
	require.True(t, m.Conditions[1].Marked)
	again, err := Read(bytes.NewReader(written(t, m)))
	require.NoError(t, err)
	require.Equal(t, m.Spec, again.Spec)
	mean := func(w float64) (sum float64) {
		s, err := again.Sample(ctx, 400, SampleOptions{Given: [][]float64{{2, 0}}, Guidance: w})
		require.NoError(t, err)
		for _, r := range s.Rows {
			sum += r[0] / 400
		}
		return sum
	}
	// Classes stand at 0, 10 and 20: alone the third, of all the middle, guided past the third.
	require.InDelta(t, 20, mean(0), 2.5)
	require.InDelta(t, 10, mean(-1), 3)
	require.Greater(t, mean(1), mean(0))
	_, err = m.Sample(ctx, 1, SampleOptions{Given: o.Given[:1], Guidance: math.Inf(1)})
	require.ErrorContains(t, err, "guidance +Inf")
	_, err = m.Sample(ctx, 1, SampleOptions{Given: o.Given[:1], Guidance: 1, Noise: 1})
	require.ErrorContains(t, err, "take noise or guidance")

	bad := small(10)
	bad.DropCond = 0.1
	_, err = NewFitter(rows, bad)
	require.ErrorContains(t, err, "dropped conditions, and there are none")
}

// A law of times is kept in the model and changes what is learned; where none is drawn it is refused.
func TestTimes(t *testing.T) {
	rows, o := conditioned(200, 20)
	fit := func(times string) *Model {
		o := o
		o.Times = times
		m, err := Fit(ctx, rows, o)
		require.NoError(t, err)
		require.Equal(t, times, m.Times)
		return m
	}
	weights := map[string]bool{}
	for _, times := range []string{"", "uniform", "stratified", "power:2", "logit-normal"} {
		m := fit(times)
		again, err := Read(bytes.NewReader(written(t, m)))
		require.NoError(t, err)
		require.Equal(t, m.Spec, again.Spec)
		weights[fmt.Sprint(m.flow.Theta)] = true
	}
	require.Len(t, weights, 5)
	for says, change := range map[string]func(o *Options){
		"unknown times":                           func(o *Options) { o.Times = "early" },
		"not maximum likelihood":                  func(o *Options) { o.Times, o.Objective = "power", Likelihood },
		"not family realnvp":                      func(o *Options) { o.Times, o.Family = "power", "realnvp" },
		"objective sf2m spreads its times":        func(o *Options) { o.Times, o.Objective = "uniform", Bridged },
		`times "logit-normal:0:0": the deviation`: func(o *Options) { o.Times = "logit-normal:0:0" },
	} {
		bad := o
		change(&bad)
		_, err := NewFitter(rows, bad)
		require.ErrorContains(t, err, says)
		require.ErrorIs(t, err, ErrData)
	}
}

// On another path the same rows arrive, by other steps; with noise the same law.
func TestOtherPath(t *testing.T) {
	rows, o := conditioned(300, 200)
	o.DropCond = 0.2
	m, err := Fit(ctx, rows, o)
	require.NoError(t, err)
	tight := Solver{Rtol: 1e-6, Atol: 1e-6}
	draw := func(opt SampleOptions) [][]float64 {
		opt.Seed, opt.Given = 3, o.Given[:1]
		s, err := m.Sample(ctx, 200, opt)
		require.NoError(t, err)
		return s.Rows
	}
	for _, guidance := range []float64{0, 1} {
		own := draw(SampleOptions{Guidance: guidance, Solver: tight})
		// linearvp ends a little before t = 1, where its field has no bound.
		for path, tol := range map[string]float64{"cosine": 2e-3, "polynomial:2": 2e-3, "linearvp": 0.03} {
			got := draw(SampleOptions{Guidance: guidance, Path: path, Solver: tight})
			for i, r := range own {
				for j, v := range r {
					require.InDelta(t, v, got[i][j], tol*m.Scale[j], "%s, row %d", path, i)
				}
			}
		}
		coarse := Solver{Method: "euler", Step: 0.25}
		require.NotEqual(t, draw(SampleOptions{Guidance: guidance, Solver: coarse}), draw(SampleOptions{Guidance: guidance, Path: "cosine", Solver: coarse}))
	}
	paths, err := m.Trace(ctx, 2, []float64{0, 0.5, 1}, SampleOptions{Given: o.Given[:1], Path: "cosine"})
	require.NoError(t, err)
	own, err := m.Trace(ctx, 2, []float64{0, 0.5, 1}, SampleOptions{Given: o.Given[:1]})
	require.NoError(t, err)
	require.Equal(t, own[0], paths[0])
	require.NotEqual(t, own[1], paths[1])
	require.Less(t, w2(t, draw(SampleOptions{}), draw(SampleOptions{Path: "cosine", Noise: 1})), 0.3*m.Scale[0])

	for path, says := range map[string]string{"straight": "unknown path", "tube": "two kinds of noise", "condot:0.1": "keeps noise"} {
		_, err := m.Sample(ctx, 1, SampleOptions{Given: o.Given[:1], Path: path})
		require.ErrorContains(t, err, says)
		require.ErrorIs(t, err, ErrData)
	}
	m.Distilled = true
	_, err = m.Sample(ctx, 1, SampleOptions{Given: o.Given[:1], Path: "cosine"})
	require.ErrorContains(t, err, "one step and no path")
}

// Noise keeps the law, here that of a closed field, and moves no row of another split.
func TestNoise(t *testing.T) {
	rows := [][]float64{{2}, {8}, {-1}, {11}, {4}, {6}}
	m, err := Fit(ctx, rows, small(10))
	require.NoError(t, err)
	// The field from N(0, 1) to N(0, 1) on standardised rows.
	m.flow.Field = cfm.FieldFunc[float32](func(q cfm.Query[float32]) autograd.Var[float32] {
		gain := q.T.Tape().Alloc(q.T.Shape())
		for i, t := range q.T.Value().Data {
			gain.Value().Data[i] = (2*t - 1) / (t*t + (1-t)*(1-t))
		}
		return q.X.Mul(gain)
	})
	dev := func(x [][]float64) (mean, d float64) {
		d = 0
		for _, r := range x {
			mean += r[0] / float64(len(x))
		}
		for _, r := range x {
			d += (r[0] - mean) * (r[0] - mean) / float64(len(x))
		}
		return mean, math.Sqrt(d)
	}
	ode, err := m.Sample(ctx, 1500, SampleOptions{Seed: 2})
	require.NoError(t, err)
	wm, wd := dev(ode.Rows)
	require.InDelta(t, m.Scale[0], wd, 0.2*m.Scale[0])
	for _, noise := range []float64{0.5, 1.5} {
		s, err := m.Sample(ctx, 1500, SampleOptions{Seed: 2, Noise: noise, Solver: Solver{Step: 1.0 / 64}})
		require.NoError(t, err)
		gm, gd := dev(s.Rows)
		require.InDelta(t, wm, gm, 0.15*wd)
		require.InDelta(t, wd, gd, 0.1*wd)
		require.NotEqual(t, ode.Rows[0], s.Rows[0])
		part, err := m.Sample(ctx, 30, SampleOptions{Seed: 2, From: 800, Noise: noise, Solver: Solver{Step: 1.0 / 64}})
		require.NoError(t, err)
		require.Equal(t, s.Rows[800:830], part.Rows)
	}
	for says, opt := range map[string]SampleOptions{
		"noise NaN":             {Noise: math.NaN()},
		"method rk4 with noise": {Noise: 1, Solver: Solver{Method: "rk4"}},
		"tolerances with noise": {Noise: 1, Solver: Solver{Rtol: 1e-3}},
	} {
		_, err := m.Sample(ctx, 1, opt)
		require.ErrorContains(t, err, says)
		require.ErrorIs(t, err, ErrData)
	}
}

// Score and flow matching through the front door: from eight Gaussians, whose law need not be known, to
// moons; drawn by the bridge's noise unless told otherwise.
func TestBridgedModel(t *testing.T) {
	src, err := dataset.Toy("8gaussians")
	require.NoError(t, err)
	law, err := dataset.Toy("moons")
	require.NoError(t, err)
	x := make([]float64, 2*400)
	law.Sample(x, rng.New(5))
	var rows [][]float64
	for i := 0; i < len(x); i += 2 {
		rows = append(rows, x[i:i+2])
	}
	o := Options{Seed: 1, Steps: 250, Batch: 32, Hidden: 32, Blocks: 2, Source: cfm.FromLaw(src), SourceTag: "8gaussians", Law: law, Objective: Bridged, Path: "bridge:1", Calibrate: -1}
	m, err := Fit(ctx, rows, o)
	require.NoError(t, err)
	require.Equal(t, "sinkhorn:2", m.Coupling)
	require.Equal(t, 1.0, m.Score)
	again, err := Read(bytes.NewReader(written(t, m)))
	require.NoError(t, err)
	again.SetSource(o.Source)
	draw := func(s SampleOptions) [][]float64 {
		s.Seed = 3
		got, err := again.Sample(ctx, 400, s)
		require.NoError(t, err)
		return got.Rows
	}
	bridge, ode := draw(SampleOptions{}), draw(SampleOptions{Noise: -1})
	require.Equal(t, bridge, draw(SampleOptions{Noise: 1}))
	require.NotEqual(t, bridge, ode)
	from := make([]float64, 2*400)
	src.Sample(from, rng.New(9))
	var start [][]float64
	for i := 0; i < len(from); i += 2 {
		start = append(start, from[i:i+2])
	}
	far := w2(t, start, rows)
	require.Less(t, w2(t, bridge, rows), 0.4*far)
	require.Less(t, w2(t, ode, rows), 0.4*far)

	for says, change := range map[string]func(o *Options){
		"objective sf2m on path condot": func(o *Options) { o.Path = "condot" },
		`unknown objective "best"`:      func(o *Options) { o.Objective = "best" },
	} {
		bad := o
		change(&bad)
		_, err := NewFitter(rows, bad)
		require.ErrorContains(t, err, says)
	}
	require.False(t, errors.Is(err, ErrData))
}
