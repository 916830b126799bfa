package odeint

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// A step never grows right after a rejection, and no step exceeds MaxStep.
func TestStepSizes(t *testing.T) {
	sol, err := Solve(bg, vanDerPol[float64]([]float64{8}), []float64{2, 0}, 0, 30, Options{Dense: true, MaxStep: 0.05})
	require.NoError(t, err)
	require.NotZero(t, sol.Stats.Rejected)
	steps := sol.Steps(0)
	longest := 0.
	for i := range steps[1:] {
		longest = max(longest, steps[i+1]-steps[i])
	}
	require.LessOrEqual(t, longest, 0.05+1e-12)
	require.Greater(t, longest, 0.049)

	// A controller that records shows what the solver does with its answers.
	rec := &recorder{}
	sol, err = Solve(bg, vanDerPol[float64]([]float64{8}), []float64{2, 0}, 0, 30, Options{Control: rec, FirstStep: 3})
	require.NoError(t, err)
	require.Equal(t, sol.Stats.Accepted+sol.Stats.Rejected, len(rec.e))
	require.Equal(t, []float64{1, 1}, rec.before[0])
	kept := 1.
	for i := 1; i < len(rec.e); i++ {
		if rec.e[i-1] <= 1 {
			kept = rec.e[i-1]
		}
		require.Equal(t, kept, rec.before[i][0], "the last kept error")
	}
}

type recorder struct {
	e      []float64
	before [][]float64
}

func (r *recorder) Next(order int, e0, e1, e2 float64) (float64, bool) {
	r.e = append(r.e, e0)
	r.before = append(r.before, []float64{e1, e2})
	return PID{}.Next(order, e0, e1, e2)
}

// PI control takes fewer rejections where steps are limited by stability, and all controllers meet the tolerance.
func TestControllers(t *testing.T) {
	for _, c := range []Controller{PID{}, PID{P: 0.4, I: 0.3}, PID{P: 0.1, I: 0.3, D: 0.01}, PID{Safety: 0.8, Max: 5}} {
		sol, err := Solve(bg, harmonic[float64](), []float64{1, 0}, 0, 20, Options{Control: c, Rtol: 1e-8, Atol: 1e-8})
		require.NoError(t, err)
		require.InDelta(t, math.Cos(20), sol.Final()[0], 1e-6)
	}
}

// A component left out of the norm moves nothing else, by a bit; one with a loose tolerance of its own hardly.
func TestWeightsAndTolerances(t *testing.T) {
	three := Func(3, func(dy []float64, t float64, y []float64) {
		dy[0], dy[1], dy[2] = y[1], -y[0], math.Cos(200*t)*100
	})
	plain, err := Solve(bg, harmonic[float64](), []float64{1, 0}, 0, 10, Options{})
	require.NoError(t, err)
	out, err := Solve(bg, three, []float64{1, 0, 0}, 0, 10, Options{Weights: []float64{1, 1, 0}})
	require.NoError(t, err)
	require.Equal(t, plain.Final(), out.Final()[:2])
	require.Equal(t, plain.Stats.Evals, out.Stats.Evals)
	in, err := Solve(bg, three, []float64{1, 0, 0}, 0, 10, Options{})
	require.NoError(t, err)
	require.Greater(t, in.Stats.Evals, 5*out.Stats.Evals)
	loose, err := Solve(bg, three, []float64{1, 0, 0}, 0, 10, Options{Rtols: []float64{1e-6, 1e-6, 1}, Atols: []float64{1e-9, 1e-9, 1e3}})
	require.NoError(t, err)
	require.Less(t, loose.Stats.Evals, 2*out.Stats.Evals)
	// Equal tolerances spelled out are the scalar ones.
	same, err := Solve(bg, three, []float64{1, 0, 0}, 0, 10, Options{Rtols: []float64{1e-6, 1e-6, 1e-6}, Atols: []float64{1e-9, 1e-9, 1e-9}, Weights: []float64{1, 1, 1}})
	require.NoError(t, err)
	require.Equal(t, in.Final(), same.Final())
}

