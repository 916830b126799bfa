package cfm

import (
	"context"
	"math"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/autograd"
	"pushforward/nn"
	"pushforward/odeint"
	"pushforward/optim"
	"pushforward/simd/rng"
)

// momentsOf returns mean and variance of column j.
func momentsOf(x autograd.Tensor[float64], j int) (mean, v float64) {
	n := float64(x.Rows())
	for i := range x.Rows() {
		mean += x.Row(i)[j] / n
	}
	for i := range x.Rows() {
		v += (x.Row(i)[j] - mean) * (x.Row(i)[j] - mean) / n
	}
	return mean, v
}

// Trap P15: between Gaussians the law at every time is known, whatever the noise, in both directions of
// time. The tolerance is five standard errors.
func TestNoiseKeepsGaussianMarginals(t *testing.T) {
	n := 2500
	m, s := []float64{1.5, -0.5}, []float64{0.6, 2}
	f := &Flow[float64]{Dim: 2, Field: gaussField[float64](m, s)}
	errs := 5 / math.Sqrt(float64(n))
	for _, c := range []struct {
		name string
		opt  SDEOptions
	}{
		{"0", SDEOptions{}},
		{"0.5", SDEOptions{Noise: 0.5}},
		{"1", SDEOptions{Noise: 1, Method: odeint.StochasticHeun}},
		{"3", SDEOptions{Noise: 3, Steps: 150, Method: odeint.StochasticHeun}},
		{"g(t)", SDEOptions{G: func(t float64) float64 { return 1 - t }, Method: odeint.StochasticHeun}},
		{"constant until 0.9", SDEOptions{Steps: 300, Method: odeint.StochasticHeun, G: func(t float64) float64 {
			if t > 0.9 {
				return 0
			}
			return 1
		}}},
	} {
		c.opt.Path = CondOT{}
		x0 := normalTensor[float64](n, 2, rng.New(1))
		for _, end := range []float64{0.5, 1} {
			got, err := f.TransportSDE(context.Background(), x0, 0, end, rng.New(2), c.opt)
			require.NoError(t, err)
			for j := range 2 {
				mean, v := momentsOf(got.X, j)
				want := end*end*s[j]*s[j] + (1-end)*(1-end)
				require.InDelta(t, end*m[j], mean, errs*math.Sqrt(want)+0.01, "%s t=%g", c.name, end)
				require.InDelta(t, 1, v/want, errs*math.Sqrt2+0.02, "%s t=%g: variance %g, want %g", c.name, end, v, want)
			}
		}
		data := autograd.NewTensor[float64](n, 2)
		for i := range data.Data {
			data.Data[i] = m[i%2] + s[i%2]*x0.Data[i]
		}
		back, err := f.TransportSDE(context.Background(), data, 1, 0, rng.New(3), c.opt)
		require.NoError(t, err)
		for j := range 2 {
			mean, v := momentsOf(back.X, j)
			require.InDelta(t, 0, mean, errs+0.01, c.name)
			require.InDelta(t, 1, v, errs*math.Sqrt2+0.03, c.name)
		}
	}
}

// A mixture through its closed-form field: the law at t = 1 is the two points blurred, on every path with a
// width there, at any noise; and noise moves rows from one point to the other.
func TestNoiseKeepsMixtures(t *testing.T) {
	n := 800
	pts := autograd.FromRows([][]float64{{-2}, {2}, {2}})
	for _, p := range []Path{CondOT{0.4}, Cosine{Sigma: 0.3}} {
		f := &Flow[float64]{Dim: 1, Field: Marginal(pts, p)}
		k := p.At(1)
		width, _ := k.Noise()
		crossed := map[float64]int{}
		ode, err := f.SampleSDE(context.Background(), n, rng.New(4), SDEOptions{Path: p})
		require.NoError(t, err)
		for _, noise := range []float64{0, 0.7, 2} {
			got, err := f.SampleSDE(context.Background(), n, rng.New(4), SDEOptions{Path: p, Noise: noise, Steps: 60, Method: odeint.StochasticHeun})
			require.NoError(t, err)
			right, v := 0, 0.0
			for i, x := range got.X.Data {
				at := -2.0
				if x > 0 {
					at = 2
					right++
				}
				if x > 0 != (ode.X.Data[i] > 0) {
					crossed[noise]++
				}
				v += (x - k.A*at) * (x - k.A*at) / float64(n)
			}
			share := float64(right) / float64(n)
			require.InDelta(t, 2.0/3, share, 5*math.Sqrt(2.0/9/float64(n))+0.005, "%T noise %g", p, noise)
			require.InDelta(t, width, math.Sqrt(v), 0.05*width+0.01, "%T noise %g", p, noise)
		}
		require.Less(t, crossed[0], n/50)
		require.Greater(t, crossed[2], n/20)
	}
}

