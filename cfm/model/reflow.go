package model

import (
	"context"
	"fmt"
	"io"
	"slices"

	"pushforward/autograd"
	"pushforward/cfm"
	"pushforward/nn"
	"pushforward/optim"
	"pushforward/simd/rng"
)

// Pairs are rows of a model's source and where its flow takes them, on standardised rows: what a round of
// reflow, or distillation, is trained on.
type Pairs struct {
	X0, X1 autograd.Tensor[float32]
	Given  [][]float64 // what each pair is given; nil without conditions
}

// PairsOptions configures Model.Pairs.
type PairsOptions struct {
	Seed  uint64
	Round int         // pairs of another round are other pairs
	Given [][]float64 // rows of conditions to take turns; nil: classes as often as they were seen
	Solver
}

// Pairs draws n pairs (x₀, T(x₀)) by the adaptive solver at 1e-5. Pair i depends on seed, round and i alone,
// not on the number of cores.
func (m *Model) Pairs(ctx context.Context, n int, opt PairsOptions) (*Pairs, error) {
	if err := m.reflows(); err != nil {
		return nil, err
	}
	if n < minPairs {
		return nil, badData("reflow: %d pairs, want at least %d", n, minPairs)
	}
	ode, err := opt.options(1e-5)
	if err != nil {
		return nil, err
	}
	key := rng.New(opt.Seed).Named("pairs").Fold(uint64(opt.Round))
	p := &Pairs{X0: autograd.NewTensor[float32](n, m.Dim)}
	if p.Given, err = m.givenRows(n, 0, turns(opt.Given, n), key.Named("given")); err != nil {
		return nil, err
	}
	m.sourceRows(p.X0, key.Named("source"), 0)
	got, err := m.gen.carry(ctx, m.flow, p.X0, m.encoded(p.Given), 0, 1, ode)
	if err != nil {
		return nil, fmt.Errorf("model: pairs: %w", err)
	}
	p.X1 = got.X
	return p, nil
}

// minPairs is the least number of pairs: some of them are held out.
const minPairs = 64

// turns repeats rows to n of them; fewer than two stay as they are.
func turns(rows [][]float64, n int) [][]float64 {
	if len(rows) < 2 {
		return rows
	}
	all := make([][]float64, n)
	for i := range all {
		all[i] = rows[i%len(rows)]
	}
	return all
}

// reflows refuses a model whose flow has no paths to straighten.
func (m *Model) reflows() error {
	switch {
	case m.FamilyName() != CFM:
		return badData("family %s has no paths: reflow is for %s", m.FamilyName(), CFM)
	case m.Distilled:
		return badData("the model is distilled: it is one step and has no paths; reflow the one it came from")
	case m.Source == "" && m.flow.Source != nil:
		return badData("path %s starts from noise of its own, and a reflowed model from the standard normal law: train on another path", m.Path)
	}
	return m.ready()
}

// Write writes pairs as a safetensors file.
func (p *Pairs) Write(w io.Writer) error {
	f := &nn.File{Meta: map[string]string{"format": Format, "pairs": "x0 of the source, x1 where the flow takes it; standardised"}}
	d := p.X0.Shape.Dim(1)
	f.Add("x0", p.X0.Data, p.X0.Rows(), d)
	f.Add("x1", p.X1.Data, p.X1.Rows(), d)
	if p.Given != nil {
		f.Add("given", slices.Concat(p.Given...), len(p.Given), len(p.Given[0]))
	}
	return nn.WriteSafetensors(w, f)
}

