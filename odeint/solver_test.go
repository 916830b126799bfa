package odeint

import (
	"context"
	"math"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/simd"
)

var bg = context.Background()

// harmonic is y” = -y as a system of two; its solution from (1, 0) at 0 is (cos t, -sin t).
func harmonic[F simd.Float]() System[F] {
	return Func(2, func(dy []F, t float64, y []F) { dy[0], dy[1] = y[1], -y[0] })
}

// vanDerPol has one μ per row.
func vanDerPol[F simd.Float](mu []float64) System[F] {
	return BatchFunc(2, func(dst []F, b Batch[F]) {
		for i, r := range b.Row {
			x, v := b.Y[2*i], b.Y[2*i+1]
			dst[2*i] = v
			dst[2*i+1] = F(F(F(mu[r])*(1-F(x*x)))*v) - x
		}
	})
}

func mus(n int) []float64 {
	mu := make([]float64, n)
	for i := range mu {
		mu[i] = 0.1 * math.Pow(200, float64(i)/float64(max(1, n-1)))
	}
	return mu
}

func repeat[F simd.Float](n int, row ...F) []F {
	var y []F
	for range n {
		y = append(y, row...)
	}
	return y
}

func TestHarmonicAllMethods(t *testing.T) {
	for _, m := range Methods() {
		t.Run(m.Name, func(t *testing.T) {
			opt := Options{Method: m, Rtol: 1e-7, Atol: 1e-9, MaxSteps: 1e6}
			tol := 1e-4
			if m.E == nil {
				opt.Step = map[int]float64{1: 1e-5, 2: 1e-3, 4: 1e-2}[m.Order]
			}
			for _, t1 := range []float64{3, -3} {
				sol, err := Solve(bg, harmonic[float64](), []float64{1, 0}, 0, t1, opt)
				require.NoError(t, err)
				require.Equal(t, []Status{Done}, sol.Status)
				require.Equal(t, []float64{t1}, sol.T)
				require.InDelta(t, math.Cos(t1), sol.Final()[0], tol)
				require.InDelta(t, -math.Sin(t1), sol.Final()[1], tol)
				end, y := sol.End(0)
				require.Equal(t, t1, end)
				require.Equal(t, sol.Final(), y)
			}
			sol, err := Solve(bg, harmonic[float32](), []float32{1, 0}, 0, 3, Options{Method: m, Step: opt.Step * 10, Rtol: 1e-4})
			require.NoError(t, err)
			require.InDelta(t, math.Cos(3), float64(sol.Final()[0]), 5e-3)
		})
	}
}

// For a method whose last stage is the next one's first, evaluations are 1, 1 more for the first step, and the other
// stages of each attempt.
func TestEvaluationCount(t *testing.T) {
	for _, c := range []struct {
		m     *Tableau
		first float64
		base  int
		each  int
	}{{Dopri5, 0, 2, 6}, {Dopri5, 0.1, 1, 6}, {Tsit5, 0, 2, 6}, {Bosh3, 0.1, 1, 3}, {Bosh5, 0, 2, 7}} {
		sol, err := Solve(bg, vanDerPol[float64]([]float64{5}), []float64{2, 0}, 0, 20, Options{Method: c.m, FirstStep: c.first,
			SaveAt: []float64{0, 1, 2, 3, 4, 5, 11.5, 20}})
		require.NoError(t, err)
		require.Equal(t, c.base+c.each*(sol.Stats.Accepted+sol.Stats.Rejected), sol.Stats.Evals, c.m.Name)
		require.NotZero(t, sol.Stats.Rejected)
		bare, err := Solve(bg, vanDerPol[float64]([]float64{5}), []float64{2, 0}, 0, 20, Options{Method: c.m, FirstStep: c.first})
		require.NoError(t, err)
		require.Equal(t, sol.Stats, bare.Stats, "saving must cost nothing")
		require.Equal(t, bare.Final(), sol.Final())
	}
}

// A row's bits are the same alone, in a batch and in another order.
func testRowIndependence[F simd.Float](t *testing.T) {
	n := 24
	mu := mus(n)
	y0 := make([]F, 2*n)
	for i := range n {
		y0[2*i], y0[2*i+1] = F(2-0.05*float64(i)), F(0.03*float64(i))
	}
	at := []float64{0, 0.5, 3, 7.25, 10}
	for _, m := range []*Tableau{Dopri5, Tsit5, Bosh3, Heun} {
		opt := Options{Method: m, SaveAt: at, MaxSteps: 1e6}
		if m == Heun {
			opt.Rtol = 1e-3
		}
		whole, err := Solve(bg, vanDerPol[F](mu), y0, 0, 10, opt)
		require.NoError(t, err)
		// reversed
		rmu, ry := make([]float64, n), make([]F, 2*n)
		for i := range n {
			rmu[i] = mu[n-1-i]
			copy(ry[2*i:2*i+2], y0[2*(n-1-i):])
		}
		back, err := Solve(bg, vanDerPol[F](rmu), ry, 0, 10, opt)
		require.NoError(t, err)
		evals := 0
		for i := range n {
			one, err := Solve(bg, vanDerPol[F](mu[i:i+1]), y0[2*i:2*i+2], 0, 10, opt)
			require.NoError(t, err)
			for j := range at {
				require.Equal(t, one.Y[2*j:2*j+2], whole.Y[2*(j*n+i):2*(j*n+i)+2], "%s row %d at %v", m.Name, i, at[j])
				require.Equal(t, one.Y[2*j:2*j+2], back.Y[2*(j*n+n-1-i):2*(j*n+n-1-i)+2], "%s row %d at %v", m.Name, i, at[j])
			}
			require.Equal(t, one.Rows[0], whole.Rows[i])
			evals += one.Stats.RowEvals
		}
		require.Equal(t, evals, whole.Stats.RowEvals)
	}
}

