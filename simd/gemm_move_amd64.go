//go:build !purego

package simd

import "unsafe"

// f32Transpose8AVX2 transposes 8 rows of 8·blocks columns: dst[j·ldd+i] = src[i·lds+j].
//
//go:noescape
func f32Transpose8AVX2(dst, src *float32, ldd, lds, blocks int)

// f64Transpose4AVX2 transposes 4 rows of 4·blocks columns: dst[j·ldd+i] = src[i·lds+j].
//
//go:noescape
func f64Transpose4AVX2(dst, src *float64, ldd, lds, blocks int)

//go:noescape
func copyRowsAVX2(dst, src unsafe.Pointer, ldd, lds, rows, size int)

func f32CopyAVX2(dst, src []float32, ldd, lds, rows, cols int) {
	copyRowsAVX2(unsafe.Pointer(&dst[0]), unsafe.Pointer(&src[0]), 4*ldd, 4*lds, rows, 4*cols)
}

func f64CopyAVX2(dst, src []float64, ldd, lds, rows, cols int) {
	copyRowsAVX2(unsafe.Pointer(&dst[0]), unsafe.Pointer(&src[0]), 8*ldd, 8*lds, rows, 8*cols)
}

func f32TransposeAVX2(dst, src []float32, ldd, lds, rows, cols int) {
	transposeBlocks(f32Transpose8AVX2, 8, dst, src, ldd, lds, rows, cols)
}

func f64TransposeAVX2(dst, src []float64, ldd, lds, rows, cols int) {
	transposeBlocks(f64Transpose4AVX2, 4, dst, src, ldd, lds, rows, cols)
}
