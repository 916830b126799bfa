package cfm

import (
	"fmt"
	"math"
	"sort"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/autograd"
	"pushforward/odeint"
	"pushforward/simd"
	"pushforward/simd/rng"
)

// known is a flow with rows of its law and their log-densities in closed form.
type known[F simd.Float] struct {
	name, kind string
	flow       *Flow[F]
	x          autograd.Tensor[F]
	logp       []float64
}

// knownFlows are Gaussians, linear fields and the marginal fields of mixtures in 1, 2, 5 and 16 dimensions.
func knownFlows[F simd.Float](rows int) []known[F] {
	var all []known[F]
	// point rounds a row to F, of which the closed form is then taken.
	add := func(kind, name string, dim int, flow *Flow[F], point func(dst []float64, i int), logp func(x []float64) float64) {
		k := known[F]{name: fmt.Sprintf("%s, %d dimensions", name, dim), kind: kind, flow: flow, x: autograd.NewTensor[F](rows, dim)}
		row := make([]float64, dim)
		for i := range rows {
			point(row, i)
			for j, v := range row {
				k.x.Row(i)[j] = F(v)
				row[j] = float64(F(v))
			}
			k.logp = append(k.logp, logp(row))
		}
		all = append(all, k)
	}
	for _, d := range []int{1, 2, 5, 16} {
		normal := func(dst []float64, i int) { rng.Normal(rng.New(5).Fold(uint64(i)), dst) }
		m, s, zero, one := make([]float64, d), make([]float64, d), make([]float64, d), make([]float64, d)
		a := make([][]float64, d)
		var trace float64
		for j := range d {
			m[j], s[j], one[j] = float64(j)/2-1, 0.5+float64(j)/8, 1
			a[j] = make([]float64, d)
			for k := range d {
				a[j][k] = float64(F(math.Sin(float64(3*j+7*k+1)) * 0.8))
			}
			trace += a[j][j]
		}
		add("gauss", "gauss", d, &Flow[F]{Dim: d, Field: gaussField[F](m, s)}, func(dst []float64, i int) {
			normal(dst, i)
			for j := range dst {
				dst[j] = m[j] + s[j]*dst[j]
			}
		}, func(x []float64) float64 { return gaussLogProb(x, m, s) })
		add("linear", "linear", d, &Flow[F]{Dim: d, Field: linearField[F](a)}, normal,
			func(x []float64) float64 { return gaussLogProb(expMinus(a, x), zero, one) - trace })
		for _, sigma := range []float64{0.5, 0.3} {
			pts := autograd.NewTensor[F](6, d)
			rng.Normal(rng.New(9), pts.Data)
			wide := make([]float64, d)
			for j := range wide {
				wide[j] = sigma
			}
			at := func(k int) []float64 {
				c := make([]float64, d)
				for j, v := range pts.Row(k) {
					c[j] = float64(v)
				}
				return c
			}
			add("mixture", fmt.Sprintf("mixture %g", sigma), d, &Flow[F]{Dim: d, Field: Marginal(pts, CondOT{sigma})}, func(dst []float64, i int) {
				normal(dst, i)
				for j, v := range at(i % 6) {
					dst[j] = v + sigma*dst[j]
				}
			}, func(x []float64) float64 {
				var parts []float64
				for k := range 6 {
					parts = append(parts, gaussLogProb(x, at(k), wide)-math.Log(6))
				}
				return logSumExp(parts)
			})
		}
	}
	return all
}

// The error is within its bar for 95 rows in 100, and the bar within ten times the error in the median.
func TestErrorBarCovers(t *testing.T) {
	for _, tol := range []float64{0, 1e-5, 1e-8} {
		t.Run(fmt.Sprintf("float64 at %g", tol), func(t *testing.T) {
			testErrorBarCovers[float64](t, DensityOptions{Options: odeint.Options{Rtol: tol, Atol: tol}}, 10)
		})
	}
	t.Run("float32", func(t *testing.T) { testErrorBarCovers[float32](t, DensityOptions{}, 30) })
}

