package rng

import (
	"math/bits"

	"pushforward/simd"
)

// lanes is the number of blocks a group holds, group the number of words in it.
const (
	lanes = 16
	group = 4 * lanes
)

// stream returns k as the kernels know it.
func (k Key) stream() simd.PhiloxKey {
	return simd.PhiloxKey{K0: uint32(k.lo), K1: uint32(k.lo >> 32), C2: uint32(k.hi), C3: uint32(k.hi >> 32)}
}

// block returns block b of k's stream.
func (k Key) block(b uint64) (w0, w1, w2, w3 uint32) { return k.stream().Block(b) }

// words fills dst with whole groups of k's stream, starting with group g:
//
//	for w := range 4 {
//		for l := range 16 {
//			dst[64*i+16*w+l] = word w of block 16*(g+i)+l
//		}
//	}
//
// len(dst) is a multiple of 64.
func words(dst []uint32, k Key, g uint64) { simd.Best[float32]().Philox(dst, k.stream(), g) }

// Uint64 returns number i of k's stream of 64-bit numbers, the one Uniform[float64] takes dst[i] from.
func (k Key) Uint64(i uint64) uint64 {
	g, p, l := i/(2*lanes), i/lanes%2, i%lanes
	w0, w1, w2, w3 := k.block(g*lanes + l)
	if p == 1 {
		w0, w1 = w2, w3
	}
	return uint64(w1)<<32 | uint64(w0)
}

// Float64 returns element i of what Uniform[float64] would draw: a multiple of 2⁻⁵³ in [0, 1).
func (k Key) Float64(i uint64) float64 { return float64(float64(k.Uint64(i)>>11) * 0x1p-53) }

// Intn returns ⌊n·u⌋ for u = Uint64(i)/2⁶⁴: a whole number from 0 to n-1. Each comes with probability
// 1/n to within 2⁻⁶⁴; nothing is rejected, so the position of every other number stays what it is. It panics if
// n ≤ 0.
func (k Key) Intn(i uint64, n int) int {
	if n <= 0 {
		panic("rng: Intn: n is not positive")
	}
	hi, _ := bits.Mul64(k.Uint64(i), uint64(n))
	return int(hi)
}
