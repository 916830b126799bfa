package bijector

import (
	"fmt"

	"pushforward/autograd"
	"pushforward/nn"
	"pushforward/simd"
)

// Coupling leaves half of the columns as they are and maps the others by an Element whose
// parameters a network computes from the first half and the condition (Dinh et al. 2017):
//
//	yₐ = xₐ,  y_b = element(x_b; net(xₐ, cond))
//
// Its Jacobian is triangular, with the element's derivatives on the diagonal, and its inverse
// costs what it costs itself.
type Coupling[F simd.Float] struct {
	element   Element[F]
	net       nn.Seq[F]
	dim, cond int
	keep      int  // columns left alone
	last      bool // they are the last ones, not the first
}

// NewCoupling declares in s.Sub("net") a network with the given hidden widths and act between its
// layers. Its last layer starts at zero, so the coupling starts as the identity. The ⌊dim/2⌋ columns
// it leaves alone are the first ones, or the last ones if last is set: stack the two in turn.
func NewCoupling[F simd.Float](s nn.Scope[F], e Element[F], dim, cond int, last bool, act nn.Func[F], hidden ...int) *Coupling[F] {
	if dim < 1 || cond < 0 {
		panic(fmt.Sprintf("bijector: NewCoupling: %d columns under a condition of %d", dim, cond))
	}
	c := &Coupling[F]{element: e, dim: dim, cond: cond, keep: dim / 2, last: last}
	in := max(c.keep+cond, 1)
	s = s.Sub("net")
	for i, width := range hidden {
		c.net = append(c.net, nn.NewLinear(s.Index(2*i), in, width), act)
		in = width
	}
	c.net = append(c.net, nn.NewLinearZero(s.Index(2*len(hidden)), in, (dim-c.keep)*e.Params()))
	return c
}

// split returns the columns left alone and those to be mapped.
func (c *Coupling[F]) split(x autograd.Var[F]) (a, b autograd.Var[F]) {
	if c.last {
		return x.Slice(1, c.dim-c.keep, c.dim), x.Slice(1, 0, c.dim-c.keep)
	}
	return x.Slice(1, 0, c.keep), x.Slice(1, c.keep, c.dim)
}

// join undoes split.
func (c *Coupling[F]) join(a, b autograd.Var[F]) autograd.Var[F] {
	switch {
	case c.keep == 0:
		return b
	case c.last:
		return autograd.Concat(1, b, a)
	}
	return autograd.Concat(1, a, b)
}

// params returns what the network says for the columns to be mapped.
func (c *Coupling[F]) params(a, cond autograd.Var[F]) autograd.Var[F] {
	condition("Coupling", a, cond, c.cond)
	switch {
	case c.keep+c.cond == 0: // one column and nothing to go by: the biases are all there is
		a = column(a)
	case c.keep == 0:
		a = cond
	case c.cond > 0:
		a = autograd.Concat(1, a, cond)
	}
	return c.net.Forward(a)
}

// Forward maps x [B, D].
func (c *Coupling[F]) Forward(x, cond autograd.Var[F]) (y, logdet autograd.Var[F]) {
	rows("Coupling", x, c.dim)
	a, b := c.split(x)
	b, logdet = c.element.Forward(b, c.params(a, cond))
	return c.join(a, b), logdet
}

// Inverse undoes Forward.
func (c *Coupling[F]) Inverse(y, cond autograd.Var[F]) (x, logdet autograd.Var[F]) {
	rows("Coupling", y, c.dim)
	a, b := c.split(y)
	b, logdet = c.element.Inverse(b, c.params(a, cond))
	return c.join(a, b), logdet
}
