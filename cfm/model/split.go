package model

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
)

// rowHash is a number in [0, 1) that depends on a row's values, conditions included, and on nothing
// else: equal rows have equal hashes wherever they stand, and a file shuffled is split as before.
func rowHash(row, given []float64) float64 {
	b := make([]byte, 0, 8*(len(row)+len(given)))
	for _, part := range [][]float64{row, given} {
		for _, v := range part {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v+0)) // -0 + 0 is +0
		}
	}
	sum := sha256.Sum256(b)
	return float64(binary.LittleEndian.Uint64(sum[:])>>11) / (1 << 53)
}

// Split shares rows out: held holds those whose hash is below share, train the others, both in the
// order of the rows. A side that would be empty takes the row at its end of the hashes, and those equal
// to it, if two rows differ.
func Split(rows, given [][]float64, share float64) (train, held []int) {
	if share <= 0 {
		for i := range rows {
			train = append(train, i)
		}
		return train, nil
	}
	h := make([]float64, len(rows))
	lo, hi := 1.0, 0.0
	for i, r := range rows {
		var g []float64
		if i < len(given) {
			g = given[i]
		}
		h[i] = rowHash(r, g)
		lo, hi = min(lo, h[i]), max(hi, h[i])
	}
	cut := share
	if hi < cut {
		cut = hi // the last hash trains
	}
	for i := range rows {
		if h[i] < cut || h[i] == lo && lo < hi {
			held = append(held, i)
		} else {
			train = append(train, i)
		}
	}
	return train, held
}
