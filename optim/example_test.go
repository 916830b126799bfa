package optim_test

import (
	"fmt"

	"pushforward/optim"
)

// A valley ten times as steep across as along.
func Example() {
	theta := []float64{2, 2}
	grad := make([]float64, 2)
	opt := &optim.Adam[float64]{}
	lr := optim.Cosine(0.1, 20, 400)
	for step := range 400 {
		grad[0], grad[1] = 10*theta[0], theta[1]
		optim.ClipNorm(grad, 1)
		opt.Step(theta, grad, lr(step))
	}
	fmt.Printf("%.3f %.3f\n", theta[0], theta[1])
	// Output: -0.000 -0.000
}

func ExampleSGD() {
	theta := []float64{1}
	opt := &optim.SGD[float64]{Momentum: 0.5}
	for range 3 {
		opt.Step(theta, []float64{theta[0]}, 0.5)
		fmt.Println(theta[0])
	}
	// Output:
	// 0.5
	// 0
	// -0.25
}

// A run is stopped after two steps and goes on elsewhere.
func ExampleResumable() {
	step := func(opt optim.Resumable[float64], theta []float64) {
		opt.Step(theta, []float64{theta[0] - 1}, 0.1)
	}
	theta := []float64{0}
	a := &optim.Adam[float64]{}
	step(a, theta)
	step(a, theta)

	b := &optim.Adam[float64]{}
	b.Init(len(theta))
	b.SetStep(a.StepCount())
	saved := map[string][]float64{}
	for name, v := range a.State() {
		saved[name] = v
	}
	for name, v := range b.State() {
		copy(v, saved[name])
	}

	there := []float64{theta[0]}
	step(a, theta)
	step(b, there)
	fmt.Println(theta[0] == there[0])
	// Output: true
}

func ExampleSchedule() {
	s := optim.Then(optim.Linear(1, 0.1, 1, 3), 3, optim.CosineAnnealing(1, 0, 4))
	for k := range 8 {
		fmt.Printf("%.2f ", s(k))
	}
	// Output: 0.10 0.40 0.70 1.00 0.85 0.50 0.15 0.00
}

func ExampleEMA() {
	e := optim.EMA[float64]{Decay: 0.9, Flat: true}
	for _, theta := range []float64{0, 1, 1} {
		e.Update([]float64{theta})
		fmt.Printf("%.2f\n", e.Theta[0])
	}
	// Output:
	// 0.00
	// 0.10
	// 0.19
}

// Adam with decoupled decay, which is AdamW, at a rate that warms up and falls.
func ExampleAdam() {
	theta, grad := []float64{5, -3}, make([]float64, 2)
	adam := &optim.Adam[float64]{Decay: 0.01}
	rate := optim.Cosine(0.1, 20, 300)
	for step := range 300 {
		for i, v := range theta {
			grad[i] = 2 * v
		}
		optim.ClipNorm(grad, 1)
		adam.Step(theta, grad, rate(step))
	}
	fmt.Printf("%.2f\n", max(theta[0], -theta[0]))
	// Output: 0.00
}

// Two gradients make one step of twice the batch.
func ExampleAccumulate() {
	theta := []float64{1}
	opt := &optim.Accumulate[float64]{Opt: &optim.SGD[float64]{}, Every: 2}
	opt.Step(theta, []float64{1}, 0.5)
	fmt.Println(theta)
	opt.Step(theta, []float64{3}, 0.5)
	fmt.Println(theta)
	// Output:
	// [1]
	// [0]
}
