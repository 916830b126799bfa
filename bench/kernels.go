package bench

import (
	"context"
	"fmt"
	"time"

	"pushforward/bench/peak"
	"pushforward/simd"
	"pushforward/simd/rng"
)

// products are C = A·B for the shapes that networks make, in the three forms of a linear layer.
func products() []Workload {
	shapes := [][3]int{ // batch, in, out
		{64, 64, 64}, {128, 128, 128}, {256, 256, 256}, {512, 512, 512}, {1024, 1024, 1024}, {2048, 2048, 2048},
		{256, 64, 64}, {256, 512, 512}, {4096, 256, 256},
	}
	var list []Workload
	for _, s := range shapes {
		for _, form := range []string{"nn", "nt", "tn"} {
			name := fmt.Sprintf("%dx%dx%d-%s", s[0], s[1], s[2], form)
			list = append(list, product[float32]("gemm/"+name, form, s))
		}
	}
	for _, s := range shapes {
		for _, form := range []string{"nn", "nt", "tn"} {
			name := fmt.Sprintf("%dx%dx%d-%s", s[0], s[1], s[2], form)
			list = append(list, product[float64]("gemm64/"+name, form, s))
		}
	}
	return list
}

func product[F simd.Float](name, form string, s [3]int) Workload {
	return Workload{Name: name, Unit: "GFLOP", Setup: func(context.Context) (*Job, error) {
		batch, in, out := s[0], s[1], s[2]
		key := rng.New(1).Named(name)
		x := simd.Dense(normals[F](key.Named("x"), batch*in), batch, in)
		w := simd.Dense(normals[F](key.Named("w"), out*in), out, in)
		dy := simd.Dense(normals[F](key.Named("dy"), batch*out), batch, out)
		var a, b, c simd.Mat[F]
		switch form {
		case "nt": // y = x·Wᵀ
			a, b, c = x, w.T(), simd.Dense(make([]F, batch*out), batch, out)
		case "nn": // dX = dY·W
			a, b, c = dy, w, simd.Dense(make([]F, batch*in), batch, in)
		case "tn": // dW = dYᵀ·X
			a, b, c = dy.T(), x, simd.Dense(make([]F, out*in), out, in)
		}
		k, packs := simd.Best[F](), new(simd.Packs[F])
		return &Job{
			Count: 2 * float64(batch) * float64(in) * float64(out) / 1e9,
			Run:   func() error { k.Gemm(packs, c, a, b, false); return nil },
			Limit: func() float64 { return peak.GFLOPS[F](k.Level, 5*time.Millisecond) },
		}, nil
	}}
}

func normals[F simd.Float](key rng.Key, n int) []F {
	x := make([]F, n)
	rng.Normal(key, x)
	return x
}

// elementwise are functions of 1 Mi float32 numbers, bound by memory more than by arithmetic, and of 64 Ki,
// whose operands stay in the second cache.
func elementwise() []Workload {
	k := simd.Best[float32]()
	step, key := uint64(0), rng.New(1).Named("elem")
	var list []Workload
	for _, size := range []struct {
		suffix string
		n      int
	}{{"", 1 << 20}, {"-64Ki", 1 << 16}} {
		unary := func(name string, f func(dst, x []float32)) {
			list = append(list, Workload{Name: "elem/" + name + size.suffix, Unit: "Gelem", Setup: func(context.Context) (*Job, error) {
				x, dst := normals[float32](rng.New(1).Named(name), size.n), make([]float32, size.n)
				return &Job{Count: float64(size.n) / 1e9, Run: func() error { f(dst, x); return nil }}, nil
			}})
		}
		unary("tanh", k.Tanh)
		unary("exp", k.Exp)
		unary("silu", k.SiLU)
		unary("gelu", k.GELU)
		unary("gelutanh", k.GELUTanh)
		unary("selu", k.SELU)
		unary("normal", func(dst, _ []float32) { step++; rng.Normal(key.Fold(step), dst) })
	}
	return list
}
