package bench

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPeak(t *testing.T) {
	loop, flops := fma()
	if loop == nil {
		require.Zero(t, Peak())
		t.Skip("no loop for this processor")
	}
	require.Positive(t, flops)
	require.Positive(t, Peak())
	t.Logf("%.1f GFLOP/s", Peak())
}
