package ot

import (
	"errors"
	"fmt"
	"math"

	"pushforward/simd"
)

// ErrCost is wrapped by errors about costs and masses that are not finite or do not fit.
var ErrCost = errors.New("ot: bad cost")

// Solver is the work space of assignments. The zero value is ready; after the first problem of a size it
// allocates nothing. It belongs to one goroutine.
type Solver struct {
	k        *simd.Kernels[float64]
	u, v     []float64 // the potentials of rows and columns
	row      []int32   // row[j] is the row assigned to column j, -1: none
	col      []int32   // the reverse
	free     []int32   // rows yet to be assigned
	key      []float64 // key[j]: least distance to column j found so far, +Inf once it is settled
	dist     []float64 // dist[j]: the distance of a settled column
	w        []float64 // a copy of v, -Inf in settled columns
	pred     []float64 // the row before column j on the shortest path
	settled  []int32   // the settled columns, in order
	turned   []float64 // the transposed costs, when there are more rows than columns
	swapped  bool
	rowsLast int
	colsLast int
}

// Assign finds n column numbers dst, all different, of least total Σ cost[i, dst[i]], and that total. cost
// is n×m. If there are more rows than columns, every column gets a row, and the rows left over get -1.
//
// Good potentials come first: for n = m from an auction whose least bid falls in steps (Bertsekas 1988),
// else from bids of the margin alone (Jonker and Volgenant, Computing 38, 1987). Rows that are matched at
// their cheapest column stay; each row left then finds a shortest augmenting path by Dijkstra's algorithm on the
// reduced costs, which makes the result exact whatever the potentials were. O(n²m) at worst.
func (s *Solver) Assign(dst []int, cost []float64, n, m int) (total float64, err error) {
	if len(dst) != n || len(cost) != n*m {
		panic(fmt.Sprintf("ot: Assign: %d×%d needs dst of %d and costs of %d, got %d and %d", n, m, n, n*m, len(dst), len(cost)))
	}
	if err := checkCosts(cost, m); err != nil {
		return 0, fmt.Errorf("ot: assign: %w", err)
	}
	s.rowsLast, s.colsLast = n, m
	s.swapped = n > m
	c := cost
	if s.swapped {
		s.turned = grow(s.turned, n*m)
		for i := range n {
			for j := range m {
				s.turned[j*n+i] = cost[i*m+j]
			}
		}
		c, n, m = s.turned, m, n
	}
	s.prepare(n, m)
	if n == m {
		s.reduceColumns(c, n)
	}
	if n == m && n >= auctionFrom {
		s.auction(c, n)
		s.keepTight(c, n)
	} else {
		for i := range n {
			s.free = append(s.free, int32(i))
		}
		s.reduceRows(c, m)
		s.reduceRows(c, m)
	}
	for _, i := range s.free {
		s.augment(c, m, i)
	}
	for i := range n {
		j := int(s.col[i])
		s.u[i] = c[i*m+j] - s.v[j]
	}
	if s.swapped {
		for i := range dst {
			dst[i] = int(s.row[i])
		}
	} else {
		for i := range dst {
			dst[i] = int(s.col[i])
		}
	}
	m = s.colsLast
	for i, j := range dst {
		if j >= 0 {
			total += cost[i*m+j]
		}
	}
	return total, nil
}

// AssignSome assigns only the given number of pairs, of least total over all choices of rows and columns: partial
// transport. Rows left out get -1. It is an assignment with one more row for each column left out and one more column
// for each row left out, which cost nothing but not each other (Chapel, Alaya and Gasso 2020); Duals are those of it.
func (s *Solver) AssignSome(dst []int, cost []float64, n, m, pairs int) (total float64, err error) {
	if len(dst) != n || len(cost) != n*m || pairs < 0 || pairs > min(n, m) {
		panic(fmt.Sprintf("ot: AssignSome: %d pairs of %d×%d with dst of %d and costs of %d", pairs, n, m, len(dst), len(cost)))
	}
	if err := checkCosts(cost, m); err != nil {
		return 0, fmt.Errorf("ot: assign: %w", err)
	}
	low, high := 0.0, 0.0
	for k, v := range cost {
		if k == 0 {
			low, high = v, v
		}
		low, high = math.Min(low, v), math.Max(high, v)
	}
	far := high - low
	if far == 0 {
		far = 1
	}
	k := n + m - pairs
	all := make([]float64, k*k)
	for i := range k {
		for j := range k {
			switch {
			case i < n && j < m:
				all[i*k+j] = cost[i*m+j] - low // none is negative, so leaving out more would not pay
			case i >= n && j >= m:
				all[i*k+j] = far
			}
		}
	}
	col := make([]int, k)
	if _, err := s.Assign(col, all, k, k); err != nil {
		return 0, err
	}
	for i := range dst {
		if dst[i] = col[i]; dst[i] >= m {
			dst[i] = -1
		} else {
			total += cost[i*m+dst[i]]
		}
	}
	return total, nil
}

