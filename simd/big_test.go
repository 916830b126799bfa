package simd

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// The truths for float64, which need more than float64: power series in big.Float.

const bigPrec = 1400

func bigOf(x float64) *big.Float { return new(big.Float).SetPrec(bigPrec).SetFloat64(x) }

func bigAdd(a, b *big.Float) *big.Float { return new(big.Float).SetPrec(bigPrec).Add(a, b) }
func bigSub(a, b *big.Float) *big.Float { return new(big.Float).SetPrec(bigPrec).Sub(a, b) }
func bigMul(a, b *big.Float) *big.Float { return new(big.Float).SetPrec(bigPrec).Mul(a, b) }
func bigQuo(a, b *big.Float) *big.Float { return new(big.Float).SetPrec(bigPrec).Quo(a, b) }

// series sums terms from the first on, each made of the one before, until they no longer matter.
func series(term *big.Float, next func(term *big.Float, n int64) *big.Float) *big.Float {
	sum := bigOf(0)
	for n := int64(1); term.Sign() != 0 && (sum.Sign() == 0 || term.MantExp(nil) > sum.MantExp(nil)-bigPrec); n++ {
		sum = bigAdd(sum, term)
		term = next(term, n)
	}
	return sum
}

// bigExp is Σ xⁿ/n!, after halving x ten times.
func bigExp(x *big.Float) *big.Float {
	h := new(big.Float).SetPrec(bigPrec).SetMantExp(x, -10)
	e := series(bigOf(1), func(t *big.Float, n int64) *big.Float { return bigQuo(bigMul(t, h), bigOf(float64(n))) })
	for range 10 {
		e = bigMul(e, e)
	}
	return e
}

// bigLog is Newton's method on bigExp.
func bigLog(x float64) *big.Float {
	y := bigOf(math.Log(x))
	for range 6 { // 50 bits, 100, …
		y = bigAdd(y, bigSub(bigMul(bigOf(x), bigExp(new(big.Float).Neg(y))), bigOf(1)))
	}
	return y
}

// bigSin and bigCos sum the power series, whose terms reach e^|x|: for |x| of some hundreds.
func bigSin(x float64) *big.Float {
	z := bigMul(bigOf(x), bigOf(-x))
	return series(bigOf(x), func(t *big.Float, n int64) *big.Float {
		return bigQuo(bigMul(t, z), bigOf(float64(2*n*(2*n+1))))
	})
}

func bigCos(x float64) *big.Float {
	z := bigMul(bigOf(x), bigOf(-x))
	return series(bigOf(1), func(t *big.Float, n int64) *big.Float {
		return bigQuo(bigMul(t, z), bigOf(float64(2*n*(2*n-1))))
	})
}

// bigErf is 2/√π·Σ (-1)ⁿ·x²ⁿ⁺¹/(n!·(2n+1)).
func bigErf(x *big.Float) *big.Float {
	z := new(big.Float).Neg(bigMul(x, x))
	n := int64(0)
	power := x
	sum := series(x, func(_ *big.Float, i int64) *big.Float {
		n = i
		power = bigQuo(bigMul(power, z), bigOf(float64(i)))
		return bigQuo(power, bigOf(float64(2*n+1)))
	})
	return bigMul(sum, bigQuo(bigOf(2), new(big.Float).SetPrec(bigPrec).Sqrt(bigPi())))
}

// bigPi is Machin's 16·atan 1/5 - 4·atan 1/239.
func bigPi() *big.Float {
	atan := func(q float64) *big.Float {
		power := bigQuo(bigOf(1), bigOf(q))
		return series(power, func(_ *big.Float, n int64) *big.Float {
			power = bigQuo(power, bigOf(-q*q))
			return bigQuo(power, bigOf(float64(2*n+1)))
		})
	}
	return bigSub(bigMul(bigOf(16), atan(5)), bigMul(bigOf(4), atan(239)))
}

func bigPhi(x float64) *big.Float { // ½·(1 + erf(x/√2))
	r := bigQuo(bigOf(x), new(big.Float).SetPrec(bigPrec).Sqrt(bigOf(2)))
	return bigMul(bigOf(0.5), bigAdd(bigOf(1), bigErf(r)))
}

