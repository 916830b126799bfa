package simd

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGemmSmall(t *testing.T) {
	var p Packs[float64]
	a := Dense([]float64{1, 2, 3, 4, 5, 6}, 2, 3)
	b := Dense([]float64{1, 0, 0, 1, 1, 1}, 3, 2)
	c := Dense(make([]float64, 4), 2, 2)
	k := Best[float64]()
	k.Gemm(&p, c, a, b, false)
	require.Equal(t, []float64{4, 5, 10, 11}, c.Data)
	k.Gemm(&p, c, b.T(), a.T(), true)
	require.Equal(t, []float64{8, 15, 15, 22}, c.Data)
	k.GemmBias(&p, c, a, b, []float64{10, math.Inf(1)})
	require.Equal(t, []float64{14, math.Inf(1), 20, math.Inf(1)}, c.Data)
}
