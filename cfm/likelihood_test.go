package cfm

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/autograd"
	"pushforward/nn"
	"pushforward/odeint"
	"pushforward/optim"
	"pushforward/simd/rng"
)

// On v = A·x the penalties are ∫‖A·x‖² dt along x(t) = e^(A(t-1))·x₁ and ‖A‖², with the trace's own probe ‖Aᵀε‖²
// (trap P37).
func TestPenalties(t *testing.T) {
	a := [][]float64{{0.3, 0.5}, {-0.2, 0.1}}
	f := &Flow[float64]{Dim: 2, Field: linearField[float64](a)}
	x := autograd.FromRows([][]float64{{1, -2}})
	opt := odeint.Options{Rtol: 1e-10, Atol: 1e-10}
	var kinetic float64
	const steps = 2000
	for i := range steps { // midpoint rule
		s := 1 - (float64(i)+0.5)/steps
		b := [][]float64{{a[0][0] * s, a[0][1] * s}, {a[1][0] * s, a[1][1] * s}}
		y := expMinus(b, x.Row(0))
		for j := range a {
			v := a[j][0]*y[0] + a[j][1]*y[1]
			kinetic += v * v / steps
		}
	}
	frobenius := 0.09 + 0.25 + 0.04 + 0.01
	value := func(o NLLOptions, key rng.Key) float64 {
		o.Options = opt
		return NLL(f, o)(autograd.NewTape[float64](nil), Batch[float64]{X1: x, Row: []int{0}, Total: 1}, key).Item()
	}
	plain := value(NLLOptions{}, zeroKey)
	d, err := f.LogDensity(bg, x, DensityOptions{Options: opt})
	require.NoError(t, err)
	require.InDelta(t, -d.LogP[0], plain, 1e-9)
	require.InDelta(t, kinetic, value(NLLOptions{Kinetic: 1}, zeroKey)-plain, 1e-6)
	require.InDelta(t, frobenius, value(NLLOptions{Jacobian: 1}, zeroKey)-plain, 1e-9)
	seen := map[string]bool{}
	for i := range 12 {
		key := rng.New(uint64(i))
		o := NLLOptions{Divergence: Probes(1)}
		base := value(o, key)
		o.Jacobian = 1
		got := value(o, key) - base
		// ε is ±(1, 1) or ±(1, -1), for the trace as well.
		same := base > plain // εᵀAε = tr A + 0.3 where the signs agree
		want := math.Pow(0.3-0.2, 2) + math.Pow(0.5+0.1, 2)
		if !same {
			want = math.Pow(0.3+0.2, 2) + math.Pow(0.5-0.1, 2)
		}
		seen[fmt.Sprint(same)] = true
		require.InDelta(t, want, got, 1e-9)
	}
	require.Len(t, seen, 2)
}

// The objective's gradient by θ agrees with differences, penalties and conditions included.
func TestNLLGradient(t *testing.T) {
	p := nn.NewParams[float64]()
	net := NewNet(p.Root(), NetConfig{Dim: 2, Cond: 1, Hidden: 6, Blocks: 1, Freqs: 1})
	theta := p.Init(rng.New(1))
	rng.Normal(rng.New(2), theta)
	for i := range theta {
		theta[i] *= 0.3
	}
	f := &Flow[float64]{Dim: 2, Field: net}
	b := Batch[float64]{X1: normalTensor[float64](5, 2, rng.New(3)), Cond: normalTensor[float64](5, 1, rng.New(4)), Row: []int{7, 8, 9, 10, 11}, Total: 5}
	for _, o := range []NLLOptions{{}, {Kinetic: 0.1, Jacobian: 0.2}, {Kinetic: 0.1, Jacobian: 0.2, Divergence: Probes(2)}} {
		o.Options = odeint.Options{Method: odeint.RK4, Step: 0.25}
		loss := NLL(f, o)
		tp := autograd.NewTape(theta)
		grad := make([]float64, len(theta))
		tp.Backward(loss(tp, b, rng.New(5)), grad)
		top := 0.0
		for _, g := range grad {
			top = math.Max(top, math.Abs(g))
		}
		for i := 0; i < len(theta); i += 7 {
			old := theta[i]
			at := func(v float64) float64 {
				theta[i] = v
				return loss(autograd.NewTape(theta), b, rng.New(5)).Item()
			}
			const h = 1e-5
			want := (at(old+h) - at(old-h)) / (2 * h)
			theta[i] = old
			require.InDelta(t, want, grad[i], 1e-6*(1+top), "entry %d", i)
		}
	}
}