func bigSigma(x *big.Float) *big.Float {
	return bigQuo(bigOf(1), bigAdd(bigOf(1), bigExp(new(big.Float).Neg(x))))
}

// ulpsBig is |got - want| in units of the last place of want as a float64.
func ulpsBig(got float64, want *big.Float) float64 {
	w, _ := want.Float64()
	_, e := math.Frexp(w)
	unit := math.Ldexp(1, max(e-53, -1074))
	d, _ := bigSub(bigOf(got), want).Float64()
	return math.Abs(d) / unit
}

// TestAccuracyBig checks the float64 functions, vector and scalar, against power series.
func TestAccuracyBig(t *testing.T) {
	k := Best[float64]()
	kernel := func(f func(dst, x []float64)) func(float64) float64 {
		return func(x float64) float64 {
			y := []float64{x}
			f(y, y)
			return y[0]
		}
	}
	one := bigOf(1)
	expm1 := func(x float64) *big.Float { return bigSub(bigExp(bigOf(x)), one) }
	for _, c := range []struct {
		name   string
		f      func(float64) float64
		truth  func(float64) *big.Float
		lo, hi float64
		bound  float64
	}{
		{"Exp", Exp, func(x float64) *big.Float { return bigExp(bigOf(x)) }, -744, 709, 1},
		{"Expm1", Expm1, expm1, -40, 60, 2},
		{"Expm1 small", Expm1, expm1, -1, 1, 2},
		{"Log", Log, bigLog, 1e-3, 4, 1},
		{"Log large", Log, bigLog, 1e10, 1e300, 1},
		{"Log1p", Log1p, func(x float64) *big.Float {
			v, _ := bigAdd(one, bigOf(x)).Float64()
			// log(1+x) from the rounded 1+x, and the remainder to second order.
			r := bigQuo(bigSub(bigAdd(one, bigOf(x)), bigOf(v)), bigOf(v))
			return bigAdd(bigLog(v), bigSub(r, bigMul(bigOf(0.5), bigMul(r, r))))
		}, -0.9, 3, 2},
		{"Sin", Sin, bigSin, -300, 300, 1},
		{"Cos", Cos, bigCos, -300, 300, 1},
		{"Tanh", Tanh, func(x float64) *big.Float {
			e := expm1(2 * x)
			return bigQuo(e, bigAdd(e, bigOf(2)))
		}, -20, 20, 3},
		{"Erf", Erf, func(x float64) *big.Float { return bigErf(bigOf(x)) }, -6, 6, 1},
		{"Sigmoid", kernel(k.Sigmoid), func(x float64) *big.Float { return bigSigma(bigOf(x)) }, -740, 40, 2.5},
		{"SiLU", kernel(k.SiLU), func(x float64) *big.Float { return bigMul(bigOf(x), bigSigma(bigOf(x))) }, -750, 40, 3},
		{"GELU", kernel(k.GELU), func(x float64) *big.Float { return bigMul(bigOf(x), bigPhi(x)) }, -20, 8, 5},
		{"SELU", kernel(k.SELU), func(x float64) *big.Float {
			return bigMul(bigOf(SELULambda*SELUAlpha), expm1(x)) // the product as the kernel has it
		}, -40, 0, 3},
		{"Softplus", kernel(k.Softplus), func(x float64) *big.Float {
			y := bigOf(math.Log1p(math.Exp(x)))
			for range 7 { // Newton on e^y - 1 = e^x
				ey := bigExp(y)
				y = bigSub(y, bigQuo(bigSub(bigSub(ey, one), bigExp(bigOf(x))), ey))
			}
			return y
		}, -40, 40, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := 100
			if testing.Short() {
				n = 5
			}
			r := rand.New(rand.NewPCG(1, 2))
			worst, at := 0.0, 0.0
			for range n {
				x := c.lo + (c.hi-c.lo)*r.Float64()
				if u := ulpsBig(c.f(x), c.truth(x)); u > worst {
					worst, at = u, x
				}
			}
			t.Logf("%s: %.3f ulp at %g", c.name, worst, at)
			require.LessOrEqual(t, worst, c.bound, "at %g", at)
		})
	}
}

