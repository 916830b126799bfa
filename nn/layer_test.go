package nn

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/autograd"
	"pushforward/simd"
	"pushforward/simd/rng"
)

// normalTensor draws a tensor of standard normal numbers.
func normalTensor[F simd.Float](key rng.Key, dims ...int) autograd.Tensor[F] {
	x := autograd.NewTensor[F](dims...)
	rng.Normal(key, x.Data)
	return x
}

// A net is a function of (θ, inputs) under test. Inputs have the batch as first axis.
type net[F simd.Float] struct {
	name   string
	widths [][]int // extents of each input behind the batch
	make   func(s Scope[F]) func(x ...autograd.Var[F]) autograd.Var[F]
}

func nets[F simd.Float]() []net[F] {
	type v = autograd.Var[F]
	one := func(l Layer[F]) func(x ...v) v { return func(x ...v) v { return l.Forward(x[0]) } }
	res := func(c ResMLPConfig) func(s Scope[F]) func(x ...v) v {
		return func(s Scope[F]) func(x ...v) v {
			m := NewResMLP(s, c)
			return func(x ...v) v {
				if len(x) == 1 {
					return m.Forward(x[0], v{})
				}
				return m.Forward(x[0], x[1])
			}
		}
	}
	return []net[F]{
		{"linear", [][]int{{3}}, func(s Scope[F]) func(x ...v) v { return one(NewLinear(s, 3, 4)) }},
		{"linear over a sequence", [][]int{{2, 3}}, func(s Scope[F]) func(x ...v) v { return one(NewLinear(s, 3, 4)) }},
		{"mlp", [][]int{{3}}, func(s Scope[F]) func(x ...v) v { return one(NewMLP(s, v.SiLU, 3, 6, 5, 2)) }},
		{"resmlp", [][]int{{3}, {4}}, res(ResMLPConfig{In: 3, Out: 2, Context: 4, Hidden: 6, Blocks: 2})},
		{"resmlp, normed", [][]int{{3}, {4}}, res(ResMLPConfig{In: 3, Out: 2, Context: 4, Hidden: 6, Blocks: 2, Norm: true})},
		{"resmlp, narrow context", [][]int{{3}, {4}}, res(ResMLPConfig{In: 3, Out: 2, Context: 4, Hidden: 6, Width: 2, Blocks: 2, Norm: true})},
		{"resmlp without context", [][]int{{3}}, res(ResMLPConfig{In: 3, Out: 2, Hidden: 6, Blocks: 1})},
		{"time features", [][]int{{1}, {2}}, func(s Scope[F]) func(x ...v) v {
			l := NewLinear(s, 9, 3)
			return func(x ...v) v { return l.Forward(TimeFeatures(x[0], 3, x[1])) }
		}},
		{"embedding", [][]int{{2}}, func(s Scope[F]) func(x ...v) v {
			e := NewEmbedding(s, 4, 2)
			ids := []int32{3, 0, 3}
			return func(x ...v) v { // the same three symbols for every row
				w := e.At(x[0].Tape(), ids).MeanAxis(0)
				return x[0].Mul(w)
			}
		}},
		{"self-attention", [][]int{{3, 4}}, func(s Scope[F]) func(x ...v) v { return one(NewAttention(s, 4, 2)) }},
		{"causal attention", [][]int{{3, 4}}, func(s Scope[F]) func(x ...v) v {
			a := NewAttention(s, 4, 2)
			return func(x ...v) v { return a.Self(x[0], Causal(x[0].Tape(), 3)) }
		}},
		{"cross-attention", [][]int{{3, 4}, {2, 4}}, func(s Scope[F]) func(x ...v) v {
			a := NewAttention(s, 4, 2)
			return func(x ...v) v { return a.Cross(x[0], x[1], v{}) }
		}},
		{"layer norm", [][]int{{3, 4}}, func(s Scope[F]) func(x ...v) v { return one(NewLayerNorm(s, 3, 4)) }},
		{"RMS norm", [][]int{{3, 4}}, func(s Scope[F]) func(x ...v) v { return one(NewRMSNorm(s, 4)) }},
		{"group norm", [][]int{{4, 3}}, func(s Scope[F]) func(x ...v) v { return one(NewGroupNorm(s, 2, 4)) }},
		{"conv 1-D", [][]int{{2, 6}}, func(s Scope[F]) func(x ...v) v {
			return one(NewConv1d(s, 2, 3, 3, autograd.Conv{Pad: [2]int{1}, Stride: [2]int{2}}))
		}},
		{"conv 2-D", [][]int{{2, 4, 5}}, func(s Scope[F]) func(x ...v) v {
			return one(NewConv2d(s, 2, 4, 3, 2, autograd.Conv{Groups: 2, Pad: [2]int{1, 0}}))
		}},
		{"transposed conv", [][]int{{2, 3, 2}}, func(s Scope[F]) func(x ...v) v {
			return one(NewConvTranspose2d(s, 2, 3, 2, 2, autograd.Conv{Stride: [2]int{2, 2}}))
		}},
		{"u-net", [][]int{{1, 4, 4}, {3}}, func(s Scope[F]) func(x ...v) v {
			u := NewUNet(s, UNetConfig{Channels: 1, Context: 3, Base: 2, Groups: 1})
			return func(x ...v) v { return u.Forward(x[0], x[1]) }
		}},
	}
}

