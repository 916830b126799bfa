//go:build !purego

package peak

import "pushforward/simd"

//go:noescape
func fma32NEON(n int)

//go:noescape
func fma64NEON(n int)

// loopOf returns the register-only loop of a tier for elements of so many bits, and the operations of one round of it.
func loopOf(l simd.Level, bits int) (loop func(n int), flops float64) {
	switch {
	case l == simd.NEON && bits == 32:
		return fma32NEON, 128
	case l == simd.NEON:
		return fma64NEON, 64
	}
	return nil, 0
}