// TestPow checks x^y against exact powers, and the special cases against math.Pow.
func TestPow(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		x, n := r.Float64()*2, r.IntN(400)
		want := bigOf(1)
		for range n {
			want = bigMul(want, bigOf(x))
		}
		if w, _ := want.Float64(); w > 1e-300 && w < 1e300 {
			require.LessOrEqual(t, ulpsBig(Pow(x, float64(n)), want), 2.0, "%g^%d", x, n)
			require.LessOrEqual(t, ulpsBig(Pow(x, -float64(n)), bigQuo(bigOf(1), want)), 2.0, "%g^-%d", x, n)
		}
		root := Pow(x, 0.5)
		require.InEpsilon(t, math.Sqrt(x), root, 4e-16)
	}
	special := []float64{0, math.Copysign(0, -1), 1, -1, 2, -2, 3, -3, 0.5, -0.5, 1e300, -1e300, math.Inf(1), math.Inf(-1), math.NaN(), 1 << 60}
	for _, x := range special {
		for _, y := range special {
			got, want := Pow(x, y), math.Pow(x, y)
			require.True(t, same(got, want) || math.Abs(got-want) <= 4e-16*math.Abs(want), "%v^%v = %v, want %v", x, y, got, want)
		}
	}
}

func TestErfInv(t *testing.T) {
	for _, x := range []float64{1e-300, 1e-10, 0.001, 0.1, 0.3, 0.5, 0.7, 0.74, 0.75, 0.76, 0.9, 0.99, 0.999999, 1 - 1e-10, 1 - 1.0/(1<<53)} {
		y := ErfInv(x)
		// erf' = 2/√π·exp(-y²): what half a unit of y moves, plus what the truth is off.
		slope := 2 / math.Sqrt(math.Pi) * math.Exp(-y*y)
		miss, _ := bigSub(bigErf(bigOf(y)), bigOf(x)).Float64()
		require.LessOrEqual(t, math.Abs(miss/slope), 2*math.Ldexp(y, -52), "%v", x)
		require.Equal(t, -y, ErfInv(-x))
	}
	require.Equal(t, math.Inf(1), ErfInv(1))
	require.Equal(t, math.Inf(-1), ErfInv(-1))
	require.True(t, math.IsNaN(ErfInv(1.1)))
	require.True(t, math.IsNaN(ErfInv(math.NaN())))
	require.Zero(t, ErfInv(0))
}

// TestScalarsAreLanes compares the scalar functions with every tier's Kernels[float64].
func TestScalarsAreLanes(t *testing.T) {
	for _, l := range Levels() {
		k := At[float64](l)
		x := append(specials[float64](), inputs[float64](rand.New(rand.NewPCG(1, 2)), 1, 500)[0]...)
		y := make([]float64, len(x))
		for name, c := range map[string]struct {
			kernel func(dst, x []float64)
			scalar func(float64) float64
		}{"Exp": {k.Exp, Exp}, "Log": {k.Log, Log}, "Sin": {k.Sin, Sin}, "Cos": {k.Cos, Cos}, "Tanh": {k.Tanh, Tanh}, "Erf": {k.Erf, Erf}} {
			c.kernel(y, x)
			for i, v := range x {
				require.True(t, same(y[i], c.scalar(v)), "%s %v at %v: %v and %v", name, l, v, y[i], c.scalar(v))
			}
		}
	}
}

