package cfm

import (
	"fmt"
	"math"

	"pushforward/autograd"
	"pushforward/simd"
)

// Standardize returns each column's mean and standard deviation (over n, not n-1), for
// Flow.Loc and Flow.Scale. A constant column has scale 1. x is [n, D]; it panics on none.
func Standardize[F simd.Float](x autograd.Tensor[F]) (loc, scale []float64) {
	loc, scale = moments(x)
	for j := range scale {
		scale[j] = safeScale(scale[j], loc[j])
	}
	return loc, scale
}

// StandardizeJoint returns each column's mean and one scale for all of them, the root of their mean
// variance: for images, where a pixel that hardly varies is not to be blown up.
func StandardizeJoint[F simd.Float](x autograd.Tensor[F]) (loc, scale []float64) {
	loc, scale = moments(x)
	var sum, size float64
	for j, s := range scale {
		sum += float64(s * s)
		size = max(size, math.Abs(loc[j]))
	}
	s := safeScale(math.Sqrt(sum/float64(len(scale))), size)
	for j := range scale {
		scale[j] = s
	}
	return loc, scale
}

// safeScale is s, or 1 where s is nothing but rounding of numbers of the given size.
func safeScale(s, size float64) float64 {
	if !(s > 1e-12*math.Abs(size)) {
		return 1
	}
	return s
}

// moments returns the mean and standard deviation of each column in two passes, in float64 and
// in the order of the rows.
func moments[F simd.Float](x autograd.Tensor[F]) (mean, sd []float64) {
	n := x.Rows()
	if x.Shape.Rank() != 2 || n == 0 {
		panic(fmt.Sprintf("cfm: Standardize: %v, want [n, D] with n > 0", x.Shape))
	}
	d := x.Shape.Dim(1)
	mean, sd = make([]float64, d), make([]float64, d)
	for i := range n {
		for j, v := range x.Row(i) {
			mean[j] += float64(v)
		}
	}
	for j := range mean {
		mean[j] /= float64(n)
	}
	for i := range n {
		for j, v := range x.Row(i) {
			r := float64(v) - mean[j]
			sd[j] += float64(r * r)
		}
	}
	for j := range sd {
		sd[j] = math.Sqrt(sd[j] / float64(n))
	}
	return mean, sd
}
