package rng

import (
	"math"
	"sort"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/simd"
)

// The known-answer vectors of Random123 (kat_vectors, philox4x32 with 10 rounds).
func TestPhiloxKnownAnswers(t *testing.T) {
	for _, c := range []struct{ ctr, key, want []uint32 }{
		{[]uint32{0, 0, 0, 0}, []uint32{0, 0}, []uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{[]uint32{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, []uint32{0xffffffff, 0xffffffff},
			[]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
		{[]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, []uint32{0xa4093822, 0x299f31d0},
			[]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
	} {
		// The high half of a Key is the upper counter.
		k := Key{hi: uint64(c.ctr[3])<<32 | uint64(c.ctr[2]), lo: uint64(c.key[1])<<32 | uint64(c.key[0])}
		w0, w1, w2, w3 := k.block(uint64(c.ctr[1])<<32 | uint64(c.ctr[0]))
		require.Equal(t, c.want, []uint32{w0, w1, w2, w3})
	}
}

func TestWordsLayout(t *testing.T) {
	k := New(7).Named("layout")
	w := make([]uint32, 3*group)
	words(w, k, 5)
	for i, got := range w {
		g, lane, word := 5+i/group, i%lanes, i/lanes%4
		var b [4]uint32
		b[0], b[1], b[2], b[3] = k.block(uint64(g*lanes + lane))
		require.Equal(t, b[word], got, "word %d", i)
	}
}

// every draws n numbers of each kind as float64.
func every[F simd.Float](n int) map[string]func(k Key) []float64 {
	m := map[string]func(k Key) []float64{}
	for name, f := range map[string]func(Key, []F){"uniform": Uniform[F], "normal": Normal[F], "signs": Signs[F]} {
		m[name] = func(k Key) []float64 {
			x := make([]F, n)
			f(k, x)
			y := make([]float64, n)
			for i := range x {
				y[i] = float64(x[i])
			}
			return y
		}
	}
	return m
}

func testPositions[F simd.Float](t *testing.T) {
	const n = 5000
	for name, draw := range every[F](n) {
		k := New(3).Named(name)
		want := draw(k)
		for _, m := range []int{0, 1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 65, 79, 80, 81, 511, 512, 513, 1023, 1024, 1025, 1030, 1040, 2049, 4097} {
			got := every[F](m)[name](k)
			require.Equal(t, want[:m], got, "%s of %d", name, m)
		}
	}
}

func TestElementsDependOnPositionOnly(t *testing.T) {
	t.Run("float32", testPositions[float32])
	t.Run("float64", testPositions[float64])
}

func TestScalars(t *testing.T) {
	k := New(11).Fold(4)
	u := make([]float64, 3000)
	Uniform(k, u)
	for i := range u {
		require.Equal(t, u[i], k.Float64(uint64(i)))
	}
	counts := make([]int, 7)
	for i := range 70000 {
		counts[k.Intn(uint64(i), 7)]++
	}
	for _, c := range counts {
		require.InDelta(t, 10000, c, 5*math.Sqrt(10000*6./7)) // 5 sigma
	}
	require.Panics(t, func() { k.Intn(0, 0) })
	require.Zero(t, k.Intn(0, 1))
}

func testNormalAt[F simd.Float](t *testing.T) {
	k := New(3).Named("at")
	x := make([]F, 4000)
	Normal(k, x)
	for _, at := range []int{0, 1, 15, 16, 31, 32, 33, 63, 64, 65, 100, 1023, 1024, 1500, 3999} {
		for _, n := range []int{0, 1, 2, 17, 31, 64, 65, 200, 1100} {
			if at+n > len(x) {
				continue
			}
			y := make([]F, n)
			NormalAt(k, uint64(at), y)
			require.Equal(t, x[at:at+n], y, "%d from %d", n, at)
		}
	}
}

func TestNormalAt(t *testing.T) {
	t.Run("float32", testNormalAt[float32])
	t.Run("float64", testNormalAt[float64])
}

func sizeOf(t *testing.T) int {
	if testing.Short() {
		return 1 << 14
	}
	return 1 << 20
}

// ks is the Kolmogorov–Smirnov statistic √n·D of x against the distribution function cdf; x is sorted.
func ks(x []float64, cdf func(float64) float64) float64 {
	sort.Float64s(x)
	n, d := float64(len(x)), 0.
	for i, v := range x {
		c := cdf(v)
		d = max(d, float64(i+1)/n-c, c-float64(i)/n)
	}
	return d * math.Sqrt(n)
}

func testUniform[F simd.Float](t *testing.T) {
	n := sizeOf(t)
	x := every[F](n)["uniform"](New(1).Named("u"))
	for _, v := range x {
		require.True(t, v >= 0 && v < 1)
	}
	// √n·D > 1.95 has probability 0.001.
	require.Less(t, ks(x, func(v float64) float64 { return v }), 1.95)
}

func testNormal[F simd.Float](t *testing.T) {
	n := sizeOf(t)
	x := every[F](n)["normal"](New(1).Named("n"))
	// Moments of order m have standard error √((E z²ᵐ - (E zᵐ)²)/n).
	for m, want := range []float64{1, 0, 1, 0, 3, 0, 15} {
		var s float64
		for _, v := range x {
			s += math.Pow(v, float64(m))
		}
		second := []float64{1, 1, 3, 15, 105, 945, 10395}[m]
		require.InDelta(t, want, s/float64(n), 4.5*math.Sqrt((second-want*want)/float64(n))+1e-12, "moment %d", m)
	}
	// Neighbours and the two of a pair are uncorrelated, in themselves and in their squares.
	for _, lag := range []int{1, 2, 3, 16, 32, 64} {
		var s, q float64
		for i := lag; i < n; i++ {
			s += x[i] * x[i-lag]
			q += (x[i]*x[i] - 1) * (x[i-lag]*x[i-lag] - 1)
		}
		require.InDelta(t, 0, s/float64(n), 4.5/math.Sqrt(float64(n)), "lag %d", lag)
		require.InDelta(t, 0, q/float64(n), 4.5*2/math.Sqrt(float64(n)), "lag %d, squares", lag)
	}
	// The tail beyond 3 and beyond 4.
	for _, z := range []float64{2, 3, 4} {
		p := math.Erfc(z / math.Sqrt2)
		var c float64
		for _, v := range x {
			if math.Abs(v) > z {
				c++
			}
		}
		require.InDelta(t, p*float64(n), c, 5*math.Sqrt(p*float64(n))+1, "tail %v", z)
	}
	require.Less(t, ks(x, func(v float64) float64 { return math.Erfc(-v/math.Sqrt2) / 2 }), 1.95)
}

func TestUniformLaw(t *testing.T) {
	t.Run("float32", testUniform[float32])
	t.Run("float64", testUniform[float64])
}

func TestNormalLaw(t *testing.T) {
	t.Run("float32", testNormal[float32])
	t.Run("float64", testNormal[float64])
}

// The extreme words must give finite numbers: u is never 0 and never above 1.
func TestNormalExtremes(t *testing.T) {
	for _, word := range []uint32{0, 1, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff} {
		w := make([]uint32, group)
		for i := range w {
			w[i] = word
		}
		z32, z64 := make([]float32, group), make([]float64, group/2)
		simd.Best[float32]().Normal(z32, w)
		simd.Best[float64]().Normal(z64, w)
		for i := range z64 {
			require.LessOrEqual(t, math.Abs(float64(z32[i])), 6.67)
			require.LessOrEqual(t, math.Abs(z64[i]), 8.5)
		}
	}
}

func TestSigns(t *testing.T) {
	n := sizeOf(t)
	x := every[float32](n)["signs"](New(5))
	for _, lag := range []int{0, 1, 2, 31, 32, 33} {
		var s float64
		for i := lag; i < n; i++ {
			v := x[i]
			require.True(t, v == 1 || v == -1)
			if lag > 0 {
				v *= x[i-lag]
			}
			s += v
		}
		require.InDelta(t, 0, s/float64(n), 4.5/math.Sqrt(float64(n)), "lag %d", lag)
	}
}

func TestKeysAreIndependent(t *testing.T) {
	root := New(0)
	keys := map[string]Key{"root": root, "seed1": New(1), "a": root.Named("a"), "b": root.Named("b"), "empty": root.Named(""),
		"ab": root.Named("a").Named("b"), "ba": root.Named("b").Named("a"),
		"0": root.Fold(0), "1": root.Fold(1), "2": root.Fold(2), "00": root.Fold(0).Fold(0), "seed1/0": New(1).Fold(0)}
	const n = 1 << 14
	draws := map[string][]float64{}
	seen := map[Key]string{}
	for name, k := range keys {
		require.Empty(t, seen[k], name)
		seen[k] = name
		draws[name] = every[float64](n)["normal"](k)
	}
	for a, x := range draws {
		for b, y := range draws {
			if a >= b {
				continue
			}
			var s float64
			for i := range x {
				s += x[i] * y[i]
			}
			require.InDelta(t, 0, s/n, 5/math.Sqrt(n), "%s and %s", a, b)
		}
	}
}

// Siblings read at one position look uniform too: that is how rows are keyed.
func TestSiblings(t *testing.T) {
	n := sizeOf(t) / 8
	k := New(2).Named("rows")
	x := make([]float64, n)
	for i := range x {
		x[i] = k.Fold(uint64(i)).Float64(0)
	}
	require.Less(t, ks(x, func(v float64) float64 { return v }), 1.95)
}

func TestPerm(t *testing.T) {
	for _, n := range []int{0, 1, 2, 5, 100} {
		p := make([]int, n)
		Perm(New(uint64(n)), p)
		seen := make([]bool, n)
		for _, v := range p {
			require.False(t, seen[v])
			seen[v] = true
		}
	}
	// All 24 orders of four, each as often.
	counts := map[[4]int]int{}
	const n = 24000
	for i := range uint64(n) {
		var p [4]int
		Perm(New(9).Fold(i), p[:])
		counts[p]++
	}
	require.Len(t, counts, 24)
	for p, c := range counts {
		require.InDelta(t, n/24, c, 5*math.Sqrt(n/24.), "%v", p)
	}
}

func TestNoAllocations(t *testing.T) {
	x, y, p := make([]float32, 3000), make([]float64, 3000), make([]int, 100)
	k := New(1)
	require.LessOrEqual(t, testing.AllocsPerRun(100, func() {
		Normal(k, x)
		Normal(k, y)
		Uniform(k, x)
		Uniform(k, y)
		Signs(k, x)
		Perm(k.Named("perm").Fold(3), p)
	}), 0.)
}

func BenchmarkNormal32(b *testing.B) {
	x := make([]float32, 1<<20)
	for b.Loop() {
		Normal(New(1), x)
	}
	b.ReportMetric(float64(len(x))*float64(b.N)/b.Elapsed().Seconds()/1e9, "Gelem/s")
}

func BenchmarkUniform32(b *testing.B) {
	x := make([]float32, 1<<20)
	for b.Loop() {
		Uniform(New(1), x)
	}
	b.ReportMetric(float64(len(x))*float64(b.N)/b.Elapsed().Seconds()/1e9, "Gelem/s")
}

func BenchmarkNormalOfTwo(b *testing.B) {
	var x [2]float32
	y := x[:]
	k := New(1)
	for i := uint64(0); b.Loop(); i++ {
		Normal(k.Fold(i), y)
	}
}
