package bijector

import (
	"testing"

	"pushforward/nn"
	"pushforward/simd/rng"
)

// BenchmarkScorer scores rows of nine columns, as many as the shuttle set has.
func BenchmarkScorer(b *testing.B) {
	const n, dim = 4096, 9
	for _, m := range []struct {
		name string
		make func(s nn.Scope[float32]) *Flow[float32]
	}{
		{"realnvp-small", func(s nn.Scope[float32]) *Flow[float32] {
			return NewRealNVP(s, Config{Dim: dim, Layers: 4, Hidden: 32, Depth: 1})
		}},
		{"realnvp", func(s nn.Scope[float32]) *Flow[float32] { return NewRealNVP(s, Config{Dim: dim}) }},
		{"maf", func(s nn.Scope[float32]) *Flow[float32] { return NewMAF(s, Config{Dim: dim}) }},
		{"nsf", func(s nn.Scope[float32]) *Flow[float32] { return NewNSF(s, Config{Dim: dim}) }},
	} {
		b.Run(m.name, func(b *testing.B) {
			p := nn.NewParams[float32]()
			f := m.make(p.Root())
			s := NewScorer(f, p.Init(rng.New(1)))
			x, logp := normal[float32](1, n*dim, 1), make([]float32, n)
			b.ReportAllocs()
			for b.Loop() {
				s.LogProb(logp, x, nil)
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
