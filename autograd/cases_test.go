package autograd_test

import (
	"math"

	. "pushforward/autograd"
	"pushforward/simd"
	"pushforward/simd/rng"
)

// gen draws shapes and tensors for the cases below.
type gen struct {
	key  rng.Key
	i    uint64
	zero bool // extents may be 0
}

func (g *gen) n(k int) int {
	g.i++
	return int(g.key.Uint64(g.i) % uint64(k))
}

// dim draws an extent, often 1, sometimes 0.
func (g *gen) dim() int {
	switch v := g.n(12); {
	case v == 0 && g.zero:
		return 0
	case v < 4:
		return 1
	}
	return 2 + g.n(3)
}

// dims draws lo to hi extents.
func (g *gen) dims(lo, hi int) []int {
	d := make([]int, lo+g.n(hi-lo+1))
	for i := range d {
		d[i] = g.dim()
	}
	return d
}

// normal returns normal numbers, none nearer to 0 than 0.02.
func (g *gen) normal(d ...int) Tensor[float64] {
	x := NewTensor[float64](d...)
	g.i++
	rng.Normal(g.key.Fold(g.i), x.Data)
	for i, v := range x.Data {
		x.Data[i] = v + math.Copysign(0.02, v)
	}
	return x
}

// positive returns numbers from 0.2 on.
func (g *gen) positive(d ...int) Tensor[float64] {
	x := g.normal(d...)
	for i, v := range x.Data {
		x.Data[i] = 0.2 + math.Abs(v)
	}
	return x
}

// spread returns numbers in random order with gaps of at least 0.1, for what has kinks at ties.
func (g *gen) spread(d ...int) Tensor[float64] {
	x := NewTensor[float64](d...)
	p := make([]int, len(x.Data))
	g.i++
	rng.Perm(g.key.Fold(g.i), p)
	for i, v := range p {
		x.Data[i] = 0.17*(float64(v)-float64(len(p))/2) + 0.03
	}
	return x
}

// stretched returns extents that stretch to d: some set to 1, or leading ones left out.
func (g *gen) stretched(d []int) []int {
	if g.n(5) == 0 {
		return nil
	}
	s := append([]int(nil), d...)
	if g.n(3) == 0 && len(s) > 0 {
		return s[g.n(len(s)):]
	}
	for i := range s {
		if g.n(3) == 0 {
			s[i] = 1
		}
	}
	return s
}

// both returns extents of two operands that stretch to one shape by our rule.
func (g *gen) both() (a, b []int) {
	d := g.dims(0, 4)
	if g.n(3) == 0 { // each stretches the other
		a, b = append([]int(nil), d...), append([]int(nil), d...)
		for i := range d {
			switch g.n(3) {
			case 0:
				a[i] = 1
			case 1:
				b[i] = 1
			}
		}
		return a, b
	}
	if g.n(2) == 0 {
		return d, g.stretched(d)
	}
	return g.stretched(d), d
}

// axes draws a set of axes, perhaps empty, perhaps counted from the end.
func (g *gen) axes(rank int) []int {
	var a []int
	for i := range rank {
		if g.n(2) == 0 {
			if g.n(2) == 0 {
				a = append(a, i)
			} else {
				a = append(a, i-rank)
			}
		}
	}
	return a
}

type fun[F simd.Float] = func(x ...Var[F]) Var[F]

// opCase is an operation with a generator of operands. make may close over what it draws.
type opCase[F simd.Float] struct {
	name string
	zero bool // sizes of 0 are tried
	make func(g *gen) ([]Tensor[float64], fun[F])
}

