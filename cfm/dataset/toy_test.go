package dataset

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/simd/rng"
)

func law(t *testing.T, name string) Law {
	l, err := Toy(name)
	require.NoError(t, err)
	require.Equal(t, name, l.Name())
	require.Equal(t, 2, l.Dim())
	return l
}

func TestToyUnknown(t *testing.T) {
	_, err := Toy("swissroll")
	require.ErrorIs(t, err, ErrData)
	require.ErrorContains(t, err, `no toy law is called "swissroll"; there are gaussian, 8gaussians`)
}

// Row i is the same however many rows are asked for, and other keys give other rows.
func TestSampleRowByRow(t *testing.T) {
	for _, name := range ToyNames() {
		t.Run(name, func(t *testing.T) {
			l := law(t, name)
			long, short, other := make([]float64, 200), make([]float64, 14), make([]float64, 14)
			l.Sample(long, rng.New(3))
			l.Sample(short, rng.New(3))
			l.Sample(other, rng.New(4))
			require.Equal(t, long[:14], short)
			require.NotEqual(t, other, short)
			require.Panics(t, func() { l.Sample(long[:3], rng.New(3)) })
		})
	}
}

// The density of a law integrates to 1, and -log of it has the entropy known otherwise.
func TestDensityMassAndEntropy(t *testing.T) {
	cases := []struct {
		name          string
		half, step    float64 // the grid
		entropy, bar  float64
		massTolerance float64
	}{
		{"gaussian", 8, 0.25, 1 + math.Log(2*math.Pi), 1e-9, 1e-9},
		{"8gaussians-tight", 8, 0.1, math.Log(8) + 1 + math.Log(2*math.Pi*0.1), 2e-4, 1e-9}, // 2.6147; neighbours overlap a little
		{"8gaussians", 9, 0.15, 3.766, 5e-3, 1e-9},
		{"moons-normal", 9, 0.15, 3.8747, 5e-5, 1e-9},
		{"scurve", 6, 0.1, 0, math.Inf(1), 1e-9},
		{"rings", 4, 0.05, 0, math.Inf(1), 1e-8},
		{"checkerboard", 5, 0.25, 5 * math.Ln2, 1e-12, 1e-12},
	}
	for _, c := range cases {
		if testing.Short() && c.name == "rings" {
			continue // thousands of nodes a point
		}
		t.Run(c.name, func(t *testing.T) {
			l := law(t, c.name)
			mass, entropy := 0.0, 0.0
			for y := -c.half + c.step/2; y < c.half; y += c.step {
				for x := -c.half + c.step/2; x < c.half; x += c.step {
					logp, ok := l.LogProb([]float64{x, y})
					require.True(t, ok)
					if p := math.Exp(logp) * c.step * c.step; p > 0 {
						mass += p
						entropy -= p * logp
					}
				}
			}
			require.InDelta(t, 1, mass, c.massTolerance)
			require.InDelta(t, c.entropy, entropy, c.bar)
		})
	}
}

// Samples have the law their density says: the mean of -log p over samples is the entropy on the grid,
// and counts in cells agree with the density's mass there.
func TestSamplesFollowDensity(t *testing.T) {
	n := 40000
	if testing.Short() {
		n = 4000
	}
	for _, name := range ToyNames() {
		l := law(t, name)
		if _, ok := l.LogProb([]float64{0, 0}); !ok || name == "moons" || testing.Short() && name == "rings" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			x := make([]float64, 2*n)
			l.Sample(x, rng.New(11))
			// 10×10 cells of side 1.6 over [-8, 8]², the mass of each by 16×16 midpoints.
			const cells, side = 10, 1.6
			fine := 16
			if testing.Short() {
				fine = 8
			}
			count := make([]float64, cells*cells)
			for i := 0; i < len(x); i += 2 {
				a, b := int(math.Floor((x[i]+8)/side)), int(math.Floor((x[i+1]+8)/side))
				if a >= 0 && a < cells && b >= 0 && b < cells {
					count[b*cells+a]++
				}
			}
			chi2, dof := 0.0, 0
			for b := range cells {
				for a := range cells {
					mass := 0.0
					for k := range fine * fine {
						px := -8 + side*(float64(a)+(float64(k%fine)+0.5)/float64(fine))
						py := -8 + side*(float64(b)+(float64(k/fine)+0.5)/float64(fine))
						logp, _ := l.LogProb([]float64{px, py})
						mass += math.Exp(logp) * (side / float64(fine)) * (side / float64(fine))
					}
					if e := mass * float64(n); e > 20 {
						chi2 += (count[b*cells+a] - e) * (count[b*cells+a] - e) / e
						dof++
					}
				}
			}
			require.Greater(t, dof, 5)
			require.Less(t, chi2, float64(dof)+5*math.Sqrt(2*float64(dof)), "chi² over %d cells", dof)
		})
	}
}

// torchcfm's moons have a density without bound, so its mean log is found by drawing: 2.045 ± 0.002 is
// what an independent program found (RECIPES: closed density, Monte Carlo).
func TestUniformMoonsEntropy(t *testing.T) {
	n := 200000
	if testing.Short() {
		n = 5000
	}
	l := law(t, "moons")
	x := make([]float64, 2*n)
	l.Sample(x, rng.New(5))
	sum, sum2 := 0.0, 0.0
	for i := 0; i < len(x); i += 2 {
		logp, ok := l.LogProb(x[i : i+2])
		require.True(t, ok)
		require.False(t, math.IsInf(logp, 0), "point %v of the law is outside its support", x[i:i+2])
		sum -= logp
		sum2 += logp * logp
	}
	mean := sum / float64(n)
	se := math.Sqrt((sum2/float64(n) - mean*mean) / float64(n))
	require.InDelta(t, 2.045, mean, 4*se+0.004)
	logp, ok := l.LogProb([]float64{9, 9})
	require.True(t, ok)
	require.True(t, math.IsInf(logp, -1))
}

