package cfm

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/autograd"
	"pushforward/odeint"
	"pushforward/simd/rng"
)

// gaussHermite integrates f against N(0, 1) by the trapezoid rule, which is exact to rounding for what is smooth.
func gaussHermite(f func(z float64) float64) float64 {
	sum := 0.0
	for k := -400; k <= 400; k++ {
		z := float64(k) / 40
		sum += f(z) * math.Exp(-z*z/2) / math.Sqrt(2*math.Pi) / 40
	}
	return sum
}

// The laws given x₁ and given x₀ are those given both, averaged over the end that is left out: density and velocity.
func TestConditionalLaws(t *testing.T) {
	gauss := func(x, mean, s float64) float64 {
		return math.Exp(-(x-mean)*(x-mean)/(2*s*s)) / (s * math.Sqrt(2*math.Pi))
	}
	for _, p := range []Path{Tube{0.3}, Bridge{1}, Cosine{0.4}} {
		for _, at := range []float64{0.2, 0.5, 0.8} {
			k := p.At(at)
			both := k.Given(GivenBoth)
			for _, x := range []float64{-0.7, 0.4, 1.5} {
				for _, c := range []struct {
					g    Given
					pair func(free float64) (x0, x1 float64)
				}{
					{GivenX1, func(free float64) (float64, float64) { return free, 0.9 }},
					{GivenX0, func(free float64) (float64, float64) { return -0.6, free }},
				} {
					law := k.Given(c.g)
					density := func(free float64) float64 {
						x0, x1 := c.pair(free)
						return gauss(x, both.Mean(x0, x1), both.S)
					}
					mass := gaussHermite(density)
					flux := gaussHermite(func(free float64) float64 {
						x0, x1 := c.pair(free)
						return density(free) * both.Velocity(x, x0, x1)
					})
					x0, x1 := c.pair(0)
					what := fmt.Sprintf("%T given %s at t=%g, x=%g", p, c.g, at, x)
					require.InDelta(t, gauss(x, law.Mean(x0, x1), law.S), mass, 1e-9, what)
					require.InDelta(t, flux/mass, law.Velocity(x, x0, x1), 1e-8, what)
				}
			}
		}
	}
	// Without width the point is the mean.
	law := CondOT{}.At(0.25).Given(GivenBoth)
	require.Equal(t, ConditionalLaw{M0: 0.75, M1: 0.25, DM0: -1, DM1: 1}, law)
	require.Equal(t, 3.0, law.Velocity(99, -1, 2))
	// Lipman's formula: (x₁ - (1-σ)x)/(1 - (1-σ)t).
	require.InDelta(t, (2-0.9*0.7)/(1-0.9*0.4), CondOT{0.1}.At(0.4).Given(GivenX1).Velocity(0.7, 0, 2), 1e-12)
	require.Equal(t, "x₁", GivenX1.String())
	require.Panics(t, func() { Coeffs{}.Given(Given(9)) })
}

func TestCheckSource(t *testing.T) {
	other := FromLaw(pointLaw{})
	require.NoError(t, CheckSource(CondOT{}, nil, GivenX1))
	require.NoError(t, CheckSource(CondOT{}, Normal{}, GivenX1))
	require.NoError(t, CheckSource(CondOT{}, other, GivenBoth))
	require.ErrorContains(t, CheckSource(CondOT{0.1}, other, GivenX1), "condition on x₀ and x₁")
	require.ErrorContains(t, CheckSource(VP{}, Normal{2}, GivenX1), "standard normal")
	require.Equal(t, Normal{Sigma: 50}, SourceOf(VE{}))
	require.Nil(t, SourceOf(CondOT{}))
	for _, g := range []Given{GivenBoth, GivenX1} {
		require.NoError(t, CheckSource(VE{0.1, 3}, SourceOf(VE{0.1, 3}), g))
		for _, s := range []Source{nil, Normal{}, Normal{4}, other} {
			require.ErrorContains(t, CheckSource(VE{0.1, 3}, s, g), "Normal{Sigma: 3}")
		}
	}
}

type pointLaw struct{}

func (pointLaw) Sample(dst []float64, _ rng.Key)           { clear(dst) }
func (pointLaw) LogProb([]float64) (logp float64, ok bool) { return 0, false }

