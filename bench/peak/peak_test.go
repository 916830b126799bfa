package peak

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/simd"
)

func TestGFLOPS(t *testing.T) {
	require.Zero(t, GFLOPS(simd.Generic), "plain Go has no loop")
	for _, l := range simd.Levels()[1:] {
		v := GFLOPS(l)
		require.Positive(t, v, l)
		require.Less(t, v, 2000.0, "%v: more than any core has", l)
		t.Logf("%v %.1f GFLOP/s", l, v)
	}
	if runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64" {
		loop, flops := loopOf(simd.Levels()[len(simd.Levels())-1])
		require.Equal(t, loop == nil, flops == 0)
	}
}
