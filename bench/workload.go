// Package bench holds the workloads that pushforward is measured by, as data. The root package runs each
// as a sub-benchmark, so that `go test -bench ./...`, typed as it stands, prints the whole table.
//
// Names and units are fixed, since other programs read them. In the name of a matrix product the numbers
// are batch×in×out: nt is a linear layer's forward product x·Wᵀ, nn the gradient dX = dY·W, tn the
// gradient dW = dYᵀ·X. The models:
//
//	small    dim 2,   3 hidden layers of 64,   SELU, batch 256
//	d8       dim 8,   3 hidden layers of 64,   SELU
//	medium   dim 64,  4 hidden layers of 256,  SiLU, batch 1024
//	large    dim 784, 4 hidden layers of 1024, SiLU, batch 1024
//
// all with the time as one more input. A training step draws x₀, gathers x₁, draws t and noise, makes xₜ
// and uₜ, runs forward, mean square, backward and Adam. What is sampled and scored are the trained fields
// in testdata, and each speed is printed with its error against a float64 solve at 1e-10.
package bench

import (
	"context"
	"time"
)

// Workload is one thing to measure.
type Workload struct {
	Name string
	// Unit is what one run's Count is counted in: "GFLOP" (in units of 1e9), "Gelem", "steps", "rows" for
	// a rate, or "ms" for a time.
	Unit string
	// Setup prepares the work and returns it. It is not measured.
	Setup func(ctx context.Context) (*Job, error)
}

// Job is a workload that is ready to run.
type Job struct {
	// Run does the work once. What it returns is an error of the work, not of the clock.
	Run func() error
	// Count is how much of the workload's Unit one Run does: rows, steps, 1e9 operations.
	Count float64
	// Limit, if set, measures what Count a second cannot exceed on this machine at this moment: a product's is the speed
	// of multiply-adds on registers alone.
	Limit func() float64
	// Report, if set, gives further figures of the last Run: "nfe", "err".
	Report func() map[string]float64
	// Close, if set, gives back what Setup took.
	Close func()
}

// Rate turns the time of one Run into the workload's metric and its unit.
func (w Workload) Rate(j *Job, perRun time.Duration) (value float64, unit string) {
	if w.Unit == "ms" {
		return perRun.Seconds() * 1e3, "ms"
	}
	return j.Count / perRun.Seconds(), w.Unit + "/s"
}

// Workloads lists all, in the order they are printed in.
func Workloads() []Workload {
	var all []Workload
	for _, part := range [][]Workload{products(), elementwise(), training(), assignments(), odes(), sampling(), densities(), likelihoods(), traces(), layers(), cold()} {
		all = append(all, part...)
	}
	return all
}
