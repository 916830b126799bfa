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

// Sampler is how a model's file says it is to be sampled, with what Tuned found: errors against the adaptive
// solver's rows from the same noise, as shares of the spread √(E‖x - E x‖²) of those rows.
type Sampler struct {
	Method string  `json:"method"`
	Steps  int     `json:"steps,omitempty"` // equal ones
	Tol    float64 `json:"tol,omitempty"`   // relative and absolute, of an adaptive method
	Evals  float64 `json:"evals"`           // evaluations of the network a row
	Error  float64 `json:"error,omitempty"` // what was allowed of W2
	W2     float64 `json:"w2,omitempty"`
	Paired float64 `json:"paired,omitempty"` // root mean square distance of the rows of equal noise
}

// solver is the sampler as a Solver.
func (s Sampler) solver() Solver {
	v := Solver{Method: s.Method, Rtol: s.Tol, Atol: s.Tol}
	if s.Steps > 0 {
		v.Step = 1 / float64(s.Steps)
	}
	return v
}

// String reads, for instance, "euler, 8 steps" or "dopri5 at 0.001".
func (s Sampler) String() string {
	switch s.Steps {
	case 0:
		return fmt.Sprintf("%s at %g", s.Method, s.Tol)
	case 1:
		return s.Method + ", 1 step"
	}
	return fmt.Sprintf("%s, %d steps", s.Method, s.Steps)
}

// check refuses what no file of ours holds.
func (s *Sampler) check() error {
	if s == nil {
		return nil
	}
	if err := s.solver().Check(); err != nil || s.Method == "" || s.Steps < 0 || s.Steps > 1<<20 || (s.Steps > 0) == (s.Tol > 0) {
		return fmt.Errorf("sampler %s is out of range", s)
	}
	return nil
}

// TuneOptions configures Model.Tuned.
type TuneOptions struct {
	Error float64     // the largest W2 allowed, as a share of the spread: 0.01
	Rows  int         // 1024: the time grows with the cube
	Seed  uint64      // where the noise comes from
	Given [][]float64 // rows of conditions to take turns; nil: classes as often as they were seen
}

// Tried is a sampler that was measured, with the energy and the curvature of its paths (see cfm.Course).
type Tried struct {
	Sampler
	Energy, Curvature float64
}

// ErrNoSampler says that no sampler tried by Tuned meets the error.
var ErrNoSampler = cfm.ErrNoSampler

// Tuned returns the model with the cheapest Sampler that keeps to an error, and all that were tried. What it
// is sampled by then, unless told otherwise, is that. If none will do, the error wraps ErrNoSampler.
func (m *Model) Tuned(ctx context.Context, opt TuneOptions) (*Model, []Tried, error) {
	if m.FamilyName() != KDE {
		if err := m.reflows(); err != nil {
			return nil, nil, err
		}
	}
	if opt.Rows == 0 {
		opt.Rows = 1024
	}
	if opt.Error == 0 {
		opt.Error = 0.01
	}
	if !(opt.Error > 0) || opt.Rows < 2 {
		return nil, nil, badData("sampler: an error of %v over %d rows: want a positive number, and two rows", opt.Error, opt.Rows)
	}
	key := rng.New(opt.Seed).Named("tune")
	given, err := m.givenRows(opt.Rows, 0, turns(opt.Given, opt.Rows), key.Named("given"))
	if err != nil {
		return nil, nil, err
	}
	x := autograd.NewTensor[float32](opt.Rows, m.Dim)
	m.sourceRows(x, key.Named("source"), 0)
	best, all, err := under(m.flow, m.encoded(given)).Tune(ctx, x, cfm.TuneOptions{Error: opt.Error})
	var tried []Tried
	for _, s := range all {
		tried = append(tried, Tried{samplerOf(s, opt.Error), s.Energy, s.Curvature()})
	}
	if err != nil {
		return nil, tried, fmt.Errorf("model: sampler: %w", err)
	}
	t := *m
	s := samplerOf(best, opt.Error)
	t.Sampler = &s
	return &t, tried, nil
}

func samplerOf(s cfm.Sampler, allowed float64) Sampler {
	v := Sampler{Evals: s.Evals, W2: s.W2, Paired: s.Paired, Error: allowed}
	for _, name := range Methods() {
		if methods[name] == s.Options.Method {
			v.Method = name
		}
	}
	if s.Options.Step > 0 {
		v.Steps = int(math.Round(1 / s.Options.Step))
	} else {
		v.Tol = s.Options.Rtol
	}
	return v
}

// oneStep is the only sampler of a distilled model.
var oneStep = Sampler{Method: "euler", Steps: 1, Evals: 1}

// solverFor is the solver that a sample is drawn by: the one asked for, else the model's own, else adaptive.
func (m *Model) solverFor(o SampleOptions) (odeint.Options, error) {
	s := o.Solver
	switch {
	case m.Distilled && s != (Solver{}) && s != oneStep.solver():
		return odeint.Options{}, badData("the model is distilled: it is sampled by one Euler step and by nothing else")
	case m.Distilled:
		s = oneStep.solver()
	case s == (Solver{}) && m.Sampler != nil && o.Guidance == 0 && o.Path == "":
		s = m.Sampler.solver()
	}
	return s.options(1e-4)
}

