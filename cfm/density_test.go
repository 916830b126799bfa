package cfm

import (
	"math"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/autograd"
	"pushforward/odeint"
	"pushforward/simd"
	"pushforward/simd/rng"
)

func tight() DensityOptions {
	return DensityOptions{Options: odeint.Options{Rtol: 1e-9, Atol: 1e-9}}
}

func TestDensityOfGaussian(t *testing.T) {
	t.Run("float64", func(t *testing.T) { testDensityOfGaussian[float64](t, tight(), 1e-7) })
	t.Run("float32", func(t *testing.T) { testDensityOfGaussian[float32](t, DensityOptions{}, 1e-3) })
}

func testDensityOfGaussian[F simd.Float](t *testing.T, opt DensityOptions, want float64) {
	for _, d := range []int{1, 2, 5, 16} {
		m, s := make([]float64, d), make([]float64, d)
		for j := range d {
			m[j], s[j] = float64(j)-1, 0.5+float64(j)/8
		}
		f := &Flow[F]{Dim: d, Field: gaussField[F](m, s)}
		x := normalTensor[F](40, d, rng.New(5))
		got, err := f.LogDensity(bg, x, opt)
		require.NoError(t, err)
		for i := range x.Rows() {
			row := make([]float64, d)
			for j, v := range x.Row(i) {
				row[j] = float64(v)
			}
			require.InDelta(t, gaussLogProb(row, m, s), got.LogP[i], want*float64(d), "dim %d row %d", d, i)
			require.Positive(t, got.Err[i])
		}
	}
}

// v = A·x with A not symmetric: log ρ₁(x) = log N(e^(-A)·x) - tr A.
func TestDensityOfLinearField(t *testing.T) {
	for _, d := range []int{1, 2, 5} {
		a := make([][]float64, d)
		var tr float64
		for i := range a {
			a[i] = make([]float64, d)
			for j := range a[i] {
				a[i][j] = math.Sin(float64(3*i+7*j+1)) * 0.8
			}
			tr += a[i][i]
		}
		f := &Flow[float64]{Dim: d, Field: linearField[float64](a)}
		x := normalTensor[float64](10, d, rng.New(6))
		got, err := f.LogDensity(bg, x, tight())
		require.NoError(t, err)
		one := make([]float64, d)
		for j := range one {
			one[j] = 1
		}
		for i := range x.Rows() {
			x0 := expMinus(a, x.Row(i))
			want := gaussLogProb(x0, make([]float64, d), one) - tr
			require.InDelta(t, want, got.LogP[i], 1e-7, "dim %d", d)
		}
	}
}

// expMinus returns e^(-A)·x by its series.
func expMinus(a [][]float64, x []float64) []float64 {
	sum := append([]float64(nil), x...)
	term := append([]float64(nil), x...)
	for k := 1; k < 60; k++ {
		next := make([]float64, len(x))
		for i := range a {
			for j := range term {
				next[i] -= a[i][j] * term[j] / float64(k)
			}
		}
		term = next
		for i := range sum {
			sum[i] += term[i]
		}
	}
	return sum
}

// Trap P17: data scaled by s has log s less of log-density.
func TestDensityOfScaledData(t *testing.T) {
	f := &Flow[float64]{Dim: 2, Field: gaussField[float64]([]float64{0, 0}, []float64{1, 1}), Loc: []float64{5, -1}, Scale: []float64{3, 0.1}}
	x := autograd.FromRows([][]float64{{5, -1}, {8, -1.1}, {0, -0.95}})
	got, err := f.LogDensity(bg, x, tight())
	require.NoError(t, err)
	for i := range x.Rows() {
		require.InDelta(t, gaussLogProb(x.Row(i), f.Loc, f.Scale), got.LogP[i], 1e-5)
	}
	// The first row stands still, so that its steps are as long as they may be; Strict watches ℓ.
	opt := tight()
	opt.Strict = true
	got, err = f.LogDensity(bg, x, opt)
	require.NoError(t, err)
	for i := range x.Rows() {
		require.InDelta(t, gaussLogProb(x.Row(i), f.Loc, f.Scale), got.LogP[i], 1e-8)
	}
}

