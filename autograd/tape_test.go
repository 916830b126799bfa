package autograd_test

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	. "pushforward/autograd"
	"pushforward/simd"
	"pushforward/simd/rng"
)

// net is a small network of Linear layers for the tests here.
type net[F simd.Float] struct {
	w, b  []Param
	theta []F
}

func newNet[F simd.Float](widths ...int) *net[F] {
	m := &net[F]{}
	off := 0
	for i := range len(widths) - 1 {
		in, out := widths[i], widths[i+1]
		m.w = append(m.w, Param{Off: off, Shape: Dims(out, in)})
		m.b = append(m.b, Param{Off: off + out*in, Shape: Dims(out)})
		off += out*in + out
	}
	m.theta = make([]F, off)
	rng.Normal(rng.New(5), m.theta)
	for i := range m.theta {
		m.theta[i] *= 0.3
	}
	return m
}

func (m *net[F]) forward(x Var[F], act func(Var[F]) Var[F]) Var[F] {
	t := x.Tape()
	for i := range m.w {
		x = Linear(x, t.Param(m.w[i]), t.Param(m.b[i]))
		if i < len(m.w)-1 {
			x = act(x)
		}
	}
	return x
}

func noise[F simd.Float](seed uint64, d ...int) Tensor[F] {
	x := NewTensor[F](d...)
	rng.Normal(rng.New(seed), x.Data)
	return x
}

// TestChunksMoveNoBit: the gradient of a sum over a batch has the same bits when the batch is cut in
// chunks of rows whose gradients are added in order, for layers, biases and scales.
func TestChunksMoveNoBit(t *testing.T) {
	const rows = 70
	m := newNet[float32](3, 17, 5)
	scale := Param{Off: len(m.theta), Shape: Dims(17)}
	m.theta = append(m.theta, noise[float32](8, 17).Data...)
	x, u := noise[float32](1, rows, 3), noise[float32](2, rows, 5)
	gradient := func(chunk int) []float32 {
		tape := NewTape(m.theta)
		grad := make([]float32, len(m.theta))
		for lo := 0; lo < rows; lo += chunk {
			hi := min(lo+chunk, rows)
			tape.Reset()
			y := m.forward(tape.Const(x.Slice(lo, hi)), func(x Var[float32]) Var[float32] {
				return x.SiLU().Mul(tape.Param(scale))
			})
			tape.BackwardFrom(y, u.Slice(lo, hi), grad)
		}
		return grad
	}
	want := gradient(rows)
	for _, chunk := range []int{1, 7, 16, 64} {
		require.Equal(t, want, gradient(chunk), "chunks of %d", chunk)
	}
}

// TestManyPaths: y = x + x twenty times over has 2²⁰ paths to x. Each value is visited once.
func TestManyPaths(t *testing.T) {
	tape := NewTape([]float64{1.5})
	x := tape.Param(Param{Shape: Dims()})
	y := x
	for range 20 {
		y = y.Add(y)
	}
	const want = 1 << 20
	grad := []float64{0}
	tape.Backward(y, grad)
	require.Equal(t, float64(want), grad[0])
	n := tape.Len()
	require.Equal(t, float64(want), VJP(nil, y, tape.Scalar(1), x)[0].Item())
	require.Less(t, tape.Len()-n, 100)
	require.Equal(t, float64(want), JVP(y, x, tape.Scalar(1)).Item())
	z := x
	for range 10 {
		z = z.Mul(z).Scale(0.5)
	}
	d := VJP(nil, z, tape.Scalar(1), x)[0]
	VJP(nil, d, tape.Scalar(1), x)
	require.Less(t, tape.Len(), 1000)
}

