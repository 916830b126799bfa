package cfm

import (
	"fmt"

	"pushforward/autograd"
	"pushforward/nn"
	"pushforward/simd"
)

// NetConfig sizes the standard network. Zero fields mean Hidden 128, Blocks 3, Freqs 4. Dim
// is the number of columns, Cond that of conditions (0: none). Norm puts a LayerNorm without
// weights before each block and the output, as for images.
type NetConfig struct {
	Dim, Cond, Hidden, Blocks, Freqs int
	Norm                             bool
}

// withDefaults returns c with its zero fields filled in.
func (c NetConfig) withDefaults() NetConfig {
	if c.Hidden == 0 {
		c.Hidden = 128
	}
	if c.Blocks == 0 {
		c.Blocks = 3
	}
	if c.Freqs == 0 {
		c.Freqs = 4
	}
	return c
}

// Net is the residual MLP of nn.ResMLP: time and condition are fed to every block, the last
// layer of each block and of the net starts at zero. The context of a row is
//
//	t, cos kπt, sin kπt (k = 1 … Freqs), condition
//
// whose slowest frequency turns by half a circle over [0, 1] (trap: base 10000 would hardly move).
type Net[F simd.Float] struct {
	cfg NetConfig
	mlp *nn.ResMLP[F]
}

// NewNet declares the net's arrays under s.
func NewNet[F simd.Float](s nn.Scope[F], c NetConfig) *Net[F] {
	c = c.withDefaults()
	if c.Dim <= 0 || c.Cond < 0 || c.Hidden < 0 || c.Blocks < 0 || c.Freqs < 0 {
		panic(fmt.Sprintf("cfm: NewNet: %+v: Dim must be positive, the others not negative", c))
	}
	return &Net[F]{c, nn.NewResMLP(s, nn.ResMLPConfig{
		In: c.Dim, Out: c.Dim, Context: 1 + 2*c.Freqs + c.Cond,
		Hidden: c.Hidden, Blocks: c.Blocks, Norm: c.Norm,
	})}
}

// Config returns the sizes, defaults filled in.
func (n *Net[F]) Config() NetConfig { return n.cfg }

// Velocity runs the net. It panics unless the query's widths are Dim and Cond.
func (n *Net[F]) Velocity(q Query[F]) autograd.Var[F] {
	checkWidths("Net", q, n.cfg.Dim, n.cfg.Cond)
	if n.cfg.Cond > 0 {
		return n.mlp.Forward(q.X, nn.TimeFeatures(q.T, n.cfg.Freqs, q.Cond))
	}
	return n.mlp.Forward(q.X, nn.TimeFeatures(q.T, n.cfg.Freqs))
}

// MLPField is the plain network of torchcfm: an MLP of [x, t], the time the last column. Its
// arrays are net.0.weight, net.0.bias, net.2.weight and so on.
type MLPField[F simd.Float] struct {
	dim int
	net nn.Seq[F]
}

// NewMLPField declares an MLP of dim+1 inputs, layers hidden layers of the given width with act
// behind each, and dim outputs.
func NewMLPField[F simd.Float](s nn.Scope[F], dim, hidden, layers int, act nn.Func[F]) *MLPField[F] {
	if dim <= 0 || hidden <= 0 || layers < 0 {
		panic(fmt.Sprintf("cfm: NewMLPField: dim %d, hidden %d, layers %d", dim, hidden, layers))
	}
	widths := []int{dim + 1}
	for range layers {
		widths = append(widths, hidden)
	}
	return &MLPField[F]{dim, nn.NewMLP(s.Sub("net"), act, append(widths, dim)...)}
}

// Velocity runs the net. It panics on a query with conditions.
func (n *MLPField[F]) Velocity(q Query[F]) autograd.Var[F] {
	checkWidths("MLPField", q, n.dim, 0)
	return n.net.Forward(autograd.Concat(1, q.X, q.T))
}

// checkWidths panics unless q has points of dim columns and conditions of cond.
func checkWidths[F simd.Float](who string, q Query[F], dim, cond int) {
	if d := q.X.Shape().Dim(1); d != dim {
		panic(fmt.Sprintf("cfm: %s: points of %d columns, the field has %d", who, d, dim))
	}
	c := 0
	if q.HasCond() {
		c = q.Cond.Shape().Dim(1)
	}
	if c != cond {
		panic(fmt.Sprintf("cfm: %s: conditions of %d columns, the field has %d", who, c, cond))
	}
}
