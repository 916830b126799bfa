package metric

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/simd/rng"
)

// conjugate runs θ ~ N(0, 1), x ~ N(θ, 1), whose posterior is N(x/2, ½), and draws from that posterior with
// its spread multiplied by width.
func conjugate(n, each int, width float64, seed uint64) (truth, draws, logp, drawnLogp []float64) {
	truth = normals(seed, n)
	noise, z := normals(seed+1, n), normals(seed+2, n*each)
	draws, logp, drawnLogp = make([]float64, n*each), make([]float64, n), make([]float64, n*each)
	s := math.Sqrt(0.5) * width
	for i := range truth {
		mean := (truth[i] + noise[i]) / 2
		logp[i] = -math.Pow((truth[i]-mean)/s, 2)
		for l := range each {
			draws[i*each+l] = mean + s*z[i*each+l]
			drawnLogp[i*each+l] = -z[i*each+l] * z[i*each+l]
		}
	}
	return truth, draws, logp, drawnLogp
}

func TestCalibration(t *testing.T) {
	n, each := 1000, 99
	if testing.Short() {
		n, each = 400, 49
	}
	for _, c := range []struct {
		width float64
		good  bool
	}{{1, true}, {0.6, false}, {1.7, false}} {
		truth, draws, logp, drawn := conjugate(n, each, c.width, 10)
		ranks := Ranks(truth, draws, 1, each)
		u := make([]float64, n)
		for i, r := range ranks {
			require.True(t, r >= 0 && r <= each)
			u[i] = (float64(r) + 0.5) / float64(each+1)
		}
		_, p := Uniformity(u)
		require.Equal(t, c.good, p > 0.01, "width %v: p = %v", c.width, p)
		// A central interval of level q holds the truth with probability 2Φ(width·Φ⁻¹((1+q)/2)) - 1.
		for _, q := range []float64{0.5, 0.9} {
			want := math.Erf(c.width * math.Erfinv(q))
			bar := 4*math.Sqrt(want*(1-want)/float64(n)) + 1.5/float64(each)
			require.InDelta(t, want, Coverage(Central(ranks, each), q), bar)
			require.InDelta(t, want, Coverage(Levels(logp, drawn, each), q), bar)
		}
	}
	require.Equal(t, []int{2, 0}, Ranks([]float64{5, 0}, []float64{1, 2, 3, 4}, 2, 2))
}

// The distribution of the distance: known points of Kolmogorov's law, and uniform p-values.
func TestUniformity(t *testing.T) {
	require.InDelta(t, 0.05, kolmogorov(1.3581/math.Sqrt(1e6), 1e6), 2e-4)
	require.InDelta(t, 0.01, kolmogorov(1.6276/math.Sqrt(1e6), 1e6), 1e-4)
	d, p := Uniformity([]float64{0.5})
	require.InDelta(t, 0.5, d, 1e-15)
	require.Greater(t, p, 0.8)
	const rounds = 300
	below := 0
	u := make([]float64, 50)
	for r := range uint64(rounds) {
		rng.Uniform(rng.New(r), u)
		if _, p := Uniformity(u); p < 0.1 {
			below++
		}
	}
	require.InDelta(t, 0.1, float64(below)/rounds, 4*math.Sqrt(0.09/rounds))
}
