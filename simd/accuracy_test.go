package simd

import (
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// ulps returns |got - want| in units of the last place of want as an F, subnormal numbers included.
func ulps[F Float](got F, want float64) float64 {
	w := F(want)
	switch {
	case want != want || got != got:
		if want != want && got != got {
			return 0
		}
		return math.Inf(1)
	case float64(got) == want || got == w && math.IsInf(float64(w), 0):
		return 0
	}
	unit := math.Ldexp(1, -149)
	frac := 24
	if !is32[F]() {
		unit, frac = math.Ldexp(1, -1074), 53
	}
	_, e := math.Frexp(want)
	unit = max(unit, math.Ldexp(1, e-frac))
	return math.Abs(float64(got)-want) / unit
}

// phi and sigma are truths in float64, from package math, in forms that keep their relative accuracy.
func phi(x float64) float64   { return 0.5 * math.Erfc(-x/math.Sqrt2) }
func sigma(x float64) float64 { return math.Exp(min(x, 0)) / (1 + math.Exp(-math.Abs(x))) }

// truths1 gives, for each function of one argument, the truth and the bound in ulps that its doc comment
// names for float32.
var truths1 = []struct {
	name  string
	f     func(float64) float64
	bound float64
}{
	{"Exp", math.Exp, 1},
	{"Log", math.Log, 1},
	{"Sqrt", math.Sqrt, 0.5},
	{"Tanh", math.Tanh, 3},
	{"Erf", math.Erf, 1.5},
	{"Sin", math.Sin, 2},
	{"Cos", math.Cos, 2},
	{"Sigmoid", sigma, 2.5},
	{"SiLU", func(x float64) float64 { return x * sigma(x) }, 3.5},
	{"GELU", func(x float64) float64 { return x * phi(x) }, 6.5},
	{"SELU", func(x float64) float64 {
		if x > 0 {
			return SELULambda * x
		}
		return SELULambda * SELUAlpha * math.Expm1(x)
	}, 2.5},
	{"ELU", func(x float64) float64 {
		if x > 0 {
			return x
		}
		return math.Expm1(x)
	}, 1.5},
	{"Softplus", func(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }, 2},
}

// sweep calls f with float32 numbers of every exponent and both signs, n of each, evenly spaced and
// shifted so that no power of two is favoured.
func sweep(n int, f func(x float32)) {
	for e := range uint32(256) {
		for i := range uint32(n) {
			u := e<<23 | uint32(uint64(i)<<23/uint64(n)) + i%7
			f(math.Float32frombits(u))
			f(math.Float32frombits(u | 1<<31))
		}
	}
}

func TestAccuracy32(t *testing.T) {
	n := 4000
	if testing.Short() {
		n = 60
	}
	k := Best[float32]()
	for _, c := range truths1 {
		t.Run(c.name, func(t *testing.T) {
			var xs []float32
			sweep(n, func(x float32) { xs = append(xs, x) })
			ys := make([]float32, len(xs))
			byName1(k, c.name)(ys, xs)
			worst, at := 0.0, float32(0)
			for i, x := range xs {
				if u := ulps(ys[i], c.f(float64(x))); u > worst {
					worst, at = u, x
				}
			}
			t.Logf("%s: %.3f ulp at %g", c.name, worst, at)
			require.LessOrEqual(t, worst, c.bound, "at %g", at)
		})
	}
}

// TestAccuracyOfAll goes through every float32 from 2⁻¹² to 2⁸, where all that is not a straight line, a constant or
// the tail of exp happens. It takes minutes, so it must be asked for.
func TestAccuracyOfAll(t *testing.T) {
	if os.Getenv("SIMD_ALL") == "" {
		t.Skip("set SIMD_ALL=1 to go through every float32")
	}
	k := Best[float32]()
	for _, c := range truths1 {
		f := byName1(k, c.name)
		worst, at := 0.0, float32(0)
		x, y := make([]float32, 1<<14), make([]float32, 1<<14)
		for u := uint32(127-12) << 23; u < (127+8)<<23; u += 1 << 14 {
			for _, sign := range []uint32{0, 1 << 31} {
				for i := range x {
					x[i] = math.Float32frombits(sign | u + uint32(i))
				}
				f(y, x)
				for i, v := range x {
					if e := ulps(y[i], c.f(float64(v))); e > worst {
						worst, at = e, v
					}
				}
			}
		}
		t.Logf("%s: %.4f ulp at %g", c.name, worst, at)
		require.LessOrEqual(t, worst, c.bound, "%s at %g", c.name, at)
	}
}
