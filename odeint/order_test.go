package odeint

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/simd"
)

// smooth problems with closed solutions.
var smooth = []struct {
	name   string
	sys    System[float64]
	y0     []float64
	t0, t1 float64
	at     func(t float64) []float64
}{
	{"harmonic", harmonic[float64](), []float64{1, 0}, 0, 4, func(t float64) []float64 { return []float64{math.Cos(t), -math.Sin(t)} }},
	{"riccati", Func(1, func(dy []float64, t float64, y []float64) { dy[0] = -2 * t * y[0] * y[0] }), []float64{1}, 0, 2,
		func(t float64) []float64 { return []float64{1 / (1 + t*t)} }},
	{"cosine", Func(1, func(dy []float64, t float64, y []float64) { dy[0] = y[0] * math.Cos(t) }), []float64{1}, 0, 5,
		func(t float64) []float64 { return []float64{math.Exp(math.Sin(t))} }},
	{"logistic backwards", Func(1, func(dy []float64, t float64, y []float64) { dy[0] = y[0] * (1 - y[0]) }),
		[]float64{1 / (1 + math.Exp(-2))}, 2, -2, func(t float64) []float64 { return []float64{1 / (1 + math.Exp(-t))} }},
}

// slope is the least-squares slope of log e over log h.
func slope(h, e []float64) float64 {
	var sx, sy, sxx, sxy float64
	for i := range h {
		x, y := math.Log(h[i]), math.Log(e[i])
		sx, sy, sxx, sxy = sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	n := float64(len(h))
	return (n*sxy - sx*sy) / (n*sxx - sx*sx)
}

// With fixed steps the largest error at the steps' ends falls as h to the order, and that of dense output as h to its order, which is
// one more locally.
func TestOrderOfConvergence(t *testing.T) {
	dense := map[*Tableau]float64{Euler: 1, Midpoint: 2, Heun: 2, Bosh3: 3, RK4: 3.7, RK38: 3.7, Dopri5: 4, Tsit5: 4, Dop853: 7}
	for _, m := range Methods() {
		steps := []float64{64, 96, 128, 192}
		if m.Order < 4 {
			steps = []float64{128, 192, 256, 384}
		}
		if m.Order > 5 {
			steps = []float64{10, 12, 16, 20, 24}
		}
		mean := 0.
		for _, p := range smooth {
			var hs, end, mid []float64
			for _, n := range steps {
				h := math.Abs(p.t1-p.t0) / n
				sol, err := Solve(bg, p.sys, p.y0, p.t0, p.t1, Options{Method: m, Step: h, Dense: true})
				require.NoError(t, err)
				require.EqualValues(t, n, sol.Stats.Accepted)
				hs = append(hs, h)
				e, y := worst(sol.Final(), p.at(p.t1)), make([]float64, len(p.y0))
				for _, at := range sol.Steps(0) {
					e = max(e, worst(sol.At(y, 0, at), p.at(at)))
				}
				end = append(end, e)
				e = 0
				dir := math.Copysign(h, p.t1-p.t0)
				for i := range int(n) {
					for th := 0.1; th < 0.95; th += 0.1 {
						at := p.t0 + (float64(i)+th)*dir
						e = max(e, worst(sol.At(y, 0, at), p.at(at)))
					}
				}
				mid = append(mid, e)
			}
			s := slope(hs, end)
			mean += s / float64(len(smooth))
			require.Greater(t, s, float64(m.Order)-0.45, "%s on %s: %v", m.Name, p.name, end)
			require.Greater(t, slope(hs, mid), dense[m]-0.2, "%s: dense output on %s: %v", m.Name, p.name, mid)
		}
		t.Logf("%s: mean slope %.3f", m.Name, mean)
		require.InDelta(t, float64(m.Order), mean, map[bool]float64{true: 0.2, false: 0.3}[m.Order < 8], m.Name)
	}
}

// Value and slope of dense output are continuous from step to step, and it gives back the states between them.
func TestDenseOutputIsSmooth(t *testing.T) {
	for _, m := range Methods() {
		opt := Options{Method: m, Dense: true, Rtol: 1e-6, Atol: 1e-6}
		if m.E == nil {
			opt.Step = 0.05
		}
		s := NewSolver[float64](opt)
		for _, t1 := range []float64{4, -4} {
			sol, err := s.Solve(bg, harmonic[float64](), []float64{1, 0, 0, 2}, 0, t1)
			require.NoError(t, err)
			for row := range 2 {
				steps := sol.Steps(row)
				require.Equal(t, 0., steps[0])
				require.Equal(t, t1, steps[len(steps)-1])
				for _, x := range steps[1 : len(steps)-1] {
					d := 1e-7
					at := func(x float64) []float64 { return append([]float64{}, sol.At(make([]float64, 2), row, x)...) }
					a, b, c := at(x-d), at(x), at(x+d)
					for i := range 2 {
						require.InDelta(t, 0, a[i]-2*b[i]+c[i], 2e-13*10, "%s row %d at %v", m.Name, row, x) // a kink of slope s would give s·d
					}
					// The slope is f.
					require.InDelta(t, b[1], (c[0]-a[0])/(2*d), 1e-6+2*math.Abs(b[1])*opt.Step, "%s", m.Name)
				}
				for _, x := range []float64{-4.1 * t1, t1 * 1.01} {
					require.True(t, math.IsNaN(sol.At(make([]float64, 2), row, x)[0]))
				}
				_, y := sol.End(row)
				require.Equal(t, y, sol.At(make([]float64, 2), row, t1))
			}
		}
	}
	sol, err := Solve(bg, harmonic[float64](), []float64{1, 0}, 0, 1, Options{})
	require.NoError(t, err)
	require.Panics(t, func() { sol.At(make([]float64, 2), 0, 0.5) })
}

// Saved states are the dense output's, whichever way they are asked for.
func testSavedIsDense[F simd.Float](t *testing.T) {
	for _, t1 := range []float64{5, -5} {
		var at []float64
		for i := range 41 {
			at = append(at, t1*float64(i)/40)
		}
		mu := []float64{0.5, 2, 7}
		y0 := repeat[F](3, 1.5, 0.2)
		opt := Options{SaveAt: at, Dense: true, Rtol: 1e-5, MaxSteps: 1e5}
		sol, err := Solve(bg, vanDerPol[F](mu), y0, 0, t1, opt)
		require.NoError(t, err)
		y := make([]F, 2)
		for i, x := range at {
			for row := range mu {
				sol.At(y, row, x)
				got := sol.Y[(i*3+row)*2:][:2]
				for j := range y {
					require.InDelta(t, float64(y[j]), float64(got[j]), 16*eps[F]()*(1+math.Abs(float64(y[j]))))
				}
			}
		}
		require.Equal(t, y0, sol.Saved(0))
	}
}

func TestSavedIsDense(t *testing.T) {
	t.Run("float64", testSavedIsDense[float64])
	t.Run("float32", testSavedIsDense[float32])
}

// Backward time is the sign-flipped problem, bit for bit, and forward then backward returns.
func TestBackward(t *testing.T) {
	vdp := vanDerPol[float64]([]float64{1})
	flipped := BatchFunc(2, func(dst []float64, b Batch[float64]) {
		vdp.Eval(dst, b)
		for i := range dst {
			dst[i] = -dst[i]
		}
	})
	a, err := Solve(bg, vdp, []float64{1, 0.5}, 0, -2, Options{SaveAt: []float64{-0.5, -1, -2}})
	require.NoError(t, err)
	b, err := Solve(bg, flipped, []float64{1, 0.5}, 0, 2, Options{SaveAt: []float64{0.5, 1, 2}})
	require.NoError(t, err)
	require.Equal(t, b.Y, a.Y)
	require.Equal(t, b.Stats, a.Stats)

	opt := Options{Rtol: 1e-8, Atol: 1e-10}
	f, err := Solve(bg, harmonic[float64](), []float64{1, 0}, 0, 10, opt)
	require.NoError(t, err)
	r, err := Solve(bg, harmonic[float64](), f.Final(), 10, 0, opt)
	require.NoError(t, err)
	require.InDeltaSlice(t, []float64{1, 0}, r.Final(), 100*1e-8)
}
