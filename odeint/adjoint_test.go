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

// Where the state that is reconstructed decides what the cotangent meets on its way, the adjoint is wrong by more than the
// gradient itself, at tolerances of 1e-7 and 1e-9, and reports no error; replay agrees with differences to 1e-6.
func TestAdjointFailsWhereReplayHolds(t *testing.T) {
	vanDerPol := []string{`"y1"`, `["-", ["*", "k", ["-", 1.0, ["*", "y0", "y0"]], "y1"], "y0"]`}
	for _, c := range []struct {
		name string
		rhs  []string
		k    float64
		y0   []float64
		t1   float64
		tol  float64
	}{
		{"van der Pol 2", vanDerPol, 2, []float64{2, 0}, 12, 1e-9},
		{"van der Pol 3", vanDerPol, 3, []float64{2, 0}, 12, 1e-9},
		{"driven pendulum at rest", []string{`["-", ["*", "k", ["sin", "t"]], ["*", 6.0, ["sin", "y0"]]]`}, 4, []float64{0.5}, 8, 1e-7},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := exprProblem{Y0: c.y0}
			for _, s := range c.rhs {
				p.RHS = append(p.RHS, json.RawMessage(s))
			}
			system := func(k float64) exprSystem {
				p.Params = map[string]float64{"k": k}
				e, err := p.compile(p.RHS)
				require.NoError(t, err)
				return exprSystem{e}
			}
			w := []float64{1, 0.2}[:len(c.y0)]
			x := append(append([]float64{}, c.y0...), c.k)
			loss := func(i int, d float64) (l float64) {
				z := append([]float64{}, x...)
				z[i] += d
				sol, err := Solve(bg, system(z[len(c.y0)]), z[:len(c.y0)], 0, c.t1, Options{Method: Dop853, Rtol: 1e-13, Atol: 1e-15})
				require.NoError(t, err)
				for j, v := range sol.Final() {
					l += w[j] * v
				}
				return l
			}
			want, scale := make([]float64, len(x)), 0.
			for i := range x {
				const d = 1e-3
				want[i] = (8*(loss(i, d)-loss(i, -d)) - loss(i, 2*d) + loss(i, -2*d)) / (12 * d)
				scale = max(scale, math.Abs(want[i]))
			}
			off := func(g *Gradient[float64]) (e float64) {
				for i, v := range append(append([]float64{}, g.Y0...), g.Theta...) {
					if d := math.Abs(v-want[i]) / scale; !(d <= e) {
						e = d
					}
				}
				return e
			}
			sys := system(c.k)
			s := NewSolver[float64](Options{Rtol: c.tol, Atol: c.tol / 100, Replay: true})
			sol, err := s.Solve(bg, sys, c.y0, 0, c.t1)
			require.NoError(t, err)
			y1 := append([]float64{}, sol.Final()...)
			g, err := s.Gradient(bg, sys, w)
			require.NoError(t, err)
			require.LessOrEqual(t, off(g), 1e-6)
			g, _, err = Adjoint(bg, sys, y1, w, 0, c.t1, Options{Rtol: c.tol, Atol: c.tol / 100, MaxSteps: 1e5})
			require.NoError(t, err)
			require.Greater(t, off(g), 1.)
			t.Logf("the adjoint is off by %.0f%%", 100*off(g))
		})
	}
}

func TestAdjointRefuses(t *testing.T) {
	_, _, err := Adjoint(bg, driven(t, 1, 1), []float64{1, 2}, []float64{1, 2}, 0, 1, Options{Dense: true})
	require.ErrorIs(t, err, ErrOptions)
	_, _, err = Adjoint(bg, driven(t, 1, 1), []float64{1, 2}, []float64{1, 2}, 0, math.NaN(), Options{})
	require.ErrorIs(t, err, ErrOptions)
	require.Panics(t, func() { Adjoint(bg, driven(t, 1, 1), []float64{1, 2}, []float64{1}, 0, 1, Options{}) })
}
