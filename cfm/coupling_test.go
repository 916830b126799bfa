package cfm

import (
	"math"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/cfm/ot"
	"pushforward/simd/rng"
)

func costOf(x, y []float64, dim int) func() []float64 {
	return func() []float64 {
		c := make([]float64, len(x)/dim*(len(y)/dim))
		ot.SquaredDistances(c, x, y, dim)
		return c
	}
}

// Trap P10: a permutation, and as cheap as any of n! for small n.
func TestExactOTIsTheBestPermutation(t *testing.T) {
	for n := 1; n <= 6; n++ {
		for seed := range uint64(5) {
			x, y := normalTensor[float64](n, 2, rng.New(seed).Named("x")).Data, normalTensor[float64](n, 2, rng.New(seed).Named("y")).Data
			cost := costOf(x, y, 2)()
			pairs := make([][2]int, n)
			ExactOT{}.Pair(pairs, n, n, costOf(x, y, 2), rng.Key{})
			seen := make([]bool, n)
			var got float64
			for i, p := range pairs {
				require.Equal(t, i, p[0])
				require.False(t, seen[p[1]])
				seen[p[1]] = true
				got += cost[i*n+p[1]]
			}
			best := math.Inf(1)
			perm := make([]int, n)
			for i := range perm {
				perm[i] = i
			}
			permutations(perm, 0, func() {
				var c float64
				for i, j := range perm {
					c += cost[i*n+j]
				}
				best = math.Min(best, c)
			})
			require.InDelta(t, best, got, 1e-12)
		}
	}
}

func permutations(p []int, k int, f func()) {
	if k == len(p) {
		f()
		return
	}
	for i := k; i < len(p); i++ {
		p[k], p[i] = p[i], p[k]
		permutations(p, k+1, f)
		p[k], p[i] = p[i], p[k]
	}
}

func TestExactOTRectangular(t *testing.T) {
	x, y := []float64{0, 10, 20}, []float64{21, 1}
	pairs := make([][2]int, 2)
	ExactOT{}.Pair(pairs, 3, 2, costOf(x, y, 1), rng.Key{})
	require.Equal(t, [][2]int{{0, 1}, {2, 0}}, pairs)
	require.Panics(t, func() { ExactOT{}.Pair(make([][2]int, 3), 3, 2, costOf(x, y, 1), rng.Key{}) })
}

func TestExactOTDegenerate(t *testing.T) {
	same := make([]float64, 8)
	pairs := make([][2]int, 4)
	ExactOT{}.Pair(pairs, 4, 4, costOf(same, same, 2), rng.Key{})
	var cols []int
	for _, p := range pairs {
		cols = append(cols, p[1])
	}
	slices.Sort(cols)
	require.Equal(t, []int{0, 1, 2, 3}, cols)
	same[0] = math.NaN()
	require.Panics(t, func() { ExactOT{}.Pair(pairs, 4, 4, costOf(same, same, 2), rng.Key{}) })
}

// Draws follow the entropic plan: each x₀ row once, x₁ by its row of the plan.
func TestSinkhornDrawsFromThePlan(t *testing.T) {
	x, y := []float64{0, 1, 3}, []float64{0.5, 2, 2.5}
	cost := costOf(x, y, 1)
	plan, err := ot.Sinkhorn(uniform(3), uniform(3), cost(), ot.SinkhornOptions{Reg: 1})
	require.NoError(t, err)
	count := make([]float64, 9)
	n := byShort(t, 20000, 500)
	pairs := make([][2]int, 3)
	for k := range n {
		Sinkhorn{1}.Pair(pairs, 3, 3, cost, rng.New(1).Fold(uint64(k)))
		for i, p := range pairs {
			require.Equal(t, i, p[0])
			count[i*3+p[1]]++
		}
	}
	for k, c := range count {
		p := 3 * plan.P[k]
		require.InDelta(t, p, c/float64(n), 5*math.Sqrt(p*(1-p)/float64(n))+2e-4)
	}
	require.Panics(t, func() { Sinkhorn{}.Pair(pairs, 3, 3, cost, rng.Key{}) })
}

