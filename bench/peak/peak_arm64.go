//go:build !purego

package peak

import "pushforward/simd"

//go:noescape
func fmaNEON(n int)

// loopOf returns the register-only loop of a tier and the float32 operations of one round of it.
func loopOf(l simd.Level) (loop func(n int), flops float64) {
	if l == simd.NEON {
		return fmaNEON, 128
	}
	return nil, 0
}
