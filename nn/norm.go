package nn

import (
	"pushforward/autograd"
	"pushforward/simd"
)

// normEps is PyTorch's default ε of its norms.
const normEps = 1e-5

// LayerNorm normalises over the trailing axes of its weight and goes on with weight and bias:
// (x - mean)/√(variance + Eps)·w + b.
type LayerNorm[F simd.Float] struct {
	W, B autograd.Param
	Eps  float64
}

// NewLayerNorm declares "weight" (ones) and "bias" (zeros) of the extents dims in s. Eps is 1e-5.
func NewLayerNorm[F simd.Float](s Scope[F], dims ...int) *LayerNorm[F] {
	return &LayerNorm[F]{s.Param("weight", Ones, dims...), s.Param("bias", Zeros, dims...), normEps}
}

// Forward normalises x [… dims].
func (l *LayerNorm[F]) Forward(x autograd.Var[F]) autograd.Var[F] {
	t := x.Tape()
	return autograd.LayerNorm(x, t.Param(l.W), t.Param(l.B), l.Eps)
}

// RMSNorm is x/√(mean x² + Eps)·w over the last axis (Zhang and Sennrich 2019).
type RMSNorm[F simd.Float] struct {
	W   autograd.Param
	Eps float64
}

// NewRMSNorm declares "weight" (ones) of dim entries in s. Eps is 1e-5.
func NewRMSNorm[F simd.Float](s Scope[F], dim int) *RMSNorm[F] {
	return &RMSNorm[F]{s.Param("weight", Ones, dim), normEps}
}

// Forward normalises x [… dim].
func (l *RMSNorm[F]) Forward(x autograd.Var[F]) autograd.Var[F] {
	return autograd.RMSNorm(x, x.Tape().Param(l.W), l.Eps)
}

// GroupNorm normalises the channels of each group and all further axes together (Wu and He
// 2018), then applies a weight and a bias per channel. The rows of the batch stay apart, as they
// would not in a batch norm.
type GroupNorm[F simd.Float] struct {
	W, B   autograd.Param
	Groups int
	Eps    float64
}

// NewGroupNorm declares "weight" (ones) and "bias" (zeros) of the given number of channels in s.
// Eps is 1e-5.
func NewGroupNorm[F simd.Float](s Scope[F], groups, channels int) *GroupNorm[F] {
	return &GroupNorm[F]{s.Param("weight", Ones, channels), s.Param("bias", Zeros, channels), groups, normEps}
}

// Forward normalises x [N, channels, …].
func (l *GroupNorm[F]) Forward(x autograd.Var[F]) autograd.Var[F] {
	t := x.Tape()
	return autograd.GroupNorm(x, t.Param(l.W), t.Param(l.B), l.Groups, l.Eps)
}
