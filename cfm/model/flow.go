package model

import (
	"context"
	"fmt"

	"pushforward/autograd"
	"pushforward/simd/rng"
)

// Trace follows n draws from the source to the data: path[k] holds their rows at times[k], in the
// data's units throughout, so that they can be laid over each other. Times increase from 0 to 1. The
// draws are those of the adaptive Sample. A family without time shows its maps one after the other, a distilled
// model the line of its step; noise does not apply.
func (m *Model) Trace(ctx context.Context, n int, times []float64, opt SampleOptions) (path [][][]float64, err error) {
	if err := m.ready(); err != nil {
		return nil, err
	}
	ode, err := opt.options(1e-4)
	if err != nil {
		return nil, err
	}
	guided, err := m.guided(opt.Guidance)
	if err != nil {
		return nil, err
	}
	if guided, err = m.onPath(guided, opt.Path); err != nil {
		return nil, err
	}
	key := rng.New(opt.Seed).Named("sample")
	given, err := m.givenRows(n, opt.From, opt.Given, key.Named("given"))
	if err != nil {
		return nil, err
	}
	cond := m.encoded(given)
	x := autograd.NewTensor[float32](n, m.Dim)
	m.sourceRows(x, key.Named("source"), opt.From)
	if m.Distilled {
		return m.traceStep(ctx, x, cond, times)
	}
	at := 0.0
	for _, t := range times {
		if t > at {
			got, err := m.gen.carry(ctx, guided, x, cond, at, t, ode)
			if err != nil {
				return nil, fmt.Errorf("model: trace: %w", err)
			}
			x, at = got.X, t
		}
		path = append(path, m.rows(x, true))
	}
	return path, nil
}

// traceStep lays rows along the lines from where they start to where one step takes them.
func (m *Model) traceStep(ctx context.Context, x, cond autograd.Tensor[float32], times []float64) (path [][][]float64, err error) {
	ode, err := oneStep.solver().options(1)
	if err != nil {
		return nil, err
	}
	got, err := m.gen.carry(ctx, m.flow, x, cond, 0, 1, ode)
	if err != nil {
		return nil, fmt.Errorf("model: trace: %w", err)
	}
	for _, t := range times {
		y := autograd.NewTensor[float32](x.Rows(), m.Dim)
		for i, v := range x.Data {
			y.Data[i] = v + float32(float32(t)*(got.X.Data[i]-v))
		}
		path = append(path, m.rows(y, true))
	}
	return path, nil
}
