package ot

import (
	"errors"
	"fmt"
	"math"
)

// Plan is a transport plan and what is known of it.
type Plan struct {
	N, M int
	P    []float64 // N × M: the mass that goes from i to j
	Cost float64   // Σ p·c
	U, V []float64 // dual potentials
	Iter int       // sweeps or pivots taken
	Err  float64   // the largest error of a marginal
}

// Transport returns an optimal plan between masses a and b, exactly: the network simplex method on a tree
// of routes. cost is len(a)×len(b). The masses must be finite and not negative and have the same total to
// 1e-9; they are held in units of 2⁻⁵⁰ of it, which is their error in the plan.
func Transport(a, b, cost []float64) (*Plan, error) {
	n, m := len(a), len(b)
	total, err := checkMasses(a, b, cost)
	if err != nil {
		return nil, err
	}
	s, err := newSimplex(whole(a), whole(b), cost)
	if err != nil {
		return nil, err
	}
	if err := s.solve(); err != nil {
		return nil, err
	}
	p := &Plan{N: n, M: m, P: make([]float64, n*m), Cost: s.total() * (total / wholeUnits), Iter: s.pivots}
	p.U, p.V = make([]float64, n), make([]float64, m)
	// The potentials here are π with c + πᵢ - πⱼ ≥ 0: u = -π on the left, v = π on the right.
	for i := range p.U {
		p.U[i] = -s.pi[i]
	}
	copy(p.V, s.pi[n:n+m])
	s.each(func(i, j int, flow int64) { p.P[i*m+j] = float64(flow) * (total / wholeUnits) })
	p.Err = marginalError(p.P, a, b)
	return p, nil
}

func checkMasses(a, b, cost []float64) (total float64, err error) {
	n, m := len(a), len(b)
	if n == 0 || m == 0 {
		return 0, fmt.Errorf("%w: %d and %d points", ErrCost, n, m)
	}
	if len(cost) != n*m {
		panic(fmt.Sprintf("ot: %d×%d masses need costs of %d, got %d", n, m, n*m, len(cost)))
	}
	var sum [2]float64
	for k, w := range [][]float64{a, b} {
		for i, v := range w {
			if !(v >= 0) || math.IsInf(v, 1) {
				return 0, fmt.Errorf("%w: mass %d of %c is %v", ErrCost, i, "ab"[k], v)
			}
			sum[k] += v
		}
	}
	if !(sum[0] > 0) || math.Abs(sum[0]-sum[1]) > 1e-9*sum[0] {
		return 0, fmt.Errorf("%w: the masses have totals %v and %v", ErrCost, sum[0], sum[1])
	}
	return sum[0], nil
}

// wholeUnits is how many units the total mass is divided in.
const wholeUnits = 1 << 50

// whole expresses masses in units, rounding their running sum so that the total is exact.
func whole(a []float64) []int64 {
	total := 0.0
	for _, v := range a {
		total += v
	}
	w := make([]int64, len(a))
	sum, before := 0.0, int64(0)
	for i, v := range a {
		sum += v
		at := int64(math.Round(sum / total * wholeUnits))
		if i == len(a)-1 {
			at = wholeUnits
		}
		w[i], before = at-before, at
	}
	return w
}

// uniform expresses n masses 1/n and m masses 1/m in the smallest whole numbers, and the mass of one.
func uniform(n, m int) (a, b []int64, unit float64) {
	g := n
	for r := m; r > 0; {
		g, r = r, g%r
	}
	a, b = make([]int64, n), make([]int64, m)
	for i := range a {
		a[i] = int64(m / g)
	}
	for j := range b {
		b[j] = int64(n / g)
	}
	return a, b, 1 / (float64(n) * float64(m/g))
}