// TestGradients compares the derivatives with those of package math in float64.
func TestGradients(t *testing.T) {
	gauss := func(x float64) float64 { return math.Exp(-x*x/2) / math.Sqrt(2*math.Pi) }
	step := func(x, neg, pos float64) float64 {
		if x > 0 {
			return pos
		}
		return neg
	}
	truths := map[string]func(x float64) float64{
		"TanhGrad":    func(y float64) float64 { return 1 - y*y },
		"SigmoidGrad": func(y float64) float64 { return y * (1 - y) },
		"SiLUGrad":    func(x float64) float64 { return sigma(x) * (1 + x*sigma(-x)) },
		"GELUGrad":    func(x float64) float64 { return phi(x) + x*gauss(x) },
		"GELUTanhGrad": func(x float64) float64 {
			c := 2 * math.Sqrt(2/math.Pi)
			a := c * (x + 0.044715*x*x*x)
			return sigma(a) * (1 + x*sigma(-a)*c*(1+3*0.044715*x*x))
		},
		"SELUGrad": func(x float64) float64 { return SELULambda * step(x, SELUAlpha*math.Exp(x), 1) },
		"ELUGrad":  func(x float64) float64 { return step(x, math.Exp(x), 1) },
	}
	k32, k64 := Best[float32](), Best[float64]()
	for name, f := range truths {
		for x := -30.0; x < 30; x += 0.01 {
			v := float64(float32(x))
			d32, d64 := []float32{0}, []float64{0}
			field(k32, name).(func(dst, x, g []float32))(d32, []float32{float32(v)}, []float32{0.5})
			field(k64, name).(func(dst, x, g []float64))(d64, []float64{v}, []float64{0.5})
			want := 0.5 * f(v)
			require.InDelta(t, want, float64(d32[0]), 4e-7*max(1, math.Abs(want)), "%s at %v", name, v)
			require.InDelta(t, want, d64[0], 1e-15*max(1, math.Abs(want)), "%s at %v", name, v)
		}
	}
	// The second derivatives, with g = -1 and h = 1.
	second := map[string]func(x float64) float64{
		"SiLUGradGrad": func(x float64) float64 { return sigma(x) * sigma(-x) * (2 + x*(sigma(-x)-sigma(x))) },
		"TanhGradGrad": func(y float64) float64 { return -2 * y },
		"SELUGradGrad": func(x float64) float64 { return SELULambda * SELUAlpha * math.Exp(x) * step(-x, 0, 1) },
	}
	for name, f := range second {
		first := truths[name[:8]]
		for x := -30.0; x < 30; x += 0.01 {
			v := float64(float32(x))
			d32, d64, h32, h64 := []float32{0}, []float64{0}, []float32{1}, []float64{1}
			field(k32, name).(func(dst, x, g, h []float32))(d32, []float32{float32(v)}, []float32{-1}, h32)
			field(k64, name).(func(dst, x, g, h []float64))(d64, []float64{v}, []float64{-1}, h64)
			want, also := -f(v), first(v)
			require.InDelta(t, want, float64(d32[0]), 4e-7*max(1, math.Abs(want)), "%s at %v", name, v)
			require.InDelta(t, want, d64[0], 1e-15*max(1, math.Abs(want)), "%s at %v", name, v)
			require.InDelta(t, also, float64(h32[0]), 4e-7*max(1, math.Abs(also)), "%s at %v", name, v)
			require.InDelta(t, also, h64[0], 1e-15*max(1, math.Abs(also)), "%s at %v", name, v)
		}
	}
	// At -Inf, +Inf and NaN: as PyTorch has it.
	nan := math.NaN()
	for name, want := range map[string][3]float64{"SiLUGrad": {nan, nan, nan}, "GELUGrad": {nan, nan, nan}, "GELUTanhGrad": {nan, nan, nan}, "ELUGrad": {0, 1, 1}, "SELUGrad": {0, SELULambda, SELULambda}} {
		x := []float64{math.Inf(-1), math.Inf(1), nan}
		d, d32 := make([]float64, 3), make([]float32, 3)
		field(k64, name).(func(dst, x, g []float64))(d, x, []float64{1, 1, 1})
		field(k32, name).(func(dst, x, g []float32))(d32, []float32{float32(x[0]), float32(x[1]), float32(nan)}, []float32{1, 1, 1})
		for i, w := range want {
			require.True(t, same(w, d[i]), "%s at %v is %v", name, x[i], d[i])
			require.True(t, same(float32(w), d32[i]), "%s at %v is %v", name, x[i], d32[i])
		}
	}
}
