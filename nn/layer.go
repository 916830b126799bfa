package nn

import (
	"math"

	"pushforward/autograd"
	"pushforward/simd"
)

// Layer is a map from a batch to a batch. Row i of the result depends on row i of x alone: no
// layer of this package couples rows, so a batch can be cut anywhere without changing a bit.
type Layer[F simd.Float] interface {
	Forward(x autograd.Var[F]) autograd.Var[F]
}

// Func makes a Layer of a function: nn.Func[F](autograd.Var[F].SiLU) is an activation.
type Func[F simd.Float] func(autograd.Var[F]) autograd.Var[F]

// Forward returns f(x).
func (f Func[F]) Forward(x autograd.Var[F]) autograd.Var[F] { return f(x) }

// Seq applies layers in turn.
type Seq[F simd.Float] []Layer[F]

// Forward returns the last layer's output.
func (s Seq[F]) Forward(x autograd.Var[F]) autograd.Var[F] {
	for _, l := range s {
		x = l.Forward(x)
	}
	return x
}

// Linear is x·Wᵀ + b, with W stored [out, in].
type Linear[F simd.Float] struct{ W, B autograd.Param }

// NewLinear declares "weight" and "bias" in s, started as PyTorch starts them: both uniform
// in ±1/√in.
func NewLinear[F simd.Float](s Scope[F], in, out int) *Linear[F] {
	return NewLinearInit(s, in, out, KaimingUniform, Uniform(1/math.Sqrt(float64(max(in, 1)))))
}

// NewLinearZero is NewLinear with both started at zero: the last layer of a residual branch,
// so that the branch starts as nothing.
func NewLinearZero[F simd.Float](s Scope[F], in, out int) *Linear[F] {
	return NewLinearInit(s, in, out, Zeros, Zeros)
}

// NewLinearInit is NewLinear with initialisers of one's own.
func NewLinearInit[F simd.Float](s Scope[F], in, out int, weight, bias Init) *Linear[F] {
	return &Linear[F]{W: s.Param("weight", weight, out, in), B: s.Param("bias", bias, out)}
}

// Forward returns x·Wᵀ + b for x [… in].
func (l *Linear[F]) Forward(x autograd.Var[F]) autograd.Var[F] {
	t := x.Tape()
	return autograd.Linear(x, t.Param(l.W), t.Param(l.B))
}

// NewMLP returns Linear layers of the given widths with act between them. In s.Sub("net")
// the layers are net.0, net.2, net.4 …, as in PyTorch's nn.Sequential, where activations
// have a number too.
func NewMLP[F simd.Float](s Scope[F], act Func[F], widths ...int) Seq[F] {
	if len(widths) < 2 {
		panic("nn: NewMLP: want at least two widths")
	}
	var net Seq[F]
	for i := range len(widths) - 1 {
		if i > 0 {
			net = append(net, act)
		}
		net = append(net, NewLinear(s.Index(2*i), widths[i], widths[i+1]))
	}
	return net
}
