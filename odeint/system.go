package odeint

import "pushforward/simd"

// System is the right-hand side of dy/dt = f(t, y) for many independent rows at once.
type System[F simd.Float] interface {
	// Dim is the length of one row's state.
	Dim() int
	// Eval sets dst to f for every row of b. It must treat rows independently: what it writes for a row may
	// depend on that row's number, time and state only. It may neither keep nor change what b holds.
	Eval(dst []F, b Batch[F])
}

// Quadrature is a System with components that no derivative depends on, integrals along the way. A method's stages that
// serve other stages alone, such as the second of Dopri5, can do without them.
type Quadrature[F simd.Float] interface {
	System[F]
	// EvalPath is Eval for such a stage. Of the components that no derivative depends on it may write 0.
	EvalPath(dst []F, b Batch[F])
}

// Batch is the rows under evaluation. Rows that have finished are left out, so what belongs to a row (a
// label, a probe) is to be looked up by Row.
type Batch[F simd.Float] struct {
	Row []int     // which row of the initial state each one is, ascending
	T   []float64 // each one's own time
	Y   []F       // len(Row) × Dim
}

// Func makes a System of a function of one row, which sets dy to f(t, y).
func Func[F simd.Float](dim int, f func(dy []F, t float64, y []F)) System[F] {
	return rowFunc[F]{dim, f}
}

type rowFunc[F simd.Float] struct {
	dim int
	f   func(dy []F, t float64, y []F)
}

func (s rowFunc[F]) Dim() int { return s.dim }

func (s rowFunc[F]) Eval(dst []F, b Batch[F]) {
	for i, t := range b.T {
		lo, hi := i*s.dim, (i+1)*s.dim
		s.f(dst[lo:hi:hi], t, b.Y[lo:hi:hi])
	}
}

// BatchFunc makes a System of a function of a whole batch, which sets dst to f for every row of b. It
// must treat rows independently.
func BatchFunc[F simd.Float](dim int, f func(dst []F, b Batch[F])) System[F] {
	return batchFunc[F]{dim, f}
}

type batchFunc[F simd.Float] struct {
	dim int
	f   func(dst []F, b Batch[F])
}

func (s batchFunc[F]) Dim() int                 { return s.dim }
func (s batchFunc[F]) Eval(dst []F, b Batch[F]) { s.f(dst, b) }
