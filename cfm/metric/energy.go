package metric

import (
	"fmt"
	"math"
	"slices"

	"pushforward/cfm/ot"
	"pushforward/simd"
)

func rows(x []float64, dim int) int {
	if dim <= 0 || len(x)%dim != 0 {
		panic(fmt.Sprintf("metric: %d numbers are not rows of %d", len(x), dim))
	}
	return len(x) / dim
}

// pairs calls f with the squared distances of each row of x from all rows of y.
func pairs(x, y []float64, dim int, f func(i int, d2 []float64)) {
	d := make([]float64, rows(y, dim))
	for i := range rows(x, dim) {
		ot.SquaredDistances(d, x[i*dim:(i+1)*dim], y, dim)
		f(i, d)
	}
}

// EnergyDistance returns 2·E‖X-Y‖ - E‖X-X'‖ - E‖Y-Y'‖ between two samples (Székely and Rizzo 2013): u with the
// pairs of a row with itself left out, v with them. It needs two rows on each side for u.
func EnergyDistance(x, y []float64, dim int) (u, v float64) {
	n, m := float64(rows(x, dim)), float64(rows(y, dim))
	xy := sumDistances(x, y, dim) / (n * m)
	xx, yy := sumWithin(x, dim), sumWithin(y, dim)
	u = float64(2*xy) - xx/(n*(n-1)) - yy/(m*(m-1))
	v = float64(2*xy) - xx/(n*n) - yy/(m*m)
	return u, v
}

func sumDistances(x, y []float64, dim int) float64 {
	sum := 0.0
	pairs(x, y, dim, func(_ int, d2 []float64) {
		row := 0.0
		for _, d := range d2 {
			row += math.Sqrt(d)
		}
		sum += row
	})
	return sum
}

// sumWithin is the sum over all ordered pairs of rows of x.
func sumWithin(x []float64, dim int) float64 {
	sum := 0.0
	d := make([]float64, rows(x, dim))
	for i := range d {
		rest := d[:i]
		ot.SquaredDistances(rest, x[i*dim:(i+1)*dim], x[:i*dim], dim)
		row := 0.0
		for _, v := range rest {
			row += math.Sqrt(v)
		}
		sum += row
	}
	return 2 * sum
}

// MMD2 returns the squared maximum mean discrepancy with the kernel exp(-‖x-y‖²/2h²), h being the
// bandwidth (Gretton et al. 2012): u unbiased, v with the diagonal terms. A bandwidth that is not positive, as the median distance of points
// that are mostly the same, makes both NaN.
func MMD2(x, y []float64, dim int, bandwidth float64) (u, v float64) {
	n, m := float64(rows(x, dim)), float64(rows(y, dim))
	if !(bandwidth > 0) {
		return math.NaN(), math.NaN()
	}
	k := simd.Best[float64]()
	kernel := func(x, y []float64) float64 {
		sum := 0.0
		pairs(x, y, dim, func(_ int, d2 []float64) {
			k.Scale(d2, -1/(2*bandwidth*bandwidth), d2)
			k.Exp(d2, d2)
			sum += k.Sum(d2)
		})
		return sum
	}
	xx, yy, xy := kernel(x, x), kernel(y, y), kernel(x, y)/(n*m)
	u = (xx-n)/(n*(n-1)) + (yy-m)/(m*(m-1)) - float64(2*xy)
	v = xx/(n*n) + yy/(m*m) - float64(2*xy)
	return u, v
}

// MedianDistance returns the median of all pairwise distances of the rows of x and y together, the usual
// bandwidth of MMD2. It keeps them all at once.
func MedianDistance(x, y []float64, dim int) float64 {
	all := append(slices.Clone(x), y...)
	n := rows(all, dim)
	d := make([]float64, n*(n-1)/2)
	at := 0
	for i := range n {
		ot.SquaredDistances(d[at:at+i], all[i*dim:(i+1)*dim], all[:i*dim], dim)
		at += i
	}
	if len(d) == 0 {
		return math.NaN()
	}
	slices.Sort(d)
	h := len(d) / 2
	if len(d)%2 == 1 {
		return math.Sqrt(d[h])
	}
	return (math.Sqrt(d[h-1]) + math.Sqrt(d[h])) / 2
}