// Duals returns the potentials that prove the last assignment optimal: u[i] + v[j] ≤ cost[i, j] to
// rounding, with equality on the pairs assigned, and 0 ≥ the potential of what is left over on the
// longer side. They are valid until the next call.
func (s *Solver) Duals() (u, v []float64) {
	if s.swapped {
		return s.v[:s.rowsLast], s.u[:s.colsLast]
	}
	return s.u[:s.rowsLast], s.v[:s.colsLast]
}

// Assign is Solver.Assign for a problem that is solved once.
func Assign(cost []float64, n, m int) (col []int, total float64, err error) {
	var s Solver
	col = make([]int, n)
	total, err = s.Assign(col, cost, n, m)
	return col, total, err
}

func checkCosts(cost []float64, m int) error {
	if sum := simd.Best[float64]().Sum(cost); sum-sum == 0 {
		return nil // a sum with a NaN or an infinity in it is not finite
	}
	for k, v := range cost {
		if v-v != 0 {
			return fmt.Errorf("%w: row %d, column %d is %v", ErrCost, k/m, k%m, v)
		}
	}
	return nil
}

func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

func (s *Solver) prepare(n, m int) {
	s.k = simd.Best[float64]()
	s.u, s.v = grow(s.u, n), grow(s.v, m)
	s.row, s.col = grow(s.row, m), grow(s.col, n)
	s.key, s.dist, s.w, s.pred = grow(s.key, m), grow(s.dist, m), grow(s.w, m), grow(s.pred, m)
	s.free, s.settled = grow(s.free, n)[:0], grow(s.settled, m)[:0]
	clear(s.v)
	for j := range m {
		s.row[j] = -1
	}
	for i := range n {
		s.col[i] = -1
	}
}

// reduceColumns starts a square problem: vⱼ is the least cost of column j.
func (s *Solver) reduceColumns(c []float64, n int) {
	copy(s.v, c[:n])
	clear(s.w)
	for i := 1; i < n; i++ {
		s.k.Relax(s.v, c[i*n:(i+1)*n], s.w, s.pred, 0, 0)
	}
}

// auction improves the potentials of a square problem. A free row takes its cheapest column and lowers that
// column's potential by the margin to the second cheapest and eps more; the row that had the column becomes
// free and bids in turn. At the end every row is within eps of its cheapest, and so the whole within n·eps of the least.
// eps falls by steps, each of which starts from what the one before has found.
//
// Nothing has to come out of it: potentials that fall by less than their rounding, or bids without
// end, leave the rest to augment.
func (s *Solver) auction(c []float64, n int) {
	scale := s.scale(c, n)
	for eps := float64(scale * auctionFirst); eps > scale*auctionLast/float64(n); eps = float64(eps * auctionStep) {
		s.free = s.free[:0]
		for i := n - 1; i >= 0; i-- {
			if j := int(s.col[i]); j < 0 {
				s.free = append(s.free, int32(i))
			} else if _, least, _ := s.k.LeastTwo(c[i*n:(i+1)*n], s.v); c[i*n+j]-s.v[j] > least+eps {
				s.row[j], s.col[i] = -1, -1
				s.free = append(s.free, int32(i))
			}
		}
		bids := 64 * n
		for len(s.free) > 0 {
			last := len(s.free) - 1
			i := s.free[last]
			s.free = s.free[:last]
			for {
				j, least, second := s.k.LeastTwo(c[int(i)*n:int(i+1)*n], s.v)
				v := s.v[j] - (second - least + eps)
				if bids--; bids < 0 || !(v < s.v[j]) {
					return
				}
				s.v[j] = v
				had := s.row[j]
				s.row[j], s.col[i] = i, int32(j)
				if had < 0 {
					break
				}
				s.col[had] = -1
				i = had
			}
		}
	}
}

