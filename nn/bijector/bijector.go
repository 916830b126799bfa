package bijector

import (
	"fmt"

	"pushforward/autograd"
	"pushforward/simd"
)

// Bijector is an invertible map of rows, recorded on the tape of its argument. It is read only:
// many goroutines may use one, each with a tape of its own.
type Bijector[F simd.Float] interface {
	// Forward takes data x [B, D] to latents y [B, D] and returns with them the column [B, 1]
	// of log |det ∂y/∂x|. cond is [B, C], or the zero Var if there is no condition.
	Forward(x, cond autograd.Var[F]) (y, logdet autograd.Var[F])

	// Inverse takes latents y to the data x with Forward(x) = y and returns log |det ∂x/∂y|,
	// which is Forward's number at x with its sign changed. It can be differentiated too.
	Inverse(y, cond autograd.Var[F]) (x, logdet autograd.Var[F])
}

// Fitter is a Bijector that can start from data. Fit sets its parameters in theta from the rows of
// x, the values that reach it.
type Fitter[F simd.Float] interface {
	Fit(theta []F, x autograd.Tensor[F])
}

// Chain applies bijectors in turn: Forward from first to last, Inverse from last to first.
type Chain[F simd.Float] []Bijector[F]

// Forward returns the last bijector's output and the sum of the log-determinants.
func (c Chain[F]) Forward(x, cond autograd.Var[F]) (y, logdet autograd.Var[F]) {
	for i, b := range c {
		var d autograd.Var[F]
		if x, d = b.Forward(x, cond); i == 0 {
			logdet = d
		} else {
			logdet = logdet.Add(d)
		}
	}
	if len(c) == 0 {
		logdet = column(x)
	}
	return x, logdet
}

// Inverse undoes Forward.
func (c Chain[F]) Inverse(y, cond autograd.Var[F]) (x, logdet autograd.Var[F]) {
	for i := len(c) - 1; i >= 0; i-- {
		var d autograd.Var[F]
		if y, d = c[i].Inverse(y, cond); i == len(c)-1 {
			logdet = d
		} else {
			logdet = logdet.Add(d)
		}
	}
	if len(c) == 0 {
		logdet = column(y)
	}
	return y, logdet
}

// leaves appends to dst the bijectors that b is a chain of, chains within chains taken apart.
func leaves[F simd.Float](dst []Bijector[F], b Bijector[F]) []Bijector[F] {
	c, ok := b.(Chain[F])
	if !ok {
		return append(dst, b)
	}
	for _, b := range c {
		dst = leaves(dst, b)
	}
	return dst
}

// column returns the [B, 1] zeros of a map that keeps volume.
func column[F simd.Float](x autograd.Var[F]) autograd.Var[F] {
	return x.Tape().Zeros(autograd.Dims(x.Shape().Dim(0), 1))
}

// constant stretches a log-determinant that is the same for all rows to x's rows.
func constant[F simd.Float](logdet, x autograd.Var[F]) autograd.Var[F] {
	return logdet.Expand(autograd.Dims(x.Shape().Dim(0), 1))
}

// rows panics unless x is [B, dim].
func rows[F simd.Float](who string, x autograd.Var[F], dim int) {
	if s := x.Shape(); s.Rank() != 2 || s.Dim(1) != dim {
		panic(fmt.Sprintf("bijector: %s: x is %v, want [rows %d]", who, s, dim))
	}
}

// condition panics unless cond is [B, width] for x [B, D]; with width 0 it is not looked at.
func condition[F simd.Float](who string, x, cond autograd.Var[F], width int) {
	if width == 0 {
		return
	}
	want := x.Shape().With(1, width)
	if cond.Tape() == nil {
		panic(fmt.Sprintf("bijector: %s: no condition, want %v", who, want))
	}
	if s := cond.Shape(); s != want {
		panic(fmt.Sprintf("bijector: %s: the condition is %v, want %v", who, s, want))
	}
}
