package main

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"time"

	"pushforward/cfm/model"
)

func init() {
	tables = append(tables, Table{
		Name:  "scorer",
		About: "rows a second of a small RealNVP's scorer on shuttle, one thread, and how well it ranks them",
		Data:  "the folder of shuttle.csv.gz (or of adbench/)",
		Seeds: 1,
		Run:   scorer,
	})
}

// scorer trains 4 couplings with one hidden layer of 32 on the training rows and times model.Scorer on all test rows,
// again and again for three seconds: scaling, narrowing to float32 and the density of each row, rows lying in memory as
// [][]float64. Reading a file is not in it.
func scorer(ctx context.Context, r *Run) error {
	files, err := adFiles(r.Data)
	if err != nil {
		return err
	}
	for _, path := range files {
		if !strings.HasSuffix(path, "shuttle.csv.gz") || !r.Want("shuttle") {
			continue
		}
		s, err := readADSet(path)
		if err != nil {
			return err
		}
		m, err := model.Fit(ctx, s.train, model.Options{
			Family: model.RealNVP, Anomaly: true, Steps: 3000, Hidden: 32, Blocks: 4, Depth: 1, Scaling: model.Columns, Calibrate: 16,
		})
		if err != nil {
			return err
		}
		one, err := m.NewScorer()
		if err != nil {
			return err
		}
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
		rows := append(append([][]float64{}, s.test...), s.strange...)
		logp := make([]float64, len(rows))
		one.LogDensity(logp, rows, nil)
		rounds, best, start := 0, time.Duration(0), time.Now()
		for time.Since(start) < 3*time.Second {
			at := time.Now()
			one.LogDensity(logp, rows, nil)
			if d := time.Since(at); rounds == 0 || d < best {
				best = d
			}
			rounds++
		}
		rate := float64(rounds*len(rows)) / time.Since(start).Seconds()
		top := float64(len(rows)) / best.Seconds()
		auroc := rank(negated(logp[:len(s.test)]), negated(logp[len(s.test):]))
		r.Log("shuttle: %.3g rows/s over %d rounds, best round %.3g; AUROC %.4f", rate, rounds, top, auroc)
		r.quiet(Figure{Case: "shuttle", Method: "realnvp 4×32", Metric: "million rows/s, one thread", Mean: rate / 1e6, Bar: 1, Over: true})
		r.quiet(Figure{Case: "shuttle", Method: "realnvp 4×32", Metric: "AUROC", Mean: auroc})
		return r.line(map[string]any{"table": "scorer", "set": "shuttle", "rows_per_s": rate, "rows_per_s_best_round": top, "auroc": auroc, "weights": m.Weights(), "threads": 1})
	}
	return fmt.Errorf("-data %s: it has no shuttle.csv.gz", r.Data)
}
