package metric_test

import (
	"fmt"

	"pushforward/cfm/metric"
	"pushforward/simd/rng"
)

// A model is as good as the data when its distance to held-out rows is that of two real samples.
func ExampleEnergyDistance() {
	draw := func(seed uint64, shift float64) []float64 {
		x := make([]float64, 2*1000)
		rng.Normal(rng.New(seed), x)
		for i := range x {
			x[i] += shift
		}
		return x
	}
	real, again, moved := draw(1, 0), draw(2, 0), draw(3, 0.5)
	floor, _ := metric.EnergyDistance(real, again, 2)
	model, _ := metric.EnergyDistance(real, moved, 2)
	fmt.Printf("two real samples less than 0.01: %v, the model %.2f\n", floor < 0.01, model)
	// Output: two real samples less than 0.01: true, the model 0.25
}

func ExampleAUROC() {
	fmt.Println(metric.AUROC([]float64{0.1, 0.4, 0.35, 0.8}, []int{0, 0, 1, 1}))
	// Output: 0.75
}
