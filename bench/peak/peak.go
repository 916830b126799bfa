// Package peak measures what the multiply-add units of a core reach on registers alone: the speed that
// no matrix product can exceed, and the yardstick of those that are measured.
package peak

import (
	"time"
	"unsafe"

	"pushforward/simd"
)

// GFLOPS returns the speed that one thread reaches with fused multiply-adds of tier l on registers alone, in 10⁹
// operations a second, a multiply-add counted as two: the best of loops of up to a millisecond each, in about
// the time given. It is 0 where no such loop is written, as for simd.Generic.
//
// The CPU must have the tier (simd.Levels).
func GFLOPS[F simd.Float](l simd.Level, enough time.Duration) float64 {
	const n = 1 << 14 // rounds, about 25 µs: a core is not held longer without a place to stop
	loop, flops := loopOf(l, int(8*unsafe.Sizeof(F(0))))
	if loop == nil {
		return 0
	}
	best := 0.0
	for begin, i := time.Now(), 0; i < 4 || time.Since(begin) < enough; i++ {
		runs := 1 << min(i, 5)
		start := time.Now()
		for range runs {
			loop(n)
		}
		best = max(best, float64(runs)*n*flops/time.Since(start).Seconds()/1e9)
	}
	return best
}
