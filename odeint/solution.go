package odeint

import (
	"fmt"
	"math"
	"sort"

	"pushforward/simd"
)

// Solution is what a solve found. It belongs to its Solver: the next call of Solve overwrites it.
type Solution[F simd.Float] struct {
	// T are the times saved: SaveAt, or t1 alone.
	T []float64
	// Y is len(T) × rows × Dim. Without SaveAt it is the state each row ended in, wherever that was. With
	// SaveAt, times that a row did not live to see are NaN; see End.
	Y      []F
	Status []Status   // per row
	Rows   []RowStats // per row
	Hits   []Hit      // events, by row and time
	Stats  Stats

	// Errors, of a solve with Options.Errors and adaptive steps, are Σ |e| over the kept steps, e being the method's estimate
	// of the error that a step made: rows × Dim. They say nothing of what becomes of these errors later on.
	Errors []float64

	dim, rows int
	saveAt    bool
	dir       float64
	endT      []float64
	endY      []F
	failure   SolveError
	hitY      []float64

	// Dense output: a piece per kept step, in the order they came, and the same by row.
	dense  bool // pieces have polynomials
	steps  bool // there are pieces
	deg    int
	pieces []piece
	data   []F   // per piece: y (dim), q (deg × dim)
	order  []int // pieces by row
	first  []int // where a row's begin in order, rows + 1 of them
}

// Stats counts work. Evals counts calls of Eval; RowEvals counts rows in them. Accepted and Rejected count steps of
// single rows.
type Stats struct {
	Evals, RowEvals, Accepted, Rejected int
	SmallestStep                        float64 // the shortest step kept
	Stiff                               int     // rows found stiff
}

// RowStats counts the work of one row.
type RowStats struct {
	Accepted, Rejected, Evals int
	LastStep                  float64 // the last step kept, with its sign
	Stiff                     bool    // the steps were held down by stability: the system is stiff for this method
	StiffT                    float64 // since when
}

// piece is a kept step of a row: its polynomial holds from t to the next piece's t.
type piece struct {
	row, off int
	t, h, to float64
	flags    uint8
}

const (
	fromStop uint8 = 1 << iota // the step began on one of Options.Stops
	ontoStop                   // ended on one
	cutShort                   // an event cut it
)

// Final returns the last saved state, rows × Dim.
func (s *Solution[F]) Final() []F {
	n := s.rows * s.dim
	if len(s.Y) < n {
		return s.endY
	}
	return s.Y[len(s.Y)-n:]
}

// Saved returns the states saved for time number i, rows × Dim: a view of Y.
func (s *Solution[F]) Saved(i int) []F { return s.Y[i*s.rows*s.dim : (i+1)*s.rows*s.dim] }

// End returns the time at which row's solve ended and its state there, whatever its Status. y is a view.
func (s *Solution[F]) End(row int) (t float64, y []F) {
	return s.endT[row], s.endY[row*s.dim : (row+1)*s.dim]
}

// At sets dst to row's state at any time of the solve, and returns it. It needs Options.Dense, and panics without
// it. Before t0 and after the row's end it gives NaN. At the time of a reset it is the state after it.
func (s *Solution[F]) At(dst []F, row int, t float64) []F {
	if !s.dense {
		panic("odeint: Solution.At: the solve was not made with Options.Dense")
	}
	if len(dst) != s.dim {
		panic(fmt.Sprintf("odeint: Solution.At: dst has %d entries, the system has dimension %d", len(dst), s.dim))
	}
	own := s.order[s.first[row]:s.first[row+1]]
	if t == s.endT[row] {
		copy(dst, s.endY[row*s.dim:])
		return dst
	}
	i := sort.Search(len(own), func(i int) bool { return s.dir*(s.pieces[own[i]].t-t) > 0 })
	if i == 0 || !(s.dir*(s.endT[row]-t) > 0) {
		for d := range dst {
			dst[d] = F(math.NaN())
		}
		return dst
	}
	pc := &s.pieces[own[i-1]]
	y := s.data[pc.off : pc.off+s.dim]
	q := s.data[pc.off+s.dim : pc.off+(1+s.deg)*s.dim]
	theta := (t - pc.t) / pc.h
	x := pc.h * theta
	for d := range dst {
		var sum float64
		for j := len(q) - s.dim + d; j >= 0; j -= s.dim {
			sum = math.FMA(sum, theta, float64(q[j]))
		}
		dst[d] = F(math.FMA(x, sum, float64(y[d])))
	}
	return dst
}

// Steps returns the times between which row's kept steps ran, t0 first. It needs Options.Dense or
// Options.Replay, and allocates.
func (s *Solution[F]) Steps(row int) []float64 { return s.AppendSteps(nil, row) }