// Trap P16: from the data back and from the source forth give one density.
func TestDensityForwardAndBackward(t *testing.T) {
	f := &Flow[float64]{Dim: 3, Field: twistField[float64](3, rng.New(11)), Loc: []float64{1, 2, 3}, Scale: []float64{2, 1, 0.5}}
	for _, div := range []Divergence{Exact, Probes(4)} {
		opt := tight()
		opt.Divergence = div
		x, d, err := f.SampleDensity(bg, 50, rng.New(2), opt)
		require.NoError(t, err)
		back, err := f.LogDensity(bg, x.X, opt)
		require.NoError(t, err)
		require.Less(t, maxAbsDiff(d.LogP, back.LogP), 1e-6)
		require.Less(t, maxAbsDiff(d.Parts.Probe, back.Parts.Probe), 1e-6)
		plain, err := f.Sample(bg, 50, rng.New(2), opt.Options)
		require.NoError(t, err)
		require.Less(t, maxAbsDiff(x.X.Data, plain.X.Data), 1e-7)
	}
}

// Hutchinson's mean is the exact value within its own error bar, row by row.
func TestHutchinsonIsUnbiased(t *testing.T) {
	f := &Flow[float64]{Dim: 6, Field: twistField[float64](6, rng.New(12))}
	n := byShort(t, 60, 10)
	x := normalTensor[float64](n, 6, rng.New(3))
	opt := DensityOptions{Options: odeint.Options{Rtol: 1e-7, Atol: 1e-7}, Key: rng.New(77)}
	exact, err := f.LogDensity(bg, x, opt)
	require.NoError(t, err)
	opt.Divergence = Probes(64)
	est, err := f.LogDensity(bg, x, opt)
	require.NoError(t, err)
	outside, z2 := 0, 0.0
	for i := range n {
		z := (est.LogP[i] - exact.LogP[i]) / est.Parts.Probe[i]
		z2 += z * z
		if math.Abs(z) > 3 {
			outside++
		}
		require.InEpsilon(t, est.Err[i], est.Parts.Probe[i], 1e-3)
	}
	require.LessOrEqual(t, outside, 1+n/50)
	require.Less(t, z2/float64(n), 2.0, "the bar is too small")
	require.Greater(t, z2/float64(n), 0.4, "the bar is too large")

	// One probe says nothing of its spread.
	opt.Divergence = Probes(1)
	one, err := f.LogDensity(bg, x, opt)
	require.NoError(t, err)
	require.True(t, math.IsNaN(one.Err[0]))
}

// Trap P19: with S the symmetric part of J, sign probes have variance 2·(‖S‖² - Σ Sᵢᵢ²), here
// seen through the field itself.
func TestProbeVariance(t *testing.T) {
	a := [][]float64{{0.3, 1, -0.5, 0}, {0.2, -0.4, 0.7, 0.1}, {1.5, -0.3, 0.2, -0.8}, {0, 0.9, 0.4, 0.6}}
	var want float64
	for i := range a {
		for j := range a {
			if s := (a[i][j] + a[j][i]) / 2; i != j {
				want += 2 * s * s
			}
		}
	}
	diagonal := 0.0
	for i := range a {
		diagonal += 2 * a[i][i] * a[i][i]
	}
	const probes = 100000
	f := &Flow[float64]{Dim: 4, Field: linearField[float64](a)}
	for _, normal := range []bool{false, true} {
		if normal { // variance 2·‖S‖²
			want += diagonal
		}
		sys := newDivergence(f, probes)
		sys.begin(1, 0, DensityOptions{Key: rng.New(8), Normal: normal})
		dst := make([]float64, sys.Dim())
		state := make([]float64, sys.Dim())
		sys.Eval(dst, odeint.Batch[float64]{Row: []int{0}, T: []float64{0.5}, Y: state})
		mean, se := meanAndError(dst[4:])
		require.InDelta(t, 0.3-0.4+0.2+0.6, mean, 4*se)
		require.InEpsilon(t, want, se*se*probes, 0.05)
	}
}