func TestSteadyState(t *testing.T) {
	m := newNet[float32](2, 16, 16, 2)
	tape := NewTape(m.theta)
	x, u, e := noise[float32](1, 8, 2), noise[float32](2, 8, 2), noise[float32](3, 8, 2)
	grad := make([]float32, len(m.theta))
	layer := Conv{Pad: [2]int{1, 1}}
	image, w, s := noise[float32](4, 2, 3, 5, 5), noise[float32](5, 4, 3, 3, 3), noise[float32](6, 4)
	one := make([]Var[float32], 0, 1)
	for name, step := range map[string]func(){
		"forward": func() { m.forward(tape.Const(x), Var[float32].SELU) },
		"training step": func() {
			tape.ThetaChanged()
			tape.Backward(MSE(m.forward(tape.Const(x), Var[float32].SELU), tape.Const(u)), grad)
		},
		"gradient of a VJP": func() {
			in := tape.Input(x)
			tape.Backward(Hutchinson(m.forward(in, Var[float32].SiLU), in, tape.Const(e)).Mean(), grad)
		},
		"trace": func() {
			in := tape.Input(x)
			Trace(m.forward(in, Var[float32].Tanh), in)
		},
		"forward mode": func() {
			in := tape.Input(x)
			JVP(m.forward(in, Var[float32].GELU), in, tape.Const(e))
		},
		"reductions and layout": func() {
			in := tape.Input(x)
			y := Concat(1, in, in.Square()).Slice(1, 1, 3).Add(in.SumAxis(1)).LogSumExp(1).Sub(in.MeanAxis(1)).Sum()
			VJP(one[:0], y, tape.Scalar(1), in)
		},
		"attention": func() {
			in := tape.Input(x)
			VJP(one[:0], in.MatMulT(in).Softmax(1).MatMul(in), tape.Const(u), in)
		},
		"convolution": func() {
			in := tape.Input(image)
			VJP(one[:0], GroupNorm(Conv2d(in, tape.Input(w), Var[float32]{}, layer), tape.Input(s), tape.Input(s), 2, 1e-5).SELU().Sum(), tape.Scalar(1), in)
		},
	} {
		require.Zero(t, testing.AllocsPerRun(10, func() { tape.Reset(); step() }), name)
	}
}

// TestMemoryIsFlat runs many steps and looks at the heap.
func TestMemoryIsFlat(t *testing.T) {
	steps := 100_000
	if testing.Short() {
		steps = 2000
	}
	m := newNet[float32](1, 2, 1)
	tape := NewTape(m.theta)
	x, u := noise[float32](1, 1, 1), noise[float32](2, 1, 1)
	grad := make([]float32, len(m.theta))
	step := func() {
		tape.Reset()
		tape.Backward(MSE(m.forward(tape.Const(x), Var[float32].SELU), tape.Const(u)), grad)
	}
	heap := func() uint64 {
		var s runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&s)
		return s.HeapAlloc
	}
	for range 100 {
		step()
	}
	before := heap()
	for range steps {
		step()
	}
	require.Less(t, heap(), before+1<<16)
}

// TestCheckpointKeepsLittle: a chain of checkpointed blocks keeps their ends only, and has the same
// gradient, of first and second order.
func TestCheckpointKeepsLittle(t *testing.T) {
	m := newNet[float64](4, 4, 4, 4, 4, 4, 4)
	tape := NewTape(m.theta)
	x := noise[float64](1, 8, 4)
	block := func(check bool) (int, []float64, []float64) {
		tape.Reset()
		in := tape.Input(x)
		f := func(v ...Var[float64]) Var[float64] { return m.forward(v[0], Var[float64].Tanh).Add(in) }
		y := in
		for range 3 {
			if check {
				y = Checkpoint(f, y)
			} else {
				y = f(y)
			}
		}
		n := tape.Len()
		grad := make([]float64, len(m.theta))
		tape.Backward(y.Square().Sum(), grad)
		second := make([]float64, len(m.theta))
		tape.Backward(Hutchinson(y, in, tape.Const(noise[float64](2, 8, 4))).Sum(), second)
		return n, grad, second
	}
	n0, g0, s0 := block(false)
	n1, g1, s1 := block(true)
	require.Less(t, n1, n0/2)
	require.InDeltaSlice(t, g0, g1, 1e-9)
	require.InDeltaSlice(t, s0, s1, 1e-9)
}

// TestRowsAreAlone: what a row gives does not depend on the rows beside it, in value and in
// derivative.
func TestRowsAreAlone(t *testing.T) {
	m := newNet[float32](3, 33, 3)
	x, e := noise[float32](1, 40, 3), noise[float32](2, 40, 3)
	f := func(lo, hi int) (v, tr []float32) {
		tape := NewTape(m.theta)
		in := tape.Input(x.Slice(lo, hi))
		y := m.forward(in, Var[float32].SiLU)
		h := Hutchinson(y, in, tape.Const(e.Slice(lo, hi))).Add(Trace(y, in))
		return y.Value().Data, h.Value().Data
	}
	v, tr := f(0, 40)
	for i := range 40 {
		a, b := f(i, i+1)
		require.Equal(t, v[3*i:3*i+3], a)
		require.Equal(t, tr[i:i+1], b)
	}
}
