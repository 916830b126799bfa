package ot

import (
	"fmt"
	"math"
	"slices"

	"pushforward/simd"
)

// W2 returns the 2-Wasserstein distance of two samples with equal weights within each,
//
//	W₂ = (min Σ pᵢⱼ ‖xᵢ - yⱼ‖²)^½,
//
// exactly, for equal and unequal numbers of rows. It overestimates the distance of the laws the samples
// come from: two samples of one law are not at distance 0.
func W2(x, y []float64, dim int) (float64, error) { return Wp(x, y, dim, 2) }

// W1 returns the 1-Wasserstein distance, min Σ pᵢⱼ ‖xᵢ - yⱼ‖.
func W1(x, y []float64, dim int) (float64, error) { return Wp(x, y, dim, 1) }

// Wp returns the p-Wasserstein distance (min Σ pᵢⱼ ‖xᵢ - yⱼ‖ᵖ)^(1/p) for p ≥ 1.
func Wp(x, y []float64, dim int, p float64) (float64, error) {
	cost, n, m, err := powers(x, y, dim, p)
	if err != nil {
		return 0, err
	}
	total, err := meanCost(cost, n, m)
	return root(total, p), err
}

// powers returns the costs ‖xᵢ - yⱼ‖ᵖ.
func powers(x, y []float64, dim int, p float64) (cost []float64, n, m int, err error) {
	n, m = rows(x, dim), rows(y, dim)
	if n == 0 || m == 0 {
		return nil, n, m, fmt.Errorf("%w: W%v of %d and %d points", ErrCost, p, n, m)
	}
	if !(p >= 1) || math.IsInf(p, 1) {
		panic(fmt.Sprintf("ot: Wp: p is %v, must be a number from 1 up", p))
	}
	cost = make([]float64, n*m)
	SquaredDistances(cost, x, y, dim)
	if p != 2 {
		for k, v := range cost {
			cost[k] = power(math.Sqrt(v), p)
		}
	}
	return cost, n, m, nil
}

// meanCost is the least cost between n masses 1/n and m masses 1/m.
func meanCost(cost []float64, n, m int) (float64, error) {
	if n == m {
		_, total, err := Assign(cost, n, m)
		return total / float64(n), err
	}
	a, b, unit := uniform(n, m)
	s, err := newSimplex(a, b, cost)
	if err != nil {
		return 0, err
	}
	if err := s.solve(); err != nil {
		return 0, err
	}
	return s.total() * unit, nil
}

func power(d, p float64) float64 {
	switch {
	case p == 1 || d == 0:
		return d
	case p == 2:
		return d * d
	}
	return simd.Pow(d, p)
}

func root(v, p float64) float64 {
	switch {
	case p == 1 || v == 0:
		return v
	case p == 2:
		return math.Sqrt(v)
	}
	return simd.Pow(v, 1/p)
}

// Wp1D returns the p-Wasserstein distance of two samples on the line: the sorted plan is optimal for
// every p ≥ 1. The samples may differ in size; they are not changed.
func Wp1D(x, y []float64, p float64) float64 {
	a, b := slices.Clone(x), slices.Clone(y)
	slices.Sort(a)
	slices.Sort(b)
	return root(sorted(a, b, p), p)
}

// sorted returns Wₚᵖ of two sorted samples: the integral over q in [0, 1] of the p-th power of the
// difference of their quantiles, which are steps of width 1/n and 1/m.
func sorted(a, b []float64, p float64) float64 {
	n, m := len(a), len(b)
	if n == 0 || m == 0 {
		return math.NaN()
	}
	sum := 0.0
	if n == m {
		for i := range a {
			sum += float64(power(math.Abs(a[i]-b[i]), p))
		}
		return sum / float64(n)
	}
	// at counts in units of 1/(n·m).
	for i, j, at := 0, 0, 0; i < n && j < m; {
		next := min((i+1)*m, (j+1)*n)
		sum = math.FMA(power(math.Abs(a[i]-b[j]), p), float64(next-at), sum)
		at = next
		if next == (i+1)*m {
			i++
		}
		if next == (j+1)*n {
			j++
		}
	}
	return sum / (float64(n) * float64(m))
}

// SlicedW returns (mean over the directions of Wₚᵖ between the projections of x and y)^(1/p). dirs holds
// unit vectors of dim numbers, row after row.
func SlicedW(x, y []float64, dim int, dirs []float64, p float64) float64 {
	n, m, k := rows(x, dim), rows(y, dim), rows(dirs, dim)
	a, b := make([]float64, n), make([]float64, m)
	sum := 0.0
	for d := range k {
		u := dirs[d*dim : (d+1)*dim]
		project(a, x, u)
		project(b, y, u)
		slices.Sort(a)
		slices.Sort(b)
		sum += sorted(a, b, p)
	}
	return root(sum/float64(k), p)
}

func project(dst, x, u []float64) {
	for i := range dst {
		s := 0.0
		for k, c := range x[i*len(u) : (i+1)*len(u)] {
			s = math.FMA(c, u[k], s)
		}
		dst[i] = s
	}
}
