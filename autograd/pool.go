package autograd

import (
	"fmt"

	"pushforward/simd"
)

// avgPoolOp is the mean over windows, and unpoolOp its transpose. Their whole numbers are window and
// stride, [kh kw sh sw].
type avgPoolOp[F simd.Float] struct{ bulk }
type unpoolOp[F simd.Float] struct{ bulk }

// window checks a pool's operand and returns the result's shape.
func window(op string, xs Shape, kernel, stride [2]int) Shape {
	if xs.n != 4 || kernel[0] < 1 || kernel[1] < 1 || stride[0] < 1 || stride[1] < 1 {
		badOne(op, fmt.Sprintf("want x [N C H W], a window and a stride; got window %v, stride %v", kernel, stride), xs)
	}
	h, w := int(xs.d[2]), int(xs.d[3])
	if h < kernel[0] || w < kernel[1] {
		badOne(op, fmt.Sprintf("the window %v is larger than the image", kernel), xs)
	}
	return Dims(int(xs.d[0]), int(xs.d[1]), (h-kernel[0])/stride[0]+1, (w-kernel[1])/stride[1]+1)
}

// AvgPool2d returns the means over windows of x [N C H W]. An incomplete last window is dropped.
func (x Var[F]) AvgPool2d(kernel, stride [2]int) Var[F] {
	s := window("AvgPool2d", x.node("AvgPool2d").shape, kernel, stride)
	return x.moved(avgPoolOp[F]{}, s, int32(kernel[0]), int32(kernel[1]), int32(stride[0]), int32(stride[1]))
}

// MaxPool2d returns the greatest elements in windows of x [N C H W]; of several, the first gets the
// cotangent. An incomplete last window is dropped. NaN wins, the last of several.
func (x Var[F]) MaxPool2d(kernel, stride [2]int) Var[F] {
	n := x.node("MaxPool2d")
	xs := n.shape
	s := window("MaxPool2d", xs, kernel, stride)
	t, h, w := x.t, int(xs.d[2]), int(xs.d[3])
	hold := len(t.ints)
	t.ints = append(t.ints, 1)
	for i := range int(xs.d[0]) * int(xs.d[1]) {
		for oy := range int(s.d[2]) {
			for ox := range int(s.d[3]) {
				best := (i*h+oy*stride[0])*w + ox*stride[1]
				for ky := range kernel[0] {
					for kx := range kernel[1] {
						j := (i*h+oy*stride[0]+ky)*w + ox*stride[1] + kx
						if v, m := n.data[j], n.data[best]; v > m || v != v {
							best = j
						}
					}
				}
				t.ints = append(t.ints, int32(best))
			}
		}
	}
	return x.built(hold, s)
}

// UpsampleNearest2d repeats each pixel of x [N C H W] scale[0] times down and scale[1] times across.
func (x Var[F]) UpsampleNearest2d(scale [2]int) Var[F] {
	s := x.node("UpsampleNearest2d").shape
	if s.n != 4 || scale[0] < 1 || scale[1] < 1 {
		badOne("UpsampleNearest2d", fmt.Sprintf("want x [N C H W] and scales of at least 1, got %v", scale), s)
	}
	b, h, w := int(s.d[0])*int(s.d[1]), int(s.d[2]), int(s.d[3])
	return x.Reshape(Dims(b, h, 1, w, 1)).Expand(Dims(b, h, scale[0], w, scale[1])).
		Reshape(Dims(int(s.d[0]), int(s.d[1]), h*scale[0], w*scale[1]))
}

func (avgPoolOp[F]) Name() string { return "AvgPool2d" }
func (avgPoolOp[F]) Forward(y Var[F]) {
	n, x := y.unary("AvgPool2d")
	avgPool(n.data, n.shape, x.data, x.shape, y.t.intsOf(n))
}
func (avgPoolOp[F]) VJP(y, g Var[F], _ int) Var[F] {
	v := y.Ints()
	return g.moved(unpoolOp[F]{}, y.In(0).Shape(), v[0], v[1], v[2], v[3])
}
func (avgPoolOp[F]) grad(t *Tape[F], n *node[F], _ int, dst, g []F) {
	unpool(dst, t.nodes[n.in[0]].shape, g, n.shape, t.intsOf(n))
}

func (unpoolOp[F]) Name() string { return "Unpool2d" }
func (unpoolOp[F]) Forward(y Var[F]) {
	n, x := y.unary("Unpool2d")
	unpool(n.data, n.shape, x.data, x.shape, y.t.intsOf(n))
}
func (unpoolOp[F]) VJP(y, g Var[F], _ int) Var[F] {
	v := y.Ints()
	return g.moved(avgPoolOp[F]{}, y.In(0).Shape(), v[0], v[1], v[2], v[3])
}
func (unpoolOp[F]) grad(t *Tape[F], n *node[F], _ int, dst, g []F) {
	avgPool(dst, t.nodes[n.in[0]].shape, g, n.shape, t.intsOf(n))
}

// avgPool sets dst to the means over windows of x.
func avgPool[F simd.Float](dst []F, zs Shape, x []F, xs Shape, v []int32) {
	kh, kw, sh, sw := int(v[0]), int(v[1]), int(v[2]), int(v[3])
	h, w, oh, ow := int(xs.d[2]), int(xs.d[3]), int(zs.d[2]), int(zs.d[3])
	a := 1 / F(kh*kw)
	for i := range int(xs.d[0]) * int(xs.d[1]) {
		for oy := range oh {
			for ox := range ow {
				var sum F
				for ky := range kh {
					for _, e := range x[(i*h+oy*sh+ky)*w+ox*sw:][:kw] {
						sum += e
					}
				}
				dst[(i*oh+oy)*ow+ox] = sum * a
			}
		}
	}
}

// unpool is the transpose of avgPool.
func unpool[F simd.Float](dst []F, zs Shape, x []F, xs Shape, v []int32) {
	kh, kw, sh, sw := int(v[0]), int(v[1]), int(v[2]), int(v[3])
	h, w, oh, ow := int(zs.d[2]), int(zs.d[3]), int(xs.d[2]), int(xs.d[3])
	a := 1 / F(kh*kw)
	clear(dst)
	for i := range int(xs.d[0]) * int(xs.d[1]) {
		for oy := range oh {
			for ox := range ow {
				e := F(x[(i*oh+oy)*ow+ox] * a)
				for ky := range kh {
					d := dst[(i*h+oy*sh+ky)*w+ox*sw:][:kw]
					for kx := range d {
						d[kx] += e
					}
				}
			}
		}
	}
}
