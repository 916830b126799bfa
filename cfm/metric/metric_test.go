package metric

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/simd/rng"
)

func normals(seed uint64, n int) []float64 {
	x := make([]float64, n)
	rng.Normal(rng.New(seed), x)
	return x
}

// Loops as plain as the definitions.
func TestAgainstDefinitions(t *testing.T) {
	const n, m, d = 9, 13, 3
	x, y := normals(1, n*d), normals(2, m*d)
	dist := func(a, b []float64, i, j int) float64 {
		s := 0.0
		for k := range d {
			s += (a[i*d+k] - b[j*d+k]) * (a[i*d+k] - b[j*d+k])
		}
		return math.Sqrt(s)
	}
	mean := func(a, b []float64, f func(float64) float64, diagonal bool) float64 {
		s, c := 0.0, 0.0
		for i := range len(a) / d {
			for j := range len(b) / d {
				if diagonal || i != j {
					s += f(dist(a, b, i, j))
					c++
				}
			}
		}
		return s / c
	}
	id := func(r float64) float64 { return r }
	u, v := EnergyDistance(x, y, d)
	require.InDelta(t, 2*mean(x, y, id, true)-mean(x, x, id, false)-mean(y, y, id, false), u, 1e-12)
	require.InDelta(t, 2*mean(x, y, id, true)-mean(x, x, id, true)-mean(y, y, id, true), v, 1e-12)
	for _, h := range []float64{0.3, 1, 5} {
		k := func(r float64) float64 { return math.Exp(-r * r / (2 * h * h)) }
		u, v = MMD2(x, y, d, h)
		require.InDelta(t, mean(x, x, k, false)+mean(y, y, k, false)-2*mean(x, y, k, true), u, 1e-12)
		require.InDelta(t, mean(x, x, k, true)+mean(y, y, k, true)-2*mean(x, y, k, true), v, 1e-12)
	}
	_, v = EnergyDistance(x, x, d)
	require.InDelta(t, 0, v, 1e-14)
}

// The unbiased statistics of two samples of one law have mean zero.
func TestUnbiased(t *testing.T) {
	const n, d, rounds = 30, 2, 200
	e, k := make([]float64, rounds), make([]float64, rounds)
	for r := range e {
		x, y := normals(uint64(2*r), n*d), normals(uint64(2*r+1), n*d)
		e[r], _ = EnergyDistance(x, y, d)
		k[r], _ = MMD2(x, y, d, 1)
	}
	for _, s := range [][]float64{e, k} {
		mean, sq := 0.0, 0.0
		for _, v := range s {
			mean += v / rounds
			sq += v * v / rounds
		}
		require.Less(t, math.Abs(mean), 4*math.Sqrt(sq/rounds))
	}
}

func TestEigen(t *testing.T) {
	for _, n := range []int{1, 2, 5, 20} {
		a := Covariance(normals(3, 3*n*n), n)
		if n == 1 {
			a = []float64{2.5}
		}
		l, v := Eigen(a, n)
		for i := range n {
			for j := range n {
				back, unit := 0.0, 0.0
				for k := range n {
					back += v[i*n+k] * l[k] * v[j*n+k]
					unit += v[k*n+i] * v[k*n+j]
				}
				require.InDelta(t, a[i*n+j], back, 1e-12)
				want := 0.0
				if i == j {
					want = 1
				}
				require.InDelta(t, want, unit, 1e-12)
			}
		}
	}
}

func TestGaussianW2Closed(t *testing.T) {
	const n, d = 50, 4
	x := normals(1, n*d)
	require.InDelta(t, 0, GaussianW2Squared(x, x, d), 1e-12)
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = 3*v + float64(i%d)
	}
	// y = 3x + (0, 1, 2, 3): covariances commute, so W₂² = ‖Δμ‖² + (3-1)²·tr C.
	c, a, b := Covariance(x, d), Mean(x, d), Mean(y, d)
	want := 0.0
	for j := range d {
		want += (a[j]-b[j])*(a[j]-b[j]) + 4*c[j*d+j]
	}
	require.InEpsilon(t, want, GaussianW2Squared(x, y, d), 1e-12)
	// A constant column makes the covariance singular.
	for i := 0; i < len(x); i += d {
		x[i], y[i] = 1, 1
	}
	require.False(t, math.IsNaN(GaussianW2Squared(x, y, d)))
}

func TestNeighbours(t *testing.T) {
	train := []float64{0, 0, 1, 0, 0, 1, 5, 5, 6, 5, 5, 6}
	class := []int{1, 1, 1, 0, 0, 0}
	row, dist := Nearest(train, []float64{0.4, 0.1, 5.6, 5, 0.5, 0.5}, 2)
	require.Equal(t, []int{0, 4, 0}, row)
	require.InDelta(t, math.Hypot(0.4, 0.1), dist[0], 1e-15)
	require.Equal(t, []int{1, 0, 1}, Vote(train, class, []float64{0.4, 0.1, 5.6, 5, 2, 2}, 2, 3))
	require.Equal(t, []int{0}, Vote(train, class, []float64{2, 2}, 2, 6), "three votes each: the lower class")
	require.Equal(t, []int{1}, Vote(train, class, []float64{2, 2}, 2, 1))
	require.Panics(t, func() { Vote(train, class, train, 2, 7) })

	// Against sorting all distances.
	x, y := normals(1, 60*3), normals(2, 20*3)
	cl := make([]int, 60)
	for i := range cl {
		cl[i] = i % 4
	}
	got := Vote(x, cl, y, 3, 5)
	for i := range 20 {
		left := map[int]float64{}
		for j := range 60 {
			s := 0.0
			for k := range 3 {
				s += (y[i*3+k] - x[j*3+k]) * (y[i*3+k] - x[j*3+k])
			}
			left[j] = s
		}
		votes := [4]int{}
		for range 5 {
			best, at := math.Inf(1), -1
			for j := range 60 {
				if s, ok := left[j]; ok && s < best {
					best, at = s, j
				}
			}
			delete(left, at)
			votes[cl[at]]++
		}
		want := 0
		for c, v := range votes {
			if v > votes[want] {
				want = c
			}
		}
		require.Equal(t, want, got[i])
	}
	require.Equal(t, 0.75, Agreement([]int{1, 2, 3, 4}, []int{1, 2, 3, 5}))
}

