package ot_test

import (
	"fmt"

	"pushforward/cfm/ot"
)

// Three workers and three jobs. The potentials prove the assignment: their sum is its cost.
func ExampleSolver() {
	cost := []float64{
		4, 1, 3,
		2, 0, 5,
		3, 2, 2,
	}
	var s ot.Solver
	job := make([]int, 3)
	total, err := s.Assign(job, cost, 3, 3)
	if err != nil {
		fmt.Println(err)
		return
	}
	u, v := s.Duals()
	fmt.Println(job, total, u[0]+u[1]+u[2]+v[0]+v[1]+v[2])
	// Output: [1 0 2] 5 5
}

// A cloud moved by (3, 4) is at distance 5.
func ExampleW2() {
	x := []float64{0, 0, 1, 0, 0, 2}
	y := []float64{3, 4, 4, 4, 3, 6}
	d, err := ot.W2(x, y, 2)
	fmt.Println(d, err)
	// Output: 5 <nil>
}

// As ε falls the entropic plan becomes the optimal one.
func ExampleSinkhorn() {
	a := []float64{0.5, 0.5}
	cost := []float64{0, 1, 1, 0}
	for _, reg := range []float64{1, 0.1} {
		p, err := ot.Sinkhorn(a, a, cost, ot.SinkhornOptions{Reg: reg})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%.4f\n", p.P)
	}
	// Output:
	// [0.3655 0.1345 0.1345 0.3655]
	// [0.5000 0.0000 0.0000 0.5000]
}
