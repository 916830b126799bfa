//go:build !purego

package simd

var (
	f32GemmAVX512 = &gemmTier[float32]{
		choose: chooser(
			block[float32]{f32WideAVX512, 14, 32, f32PackAVX512}, block[float32]{f32FlatAVX512, 6, 64, nil},
			block[float32]{f32EdgeAVX512, 14, 16, nil}, block[float32]{f32EdgeAVX2, 12, 8, nil}),
		copy: f32CopyAVX2, transpose: f32TransposeAVX2, narrow: f32NarrowAVX2, narrowRows: 16,
		inPlace: 256, manyRows: 64, zero: make([]float32, 64),
	}
	f64GemmAVX512 = &gemmTier[float64]{
		choose: chooser(
			block[float64]{f64WideAVX512, 14, 16, f64PackAVX512}, block[float64]{f64FlatAVX512, 6, 32, nil},
			block[float64]{f64EdgeAVX512, 14, 8, nil}, block[float64]{f64EdgeAVX2, 12, 4, nil}),
		copy: f64CopyAVX2, transpose: f64TransposeAVX2, narrow: f64NarrowAVX2, narrowRows: 8,
		inPlace: 256, manyRows: 64, zero: make([]float64, 32),
	}
	f32GemmAVX2 = &gemmTier[float32]{
		choose: chooserAVX2(
			block[float32]{f32WideAVX2, 6, 16, nil}, block[float32]{f32WiderAVX2, 4, 24, nil},
			block[float32]{f32FlatAVX2, 3, 32, nil}, block[float32]{f32RowAVX2, 1, 64, nil},
			block[float32]{f32EdgeAVX2, 12, 8, nil}),
		copy: f32CopyAVX2, transpose: f32TransposeAVX2, narrow: f32NarrowAVX2, narrowRows: 16,
		inPlace: 128, manyRows: 256, zero: make([]float32, 64),
	}
	f64GemmAVX2 = &gemmTier[float64]{
		choose: chooserAVX2(
			block[float64]{f64WideAVX2, 6, 8, nil}, block[float64]{f64WiderAVX2, 4, 12, nil},
			block[float64]{f64FlatAVX2, 3, 16, nil}, block[float64]{f64RowAVX2, 1, 32, nil},
			block[float64]{f64EdgeAVX2, 12, 4, nil}),
		copy: f64CopyAVX2, transpose: f64TransposeAVX2, narrow: f64NarrowAVX2, narrowRows: 8,
		inPlace: 128, manyRows: 256, zero: make([]float64, 32),
	}
)

// chooser returns the choice of blocks for AVX-512: flat ones for few rows, wide ones otherwise,
// and at the edge half a vector if that is enough.
func chooser[F Float](wide, flat, edge, half block[F]) func(m, n int) *block[F] {
	return func(m, n int) *block[F] {
		switch {
		case m <= flat.rows && n >= flat.cols:
			return &flat
		case n >= wide.cols:
			return &wide
		case n <= half.cols:
			return &half
		}
		return &edge
	}
}

// chooserAVX2 returns the choice of blocks for AVX2: wider ones as long as wide ones can finish.
func chooserAVX2[F Float](wide, wider, flat, row, edge block[F]) func(m, n int) *block[F] {
	return func(m, n int) *block[F] {
		switch {
		case m == 1 && n >= row.cols:
			return &row
		case m <= flat.rows && n >= flat.cols:
			return &flat
		case n >= wider.cols && n != 2*wide.cols:
			return &wider
		case n >= wide.cols:
			return &wide
		}
		return &edge
	}
}

// f32NarrowAVX2 is a strip for 1 to 4 columns, with exactly 16 rows a tile, k a multiple of 4, and A's
// columns adjacent; aks is instead the distance of B's columns.
//
//go:noescape
func f32NarrowAVX2(c, a, b, init *float32, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)

// f64NarrowAVX2 is the same with 8 rows a tile.
//
//go:noescape
func f64NarrowAVX2(c, a, b, init *float64, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)

// The micro-kernels: see strip for what they compute and block for their sizes.

//go:noescape
func f32WideAVX512(c, a, b, init *float32, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)

//go:noescape
func f32PackAVX512(c, a, b, init *float32, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int, to *float32)

//go:noescape
func f32FlatAVX512(c, a, b, init *float32, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)

//go:noescape
func f32EdgeAVX512(c, a, b, init *float32, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)

//go:noescape
func f32WideAVX2(c, a, b, init *float32, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)

//go:noescape
func f32WiderAVX2(c, a, b, init *float32, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)

//go:noescape
func f32FlatAVX2(c, a, b, init *float32, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)

//go:noescape
func f32RowAVX2(c, a, b, init *float32, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)

//go:noescape
func f32EdgeAVX2(c, a, b, init *float32, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)

//go:noescape
func f64WideAVX512(c, a, b, init *float64, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)

//go:noescape
func f64PackAVX512(c, a, b, init *float64, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int, to *float64)

//go:noescape
func f64FlatAVX512(c, a, b, init *float64, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)

//go:noescape
func f64EdgeAVX512(c, a, b, init *float64, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)

//go:noescape
func f64WideAVX2(c, a, b, init *float64, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)

//go:noescape
func f64WiderAVX2(c, a, b, init *float64, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)

//go:noescape
func f64FlatAVX2(c, a, b, init *float64, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)

//go:noescape
func f64RowAVX2(c, a, b, init *float64, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)

//go:noescape
func f64EdgeAVX2(c, a, b, init *float64, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)
