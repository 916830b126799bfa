package simd

import "fmt"

// transposeGeneric sets dst[j·ldd+i] = src[i·lds+j] for i < rows, j < cols.
func transposeGeneric[F Float](dst, src []F, ldd, lds, rows, cols int) {
	for i := range rows {
		for j, v := range src[i*lds:][:cols] {
			dst[j*ldd+i] = v
		}
	}
}

// copyGeneric sets dst[i·ldd+j] = src[i·lds+j] for i < rows, j < cols.
func copyGeneric[F Float](dst, src []F, ldd, lds, rows, cols int) {
	for i := range rows {
		copy(dst[i*ldd:][:cols], src[i*lds:][:cols])
	}
}

// transposeBlocks is transposeGeneric with size×size blocks done by run, which transposes size
// rows of several blocks side by side.
func transposeBlocks[F Float](run func(dst, src *F, ldd, lds, blocks int), size int, dst, src []F, ldd, lds, rows, cols int) {
	r, c := rows-rows%size, cols-cols%size
	if c > 0 {
		for i := 0; i < r; i += size {
			run(&dst[i], &src[i*lds], ldd, lds, c/size)
		}
	}
	if c < cols && r > 0 {
		transposeGeneric(dst[c*ldd:], src[c:], ldd, lds, r, cols-c)
	}
	if r < rows {
		transposeGeneric(dst[r:], src[r*lds:], ldd, lds, rows-r, cols)
	}
}

// transposeDense is Kernels.Transpose.
func (t *gemmTier[F]) transposeDense(dst, src []F, rows, cols int) {
	if len(dst) != rows*cols || len(src) != rows*cols {
		panic(fmt.Sprintf("simd: Transpose: %d and %d elements for [%d %d]", len(dst), len(src), rows, cols))
	}
	if rows > 0 && cols > 0 {
		t.transpose(dst, src, rows, cols, rows, cols)
	}
}
