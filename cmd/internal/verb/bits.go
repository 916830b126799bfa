package verb

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"math"

	"pushforward/cfm/model"
	"pushforward/simd"
	"pushforward/simd/rng"
)

// The bit contract in one line: bitsOf runs every kernel, the random numbers, a training, samples and
// densities, all small, and hashes every bit that came out. The contract says the hash is one number for
// all processors, tiers and numbers of cores; testdata/bits.golden holds it, so that two machines compare
// although they never meet. It costs less than 5·10⁸ float32 multiply-adds and 10⁷ of float64, since the
// slow tiers run it too.

// part is a piece of that work: it puts its results into a hash.
type part struct {
	name string
	run  func(ctx context.Context, h hash.Hash) error
}

func bitParts() []part {
	return []part{
		{"kernels float32", func(_ context.Context, h hash.Hash) error { kernelBits(h, putFloats[float32]); return nil }},
		{"kernels float64", func(_ context.Context, h hash.Hash) error { kernelBits(h, putFloats[float64]); return nil }},
		{"products float32", func(_ context.Context, h hash.Hash) error { gemmBits(h, putFloats[float32]); return nil }},
		{"products float64", func(_ context.Context, h hash.Hash) error { gemmBits(h, putFloats[float64]); return nil }},
		{"random numbers", func(_ context.Context, h hash.Hash) error { rngBits(h); return nil }},
		{"model", modelBits},
	}
}

// bitsOf returns the hash of all parts, and reports each one's own.
func bitsOf(ctx context.Context, report func(name, sum string)) (string, error) {
	all := sha256.New()
	for _, p := range bitParts() {
		h := sha256.New()
		if err := p.run(ctx, h); err != nil {
			return "", fmt.Errorf("bits: %s: %w", p.name, err)
		}
		sum := h.Sum(nil)
		report(p.name, hex.EncodeToString(sum))
		all.Write(sum)
	}
	return hex.EncodeToString(all.Sum(nil)), nil
}

// putFloats hashes numbers; all NaN are one, since payloads are outside the contract.
func putFloats[F simd.Float](h hash.Hash, x []F) {
	b := make([]byte, 0, 8*len(x))
	for _, v := range x {
		if v != v {
			v = F(math.NaN())
			b = binary.LittleEndian.AppendUint64(b, 0x7ff8000000000001)
			continue
		}
		if w, ok := any(v).(float32); ok {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(w))
		} else {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(float64(v)))
		}
	}
	h.Write(b)
}

// kernelBits runs each kernel on numbers of every size, special ones among them.
func kernelBits[F simd.Float](h hash.Hash, put func(hash.Hash, []F)) {
	k := simd.Best[F]()
	const n = 517
	draw := func(name string) []F {
		x := make([]F, n)
		rng.Normal(rng.New(1).Named(name), x)
		return x
	}
	x, y, z, dst := draw("x"), draw("y"), draw("z"), make([]F, n)
	wide := draw("wide")
	for i := range wide { // 2^-45 … 2^45 in size
		wide[i] *= F(math.Ldexp(1, i%91-45))
	}
	inf := F(math.Inf(1))
	copy(wide, []F{0, F(math.Copysign(0, -1)), inf, -inf, F(math.NaN()), 1, -1, 88.7, -103.9, 1e-30, -1e-30, 3e38})
	positive := append([]F(nil), wide...)
	for i, v := range positive {
		if v < 0 {
			positive[i] = -v
		}
	}
	for _, f := range []func(dst, x, y []F){k.Add, k.Sub, k.Mul, k.Div} {
		f(dst, x, y)
		put(h, dst)
		f(dst, wide, y)
		put(h, dst)
	}
	for _, f := range []func(dst, x, g []F){k.TanhGrad, k.SigmoidGrad, k.SiLUGrad, k.GELUGrad, k.GELUTanhGrad, k.SELUGrad, k.ELUGrad} {
		f(dst, x, y)
		put(h, dst)
	}
	for _, f := range []func(dst, x []F){k.Exp, k.Tanh, k.Erf, k.Sin, k.Cos, k.Sigmoid, k.SiLU, k.GELU, k.GELUTanh, k.SELU, k.ELU, k.Softplus} {
		f(dst, x)
		put(h, dst)
		f(dst, wide)
		put(h, dst)
	}
	for _, f := range []func(dst, x []F){k.Log, k.Sqrt} {
		f(dst, positive)
		put(h, dst)
	}
	k.Scale(dst, 1.1, x)
	put(h, dst)
	k.Shift(dst, 1.1, x)
	put(h, dst)
	k.Axpy(dst, -0.7, y)
	put(h, dst)
	k.MulAdd(dst, x, y, z)
	put(h, dst)
	for _, f := range []func(dst, x, g, h []F){k.TanhGradGrad, k.SiLUGradGrad, k.SELUGradGrad} {
		also := append([]F(nil), z...)
		f(dst, x, y, also)
		put(h, dst)
		put(h, also)
	}
	k.Combine(dst[:500], x[:500], y[:500], []F{0.3, -1.7, 0.01}, [][]F{z[:500], wide[12:512], x[17:517]})
	put(h, dst)
	put(h, []F{k.Dot(x, y), F(k.Sum(z)), F(k.SumSq(x))})
	sum := make([]F, 47)
	k.AddRows(sum, x[:47*11])
	put(h, sum)
	k.AddRow(dst[:47*11], x[:47*11], z[:47])
	put(h, dst)
	k.Transpose(dst[:23*22], x[:23*22], 23, 22)
	put(h, dst)
	w, m, v := append([]F(nil), x...), make([]F, n), make([]F, n)
	for step := range 3 {
		k.Adam(w, m, v, [][]F{y, z, y}[step], simd.AdamCoeffs{Beta1: 0.9, Beta2: 0.999, Step: 0.01, Eps: 1e-8, Decay: 1e-4})
	}
	put(h, w)
	put(h, m)
	put(h, v)
}

