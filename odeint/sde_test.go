package odeint

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/simd"
	"pushforward/simd/rng"
)

// geometric is dy = a·y·dt + s·y·dW. With W the path's end, y(1) is exp((a - s²/2) + sW) in Itô's sense,
// exp(a + sW) in Stratonovich's.
func geometric(a, s float64) Noisy[float64] {
	return NoisyFunc(1, func(dy []float64, t float64, y []float64) { dy[0] = a * y[0] },
		func(g []float64, t float64, y []float64) { g[0] = s * y[0] })
}

// Strong order: the mean distance to the closed solution along the same path falls as h^½ and as h.
func TestStrongOrder(t *testing.T) {
	const a, sigma = 0.5, 0.6
	rows := 2000
	steps := []float64{16, 32, 64, 128}
	if testing.Short() {
		rows, steps = 400, []float64{8, 16, 32}
	}
	for m, order := range map[SDEMethod]float64{EulerMaruyama: 0.5, StochasticHeun: 1} {
		var hs, es []float64
		for _, n := range steps {
			key := rng.New(1).Named("strong").Fold(uint64(n))
			sol, err := SolveSDE(bg, geometric(a, sigma), repeat[float64](rows, 1), 0, 1, SDEOptions{Method: m, Step: 1 / n, Key: key})
			require.NoError(t, err)
			require.Equal(t, rows*int(n), sol.Stats.Accepted)
			var e float64
			for r, y := range sol.Final() {
				var w, z [1]float64
				for i := range int(n) {
					rng.NormalAt(key.Fold(uint64(i)), uint64(r), z[:])
					w[0] += z[0] * math.Sqrt(1/n)
				}
				exact := math.Exp(a + sigma*w[0])
				if m == EulerMaruyama {
					exact = math.Exp(a - sigma*sigma/2 + sigma*w[0])
				}
				e += math.Abs(y-exact) / float64(rows)
			}
			hs, es = append(hs, 1/n), append(es, e)
		}
		require.InDelta(t, order, slope(hs, es), 0.12, "%v", es)
	}
}

// The Ornstein–Uhlenbeck process keeps its stationary variance, forwards and backwards in time.
func testStationary[F simd.Float](t *testing.T) {
	n := 5000
	if testing.Short() {
		n = 1000
	}
	for _, t1 := range []float64{2, -2} {
		sign := math.Copysign(1, t1)
		ou := NoisyFunc(2, func(dy []F, t float64, y []F) { dy[0], dy[1] = -F(sign)*y[0], -F(sign)*y[1] },
			func(g []F, t float64, y []F) { g[0], g[1] = F(math.Sqrt2), F(math.Sqrt2) })
		y0 := make([]F, 2*n)
		rng.Normal(rng.New(2).Named("start"), y0)
		for _, m := range []SDEMethod{EulerMaruyama, StochasticHeun} {
			sol, err := SolveSDE(bg, ou, y0, 0, t1, SDEOptions{Method: m, Step: 0.05, Key: rng.New(2).Named("noise")})
			require.NoError(t, err)
			var mean, sq float64
			for _, v := range sol.Final() {
				mean += float64(v) / float64(2*n)
				sq += float64(v) * float64(v) / float64(2*n)
			}
			se := 1 / math.Sqrt(float64(2*n))
			require.InDelta(t, 0, mean, 4.5*se)
			// Euler–Maruyama's own stationary variance is 1/(1 - h/2).
			require.InDelta(t, 1, sq, 4.5*math.Sqrt2*se+0.027)
		}
	}
}

func TestStationary(t *testing.T) {
	t.Run("float64", testStationary[float64])
	t.Run("float32", testStationary[float32])
}

// A row's path does not depend on the rows about it.
func TestPathsByPosition(t *testing.T) {
	sys := geometric(0.1, 0.5)
	y0 := []float64{1, 2, 3, 4, 5}
	opt := SDEOptions{Step: 0.1, Key: rng.New(7), SaveAt: []float64{0, 0.05, 0.3, 1}}
	all, err := SolveSDE(bg, sys, y0, 0, 1, opt)
	require.NoError(t, err)
	for r := range y0 {
		part := opt
		part.Row0 = r
		one, err := SolveSDE(bg, sys, y0[r:], 0, 1, part)
		require.NoError(t, err)
		for i := range opt.SaveAt {
			require.Equal(t, all.Saved(i)[r], one.Saved(i)[0])
		}
	}
	require.Equal(t, y0, all.Saved(0))
	next, err := SolveSDE(bg, sys, y0, 0, 1, SDEOptions{Step: 0.1, Key: rng.New(7), SaveAt: []float64{0.1}})
	require.NoError(t, err)
	for r := range y0 {
		require.InDelta(t, (y0[r]+next.Y[r])/2, all.Saved(1)[r], 1e-14)
	}
}

func TestSDEEndings(t *testing.T) {
	blow := NoisyFunc(1, func(dy []float64, t float64, y []float64) { dy[0] = y[0] * y[0] * y[0] },
		func(g []float64, t float64, y []float64) { g[0] = 0 })
	sol, err := SolveSDE(bg, blow, []float64{1e-3, 1e3, 0}, 0, 1, SDEOptions{Step: 0.1})
	require.ErrorIs(t, err, ErrNotFinite)
	require.Equal(t, []Status{Done, NotFinite, Done}, sol.Status)
	require.Equal(t, 1, err.(*SolveError).Row)
	ctx, cancel := context.WithCancel(bg)
	cancel()
	sol, err = SolveSDE(ctx, blow, []float64{1e-3}, 0, 1, SDEOptions{Step: 0.1})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, []Status{Cancelled}, sol.Status)
	_, err = SolveSDE(bg, blow, []float64{1}, 0, 1, SDEOptions{})
	require.ErrorIs(t, err, ErrOptions)
	sol, err = SolveSDE(bg, blow, []float64{1}, 1, 1, SDEOptions{Step: 1})
	require.NoError(t, err)
	require.Equal(t, []float64{1}, sol.Final())
	require.Panics(t, func() {
		SolveSDE(bg, NoisyFunc(2, func(a []float64, t float64, b []float64) {}, nil), []float64{1}, 0, 1, SDEOptions{Step: 1})
	})
}