// ReadPairs reads pairs made for m and checks them. Its errors wrap ErrFile.
func (m *Model) ReadPairs(r io.Reader) (*Pairs, error) {
	f, err := nn.ReadSafetensors(r, -1)
	if err != nil {
		return nil, badFile("pairs: %v", err)
	}
	if f.Sum == "" {
		return nil, badFile("pairs: the file has no sum; it was written by another program")
	}
	take := func(name string, cols int) ([]float64, error) {
		a := f.Find(name)
		if a == nil {
			return nil, badFile("pairs: %q is missing", name)
		}
		if len(a.Shape) != 2 || a.Shape[1] != cols || a.Shape[0] < minPairs {
			return nil, badFile("pairs: %q is %v, want [n %d] with n ≥ %d", name, a.Shape, cols, minPairs)
		}
		x := make([]float64, a.Len())
		if err := nn.Fill(x, a); err != nil {
			return nil, badFile("pairs: %v", err)
		}
		for i, v := range x {
			if v-v != 0 {
				return nil, badFile("pairs: %q: row %d is not finite", name, i/cols+1)
			}
		}
		return x, nil
	}
	var flat [3][]float64
	for i, name := range []string{"x0", "x1", "given"} {
		cols := m.Dim
		if i == 2 {
			if cols = len(m.Conditions); cols == 0 {
				break
			}
		}
		if flat[i], err = take(name, cols); err != nil {
			return nil, err
		}
		if len(flat[i])/cols != len(flat[0])/m.Dim {
			return nil, badFile("pairs: %q has %d rows, x0 %d", name, len(flat[i])/cols, len(flat[0])/m.Dim)
		}
	}
	n := len(flat[0]) / m.Dim
	p := &Pairs{X0: autograd.NewTensor[float32](n, m.Dim), X1: autograd.NewTensor[float32](n, m.Dim)}
	narrow(p.X0.Data, flat[0])
	narrow(p.X1.Data, flat[1])
	if c := len(m.Conditions); c > 0 {
		for i := range n {
			row := flat[2][i*c : (i+1)*c]
			if err := checkGiven(m.Conditions, row, i); err != nil {
				return nil, badFile("pairs: %v", err)
			}
			p.Given = append(p.Given, row)
		}
	}
	return p, nil
}

// checkReflow refuses a fit from a model that rows or options do not belong to.
func (o Options) checkReflow(dim int) error {
	switch from := o.From; {
	case from == nil && (o.Pairs != nil || o.Distill):
		return badData("pairs without the model they are of")
	case from == nil:
		return nil
	case o.Pairs == nil:
		return badData("reflow needs pairs of the model's own")
	case from.Dim != dim:
		return badData("rows of %d columns, the model to be straightened has %d", dim, from.Dim)
	case o.Columns != nil && !slices.Equal(o.Columns, from.Columns):
		return badData("columns %s, those of the model to be straightened are %s", list(o.Columns), list(from.Columns))
	case !slices.EqualFunc(o.Conditions, from.Conditions, func(a, b Condition) bool {
		return a.Name == b.Name && slices.Equal(a.Classes, b.Classes)
	}):
		return badData("the conditions are not those of the model to be straightened; %s", from.conditionNames())
	case o.Pairs.X0.Shape != o.Pairs.X1.Shape, o.Pairs.X0.Rows() < minPairs, o.Pairs.X0.Shape.Dim(1) != dim, len(from.Conditions) > 0 && len(o.Pairs.Given) != o.Pairs.X0.Rows():
		return badData("pairs %v and %v with %d rows of conditions are not pairs of this model", o.Pairs.X0.Shape, o.Pairs.X1.Shape, len(o.Pairs.Given))
	default:
		return from.reflows()
	}
}

// straighten makes the model and the trainer of a round: the network goes on from where From's stands, on fixed
// pairs, a sixteenth of which are held out.
func (f *Fitter) straighten() error {
	from, pairs := f.opt.From, f.opt.Pairs
	n := pairs.X0.Rows()
	train := n - min(n/16, 4096)
	spec := from.Spec
	spec.Seed, spec.Steps, spec.Batch, spec.LR, spec.Rows = f.opt.Seed, f.opt.Steps, f.opt.Batch, f.opt.LR, train
	spec.Path, spec.Coupling, spec.Times, spec.Sampler, spec.DropCond = "condot", Reflowed, "", nil, 0
	if f.opt.Distill {
		spec.Distilled = true
	} else {
		spec.Reflow++
	}
	f.opt.Hidden, f.opt.Blocks, f.opt.Path, f.opt.Coupling, f.opt.Image = spec.Hidden, spec.Blocks, spec.Path, spec.Coupling, false
	m := newModel(spec)
	m.flow.Theta = slices.Clone(from.flow.Theta)
	m.flow.Source = from.flow.Source
	f.m = m
	loss := cfm.Match(m.flow.Field, cfm.CondOT{}, cfm.UniformTime)
	if spec.Distilled {
		loss = cfm.Distill(m.flow.Field)
	}
	f.trainer = &cfm.Trainer[float32]{
		Flow: m.flow, Loss: loss, LR: optim.Cosine(f.opt.LR, min(100, f.opt.Steps/10), f.opt.Steps),
		Data: pairs.data(m, 0, train), Val: pairs.data(m, train, n),
		Batch: f.opt.Batch, Steps: f.opt.Steps, ValEvery: f.opt.ValEvery,
		Key: rng.New(f.opt.Seed).Named("reflow").Fold(uint64(spec.Reflow)), OnStep: f.onStep,
	}
	return nil
}

