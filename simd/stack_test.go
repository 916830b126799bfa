package simd

import (
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTailsOnMovingStacks calls kernels whose tails live on the stack (see hide) at every depth of goroutines whose
// stacks grow as they go, while the garbage collector shrinks others.
func TestTailsOnMovingStacks(t *testing.T) {
	k := Best[float32]()
	x := []float32{0.1, 0.2, 0.3, 0.4, 0.5}
	want := make([]float32, len(x))
	At[float32](Generic).Exp(want, x)
	dot := At[float32](Generic).Dot(x, x)
	sum := make([]float32, len(x))
	At[float32](Generic).Combine(sum, x, x, []float32{2, 3}, [][]float32{x, want})

	var dive func(depth int) bool
	dive = func(depth int) bool {
		var pad [64]byte
		pad[depth%64] = 1
		y, z := make([]float32, len(x)), make([]float32, len(x))
		k.Exp(y, x)
		k.Combine(z, x, x, []float32{2, 3}, [][]float32{x, want})
		if k.Dot(x, x) != dot {
			return false
		}
		for i := range y {
			if y[i] != want[i] || z[i] != sum[i] {
				return false
			}
		}
		return depth == 0 || dive(depth-1) && pad[depth%64] == 1
	}
	rounds, depth := 20, 2000
	if testing.Short() {
		rounds, depth = 3, 500
	}
	for range rounds {
		var wg sync.WaitGroup
		ok := make([]bool, 8)
		for i := range ok {
			wg.Go(func() { ok[i] = dive(depth + 37*i) })
		}
		runtime.GC()
		wg.Wait()
		require.NotContains(t, ok, false)
	}
}
