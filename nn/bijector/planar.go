package bijector

import (
	"math"

	"pushforward/autograd"
	"pushforward/nn"
	"pushforward/simd"
)

// Planar is the flow of Rezende and Mohamed (2015), the smallest one worth drawing: it pushes all
// points along one direction u, by an amount that depends on where they lie along another, w:
//
//	y = x + û·tanh(wᵀx + b),  det = 1 + wᵀû·(1 - tanh²(wᵀx + b))
//
// It is invertible if wᵀû > -1, which û = u + (m(wᵀu) - wᵀu)·w/‖w‖² makes sure of, with
// m(a) = softplus(a + ln(e-1)) - 1, so that u = 0, the start, is the identity. (The paper has no
// ln(e-1).) The determinant is that of I + u·hᵀ: a rank-one change costs one product.
//
// The inverse needs α = wᵀx, the root of the increasing function α + wᵀû·tanh(α + b) - wᵀy, one
// number per row. Then x = y - û·tanh(α + b). It takes no condition.
type Planar[F simd.Float] struct {
	U, W, B autograd.Param
	dim     int
}

// NewPlanar declares "u", "w" and "b" in s.
func NewPlanar[F simd.Float](s nn.Scope[F], dim int) *Planar[F] {
	return &Planar[F]{
		U: s.Param("u", nn.Zeros, 1, dim), W: s.Param("w", nn.Normal(1), 1, dim), B: s.Param("b", nn.Zeros, 1), dim: dim,
	}
}

// vectors returns û and w as rows, b, and wᵀû [1, 1].
func (p *Planar[F]) vectors(t *autograd.Tape[F]) (u, w, b, wu autograd.Var[F]) {
	u, w, b = t.Param(p.U), t.Param(p.W), t.Param(p.B)
	a := w.MatMulT(u)
	m := a.Shift(simd.Log(math.E - 1)).Softplus().Shift(-1)
	u = u.Add(w.Mul(m.Sub(a).Div(w.MatMulT(w).Shift(1e-20))))
	return u, w, b, w.MatMulT(u)
}

// bent returns log(1 + wᵀû·(1 - h²)).
func bent[F simd.Float](h, wu autograd.Var[F]) autograd.Var[F] {
	return h.Square().Neg().Shift(1).Mul(wu).Log1p()
}

// Forward returns x + û·tanh(wᵀx + b).
func (p *Planar[F]) Forward(x, _ autograd.Var[F]) (y, logdet autograd.Var[F]) {
	rows("Planar", x, p.dim)
	u, w, b, wu := p.vectors(x.Tape())
	h := autograd.Linear(x, w, b).Tanh()
	return x.Add(h.Mul(u)), bent(h, wu)
}

// Inverse finds α for each row, to the last digits.
func (p *Planar[F]) Inverse(y, _ autograd.Var[F]) (x, logdet autograd.Var[F]) {
	rows("Planar", y, p.dim)
	u, w, b, wu := p.vectors(y.Tape())
	alpha := root(y.MatMulT(w), wu, b.Reshape(wu.Shape()))
	h := alpha.Add(b).Tanh()
	return y.Sub(h.Mul(u)), bent(h, wu).Neg()
}

// rootOp solves α + s·tanh(α + b) = c for each c of [B, 1], given s > -1 and b, [1, 1]. The derivatives
// are those of an implicit function: with f = 1 + s·(1 - tanh²(α + b)),
//
//	∂α/∂c = 1/f,  ∂α/∂s = -tanh(α + b)/f,  ∂α/∂b = -s·(1 - tanh²(α + b))/f = 1/f - 1
type rootOp[F simd.Float] struct{}

func root[F simd.Float](c, s, b autograd.Var[F]) autograd.Var[F] {
	return autograd.Apply(autograd.Op[F](rootOp[F]{}), c.Shape(), c, s, b)
}

func (rootOp[F]) Name() string { return "PlanarRoot" }

func (rootOp[F]) Forward(y autograd.Var[F]) {
	s, b := float64(y.In(1).Item()), float64(y.In(2).Item())
	dst := y.Value().Data
	for i, c := range y.In(0).Value().Data {
		dst[i] = F(planarRoot(float64(c), s, b))
	}
}

// planarRoot is Newton's method, kept within an interval that holds the root and shrinks.
func planarRoot(c, s, b float64) float64 {
	lo, hi := c-math.Abs(s), c+math.Abs(s)
	a := c
	for range 200 {
		h := simd.Tanh(a + b)
		f := a + float64(s*h) - c
		if f > 0 {
			hi = a
		} else {
			lo = a
		}
		next := a - f/(1+float64(s*(1-float64(h*h))))
		if !(lo < next && next < hi) {
			next = lo + float64(0.5*(hi-lo))
		}
		if next == a || !(lo < hi) {
			break
		}
		a = next
	}
	return a
}

func (rootOp[F]) VJP(y, g autograd.Var[F], i int) autograd.Var[F] {
	s, b := y.In(1), y.In(2)
	h := y.Add(b).Tanh()
	f := h.Square().Neg().Shift(1).Mul(s).Shift(1)
	g = g.Div(f)
	switch i {
	case 0:
		return g
	case 1:
		return g.Mul(h).Neg().SumTo(s.Shape())
	}
	return g.Mul(f.Neg().Shift(1)).SumTo(b.Shape())
}
