package nn

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/autograd"
	"pushforward/simd/rng"
)

// Names, shapes and first bounds are PyTorch's.
func TestConvLayout(t *testing.T) {
	p := NewParams[float64]()
	s := p.Root()
	NewConv1d(s.Sub("c1"), 4, 6, 5, autograd.Conv{Groups: 2})
	NewConv2d(s.Sub("c2"), 3, 8, 3, 2, autograd.Conv{})
	NewConvTranspose2d(s.Sub("ct"), 4, 6, 2, 2, autograd.Conv{Groups: 2})
	NewGroupNorm(s.Sub("gn"), 2, 8)
	NewLayerNorm(s.Sub("ln"), 2, 3)
	NewRMSNorm(s.Sub("rms"), 5)
	NewEmbedding(s.Sub("emb"), 10, 4)
	theta := p.Init(rng.New(1))
	type array struct {
		shape autograd.Shape
		bound float64
	}
	want := map[string]array{
		"c1.weight": {autograd.Dims(6, 2, 5), 1 / math.Sqrt(10)}, "c1.bias": {autograd.Dims(6), 1 / math.Sqrt(10)},
		"c2.weight": {autograd.Dims(8, 3, 3, 2), 1 / math.Sqrt(18)}, "c2.bias": {autograd.Dims(8), 1 / math.Sqrt(18)},
		"ct.weight": {autograd.Dims(4, 3, 2, 2), 1 / math.Sqrt(12)}, "ct.bias": {autograd.Dims(6), 1 / math.Sqrt(12)},
		"gn.weight": {autograd.Dims(8), 1}, "gn.bias": {autograd.Dims(8), 0},
		"ln.weight": {autograd.Dims(2, 3), 1}, "ln.bias": {autograd.Dims(2, 3), 0},
		"rms.weight": {autograd.Dims(5), 1},
		"emb.weight": {autograd.Dims(10, 4), 5},
	}
	for name, x := range p.All(theta) {
		w, ok := want[name]
		require.True(t, ok, name)
		delete(want, name)
		require.Equal(t, w.shape, x.Shape, name)
		for _, v := range x.Data {
			require.LessOrEqual(t, math.Abs(v), w.bound, name)
		}
	}
	require.Empty(t, want)
	require.Panics(t, func() { NewConv2d(NewParams[float64]().Root(), 3, 8, 3, 3, autograd.Conv{Groups: 2}) })
}

// The convolution of a 2×2 window, by hand.
func TestConv2d(t *testing.T) {
	p := NewParams[float64]()
	l := NewConv2d(p.Root(), 1, 1, 2, 2, autograd.Conv{})
	theta := p.Zeros()
	copy(theta[l.W.Off:], []float64{1, 2, 3, 4})
	theta[l.B.Off] = 100
	x := autograd.FromSlice([]float64{1, 0, 2, 0, 1, 0, 3, 0, 1}, 1, 1, 3, 3)
	y := l.Forward(autograd.NewTape(theta).Const(x)).Value()
	require.Equal(t, autograd.Dims(1, 1, 2, 2), y.Shape)
	require.Equal(t, []float64{105, 107, 111, 105}, y.Data)
}

func TestUNet(t *testing.T) {
	p := NewParams[float32]()
	u := NewUNet(p.Root(), UNetConfig{Channels: 1, Context: 9, Base: 8})
	theta := p.Init(rng.New(1))
	tape := autograd.NewTape(theta)
	x, c := tape.Const(normalTensor[float32](rng.New(2), 2, 1, 28, 28)), tape.Const(normalTensor[float32](rng.New(3), 2, 9))
	y := u.Forward(x, c)
	require.Equal(t, x.Shape(), y.Shape())
	for _, v := range y.Value().Data {
		require.Zero(t, v)
	}
	require.Contains(t, p.Names(), "down.1.block.conv1.weight")
	require.Contains(t, p.Names(), "mid.attention.in_proj_weight")
	require.Contains(t, p.Names(), "up.0.block.skip.weight")
	require.Panics(t, func() { u.Forward(tape.Const(normalTensor[float32](rng.New(2), 2, 1, 28, 30)), c) })
	require.Panics(t, func() { NewUNet(NewParams[float32]().Root(), UNetConfig{Channels: 1, Context: 1, Base: 12}) })
}

// A few steps of Adam's ancestor lower the loss of a U-Net: every part gets a gradient.
func TestUNetLearns(t *testing.T) {
	p := NewParams[float32]()
	u := NewUNet(p.Root(), UNetConfig{Channels: 1, Context: 2, Base: 4, Groups: 2, Heads: 2})
	theta := p.Init(rng.New(1))
	tape := autograd.NewTape(theta)
	x, c, want := normalTensor[float32](rng.New(2), 4, 1, 8, 8), normalTensor[float32](rng.New(3), 4, 2), normalTensor[float32](rng.New(4), 4, 1, 8, 8)
	grad := make([]float32, len(theta))
	step := func() float32 {
		tape.Reset()
		tape.ThetaChanged()
		loss := u.Forward(tape.Const(x), tape.Const(c)).Sub(tape.Const(want)).Square().Mean()
		clear(grad)
		tape.Backward(loss, grad)
		for i, g := range grad {
			theta[i] -= 0.1 * g
		}
		return loss.Item()
	}
	first := step()
	var last float32
	steps, most := 60, float32(0.8)
	if testing.Short() {
		steps, most = 10, 0.97
	}
	for range steps {
		last = step()
	}
	require.Less(t, last, most*first)
	for name := range p.All(theta) {
		at, _ := p.Lookup(name)
		var most float64
		for _, g := range grad[at.Off : at.Off+at.Shape.Len()] {
			most = max(most, math.Abs(float64(g)))
		}
		require.Positive(t, most, name)
	}
}
