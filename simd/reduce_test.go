package simd

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestReductionsAreSums compares the reductions with sums in big.Float. A chain of n roundings is off by at
// most n/2 units of the sum of magnitudes; here a lane has n/32 links and the tree five.
func TestReductionsAreSums(t *testing.T) {
	eachTier(t, testReductions[float32])
	eachTier(t, testReductions[float64])
}

func testReductions[F Float](t *testing.T, k *Kernels[F]) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, n := range []int{1, 31, 32, 33, 1000, 5000} {
		x, y := make([]F, n), make([]F, n)
		sum, sq, dot := bigOf(0), bigOf(0), bigOf(0)
		var absSum, absDot float64
		for i := range x {
			x[i], y[i] = F(r.NormFloat64()), F(r.NormFloat64())
			a, b := bigOf(float64(x[i])), bigOf(float64(y[i]))
			sum, sq, dot = bigAdd(sum, a), bigAdd(sq, bigMul(a, a)), bigAdd(dot, bigMul(a, b))
			absSum += math.Abs(float64(x[i]))
			absDot += math.Abs(float64(x[i]) * float64(y[i]))
		}
		links := float64(n/32 + 6)
		w, _ := sum.Float64()
		require.InDelta(t, w, k.Sum(x), links*absSum*0x1p-53, "Sum of %d", n)
		w, _ = sq.Float64()
		require.InDelta(t, w, k.SumSq(x), links*w*0x1p-53, "SumSq of %d", n)
		w, _ = dot.Float64()
		unit := 0x1p-53
		if is32[F]() {
			unit = 0x1p-24
		}
		require.InDelta(t, w, float64(k.Dot(x, y)), links*absDot*unit, "Dot of %d", n)
	}
	require.Zero(t, k.Dot(nil, nil))
	require.Zero(t, k.Sum(nil))
}

// TestAdam compares a hundred steps with the textbook in float64: Kingma and Ba's algorithm 1, with Loshchilov
// and Hutter's decoupled decay.
func TestAdam(t *testing.T) {
	eachTier(t, func(t *testing.T, k *Kernels[float32]) { testAdam(t, k, 2e-5) })
	eachTier(t, func(t *testing.T, k *Kernels[float64]) { testAdam(t, k, 1e-13) })
}

func testAdam[F Float](t *testing.T, k *Kernels[F], tolerance float64) {
	const n, rate, b1, b2, eps, decay = 37, 0.01, 0.9, 0.999, 1e-8, 0.1
	r := rand.New(rand.NewPCG(1, 2))
	w, m, v, g := make([]F, n), make([]F, n), make([]F, n), make([]F, n)
	tw, tm, tv := make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range w {
		w[i] = F(r.NormFloat64())
		tw[i] = float64(w[i])
	}
	for s := 1.0; s <= 100; s++ {
		c1, c2 := 1-math.Pow(b1, s), 1-math.Pow(b2, s)
		for i := range g {
			g[i] = F(r.NormFloat64() * math.Exp(float64(i%9)-4))
			gi := float64(g[i])
			tw[i] *= 1 - rate*decay
			tm[i] = b1*tm[i] + (1-b1)*gi
			tv[i] = b2*tv[i] + (1-b2)*gi*gi
			tw[i] -= rate * (tm[i] / c1) / (math.Sqrt(tv[i]/c2) + eps)
		}
		k.Adam(w, m, v, g, AdamCoeffs{Beta1: b1, Beta2: b2, Step: rate * math.Sqrt(c2) / c1, Eps: eps * math.Sqrt(c2), Decay: rate * decay})
	}
	for i := range w {
		require.InDelta(t, tw[i], float64(w[i]), tolerance, "weight %d", i)
	}
}

// TestGELUTanh holds the bound of its doc comment, for x ≥ -1.
func TestGELUTanh(t *testing.T) {
	k := Best[float32]()
	var worst float64
	for x := float32(-1); x < 20; x += 0.00137 {
		y := []float32{x}
		k.GELUTanh(y, y)
		v := float64(x)
		a := 2 * math.Sqrt(2/math.Pi) * (v + 0.044715*v*v*v)
		worst = max(worst, ulps(y[0], v*sigma(a)))
	}
	t.Logf("%.3f ulp", worst)
	require.LessOrEqual(t, worst, 3.0)
	y := []float32{float32(math.Inf(-1)), float32(math.Inf(1))}
	k.GELUTanh(y, y)
	require.True(t, math.IsNaN(float64(y[0])))
	require.True(t, math.IsInf(float64(y[1]), 1))
}