func TestRowIndependence(t *testing.T) {
	t.Run("float64", testRowIndependence[float64])
	t.Run("float32", testRowIndependence[float32])
}

// A row's bits are the same alone, among very many (a million, or 20,000 with -short) and for any number of cores, with events and
// resets too.
func TestRowAmongMany(t *testing.T) {
	n := 1_000_000
	if testing.Short() {
		n = 20_000
	}
	mu := mus(n)
	y0 := make([]float32, 2*n)
	for i := range n {
		y0[2*i], y0[2*i+1] = 2-float32(i%97)/50, float32(i%31)/20
	}
	bounce := []Event{{Name: "x = 0.5", G: func(_ float64, y []float64) float64 { return y[0] - 0.5 }, Dir: -1,
		Reset: func(_ float64, y []float64) { y[0], y[1] = 0.5, -0.5*y[1] }}}
	for name, c := range map[string]struct {
		opt  Options
		rows int
	}{
		"a step": {Options{Rtol: 1e-3, Atol: 1e-3}, n},
		"resets": {Options{Method: Bosh5, Control: PID{P: 0.2, I: 0.6}, Events: bounce}, n / 20},
	} {
		rows := c.rows
		t1 := 0.2
		if c.opt.Events != nil {
			t1 = 2
		}
		solve := func(mu []float64, y0 []float32) *Solution[float32] {
			sol, err := Solve(bg, vanDerPol[float32](mu), y0, 0, t1, c.opt)
			require.NoError(t, err, name)
			return sol
		}
		whole := solve(mu[:rows], y0[:2*rows])
		for i := 0; i < rows; i += 1 + rows/61 {
			one := solve(mu[i:i+1], y0[2*i:2*i+2])
			require.Equal(t, one.Final(), whole.Final()[2*i:2*i+2], "%s: row %d", name, i)
			require.Equal(t, one.Rows[0], whole.Rows[i], "%s: row %d", name, i)
		}
		few := rows / 10
		for _, cores := range []int{1, 2, 7} {
			before := runtime.GOMAXPROCS(cores)
			sol := solve(mu[:few], y0[:2*few])
			runtime.GOMAXPROCS(before)
			require.Equal(t, whole.Final()[:2*few], sol.Final(), "%s: %d cores", name, cores)
		}
	}
}

func TestNothingToDo(t *testing.T) {
	for _, opt := range []Options{{}, {SaveAt: []float64{1, 1}}, {Dense: true}, {Method: Euler, Step: 0.1}} {
		sol, err := Solve(bg, harmonic[float64](), []float64{1, 2, 3, 4}, 1, 1, opt)
		require.NoError(t, err)
		require.Equal(t, []float64{1, 2, 3, 4}, sol.Final())
		require.Zero(t, sol.Stats.Evals)
		require.Equal(t, []Status{Done, Done}, sol.Status)
		sol, err = Solve(bg, harmonic[float64](), nil, 0, 1, Options{})
		require.NoError(t, err)
		require.Empty(t, sol.Final())
		sol, err = Solve(bg, Func(0, func(dy []float64, t float64, y []float64) {}), nil, 0, 1, Options{})
		require.NoError(t, err)
		require.Empty(t, sol.Status)
	}
	require.Panics(t, func() { Solve(bg, harmonic[float64](), []float64{1, 2, 3}, 0, 1, Options{}) })
}

func TestNoAllocations(t *testing.T) {
	mu := mus(16)
	sys := vanDerPol[float32](mu)
	y0 := repeat[float32](16, 2, 0)
	for name, opt := range map[string]Options{
		"plain": {}, "saves": {SaveAt: []float64{1, 2, 3}}, "dense": {Dense: true}, "bosh": {Method: Bosh3},
		"fixed":  {Method: RK4, Step: 0.01},
		"events": {Events: []Event{{G: func(t float64, y []float64) float64 { return y[0] }}}},
		"several": {Events: []Event{{G: func(t float64, y []float64) float64 { return (y[0] - 1) * (y[0] - 1.01) * (y[0] - 1.02) }},
			{G: func(t float64, y []float64) float64 { return y[1] }, Dir: 1, Reset: func(t float64, y []float64) { y[1] = 0.5 }}}},
		"dop853": {Method: Dop853, Dense: true, SaveAt: []float64{1, 2, 3}, Events: []Event{{G: func(t float64, y []float64) float64 { return y[0] }}}},
		"bosh5":  {Method: Bosh5, Control: PID{P: 0.2, I: 0.6}, FirstStep: 0.1, Errors: true, Stops: []float64{0.7, 2}}, "replay": {Replay: true},
	} {
		s := NewSolver[float32](opt)
		run := func() {
			if _, err := s.Solve(bg, sys, y0, 0, 5); err != nil {
				panic(err)
			}
		}
		run()
		require.Zero(t, testing.AllocsPerRun(5, run), name)
	}
}