// AppendSteps appends what Steps returns to t.
func (s *Solution[F]) AppendSteps(t []float64, row int) []float64 {
	if !s.steps {
		panic("odeint: Solution.Steps: the solve was not made with Options.Dense or Options.Replay")
	}
	for _, i := range s.order[s.first[row]:s.first[row+1]] {
		t = append(t, s.pieces[i].t)
	}
	return append(t, s.endT[row])
}

// Start returns the state that row's kept step i began with, a view. It needs Options.Dense or Options.Replay.
func (s *Solution[F]) Start(row, i int) []F {
	if !s.steps {
		panic("odeint: Solution.Start: the solve was not made with Options.Dense or Options.Replay")
	}
	return s.data[s.pieces[s.order[s.first[row]+i]].off:][:s.dim]
}

// begin makes an empty solution for a solve.
func (s *Solution[F]) begin(dim, rows int, dir, t1 float64, saveAt []float64) {
	s.dim, s.rows, s.dir = dim, rows, dir
	s.saveAt = saveAt != nil
	s.T = s.T[:0]
	if s.saveAt {
		s.T = append(s.T, saveAt...)
	} else {
		s.T = append(s.T, t1)
	}
	n := rows * s.dim
	s.endT, s.endY = grow(s.endT, rows), grow(s.endY, n)
	if s.saveAt {
		s.Y = grow(s.Y, len(s.T)*n)
		for i := range s.Y {
			s.Y[i] = F(math.NaN())
		}
	} else {
		s.Y = s.endY
	}
	s.Status, s.Rows = grow(s.Status, rows), grow(s.Rows, rows)
	clear(s.Status)
	clear(s.Rows)
	s.Hits, s.hitY = s.Hits[:0], s.hitY[:0]
	s.Stats = Stats{}
	s.failure = SolveError{}
	s.dense, s.deg, s.steps = false, 0, false
	s.pieces, s.data = s.pieces[:0], s.data[:0]
}

// keepSteps makes room for the pieces of kept steps, with polynomials of degree deg if dense.
func (s *Solution[F]) keepSteps(o *Options, deg int) {
	s.dense, s.deg, s.steps = o.Dense, deg, o.Dense || o.Replay
	s.Errors = s.Errors[:0]
	if o.Errors && o.Step == 0 {
		s.Errors = grow(s.Errors, s.rows*s.dim)
		clear(s.Errors)
	}
}

// save stores row's state at time number i.
func (s *Solution[F]) save(i, row int, y []F) {
	copy(s.Y[(i*s.rows+row)*s.dim:], y[:s.dim])
}

// end stores how row ended.
func (s *Solution[F]) end(row int, status Status, t float64, y []F) {
	s.Status[row] = status
	s.endT[row] = t
	copy(s.endY[row*s.dim:(row+1)*s.dim], y)
}

// piece stores a kept step: the state y it began with and, for At, its polynomial q.
func (s *Solution[F]) piece(row int, l *lane, y []F, q []float64, onto, cut bool) {
	pc := piece{row: row, off: len(s.data), t: l.t, h: l.step, to: l.to}
	if l.nudged {
		pc.flags |= fromStop
	}
	if onto {
		pc.flags |= ontoStop
	}
	if cut {
		pc.flags |= cutShort
	}
	s.pieces = append(s.pieces, pc)
	s.data = append(s.data, y...)
	for _, v := range q {
		s.data = append(s.data, F(v))
	}
}

// fail notes a failure; the first row's is the one reported.
func (s *Solution[F]) fail(row int, l *lane, status Status, stage int, err error) {
	if err == nil {
		err = status.err()
	}
	n := s.failure.Failed + 1
	if n == 1 || row < s.failure.Row {
		s.failure = SolveError{Row: row, Status: status, T: l.t, H: l.h, Stage: stage, Err: err}
	}
	s.failure.Failed = n
}

// finish puts hits and pieces in order and returns the failure, if there was one.
func (s *Solution[F]) finish() error {
	if len(s.Hits) > 0 {
		s.orderHits()
	}
	if s.steps {
		s.first, s.order = grow(s.first, s.rows+1), grow(s.order, len(s.pieces))
		clear(s.first)
		for i := range s.pieces {
			s.first[s.pieces[i].row+1]++
		}
		for r := range s.rows {
			s.first[r+1] += s.first[r]
		}
		for i := range s.pieces {
			r := s.pieces[i].row
			s.order[s.first[r]] = i
			s.first[r]++
		}
		copy(s.first[1:], s.first[:s.rows])
		s.first[0] = 0
	}
	if s.failure.Failed == 0 {
		return nil
	}
	e := s.failure
	e.Stats = s.Rows[e.Row]
	return &e
}
