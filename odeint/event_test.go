package odeint

import (
	"math"
	"sort"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/simd"
	"pushforward/simd/rng"
)

// clock is dy/dt = 1: one step leads anywhere, and the state is the time.
var clock = scalar(func(t, y float64) float64 { return 1 })

func hitTimes[F simd.Float](sol *Solution[F], row, event int) []float64 {
	times := []float64{}
	for _, h := range sol.Hits {
		if h.Row == row && h.Event == event {
			times = append(times, h.T)
		}
	}
	return times
}

// Many roots of a fast function inside one large step are all found, to 1e-12 of the step.
func TestManyRootsInAStep(t *testing.T) {
	for _, dir := range []float64{1, -1} {
		for _, freq := range []float64{0.5, 3, 10, 47} {
			g := func(t float64, y []float64) float64 { return math.Sin(freq*y[0]) + 0.3 }
			ev := func(d int) Event { return Event{G: g, Dir: d} }
			sol, err := Solve(bg, clock, []float64{0}, 0, 10*dir, Options{FirstStep: 10, Events: []Event{ev(0), ev(1), ev(-1)}})
			require.NoError(t, err)
			require.Equal(t, 1, sol.Stats.Accepted)
			a := math.Asin(0.3)
			var up, down []float64
			for k := -1000; k < 1000; k++ {
				up = append(up, (2*math.Pi*float64(k)-a)/freq)
				down = append(down, (2*math.Pi*float64(k)+math.Pi+a)/freq)
			}
			if dir < 0 { // rising and falling are judged along the integration
				up, down = down, up
			}
			within := func(x []float64) []float64 {
				out := []float64{}
				for _, v := range x {
					if v*dir > 0 && v*dir < 10 {
						out = append(out, v)
					}
				}
				sort.Slice(out, func(i, j int) bool { return out[i]*dir < out[j]*dir })
				return out
			}
			want := [][]float64{within(append(append([]float64{}, up...), down...)), within(up), within(down)}
			for e := range want {
				got := hitTimes(sol, 0, e)
				require.Len(t, got, len(want[e]), "frequency %v, event %d", freq, e)
				require.InDeltaSlice(t, want[e], got, 10e-12)
			}
			for i := range sol.Hits[1:] {
				require.GreaterOrEqual(t, sol.Hits[i+1].T*dir, sol.Hits[i].T*dir)
			}
		}
	}
}

// Near misses and near tangents are told apart: G = (t-c)² - ε has two roots for ε > 0, none for ε < 0.
func TestNearTangents(t *testing.T) {
	for _, c := range []float64{0.01, 0.13, 0.25, 0.3749, 0.5, 0.62, 0.9, 0.995} {
		for _, eps := range []float64{1e-2, 1e-4, 1e-6, 1e-9, 1e-12, -1e-12, -1e-9, -1e-6, -1e-3} {
			for _, sign := range []float64{1, -1} {
				ev := Event{G: func(t float64, y []float64) float64 { return sign * ((y[0]-c)*(y[0]-c) - eps) }}
				sol, err := Solve(bg, clock, []float64{0}, 0, 1, Options{FirstStep: 1, Events: []Event{ev}})
				require.NoError(t, err)
				require.Equal(t, 1, sol.Stats.Accepted)
				want := []float64{}
				if eps > 0 {
					for _, x := range []float64{c - math.Sqrt(eps), c + math.Sqrt(eps)} {
						if x > 0 && x < 1 {
							want = append(want, x)
						}
					}
				}
				require.InDeltaSlice(t, want, hitTimes(sol, 0, 0), 1e-9, "c=%v ε=%v", c, eps) // a tangent's roots are ill-conditioned
				require.Len(t, sol.Hits, len(want))
			}
		}
	}
}

// Up to six roots in one step, some gap apart that may be a hundred-thousandth of it, are all found; several at one
// place are one crossing or none, and near a triple one whose coefficients are rounded there may be up to three.
func TestClustersOfRoots(t *testing.T) {
	key := rng.New(7)
	for n := 1; n <= 6; n++ {
		for trial := range 100 {
			u := make([]float64, n+2)
			rng.Uniform(key.Fold(uint64(n)).Fold(uint64(trial)), u)
			x := make([]float64, n)
			x[0] = 0.1 + 0.8*u[0]
			gap := 0.015 * math.Pow(10, -3*u[1])
			for i := 1; i < n; i++ {
				x[i] = x[i-1] + gap*(0.5+u[1+i])
			}
			product := func(t float64, y []float64) float64 {
				v := 1.
				for _, r := range x {
					v *= y[0] - r
				}
				return v
			}
			power := func(t float64, y []float64) float64 { return math.Pow(y[0]-x[0], float64(n)) }
			noise := func(t float64, y []float64) float64 {
				return (y[0]-3*x[0])*y[0]*y[0] + 3*x[0]*x[0]*y[0] - x[0]*x[0]*x[0]
			}
			sol, err := Solve(bg, clock, []float64{0}, 0, 1, Options{FirstStep: 1, Events: []Event{{G: product}, {G: product, Dir: 1}, {G: power}, {G: noise}}})
			require.NoError(t, err)
			require.Equal(t, 1, sol.Stats.Accepted)
			got := hitTimes(sol, 0, 0)
			require.Len(t, got, n, "%v", x)
			require.InDeltaSlice(t, x, got, 1e-11)
			rising := []float64{}
			for i := n - 1; i >= 0; i -= 2 {
				rising = append([]float64{x[i]}, rising...)
			}
			got = hitTimes(sol, 0, 1)
			require.Len(t, got, len(rising), "%v", x)
			require.InDeltaSlice(t, rising, got, 1e-11)
			require.Len(t, hitTimes(sol, 0, 2), n%2, "%v", x[0])
			got = hitTimes(sol, 0, 3)
			require.NotEmpty(t, got, "%v", x[0])
			require.LessOrEqual(t, len(got), 3, "%v", x[0])
			require.InDelta(t, x[0], got[0], 2e-5)
			require.InDelta(t, x[0], got[len(got)-1], 2e-5)
		}
	}
}

