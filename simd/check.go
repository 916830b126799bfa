package simd

import "fmt"

// equal panics unless all lengths are the same.
func equal(what string, n int, others ...int) {
	for _, m := range others {
		if m != n {
			unequal(what, n, others)
		}
	}
}

//go:noinline
func unequal(what string, n int, others []int) {
	panic(fmt.Sprintf("simd: %s: lengths differ: %v", what, append([]int{n}, others...)))
}

// checkRows returns the width of n elements in rows of width w, or panics.
func checkRows(what string, n, w int) int {
	if w == 0 && n != 0 || w != 0 && n%w != 0 {
		panic(fmt.Sprintf("simd: %s: %d elements are not rows of %d", what, n, w))
	}
	return max(w, 1)
}

func checkTranspose[F Float](dst, src []F, rows, cols int) {
	if rows < 0 || cols < 0 || len(src) != rows*cols || len(dst) != len(src) {
		panic(fmt.Sprintf("simd: Transpose: %d elements to %d as %d×%d", len(src), len(dst), rows, cols))
	}
}
