package bench

import (
	"context"
	"math"
	"slices"

	"pushforward/autograd"
	"pushforward/nn"
	"pushforward/simd/rng"
)

// traces are gradients by θ of the mean over a batch of a Hutchinson estimate with one probe: a derivative of a
// vector–Jacobian product, which the peers take by double backward. The name says columns, width×hidden layers and
// batch; there is no time.
func traces() []Workload {
	silu, tanh := autograd.Var[float32].SiLU, autograd.Var[float32].Tanh
	return []Workload{
		trace("hutchgrad/2-64x2-b64", 2, 64, 2, 64, silu),
		trace("hutchgrad/2-64x2-b256", 2, 64, 2, 256, silu),
		trace("hutchgrad/2-64x2-b256-tanh", 2, 64, 2, 256, tanh),
		trace("hutchgrad/8-64x3-b64", 8, 64, 3, 64, silu),
		trace("hutchgrad/2-64x3-b256", 2, 64, 3, 256, silu),
		trace("hutchgrad/64-256x2-b256", 64, 256, 2, 256, silu),
		trace("hutchgrad/64-256x3-b1024", 64, 256, 3, 1024, silu),
	}
}

func trace(name string, dim, width, hidden, batch int, act nn.Func[float32]) Workload {
	return Workload{Name: name, Unit: "steps", Setup: func(context.Context) (*Job, error) {
		key := rng.New(1).Named(name)
		params := nn.NewParams[float32]()
		widths := append([]int{dim}, slices.Repeat([]int{width}, hidden)...)
		net := nn.NewMLP(params.Root(), act, append(widths, dim)...)
		theta := params.Init(key.Named("init"))
		tape, grad := autograd.NewTape(theta), make([]float32, len(theta))
		x, probe := autograd.NewTensor[float32](batch, dim), autograd.NewTensor[float32](batch, dim)
		rng.Normal(key.Named("x"), x.Data)
		rng.Signs(key.Named("probe"), probe.Data)
		return &Job{
			Count: 1,
			Run: func() error {
				clear(grad)
				tape.Reset()
				tape.ThetaChanged()
				in := tape.Input(x)
				tape.Backward(autograd.Hutchinson(net.Forward(in), in, tape.Const(probe)).Mean(), grad)
				return nil
			},
			Report: func() map[string]float64 { return map[string]float64{"norm": norm(grad)} },
		}, nil
	}}
}

// layers are a convolution 3×3 of 64 images 28×28×32, and attention with 4 heads over 64 tokens of 128
// columns, 16 rows of them, forward and backward by input and weights.
func layers() []Workload {
	return []Workload{
		layer("conv/28x28x32-3x3-b64", []int{64, 32, 28, 28}, func(s nn.Scope[float32]) func(x autograd.Var[float32]) autograd.Var[float32] {
			return nn.NewConv2d(s, 32, 32, 3, 3, autograd.Conv{Pad: [2]int{1, 1}}).Forward
		}),
		layer("attention/64x128-h4-b16", []int{16, 64, 128}, func(s nn.Scope[float32]) func(x autograd.Var[float32]) autograd.Var[float32] {
			return nn.NewAttention(s, 128, 4).Forward
		}),
		layer("attention/64x128-h1-b1", []int{1, 64, 128}, func(s nn.Scope[float32]) func(x autograd.Var[float32]) autograd.Var[float32] {
			return nn.NewAttention(s, 128, 1).Forward
		}),
	}
}

// layer measures a layer's forward and backward pass. The input is a parameter, so that its gradient is
// taken too.
func layer(name string, shape []int, build func(nn.Scope[float32]) func(autograd.Var[float32]) autograd.Var[float32]) Workload {
	return Workload{Name: name, Unit: "ms", Setup: func(context.Context) (*Job, error) {
		key := rng.New(1).Named(name)
		params := nn.NewParams[float32]()
		input := params.Root().Param("input", nn.Zeros, shape...)
		forward := build(params.Root().Sub("layer"))
		theta := params.Init(key.Named("init"))
		rng.Normal(key.Named("x"), theta[input.Off:input.Off+input.Shape.Len()])
		tape, grad := autograd.NewTape(theta), make([]float32, len(theta))
		u := autograd.Tensor[float32]{Shape: input.Shape, Data: normals[float32](key.Named("u"), input.Shape.Len())}
		return &Job{
			Run: func() error {
				clear(grad)
				tape.Reset()
				tape.ThetaChanged()
				tape.BackwardFrom(forward(tape.Param(input)), u, grad)
				return nil
			},
			Report: func() map[string]float64 { return map[string]float64{"norm": norm(grad)} },
		}, nil
	}}
}

func norm(x []float32) float64 {
	var s float64
	for _, v := range x {
		s += float64(float64(v) * float64(v))
	}
	return math.Sqrt(s)
}