// Several events in one step come in order; the first that stops the row hides the later ones, and nothing is saved beyond.
func TestStopInOrder(t *testing.T) {
	at := func(x float64, stop bool) Event {
		return Event{Stop: stop, G: func(t float64, y []float64) float64 { return y[0] - x }}
	}
	sol, err := Solve(bg, clock, []float64{0, 0.35, -5}, 0, 1, Options{FirstStep: 1, SaveAt: []float64{0, 0.25, 0.5, 1}, Dense: true,
		Events: []Event{at(0.4, true), at(0.3, false), at(0.8, true), at(0.2, false)}})
	require.NoError(t, err)
	require.Equal(t, []Status{Stopped, Stopped, Done}, sol.Status)
	require.Len(t, sol.Hits, 4)
	for i, want := range []Hit{{Row: 0, Event: 3, T: 0.2}, {Row: 0, Event: 1, T: 0.3}, {Row: 0, Event: 0, T: 0.4}, {Row: 1, Event: 0, T: 0.05}} {
		require.Equal(t, []int{want.Row, want.Event}, []int{sol.Hits[i].Row, sol.Hits[i].Event})
		require.InDelta(t, want.T, sol.Hits[i].T, 1e-12)
		require.InDelta(t, want.T+[]float64{0, 0.35}[want.Row], sol.Hits[i].Y[0], 1e-12)
	}
	end, y := sol.End(0)
	require.Equal(t, sol.Hits[2].T, end)
	require.InDelta(t, 0.4, y[0], 1e-12)
	nan := math.NaN()
	for i, want := range []float64{0, 0.35, -5, 0.25, nan, -4.75, nan, nan, -4.5, nan, nan, -4} {
		require.Equal(t, math.IsNaN(want), math.IsNaN(sol.Y[i]), "%d", i)
		if !math.IsNaN(want) {
			require.InDelta(t, want, sol.Y[i], 1e-12)
		}
	}
	require.True(t, math.IsNaN(sol.At(make([]float64, 1), 0, 0.41)[0]))
	require.InDelta(t, 0.39, sol.At(make([]float64, 1), 0, 0.39)[0], 1e-12)
}

// A zero at the start is no event; the next crossing is.
func TestStartOnARoot(t *testing.T) {
	for _, y0 := range []float64{0, 1, -1} {
		sol, err := Solve(bg, harmonic[float64](), []float64{0, y0}, 0, 7, Options{Rtol: 1e-10, Events: []Event{
			{G: func(t float64, y []float64) float64 { return y[0] }}}})
		require.NoError(t, err)
		want := []float64{math.Pi, 2 * math.Pi}
		if y0 == 0 {
			want = nil
		}
		require.InDeltaSlice(t, want, hitTimes(sol, 0, 0), 1e-8)
		require.Len(t, sol.Hits, len(want))
	}
}

// ball falls under constant acceleration, so that a whole flight fits in one step.
var ball = Func(2, func(dy []float64, t float64, y []float64) { dy[0], dy[1] = y[1], -9.81 })

// bounces lists when a ball dropped from height h, keeping the part e of its speed, touches the floor before t1.
func bounces(h, e, t1 float64) []float64 {
	t := math.Sqrt(2 * h / 9.81)
	v := 9.81 * t
	times := []float64{}
	for t < t1 && len(times) < 50 {
		times = append(times, t)
		v *= e
		t += 2 * v / 9.81
	}
	return times
}

