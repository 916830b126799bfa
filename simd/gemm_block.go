package simd

import (
	"math"
	"unsafe"
)

// strip is a micro-kernel. It computes `tiles` tiles of C below one another, each `rows` high
// and `cols` wide, and holds one at a time in registers:
//
//	for i := range tiles * rows {
//		for j := range cols {
//			v := init[i·ldi+j]
//			for p := range k {
//				v = fma(a[i·ars+p·aks], b[p·ldb+j], v)
//			}
//			c[i·ldc+j] = v
//		}
//	}
//
// init is C itself, a bias (ldi = 0) or zeros (ldi = 0), so there is one way to begin a chain.
// k, rows and tiles are at least 1. cols is read by edge strips only; the others are as wide as
// their block says.
type strip[F Float] func(c, a, b, init *F, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)

// packing is a strip of one tile, 11 to 14 rows high, that also copies the rows of b it reads to `to`, next to each other.
type packing[F Float] func(c, a, b, init *F, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int, to *F)

// block is a strip and the largest tile it can do. Any fewer rows will do as well. pack is nil or makes the copy of b in passing.
type block[F Float] struct {
	run        strip[F]
	rows, cols int
	pack       packing[F]
}

// gemmTier is what a tier brings to the matrix products.
type gemmTier[F Float] struct {
	// choose returns the block to use next in a product of m rows of which n columns are left.
	choose func(m, n int) *block[F]
	// copy copies a panel: it sets dst[i·ldd+j] = src[i·lds+j] for i < rows, j < cols.
	copy func(dst, src []F, ldd, lds, rows, cols int)
	// transpose sets dst[j·ldd+i] = src[i·lds+j] for i < rows, j < cols.
	transpose func(dst, src []F, ldd, lds, rows, cols int)
	// narrow does narrowRows rows and 1 to 4 columns a tile, or is nil. k is a multiple of 4, A's columns are
	// adjacent, and aks is the distance of B's columns.
	narrow     strip[F]
	narrowRows int
	// inPlace is the most rows and columns of an operand that is always read where it lies.
	inPlace int
	// manyRows is from how many rows of C on copying B pays even where its rows do not alias.
	manyRows int
	// zero is as long as the widest block.
	zero []F
}

// Sizes in bytes or elements, found by measurement; none of them moves a bit.
const (
	callBytes   = 4 << 20 // size of an element × multiply-adds of one call: at most some 50 µs
	narrowBytes = 1 << 19 // the part of A that one call of narrow reads, a power of two
	cacheBytes  = 4 << 20 // the block of A that is gone through for one panel of B after another
	longestK    = 1024    // rows of B, and columns of A, at a time
	fewRows     = 32      // with at most so many rows of C copying B costs more than it saves
	fewA        = 64      // the same for an A of so many rows, and an Aᵀ for so many columns of C
	few         = 4       // columns of C that are too few to fill a vector
	alias       = 2048    // rows a multiple of so many bytes apart fall on the same few cache lines
	aliasA      = 4096    // the same for the few rows of a tile of A
	aliasCols   = 256     // copying an A of such rows pays from so many columns of C on
)