// Row i has the same path in any split, on any number of cores.
func TestNoiseIsOfTheRow(t *testing.T) {
	f := &Flow[float32]{Dim: 2, Field: gaussField[float32]([]float64{1, 2}, []float64{0.5, 2})}
	opt := SDEOptions{Path: CondOT{}, Noise: 1, Steps: 20}
	whole, err := f.SampleSDE(context.Background(), 700, rng.New(5), opt)
	require.NoError(t, err)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for at, n := range map[int]int{0: 3, 255: 2, 300: 400} {
		opt.Row0 = at
		part, err := f.SampleSDE(context.Background(), n, rng.New(5), opt)
		require.NoError(t, err)
		require.Equal(t, whole.X.Slice(at, at+n).Data, part.X.Data)
	}
	// Without noise it is Euler's method.
	still, err := f.SampleSDE(context.Background(), 5, rng.New(5), SDEOptions{Path: CondOT{}, Steps: 16})
	require.NoError(t, err)
	ode, err := f.Sample(context.Background(), 5, rng.New(5), odeint.Options{Method: odeint.Euler, Step: 1.0 / 16})
	require.NoError(t, err)
	require.Equal(t, ode.X.Data, still.X.Data)
}

func TestNoiseRefuses(t *testing.T) {
	ctx := context.Background()
	f := &Flow[float64]{Dim: 1, Field: gaussField[float64]([]float64{0}, []float64{1})}
	_, err := f.SampleSDE(ctx, 1, zeroKey, SDEOptions{Noise: 1})
	require.ErrorContains(t, err, "the path that the field was trained on is not given")
	_, err = f.SampleSDE(ctx, 1, zeroKey, SDEOptions{Path: CondOT{}, Noise: math.NaN()})
	require.ErrorContains(t, err, "noise NaN")
	_, err = f.SampleSDE(ctx, 1, zeroKey, SDEOptions{Path: CondOT{}, Steps: -1})
	require.ErrorContains(t, err, "-1 steps")
	g := *f
	g.Source = Normal{2}
	_, err = g.SampleSDE(ctx, 1, zeroKey, SDEOptions{Path: CondOT{}, Noise: 1})
	require.ErrorContains(t, err, "standard normal source only")
	g = *f
	g.Field = Distilled[float64]{f.Field}
	_, err = g.SampleSDE(ctx, 1, zeroKey, SDEOptions{Path: CondOT{}, Noise: 1})
	require.ErrorContains(t, err, "distilled")
	_, err = g.LogDensity(ctx, autograd.NewTensor[float64](1, 1), DensityOptions{})
	require.ErrorContains(t, err, "distilled")
}

// gaussBridge is the Schrödinger bridge between N(m₀, s₀²) and N(m₁, s₁²) in one dimension, where the coupling
// has covariance c = ½(√(4s₀²s₁² + σ⁴) - σ²) (Bunne et al. 2023, thm 3).
type gaussBridge struct{ m0, s0, m1, s1, sigma float64 }

func (b gaussBridge) at(t, x float64) (v, pull, mean, variance float64) {
	s2 := b.sigma * b.sigma
	c := 0.5 * (math.Sqrt(4*b.s0*b.s0*b.s1*b.s1+s2*s2) - s2)
	mean = (1-t)*b.m0 + t*b.m1
	variance = (1-t)*(1-t)*b.s0*b.s0 + t*t*b.s1*b.s1 + 2*t*(1-t)*c + s2*t*(1-t)
	slope := -2*(1-t)*b.s0*b.s0 + 2*t*b.s1*b.s1 + 2*(1-2*t)*c + s2*(1-2*t)
	v = b.m1 - b.m0 + 0.5*slope/variance*(x-mean)
	return v, -0.5 * s2 * (x - mean) / variance, mean, variance
}

// bridgeField is gaussBridge as a ScoreField.
type bridgeField struct{ gaussBridge }

func (f bridgeField) Sigma() float64 { return f.sigma }
func (f bridgeField) VelocityScore(q Query[float64]) (v, pull autograd.Var[float64]) {
	tp := q.T.Tape()
	v, pull = tp.Alloc(q.X.Shape()), tp.Alloc(q.X.Shape())
	for i, t := range q.T.Value().Data {
		v.Value().Data[i], pull.Value().Data[i], _, _ = f.at(t, q.X.Value().Data[i])
	}
	return v, pull
}
func (f bridgeField) Velocity(q Query[float64]) autograd.Var[float64] {
	v, _ := f.VelocityScore(q)
	return v
}

