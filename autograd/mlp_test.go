package autograd

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pushforward/simd"
)

// mlp is a small net for the tests of this package: widths, all activations SELU.
type mlp[F simd.Float] struct {
	w, b  []Param
	theta []F
}

func newMLP[F simd.Float](widths ...int) *mlp[F] {
	m := &mlp[F]{}
	off := 0
	for i := range len(widths) - 1 {
		in, out := widths[i], widths[i+1]
		m.w = append(m.w, Param{off, Dims(out, in)})
		off += out * in
		m.b = append(m.b, Param{off, Dims(out)})
		off += out
	}
	m.theta = make([]F, off)
	for i := range m.theta {
		m.theta[i] = F(0.5 * math.Sin(float64(3*i+1)))
	}
	return m
}

func (m *mlp[F]) forward(x Var[F], act func(Var[F]) Var[F]) Var[F] {
	t := x.Tape()
	for i := range m.w {
		x = Linear(x, t.Param(m.w[i]), t.Param(m.b[i]))
		if i < len(m.w)-1 {
			x = act(x)
		}
	}
	return x
}

func ramp[F simd.Float](dims ...int) Tensor[F] {
	x := NewTensor[F](dims...)
	for i := range x.Data {
		x.Data[i] = F(math.Cos(float64(7*i + 2)))
	}
	return x
}

// TestBackwardOfMLP compares θ's gradient with differences of the loss.
func TestBackwardOfMLP(t *testing.T) {
	m := newMLP[float64](3, 5, 4, 2)
	tape := NewTape(m.theta)
	x, u := ramp[float64](6, 3), ramp[float64](6, 2)
	loss := func() Var[float64] {
		tape.Reset()
		tape.ThetaChanged()
		return MSE(m.forward(tape.Const(x), Var[float64].SELU), tape.Const(u))
	}
	grad := make([]float64, len(m.theta))
	tape.Backward(loss(), grad)
	const h = 1e-5
	for i, v := range m.theta {
		m.theta[i] = v + h
		a := loss().Item()
		m.theta[i] = v - h
		b := loss().Item()
		m.theta[i] = v
		require.InDelta(t, (a-b)/(2*h), grad[i], 1e-8, fmt.Sprint(i))
	}
}

// TestSecondOrderOfMLP is the gradient of Hutchinson's estimate with respect to θ.
func TestSecondOrderOfMLP(t *testing.T) {
	m := newMLP[float64](3, 5, 4, 3)
	tape := NewTape(m.theta)
	x, e := ramp[float64](4, 3), ramp[float64](4, 3)
	value := func() Var[float64] {
		tape.Reset()
		tape.ThetaChanged()
		in := tape.Input(x)
		return Hutchinson(m.forward(in, Var[float64].Tanh), in, tape.Const(e)).Sum()
	}
	grad := make([]float64, len(m.theta))
	tape.Backward(value(), grad)
	const h = 1e-5
	for i, v := range m.theta {
		m.theta[i] = v + h
		a := value().Item()
		m.theta[i] = v - h
		b := value().Item()
		m.theta[i] = v
		require.InDelta(t, (a-b)/(2*h), grad[i], 1e-8, fmt.Sprint(i))
	}
}

func TestTraceIsSumOfHutchinsonOverAxes(t *testing.T) {
	m := newMLP[float64](3, 5, 3)
	tape := NewTape(m.theta)
	in := tape.Input(ramp[float64](4, 3))
	v := m.forward(in, Var[float64].SiLU)
	trace := Trace(v, in).Value()
	j := Jacobian(v, in).Value()
	for r := range 4 {
		want := 0.0
		for d := range 3 {
			want += j.Data[(r*3+d)*12+r*3+d]
		}
		require.InDelta(t, want, trace.Data[r], 1e-13)
	}
}
