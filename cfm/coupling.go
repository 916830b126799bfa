package cfm

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"pushforward/autograd"
	"pushforward/cfm/ot"
	"pushforward/simd"
	"pushforward/simd/rng"
)

// Coupling decides which x₀ of a minibatch goes with which x₁. It is used from several
// goroutines at once.
type Coupling interface {
	// Pair draws pairs (x₀ row, x₁ row) into dst; conditions move with x₁. cost returns the n0×n1
	// squared distances, row by row, which Pair may overwrite; a coupling that ignores them does not call
	// it. What cannot be solved is a panic with an error, which the trainer returns.
	Pair(dst [][2]int, n0, n1 int, cost func() []float64, key rng.Key)
}

// ConditionAware is a Coupling that looks at the conditions. Others, but Independent, are refused where rows have
// any, unless Forced: what pairs x₀ with x₁ at least cost pairs each condition with the part of the
// source nearest to it, while sampling gives every condition the whole source (Cheng and Schwing 2025).
type ConditionAware interface {
	Coupling
	// PairGiven is Pair where row j of x₁ has the condition cond[j·width:][:width]. Row i of x₀ was drawn with
	// row i of x₁ and counts as drawn under its condition.
	PairGiven(dst [][2]int, n0, n1 int, cost func() []float64, cond []float64, width int, key rng.Key)
}

// ErrConditions is wrapped by the error of a coupling that would skew the source given the condition.
var ErrConditions = errors.New("cfm: the coupling does not look at the conditions and would skew the source given them: use ConditionOT or Independent, or Forced")

// ErrOnePoint is wrapped by the error of a coupling that is to pair rows of data that are all the same point: every pairing costs the same.
var ErrOnePoint = errors.New("cfm: every row of the data is the same point: there is nothing to pair; Independent learns it")

// Forced is its Coupling, conditions or not.
type Forced struct{ Coupling }

// Pooled applies its Coupling to the rows of so many batches at once and deals the pairs out to the
// batches again: the larger the pool, the nearer its plan to that of the laws, at the same size of a step. Pool p
// holds the batches of steps p·Batches and following, a pure function of key and p; the next one is solved by
// cores with nothing to do.
type Pooled struct {
	Coupling
	Batches int
}

// Independent pairs row i with row i. Rows of a batch are drawn independently, so this is the
// product law of source and data.
type Independent struct{}

// ExactOT is the optimal assignment of least Σ ‖x₀ - x₁‖²: a permutation, in the order of x₀. With unequal numbers
// the rows left over are the costliest. It depends on the size of the batch, as every minibatch coupling does.
type ExactOT struct{}

// ConditionOT is the optimal assignment under conditions, of least
//
//	Σ ‖x₀ᵢ - x₁ⱼ‖² + w·‖cᵢ - cⱼ‖²
//
// where cᵢ is the condition that x₀ᵢ was drawn with. The zero ConditionOT has w = ∞: rows are paired only within equal
// conditions, which is right for classes. For conditions that do not come again give Weight, or Share, for which w is
// found in every batch such that this share of all pairs costs no more than the row's own pair: Cheng and Schwing, "The curse of
// conditions" (2025), who take 0.05 on their toys. As w → ∞ the pairs become independent, as w → 0 those of ExactOT.
type ConditionOT struct{ Weight, Share float64 }

// Sinkhorn draws from the entropic plan of regularisation Reg, in units of the squared
// distance: x₀ rows in turn, each with a row of x₁ drawn from its row of the plan. See BridgePlan.
type Sinkhorn struct{ Reg float64 }

// BridgePlan is the coupling of the Schrödinger bridge with Bridge{sigma}: the entropic plan of regularisation 2σ², in
// units of the squared distance (Tong et al. 2024, prop. 3.4).
func BridgePlan(sigma float64) Coupling { return Sinkhorn{Reg: 2 * sigma * sigma} }

// UnbalancedOT draws from the entropic plan whose marginals may differ from the rows' equal masses, at the price of
// Marginal times their divergence; see ot.SinkhornUnbalanced. Rows that are far from all others lose mass, so
// what is learned is not the law of the data but one with fewer outliers.
type UnbalancedOT struct{ Reg, Marginal float64 }

