package nn

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/autograd"
	"pushforward/simd/rng"
)

// The gradient by θ of Hutchinson's estimate of the divergence, what likelihood training needs,
// against central differences: second derivatives through every layer of the network.
func TestGradientOfDivergence(t *testing.T) {
	for _, c := range []ResMLPConfig{
		{In: 3, Out: 3, Context: 4, Hidden: 5, Blocks: 2},
		{In: 3, Out: 3, Context: 4, Hidden: 5, Blocks: 2, Norm: true, Width: 3},
	} {
		p := NewParams[float64]()
		m := NewResMLP(p.Root(), c)
		theta := p.Zeros()
		for name, x := range p.All(theta) {
			rng.Normal(rng.New(1).Named(name), x.Data)
			for i := range x.Data {
				x.Data[i] *= 0.5
			}
		}
		x, ctx := normalTensor[float64](rng.New(2), 2, 3), normalTensor[float64](rng.New(3), 2, 4)
		probe := autograd.NewTensor[float64](2, 3)
		rng.Signs(rng.New(4), probe.Data)
		tape := autograd.NewTape(theta)
		loss := func() autograd.Var[float64] {
			tape.Reset()
			tape.ThetaChanged()
			in := tape.Input(x)
			return autograd.Hutchinson(m.Forward(in, tape.Const(ctx)), in, tape.Const(probe)).Sum()
		}
		grad := make([]float64, len(theta))
		tape.Backward(loss(), grad)
		var top float64
		for _, g := range grad {
			top = max(top, math.Abs(g))
		}
		require.Positive(t, top)
		for i := range theta {
			old := theta[i]
			const h = 1e-5
			theta[i] = old + h
			up := loss().Item()
			theta[i] = old - h
			down := loss().Item()
			theta[i] = old
			require.InDelta(t, (up-down)/(2*h), grad[i], 1e-8*max(1, top), "entry %d", i)
		}
	}
}
