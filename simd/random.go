package simd

import (
	"fmt"
	"math"
)

// PhiloxKey is a stream of Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011):
// K0, K1 are the key, C2, C3 the upper words of the counter, whose lower words number the block.
type PhiloxKey struct{ K0, K1, C2, C3 uint32 }

// The constants of Philox4x32: the two multipliers and the two Weyl increments of the key.
const (
	philoxMul0  = 0xD2511F53
	philoxMul1  = 0xCD9E8D57
	philoxWeyl0 = 0x9E3779B9
	philoxWeyl1 = 0xBB67AE85
)

// Block returns block b of the stream.
func (k PhiloxKey) Block(b uint64) (c0, c1, c2, c3 uint32) {
	c0, c1, c2, c3 = uint32(b), uint32(b>>32), k.C2, k.C3
	k0, k1 := k.K0, k.K1
	for range 10 {
		p0 := uint64(philoxMul0) * uint64(c0)
		p1 := uint64(philoxMul1) * uint64(c2)
		c0, c1, c2, c3 = uint32(p1>>32)^c1^k0, uint32(p1), uint32(p0>>32)^c3^k1, uint32(p0)
		k0 += philoxWeyl0
		k1 += philoxWeyl1
	}
	return c0, c1, c2, c3
}

// Sixteen blocks make a group of Philox, word by word.
const (
	philoxBlocks = 16
	philoxGroup  = 4 * philoxBlocks
)

func philoxGeneric(dst []uint32, k PhiloxKey, group uint64) {
	checkGroups("Philox", len(dst))
	for ; len(dst) > 0; dst, group = dst[philoxGroup:], group+1 {
		d := (*[philoxGroup]uint32)(dst)
		for l := range philoxBlocks {
			d[l], d[16+l], d[32+l], d[48+l] = k.Block(group*philoxBlocks + uint64(l))
		}
	}
}

func checkGroups(what string, words int) {
	if words%philoxGroup != 0 {
		panic(fmt.Sprintf("simd: %s: %d words are not whole groups of %d", what, words, philoxGroup))
	}
}

func checkNormal[F Float](dst []F, w []uint32) {
	checkGroups("Normal", len(w))
	n := len(w)
	if !is32[F]() {
		n /= 2
	}
	equal("Normal", n, len(dst))
}

func normalGeneric[F Float](dst []F, w []uint32) {
	checkNormal(dst, w)
	f := newFunctions[F]()
	for i := 0; i < len(dst); i += 32 {
		for l := range 16 {
			var u, a F
			if is32[F]() {
				p := w[i+l:]
				u = F(F(int32(p[0]>>1))*f.k[kUnit31]) + f.k[kUnit32]
				a = F(F(int32(p[16])>>8) * f.k[kTurn])
			} else {
				p := w[2*i+l:]
				u = 2 - unit[F](p[0], p[16])
				a = F((unit[F](p[32], p[48]) - 1.5) * f.k[kTurn])
			}
			r := f.sqrt(F(f.log(u) * -2))
			dst[i+l] = F(f.cos(a) * r)
			dst[i+16+l] = F(f.sin(a) * r)
		}
	}
}

// unit returns the float64 in [1, 2) whose fraction is the upper 52 bits of hi:lo.
func unit[F Float](lo, hi uint32) F {
	return F(math.Float64frombits(0x3FF<<52 | uint64(hi)<<20 | uint64(lo)>>12))
}
