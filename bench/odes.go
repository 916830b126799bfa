package bench

import (
	"context"
	"math"

	"pushforward/odeint"
	"pushforward/simd"
)

// odes are equations without a network, where what counts is the solver's own work: one trajectory, and many rows of which some are
// stiff. Tolerances are those at which the errors named are reached; each side has its own.
func odes() []Workload {
	return []Workload{lorenz(), vanDerPol()}
}

// lorenz is one trajectory over ten units of time, which multiplies an error by some 10⁴, to an error of 1e-6 at its end. Ours is
// the method of eighth order, as docs/odeint.md advises for so many digits.
func lorenz() Workload {
	return Workload{Name: "ode/lorenz", Unit: "solves", Setup: func(ctx context.Context) (*Job, error) {
		sys := odeint.Func(3, func(dy []float64, _ float64, y []float64) {
			dy[0] = float64(10 * (y[1] - y[0]))
			dy[1] = float64(y[0]*(28-y[2])) - y[1]
			dy[2] = float64(y[0]*y[1]) - float64(8./3*y[2])
		})
		s := odeint.NewSolver[float64](odeint.Options{Method: odeint.Dop853, Rtol: lorenzTol, Atol: lorenzTol})
		start := []float64{1, 1, 1}
		var sol *odeint.Solution[float64]
		return &Job{
			Count: 1,
			Run: func() (err error) {
				sol, err = s.Solve(ctx, sys, start, 0, 10)
				return err
			},
			Report: func() map[string]float64 {
				want, err := odeint.Solve(ctx, sys, start, 0, 10, odeint.Options{Method: odeint.Dop853, Rtol: 1e-14, Atol: 1e-14})
				if err != nil {
					return nil
				}
				return map[string]float64{"nfe": float64(sol.Stats.Evals), "err": typicalError(want.Final(), sol.Final(), 3)}
			},
		}, nil
	}}
}

// vanDerPol is 10,000 rows of y″ = μ(1-y²)y′ - y with μ from 0.1 to 50, evenly in its logarithm, from (2, 0) over ten units of
// time. The largest μ need a hundred times the steps of the smallest, many of them limited by stability, where PI control rejects less.
func vanDerPol() Workload {
	const n = 10000
	return Workload{Name: "ode/vanderpol", Unit: "rows", Setup: func(ctx context.Context) (*Job, error) {
		mu, start := make([]float64, n), make([]float32, 2*n)
		for i := range mu {
			mu[i] = 0.1 * simd.Exp(simd.Log(500)*float64(i)/(n-1))
			start[2*i] = 2
		}
		s := odeint.NewSolver[float32](odeint.Options{Method: odeint.Tsit5, Control: odeint.PID{P: 0.4, I: 0.3},
			Rtol: vanDerPolTol, Atol: vanDerPolTol})
		var sol *odeint.Solution[float32]
		return &Job{
			Count: n,
			Run: func() (err error) {
				sol, err = s.Solve(ctx, vanDerPolSystem[float32](mu), start, 0, 10)
				return err
			},
			Report: func() map[string]float64 {
				var want, got []float64
				for i := 0; i < n; i += n / checkedRows {
					exact, err := odeint.Solve(ctx, vanDerPolSystem[float64](mu[i:i+1]), []float64{2, 0}, 0, 10,
						odeint.Options{Rtol: exactTol, Atol: exactTol, MaxSteps: math.MaxInt})
					if err != nil {
						return nil
					}
					_, y := sol.End(i)
					want, got = append(want, exact.Final()...), append(got, float64(y[0]), float64(y[1]))
				}
				return map[string]float64{"nfe": float64(sol.Stats.RowEvals) / n, "err": typicalError(want, got, 2)}
			},
		}, nil
	}}
}

func vanDerPolSystem[F simd.Float](mu []float64) odeint.System[F] {
	m := make([]F, len(mu))
	for i, v := range mu {
		m[i] = F(v)
	}
	return odeint.BatchFunc(2, func(dst []F, b odeint.Batch[F]) {
		for i, r := range b.Row {
			y, v := b.Y[2*i], b.Y[2*i+1]
			dst[2*i], dst[2*i+1] = v, F(m[r]*F(1-F(y*y))*v)-y
		}
	})
}

// The tolerances that give the errors, 1e-6 and 1e-5.
const (
	lorenzTol    = 5e-9
	vanDerPolTol = 1e-5
)
