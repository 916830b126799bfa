package rng

import (
	"math"

	"pushforward/simd"
)

// Normal fills dst with standard normal numbers. dst[i] depends on k and i only.
//
// They come in twos by the transform of Box and Muller (1958), a fixed amount of randomness each, which
// methods that reject cannot offer:
//
//	r = √(-2·log u),  z = r·cos θ,  z' = r·sin θ,   u uniform in (0, 1], θ in [-π, π)
//
// In float32, words 0 and 1 of a block give elements 64g+l and 64g+16+l, words 2 and 3 the elements 32 further
// on. u = (w≫1)·2⁻³¹ + 2⁻³² keeps 31 bits near 0, so that the tail reaches 6.66 (24 bits would end it at
// 5.77); θ = π·2⁻²³·(w≫8, signed), which is exact but for one rounding. In float64, the two numbers of a
// block give elements 32g+l and 32g+16+l, with 52 bits each: u = 2 - m and θ = 2π·(m - 3/2), where m in [1, 2)
// has the number's upper bits for a mantissa; the tail reaches 8.49. Logarithm, root, sine and cosine are
// simd's, whose bits do not depend on the machine.
func Normal[F simd.Float](k Key, dst []F) {
	s, p := borrow[F]()
	defer p.Put(s)
	kern := simd.Best[F]()
	per := group // elements a group gives
	if !is32[F]() {
		per = group / 2
	}
	for g := uint64(0); len(dst) > 0; g += chunk / group {
		n := min(len(dst), chunk/group*per)
		groups := (n + per - 1) / per
		words(s.w[:groups*group], k, g)
		half := groups * per / 2
		r, c, sn := s.r[:half], s.c[:half], s.s[:half]
		polar(r, c, s.w[:groups*group])
		kern.Log(r, r)
		kern.Scale(r, -2, r)
		kern.Sqrt(r, r)
		kern.Sin(sn, c)
		kern.Cos(c, c)
		kern.Mul(sn, sn, r)
		kern.Mul(c, c, r)
		// Runs of 16 cosines and 16 sines alternate.
		for i := 0; i < half; i += lanes {
			put(dst[:n], 2*i, c[i:i+lanes])
			put(dst[:n], 2*i+lanes, sn[i:i+lanes])
		}
		dst = dst[n:]
	}
}

// put copies x to dst[at:], as far as dst goes.
func put[F simd.Float](dst []F, at int, x []F) {
	if at < len(dst) {
		copy(dst[at:], x)
	}
}

// polar turns whole groups of words into u (in r) and θ (in a), 16 at a time.
func polar[F simd.Float](r, a []F, w []uint32) {
	if is32[F]() {
		for i := range r {
			j := i/lanes*(2*lanes) + i%lanes
			r[i] = F(F(int32(w[j]>>1))*0x1p-31) + 0x1p-32
			a[i] = F(int32(w[j+lanes])>>8) * (math.Pi * 0x1p-23)
		}
		return
	}
	for i := range r {
		j := i/lanes*group + i%lanes
		r[i] = F(2 - unit(w[j], w[j+lanes]))
		a[i] = F((unit(w[j+2*lanes], w[j+3*lanes]) - 1.5) * (2 * math.Pi))
	}
}

// unit returns the float64 in [1, 2) whose mantissa is the upper 52 bits of hi:lo.
func unit(lo, hi uint32) float64 {
	return math.Float64frombits(0x3FF<<52 | uint64(hi)<<20 | uint64(lo)>>12)
}
