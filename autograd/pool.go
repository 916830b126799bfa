package autograd

import (
	"fmt"

	"pushforward/simd"
)

// Pool is the geometry of windows that move over the axes [height width]. Zero fields mean a stride of one window
// and no padding.
type Pool struct {
	Window, Stride [2]int
	// Pad widens the image on all sides, by half a window at most: with zeros for a mean, with -Inf for a maximum.
	Pad [2]int
	// Ceil keeps a last window that hangs over the end, if it begins before it, and cuts it off at the end. Else an
	// incomplete last window is dropped.
	Ceil bool
	// SkipPad divides a mean by the number of the image's own elements in the window, PyTorch's
	// count_include_pad=False. Else those of the padding count.
	SkipPad bool
}

// avgPoolOp is the mean over windows, and unpoolOp its transpose. Their whole numbers are those of Pool.ints.
type avgPoolOp[F simd.Float] struct{ bulk }
type unpoolOp[F simd.Float] struct{ bulk }

func (p Pool) ints() [7]int32 {
	v := [7]int32{int32(p.Window[0]), int32(p.Window[1]), int32(p.Stride[0]), int32(p.Stride[1]), int32(p.Pad[0]), int32(p.Pad[1])}
	if p.SkipPad {
		v[6] = 1
	}
	return v
}

func poolOf(v []int32) Pool {
	return Pool{Window: [2]int{int(v[0]), int(v[1])}, Stride: [2]int{int(v[2]), int(v[3])}, Pad: [2]int{int(v[4]), int(v[5])}, SkipPad: v[6] != 0}
}

// on checks a pool against its operand's shape, fills in its stride and returns the result's shape.
func (p *Pool) on(op string, xs Shape) Shape {
	if p.Stride == [2]int{} {
		p.Stride = p.Window
	}
	if xs.n != 4 || min(p.Window[0], p.Window[1], p.Stride[0], p.Stride[1]) < 1 {
		badOne(op, fmt.Sprintf("want x [N C H W], a window and a stride; got window %v, stride %v", p.Window, p.Stride), xs)
	}
	s := xs
	for i, k := range p.Window {
		n, pad, step := int(xs.d[2+i]), p.Pad[i], p.Stride[i]
		if pad < 0 || 2*pad > k {
			badOne(op, fmt.Sprintf("the padding %v is not between 0 and half of the window %v", p.Pad, p.Window), xs)
		}
		free := n + 2*pad - k
		if p.Ceil {
			free += step - 1
		}
		if free < 0 || n == 0 {
			badOne(op, fmt.Sprintf("the window %v is larger than the image", p.Window), xs)
		}
		windows := free/step + 1
		if p.Ceil && (windows-1)*step >= n+pad {
			windows--
		}
		s.d[2+i] = int32(windows)
	}
	return s
}

// span returns the elements lo to hi of n that window i of an axis covers, and how many a mean divides by.
func (p Pool) span(axis, i, n int) (lo, hi, count int) {
	lo = i*p.Stride[axis] - p.Pad[axis]
	hi = min(lo+p.Window[axis], n+p.Pad[axis])
	count = hi - lo
	lo, hi = max(lo, 0), min(hi, n)
	if p.SkipPad {
		count = hi - lo
	}
	return lo, hi, count
}

// AvgPool2d returns the means over windows of x [N C H W]. It panics if a window does not fit into the padded image.
func (x Var[F]) AvgPool2d(p Pool) Var[F] {
	s := p.on("AvgPool2d", x.node("AvgPool2d").shape)
	v := p.ints()
	return x.moved(avgPoolOp[F]{}, s, v[:]...)
}

