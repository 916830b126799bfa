package nn

import (
	"pushforward/autograd"
	"pushforward/simd"
)

// Embedding is a table of vectors, one for each of N symbols.
type Embedding[F simd.Float] struct{ W autograd.Param }

// NewEmbedding declares "weight" [n, dim] in s, started as PyTorch starts it, from N(0, 1).
func NewEmbedding[F simd.Float](s Scope[F], n, dim int) *Embedding[F] {
	return &Embedding[F]{s.Param("weight", Normal(1), n, dim)}
}

// At returns the vectors of the given symbols, [len(ids), dim]. It panics if there is no such
// symbol.
func (e *Embedding[F]) At(t *autograd.Tape[F], ids []int32) autograd.Var[F] {
	return t.Param(e.W).IndexSelect(0, ids)
}
