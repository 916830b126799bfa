package simd

import "math"

// The functions in this file are the specification of the transcendental kernels: each says, operation
// by operation, what a lane computes on every tier. The assembly in elem.h is the same text in another
// language, and the tests compare the two for equal bits. Any change here moves bits.
//
// Products that are not meant to be fused are converted to F, or only multiplied further.

// functions evaluates functions of F. It carries the table so that a loop fetches it once.
type functions[F Float] struct {
	k *table[F]
	n *lengths
}

func newFunctions[F Float]() functions[F] { return functions[F]{tableOf[F](), lengthsOf[F]()} }

// horner returns k[at] + z·(k[at+1] + z·(…)), n coefficients.
func (f functions[F]) horner(at, n int, z F) F {
	p := f.k[at+n-1]
	for i := at + n - 2; i >= at; i-- {
		p = FMA(p, z, f.k[i])
	}
	return p
}

// atLeast returns the larger of x and k[i], NaN for NaN.
func (f functions[F]) atLeast(i int, x F) F {
	if x < f.k[i] {
		return f.k[i]
	}
	return x
}

// atMost returns the smaller of x and k[i], NaN for NaN.
func (f functions[F]) atMost(i int, x F) F {
	if x > f.k[i] {
		return f.k[i]
	}
	return x
}

func (f functions[F]) abs(x F) F { return fromBits[F](toBits(x) &^ (1 << top[F]())) }

// minusAbs returns -|x|.
func (f functions[F]) minusAbs(x F) F { return fromBits[F](toBits(x) | 1<<top[F]()) }

// negative tells whether x's sign bit is set.
func (f functions[F]) negative(x F) bool { return toBits(x)>>top[F]() != 0 }

// like returns |y| with x's sign.
func (f functions[F]) like(y, x F) F {
	const all = 1<<64 - 1
	s := uint64(1) << top[F]()
	return fromBits[F](toBits(y)&(all^s) | toBits(x)&s)
}

// positive returns max(x, +0), and for NaN anything: those who use it have another term that is NaN then.
func (f functions[F]) positive(x F) F {
	if x > 0 {
		return x
	}
	return 0
}

// reduce splits x = n·ln 2 + r with an integer n and |r| ≤ ½·ln 2, nearly. t is n + 1.5·2^mant, in whose
// low bits n stands.
func (f functions[F]) reduce(x F) (r, t F) {
	t = FMA(x, f.k[kLog2e], f.k[kMagic])
	n := t - f.k[kMagic]
	r = FMA(-n, f.k[kLn2Hi], x)
	r = FMA(-n, f.k[kLn2Lo], r)
	return r, t
}

// expm1Reduced returns eʳ - 1.
func (f functions[F]) expm1Reduced(r F) F {
	return FMA(r*r, f.horner(kExp, f.n.exp, r), r)
}

// scale returns y·2ⁿ for the n in t: times 2^⌊n/2⌋, which is exact for the y that come here, and
// times the rest, which rounds once even where the result is subnormal. So it equals VSCALEF.
func (f functions[F]) scale(y, t F) F {
	u := toBits(t)
	h := u >> 1 // the other bits of the magic number shift out below
	one := toBits(F(1))
	y = F(y * fromBits[F](h<<mant[F]()+one))
	return F(y * fromBits[F]((u-h)<<mant[F]()+one))
}

// pow2 returns 2ⁿ for the n in t, which must be a normal number.
func (f functions[F]) pow2(t F) F {
	return fromBits[F](toBits(t)<<mant[F]() + toBits(F(1)))
}

// exp returns eˣ.
func (f functions[F]) exp(x F) F {
	r, t := f.reduce(f.atMost(kExpHi, f.atLeast(kExpLo, x)))
	return f.scale(f.expm1Reduced(r)+1, t)
}

// expNegative returns y = eʳ and t, such that e^-|x| is y·2ⁿ.
func (f functions[F]) expNegative(x F) (y, t F) {
	r, t := f.reduce(f.atLeast(kExpLo, f.minusAbs(x)))
	return f.expm1Reduced(r) + 1, t
}

// expm1Negative returns eˣ - 1 for x ≤ 0: 2ⁿ·(eʳ - 1) + (2ⁿ - 1), whose last term is exact or beside
// the point. For x > 0 it returns anything.
func (f functions[F]) expm1Negative(x F) F {
	r, t := f.reduce(f.atLeast(kEm1Lo, x))
	s := f.pow2(t)
	return FMA(s, f.expm1Reduced(r), s-1)
}

