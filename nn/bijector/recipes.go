package bijector

import (
	"fmt"

	"pushforward/autograd"
	"pushforward/nn"
	"pushforward/simd"
	"pushforward/simd/rng"
)

// Config sizes the ready flows. Dim must be given; zero elsewhere means the value stated.
type Config struct {
	Dim, Cond int // columns of a row and of its condition

	Layers int // couplings or autoregressive maps: 6
	Hidden int // width of a conditioner's hidden layers: 64
	Depth  int // how many hidden layers: 2

	Bound float64 // of the log-scales of an affine map: 3
	Bins  int     // of a spline: 8
	Tail  float64 // where a spline ends and the identity starts: 5

	// Plain leaves out ActNorm and LULinear: then only the order of the columns changes between
	// the maps.
	Plain bool

	// Autoregressive makes NewNSF autoregressive: better densities from as many parameters,
	// and samples at Dim times the price.
	Autoregressive bool

	// Seed is that of the fixed orders of columns between the maps. It belongs to the model.
	Seed uint64
}

func (c Config) filled(who string) Config {
	if c.Dim < 1 || c.Cond < 0 || c.Layers < 0 || c.Hidden < 0 || c.Depth < 0 || c.Bins < 0 ||
		!(c.Bound >= 0) || !(c.Tail >= 0) {
		panic(fmt.Sprintf("bijector: %s: size out of range in %+v", who, c))
	}
	or := func(n *int, v int) {
		if *n == 0 {
			*n = v
		}
	}
	or(&c.Layers, 6)
	or(&c.Hidden, 64)
	or(&c.Depth, 2)
	or(&c.Bins, 8)
	if c.Bound == 0 {
		c.Bound = 3
	}
	if c.Tail == 0 {
		c.Tail = 5
	}
	return c
}

func (c Config) widths() []int {
	w := make([]int, c.Depth)
	for i := range w {
		w[i] = c.Hidden
	}
	return w
}

// NewRealNVP declares in s a flow of affine couplings (Dinh et al. 2017), each with an ActNorm, a
// fixed shuffle and an LULinear before it as in Glow (Kingma and Dhariwal 2018). It is the
// fastest of the flows, both ways.
func NewRealNVP[F simd.Float](s nn.Scope[F], c Config) *Flow[F] {
	c = c.filled("NewRealNVP")
	return stack(s, c, func(s nn.Scope[F], i int) Bijector[F] {
		return NewCoupling(s, Element[F](Affine[F]{Bound: c.Bound}), c.Dim, c.Cond, i%2 == 1, autograd.Var[F].SiLU, c.widths()...)
	}, false)
}

// NewMAF declares in s a flow of autoregressive affine maps (Papamakarios et al. 2017), with what
// NewRealNVP puts before each. Sampling takes Dim times the work of scoring.
func NewMAF[F simd.Float](s nn.Scope[F], c Config) *Flow[F] {
	c = c.filled("NewMAF")
	return stack(s, c, func(s nn.Scope[F], i int) Bijector[F] {
		return NewAutoregressive(s, Element[F](Affine[F]{Bound: c.Bound}), c.Dim, c.Cond, autograd.Var[F].SiLU, c.widths()...)
	}, true)
}

// NewNSF declares in s a neural spline flow (Durkan et al. 2019): splines in couplings, or
// autoregressive if c says so, with what NewRealNVP puts before each. The splines act between
// -Tail and Tail, so data should be standardised, or the flow started by Flow.Init.
func NewNSF[F simd.Float](s nn.Scope[F], c Config) *Flow[F] {
	c = c.filled("NewNSF")
	e := Element[F](Spline[F]{Bins: c.Bins, Tail: c.Tail})
	return stack(s, c, func(s nn.Scope[F], i int) Bijector[F] {
		if c.Autoregressive {
			return NewAutoregressive(s, e, c.Dim, c.Cond, autograd.Var[F].SiLU, c.widths()...)
		}
		return NewCoupling(s, e, c.Dim, c.Cond, i%2 == 1, autograd.Var[F].SiLU, c.widths()...)
	}, c.Autoregressive)
}

// stack puts what mixes the columns before each of c.Layers maps. Two columns have only one other
// order: couplings take turns by themselves, for the rest ordered asks that it be reversed. All
// of it is numbered in s in the order of Forward.
func stack[F simd.Float](s nn.Scope[F], c Config, layer func(s nn.Scope[F], i int) Bijector[F], ordered bool) *Flow[F] {
	var chain Chain[F]
	key := rng.New(c.Seed).Named("bijector/order")
	for i := range c.Layers {
		if !c.Plain {
			chain = append(chain, NewActNorm(s.Index(len(chain)), c.Dim))
		}
		switch {
		case i > 0 && c.Dim > 2:
			chain = append(chain, NewShuffle[F](c.Dim, key.Fold(uint64(i))))
		case i > 0 && c.Dim == 2 && ordered:
			chain = append(chain, NewReverse[F](c.Dim))
		}
		if !c.Plain && c.Dim > 1 {
			chain = append(chain, NewLULinear(s.Index(len(chain)), c.Dim))
		}
		chain = append(chain, layer(s.Index(len(chain)), i))
	}
	return &Flow[F]{Map: chain, Dim: c.Dim, Cond: c.Cond}
}