// The least bids of an auction, in units of the mean reduced cost: from auctionFirst by factors of auctionStep
// down to auctionLast/n.
const (
	auctionFirst = 0.1
	auctionLast  = 0.4
	auctionStep  = 0.2
	auctionFrom  = 16 // rows: for fewer it does not pay
)

// scale returns the mean of c - v less its least in a row, over at most 32 rows.
func (s *Solver) scale(c []float64, n int) float64 {
	sum, count, ofV := 0.0, 0, s.k.Sum(s.v)
	for i := 0; i < n; i += (n + 31) / 32 {
		row := c[i*n : (i+1)*n]
		_, least, _ := s.k.LeastTwo(row, s.v)
		sum += (s.k.Sum(row)-ofV)/float64(n) - least
		count++
	}
	return sum / float64(count)
}

// keepTight keeps the pairs whose reduced cost is the least of their row, gives other rows their cheapest
// column if it is free, and leaves the rest in free.
func (s *Solver) keepTight(c []float64, n int) {
	for i := range n {
		best, least, _ := s.k.LeastTwo(c[i*n:(i+1)*n], s.v)
		s.settled = append(s.settled, int32(best))
		if j := s.col[i]; j >= 0 && c[i*n+int(j)]-s.v[j] > least {
			s.row[j], s.col[i] = -1, -1
		}
	}
	s.free = s.free[:0]
	for i, j := range s.settled {
		switch {
		case s.col[i] >= 0:
		case s.row[j] < 0:
			s.row[j], s.col[i] = int32(i), j
		default:
			s.free = append(s.free, int32(i))
		}
	}
}

// reduceRows gives each free row its cheapest column, lowering that column's potential by the margin to
// the second cheapest, as a bidder would; the row that had the column becomes free and bids in turn. A
// column's potential moves only when the column is taken, and it stays taken, so a column that is free
// at the end has the potential 0 a rectangular problem asks for.
func (s *Solver) reduceRows(c []float64, m int) {
	if m == 1 {
		return
	}
	v := s.v
	todo := s.free
	left := todo[:0]
	bids := 4 * len(todo) // rounding could let two rows outbid each other for ever
	for k := 0; k < len(todo); {
		i := todo[k]
		k++
		row := c[int(i)*m : int(i+1)*m]
		j, u1, u2 := s.k.LeastTwo(row, v)
		had := s.row[j]
		lower := v[j] - (u2 - u1)
		lowers := lower < v[j]
		if lowers {
			v[j] = lower
		} else if had >= 0 {
			for j2, x := range row { // another column as cheap
				if j2 != j && x-v[j2] == u2 {
					j, had = j2, s.row[j2]
					break
				}
			}
		}
		s.row[j], s.col[i] = i, int32(j)
		if had < 0 {
			continue
		}
		s.col[had] = -1
		if bids--; lowers && bids > 0 {
			k--
			todo[k] = had
		} else {
			left = append(left, had)
		}
	}
	s.free = left
}

// augment assigns one more row, start, along a shortest path in reduced costs that ends at a free
// column, and moves the potentials of the columns on the way so that no reduced cost becomes negative.
//
// A settled column has key +Inf and w -Inf, so that it neither changes nor is found.
func (s *Solver) augment(c []float64, m int, start int32) {
	key, w, pred := s.key[:m], s.w[:m], s.pred[:m]
	copy(w, s.v)
	for j := range key {
		key[j] = math.Inf(1)
	}
	s.settled = s.settled[:0]
	i, base := start, 0.0
	for {
		j := s.k.Relax(key, c[int(i)*m:int(i+1)*m], w, pred, base, float64(i))
		d := key[j]
		if s.row[j] < 0 {
			for _, k := range s.settled {
				s.v[k] += s.dist[k] - d
			}
			for {
				i = int32(pred[j])
				s.row[j] = i
				j, s.col[i] = int(s.col[i]), int32(j)
				if i == start {
					return
				}
			}
		}
		s.settled = append(s.settled, int32(j))
		s.dist[j], key[j], w[j] = d, math.Inf(1), math.Inf(-1)
		i = s.row[j]
		base = c[int(i)*m+j] - s.v[j] - d
	}
}
