package simd

import "math"

// The scalar functions of float64. Exp, Log, Sin, Cos, Tanh and Erf give the bits of a lane of
// Kernels[float64]. They exist because those of package math give four or five different results over
// the ports of Go; use them wherever a result is part of the bit contract.

var f64 = newFunctions[float64]()

// Exp returns eˣ within 1 ulp.
func Exp(x float64) float64 { return f64.exp(x) }

// Log returns the natural logarithm of x within 1 ulp: NaN for x < 0, -Inf for 0.
func Log(x float64) float64 { return f64.log(x) }

// Sin returns sin x within 1 ulp, for x of any size.
func Sin(x float64) float64 { return f64.sin(x) }

// Cos returns cos x within 1 ulp, for x of any size.
func Cos(x float64) float64 { return f64.cos(x) }

// Tanh returns tanh x within 3 ulp.
func Tanh(x float64) float64 { return f64.tanh(x) }

// Erf returns the error function of x within 1 ulp.
func Erf(x float64) float64 { return f64.erf(x) }

// Expm1 returns eˣ - 1 within 2 ulp.
func Expm1(x float64) float64 {
	f := f64
	switch {
	case x > 40:
		return f.exp(x) // 1 is beside the point
	case x == 0:
		return x
	}
	return f.expm1Negative(x)
}

// Log1p returns log(1+x) within 2 ulp.
func Log1p(x float64) float64 {
	u := 1 + x
	switch {
	case u == 1:
		return x
	case u == math.Inf(1), !(u > 0):
		return f64.log(u)
	}
	return f64.log(u) - ((u-1)-x)/u // u's rounding error, to first order
}

// Pow returns xʸ within 2 ulp. The special cases are those of math.Pow.
func Pow(x, y float64) float64 {
	switch {
	case y == 0 || x == 1:
		return 1
	case y == 1:
		return x
	case x != x || y != y:
		return math.NaN()
	}
	odd := math.Abs(y) < 1<<53 && math.Abs(math.Mod(y, 2)) == 1
	whole := math.Abs(y) >= 1<<53 || y == math.Floor(y)
	a := math.Abs(x)
	var r float64
	switch {
	case x < 0 && !whole && a <= math.MaxFloat64:
		return math.NaN()
	case math.IsInf(y, 0):
		switch {
		case a == 1:
			return 1
		case (a > 1) == (y > 0):
			return math.Inf(1)
		}
		return 0
	case a == 0, math.IsInf(a, 1):
		r = math.Inf(1)
		if (a == 0) == (y > 0) {
			r = 0
		}
	default:
		r = pow(a, y)
	}
	if odd && math.Signbit(x) {
		return -r
	}
	return r
}

// pow returns aʸ for finite a > 0: exp(y·log a), with log a and the product in twice the precision.
func pow(a, y float64) float64 {
	frac, exp := math.Frexp(a)
	if frac < math.Sqrt2/2 {
		frac = float64(frac * 2)
		exp--
	}
	e := float64(exp)
	// log a = e·ln 2 + 2s + s³·L(s²), where s+t = f/(2+f) in twice the precision. So is s³·L, as c+small.
	f := frac - 1
	d := 2 + f
	dl := f - (d - 2)
	s := f / d
	t := (math.FMA(-s, d, f) - float64(s*dl)) / d
	w := s * s
	wl := math.FMA(s, s, -w)
	wl = math.FMA(s+s, t, wl)
	u := s * w
	ul := math.FMA(s, w, -u)
	ul = math.FMA(s, wl, ul)
	ul = math.FMA(t, w, ul)
	q := float64(w * f64.horner(kL1p+1, f64.n.l1p-1, w))
	l := f64.k[kL1p] + q
	ll := q - (l - f64.k[kL1p])
	c := float64(u * l)
	small := math.FMA(u, l, -c)
	small = math.FMA(u, ll, small)
	small = math.FMA(ul, l, small)
	small += t + t
	small = math.FMA(e, f64.k[kLn2Lo], small)
	// e·ln 2 + 2s + c: the product's error by FMA, the sums' by TwoSum.
	p := float64(e * f64.k[kLn2Hi])
	small += math.FMA(e, f64.k[kLn2Hi], -p)
	s += s
	hi := p + s
	b := hi - p
	small += (p - (hi - b)) + (s - b)
	p = hi
	hi += c
	small += c - (hi - p)
	p = hi
	hi += small
	small -= hi - p
	// y·(hi+lo)
	z := float64(y * hi)
	zl := math.FMA(y, hi, -z)
	zl = math.FMA(y, small, zl)
	r := Exp(z)
	if r == 0 || r > math.MaxFloat64 || zl != zl {
		return r
	}
	return math.FMA(r, zl, r)
}

// ErfInv returns the y with Erf(y) = x, within 2 ulp: NaN outside [-1, 1], ±Inf at ±1.
func ErfInv(x float64) float64 {
	a := math.Abs(x)
	switch {
	case a == 0:
		return x
	case a == 1:
		return math.Copysign(math.Inf(1), x)
	case !(a < 1):
		return math.NaN()
	}
	// A start good to three digits (Winitzki), then Halley steps on erf y = a, or, where 1 - a is the
	// better known, on erfc y = 1 - a.
	l := Log(float64((1 - a) * (1 + a)))
	h := 2/(math.Pi*0.147) + float64(0.5*l)
	y := math.Sqrt(math.Sqrt(float64(h*h)-l/0.147) - h)
	for range 3 {
		var miss float64
		if a < 0.75 {
			miss = Erf(y) - a
		} else {
			miss = (1 - a) - erfc(y)
		}
		// erf' = 2/√π·exp(-y²), erf''/erf' = -2y
		u := miss * (sqrtPi / 2) * Exp(float64(y*y))
		y -= u / math.FMA(y, u, 1)
	}
	return math.Copysign(y, x)
}

// erfc returns 1 - erf y for y ≥ 0, with its relative accuracy kept.
func erfc(y float64) float64 {
	f := f64
	p, t := f.expSquare(y, y)
	q := f.tail(y * math.Sqrt2)
	return 2 * f.scale(math.FMA(q, p, q), t)
}
