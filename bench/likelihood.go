package bench

import (
	"context"

	"pushforward/autograd"
	"pushforward/cfm"
	"pushforward/odeint"
	"pushforward/optim"
	"pushforward/simd/rng"
)

// likelihoods are steps of maximum likelihood (FFJORD): the log-densities of a batch at tolerance 1e-5 with
// one probe, their gradient by θ, and Adam at 1e-5. They begin at the trained field, so that a step costs
// what one of a run under way costs. Strict puts the log-density in the error norm, as the peers do.
func likelihoods() []Workload {
	return []Workload{likelihood("cnf/small", false), likelihood("cnf/small-strict", true)}
}

func likelihood(name string, strict bool) Workload {
	const tol = 1e-5
	s := small
	return Workload{Name: name, Unit: "steps", Setup: func(ctx context.Context) (*Job, error) {
		flow, err := trained[float32](s)
		if err != nil {
			return nil, err
		}
		key := rng.New(7)
		data := s.rows(50000, key.Named("data"))
		x := autograd.NewTensor[float32](s.batch, s.dim)
		grad := make([]float32, len(flow.Theta))
		adam, step := &optim.Adam[float32]{}, uint64(0)
		var mean, evals float64
		return &Job{
			Count: 1,
			Run: func() error {
				step++
				for i := range s.batch {
					copy(x.Row(i), data.Row(key.Fold(step).Intn(uint64(i), data.Rows())))
				}
				d, g, err := flow.LogDensityGradient(ctx, x, cfm.DensityOptions{
					Options:    odeint.Options{Rtol: tol, Atol: tol},
					Divergence: cfm.Probes(1),
					Strict:     strict,
					Key:        key.Named("probes").Fold(step),
				})
				if err != nil {
					return err
				}
				for i, v := range g.Theta {
					grad[i] = float32(-v / float64(s.batch))
				}
				adam.Step(flow.Theta, grad, 1e-5)
				mean = 0
				for _, v := range d.LogP {
					mean += v / float64(s.batch)
				}
				evals = float64(d.Stats.RowEvals) / float64(s.batch)
				return nil
			},
			Report: func() map[string]float64 { return map[string]float64{"logp": mean, "nfe": evals} },
		}, nil
	}}
}
