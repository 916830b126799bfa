package cfm

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/autograd"
	"pushforward/simd/rng"
)

// zeroField is v = 0, whose loss is the mean square of u.
var zeroField = FieldFunc[float64](func(q Query[float64]) autograd.Var[float64] { return q.X.Scale(0) })

func fullBatch(x0, x1 autograd.Tensor[float64]) Batch[float64] {
	b := Batch[float64]{X0: x0, X1: x1, Total: x1.Rows()}
	for i := range x1.Rows() {
		b.Row = append(b.Row, i)
	}
	return b
}

// filled runs a path's arithmetic on a batch.
func filled(p Path, times TimeLaw, b Batch[float64], key rng.Key) (t []float64, x, u autograd.Tensor[float64]) {
	m := &match[float64]{path: p, times: times}
	m.lo, m.hi = Span(p)
	t = make([]float64, b.X1.Rows())
	x, u = autograd.NewTensor[float64](b.X1.Rows(), b.X1.Shape.Dim(1)), autograd.NewTensor[float64](b.X1.Rows(), b.X1.Shape.Dim(1))
	m.fill(autograd.NewTape[float64](nil), t, x.Data, u.Data, nil, b, key)
	return t, x, u
}

// x and u are the path's mixtures, and the noise in both is one.
func TestMatchFollowsThePath(t *testing.T) {
	const n, d = 200, 3
	b := fullBatch(normalTensor[float64](n, d, rng.New(1)), normalTensor[float64](n, d, rng.New(2)))
	for _, p := range allPaths() {
		ts, x, u := filled(p, nil, b, rng.New(3))
		lo, hi := Span(p)
		for i, ti := range ts {
			require.GreaterOrEqual(t, ti, lo)
			require.LessOrEqual(t, ti, hi)
			k := p.At(ti)
			for j := range d {
				x0, x1 := b.X0.Row(i)[j], b.X1.Row(i)[j]
				nx := x.Row(i)[j] - k.A*x1 - k.B*x0
				nu := u.Row(i)[j] - k.DA*x1 - k.DB*x0
				if k.C == 0 {
					require.InDelta(t, 0, nx, 1e-12)
					continue
				}
				require.Less(t, math.Abs(nx/k.C), 6.0)
				require.InDelta(t, k.DC*nx/k.C, nu, 1e-9*(1+math.Abs(nu)+math.Abs(k.DC/k.C)), "%T%+v", p, p)
			}
		}
	}
}

// Given the ends, xₜ has mean a·x₁ + b·x₀ and variance c².
func TestPathMoments(t *testing.T) {
	const n = 4000
	b := fullBatch(autograd.NewTensor[float64](n, 2), autograd.NewTensor[float64](n, 2))
	for i := range n {
		copy(b.X0.Row(i), []float64{1, -2})
		copy(b.X1.Row(i), []float64{3, 0.5})
	}
	for _, p := range []Path{Tube{0.3}, Bridge{0.8}, VE{0.1, 2}} {
		at := 0.4
		_, x, _ := filled(p, func(float64) float64 { return at }, b, rng.New(4))
		lo, hi := Span(p)
		k := p.At(lo + (hi-lo)*at)
		var mean, q [2]float64
		for i := range n {
			for j := range 2 {
				mean[j] += x.Row(i)[j] / n
				r := x.Row(i)[j] - k.A*b.X1.Row(i)[j] - k.B*b.X0.Row(i)[j]
				q[j] += r * r / n
			}
		}
		for j := range 2 {
			require.InDelta(t, k.A*b.X1.Row(0)[j]+k.B*b.X0.Row(0)[j], mean[j], 5*k.C/math.Sqrt(n))
			require.InEpsilon(t, k.C*k.C, q[j], 0.12)
		}
	}
}

// Trap P48: times lie in [0, 1), one in each of n equal parts after the shift, with the law asked for.
func TestTimesAreStratified(t *testing.T) {
	const n = 512
	b := fullBatch(autograd.NewTensor[float64](n, 1), autograd.NewTensor[float64](n, 1))
	for _, c := range []struct {
		law TimeLaw
		cdf func(t float64) float64
	}{
		{UniformTime, func(t float64) float64 { return t }},
		{PowerTime(2), func(t float64) float64 { return t * t * t }},
		{nil, func(t float64) float64 { return t/4 + t*t*t*3/4 }},
		{PowerTime(1), func(t float64) float64 { return t * t }},
	} {
		ts, _, _ := filled(CondOT{}, c.law, b, rng.New(5))
		u := make([]float64, n)
		for i, v := range ts {
			require.GreaterOrEqual(t, v, 0.0)
			require.Less(t, v, 1.0)
			u[i] = c.cdf(v)
		}
		slices.Sort(u)
		within := 2.0 / n // stratified: so near is the empirical law to the true one
		if c.law == nil {
			within *= 2 // either part of the mixture is
		}
		for i, v := range u {
			require.InDelta(t, float64(i)/n, v, within)
		}
	}
	// The default is a quarter of UniformTime and three of PowerTime(2), to the bit.
	a, _, _ := filled(CondOT{}, nil, b, rng.New(6))
	p, _, _ := filled(CondOT{}, func(u float64) float64 {
		if u < 0.25 {
			return UniformTime(u * 4)
		}
		return PowerTime(2)((u - 0.25) / 0.75)
	}, b, rng.New(6))
	require.Equal(t, a, p)
	// A row's time is uniform over many steps: no row keeps to one part of [0, 1).
	var early float64
	for k := range 2000 {
		s, _, _ := filled(CondOT{}, UniformTime, Batch[float64]{X0: b.X0.Slice(0, 1), X1: b.X1.Slice(0, 1), Row: []int{0}, Total: n}, rng.New(7).Fold(uint64(k)))
		if s[0] < 0.5 {
			early++
		}
	}
	require.InDelta(t, 0.5, early/2000, 0.05)
}

