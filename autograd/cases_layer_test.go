package autograd_test

import (
	. "pushforward/autograd"
	"pushforward/simd"
)

type adder[F simd.Float] = func(name string, zero bool, mk func(g *gen) ([]Tensor[float64], fun[F]))

func layoutCases[F simd.Float](add adder[F]) {
	type V = Var[F]
	type T = Tensor[float64]
	add("Reshape", true, func(g *gen) ([]T, fun[F]) {
		x := g.normal(g.dims(0, 4)...)
		s := Dims(x.Shape.Len(), 1)
		return []T{x}, func(x ...V) V { return x[0].Reshape(s) }
	})
	add("ReshapeDims", false, func(g *gen) ([]T, fun[F]) {
		return []T{g.normal(g.dims(0, 4)...)}, func(x ...V) V { return x[0].ReshapeDims(1, -1) }
	})
	add("Slice", true, func(g *gen) ([]T, fun[F]) {
		d := g.dims(1, 4)
		a := g.n(len(d))
		lo := g.n(d[a] + 1)
		hi := lo + g.n(d[a]-lo+1)
		return []T{g.normal(d...)}, func(x ...V) V { return x[0].Slice(a, lo, hi) }
	})
	add("SliceStep", true, func(g *gen) ([]T, fun[F]) {
		d := g.dims(1, 4)
		a, step := g.n(len(d)), 1+g.n(3)
		lo := g.n(d[a] + 1)
		return []T{g.normal(d...)}, func(x ...V) V { return x[0].SliceStep(a, lo, d[a], step) }
	})
	add("Concat", true, func(g *gen) ([]T, fun[F]) {
		d := g.dims(1, 4)
		a := g.n(len(d))
		var xs []T
		for range 1 + g.n(5) {
			e := append([]int(nil), d...)
			e[a] = g.dim()
			xs = append(xs, g.normal(e...))
		}
		return xs, func(x ...V) V { return Concat(a-len(d), x...) }
	})
	add("Stack", true, func(g *gen) ([]T, fun[F]) {
		d := g.dims(0, 3)
		a := g.n(len(d) + 1)
		return []T{g.normal(d...), g.normal(d...), g.normal(d...)}, func(x ...V) V { return Stack(a, x...) }
	})
	add("Permute", true, func(g *gen) ([]T, fun[F]) {
		d := g.dims(1, 5)
		p := make([]int, len(d))
		for i := range p { // a random permutation by insertion
			j := g.n(i + 1)
			copy(p[j+1:i+1], p[j:i])
			p[j] = i
		}
		return []T{g.normal(d...)}, func(x ...V) V { return x[0].Permute(p...) }
	})
	add("Transpose", true, func(g *gen) ([]T, fun[F]) {
		d := g.dims(1, 4)
		i, j := g.n(len(d)), g.n(len(d))
		return []T{g.normal(d...)}, func(x ...V) V { return x[0].Transpose(i, j) }
	})
	add("Gather", false, func(g *gen) ([]T, fun[F]) {
		d := g.dims(1, 4)
		a := g.n(len(d))
		e := append([]int(nil), d...)
		for i := range e {
			e[i] = 1 + g.n(e[i])
		}
		e[a] = 1 + g.n(4)
		index := make([]int32, Dims(e...).Len())
		for i := range index {
			index[i] = int32(g.n(d[a]))
		}
		return []T{g.normal(d...)}, func(x ...V) V { return x[0].Gather(a, Dims(e...), index) }
	})
}

