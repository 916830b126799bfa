package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"time"

	"pushforward/bench"
)

// The 20,000 steps of OT-CFM of table tong, with torchcfm's network, against the clock: torchcfm and this project train in
// turns on as many threads. Times are of the steps alone, draws and couplings included, without imports and compilers; torchcfm does a
// fifth of its steps, which all cost the same, and its W₂ are those of table tong. The machine should have nothing else to do.

func init() {
	tables = append(tables, Table{
		Name:  "race",
		About: "20,000 steps of OT-CFM with torchcfm's network: seconds and W₂ of torchcfm, run beside, and ours (-venv)",
		Seeds: 1,
		Run:   race,
	})
}

const (
	metricSeconds = "seconds of 20,000 steps"
	metricShare   = "share of torchcfm's time"
	raceBar       = 0.12
	racePart      = 5 // the peer does this part of the steps
)

func race(ctx context.Context, r *Run) error {
	python := bench.Python(r.Venv)
	if python == "" {
		return errors.New("there is no Python environment with torchcfm; bench/peers/setup.sh makes one, -venv names it")
	}
	dir, err := os.MkdirTemp("", "pushforward-race")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	script, err := bench.WriteScripts(dir)
	if err != nil {
		return err
	}
	script = filepath.Join(filepath.Dir(script), "tong.py")
	const method = 1 // OT-CFM
	for _, c := range tongCases {
		name := c.name + " " + tongMethods[method].name
		if !r.Want(name) {
			continue
		}
		laws := c.laws()
		_, sq, err := c.floor(laws)
		if err != nil {
			return err
		}
		fields := filepath.Join(dir, c.source+c.target)
		var theirs, ours, share []float64
		var own scores
		for seed := range r.Seeds {
			s, err := peerSeconds(ctx, python, script, fields, tongSteps/racePart, fmt.Sprintf("%s_%s_%s_%d", c.source, c.target, tongMethods[method].file, seed))
			if err != nil {
				return err
			}
			s *= racePart
			start := time.Now()
			f, err := c.train(ctx, colSame, tongMethods[method].coupling, laws, uint64(seed))
			if err != nil {
				return err
			}
			t := time.Since(start).Seconds()
			theirs, ours, share = append(theirs, s), append(ours, t), append(share, t/s)
			if err := own.add(ctx, f, c, laws, sq, uint64(seed)); err != nil {
				return err
			}
			r.Log("%s, seed %d: torchcfm %.1f s, ours %.2f s on %d threads; W₂ %s", name, seed, s, t, runtime.GOMAXPROCS(0), digits(last(own.w2)))
		}
		peer, err := c.peer(ctx, r, method, laws, sq)
		if err != nil {
			return err
		}
		w := Figure{Values: peer.w2}
		w.complete()
		for _, f := range []Figure{
			{Method: colPeer, Metric: metricSeconds, Values: theirs}, {Method: colSame, Metric: metricSeconds, Values: ours},
			{Method: colSame, Metric: metricShare, Values: share, Bar: raceBar},
			{Method: colPeer, Metric: metricW2, Values: peer.w2}, {Method: colSame, Metric: metricW2, Values: own.w2, Bar: w.Mean},
		} {
			f.Case = name
			if err := r.Add(f); err != nil {
				return err
			}
		}
	}
	return nil
}

// peerSeconds trains one field of torchcfm into a folder, on as many threads as this program has, and returns the seconds its steps took.
func peerSeconds(ctx context.Context, python, script, dir string, steps int, name string) (float64, error) {
	cmd := exec.CommandContext(ctx, python, script, dir, "--seeds", "1000", "--steps", strconv.Itoa(steps), "--only", "^"+name+"$", "--threads", strconv.Itoa(runtime.GOMAXPROCS(0)))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("torchcfm: %s: %w", filepath.Base(script), err)
	}
	m := regexp.MustCompile(regexp.QuoteMeta(name) + `: ([0-9.]+) s`).FindSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("torchcfm: %s told no time of %s: %q", filepath.Base(script), name, out)
	}
	return strconv.ParseFloat(string(m[1]), 64)
}
