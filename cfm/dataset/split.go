package dataset

import (
	"math"

	"pushforward/simd/rng"
)

// SplitByHash parts the rows of x, which has dim columns, in two: about the given fraction of the rows is
// held out. Which side a row is on depends on its own numbers and the key alone, so equal rows share a
// side, and neither the order nor the number of rows matters. Where that would leave a side empty though
// rows differ, the rows nearest to the border change sides. Both lists are in increasing order.
func SplitByHash(key rng.Key, x []float64, dim int, fraction float64) (train, held []int) {
	n := len(x) / dim
	place := make([]uint64, n) // uniform over the 64-bit numbers
	least, most := uint64(math.MaxUint64), uint64(0)
	for i := range n {
		place[i] = key.Uint64(hash(x[i*dim : (i+1)*dim]))
		least, most = min(least, place[i]), max(most, place[i])
	}
	// Row i is held out if place[i] < border.
	border := uint64(math.MaxUint64)
	if b := fraction * 0x1p64; b < 0x1p64 {
		border = uint64(max(b, 0))
	}
	if n > 0 && least < most && fraction > 0 && fraction < 1 {
		border = min(max(border, least+1), most)
	}
	for i, p := range place {
		if p < border {
			held = append(held, i)
		} else {
			train = append(train, i)
		}
	}
	return train, held
}

// hash is FNV-1a over the bits of the numbers; -0 counts as 0.
func hash(row []float64) uint64 {
	h := uint64(14695981039346656037)
	for _, v := range row {
		b := math.Float64bits(v + 0)
		for range 8 {
			h = (h ^ b&0xff) * 1099511628211
			b >>= 8
		}
	}
	return h
}
