package autograd

import (
	"math"
	"testing"

	"pushforward/simd"

	"github.com/stretchr/testify/require"
)

// TestSlopesKeepBits: where there is an Input, SiLU keeps its slopes and derivatives are products of them; without
// one they are kernels of their own. Values and derivatives of up to third order, JVP and all of Backward's ways have the
// same bits.
func TestSlopesKeepBits(t *testing.T) {
	t.Run("float32", slopesKeepBits[float32])
	t.Run("float64", slopesKeepBits[float64])
}

func slopesKeepBits[F simd.Float](t *testing.T) {
	for _, batch := range []int{0, 1, 3, 33} {
		m := newMLP[F](2, 5, 7, 2)
		x, e := ramp[F](batch, 2), ramp[F](batch, 2)
		for i := range x.Data {
			x.Data[i] *= 3
		}
		if batch == 33 {
			x.Data[4], x.Data[9] = F(math.Inf(-1)), -200
		}
		run := func(leaf func(*Tape[F], Tensor[F]) Var[F], kept int) [][]F {
			tape := NewTape(m.theta)
			var out [][]F
			keep := func(v Var[F]) { out = append(out, append([]F(nil), v.Value().Data...)) }
			back := func(v Var[F]) {
				grad := make([]F, len(m.theta))
				tape.Backward(v.Sum(), grad)
				out = append(out, grad)
			}
			in := leaf(tape, x)
			require.Empty(t, tape.slopes)
			v := m.forward(in, Var[F].SiLU)
			require.Len(t, tape.slopes, kept)
			g := VJP(nil, v, tape.Const(e), in)[0]
			for _, v := range []Var[F]{v, g, JVP(v, in, tape.Const(e)), VJP(nil, g, tape.Const(e), in)[0]} {
				keep(v)
				back(v)
			}
			third := VJP(nil, VJP(nil, g, tape.Const(e), in)[0], tape.Const(e), in)[0]
			keep(third)
			back(third)
			// The first operand's cotangent alone, and a value that is read twice.
			w := tape.Param(Param{0, Dims(5, 2)})
			y := w.SiLU()
			back(VJP(nil, y, tape.Full(Dims(5, 2), 2), w)[0])
			back(y.Mul(w.SiLU()).Add(y).Add(w))
			back(Trace(v, in))
			tape.Reset()
			require.Empty(t, tape.slopes)
			require.Zero(t, tape.inputs)
			return out
		}
		want := run((*Tape[F]).Const, 0)
		got := run((*Tape[F]).Input, 2)
		for i := range want {
			require.Len(t, got[i], len(want[i]))
			for j, w := range want[i] {
				g := got[i][j]
				require.True(t, math.Float64bits(float64(w)) == math.Float64bits(float64(g)) || w != w && g != g, "batch %d, result %d, element %d: %v without slopes, %v with", batch, i, j, w, g)
			}
		}
	}
}

// TestInputsAreForgotten: an Input that was released counts no more.
func TestInputsAreForgotten(t *testing.T) {
	tape := NewTape[float64](nil)
	x := tape.Const(ramp[float64](3))
	m := tape.Mark()
	in := tape.Input(ramp[float64](3))
	in.SiLU()
	tape.Input(ramp[float64](3)).SiLU()
	require.Len(t, tape.slopes, 2)
	tape.Release(m)
	require.Empty(t, tape.slopes)
	x.SiLU()
	require.Empty(t, tape.slopes)
}
