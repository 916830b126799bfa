package bijector

import (
	"pushforward/autograd"
	"pushforward/simd"
)

// A spline's tensors are [B, D, Bins], with rows of a handful of numbers. The general reductions
// prepare for long rows, which here costs more than the work; these are plain loops over short ones.
// Each is the transpose of another, or is made of them, so they can be differentiated any number of
// times.
type (
	pickOp[F simd.Float]    struct{} // [… K] at the places [… 1], shifted: [… 1]
	placeOp[F simd.Float]   struct{} // its transpose
	shortSum[F simd.Float]  struct{} // over the last axis, which it keeps with extent 1
	shortSoft[F simd.Float] struct{} // softmax over the last axis
)

// pick returns element k+shift of each of v's last rows, given k [… 1], whole numbers in F.
func pick[F simd.Float](v, k autograd.Var[F], shift int32) autograd.Var[F] {
	return autograd.ApplyInts(autograd.Op[F](pickOp[F]{}), k.Shape(), []int32{shift}, v, k)
}

func (pickOp[F]) Name() string { return "Pick" }
func (pickOp[F]) Forward(y autograd.Var[F]) {
	v, k, shift := y.In(0).Value(), y.In(1).Value().Data, int(y.Ints()[0])
	dst, n := y.Value().Data, v.Shape.Dim(-1)
	for i := range dst {
		dst[i] = v.Data[i*n+int(k[i])+shift]
	}
}
func (pickOp[F]) VJP(y, g autograd.Var[F], i int) autograd.Var[F] {
	if i == 1 {
		return autograd.Var[F]{}
	}
	return autograd.ApplyInts(autograd.Op[F](placeOp[F]{}), y.In(0).Shape(), y.Ints(), g, y.In(1))
}

func (placeOp[F]) Name() string { return "Place" }
func (placeOp[F]) Forward(y autograd.Var[F]) {
	g, k, shift := y.In(0).Value().Data, y.In(1).Value().Data, int(y.Ints()[0])
	dst, n := y.Value().Data, y.Shape().Dim(-1)
	clear(dst)
	for i, v := range g {
		dst[i*n+int(k[i])+shift] = v
	}
}
func (placeOp[F]) VJP(y, g autograd.Var[F], i int) autograd.Var[F] {
	if i == 1 {
		return autograd.Var[F]{}
	}
	return pick(g, y.In(1), y.Ints()[0])
}

func sumShort[F simd.Float](x autograd.Var[F]) autograd.Var[F] {
	return autograd.Apply(autograd.Op[F](shortSum[F]{}), x.Shape().With(-1, 1), x)
}

func (shortSum[F]) Name() string { return "ShortSum" }
func (shortSum[F]) Forward(y autograd.Var[F]) {
	x := y.In(0).Value()
	dst, n := y.Value().Data, x.Shape.Dim(-1)
	for i := range dst {
		var sum F
		for _, v := range x.Data[i*n : (i+1)*n] {
			sum += v
		}
		dst[i] = sum
	}
}
func (shortSum[F]) VJP(y, g autograd.Var[F], _ int) autograd.Var[F] { return g.Expand(y.In(0).Shape()) }

func softmaxShort[F simd.Float](x autograd.Var[F]) autograd.Var[F] {
	return autograd.Apply(autograd.Op[F](shortSoft[F]{}), x.Shape(), x)
}

func (shortSoft[F]) Name() string { return "ShortSoftmax" }
func (shortSoft[F]) Forward(y autograd.Var[F]) {
	x := y.In(0).Value()
	dst, n := y.Value().Data, x.Shape.Dim(-1)
	for i := 0; i < len(dst); i += n {
		top := x.Data[i]
		for _, v := range x.Data[i : i+n] {
			top = max(top, v)
		}
		for j, v := range x.Data[i : i+n] {
			dst[i+j] = v - top
		}
	}
	simd.Best[F]().Exp(dst, dst)
	for i := 0; i < len(dst); i += n {
		var sum F
		for _, v := range dst[i : i+n] {
			sum += v
		}
		for j := range dst[i : i+n] {
			dst[i+j] /= sum
		}
	}
}

// yⱼ·(gⱼ - Σ gᵢ·yᵢ)
func (shortSoft[F]) VJP(y, g autograd.Var[F], _ int) autograd.Var[F] {
	return y.Mul(g.Sub(sumShort(g.Mul(y))))
}
