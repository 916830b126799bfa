package simd

import "fmt"

// Matrix products.
//
// C = A·B is computed so that every element is one chain of fused multiply-adds,
//
//	c := start                  // +0, the element's old value, or its column's bias
//	for p := range K {          // in this order, never padded, never split into partial sums
//		c = fma(a[i,p], b[p,j], c)
//	}
//
// and the freedom that makes products fast is kept to what does not touch that chain: which
// elements are computed together, where operands lie in memory, and how often a chain is put
// down in C and taken up again. Row i of C therefore depends on row i of A alone, and all
// tiers give the same bits.
//
// The work of a tier is in its strips (see strip), micro-kernels that hold a tile of C in
// registers. They read A through two strides, so that A and Aᵀ are the same to them, and B by
// rows. The code here cuts a product into strips and copies an operand where reading it in
// place would cost more than the copy:
//
//	A·B    nothing is copied while B is small; a large B is copied panel by panel
//	Aᵀ·B   A is read in place while it is small, else transposed block by block
//	A·Bᵀ   B is transposed first
//
// Who multiplies by the same B again may keep the copy: see Pack.
//
// If C has few columns and A is transposed, Cᵀ = Bᵀ·Aᵀ is computed instead, whose rows are long.

// Gemm sets c = a·b, or c += a·b if acc is set.
//
// Every element of c is one chain of fused multiply-adds in increasing k, whatever the
// matrix sizes, the tile it falls in or the tier. So row i of the result depends on row i
// of a alone, and all tiers give the same bits.
//
// a is M×K, b is K×N and c is M×N, or Gemm panics; any of them may be transposed views. c must
// not overlap a or b. p holds the copies that Gemm makes of operands; it grows to what the
// largest product needs, after which Gemm allocates nothing.
func (k *Kernels[F]) Gemm(p *Packs[F], c, a, b Mat[F], acc bool) {
	k.checkProduct("Gemm", c, a, b)
	start := fromZero
	if acc {
		start = fromC
	}
	k.product(p, c, a, b, start, nil)
}

// GemmBias sets c = a·b + bias, the bias added to each row:
//
//	c[i,j] = bias[j], then c[i,j] = fma(a[i,p], b[p,j], c[i,j]) for p = 0, 1, …
//
// The bias is the first value of the chain, so the result has the bits of copying bias into
// each row of c and calling Gemm with acc set. len(bias) must be the columns of c. Otherwise
// as Gemm.
func (k *Kernels[F]) GemmBias(p *Packs[F], c, a, b Mat[F], bias []F) {
	k.checkProduct("GemmBias", c, a, b)
	if len(bias) != c.Cols {
		panic(fmt.Sprintf("simd: GemmBias: %d biases for the columns of %v", len(bias), c))
	}
	k.product(p, c, a, b, fromBias, bias)
}

// start says where the chains of a product begin.
type start uint8

const (
	fromZero start = iota // at +0
	fromC                 // at C's own value
	fromBias              // at the bias of the column
)

func (k *Kernels[F]) product(p *Packs[F], c, a, b Mat[F], from start, bias []F) {
	if c.Rows == 0 || c.Cols == 0 {
		return
	}
	if c.Trans && from == fromBias || a.Cols == 0 {
		c.fill(from, bias)
		from = fromC
	}
	if a.Cols == 0 {
		return
	}
	if c.Trans { // Cᵀ = Bᵀ·Aᵀ
		c, a, b = c.T(), b.T(), a.T()
	}
	if p == nil {
		p = new(Packs[F])
	}
	if k.gemm == nil {
		gemmGeneric(p, c, a, b, from, bias)
		return
	}
	k.gemm.product(p, c, a, b, from, bias)
}

// Pack copies b to dst, which has b.Rows·b.Cols elements, in the order in which products read it, and returns
// it as a matrix that may be the b of Gemm and GemmBias, of the same k, for a c that is not transposed, and may be used in no
// other way. It moves no bit of a product. It pays where more than a few rows meet the same b again: a network's weights
// between two changes.
func (k *Kernels[F]) Pack(dst []F, b Mat[F]) Mat[F] {
	b.check("Pack")
	if b.packed != nil || len(dst) != b.Rows*b.Cols {
		panic(fmt.Sprintf("simd: Pack: %d elements for %v", len(dst), b))
	}
	d := Dense(dst, b.Rows, b.Cols)
	if k.gemm == nil || b.Rows == 0 || b.Cols <= few { // few columns have kernels that read B in place
		k.Copy(d, b)
		return d
	}
	k.gemm.pack(dst, b)
	d.packed = k.gemm
	return d
}

// fill writes the first value of every chain to c.
func (a Mat[F]) fill(from start, bias []F) {
	if from == fromC {
		return
	}
	for i := range a.Rows {
		for j := range a.Cols {
			var v F
			if from == fromBias {
				v = bias[j]
			}
			if a.Trans {
				a.Data[j*a.Stride+i] = v
			} else {
				a.Data[i*a.Stride+j] = v
			}
		}
	}
}

// strides returns the distances in a.Data between an element and its neighbours in the next
// row and the next column.
func (a Mat[F]) strides() (row, col int) {
	if a.Trans {
		return 1, a.Stride
	}
	return a.Stride, 1
}

// String returns the shape: [3 4], or [3 4]ᵀ for a transposed view that is 4×3 as stored.
func (a Mat[F]) String() string {
	if a.Trans {
		return fmt.Sprintf("[%d %d]ᵀ", a.Cols, a.Rows)
	}
	return fmt.Sprintf("[%d %d]", a.Rows, a.Cols)
}

func (k *Kernels[F]) checkProduct(op string, c, a, b Mat[F]) {
	if a.packed != nil || c.packed != nil || b.packed != nil && (b.packed != k.gemm || b.Trans || c.Trans) {
		panic(fmt.Sprintf("simd: %s: a packed matrix may only be the b of a product of the tier that packed it, neither it nor c transposed", op))
	}
	if a.Cols != b.Rows {
		panic(fmt.Sprintf("simd: %s: %v·%v: inner extents %d and %d differ", op, a, b, a.Cols, b.Rows))
	}
	if c.Rows != a.Rows || c.Cols != b.Cols {
		panic(fmt.Sprintf("simd: %s: %v·%v is %d×%d, the destination %v", op, a, b, a.Rows, b.Cols, c))
	}
	c.check(op)
	a.check(op)
	if b.packed == nil {
		b.check(op)
	}
}

// check panics if a's elements are not all inside a.Data.
func (a Mat[F]) check(op string) {
	rows, cols := a.Rows, a.Cols
	if a.Trans {
		rows, cols = cols, rows
	}
	switch {
	case rows < 0 || cols < 0:
		panic(fmt.Sprintf("simd: %s: negative extent in %v", op, a))
	case rows == 0 || cols == 0:
	case rows > 1 && a.Stride < cols:
		panic(fmt.Sprintf("simd: %s: %v: stride %d is less than a row", op, a, a.Stride))
	case len(a.Data) < (rows-1)*a.Stride+cols:
		panic(fmt.Sprintf("simd: %s: %v with stride %d needs %d elements, has %d",
			op, a, a.Stride, (rows-1)*a.Stride+cols, len(a.Data)))
	}
}

// grow returns a slice of n elements, *s if it is long enough.
func grow[F Float](s *[]F, n int) []F {
	if cap(*s) < n {
		*s = make([]F, n)
	}
	return (*s)[:n]
}
