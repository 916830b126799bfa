package simd_test

import (
	"fmt"

	"pushforward/simd"
)

func ExampleKernels() {
	k := simd.Best[float32]()
	x := []float32{-1, 0, 1, 2}
	y := make([]float32, 4)
	k.Tanh(y, x)
	fmt.Println(y)
	k.Axpy(y, 0.5, x) // y += x/2
	fmt.Println(y, k.Dot(x, x))
	// Output:
	// [-0.76159424 0 0.76159424 0.9640277]
	// [-1.2615943 0 1.2615943 1.9640276] 6
}

func ExampleAt() {
	// Every tier gives the same bits.
	x := []float64{0.1, 0.2, 0.3}
	y := make([]float64, 3)
	seen := map[string]bool{}
	for _, level := range simd.Levels() {
		simd.At[float64](level).GELU(y, x)
		seen[fmt.Sprintf("%x", y)] = true
	}
	fmt.Println(len(seen))
	// Output: 1
}

func ExampleFMA() {
	// 0.1 is a little more than a tenth. The product rounded is 1 exactly; the fused one shows the rest.
	x, y := 0.1, 10.0
	p := x * y
	fmt.Println(p-1, simd.FMA(x, y, -1))
	// Output: 0 5.551115123125783e-17
}
