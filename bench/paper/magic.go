package main

import (
	"context"
	"fmt"
	"math"
	"strings"

	"pushforward/cfm/model"
)

func init() {
	tables = append(tables, Table{
		Name:  "magic",
		About: "held-out negative log-density of magic_gamma, nats a row, every family against a Gaussian and a mixture of 20",
		Data:  "the folder of magic_gamma.csv.gz (or of adbench/), with baselines.json in it or above",
		Seeds: 1,
		Run:   magic,
	})
}

// The bars: the best of the families, and each of them against scikit-learn's mixture of 20.
const (
	magicBar     = 4.3
	magicMixture = 5.8724
)

// magicRecipe is how a family is trained.
func magicRecipe(family string) model.Options {
	o := model.Options{Family: family, Scaling: model.None, Holdout: 0.1, Steps: 4000, Hidden: 128}
	switch family {
	case model.CFM:
		o.Steps, o.Blocks = 8000, 3
	case model.MAF:
		o.Steps, o.Blocks = 2000, 10
	}
	return o
}

// magicLine is what -json prints of a family.
type magicLine struct {
	Table     string             `json:"table"`
	Set       string             `json:"set"`
	Family    string             `json:"family"`
	Seed      int                `json:"seed"`
	NLL       float64            `json:"nll"`
	NLLErr    float64            `json:"nll_err"` // standard error over the rows
	AUROC     float64            `json:"auroc"`
	Shift     float64            `json:"check_shift"` // of nll under the second tolerance
	Worst     float64            `json:"check_worst"` // row
	Rows      int                `json:"rows"`
	Baselines map[string]float64 `json:"baselines"`
	BaseAUROC map[string]float64 `json:"baselines_auroc"`
}

// magic trains every family on the even normal rows, scores the odd ones, and scores them again at a tolerance a hundred
// times tighter (a discrete flow has no solver: there the check is its error bar).
func magic(ctx context.Context, r *Run) error {
	files, err := adFiles(r.Data)
	if err != nil {
		return err
	}
	base, err := readBaselines(r.Data)
	if err != nil {
		return err
	}
	for _, path := range files {
		if !strings.HasSuffix(path, "magic_gamma.csv.gz") {
			continue
		}
		s, err := readADSet(path)
		if err != nil {
			return err
		}
		b := base["magic_gamma.csv.gz"]
		best := math.Inf(1)
		for _, family := range model.Families() {
			if family == model.KDE || !r.Want(family) {
				continue
			}
			f := Figure{Case: s.name, Method: family, Metric: "nats a row", Bar: magicMixture}
			var last magicLine
			for seed := range r.Seeds {
				if last, err = magicFamily(ctx, r, s, family, seed); err != nil {
					return fmt.Errorf("%s: %w", family, err)
				}
				last.Baselines, last.BaseAUROC = b.NLL, b.auroc()
				f.Values = append(f.Values, last.NLL)
				if err := r.line(last); err != nil {
					return err
				}
			}
			f.Note = fmt.Sprintf("%s: tighter solver moves the mean by %.4f, the worst row by %.3f", family, last.Shift, last.Worst)
			r.quiet(f)
			best = min(best, r.figures[len(r.figures)-1].Mean)
		}
		if !math.IsInf(best, 1) {
			r.quiet(Figure{Case: s.name, Method: "best", Metric: "nats a row", Mean: best, Bar: magicBar})
		}
		for name, v := range b.NLL {
			r.quiet(Figure{Case: s.name, Method: name, Metric: "nats a row", Mean: v})
		}
		return nil
	}
	return fmt.Errorf("-data %s: it has no magic_gamma.csv.gz", r.Data)
}

func magicFamily(ctx context.Context, r *Run, s *adSet, family string, seed int) (l magicLine, err error) {
	o := magicRecipe(family)
	o.Seed, o.Calibrate = uint64(seed), -1
	fit, err := model.NewFitter(s.train, o)
	if err != nil {
		return l, err
	}
	if err := fit.Run(ctx); err != nil {
		return l, err
	}
	val, at := fit.Val()
	r.Log("%s, seed %d: trained; least held-out loss %.4f at step %d", family, seed, val, at)
	m, err := fit.Finish(ctx)
	if err != nil {
		return l, err
	}
	d, err := m.LogDensity(ctx, s.test, model.DensityOptions{})
	if unsolved(err) {
		return l, err
	}
	odd, err := m.LogDensity(ctx, s.strange, model.DensityOptions{Solver: model.Solver{Rtol: 1e-3, Atol: 1e-3}})
	if unsolved(err) {
		return l, err
	}
	l = magicLine{Table: "magic", Set: s.name, Family: family, Seed: seed, Rows: len(s.test)}
	l.NLL, l.NLLErr = negMean(d.LogP)
	l.AUROC = rank(negated(d.LogP), negated(odd.LogP))
	check := s.test[:min(len(s.test), 1000)]
	e, err := m.LogDensity(ctx, check, model.DensityOptions{Solver: model.Solver{Rtol: 1e-7, Atol: 1e-7}})
	if err != nil {
		return l, err
	}
	for i, v := range e.LogP {
		move := math.Abs(v-d.LogP[i]) + d.Err[i]
		l.Shift += (v - d.LogP[i]) / float64(len(check))
		l.Worst = max(l.Worst, move)
	}
	r.Log("%s, seed %d: %.3f ± %.3f nats; check: mean %+.4f, worst row %.3f; AUROC %.4f", family, seed, l.NLL, l.NLLErr, l.Shift, l.Worst, l.AUROC)
	return l, nil
}

// negMean is the mean of -v and its standard error, of what is not NaN.
func negMean(all []float64) (mean, bar float64) {
	var v []float64
	for _, x := range all {
		if !math.IsNaN(x) {
			v = append(v, x)
		}
	}
	n := float64(len(v))
	for _, x := range v {
		mean -= x / n
	}
	for _, x := range v {
		d := x + mean
		bar += float64(d*d) / n
	}
	return mean, math.Sqrt(bar / n)
}

func negated(v []float64) []float64 {
	w := make([]float64, len(v))
	for i, x := range v {
		w[i] = -x
	}
	return w
}
