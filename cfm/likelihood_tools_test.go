package cfm

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/simd/rng"
)

func TestBitsPerDim(t *testing.T) {
	require.InDelta(t, 8, BitsPerDim(0, 5, 256), 1e-12) // uniform over [0, 1)⁵
	require.InDelta(t, 7, BitsPerDim(5*math.Ln2, 5, 256), 1e-12)
}

func TestLogit(t *testing.T) {
	x := []float64{0, 0.3, 1}
	y, back := make([]float64, 3), make([]float64, 3)
	const alpha, h = 0.05, 1e-6
	logDet, err := Logit(y, x, alpha)
	require.NoError(t, err)
	Unlogit(back, y, alpha)
	require.InDeltaSlice(t, x, back, 1e-14)
	var want float64
	for _, v := range y { // by differences of the inverse
		a, b := make([]float64, 1), make([]float64, 1)
		Unlogit(a, []float64{v - h}, alpha)
		Unlogit(b, []float64{v + h}, alpha)
		want -= math.Log((b[0] - a[0]) / (2 * h))
	}
	require.InDelta(t, want, logDet, 1e-8)
	_, err = Logit(y, []float64{0.5, 1.5, 0}, alpha)
	require.ErrorContains(t, err, "column 1")
	_, err = Logit(y, []float64{0.5, 1, 0}, 0)
	require.Error(t, err)
}

// The evidence of a normal likelihood under a normal prior is known: N(y; 0, 1+s²).
func TestImportanceWeights(t *testing.T) {
	const n, y, s = 20000, 0.8, 0.5
	x := make([]float64, n)
	rng.Normal(rng.New(1), x)
	logp, logq := make([]float64, n), make([]float64, n)
	zero, one := []float64{0}, []float64{1}
	for i, v := range x {
		logq[i] = gaussLogProb([]float64{v}, zero, one)
		logp[i] = logq[i] + gaussLogProb([]float64{y}, []float64{v}, []float64{s})
	}
	logp[3] = math.NaN()
	w, logZ, ess := ImportanceWeights(logp, logq)
	require.InDelta(t, gaussLogProb([]float64{y}, zero, []float64{math.Sqrt(1 + s*s)}), logZ, 0.02)
	require.Zero(t, w[3])
	var mean float64
	for i, v := range x {
		mean += w[i] * v
	}
	require.InDelta(t, y/(1+s*s), mean, 0.02)
	require.Greater(t, ess, n*0.3)
	require.Less(t, ess, float64(n))
	_, logZ, ess = ImportanceWeights([]float64{math.NaN()}, []float64{0})
	require.True(t, math.IsInf(logZ, -1))
	require.Zero(t, ess)
}