// Permuting a batch, cutting it and adding cores move no bit. Trap P21.
func TestDensityRowsAreAlone(t *testing.T) {
	f := &Flow[float32]{Dim: 3, Field: twistField[float32](3, rng.New(13))}
	x := normalTensor[float32](150, 3, rng.New(4))
	opt := DensityOptions{}
	all, err := f.LogDensity(bg, x, opt)
	require.NoError(t, err)
	at := make([]int, 150)
	rng.Perm(rng.New(1), at)
	other, err := f.LogDensity(bg, permuted(x, at), opt)
	require.NoError(t, err)
	for i, j := range at {
		require.Equal(t, all.LogP[j], other.LogP[i])
		require.Equal(t, all.Err[j], other.Err[i])
	}
	few, err := f.LogDensity(bg, x.Slice(0, 5), opt)
	require.NoError(t, err)
	require.Equal(t, all.LogP[:5], few.LogP)
	opt.Divergence = Probes(3)
	first, err := f.LogDensity(bg, x, opt)
	require.NoError(t, err)
	// Two equal points have probes of their own, in whatever chunks they are.
	twins := permuted(x, make([]int, 150))
	own, err := f.LogDensity(bg, twins, opt)
	require.NoError(t, err)
	for _, i := range []int{1, 127, 128, 149} {
		require.NotEqual(t, own.LogP[0], own.LogP[i])
	}
	for _, procs := range []int{1, 3} {
		old := runtime.GOMAXPROCS(procs)
		again, err := f.LogDensity(bg, x, opt)
		runtime.GOMAXPROCS(old)
		require.NoError(t, err)
		require.Equal(t, first.LogP, again.LogP)
		require.Equal(t, first.Err, again.Err)
		require.Equal(t, first.Stats, again.Stats)
	}
}

// Trap P24: with ℓ out of the error norm the points take the steps they would take alone.
func TestDensityLeavesThePathAlone(t *testing.T) {
	f := &Flow[float64]{Dim: 2, Field: twistField[float64](2, rng.New(14))}
	opt := odeint.Options{Method: odeint.Dopri5, Rtol: 1e-5, Atol: 1e-5, MaxStep: 1}
	plain, err := f.Sample(bg, 20, rng.New(1), opt)
	require.NoError(t, err)
	s, d, err := f.SampleDensity(bg, 20, rng.New(1), DensityOptions{Options: opt})
	require.NoError(t, err)
	require.Equal(t, plain.Stats.Accepted, d.Stats.Accepted)
	require.Less(t, maxAbsDiff(plain.X.Data, s.X.Data), 1e-12)
	_, strict, err := f.SampleDensity(bg, 20, rng.New(1), DensityOptions{Options: opt, Strict: true})
	require.NoError(t, err)
	require.NotEqual(t, d.Stats, strict.Stats)
}

func TestDensityRefuses(t *testing.T) {
	x := autograd.NewTensor[float64](3, 2)
	guided := &Flow[float64]{Dim: 2, Field: Guided[float64]{Field: twistField[float64](2, rng.New(1)), Weight: 2}}
	_, err := guided.LogDensity(bg, x, DensityOptions{})
	require.ErrorContains(t, err, "guided")

	f := &Flow[float64]{Dim: 2, Field: twistField[float64](2, rng.New(1)), Source: FromLaw(noDensity{})}
	_, err = f.LogDensity(bg, x, DensityOptions{})
	require.ErrorIs(t, err, errNoDensity)

	require.Panics(t, func() { f.LogDensity(bg, autograd.NewTensor[float64](3, 4), DensityOptions{}) })
}

