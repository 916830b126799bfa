package nn

import (
	"fmt"

	"pushforward/autograd"
	"pushforward/simd"
)

// ResMLPConfig sizes a ResMLP.
type ResMLPConfig struct {
	In, Out int // columns of x and of the result
	Context int // columns of what every block is told; 0: nothing
	Hidden  int // width, 128 if 0
	Blocks  int // 3 if 0

	// Width is that of c below. 0 is Hidden; with any other number c goes into the blocks
	// only, not into the first h. A narrow c makes for few weights: at Hidden 256, half of
	// them would be in the scales and shifts.
	Width int

	// Norm puts a layer norm without weights in the place of SiLU(h), in the blocks and
	// before the output: the form known as adaptive layer norm. The digits were first
	// learned with Norm, Hidden 256 and Width 64.
	Norm bool
}

// ResMLP is a residual network of pre-activation blocks, each of which is told the context
// (features of the time, a condition) by way of a scale and a shift:
//
//	c = W₂·SiLU(W₁·context)
//	h = Wᵢ·x + c    (Wᵢ·x if c has a width of its own)
//	each block:  a = A·SiLU(c), b = B·SiLU(c)
//	             h += V₂·SiLU(V₁·(SiLU(h)·(1 + a) + b))
//	v = Wₒ·SiLU(h)
//
// every product being a Linear with its bias. V₂ and Wₒ start at zero, so that the blocks start
// as the identity and the network as the zero field.
//
// Names: embed.0, embed.2 (W₁, W₂), inp (Wᵢ), blocks.i.scale, .shift, .fc1, .fc2 (A, B, V₁, V₂),
// out (Wₒ).
type ResMLP[F simd.Float] struct {
	Config ResMLPConfig // as given, defaults filled in

	embed  [2]*Linear[F] // nil without context
	inp    *Linear[F]
	blocks []resBlock[F]
	out    *Linear[F]
}

type resBlock[F simd.Float] struct{ scale, shift, fc1, fc2 *Linear[F] }

// NewResMLP declares a ResMLP in s.
func NewResMLP[F simd.Float](s Scope[F], c ResMLPConfig) *ResMLP[F] {
	if c.Hidden == 0 {
		c.Hidden = 128
	}
	if c.Blocks == 0 {
		c.Blocks = 3
	}
	if c.In < 0 || c.Out < 0 || c.Context < 0 || c.Hidden < 0 || c.Width < 0 || c.Blocks < 0 {
		panic(fmt.Sprintf("nn: NewResMLP: negative size in %+v", c))
	}
	width := c.Width
	if width == 0 {
		width = c.Hidden
	}
	m := &ResMLP[F]{Config: c}
	if c.Context > 0 {
		e := s.Sub("embed")
		m.embed = [2]*Linear[F]{NewLinear(e.Index(0), c.Context, width), NewLinear(e.Index(2), width, width)}
	}
	m.inp = NewLinear(s.Sub("inp"), c.In, c.Hidden)
	for i := range c.Blocks {
		b, at := resBlock[F]{}, s.Sub("blocks").Index(i)
		if c.Context > 0 {
			b.scale = NewLinear(at.Sub("scale"), width, c.Hidden)
			b.shift = NewLinear(at.Sub("shift"), width, c.Hidden)
		}
		b.fc1 = NewLinear(at.Sub("fc1"), c.Hidden, c.Hidden)
		b.fc2 = NewLinearZero(at.Sub("fc2"), c.Hidden, c.Hidden)
		m.blocks = append(m.blocks, b)
	}
	m.out = NewLinearZero(s.Sub("out"), c.Hidden, c.Out)
	return m
}

// Forward returns the field at x [B, In] given context [B, Context]. With Context 0 the
// context is not looked at and may be the zero Var.
func (m *ResMLP[F]) Forward(x, context autograd.Var[F]) autograd.Var[F] {
	h := m.inp.Forward(x)
	var c autograd.Var[F]
	if m.embed[0] != nil {
		c = m.embed[1].Forward(m.embed[0].Forward(context).SiLU())
		if m.Config.Width == 0 {
			h = h.Add(c)
		}
		c = c.SiLU()
	}
	for _, b := range m.blocks {
		u := m.act(h)
		if b.scale != nil {
			u = u.Mul(b.scale.Forward(c).Shift(1)).Add(b.shift.Forward(c))
		}
		h = h.Add(b.fc2.Forward(b.fc1.Forward(u).SiLU()))
	}
	return m.out.Forward(m.act(h))
}

// act is what stands before a block's first layer and before the output.
func (m *ResMLP[F]) act(h autograd.Var[F]) autograd.Var[F] {
	if m.Config.Norm {
		return autograd.Standardize(h, normEps)
	}
	return h.SiLU()
}
