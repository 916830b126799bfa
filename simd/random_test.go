package simd

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPhiloxVectors holds the vectors published with Random123 (kat_vectors, philox4x32 10).
func TestPhiloxVectors(t *testing.T) {
	const all = 0xffffffff
	for _, c := range []struct {
		k    PhiloxKey
		b    uint64
		want [4]uint32
	}{
		{PhiloxKey{}, 0, [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{PhiloxKey{all, all, all, all}, 1<<64 - 1, [4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
		{PhiloxKey{0xa4093822, 0x299f31d0, 0x13198a2e, 0x03707344}, 0x85a308d3_243f6a88, [4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
	} {
		var got [4]uint32
		got[0], got[1], got[2], got[3] = c.k.Block(c.b)
		require.Equal(t, c.want, got)
	}
}

// TestPhiloxTiers compares the tiers, also where the number of the block carries into its upper word.
func TestPhiloxTiers(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	eachTier(t, func(t *testing.T, k *Kernels[float32]) {
		for _, n := range []int{0, 1, 2, 3, 7, 300} {
			for _, group := range []uint64{0, 1, 12345, 1<<28 - 2, 1<<32 - 1, 1<<60 - 2} {
				key := PhiloxKey{r.Uint32(), r.Uint32(), r.Uint32(), r.Uint32()}
				want := make([]uint32, n*64)
				words := make([]uint32, n*64+1)
				words[n*64] = 7
				philoxGeneric(want, key, group)
				k.Philox(words[:n*64:n*64], key, group)
				require.Equal(t, want, words[:n*64], "%d groups from %d", n, group)
				require.EqualValues(t, 7, words[n*64])
			}
		}
		require.Panics(t, func() { k.Philox(make([]uint32, 63), PhiloxKey{}, 0) })
	})
}

func TestNormalTiers(t *testing.T) {
	eachTier(t, testNormal[float32])
	eachTier(t, testNormal[float64])
}

func testNormal[F Float](t *testing.T, k *Kernels[F]) {
	groups := 300
	if testing.Short() {
		groups = 20
	}
	for _, n := range []int{0, 1, 2, 5, groups} {
		w := make([]uint32, 64*n)
		k.Philox(w, PhiloxKey{K0: 1, C3: uint32(n)}, 3)
		for i := range w { // the ends of both ranges
			switch i % 37 {
			case 0:
				w[i] = 0
			case 1:
				w[i] = math.MaxUint32
			case 2:
				w[i] = 1 << 31
			case 3:
				w[i] = 1<<31 - 1
			}
		}
		size := len(w)
		if !is32[F]() {
			size /= 2
		}
		want := make([]F, size)
		normalGeneric(want, w)
		got := newGuarded[F](size, 1)
		k.Normal(got.x, w)
		sameBits(t, want, got.x, nil, "Normal of %d groups", n)
		require.True(t, got.intact())
		for _, v := range want {
			require.Less(t, math.Abs(float64(v)), 8.6)
		}
	}
	require.Panics(t, func() { k.Normal(make([]F, 1), make([]uint32, 64)) })
}

// TestNormalMoments checks the law: mean 0, variance 1, no skew, kurtosis 3, each within five standard errors.
func TestNormalMoments(t *testing.T) {
	groups := 4000
	if testing.Short() {
		groups = 200
	}
	w := make([]uint32, 64*groups)
	k := Best[float64]()
	k.Philox(w, PhiloxKey{K0: 5}, 0)
	x := make([]float64, len(w)/2)
	k.Normal(x, w)
	var m [5]float64
	for _, v := range x {
		p := 1.0
		for i := range m {
			m[i] += p / float64(len(x))
			p *= v
		}
	}
	se := 1 / math.Sqrt(float64(len(x)))
	require.InDelta(t, 0, m[1], 5*se)
	require.InDelta(t, 1, m[2], 5*se*math.Sqrt(2))
	require.InDelta(t, 0, m[3], 5*se*math.Sqrt(15))
	require.InDelta(t, 3, m[4], 5*se*math.Sqrt(96))
}
