package ot

import (
	"fmt"
	"math"
)

// Dual is Kantorovich's side of W_p: potentials with
//
//	uᵢ + vⱼ ≤ ‖xᵢ - yⱼ‖ᵖ   and   (1/n)·Σ uᵢ + (1/m)·Σ vⱼ = W_pᵖ,
//
// which no pair of potentials can exceed: they prove the distance.
type Dual struct {
	P    float64
	U, V []float64
	y    []float64
	dim  int
}

// Kantorovich solves the transport problem of Wp and returns its dual potentials.
func Kantorovich(x, y []float64, dim int, p float64) (*Dual, error) {
	cost, n, m, err := powers(x, y, dim, p)
	if err != nil {
		return nil, err
	}
	d := &Dual{P: p, U: make([]float64, n), V: make([]float64, m), y: y, dim: dim}
	if n == m {
		var s Solver
		if _, err := s.Assign(make([]int, n), cost, n, m); err != nil {
			return nil, err
		}
		u, v := s.Duals()
		copy(d.U, u)
		copy(d.V, v)
	} else {
		a, b, _ := uniform(n, m)
		s, err := newSimplex(a, b, cost)
		if err != nil {
			return nil, err
		}
		if err := s.solve(); err != nil {
			return nil, err
		}
		for i := range d.U {
			d.U[i] = -s.pi[i]
		}
		copy(d.V, s.pi[n:n+m])
	}
	// u is raised to what v allows, minⱼ cᵢⱼ - vⱼ: the bound holds to the last bit then, whatever the solver rounded.
	for i := range d.U {
		least := math.Inf(1)
		for j, v := range d.V {
			least = math.Min(least, cost[i*m+j]-v)
		}
		d.U[i] = least
	}
	return d, nil
}

// Value is (1/n)·Σ u + (1/m)·Σ v, equal to W_pᵖ.
func (d *Dual) Value() float64 { return meanOf(d.U) + meanOf(d.V) }

// At is the potential continued to all of space, the c-transform of v:
//
//	φ(z) = minⱼ ‖z - yⱼ‖ᵖ - vⱼ
//
// For p = 1 it is 1-Lipschitz, being a minimum of such functions, and the mean of φ over x less that over y is W₁: the
// function that attains the supremum of Kantorovich and Rubinstein's formula, which holds for p = 1 only.
func (d *Dual) At(z []float64) float64 {
	if len(z) != d.dim {
		panic(fmt.Sprintf("ot: Dual: a point of %d numbers, want %d", len(z), d.dim))
	}
	least := math.Inf(1)
	for j, v := range d.V {
		least = math.Min(least, power(math.Sqrt(squared(z, d.y[j*d.dim:(j+1)*d.dim])), d.P)-v)
	}
	return least
}

func meanOf(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}
