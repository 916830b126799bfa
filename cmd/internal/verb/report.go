package verb

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"strings"

	"pushforward/cfm/metric"
	"pushforward/cfm/model"
	"pushforward/cmd/internal/progress"
	"pushforward/cmd/internal/runs"
	"pushforward/simd/rng"
)

// figures are the final figures of a run, as summary.json keeps them. A figure that makes no sense for
// the data is left out.
type figures struct {
	Steps     int     `json:"steps"`
	WallS     float64 `json:"wall_s"`
	StepsPerS float64 `json:"steps_per_s"`

	ValLoss    *float64 `json:"val_loss"` // the lowest found
	BestStep   int      `json:"best_step"`
	StartLoss  *float64 `json:"start_loss,omitempty"` // of the weights that -from named
	WentBack   int      `json:"went_back,omitempty"`  // scores that were no better than the best before
	LogP       *float64 `json:"logp_nats"`
	LogPErr    *float64 `json:"logp_err,omitempty"` // standard error of the mean over LogPRows rows
	LogPRows   int      `json:"logp_rows,omitempty"`
	BitsPerDim *float64 `json:"bits_per_dim"`
	KL         *float64 `json:"kl_nats,omitempty"` // law to model on the same rows, if the data are a law's
	KLErr      *float64 `json:"kl_err,omitempty"`
	Gaussian   *float64 `json:"gaussian_logp_nats,omitempty"` // the same rows under one Gaussian a class

	// Of drawn rows to the held-out ones, unbiased. Of digits: drawn in equal parts of each class, the mean
	// over EnergyDraws draws with its standard error, since one draw's varies by half its size.
	Energy      *float64 `json:"energy_distance"`
	EnergyErr   *float64 `json:"energy_distance_err,omitempty"`
	EnergyDraws int      `json:"energy_draws,omitempty"`
	EnergyFirst *float64 `json:"energy_distance_first_draw,omitempty"`
	EnergyHeld  *float64 `json:"energy_distance_held_classes,omitempty"` // of rows drawn in the parts that held-out rows have
	EnergyFloor *float64 `json:"energy_floor"`                           // between two halves of the held-out rows
	EnergyUnit  string   `json:"energy_unit,omitempty"`

	Reflow  []pass         `json:"reflow,omitempty"`
	Sampler *model.Sampler `json:"sampler,omitempty"`

	Agreement     *float64 `json:"class_agreement,omitempty"`
	AgreementReal *float64 `json:"class_agreement_real,omitempty"`
	CopyShare     *float64 `json:"copy_share,omitempty"`

	tried []model.Tried
}

