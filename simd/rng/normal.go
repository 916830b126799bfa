package rng

import "pushforward/simd"

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
	normal(k, 0, dst, s)
}

// NormalAt fills dst with the elements from at on of the sequence that Normal draws:
//
//	x := make([]F, at+len(dst))
//	Normal(k, x)
//	copy(dst, x[at:])
func NormalAt[F simd.Float](k Key, at uint64, dst []F) {
	s, p := borrow[F]()
	defer p.Put(s)
	per := uint64(perGroup[F]())
	g, skip := at/per, int(at%per)
	if skip > 0 { // what dst takes of the group that at lies in
		w := s.w[:group]
		words(w, k, g)
		simd.Best[F]().Normal(s.x[:per], w)
		n := copy(dst, s.x[skip:per])
		dst = dst[n:]
		g++
	}
	normal(k, g, dst, s)
}

// perGroup is how many elements a group of words gives.
func perGroup[F simd.Float]() int {
	if is32[F]() {
		return group
	}
	return group / 2
}

// normal fills dst with normal numbers from group g on.
func normal[F simd.Float](k Key, g uint64, dst []F, s *scratch[F]) {
	kern, per := simd.Best[F](), perGroup[F]()
	for len(dst) > 0 {
		groups := min(len(dst)/per, chunk/group)
		if groups == 0 { // less than a group is left
			w := s.w[:group]
			words(w, k, g)
			kern.Normal(s.x[:per], w)
			copy(dst, s.x[:per])
			return
		}
		w := s.w[:groups*group]
		words(w, k, g)
		kern.Normal(dst[:groups*per], w)
		dst, g = dst[groups*per:], g+uint64(groups)
	}
}