func testErrorBarCovers[F simd.Float](t *testing.T, opt DensityOptions, most float64) {
	var all []float64
	kinds := map[string][]float64{}
	for _, k := range knownFlows[F](byShort(t, 120, 40)) {
		d, err := k.flow.LogDensity(bg, k.x, opt)
		require.NoError(t, err)
		var wide []float64
		for i, want := range k.logp {
			wide = append(wide, d.Err[i]/math.Abs(d.LogP[i]-want))
		}
		t.Logf("%-28s within %.3f, bar/error %.1f, evals %.0f + %.0f", k.name, above(wide, 1), middle(wide), float64(d.Stats.RowEvals)/float64(len(wide)), float64(d.Check)/float64(len(wide)))
		all = append(all, wide...)
		kinds[k.kind] = append(kinds[k.kind], wide...)
	}
	for _, kind := range []string{"gauss", "linear", "mixture"} {
		wide := kinds[kind]
		t.Logf("%-28s within %.3f, bar/error %.1f", kind, above(wide, 1), middle(wide))
		require.GreaterOrEqual(t, above(wide, 1), 0.94, kind)
	}
	t.Logf("all within %.3f, bar/error %.1f", above(all, 1), middle(all))
	require.GreaterOrEqual(t, above(all, 1), 0.95)
	require.Less(t, middle(all), most)
}

// What was not asked for is not measured, and what was adds up in squares.
func TestPartsOfTheBar(t *testing.T) {
	f := &Flow[float64]{Dim: 3, Field: twistField[float64](3, rng.New(11))}
	x := normalTensor[float64](20, 3, rng.New(4))
	opt := DensityOptions{Options: odeint.Options{Rtol: 1e-6, Atol: 1e-6}, Key: rng.New(1)}
	mesh, err := f.LogDensity(bg, x, opt)
	require.NoError(t, err)
	require.Nil(t, mesh.Parts.RoundTrip)
	require.InDelta(t, 2.0/3, float64(mesh.Check)/float64(mesh.Stats.RowEvals), 0.1)
	opt.Check = CheckNone
	none, err := f.LogDensity(bg, x, opt)
	require.NoError(t, err)
	require.Equal(t, mesh.LogP, none.LogP)
	require.Nil(t, none.Parts.Solver)
	require.Zero(t, none.Check)
	opt.RoundTrip = true
	trip, err := f.LogDensity(bg, x, opt)
	require.NoError(t, err)
	require.Equal(t, mesh.LogP, trip.LogP)
	require.Equal(t, trip.Parts.RoundTrip, trip.Err)
	for _, v := range trip.Parts.RoundTrip {
		require.Positive(t, v)
		require.Less(t, v, 1e-4)
	}
	opt.Check, opt.Divergence = CheckAuto, Probes(4)
	probes, err := f.LogDensity(bg, x, opt)
	require.NoError(t, err)
	for i, e := range probes.Err {
		p := probes.Parts
		require.InEpsilon(t, math.Sqrt(p.Probe[i]*p.Probe[i]+p.Solver[i]*p.Solver[i]+p.Rounding[i]*p.Rounding[i]+p.RoundTrip[i]*p.RoundTrip[i]), e, 1e-12)
		require.Positive(t, p.Solver[i])
	}
	// Samples with their densities have bars too.
	s, d, err := f.SampleDensity(bg, 20, rng.New(2), DensityOptions{Options: opt.Options})
	require.NoError(t, err)
	tight, err := f.LogDensity(bg, s.X, tight())
	require.NoError(t, err)
	var wide []float64
	for i, v := range tight.LogP {
		wide = append(wide, d.Err[i]/math.Abs(v-d.LogP[i]))
	}
	require.GreaterOrEqual(t, above(wide, 1), 0.9)
}

// Fixed steps, and a solve of one step, have a bar as well.
func TestBarOfFixedSteps(t *testing.T) {
	for _, k := range knownFlows[float64](20) {
		if k.kind != "linear" {
			continue
		}
		for _, o := range []odeint.Options{{Method: odeint.RK4, Step: 0.1}, {Method: odeint.Heun, Step: 0.02}, {Method: odeint.Dopri5, Step: 1}} {
			d, err := k.flow.LogDensity(bg, k.x, DensityOptions{Options: o})
			require.NoError(t, err)
			var wide []float64
			for i, want := range k.logp {
				wide = append(wide, d.Err[i]/math.Abs(d.LogP[i]-want))
			}
			require.GreaterOrEqual(t, above(wide, 1), 0.9, "%s %s", k.name, o.Method)
		}
	}
}

// above is the share of x that is at least a.
func above(x []float64, a float64) float64 {
	n := 0
	for _, v := range x {
		if v >= a {
			n++
		}
	}
	return float64(n) / float64(len(x))
}

func middle(x []float64) float64 {
	s := append([]float64(nil), x...)
	sort.Float64s(s)
	return s[len(s)/2]
}
