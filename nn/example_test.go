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
