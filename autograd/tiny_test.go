package autograd

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// A short sum has the bits of the kernel's.
func TestShortSums(t *testing.T) {
	tape := NewTape[float32](nil)
	x := ramp[float32](40, 7).Data
	x[3], x[4] = 1e30, float32(math.Copysign(0, -1))
	for n := range tiny {
		for i := range len(x) - n {
			want, got := tape.k.Sum(x[i:i+n]), tape.sum(x[i:i+n])
			require.Equal(t, math.Float64bits(want), math.Float64bits(got), "%v", x[i:i+n])
		}
	}
}
