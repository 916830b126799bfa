package rng

import (
	"sync"

	"pushforward/simd"
)

// chunk is how many words are drawn at a time: 4 KiB, which stays in the first-level cache. It is a whole
// number of groups; how large moves no bit.
const chunk = 16 * group

// scratch is the work space of one call. It comes from a pool, since what is handed to a kernel
// through a function value cannot live on the stack.
type scratch[F simd.Float] struct {
	w [chunk]uint32
	x [group]F
}

var (
	pool32 = sync.Pool{New: func() any { return new(scratch[float32]) }}
	pool64 = sync.Pool{New: func() any { return new(scratch[float64]) }}
)

// borrow returns work space for elements of type F and the pool it must go back to.
func borrow[F simd.Float]() (*scratch[F], *sync.Pool) {
	p := &pool64
	if is32[F]() {
		p = &pool32
	}
	return p.Get().(*scratch[F]), p
}

// is32 says whether F is float32.
func is32[F simd.Float]() bool {
	var z F
	_, yes := any(z).(float32)
	return yes
}

// Uniform fills dst with numbers in [0, 1): multiples of 2⁻²⁴ for float32, of 2⁻⁵³ for float64. dst[i]
// depends on k and i only.
func Uniform[F simd.Float](k Key, dst []F) {
	s, p := borrow[F]()
	defer p.Put(s)
	for g := uint64(0); len(dst) > 0; g += chunk / group {
		w := s.w[:]
		if is32[F]() {
			n := min(len(dst), chunk)
			w = w[:(n+group-1)/group*group]
			words(w, k, g)
			for i := range dst[:n] {
				dst[i] = F(w[i]>>8) * 0x1p-24
			}
			dst = dst[n:]
			continue
		}
		n := min(len(dst), chunk/2)
		w = w[:(n+group/2-1)/(group/2)*group]
		words(w, k, g)
		for i := range dst[:n] {
			dst[i] = F(pair(w, i)>>11) * 0x1p-53
		}
		dst = dst[n:]
	}
}

// pair returns the i-th 64-bit number of whole groups of words.
func pair(w []uint32, i int) uint64 {
	j := i/(2*lanes)*group + i/lanes%2*(2*lanes) + i%lanes
	return uint64(w[j+lanes])<<32 | uint64(w[j])
}

// Signs fills dst with ±1, each with probability one half. dst[i] depends on k and i only.
func Signs[F simd.Float](k Key, dst []F) {
	s, p := borrow[F]()
	defer p.Put(s)
	for g := uint64(0); len(dst) > 0; g += chunk / group {
		n := min(len(dst), 32*chunk)
		w := s.w[:((n+31)/32+group-1)/group*group]
		words(w, k, g)
		for i := range dst[:n] {
			dst[i] = F(1 - 2*int32(w[i>>5]>>(i&31)&1))
		}
		dst = dst[n:]
	}
}

// Perm fills dst with a permutation of 0 … len(dst)-1, each as likely as any other (Fisher and Yates;
// element i takes its partner from number i of k's stream).
func Perm(k Key, dst []int) {
	for i := range dst {
		j := k.Intn(uint64(i), i+1)
		dst[i] = dst[j]
		dst[j] = i
	}
}
