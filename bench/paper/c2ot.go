package main

import (
	"context"

	"pushforward/autograd"
	"pushforward/cfm"
	"pushforward/cfm/dataset"
	"pushforward/nn"
	"pushforward/odeint"
	"pushforward/optim"
	"pushforward/simd/rng"
)

// The toy of Cheng and Schwing, "The curse of conditions" (2025), figure 1: eight Gaussians to moons, given the first
// coordinate of the moons' point. Plain minibatch OT pairs each condition with the part of the source that lies nearest,
// while sampling gives it all of the source; OT that counts the distance of the conditions does not.
//
// Judged is W₂² between 10,000 points of the target and what the flow makes of 10,000 of the source under their
// conditions, after one Euler step and by an adaptive solver. That many, as in the paper, because real rows under the same
// conditions are 0.02 apart at 2,048 (0.012 to 0.032 in five pairs) and 0.007 at 10,000. As in the paper couplings are found
// in pools of 1,024 rows, batches have 256, training 20,000 steps, and 5 % of the pairs may cost no more than a row's own.
// A seed takes some five minutes of one core, and 1 GB at the end.

func init() {
	tables = append(tables, Table{
		Name:  "c2ot",
		About: "Cheng & Schwing 2025, figure 1: couplings under conditions, eight Gaussians to moons given x",
		Seeds: 3,
		Run:   c2ot,
	})
}

const (
	c2otRows       = 10000
	metricEuler    = "W₂², one Euler step"
	metricAdaptive = "W₂², adaptive solver"
)

// c2otCases are the couplings with the published figures: one Euler step, adaptive.
var c2otCases = []struct {
	name      string
	coupling  cfm.Coupling
	published [2]float64
	bar       [2]float64
}{
	{"FM, independent", cfm.Independent{}, [2]float64{0.732, 0.028}, [2]float64{}},
	{"OT, conditions ignored", cfm.Pooled{Coupling: cfm.Forced{Coupling: cfm.ExactOT{}}, Batches: 4}, [2]float64{8.276, 2.143}, [2]float64{}},
	{"C²OT", cfm.Pooled{Coupling: cfm.ConditionOT{Share: 0.05}, Batches: 4}, [2]float64{0.077, 0.013}, [2]float64{0.1, 0.02}},
}

// freshGiven is fresh data whose condition is its first column.
type freshGiven struct{ fresh }

func (d freshGiven) Next(b *cfm.Batch[float32], key rng.Key) error {
	if err := d.fresh.Next(b, key); err != nil {
		return err
	}
	cfm.Grow(&b.Cond, len(b.Row), 1)
	for i := range b.Row {
		b.Cond.Data[i] = b.X1.Data[i*d.law.Dim()]
	}
	return nil
}

func c2ot(ctx context.Context, r *Run) error {
	source, err := dataset.Toy("8gaussians")
	if err != nil {
		return err
	}
	target, err := dataset.Toy("moons")
	if err != nil {
		return err
	}
	for _, c := range c2otCases {
		if !r.Want(c.name) {
			continue
		}
		var values [2][]float64
		for seed := range r.Seeds {
			key := rng.New(uint64(seed)).Named("c2ot")
			params := nn.NewParams[float32]()
			f := &cfm.Flow[float32]{Dim: 2, Source: cfm.FromLaw(source)}
			f.Field = cfm.NewNet(params.Root(), cfm.NetConfig{Dim: 2, Cond: 1})
			f.Theta = params.Init(key.Named("init"))
			t := &cfm.Trainer[float32]{
				Flow: f, Data: freshGiven{fresh{target}}, Coupling: c.coupling, Batch: 256, Steps: tongSteps,
				LR: optim.Cosine(3e-3, 100, tongSteps), Key: key.Named("train"),
				OnStep: func(m cfm.Metrics) {
					if m.Step%2000 == 0 && m.Step < tongSteps {
						r.Log("%s, seed %d: step %d of %d, loss %s", c.name, seed, m.Step, tongSteps, digits(m.Loss))
					}
				},
			}
			if err := t.Run(ctx); err != nil {
				return err
			}
			got, err := c2otScore(ctx, t.Averaged(), source, target, key.Named("score"))
			if err != nil {
				return err
			}
			for k, v := range got {
				values[k] = append(values[k], v)
			}
			r.Log("%s, seed %d: W₂² %s after one Euler step, %s adaptive", c.name, seed, digits(got[0]), digits(got[1]))
		}
		for k, metric := range []string{metricEuler, metricAdaptive} {
			if err := r.Add(Figure{Case: c.name, Method: colPublished, Metric: metric, Mean: c.published[k], N: 10}); err != nil {
				return err
			}
			if err := r.Add(Figure{Case: c.name, Method: colFMPE, Metric: metric, Values: values[k], Bar: c.bar[k]}); err != nil {
				return err
			}
		}
	}
	return nil
}

// c2otScore returns W₂² after one Euler step and by the adaptive solver.
func c2otScore(ctx context.Context, f *cfm.Flow[float32], source, target dataset.Law, key rng.Key) (got [2]float64, err error) {
	y := draw(target, c2otRows, key.Named("target"))
	x := autograd.NewTensor[float32](c2otRows, 2)
	for i, v := range draw(source, c2otRows, key.Named("source")) {
		x.Data[i] = float32(v)
	}
	cond := autograd.NewTensor[float32](c2otRows, 1)
	for i := range cond.Data {
		cond.Data[i] = float32(y[2*i])
	}
	for k, opt := range []odeint.Options{{Method: odeint.Euler, Step: 1}, {Rtol: 1e-5, Atol: 1e-5}} {
		s, err := f.Given(cond).Transport(ctx, x, 0, 1, opt)
		if err != nil {
			return got, err
		}
		z := make([]float64, len(y))
		for i, v := range s.X.Data {
			z[i] = float64(v)
		}
		d, err := w2(z, y)
		if err != nil {
			return got, err
		}
		got[k] = d * d
	}
	return got, nil
}
