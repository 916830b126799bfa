//go:build !purego

package simd

var (
	f32GemmNEON = &gemmTier[float32]{
		choose: chooserNEON(
			block[float32]{f32WideNEON, 6, 16, nil}, block[float32]{f32SlimNEON, 8, 4, nil}, block[float32]{f32EdgeNEON, 8, 1, nil}),
		copy: copyGeneric[float32], transpose: f32TransposeNEON, inPlace: 256, manyRows: 256, zero: make([]float32, 16),
	}
	f64GemmNEON = &gemmTier[float64]{
		choose: chooserNEON(
			block[float64]{f64WideNEON, 6, 8, nil}, block[float64]{f64SlimNEON, 8, 2, nil}, block[float64]{f64EdgeNEON, 8, 1, nil}),
		copy: copyGeneric[float64], transpose: f64TransposeNEON, inPlace: 256, manyRows: 256, zero: make([]float64, 8),
	}
)

// chooserNEON returns the choice of blocks for NEON: the widest that fits.
func chooserNEON[F Float](wide, slim, edge block[F]) func(m, n int) *block[F] {
	return func(_, n int) *block[F] {
		switch {
		case n >= wide.cols:
			return &wide
		case n >= slim.cols:
			return &slim
		}
		return &edge
	}
}

func f32TransposeNEON(dst, src []float32, ldd, lds, rows, cols int) {
	transposeBlocks(f32Transpose4NEON, 4, dst, src, ldd, lds, rows, cols)
}

func f64TransposeNEON(dst, src []float64, ldd, lds, rows, cols int) {
	transposeBlocks(f64Transpose2NEON, 2, dst, src, ldd, lds, rows, cols)
}

// f32Transpose4NEON transposes 4 rows of 4·blocks columns: dst[j·ldd+i] = src[i·lds+j].
//
//go:noescape
func f32Transpose4NEON(dst, src *float32, ldd, lds, blocks int)

// f64Transpose2NEON transposes 2 rows of 2·blocks columns: dst[j·ldd+i] = src[i·lds+j].
//
//go:noescape
func f64Transpose2NEON(dst, src *float64, ldd, lds, blocks int)

// The micro-kernels: see strip for what they compute and block for their sizes.

//go:noescape
func f32WideNEON(c, a, b, init *float32, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)

//go:noescape
func f32SlimNEON(c, a, b, init *float32, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)

//go:noescape
func f32EdgeNEON(c, a, b, init *float32, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)

//go:noescape
func f64WideNEON(c, a, b, init *float64, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)

//go:noescape
func f64SlimNEON(c, a, b, init *float64, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)

//go:noescape
func f64EdgeNEON(c, a, b, init *float64, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)
