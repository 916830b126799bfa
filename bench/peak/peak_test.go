package peak

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"pushforward/simd"
)

func TestGFLOPS(t *testing.T) {
	require.Zero(t, GFLOPS[float32](simd.Generic, 0), "plain Go has no loop")
	for _, l := range simd.Levels()[1:] {
		v, w := GFLOPS[float32](l, 40*time.Millisecond), GFLOPS[float64](l, 40*time.Millisecond)
		require.Positive(t, w, l)
		require.Less(t, v, 2000.0, "%v: more than any core has", l)
		require.Greater(t, v, w, "%v: twice as many lanes in float32", l)
		t.Logf("%v %.1f GFLOP/s, %.1f in float64", l, v, w)
	}
}