// MaxPool2d returns the greatest elements in windows of x [N C H W]; of several, the first gets the
// cotangent. NaN wins, the last of several. It panics if a window does not fit into the padded image.
func (x Var[F]) MaxPool2d(p Pool) Var[F] {
	n := x.node("MaxPool2d")
	xs := n.shape
	s := p.on("MaxPool2d", xs)
	t, h, w := x.t, int(xs.d[2]), int(xs.d[3])
	hold := len(t.ints)
	t.ints = append(t.ints, 1)
	for i := range int(xs.d[0]) * int(xs.d[1]) {
		for oy := range int(s.d[2]) {
			y0, y1, _ := p.span(0, oy, h)
			for ox := range int(s.d[3]) {
				x0, x1, _ := p.span(1, ox, w)
				best := (i*h+y0)*w + x0
				for ky := y0; ky < y1; ky++ {
					for kx := x0; kx < x1; kx++ {
						j := (i*h+ky)*w + kx
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

// UpsampleBilinear2d brings x [N C H W] to the given height and width by interpolation along both axes. Element i of
// n is taken at (i + ½)·N/n - ½ of the N there were, not below 0; with alignCorners at i·(N - 1)/(n - 1), so that the
// corners stay. It is PyTorch's interpolate in mode "bilinear", as a product with a matrix on each side.
func (x Var[F]) UpsampleBilinear2d(size [2]int, alignCorners bool) Var[F] {
	s := x.node("UpsampleBilinear2d").shape
	if s.n != 4 || size[0] < 1 || size[1] < 1 || s.d[2] < 1 || s.d[3] < 1 {
		badOne("UpsampleBilinear2d", fmt.Sprintf("want x [N C H W] and a size of at least 1, got %v", size), s)
	}
	rows, cols := x.t.interpolation(size[0], int(s.d[2]), alignCorners), x.t.interpolation(size[1], int(s.d[3]), alignCorners)
	return rows.MatMul(x).MatMulT(cols)
}

// interpolation returns the matrix [out in] of linear interpolation along an axis.
func (t *Tape[F]) interpolation(out, in int, alignCorners bool) Var[F] {
	a := t.Zeros(Dims(out, in))
	d := t.nodes[a.id].data
	for i := range out {
		at := 0.0
		switch {
		case !alignCorners:
			at = max(0, float64((float64(i)+0.5)*float64(in)/float64(out))-0.5)
		case out > 1:
			at = float64(i) * float64(in-1) / float64(out-1)
		}
		lo := min(int(at), in-1)
		share := at - float64(lo)
		d[i*in+lo] = F(1 - share)
		if lo+1 < in {
			d[i*in+lo+1] = F(share)
		} else {
			d[i*in+lo] = 1
		}
	}
	return a
}

func (avgPoolOp[F]) Name() string { return "AvgPool2d" }
func (avgPoolOp[F]) Forward(y Var[F]) {
	n, x := y.unary("AvgPool2d")
	avgPool(n.data, n.shape, x.data, x.shape, poolOf(y.t.intsOf(n)))
}
func (avgPoolOp[F]) VJP(y, g Var[F], _ int) Var[F] {
	return g.moved(unpoolOp[F]{}, y.In(0).Shape(), y.Ints()...)
}
func (avgPoolOp[F]) grad(t *Tape[F], n *node[F], _ int, dst, g []F) {
	unpool(dst, t.nodes[n.in[0]].shape, g, n.shape, poolOf(t.intsOf(n)))
}

func (unpoolOp[F]) Name() string { return "Unpool2d" }
func (unpoolOp[F]) Forward(y Var[F]) {
	n, x := y.unary("Unpool2d")
	unpool(n.data, n.shape, x.data, x.shape, poolOf(y.t.intsOf(n)))
}
func (unpoolOp[F]) VJP(y, g Var[F], _ int) Var[F] {
	return g.moved(avgPoolOp[F]{}, y.In(0).Shape(), y.Ints()...)
}
func (unpoolOp[F]) grad(t *Tape[F], n *node[F], _ int, dst, g []F) {
	avgPool(dst, t.nodes[n.in[0]].shape, g, n.shape, poolOf(t.intsOf(n)))
}

// avgPool sets dst to the means over windows of x.
func avgPool[F simd.Float](dst []F, zs Shape, x []F, xs Shape, p Pool) {
	h, w, oh, ow := int(xs.d[2]), int(xs.d[3]), int(zs.d[2]), int(zs.d[3])
	for i := range int(xs.d[0]) * int(xs.d[1]) {
		for oy := range oh {
			y0, y1, high := p.span(0, oy, h)
			for ox := range ow {
				x0, x1, wide := p.span(1, ox, w)
				var sum F
				for ky := y0; ky < y1; ky++ {
					for _, e := range x[(i*h+ky)*w+x0 : (i*h+ky)*w+x1] {
						sum += e
					}
				}
				dst[(i*oh+oy)*ow+ox] = sum * (1 / F(high*wide))
			}
		}
	}
}

// unpool is the transpose of avgPool.
func unpool[F simd.Float](dst []F, zs Shape, x []F, xs Shape, p Pool) {
	h, w, oh, ow := int(zs.d[2]), int(zs.d[3]), int(xs.d[2]), int(xs.d[3])
	clear(dst)
	for i := range int(xs.d[0]) * int(xs.d[1]) {
		for oy := range oh {
			y0, y1, high := p.span(0, oy, h)
			for ox := range ow {
				x0, x1, wide := p.span(1, ox, w)
				e := F(x[(i*oh+oy)*ow+ox] * (1 / F(high*wide)))
				for ky := y0; ky < y1; ky++ {
					d := dst[(i*h+ky)*w+x0 : (i*h+ky)*w+x1]
					for kx := range d {
						d[kx] += e
					}
				}
			}
		}
	}
}
