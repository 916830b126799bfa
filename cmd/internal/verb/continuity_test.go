package verb

import (
	"bytes"
	"encoding/json"
	"image/png"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestContinuity: the equation holds for a network and for the closed-form field in two columns, in one, and under a condition in
// three; the picture is one; what has no velocity is refused.
func TestContinuity(t *testing.T) {
	dir := t.TempDir()
	put(t, dir+"/t.csv", smallTable(80))
	read := func(args ...string) (v struct {
		Continuity continuity `json:"continuity"`
		W2         *float64   `json:"w2"`
	}) {
		t.Helper()
		require.NoError(t, json.Unmarshal([]byte(must(t, dir, append([]string{"evaluate", "-continuity", "-json"}, args...)...).out), &v))
		for _, p := range v.Continuity.Paths {
			require.Zero(t, p.Failed)
			require.Less(t, *p.Volume, 0.1)
			require.Less(t, *p.Density, 0.1)
		}
		last := v.Continuity.Paths[len(v.Continuity.Paths)-1]
		require.Less(t, *last.Volume, 1e-2)
		require.Less(t, *last.Density, 1e-2)
		require.Greater(t, *v.Continuity.Moved, 0.1)
		return v
	}
	must(t, dir, "train", "-data", "moons-normal", "-steps", "60", "-hidden", "16", "-blocks", "1", "-quiet", "-out", "net")
	v := read("-model", "net", "-grid", "48", "-picture", "net.png")
	require.Len(t, v.Continuity.Grids, 3)
	for _, g := range v.Continuity.Grids {
		require.InDelta(t, 1, *g.Mass, 0.03)
		require.Less(t, *g.Relative, 0.03)
		require.Less(t, *g.Relative, *g.Coarse)
	}
	b, err := os.ReadFile(dir + "/net.png")
	require.NoError(t, err)
	_, err = png.Decode(bytes.NewReader(b))
	require.NoError(t, err)

	put(t, dir+"/line.csv", "a\n"+strings.Repeat("1\n2.5\n3\n-2\n0.4\n1.7\n-0.3\n2.2\n", 4))
	must(t, dir, "train", "-data", "line.csv", "-family", "kde", "-path", "condot:0.3", "-quiet", "-out", "line")
	v = read("-model", "line", "-picture", "line.png", "-data", "line.csv", "-points", "10", "-rows", "10")
	require.NotNil(t, v.W2)
	for _, g := range v.Continuity.Grids {
		require.Less(t, *g.Relative, 0.01)
	}
	require.FileExists(t, dir+"/line.png")

	must(t, dir, tiny("-out", "given")...)
	v = read("-model", "given", "-given", "kind=x")
	require.Empty(t, v.Continuity.Grids, "three columns have no grid")
	require.Contains(t, must(t, dir, "evaluate", "-continuity", "-model", "given", "-given", "kind=x").out, "log det")

	must(t, dir, tiny("-family", "nsf", "-out", "nsf")...)
	checkRefusals(t, dir, []refusal{
		{"evaluate -continuity -model nsf -given kind=x", refused, "no velocity field"},
		{"evaluate -continuity -model given", refused, "condition kind is not given"},
		{"evaluate -continuity -model given -given kind=x -picture x.png", usage, "1 or 2 columns"},
		{"evaluate -continuity -model net -picture x.gif", usage, "must be .png"},
		{"evaluate -model net -grid 32", usage, "go with -continuity"},
		{"evaluate -continuity -model net -grid 4", usage, "-grid 4"},
	})
}
