package cfm

import (
	"math"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/autograd"
	"pushforward/cfm/ot"
	"pushforward/simd/rng"
)

// For few rows the pairs are the best of all permutations by the cost with the conditions in it; without a weight, of
// those that keep the condition.
func TestConditionOTIsTheBest(t *testing.T) {
	for seed := range uint64(6) {
		const n = 6
		key := rng.New(seed)
		x, y := normalTensor[float64](n, 2, key.Named("x")).Data, normalTensor[float64](n, 2, key.Named("y")).Data
		cond := normalTensor[float64](n, 1, key.Named("c")).Data
		class := make([]float64, n)
		for i, c := range cond {
			class[i] = math.Round(c)
		}
		cost := costOf(x, y, 2)
		for _, c := range []struct {
			cond   []float64
			weight float64
		}{{class, 0}, {cond, 0.5}, {cond, 10}, {class, 1}} {
			pairs := make([][2]int, n)
			ConditionOT{Weight: c.weight}.PairGiven(pairs, n, n, cost, c.cond, 1, rng.Key{})
			m := cost()
			price := func(i, j int) float64 {
				d := c.cond[i] - c.cond[j]
				if c.weight == 0 && d != 0 {
					return math.Inf(1)
				}
				return m[i*n+j] + c.weight*d*d
			}
			var got float64
			seen := make([]bool, n)
			for i, p := range pairs {
				require.Equal(t, i, p[0])
				require.False(t, seen[p[1]])
				seen[p[1]] = true
				got += price(i, p[1])
			}
			best := math.Inf(1)
			perm := []int{0, 1, 2, 3, 4, 5}
			permutations(perm, 0, func() {
				var sum float64
				for i, j := range perm {
					sum += price(i, j)
				}
				best = math.Min(best, sum)
			})
			require.InDelta(t, best, got, 1e-12)
		}
	}
}

// The weight found leaves the share of the pairs asked for no dearer than the row's own.
func TestConditionOTShare(t *testing.T) {
	const n = 100
	x, y := normalTensor[float64](n, 2, rng.New(1)).Data, normalTensor[float64](n, 2, rng.New(2)).Data
	cond := normalTensor[float64](n, 1, rng.New(3)).Data
	m, far := costOf(x, y, 2)(), costOf(cond, cond, 1)()
	var a assigner
	for _, share := range []float64{0.011, 0.05, 0.2, 0.4} {
		a.far = far
		w := a.weightOfShare(m, n, share)
		count := 0
		for i := range n {
			for j := range n {
				if i == j || m[i*n+j]+w*far[i*n+j] <= m[i*n+i] {
					count++
				}
			}
		}
		require.InDelta(t, share*n*n, count, 1.5, "share %g, weight %g", share, w)
	}
	require.Zero(t, a.weightOfShare(m, n, 0.9), "without any weight fewer are as cheap")
	a.far = make([]float64, n*n)
	require.Zero(t, a.weightOfShare(m, n, 0.1), "one condition")
	for _, c := range []ConditionOT{{Weight: -1}, {Share: 1}, {Weight: 1, Share: 0.1}, {Weight: math.NaN()}} {
		require.PanicsWithError(t, errorOf(func() { c.PairGiven(make([][2]int, n), n, n, costOf(x, y, 2), cond, 1, rng.Key{}) }), func() {
			c.PairGiven(make([][2]int, n), n, n, costOf(x, y, 2), cond, 1, rng.Key{})
		})
	}
}

func TestSmallest(t *testing.T) {
	for n := 1; n <= 40; n++ {
		v := make([]float64, n)
		rng.Normal(rng.New(uint64(n)), v)
		for i := range v {
			if v[i] = math.Round(2 * v[i]); v[i] > 3 { // ties
				v[i] = math.Inf(1)
			}
		}
		sorted := slices.Sorted(slices.Values(v))
		for k, want := range sorted {
			require.Equal(t, want, smallest(slices.Clone(v), k), "%v, %d", v, k)
		}
	}
}

func errorOf(f func()) (s string) {
	defer func() { s = recover().(error).Error() }()
	f()
	return ""
}

