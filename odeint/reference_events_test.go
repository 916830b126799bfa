package odeint

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

type referenceEvent struct {
	Name         string
	Problem      exprProblem
	Event        json.RawMessage
	Direction    int
	Terminal     bool
	Reset        []json.RawMessage
	Times        []float64
	StatesBefore [][]float64                  `json:"states_before"`
	Tol          float64                      `json:"tol_abs"`
	SolveWith    struct{ Rtol, Atol float64 } `json:"solve_with"`
}

func TestReferenceEvents(t *testing.T) { referenceFolders(t, referenceEvents) }

func referenceEvents(t *testing.T, dir string) {
	var file struct{ Cases []referenceEvent }
	referenceFile(t, dir, "events.json", &file)
	var count tally
	defer count.report(t)
	t.Run("events.json", func(t *testing.T) {
		for _, c := range file.Cases {
			count.run(t, c.Name, func(t *testing.T) { eventCase(t, &c) })
		}
	})
}

func eventCase(t *testing.T, c *referenceEvent) {
	rhs, err := c.Problem.compile(c.Problem.RHS)
	require.NoError(t, err)
	g, err := c.Problem.compile([]json.RawMessage{c.Event})
	require.NoError(t, err)
	var out [1]float64
	ev := Event{Name: c.Name, Dir: c.Direction, Stop: c.Terminal, G: func(t float64, y []float64) float64 {
		g.eval(out[:], t, y)
		return out[0]
	}}
	if c.Reset != nil {
		reset, err := c.Problem.compile(c.Reset)
		require.NoError(t, err)
		ev.Reset = func(t float64, y []float64) {
			after := make([]float64, len(y))
			reset.eval(after, t, y)
			copy(y, after)
		}
	}
	sol, err := Solve(bg, exprSystem{rhs}, c.Problem.Y0, c.Problem.T0, c.Problem.T1,
		Options{Rtol: c.SolveWith.Rtol, Atol: c.SolveWith.Atol, Events: []Event{ev}, MaxSteps: 1e6})
	require.NoError(t, err)
	var times []float64
	for _, h := range sol.Hits {
		times = append(times, h.T)
	}
	require.Len(t, times, len(c.Times), "times %v, want %v", times, c.Times)
	for i, want := range c.Times {
		require.InDelta(t, want, times[i], c.Tol, "event %d", i)
		if i < len(c.StatesBefore) {
			for j, w := range c.StatesBefore[i] {
				// The state moves with the time, at the field's speed.
				require.InDelta(t, w, sol.Hits[i].Y[j], 100*c.Tol*(1+math.Abs(w)), "state %d before event %d", j, i)
			}
		}
	}
	if c.Terminal && len(c.Times) > 0 {
		require.Equal(t, []Status{Stopped}, sol.Status)
		end, _ := sol.End(0)
		require.Equal(t, times[len(times)-1], end)
	}
}
