package cfm

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func allPaths() []Path {
	return []Path{
		CondOT{}, CondOT{0.1}, Tube{}, Tube{0.1}, VP{}, VP{0.2, 5}, VE{}, VE{0.1, 3},
		Cosine{}, Cosine{0.2}, Bridge{0.5}, Bridge{1}, Polynomial{}, Polynomial{2}, Polynomial{1.5}, LinearVP{},
	}
}

func TestPathDerivatives(t *testing.T) {
	for _, p := range allPaths() {
		require.NoError(t, CheckPath(p), "%T%+v", p, p)
	}
}

// The values trap P2 asks for: where each path starts, passes and ends.
func TestPathEnds(t *testing.T) {
	for _, c := range []struct {
		p                Path
		t                float64
		a, b, cc, da, db float64
	}{
		{CondOT{0.1}, 0, 0, 1, 0, 1, -0.9},
		{CondOT{0.1}, 0.5, 0.5, 0.55, 0, 1, -0.9},
		{CondOT{0.1}, 1, 1, 0.1, 0, 1, -0.9},
		{Tube{0.1}, 0, 0, 1, 0.1, 1, -1},
		{Tube{0.1}, 1, 1, 0, 0.1, 1, -1},
		{Cosine{}, 0, 0, 1, 0, math.Pi / 2, 0},
		{Cosine{}, 1, 1, 0, 0, 0, -math.Pi / 2},
		{Bridge{2}, 0.5, 0.5, 0.5, 1, 1, -1},
		{Bridge{2}, 1, 1, 0, 0, 1, -1},
	} {
		k := c.p.At(c.t)
		require.InDelta(t, c.a, k.A, 1e-15, "%T%+v a(%g)", c.p, c.p, c.t)
		require.InDelta(t, c.b, k.B, 1e-15, "%T%+v b(%g)", c.p, c.p, c.t)
		require.InDelta(t, c.cc, k.C, 1e-15, "%T%+v c(%g)", c.p, c.p, c.t)
		require.InDelta(t, c.da, k.DA, 1e-15, "%T%+v da(%g)", c.p, c.p, c.t)
		require.InDelta(t, c.db, k.DB, 1e-15, "%T%+v db(%g)", c.p, c.p, c.t)
	}
}

// VP and LinearVP and Cosine keep the variance: a² + b² = 1.
func TestPathPreservesVariance(t *testing.T) {
	for _, p := range []Path{VP{}, VP{0.3, 4}, LinearVP{}, Cosine{}} {
		for i := 0; i <= 20; i++ {
			k := p.At(float64(i) / 20)
			require.InDelta(t, 1, k.A*k.A+k.B*k.B, 1e-14, "%T", p)
		}
	}
}

func TestPathFiniteEverywhere(t *testing.T) {
	for _, p := range allPaths() {
		for _, x := range []float64{0, 1e-300, 1e-16, 1e-9, 1e-4, 0.5, 1 - 1e-9, 1 - 1e-16, 1} {
			k := p.At(x)
			for _, v := range []float64{k.A, k.B, k.C, k.DA, k.DB, k.DC} {
				require.False(t, bad(v), "%T%+v at %g: %+v", p, p, x, k)
			}
		}
	}
}

type wrongPath struct{}

func (wrongPath) At(t float64) Coeffs { return Coeffs{A: t * t, B: 1 - t, DA: t, DB: -1} }

func TestCheckPathFindsMistakes(t *testing.T) {
	require.ErrorContains(t, CheckPath(wrongPath{}), "derivative of a")
	require.ErrorContains(t, CheckPath(Tube{-1}), "not negative")
	require.ErrorContains(t, CheckPath(Tube{math.NaN()}), "not finite")
	require.ErrorContains(t, CheckPath(Cosine{-1}), "not negative")
	require.ErrorContains(t, CheckPath(Bridge{-1}), "not negative")
	require.ErrorContains(t, CheckPath(CondOT{-0.1}), "not negative")
	require.ErrorContains(t, CheckPath(CondOT{1.5}), "at most 1")
	require.ErrorContains(t, CheckPath(CondOT{math.NaN()}), "not negative")
	require.ErrorContains(t, CheckPath(VE{-1, 2}), "positive")
	require.ErrorContains(t, CheckPath(VP{-1, 2}), "not negative")
	require.ErrorContains(t, CheckPath(Polynomial{0.5}), "at least 1")
}
