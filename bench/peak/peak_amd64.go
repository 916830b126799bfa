//go:build !purego

package peak

import "pushforward/simd"

//go:noescape
func fma32AVX2(n int)

//go:noescape
func fma64AVX2(n int)

//go:noescape
func fma32AVX512(n int)

//go:noescape
func fma64AVX512(n int)

// loopOf returns the register-only loop of a tier for elements of so many bits, and the operations of one round of it.
func loopOf(l simd.Level, bits int) (loop func(n int), flops float64) {
	switch {
	case l == simd.AVX512 && bits == 32:
		return fma32AVX512, 384
	case l == simd.AVX512:
		return fma64AVX512, 192
	case l == simd.AVX2 && bits == 32:
		return fma32AVX2, 192
	case l == simd.AVX2:
		return fma64AVX2, 96
	}
	return nil, 0
}
