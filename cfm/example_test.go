package cfm_test

import (
	"context"
	"fmt"
	"math"

	"pushforward/autograd"
	"pushforward/cfm"
	"pushforward/nn"
	"pushforward/odeint"
	"pushforward/simd/rng"
)

// Fit a flow to rows, draw from it and score a row.
func Example() {
	key := rng.New(1)
	points := autograd.NewTensor[float32](1000, 2)
	rng.Normal(key.Named("points"), points.Data)
	for i := range points.Rows() {
		points.Row(i)[1] = 3 - points.Row(i)[0] // a line
		points.Row(i)[0] += 0.1 * points.Row(i)[1]
	}

	params := nn.NewParams[float32]()
	net := cfm.NewNet(params.Root(), cfm.NetConfig{Dim: 2, Hidden: 16, Blocks: 1})
	flow := &cfm.Flow[float32]{Dim: 2, Field: net, Theta: params.Init(key.Named("init"))}
	flow.Loc, flow.Scale = cfm.Standardize(points)

	trainer := &cfm.Trainer[float32]{Flow: flow, Data: cfm.FromTensor(points), Steps: 50, Key: key.Named("train")}
	if err := trainer.Run(context.Background()); err != nil {
		fmt.Println(err)
		return
	}
	x, err := trainer.Averaged().Sample(context.Background(), 3, key.Named("sample"), odeint.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	d, err := trainer.Averaged().LogDensity(context.Background(), x.X, cfm.DensityOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(x.X.Shape, x.Status, len(d.LogP))
	// Output: [3 2] [done done done] 3
}

// A path of one's own: six numbers at time t, checked before it is used.
func ExampleCheckPath() {
	fmt.Println(cfm.CheckPath(cfm.Cosine{}))
	fmt.Println(cfm.CheckPath(quadratic{}))
	// Output:
	// <nil>
	// cfm: path cfm_test.quadratic{}: the derivative of a at t=0.03125 is given as 1, differences say 0.0625
}

type quadratic struct{}

func (quadratic) At(t float64) cfm.Coeffs { return cfm.Coeffs{A: t * t, B: 1 - t, DA: 1, DB: -1} }

// The field of a few points in closed form, and the density it leads to: a mixture of blurred
// points.
func ExampleMarginal() {
	points := autograd.FromRows([][]float64{{-1}, {1}})
	flow := &cfm.Flow[float64]{Dim: 1, Field: cfm.Marginal(points, cfm.CondOT{SigmaMin: 0.5})}
	d, err := flow.LogDensity(context.Background(), autograd.FromRows([][]float64{{0}}), cfm.DensityOptions{Strict: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	exact := math.Log(math.Exp(-2) / (0.5 * math.Sqrt(2*math.Pi)))
	fmt.Printf("%.4f %.4f\n", d.LogP[0], exact)
	// Output: -2.2258 -2.2258
}