// product computes c from a and b. c is not transposed.
//
// A is cut in blocks of mc×kc, each of which meets one panel of B after another, kc rows of a strip's width. The panel stays
// in the second-level cache meanwhile; the block comes from the third, in order, and strips ask for it ahead. (Blocks that
// stay in the second, for which panels then come from the third unasked, were some 5 % slower or more at 1024³ and
// 2048³ in float64.) A panel that is copied is copied just before its use, or in passing by its first tile, and kept if there is another
// block of A to come.
func (t *gemmTier[F]) product(p *Packs[F], c, a, b Mat[F], from start, bias []F) {
	m, n, k := c.Rows, c.Cols, a.Cols
	packed, rows := b.packed != nil, m
	if packed {
		rows = math.MaxInt // as pack had it
	}
	switch {
	case n <= few && a.Trans && m > n:
		t.flipped(p, c, a, b, from, bias)
		return
	case n <= few && t.narrow != nil && !a.Trans && m >= t.narrowRows && k >= 4:
		t.columns(p, c, a, b, from, bias)
		return
	}
	size := int(unsafe.Sizeof(c.Data[0]))
	copyB := !packed && (b.Trans || m > fewRows && (k > t.inPlace || n > t.inPlace) && (m > t.manyRows || b.Stride*size%alias == 0))
	period := aliasA
	if a.Trans { // a tile has as many rows as k is long
		period = alias
	}
	copyA := m > fewA && (a.Trans && n > fewA && a.Stride > t.inPlace || n >= aliasCols && a.Stride*size%period == 0)
	kc := even(k, longestK)
	mc := even(m, max(fewA, cacheBytes/size/kc))
	keep := mc < m
	for p0 := 0; p0 < k; p0 += kc {
		kc := min(kc, k-p0)
		if p0 > 0 {
			from = fromC
		}
		for i0 := 0; i0 < m; i0 += mc {
			mc := min(mc, m-i0)
			s := panel[F]{m: mc, k: kc, ldc: c.Stride}
			s.a, s.ars, s.aks = a.block(i0, p0)
			if copyA {
				s.ars, s.aks = kc+padding, 1
				s.a = grow(&p.a, mc*s.ars)
				t.copyBlock(s.a, a, i0, p0, s.ars, mc, kc)
			}
			for j := 0; j < n; j += s.cols {
				s.block = t.choose(rows, n-j)
				s.cols = min(s.block.cols, n-j)
				s.to = nil
				switch {
				case packed:
					s.b, s.ldb = b.Data[k*j+p0*s.cols:], s.cols
				case copyB && keep:
					s.b, s.ldb = grow(&p.b, kc*n)[kc*j:], s.cols
				case copyB:
					s.b, s.ldb = grow(&p.b, kc*s.cols), s.cols
				default:
					s.b, s.ldb, _ = b.block(p0, j)
				}
				if copyB && (i0 == 0 || !keep) {
					if s.pack != nil && !b.Trans {
						s.to = s.b
						s.b, s.ldb, _ = b.block(p0, j)
					} else {
						t.copyBlock(s.b, b, p0, j, s.cols, kc, s.cols)
					}
				}
				s.c = c.Data[i0*c.Stride+j:]
				s.init, s.ldi = t.first(c, i0, j, from, bias)
				s.product()
			}
		}
	}
}

// pack copies b panel by panel, as product reads a packed one: the panel that begins at column j is at
// dst[b.Rows·j], in rows of its own width.
func (t *gemmTier[F]) pack(dst []F, b Mat[F]) {
	for j, cols := 0, 0; j < b.Cols; j += cols {
		cols = min(t.choose(math.MaxInt, b.Cols-j).cols, b.Cols-j)
		for i := 0; more(i, b.Rows); i += longestK {
			t.copyBlock(dst[b.Rows*j+i*cols:], b, i, j, cols, min(longestK, b.Rows-i), cols)
		}
	}
}

// padding is what is added to the rows of a copied A lest they fall on the same cache lines.
const padding = 16

// even returns the size of the pieces when n is cut in as few as possible of at most max, and
// they are to be nearly equal.
func even(n, max int) int {
	pieces := (n + max - 1) / max
	return (n + pieces - 1) / pieces
}

// block returns the elements of a from row i and column j on, and their strides.
func (a Mat[F]) block(i, j int) (data []F, row, col int) {
	row, col = a.strides()
	return a.Data[i*row+j*col:], row, col
}

// copyBlock copies rows×cols elements of a, from row i and column j on, to dst, whose rows are ldd
// apart.
func (t *gemmTier[F]) copyBlock(dst []F, a Mat[F], i, j, ldd, rows, cols int) {
	src, _, _ := a.block(i, j)
	switch {
	case a.Trans:
		t.transpose(dst, src, ldd, a.Stride, cols, rows)
	case cols <= len(t.zero): // a panel
		t.copy(dst, src, ldd, a.Stride, rows, cols)
	default:
		copyGeneric(dst, src, ldd, a.Stride, rows, cols)
	}
}

