package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sort"
	"time"

	"pushforward/cfm/model"
	"pushforward/odeint"
)

func init() {
	tables = append(tables, Table{
		Name:  "adbench",
		About: "anomaly detection: area under the curve of model.Anomaly at its defaults, every set of a folder",
		Data:  "a folder of NAME.csv.gz, last column label (or of adbench/), with baselines.json in it or above",
		Seeds: 1,
		Run:   adbench,
	})
}

// adBar is what the mean over the sets is to reach, where they are the ten of baselines.json.
const adBar = 0.918

// adLine is what -json prints of a set.
type adLine struct {
	Table    string             `json:"table"`
	Set      string             `json:"set"`
	AUROC    float64            `json:"auroc"`
	Values   []float64          `json:"auroc_by_seed"`
	Density  float64            `json:"auroc_density"` // of -log p alone
	NLL      *float64           `json:"nll"`           // of normal test rows, nats a row; null if no solve came to an end
	Train    int                `json:"train_rows"`
	Test     int                `json:"test_rows"`
	Seconds  float64            `json:"seconds"`
	Base     map[string]float64 `json:"baselines"`
	BaseNLL  map[string]float64 `json:"baselines_nll,omitempty"`
	Lost     []string           `json:"lost_to"` // the baselines that are better
	Families string             `json:"family"`
}

// nllRows bounds the normal and the strange test rows whose density is solved for: evenly spread over the file.
const nllRows = 1000

// adbench trains one model a set and seed, all with the same defaults, and ranks the test rows.
func adbench(ctx context.Context, r *Run) error {
	files, err := adFiles(r.Data)
	if err != nil {
		return err
	}
	base, err := readBaselines(r.Data)
	if err != nil {
		return err
	}
	var mean Figure
	means := map[string][]float64{}
	mean = Figure{Case: "mean", Method: "ours", Metric: "AUROC", Values: make([]float64, r.Seeds)}
	known, sets := 0, 0
	for _, path := range files {
		s, err := readADSet(path)
		if err != nil {
			return err
		}
		if !r.Want(s.name) {
			continue
		}
		b, ok := base[filepath.Base(path)]
		if ok {
			known++
		}
		sets++
		start := time.Now()
		l := adLine{Table: "adbench", Set: s.name, Train: len(s.train), Test: len(s.test) + len(s.strange), Base: b.auroc(), BaseNLL: b.NLL, Families: model.CFM, Lost: []string{}}
		nlls := 0.0
		for seed := range r.Seeds {
			a, density, nll, err := adRun(ctx, s, uint64(seed))
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			l.Values = append(l.Values, a)
			l.AUROC += a / float64(r.Seeds)
			l.Density += density / float64(r.Seeds)
			nlls += nll / float64(r.Seeds)
			mean.Values[seed] += a
		}
		if finite(nlls) {
			l.NLL = &nlls
		}
		l.Seconds = time.Since(start).Seconds()
		r.quiet(Figure{Case: s.name, Method: "ours", Metric: "AUROC", Values: l.Values})
		r.quiet(Figure{Case: s.name, Method: "-log p alone", Metric: "AUROC", Mean: l.Density})
		for _, name := range sortedNames(l.Base) {
			if l.Base[name] > l.AUROC {
				l.Lost = append(l.Lost, name)
			}
			means[name] = append(means[name], l.Base[name])
			r.quiet(Figure{Case: s.name, Method: name, Metric: "AUROC", Mean: l.Base[name]})
		}
		r.Log("%s: AUROC %.4f, density alone %.4f, %.2f nats; better: %v", s.name, l.AUROC, l.Density, nlls, l.Lost)
		if err := r.line(l); err != nil {
			return err
		}
	}
	if sets == 0 {
		return nil
	}
	for i := range mean.Values {
		mean.Values[i] /= float64(sets)
	}
	if known == 10 && sets == 10 {
		mean.Bar, mean.Over = adBar, true
	}
	r.quiet(mean)
	whole := map[string]float64{}
	for _, name := range sortedNames(means) {
		if v := means[name]; len(v) == sets {
			f := Figure{Case: "mean", Method: name, Metric: "AUROC", Values: v}
			f.complete()
			whole[name] = f.Mean
			r.quiet(Figure{Case: "mean", Method: name, Metric: "AUROC", Mean: f.Mean})
		}
	}
	last := r.figures[len(r.figures)-1-len(whole)]
	return r.line(map[string]any{"table": "adbench", "set": "mean", "sets": sets, "auroc": last.Mean, "auroc_by_seed": last.Values, "baselines": whole})
}

// adRun trains on the training rows and ranks the test rows of one set.
func adRun(ctx context.Context, s *adSet, seed uint64) (auroc, density, nll float64, err error) {
	m, err := model.Fit(ctx, s.train, model.Options{Seed: seed, Scaling: model.None, Anomaly: true, Calibrate: 16})
	if err != nil {
		return 0, 0, 0, err
	}
	normal, err := m.Anomaly(ctx, s.test, model.AnomalyOptions{Fast: true})
	if err != nil {
		return 0, 0, 0, err
	}
	strange, err := m.Anomaly(ctx, s.strange, model.AnomalyOptions{Fast: true})
	if err != nil {
		return 0, 0, 0, err
	}
	auroc = rank(normal.Score, strange.Score)
	o := model.DensityOptions{Solver: model.Solver{Rtol: 1e-3, Atol: 1e-3}}
	d, err := m.LogDensity(ctx, thin(s.test, nllRows), o)
	if unsolved(err) {
		return 0, 0, 0, err
	}
	e, err := m.LogDensity(ctx, thin(s.strange, nllRows), o)
	if unsolved(err) {
		return 0, 0, 0, err
	}
	nll, _ = negMean(d.LogP)
	return auroc, rank(negated(d.LogP), negated(e.LogP)), nll, nil
}

// unsolved reports an error other than that of single rows whose solve did not come to an end: their density is NaN.
func unsolved(err error) bool {
	var row *odeint.SolveError
	return err != nil && (!errors.As(err, &row) || errors.Is(err, context.Canceled))
}

// thin keeps at most n rows, evenly spread.
func thin(rows [][]float64, n int) [][]float64 {
	if len(rows) <= n {
		return rows
	}
	some := make([][]float64, n)
	for i := range some {
		some[i] = rows[i*len(rows)/n]
	}
	return some
}

// sortedNames returns the keys of m in order.
func sortedNames[V any](m map[string]V) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