// PartialOT pairs only the cheapest Share of the rows, exactly; the batch is filled with these pairs again, in a
// random order. As with UnbalancedOT, rows far from all others are not learned.
type PartialOT struct{ Share float64 }

// SemiDiscrete pairs each x₀ with the row of the data that the optimal map from the whole source, not from a batch of it,
// gives it: no size of batch enters, and x₁ is a function of x₀. The data must lie in memory (FromTensor,
// FromConditioned); the map is fitted when training begins, on Draws points of the source, 256 for each row if 0, which takes
// time that grows with the square of the rows. Held-out rows are paired as by ExactOT. See ot.SemiDiscrete.
type SemiDiscrete struct{ Draws int }

// Pair is ExactOT's: a batch of rows that are not those the map was fitted to.
func (SemiDiscrete) Pair(dst [][2]int, n0, n1 int, cost func() []float64, key rng.Key) {
	ExactOT{}.Pair(dst, n0, n1, cost, key)
}

// mapped is the map of a SemiDiscrete coupling and the rows it leads to.
type mapped[F simd.Float] struct {
	once sync.Once
	plan *ot.SemiDiscrete
	rows autograd.Tensor[F] // scaled
	cond autograd.Tensor[F]
	err  error
}

// semidiscrete returns the map of r's coupling, fitted at the first call.
func (r *training[F]) semidiscrete(c SemiDiscrete) *mapped[F] {
	m := &r.mapped
	m.once.Do(func() {
		t, ok := r.Data.(*table[F])
		if !ok {
			m.err = errors.New("cfm: SemiDiscrete: the data does not lie in memory; FromTensor and FromConditioned do")
			return
		}
		f := r.Flow
		m.cond = t.cond
		m.rows = autograd.Tensor[F]{Shape: t.x1.Shape, Data: slices.Clone(t.x1.Data)}
		f.rescale(m.rows.Data, 1, false)
		key := r.Key.Named("semidiscrete")
		m.plan, m.err = ot.FitSemiDiscrete(widen(nil, m.rows.Data), f.Dim, c.Draws, func(dst []float64, k int) {
			drawSource(dst, f.Source, key.Fold(uint64(k)), nil)
		})
		if m.err != nil {
			m.err = fmt.Errorf("cfm: SemiDiscrete: %w", m.err)
		}
	})
	return m
}

// carry replaces the rows of s by those that its draws of the source are mapped to.
func (m *mapped[F]) carry(s *slot[F]) error {
	if m.err != nil {
		return m.err
	}
	n, d := s.out.X1.Rows(), s.run.Flow.Dim
	to := make([]int, n)
	s.a = widen(s.a, s.out.X0.Data)
	m.plan.Map(to, s.a)
	s.x1 = resize(s.x1, n*d)
	width := columns(m.cond)
	s.c = resize(s.c, n*width)
	for i, j := range to {
		copy(s.x1[i*d:][:d], m.rows.Data[j*d:])
		copy(s.c[i*width:][:width], m.cond.Data[j*width:])
	}
	s.out.X1.Data = s.x1
	if width > 0 {
		s.out.Cond.Data = s.c
	}
	return nil
}

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
	col   []int
	order []int
	sub   []float64
	far   []float64
	until []float64
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

// Pair is ExactOT's: there are no conditions.
func (ConditionOT) Pair(dst [][2]int, n0, n1 int, cost func() []float64, key rng.Key) {
	ExactOT{}.Pair(dst, n0, n1, cost, key)
}

// PairGiven sets dst to the pairs of the cheapest assignment, the conditions' distances counted.
func (c ConditionOT) PairGiven(dst [][2]int, n0, n1 int, cost func() []float64, cond []float64, width int, key rng.Key) {
	wantPairs("ConditionOT", len(dst), n0, n1)
	if !(c.Weight >= 0) || !(c.Share >= 0 && c.Share < 1) || math.IsInf(c.Weight, 1) || c.Weight > 0 && c.Share > 0 {
		panic(fmt.Errorf("cfm: ConditionOT: Weight %g, Share %g: want one of them, a weight above 0 or a share of (0, 1), or neither", c.Weight, c.Share))
	}
	if n0 != n1 || len(cond) != n1*width {
		panic(fmt.Sprintf("cfm: ConditionOT: %d and %d rows with %d numbers of conditions of %d", n0, n1, len(cond), width))
	}
	if c.Weight == 0 && c.Share == 0 {
		withinConditions(dst, n1, cost(), cond, width)
		return
	}
	m := cost()
	a := takeAssigner()
	defer a.give()
	a.far = resize(a.far, n1*n1)
	ot.SquaredDistances(a.far, cond, cond, width)
	w := c.Weight
	if c.Share > 0 {
		w = a.weightOfShare(m, n1, c.Share)
	}
	for k, d := range a.far {
		m[k] += float64(w * d)
	}
	ExactOT{}.Pair(dst, n0, n1, func() []float64 { return m }, key)
}