// Reflowed is the coupling of a model trained on pairs of another's.
const Reflowed = "reflow"

// data feeds pairs lo to hi to a trainer.
func (p *Pairs) data(m *Model, lo, hi int) cfm.Data[float32] {
	x0, x1 := p.X0.Slice(lo, hi), p.X1.Slice(lo, hi)
	if p.Given == nil {
		return cfm.FromPairs(x0, x1)
	}
	return cfm.FromConditionedPairs(x0, x1, m.encoded(p.Given[lo:hi]))
}

// Course follows n draws from the source to the data and measures how straight they run, on standardised rows.
func (m *Model) Course(ctx context.Context, n int, opt SampleOptions) (cfm.Course, error) {
	if err := m.reflows(); err != nil {
		return cfm.Course{}, err
	}
	ode, err := opt.options(1e-4)
	if err != nil {
		return cfm.Course{}, err
	}
	key := rng.New(opt.Seed).Named("sample")
	given, err := m.givenRows(n, opt.From, opt.Given, key.Named("given"))
	if err != nil {
		return cfm.Course{}, err
	}
	x := autograd.NewTensor[float32](n, m.Dim)
	m.sourceRows(x, key.Named("source"), opt.From)
	c, err := under(m.flow, m.encoded(given)).Course(ctx, x, ode)
	if err != nil {
		return c, fmt.Errorf("model: course: %w", err)
	}
	return c, nil
}

// ReflowOptions configures Reflow.
type ReflowOptions struct {
	Rounds  int  // 1; none if only Distill
	Distill bool // at last, a network that takes the way in one Euler step
	Pairs   int  // 16384 a round
	Options      // Seed, Steps, Batch, LR, Conditions and Given of the rows, …
}

// Round is what a round of reflow did to the paths.
type Round struct {
	Distill       bool
	Before, After cfm.Course // After of a distilled model is zero: it has no paths
}

// courseRows is how many rows a Round follows.
const courseRows = 2048

// Reflow straightens a model (Liu et al. 2022): it draws pairs (x₀, T(x₀)) of the model's own and trains it to go
// from one to the other in a straight line, as many rounds as are asked for. The law at t = 1 stays, the transport
// cost does not rise, and fewer steps suffice. rows are data of the kind the model was trained on; they are not
// learned from, but their held-out part is what p-values rest on.
//
// The same in steps that can be stopped and saved: Model.Pairs, then a Fitter with Options.From and Options.Pairs.
func Reflow(ctx context.Context, m *Model, rows [][]float64, opt ReflowOptions) (*Model, []Round, error) {
	if opt.Rounds == 0 && !opt.Distill {
		opt.Rounds = 1
	}
	if opt.Pairs == 0 {
		opt.Pairs = DefaultPairs
	}
	if opt.Rounds < 0 {
		return nil, nil, badData("reflow: %d rounds", opt.Rounds)
	}
	var done []Round
	total := opt.Rounds
	if opt.Distill {
		total++
	}
	for k := 1; k <= total; k++ {
		o, r := opt.Options, Round{Distill: k > opt.Rounds}
		p, err := m.Pairs(ctx, opt.Pairs, PairsOptions{Seed: o.Seed, Round: k, Given: o.Given})
		if err != nil {
			return nil, done, err
		}
		follow := SampleOptions{Seed: o.Seed, Given: turns(p.Given, courseRows)}
		if r.Before, err = m.Course(ctx, courseRows, follow); err != nil {
			return nil, done, err
		}
		o.From, o.Pairs, o.Distill = m, p, r.Distill
		if m, err = Fit(ctx, rows, o); err != nil {
			return nil, done, err
		}
		if !r.Distill {
			if r.After, err = m.Course(ctx, courseRows, follow); err != nil {
				return nil, done, err
			}
		}
		done = append(done, r)
	}
	return m, done, nil
}

// DefaultPairs is how many pairs a round of reflow is trained on.
const DefaultPairs = 16384
