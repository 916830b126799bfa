package odeint

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

// areas is y' = -y and its integral, on which nothing depends.
type areas struct{ evals, paths int }

func (*areas) Dim() int { return 2 }

func (a *areas) Eval(dst []float64, b Batch[float64]) {
	a.evals++
	for i := range b.Row {
		dst[2*i], dst[2*i+1] = -b.Y[2*i], b.Y[2*i]
	}
}

func (a *areas) EvalPath(dst []float64, b Batch[float64]) {
	a.paths++
	for i := range b.Row {
		dst[2*i], dst[2*i+1] = -b.Y[2*i], 0
	}
}

// A stage that serves other stages alone may leave integrals out: not a bit of the solution changes.
func TestQuadrature(t *testing.T) {
	for m, stages := range map[*Tableau]int{Dopri5: 1, Dop853: 4, Bosh3: 0, RK4: 0} {
		o := Options{Method: m, Rtol: 1e-8, Atol: 1e-8, Dense: true, Errors: true}
		if m.E == nil {
			o.Step = 0.1
		}
		quad := &areas{}
		got, err := Solve(context.Background(), quad, []float64{1, 0, 3, 0}, 0, 2, o)
		require.NoError(t, err)
		all := &areas{}
		want, err := Solve(context.Background(), BatchFunc(2, all.Eval), []float64{1, 0, 3, 0}, 0, 2, o)
		require.NoError(t, err)
		require.Equal(t, want.Y, got.Y, m.Name)
		require.Equal(t, want.Errors, got.Errors, m.Name)
		at := make([]float64, 2)
		require.Equal(t, append([]float64(nil), want.At(at, 1, 0.77)...), got.At(at, 1, 0.77), m.Name)
		require.Equal(t, want.Stats, got.Stats, m.Name)
		require.Equal(t, all.evals, quad.evals+quad.paths)
		require.Equal(t, stages > 0, quad.paths > 0, m.Name)
		if stages > 0 {
			require.Zero(t, quad.paths%stages, m.Name)
		}
		require.Equal(t, []float64{1, 0}, got.Start(0, 0))
		require.InDelta(t, 1-got.Start(0, 1)[0], got.Start(0, 1)[1], 1e-7)
	}
}
