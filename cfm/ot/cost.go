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
		d := dst[i*m : (i+1)*m]
		j := 0
		for ; j+4 <= m; j += 4 { // four chains at once hide the time one FMA takes
			q := y[j*dim : (j+4)*dim]
			q0, q1, q2, q3 := q[:len(p)], q[dim:][:len(p)], q[2*dim:][:len(p)], q[3*dim:][:len(p)]
			var s0, s1, s2, s3 float64
			for k, a := range p {
				e0, e1, e2, e3 := a-q0[k], a-q1[k], a-q2[k], a-q3[k]
				s0, s1, s2, s3 = math.FMA(e0, e0, s0), math.FMA(e1, e1, s1), math.FMA(e2, e2, s2), math.FMA(e3, e3, s3)
			}
			d[j], d[j+1], d[j+2], d[j+3] = s0, s1, s2, s3
		}
		for ; j < m; j++ {
			d[j] = squared(p, y[j*dim:(j+1)*dim])
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