func productCases[F simd.Float](add adder[F]) {
	type V = Var[F]
	type T = Tensor[float64]
	product := func(name string, ta, tb bool, f func(x, y V) V) {
		add(name, true, func(g *gen) ([]T, fun[F]) {
			var a, b []int
			switch g.n(4) {
			case 0: // plain matrices
			case 1:
				a = g.dims(1, 3)
			case 2:
				b = g.dims(1, 3)
			default: // batches that stretch each other
				d := g.dims(1, 3)
				a, b = append([]int(nil), d...), append([]int(nil), d...)
				for i := range d {
					switch g.n(3) {
					case 0:
						a[i] = 1
					case 1:
						b[i] = 1
					}
				}
			}
			m, k, n := g.dim(), g.dim(), g.dim()
			if ta {
				a = append(a, k, m)
			} else {
				a = append(a, m, k)
			}
			if tb {
				b = append(b, n, k)
			} else {
				b = append(b, k, n)
			}
			return []T{g.normal(a...), g.normal(b...)}, func(x ...V) V { return f(x[0], x[1]) }
		})
	}
	product("MatMul", false, false, V.MatMul)
	product("MatMulT", false, true, V.MatMulT)
	product("TMatMul", true, false, V.TMatMul)
	add("Linear", true, func(g *gen) ([]T, fun[F]) {
		d := g.dims(1, 4)
		in, out := d[len(d)-1], g.dim()
		return []T{g.normal(d...), g.normal(out, in), g.normal(out)}, func(x ...V) V { return Linear(x[0], x[1], x[2]) }
	})
	add("MSE", false, func(g *gen) ([]T, fun[F]) {
		d := g.dims(0, 3)
		return []T{g.normal(d...), g.normal(d...)}, func(x ...V) V { return MSE(x[0], x[1]) }
	})
	add("Huber", false, func(g *gen) ([]T, fun[F]) {
		d := g.dims(0, 3)
		return []T{g.normal(d...), g.normal(d...)}, func(x ...V) V { return Huber(x[0], x[1], 0.9) }
	})
	add("BCEWithLogits", false, func(g *gen) ([]T, fun[F]) {
		d := g.dims(0, 3)
		return []T{g.normal(d...), g.positive(d...)}, func(x ...V) V { return BCEWithLogits(x[0], x[1]) }
	})
	add("CrossEntropy", false, func(g *gen) ([]T, fun[F]) {
		b, c := g.dim(), g.dim()
		target := make([]int32, b)
		for i := range target {
			target[i] = int32(g.n(c))
		}
		return []T{g.normal(b, c)}, func(x ...V) V { return CrossEntropy(x[0], target) }
	})
	add("VJP", false, func(g *gen) ([]T, fun[F]) {
		b, d := g.dim(), g.dim()
		return []T{g.normal(b, d), g.normal(b, d)}, func(x ...V) V {
			return VJP(nil, x[0].Square().Mul(x[0].Tanh()), x[1], x[0])[0]
		}
	})
	add("JVP", false, func(g *gen) ([]T, fun[F]) {
		b, d := g.dim(), g.dim()
		return []T{g.normal(b, d), g.normal(b, d)}, func(x ...V) V {
			return JVP(x[0].Square().Mul(x[0].Tanh()), x[0], x[1])
		}
	})
	add("JointJVP", false, func(g *gen) ([]T, fun[F]) {
		b, d := g.dim(), g.dim()
		return []T{g.normal(b, d), g.positive(d), g.normal(b, d), g.normal(d)}, func(x ...V) V {
			return JointJVP(x[0].Tanh().Mul(x[1]).Div(x[1].Square()), []V{x[0], x[1]}, []V{x[2], x[3]})
		}
	})
	add("Trace", false, func(g *gen) ([]T, fun[F]) {
		b, d := g.dim(), g.dim()
		return []T{g.normal(b, d), g.normal(d, d), g.normal(d)}, func(x ...V) V {
			return Trace(Linear(x[0], x[1], x[2]).Tanh(), x[0])
		}
	})
	add("Hutchinson", false, func(g *gen) ([]T, fun[F]) {
		b, d := g.dim(), g.dim()
		return []T{g.normal(b, d), g.normal(d, d), g.normal(d), g.normal(b, d), g.normal(b, d)}, func(x ...V) V {
			return Hutchinson(Linear(x[0], x[1], x[2]).SiLU(), x[0], x[3], x[4])
		}
	})
	add("Jacobian", false, func(g *gen) ([]T, fun[F]) {
		return []T{g.normal(1, g.dim()), g.normal(2, 1)}, func(x ...V) V { return Jacobian(x[0].Sin().Mul(x[1]), x[0]) }
	})
	add("Checkpoint", false, func(g *gen) ([]T, fun[F]) {
		b, d := g.dim(), g.dim()
		return []T{g.normal(b, d), g.normal(d, d), g.normal(d)}, func(x ...V) V {
			y := Checkpoint(func(in ...V) V { return Linear(in[0], in[1], x[2]).Tanh() }, x[0], x[1])
			return y.Mul(x[0])
		}
	})
}