// A shard's rows have the noise and times they have in the whole batch.
func TestShardsKeepTheirNoise(t *testing.T) {
	const n = 200
	b := fullBatch(normalTensor[float64](n, 2, rng.New(1)), normalTensor[float64](n, 2, rng.New(2)))
	ts, x, u := filled(Bridge{0.5}, nil, b, rng.New(3))
	for _, cut := range [][2]int{{0, 10}, {10, 64}, {50, 137}, {137, 200}} {
		s := b.slice(cut[0], cut[1])
		t1, x1, u1 := filled(Bridge{0.5}, nil, s, rng.New(3))
		require.Equal(t, ts[cut[0]:cut[1]], t1)
		require.Equal(t, x.Slice(cut[0], cut[1]).Data, x1.Data)
		require.Equal(t, u.Slice(cut[0], cut[1]).Data, u1.Data)
	}
}

// S3: Lipman's path with σ = 0 is the rectified line, bit for bit.
func TestCondOTIsRectified(t *testing.T) {
	b := fullBatch(normalTensor[float64](50, 2, rng.New(1)), normalTensor[float64](50, 2, rng.New(2)))
	_, x, u := filled(CondOT{}, nil, b, rng.New(3))
	_, y, w := filled(Tube{}, nil, b, rng.New(3))
	require.Equal(t, x.Data, y.Data)
	require.Equal(t, u.Data, w.Data)
}

// S2: the loss at the best field is not zero but the mean conditional variance of u: here, between
// N(0, I) and N(m, s²·I), known in closed form; and no other field has less.
func TestLossLevelsOffAboveZero(t *testing.T) {
	const n = 20000
	m, s := []float64{1, -1}, []float64{2, 0.5}
	b := fullBatch(normalTensor[float64](n, 2, rng.New(1)), normalTensor[float64](n, 2, rng.New(2)))
	for i := range n {
		for j := range 2 {
			b.X1.Row(i)[j] = m[j] + s[j]*b.X1.Row(i)[j]
		}
	}
	loss := func(f Field[float64]) float64 {
		tp := autograd.NewTape[float64](nil)
		return Match(f, CondOT{}, UniformTime)(tp, b, rng.New(3)).Item() / n
	}
	best := loss(gaussField[float64](m, s))
	// Var(u|x) = s²·1/(t²s² + (1-t)²), averaged over t.
	var want float64
	for j := range 2 {
		for k := range 2000 {
			t := (float64(k) + 0.5) / 2000
			want += s[j] * s[j] / (t*t*s[j]*s[j] + (1-t)*(1-t)) / 2000 / 2
		}
	}
	require.InEpsilon(t, want, best, 0.03)
	require.Less(t, best, loss(zeroField))
	require.Less(t, best, loss(gaussField[float64]([]float64{1.1, -1}, s)))
}

// ∇ of the conditional loss is ∇ of the marginal one (Lipman et al. 2023, thm 2): for v = w·x the
// two gradients by w, E 2(w·x - u)·x and E 2(w·x - v*(x))·x, agree within sampling error.
func TestConditionalGradientIsMarginal(t *testing.T) {
	const n = 40000
	m, s := []float64{1}, []float64{0.7}
	b := fullBatch(normalTensor[float64](n, 1, rng.New(11)), normalTensor[float64](n, 1, rng.New(12)))
	for i := range b.X1.Data {
		b.X1.Data[i] = m[0] + s[0]*b.X1.Data[i]
	}
	ts, x, u := filled(CondOT{}, UniformTime, b, rng.New(13))
	tp := autograd.NewTape[float64](nil)
	v := gaussField[float64](m, s).Velocity(Query[float64]{T: tp.Const(autograd.FromSlice(ts, n, 1)), X: tp.Const(x)}).Value().Data
	var cond, marg, q float64
	for i := range n {
		d := (u.Data[i] - v[i]) * x.Data[i]
		cond += u.Data[i] * x.Data[i] / n
		marg += v[i] * x.Data[i] / n
		q += d * d / n
	}
	require.InDelta(t, cond, marg, 4*math.Sqrt(q/n))
}

func TestMatchRefusesWrongPaths(t *testing.T) {
	require.Panics(t, func() { Match[float64](zeroField, wrongPath{}, nil) })
	require.Panics(t, func() { Match[float64](zeroField, CondOT{math.NaN()}, nil) })
}
