package odeint

import (
	"context"
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// driven is a nonlinear, time-dependent system with parameters, as a reference expression.
func driven(t *testing.T, a, b float64) exprSystem {
	p := exprProblem{Y0: []float64{0, 0}, Params: map[string]float64{"a": a, "b": b}}
	for _, s := range []string{`["+", ["*", "a", "y1"], ["sin", ["*", "t", "y0"]]]`,
		`["-", ["*", "b", ["cos", "t"]], ["*", "y0", "y0", "y1"]]`} {
		p.RHS = append(p.RHS, json.RawMessage(s))
	}
	e, err := p.compile(p.RHS)
	require.NoError(t, err)
	return exprSystem{e}
}

// The gradient is that of the discrete solution: it agrees with central differences of a solve with the same steps to
// rounding, in every argument, for a loss of several saved times, forwards and backwards, for every method.
func TestGradientAgainstDifferences(t *testing.T) {
	for _, m := range Methods() {
		for _, t1 := range []float64{1.5, -0.5} {
			y0 := []float64{0.7, -0.3, 1.2, 0.5}
			th := []float64{1.3, 0.8}
			t0 := 0.25
			at := []float64{t0, 0.4 * t1, 0.55 * t1, 0.9 * t1, t1}
			w := make([]float64, len(at)*4)
			for i := range w {
				w[i] = math.Sin(float64(3*i + 1))
			}
			// Equal steps between t0 and t1, whatever these are.
			loss := func(y0, th []float64, t0, t1 float64) (float64, *Solver[float64], exprSystem) {
				sys := driven(t, th[0], th[1])
				s := NewSolver[float64](Options{Method: m, Step: math.Abs(t1-t0) / 11, SaveAt: append(append([]float64{}, t0), append(at[1:4:4], t1)...), Replay: true})
				sol, err := s.Solve(bg, sys, y0, t0, t1)
				require.NoError(t, err)
				require.Equal(t, 22, sol.Stats.Accepted)
				var l float64
				for i, v := range sol.Y {
					l += w[i] * v
				}
				return l, s, sys
			}
			_, s, sys := loss(y0, th, t0, t1)
			g, err := s.Gradient(bg, sys, w)
			require.NoError(t, err)
			diff := func(x []float64, i int) float64 {
				const d = 1e-5
				keep := x[i]
				x[i] = keep + d
				up, _, _ := loss(y0, th, t0, t1)
				x[i] = keep - d
				down, _, _ := loss(y0, th, t0, t1)
				x[i] = keep
				return (up - down) / (2 * d)
			}
			for i := range y0 {
				near(t, diff(y0, i), g.Y0[i], "%s y0[%d]", m.Name, i)
			}
			for i := range th {
				near(t, diff(th, i), g.Theta[i], "%s θ[%d]", m.Name, i)
			}
			const d = 1e-5
			up, _, _ := loss(y0, th, t0, t1+d)
			down, _, _ := loss(y0, th, t0, t1-d)
			near(t, (up-down)/(2*d), g.T1[0]+g.T1[1], "%s t1", m.Name)
			up, _, _ = loss(y0, th, t0+d, t1)
			down, _, _ = loss(y0, th, t0-d, t1)
			near(t, (up-down)/(2*d), g.T0[0]+g.T0[1], "%s t0", m.Name)
		}
	}
}

// near allows for the difference quotient's own error.
func near(t *testing.T, want, got float64, msg ...any) {
	t.Helper()
	require.InDelta(t, want, got, 3e-9*(1+math.Abs(want)), msg...)
}

// With adaptive steps, each row's gradient is the same alone and in a batch, and the continuous formulas for
// the times hold to the tolerance.
func TestGradientOfRows(t *testing.T) {
	sys := driven(t, 1.3, 0.8)
	y0 := []float64{0.7, -0.3, 3, 2, -0.5, -4}
	w := []float64{1, 2, -1, 0.5, 0.3, 1}
	s := NewSolver[float64](Options{Rtol: 1e-8, Atol: 1e-10, Replay: true})
	sol, err := s.Solve(bg, sys, y0, 0, 3)
	require.NoError(t, err)
	steps := []int{}
	for _, r := range sol.Rows {
		steps = append(steps, r.Accepted)
	}
	require.NotEqual(t, steps[0], steps[2])
	final := append([]float64{}, sol.Final()...)
	g, err := s.Gradient(bg, sys, w)
	require.NoError(t, err)
	require.Equal(t, 2*6*max(steps[0], steps[1], steps[2]), g.Evals)
	theta := []float64{0, 0}
	f := make([]float64, 2)
	for r := range 3 {
		one := NewSolver[float64](Options{Rtol: 1e-8, Atol: 1e-10, Dense: true})
		_, err := one.Solve(bg, sys, y0[2*r:2*r+2], 0, 3)
		require.NoError(t, err)
		h, err := one.Gradient(bg, sys, w[2*r:2*r+2])
		require.NoError(t, err)
		require.Equal(t, h.Y0, g.Y0[2*r:2*r+2])
		require.Equal(t, h.T1[0], g.T1[r])
		theta[0] += h.Theta[0]
		theta[1] += h.Theta[1]
		sys.eval(f, 3, final[2*r:])
		require.InDelta(t, w[2*r]*f[0]+w[2*r+1]*f[1], h.T1[0], 1e-5)
		sys.eval(f, 0, y0[2*r:])
		require.InDelta(t, -h.Y0[0]*f[0]-h.Y0[1]*f[1], h.T0[0], 1e-5)
	}
	require.InDeltaSlice(t, theta, g.Theta, 1e-12)
	require.Zero(t, testing.AllocsPerRun(3, func() {
		if _, err := s.Gradient(bg, BatchPull{sys}, w); err != nil {
			panic(err)
		}
	}))
}

// BatchPull is an exprSystem whose Pullback allocates nothing.
type BatchPull struct{ exprSystem }

func (s BatchPull) Pullback(dy, dtheta []float64, dt []float64, b Batch[float64], g []float64) {
	for i := range g {
		dy[i] += g[i]
	}
}

func TestGradientRefuses(t *testing.T) {
	sys := driven(t, 1, 1)
	s := NewSolver[float64](Options{})
	_, err := s.Solve(bg, sys, []float64{1, 0}, 0, 1)
	require.NoError(t, err)
	_, err = s.Gradient(bg, sys, []float64{1, 0})
	require.ErrorIs(t, err, ErrGradient)

	s = NewSolver[float64](Options{Replay: true, Events: []Event{{G: func(t float64, y []float64) float64 { return t - 0.5 }, Reset: func(t float64, y []float64) { y[0]++ }}}})
	_, err = s.Solve(bg, sys, []float64{1, 0}, 0, 1)
	require.NoError(t, err)
	_, err = s.Gradient(bg, sys, []float64{1, 0})
	require.ErrorIs(t, err, ErrGradient)
	require.Contains(t, err.Error(), "reset")

	s = NewSolver[float64](Options{Replay: true, MaxSteps: 2})
	_, err = s.Solve(bg, sys, []float64{1, 0}, 0, 1)
	require.Error(t, err)
	_, err = s.Gradient(bg, sys, []float64{1, 0})
	require.ErrorIs(t, err, ErrGradient)

	s = NewSolver[float64](Options{Replay: true})
	_, err = s.Solve(bg, sys, []float64{1, 0}, 0, 1)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(bg)
	cancel()
	_, err = s.Gradient(ctx, sys, []float64{1, 0})
	require.ErrorIs(t, err, context.Canceled)
	require.Panics(t, func() { s.Gradient(bg, sys, []float64{1, 0, 2}) })
}

// Stops are kept: the gradient by a jump's size and by t1 is right across it.
func TestGradientAcrossStops(t *testing.T) {
	sys := driven(t, 1.3, 0.8)
	loss := func(t1 float64) (float64, *Solver[float64]) {
		s := NewSolver[float64](Options{Rtol: 1e-11, Atol: 1e-13, Replay: true, Stops: []float64{0.3, 0.7}})
		sol, err := s.Solve(bg, sys, []float64{0.7, -0.3}, 0, t1)
		require.NoError(t, err)
		return sol.Final()[0], s
	}
	_, s := loss(2)
	g, err := s.Gradient(bg, sys, []float64{1, 0})
	require.NoError(t, err)
	up, _ := loss(2 + 1e-5)
	down, _ := loss(2 - 1e-5)
	require.InDelta(t, (up-down)/2e-5, g.T1[0], 1e-6)
}