func num(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// drawnRows is how many rows the figures draw, and digitDraws how many times over digits do for their
// energy distance.
const (
	drawnRows  = 1000
	digitDraws = 10
)

// finish ends a training: the model file first, then figures and pictures.
func (s *session) finish(wall float64) error {
	ctx := s.e.ctx
	m, err := s.fit.Finish(ctx)
	if err != nil {
		return s.unfinished(err)
	}
	m, tried, err := s.tuned(m)
	if err != nil {
		return s.unfinished(err)
	}
	if err := s.folder.WriteFile(runs.Model, m.Write); err != nil {
		return err
	}
	if err := s.measureAfter(m); err != nil {
		return s.unfinished(err)
	}
	val, at := s.fit.Val()
	f := figures{Reflow: s.rounds, Sampler: m.Sampler, tried: tried, Steps: s.fit.Step(), WallS: s.before + wall, ValLoss: num(val), BestStep: at}
	start, back := s.fit.FromStart()
	f.StartLoss, f.WentBack = num(start), back
	if n := s.fit.Step() - s.first; n > 0 && wall > 0 {
		f.StepsPerS = float64(n) / wall
	}
	drawn, err := s.judge(ctx, m, &f)
	if err == nil {
		err = s.pictures(ctx, m, drawn)
	}
	if err != nil {
		return s.unfinished(err)
	}
	if err := s.folder.WriteJSON(runs.Summary, f); err != nil {
		return err
	}
	var text strings.Builder
	s.table(&text, f)
	s.folder.Logf("finished\n%s", text.String())
	_, err = io.WriteString(s.e.out, text.String())
	return err
}

// unfinished tells of a signal, or an error, met after the training.
func (s *session) unfinished(err error) error {
	if s.e.ctx.Err() != nil {
		fmt.Fprintf(s.e.err, "stopped before the figures; the training is saved. Go on with:\n  %s -resume %s\n", invocation(), s.folder.Dir)
		return &problem{stopCode(s.e.ctx), errSilent}
	}
	return err
}

// again prints the figures of a run that was finished before.
func (s *session) again() error {
	b, err := os.ReadFile(s.folder.Path(runs.Summary))
	if err != nil {
		return err
	}
	var f figures
	if err := json.Unmarshal(b, &f); err != nil {
		return refuse("%s: %v", s.folder.Path(runs.Summary), err)
	}
	s.table(s.e.out, f)
	return nil
}

// judge fills in what the model is worth, and returns rows it drew.
func (s *session) judge(ctx context.Context, m *model.Model, f *figures) (model.Samples, error) {
	scored, d := s.fit.Scored()
	if len(scored) > 0 {
		mean, dev := meanDev(d.LogP)
		f.LogP, f.LogPErr, f.LogPRows = num(mean), num(dev/math.Sqrt(float64(len(scored)))), len(scored)
		bits := -mean / (float64(m.Dim) * math.Ln2)
		if m.Levels > 0 {
			bits += math.Log2(float64(m.Levels))
		}
		f.BitsPerDim = num(bits)
		f.Gaussian = num(s.gaussian(m, scored))
		if s.data.law != nil {
			_, f.KL, f.KLErr = paired(s.data.law, pick(s.data.rows, scored), d.LogP)
		}
	}
	drawn, err := m.Sample(ctx, drawnRows, model.SampleOptions{Seed: s.c.Seed, Given: s.givenHeld(m)})
	if err != nil {
		return drawn, err
	}
	held := s.fit.Held()
	if len(held) > 4*drawnRows {
		held = held[:4*drawnRows]
	}
	if len(held) >= 4 {
		real := pick(s.data.rows, held)
		x, y := s.units(m, drawn.Rows), s.units(m, real)
		u, _ := metric.EnergyDistance(x, y, m.Dim)
		f.Energy, f.EnergyFloor = num(u), num(twoHalves(y, m.Dim))
		f.EnergyUnit = "standardised columns"
		if m.Levels > 0 {
			f.EnergyUnit = "grey levels"
		} else if s.data.law != nil {
			f.EnergyUnit = "columns"
		}
	}
	if s.data.side > 0 && len(s.data.conds) == 1 && len(held) >= 4 {
		// Held-out rows are not in equal parts of each class; these are.
		given := make([][]float64, drawnRows)
		for i := range given {
			given[i] = []float64{float64(i % len(m.Conditions[0].Classes))}
		}
		real := flat(pick(s.data.rows, held))
		var each []float64
		for k := range digitDraws {
			// Row i depends on its number only, so further draws are further rows of the same seed.
			more, err := m.Sample(ctx, drawnRows, model.SampleOptions{Seed: s.c.Seed, From: k * drawnRows, Given: given})
			if err != nil {
				return more, err
			}
			if k == 0 {
				drawn = more
			}
			u, _ := metric.EnergyDistance(flat(more.Rows), real, m.Dim)
			each = append(each, u)
		}
		mean, dev := meanDev(each)
		f.EnergyHeld, f.Energy = f.Energy, num(mean)
		f.EnergyErr, f.EnergyDraws, f.EnergyFirst = num(dev/math.Sqrt(digitDraws)), digitDraws, num(each[0])
		s.votes(f, m, drawn, held)
	}
	return drawn, nil
}

// twoHalves is the energy distance between two halves of x, shuffled since files have an order.
func twoHalves(x []float64, dim int) float64 {
	perm := make([]int, len(x)/dim)
	rng.Perm(rng.New(0).Named("halves"), perm)
	y := make([]float64, 0, len(x))
	for _, i := range perm {
		y = append(y, x[i*dim:(i+1)*dim]...)
	}
	half := len(perm) / 2 * dim
	u, _ := metric.EnergyDistance(y[:half], y[half:], dim)
	return u
}

// units flattens rows in the units that distances are measured in: those of the data for images and
// laws, standardised columns for tables, whose units are not comparable.
func (s *session) units(m *model.Model, rows [][]float64) []float64 {
	x := flat(rows)
	if m.Levels > 0 || s.data.law != nil || m.Scale == nil || m.Logit > 0 {
		return x
	}
	for i := range x {
		x[i] /= m.Scale[i%m.Dim]
	}
	return x
}

// givenHeld returns what the held-out rows are given, in turn, so that drawn rows can be compared with
// them; nil for a model without conditions.
func (s *session) givenHeld(m *model.Model) [][]float64 {
	if len(m.Conditions) == 0 {
		return nil
	}
	from := s.fit.Held()
	if len(from) == 0 {
		from = s.fit.Train()
	}
	given := make([][]float64, drawnRows)
	for i := range given {
		given[i] = s.data.given[from[i%len(from)]]
	}
	return given
}

// votes asks the nearest training rows which class drawn rows are of, and how near they are.
func (s *session) votes(f *figures, m *model.Model, drawn model.Samples, held []int) {
	train := pick(s.data.rows, s.fit.Train())
	var class []int
	for _, g := range pick(s.data.given, s.fit.Train()) {
		class = append(class, int(g[0]))
	}
	agree := func(rows, given [][]float64) float64 {
		n := 0
		for i, k := range metric.Vote(flat(train), class, flat(rows), m.Dim, 5) {
			if k == int(given[i][0]) {
				n++
			}
		}
		return float64(n) / float64(len(rows))
	}
	real := pick(s.data.rows, held)
	f.Agreement = num(agree(drawn.Rows, drawn.Given))
	f.AgreementReal = num(agree(real, pick(s.data.given, held)))
	f.CopyShare = num(metric.CopyShare(flat(train), flat(real), flat(drawn.Rows), m.Dim))
}

// table prints the figures.
func (s *session) table(w io.Writer, f figures) {
	row := func(name, format string, a ...any) {
		fmt.Fprintf(w, "%-21s "+format+"\n", append([]any{name}, a...)...)
	}
	unit := ""
	if s.data.levels > 0 {
		unit = fmt.Sprintf(" of (k+u)/%d, u uniform", s.data.levels)
	}
	if f.ValLoss != nil {
		kept := "whose averaged weights are kept"
		if s.fit.Options().Image {
			kept = "the lowest; the last average is kept"
		}
		row("held-out loss", "%.4f at step %d, %s", *f.ValLoss, f.BestStep, kept)
	}
	if f.StartLoss != nil {
		row("  of the start", "%.4f; scores that were no better, so that training went back to the best: %d", *f.StartLoss, f.WentBack)
	}
	if f.LogP != nil {
		row("held-out log-density", "%.2f ± %.2f nats%s (%d rows)", *f.LogP, value(f.LogPErr), unit, f.LogPRows)
	}
	if f.BitsPerDim != nil {
		row("bits per dimension", "%.3f%s", *f.BitsPerDim, strings.Replace(unit, " of", " for", 1))
	}
	if f.KL != nil {
		row("  KL(law ‖ model)", "%.4f ± %.4f nats", *f.KL, value(f.KLErr))
	}
	if f.Gaussian != nil {
		what := "one Gaussian"
		if len(s.data.conds) > 0 {
			what = "one Gaussian a class"
		}
		row("  "+what, "%.2f nats on the same rows", *f.Gaussian)
	}
	switch {
	case f.EnergyErr != nil:
		row("energy distance", "%.4f ± %.4f to the held-out rows, mean of %d draws of %d; the first %.4f", *f.Energy, *f.EnergyErr, f.EnergyDraws, drawnRows, value(f.EnergyFirst))
		row("  as held out", "%.4f drawn in the held-out rows' classes; two real halves %.4f (%s)", value(f.EnergyHeld), value(f.EnergyFloor), f.EnergyUnit)
	case f.Energy != nil:
		row("energy distance", "%.4f to the held-out rows; two real halves %.4f (%s)", *f.Energy, value(f.EnergyFloor), f.EnergyUnit)
	}
	if f.Agreement != nil {
		row("class agreement", "%.3f of %d drawn rows; real held-out rows %.3f (5 nearest training rows vote)", *f.Agreement, drawnRows, value(f.AgreementReal))
	}
	if f.CopyShare != nil {
		row("copy share", "%.3f nearer to a training row than 98%% of real ones; honest is 0.02", *f.CopyShare)
	}
	for i, p := range f.Reflow {
		row(fmt.Sprintf("reflow, round %d", i+1), "%s", p)
	}
	for _, t := range f.tried {
		row("  "+t.Sampler.String(), "%.4g evaluations a row: W₂ %.2g, rows %.2g of the spread; energy %.4g, curvature %.2g", t.Evals, t.W2, t.Paired, t.Energy, t.Curvature)
	}
	if f.Sampler != nil && f.Sampler.Error > 0 {
		row("sampler", "%s: the cheapest with W₂ ≤ %g of the spread", f.Sampler, f.Sampler.Error)
	}
	row("training", "%d steps in %.1f s, %s steps/s", f.Steps, f.WallS, progress.Rate(f.StepsPerS))
	for _, p := range []string{"samples.png", "loss.png"} {
		if path := runs.Plots + "/" + p; s.folder.Has(path) {
			row("picture", "%s", s.folder.Path(path))
		}
	}
	row("model", "%s", s.folder.Path(runs.Model))
}

func value(p *float64) float64 {
	if p == nil {
		return math.NaN()
	}
	return *p
}

// meanDev returns mean and standard deviation, leaving out what is not a number.
func meanDev(x []float64) (mean, dev float64) {
	n := 0
	for _, v := range x {
		if !math.IsNaN(v) {
			mean += v
			n++
		}
	}
	if n == 0 {
		return math.NaN(), math.NaN()
	}
	mean /= float64(n)
	for _, v := range x {
		if !math.IsNaN(v) {
			dev += (v - mean) * (v - mean)
		}
	}
	return mean, math.Sqrt(dev / float64(max(n-1, 1)))
}
