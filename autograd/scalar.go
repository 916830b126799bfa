package autograd

import "pushforward/simd"

// expm1 and log1p by Kahan's correction: the rounding of u = eˣ (or 1 + x) cancels in the quotient.
func expm1(x float64) float64 {
	u := simd.Exp(x)
	if u == 1 {
		return x
	}
	d := u - 1
	if d == -1 || u-u != 0 {
		return d
	}
	return d * (x / simd.Log(u))
}

func log1p(x float64) float64 {
	u := 1 + x
	if u == 1 {
		return x
	}
	if u-u != 0 {
		return simd.Log(u)
	}
	return simd.Log(u) * (x / (u - 1))
}