// tanh returns tanh x = e/(2+e), e = expm1(-2·|x|), with the sign of x.
func (f functions[F]) tanh(x F) F {
	e := f.expm1Negative(f.abs(x) * -2)
	return f.like(e/(e+2), x)
}

// sigmoid returns 1/(1+e⁻ˣ). With z = e^-|x| it is 1/(1+z) or z/(1+z): no overflow, and the left tail
// keeps its relative accuracy.
func (f functions[F]) sigmoid(x F) F {
	y, t := f.expNegative(x)
	z := f.scale(y, t)
	num := F(1)
	if f.negative(x) {
		num = z
	}
	return num / (z + 1)
}

// endless returns c for a finite x, NaN for another: x may be an infinity that c, a clamp, does not show.
func (f functions[F]) endless(x, c F) F { return FMA(x, f.k[kZero], c) }

// gate returns x·σ(a), where a has x's sign. lo bounds x from below, so that what σ(a) vanishes beside counts as 0.
// -Inf gives NaN, as a product of infinity and 0 does.
func (f functions[F]) gate(x, a F, lo int) F {
	y, t := f.expNegative(a)
	z := f.scale(y, t)
	num := x
	if f.negative(x) {
		num = f.scale(y*f.endless(x, f.atLeast(lo, x)), t)
	}
	return num / (z + 1)
}

// silu returns x·σ(x).
func (f functions[F]) silu(x F) F { return f.gate(x, x, kExpLo) }

// geluTanh returns ½·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))), which is x·σ of twice the argument.
func (f functions[F]) geluTanh(x F) F {
	a := x * FMA(F(x*x), f.k[kGeluT1], f.k[kGeluT0])
	return f.gate(x, a, kGeluLo)
}

// sigmoids returns σ(a) and 1 - σ(a).
func (f functions[F]) sigmoids(a F) (s, c F) {
	y, t := f.expNegative(a)
	z := f.scale(y, t)
	r := 1 / (z + 1)
	if f.negative(a) {
		return z * r, r
	}
	return r, z * r
}

// siluGrad returns g·σ(x)·(1 + x·(1-σ(x))), NaN for an infinity, which meets a zero.
func (f functions[F]) siluGrad(x, g F) F {
	x = f.endless(x, f.atMost(kGateHi, f.atLeast(kExpLo, x)))
	s, c := f.sigmoids(x)
	return g * (s * FMA(x, c, f.k[kOne]))
}

// siluGradGrad returns h·g·f"(x) and h·f'(x) for f = x·σ(x), where f" = s·c·(2 + x·(c-s)) with s = σ(x), c = 1-s.
func (f functions[F]) siluGradGrad(x, g, h F) (dx, dg F) {
	x = f.endless(x, f.atMost(kGateHi, f.atLeast(kExpLo, x)))
	s, c := f.sigmoids(x)
	curve := F(s*c) * FMA(x, c-s, f.k[kTwo])
	return F(h*g) * curve, h * (s * FMA(x, c, f.k[kOne]))
}

// siluSlopes returns silu(x) and what siluGrad and siluGradGrad multiply by, f'(x) and f"(x), of one exponential and
// with their bits.
func (f functions[F]) siluSlopes(x F) (y, p, q F) {
	lo := f.atLeast(kExpLo, x)
	v := f.atMost(kGateHi, lo)
	e, t := f.expNegative(v) // for x > v it vanishes beside 1
	z := f.scale(e, t)
	num := x
	if f.negative(x) {
		num = f.scale(e*f.endless(x, lo), t)
	}
	y = num / (z + 1)
	r := 1 / (z + 1)
	v = f.endless(x, v)
	s, c := r, F(z*r)
	if f.negative(x) {
		s, c = c, s
	}
	return y, s * FMA(v, c, f.k[kOne]), F(s*c) * FMA(v, c-s, f.k[kTwo])
}

// geluTanhGrad returns g·σ(a)·(1 + x·(1-σ(a))·a'), where GELU's tanh form is x·σ(a(x)).
func (f functions[F]) geluTanhGrad(x, g F) F {
	x = f.endless(x, f.atMost(kGeluHi, f.atLeast(kGeluLo, x)))
	w := x * x
	s, c := f.sigmoids(x * FMA(w, f.k[kGeluT1], f.k[kGeluT0]))
	b := x * FMA(w, f.k[kGeluT3], f.k[kGeluT0])
	return g * (s * FMA(b, c, f.k[kOne]))
}

