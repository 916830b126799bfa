package ot

import (
	"errors"
	"fmt"
	"math"
)

// ErrCost is wrapped by errors about costs and masses that are not finite or do not fit.
var ErrCost = errors.New("ot: bad cost")

// Solver is the work space of assignments. The zero value is ready; after the first problem of a size it
// allocates nothing. It belongs to one goroutine.
type Solver struct {
	u, v     []float64 // the potentials of rows and columns
	row      []int32   // row[j] is the row assigned to column j, -1: none
	col      []int32   // the reverse
	free     []int32   // rows yet to be assigned
	key      []float64 // key[j]: least distance to column j found so far, +Inf once it is settled
	dist     []float64 // dist[j]: the distance of a settled column
	w        []float64 // a copy of v, -Inf in settled columns
	pred     []int32   // the row before column j on the shortest path
	settled  []int32   // the settled columns, in order
	turned   []float64 // the transposed costs, when there are more rows than columns
	swapped  bool
	rowsLast int
	colsLast int
}

// Assign finds n column numbers dst, all different, of least total Σ cost[i, dst[i]], and that total. cost
// is n×m. If there are more rows than columns, every column gets a row, and the rows left over get -1.
//
// The method is Jonker and Volgenant's (Computing 38, 1987): cheap reductions assign most rows, then each
// row left finds a shortest augmenting path by Dijkstra's algorithm on the reduced costs. O(n²m) at
// worst.
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
	} else {
		for i := range n {
			s.free = append(s.free, int32(i))
		}
	}
	s.reduceRows(c, m)
	s.reduceRows(c, m)
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
	// v - v is 0 for a finite v and NaN for the others.
	bad := 0.0
	for _, v := range cost {
		bad += v - v
	}
	if bad == 0 {
		return nil
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
	s.u, s.v = grow(s.u, n), grow(s.v, m)
	s.row, s.col = grow(s.row, m), grow(s.col, n)
	s.key, s.dist, s.w, s.pred = grow(s.key, m), grow(s.dist, m), grow(s.w, m), grow(s.pred, m)
	s.free, s.settled = grow(s.free, n)[:0], grow(s.settled, m)[:0]
	for j := range m {
		s.v[j], s.row[j] = 0, -1
	}
	for i := range n {
		s.col[i] = -1
	}
}

// reduceColumns starts a square problem: vⱼ is the least cost of column j, the row that has it takes the
// column unless it has one already.
func (s *Solver) reduceColumns(c []float64, n int) {
	v, best := s.v, s.pred
	copy(v, c[:n])
	for j := range best {
		best[j] = 0
	}
	for i := 1; i < n; i++ {
		for j, x := range c[i*n : (i+1)*n] {
			if x < v[j] {
				v[j], best[j] = x, int32(i)
			}
		}
	}
	for j := n - 1; j >= 0; j-- {
		if i := best[j]; s.col[i] < 0 {
			s.col[i], s.row[j] = int32(j), i
		}
	}
	for i := range n {
		if s.col[i] < 0 {
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
		j1, j2, u1, u2 := cheapest(c[int(i)*m:(int(i)+1)*m], v)
		had := s.row[j1]
		lower := v[j1] - (u2 - u1)
		lowers := lower < v[j1]
		if lowers {
			v[j1] = lower
		} else if had >= 0 {
			j1, had = j2, s.row[j2]
		}
		s.row[j1], s.col[i] = i, int32(j1)
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

// cheapest returns the least and second least of c - v and where they are.
func cheapest(c, v []float64) (j1, j2 int, u1, u2 float64) {
	v = v[:len(c)]
	u1, u2 = c[0]-v[0], math.Inf(1)
	for j := 1; j < len(c); j++ {
		h := c[j] - v[j]
		if h >= u2 {
			continue
		}
		if h >= u1 {
			u2, j2 = h, j
		} else {
			u2, j2, u1, j1 = u1, j1, h, j
		}
	}
	return j1, j2, u1, u2
}

// augment assigns one more row, start, along a shortest path in reduced costs that ends at a free
// column, and moves the potentials of the columns on the way so that no reduced cost becomes negative.
func (s *Solver) augment(c []float64, m int, start int32) {
	key, w, pred := s.key[:m], s.w[:m], s.pred[:m]
	copy(w, s.v)
	for j := range key {
		key[j] = math.Inf(1)
	}
	s.settled = s.settled[:0]
	i, base := start, 0.0
	for {
		j := scan(c[int(i)*m:(int(i)+1)*m], w, key, pred, base, i)
		d := key[j]
		if s.row[j] < 0 {
			for _, k := range s.settled {
				s.v[k] += s.dist[k] - d
			}
			for {
				i = pred[j]
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

// scan relaxes the columns by the costs of row i and returns the nearest that is not settled:
//
//	for j := range c {
//		if h := c[j] - w[j] - base; h < key[j] {
//			key[j], pred[j] = h, i
//		}
//	}
//
// A settled column has key +Inf and w -Inf, so that it neither changes nor is found.
func scan(c, w, key []float64, pred []int32, base float64, i int32) (nearest int) {
	w, key, pred = w[:len(c)], key[:len(c)], pred[:len(c)]
	least := math.Inf(1)
	for j, x := range c {
		h := x - w[j] - base
		d := key[j]
		if h < d {
			key[j], pred[j] = h, i
			d = h
		}
		if d < least {
			least, nearest = d, j
		}
	}
	return nearest
}
