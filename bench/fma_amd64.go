package bench

import "pushforward/simd"

//go:noescape
func fmaAVX2(n int)

//go:noescape
func fmaAVX512(n int)

// fma returns the register-only loop of the tier in use and the float32 operations of one round of it.
func fma() (loop func(n int), flops float64) {
	switch simd.Best[float32]().Level {
	case simd.AVX512:
		return fmaAVX512, 320
	case simd.AVX2:
		return fmaAVX2, 160
	}
	return nil, 0
}
