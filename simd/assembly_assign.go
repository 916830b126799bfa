//go:build (amd64 || arm64) && !purego

package simd

import "math"

// assignStubs are the kernels of transport problems. n is a positive multiple of 8; for sqDist, whose dst has 32
// elements, it is the length of x and only positive.
type assignStubs struct {
	leastTwo func(x, y *float64, n int) (at int, least, second float64)
	relax    func(key, x, y, pred *float64, base, id float64, n int) (at int, least float64)
	sqDist   func(dst, x, y *float64, n int)
}

// assignChunk is how many elements a stub may see: some 10 µs.
const assignChunk = 1 << 14

func (s *assignStubs) into(k *Kernels[float64]) {
	k.LeastTwo, k.Relax, k.SqDist = s.kernelLeastTwo, s.kernelRelax, s.kernelSqDist
}

func (s *assignStubs) kernelLeastTwo(x, y []float64) (at int, least, second float64) {
	if len(x) != len(y) {
		equal("LeastTwo", len(x), len(y))
	}
	least, second = math.Inf(1), math.Inf(1)
	n := len(x) &^ 7
	for i := 0; more(i, n); i += assignChunk {
		j, h1, h2 := s.leastTwo(&x[i], &y[i], min(assignChunk, n-i))
		if h1 < least {
			at, least, second = i+j, h1, min(least, h2)
		} else {
			second = min(second, h1)
		}
	}
	for i := n; i < len(x); i++ {
		h := x[i] - y[i]
		if h < least {
			least, second, at = h, least, i
		} else if h < second {
			second = h
		}
	}
	return at, least + 0, second + 0
}

func (s *assignStubs) kernelRelax(key, x, y, pred []float64, base, id float64) (at int) {
	if len(key) != len(x) || len(key) != len(y) || len(key) != len(pred) {
		equal("Relax", len(key), len(x), len(y), len(pred))
	}
	least := math.Inf(1)
	n := len(x) &^ 7
	for i := 0; more(i, n); i += assignChunk {
		if j, h := s.relax(&key[i], &x[i], &y[i], &pred[i], base, id, min(assignChunk, n-i)); h < least {
			at, least = i+j, h
		}
	}
	for i := n; i < len(x); i++ {
		h, k := x[i]-y[i]-base, key[i]
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

func (s *assignStubs) kernelSqDist(dst, x, y []float64) {
	if len(dst) != lanes || len(y) != lanes*len(x) {
		sqDistGeneric(dst, x, y)
		return
	}
	for i := 0; more(i, len(x)); i += assignChunk / lanes {
		s.sqDist(&dst[0], &x[i], &y[i*lanes], min(assignChunk/lanes, len(x)-i))
	}
}