// build lays a net out and draws all of θ, so that nothing starts at zero.
func (n net[F]) build(key rng.Key) (f func(x ...autograd.Var[F]) autograd.Var[F], p *Params[F], theta []F) {
	p = NewParams[F]()
	f = n.make(p.Root())
	theta = p.Zeros()
	for name, x := range p.All(theta) {
		rng.Normal(key.Named(name), x.Data)
		for i := range x.Data {
			x.Data[i] *= 0.4
		}
	}
	return f, p, theta
}

func (n net[F]) inputs(key rng.Key, rows int) []autograd.Tensor[F] {
	var in []autograd.Tensor[F]
	for i, w := range n.widths {
		in = append(in, normalTensor[F](key.Fold(uint64(i)), append([]int{rows}, w...)...))
	}
	return in
}

// The gradient by θ and by every input, against central differences in float64.
func TestGradients(t *testing.T) {
	for _, n := range nets[float64]() {
		t.Run(n.name, func(t *testing.T) {
			if testing.Short() && n.name == "u-net" {
				t.Skip("many parameters")
			}
			key := rng.New(7)
			f, p, theta := n.build(key.Named("theta"))
			in := n.inputs(key.Named("in"), 3)
			weights := autograd.Tensor[float64]{}
			tape := autograd.NewTape(theta)
			var x []autograd.Var[float64]
			loss := func() autograd.Var[float64] {
				tape.Reset()
				tape.ThetaChanged()
				x = x[:0]
				for _, v := range in {
					x = append(x, tape.Input(v))
				}
				y := f(x...)
				if weights.Data == nil {
					weights = normalTensor[float64](key.Named("loss"), y.Shape().Len()).Reshape(dimsOf(y.Shape())...)
				}
				return y.Mul(tape.Const(weights)).Sum()
			}
			grad := make([]float64, len(theta))
			tape.Backward(loss(), grad)
			var gin [][]float64
			l := loss()
			for _, g := range autograd.VJP(nil, l, tape.Scalar(1), x...) {
				gin = append(gin, append([]float64{}, g.Value().Data...))
			}
			check := func(x, g []float64, what string) {
				top := 1.0
				for _, v := range g {
					top = max(top, math.Abs(v))
				}
				for i := range x {
					h := 1e-5 * max(1, math.Abs(x[i]))
					old := x[i]
					x[i] = old + h
					up := loss().Item()
					x[i] = old - h
					down := loss().Item()
					x[i] = old
					require.InDelta(t, (up-down)/(2*h), g[i], 1e-8*top, "%s entry %d", what, i)
				}
			}
			for name, x := range p.All(theta) {
				at, _ := p.Lookup(name)
				check(x.Data, grad[at.Off:at.Off+len(x.Data)], name)
			}
			for i := range in {
				check(in[i].Data, gin[i], fmt.Sprint("input ", i))
			}
			// Nothing flows into the padding.
			seen := make([]bool, len(theta))
			for name := range p.All(theta) {
				at, _ := p.Lookup(name)
				for i := range at.Shape.Len() {
					seen[at.Off+i] = true
				}
			}
			for i, s := range seen {
				if !s {
					require.Zero(t, grad[i])
				}
			}
		})
	}
}

func dimsOf(s autograd.Shape) []int {
	var d []int
	for i := range s.Rank() {
		d = append(d, s.Dim(i))
	}
	return d
}

// Each row's result has the same bits alone as in any batch.
func TestRowsAreIndependent(t *testing.T) {
	eachRow[float32](t)
	eachRow[float64](t)
}

func eachRow[F simd.Float](t *testing.T) {
	for _, n := range nets[F]() {
		t.Run(n.name, func(t *testing.T) {
			const rows = 37
			f, _, theta := n.build(rng.New(1))
			in := n.inputs(rng.New(2), rows)
			run := func(lo, hi int) []F {
				tape := autograd.NewTape(theta)
				var x []autograd.Var[F]
				for _, v := range in {
					x = append(x, tape.Const(v.Slice(lo, hi)))
				}
				return f(x...).Value().Data
			}
			all := run(0, rows)
			w := len(all) / rows
			for i := range rows {
				require.Equal(t, all[i*w:(i+1)*w], run(i, i+1), "row %d", i)
			}
			require.Equal(t, all[5*w:23*w], run(5, 23))
		})
	}
}

