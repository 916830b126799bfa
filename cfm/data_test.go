package cfm

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/autograd"
	"pushforward/simd/rng"
)

// numbered returns n rows (i, -i).
func numbered(n int) autograd.Tensor[float64] {
	x := autograd.NewTensor[float64](n, 2)
	for i := range n {
		x.Row(i)[0], x.Row(i)[1] = float64(i), -float64(i)
	}
	return x
}

func batchOf(rows, step int, root rng.Key) *Batch[float64] {
	b := &Batch[float64]{Total: rows, Step: step, root: root, rooted: true}
	for i := range rows {
		b.Row = append(b.Row, i)
	}
	return b
}

// Each pass over the data takes each row once, whatever the batch size; the order of passes differs.
func TestFromTensorIsAnEpoch(t *testing.T) {
	for _, n := range []int{1, 2, 3, 7, 64, 65, 1000} {
		for _, size := range []int{1, 5, 32} {
			d := FromTensor(numbered(n))
			require.Equal(t, n, d.(Sized).Len())
			var drawn []int
			for step := 0; len(drawn) < 3*n; step++ {
				b := batchOf(size, step, rng.New(3))
				require.NoError(t, d.Next(b, rng.New(99)))
				for i := range size {
					require.Equal(t, -b.X1.Row(i)[0], b.X1.Row(i)[1])
					drawn = append(drawn, int(b.X1.Row(i)[0]))
				}
			}
			for pass := range 3 {
				got := slices.Clone(drawn[pass*n : (pass+1)*n])
				slices.Sort(got)
				for i, v := range got {
					require.Equal(t, i, v, "n=%d size=%d pass %d", n, size, pass)
				}
			}
			if n > 60 {
				require.NotEqual(t, drawn[:n], drawn[n:2*n])
			}
		}
	}
}

// The order is no pattern: neighbours are unrelated, and the first element is any with equal chance.
func TestShuffleIsUniform(t *testing.T) {
	const n, draws = 10, 20000
	var count [n][n]float64
	for k := range draws {
		s := newShuffle(rng.New(7), uint64(k), n)
		for i := range uint64(n) {
			count[i][s.at(i)]++
		}
	}
	for i := range n {
		var chi2 float64
		for j := range n {
			e := float64(draws) / n
			chi2 += (count[i][j] - e) * (count[i][j] - e) / e
		}
		require.Less(t, chi2, 35.0, "place %d", i) // 9 degrees of freedom: 1 in 10⁴ above 33.7
	}
	// Correlation of place and row over a long permutation.
	s := newShuffle(rng.New(8), 0, 100000)
	var c float64
	for i := range uint64(100000) {
		c += (float64(i)/1e5 - 0.5) * (float64(s.at(i))/1e5 - 0.5)
	}
	require.Less(t, math.Abs(12*c/1e5), 0.015)
}

func TestAugment(t *testing.T) {
	d := Augment(FromTensor(numbered(50)), func(x []float64, key rng.Key) { x[0] += key.Float64(0) })
	require.Equal(t, 50, d.(Sized).Len())
	a, b := batchOf(8, 0, rng.New(1)), batchOf(8, 0, rng.New(1))
	require.NoError(t, d.Next(a, rng.New(5)))
	require.NoError(t, d.Next(b, rng.New(6)))
	for i := range 8 {
		require.Equal(t, math.Floor(a.X1.Row(i)[0]), math.Floor(b.X1.Row(i)[0]))
		require.NotEqual(t, a.X1.Row(i)[0], b.X1.Row(i)[0])
	}
}

func TestStandardize(t *testing.T) {
	x := autograd.FromRows([][]float32{{1, 5, 0}, {3, 5, 10}, {5, 5, 20}})
	loc, scale := Standardize(x)
	require.Equal(t, []float64{3, 5, 10}, loc)
	require.InDeltaSlice(t, []float64{math.Sqrt(8.0 / 3), 1, math.Sqrt(200.0 / 3)}, scale, 1e-12)
	loc, scale = StandardizeJoint(x)
	require.Equal(t, []float64{3, 5, 10}, loc)
	s := math.Sqrt((8.0/3 + 200.0/3) / 3)
	require.InDeltaSlice(t, []float64{s, s, s}, scale, 1e-12)
	_, scale = StandardizeJoint(autograd.FromRows([][]float32{{2, 3}, {2, 3}}))
	require.Equal(t, []float64{1, 1}, scale)
	// A column that is constant but for rounding has no scale.
	_, scale = Standardize(autograd.FromRows([][]float64{{0.1}, {0.1}, {0.1}, {0.1}, {0.1}, {0.1}, {0.1}}))
	require.Equal(t, []float64{1}, scale)
}

func TestNormalSource(t *testing.T) {
	s := Normal{2}
	require.InDelta(t, gaussLogProb([]float64{1, -3}, []float64{0, 0}, []float64{2, 2}), s.LogProb([]float64{1, -3}), 1e-14)
	x := make([]float64, 40000)
	s.Sample(x, rng.New(1))
	var q float64
	for _, v := range x {
		q += v * v
	}
	require.InEpsilon(t, 4, q/40000, 0.03)
	require.True(t, math.IsNaN(FromLaw(noDensity{}).LogProb(x[:1])))
	require.Error(t, sourceDim(FromLaw(planar{}), 3))
	require.NoError(t, sourceDim(FromLaw(planar{}), 2))
}

type planar struct{ noDensity }

func (planar) Dim() int { return 2 }
