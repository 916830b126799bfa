package model

import (
	"bytes"
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/autograd"
	"pushforward/simd/rng"
)

// tied draws rows of four columns: the first three one number with a little noise, the fourth by itself.
func tied(n int, key rng.Key) (rows [][]float64) {
	for i := range n {
		z := make([]float64, 5)
		rng.Normal(key.Fold(uint64(i)), z)
		rows = append(rows, []float64{
			10 * (z[0] + float64(0.1*z[1])), z[0] + float64(0.1*z[2]), 5 + z[0] + float64(0.1*z[3]), z[4],
		})
	}
	return rows
}

// TestAnomaly: p-values of new rows of the same law are uniform; rows in which one column goes its own way,
// no column being out of its range, are found, and the column is named, with about the value that the others
// ask for. All of it survives the file, to the bit.
func TestAnomaly(t *testing.T) {
	ctx := context.Background()
	for _, family := range []string{CFM, RealNVP, KDE} {
		t.Run(family, func(t *testing.T) {
			if testing.Short() && family == CFM {
				t.Skip("a minute on a tier without vectors")
			}
			opt := Options{Seed: 1, Family: family, Anomaly: true, Calibrate: 64}
			if family != KDE {
				opt.Steps, opt.Hidden = 400, 32
			}
			m, err := Fit(ctx, tied(1200, rng.New(1)), opt)
			require.NoError(t, err)
			require.True(t, m.HasDetector())
			var b bytes.Buffer
			require.NoError(t, m.Write(&b))
			o, err := Read(bytes.NewReader(b.Bytes()))
			require.NoError(t, err)

			same := tied(400, rng.New(2))
			a, err := o.Anomaly(ctx, same, AnomalyOptions{Fast: true})
			require.NoError(t, err)
			below := 0.0
			for _, p := range a.PValue {
				if p < 0.1 {
					below += 1.0 / 400
				}
			}
			require.InDelta(t, 0.1, below, 0.06) // four standard errors, of 400 rows and of 240 held out

			odd := tied(60, rng.New(3))
			want := make([]float64, len(odd))
			for i, r := range odd {
				want[i] = r[1]
				if r[1] > 0 { // to the other side, well within the column's range
					r[1] -= 2
				} else {
					r[1] += 2
				}
			}
			c, err := o.Anomaly(ctx, odd, AnomalyOptions{Why: 2})
			require.NoError(t, err)
			found, named, off := 0, 0, 0.0
			for i := range odd {
				if c.PValue[i] < 0.05 {
					found++
				}
				if c.Why[i][0].Column == 1 {
					named++
				}
				off += math.Abs(c.Why[i][0].Expected-want[i]) / 60
				require.False(t, c.Failed[i])
				require.Less(t, c.Typical[i], 0.2)
			}
			t.Logf("%d of 60 found, %d named", found, named)
			require.Greater(t, found, 54)
			require.Greater(t, named, 45)

			d, err := m.Anomaly(ctx, odd[7:9], AnomalyOptions{Why: 2})
			require.NoError(t, err)
			require.Equal(t, c.Score[7:9], d.Score)
			require.Equal(t, c.Why[7:9], d.Why)
		})
	}
}

// TestAnomalyTypical: rows that are likelier than any of the data are no less strange than unlikely ones by the
// two-sided share.
func TestAnomalyTypical(t *testing.T) {
	sorted := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9}
	require.InDelta(t, 0.2, twoSided(sorted, 0), 1e-12)
	require.InDelta(t, 0.2, twoSided(sorted, 10), 1e-12)
	require.InDelta(t, 1, twoSided(sorted, 5), 1e-12)
	require.True(t, math.IsNaN(twoSided(nil, 1)))
}