// guided is the flow under guidance of weight w, v(· | c) + w·(v(· | c) - v(·)).
func (m *Model) guided(w float64) (*cfm.Flow[float32], error) {
	switch {
	case w == 0:
		return m.flow, nil
	case math.IsNaN(w) || math.IsInf(w, 0):
		return nil, badData("guidance %v: want a finite number", w)
	case !m.HasField():
		return nil, badData("guidance of family %s: only a %s has a field to guide", m.FamilyName(), CFM)
	case len(m.Conditions) == 0:
		return nil, badData("guidance asked of a model without conditions: there is nothing to guide it to")
	case m.DropCond == 0:
		return nil, badData("guidance asked of a model that never saw a row without its conditions, so it has no v(·) to guide away from; train with a share of them dropped (Options.DropCond)")
	case m.Distilled:
		return nil, badData("guidance of a distilled model: its one step is no field")
	}
	f := *m.flow
	f.Field = cfm.Guided[float32]{Field: m.flow.Field, Weight: 1 + w}
	return &f, nil
}

// onPath is flow f on another path than the one it was trained on; "" is that one.
func (m *Model) onPath(f *cfm.Flow[float32], to string) (*cfm.Flow[float32], error) {
	if to == "" {
		return f, nil
	}
	p, err := ParsePath(to)
	if err != nil {
		return nil, err
	}
	switch {
	case m.Family != "":
		return nil, badData("another path for family %s: only a %s has a trained field to turn", m.FamilyName(), CFM)
	case m.Distilled:
		return nil, badData("another path for a distilled model: it has one step and no path")
	}
	from, err := ParsePath(m.Path)
	if err != nil {
		return nil, err
	}
	g := *f
	if g.Field, err = cfm.ChangePath(f.Field, from, p); err != nil {
		return nil, badData("from path %s to %s: %s", m.Path, to, strings.TrimPrefix(err.Error(), "cfm: change of path: "))
	}
	return &g, nil
}

// noiseFor is the noise level that a sample is drawn at; 0 is the ordinary equation.
func (m *Model) noiseFor(o SampleOptions) (float64, error) {
	switch {
	case math.IsNaN(o.Noise) || math.IsInf(o.Noise, 0):
		return 0, badData("noise %v: want a finite number", o.Noise)
	case o.Noise < 0:
		return 0, nil
	case o.Noise == 0:
		if m.Score > 0 && o.Guidance == 0 && o.Path == "" && o.Solver == (Solver{}) && m.Sampler == nil {
			return 1, nil // the bridge itself
		}
		return 0, nil
	case !m.HasField():
		return 0, badData("noise on the way of family %s: only a %s has a way", m.FamilyName(), CFM)
	case o.Guidance != 0:
		return 0, badData("noise needs the score of the law, and a guided field has another law: take noise or guidance")
	case m.Distilled:
		return 0, badData("noise on the way of a distilled model: it has one step and no way")
	case m.Score > 0:
		return o.Noise, nil
	case m.Reflow > 0 || m.Coupling != "independent":
		return 0, badData("noise needs the score, and the velocity of coupling %s does not give it: train with -coupling independent, or velocity and score together (objective %s)", m.Coupling, Bridged)
	case m.Source != "":
		return 0, badData("noise needs the score, and the velocity from the source %s does not give it: train velocity and score together (objective %s)", m.Source, Bridged)
	}
	return o.Noise, nil
}

// noisySteps is how many steps a sample with noise takes unless it is told otherwise.
const noisySteps = 128

// diffuse carries rows from … along noisy paths.
func (m *Model) diffuse(ctx context.Context, f *cfm.Flow[float32], x, cond autograd.Tensor[float32], noise float64, key rng.Key, o SampleOptions) (cfm.Samples[float32], error) {
	name := m.Path
	if o.Path != "" {
		name = o.Path
	}
	path, err := ParsePath(name)
	if err != nil {
		return cfm.Samples[float32]{}, err
	}
	sde := cfm.SDEOptions{Path: path, Noise: noise, Steps: noisySteps, Row0: o.From}
	if o.Step > 0 {
		sde.Steps = max(1, int(math.Ceil(1/o.Step-1e-9)))
	}
	switch o.Method {
	case "":
		if m.Score == 0 {
			sde.Method = odeint.StochasticHeun
		}
	case "euler":
	case "heun":
		sde.Method = odeint.StochasticHeun
	default:
		return cfm.Samples[float32]{}, badData("method %s with noise: there are euler (Euler and Maruyama's) and heun", o.Method)
	}
	if o.Rtol > 0 || o.Atol > 0 {
		return cfm.Samples[float32]{}, badData("tolerances with noise: its steps are fixed; set their number")
	}
	return under(f, cond).TransportSDE(ctx, x, 0, 1, key, sde)
}
