package ot

import (
	"fmt"
	"math"
)

// SquaredDistances fills dst, n×m, with ‖xᵢ - yⱼ‖² for the n rows of x and the m rows of y, each of dim
// numbers. Every one is a chain of FMAs over the squared differences, so near points do not cancel.
func SquaredDistances(dst, x, y []float64, dim int) {
	n, m := rows(x, dim), rows(y, dim)
	if len(dst) != n*m {
		panic(fmt.Sprintf("ot: SquaredDistances: dst has length %d, want %d·%d", len(dst), n, m))
	}
	if dim == 2 {
		for i := range n {
			a, b := x[2*i], x[2*i+1]
			d := dst[i*m : (i+1)*m]
			q := y[:2*len(d)]
			for j := range d {
				s, t := a-q[2*j], b-q[2*j+1]
				d[j] = math.FMA(t, t, float64(s*s))
			}
		}
		return
	}
	for i := range n {
		p := x[i*dim : (i+1)*dim]
		for j := range m {
			dst[i*m+j] = squared(p, y[j*dim:(j+1)*dim])
		}
	}
}

func squared(p, q []float64) float64 {
	q = q[:len(p)]
	sum := 0.0
	for k, a := range p {
		d := a - q[k]
		sum = math.FMA(d, d, sum)
	}
	return sum
}

// Distances fills dst, n×m, with ‖xᵢ - yⱼ‖.
func Distances(dst, x, y []float64, dim int) {
	SquaredDistances(dst, x, y, dim)
	for k, v := range dst {
		dst[k] = math.Sqrt(v)
	}
}

func rows(x []float64, dim int) int {
	if dim <= 0 || len(x)%dim != 0 {
		panic(fmt.Sprintf("ot: %d numbers are not rows of %d", len(x), dim))
	}
	return len(x) / dim
}