// The closed-form field of one path, changed to another, is the closed-form field of the other.
func TestChangePath(t *testing.T) {
	pts := normalTensor[float64](7, 2, rng.New(1))
	x := normalTensor[float64](20, 2, rng.New(2))
	velocity := func(f Field[float64], at float64) []float64 {
		tp := autograd.NewTape[float64](nil)
		return f.Velocity(Query[float64]{T: tp.Full(autograd.Dims(20, 1), at), X: tp.Const(x)}).Value().Data
	}
	paths := []Path{CondOT{}, Cosine{}, Polynomial{2}, Polynomial{1.5}, LinearVP{}, VP{}, VP{0.2, 5}}
	for _, from := range paths {
		for _, to := range paths {
			f, err := ChangePath(Marginal(pts, from), from, to)
			require.NoError(t, err)
			// Before that time no time of from has as little of the data.
			start := TimeOfSNR(to, from.At(0).A/from.At(0).B)
			for _, at := range []float64{0, 1e-3, 0.2, 0.5, 0.8, 0.95, 0.99} {
				if at < start || at == 0 && to.At(0).DA == 0 {
					continue
				}
				want := velocity(Marginal(pts, to), at)
				near(t, fmt.Sprintf("%T%+v → %T%+v at t=%g", from, from, to, to, at), want, velocity(f, at), 2e-6, 2e-6)
			}
		}
	}
	// The same noise arrives at the same points.
	a := &Flow[float64]{Dim: 2, Field: Marginal(pts, CondOT{})}
	f, err := ChangePath(a.Field, CondOT{}, Cosine{})
	require.NoError(t, err)
	b := &Flow[float64]{Dim: 2, Field: f}
	opt := odeint.Options{Rtol: 1e-7, Atol: 1e-7}
	ends := [2][]float64{}
	for i, flow := range []*Flow[float64]{a, b} {
		s, err := flow.Transport(context.Background(), x, 0, 1-1e-6, opt)
		require.NoError(t, err)
		ends[i] = s.X.Data
	}
	near(t, "ends", ends[0], ends[1], 0, 1e-4)

	for _, c := range []struct {
		from, to Path
		want     string
	}{
		{Tube{0.1}, CondOT{}, "two kinds of noise"}, {CondOT{}, CondOT{0.1}, "keeps noise"}, {CondOT{}, VE{}, "keeps noise"},
		{wrongPath{}, CondOT{}, "derivative of a"}, {CondOT{}, Polynomial{0.5}, "at least 1"},
	} {
		_, err := ChangePath(a.Field, c.from, c.to)
		require.ErrorContains(t, err, c.want)
	}
}

// Stratified times have one in each part of [0, 1), shifted; independent ones have parts without any, about e⁻¹ of them.
func TestMatchUnstratified(t *testing.T) {
	const n = 1000
	var times []float64
	f := FieldFunc[float64](func(q Query[float64]) autograd.Var[float64] {
		times = append(times, q.T.Value().Data...)
		return q.X
	})
	b := Batch[float64]{X0: normalTensor[float64](n, 1, rng.New(1)), X1: normalTensor[float64](n, 1, rng.New(2)), Total: n}
	for i := range n {
		b.Row = append(b.Row, i)
	}
	empty := func(m Objective[float64]) (parts int) {
		times = nil
		m(autograd.NewTape[float64](nil), b, rng.New(3))
		seen := map[int]bool{}
		mean := 0.0
		for _, at := range times {
			seen[int(at*at*n)] = true // PowerTime(1): t² is uniform
			mean += at / n
		}
		require.InDelta(t, 2./3, mean, 4*math.Sqrt(1./18/n))
		return n - len(seen)
	}
	require.Less(t, empty(Match(f, nil, PowerTime(1))), n/3, "two to three strata of neighbours")
	require.InDelta(t, n/math.E, empty(MatchUnstratified(f, nil, PowerTime(1))), 5*math.Sqrt(n*0.23))
	require.Panics(t, func() { MatchUnstratified(f, wrongPath{}, nil) })
}

func TestLogitNormalTime(t *testing.T) {
	for _, c := range [][2]float64{{0, 1}, {0.5, 0.7}, {-1, 2}} {
		law := LogitNormalTime(c[0], c[1])
		for _, u := range []float64{1e-9, 0.01, 0.3, 0.5, 0.8, 1 - 1e-9} {
			at := law(u)
			require.True(t, at >= 0 && at <= 1)
			z := (math.Log(at/(1-at)) - c[0]) / c[1]
			require.InDelta(t, u, 0.5*math.Erfc(-z/math.Sqrt2), 1e-9)
		}
		require.Zero(t, law(0))
		require.InDelta(t, 1/(1+math.Exp(-c[0])), law(0.5), 1e-15)
	}
	for _, c := range [][2]float64{{0, 0}, {0, -1}, {math.NaN(), 1}, {0, math.Inf(1)}} {
		require.Panics(t, func() { LogitNormalTime(c[0], c[1]) })
	}
}

// From its own wide source a variance exploding flow arrives at the data blurred by σ_min, and has their density.
func TestVarianceExplodingSource(t *testing.T) {
	p := VE{0.05, 6}
	pts := autograd.FromSlice([]float64{-1, 1}, 2, 1)
	f := &Flow[float64]{Dim: 1, Field: Marginal(pts, p), Source: SourceOf(p)}
	got, err := f.Sample(bg, 1000, rng.New(1), odeint.Options{Rtol: 1e-6, Atol: 1e-6})
	require.NoError(t, err)
	near, right := 0, 0
	for _, x := range got.X.Data {
		if math.Abs(math.Abs(x)-1) < 4*0.05 {
			near++
		}
		if x > 0 {
			right++
		}
	}
	require.Greater(t, near, 990)
	require.InDelta(t, 500, right, 70)
	d, err := f.LogDensity(bg, autograd.FromSlice([]float64{1, -1, 0.95}, 3, 1), DensityOptions{Options: odeint.Options{Rtol: 1e-8, Atol: 1e-8}})
	require.NoError(t, err)
	for i, x := range []float64{1, -1, 0.95} {
		want := math.Log(0.5 / (0.05 * math.Sqrt(2*math.Pi)) * math.Exp(-(math.Abs(x)-1)*(math.Abs(x)-1)/(2*0.05*0.05)))
		require.InDelta(t, want, d.LogP[i], 0.03) // N(0, 36) stands for the data blurred by 6
	}
}