// opCases has one case at least for each exported operation, under its name.
func opCases[F simd.Float]() []opCase[F] {
	type V = Var[F]
	type T = Tensor[float64]
	var cases []opCase[F]
	add := func(name string, zero bool, mk func(g *gen) ([]T, fun[F])) {
		cases = append(cases, opCase[F]{name, zero, mk})
	}
	one := func(name string, draw func(g *gen, d ...int) T, f func(V) V) {
		add(name, true, func(g *gen) ([]T, fun[F]) {
			return []T{draw(g, g.dims(0, 4)...)}, func(x ...V) V { return f(x[0]) }
		})
	}
	normal, positive, apart := (*gen).normal, (*gen).positive, (*gen).spread
	one("Scale", normal, func(x V) V { return x.Scale(-1.75) })
	one("Shift", normal, func(x V) V { return x.Shift(0.3) })
	one("Neg", normal, V.Neg)
	one("Exp", normal, V.Exp)
	one("Expm1", normal, V.Expm1)
	one("Log", positive, V.Log)
	one("Log1p", positive, V.Log1p)
	one("Sqrt", positive, V.Sqrt)
	one("Rsqrt", positive, V.Rsqrt)
	one("Square", normal, V.Square)
	one("Reciprocal", positive, V.Reciprocal)
	one("Abs", normal, V.Abs)
	one("Sign", normal, V.Sign)
	one("Sin", normal, V.Sin)
	one("Cos", normal, V.Cos)
	one("Atan", normal, V.Atan)
	one("Erf", normal, V.Erf)
	one("PowScalar", positive, func(x V) V { return x.PowScalar(2.5) })
	one("PowScalar", positive, func(x V) V { return x.PowScalar(0) })
	one("Clamp", normal, func(x V) V { return x.Clamp(-0.51, 0.73) })
	one("Clamp", normal, func(x V) V { return x.Clamp(math.Inf(-1), 0.1) })
	one("Tanh", normal, V.Tanh)
	one("Sigmoid", normal, V.Sigmoid)
	one("LogSigmoid", normal, V.LogSigmoid)
	one("SiLU", normal, V.SiLU)
	one("GELU", normal, V.GELU)
	one("GELUTanh", normal, V.GELUTanh)
	one("SELU", normal, V.SELU)
	one("ELU", normal, V.ELU)
	one("ELUAlpha", normal, func(x V) V { return x.ELUAlpha(0.7) })
	one("Softplus", normal, V.Softplus)
	one("ReLU", normal, V.ReLU)
	one("LeakyReLU", normal, func(x V) V { return x.LeakyReLU(0.1) })
	one("Mish", normal, V.Mish)
	one("Sum", normal, V.Sum)

	two := func(name string, a, b func(g *gen, d ...int) T, f func(x, y V) V) {
		add(name, true, func(g *gen) ([]T, fun[F]) {
			p, q := g.both()
			return []T{a(g, p...), b(g, q...)}, func(x ...V) V { return f(x[0], x[1]) }
		})
	}
	two("Add", normal, normal, V.Add)
	two("Sub", normal, normal, V.Sub)
	two("Mul", normal, normal, V.Mul)
	two("Div", normal, positive, V.Div)
	two("Pow", positive, normal, V.Pow)
	two("Maximum", normal, normal, V.Maximum)
	two("Minimum", normal, normal, V.Minimum)
	two("Greater", normal, normal, V.Greater)
	two("Less", normal, normal, V.Less)
	two("Equal", normal, normal, V.Equal)
	two("Atan2", normal, positive, V.Atan2)
	add("Where", true, func(g *gen) ([]T, fun[F]) {
		d := g.dims(0, 4)
		m := g.normal(g.stretched(d)...)
		for i, v := range m.Data {
			m.Data[i] = math.Max(0, math.Copysign(1, v))
		}
		return []T{g.normal(d...), g.normal(g.stretched(d)...)}, func(x ...V) V {
			return Where(x[0].Tape().Const(convert[F](m)), x[0], x[1])
		}
	})

	reduce := func(name string, zero bool, draw func(g *gen, d ...int) T, f func(x V, axes ...int) V) {
		add(name, zero, func(g *gen) ([]T, fun[F]) {
			d := g.dims(0, 4)
			ax := g.axes(len(d))
			return []T{draw(g, d...)}, func(x ...V) V { return f(x[0], ax...) }
		})
	}
	reduce("SumAxes", true, normal, V.SumAxes)
	reduce("MeanAxes", false, normal, V.MeanAxes)
	reduce("Var", false, normal, func(x V, ax ...int) V { return x.Var(0, ax...) })
	add("Std", false, func(g *gen) ([]T, fun[F]) { // of one element it is 0, and no derivative exists
		d := append(g.dims(0, 2), 2+g.n(3))
		return []T{g.normal(d...)}, func(x ...V) V { return x[0].Std(1, -1) }
	})
	reduce("AMax", false, apart, V.AMax)
	reduce("AMin", false, apart, V.AMin)
	reduce("Norm2", false, normal, V.Norm2)
	reduce("LogSumExp", false, normal, V.LogSumExp)
	axis := func(name string, zero bool, f func(x V, axis int) V) {
		add(name, zero, func(g *gen) ([]T, fun[F]) {
			d := g.dims(1, 4)
			a := g.n(2*len(d)) - len(d)
			return []T{g.normal(d...)}, func(x ...V) V { return f(x[0], a) }
		})
	}
	axis("SumAxis", true, V.SumAxis)
	axis("MeanAxis", false, V.MeanAxis)
	axis("CumSum", true, V.CumSum)
	axis("Prod", true, V.Prod)
	axis("Softmax", true, V.Softmax)
	axis("LogSoftmax", true, V.LogSoftmax)
	axis("Flip", true, func(x V, a int) V { return x.Flip(a) })
	axis("Pad", true, func(x V, a int) V { return x.Pad(a, 2, 1) })
	axis("Pad", false, func(x V, a int) V { return x.Pad(a, -1, 3) })
	axis("IndexSelect", false, func(x V, a int) V {
		return x.IndexSelect(a, []int32{0, int32(x.Shape().Dim(a) - 1), 0})
	})
	one("Mean", func(g *gen, d ...int) T { g.zero = false; return g.normal(g.dims(0, 4)...) }, V.Mean)
	add("SumTo", true, func(g *gen) ([]T, fun[F]) {
		d := g.dims(0, 5)
		s := Dims(g.stretched(d)...)
		return []T{g.normal(d...)}, func(x ...V) V { return x[0].SumTo(s) }
	})
	add("Expand", true, func(g *gen) ([]T, fun[F]) {
		d := g.dims(0, 5)
		return []T{g.normal(g.stretched(d)...)}, func(x ...V) V { return x[0].Expand(Dims(d...)) }
	})
	layoutCases(add)
	productCases(add)
	layerCases(add)
	return cases
}

func convert[F simd.Float](x Tensor[float64]) Tensor[F] {
	y := Tensor[F]{Shape: x.Shape, Data: make([]F, len(x.Data))}
	for i, v := range x.Data {
		y.Data[i] = F(v)
	}
	return y
}
