package simd

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestLeastTwoTies compares LeastTwo and Relax with sorted copies where most values are equal: the least comes
// first by value, then by place.
func TestLeastTwoTies(t *testing.T) {
	eachTier(t, testTies[float32])
	eachTier(t, testTies[float64])
}

func testTies[F Float](t *testing.T, k *Kernels[F]) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 70 {
		for range 20 {
			x, y, key, pred := make([]F, n), make([]F, n), make([]F, n), make([]F, n)
			for i := range x {
				x[i], y[i], key[i] = F(r.IntN(4)), F(r.IntN(2)), F(math.Inf(1))
			}
			at, least, second := 0, math.Inf(1), math.Inf(1)
			for i := range x {
				h := float64(x[i] - y[i])
				second = min(second, max(h, least))
				if h < least {
					at, least = i, h
				}
			}
			j, h1, h2 := k.LeastTwo(x, y)
			require.Equal(t, []float64{float64(at), least, second}, []float64{float64(j), float64(h1), float64(h2)}, "%v: %v - %v", k.Level, x, y)
			require.Equal(t, at, k.Relax(key, x, y, pred, 1, 5))
			for i := range x {
				require.Equal(t, x[i]-y[i]-1, key[i])
				require.EqualValues(t, 5, pred[i])
			}
			require.Equal(t, at, k.Relax(key, x, y, pred, 1, 6))
			require.NotContains(t, pred, F(6)) // nothing is less than before
		}
	}
	require.Panics(t, func() { k.LeastTwo(make([]F, 3), make([]F, 4)) })
	require.Panics(t, func() { k.Relax(make([]F, 3), make([]F, 3), make([]F, 3), make([]F, 4), 0, 0) })
	require.Panics(t, func() { k.SqDist(make([]F, 3), make([]F, 3), make([]F, 8)) })
}