// A sampler that returns training rows is found out; one that draws afresh is not.
func TestCopyShare(t *testing.T) {
	const n, d = 600, 4
	train, held, fresh := normals(1, n*d), normals(2, n*d), normals(3, n*d)
	require.InDelta(t, 0.02, CopyShare(train, held, fresh, d), 0.02)
	require.Equal(t, 1.0, CopyShare(train, held, train, d))
}

func TestQuantile(t *testing.T) {
	x := []float64{3, 1, 2, 10}
	for q, want := range map[float64]float64{0: 1, 1: 10, 0.5: 2.5, 0.25: 1.75} {
		require.InDelta(t, want, Quantile(x, q), 1e-15)
	}
	require.Equal(t, []float64{3, 1, 2, 10}, x)
	require.Equal(t, 7.0, Quantile([]float64{7}, 0.3))
}

func TestRanking(t *testing.T) {
	score := normals(4, 80)
	label := make([]int, 80)
	for i := range label {
		label[i] = int(rng.New(5).Uint64(uint64(i)) % 3 / 2)
		score[i] = math.Round(2*(score[i]+float64(label[i]))) / 2
	}
	wins, pairs := 0.0, 0.0
	for i := range score {
		for j := range score {
			if label[i] == 1 && label[j] == 0 {
				pairs++
				if score[i] > score[j] {
					wins++
				} else if score[i] == score[j] {
					wins += 0.5
				}
			}
		}
	}
	require.InDelta(t, wins/pairs, AUROC(score, label), 1e-15)
	require.True(t, math.IsNaN(AUROC([]float64{1, 2}, []int{1, 1})))
	require.Equal(t, 1.0, AUROC([]float64{1, 2}, []int{0, 1}))
	require.Equal(t, 1.0, AveragePrecision([]float64{1, 2}, []int{0, 1}))
	require.Equal(t, 0.0, FPRAt([]float64{1, 2}, []int{0, 1}, 0.95))
}

// Straight lines at constant speed: the energy is the mean squared length, and nothing is in excess.
func TestPathEnergy(t *testing.T) {
	times := []float64{0, 0.1, 0.5, 1}
	x0, x1 := normals(1, 20), normals(2, 20)
	var v, x [][]float64
	want := 0.0
	for _, s := range times {
		vel, pos := make([]float64, 20), make([]float64, 20)
		for i := range vel {
			vel[i], pos[i] = x1[i]-x0[i], x0[i]+s*(x1[i]-x0[i])
		}
		v, x = append(v, vel), append(x, pos)
	}
	for i := range x0 {
		want += (x1[i] - x0[i]) * (x1[i] - x0[i]) / 10
	}
	require.InEpsilon(t, want, PathEnergy(times, v, 2), 1e-12)
	require.InEpsilon(t, want, LengthEnergy(times, x, 2), 1e-12)
	require.InDelta(t, 0, Straightness(times, x, 2), 1e-12*want)
	require.InDelta(t, 0, ExcessEnergy(want, math.Sqrt(want)), 1e-12)
	require.InDelta(t, 3, ExcessEnergy(4, 1), 1e-12)
}

// A quarter of the unit circle at constant speed: the energy of the curve is (π/2)², that of the chord 2, and chords of
// the curve approach it from below.
func TestStraightnessOfAnArc(t *testing.T) {
	const n = 400
	var times []float64
	var x [][]float64
	for k := range n + 1 {
		s := float64(k) / n
		times, x = append(times, s), append(x, []float64{math.Cos(s * math.Pi / 2), math.Sin(s * math.Pi / 2)})
	}
	want := math.Pi*math.Pi/4 - 2
	got := Straightness(times, x, 2)
	require.Less(t, got, want)
	require.InDelta(t, want, got, 1e-5)
	// The same line at a speed that varies, position t²: ∫(2t)² - 1 = 1/3.
	for k, s := range times {
		x[k] = []float64{s * s, 0}
	}
	require.InDelta(t, 1./3, Straightness(times, x, 2), 1e-5)
}

func BenchmarkEnergyDistance(b *testing.B) {
	x, y := normals(1, 1000*64), normals(2, 360*64)
	for b.Loop() {
		EnergyDistance(x, y, 64)
	}
}

// Points that are mostly the same have the median distance 0, and no bandwidth.
func TestMMDWithoutBandwidth(t *testing.T) {
	x := []float64{1, 1, 1, 1}
	require.Zero(t, MedianDistance(x, x, 1))
	u, v := MMD2(x, x, 1, 0)
	require.True(t, math.IsNaN(u) && math.IsNaN(v))
	u, v = EnergyDistance(x, x, 1)
	require.Zero(t, u)
	require.Zero(t, v)
}
