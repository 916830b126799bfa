package metric

import (
	"fmt"
	"math"
)

// Mean returns the mean row of x.
func Mean(x []float64, dim int) []float64 {
	n := rows(x, dim)
	mean := make([]float64, dim)
	for i := range n {
		for j, v := range x[i*dim : (i+1)*dim] {
			mean[j] += v
		}
	}
	for j := range mean {
		mean[j] /= float64(n)
	}
	return mean
}

// Covariance returns the dim×dim covariance of the rows of x, with divisor n - 1.
func Covariance(x []float64, dim int) []float64 {
	n := rows(x, dim)
	mean := Mean(x, dim)
	c := make([]float64, dim*dim)
	d := make([]float64, dim)
	for i := range n {
		for j, v := range x[i*dim : (i+1)*dim] {
			d[j] = v - mean[j]
		}
		for j, a := range d {
			for k, b := range d {
				c[j*dim+k] = math.FMA(a, b, c[j*dim+k])
			}
		}
	}
	for k := range c {
		c[k] /= float64(n - 1)
	}
	return c
}

// GaussianW2Squared returns the squared 2-Wasserstein distance between the Gaussians fitted to x and y,
//
//	‖μ₁ - μ₂‖² + tr(C₁ + C₂ - 2(C₁^½ C₂ C₁^½)^½).
//
// On the features of a network it is what is called the Fréchet distance.
func GaussianW2Squared(x, y []float64, dim int) float64 {
	if rows(x, dim) < 2 || rows(y, dim) < 2 {
		panic(fmt.Sprintf("metric: GaussianW2Squared: %d and %d rows; a covariance needs two", rows(x, dim), rows(y, dim)))
	}
	c1, c2 := Covariance(x, dim), Covariance(y, dim)
	a, b := Mean(x, dim), Mean(y, dim)
	sum := 0.0
	for j := range a {
		d := a[j] - b[j]
		sum = math.FMA(d, d, sum) + c1[j*dim+j] + c2[j*dim+j]
	}
	// With C₁ = V·diag(λ)·Vᵀ the matrix diag(√λ)·Vᵀ·C₂·V·diag(√λ) has the eigenvalues wanted.
	l, v := Eigen(c1, dim)
	s := make([]float64, dim*dim) // V·diag(√λ), columns scaled
	for i := range dim {
		for j := range dim {
			s[i*dim+j] = v[i*dim+j] * math.Sqrt(math.Max(l[j], 0))
		}
	}
	inner := product(transposed(s, dim), product(c2, s, dim), dim)
	l, _ = Eigen(inner, dim)
	for _, e := range l {
		sum -= float64(2 * math.Sqrt(math.Max(e, 0)))
	}
	return math.Max(sum, 0)
}

func transposed(a []float64, n int) []float64 {
	t := make([]float64, n*n)
	for i := range n {
		for j := range n {
			t[j*n+i] = a[i*n+j]
		}
	}
	return t
}

func product(a, b []float64, n int) []float64 {
	c := make([]float64, n*n)
	for i := range n {
		for k := range n {
			for j := range n {
				c[i*n+j] = math.FMA(a[i*n+k], b[k*n+j], c[i*n+j])
			}
		}
	}
	return c
}

// Eigen returns the eigenvalues of a symmetric n×n matrix, in no order, and the matrix whose columns are
// the eigenvectors. It is Jacobi's method: rotations that clear one entry after the other until what is
// left off the diagonal is rounding. Slow for n in the hundreds, accurate always. a is not changed.
func Eigen(a []float64, n int) (values, vectors []float64) {
	if len(a) != n*n {
		panic(fmt.Sprintf("metric: Eigen: %d numbers are not a %d×%d matrix", len(a), n, n))
	}
	b := append([]float64(nil), a...)
	v := make([]float64, n*n)
	scale := 0.0
	for i := range n {
		v[i*n+i] = 1
		for j := range n {
			scale = math.Max(scale, math.Abs(b[i*n+j]))
		}
	}
	for range 60 {
		off := 0.0
		for p := range n {
			for q := p + 1; q < n; q++ {
				off = math.Max(off, math.Abs(b[p*n+q]))
				rotate(b, v, n, p, q)
			}
		}
		if off <= 1e-17*scale {
			break
		}
	}
	values = make([]float64, n)
	for i := range values {
		values[i] = b[i*n+i]
	}
	return values, v
}

// rotate clears b[p,q] by a rotation in the plane of p and q, and turns v along (Golub and Van Loan,
// section 8.5).
func rotate(b, v []float64, n, p, q int) {
	x := b[p*n+q]
	if x == 0 {
		return
	}
	tau := (b[q*n+q] - b[p*n+p]) / (2 * x)
	t := 1 / (math.Abs(tau) + math.Sqrt(math.FMA(tau, tau, 1)))
	if tau < 0 {
		t = -t
	}
	c := 1 / math.Sqrt(math.FMA(t, t, 1))
	s := float64(t * c)
	turn := func(m []float64, i, j int) {
		a, d := m[i], m[j]
		m[i], m[j] = math.FMA(c, a, -float64(s*d)), math.FMA(s, a, float64(c*d))
	}
	for k := range n {
		turn(b, k*n+p, k*n+q)
	}
	for k := range n {
		turn(b, p*n+k, q*n+k)
	}
	b[p*n+q], b[q*n+p] = 0, 0
	for k := range n {
		turn(v, k*n+p, k*n+q)
	}
}
