package autograd_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	. "pushforward/autograd"
	"pushforward/simd"
)

// attrs are the settings of one step of a reference case. They remember which were asked for, so that none is
// overlooked.
type attrs struct {
	all  map[string]any
	read map[string]bool
}

func (a *attrs) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	a.read = map[string]bool{}
	return d.Decode(&a.all)
}

func (a attrs) get(name string) any {
	if a.read != nil {
		a.read[name] = true
	}
	return a.all[name]
}

// unread lists the settings that nobody has asked for.
func (a attrs) unread() (names []string) {
	for n := range a.all {
		if !a.read[n] {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return names
}

// with returns a with one setting changed.
func (a attrs) with(name string, v any) attrs {
	b := attrs{map[string]any{name: v}, a.read}
	for k, v := range a.all {
		if k != name {
			b.all[k] = v
		}
	}
	return b
}

func (a attrs) num(name string, d float64) float64 {
	switch v := a.get(name).(type) {
	case json.Number:
		f, err := v.Float64()
		if err != nil {
			panic(err)
		}
		return f
	case bool:
		if v {
			return 1
		}
		return 0
	case string:
		switch v {
		case "Infinity":
			return math.Inf(1)
		case "-Infinity":
			return math.Inf(-1)
		}
		return math.NaN()
	case nil:
		return d
	}
	panic(fmt.Sprintf("setting %s is %v", name, a.get(name)))
}

func (a attrs) int(name string, d int) int { return int(a.num(name, float64(d))) }

func (a attrs) flag(name string) bool { return a.num(name, 0) != 0 }

// list returns a list of whole numbers; a single number is a list of one, an absent one nil.
func (a attrs) list(name string) []int {
	switch v := a.get(name).(type) {
	case nil:
		return nil
	case []any:
		l := []int{}
		for i := range v { // lists of lists end to end
			l = append(l, attrs{all: map[string]any{"": v[i]}}.list("")...)
		}
		return l
	}
	return []int{a.int(name, 0)}
}

func (a attrs) ints32(name string) []int32 {
	var l []int32
	for _, v := range a.list(name) {
		l = append(l, int32(v))
	}
	return l
}

// two returns a setting for height and width; a single number stands for both.
func (a attrs) two(name string, d int) [2]int {
	switch l := a.list(name); len(l) {
	case 0:
		return [2]int{d, d}
	case 1:
		return [2]int{l[0], l[0]}
	default:
		return [2]int{l[0], l[1]}
	}
}

// conv reads a geometry; padding by a word is done to x by padded.
func (a attrs) conv() Conv {
	if _, word := a.get("padding").(string); word {
		a = a.with("padding", nil)
	}
	return Conv{Stride: a.two("stride", 1), Pad: a.two("padding", 0), Dilation: a.two("dilation", 1), Groups: a.int("groups", 1), OutPad: a.two("output_padding", 0)}
}

// padded pads x as a convolution with padding "same" does, more at the far end, where that is asked for.
func padded[F simd.Float](a attrs, x, w Var[F]) Var[F] {
	if a.get("padding") != "same" {
		return x
	}
	d := a.two("dilation", 1)
	axes := x.Shape().Rank() - 2
	for i := range axes {
		n := d[i] * (w.Shape().Dim(2+i) - 1)
		x = x.Pad(2+i, n/2, n-n/2)
	}
	return x
}

// batched does f to x with leading axes of extent 1 up to the given rank, and drops them from the result.
func batched[F simd.Float](rank int, x Var[F], f func(Var[F]) Var[F]) Var[F] {
	n := rank - x.Shape().Rank()
	if n <= 0 {
		return f(x)
	}
	y := f(x.Reshape(Dims(append(slices.Repeat([]int{1}, n), extents(x)...)...)))
	return y.Reshape(Dims(extents(y)[n:]...))
}

func extents[F simd.Float](x Var[F]) []int {
	var d []int
	for i := range x.Shape().Rank() {
		d = append(d, x.Shape().Dim(i))
	}
	return d
}

type refOp[F simd.Float] = func(a attrs, x []Var[F]) Var[F]

// lifted gives all operands one rank by leading axes of extent 1: with that, our broadcasting, which
// is narrower where ranks differ, is NumPy's.
func lifted[F simd.Float](x ...Var[F]) []Var[F] {
	n := 0
	for _, v := range x {
		n = max(n, v.Shape().Rank())
	}
	y := make([]Var[F], len(x))
	for i, v := range x {
		var d []int
		for range n - v.Shape().Rank() {
			d = append(d, 1)
		}
		for j := range v.Shape().Rank() {
			d = append(d, v.Shape().Dim(j))
		}
		y[i] = v.Reshape(Dims(d...))
	}
	return y
}

// dropped removes the reduced axes, all if none are named, unless keepdim is set.
func dropped[F simd.Float](a attrs, axes []int, y Var[F]) Var[F] {
	s := y.Shape()
	if a.flag("keepdim") {
		return y
	}
	gone := map[int]bool{}
	for _, i := range axes {
		gone[(i+s.Rank())%s.Rank()] = true
	}
	var d []int
	for i := range s.Rank() {
		if len(axes) > 0 && !gone[i] {
			d = append(d, s.Dim(i))
		}
	}
	return y.Reshape(Dims(d...))
}

func refOps[F simd.Float]() map[string]refOp[F] {
	type V = Var[F]
	one := func(f func(x V) V) refOp[F] { return func(_ attrs, x []V) V { return f(x[0]) } }
	two := func(f func(x, y V) V) refOp[F] {
		return func(_ attrs, x []V) V { x = lifted(x...); return f(x[0], x[1]) }
	}
	// A scalar has one axis to PyTorch.
	reduce := func(f func(x V, a attrs, axes ...int) V) refOp[F] {
		return func(a attrs, x []V) V {
			ax := a.list("axes")
			if x[0].Shape().Rank() == 0 {
				ax = nil
			}
			return dropped(a, ax, f(x[0], a, ax...))
		}
	}
	along := func(f func(a attrs, x V) V) refOp[F] {
		return func(a attrs, x []V) V { return batched(1, x[0], func(x V) V { return f(a, x) }) }
	}
	bias := func(x []V) V {
		if len(x) > 2 {
			return x[2]
		}
		return V{}
	}
	return map[string]refOp[F]{
		"neg": one(V.Neg), "abs": one(V.Abs), "exp": one(V.Exp), "expm1": one(V.Expm1), "log": one(V.Log), "log1p": one(V.Log1p),
		"sqrt": one(V.Sqrt), "rsqrt": one(V.Rsqrt), "square": one(V.Square), "reciprocal": one(V.Reciprocal), "sin": one(V.Sin),
		"cos": one(V.Cos), "tanh": one(V.Tanh), "atan": one(V.Atan), "erf": one(V.Erf), "sigmoid": one(V.Sigmoid),
		"logsigmoid": one(V.LogSigmoid), "relu": one(V.ReLU), "selu": one(V.SELU), "silu": one(V.SiLU), "gelu_erf": one(V.GELU),
		"gelu_tanh": one(V.GELUTanh), "softplus": one(V.Softplus), "mish": one(V.Mish), "stop_gradient": one(V.Detach),
		"leaky_relu": func(a attrs, x []V) V { return x[0].LeakyReLU(a.num("slope", 0)) },
		"elu":        func(a attrs, x []V) V { return x[0].ELUAlpha(a.num("alpha", 1)) },
		"clamp": func(a attrs, x []V) V {
			return x[0].Clamp(a.num("min", math.Inf(-1)), a.num("max", math.Inf(1)))
		},
		"pow_scalar": func(a attrs, x []V) V { return x[0].PowScalar(a.num("p", 0)) },
		"add_scalar": func(a attrs, x []V) V { return x[0].Shift(a.num("c", 0)) },
		"mul_scalar": func(a attrs, x []V) V { return x[0].Scale(a.num("c", 0)) },

		"add": two(V.Add), "sub": two(V.Sub), "mul": two(V.Mul), "div": two(V.Div), "pow": two(V.Pow),
		"maximum": two(V.Maximum), "minimum": two(V.Minimum), "atan2": two(V.Atan2),
		"where": func(a attrs, x []V) V {
			shape := a.list("mask_shape")
			if a.get("mask_shape") == nil {
				shape = extents(x[0])
			}
			m := NewTensor[F](shape...)
			for i, v := range a.list("mask") {
				m.Data[i] = F(v)
			}
			l := lifted(x[0].Tape().Const(m), x[0], x[1])
			return Where(l[0], l[1], l[2])
		},

		"sum":       reduce(func(x V, _ attrs, ax ...int) V { return x.SumAxes(ax...) }),
		"mean":      reduce(func(x V, _ attrs, ax ...int) V { return x.MeanAxes(ax...) }),
		"var":       reduce(func(x V, a attrs, ax ...int) V { return x.Var(a.num("correction", 1), ax...) }),
		"std":       reduce(func(x V, a attrs, ax ...int) V { return x.Std(a.num("correction", 1), ax...) }),
		"amax":      reduce(func(x V, _ attrs, ax ...int) V { return x.AMax(ax...) }),
		"amin":      reduce(func(x V, _ attrs, ax ...int) V { return x.AMin(ax...) }),
		"norm2":     reduce(func(x V, _ attrs, ax ...int) V { return x.Norm2(ax...) }),
		"logsumexp": reduce(func(x V, _ attrs, ax ...int) V { return x.LogSumExp(ax...) }),
		"prod": func(a attrs, x []V) V {
			ax := a.int("axis", 0)
			if x[0].Shape().Rank() == 0 {
				a.flag("keepdim")
				return x[0]
			}
			return dropped(a, []int{ax}, x[0].Prod(ax))
		},
		"cumsum":      along(func(a attrs, x V) V { return x.CumSum(a.int("axis", 0)) }),
		"softmax":     along(func(a attrs, x V) V { return x.Softmax(a.int("axis", 0)) }),
		"log_softmax": along(func(a attrs, x V) V { return x.LogSoftmax(a.int("axis", 0)) }),

		"matmul": refMatmul[F],
		"linear": func(_ attrs, x []V) V {
			if len(x) == 3 {
				return Linear(x[0], x[1], x[2])
			}
			if x[0].Shape().Rank() == 1 {
				return x[0].ReshapeDims(1, -1).MatMulT(x[1]).ReshapeDims(-1)
			}
			return x[0].MatMulT(x[1])
		},

		"reshape":   func(a attrs, x []V) V { return x[0].ReshapeDims(a.list("shape")...) },
		"permute":   func(a attrs, x []V) V { return x[0].Permute(a.list("axes")...) },
		"transpose": along(func(a attrs, x V) V { return x.Transpose(a.int("d0", 0), a.int("d1", 0)) }),
		"expand": func(a attrs, x []V) V {
			d, s := a.list("shape"), x[0].Shape()
			for i := range d {
				if d[i] == -1 { // keep
					d[i] = s.Dim(i - len(d))
				}
			}
			return x[0].Expand(Dims(d...))
		},
		"concat": func(a attrs, x []V) V {
			// PyTorch lets a vector of no elements pass among tensors of any rank.
			kept := slices.DeleteFunc(slices.Clone(x), func(v V) bool { return v.Shape() == Dims(0) })
			if len(kept) == 0 {
				kept = x[:1]
			}
			return Concat(a.int("axis", 0), kept...)
		},
		"stack": func(a attrs, x []V) V { return Stack(a.int("axis", 0), x...) },
		"slice": refSlice[F],
		"gather": func(a attrs, x []V) V {
			axis, shape, index := a.int("axis", 0), a.list("index_shape"), a.ints32("index")
			if x[0].Shape().Rank() == 0 {
				return x[0]
			}
			return x[0].Gather(axis, Dims(shape...), index)
		},
		"index_select": func(a attrs, x []V) V { return x[0].IndexSelect(a.int("axis", 0), a.ints32("index")) },
		"pad2d": func(a attrs, x []V) V {
			p, y := a.list("pad"), x[0]
			for i := 0; i+1 < len(p); i += 2 {
				y = y.Pad(-1-i/2, p[i], p[i+1])
			}
			return y
		},
		"flip": func(a attrs, x []V) V { return x[0].Flip(a.list("axes")...) },

		"layer_norm": func(a attrs, x []V) V { return LayerNorm(x[0], x[1], x[2], a.num("eps", 0)) },
		"rms_norm":   func(a attrs, x []V) V { return RMSNorm(x[0], x[1], a.num("eps", 0)) },
		"group_norm": func(a attrs, x []V) V {
			return GroupNorm(x[0], x[1], x[2], a.int("groups", 1), a.num("eps", 0))
		},
		"conv1d": func(a attrs, x []V) V {
			return batched(3, x[0], func(v V) V { return Conv1d(padded(a, v, x[1]), x[1], bias(x), a.conv()) })
		},
		"conv2d": func(a attrs, x []V) V {
			return batched(4, x[0], func(v V) V { return Conv2d(padded(a, v, x[1]), x[1], bias(x), a.conv()) })
		},
		"conv_transpose2d": func(a attrs, x []V) V {
			return batched(4, x[0], func(v V) V { return ConvTranspose2d(v, x[1], bias(x), a.conv()) })
		},
		"avg_pool2d": func(a attrs, x []V) V { return batched(4, x[0], func(x V) V { return x.AvgPool2d(a.pool()) }) },
		"max_pool2d": func(a attrs, x []V) V { return batched(4, x[0], func(x V) V { return x.MaxPool2d(a.pool()) }) },
		"upsample_bilinear2d": func(a attrs, x []V) V {
			return batched(4, x[0], func(x V) V { return x.UpsampleBilinear2d(a.two("size", 1), a.flag("align_corners")) })
		},
		"upsample_nearest2d": func(a attrs, x []V) V { return x[0].UpsampleNearest2d(a.two("scale", 1)) },

		"mse_loss": two(func(x, y V) V {
			if x.Shape() != y.Shape() { // ours does not stretch
				return x.Sub(y).Square().Mean()
			}
			return MSE(x, y)
		}),
		"huber_loss":      func(a attrs, x []V) V { return Huber(x[0], x[1], a.num("delta", 1)) },
		"cross_entropy":   refCrossEntropy[F],
		"bce_with_logits": func(_ attrs, x []V) V { return BCEWithLogits(x[0], x[1]) },
	}
}

// refCrossEntropy moves the classes, axis 1, last, makes rows of the rest and leaves out those whose target is
// ignore_index, -100 unless given.
func refCrossEntropy[F simd.Float](a attrs, in []Var[F]) Var[F] {
	x := in[0]
	if r := x.Shape().Rank(); r == 1 {
		x = x.ReshapeDims(1, -1)
	} else if r > 2 {
		axes := []int{0}
		for i := 2; i < r; i++ {
			axes = append(axes, i)
		}
		x = x.Permute(append(axes, 1)...).ReshapeDims(-1, x.Shape().Dim(1))
	}
	var rows, target []int32
	for i, c := range a.ints32("target") {
		if int(c) != a.int("ignore_index", -100) {
			rows, target = append(rows, int32(i)), append(target, c)
		}
	}
	if len(rows) < x.Shape().Dim(0) {
		x = x.IndexSelect(0, rows)
	}
	return CrossEntropy(x, target)
}

// pool reads the geometry of a pool.
func (a attrs) pool() Pool {
	return Pool{Window: a.two("kernel", 1), Stride: a.two("stride", 0), Pad: a.two("padding", 0), Ceil: a.flag("ceil_mode"), SkipPad: a.num("count_include_pad", 1) == 0}
}

// refMatmul is torch.matmul: vectors are given a second axis for the product, and batch axes of
// different rank are lifted.
func refMatmul[F simd.Float](_ attrs, x []Var[F]) Var[F] {
	a, b := x[0], x[1]
	av, bv := a.Shape().Rank() == 1, b.Shape().Rank() == 1
	if av {
		a = a.ReshapeDims(1, -1)
	}
	if bv {
		b = b.ReshapeDims(-1, 1)
	}
	if ar, br := a.Shape().Rank(), b.Shape().Rank(); ar > 2 && br > 2 && ar != br {
		l := lifted(a, b)
		a, b = l[0], l[1]
	}
	y := a.MatMul(b)
	var d []int
	r := y.Shape().Rank()
	for i := range r {
		if !(av && i == r-2) && !(bv && i == r-1) {
			d = append(d, y.Shape().Dim(i))
		}
	}
	return y.Reshape(Dims(d...))
}

// refSlice is x[start:stop:step] along an axis, with Python's treatment of negative and large bounds.
func refSlice[F simd.Float](a attrs, x []Var[F]) Var[F] {
	ax := a.int("axis", 0)
	n := x[0].Shape().Dim(ax)
	bound := func(name string, d int) int {
		v := a.int(name, d)
		if v < 0 {
			v += n
		}
		return min(max(v, 0), n)
	}
	lo, hi := bound("start", 0), bound("stop", n)
	return x[0].SliceStep(ax, lo, max(lo, hi), a.int("step", 1))
}
