package nn_test

import (
	"bytes"
	"fmt"

	"pushforward/autograd"
	"pushforward/nn"
	"pushforward/optim"
	"pushforward/simd/rng"
)

// A small network learns x², and its file is read back.
func Example() {
	p := nn.NewParams[float64]()
	net := nn.NewMLP(p.Root().Sub("net"), autograd.Var[float64].SiLU, 1, 32, 32, 1)
	theta := p.Init(rng.New(1))

	x, y := autograd.NewTensor[float64](21, 1), autograd.NewTensor[float64](21, 1)
	for i := range x.Data {
		x.Data[i] = float64(i-10) / 10
		y.Data[i] = x.Data[i] * x.Data[i]
	}
	tape := autograd.NewTape(theta)
	grad := make([]float64, len(theta))
	opt := &optim.Adam[float64]{}
	lr := optim.Cosine(0.03, 20, 600)
	for step := range 600 {
		tape.Reset()
		tape.ThetaChanged()
		loss := net.Forward(tape.Const(x)).Sub(tape.Const(y)).Square().Mean()
		clear(grad)
		tape.Backward(loss, grad)
		opt.Step(theta, grad, lr(step))
	}

	var file bytes.Buffer
	if err := p.Save(&file, theta, map[string]string{"learned": "x²"}); err != nil {
		fmt.Println(err)
	}
	again := p.Zeros()
	meta, err := p.Load(&file, again)
	at := autograd.NewTape(again)
	v := net.Forward(at.Const(autograd.FromRows([][]float64{{-0.5}, {0.8}}))).Value()
	fmt.Printf("%v %v: %.2f %.2f\n", meta["learned"], err, v.Data[0], v.Data[1])
	// Output: x² <nil>: 0.25 0.64
}

func ExampleParams() {
	p := nn.NewParams[float32]()
	nn.NewMLP(p.Root().Sub("net"), autograd.Var[float32].SiLU, 3, 64, 2)
	for name, x := range p.All(p.Init(rng.New(1))) {
		fmt.Println(name, x.Shape)
	}
	fmt.Println(p.Count(), "parameters")
	// Output:
	// net.0.weight [64 3]
	// net.0.bias [64]
	// net.2.weight [2 64]
	// net.2.bias [2]
	// 386 parameters
}

func ExampleParams_Load() {
	p, q := nn.NewParams[float32](), nn.NewParams[float32]()
	nn.NewLinear(p.Root().Sub("a"), 3, 2)
	nn.NewLinear(q.Root().Sub("a"), 4, 2)
	var file bytes.Buffer
	if err := p.Save(&file, p.Zeros(), nil); err != nil {
		fmt.Println(err)
	}
	_, err := q.Load(&file, q.Zeros())
	fmt.Println(err)
	// Output: nn: load: 1 name differs: "a.weight" is [2 3], want [2 4]: parameters differ
}

func ExampleTimeFeatures() {
	tape := autograd.NewTape[float64](nil)
	t := tape.Const(autograd.FromRows([][]float64{{0}, {0.5}, {1}}))
	f := nn.TimeFeatures(t, 2).Value()
	for i := range f.Rows() {
		fmt.Printf("%.1f\n", f.Row(i))
	}
	// Output:
	// [0.0 1.0 1.0 0.0 0.0]
	// [0.5 0.0 -1.0 1.0 0.0]
	// [1.0 -1.0 1.0 0.0 -0.0]
}

func ExampleResMLP() {
	p := nn.NewParams[float32]()
	net := nn.NewResMLP(p.Root(), nn.ResMLPConfig{In: 2, Out: 2, Context: 9, Hidden: 64, Blocks: 2})
	theta := p.Init(rng.New(1))
	tape := autograd.NewTape(theta)
	x := tape.Const(autograd.FromRows([][]float32{{1, 2}}))
	t := tape.Const(autograd.FromRows([][]float32{{0.3}}))
	fmt.Println(net.Forward(x, nn.TimeFeatures(t, 4)).Value().Data, p.Count())
	// Output: [0 0] 38402
}

func ExampleWriteSafetensors() {
	f := &nn.File{Meta: map[string]string{"step": "400"}}
	f.Add("theta", []float32{1, 2, 3})
	var b bytes.Buffer
	if err := nn.WriteSafetensors(&b, f); err != nil {
		fmt.Println(err)
	}
	b.Bytes()[b.Len()-1] ^= 1 // a bit flips
	_, err := nn.ReadSafetensors(&b, -1)
	fmt.Println(err != nil)
	// Output: true
}

// Layers are functions of values on a tape; what they hold are places in θ.
func ExampleLinear() {
	params := nn.NewParams[float32]()
	root := params.Root()
	table, dense, norm := nn.NewEmbedding(root.Sub("table"), 10, 4), nn.NewLinear(root.Sub("dense"), 4, 6), nn.NewLayerNorm(root.Sub("norm"), 6)
	tape := autograd.NewTape(params.Init(rng.New(1)))
	y := norm.Forward(dense.Forward(table.At(tape, []int32{3, 1, 4})).SiLU())
	fmt.Println(y.Shape(), params.Count())
	// Output: [3 6] 82
}

// Twelve tokens of eight columns, each of which sees itself and those before it.
func ExampleAttention() {
	params := nn.NewParams[float32]()
	att := nn.NewAttention(params.Root(), 8, 2)
	tape := autograd.NewTape(params.Init(rng.New(1)))
	x := tape.Input(autograd.NewTensor[float32](1, 12, 8))
	fmt.Println(att.Self(x, nn.Causal(tape, 12)).Shape())
	// Output: [1 12 8]
}

// A convolution that halves a picture.
func ExampleConv2d() {
	params := nn.NewParams[float32]()
	conv := nn.NewConv2d(params.Root(), 3, 8, 3, 3, autograd.Conv{Stride: [2]int{2, 2}, Pad: [2]int{1, 1}})
	tape := autograd.NewTape(params.Init(rng.New(1)))
	fmt.Println(conv.Forward(tape.Const(autograd.NewTensor[float32](2, 3, 28, 28))).Shape())
	// Output: [2 8 14 14]
}

// A velocity network for pictures of 28×28, told the time by features.
func ExampleUNet() {
	params := nn.NewParams[float32]()
	net := nn.NewUNet(params.Root(), nn.UNetConfig{Channels: 1, Context: 9, Base: 8})
	tape := autograd.NewTape(params.Init(rng.New(1)))
	x, context := tape.Const(autograd.NewTensor[float32](2, 1, 28, 28)), tape.Const(autograd.NewTensor[float32](2, 9))
	fmt.Println(net.Forward(x, context).Shape())
	// Output: [2 1 28 28]
}
