package simd

import (
	"os"
	"os/exec"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLevels(t *testing.T) {
	l := Levels()
	require.Equal(t, Generic, l[0])
	for i, v := range l {
		require.Equal(t, v, At[float32](v).Level)
		require.Equal(t, v, At[float64](v).Level)
		if i > 0 {
			require.Greater(t, v, l[i-1])
		}
	}
	require.Equal(t, Best[float32]().Level, Best[float64]().Level)
	if os.Getenv("SIMD") == "" {
		require.Equal(t, l[len(l)-1], Best[float32]().Level)
	} else {
		require.Equal(t, os.Getenv("SIMD"), Best[float32]().Level.String())
	}
	require.Equal(t, "generic neon avx2 avx512 level(9)", Generic.String()+" "+NEON.String()+" "+AVX2.String()+" "+AVX512.String()+" "+Level(9).String())
	require.Panics(t, func() { At[float32](9) })
}

// TestForcedTier starts this test binary again with SIMD set: to every tier of this machine, which must be in
// use, and to names that this machine cannot honour, which must not start.
func TestForcedTier(t *testing.T) {
	if runtime.GOOS == "js" || runtime.GOOS == "wasip1" {
		t.Skip("no processes here")
	}
	if os.Getenv("SIMD_TEST_CHILD") != "" {
		require.Equal(t, os.Getenv("SIMD"), Best[float32]().Level.String())
		return
	}
	exe, err := os.Executable()
	require.NoError(t, err)
	child := func(tier string) (string, error) {
		cmd := exec.Command(exe, "-test.run=^TestForcedTier$")
		cmd.Env = append(os.Environ(), "SIMD="+tier, "SIMD_TEST_CHILD=1")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := child("generic"); err != nil && out == "" {
		t.Skipf("cannot start this binary again: %v", err) // an emulator without binfmt
	}
	have := map[string]bool{}
	for _, l := range Levels() {
		have[l.String()] = true
		out, err := child(l.String())
		require.NoError(t, err, out)
	}
	for _, name := range []string{"neon", "avx2", "avx512", "sse9"} {
		if !have[name] {
			out, err := child(name)
			require.Error(t, err)
			require.Contains(t, out, "simd: SIMD="+name+": not on this machine, which has generic")
		}
	}
}
