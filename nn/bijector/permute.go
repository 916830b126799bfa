package bijector

import (
	"fmt"

	"pushforward/autograd"
	"pushforward/simd"
	"pushforward/simd/rng"
)

// Permute puts the columns in another order: y[j] = x[order[j]]. Its determinant is ±1.
type Permute[F simd.Float] struct{ order, back []int32 }

// NewPermute returns the Permute of that order, which holds each of 0 … len(order)-1 once.
func NewPermute[F simd.Float](order ...int) *Permute[F] {
	p := &Permute[F]{make([]int32, len(order)), make([]int32, len(order))}
	for i := range p.back {
		p.back[i] = -1
	}
	for j, i := range order {
		if i < 0 || i >= len(order) || p.back[i] >= 0 {
			panic(fmt.Sprintf("bijector: NewPermute: %v is not an order of 0 to %d", order, len(order)-1))
		}
		p.order[j], p.back[i] = int32(i), int32(j)
	}
	return p
}

// NewReverse returns the Permute that turns the columns' order round.
func NewReverse[F simd.Float](dim int) *Permute[F] {
	order := make([]int, dim)
	for i := range order {
		order[i] = dim - 1 - i
	}
	return NewPermute[F](order...)
}

// NewShuffle returns a Permute drawn from key. It is fixed, no parameter, so whoever opens the
// model again has to draw it from the same key.
func NewShuffle[F simd.Float](dim int, key rng.Key) *Permute[F] {
	order := make([]int, dim)
	rng.Perm(key, order)
	return NewPermute[F](order...)
}

// Forward returns x with its columns in the new order.
func (p *Permute[F]) Forward(x, _ autograd.Var[F]) (y, logdet autograd.Var[F]) {
	rows("Permute", x, len(p.order))
	return x.IndexSelect(1, p.order), column(x)
}

// Inverse puts the columns back.
func (p *Permute[F]) Inverse(y, _ autograd.Var[F]) (x, logdet autograd.Var[F]) {
	rows("Permute", y, len(p.order))
	return y.IndexSelect(1, p.back), column(y)
}