// simplex is the network simplex method on the complete bipartite graph of n sources and m sinks.
//
// A basis is a spanning tree of the sources, the sinks and one more node, the root: routes on the tree
// carry flow, all others none. Potentials π are such that c + πᵢ - πⱼ = 0 along the tree. A pivot takes in
// a route with negative reduced cost, pushes flow round the cycle that closes, and drops a route that
// runs empty. The tree begins with the root's own routes, whose cost is so high that none of them
// carries flow at the end. Which of several empty routes goes follows Cunningham's rule, under which the
// method cannot come back to a tree it has seen. Flows are integers, so none is almost zero.
type simplex struct {
	n, m  int
	cost  []float64
	eps   float64 // reduced costs above -eps count as zero: the rounding of the potentials
	high  float64 // the cost of the root's routes
	block int     // routes looked at in one search for a candidate
	next  int     // the route at which the next search begins

	pi     []float64
	parent []int32 // -1 for the root
	depth  []int32
	up     []bool    // whether the tree route of a node leads from it to its parent
	flow   []int64   // along that route
	price  []float64 // of that route
	child  []int32   // the first child
	sib    []int32   // the next child of the same parent
	pre    []int32   // the previous one, or -1
	stack  []int32
	pivots int
}

func newSimplex(a, b []int64, cost []float64) (*simplex, error) {
	n, m := len(a), len(b)
	if err := checkCosts(cost, m); err != nil {
		return nil, fmt.Errorf("ot: transport: %w", err)
	}
	nodes := n + m + 1
	s := &simplex{n: n, m: m, cost: cost, pi: make([]float64, nodes), parent: make([]int32, nodes), depth: make([]int32, nodes),
		up: make([]bool, nodes), flow: make([]int64, nodes), price: make([]float64, nodes),
		child: make([]int32, nodes), sib: make([]int32, nodes), pre: make([]int32, nodes)}
	for _, c := range cost {
		s.high = math.Max(s.high, math.Abs(c))
	}
	s.eps = 1e-13 * s.high
	if s.high == 0 {
		s.high = 1
	}
	s.block = max(16, int(math.Sqrt(float64(n*m))))
	root := int32(n + m)
	s.parent[root] = -1
	for k := range s.child {
		s.child[k], s.sib[k], s.pre[k] = -1, -1, -1
	}
	for k := n + m - 1; k >= 0; k-- {
		s.price[k], s.depth[k] = s.high, 1
		if k < n {
			s.up[k], s.flow[k], s.pi[k] = true, a[k], -s.high
		} else {
			s.flow[k], s.pi[k] = b[k-n], s.high
		}
		s.hang(int32(k), root)
	}
	return s, nil
}

// hang makes k a child of p; unhang undoes it.
func (s *simplex) hang(k, p int32) {
	s.parent[k] = p
	first := s.child[p]
	s.sib[k], s.pre[k], s.child[p] = first, -1, k
	if first >= 0 {
		s.pre[first] = k
	}
}

func (s *simplex) unhang(k int32) {
	if s.pre[k] >= 0 {
		s.sib[s.pre[k]] = s.sib[k]
	} else {
		s.child[s.parent[k]] = s.sib[k]
	}
	if s.sib[k] >= 0 {
		s.pre[s.sib[k]] = s.pre[k]
	}
}

var errPivots = errors.New("ot: transport: no end of pivots")

func (s *simplex) solve() error {
	limit := 1000 + 100*(s.n+s.m)*int(8+float64(math.Log2E*float64(s.n+s.m)/64))
	for {
		e := s.candidate()
		if e < 0 {
			break
		}
		if s.pivots++; s.pivots > limit {
			return errPivots
		}
		s.pivot(int32(e/s.m), int32(s.n+e%s.m), s.cost[e])
	}
	root := int32(s.n + s.m)
	for k := s.child[root]; k >= 0; k = s.sib[k] {
		if s.flow[k] != 0 {
			return fmt.Errorf("ot: transport: %w: masses do not balance", ErrCost)
		}
	}
	return nil
}

