package nn

import (
	"fmt"
	"math"

	"pushforward/autograd"
	"pushforward/simd"
)

// Conv2d is a cross-correlation with a bias, weights stored [out, in/groups, kh, kw].
type Conv2d[F simd.Float] struct {
	W, B autograd.Param
	Conv autograd.Conv
}

// NewConv2d declares "weight" and "bias" of a kh×kw convolution in s, started as PyTorch starts
// them: both uniform in ±1/√(in/groups·kh·kw).
func NewConv2d[F simd.Float](s Scope[F], in, out, kh, kw int, c autograd.Conv) *Conv2d[F] {
	g := groups("NewConv2d", c, in, out)
	return &Conv2d[F]{
		W:    s.Param("weight", KaimingUniform, out, in/g, kh, kw),
		B:    s.Param("bias", Uniform(1/math.Sqrt(float64(max(in/g*kh*kw, 1)))), out),
		Conv: c,
	}
}

// Forward returns [N, out, …] for x [N, in, H, W].
func (l *Conv2d[F]) Forward(x autograd.Var[F]) autograd.Var[F] {
	t := x.Tape()
	return autograd.Conv2d(x, t.Param(l.W), t.Param(l.B), l.Conv)
}

// Conv1d is a cross-correlation along one axis, weights stored [out, in/groups, k].
type Conv1d[F simd.Float] struct {
	W, B autograd.Param
	Conv autograd.Conv
}

// NewConv1d declares "weight" and "bias" of a convolution of width k in s, started as PyTorch
// starts them. Of c's pairs the first number counts.
func NewConv1d[F simd.Float](s Scope[F], in, out, k int, c autograd.Conv) *Conv1d[F] {
	g := groups("NewConv1d", c, in, out)
	return &Conv1d[F]{
		W:    s.Param("weight", KaimingUniform, out, in/g, k),
		B:    s.Param("bias", Uniform(1/math.Sqrt(float64(max(in/g*k, 1)))), out),
		Conv: c,
	}
}

// Forward returns [N, out, …] for x [N, in, L].
func (l *Conv1d[F]) Forward(x autograd.Var[F]) autograd.Var[F] {
	t := x.Tape()
	return autograd.Conv1d(x, t.Param(l.W), t.Param(l.B), l.Conv)
}

// ConvTranspose2d is the transpose of a convolution, which enlarges, with a bias; weights are
// stored [in, out/groups, kh, kw].
type ConvTranspose2d[F simd.Float] struct {
	W, B autograd.Param
	Conv autograd.Conv
}

// NewConvTranspose2d declares "weight" and "bias" in s, started as PyTorch starts them: both
// uniform in ±1/√(out/groups·kh·kw).
func NewConvTranspose2d[F simd.Float](s Scope[F], in, out, kh, kw int, c autograd.Conv) *ConvTranspose2d[F] {
	g := groups("NewConvTranspose2d", c, in, out)
	return &ConvTranspose2d[F]{
		W:    s.Param("weight", KaimingUniform, in, out/g, kh, kw),
		B:    s.Param("bias", Uniform(1/math.Sqrt(float64(max(out/g*kh*kw, 1)))), out),
		Conv: c,
	}
}

// Forward returns [N, out, …] for x [N, in, H, W].
func (l *ConvTranspose2d[F]) Forward(x autograd.Var[F]) autograd.Var[F] {
	t := x.Tape()
	return autograd.ConvTranspose2d(x, t.Param(l.W), t.Param(l.B), l.Conv)
}

// groups returns c's groups, 1 if none are named, and panics unless they divide the channels.
func groups(who string, c autograd.Conv, in, out int) int {
	g := max(c.Groups, 1)
	if in%g != 0 || out%g != 0 {
		panic(fmt.Sprintf("nn: %s: %d and %d channels do not split into %d groups", who, in, out, g))
	}
	return g
}
