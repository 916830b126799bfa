package bijector_test

import (
	"fmt"
	"math"

	"pushforward/autograd"
	"pushforward/nn"
	"pushforward/nn/bijector"
	"pushforward/optim"
	"pushforward/simd/rng"
)

// A spline flow learns a bent law of two columns by maximum likelihood, and is asked for densities
// and rows.
func Example() {
	p := nn.NewParams[float64]()
	flow := bijector.NewNSF(p.Root(), bijector.Config{Dim: 2, Layers: 2, Hidden: 16})
	theta := p.Init(rng.New(1))

	// y = x² + noise
	data := make([]float64, 2*512)
	rng.Normal(rng.New(2), data)
	for i := 0; i < len(data); i += 2 {
		data[i+1] = data[i]*data[i] + 0.3*data[i+1]
	}
	flow.Init(theta, data, nil)

	tape, grad := autograd.NewTape(theta), make([]float64, len(theta))
	rows := autograd.FromSlice(data, 512, 2)
	opt, none := &optim.Adam[float64]{}, autograd.Var[float64]{}
	for range 150 {
		tape.Reset()
		tape.ThetaChanged()
		clear(grad)
		tape.Backward(flow.LogProb(tape.Const(rows), none).Mean().Neg(), grad)
		opt.Step(theta, grad, 0.01)
	}

	scorer := bijector.NewScorer(flow, theta)
	logp := make([]float64, 2)
	scorer.LogProb(logp, []float64{1, 1, 1, -1}, nil)
	fmt.Println("on the parabola", logp[0] > -2, "and off it", logp[1] < -6)

	drawn, off := make([]float64, 2*1000), 0.0
	scorer.Sample(drawn, rng.New(3), nil)
	for i := 0; i < len(drawn); i += 2 {
		off += math.Abs(drawn[i+1]-drawn[i]*drawn[i]) / 1000
	}
	fmt.Println("rows keep to it:", off < 0.5)
	// Output:
	// on the parabola true and off it true
	// rows keep to it: true
}

// Bijectors are chained by hand where no recipe fits; Inverse goes back through the chain.
func ExampleChain() {
	p := nn.NewParams[float64]()
	s := p.Root()
	chain := bijector.Chain[float64]{
		bijector.NewReverse[float64](3),
		bijector.NewActNorm(s.Index(1), 3),
	}
	theta := p.Init(rng.New(1))
	scale, _ := p.Lookup("1.logscale")
	theta[scale.Off] = math.Log(2) // halves the column that arrives first

	tape := autograd.NewTape(theta)
	none := autograd.Var[float64]{}
	y, logdet := chain.Forward(tape.Const(autograd.FromRows([][]float64{{1, 2, 4}})), none)
	x, _ := chain.Inverse(y, none)
	fmt.Println(y.Value().Data, x.Value().Data)
	fmt.Printf("log|det| = %.3f\n", logdet.Item())
	// Output:
	// [2 2 1] [1 2 4]
	// log|det| = -0.693
}
