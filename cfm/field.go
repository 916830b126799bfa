package cfm

import (
	"pushforward/autograd"
	"pushforward/simd"
)

// Query is where a velocity is asked for: times [B, 1], points [B, D] and, for a
// conditional field, conditions [B, C]. All are on one tape.
type Query[F simd.Float] struct{ T, X, Cond autograd.Var[F] }

// HasCond reports whether the query comes with conditions.
func (q Query[F]) HasCond() bool { return q.Cond.Tape() != nil }

// Field is a velocity field v(t, x). Row i of the result may depend on row i alone: no
// statistics over the batch. Velocity is called from several goroutines, each with a tape of
// its own, so a Field is not changed by it.
type Field[F simd.Float] interface {
	Velocity(q Query[F]) autograd.Var[F]
}

// FieldFunc makes a Field of a function.
type FieldFunc[F simd.Float] func(q Query[F]) autograd.Var[F]

// Velocity calls f.
func (f FieldFunc[F]) Velocity(q Query[F]) autograd.Var[F] { return f(q) }

// Guided is classifier-free guidance,
//
//	v(·) + Weight·(v(·|c) - v(·))
//
// Weight 1 is none. In the other convention in use, v(·|c) + w·(v(·|c) - v(·)), the same
// guidance is w = Weight - 1. v(·) is Field asked with a condition of zeros, which a field
// learns with Trainer.DropCond. It is not the
// field of the data's law, so LogDensity refuses it. It panics if the query has no conditions.
type Guided[F simd.Float] struct {
	Field  Field[F]
	Weight float64
}

// Velocity evaluates the field twice.
func (g Guided[F]) Velocity(q Query[F]) autograd.Var[F] {
	if !q.HasCond() {
		panic("cfm: Guided: the query has no conditions; guidance needs a conditional model and Flow.Given")
	}
	with := g.Field.Velocity(q)
	if g.Weight == 1 {
		return with
	}
	q.Cond = q.Cond.Tape().Zeros(q.Cond.Shape())
	without := g.Field.Velocity(q)
	return without.Add(with.Sub(without).Scale(g.Weight))
}

func (g Guided[F]) noDensity() string {
	return "a guided field is not the field of the data's law; score the field without guidance"
}

// undensity is a Field that LogDensity refuses, with the reason.
type undensity interface{ noDensity() string }
