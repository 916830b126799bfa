package bijector

import (
	"fmt"

	"pushforward/autograd"
	"pushforward/simd"
)

// halfLog2Pi is ½·ln 2π.
const halfLog2Pi = 0.91893853320467274178

// Flow is the density that a Bijector gives to data by taking it to standard normal latents. It is
// read only, like its Map.
type Flow[F simd.Float] struct {
	Map       Bijector[F]
	Dim, Cond int // columns of a row and of its condition
}

// LogProb returns the column [B, 1] of log p(x | cond), in nats, recorded on x's tape: to train,
// go Backward from the negative of its sum. cond is [B, Cond], or the zero Var if Cond is 0.
func (f *Flow[F]) LogProb(x, cond autograd.Var[F]) autograd.Var[F] {
	rows("LogProb", x, f.Dim)
	condition("LogProb", x, cond, f.Cond)
	return f.density(f.Map.Forward(x, cond))
}

// density returns log N(y; 0, I) + logdet.
func (f *Flow[F]) density(y, logdet autograd.Var[F]) autograd.Var[F] {
	return y.Square().SumAxis(1).Scale(-0.5).Shift(-halfLog2Pi * float64(f.Dim)).Add(logdet)
}

// Init lets the layers that can start from data (ActNorm) do so: each is fitted to the rows x,
// under cond, as they arrive at it, and x then goes on through it. x holds whole rows of Dim
// columns, cond as many of Cond. A few hundred rows are enough. The rest of theta is not touched.
func (f *Flow[F]) Init(theta []F, x, cond []F) {
	n := f.count("Init", x, cond)
	t := autograd.NewTape(theta)
	at := autograd.FromSlice(append([]F(nil), x...), n, f.Dim)
	for _, b := range leaves(nil, f.Map) {
		if l, ok := b.(Fitter[F]); ok {
			l.Fit(theta, at)
			t.ThetaChanged()
		}
		y, _ := b.Forward(t.Const(at), f.given(t, cond, n))
		copy(at.Data, y.Value().Data)
		t.Reset()
	}
}

// given puts n rows of a condition on a tape.
func (f *Flow[F]) given(t *autograd.Tape[F], cond []F, n int) autograd.Var[F] {
	if f.Cond == 0 {
		return autograd.Var[F]{}
	}
	return t.Const(autograd.Tensor[F]{Shape: autograd.Dims(n, f.Cond), Data: cond})
}

// count returns the number of rows of x and panics if cond has another.
func (f *Flow[F]) count(who string, x, cond []F) int {
	n := len(x) / f.Dim
	if len(x) != n*f.Dim || len(cond) != n*f.Cond {
		panic(fmt.Sprintf("bijector: %s: %d numbers for rows of %d with %d of a condition of %d", who, len(x), f.Dim, len(cond), f.Cond))
	}
	return n
}
