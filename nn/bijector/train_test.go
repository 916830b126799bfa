package bijector

import (
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/autograd"
	"pushforward/cfm/dataset"
	"pushforward/nn"
	"pushforward/optim"
	"pushforward/simd/rng"
)

// learn trains a flow on a toy law by maximum likelihood with fresh rows at every step.
func learn(t testing.TB, law string, steps int, lr float64, make func(s nn.Scope[float32]) *Flow[float32]) (*Flow[float32], []float32, dataset.Law) {
	const batch = 256
	l, err := dataset.Toy(law)
	require.NoError(t, err)
	p := nn.NewParams[float32]()
	f := make(p.Root())
	theta := p.Init(rng.New(1))
	f.Init(theta, rowsOf(l, 512, rng.New(2)), nil)
	tape, grad := autograd.NewTape(theta), autograd.NewTensor[float32](len(theta)).Data
	opt, rate := &optim.Adam[float32]{}, optim.Cosine(lr, 50, steps)
	ema := optim.EMA[float32]{Decay: 0.99}
	for step := range steps {
		x := autograd.FromSlice(rowsOf(l, batch, rng.New(3).Fold(uint64(step))), batch, 2)
		tape.Reset()
		tape.ThetaChanged()
		clear(grad)
		tape.Backward(f.LogProb(tape.Const(x), autograd.Var[float32]{}).Mean().Neg(), grad)
		optim.ClipNorm(grad, 5)
		opt.Step(theta, grad, rate(step))
		ema.Update(theta)
	}
	return f, ema.Theta, l
}

func rowsOf(l dataset.Law, n int, key rng.Key) []float32 {
	wide, x := make([]float64, 2*n), make([]float32, 2*n)
	l.Sample(wide, key)
	for i, v := range wide {
		x[i] = float32(v)
	}
	return x
}

// divergence estimates KL(law ‖ flow) as the mean of log law - log flow over rows of the law.
func divergence(f *Flow[float32], theta []float32, l dataset.Law, n int) float64 {
	x, logp := rowsOf(l, n, rng.New(4)), make([]float32, n)
	NewScorer(f, theta).LogProb(logp, x, nil)
	sum := 0.0
	for i := range n {
		want, _ := l.LogProb([]float64{float64(x[2*i]), float64(x[2*i+1])})
		sum += want - float64(logp[i])
	}
	return sum / float64(n)
}

// TestLearn: every family comes close to a law whose density is known, and its own density still
// integrates to one.
func TestLearn(t *testing.T) {
	steps, slack := 500, 1.0
	if testing.Short() {
		steps, slack = 20, 60
	}
	// Affine maps cannot cut a mass in two, so they leave a bridge between the moons; splines can.
	c := Config{Dim: 2, Layers: 4, Hidden: 32}
	for _, family := range []struct {
		name string
		kl   float64 // half again what was measured
		make func(s nn.Scope[float32]) *Flow[float32]
	}{
		{"realnvp", 0.1, func(s nn.Scope[float32]) *Flow[float32] { return NewRealNVP(s, c) }},
		{"maf", 0.2, func(s nn.Scope[float32]) *Flow[float32] { return NewMAF(s, c) }},
		{"nsf", 0.01, func(s nn.Scope[float32]) *Flow[float32] { return NewNSF(s, c) }},
	} {
		t.Run(family.name, func(t *testing.T) {
			f, theta, l := learn(t, "moons-normal", steps, 4e-3, family.make)
			kl := divergence(f, theta, l, 4000)
			t.Logf("KL %.4f nats", kl)
			require.Less(t, kl, slack*family.kl)
			if !testing.Short() {
				require.InDelta(t, 1, mass(f, theta, 12, 400), 0.01)
			}
		})
	}
}
