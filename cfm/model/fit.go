package model

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"pushforward/autograd"
	"pushforward/cfm"
	"pushforward/nn"
	"pushforward/odeint"
	"pushforward/optim"
	"pushforward/simd/rng"
)

// Fit trains a model on rows, all of one length. It ends early, with ctx's error, when ctx ends.
//
// Its errors wrap ErrData if rows or options are unusable and ErrDiverged if training met a number
// that is not finite.
func Fit(ctx context.Context, rows [][]float64, opt Options) (*Model, error) {
	f, err := NewFitter(rows, opt)
	if err != nil {
		return nil, err
	}
	if err := f.Run(ctx); err != nil {
		return nil, err
	}
	return f.Finish(ctx)
}

// Fitter is a fit in progress: what Fit does, in steps that can be stopped, saved and gone on with. It
// belongs to one goroutine.
type Fitter struct {
	// Notes are remarks on the data that are no errors: constant columns, nothing held out.
	Notes []string

	opt         Options
	m           *Model                // its flow is the one being trained
	trainer     *cfm.Trainer[float32] // nil: there is nothing to train
	rows, given [][]float64
	train, held []int
	val         float64 // the held-out loss last found
	start       float64 // that of Options.Start
	watch       func(Progress)
	scored      []int // the held-out rows that Finish scored
	density     Density
}

// NewFitter prepares a fit. rows and opt.Given are read, and must not change, until Finish.
func NewFitter(rows [][]float64, opt Options) (*Fitter, error) {
	dim, err := checkRows(rows, "rows")
	if err != nil {
		return nil, err
	}
	if err := opt.check(len(rows), dim); err != nil {
		return nil, err
	}
	for i, g := range opt.Given {
		if err := checkGiven(opt.Conditions, g, i); err != nil {
			return nil, err
		}
	}
	f := &Fitter{rows: rows, given: opt.Given, val: math.NaN(), start: math.NaN()}
	if opt.Law == nil && opt.Holdout >= 0 {
		share := opt.Holdout
		if share == 0 {
			share = 0.2
		}
		f.train, f.held = Split(rows, opt.Given, share)
	} else {
		f.train, _ = Split(rows, nil, 0)
		if opt.Law != nil {
			f.held = f.train // all of them only judge
		}
	}
	if len(f.train) < 2 {
		return nil, badData("%d rows: training needs at least 2 that differ", len(rows))
	}
	if len(f.held) == 0 {
		f.Notes = append(f.Notes, "no rows are held out: the last weights are kept and p-values are not calibrated")
	}
	opt = opt.withDefaults(dim, len(f.train))
	f.opt = opt
	build := f.build
	if opt.From != nil {
		build = func(int) error { return f.straighten() }
	}
	if err := build(dim); err != nil {
		return nil, err
	}
	return f, nil
}

// build makes the model and its trainer.
func (f *Fitter) build(dim int) error {
	opt := f.opt
	spec := Spec{
		Dim: dim, Columns: opt.Columns, Levels: opt.Levels,
		Hidden: opt.Hidden, Blocks: opt.Blocks, Freqs: 4,
		Path: opt.Path, Coupling: opt.Coupling, Times: opt.Times, Source: opt.SourceTag,
		Seed: opt.Seed, Steps: opt.Steps, Batch: opt.Batch, LR: opt.LR, Rows: len(f.train),
	}
	switch {
	case opt.Family == KDE:
		spec.Family, spec.Freqs, spec.Coupling = KDE, 0, "independent"
	case opt.Family != CFM:
		spec.discrete(opt)
	case opt.Image:
		spec.Width, spec.Norm, spec.Freqs = 64, true, 8
	}
	if opt.Anomaly && opt.Family != KDE { // whose kernels are noise
		spec.Noise = anomalyNoise(len(f.train))
	}
	spec.DropCond = opt.DropCond
	if b, ok := opt.bridge(); ok && opt.Objective == Bridged {
		spec.Score = b.Sigma
	}
	for j, c := range opt.Conditions {
		c.Loc, c.Scale = 0, 0
		if len(c.Classes) == 0 {
			c.Loc, c.Scale = moments(f.given, f.train, j, 0)
			if c.Scale == 0 {
				c.Scale = 1
			}
			c.Marked = opt.DropCond > 0
		}
		spec.Conditions = append(spec.Conditions, c)
	}
	if len(opt.Conditions) > 0 {
		spec.Mix = mixOf(spec.Conditions, pick(f.given, f.train))
	}
	if opt.Scaling == Logit {
		spec.Logit = logitAlpha
	}
	if opt.Start != nil {
		spec.Logit = opt.Start.Logit
	}
	if err := spec.checkSupport(f.rows); err != nil {
		return err
	}
	if err := f.scale(&spec); err != nil {
		return err
	}
	if opt.Start != nil {
		opt.Start.lend(&spec)
		f.opt.Hidden, f.opt.Blocks = spec.Hidden, spec.Blocks
	}
	m := newModel(spec)
	m.flow.Theta = m.params.Init(rng.New(opt.Seed).Named("init"))
	if opt.Start != nil {
		copy(m.flow.Theta, opt.Start.flow.Theta)
	}
	if opt.Source != nil {
		m.flow.Source = opt.Source
	}
	if p, err := ParsePath(opt.Path); err == nil && spec.Family == "" {
		if err := cfm.CheckSource(p, m.flow.Source, cfm.GivenBoth); err != nil {
			return badData("path %q: %v", opt.Path, err)
		}
	}
	f.m = m
	if k, ok := m.gen.(*kde); ok {
		return f.kernels(k)
	}

	loss, err := m.gen.objective(opt)
	if err != nil {
		return err
	}
	coupling, err := ParseCoupling(opt.Coupling)
	if err != nil {
		return err
	}
	if opt.Force {
		coupling = cfm.Forced{Coupling: coupling}
	}
	fall := opt.Steps // where the rate would be zero
	if opt.Image {
		fall = int(imageFall * float64(opt.Steps))
	}
	warm := min(100, opt.Steps/10)
	if opt.Start != nil {
		warm = min(100, opt.Steps/4)
	}
	f.trainer = &cfm.Trainer[float32]{
		Flow: m.flow, Loss: loss, Coupling: coupling,
		LR:    optim.Cosine(opt.LR, warm, fall),
		Batch: opt.Batch, Steps: opt.Steps, ValEvery: opt.ValEvery, DropCond: opt.DropCond,
		Key: rng.New(opt.Seed).Named("train"), OnStep: f.onStep, Guard: opt.Start != nil && len(f.held) > 0,
	}
	if opt.Law != nil {
		f.trainer.Data = drawn{opt.Law, m}
	} else {
		f.trainer.Data = f.data(f.train)
	}
	if len(f.held) > 0 {
		f.trainer.Val = f.data(f.held)
	}
	if err := f.begin(); err != nil {
		return err
	}
	if opt.Start != nil && len(f.held) > 0 { // the start is kept if nothing is better
		f.start, err = f.trainer.Validate()
		f.val = f.start
	}
	return err
}