// Whatever the coupling does, a condition stays with its x₁, and rows keep their own noise.
func TestConditionsMoveWithTheirRows(t *testing.T) {
	for _, c := range []Coupling{Independent{}, Forced{ExactOT{}}, Forced{Sinkhorn{3}}, ConditionOT{}, ConditionOT{Weight: 2}, Pooled{ConditionOT{Share: 0.1}, 3}} {
		x := normalTensor[float32](100, 2, rng.New(1))
		cond := normalTensor[float32](100, 1, rng.New(2))
		for i := range 100 {
			cond.Data[i] = x.Row(i)[0] + 10*x.Row(i)[1]
		}
		tr := smallTrainer[float32](1, 10, false)
		tr.Data, tr.Coupling, tr.Batch, tr.Shards = FromConditioned(x, cond), c, 32, 1
		tr.Flow.Loc, tr.Flow.Scale = nil, nil
		s := newSlot(tr.setup())
		s.prepare()
		require.NoError(t, s.err)
		require.Nil(t, s.pan)
		for i := range 32 {
			r := s.out.X1.Row(i)
			require.Equal(t, r[0]+10*r[1], s.out.Cond.Row(i)[0], "%T", c)
		}
		if _, pooled := c.(Pooled); pooled {
			continue // the source rows are a part of the pool's
		}
		// The source rows are those of the key, in some order.
		got := append([]float32(nil), s.out.X0.Data...)
		slices.Sort(got)
		want := make([]float32, 64)
		rng.Normal(tr.run.keys.source.Fold(0), want)
		slices.Sort(want)
		require.Equal(t, want, got, "%T", c)
	}
}

// OT pairs cost less than independent ones, and pairs of the data's own are left alone.
func TestCouplingInTheTrainer(t *testing.T) {
	length := func(c Coupling, d Data[float32]) float64 {
		tr := smallTrainer[float32](1, 10, false)
		tr.Coupling = c
		if d != nil {
			tr.Data = d
		}
		s := newSlot(tr.setup())
		s.prepare()
		require.NoError(t, s.err)
		var q float64
		for i, v := range s.out.X0.Data {
			q += float64(v-s.out.X1.Data[i]) * float64(v-s.out.X1.Data[i])
		}
		return q
	}
	require.Less(t, length(ExactOT{}, nil), 0.8*length(Independent{}, nil))
	require.Less(t, length(Sinkhorn{0.3}, nil), 0.9*length(Independent{}, nil))
	require.Less(t, length(UnbalancedOT{0.3, 1}, nil), 0.9*length(Independent{}, nil))
	require.Less(t, length(PartialOT{0.5}, nil), 0.6*length(ExactOT{}, nil))
	x := normalTensor[float32](300, 2, rng.New(5))
	pairs := FromPairs(x, permuted(x, rotation(300)))
	require.Equal(t, length(Independent{}, pairs), length(ExactOT{}, pairs))
}

func rotation(n int) []int {
	at := make([]int, n)
	for i := range at {
		at[i] = (i + 1) % n
	}
	return at
}

// A coupling that cannot be solved is an error of the run, on any number of cores.
func TestCouplingFailure(t *testing.T) {
	for _, procs := range []int{1, 2} {
		old := runtime.GOMAXPROCS(procs)
		tr := smallTrainer[float32](1, 10, false)
		tr.Coupling = Sinkhorn{-1}
		err := tr.Run(bg)
		runtime.GOMAXPROCS(old)
		require.ErrorContains(t, err, "Sinkhorn: Reg is -1")
	}
}

// DropCond blanks the conditions of its share of the rows, others each step, and nothing else.
func TestDropCond(t *testing.T) {
	tr, whole := smallTrainer[float32](1, 50, true), smallTrainer[float32](1, 50, true)
	tr.DropCond = 0.3
	a, b := newSlot(tr.setup()), newSlot(whole.setup())
	blank, last := 0, ""
	for step := range 40 {
		a.step, b.step = step, step
		a.prepare()
		b.prepare()
		require.Equal(t, b.out.X1.Data, a.out.X1.Data)
		require.Equal(t, b.out.X0.Data, a.out.X0.Data)
		which := ""
		for i := range a.out.Cond.Rows() {
			if r := a.out.Cond.Row(i); r[0] == 0 && r[1] == 0 {
				blank++
				which += "x"
			} else {
				require.Equal(t, b.out.Cond.Row(i), r)
				which += "."
			}
		}
		require.NotEqual(t, last, which)
		last = which
	}
	require.InDelta(t, 0.3, float64(blank)/(40*128), 0.03)
}
