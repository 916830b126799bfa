package nn

import (
	"fmt"
	"math"

	"pushforward/autograd"
	"pushforward/simd"
)

// Attention is multi-head attention (Vaswani et al. 2017): for each head, with queries from x
// and keys and values from y,
//
//	softmax(Q·Kᵀ/√d)·V,  d = Dim/Heads
//
// and a linear layer over the heads' results side by side. The batch is the first axis; a row's
// tokens attend to tokens of that row only.
type Attention[F simd.Float] struct {
	Dim, Heads int
	W, B       autograd.Param // Q, K and V above one another
	Out        *Linear[F]
}

// NewAttention declares attention over dim columns in s. Names, shapes and starting values are
// those of PyTorch's MultiheadAttention: in_proj_weight [3·dim, dim], in_proj_bias,
// out_proj.weight, out_proj.bias. It panics unless heads divides dim.
func NewAttention[F simd.Float](s Scope[F], dim, heads int) *Attention[F] {
	if heads <= 0 || dim%heads != 0 {
		panic(fmt.Sprintf("nn: NewAttention: %d columns do not split into %d heads", dim, heads))
	}
	return &Attention[F]{
		Dim: dim, Heads: heads,
		W:   s.Param("in_proj_weight", XavierUniform, 3*dim, dim),
		B:   s.Param("in_proj_bias", Zeros, 3*dim),
		Out: NewLinearInit(s.Sub("out_proj"), dim, dim, KaimingUniform, Zeros),
	}
}

// Forward is self-attention: every token of x [B, T, Dim] looks at all of its row.
func (a *Attention[F]) Forward(x autograd.Var[F]) autograd.Var[F] {
	return a.Self(x, autograd.Var[F]{})
}

// Self is Forward with bias added to the scores [B, Heads, T, T] before the softmax: a large
// negative number hides a token (see Causal). The zero Var adds nothing.
func (a *Attention[F]) Self(x, bias autograd.Var[F]) autograd.Var[F] {
	t := x.Tape()
	s := a.tokens("Self", x)
	qkv := autograd.Linear(x, t.Param(a.W), t.Param(a.B))
	// [B, T, 3, H, d] → [3, B, H, T, d]
	qkv = qkv.ReshapeDims(s.Dim(0), s.Dim(1), 3, a.Heads, a.Dim/a.Heads).Permute(2, 0, 3, 1, 4)
	part := func(i int) autograd.Var[F] {
		return qkv.Slice(0, i, i+1).ReshapeDims(s.Dim(0), a.Heads, s.Dim(1), a.Dim/a.Heads)
	}
	return a.attend(part(0), part(1), part(2), bias)
}

// Cross lets every token of x [B, T, Dim] look at the tokens of y [B, S, Dim]. bias is added to
// the scores [B, Heads, T, S]; the zero Var adds nothing.
func (a *Attention[F]) Cross(x, y, bias autograd.Var[F]) autograd.Var[F] {
	a.tokens("Cross", x)
	a.tokens("Cross", y)
	t := x.Tape()
	w, b := t.Param(a.W), t.Param(a.B)
	part := func(z autograd.Var[F], i int) autograd.Var[F] {
		lo, hi := i*a.Dim, (i+1)*a.Dim
		return a.split(autograd.Linear(z, w.Slice(0, lo, hi), b.Slice(0, lo, hi)))
	}
	return a.attend(part(x, 0), part(y, 1), part(y, 2), bias)
}

func (a *Attention[F]) tokens(who string, x autograd.Var[F]) autograd.Shape {
	s := x.Shape()
	if s.Rank() != 3 || s.Dim(2) != a.Dim {
		panic(&autograd.ShapeError{Op: "nn.Attention." + who, Want: fmt.Sprintf("want [B, T, %d]", a.Dim), Got: []autograd.Shape{s}})
	}
	return s
}

// split turns [B, T, Dim] into [B, H, T, d].
func (a *Attention[F]) split(x autograd.Var[F]) autograd.Var[F] {
	s := x.Shape()
	return x.ReshapeDims(s.Dim(0), s.Dim(1), a.Heads, a.Dim/a.Heads).Permute(0, 2, 1, 3)
}

// attend works on q [B, H, T, d] and k, v [B, H, S, d].
func (a *Attention[F]) attend(q, k, v, bias autograd.Var[F]) autograd.Var[F] {
	s := q.Shape()
	scores := q.MatMulT(k).Scale(1 / math.Sqrt(float64(a.Dim/a.Heads)))
	if bias != (autograd.Var[F]{}) {
		scores = scores.Add(bias)
	}
	y := scores.Softmax(-1).MatMul(v)
	return a.Out.Forward(y.Permute(0, 2, 1, 3).ReshapeDims(s.Dim(0), s.Dim(2), a.Dim))
}

// Causal returns the bias [1, 1, n, n] that lets token i see tokens 0 … i only.
func Causal[F simd.Float](t *autograd.Tape[F], n int) autograd.Var[F] {
	bias := t.Zeros(autograd.Dims(1, 1, n, n))
	for i, d := 0, bias.Value().Data; i < n; i++ {
		for j := i + 1; j < n; j++ {
			d[i*n+j] = F(math.Inf(-1))
		}
	}
	return bias
}
