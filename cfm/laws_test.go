package cfm

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/autograd"
	"pushforward/cfm/dataset"
	"pushforward/cfm/metric"
	"pushforward/cfm/ot"
	"pushforward/odeint"
	"pushforward/simd/rng"
)

// TestEnergyAboveW2 holds, on every toy law, what theory says of any flow between two samples: ∫ E‖v‖² dt is at least W₂² of its end
// points (Benamou and Brenier 2000), and W₁ ≤ W₂. The flow is the closed-form one from the normal law to 40 points of the
// law, blurred; with the optimal pairs in place of a flow, the bound is met.
func TestEnergyAboveW2(t *testing.T) {
	const points, n, pieces = 40, 48, 64
	for _, name := range dataset.ToyNames() {
		law, err := dataset.Toy(name)
		require.NoError(t, err)
		x1 := autograd.NewTensor[float64](points, 2)
		law.Sample(x1.Data, rng.New(1).Named(name))
		f := &Flow[float64]{Dim: 2, Field: Marginal(x1, CondOT{SigmaMin: 0.2})}
		x := f.Draw(n, rng.New(2))
		var times []float64
		var xs, vs [][]float64
		tape := autograd.NewTape[float64](nil)
		for k := range pieces + 1 {
			at := float64(k) / pieces
			if k > 0 {
				s, err := f.Transport(context.Background(), x, times[k-1], at, odeint.Options{Rtol: 1e-8, Atol: 1e-8})
				require.NoError(t, err)
				x = s.X
			}
			q := Query[float64]{T: tape.Alloc(autograd.Dims(n, 1)), X: tape.Const(x)}
			for i := range q.T.Value().Data {
				q.T.Value().Data[i] = at
			}
			v := append([]float64(nil), f.Field.Velocity(q).Value().Data...)
			tape.Reset()
			times, xs, vs = append(times, at), append(xs, append([]float64(nil), x.Data...)), append(vs, v)
		}
		w2, err := ot.W2(xs[0], xs[pieces], 2)
		require.NoError(t, err)
		w1, err := ot.W1(xs[0], xs[pieces], 2)
		require.NoError(t, err)
		require.LessOrEqual(t, w1, w2*(1+1e-12), name)
		energy, length := metric.PathEnergy(times, vs, 2), metric.LengthEnergy(times, xs, 2)
		require.GreaterOrEqual(t, length, w2*w2*(1-1e-12), "%s: broken lines", name)
		require.GreaterOrEqual(t, energy, w2*w2, "%s: velocities", name)
		require.InEpsilon(t, energy, length, 0.05, "%s: both measure the same curves", name)
		require.GreaterOrEqual(t, metric.Straightness(times, xs, 2), 0.0, name)

		// Straight to the optimal places: nothing in excess.
		cost := make([]float64, n*n)
		ot.SquaredDistances(cost, xs[0], xs[pieces], 2)
		match, _, err := ot.Assign(cost, n, n)
		require.NoError(t, err)
		end := make([]float64, 2*n)
		for i, j := range match {
			copy(end[2*i:], xs[pieces][2*j:2*j+2])
		}
		require.InDelta(t, 0, metric.ExcessEnergy(metric.LengthEnergy([]float64{0, 1}, [][]float64{xs[0], end}, 2), w2), 1e-9, name)
	}
}
