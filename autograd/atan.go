package autograd

import "math"

// atan returns arctan x. math.Atan would do, but its compiled form fuses multiply-adds on some
// processors and not on others, and so differs in the last bit; here every fused one is written.
//
// It is the rational approximation of Cephes (Moshier, atan.c): on [0, 0.66]
// x + x·z·P(z)/Q(z) with z = x²; above, arctan x = π/2 - arctan(1/x) or π/4 + arctan((x-1)/(x+1)).
func atan(x float64) float64 {
	if x < 0 || (x == 0 && math.Signbit(x)) {
		return -atan(-x)
	}
	switch {
	case x <= 0.66:
		return atanSmall(x)
	case x > 2.41421356237309504880: // tan 3π/8
		return math.Pi/2 - atanSmall(1/x) + piTail
	}
	return math.Pi/4 + (atanSmall((x-1)/(x+1)) + 0.5*piTail)
}

const piTail = 6.123233995736765886130e-17 // π/2 less its float64

func atanSmall(x float64) float64 {
	z := float64(x * x)
	p := math.FMA(-8.750608600031904122785e-01, z, -1.615753718733365076637e+01)
	p = math.FMA(p, z, -7.500855792314704667340e+01)
	p = math.FMA(p, z, -1.228866684490136173410e+02)
	p = math.FMA(p, z, -6.485021904942025371773e+01)
	q := z + 2.485846490142306297962e+01
	q = math.FMA(q, z, 1.650270098316988542046e+02)
	q = math.FMA(q, z, 4.328810604912902668951e+02)
	q = math.FMA(q, z, 4.853903996359136964868e+02)
	q = math.FMA(q, z, 1.945506571482613964425e+02)
	return math.FMA(x, float64(z*p)/q, x)
}

// atan2 returns the angle of the point (x, y), with math.Atan2's conventions.
func atan2(y, x float64) float64 {
	switch {
	case math.IsNaN(x) || math.IsNaN(y):
		return math.NaN()
	case y == 0:
		if x > 0 || (x == 0 && !math.Signbit(x)) {
			return math.Copysign(0, y)
		}
		return math.Copysign(math.Pi, y)
	case x == 0:
		return math.Copysign(math.Pi/2, y)
	case math.IsInf(x, 0):
		if x > 0 {
			if math.IsInf(y, 0) {
				return math.Copysign(math.Pi/4, y)
			}
			return math.Copysign(0, y)
		}
		if math.IsInf(y, 0) {
			return math.Copysign(3*math.Pi/4, y)
		}
		return math.Copysign(math.Pi, y)
	case math.IsInf(y, 0):
		return math.Copysign(math.Pi/2, y)
	}
	q := atan(y / x)
	if x < 0 {
		if q <= 0 {
			return q + math.Pi
		}
		return q - math.Pi
	}
	return q
}