// Trap P11: plain OT gives each class the side of the source that lies nearest, which sampling does not; OT
// within the classes leaves the source as it is, and still pairs at less cost than independent rows do.
func TestConditionOTLeavesTheSourceAlone(t *testing.T) {
	const n = 4096
	x, class := autograd.NewTensor[float64](n, 1), autograd.NewTensor[float64](n, 1)
	rng.Normal(rng.New(1), x.Data)
	for i := range n {
		class.Data[i] = float64(i % 2)
		x.Data[i] = 0.5*x.Data[i] + 4*class.Data[i] - 2
	}
	pairs := func(c Coupling) (mean [2]float64, cost float64) {
		tr := smallTrainer[float64](1, 10, false)
		tr.Flow.Dim, tr.Flow.Loc, tr.Flow.Scale = 1, nil, nil
		tr.Data, tr.Coupling, tr.Batch, tr.Shards = FromConditioned(x, class), c, 256, 1
		s := newSlot(tr.setup())
		for s.step = range 16 {
			s.prepare()
			require.NoError(t, s.err)
			require.Nil(t, s.pan)
			for i := range 256 {
				v := s.out.X0.Data[i] - s.out.X1.Data[i]
				mean[int(s.out.Cond.Data[i])] += s.out.X0.Data[i] / (n / 2)
				cost += v * v / n
			}
		}
		return mean, cost
	}
	skewed, least := pairs(Forced{ExactOT{}})
	require.Less(t, skewed[0], -0.7)
	require.Greater(t, skewed[1], 0.7)
	free, most := pairs(Independent{})
	within, less := pairs(ConditionOT{})
	for k := range 2 {
		require.InDelta(t, 0, free[k], 0.06)
		require.InDelta(t, 0, within[k], 0.06)
	}
	require.Less(t, least, less)
	require.Less(t, less, 0.85*most)
}

// A coupling that does not look at conditions is an error where rows have any; so is one with nothing to pair.
func TestCouplingRefusals(t *testing.T) {
	for _, c := range []Coupling{ExactOT{}, Sinkhorn{1}, PartialOT{0.5}, UnbalancedOT{1, 1}, Pooled{ExactOT{}, 2}, BridgePlan(1)} {
		tr := smallTrainer[float32](1, 10, true)
		tr.Coupling = c
		err := tr.Run(bg)
		require.ErrorIs(t, err, ErrConditions, "%T", c)
		require.False(t, KnowsConditions(c))
	}
	for _, c := range []Coupling{nil, Independent{}, ConditionOT{}, Pooled{ConditionOT{Share: 0.1}, 2}} {
		require.True(t, KnowsConditions(c))
	}
	tr := smallTrainer[float32](1, 4, true)
	tr.Coupling, tr.Batch, tr.Shards = Forced{ExactOT{}}, 32, 1
	require.NoError(t, tr.Run(bg))

	tr = smallTrainer[float32](1, 10, false)
	tr.Coupling, tr.Batch, tr.Shards = ExactOT{}, 1, 1
	require.ErrorContains(t, tr.Run(bg), "ExactOT: a batch of one row has nothing to pair")
	tr = smallTrainer[float32](1, 10, false)
	tr.Coupling, tr.Batch, tr.Shards = Pooled{ExactOT{}, 4}, 1, 1
	require.NoError(t, tr.Run(bg))

	for _, c := range []struct {
		c    Coupling
		says string
	}{{PartialOT{0}, "PartialOT: Share is 0"}, {PartialOT{1.5}, "Share is 1.5"}, {UnbalancedOT{0, 1}, "UnbalancedOT: Reg is 0"}, {UnbalancedOT{1, 1e-9}, "no mass"}, {Sinkhorn{1e-13}, "marginals are off by"}} {
		x, y := []float64{0, 1, 3, 7}, []float64{100, 101, 103, 107}
		require.Contains(t, errorOf(func() { c.c.Pair(make([][2]int, 4), 4, 4, costOf(x, y, 1), rng.Key{}) }), c.says)
	}
}

// Pools hold the rows of their batches, each once, at less cost than batch by batch; what a run comes to depends neither
// on cores nor on where it was stopped.
func TestPooled(t *testing.T) {
	gather := func(c Coupling) (x0, x1 []float32, cost float64) {
		tr := smallTrainer[float32](1, 64, false)
		tr.Coupling, tr.Batch, tr.Shards = c, 32, 1
		r := tr.setup()
		s := newSlot(r)
		for s.step = range 12 {
			r.now.Store(int64(s.step))
			s.prepare()
			require.NoError(t, s.err)
			require.Nil(t, s.pan)
			require.Equal(t, autograd.Dims(32, 2), s.out.X0.Shape)
			require.Equal(t, s.step, s.out.Step)
			for i, v := range s.out.X0.Data {
				d := float64(v - s.out.X1.Data[i])
				cost += d * d
			}
			x0, x1 = append(x0, s.out.X0.Data...), append(x1, s.out.X1.Data...)
		}
		slices.Sort(x0)
		slices.Sort(x1)
		return x0, x1, cost
	}
	a0, a1, alone := gather(ExactOT{})
	b0, b1, pooled := gather(Pooled{ExactOT{}, 4})
	require.Equal(t, a0, b0)
	require.Equal(t, a1, b1)
	require.Less(t, pooled, 0.95*alone)

	run := func(procs, stop int) []float32 {
		old := runtime.GOMAXPROCS(procs)
		defer runtime.GOMAXPROCS(old)
		tr := smallTrainer[float32](1, 23, true)
		tr.Coupling, tr.Batch, tr.Shards = Pooled{ConditionOT{Share: 0.2}, 3}, 48, 2
		for range stop {
			_, err := tr.Step()
			require.NoError(t, err)
		}
		tr.Close()
		require.NoError(t, tr.Run(bg))
		return slices.Clone(tr.Flow.Theta)
	}
	want := run(1, 0)
	require.Equal(t, want, run(2, 0))
	require.Equal(t, want, run(4, 7))
}

