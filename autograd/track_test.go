package autograd

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Backward finds the gradient of a tracked input as VJP finds that of an Input, through second derivatives too.
func TestTrack(t *testing.T) {
	theta := []float64{0.3, -0.7, 0.2, 1.1}
	w := Param{0, Dims(2, 2)}
	x := FromRows([][]float64{{1, 2}, {-0.5, 0.25}, {3, -1}})
	build := func(tp *Tape[float64], x Var[float64]) Var[float64] {
		v := x.MatMulT(tp.Param(w)).Tanh()
		g := VJP(nil, v, tp.Full(v.Shape(), 1), x)[0]
		return Concat(1, v, g.Square().SumAxis(1))
	}
	tp := NewTape(theta)
	in := tp.Input(x)
	y := build(tp, in)
	cot := tp.Full(y.Shape(), 0.7)
	want := append([]float64(nil), VJP(nil, y, cot, in)[0].Value().Data...)
	wantTheta := make([]float64, 4)
	tp.BackwardFrom(y, cot.Value(), wantTheta)
	tp.Reset()
	for range 2 {
		got, gotTheta := make([]float64, 6), make([]float64, 4)
		y = build(tp, tp.Track(x, got))
		tp.BackwardFrom(y, tp.Full(y.Shape(), 0.7).Value(), gotTheta)
		require.InDeltaSlice(t, want, got, 1e-14)
		require.InDeltaSlice(t, wantTheta, gotTheta, 1e-14)
		tp.Reset()
	}
	require.Panics(t, func() { tp.Track(x, make([]float64, 2)) })
}
