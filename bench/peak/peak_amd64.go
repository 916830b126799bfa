//go:build !purego

package peak

import "pushforward/simd"

//go:noescape
func fmaAVX2(n int)

//go:noescape
func fmaAVX512(n int)

// loopOf returns the register-only loop of a tier and the float32 operations of one round of it.
func loopOf(l simd.Level) (loop func(n int), flops float64) {
	switch l {
	case simd.AVX512:
		return fmaAVX512, 384
	case simd.AVX2:
		return fmaAVX2, 192
	}
	return nil, 0
}