// Rows far from all others lose their mass, and the rest is paired as without them.
func TestUnbalancedAndPartialDropOutliers(t *testing.T) {
	const n = 64
	x, y := normalTensor[float64](n, 2, rng.New(1)).Data, normalTensor[float64](n, 2, rng.New(2)).Data
	y[0], y[1] = 50, 50
	for _, c := range []Coupling{UnbalancedOT{0.5, 2}, PartialOT{0.9}} {
		pairs := make([][2]int, n)
		c.Pair(pairs, n, n, costOf(x, y, 2), rng.New(3))
		partners := map[int]bool{}
		for _, p := range pairs {
			require.NotZero(t, p[1], "%T", c)
			partners[p[1]] = true
		}
		require.Greater(t, len(partners), n/3, "%T", c)
	}
	// PartialOT's pairs are the cheapest 58, and come again until there are 64.
	pairs := make([][2]int, n)
	PartialOT{0.9}.Pair(pairs, n, n, costOf(x, y, 2), rng.New(3))
	col := make([]int, n)
	_, err := new(ot.Solver).AssignSome(col, costOf(x, y, 2)(), n, n, 58)
	require.NoError(t, err)
	count := map[int]int{}
	for _, p := range pairs {
		require.Equal(t, col[p[0]], p[1])
		count[p[0]]++
	}
	require.Len(t, count, 58)
	for _, k := range count {
		require.LessOrEqual(t, k, 2)
	}
}

// Draws of UnbalancedOT follow the plan: the share of a pair is its part of the plan's mass.
func TestUnbalancedDrawsFromThePlan(t *testing.T) {
	x, y := []float64{0, 1, 3}, []float64{0.5, 2, 9}
	cost := costOf(x, y, 1)
	plan, err := ot.SinkhornUnbalanced(uniform(3), uniform(3), cost(), ot.SinkhornOptions{Reg: 1, Marginal: 2})
	require.NoError(t, err)
	var mass float64
	for _, v := range plan.P {
		mass += v
	}
	count := make([]float64, 9)
	n := byShort(t, 20000, 1000)
	pairs := make([][2]int, 3)
	for k := range n {
		UnbalancedOT{1, 2}.Pair(pairs, 3, 3, cost, rng.New(1).Fold(uint64(k)))
		for _, p := range pairs {
			count[3*p[0]+p[1]]++
		}
	}
	for k, v := range plan.P {
		require.InDelta(t, v/mass, count[k]/float64(3*n), 4/math.Sqrt(float64(n))*0.3+1e-3)
	}
}

// Every x₀ goes to the row that the fitted map gives it, with the row's condition; the map leaves every row its share of the
// source, so the law of x₁ is the data's.
func TestSemiDiscrete(t *testing.T) {
	const n = 40
	x := normalTensor[float32](n, 2, rng.New(1))
	cond := autograd.NewTensor[float32](n, 1)
	index := map[float32]int{}
	for i := range n {
		cond.Data[i] = 10 * x.Row(i)[0]
		index[x.Row(i)[0]] = i
	}
	tr := smallTrainer[float32](1, 20, false)
	tr.Flow.Loc, tr.Flow.Scale = nil, nil
	tr.Data, tr.Coupling, tr.Batch, tr.Shards = FromConditioned(x, cond), Forced{SemiDiscrete{Draws: 40000}}, 256, 1
	s := newSlot(tr.setup())
	count := make([]float64, n)
	for s.step = range 20 {
		s.prepare()
		require.NoError(t, s.err)
		require.Nil(t, s.pan)
		for i := range 256 {
			r := s.out.X1.Row(i)
			require.Equal(t, 10*r[0], s.out.Cond.Row(i)[0])
			count[index[r[0]]]++
		}
	}
	wrong := 0.0
	for _, c := range count {
		wrong += math.Abs(c/(20*256)-1.0/n) / 2
	}
	require.Less(t, wrong, 0.07)
	require.Less(t, tr.run.mapped.plan.Err, 0.05)
	to := make([]int, 256)
	tr.run.mapped.plan.Map(to, widen(nil, s.out.X0.Data))
	for i, j := range to {
		require.Equal(t, x.Row(j), s.out.X1.Row(i))
	}

	tr = smallTrainer[float32](1, 5, false)
	tr.Coupling, tr.Val = SemiDiscrete{Draws: 20000}, tr.Data
	require.NoError(t, tr.Run(bg))
	tr = smallTrainer[float32](1, 5, false)
	tr.Data, tr.Coupling = Augment(tr.Data, func([]float32, rng.Key) {}), SemiDiscrete{}
	require.ErrorContains(t, tr.Run(bg), "does not lie in memory")
}