func TestAnomalyRefusals(t *testing.T) {
	ctx := context.Background()
	rows := tied(60, rng.New(1))
	m, err := Fit(ctx, rows, Options{Steps: 1, Hidden: 8, Blocks: 1, Calibrate: -1})
	require.NoError(t, err)
	_, err = m.Anomaly(ctx, rows, AnomalyOptions{})
	require.ErrorContains(t, err, "was not trained to judge anomalies")
	_, err = NewFitter(rows, Options{Anomaly: true, Holdout: -1})
	require.ErrorContains(t, err, "held-out rows")
	m, err = Fit(ctx, rows, Options{Anomaly: true, Steps: 1, Hidden: 8, Blocks: 1, Calibrate: -1})
	require.NoError(t, err)
	_, err = m.Anomaly(ctx, [][]float64{{1, 2, math.NaN(), 4}}, AnomalyOptions{Fast: true})
	require.ErrorContains(t, err, "row 1, column x2")
	_, err = parseDetector(`{"views":[],"columns":[1,1,1,1],"score":[1]}`, 4)
	require.ErrorIs(t, err, ErrFile)
	_, err = parseDetector(`{"views":[{"name":"a","mid":0,"width":0}],"columns":[1,1,1,1],"score":[1]}`, 4)
	require.ErrorIs(t, err, ErrFile)
}

// TestAnomalyKernels: a row between clusters, where a network that was hardly trained sees nothing odd, is found by the kernels on
// training rows that the model keeps, and that its file holds, to the bit; a file of which they are damaged is refused.
func TestAnomalyKernels(t *testing.T) {
	ctx := context.Background()
	var rows [][]float64
	for i := range 500 {
		z := make([]float64, 2)
		rng.Normal(rng.New(4).Fold(uint64(i)), z)
		rows = append(rows, []float64{float64(i%5) + float64(0.02*z[0]), float64(i/5%5) + float64(0.02*z[1])})
	}
	m, err := Fit(ctx, rows, Options{Anomaly: true, Steps: 20, Hidden: 16, Calibrate: -1})
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, m.Write(&b))
	o, err := Read(bytes.NewReader(b.Bytes()))
	require.NoError(t, err)
	odd := [][]float64{{0.5, 1.5}, {2.5, 2.5}, {1, 2.5}, {3.5, 3.4}}
	a, err := o.Anomaly(ctx, odd, AnomalyOptions{Fast: true})
	require.NoError(t, err)
	same, err := m.Anomaly(ctx, odd, AnomalyOptions{Fast: true})
	require.NoError(t, err)
	require.Equal(t, same.Score, a.Score)
	require.Equal(t, "kernels", a.Views[len(a.Views)-1])
	for i := range odd {
		require.Less(t, a.PValue[i], 0.05, "row %d", i)
		score, shares := 0.0, []float64{1. / 6, 1. / 6, 1. / 6, 1. / 6, 1. / 3}
		for k, s := range shares {
			score += s * a.ByView[k][i]
		}
		require.InDelta(t, score, a.Score[i], 1e-12)
	}
	for _, d := range []*detector{
		{Kernels: &smoothed{Width: 0, Rows: make([]byte, 8)}},
		{Kernels: &smoothed{Width: 1, Rows: make([]byte, 7)}},
		{Kernels: &smoothed{Width: 1}},
		{Views: []view{{"a", 0, 1, 1}}},
	} {
		if d.Views == nil {
			d.Views = []view{{"a", 0, 1, 0}}
		}
		d.Columns = []float64{1, 1}
		text, err := d.text()
		require.NoError(t, err)
		_, err = parseDetector(text, 2)
		require.ErrorContains(t, err, "does not fit the model")
	}
}

// Of more rows than a detector keeps it keeps one in so many, not the first ones: a table may be sorted.
func TestKernelsKeepRowsEvenly(t *testing.T) {
	n := 3 * kernelRows
	rows, held := autograd.NewTensor[float32](n, 1), autograd.NewTensor[float32](64, 1)
	for i := range rows.Data {
		rows.Data[i] = float32(i) / float32(n)
	}
	for i := range held.Data {
		held.Data[i] = float32(i) / 64
	}
	s := newSmoothed(rows, held)
	require.Equal(t, kernelRows, s.points.Rows())
	for i, v := range s.points.Data {
		require.Equal(t, rows.Data[3*i], v, i)
	}
	back := smoothed{Width: s.Width, Rows: s.Rows}
	require.True(t, back.unpack(1))
	require.Equal(t, s.points.Data, back.points.Data)
	require.False(t, back.unpack(3), "a file cut short")
}