// beginRows is how many training rows the parameters that start from data are set by.
const beginRows = 512

// begin sets the parameters that start from data.
func (f *Fitter) begin() error {
	n := min(beginRows, len(f.train))
	b := cfm.Batch[float32]{Row: make([]int, n), Total: n}
	for i := range b.Row {
		b.Row[i] = i
	}
	if err := f.data(f.train).Next(&b, rng.New(f.opt.Seed).Named("begin")); err != nil {
		return err
	}
	f.m.gen.begin(f.m.flow.Theta, b.X1, b.Cond)
	return nil
}

// data feeds some of the rows to a trainer, spread out over their levels if they have any.
func (f *Fitter) data(index []int) cfm.Data[float32] {
	x := autograd.NewTensor[float32](len(index), f.m.Dim)
	for i, r := range index {
		if f.m.Levels > 0 {
			narrow(x.Row(i), f.rows[r])
		} else {
			f.m.toField(x.Row(i), f.rows[r])
		}
	}
	var d cfm.Data[float32]
	if w := condWidth(f.m.Conditions); w > 0 {
		c := autograd.NewTensor[float32](len(index), w)
		for i, r := range index {
			encode(c.Row(i), f.m.Conditions, f.given[r])
		}
		d = cfm.FromConditioned(x, c)
	} else {
		d = cfm.FromTensor(x)
	}
	if f.m.Levels > 0 {
		d = cfm.Augment(d, f.m.spread)
	}
	if f.m.Noise > 0 {
		d = noisy(d, f.m.Dim, f.m.Noise)
	}
	return d
}

// narrow copies a row.
func narrow(dst []float32, row []float64) {
	for j, v := range row {
		dst[j] = float32(v)
	}
}

// drawn is training data that a law draws anew for every batch.
type drawn struct {
	law interface {
		Sample(dst []float64, key rng.Key)
	}
	m *Model
}

func (d drawn) Next(b *cfm.Batch[float32], key rng.Key) error {
	dim := d.m.Dim
	most := 0
	for _, r := range b.Row {
		most = max(most, r)
	}
	x := make([]float64, (most+1)*dim)
	d.law.Sample(x, key.Fold(uint64(b.Step)))
	cfm.Grow(&b.X1, len(b.Row), dim)
	for i, r := range b.Row {
		d.m.toField(b.X1.Row(i), x[r*dim:(r+1)*dim])
	}
	return nil
}

// Run trains until the last step or until ctx ends, whose error it returns; the fit is then between two
// steps, fit for Save and for another Run.
func (f *Fitter) Run(ctx context.Context) error {
	return f.Watch(ctx, func(Progress) bool { return true })
}

