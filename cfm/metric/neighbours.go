package metric

import (
	"fmt"
	"math"
	"slices"
)

// Nearest returns, for each row of x, the row of train nearest to it and their distance. Ties go to the
// lower row.
func Nearest(train, x []float64, dim int) (row []int, dist []float64) {
	n := rows(x, dim)
	row, dist = make([]int, n), make([]float64, n)
	pairs(x, train, dim, func(i int, d2 []float64) {
		best := math.Inf(1)
		for j, d := range d2 {
			if d < best {
				best, row[i] = d, j
			}
		}
		dist[i] = math.Sqrt(best)
	})
	return row, dist
}

// Vote returns, for each row of x, the class that most of the k nearest rows of train have. Ties of
// distance go to the lower row, ties of votes to the lower class. Classes are numbers from 0.
func Vote(train []float64, class []int, x []float64, dim, k int) []int {
	n := rows(train, dim)
	if len(class) != n || k < 1 || k > n {
		panic(fmt.Sprintf("metric: Vote: %d rows, %d classes, k = %d", n, len(class), k))
	}
	votes := make([]int, slices.Max(class)+1)
	near := make([]int, 0, k+1)
	won := make([]int, rows(x, dim))
	pairs(x, train, dim, func(i int, d2 []float64) {
		near = near[:0]
		for j, d := range d2 {
			if len(near) == k && !(d < d2[near[k-1]]) {
				continue
			}
			at := len(near)
			for at > 0 && d < d2[near[at-1]] {
				at--
			}
			near = slices.Insert(near, at, j)
			near = near[:min(len(near), k)]
		}
		clear(votes)
		for _, j := range near {
			votes[class[j]]++
		}
		for c, v := range votes {
			if v > votes[won[i]] {
				won[i] = c
			}
		}
	})
	return won
}

// Agreement returns the share of equal entries.
func Agreement(a, b []int) float64 {
	if len(a) != len(b) {
		panic(fmt.Sprintf("metric: Agreement: lengths %d and %d", len(a), len(b)))
	}
	same := 0
	for i := range a {
		if a[i] == b[i] {
			same++
		}
	}
	return float64(same) / float64(len(a))
}

// CopyShare returns the share of the rows of x that are nearer to a row of train than 98 of 100 held-out
// real rows are. A sampler that has learned the law scores about 0.02, one that returns training rows 1.
func CopyShare(train, held, x []float64, dim int) float64 {
	_, real := Nearest(train, held, dim)
	_, drawn := Nearest(train, x, dim)
	bar := Quantile(real, 0.02)
	near := 0
	for _, d := range drawn {
		if d < bar {
			near++
		}
	}
	return float64(near) / float64(len(drawn))
}

// Quantile returns the q-th quantile of x, linear between order statistics (NumPy's default).
func Quantile(x []float64, q float64) float64 {
	if len(x) == 0 {
		return math.NaN()
	}
	s := slices.Clone(x)
	slices.Sort(s)
	at := float64(q * float64(len(s)-1))
	i := min(max(int(at), 0), len(s)-1)
	j := min(i+1, len(s)-1)
	return math.FMA(at-float64(i), s[j]-s[i], s[i])
}
