package odeint

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/simd"
)

// smooth problems with closed solutions: linear, with time, two nonlinear ones, one of them backwards. Their spans are such that
// errors are of the leading order before they are of rounding, at order eight too.
var smooth = []struct {
	name   string
	sys    System[float64]
	t0, t1 float64
	at     func(t float64) []float64
}{
	{"harmonic", harmonic[float64](), 0, 10, func(t float64) []float64 { return []float64{math.Cos(t), -math.Sin(t)} }},
	{"cosine", Func(1, func(dy []float64, t float64, y []float64) { dy[0] = y[0] * math.Cos(t) }), 0, 10,
		func(t float64) []float64 { return []float64{math.Exp(math.Sin(t))} }},
	{"pulse backwards", Func(2, func(dy []float64, _ float64, y []float64) { dy[0], dy[1] = y[0]*y[1], -y[0]*y[0] }), 3, -3,
		func(t float64) []float64 { return []float64{1 / math.Cosh(t), -math.Tanh(t)} }},
	{"logistic", Func(1, func(dy []float64, t float64, y []float64) { dy[0] = y[0] * (1 - y[0]) }), -4, 4,
		func(t float64) []float64 { return []float64{1 / (1 + math.Exp(-t))} }},
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

// With fixed steps the mean error at the steps' ends falls as h to the method's order, and the largest error of dense output at
// any θ as h to the extension's order at least, which is one more locally. Slopes are those over the five finest h whose errors
// are not yet rounding.
func TestOrderOfConvergence(t *testing.T) {
	dense := map[*Tableau]float64{Euler: 0.95, Midpoint: 1.95, Heun: 1.95, Bosh3: 2.95, RK4: 3.9, RK38: 3.9, Dopri5: 4, Tsit5: 4, Bosh5: 4, Dop853: 7}
	for _, m := range Methods() {
		within := 0.2
		if m == Dop853 {
			within = 0.3
		}
		for _, p := range smooth {
			var hs, ends []float64
			var inside [9][]float64
			for _, n := range []float64{16, 20, 24, 28, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256, 320, 384, 512} {
				h := math.Abs(p.t1-p.t0) / n
				sol, err := Solve(bg, p.sys, p.at(p.t0), p.t0, p.t1, Options{Method: m, Step: h, Dense: true})
				require.NoError(t, err)
				require.EqualValues(t, n, sol.Stats.Accepted)
				steps, y := sol.Steps(0), make([]float64, p.sys.Dim())
				mean, largest := 0., 0.
				for _, x := range steps {
					e := worst(sol.At(y, 0, x), p.at(x))
					mean += e / n
					largest = max(largest, e)
				}
				if largest < 3e-14 {
					break
				}
				hs, ends = append(hs, h), append(ends, mean)
				for k := range inside {
					e := 0.
					for i := range int(n) {
						x := steps[i] + float64(k+1)/10*(steps[i+1]-steps[i])
						e = max(e, worst(sol.At(y, 0, x), p.at(x)))
					}
					inside[k] = append(inside[k], e)
				}
			}
			n := max(0, len(hs)-5)
			require.InDelta(t, float64(m.Order), slope(hs[n:], ends[n:]), within, "%s on %s: %v", m.Name, p.name, ends)
			for k, e := range inside {
				require.GreaterOrEqual(t, slope(hs[n:], e[n:]), dense[m], "%s: dense output on %s at θ = 0.%d: %v", m.Name, p.name, k+1, e)
			}
		}
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
