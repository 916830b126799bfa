package simd

import (
	"math/rand"
	"testing"

	"github.com/stretchr/testify/require"
)

func testCopy[F Float](t *testing.T, k *Kernels[F]) {
	r := rand.New(rand.NewSource(1))
	for _, rows := range []int{0, 1, 2, 3, 4, 7, 8, 9, 16, 31, 70} {
		for _, cols := range []int{0, 1, 2, 3, 4, 5, 8, 15, 17, 32, 33, 67} {
			for v := range 4 {
				src, dst := operand[F](r, rows, cols, 3, v&1 != 0), operand[F](r, rows, cols, 2, v&2 != 0)
				old := append([]F{}, dst.Data...)
				k.Copy(dst, src)
				for i := range rows {
					for j := range cols {
						require.Equal(t, src.at(i, j), dst.at(i, j))
						row, col := dst.strides()
						old[i*row+j*col] = src.at(i, j)
					}
				}
				require.Equal(t, old, dst.Data, "between the rows")
			}
			src := operand[F](r, rows, cols, 0, false)
			dst := make([]F, rows*cols)
			k.Transpose(dst, src.Data, rows, cols)
			for i := range rows {
				for j := range cols {
					require.Equal(t, src.at(i, j), dst[j*rows+i])
				}
			}
		}
	}
}

// TestCopy moves matrices between all strides and transposes.
func TestCopy(t *testing.T) {
	eachTier(t, testCopy[float32])
	eachTier(t, testCopy[float64])
	require.Equal(t, 512+padding, Stride[float32](512))
	require.Equal(t, 500, Stride[float64](500))
	require.PanicsWithValue(t, "simd: Copy: destination [2 3], source [3 2]", func() {
		d := Dense(make([]float32, 6), 2, 3)
		Best[float32]().Copy(d, Dense(make([]float32, 6), 3, 2))
	})
}
