package simd

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// BenchmarkElementwise runs every kernel of every tier on 16 Ki elements near 1, in the second-level cache.
func BenchmarkElementwise(b *testing.B) {
	for _, l := range Levels() {
		benchmarkKernels(b, At[float32](l))
		benchmarkKernels(b, At[float64](l))
	}
}

func benchmarkKernels[F Float](b *testing.B, k *Kernels[F]) {
	const n = 16 << 10
	r := rand.New(rand.NewPCG(1, 2))
	for _, c := range cases[F]() {
		if c.name == "AddRow" || c.name == "AddRows" || c.name == "Transpose" {
			continue
		}
		b.Run(fmt.Sprintf("%v/%T/%s", k.Level, F(0), c.name), func(b *testing.B) {
			x := make([][]F, c.in)
			for i := range x {
				x[i] = make([]F, n)
				for j := range x[i] {
					x[i][j] = F(r.NormFloat64()) + 1
				}
			}
			dst := make([]F, n)
			for b.Loop() {
				c.call(k, dst, x)
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds()/1e9, "Gelem/s")
		})
	}
}

// BenchmarkSmall measures what a call costs beside the work.
func BenchmarkSmall(b *testing.B) {
	k := Best[float32]()
	for _, n := range []int{1, 8, 16, 64, 100} {
		x, d := make([]float32, n), make([]float32, n)
		b.Run(fmt.Sprintf("Add/%d", n), func(b *testing.B) {
			for b.Loop() {
				k.Add(d, x, x)
			}
		})
		b.Run(fmt.Sprintf("Exp/%d", n), func(b *testing.B) {
			for b.Loop() {
				k.Exp(d, x)
			}
		})
	}
}