// candidate looks through the routes in turn, a block at a time, and returns the one with the most
// negative reduced cost of the first block that has any; -1 if there is none at all.
func (s *simplex) candidate() int {
	best, least := -1, -s.eps
	all := s.n * s.m
	e, left := s.next, s.block
	i, j := e/s.m, e%s.m
	for range all {
		if r := s.cost[e] + s.pi[i] - s.pi[s.n+j]; r < least {
			best, least = e, r
		}
		e++
		if j++; j == s.m {
			j = 0
			if i++; i == s.n {
				i, e = 0, 0
			}
		}
		if left--; left == 0 {
			if best >= 0 {
				break
			}
			left = s.block
		}
	}
	s.next = e
	return best
}

// pivot takes in the route from a to b.
func (s *simplex) pivot(a, b int32, cost float64) {
	join, q := a, b
	for join != q {
		if s.depth[join] > s.depth[q] {
			join = s.parent[join]
		} else {
			q = s.parent[q]
		}
	}
	// Flow goes a → b, from b up to the join, and from there down to a: on a's side routes that lead up
	// lose it, on b's side those that lead down. The last of the emptiest, going round from the join, goes.
	least, out, onA := int64(math.MaxInt64), int32(-1), false
	for k := a; k != join; k = s.parent[k] {
		if s.up[k] && s.flow[k] < least {
			least, out, onA = s.flow[k], k, true
		}
	}
	for k := b; k != join; k = s.parent[k] {
		if !s.up[k] && s.flow[k] <= least {
			least, out, onA = s.flow[k], k, false
		}
	}
	if least > 0 {
		for k := a; k != join; k = s.parent[k] {
			s.flow[k] += sign(!s.up[k]) * least
		}
		for k := b; k != join; k = s.parent[k] {
			s.flow[k] += sign(s.up[k]) * least
		}
	}
	// The part of the tree below the route that goes hangs itself on the new route.
	in, onto := b, a
	if onA {
		in, onto = a, b
	}
	k, p := in, onto
	up, flow, price := onA, least, cost // of the route from k to its new parent p
	for {
		old := s.parent[k]
		oldUp, oldFlow, oldPrice := s.up[k], s.flow[k], s.price[k]
		s.unhang(k)
		s.hang(k, p)
		s.up[k], s.flow[k], s.price[k] = up, flow, price
		if k == out {
			break
		}
		up, flow, price = !oldUp, oldFlow, oldPrice
		k, p = old, k
	}
	s.stack = append(s.stack[:0], in)
	for len(s.stack) > 0 {
		k := s.stack[len(s.stack)-1]
		s.stack = s.stack[:len(s.stack)-1]
		p := s.parent[k]
		s.depth[k] = s.depth[p] + 1
		if s.up[k] {
			s.pi[k] = s.pi[p] - s.price[k]
		} else {
			s.pi[k] = s.pi[p] + s.price[k]
		}
		for c := s.child[k]; c >= 0; c = s.sib[c] {
			s.stack = append(s.stack, c)
		}
	}
}

func sign(plus bool) int64 {
	if plus {
		return 1
	}
	return -1
}

// each calls f for every route with flow, in the order of the nodes they hang on.
func (s *simplex) each(f func(i, j int, flow int64)) {
	for k := range s.n + s.m {
		p := int(s.parent[k])
		if s.flow[k] == 0 || p == s.n+s.m {
			continue
		}
		f(min(k, p), max(k, p)-s.n, s.flow[k])
	}
}

// total is Σ flow·cost.
func (s *simplex) total() float64 {
	sum := 0.0
	s.each(func(i, j int, flow int64) { sum = math.FMA(float64(flow), s.cost[i*s.m+j], sum) })
	return sum
}

func marginalError(p, a, b []float64) float64 {
	m := len(b)
	col := make([]float64, m)
	worst := 0.0
	for i := range a {
		row := 0.0
		for j, v := range p[i*m : (i+1)*m] {
			row += v
			col[j] += v
		}
		worst = math.Max(worst, math.Abs(row-a[i]))
	}
	for j, v := range col {
		worst = math.Max(worst, math.Abs(v-b[j]))
	}
	return worst
}
