package bench

import "time"

// Peak is the float32 speed in GFLOP/s that one thread reaches on registers alone, with fused multiply-adds
// of the tier in use: the best of some 20 loops of about a millisecond each. It is 0 where no such loop is
// written. A product of float64 can have half of it.
func Peak() float64 {
	const n = 1 << 14 // about 30 µs: a core is not held longer without a place to stop
	loop, flops := fma()
	if loop == nil {
		return 0
	}
	best := 0.0
	for range 20 {
		start := time.Now()
		for range 30 {
			loop(n)
		}
		best = max(best, 30*n*flops/time.Since(start).Seconds()/1e9)
	}
	return best
}
