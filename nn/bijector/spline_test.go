package bijector

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/autograd"
	"pushforward/simd/rng"
)

// TestSplineShape walks over a spline with rough parameters: it must rise, be continuous with its
// slope, hold the tails, and its slope must be what its log-derivative says.
func TestSplineShape(t *testing.T) {
	const n, tail = 4001, 3.0
	e := Spline[float64]{Bins: 6, Tail: tail}
	p := make([]float64, e.Params())
	rng.Normal(rng.New(8), p)
	x, ps := make([]float64, n), make([]float64, 0, n*len(p))
	for i := range x {
		x[i] = -4 + 8*float64(i)/(n-1)
		ps = append(ps, p...)
	}
	tape := autograd.NewTape[float64](nil)
	pv := tape.Const(autograd.FromSlice(ps, n, len(p)))
	yv, dv := e.Forward(tape.Const(autograd.FromSlice(x, n, 1)), pv)
	y, d := yv.Value().Data, dv.Value().Data
	back, undo := e.Inverse(yv, pv)
	for i := range x {
		require.InDelta(t, x[i], back.Value().Data[i], 1e-11)
		require.InDelta(t, d[i], -undo.Value().Data[i], 1e-9)
		if math.Abs(x[i]) >= tail {
			require.Equal(t, x[i], y[i])
			require.Zero(t, d[i])
		}
		if i == 0 {
			continue
		}
		h := x[i] - x[i-1]
		require.Greater(t, y[i], y[i-1])
		mean := (math.Exp(d[i]) + math.Exp(d[i-1])) / 2
		require.InDelta(t, mean, (y[i]-y[i-1])/h, 0.05*mean, "at %g", x[i]) // the trapezoidal rule, curved
	}
}

// TestSplineSteep: parameters that make neighbouring pieces as unlike as can be stay finite both ways in
// float32, where a discriminant could round below zero.
func TestSplineSteep(t *testing.T) {
	const n = 2000
	e := Spline[float32]{Bins: 8}
	x, p := make([]float32, n), make([]float32, n*e.Params())
	rng.Uniform(rng.New(1), x)
	rng.Normal(rng.New(2), p)
	for i := range p {
		p[i] *= 12
	}
	for i := range x {
		x[i] = 12*x[i] - 6
		if i%2 == 0 { // slopes of 1000 beside 0.001, where b is 1000h - 998h and b² - 4ac is 1e-6·h², just off a knot
			x[i] = (-5 + 1.25*float32(1+i/2%7)) * (1 + float32(i%37-18)*0x1p-23)
			for k := 2 * 8; k < e.Params(); k++ {
				p[i*e.Params()+k] = float32(1000 - 1020*(k%2))
			}
			for k := range 8 { // equal widths, heights of all sorts
				p[i*e.Params()+k] = 0
				p[i*e.Params()+8+k] /= 12
			}
		}
	}
	tape := autograd.NewTape[float32](nil)
	pv := tape.Input(autograd.FromSlice(p, n, e.Params()))
	at := tape.Input(autograd.FromSlice(x, n, 1))
	onto, _ := e.Forward(at, pv)
	for _, f := range []func() (y, d autograd.Var[float32]){
		func() (y, d autograd.Var[float32]) { return e.Forward(at, pv) },
		func() (y, d autograd.Var[float32]) { return e.Inverse(at, pv) },
		func() (y, d autograd.Var[float32]) { return e.Inverse(onto, pv) },
	} {
		y, d := f()
		autograd.VJP(nil, y.Add(d), tape.Full(y.Shape(), 1), pv)
		for i, v := range y.Value().Data {
			require.LessOrEqual(t, math.Abs(float64(v)), 6.0)
			require.Less(t, math.Abs(float64(d.Value().Data[i])), 25.0)
		}
	}
	_, bad := tape.NonFinite()
	require.False(t, bad)
}

// TestSplineValue: the worked example of two equal pieces with slope 2 between them, by hand:
// s = 1, ξ = ½, δ = 1 and 2 on [-1, 0].
func TestSplineValue(t *testing.T) {
	e := Spline[float64]{Bins: 2, Tail: 1}
	raw := math.Log(math.Expm1(2-least)) - math.Log(math.Expm1(1-least))
	tape := autograd.NewTape[float64](nil)
	y, d := e.Forward(tape.Const(autograd.FromRows([][]float64{{-0.5}})), tape.Const(autograd.FromRows([][]float64{{0, 0, 0, 0, raw}})))
	// y = -1 + (¼ + ¼)/(1 + (1+2-2)/4) = -1 + 0.5/1.25; slope (2/4 + 2/4 + 1/4)/1.25²
	require.InDelta(t, -0.6, y.Item(), 1e-14)
	require.InDelta(t, math.Log(1.25/(1.25*1.25)), d.Item(), 1e-14)
	require.Panics(t, func() { Spline[float64]{Bins: 1}.Params() })
}
