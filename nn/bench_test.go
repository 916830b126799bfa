package nn

import (
	"testing"

	"pushforward/autograd"
	"pushforward/simd/rng"
)

// A training pass, forward and backward, of the residual MLP on one chunk of 128 rows.
func BenchmarkResMLP(b *testing.B) {
	for _, c := range []struct {
		name string
		cfg  ResMLPConfig
	}{
		{"64x2", ResMLPConfig{In: 2, Out: 2, Context: 9, Hidden: 64, Blocks: 2}},
		{"128x3", ResMLPConfig{In: 10, Out: 10, Context: 9}},
		{"256x3-digits", ResMLPConfig{In: 64, Out: 64, Context: 27, Hidden: 256, Width: 64, Norm: true}},
	} {
		b.Run(c.name, func(b *testing.B) {
			p := NewParams[float32]()
			m := NewResMLP(p.Root(), c.cfg)
			theta := p.Init(rng.New(1))
			tape := autograd.NewTape(theta)
			grad := make([]float32, len(theta))
			x, ctx := normalTensor[float32](rng.New(2), 128, c.cfg.In), normalTensor[float32](rng.New(3), 128, c.cfg.Context)
			b.ReportAllocs()
			for b.Loop() {
				tape.Reset()
				tape.ThetaChanged()
				tape.Backward(m.Forward(tape.Const(x), tape.Const(ctx)).Square().Sum(), grad)
			}
			flops := 6 * 128 * float64(p.Count())
			b.ReportMetric(flops*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}
