//go:build purego || (!amd64 && !arm64)

package peak

import "pushforward/simd"

// loopOf knows no register-only loop for this processor.
func loopOf(simd.Level, int) (loop func(n int), flops float64) { return nil, 0 }