// expSquare returns p and t such that e^-(s·a) is (1+p)·2ⁿ. The product s·a is never rounded.
func (f functions[F]) expSquare(s, a F) (p, t F) {
	t = FMA(-F(s*f.k[kLog2e]), a, f.k[kMagic])
	n := t - f.k[kMagic]
	r := FMA(-s, a, F(n*f.k[kMinusLn2A])) // that product is exact
	r = FMA(-n, f.k[kLn2B], r)
	return f.expm1Reduced(r), t
}

// tail returns Φ(-a)·exp(a²/2), Mills' ratio but for a factor, as P/Q. All coefficients are positive.
func (f functions[F]) tail(a F) F {
	return f.horner(kTailP, f.n.tailP, a) / f.horner(kTailQ, f.n.tailQ, a)
}

// gelu returns x·Φ(x) = max(x, 0) - |x|·Φ(-|x|), NaN for -Inf.
func (f functions[F]) gelu(x F) F {
	a := f.atMost(kGeluHi, f.abs(x))
	p, t := f.expSquare(a*0.5, a)
	v := F(f.tail(a) * f.endless(f.atMost(kZero, x), a))
	return f.positive(x) - f.scale(FMA(v, p, v), t)
}

// geluGrad returns g·(Φ(x) + x·φ(x)), NaN for an infinity. With w = Φ(-a) - a·φ(a) at a = |x| that is w or 1 - w.
func (f functions[F]) geluGrad(x, g F) F {
	a := f.atMost(kGeluHi, f.abs(x))
	p, t := f.expSquare(a*0.5, a)
	v := FMA(-f.endless(x, a), f.k[kGauss], f.tail(a))
	w := f.scale(FMA(v, p, v), t)
	if !f.negative(x) {
		w = 1 - w
	}
	return g * w
}

// erf returns 2/√π·∫₀ˣ exp(-u²) du: a polynomial up to |x| = 1, above it 1 - erfc.
func (f functions[F]) erf(x F) F {
	a := f.atMost(kErfHi, f.abs(x))
	var v F
	if a < 1 {
		v = FMA(a, f.horner(kErf, f.n.erf, a*a), a)
	} else {
		p, t := f.expSquare(a, a)
		q := f.tail(a * f.k[kSqrt2])
		v = FMA(FMA(q, p, q)*f.pow2(t), f.k[kMinus2], f.k[kOne])
	}
	return f.like(v, x)
}

// selu returns λ·x for x > 0, otherwise λ·α·(eˣ - 1).
func (f functions[F]) selu(x F) F {
	if x > 0 {
		return x * f.k[kSelu]
	}
	return f.expm1Negative(x) * f.k[kSeluNeg]
}

// seluGrad returns g·λ·α·eˣ for x ≤ 0, otherwise g·λ, for NaN too.
func (f functions[F]) seluGrad(x, g F) F {
	if x <= 0 {
		y, t := f.expNegative(x)
		return g * (f.scale(y, t) * f.k[kSeluNeg])
	}
	return g * f.k[kSelu]
}

// seluGradGrad returns h·g·λ·α·eˣ for x < 0, otherwise h·g·0, and h·f'(x) with f = SELU.
func (f functions[F]) seluGradGrad(x, g, h F) (dx, dg F) {
	y, t := f.expNegative(x)
	v := F(f.scale(y, t) * f.k[kSeluNeg])
	curve, slope := f.k[kZero], f.k[kSelu]
	if x < 0 {
		curve = v
	}
	if x <= 0 {
		slope = v
	}
	return F(h*g) * curve, h * slope
}

// elu returns x for x > 0, otherwise eˣ - 1.
func (f functions[F]) elu(x F) F {
	if x > 0 {
		return x
	}
	return f.expm1Negative(x)
}

// eluGrad returns g·eˣ for x ≤ 0, otherwise g, for NaN too.
func (f functions[F]) eluGrad(x, g F) F {
	if x <= 0 {
		y, t := f.expNegative(x)
		return g * f.scale(y, t)
	}
	return g
}

