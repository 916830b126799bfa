package bench

import (
	"context"
	"math"
	"sort"

	"pushforward/autograd"
	"pushforward/cfm"
	"pushforward/odeint"
	"pushforward/simd"
	"pushforward/simd/rng"
)

// exactTol is the tolerance of the float64 solves that errors are measured against.
const exactTol = 1e-10

// checkedRows is how many of a workload's rows its error is measured on.
const checkedRows = 200

// sampling carries 10,000 normal rows through a trained field by what cfm does by itself. The names have the peers' tolerances. Ours
// are the same, but for the field of SELU, whose second derivative jumps at zero: there they are tightened until the error is no
// larger than torchdiffeq's and diffrax's, since only work at equal error can be compared.
func sampling() []Workload {
	return []Workload{
		transport("sample/small-1e-4", small, 9e-5), transport("sample/small-1e-5", small, 7e-6),
		transport("sample/medium-1e-4", medium, 1e-4), transport("sample/medium-1e-5", medium, 1e-5),
	}
}

func transport(name string, s shape, tol float64) Workload {
	const n = 10000
	opt := odeint.Options{Rtol: tol, Atol: tol}
	return Workload{Name: name, Unit: "rows", Setup: func(ctx context.Context) (*Job, error) {
		flow, err := trained[float32](s)
		if err != nil {
			return nil, err
		}
		x0 := autograd.NewTensor[float32](n, s.dim)
		rng.Normal(rng.New(7), x0.Data)
		var out cfm.Samples[float32]
		return &Job{
			Count: n,
			Run: func() (err error) {
				out, err = flow.Transport(ctx, x0, 0, 1, opt)
				return err
			},
			Report: func() map[string]float64 {
				exact, err := trained[float64](s)
				if err != nil {
					return nil
				}
				want, err := exact.Transport(ctx, widen(x0.Slice(0, checkedRows)), 0, 1, odeint.Options{Rtol: exactTol, Atol: exactTol})
				if err != nil {
					return nil
				}
				return map[string]float64{
					"nfe": float64(out.Stats.RowEvals) / n,
					"err": typicalError(want.X.Data, widen(out.X.Slice(0, checkedRows)).Data, s.dim),
				}
			},
		}, nil
	}}
}

// densities score 1,000 rows under a trained field. Strict puts the log-density in the error norm, as the
// peers do: with SELU, whose slope jumps, it takes many more steps and comes nearer.
func densities() []Workload {
	return []Workload{
		density("density/small-exact", small, cfm.Exact, false),
		density("density/small-exact-strict", small, cfm.Exact, true),
		density("density/d8-exact", d8, cfm.Exact, false),
		density("density/d8-exact-strict", d8, cfm.Exact, true),
		density("density/medium-hutchinson", medium, cfm.Probes(1), false),
	}
}

func density(name string, s shape, div cfm.Divergence, strict bool) Workload {
	const n, tol = 1000, 1e-5
	return Workload{Name: name, Unit: "rows", Setup: func(ctx context.Context) (*Job, error) {
		flow, err := trained[float32](s)
		if err != nil {
			return nil, err
		}
		x := s.rows(n, rng.New(7))
		opt := cfm.DensityOptions{Options: odeint.Options{Rtol: tol, Atol: tol}, Divergence: div, Strict: strict, Key: rng.New(8)}
		var out cfm.Density
		return &Job{
			Count: n,
			Run: func() (err error) {
				out, err = flow.LogDensity(ctx, x, opt)
				return err
			},
			Report: func() map[string]float64 {
				exact, err := trained[float64](s)
				if err != nil {
					return nil
				}
				// The same probes, so that the error is the solver's and the rounding's.
				fine := opt
				fine.Options = odeint.Options{Rtol: exactTol, Atol: exactTol}
				rows := checkedRows
				if s.dim > 8 {
					rows = 20
				}
				want, err := exact.LogDensity(ctx, widen(x.Slice(0, rows)), fine)
				if err != nil {
					return nil
				}
				return map[string]float64{
					"nfe": float64(out.Stats.RowEvals) / n,
					"err": typicalError(want.LogP, out.LogP[:rows], 1),
				}
			},
		}, nil
	}}
}

func widen[F simd.Float](x autograd.Tensor[F]) autograd.Tensor[float64] {
	y := autograd.Tensor[float64]{Shape: x.Shape, Data: make([]float64, len(x.Data))}
	for i, v := range x.Data {
		y.Data[i] = float64(v)
	}
	return y
}

// typicalError is the median over rows of the largest error of a row's dim entries. The mean would tell
// of the few rows that start near the border between two modes, where any solver's error is large.
func typicalError(x, y []float64, dim int) float64 {
	errs := make([]float64, len(x)/dim)
	for i := range errs {
		for j := i * dim; j < (i+1)*dim; j++ {
			errs[i] = max(errs[i], math.Abs(x[j]-y[j]))
		}
	}
	sort.Float64s(errs)
	return errs[len(errs)/2]
}