// Watch is Run with a function that is called after each step, between steps: the fit may be saved in
// it. Training stops, without an error, when it returns false.
func (f *Fitter) Watch(ctx context.Context, step func(Progress) bool) error {
	if f.trainer == nil {
		return ctx.Err()
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	stopped := false
	f.watch = func(p Progress) {
		if !step(p) {
			stopped = true
			stop()
		}
	}
	err := f.trainer.Run(ctx)
	if stopped && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// onStep is what the trainer calls. It is set once: a trainer's settings are fixed when it begins.
func (f *Fitter) onStep(m cfm.Metrics) {
	if m.HasVal {
		f.val = m.Val
	}
	p := Progress{
		Step: m.Step, Steps: f.opt.Steps, Loss: m.Loss, GradNorm: m.GradNorm, LR: m.LR,
		Val: f.val, HasVal: m.HasVal, Own: m.Own, Share: m.Share,
	}
	if f.opt.OnStep != nil {
		f.opt.OnStep(p)
	}
	f.watch(p)
}

// Weights is the number of the network's weights.
func (f *Fitter) Weights() int { return f.m.Weights() }

// Val is the lowest held-out loss found, NaN if none was, and its step. Finish keeps the averaged weights
// of that step, but for images.
func (f *Fitter) Val() (loss float64, step int) {
	if f.trainer == nil {
		return math.NaN(), 0
	}
	loss, step, ok := f.trainer.BestLoss()
	if !ok {
		return math.NaN(), f.Step()
	}
	return loss, step
}

// FromStart is the held-out loss of Options.Start, NaN without one or held-out rows, and how many scores since were no better
// than the best before them, to which training then went back.
func (f *Fitter) FromStart() (loss float64, wentBack int) {
	if f.trainer == nil {
		return math.NaN(), 0
	}
	return f.start, f.trainer.WentBack()
}

// Step is the number of steps done.
func (f *Fitter) Step() int {
	if f.trainer == nil {
		return 0
	}
	return f.trainer.StepCount()
}

// Options are the options of the fit, defaults filled in.
func (f *Fitter) Options() Options { return f.opt }

// Train and Held are the places, in the rows given, of those trained on and of those held out.
func (f *Fitter) Train() []int { return f.train }

// Held: see Train.
func (f *Fitter) Held() []int { return f.held }

// Save writes all that the next step depends on, as a safetensors file with a sum over its bytes.
func (f *Fitter) Save(w io.Writer) error {
	if f.trainer == nil { // the rows and the options make it again
		return seal(w, &nn.File{}, map[string]string{"model": f.m.Spec.text()})
	}
	b, err := collect(f.trainer.Save)
	if err != nil {
		return fmt.Errorf("model: state: %w", err)
	}
	return seal(w, b, map[string]string{"model": f.m.Spec.text()})
}

// Load takes up what Save wrote in a fit made from equal rows and options. It refuses a state that is
// damaged or another fit's, and then changes nothing.
func (f *Fitter) Load(r io.Reader) error {
	b, meta, err := unseal(r)
	if err != nil {
		return err
	}
	if meta["model"] != f.m.Spec.text() {
		return badFile("state: it belongs to a fit with other data or options")
	}
	if f.trainer == nil {
		return nil
	}
	if err := f.trainer.Load(b); err != nil {
		return badFile("state: %v", err)
	}
	return nil
}

// Finish returns the model with the best averaged weights so far, for images with the last (see
// Options.Image), after working out the log-densities of some held-out rows, against which p-values are
// read.
func (f *Fitter) Finish(ctx context.Context) (*Model, error) {
	m := *f.m
	flow := *f.m.flow
	switch {
	case f.trainer == nil:
	case f.opt.Image:
		flow = *f.trainer.Averaged()
	default:
		flow = *f.trainer.Best()
	}
	m.flow = &flow
	held := f.held
	if n := f.opt.Calibrate; n < len(held) {
		held = held[:max(n, 0)] // in the order of the rows, which a hash has chosen
	}
	if len(held) > 0 && m.HasDensity() {
		d, err := m.LogDensity(ctx, pick(f.rows, held), DensityOptions{Given: pick(f.given, held), Seed: f.opt.Seed})
		var row *odeint.SolveError // such rows have no density, and the others are enough
		if err != nil && (ctx.Err() != nil || !errors.As(err, &row)) {
			return nil, err
		}
		m.calibrate(d.LogP)
		f.scored, f.density = held, d
	}
	if held := f.held[:min(len(f.held), detectorRows)]; f.opt.Anomaly && len(held) > 0 {
		if f.opt.Family == CFM && len(m.Conditions) == 0 {
			x, _ := m.placed(pick(f.rows, f.train), DensityOptions{Seed: f.opt.Seed})
			y, _ := m.placed(pick(f.rows, held), DensityOptions{Seed: f.opt.Seed + 1})
			m.detector = &detector{Kernels: newSmoothed(x, y)}
		}
		l, err := m.look(ctx, pick(f.rows, held), AnomalyOptions{Given: pick(f.given, held), Seed: f.opt.Seed, Fast: true}, true)
		if err != nil {
			return nil, err
		}
		m.learn(l)
	}
	m.golden = m.answers()
	return &m, nil
}

// Scored returns what Finish found for the held-out rows it scored: their places in the rows given, and
// their log-densities.
func (f *Fitter) Scored() (index []int, d Density) { return f.scored, f.density }

// pick returns some of rows.
func pick(rows [][]float64, index []int) [][]float64 {
	if rows == nil {
		return nil
	}
	p := make([][]float64, len(index))
	for i, r := range index {
		p[i] = rows[r]
	}
	return p
}
