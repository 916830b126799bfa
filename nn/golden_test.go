package nn

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A file of version 1 of the sum's scheme, written once and kept: it must stay readable, and the
// same contents must keep giving the same bytes.
func TestKeptFile(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("testdata", "version1.safetensors"))
	require.NoError(t, err)
	f, err := openFile(filepath.Join("testdata", "version1.safetensors"))
	require.NoError(t, err)
	require.Equal(t, "e7683556", f.Sum[:8])
	want := assorted()
	require.Equal(t, want.Meta, f.Meta)
	require.Len(t, f.Arrays, len(want.Arrays))
	for _, a := range want.Arrays {
		require.Equal(t, a.Data, f.Find(a.Name).Data, a.Name)
	}
	require.Equal(t, raw, written(t, want))
}
