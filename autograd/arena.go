package autograd

import "pushforward/simd"

// arena hands out pieces of slabs, in order, and takes them back all at once or down to a point.
// A piece starts on a 64-byte boundary; it is not cleared.
type arena[F simd.Float] struct {
	slabs   [][]F
	at, off int
}

const (
	grain    = 16      // pieces are multiples of this many elements
	slabSize = 1 << 14 // the first slab; the next ones double. Large enough that Go aligns it to a page
	slabMax  = 1 << 22
)

func (a *arena[F]) alloc(n int) []F {
	m := (n + grain - 1) &^ (grain - 1)
	if a.at < len(a.slabs) {
		if s := a.slabs[a.at]; a.off+m <= len(s) {
			p := s[a.off : a.off+n : a.off+m]
			a.off += m
			return p
		}
	}
	return a.next(n, m)
}

func (a *arena[F]) next(n, m int) []F {
	for a.at+1 < len(a.slabs) {
		a.at++
		a.off = 0
		if m <= len(a.slabs[a.at]) {
			a.off = m
			return a.slabs[a.at][:n:m]
		}
	}
	size := slabSize
	if k := len(a.slabs); k > 0 {
		size = min(2*len(a.slabs[k-1]), slabMax)
	}
	a.slabs = append(a.slabs, make([]F, max(size, m)))
	a.at, a.off = len(a.slabs)-1, m
	return a.slabs[a.at][:n:m]
}

// elems returns the number of elements the slabs hold.
func (a *arena[F]) elems() int {
	n := 0
	for _, s := range a.slabs {
		n += len(s)
	}
	return n
}
