package cfm

import (
	"context"

	"pushforward/autograd"
	"pushforward/odeint"
	"pushforward/simd"
	"pushforward/simd/rng"
)

// Reflow returns the pairs (x₀, T(x₀)) that straighten f when trained on: n draws of the source
// and where f carries them. A flow trained on the pairs has the same law at t = 1, no larger
// transport cost, and straighter paths (Liu et al. 2022, thms 3.3 and 3.5). x₀ is in the
// coordinates of the source, T(x₀) in data units, so the new flow is to have f's Loc and Scale.
// Under conditions (Given) the pairs carry them.
func Reflow[F simd.Float](ctx context.Context, f *Flow[F], n int, key rng.Key, opt odeint.Options) (Data[F], error) {
	x0 := f.Draw(n, key)
	s, err := f.Sample(ctx, n, key, opt)
	if err != nil {
		return nil, err
	}
	if f.cond.Data == nil {
		return FromPairs(x0, s.X), nil
	}
	c := f.cond
	if c.Rows() == 1 {
		c = autograd.NewTensor[F](n, f.cond.Shape.Dim(1))
		for i := range n {
			copy(c.Row(i), f.cond.Row(0))
		}
	}
	return FromConditionedPairs(x0, s.X, c), nil
}

// FromConditionedPairs yields pairs (x₀, x₁) with their rows of cond, as FromPairs does.
func FromConditionedPairs[F simd.Float](x0, x1, cond autograd.Tensor[F]) Data[F] {
	return newTable("FromConditionedPairs", x1, x0, cond)
}
