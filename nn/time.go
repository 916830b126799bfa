package nn

import (
	"math"

	"pushforward/autograd"
	"pushforward/simd"
)

// TimeFeatures returns what a network is told about the time t ∈ [0, 1], one row each, and
// behind it any further columns, such as a condition:
//
//	[t, cos πt, …, cos nπt, sin πt, …, sin nπt, more…]
//
// t is [B, 1]; the result has 1 + 2n columns and those of more. The slowest wave turns by π over
// the whole range and the fastest by nπ. The embedding of transformers, whose periods go up to
// 10000, is made for positions 0, 1, 2, …: on [0, 1] half of its 64 waves turn by less than a
// hundredth of a radian, and say nothing.
func TimeFeatures[F simd.Float](t autograd.Var[F], n int, more ...autograd.Var[F]) autograd.Var[F] {
	var buf [8]autograd.Var[F]
	parts := append(buf[:0], t)
	if n > 0 {
		freq := t.Tape().Alloc(autograd.Dims(1, n))
		for k, f := 0, freq.Value().Data; k < n; k++ {
			f[k] = F(math.Pi * float64(k+1))
		}
		angle := t.Mul(freq)
		parts = append(parts, angle.Cos(), angle.Sin())
	}
	parts = append(parts, more...)
	if len(parts) == 1 {
		return t
	}
	return autograd.Concat(1, parts...)
}
