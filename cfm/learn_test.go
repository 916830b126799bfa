package cfm

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/autograd"
	"pushforward/cfm/dataset"
	"pushforward/nn"
	"pushforward/odeint"
	"pushforward/simd/rng"
)

// drawLaw returns n rows of a toy law in float32.
func drawLaw(t testing.TB, law dataset.Law, n int, key rng.Key) (autograd.Tensor[float32], []float64) {
	t.Helper()
	x := make([]float64, n*law.Dim())
	law.Sample(x, key)
	return autograd.FromSlice(narrow(x), n, law.Dim()), x
}

// trainOn fits a net of the recipe's kind to rows.
func trainOn(t testing.TB, x autograd.Tensor[float32], steps int, cfg NetConfig, key rng.Key) *Trainer[float32] {
	t.Helper()
	p := nn.NewParams[float32]()
	cfg.Dim = x.Shape.Dim(1)
	f := &Flow[float32]{Dim: cfg.Dim, Field: NewNet(p.Root(), cfg), Theta: p.Init(key.Named("init"))}
	f.Loc, f.Scale = Standardize(x)
	tr := &Trainer[float32]{Flow: f, Data: FromTensor(x), Steps: steps, Key: key.Named("train")}
	require.NoError(t, tr.Run(bg))
	return tr
}

// Two moons with normal noise have a closed density: the model's is within 0.03 nats of it, the mean
// of log p_true - log p_model over fresh rows, and integrates to one.
func TestMoonsAreLearned(t *testing.T) {
	if testing.Short() {
		t.Skip("trains for some seconds")
	}
	law, err := dataset.Toy("moons-normal")
	require.NoError(t, err)
	x, _ := drawLaw(t, law, 20000, rng.New(1).Named("rows"))
	tr := trainOn(t, x, 2500, NetConfig{Hidden: 64, Blocks: 2}, rng.New(2))
	f := tr.Averaged()

	fresh, wide := drawLaw(t, law, 1500, rng.New(2))
	d, err := f.LogDensity(bg, fresh, DensityOptions{})
	require.NoError(t, err)
	var kl, q float64
	for i, l := range d.LogP {
		truth, ok := law.LogProb(wide[2*i : 2*i+2])
		require.True(t, ok)
		kl += (truth - l) / float64(len(d.LogP))
		q += (truth - l) * (truth - l) / float64(len(d.LogP))
	}
	t.Logf("KL(law ‖ model) = %.4f ± %.4f nats, %d evaluations a row", kl, math.Sqrt(q/float64(len(d.LogP))), d.Stats.RowEvals/len(d.LogP))
	require.Less(t, kl, 0.03)

	// The density on a grid over all of the data sums to one.
	const side = 60
	var lo, hi [2]float64
	for j := range 2 {
		lo[j], hi[j] = math.Inf(1), math.Inf(-1)
		for i := range x.Rows() {
			lo[j], hi[j] = math.Min(lo[j], float64(x.Row(i)[j])-1), math.Max(hi[j], float64(x.Row(i)[j])+1)
		}
	}
	grid := autograd.NewTensor[float32](side*side, 2)
	for i := range side * side {
		grid.Row(i)[0] = float32(lo[0] + (hi[0]-lo[0])*(float64(i%side)+0.5)/side)
		grid.Row(i)[1] = float32(lo[1] + (hi[1]-lo[1])*(float64(i/side)+0.5)/side)
	}
	d, err = f.LogDensity(bg, grid, DensityOptions{})
	require.NoError(t, err)
	var mass float64
	for _, l := range d.LogP {
		mass += math.Exp(l) * (hi[0] - lo[0]) * (hi[1] - lo[1]) / (side * side)
	}
	t.Logf("mass on a grid: %.4f", mass)
	require.InDelta(t, 1, mass, 0.02)
}

// Trap P44, the whole way: the field trained on N points comes to the closed form, and so do the rows it
// carries and their densities.
func TestTrainedMeetsTheMarginalField(t *testing.T) {
	if testing.Short() {
		t.Skip("trains for some seconds")
	}
	pts := autograd.FromRows([][]float32{{1.5, 0}, {-1, 1}, {-1, -1}, {0.3, 0.2}})
	path := CondOT{0.4}
	p := nn.NewParams[float32]()
	f := &Flow[float32]{Dim: 2, Field: NewNet(p.Root(), NetConfig{Dim: 2, Hidden: 64, Blocks: 2}), Theta: p.Init(rng.New(1))}
	tr := &Trainer[float32]{Flow: f, Data: FromTensor(pts), Loss: Match(f.Field, path, UniformTime), Steps: 2500, Key: rng.New(2)}
	require.NoError(t, tr.Run(bg))
	f = tr.Averaged()
	exact := &Flow[float32]{Dim: 2, Field: Marginal(pts, path)}

	// Along the exact flow, the two velocities.
	var sum, size float64
	for _, at := range []float64{0.1, 0.4, 0.7, 0.95} {
		s, err := exact.Transport(bg, exact.Draw(300, rng.New(3)), 0, at, odeint.Options{})
		require.NoError(t, err)
		tp := func(f *Flow[float32]) []float32 {
			tape := autograd.NewTape(f.Theta)
			return f.Field.Velocity(Query[float32]{T: tape.Full(autograd.Dims(300, 1), float32(at)), X: tape.Const(s.X)}).Value().Data
		}
		a, b := tp(f), tp(exact)
		for i := range a {
			sum += float64(a[i]-b[i]) * float64(a[i]-b[i])
			size += float64(b[i]) * float64(b[i])
		}
	}
	t.Logf("relative error of the trained velocity: %.3f", math.Sqrt(sum/size))
	require.Less(t, math.Sqrt(sum/size), 0.08)

	x, truth, err := exact.SampleDensity(bg, 400, rng.New(4), DensityOptions{})
	require.NoError(t, err)
	d, err := f.LogDensity(bg, x.X, DensityOptions{})
	require.NoError(t, err)
	var kl float64
	for i := range d.LogP {
		kl += (truth.LogP[i] - d.LogP[i]) / float64(len(d.LogP))
	}
	t.Logf("KL = %.4f nats", kl)
	require.Less(t, kl, 0.02)
}