// weightOfShare returns the weight w at which the share of the pairs with m + w·far ≤ m of the row's own pair is the given
// one, or the nearest there is: the share falls as w grows.
func (a *assigner) weightOfShare(m []float64, n int, share float64) float64 {
	// A pair counts up to its own weight (mᵢᵢ - mᵢⱼ)/farᵢⱼ, for ever at equal conditions if it is cheaper.
	until := resize(a.until, n*n)[:0]
	for i := range n {
		own := m[i*n+i]
		far := a.far[i*n:][:n]
		for j, v := range m[i*n:][:n] {
			if gain := own - v; gain >= 0 {
				if d := far[j]; d > 0 {
					until = append(until, gain/d)
				} else {
					until = append(until, math.Inf(1))
				}
			}
		}
	}
	a.until = until
	keep := int(math.Round(share * float64(n*n)))
	if keep >= len(until) {
		return 0
	}
	w := smallest(until, len(until)-1-keep) // the first that is not to count
	if math.IsInf(w, 1) {                   // equal conditions alone are more than that: the least weight that leaves nothing else
		w = 0
		for _, v := range until {
			if v > w && !math.IsInf(v, 1) {
				w = v
			}
		}
	}
	return w * (1 + 1e-9)
}

// smallest returns the entry of v, which it reorders, that has k smaller or equal ones before it in order: Hoare's
// selection, about the median of three.
func smallest(v []float64, k int) float64 {
	for len(v) > 1 {
		lo, mid, hi := v[0], v[len(v)/2], v[len(v)-1]
		p := max(min(lo, mid), min(max(lo, mid), hi))
		i, j := 0, len(v)-1
		for i <= j {
			for v[i] < p {
				i++
			}
			for v[j] > p {
				j--
			}
			if i <= j {
				v[i], v[j] = v[j], v[i]
				i++
				j--
			}
		}
		switch {
		case k <= j:
			v = v[:j+1]
		case k >= i:
			v, k = v[i:], k-i
		default:
			return p
		}
	}
	return v[0]
}

