package main

import (
	"compress/bzip2"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"pushforward/cfm/metric"
	"pushforward/simd/rng"
)

// The benchmark of simulation-based inference (Lueckmann et al. 2021) with 10,000 simulations a task: how well 10,000
// draws of the learned posterior can be told from the 10,000 reference ones, averaged over the observations in the folder.
//
// One recipe serves all tasks, none is told its name. Parameters are scaled, those with a lognormal prior as logarithms; what least squares
// predict from the data is taken off; data come scaled and as arcsinh. The parameters of least held-out loss are kept. Simulations come
// from a box a little wider than a uniform prior (see sbiRecipe); draws that are outside the prior are drawn anew, and counted.

const (
	simulations = 10000
	drawsWanted = 10000
)

func init() {
	tables = append(tables, Table{
		Name:  "sbibm",
		About: "simulation-based inference, C2ST of posteriors from 10,000 simulations (Lueckmann et al. 2021)",
		Data:  "reference posteriors, TASK/num_observation_K/{observation.csv, reference_posterior_samples.csv.bz2}, as in PyPI's sbibm",
		Seeds: 1,
		Run:   sbibm,
	})
}

// observation is one observation with the reference posterior.
type observation struct {
	number       int
	x, reference []float64
}

const (
	metricC2ST    = "C2ST, sbibm's classifier"
	metricTrees   = "C2ST, boosted trees"
	metricRadius  = "crescent's radius, s.d. / true s.d."
	metricOutside = "draws outside the prior, share"
	colNPE        = "NPE, published"
	colFMPE       = "pushforward"
)

func sbibm(ctx context.Context, r *Run) error {
	for i := range sbiTasks {
		t := &sbiTasks[i]
		if !r.Want(t.name) {
			continue
		}
		all, err := readObservations(r.Data, t)
		if err != nil {
			return err
		}
		if len(all) == 0 {
			r.Log("%s: no observations in %s", t.name, r.Data)
			continue
		}
		mlp, trees, outside := make([]float64, r.Seeds), make([]float64, r.Seeds), make([]float64, r.Seeds)
		var radius []float64
		for seed := range r.Seeds {
			key := rng.New(uint64(seed + 1)).Named("sbibm").Named(t.name)
			theta, x, err := t.draw(simulations, sbiRecipe.margin(len(t.prior)), key)
			if err != nil {
				return err
			}
			p, err := learn(ctx, t, sbiRecipe, theta, x, key)
			if err != nil {
				return err
			}
			r.Log("%s, seed %d: best at step %d", t.name, seed, p.step)
			got, err := p.judge(ctx, all, key.Named("judge"))
			if err != nil {
				return err
			}
			for k, g := range got {
				r.Log("%s, seed %d, observation %d: C2ST %.3f, trees %.3f, %d of %d draws outside the prior", t.name, seed, all[k].number, g.mlp, g.trees, g.outside, drawsWanted)
				mlp[seed] += g.mlp / float64(len(got))
				trees[seed] += g.trees / float64(len(got))
				outside[seed] += float64(g.outside) / float64(g.outside+drawsWanted) / float64(len(got))
				if g.radius > 0 {
					radius = append(radius, g.radius)
				}
			}
		}
		note := fmt.Sprintf("%s: %d observations", t.name, len(all))
		figures := []Figure{}
		if t.npe > 0 {
			figures = append(figures, Figure{Method: colNPE, Metric: metricC2ST, Mean: t.npe, N: 10})
		}
		figures = append(figures,
			Figure{Method: colFMPE, Metric: metricC2ST, Values: mlp, Bar: t.bar, Note: note},
			Figure{Method: colFMPE, Metric: metricTrees, Values: trees},
			Figure{Method: colFMPE, Metric: metricOutside, Values: outside})
		if len(radius) > 0 {
			figures = append(figures, Figure{Method: colFMPE, Metric: metricRadius, Values: radius, Bar: 1.15})
		}
		for _, f := range figures {
			f.Case = t.name
			if err := r.Add(f); err != nil {
				return err
			}
		}
	}
	return nil
}

// judged is what a posterior got for one observation.
type judged struct {
	mlp, trees, radius float64
	outside            int
	err                error
}

// judge draws from the posterior given each observation and compares, as many at once as there are cores.
func (p *posterior) judge(ctx context.Context, all []observation, key rng.Key) ([]judged, error) {
	got := make([]judged, len(all))
	var wait sync.WaitGroup
	for k, o := range all {
		key := key.Fold(uint64(o.number))
		theta, outside, err := p.sample(ctx, o.x, drawsWanted, key.Named("sample"))
		if err != nil {
			return nil, err
		}
		got[k].outside = outside
		d := len(p.task.prior)
		if len(theta) < drawsWanted*d {
			return nil, fmt.Errorf("%s, observation %d: %d of the flow's draws are outside the prior", p.task.name, o.number, outside)
		}
		if p.task.name == "two_moons" {
			_, got[k].radius = meanSD(crescent(o.x, theta))
			_, truth := meanSD(crescent(o.x, o.reference))
			got[k].radius /= truth
		}
		wait.Add(1)
		go func() {
			defer wait.Done()
			got[k].mlp = metric.C2ST(o.reference, theta, d, &metric.MLP{}, key.Named("mlp"))
			got[k].trees = metric.C2ST(o.reference, theta, d, &metric.Trees{}, key.Named("trees"))
		}()
	}
	wait.Wait()
	return got, nil
}

func meanSD(v []float64) (mean, sd float64) {
	f := Figure{Values: v}
	f.complete()
	return f.Mean, f.SD
}

// readObservations reads what DIR/TASK/num_observation_* hold, in the order of their numbers.
func readObservations(dir string, t *task) (all []observation, err error) {
	for k := 1; k <= 10; k++ {
		at := filepath.Join(dir, t.name, fmt.Sprintf("num_observation_%d", k))
		if _, err := os.Stat(at); os.IsNotExist(err) {
			continue
		}
		o := observation{number: k}
		if o.x, err = readMatrix(filepath.Join(at, "observation.csv"), t.data); err != nil {
			return nil, err
		}
		if len(o.x) != t.data {
			return nil, fmt.Errorf("%s: %d rows, want 1", filepath.Join(at, "observation.csv"), len(o.x)/t.data)
		}
		if o.reference, err = readMatrix(filepath.Join(at, "reference_posterior_samples.csv.bz2"), len(t.prior)); err != nil {
			return nil, err
		}
		all = append(all, o)
	}
	return all, nil
}

// readMatrix reads a CSV file with a header and so many columns of numbers.
func readMatrix(path string, columns int) (x []float64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var from io.Reader = f
	if strings.HasSuffix(path, ".bz2") {
		from = bzip2.NewReader(f)
	}
	lines, err := csv.NewReader(from).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(lines) < 2 {
		return nil, fmt.Errorf("%s: %d lines; want a header and rows", path, len(lines))
	}
	for i, line := range lines[1:] {
		if len(line) != columns {
			return nil, fmt.Errorf("%s: row %d has %d columns, want %d", path, i+1, len(line), columns)
		}
		for j, s := range line {
			v, err := strconv.ParseFloat(s, 64)
			if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
				return nil, fmt.Errorf("%s: row %d, column %d: %q is not a finite number", path, i+1, j+1, s)
			}
			x = append(x, v)
		}
	}
	return x, nil
}
