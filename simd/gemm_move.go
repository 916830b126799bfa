package simd

import (
	"fmt"
	"unsafe"
)

// Copy sets dst[i,j] = src[i,j]. The shapes are equal or Copy panics; either may be transposed, so
// k.Copy(d, s.T()) transposes. dst must not overlap src.
func (k *Kernels[F]) Copy(dst, src Mat[F]) {
	if dst.Rows != src.Rows || dst.Cols != src.Cols {
		panic(fmt.Sprintf("simd: Copy: destination %v, source %v", dst, src))
	}
	dst.check("Copy")
	src.check("Copy")
	if dst.Trans {
		dst, src = dst.T(), src.T()
	}
	rows, cols := dst.Rows, dst.Cols
	switch {
	case rows == 0 || cols == 0:
	case k.gemm == nil && src.Trans:
		transposeGeneric(dst.Data, src.Data, dst.Stride, src.Stride, cols, rows)
	case src.Trans:
		k.gemm.transpose(dst.Data, src.Data, dst.Stride, src.Stride, cols, rows)
	default:
		copyGeneric(dst.Data, src.Data, dst.Stride, src.Stride, rows, cols)
	}
}

// Stride returns the distance that the rows of a matrix of cols columns should have if Gemm is to read
// it often as b: cols, or somewhat more where rows would fall on the same few lines of the cache.
func Stride[F Float](cols int) int {
	if cols*int(unsafe.Sizeof(*new(F)))%alias == 0 {
		return cols + padding
	}
	return cols
}

// transposeGeneric sets dst[j·ldd+i] = src[i·lds+j] for i < rows, j < cols.
func transposeGeneric[F Float](dst, src []F, ldd, lds, rows, cols int) {
	if cols < rows { // the longer loop inside
		for j := range cols {
			d := dst[j*ldd:][:rows]
			for i := range d {
				d[i] = src[i*lds+j]
			}
		}
		return
	}
	for i := range rows {
		for j, v := range src[i*lds:][:cols] {
			dst[j*ldd+i] = v
		}
	}
}

// copyGeneric sets dst[i·ldd+j] = src[i·lds+j] for i < rows, j < cols. What copies a row is assembly too: many of them
// in a row hold up the garbage collector for milliseconds.
func copyGeneric[F Float](dst, src []F, ldd, lds, rows, cols int) {
	every := 1 + 1<<14/(cols+1) // rows between two places to stop
	for i0 := 0; more(i0, rows); i0 += every {
		for i := i0; i < min(i0+every, rows); i++ {
			copy(dst[i*ldd:][:cols], src[i*lds:][:cols])
		}
	}
}

// transposeBlocks is transposeGeneric with size×size blocks done by run, which transposes size
// rows of several blocks side by side.
func transposeBlocks[F Float](run func(dst, src *F, ldd, lds, blocks int), size int, dst, src []F, ldd, lds, rows, cols int) {
	const atOnce = 2048 // columns of a call
	r, c := rows-rows%size, cols-cols%size
	for j := 0; more(j, c); j += atOnce {
		n := min(atOnce, c-j)
		every := max(1, atOnce/n) * size
		for i0 := 0; more(i0, r); i0 += every {
			for i := i0; i < min(i0+every, r); i += size {
				run(&dst[j*ldd+i], &src[i*lds+j], ldd, lds, n/size)
			}
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