type noDensity struct{}

func (noDensity) Sample(dst []float64, key rng.Key)      { rng.Uniform(key, dst) }
func (noDensity) LogProb([]float64) (p float64, ok bool) { return 0, false }

// A bad row is named and the others are scored.
func TestDensityOfBadRow(t *testing.T) {
	f := &Flow[float64]{Dim: 2, Field: twistField[float64](2, rng.New(1))}
	x := normalTensor[float64](10, 2, rng.New(1))
	good, err := f.LogDensity(bg, x, DensityOptions{})
	require.NoError(t, err)
	x.Data[7] = math.NaN()
	got, err := f.LogDensity(bg, x, DensityOptions{})
	require.ErrorIs(t, err, odeint.ErrNotFinite)
	require.ErrorContains(t, err, "row 3")
	for i := range 10 {
		if i == 3 {
			require.Equal(t, odeint.NotFinite, got.Status[i])
			require.True(t, math.IsNaN(got.LogP[i]))
		} else {
			require.Equal(t, good.LogP[i], got.LogP[i])
		}
	}
}

// Trap P44: with the closed-form field of N points sampling returns their blur, and its
// density is the mixture.
func TestMarginalField(t *testing.T) {
	pts := autograd.FromRows([][]float64{{2, 0}, {-1, 1}, {-1, -2}, {0.5, 0.5}, {3, 3}})
	for _, p := range []Path{CondOT{0.3}, CondOT{0.1}} {
		sigma := p.(CondOT).SigmaMin
		f := &Flow[float64]{Dim: 2, Field: Marginal(pts, p)}
		opt := tight()
		opt.Strict = true // the divergence changes fast where rows choose a point
		x, d, err := f.SampleDensity(bg, byShort(t, 200, 20), rng.New(3), opt)
		require.NoError(t, err)
		for i := range x.X.Rows() {
			var parts []float64
			near := math.Inf(1)
			for k := range pts.Rows() {
				parts = append(parts, gaussLogProb(x.X.Row(i), pts.Row(k), []float64{sigma, sigma})-math.Log(5))
				near = math.Min(near, math.Hypot(x.X.Row(i)[0]-pts.Row(k)[0], x.X.Row(i)[1]-pts.Row(k)[1]))
			}
			require.InDelta(t, logSumExp(parts), d.LogP[i], 1e-5, "σ=%g row %d", sigma, i)
			require.Less(t, near, 5*sigma)
		}
	}
}

func logSumExp(x []float64) float64 {
	m := math.Inf(-1)
	for _, v := range x {
		m = math.Max(m, v)
	}
	var s float64
	for _, v := range x {
		s += math.Exp(v - m)
	}
	return m + math.Log(s)
}

// A row's probes go by its number, so its log-density is the same beside other rows and without them.
func TestRowNumbersChooseProbes(t *testing.T) {
	f := &Flow[float64]{Dim: 2, Field: twistField[float64](2, rng.New(3))}
	x := autograd.NewTensor[float64](6, 2)
	rng.Normal(rng.New(1), x.Data)
	opt := DensityOptions{Divergence: Probes(2), Key: rng.New(2)}
	all, err := f.LogDensity(bg, x, opt)
	require.NoError(t, err)
	last := x.Slice(3, 6)
	opt.Row = []int{3, 4, 5}
	some, err := f.LogDensity(bg, last, opt)
	require.NoError(t, err)
	require.Equal(t, all.LogP[3:], some.LogP)
	opt.Row = nil
	other, err := f.LogDensity(bg, last, opt)
	require.NoError(t, err)
	require.NotEqual(t, some.LogP, other.LogP)
	opt.Row = []int{1}
	require.Panics(t, func() { f.LogDensity(bg, last, opt) })
}
