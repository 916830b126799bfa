package nn

import (
	"fmt"

	"pushforward/autograd"
	"pushforward/simd"
)

// UNetConfig sizes a UNet. Zero fields mean Base 32, Levels 2, Groups 8, Heads 4.
type UNetConfig struct {
	Channels int // of the image and of the result
	Context  int // columns of what every block is told: features of the time, a condition
	Base     int // channels at full size; each level has twice as many as the one above
	Levels   int // how often the image is halved
	Groups   int // of the group norms
	Heads    int // of the attention at the lowest level; negative: no attention
}

// UNet is a small network for images, such as the 28×28 of MNIST: residual blocks of two
// 3×3 convolutions, down through Levels halvings, attention at the bottom, and up again with
// what the way down saw beside it (Ronneberger et al. 2015, Ho et al. 2020).
//
//	block:  h = conv₁(SiLU(norm₁(x))),  (a, b) = M·SiLU(c)
//	        x' = skip(x) + conv₂(SiLU(norm₂(h)·(1 + a) + b))
//
// with c = W₂·SiLU(W₁·context). conv₂ and the output start at zero. Height and width must be
// multiples of 2^Levels: 28 = 4·7 suits two.
type UNet[F simd.Float] struct {
	Config UNetConfig // as given, defaults filled in

	embed      [2]*Linear[F]
	stem, out  *Conv2d[F]
	norm       *GroupNorm[F]
	down, up   []convBlock[F]
	half, full []*Conv2d[F] // between levels: stride 2, and behind the doubling
	mid        [2]convBlock[F]
	attNorm    *GroupNorm[F]
	att        *Attention[F]
}

// NewUNet declares a UNet in s. It panics if Channels or Context is not positive or Groups does
// not divide Base.
func NewUNet[F simd.Float](s Scope[F], c UNetConfig) *UNet[F] {
	for _, f := range []struct {
		field *int
		value int
	}{{&c.Base, 32}, {&c.Levels, 2}, {&c.Groups, 8}, {&c.Heads, 4}} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	if c.Channels <= 0 || c.Context <= 0 || c.Base < 0 || c.Levels < 0 || c.Groups < 0 || c.Base%c.Groups != 0 {
		panic(fmt.Sprintf("nn: NewUNet: %+v: sizes must be positive and Groups divide Base", c))
	}
	u := &UNet[F]{Config: c}
	wide := 4 * c.Base
	u.embed = [2]*Linear[F]{NewLinear(s.Sub("embed").Index(0), c.Context, wide), NewLinear(s.Sub("embed").Index(2), wide, wide)}
	u.stem = NewConv2d(s.Sub("stem"), c.Channels, c.Base, 3, 3, same)
	at := c.Base
	for i := range c.Levels {
		d := s.Sub("down").Index(i)
		u.down = append(u.down, newConvBlock(d.Sub("block"), at, at, wide, c.Groups))
		u.half = append(u.half, NewConv2d(d.Sub("half"), at, 2*at, 3, 3, autograd.Conv{Stride: [2]int{2, 2}, Pad: [2]int{1, 1}}))
		at *= 2
	}
	m := s.Sub("mid")
	u.mid = [2]convBlock[F]{newConvBlock(m.Sub("0"), at, at, wide, c.Groups), newConvBlock(m.Sub("1"), at, at, wide, c.Groups)}
	if c.Heads > 0 {
		heads := c.Heads
		for at%heads != 0 {
			heads--
		}
		u.attNorm = NewGroupNorm(m.Sub("norm"), c.Groups, at)
		u.att = NewAttention(m.Sub("attention"), at, heads)
	}
	for i := range c.Levels {
		d := s.Sub("up").Index(i)
		u.full = append(u.full, NewConv2d(d.Sub("double"), at, at/2, 3, 3, same))
		at /= 2
		u.up = append(u.up, newConvBlock(d.Sub("block"), 2*at, at, wide, c.Groups))
	}
	u.norm = NewGroupNorm(s.Sub("norm"), c.Groups, at)
	u.out = newZeroConv(s.Sub("out"), at, c.Channels)
	return u
}

