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

// The error is within its bar for 95 rows in 100, and the bar within ten times the error in the median, for each kind of
// law in each dimension.
func TestErrorBarCovers(t *testing.T) {
	tols := []float64{0, 1e-5, 1e-8}
	if testing.Short() {
		tols = tols[:1]
	}
	for i, tol := range tols {
		t.Run(fmt.Sprintf("float64 at %g", tol), func(t *testing.T) {
			testErrorBarCovers[float64](t, DensityOptions{Options: odeint.Options{Rtol: tol, Atol: tol}}, 20-6*i, 4)
		})
	}
	for _, tol := range []float64{0, 1e-4} {
		t.Run(fmt.Sprintf("float32 at %g", tol), func(t *testing.T) {
			testErrorBarCovers[float32](t, DensityOptions{Options: odeint.Options{Rtol: tol, Atol: tol}}, 16, 10)
		})
	}
}

func testErrorBarCovers[F simd.Float](t *testing.T, opt DensityOptions, rows int, most float64) {
	var all []float64
	for _, dim := range []int{1, 2, 3, 5, 16} {
		kinds, order := map[string][]float64{}, []string(nil)
		for _, k := range zoo[F](dim, byShort(t, 4, 2), rows, rng.New(20261128).Fold(uint64(dim))) {
			d, err := k.flow.LogDensity(bg, k.x, opt)
			require.NoError(t, err)
			if kinds[k.kind] == nil {
				order = append(order, k.kind)
			}
			for i, want := range k.logp {
				kinds[k.kind] = append(kinds[k.kind], d.Err[i]/math.Abs(d.LogP[i]-want))
			}
		}
		for _, kind := range order {
			wide := kinds[kind]
			all = append(all, wide...)
			t.Logf("%-22s within %.3f, bar/error %.1f", kind, above(wide, 1), middle(wide))
			require.GreaterOrEqual(t, above(wide, 1), 0.95, kind)
			require.LessOrEqual(t, middle(wide), most, kind)
		}
	}
	t.Logf("all within %.3f, bar/error %.1f", above(all, 1), middle(all))
	require.GreaterOrEqual(t, above(all, 1), 0.98)
	require.InDelta(t, 3, middle(all), 1)
}

// What was not asked for is not measured, and what was adds up in squares.
func TestPartsOfTheBar(t *testing.T) {
	f := &Flow[float64]{Dim: 3, Field: twistField[float64](3, rng.New(11))}
	x := normalTensor[float64](20, 3, rng.New(4))
	opt := DensityOptions{Options: odeint.Options{Rtol: 1e-6, Atol: 1e-6}, Key: rng.New(1)}
	mesh, err := f.LogDensity(bg, x, opt)
	require.NoError(t, err)
	require.Nil(t, mesh.Parts.RoundTrip)
	require.InDelta(t, nodes*sweeps/6./meshRatio, float64(mesh.Check)/float64(mesh.Stats.RowEvals), 0.3)
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
	for _, k := range zoo[float64](2, 4, 20, rng.New(3)) {
		if k.kind != "linear, 2 dimensions" {
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
