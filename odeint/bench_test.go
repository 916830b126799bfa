package odeint

import (
	"testing"

	"pushforward/simd"
)

func lorenz(dy []float64, t float64, y []float64) {
	dy[0] = 10 * (y[1] - y[0])
	dy[1] = y[0]*(28-y[2]) - y[1]
	dy[2] = y[0]*y[1] - 8./3*y[2]
}

// BenchmarkLorenz is one trajectory: what a step costs beside f.
func BenchmarkLorenz(b *testing.B) {
	s := NewSolver[float64](Options{Rtol: 1e-8, Atol: 1e-8})
	sys := Func(3, lorenz)
	y0 := []float64{1, 1, 1}
	steps := 0
	b.ReportAllocs()
	for b.Loop() {
		sol, err := s.Solve(bg, sys, y0, 0, 4)
		if err != nil {
			b.Fatal(err)
		}
		steps += sol.Stats.Accepted + sol.Stats.Rejected
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(steps), "ns/step")
}

func benchVanDerPol[F simd.Float](b *testing.B, rows int, opt Options) {
	mu := make([]float64, rows)
	for i := range mu {
		mu[i] = 0.1 + 49.9*float64(i)/float64(rows)
	}
	s := NewSolver[F](opt)
	sys := vanDerPol[F](mu)
	y0 := repeat[F](rows, 2, 0)
	evals, n := 0, 0
	b.ReportAllocs()
	for b.Loop() {
		sol, err := s.Solve(bg, sys, y0, 0, 20)
		if err != nil {
			b.Fatal(err)
		}
		evals += sol.Stats.RowEvals
		n += rows
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(evals), "ns/row-eval")
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkVanDerPol is ten thousand rows of mixed stiffness.
func BenchmarkVanDerPol(b *testing.B) {
	b.Run("f64", func(b *testing.B) { benchVanDerPol[float64](b, 10000, Options{Rtol: 1e-6, Atol: 1e-6}) })
	b.Run("f32", func(b *testing.B) { benchVanDerPol[float32](b, 10000, Options{Rtol: 1e-5, Atol: 1e-5}) })
	b.Run("tsit5", func(b *testing.B) { benchVanDerPol[float64](b, 10000, Options{Method: Tsit5, Rtol: 1e-6, Atol: 1e-6}) })
}