func TestPassAllocatesNothing(t *testing.T) {
	for _, n := range nets[float32]() {
		t.Run(n.name, func(t *testing.T) {
			f, _, theta := n.build(rng.New(1))
			in := n.inputs(rng.New(2), 16)
			tape := autograd.NewTape(theta)
			grad := make([]float32, len(theta))
			x := make([]autograd.Var[float32], len(in))
			pass := func() {
				tape.Reset()
				tape.ThetaChanged()
				for i, v := range in {
					x[i] = tape.Const(v)
				}
				tape.Backward(f(x...).Square().Sum(), grad)
			}
			for range 3 {
				pass()
			}
			require.Zero(t, testing.AllocsPerRun(20, pass))
		})
	}
}

// A Linear against the sum written out.
func TestLinear(t *testing.T) {
	p := NewParams[float64]()
	l := NewLinear(p.Root(), 3, 2)
	theta := p.Init(rng.New(4))
	x := normalTensor[float64](rng.New(5), 4, 3)
	y := l.Forward(autograd.NewTape(theta).Const(x)).Value()
	for i := range 4 {
		for j := range 2 {
			want := theta[l.B.Off+j]
			for k := range 3 {
				want += x.Data[i*3+k] * theta[l.W.Off+j*3+k]
			}
			require.InDelta(t, want, y.Data[i*2+j], 1e-15)
		}
	}
	for _, v := range theta {
		require.LessOrEqual(t, math.Abs(v), 1/math.Sqrt(3))
	}
}

// The residual net starts as the zero field, and stays put under a gradient of zero.
func TestResMLPStartsAtZero(t *testing.T) {
	p := NewParams[float32]()
	m := NewResMLP(p.Root(), ResMLPConfig{In: 2, Out: 3, Context: 5, Hidden: 16})
	require.Equal(t, 3, m.Config.Blocks)
	theta := p.Init(rng.New(1))
	tape := autograd.NewTape(theta)
	y := m.Forward(tape.Const(normalTensor[float32](rng.New(2), 7, 2)), tape.Const(normalTensor[float32](rng.New(3), 7, 5)))
	require.Equal(t, autograd.Dims(7, 3), y.Shape())
	require.Equal(t, make([]float32, 21), y.Value().Data)
	require.Contains(t, p.Names(), "blocks.2.fc2.weight")
	require.Contains(t, p.Names(), "embed.2.bias")

	// 128 × 3 with 9 time features is the 217 k weights of the recipe.
	p = NewParams[float32]()
	NewResMLP(p.Root(), ResMLPConfig{In: 2, Out: 2, Context: 9})
	require.InDelta(t, 217e3, p.Count(), 2e3)
	// And 256 × 3 with a context of 64 from 8 waves and ten classes the 534 k of the digits.
	p = NewParams[float32]()
	NewResMLP(p.Root(), ResMLPConfig{In: 64, Out: 64, Context: 27, Hidden: 256, Width: 64, Norm: true})
	require.InDelta(t, 534e3, p.Count(), 1e3)
}

// Two times a tenth apart are told apart: trap of the embedding with periods up to 10000.
func TestTimeFeatures(t *testing.T) {
	embed := func(t float64) []float64 {
		tape := autograd.NewTape[float64](nil)
		return TimeFeatures(tape.Const(autograd.FromRows([][]float64{{t}})), 4).Value().Data
	}
	for i, f := range embed(0.3) {
		want := 0.3
		switch {
		case i > 4:
			want = math.Sin(float64(i-4) * math.Pi * 0.3)
		case i > 0:
			want = math.Cos(float64(i) * math.Pi * 0.3)
		}
		require.InDelta(t, want, f, 1e-15)
	}
	// No two times of [0, 1] look alike, and a step of a hundredth is seen.
	var rows [101][]float64
	for i := range rows {
		rows[i] = embed(float64(i) / 100)
	}
	dist := func(i, j int) (s float64) {
		for k := range rows[i] {
			d := rows[i][k] - rows[j][k]
			s += d * d
		}
		return math.Sqrt(s)
	}
	require.Greater(t, dist(10, 20), 1.0)
	least := math.Inf(1)
	for i := range rows {
		for j := range i {
			least = min(least, dist(i, j))
		}
	}
	require.Greater(t, least, 0.15)
}