// Maximum likelihood from scratch learns two Gaussians, and a row whose solve fails ends the training.
func TestNLLLearns(t *testing.T) {
	p := nn.NewParams[float32]()
	net := NewNet(p.Root(), NetConfig{Dim: 1, Hidden: 16, Blocks: 1})
	x := normalTensor[float32](400, 1, rng.New(1))
	for i := range x.Data {
		x.Data[i] = x.Data[i]*0.3 + float32(i%2*2-1)
	}
	f := &Flow[float32]{Dim: 1, Field: net, Theta: p.Init(rng.New(2))}
	tr := &Trainer[float32]{Flow: f, Data: FromTensor(x), Loss: NLL(f, NLLOptions{}), LR: optim.Constant(1e-2), Batch: 64, Steps: byShort(t, 120, 30), Key: rng.New(3)}
	var losses []float64
	tr.OnStep = func(m Metrics) { losses = append(losses, m.Loss) }
	require.NoError(t, tr.Run(bg))
	if !testing.Short() {
		// The law's entropy is a little less than log 2 + log 0.3 + ½·log 2πe = 0.91.
		d, err := tr.Averaged().LogDensity(bg, x, DensityOptions{Check: CheckNone})
		require.NoError(t, err)
		var mean float64
		for _, l := range d.LogP {
			mean += l / 400
		}
		require.InDelta(t, -0.88, mean, 0.06)
	}
	tr = &Trainer[float32]{Flow: f, Data: FromTensor(x), Loss: NLL(f, NLLOptions{Options: odeint.Options{MaxSteps: 1}}), Batch: 64, Steps: 1}
	err := tr.Run(bg)
	require.ErrorIs(t, err, ErrDiverged)
	require.ErrorIs(t, err, odeint.ErrMaxSteps)
}

// A solve that fails is named, its row by its number in the batch, in training and among held-out rows.
func TestNLLFailureIsNamed(t *testing.T) {
	p := nn.NewParams[float32]()
	net := NewNet(p.Root(), NetConfig{Dim: 1, Hidden: 8, Blocks: 1})
	f := &Flow[float32]{Dim: 1, Field: net, Theta: p.Init(rng.New(2))}
	limit := NLLOptions{Options: odeint.Options{Rtol: 1e-4, Atol: 1e-4, MaxSteps: 100}}
	far := normalTensor[float32](300, 1, rng.New(1))
	far.Data[200] = math.MaxFloat32
	rng.Normal(rng.New(3), f.Theta)
	for i := range f.Theta {
		f.Theta[i] *= 0.2
	}
	tr := &Trainer[float32]{Flow: f, Data: FromTensor(far), Loss: NLL(f, limit), Batch: 300, Shards: 1, Steps: 1, Key: rng.New(3)}
	err := tr.Run(bg)
	var e *odeint.SolveError
	require.ErrorAs(t, err, &e)
	require.ErrorIs(t, err, odeint.ErrMaxSteps)
	row := slices.Index(tr.run.batch.X1.Data, float32(math.MaxFloat32))
	require.Greater(t, row, 128, "a row of a later chunk")
	require.Equal(t, row, e.Row, "%v", err)
	require.ErrorContains(t, err, fmt.Sprintf("step 1: loss is NaN: odeint: row %d at t=0.9999", row))

	tr = &Trainer[float32]{Flow: f, Data: FromTensor(far.Slice(0, 100)), Val: FromTensor(far), Loss: NLL(f, limit), Batch: 64, Steps: 1}
	_, err = tr.Validate()
	require.ErrorIs(t, err, ErrDiverged)
	require.ErrorAs(t, err, &e)
	require.ErrorContains(t, err, ": step limit reached")
	require.ErrorContains(t, err, "the held-out loss is NaN: odeint: row ")
}
