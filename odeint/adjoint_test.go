package odeint

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// On a tame system the adjoint agrees with replay, the better the tighter the tolerance.
func TestAdjointConverges(t *testing.T) {
	sys := driven(t, 1.3, 0.8)
	y0, w := []float64{0.7, -0.3, 0.2, 0.5}, []float64{1, 2, -1, 0.5}
	s := NewSolver[float64](Options{Rtol: 1e-12, Atol: 1e-14, Replay: true})
	sol, err := s.Solve(bg, sys, y0, 0, 2)
	require.NoError(t, err)
	y1 := append([]float64{}, sol.Final()...)
	want, err := s.Gradient(bg, sys, w)
	require.NoError(t, err)
	last := math.Inf(1)
	for _, tol := range []float64{1e-4, 1e-6, 1e-8, 1e-10} {
		g, back, err := Adjoint(bg, sys, y1, w, 0, 2, Options{Rtol: tol, Atol: tol})
		require.NoError(t, err)
		e := max(worst(g.Y0, want.Y0), worst(g.Theta, want.Theta), worst(g.T0, want.T0), worst(g.T1, want.T1))
		require.Less(t, e, 30*tol)
		require.Less(t, e, last)
		require.InDeltaSlice(t, y0, back, 30*tol)
		last = e
	}
}

// On a contracting system it fails by far more than its tolerance, and its reconstruction shows it; replay does not.
func TestAdjointFailsOnContraction(t *testing.T) {
	p := exprProblem{Y0: []float64{2}, Params: map[string]float64{"k": 12}}
	p.RHS = []json.RawMessage{json.RawMessage(`["*", "k", ["-", ["sin", "t"], "y0"]]`)}
	e, err := p.compile(p.RHS)
	require.NoError(t, err)
	sys := exprSystem{e}
	s := NewSolver[float64](Options{Rtol: 1e-6, Atol: 1e-9, Replay: true})
	sol, err := s.Solve(bg, sys, p.Y0, 0, 3)
	require.NoError(t, err)
	g, err := s.Gradient(bg, sys, []float64{1})
	require.NoError(t, err)
	require.InDelta(t, math.Exp(-36), g.Y0[0], 1e-2*math.Exp(-36))
	_, back, err := Adjoint(bg, sys, append([]float64{}, sol.Final()...), []float64{1}, 0, 3, Options{Rtol: 1e-6, Atol: 1e-9})
	require.NoError(t, err)
	require.Greater(t, math.Abs(back[0]-2), 1e3)
}

func TestAdjointRefuses(t *testing.T) {
	_, _, err := Adjoint(bg, driven(t, 1, 1), []float64{1, 2}, []float64{1, 2}, 0, 1, Options{Dense: true})
	require.ErrorIs(t, err, ErrOptions)
	_, _, err = Adjoint(bg, driven(t, 1, 1), []float64{1, 2}, []float64{1, 2}, 0, math.NaN(), Options{})
	require.ErrorIs(t, err, ErrOptions)
	require.Panics(t, func() { Adjoint(bg, driven(t, 1, 1), []float64{1, 2}, []float64{1}, 0, 1, Options{}) })
}