func layerCases[F simd.Float](add adder[F]) {
	type V = Var[F]
	type T = Tensor[float64]
	wide := func(g *gen) int { return 2 + g.n(3) } // a row of one has no spread
	add("LayerNorm", true, func(g *gen) ([]T, fun[F]) {
		tail := []int{wide(g)}
		if g.n(2) == 0 {
			tail = append(tail, g.n(3)+1)
		}
		d := append(g.dims(0, 2), tail...)
		return []T{g.normal(d...), g.positive(tail...), g.normal(tail...)}, func(x ...V) V { return LayerNorm(x[0], x[1], x[2], 1e-2) }
	})
	add("Standardize", true, func(g *gen) ([]T, fun[F]) {
		d := append(g.dims(0, 2), wide(g))
		return []T{g.normal(d...)}, func(x ...V) V { return Standardize(x[0], 1e-2) }
	})
	add("RMSNorm", true, func(g *gen) ([]T, fun[F]) {
		w := g.dim()
		d := append(g.dims(0, 2), w)
		return []T{g.normal(d...), g.positive(w)}, func(x ...V) V { return RMSNorm(x[0], x[1], 1e-2) }
	})
	add("GroupNorm", false, func(g *gen) ([]T, fun[F]) {
		groups := 1 + g.n(2)
		c := groups * wide(g)
		d := append([]int{g.dim(), c}, g.dims(0, 2)...)
		return []T{g.normal(d...), g.positive(c), g.normal(c)}, func(x ...V) V { return GroupNorm(x[0], x[1], x[2], groups, 1e-2) }
	})
	draw := func(g *gen) Conv {
		return Conv{Stride: [2]int{1 + g.n(3), 1 + g.n(2)}, Pad: [2]int{g.n(3), g.n(2)}, Dilation: [2]int{1 + g.n(2), 1 + g.n(2)}, Groups: 1 + g.n(2)}
	}
	add("Conv2d", false, func(g *gen) ([]T, fun[F]) {
		c := draw(g)
		if g.n(4) == 0 {
			c = Conv{Groups: 1}
		}
		cg, og, kh, kw := 1+g.n(2), 1+g.n(2), 1+g.n(3), 1+g.n(3)
		x := g.normal(1+g.n(2), cg*c.Groups, 5+g.n(2), 5+g.n(2))
		w := g.normal(og*c.Groups, cg, kh, kw)
		if g.n(3) == 0 {
			return []T{x, w}, func(x ...V) V { return Conv2d(x[0], x[1], V{}, c) }
		}
		return []T{x, w, g.normal(og * c.Groups)}, func(x ...V) V { return Conv2d(x[0], x[1], x[2], c) }
	})
	add("Conv1d", false, func(g *gen) ([]T, fun[F]) {
		c := draw(g)
		cg, og := 1+g.n(2), 1+g.n(2)
		return []T{g.normal(1+g.n(2), cg*c.Groups, 5+g.n(4)), g.normal(og*c.Groups, cg, 1+g.n(3)), g.normal(og * c.Groups)},
			func(x ...V) V { return Conv1d(x[0], x[1], x[2], c) }
	})
	add("ConvTranspose2d", false, func(g *gen) ([]T, fun[F]) {
		c := draw(g)
		c.Pad = [2]int{g.n(2), g.n(2)}
		c.OutPad = [2]int{g.n(max(c.Stride[0], c.Dilation[0])), g.n(max(c.Stride[1], c.Dilation[1]))}
		ig, og := 1+g.n(2), 1+g.n(2)
		return []T{g.normal(1+g.n(2), ig*c.Groups, 3, 2+g.n(2)), g.normal(ig*c.Groups, og, 2+g.n(2), 3), g.normal(og * c.Groups)},
			func(x ...V) V { return ConvTranspose2d(x[0], x[1], x[2], c) }
	})
	image := func(g *gen) T { return g.spread(1+g.n(2), 1+g.n(2), 3+g.n(3), 3+g.n(3)) }
	add("AvgPool2d", false, func(g *gen) ([]T, fun[F]) {
		p := drawPool(g)
		return []T{image(g)}, func(x ...V) V { return x[0].AvgPool2d(p) }
	})
	add("MaxPool2d", false, func(g *gen) ([]T, fun[F]) {
		p := drawPool(g)
		return []T{image(g)}, func(x ...V) V { return x[0].MaxPool2d(p) }
	})
	add("UpsampleBilinear2d", false, func(g *gen) ([]T, fun[F]) {
		size, corners := [2]int{1 + g.n(7), 1 + g.n(7)}, g.n(2) == 0
		return []T{image(g)}, func(x ...V) V { return x[0].UpsampleBilinear2d(size, corners) }
	})
	add("UpsampleNearest2d", false, func(g *gen) ([]T, fun[F]) {
		s := [2]int{1 + g.n(3), 1 + g.n(2)}
		return []T{image(g)}, func(x ...V) V { return x[0].UpsampleNearest2d(s) }
	})
}

// drawPool draws windows of 1 to 3 with all that a Pool may have.
func drawPool(g *gen) Pool {
	p := Pool{Window: [2]int{1 + g.n(3), 1 + g.n(3)}, Stride: [2]int{1 + g.n(3), 1 + g.n(2)}, Ceil: g.n(2) == 0, SkipPad: g.n(2) == 0}
	p.Pad = [2]int{g.n(1 + p.Window[0]/2), g.n(1 + p.Window[1]/2)}
	return p
}
