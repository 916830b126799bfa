package nn

import (
	"fmt"

	"pushforward/autograd"
	"pushforward/simd"
	"pushforward/simd/rng"
)

// Dropout sets each entry of x to zero with probability p and divides the others by 1 - p, so
// that the mean is kept (Srivastava et al. 2014). Which ones is a function of position: entry
// j of row i is decided by number j of the stream key.Fold(rows[i]). So a row loses the same
// entries in whatever batch or shard it comes; rows are row numbers within the training batch
// and key is that of the step and the layer. Outside training, leave the call out.
//
// It panics unless 0 ≤ p < 1 and there is one row number for each row of x.
func Dropout[F simd.Float](x autograd.Var[F], p float64, key rng.Key, rows []int) autograd.Var[F] {
	if !(p >= 0 && p < 1) {
		panic(fmt.Sprintf("nn: Dropout: p = %v, want 0 ≤ p < 1", p))
	}
	s := x.Shape()
	if s.Rank() == 0 || s.Dim(0) != len(rows) {
		panic(fmt.Sprintf("nn: Dropout: %d row numbers for x %v", len(rows), s))
	}
	if p == 0 || s.Len() == 0 {
		return x
	}
	mask := x.Tape().Alloc(s)
	m := mask.Value().Data
	width := len(m) / len(rows)
	keep := F(1 / (1 - p))
	for i, row := range rows {
		r := m[i*width : (i+1)*width]
		rng.Uniform(key.Fold(uint64(row)), r)
		for j, u := range r {
			r[j] = keep
			if float64(u) < p {
				r[j] = 0
			}
		}
	}
	return x.Mul(mask)
}
