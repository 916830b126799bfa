package autograd_test

import (
	"encoding/json"
	"fmt"
	"math"

	. "pushforward/autograd"
	"pushforward/simd"
)

// attrs are the settings of one step of a reference case.
type attrs map[string]any

func (a attrs) num(name string, d float64) float64 {
	switch v := a[name].(type) {
	case json.Number:
		f, err := v.Float64()
		if err != nil {
			panic(err)
		}
		return f
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
	panic(fmt.Sprintf("attribute %s is %v", name, a[name]))
}

func (a attrs) int(name string, d int) int { return int(a.num(name, float64(d))) }

func (a attrs) flag(name string) bool { b, _ := a[name].(bool); return b }

// list returns a list of whole numbers; a single number is a list of one, an absent one nil.
func (a attrs) list(name string) []int {
	switch v := a[name].(type) {
	case nil:
		return nil
	case []any:
		l := []int{}
		for i := range v {
			l = append(l, attrs{"": v[i]}.int("", 0))
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

func (a attrs) conv() Conv {
	return Conv{Stride: a.two("stride", 1), Pad: a.two("padding", 0), Dilation: a.two("dilation", 1), Groups: a.int("groups", 1), OutPad: a.two("output_padding", 0)}
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
	if a.flag("keepdim") {
		return y
	}
	s := y.Shape()
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
	reduce := func(f func(x V, a attrs, axes ...int) V) refOp[F] {
		return func(a attrs, x []V) V { ax := a.list("axes"); return dropped(a, ax, f(x[0], a, ax...)) }
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
			m := NewTensor[F](a.list("mask_shape")...)
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
			return dropped(a, []int{ax}, x[0].Prod(ax))
		},
		"cumsum":      func(a attrs, x []V) V { return x[0].CumSum(a.int("axis", 0)) },
		"softmax":     func(a attrs, x []V) V { return x[0].Softmax(a.int("axis", 0)) },
		"log_softmax": func(a attrs, x []V) V { return x[0].LogSoftmax(a.int("axis", 0)) },

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
		"transpose": func(a attrs, x []V) V { return x[0].Transpose(a.int("d0", 0), a.int("d1", 0)) },
		"expand": func(a attrs, x []V) V {
			d, s := a.list("shape"), x[0].Shape()
			for i := range d {
				if d[i] == -1 { // keep
					d[i] = s.Dim(i - len(d))
				}
			}
			return x[0].Expand(Dims(d...))
		},
		"concat": func(a attrs, x []V) V { return Concat(a.int("axis", 0), x...) },
		"stack":  func(a attrs, x []V) V { return Stack(a.int("axis", 0), x...) },
		"slice":  refSlice[F],
		"gather": func(a attrs, x []V) V {
			return x[0].Gather(a.int("axis", 0), Dims(a.list("index_shape")...), a.ints32("index"))
		},
		"index_select": func(a attrs, x []V) V { return x[0].IndexSelect(a.int("axis", 0), a.ints32("index")) },
		"pad2d": func(a attrs, x []V) V {
			p := a.list("pad")
			return x[0].Pad(-1, p[0], p[1]).Pad(-2, p[2], p[3])
		},
		"flip": func(a attrs, x []V) V { return x[0].Flip(a.list("axes")...) },

		"layer_norm": func(a attrs, x []V) V { return LayerNorm(x[0], x[1], x[2], a.num("eps", 0)) },
		"rms_norm":   func(a attrs, x []V) V { return RMSNorm(x[0], x[1], a.num("eps", 0)) },
		"group_norm": func(a attrs, x []V) V {
			return GroupNorm(x[0], x[1], x[2], a.int("groups", 1), a.num("eps", 0))
		},
		"conv1d":           func(a attrs, x []V) V { return Conv1d(x[0], x[1], bias(x), a.conv()) },
		"conv2d":           func(a attrs, x []V) V { return Conv2d(x[0], x[1], bias(x), a.conv()) },
		"conv_transpose2d": func(a attrs, x []V) V { return ConvTranspose2d(x[0], x[1], bias(x), a.conv()) },
		"avg_pool2d": func(a attrs, x []V) V {
			k := a.two("kernel", 1)
			return x[0].AvgPool2d(k, strideOr(a, k))
		},
		"max_pool2d": func(a attrs, x []V) V {
			k := a.two("kernel", 1)
			return x[0].MaxPool2d(k, strideOr(a, k))
		},
		"upsample_nearest2d": func(a attrs, x []V) V { return x[0].UpsampleNearest2d(a.two("scale", 1)) },

		"mse_loss":        func(_ attrs, x []V) V { return MSE(x[0], x[1]) },
		"huber_loss":      func(a attrs, x []V) V { return Huber(x[0], x[1], a.num("delta", 1)) },
		"cross_entropy":   func(a attrs, x []V) V { return CrossEntropy(x[0], a.ints32("target")) },
		"bce_with_logits": func(_ attrs, x []V) V { return BCEWithLogits(x[0], x[1]) },
	}
}

func strideOr(a attrs, k [2]int) [2]int {
	if a["stride"] == nil {
		return k
	}
	return a.two("stride", 1)
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
