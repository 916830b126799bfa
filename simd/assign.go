package simd

import "math"

// The kernels of transport problems: Kernels.LeastTwo, Relax and SqDist. The tiers have them in assembly for
// float64; in float32 they are plain Go everywhere.

func leastTwoGeneric[F Float](x, y []F) (at int, least, second F) {
	equal("LeastTwo", len(x), len(y))
	least, second = F(math.Inf(1)), F(math.Inf(1))
	for i, v := range x {
		h := v - y[i]
		switch {
		case h < least:
			least, second, at = h, least, i
		case h < second:
			second = h
		}
	}
	return at, least + 0, second + 0
}

func relaxGeneric[F Float](key, x, y, pred []F, base, id F) (at int) {
	equal("Relax", len(key), len(x), len(y), len(pred))
	least := F(math.Inf(1))
	for i, v := range x {
		h := v - y[i] - base
		k := key[i]
		if h < k {
			key[i], pred[i] = h, id
			k = h
		}
		if k < least {
			least, at = k, i
		}
	}
	return at
}

func sqDistGeneric[F Float](dst, x, y []F) {
	if len(x)*len(dst) != len(y) {
		equal("SqDist: len(x)·len(dst) and y", len(x)*len(dst), len(y))
	}
	for k, v := range x {
		for j, w := range y[k*len(dst):][:len(dst)] {
			d := v - w
			dst[j] = FMA(d, d, dst[j])
		}
	}
}
