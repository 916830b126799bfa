package model

import (
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write testdata anew")

// TestFormat1 reads a committed file of format 1 and finds what was drawn and scored with it when it was
// written. A later version must read it to the same bits; the solver is named, for its default may change.
func TestFormat1(t *testing.T) {
	const path, expected = "testdata/format1.safetensors", "testdata/format1.json"
	type answers struct {
		Rows [][]float64
		LogP []float64
	}
	ask := func(m *Model) (a answers) {
		s, err := m.Sample(ctx, 4, SampleOptions{Seed: 7, Given: [][]float64{{2, 0.25}}, Solver: Solver{Method: "dopri5"}})
		require.NoError(t, err)
		d, err := m.LogDensity(ctx, s.Rows, DensityOptions{Given: s.Given})
		require.NoError(t, err)
		return answers{s.Rows, d.LogP}
	}
	if *update {
		rows, o := conditioned(30, 60)
		m, err := Fit(ctx, rows, o)
		require.NoError(t, err)
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, m.Save(path))
		b, err := json.MarshalIndent(ask(m), "", " ")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(expected, b, 0o644))
	}
	m, err := Open(path)
	require.NoError(t, err)
	b, err := os.ReadFile(expected)
	require.NoError(t, err)
	var want answers
	require.NoError(t, json.Unmarshal(b, &want))
	require.Equal(t, want, ask(m))
}
