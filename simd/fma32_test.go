package simd

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// bigFMA32 returns a·b + c from big.Float, whose sum is exact at this precision.
func bigFMA32(a, b, c float32) float32 {
	exact := func(x float32) *big.Float { return new(big.Float).SetPrec(2000).SetFloat64(float64(x)) }
	r := exact(a)
	r.Mul(r, exact(b))
	r.Add(r, exact(c))
	if r.Sign() == 0 {
		return float32(float64(a)*float64(b) + float64(c)) // the sign of an exact zero
	}
	f, _ := r.Float32()
	return f
}

// TestFMA32 tries random operands, and operands made so that a·b + c lies near a tie.
func TestFMA32(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	finite := func() float32 {
		for {
			if x := math.Float32frombits(r.Uint32()); x-x == 0 {
				return x
			}
		}
	}
	near := func(a, b float32) float32 { // c that cancels, or is half a unit of the product or less
		p := float64(a) * float64(b)
		switch r.IntN(4) {
		case 0:
			return -float32(p)
		case 1:
			return float32(math.Ldexp(p, -24+r.IntN(3)))
		case 2:
			return float32(math.Ldexp(1+float64(r.IntN(4))/2, r.IntN(60)-90)) * float32(1-2*r.IntN(2))
		}
		return float32(math.Ldexp(p, 20+r.IntN(10)))
	}
	small := func() float32 { // few significant bits, so that products tie
		return float32(math.Ldexp(float64(r.IntN(1<<13)), r.IntN(120)-90)) * float32(1-2*r.IntN(2))
	}
	n := 300_000
	if testing.Short() {
		n = 10_000
	}
	for range n {
		for _, x := range [][3]float32{{finite(), finite(), finite()}, {small(), small(), small()}} {
			for _, c := range []float32{x[2], near(x[0], x[1])} {
				got, want := FMA32(x[0], x[1], c), bigFMA32(x[0], x[1], c)
				if c-c == 0 && math.Float32bits(got) != math.Float32bits(want) {
					require.Failf(t, "wrong", "FMA32(%x, %x, %x) = %x, want %x", x[0], x[1], c, got, want)
				}
			}
		}
	}
}

// TestFMA32Special holds the cases a random test does not meet.
func TestFMA32Special(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	zero := float32(0)
	neg := float32(math.Copysign(0, -1))
	tiny := float32(math.SmallestNonzeroFloat32)
	for _, c := range []struct{ a, b, c, want float32 }{
		// (1+2⁻¹²)² + 2⁻⁶⁰ is a little over a tie; rounding twice falls back on it.
		{1 + 1.0/4096, 1 + 1.0/4096, 1.0 / (1 << 60), 1 + 1.0/2048 + 1.0/(1<<23)},
		{1 + 1.0/4096, 1 + 1.0/4096, -1.0 / (1 << 60), 1 + 1.0/2048},
		{tiny, 0.5, tiny, 2 * tiny}, // 1.5 units tie to even
		{tiny, 0.5, zero, zero},     // half a unit ties to zero
		{tiny, -0.5, zero, neg},     // the sign survives underflow
		{neg, 1, neg, neg},
		{neg, 1, zero, zero},
		{3, 2, -6, zero},
		{math.MaxFloat32, 2, -math.MaxFloat32, math.MaxFloat32},
		{math.MaxFloat32, 2, zero, inf},
		{inf, 1, -inf, nan},
		{inf, 0, 1, nan},
		{-inf, 2, 5, -inf},
		{1, 1, nan, nan},
	} {
		got := FMA32(c.a, c.b, c.c)
		if c.want != c.want {
			require.True(t, got != got, "%v", c)
			continue
		}
		require.Equal(t, math.Float32bits(c.want), math.Float32bits(got), "%v: got %v", c, got)
	}
	require.Equal(t, FMA32(3, 5, 7), FMA[float32](3, 5, 7))
	require.Equal(t, math.FMA(0.1, 0.1, 0.1), FMA(0.1, 0.1, 0.1))
}