// same is the geometry of a 3×3 convolution that keeps the size.
var same = autograd.Conv{Pad: [2]int{1, 1}}

// newZeroConv declares a 3×3 convolution that starts at zero.
func newZeroConv[F simd.Float](s Scope[F], in, out int) *Conv2d[F] {
	return &Conv2d[F]{W: s.Param("weight", Zeros, out, in, 3, 3), B: s.Param("bias", Zeros, out), Conv: same}
}

// Forward returns the field at x [N, Channels, H, W] given context [N, Context].
func (u *UNet[F]) Forward(x, context autograd.Var[F]) autograd.Var[F] {
	s := x.Shape()
	size := 1 << u.Config.Levels
	if s.Rank() != 4 || s.Dim(1) != u.Config.Channels || s.Dim(2)%size != 0 || s.Dim(3)%size != 0 {
		panic(&autograd.ShapeError{Op: "nn.UNet", Want: fmt.Sprintf("want [N, %d, H, W], H and W multiples of %d", u.Config.Channels, size), Got: []autograd.Shape{s}})
	}
	c := u.embed[1].Forward(u.embed[0].Forward(context).SiLU()).SiLU()
	h := u.stem.Forward(x)
	var buf [8]autograd.Var[F]
	seen := buf[:0]
	for i, b := range u.down {
		h = b.forward(h, c)
		seen = append(seen, h)
		h = u.half[i].Forward(h)
	}
	h = u.mid[0].forward(h, c)
	if u.att != nil {
		h = h.Add(u.look(h))
	}
	h = u.mid[1].forward(h, c)
	for i, b := range u.up {
		h = u.full[i].Forward(h.UpsampleNearest2d([2]int{2, 2}))
		h = b.forward(autograd.Concat(1, h, seen[len(seen)-1-i]), c)
	}
	return u.out.Forward(u.norm.Forward(h).SiLU())
}

// look is attention with the pixels of h as tokens.
func (u *UNet[F]) look(h autograd.Var[F]) autograd.Var[F] {
	s := h.Shape()
	n, ch, pix := s.Dim(0), s.Dim(1), s.Dim(2)*s.Dim(3)
	tokens := u.attNorm.Forward(h).ReshapeDims(n, ch, pix).Transpose(1, 2)
	return u.att.Forward(tokens).Transpose(1, 2).Reshape(s)
}

// convBlock is a residual block that is told a context.
type convBlock[F simd.Float] struct {
	norm1, norm2 *GroupNorm[F]
	conv1, conv2 *Conv2d[F]
	scale, shift *Linear[F]
	skip         *Conv2d[F] // 1×1 where the channels change, else nil
}

func newConvBlock[F simd.Float](s Scope[F], in, out, context, groups int) convBlock[F] {
	b := convBlock[F]{
		norm1: NewGroupNorm(s.Sub("norm1"), groups, in),
		conv1: NewConv2d(s.Sub("conv1"), in, out, 3, 3, same),
		scale: NewLinear(s.Sub("scale"), context, out),
		shift: NewLinear(s.Sub("shift"), context, out),
		norm2: NewGroupNorm(s.Sub("norm2"), groups, out),
		conv2: newZeroConv(s.Sub("conv2"), out, out),
	}
	if in != out {
		b.skip = NewConv2d(s.Sub("skip"), in, out, 1, 1, autograd.Conv{})
	}
	return b
}

func (b convBlock[F]) forward(x, c autograd.Var[F]) autograd.Var[F] {
	h := b.norm2.Forward(b.conv1.Forward(b.norm1.Forward(x).SiLU()))
	s := h.Shape()
	perChannel := func(l *Linear[F]) autograd.Var[F] {
		return l.Forward(c).Reshape(autograd.Dims(s.Dim(0), s.Dim(1), 1, 1))
	}
	h = h.Mul(perChannel(b.scale).Shift(1)).Add(perChannel(b.shift))
	if b.skip != nil {
		x = b.skip.Forward(x)
	}
	return x.Add(b.conv2.Forward(h.SiLU()))
}