// Resets: each row bounces at its own times, many bounces within what would be one step; saved and dense states see
// them.
func TestBouncingBalls(t *testing.T) {
	bounce := Event{Name: "floor", Dir: -1,
		G:     func(t float64, y []float64) float64 { return y[0] },
		Reset: func(t float64, y []float64) { y[0], y[1] = 0, -0.75*y[1] }}
	y0 := []float64{10, 0, 1, 0, 0.02, 0, 3, 0}
	at := []float64{}
	for i := range 61 {
		at = append(at, float64(i)*0.01)
	}
	sol, err := Solve(bg, ball, y0, 0, 0.6, Options{Events: []Event{bounce}, Rtol: 1e-10, Atol: 1e-12, SaveAt: at, Dense: true})
	// The small one comes to rest before the end (its bounces add up to 0.4472 s), which no number of steps gets past.
	require.Error(t, err)
	require.Equal(t, 2, err.(*SolveError).Row)
	for r, h := range []float64{10, 1, 0.02, 3} {
		want := bounces(h, 0.75, 0.6)
		got := hitTimes(sol, r, 0)
		if r == 2 {
			want = want[:20]
			got = got[:20]
		}
		require.InDeltaSlice(t, want, got, 1e-9)
		require.Len(t, got, len(want))
	}
	// Between bounces the height is a parabola.
	want := bounces(1, 0.75, 0.6)
	for i, x := range at {
		if x <= want[0] {
			require.InDelta(t, 1-9.81/2*x*x, sol.Y[(i*4+1)*2], 1e-9)
		} else {
			d := x - want[0]
			require.InDelta(t, 0.75*9.81*want[0]*d-9.81/2*d*d, sol.Y[(i*4+1)*2], 1e-9)
		}
		require.InDelta(t, sol.Y[(i*4+1)*2], sol.At(make([]float64, 2), 1, x)[0], 1e-12)
	}
}

// A reset that jumps away from the root, one that turns the direction round on it, and one whose event then looks both ways.
func TestResets(t *testing.T) {
	// Integrate and fire: y' = 1, at 1 back to 0.
	fire := Event{G: func(t float64, y []float64) float64 { return y[0] - 1 }, Reset: func(t float64, y []float64) { y[0] = 0 }}
	sol, err := Solve(bg, clock, []float64{0.5}, 0, 5, Options{Events: []Event{fire}})
	require.NoError(t, err)
	require.InDeltaSlice(t, []float64{0.5, 1.5, 2.5, 3.5, 4.5}, hitTimes(sol, 0, 0), 1e-11)
	require.InDelta(t, 0.5, sol.Final()[0], 1e-11)

	// A particle between walls: the speed turns round where the root is, and stays there.
	walls := []Event{
		{G: func(t float64, y []float64) float64 { return y[0] - 1 }, Reset: func(t float64, y []float64) { y[1] = -y[1] }},
		{G: func(t float64, y []float64) float64 { return y[0] + 1 }, Reset: func(t float64, y []float64) { y[1] = -y[1] }},
	}
	free := Func(2, func(dy []float64, t float64, y []float64) { dy[0], dy[1] = y[1], 0 })
	for _, t1 := range []float64{9.5, -9.5} {
		sol, err = Solve(bg, free, []float64{0, 1}, 0, t1, Options{Events: walls})
		require.NoError(t, err)
		require.Len(t, sol.Hits, 5)
		for i, h := range sol.Hits {
			require.InDelta(t, float64(2*i+1), math.Abs(h.T), 1e-10)
		}
		require.InDelta(t, 0.5, math.Abs(sol.Final()[0]), 1e-10)
	}
}

// Events are the same alone and in a batch, float32 states included.
func testEventRows[F simd.Float](t *testing.T) {
	mu := []float64{0.3, 2, 5}
	ev := []Event{{G: func(t float64, y []float64) float64 { return y[0] }}, {Dir: 1, G: func(t float64, y []float64) float64 { return y[1] - 0.5 }}}
	all, err := Solve(bg, vanDerPol[F](mu), repeat[F](3, 1, 0), 0, 12, Options{Events: ev})
	require.NoError(t, err)
	for r := range mu {
		one, err := Solve(bg, vanDerPol[F](mu[r:r+1]), []F{1, 0}, 0, 12, Options{Events: ev})
		require.NoError(t, err)
		for e := range ev {
			require.Equal(t, hitTimes(one, 0, e), hitTimes(all, r, e))
			require.NotEmpty(t, hitTimes(one, 0, e))
		}
	}
	require.True(t, sort.SliceIsSorted(all.Hits, func(i, j int) bool { return all.Hits[i].Row < all.Hits[j].Row }))
}

func TestEventRows(t *testing.T) {
	t.Run("float64", testEventRows[float64])
	t.Run("float32", testEventRows[float32])
}

// A function that is discontinuous, or constantly zero, does no harm.
func TestOddEventFunctions(t *testing.T) {
	sol, err := Solve(bg, clock, []float64{0}, 0, 1, Options{FirstStep: 1, Events: []Event{
		{G: func(t float64, y []float64) float64 { return math.Copysign(1, t-0.3) }},
		{G: func(t float64, y []float64) float64 { return 0 }},
		{G: func(t float64, y []float64) float64 { return math.NaN() }},
		{G: func(t float64, y []float64) float64 { return 1 }},
	}})
	require.NoError(t, err)
	require.Len(t, sol.Hits, 1)
	require.InDelta(t, 0.3, sol.Hits[0].T, 1e-12)
}