// softplus returns log(1 + eˣ) = max(x, 0) + log1p(e^-|x|).
func (f functions[F]) softplus(x F) F {
	y, t := f.expNegative(x)
	z := f.scale(y, t)
	return f.positive(x) + f.log1p(z, kL1p, f.n.l1p, 0)
}

// log1p returns log(1+z) plus the small c, by 2·atanh s with s = z/(2+z) as fdlibm writes it:
// z - (z²/2 - s·(z²/2 + s²·L(s²))), in which all but z is small. The polynomial L says where it holds.
func (f functions[F]) log1p(z F, at, n int, c F) F {
	s := z / (z + 2)
	w := s * s
	h := F(F(z*0.5) * z)
	v := FMA(w, f.horner(at, n, w), h) // h + w·L
	v = FMA(s, v, c)
	return z + (v - h)
}

// log returns the natural logarithm of x = m·2ᵉ with m from √½ to √2: log m + e·ln 2.
func (f functions[F]) log(x F) F {
	v, up := x, F(0)
	if x < f.k[kTiny] {
		v, up = x*f.k[kLift], f.k[kLiftLog]
	}
	u := toBits(v) + toBits(f.k[kExpBits])
	if is32[F]() {
		u &= 1<<32 - 1
	}
	e := fromBits[F](u>>mant[F]()+toBits(f.k[kIntBits])) - f.k[kIntBias] - up
	m := fromBits[F](u&toBits(f.k[kFracBits]) + toBits(f.k[kHalfBits]))
	y := f.log1p(m-1, kLog, f.n.log, F(e*f.k[kLn2Lo]))
	y = FMA(e, f.k[kLn2Hi], y)
	switch {
	case x > f.k[kHuge]:
		return x
	case x > 0:
		return y
	case x < 0:
		return f.k[kNaN]
	}
	return x + f.k[kNegInf] // 0 or NaN
}

// sinLimit is the |x| above which sin and cos need more of π than kPio2A … kPio2C.
func sinLimit[F Float]() F {
	if is32[F]() {
		return 1 << 17
	}
	return 1 << 20
}

// quadrant splits x = q·π/2 + r with |r| ≤ π/4, nearly. q stands in the lowest bits of what it returns.
func (f functions[F]) quadrant(x F) (r F, q uint64) {
	if !(f.abs(x) < sinLimit[F]()) {
		return bigQuadrant(x)
	}
	t := FMA(x, f.k[kTwoOverPi], f.k[kMagic])
	n := t - f.k[kMagic]
	r = FMA(-n, f.k[kPio2A], x)
	r = FMA(-n, f.k[kPio2B], r)
	r = FMA(-n, f.k[kPio2C], r)
	return r, toBits(t)
}

// wave returns the sine of r + q·π/2.
func (f functions[F]) wave(r F, q uint64) F {
	z := r * r
	var y F
	if q&1 == 0 {
		y = FMA(F(r*z), f.horner(kSin, f.n.sin, z), r)
	} else {
		y = FMA(F(z*z), f.horner(kCos, f.n.cos, z), FMA(z, -f.k[kHalf], f.k[kOne]))
	}
	if q&2 != 0 {
		y = -y
	}
	return y
}

// sin returns sin x.
func (f functions[F]) sin(x F) F {
	r, q := f.quadrant(x)
	return f.wave(r, q)
}

// cos returns cos x = sin(x + π/2).
func (f functions[F]) cos(x F) F {
	r, q := f.quadrant(x)
	return f.wave(r, q+1)
}

// tanhGrad returns g·(1-y²), the derivative of tanh at the x whose tanh is y.
func (f functions[F]) tanhGrad(y, g F) F { return g * FMA(-y, y, f.k[kOne]) }

// tanhGradGrad returns -2·h·g·y and h·(1-y²), the derivatives of tanhGrad times h.
func (f functions[F]) tanhGradGrad(y, g, h F) (dy, dg F) {
	return F(F(h*g)*y) * f.k[kMinus2], h * FMA(-y, y, f.k[kOne])
}

// sigmoidGrad returns g·y·(1-y), the derivative of σ at the x whose σ is y.
func (f functions[F]) sigmoidGrad(y, g F) F { return g * (y * (1 - y)) }

// sqrt returns √x, correctly rounded on every tier.
func (f functions[F]) sqrt(x F) F {
	// float32: rounding √x to float64 first is harmless, 53 ≥ 2·24 + 2.
	return F(math.Sqrt(float64(x)))
}
