package verb

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden hash anew")

// TestBits compares the hash of everything with the committed one. When a change moves bits on purpose,
// go test ./cmd/internal/verb -run Bits -update writes it anew, and the change log says so.
func TestBits(t *testing.T) {
	golden := filepath.Join("testdata", "bits.golden")
	parts := map[string]string{}
	sum, err := bitsOf(context.Background(), func(name, sum string) { parts[name] = sum })
	require.NoError(t, err)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(golden, []byte(sum+"\n"), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, strings.TrimSpace(string(want)), sum, "bits of %s/%s; parts: %v", runtime.GOOS, runtime.GOARCH, parts)
}

// TestBitsDoNotDependOnCores runs the same on one core and on several.
func TestBitsDoNotDependOnCores(t *testing.T) {
	if testing.Short() {
		t.Skip("TestBits runs on what there is")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	var sums []string
	for _, n := range []int{1, 2, 7} {
		runtime.GOMAXPROCS(n)
		sum, err := bitsOf(context.Background(), func(string, string) {})
		require.NoError(t, err)
		sums = append(sums, sum)
	}
	require.Equal(t, sums[0], sums[1])
	require.Equal(t, sums[0], sums[2])
}
