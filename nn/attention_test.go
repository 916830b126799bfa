package nn

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/autograd"
	"pushforward/simd/rng"
)

// Attention written out in loops, from PyTorch's definition of its weights.
func attention(a *Attention[float64], theta []float64, x, y autograd.Tensor[float64], row int, causal bool) []float64 {
	e, d := a.Dim, a.Dim/a.Heads
	w, b := theta[a.W.Off:], theta[a.B.Off:]
	project := func(z autograd.Tensor[float64], part, token, j int) float64 {
		r := part*e + j
		s := b[r]
		for k := range e {
			s += w[r*e+k] * z.Row(row)[token*e+k]
		}
		return s
	}
	nx, ny := x.Shape.Dim(1), y.Shape.Dim(1)
	out := make([]float64, nx*e)
	for i := range nx {
		mixed := make([]float64, e)
		for h := range a.Heads {
			p := make([]float64, ny)
			var z float64
			for j := range ny {
				if causal && j > i {
					continue
				}
				var s float64
				for k := h * d; k < (h+1)*d; k++ {
					s += project(x, 0, i, k) * project(y, 1, j, k)
				}
				p[j] = math.Exp(s / math.Sqrt(float64(d)))
				z += p[j]
			}
			for k := h * d; k < (h+1)*d; k++ {
				for j := range ny {
					mixed[k] += p[j] / z * project(y, 2, j, k)
				}
			}
		}
		for o := range e {
			out[i*e+o] = theta[a.Out.B.Off+o]
			for k := range e {
				out[i*e+o] += theta[a.Out.W.Off+o*e+k] * mixed[k]
			}
		}
	}
	return out
}

func TestAttention(t *testing.T) {
	p := NewParams[float64]()
	a := NewAttention(p.Root(), 6, 3)
	require.Equal(t, []string{"in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias"}, p.Names())
	theta := p.Init(rng.New(1))
	for i := range theta[a.B.Off : a.B.Off+18] {
		theta[a.B.Off+i] = 0.1 * float64(i)
	}
	x, y := normalTensor[float64](rng.New(2), 2, 4, 6), normalTensor[float64](rng.New(3), 2, 5, 6)
	tape := autograd.NewTape(theta)
	self := a.Forward(tape.Const(x)).Value()
	causal := a.Self(tape.Const(x), Causal(tape, 4)).Value()
	cross := a.Cross(tape.Const(x), tape.Const(y), autograd.Var[float64]{}).Value()
	for row := range 2 {
		require.InDeltaSlice(t, attention(a, theta, x, x, row, false), self.Row(row), 1e-14)
		require.InDeltaSlice(t, attention(a, theta, x, x, row, true), causal.Row(row), 1e-14)
		require.InDeltaSlice(t, attention(a, theta, x, y, row, false), cross.Row(row), 1e-14)
	}
	require.Panics(t, func() { NewAttention(NewParams[float64]().Root(), 6, 4) })
	require.Panics(t, func() { a.Forward(tape.Const(normalTensor[float64](rng.New(2), 4, 6))) })
}

func TestDropout(t *testing.T) {
	const rows, width, p = 50, 400, 0.3
	tape := autograd.NewTape[float32](nil)
	ones := tape.Full(autograd.Dims(rows, width), 1)
	number := make([]int, rows)
	for i := range number {
		number[i] = 3 * i
	}
	y := Dropout(ones, p, rng.New(1), number).Value()
	dropped := 0
	for _, v := range y.Data {
		if v == 0 {
			dropped++
		} else {
			require.Equal(t, float32(1/(1-p)), v)
		}
	}
	n := float64(rows * width)
	require.InDelta(t, p*n, float64(dropped), 5*math.Sqrt(n*p*(1-p)))
	// A row keeps its pattern in another batch; two rows differ.
	again := Dropout(tape.Full(autograd.Dims(1, width), 1), p, rng.New(1), []int{21}).Value()
	require.Equal(t, y.Row(7), again.Data)
	require.NotEqual(t, y.Row(7), y.Row(8))
	require.Equal(t, ones, Dropout(ones, 0, rng.New(1), number))
	require.Panics(t, func() { Dropout(ones, 1, rng.New(1), number) })
	require.Panics(t, func() { Dropout(ones, 0.5, rng.New(1), number[1:]) })
}
