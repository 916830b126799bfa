package bench

import (
	"context"

	"pushforward/cfm"
	"pushforward/cfm/ot"
	"pushforward/optim"
	"pushforward/simd/rng"
)

// training are whole steps of conditional flow matching as the peers do them: path Tube{0.1}, uniform t,
// Adam at 1e-3, no clipping, no moving average.
func training() []Workload {
	return []Workload{
		step("train/small", small, cfm.Independent{}),
		step("train/medium", medium, cfm.Independent{}),
		step("train/large", large, cfm.Independent{}),
		step("train/small-ot", small, cfm.ExactOT{}),
	}
}

func step(name string, s shape, coupling cfm.Coupling) Workload {
	return Workload{Name: name, Unit: "steps", Setup: func(context.Context) (*Job, error) {
		key := rng.New(1)
		params, field := net[float32](s)
		flow := &cfm.Flow[float32]{Dim: s.dim, Field: field, Theta: params.Init(key.Named("init"))}
		t := &cfm.Trainer[float32]{
			Flow:     flow,
			Data:     cfm.FromTensor(s.rows(50000, key.Named("data"))),
			Loss:     cfm.Match(field, cfm.Tube{Sigma: 0.1}, func(u float64) float64 { return u }),
			Coupling: coupling,
			LR:       optim.Constant(1e-3),
			Batch:    s.batch,
			Steps:    1 << 30,
			Clip:     -1,
			EMADecay: -1,
			Key:      key.Named("train"),
		}
		var last cfm.Metrics
		// The first steps make what later ones use again.
		for range 3 {
			if _, err := t.Step(); err != nil {
				return nil, err
			}
		}
		return &Job{
			Count: 1,
			Run: func() (err error) {
				last, err = t.Step()
				return err
			},
			Report: func() map[string]float64 {
				return map[string]float64{"loss": last.Loss, "GFLOP": s.trainFLOPs() / 1e9}
			},
			Close: t.Close,
		}, nil
	}}
}

// assignments are exact minibatch couplings of normal noise with data, cost matrix included.
func assignments() []Workload {
	one := func(name string, dim, n int) Workload {
		return Workload{Name: "ot/" + name, Unit: "ms", Setup: func(context.Context) (*Job, error) {
			key := rng.New(1).Named(name)
			x := make([]float64, n*dim)
			rng.Normal(key.Named("x0"), x)
			rows := shape{dim: dim}.rows(n, key.Named("x1"))
			y := make([]float64, n*dim)
			for i, v := range rows.Data {
				y[i] = float64(v)
			}
			cost, match := make([]float64, n*n), make([]int, n)
			var solver ot.Solver
			var total float64
			return &Job{
				Run: func() (err error) {
					ot.SquaredDistances(cost, x, y, dim)
					total, err = solver.Assign(match, cost, n, n)
					return err
				},
				Report: func() map[string]float64 { return map[string]float64{"cost": total / float64(n)} },
			}, nil
		}}
	}
	return []Workload{
		one("dim2-n256", 2, 256), one("dim2-n1024", 2, 1024),
		one("dim64-n256", 64, 256), one("dim64-n1024", 64, 1024),
	}
}