// The closed bridge keeps its marginals, forward and backward, at its own noise, less and more; and at its own noise
// its ends have the covariance of the entropic plan, which the ordinary equation's have not.
func TestBridgeOfGaussians(t *testing.T) {
	b := gaussBridge{-1, 0.5, 2, 1.5, 1}
	n := 2500
	f := &Flow[float64]{Dim: 1, Field: bridgeField{b}}
	x0 := normalTensor[float64](n, 1, rng.New(1))
	for i := range x0.Data {
		x0.Data[i] = b.m0 + b.s0*x0.Data[i]
	}
	errs := 5 / math.Sqrt(float64(n))
	for _, noise := range []float64{0, 0.5, 1, 2} {
		opt := SDEOptions{Noise: noise, Steps: 60, Method: odeint.StochasticHeun}
		for _, end := range []float64{0.4, 1} {
			got, err := f.TransportSDE(context.Background(), x0, 0, end, rng.New(2), opt)
			require.NoError(t, err)
			_, _, wm, wv := b.at(end, 0)
			mean, v := momentsOf(got.X, 0)
			require.InDelta(t, wm, mean, errs*math.Sqrt(wv)+0.01, "noise %g", noise)
			require.InDelta(t, 1, v/wv, 1.5*errs+0.02, "noise %g t=%g", noise, end)
			if end < 1 {
				continue
			}
			var cov float64
			for i, x := range got.X.Data {
				cov += (x0.Data[i] - b.m0) * (x - b.m1) / float64(n)
			}
			plan := 0.5 * (math.Sqrt(4*b.s0*b.s0*b.s1*b.s1+1) - 1)
			switch noise {
			case 0:
				require.InDelta(t, b.s0*b.s1, cov, 0.05, "the optimal map's")
			case 1:
				require.InDelta(t, plan, cov, 0.04, "the entropic plan's")
			}
		}
		back, err := f.TransportSDE(context.Background(), x0, 0, 1, rng.New(3), opt)
		require.NoError(t, err)
		back, err = f.TransportSDE(context.Background(), back.X, 1, 0, rng.New(4), opt)
		require.NoError(t, err)
		mean, v := momentsOf(back.X, 0)
		require.InDelta(t, b.m0, mean, errs+0.02)
		require.InDelta(t, b.s0*b.s0, v, 0.25*(1.5*errs+0.06))
	}
}

// A net trained by score and flow matching meets the closed bridge: both outputs, and the law it draws.
func TestBridgeMatchLearnsTheBridge(t *testing.T) {
	if testing.Short() {
		t.Skip("trains a network")
	}
	b := gaussBridge{0, 1, 1, 0.4, 0.8}
	params := nn.NewParams[float64]()
	net := NewScoreNet(params.Root(), NetConfig{Dim: 1, Hidden: 16, Blocks: 1}, b.sigma)
	f := &Flow[float64]{Dim: 1, Field: net, Theta: params.Init(rng.New(1))}
	// Pairs of the entropic plan, which is normal: what a coupling would be asked for.
	s2 := b.sigma * b.sigma
	c := 0.5 * (math.Sqrt(4*b.s0*b.s0*b.s1*b.s1+s2*s2) - s2) / (b.s0 * b.s0)
	x0, x1 := normalTensor[float64](20000, 1, rng.New(2)), normalTensor[float64](20000, 1, rng.New(4))
	for i, z := range x0.Data {
		x1.Data[i] = b.m1 + c*b.s0*z + math.Sqrt(b.s1*b.s1-c*c*b.s0*b.s0)*x1.Data[i]
		x0.Data[i] = b.m0 + b.s0*z
	}
	const steps = 600
	tr := &Trainer[float64]{
		Flow: f, Data: FromPairs(x0, x1), Loss: BridgeMatch(net, nil), Steps: steps, Batch: 128, LR: optim.Cosine(1e-2, 50, steps), Key: rng.New(3),
	}
	require.NoError(t, tr.Run(context.Background()))
	f = tr.Averaged()
	tp := autograd.NewTape(f.Theta)
	var ev, es, sv, ss float64
	for _, at := range []float64{0.1, 0.3, 0.5, 0.7, 0.9} {
		_, _, mean, variance := b.at(at, 0)
		for _, z := range []float64{-1.5, -0.5, 0.5, 1.5} {
			x := mean + z*math.Sqrt(variance)
			v, w := net.VelocityScore(Query[float64]{T: tp.Full(autograd.Dims(1, 1), at), X: tp.Full(autograd.Dims(1, 1), x)})
			wv, ww, _, _ := b.at(at, x)
			ev += (v.Item() - wv) * (v.Item() - wv)
			es += (w.Item() - ww) * (w.Item() - ww)
			sv, ss = sv+wv*wv, ss+ww*ww
		}
	}
	require.Less(t, math.Sqrt(ev/sv), 0.12, "velocity")
	require.Less(t, math.Sqrt(es/ss), 0.12, "score")
	for _, noise := range []float64{0, 1} {
		s, err := f.SampleSDE(context.Background(), 3000, rng.New(5), SDEOptions{Noise: noise, Steps: 60})
		require.NoError(t, err)
		mean, v := momentsOf(s.X, 0)
		require.InDelta(t, b.m1, mean, 0.05)
		require.InDelta(t, b.s1, math.Sqrt(v), 0.04)
	}
}
