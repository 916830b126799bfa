package simd

import (
	"math/rand/v2"
	"testing"
)

// TestRows compares AddRow, AddRows and Combine with Generic over widths and heights, and in Combine over numbers of
// slopes, which the harness of kernels_test.go does not vary.
func TestRows(t *testing.T) {
	eachTier(t, testRows[float32])
	eachTier(t, testRows[float64])
}

func testRows[F Float](t *testing.T, k *Kernels[F]) {
	g := At[F](Generic)
	r := rand.New(rand.NewPCG(3, 4))
	widths := []int{1, 2, 3, 4, 7, 8, 16, 17, 31, 64, 65, 100, 333}
	if !testing.Short() {
		widths = append(widths, 16384, 16385, 20003)
	}
	for _, w := range widths {
		for _, rows := range []int{0, 1, 2, 5, 300} {
			if rows*w > 100_000 {
				continue
			}
			x := inputs[F](r, 1, rows*w)[0]
			row := inputs[F](r, 1, w)[0]
			want, got := make([]F, rows*w), make([]F, rows*w)
			g.AddRow(want, x, row)
			k.AddRow(got, x, row)
			sameBits(t, want, got, nil, "AddRow %d×%d", rows, w)
			want, got = append([]F{}, row...), append([]F{}, row...)
			g.AddRows(want, x)
			k.AddRows(got, x)
			sameBits(t, want, got, nil, "AddRows %d×%d", rows, w)
		}
	}
	for m := range 19 {
		for _, n := range []int{1, 2, 16, 67, 5000} {
			x := inputs[F](r, m+2, n)
			c := inputs[F](r, 1, m)[0]
			want, got := make([]F, n), make([]F, n)
			g.Combine(want, x[0], x[1], c, x[2:])
			k.Combine(got, x[0], x[1], c, x[2:])
			sameBits(t, want, got, nil, "Combine of %d, n=%d", m, n)
		}
	}
}