// columns computes a c of few columns by t.narrow, and the rows and the end of the chains that it
// cannot do as products of their own.
func (t *gemmTier[F]) columns(p *Packs[F], c, a, b Mat[F], from start, bias []F) {
	rows := t.narrowRows
	m, k := c.Rows-c.Rows%rows, a.Cols&^3
	brs, bcs := b.strides()
	elements := narrowBytes / int(unsafe.Sizeof(c.Data[0])) // of A in one call
	kc := min(k, elements/rows)
	most := elements / (rows * kc)
	start := from
	for p0 := 0; more(p0, k); p0 += kc {
		kc := min(kc, k-p0)
		for i := 0; more(i, m); i += rows * most {
			init, ldi := t.first(c, i, 0, start, bias)
			t.narrow(&c.Data[i*c.Stride], &a.Data[i*a.Stride+p0], &b.Data[p0*brs], &init[0],
				c.Stride, a.Stride, bcs, brs, ldi, kc, rows, min(most, (m-i)/rows), c.Cols)
		}
		start = fromC
	}
	if k < a.Cols {
		t.product(p, c.rows(0, m), a.rows(0, m).T().rows(k, a.Cols).T(), b.rows(k, a.Cols), fromC, nil)
	}
	if m < c.Rows {
		t.product(p, c.rows(m, c.Rows), a.rows(m, c.Rows), b, from, bias)
	}
}

// first returns the initial values of the chains of c from row i and column j on, and the distance
// of their rows.
func (t *gemmTier[F]) first(c Mat[F], i, j int, from start, bias []F) (init []F, ldi int) {
	switch from {
	case fromC:
		return c.Data[i*c.Stride+j:], c.Stride
	case fromBias:
		return bias[j:], 0
	}
	return t.zero, 0
}

// rows returns rows i to j of a.
func (a Mat[F]) rows(i, j int) Mat[F] {
	a.Data, _, _ = a.block(i, 0)
	a.Rows = j - i
	return a
}

// flipped computes cᵀ = bᵀ·aᵀ in a buffer and c from it.
func (t *gemmTier[F]) flipped(p *Packs[F], c, a, b Mat[F], from start, bias []F) {
	m, n := c.Rows, c.Cols
	ct := Dense(grow(&p.c, m*n), n, m)
	switch from {
	case fromC:
		t.transpose(ct.Data, c.Data, m, c.Stride, m, n)
	case fromBias:
		ct.T().fill(from, bias)
		from = fromC
	}
	t.product(p, ct, b.T(), a.T(), from, nil)
	t.transpose(c.Data, ct.Data, c.Stride, m, n, m)
}

// panel is a product whose columns are those of one block.
type panel[F Float] struct {
	*block[F]
	m, k, cols int

	c    []F
	ldc  int
	a    []F
	ars  int
	aks  int
	b    []F
	ldb  int
	to   []F // where the first tile copies b to, or nil; rows are more than fewRows
	init []F
	ldi  int
}

// product cuts the rows in tiles that differ by at most one row, and the tiles in calls that are
// short enough: assembly cannot be preempted.
func (s *panel[F]) product() {
	tiles := (s.m + s.block.rows - 1) / s.block.rows
	rows := (s.m + tiles - 1) / tiles
	high := s.m - tiles*(rows-1) // tiles of so many rows; the others have one less
	most := max(1, callBytes/int(unsafe.Sizeof(s.c[0]))/(rows*s.cols*s.k))
	i := 0
	if s.to != nil { // more than fewRows rows are at least three tiles of 11 rows or more
		s.pack(&s.c[0], &s.a[0], &s.b[0], &s.init[0], s.ldc, s.ars, s.aks, s.ldb, s.ldi, s.k, rows, 1, s.cols, &s.to[0])
		s.b, s.ldb = s.to, s.cols
		i, high, tiles = rows, high-1, tiles-1
	}
	for more(i, s.m) {
		if high == 0 {
			rows, high = rows-1, tiles
		}
		n := min(high, most)
		s.run(&s.c[i*s.ldc], &s.a[i*s.ars], &s.b[0], &s.init[i*s.ldi],
			s.ldc, s.ars, s.aks, s.ldb, s.ldi, s.k, rows, n, s.cols)
		i, high, tiles = i+n*rows, high-n, tiles-n
	}
}
