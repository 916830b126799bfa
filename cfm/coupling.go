package cfm

import (
	"fmt"

	"pushforward/cfm/ot"
	"pushforward/simd/rng"
)

// Coupling decides which x₀ of a minibatch goes with which x₁. It is used from several
// goroutines at once.
type Coupling interface {
	// Pair draws pairs (x₀ row, x₁ row) into dst; conditions move with x₁. cost returns the n0×n1
	// squared distances, row by row; a coupling that ignores them does not call it. What cannot be
	// solved is a panic with an error, which the trainer returns.
	Pair(dst [][2]int, n0, n1 int, cost func() []float64, key rng.Key)
}

// Independent pairs row i with row i. Rows of a batch are drawn independently, so this is the
// product law of source and data.
type Independent struct{}

// ExactOT is the optimal assignment by shortest augmenting paths, O(n³): a permutation, in the
// order of x₀. With unequal numbers the rows left over are the costliest. It depends on the
// size of the batch, as every minibatch coupling does. Under conditions it skews the source
// given the condition and is not advised.
type ExactOT struct{}

// Sinkhorn draws from the entropic plan of regularisation Reg, in units of the squared
// distance: x₀ rows in turn, each with a row of x₁ drawn from its row of the plan. Reg 2σ² with
// Bridge{σ} is the Schrödinger bridge (Tong et al. 2024).
type Sinkhorn struct{ Reg float64 }

// Pair sets dst[i] to (i, i).
func (Independent) Pair(dst [][2]int, n0, n1 int, _ func() []float64, _ rng.Key) {
	wantPairs("Independent", len(dst), n0, n1)
	for i := range dst {
		dst[i] = [2]int{i, i}
	}
}

// assigner is the work space of an assignment.
type assigner struct {
	ot.Solver
	col []int
}

// assigners holds idle work spaces, one for each core that has ever solved at once. A sync.Pool would
// lose them at each garbage collection, and a steady-state step allocates nothing.
var assigners = make(chan *assigner, 64)

func takeAssigner() *assigner {
	select {
	case a := <-assigners:
		return a
	default:
		return new(assigner)
	}
}

func (a *assigner) give() {
	select {
	case assigners <- a:
	default:
	}
}

// Pair sets dst to the pairs of the cheapest assignment.
func (ExactOT) Pair(dst [][2]int, n0, n1 int, cost func() []float64, _ rng.Key) {
	wantPairs("ExactOT", len(dst), n0, n1)
	a := takeAssigner()
	defer a.give()
	a.col = resize(a.col, n0)
	if _, err := a.Assign(a.col, cost(), n0, n1); err != nil {
		panic(fmt.Errorf("cfm: ExactOT: %w", err))
	}
	k := 0
	for i, j := range a.col {
		if j >= 0 {
			dst[k] = [2]int{i, j}
			k++
		}
	}
}

// Pair sets dst to draws from the entropic plan.
func (s Sinkhorn) Pair(dst [][2]int, n0, n1 int, cost func() []float64, key rng.Key) {
	wantPairs("Sinkhorn", len(dst), n0, n1)
	if !(s.Reg > 0) {
		panic(fmt.Errorf("cfm: Sinkhorn: Reg is %g, want a positive number", s.Reg))
	}
	// A share of 1e-4 of a row's mass is far below what a draw of one pair can show.
	plan, err := ot.Sinkhorn(uniform(n0), uniform(n1), cost(), ot.SinkhornOptions{Reg: s.Reg, Tol: 1e-4})
	if err != nil {
		panic(fmt.Errorf("cfm: Sinkhorn: %w", err))
	}
	for i := range dst {
		row := plan.P[i*n1 : (i+1)*n1]
		dst[i] = [2]int{i, pick(row, key.Float64(uint64(i)))}
	}
}

func uniform(n int) []float64 {
	a := make([]float64, n)
	for i := range a {
		a[i] = 1 / float64(n)
	}
	return a
}

// pick returns the index at which the running sum of the weights w passes the share u of
// their total.
func pick(w []float64, u float64) int {
	var total, sum float64
	for _, v := range w {
		total += v
	}
	last := 0
	for j, v := range w {
		if v <= 0 {
			continue
		}
		last = j
		if sum += v; float64(u*total) < sum {
			return j
		}
	}
	return last
}

func wantPairs(who string, pairs, n0, n1 int) {
	if pairs > min(n0, n1) || who != "Sinkhorn" && pairs != min(n0, n1) {
		panic(fmt.Sprintf("cfm: %s: %d pairs of %d and %d rows", who, pairs, n0, n1))
	}
}
