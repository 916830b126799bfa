package main

import (
	"compress/gzip"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRank against pairs counted by hand.
func TestRank(t *testing.T) {
	require.Equal(t, 1.0, rank([]float64{1, 2}, []float64{3, 4}))
	require.Equal(t, 0.0, rank([]float64{3, 4}, []float64{1, 2}))
	require.InDelta(t, 0.5, rank([]float64{1, 1}, []float64{1}), 1e-15)
	require.InDelta(t, 3.5/6, rank([]float64{1, 2, 5}, []float64{2, 4}), 1e-15) // 2 beats 1, ties 2; 4 beats 1, 2
	require.Equal(t, 1.0, rank([]float64{1, 2}, []float64{math.NaN()}))
}

// TestReadADSet: even normal rows train, the others and the anomalies test, in units of the training rows.
func TestReadADSet(t *testing.T) {
	path := t.TempDir() + "/s.csv.gz"
	write := func(text string) {
		f, err := os.Create(path)
		require.NoError(t, err)
		z := gzip.NewWriter(f)
		_, err = z.Write([]byte(text))
		require.NoError(t, err)
		require.NoError(t, z.Close())
		require.NoError(t, f.Close())
	}
	write("a,b,label\n1,7,0\n2,8,0\n9,9,1\n3,7,0\n4,6,0\n")
	s, err := readADSet(path)
	require.NoError(t, err)
	require.Equal(t, [][]float64{{-1, 0}, {1, 0}}, s.train) // 1 and 3: mean 2, deviation 1; 7 and 7: divided by 1
	require.Equal(t, [][]float64{{0, 1}, {2, -1}}, s.test)
	require.Equal(t, [][]float64{{7, 2}}, s.strange)
	write("a,label\n1,0\nx,0\n3,1\n")
	_, err = readADSet(path)
	require.ErrorContains(t, err, `row 2, column 1: "x"`)
	write("a,label\n1,0\n2,2\n3,1\n")
	_, err = readADSet(path)
	require.ErrorContains(t, err, "label 2 is neither 0 nor 1")
}