// gemmBits multiplies matrices of ragged sizes, each way round.
func gemmBits[F simd.Float](h hash.Hash, put func(hash.Hash, []F)) {
	k := simd.Best[F]()
	var packs simd.Packs[F]
	for i, s := range [][3]int{{1, 1, 1}, {5, 7, 3}, {13, 33, 300}, {97, 65, 129}, {64, 40, 128}, {3, 200, 17}} {
		m, n, kk := s[0], s[1], s[2]
		key := rng.New(2).Fold(uint64(i))
		a, b, c := make([]F, m*kk), make([]F, kk*n), make([]F, m*n)
		rng.Normal(key.Named("a"), a)
		rng.Normal(key.Named("b"), b)
		nn := [2]simd.Mat[F]{simd.Dense(a, m, kk), simd.Dense(b, kk, n)}
		nt := [2]simd.Mat[F]{simd.Dense(a, m, kk), simd.Dense(b, n, kk).T()}
		tn := [2]simd.Mat[F]{simd.Dense(a, kk, m).T(), simd.Dense(b, kk, n)}
		for _, p := range [][2]simd.Mat[F]{nn, nt, tn, nn} {
			k.Gemm(&packs, simd.Dense(c, m, n), p[0], p[1], p[0].Trans || p[1].Trans)
			put(h, c)
		}
	}
}

// rngBits draws from every law of package rng.
func rngBits(h hash.Hash) {
	key := rng.New(3).Named("bits").Fold(7)
	x, y := make([]float32, 301), make([]float64, 301)
	for _, k := range []rng.Key{key, key.Fold(1), key.Named("other")} {
		rng.Uniform(k, x)
		putFloats(h, x)
		rng.Normal(k, x)
		putFloats(h, x)
		rng.Signs(k, x)
		putFloats(h, x)
		rng.Uniform(k, y)
		putFloats(h, y)
		rng.Normal(k, y)
		putFloats(h, y)
		perm := make([]int, 57)
		rng.Perm(k, perm)
		for _, v := range perm {
			h.Write([]byte{byte(v)})
		}
	}
}

// modelBits trains, saves, samples and scores a small model under two conditions.
func modelBits(ctx context.Context, h hash.Hash) error {
	const rows = 96
	key := rng.New(4)
	var x, given [][]float64
	for i := range rows {
		z := make([]float64, 3)
		rng.Normal(key.Fold(uint64(i)), z)
		class := float64(i % 3)
		x = append(x, []float64{class + z[0]/4, float64(z[1]*z[0]) - class}) // rounded, then subtracted
		given = append(given, []float64{class, z[2]})
	}
	m, err := model.Fit(ctx, x, model.Options{
		Seed: 5, Steps: 48, Batch: 64, Hidden: 32, Blocks: 2, Calibrate: 12,
		Conditions: []model.Condition{{Name: "class", Classes: []string{"a", "b", "c"}}, {Name: "z"}},
		Given:      given,
	})
	if err != nil {
		return err
	}
	if err := m.Write(h); err != nil {
		return err
	}
	s, err := m.Sample(ctx, 40, model.SampleOptions{Seed: 6, Given: given[:40]})
	if err != nil {
		return err
	}
	d, err := m.LogDensity(ctx, s.Rows[:12], model.DensityOptions{Given: given[:12]})
	if err != nil {
		return err
	}
	p, err := m.LogDensity(ctx, s.Rows[:12], model.DensityOptions{Given: given[:12], Probes: 2, Seed: 7})
	if err != nil {
		return err
	}
	for _, r := range s.Rows {
		putFloats(h, r)
	}
	for _, d := range []model.Density{d, p} {
		putFloats(h, d.LogP)
		putFloats(h, d.Err)
		putFloats(h, d.PValue)
	}
	return nil
}