// Stops: a jump in f costs no rejections, the step ends on it, and f is asked for one side at a time.
func TestStops(t *testing.T) {
	for _, dir := range []float64{1, -1} {
		var asked []float64
		sys := scalar(func(t, y float64) float64 {
			asked = append(asked, t)
			if t*dir < 1 {
				return 1
			}
			return -3
		})
		opt := Options{Stops: []float64{0, 1 * dir, 1 * dir, 2 * dir, 3 * dir, 7 * dir}, Dense: true, SaveAt: []float64{0, 0.5 * dir, 1 * dir, 1.5 * dir, 3 * dir}}
		sol, err := Solve(bg, sys, []float64{0}, 0, 3*dir, opt)
		require.NoError(t, err)
		require.Zero(t, sol.Stats.Rejected)
		require.InDeltaSlice(t, []float64{0, 0.5 * dir, 1 * dir, 1*dir - 1.5*dir, 1*dir - 6*dir}, sol.Y, 1e-12)
		require.Contains(t, sol.Steps(0), 1*dir)
		require.Contains(t, sol.Steps(0), 2*dir)
		require.NotContains(t, asked, 1*dir)
		require.NotContains(t, asked, 0.)
		require.NotContains(t, asked, 3*dir)
		jumpless, err := Solve(bg, sys, []float64{0}, 0, 3*dir, Options{})
		require.NoError(t, err)
		require.NotZero(t, jumpless.Stats.Rejected)
	}
}

// The last step lands on t1 exactly, and f is asked for that very time.
func TestLandsOnT1(t *testing.T) {
	for _, t1 := range []float64{1, 0.1, 1. / 3, -0.7, 1e-9, 1e12} {
		for _, opt := range []Options{{}, {Step: 0.1 * math.Abs(t1)}, {Step: 0.3 * math.Abs(t1)}, {Method: Bosh3}, {Method: RK4, Step: math.Abs(t1) / 7}} {
			last, beyond := math.NaN(), false
			sys := scalar(func(t, y float64) float64 {
				last = t
				beyond = beyond || math.Abs(t) > math.Abs(t1)
				return y / t1
			})
			sol, err := Solve(bg, sys, []float64{1}, 0, t1, opt)
			require.NoError(t, err)
			end, _ := sol.End(0)
			require.Equal(t, t1, end)
			require.False(t, beyond)
			require.InDelta(t, math.E, sol.Final()[0], 2e-2)
			if m := opt.Method; m == nil || m.fsal() {
				require.Equal(t, t1, last)
			}
		}
	}
}

func TestFixedStepsAreEqual(t *testing.T) {
	sol, err := Solve(bg, harmonic[float64](), []float64{1, 0}, 0, 1, Options{Step: 0.3, Dense: true, Method: RK4})
	require.NoError(t, err)
	require.InDeltaSlice(t, []float64{0, 0.3, 0.6, 0.9, 1}, sol.Steps(0), 1e-15)
	for _, n := range []int{1, 3, 7, 10, 49, 1000} {
		sol, err := Solve(bg, harmonic[float64](), []float64{1, 0}, 0, 1, Options{Step: 1 / float64(n), Method: Euler})
		require.NoError(t, err)
		require.Equal(t, n, sol.Stats.Accepted)
		require.Equal(t, n, sol.Stats.Evals)
	}
}

func TestOptionsAsJSON(t *testing.T) {
	raw, err := json.Marshal(Options{Method: Tsit5, Rtol: 1e-5, Events: []Event{{Name: "top", Dir: -1, G: func(float64, []float64) float64 { return 0 }}}})
	require.NoError(t, err)
	require.Contains(t, string(raw), `"Method":"tsit5"`)
	require.Contains(t, string(raw), `"Name":"top"`)
}

// The sums of error estimates are those of the steps: of the tolerance, times their number.
func TestErrorSums(t *testing.T) {
	sol, err := Solve(bg, harmonic[float64](), []float64{1, 0}, 0, 6, Options{Errors: true, Rtol: 1e-6, Atol: 1e-6})
	require.NoError(t, err)
	require.Len(t, sol.Errors, 2)
	for _, e := range sol.Errors {
		require.Positive(t, e)
		require.Less(t, e, 1e-6*float64(sol.Stats.Accepted)*4)
	}
}

// A pulse between the stages of a long step is not seen by any solver; a bound on the step or stops about it show it.
func TestPulse(t *testing.T) {
	const at, width = 31.7, 0.02
	pulse := Func(1, func(dy []float64, t float64, _ []float64) {
		x := (t - at) / width
		dy[0] = math.Exp(-x * x)
	})
	area := width * math.Sqrt(math.Pi)
	for _, m := range []*Tableau{Bosh3, Dopri5, Tsit5, Bosh5, Dop853} {
		for name, opt := range map[string]Options{
			"max step": {MaxStep: width}, "stops": {Stops: []float64{at - 6*width, at, at + 6*width}},
		} {
			opt.Method, opt.Rtol, opt.Atol = m, 1e-8, 1e-10
			sol, err := Solve(bg, pulse, []float64{0}, 0, 60, opt)
			require.NoError(t, err)
			require.InDelta(t, area, sol.Final()[0], 1e-7, "%s: %s", m.Name, name)
		}
	}
}