// The density by quadrature against a midpoint rule a hundred times finer, near the curve and far off.
func TestCurveDensityAgainstFineRule(t *testing.T) {
	for _, c := range []*curve{moonsNormal, sCurve, rings} {
		for _, x := range [][]float64{{0, 0}, {1, 2}, {-1, 0.5}, {4, -3}, {-6, 5}, {0.4, 0.1}} {
			n := 200000
			if testing.Short() {
				n = 20000
			}
			least, sum := math.Inf(1), 0.0
			d := make([]float64, n)
			for k := range d {
				px, py := c.at((float64(k) + 0.5) / float64(n))
				d[k] = (x[0]-px)*(x[0]-px) + (x[1]-py)*(x[1]-py)
				least = math.Min(least, d[k])
			}
			v := c.s * c.s
			for _, e := range d {
				sum += math.Exp((least-e)/(2*v)) / float64(n)
			}
			want := math.Log(sum) - least/(2*v) - math.Log(2*math.Pi*v)
			got, ok := c.LogProb(x)
			require.True(t, ok)
			require.InDelta(t, want, got, 2e-6*math.Max(1, math.Abs(want)), "%s at %v", c.name, x)
		}
		if testing.Short() {
			break
		}
	}
}

// Laws without a density are held to what their makers' formulas imply.
func TestShapesWithoutDensity(t *testing.T) {
	x := make([]float64, 2*20000)
	law(t, "pinwheel").Sample(x, rng.New(2))
	mean, r2 := moments(x)
	require.InDelta(t, 0, mean[0], 0.05)
	require.InDelta(t, 0, mean[1], 0.05)
	require.InDelta(t, 4*(1+0.09+0.01), r2, 0.06) // 4·E(f₀² + f₁²)
	law(t, "spirals").Sample(x, rng.New(2))
	mean, r2 = moments(x)
	require.InDelta(t, 0, mean[0], 0.06)
	require.InDelta(t, 0, mean[1], 0.06)
	// E‖·‖² = (E n² + noise)/9 + 2·0.01, E n² = (3π)²/2; cross terms with the noise's mean are small.
	require.InDelta(t, (math.Pow(3*math.Pi, 2)/2+2*0.25/3)/9, r2, 0.15)
}

func moments(x []float64) (mean [2]float64, r2 float64) {
	n := float64(len(x) / 2)
	for i := 0; i < len(x); i += 2 {
		mean[0] += x[i] / n
		mean[1] += x[i+1] / n
		r2 += (x[i]*x[i] + x[i+1]*x[i+1]) / n
	}
	return mean, r2
}

// TestReferenceToy compares with points that the peer's own definitions gave, by energy distance.
func TestReferenceToy(t *testing.T) {
	dir := os.Getenv("PUSHFORWARD_REFERENCE")
	if dir == "" {
		dir = filepath.Join("testdata", "reference")
	}
	raw, err := os.ReadFile(filepath.Join(dir, "cfm", "toy_samples.safetensors"))
	if os.IsNotExist(err) {
		t.Skip("toy_samples.safetensors is not in this folder")
	}
	require.NoError(t, err)
	size := binary.LittleEndian.Uint64(raw)
	var header map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(raw[8:8+size], &header))
	passed := 0
	for name, entry := range header {
		if name == "__metadata__" {
			continue
		}
		t.Run("toy_samples/"+name, func(t *testing.T) {
			var e struct {
				Shape []int  `json:"shape"`
				At    [2]int `json:"data_offsets"`
			}
			require.NoError(t, json.Unmarshal(entry, &e))
			l, err := Toy(name)
			if err != nil {
				t.Skip(err)
			}
			n := e.Shape[0]
			body := raw[8+size:][e.At[0]:e.At[1]]
			peer := make([]float64, 2*n)
			for i := range peer {
				peer[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(body[4*i:])))
			}
			if testing.Short() {
				n = 512
				peer = peer[:2*n] // the peer's moons come in order along the curve
				if name == "moons" {
					t.Skip("needs all points")
				}
			}
			ours := make([]float64, 2*n)
			l.Sample(ours, rng.New(1))
			d := energyV(ours, peer)
			// Two samples of one law: the V-statistic has mean (2/n)·E‖X - X'‖ and a small spread, and grows with
			// the square of a shift; half as much again is far out in its tail.
			bar := 1.5 * 2 * meanDistance(peer, peer) / float64(n)
			require.Less(t, d, bar)
			t.Logf("energy distance %.5f, bar %.5f", d, bar)
			passed++
			if name == "8gaussians" && !testing.Short() {
				tight := make([]float64, 2*n)
				law(t, "8gaussians-tight").Sample(tight, rng.New(1))
				require.Greater(t, energyV(tight, peer), bar, "the test must tell the two covariances apart")
			}
		})
	}
	t.Logf("toy_samples: %d passed", passed)
}

func meanDistance(x, y []float64) float64 {
	s := 0.0
	for i := 0; i < len(x); i += 2 {
		for j := 0; j < len(y); j += 2 {
			s += math.Hypot(x[i]-y[j], x[i+1]-y[j+1])
		}
	}
	return s * 4 / float64(len(x)*len(y))
}

func energyV(x, y []float64) float64 {
	return 2*meanDistance(x, y) - meanDistance(x, x) - meanDistance(y, y)
}
