package optim

import (
	"fmt"
	"math"

	"pushforward/simd"
)

// ClipNorm scales grad so that its 2-norm is at most max and returns the norm it had:
//
//	grad *= min(1, max/(norm + 1e-6))
//
// The 1e-6 is PyTorch's. A norm that is not finite leaves grad as it is, for the caller to
// see. The squares are summed in float64, in one fixed order.
func ClipNorm[F simd.Float](grad []F, max float64) (norm float64) {
	return rescale(grad, Norm(grad), max)
}

// ClipNormP is ClipNorm for the p-norm (Σ|gᵢ|ᵖ)^(1/p), p > 0; p = +Inf is the largest
// magnitude.
func ClipNormP[F simd.Float](grad []F, max, p float64) (norm float64) {
	if !(p > 0) {
		panic(fmt.Sprintf("optim: ClipNormP: p = %v, want a positive number", p))
	}
	switch p {
	case 2:
		return ClipNorm(grad, max)
	case 1:
		for _, g := range grad {
			norm += math.Abs(float64(g))
		}
	case math.Inf(1):
		norm = largest(grad)
	default:
		top := largest(grad)
		if top == 0 || math.IsInf(top, 0) || math.IsNaN(top) {
			norm = top
			break
		}
		for _, g := range grad {
			norm += simd.Pow(math.Abs(float64(g))/top, p)
		}
		norm = float64(top * simd.Pow(norm, 1/p))
	}
	return rescale(grad, norm, max)
}

// Norm returns the 2-norm of x. It overflows only if the norm itself is out of range.
func Norm[F simd.Float](x []F) float64 {
	n := math.Sqrt(simd.Best[F]().SumSq(x))
	if !math.IsInf(n, 1) && n > 1e-140 {
		return n
	}
	// Out of the range of squares, or zero, or truly infinite: measure by the largest entry.
	top := largest(x)
	if top == 0 || math.IsInf(top, 0) || math.IsNaN(top) {
		return top
	}
	var s float64
	for _, v := range x {
		q := float64(v) / top
		s += float64(q * q)
	}
	return float64(top * math.Sqrt(s))
}

// ClipValue limits every entry of grad to [-max, max]. A NaN stays.
func ClipValue[F simd.Float](grad []F, max float64) {
	if !(max >= 0) {
		panic(fmt.Sprintf("optim: ClipValue: max = %v, want a number ≥ 0", max))
	}
	m := F(max)
	for i, g := range grad {
		switch {
		case g > m:
			grad[i] = m
		case g < -m:
			grad[i] = -m
		}
	}
}

// largest returns max |xᵢ|, NaN if there is one.
func largest[F simd.Float](x []F) (top float64) {
	for _, v := range x {
		top = max(top, math.Abs(float64(v)))
	}
	return top
}

func rescale[F simd.Float](grad []F, norm, max float64) float64 {
	if !(max >= 0) {
		panic(fmt.Sprintf("optim: ClipNorm: max = %v, want a number ≥ 0", max))
	}
	if c := max / (norm + 1e-6); c < 1 && !math.IsInf(norm, 0) {
		simd.Best[F]().Scale(grad, F(c), grad)
	}
	return norm
}
