package odeint_test

import (
	"context"
	"errors"
	"fmt"
	"math"

	"pushforward/odeint"
	"pushforward/simd/rng"
)

func ExampleSolve() {
	// Newton's law of cooling, for three cups at once.
	cooling := odeint.Func(1, func(dy []float64, t float64, y []float64) { dy[0] = -0.1 * (y[0] - 20) })
	sol, err := odeint.Solve(context.Background(), cooling, []float64{90, 60, 20}, 0, 10, odeint.Options{})
	if err != nil {
		panic(err)
	}
	fmt.Printf("%.3f\n", sol.Final())
	// Output: [45.752 34.715 20.000]
}

// Events find where a function of the state changes sign. One that stops ends its row; the others go on.
func ExampleEvent() {
	ball := odeint.Func(2, func(dy []float64, t float64, y []float64) { dy[0], dy[1] = y[1], -9.81-0.1*y[1] })
	sol, err := odeint.Solve(context.Background(), ball, []float64{1, 5, 2, 5}, 0, 10, odeint.Options{
		Rtol: 1e-9,
		Events: []odeint.Event{
			{Name: "top", Dir: -1, G: func(t float64, y []float64) float64 { return y[1] }},
			{Name: "floor", Dir: -1, Stop: true, G: func(t float64, y []float64) float64 { return y[0] }},
		},
	})
	if err != nil {
		panic(err)
	}
	for _, h := range sol.Hits {
		fmt.Printf("row %d: event %d at t=%.6f, height %.6f\n", h.Row, h.Event, h.T, math.Abs(h.Y[0]))
	}
	fmt.Println(sol.Status)
	// Output:
	// row 0: event 0 at t=0.497120, height 2.232504
	// row 0: event 1 at t=1.179439, height 0.000000
	// row 1: event 0 at t=0.497120, height 3.232504
	// row 1: event 1 at t=1.320056, height 0.000000
	// [stopped by event stopped by event]
}

// A Reset changes the state at an event: a ball that keeps three quarters of its speed.
func ExampleEvent_reset() {
	ball := odeint.Func(2, func(dy []float64, t float64, y []float64) { dy[0], dy[1] = y[1], -9.81 })
	sol, err := odeint.Solve(context.Background(), ball, []float64{10, 0}, 0, 6, odeint.Options{
		Events: []odeint.Event{{
			Dir:   -1,
			G:     func(t float64, y []float64) float64 { return y[0] },
			Reset: func(t float64, y []float64) { y[0], y[1] = 0, -0.75*y[1] },
		}},
	})
	if err != nil {
		panic(err)
	}
	for _, h := range sol.Hits {
		fmt.Printf("%.4f ", h.T)
	}
	// Output: 1.4278 3.5696 5.1759
}

// Dense output gives the state at any time after the solve.
func ExampleSolution_At() {
	circle := odeint.Func(2, func(dy []float64, t float64, y []float64) { dy[0], dy[1] = -y[1], y[0] })
	sol, err := odeint.Solve(context.Background(), circle, []float64{1, 0}, 0, 2*math.Pi, odeint.Options{Rtol: 1e-8, Dense: true})
	if err != nil {
		panic(err)
	}
	var y [2]float64
	for _, t := range []float64{math.Pi / 6, math.Pi / 2, math.Pi} {
		sol.At(y[:], 0, t)
		fmt.Printf("%.5f %.5f\n", y[0]+0, y[1]+0)
	}
	// Output:
	// 0.86603 0.50000
	// -0.00000 1.00000
	// -1.00000 -0.00000
}

// A batch of rows, each with a parameter of its own that is looked up by Row; a solver that is used again allocates nothing.
func ExampleSolver() {
	rate := []float64{0.5, 1, 2}
	growth := odeint.BatchFunc(1, func(dst []float32, b odeint.Batch[float32]) {
		for i, r := range b.Row {
			dst[i] = float32(rate[r]) * b.Y[i] * (1 - b.Y[i])
		}
	})
	s := odeint.NewSolver[float32](odeint.Options{Method: odeint.Tsit5, SaveAt: []float64{0, 2, 4}})
	sol, err := s.Solve(context.Background(), growth, []float32{0.1, 0.1, 0.1}, 0, 4)
	if err != nil {
		panic(err)
	}
	for i, t := range sol.T {
		fmt.Printf("t=%v %.2f\n", t, sol.Saved(i))
	}
	// Output:
	// t=0 [0.10 0.10 0.10]
	// t=2 [0.23 0.45 0.86]
	// t=4 [0.45 0.86 1.00]
}

// Failures are typed, and what was found up to there is kept.
func ExampleSolveError() {
	blowUp := odeint.Func(1, func(dy []float64, t float64, y []float64) { dy[0] = y[0] * y[0] })
	sol, err := odeint.Solve(context.Background(), blowUp, []float64{-1, 1}, 0, 2, odeint.Options{MaxSteps: 50})
	fmt.Println(errors.Is(err, odeint.ErrMaxSteps))
	var e *odeint.SolveError
	if errors.As(err, &e) {
		fmt.Printf("row %d at t=%.3f after %d attempts\n", e.Row, e.T, e.Stats.Accepted+e.Stats.Rejected)
	}
	fmt.Printf("%v: row 0 is %.4f\n", sol.Status[0], sol.Final()[0])
	// Output:
	// true
	// row 1 at t=0.977 after 50 attempts
	// done: row 0 is -0.3333
}

// decay is dy/dt = -θ·y with its derivative.
type decay struct{ theta float64 }

func (d decay) Dim() int    { return 1 }
func (d decay) Params() int { return 1 }

func (d decay) Eval(dst []float64, b odeint.Batch[float64]) {
	for i, y := range b.Y {
		dst[i] = -d.theta * y
	}
}

func (d decay) Pullback(dy, dtheta, dt []float64, b odeint.Batch[float64], g []float64) {
	for i, y := range b.Y {
		dy[i] -= d.theta * g[i]
		dtheta[0] -= y * g[i]
	}
}

// The gradient of y(2) by y(0) and by θ, through the steps of the solve.
func ExampleSolver_Gradient() {
	sys := decay{0.5}
	s := odeint.NewSolver[float64](odeint.Options{Rtol: 1e-10, Replay: true})
	if _, err := s.Solve(context.Background(), sys, []float64{3}, 0, 2); err != nil {
		panic(err)
	}
	g, err := s.Gradient(context.Background(), sys, []float64{1})
	if err != nil {
		panic(err)
	}
	fmt.Printf("by y0 %.6f (exact %.6f), by θ %.6f (exact %.6f)\n", g.Y0[0], math.Exp(-1), g.Theta[0], -6*math.Exp(-1))
	// Output: by y0 0.367879 (exact 0.367879), by θ -2.207277 (exact -2.207277)
}

// Paths of an Ornstein–Uhlenbeck process; row r is the same whatever else is in the batch.
func ExampleSolveSDE() {
	ou := odeint.NoisyFunc(1, func(f []float64, t float64, y []float64) { f[0] = -y[0] },
		func(g []float64, t float64, y []float64) { g[0] = 0.1 })
	opt := odeint.SDEOptions{Step: 0.01, Key: rng.New(1)}
	all, err := odeint.SolveSDE(context.Background(), ou, []float64{1, 2, 3}, 0, 1, opt)
	if err != nil {
		panic(err)
	}
	opt.Row0 = 2
	one, err := odeint.SolveSDE(context.Background(), ou, []float64{3}, 0, 1, opt)
	if err != nil {
		panic(err)
	}
	fmt.Println(all.Final()[2] == one.Final()[0])
	// Output: true
}