// withinConditions pairs rows of equal conditions, one set of them after the other.
func withinConditions(dst [][2]int, n int, cost, cond []float64, width int) {
	a := takeAssigner()
	defer a.give()
	a.order = resize(a.order, n)
	for i := range a.order {
		a.order[i] = i
	}
	slices.SortStableFunc(a.order, func(i, j int) int {
		return slices.Compare(cond[i*width:][:width], cond[j*width:][:width])
	})
	for lo, hi := 0, 0; lo < n; lo = hi {
		first := cond[a.order[lo]*width:][:width]
		for hi = lo + 1; hi < n && slices.Equal(first, cond[a.order[hi]*width:][:width]); {
			hi++
		}
		set := a.order[lo:hi]
		k := len(set)
		a.sub, a.col = resize(a.sub, k*k), resize(a.col, k)
		for p, i := range set {
			for q, j := range set {
				a.sub[p*k+q] = cost[i*n+j]
			}
		}
		if _, err := a.Assign(a.col, a.sub, k, k); err != nil {
			panic(fmt.Errorf("cfm: ConditionOT: %w", err))
		}
		for p, i := range set {
			dst[i] = [2]int{i, set[a.col[p]]}
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
	plan, err := ot.Sinkhorn(uniform(n0), uniform(n1), cost(), ot.SinkhornOptions{Reg: s.Reg, Tol: 1e-4, MaxIter: maxSweeps})
	if err != nil {
		panic(fmt.Errorf("cfm: Sinkhorn: %w", err))
	}
	for i := range dst {
		row := plan.P[i*n1 : (i+1)*n1]
		dst[i] = [2]int{i, pick(row, key.Float64(uint64(i)))}
	}
}

// maxSweeps is where a coupling gives up: a batch that takes so many would take a training days.
const maxSweeps = 20000

// Pair sets dst to draws from the plan, stratified over its mass in the order of x₀.
func (s UnbalancedOT) Pair(dst [][2]int, n0, n1 int, cost func() []float64, key rng.Key) {
	wantPairs("UnbalancedOT", len(dst), n0, n1)
	if !(s.Reg > 0) || !(s.Marginal > 0) {
		panic(fmt.Errorf("cfm: UnbalancedOT: Reg is %g, Marginal %g, want positive numbers", s.Reg, s.Marginal))
	}
	opt := ot.SinkhornOptions{Reg: s.Reg, Marginal: s.Marginal, Tol: 1e-4, MaxIter: maxSweeps}
	plan, err := ot.SinkhornUnbalanced(uniform(n0), uniform(n1), cost(), opt)
	if err != nil {
		panic(fmt.Errorf("cfm: UnbalancedOT: %w", err))
	}
	var total float64
	for _, v := range plan.P {
		total += v
	}
	if !(total > 0) {
		panic(fmt.Errorf("cfm: UnbalancedOT: the plan carries no mass: Reg %g and Marginal %g are too small for these distances", s.Reg, s.Marginal))
	}
	sum, at := plan.P[0], 0
	for k := range dst {
		u := total * ((float64(k) + key.Float64(uint64(k))) / float64(len(dst)))
		for sum <= u && at < len(plan.P)-1 {
			at++
			sum += plan.P[at]
		}
		dst[k] = [2]int{at / n1, at % n1}
	}
}

// Pair sets dst to the cheapest pairs, over and over.
func (p PartialOT) Pair(dst [][2]int, n0, n1 int, cost func() []float64, key rng.Key) {
	wantPairs("PartialOT", len(dst), n0, n1)
	if !(p.Share > 0 && p.Share <= 1) {
		panic(fmt.Errorf("cfm: PartialOT: Share is %g, want one of (0, 1]", p.Share))
	}
	a := takeAssigner()
	defer a.give()
	a.col = resize(a.col, n0)
	few := max(1, int(math.Ceil(float64(p.Share*float64(min(n0, n1)))-1e-9)))
	if _, err := a.AssignSome(a.col, cost(), n0, n1, few); err != nil {
		panic(fmt.Errorf("cfm: PartialOT: %w", err))
	}
	k := 0
	for i, j := range a.col {
		if j >= 0 && k < len(dst) {
			dst[k] = [2]int{i, j}
			k++
		}
	}
	a.order = resize(a.order, k)
	for lo := k; lo < len(dst); lo += k {
		rng.Perm(key.Fold(uint64(lo)), a.order)
		for q, from := range a.order[:min(k, len(dst)-lo)] {
			dst[lo+q] = dst[from]
		}
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

// onePoint reports whether the data lies in memory and all its rows, of which there are several, are the same. It ends at the first that
// differs.
func onePoint[F simd.Float](d Data[F]) bool {
	t, ok := d.(*table[F])
	if !ok || t.x1.Rows() < 2 {
		return false
	}
	w := columns(t.x1)
	return slices.Equal(t.x1.Data[w:], t.x1.Data[:len(t.x1.Data)-w])
}

// inner returns the coupling that does the pairing, over how many batches it does, and whether conditions do not matter.
func inner(c Coupling) (pairs Coupling, batches int, forced bool) {
	batches = 1
	for {
		switch w := c.(type) {
		case Forced:
			c, forced = w.Coupling, true
		case Pooled:
			c, batches = w.Coupling, max(1, w.Batches)*batches
		default:
			return c, batches, forced
		}
	}
}

// KnowsConditions reports whether a coupling may be used where rows have conditions without skewing the source given
// them.
func KnowsConditions(c Coupling) bool {
	c, _, _ = inner(c)
	_, aware := c.(ConditionAware)
	_, independent := c.(Independent)
	return c == nil || aware || independent
}

func wantPairs(who string, pairs, n0, n1 int) {
	if pairs > min(n0, n1) || who != "Sinkhorn" && pairs != min(n0, n1) {
		panic(fmt.Sprintf("cfm: %s: %d pairs of %d and %d rows", who, pairs, n0, n1))
	}
}
