package rng

import "math/bits"

// The constants of Philox4x32: the two multipliers and the two Weyl increments of the key.
const (
	mul0  = 0xD2511F53
	mul1  = 0xCD9E8D57
	weyl0 = 0x9E3779B9
	weyl1 = 0xBB67AE85
)

// lanes is the number of blocks a group holds, group the number of words in it.
const (
	lanes = 16
	group = 4 * lanes
)

// philox is the ten rounds of Philox4x32 on counter c0 … c3 under the key k1:k0.
func philox(c0, c1, c2, c3, k0, k1 uint32) (uint32, uint32, uint32, uint32) {
	for range 10 {
		p0 := uint64(mul0) * uint64(c0)
		p1 := uint64(mul1) * uint64(c2)
		c0, c1, c2, c3 = uint32(p1>>32)^c1^k0, uint32(p1), uint32(p0>>32)^c3^k1, uint32(p0)
		k0 += weyl0
		k1 += weyl1
	}
	return c0, c1, c2, c3
}

// block returns block b of k's stream.
func (k Key) block(b uint64) (w0, w1, w2, w3 uint32) {
	return philox(uint32(b), uint32(b>>32), uint32(k.hi), uint32(k.hi>>32), uint32(k.lo), uint32(k.lo>>32))
}

// words fills dst with whole groups of k's stream, starting with group g:
//
//	for w := range 4 {
//		for l := range 16 {
//			dst[64*i+16*w+l] = word w of block 16*(g+i)+l
//		}
//	}
//
// len(dst) is a multiple of 64. It is the only loop over blocks there is, so a vector version of
// it is all that a faster tier needs.
func words(dst []uint32, k Key, g uint64) {
	for ; len(dst) >= group; dst, g = dst[group:], g+1 {
		d := (*[group]uint32)(dst)
		b := g * lanes
		for l := range uint64(lanes) {
			d[l], d[lanes+l], d[2*lanes+l], d[3*lanes+l] = k.block(b + l)
		}
	}
}

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
