package model

import (
	"context"
	"fmt"
	"math"
	"strings"

	"pushforward/autograd"
	"pushforward/cfm"
	"pushforward/odeint"
	"pushforward/simd/rng"
)

// Solver sets how flows are integrated. The zero value is Bosh5 for samples and Dopri5 for densities, at tolerances that suit
// the use.
type Solver struct {
	Method     string // euler midpoint heun rk4 bosh3 bosh5 dopri5 tsit5; "": see above
	Rtol, Atol float64
	Step       float64 // > 0: fixed steps of this size
}

// Check refuses a solver that Sample and LogDensity would refuse.
func (s Solver) Check() error {
	_, err := s.options(1)
	return err
}

// options turns s into odeint's.
func (s Solver) options(tol float64) (odeint.Options, error) {
	o := odeint.Options{Rtol: s.Rtol, Atol: s.Atol, Step: s.Step, MaxSteps: 10000}
	for _, v := range []float64{s.Rtol, s.Atol, s.Step} {
		if !(v >= 0) || math.IsInf(v, 0) {
			return o, badData("tolerances %v, %v, step %v: want numbers of at least 0", s.Rtol, s.Atol, s.Step)
		}
	}
	if o.Rtol == 0 {
		o.Rtol = tol
	}
	if o.Atol == 0 {
		o.Atol = tol
	}
	name := strings.ToLower(s.Method)
	if name == "" {
		return o, nil // cfm's own choice
	}
	for _, m := range Methods() {
		if m == name {
			o.Method = methods[name]
		}
	}
	if o.Method == nil {
		return o, badData("unknown method %q; there are %s", s.Method, strings.Join(Methods(), ", "))
	}
	if o.Method.E == nil && o.Step == 0 {
		o.Step = 1.0 / 64
	}
	return o, nil
}

var methods = map[string]*odeint.Tableau{
	"euler": odeint.Euler, "midpoint": odeint.Midpoint, "heun": odeint.Heun, "rk4": odeint.RK4,
	"bosh3": odeint.Bosh3, "bosh5": odeint.Bosh5, "dopri5": odeint.Dopri5, "tsit5": odeint.Tsit5,
}

// Methods lists the names Solver knows. A method without an error estimate takes 64 steps unless Step is
// set.
func Methods() []string {
	return []string{"euler", "midpoint", "heun", "rk4", "bosh3", "bosh5", "dopri5", "tsit5"}
}

// SampleOptions configures Sample.
type SampleOptions struct {
	Seed uint64
	From int // the number of the first row: rows From … From+n-1 of an endless list are drawn
	// Given is what the rows are given: one row for all of them, or one each. nil under conditions: classes
	// as often as they were seen in training.
	Given [][]float64
	Raw   bool // leave whole numbers where the flow puts them, off their grid

	// Guidance is w in v(· | c) + w·(v(· | c) - v(·)), classifier-free guidance: 0 is none, -1 drops the
	// conditions. Elsewhere the same is written v(·) + W·(v(· | c) - v(·)) with W = 1 + w, of which 1 is none.
	Guidance float64

	// Noise η draws along random paths with the same law at every time (cfm.Flow.SampleSDE): g(t) = η·√s(t), for a
	// bridge η·σ. 0 is the ordinary equation, but for a bridge the bridge, η = 1; negative is always the
	// ordinary equation. Steps are fixed: 128 unless Step says otherwise. Method is heun or euler.
	Noise float64

	// Path, if not empty, is the path that rows follow instead of the one the field was trained on (ParsePath, cfm.ChangePath): the same
	// rows at t = 1 but for errors of the solver, whose steps and the noise on the way lie elsewhere.
	Path string

	// The zero Solver is the model's Sampler if it has one and no other Path is asked for.
	Solver
}

// Samples is what Sample drew.
type Samples struct {
	Rows   [][]float64
	Given  [][]float64 // the conditions of each row; nil without conditions
	Status []odeint.Status
	Stats  odeint.Stats
}

// Sample draws n rows. Row i depends on the seed, its number and what it is given, and not on n nor on the
// number of cores.
func (m *Model) Sample(ctx context.Context, n int, opt SampleOptions) (Samples, error) {
	var s Samples
	if n < 0 || opt.From < 0 {
		return s, badData("sample: %d rows from %d", n, opt.From)
	}
	if err := m.ready(); err != nil {
		return s, err
	}
	flow, err := m.guided(opt.Guidance)
	if err != nil {
		return s, err
	}
	if flow, err = m.onPath(flow, opt.Path); err != nil {
		return s, err
	}
	noise, err := m.noiseFor(opt)
	if err != nil {
		return s, err
	}
	ode, err := m.solverFor(opt)
	if err != nil {
		return s, err
	}
	key := rng.New(opt.Seed).Named("sample")
	s.Given, err = m.givenRows(n, opt.From, opt.Given, key.Named("given"))
	if err != nil || n == 0 {
		return s, err
	}
	x0 := autograd.NewTensor[float32](n, m.Dim)
	m.sourceRows(x0, key.Named("source"), opt.From)
	var got cfm.Samples[float32]
	if noise > 0 {
		got, err = m.diffuse(ctx, flow, x0, m.encoded(s.Given), noise, key, opt)
	} else {
		got, err = m.gen.carry(ctx, flow, x0, m.encoded(s.Given), 0, 1, ode)
	}
	s.Status, s.Stats = got.Status, got.Stats
	if got.X.Data != nil {
		s.Rows = m.rows(got.X, opt.Raw)
	}
	if err != nil {
		return s, fmt.Errorf("model: sample: %w", err)
	}
	return s, nil
}

// sourceRows draws rows from … of the source.
func (m *Model) sourceRows(x autograd.Tensor[float32], key rng.Key, from int) {
	if m.flow.Source == nil {
		for i := range x.Rows() {
			rng.Normal(key.Fold(uint64(from+i)), x.Row(i))
		}
		return
	}
	row := make([]float64, m.Dim)
	for i := range x.Rows() {
		m.flow.Source.Sample(row, key.Fold(uint64(from+i)))
		for j, v := range row {
			x.Row(i)[j] = float32(v)
		}
	}
}

// rows maps what the flow drew to the data's units and grid.
func (m *Model) rows(x autograd.Tensor[float32], raw bool) [][]float64 {
	flat := make([]float64, len(x.Data))
	rows := make([][]float64, x.Rows())
	for i := range rows {
		row := flat[i*m.Dim : (i+1)*m.Dim]
		m.toData(row, x.Row(i))
		if m.Levels > 0 {
			for j := range row {
				row[j] *= float64(m.Levels)
				if !raw {
					row[j] = min(max(math.Floor(row[j]), 0), float64(m.Levels-1))
				}
			}
		}
		rows[i] = row
	}
	return rows
}

// givenRows returns the conditions of rows from … from+n-1.
func (m *Model) givenRows(n, from int, given [][]float64, key rng.Key) ([][]float64, error) {
	switch {
	case len(m.Conditions) == 0 && len(given) > 0:
		return nil, badData("the model has no conditions and is given some")
	case len(m.Conditions) == 0:
		return nil, nil
	case given == nil && m.Mix == nil:
		return nil, badData("the model wants conditions: %s", m.conditionNames())
	case given != nil && len(given) != 1 && len(given) != n:
		return nil, badData("%d rows and conditions for %d", n, len(given))
	}
	all := make([][]float64, n)
	for i := range all {
		switch len(given) {
		case 0:
			all[i] = draw(m.Mix, key, from+i)
		case 1:
			all[i] = given[0]
		default:
			all[i] = given[i]
		}
		if err := checkGiven(m.Conditions, all[i], i); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// encoded is what the network is told of rows of conditions; empty if the model has none.
func (m *Model) encoded(given [][]float64) autograd.Tensor[float32] {
	if len(m.Conditions) == 0 {
		return autograd.Tensor[float32]{}
	}
	c := autograd.NewTensor[float32](len(given), condWidth(m.Conditions))
	for i, g := range given {
		encode(c.Row(i), m.Conditions, g)
	}
	return c
}
