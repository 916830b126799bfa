package autograd

import (
	"fmt"

	"pushforward/simd"
)

// Conv is the geometry of a convolution, for the axes [height width]; Conv1d reads the first of each.
// Zero fields mean stride 1, no padding, dilation 1, one group.
type Conv struct {
	Stride, Pad, Dilation [2]int
	Groups                int
	OutPad                [2]int // ConvTranspose2d: extra rows and columns at the far end
}

// convOp is one of three products, each linear in both of its operands, whose derivatives are the
// other two. With x the image, w the weights and u a value of the shape of the result,
//
//	conv:   u[o, p]    = Σ w[o, c, k]·x[c, p·stride + k·dilation - pad]   over c, k
//	spread: x[c, i]    = Σ w[o, c, k]·u[o, p]  over o and p, k with p·stride + k·dilation - pad = i
//	couple: w[o, c, k] = Σ u[o, p]·x[c, p·stride + k·dilation - pad]  over p and the batch
//
// spread is the transposed convolution. Each is a matrix product per image and group with the image's
// patches as columns (im2col), which are laid out for one image at a time: they fit the second-level
// cache where those of a batch would not. conv takes a bias as third operand, the first value of
// each chain.
type convOp[F simd.Float] struct{ bulk }

const (
	conv = iota
	spread
	couple
)

// shape of a convolution, as kept in a node's whole numbers, mode first.
type convGeom struct {
	n, groups         int
	c, h, w           int // image
	o, oh, ow         int // result
	kh, kw            int
	sh, sw, ph, pw    int
	dh, dw            int
	cg, og, rows, pix int // channels in a group, columns' extents
}

func (q convGeom) ints(mode int32) [16]int32 {
	return [16]int32{mode, int32(q.n), int32(q.groups), int32(q.c), int32(q.h), int32(q.w), int32(q.o), int32(q.oh), int32(q.ow),
		int32(q.kh), int32(q.kw), int32(q.sh)<<16 | int32(q.sw), int32(q.ph), int32(q.pw), int32(q.dh), int32(q.dw)}
}

func geomOf(v []int32) (mode int, q convGeom) {
	q = convGeom{n: int(v[1]), groups: int(v[2]), c: int(v[3]), h: int(v[4]), w: int(v[5]), o: int(v[6]), oh: int(v[7]), ow: int(v[8]),
		kh: int(v[9]), kw: int(v[10]), sh: int(v[11] >> 16), sw: int(v[11] & 0xffff), ph: int(v[12]), pw: int(v[13]), dh: int(v[14]), dw: int(v[15])}
	q.derive()
	return int(v[0]), q
}

func (q *convGeom) derive() {
	q.cg, q.og = q.c/q.groups, q.o/q.groups
	q.rows, q.pix = q.cg*q.kh*q.kw, q.oh*q.ow
}

func (q convGeom) image() Shape   { return Dims(q.n, q.c, q.h, q.w) }
func (q convGeom) result() Shape  { return Dims(q.n, q.o, q.oh, q.ow) }
func (q convGeom) weights() Shape { return Dims(q.o, q.cg, q.kh, q.kw) }

// geometry fills in defaults and checks what does not depend on the operands.
func (c Conv) geometry(op string, xs, ws Shape) convGeom {
	or := func(v, d int) int {
		if v == 0 {
			return d
		}
		return v
	}
	q := convGeom{groups: or(c.Groups, 1), sh: or(c.Stride[0], 1), sw: or(c.Stride[1], 1), ph: c.Pad[0], pw: c.Pad[1],
		dh: or(c.Dilation[0], 1), dw: or(c.Dilation[1], 1)}
	if q.groups < 1 || q.sh < 1 || q.sw < 1 || q.sh > 1<<15 || q.sw > 1<<15 || q.ph < 0 || q.pw < 0 || q.dh < 1 || q.dw < 1 {
		badPair(op, fmt.Sprintf("stride %v, padding %v, dilation %v or groups %d out of range", c.Stride, c.Pad, c.Dilation, c.Groups), xs, ws)
	}
	return q
}

// Conv2d returns the cross-correlation of x [N C H W] with w [O C/groups kh kw], plus b [O] unless b
// is the zero Var: [N O H' W'] with H' = (H + 2·pad - dilation·(kh-1) - 1)/stride + 1.
func Conv2d[F simd.Float](x, w, b Var[F], c Conv) Var[F] {
	nx, nw := pair("Conv2d", x, w)
	xs, ws := nx.shape, nw.shape
	q := c.geometry("Conv2d", xs, ws)
	if xs.n != 4 || ws.n != 4 || int(xs.d[1]) != int(ws.d[1])*q.groups || int(ws.d[0])%q.groups != 0 {
		badPair("Conv2d", fmt.Sprintf("want x [N C H W] and w [O C/groups kh kw], groups %d", q.groups), xs, ws)
	}
	q.n, q.c, q.h, q.w = int(xs.d[0]), int(xs.d[1]), int(xs.d[2]), int(xs.d[3])
	q.o, q.kh, q.kw = int(ws.d[0]), int(ws.d[2]), int(ws.d[3])
	q.oh = (q.h+2*q.ph-q.dh*(q.kh-1)-1)/q.sh + 1
	q.ow = (q.w+2*q.pw-q.dw*(q.kw-1)-1)/q.sw + 1
	if q.h+2*q.ph < q.dh*(q.kh-1)+1 || q.w+2*q.pw < q.dw*(q.kw-1)+1 {
		badPair("Conv2d", "the window is larger than the padded image", xs, ws)
	}
	q.derive()
	if b.t != nil {
		if _, nb := pair("Conv2d", x, b); nb.shape != Dims(q.o) {
			badShape("Conv2d", "want a bias [O]", xs, ws, nb.shape)
		}
	}
	return bilinear(conv, q, x, w, b)
}

// Conv1d returns the cross-correlation of x [N C L] with w [O C/groups k], plus b [O] unless b is
// the zero Var.
func Conv1d[F simd.Float](x, w, b Var[F], c Conv) Var[F] {
	nx, nw := pair("Conv1d", x, w)
	xs, ws := nx.shape, nw.shape
	if xs.n != 3 || ws.n != 3 {
		badPair("Conv1d", "want x [N C L] and w [O C/groups k]", xs, ws)
	}
	d := Conv{Stride: [2]int{1, c.Stride[0]}, Pad: [2]int{0, c.Pad[0]}, Dilation: [2]int{1, c.Dilation[0]}, Groups: c.Groups}
	y := Conv2d(x.Reshape(Dims(xs.Dim(0), xs.Dim(1), 1, xs.Dim(2))), w.Reshape(Dims(ws.Dim(0), ws.Dim(1), 1, ws.Dim(2))), b, d)
	s := y.Shape()
	return y.Reshape(Dims(s.Dim(0), s.Dim(1), s.Dim(3)))
}

// ConvTranspose2d returns the transposed convolution of x [N I H W] with w [I O/groups kh kw], plus
// b [O] unless b is the zero Var: [N O H' W'] with H' = (H-1)·stride - 2·pad + dilation·(kh-1) +
// outpad + 1.
func ConvTranspose2d[F simd.Float](x, w, b Var[F], c Conv) Var[F] {
	nx, nw := pair("ConvTranspose2d", x, w)
	xs, ws := nx.shape, nw.shape
	q := c.geometry("ConvTranspose2d", xs, ws)
	if xs.n != 4 || ws.n != 4 || xs.d[1] != ws.d[0] || int(xs.d[1])%q.groups != 0 {
		badPair("ConvTranspose2d", fmt.Sprintf("want x [N I H W] and w [I O/groups kh kw], groups %d", q.groups), xs, ws)
	}
	q.n, q.o, q.oh, q.ow = int(xs.d[0]), int(xs.d[1]), int(xs.d[2]), int(xs.d[3])
	q.c, q.kh, q.kw = int(ws.d[1])*q.groups, int(ws.d[2]), int(ws.d[3])
	q.h = (q.oh-1)*q.sh - 2*q.ph + q.dh*(q.kh-1) + c.OutPad[0] + 1
	q.w = (q.ow-1)*q.sw - 2*q.pw + q.dw*(q.kw-1) + c.OutPad[1] + 1
	if q.h < 0 || q.w < 0 || c.OutPad[0] < 0 || c.OutPad[1] < 0 || c.OutPad[0] >= max(q.sh, q.dh) || c.OutPad[1] >= max(q.sw, q.dw) {
		badPair("ConvTranspose2d", fmt.Sprintf("padding %v or output padding %v out of range", c.Pad, c.OutPad), xs, ws)
	}
	q.derive()
	y := bilinear(spread, q, x, w, Var[F]{})
	if b.t != nil {
		if _, nb := pair("ConvTranspose2d", x, b); nb.shape != Dims(q.c) {
			badShape("ConvTranspose2d", "want a bias [O]", xs, ws, nb.shape)
		}
		y = y.Add(b.Reshape(Dims(1, q.c, 1, 1)))
	}
	return y
}

// bilinear records one of the three products: conv of (x, w), spread of (u, w), couple of (x, u).
func bilinear[F simd.Float](mode int32, q convGeom, a, b, bias Var[F]) Var[F] {
	s := q.result()
	switch mode {
	case spread:
		s = q.image()
	case couple:
		s = q.weights()
	}
	var y Var[F]
	if bias.t != nil {
		y = record(Op[F](convOp[F]{}), s, []Var[F]{a, b, bias})
	} else {
		y = record(Op[F](convOp[F]{}), s, []Var[F]{a, b})
	}
	v := q.ints(mode)
	y.t.setInts(y, v[:]...)
	convOp[F]{}.Forward(y)
	return y
}

func (convOp[F]) Name() string { return "Conv" }

func (convOp[F]) Forward(y Var[F]) {
	t, n := y.t, y.node("Conv")
	mode, q := geomOf(t.intsOf(n))
	a, b := t.nodes[n.in[0]].data, t.nodes[n.in[1]].data
	if n.nin == 3 {
		bias := t.nodes[n.in[2]].data
		for i := range q.n * q.o {
			fill(n.data[i*q.pix:(i+1)*q.pix], bias[i%q.o])
		}
	}
	t.bilinear(mode, q, n.data, a, b, n.nin == 3)
}

func (convOp[F]) VJP(y, g Var[F], i int) Var[F] {
	mode, q := geomOf(y.Ints())
	a, b := y.In(0), y.In(1)
	if i == 2 {
		rows := g.SumTo(Dims(q.n, q.o, 1, 1)).Reshape(Dims(q.n, q.o))
		return apply1(Op[F](rowSumOp[F]{}), Dims(q.o), 0, 0, rows)
	}
	switch {
	case mode == conv && i == 0:
		return bilinear(spread, q, g, b, Var[F]{})
	case mode == conv:
		return bilinear(couple, q, a, g, Var[F]{})
	case mode == spread && i == 0:
		return bilinear(conv, q, g, b, Var[F]{})
	case mode == spread:
		return bilinear(couple, q, g, a, Var[F]{})
	case i == 0:
		return bilinear(spread, q, b, g, Var[F]{})
	}
	return bilinear(conv, q, a, g, Var[F]{})
}

func (op convOp[F]) grad(t *Tape[F], n *node[F], i int, dst, g []F) {
	if i == 2 {
		clear(dst)
		op.gradAdd(t, n, i, dst, g)
		return
	}
	t.convGrad(n, i, dst, g, false)
}

func (op convOp[F]) gradAdd(t *Tape[F], n *node[F], i int, dst, g []F) bool {
	if i == 2 {
		_, q := geomOf(t.intsOf(n))
		d := t.rev.take(q.n * q.o)
		sumInto(t, d, Dims(q.n, q.o, 1, 1), g, n.shape)
		if len(dst) > 0 {
			t.k.AddRows(dst, d)
		}
		t.rev.give(d)
		return true
	}
	t.convGrad(n, i, dst, g, true)
	return true
}

func (t *Tape[F]) convGrad(n *node[F], i int, dst, g []F, acc bool) {
	mode, q := geomOf(t.intsOf(n))
	a, b := t.nodes[n.in[0]].data, t.nodes[n.in[1]].data
	switch {
	case mode == conv && i == 0:
		t.bilinear(spread, q, dst, g, b, acc)
	case mode == conv:
		t.bilinear(couple, q, dst, a, g, acc)
	case mode == spread && i == 0:
		t.bilinear(conv, q, dst, g, b, acc)
	case mode == spread:
		t.bilinear(couple, q, dst, g, a, acc)
	case i == 0:
		t.bilinear(spread, q, dst, b, g, acc)
	default:
		t.bilinear(conv, q, dst, a, g, acc)
	}
}

// bilinear sets dst to one of the three products, or adds it.
func (t *Tape[F]) bilinear(mode int, q convGeom, dst, a, b []F, acc bool) {
	if !acc && (mode != conv || q.rows == 0) {
		clear(dst)
	}
	if len(dst) == 0 || len(a) == 0 || len(b) == 0 {
		return
	}
	img, res, wts := q.cg*q.h*q.w, q.og*q.pix, q.og*q.rows
	plain := q.kh == 1 && q.kw == 1 && q.sh == 1 && q.sw == 1 && q.ph == 0 && q.pw == 0
	hold := t.mem
	var cols, wt []F
	if !plain {
		cols = t.mem.alloc(q.rows * q.pix)
	}
	if mode == couple {
		// The products go to the transpose, as columns·uᵀ: u is smaller to turn than the columns are.
		wt = t.mem.alloc(len(dst))
		for g := range q.groups {
			t.k.Transpose(wt[g*wts:(g+1)*wts], dst[g*wts:(g+1)*wts], q.og, q.rows)
		}
	}
	for i := range q.n * q.groups {
		g := i % q.groups
		at := func(x []F, size, i int) []F { return x[i*size : (i+1)*size] }
		switch mode {
		case conv:
			c := cols
			if plain {
				c = at(a, img, i)
			} else {
				im2col(q, cols, at(a, img, i))
			}
			t.k.Gemm(&t.packs, simd.Dense(at(dst, res, i), q.og, q.pix), simd.Dense(at(b, wts, g), q.og, q.rows), simd.Dense(c, q.rows, q.pix), acc)
		case spread:
			c := cols
			if plain {
				c = at(dst, img, i)
			}
			t.k.Gemm(&t.packs, simd.Dense(c, q.rows, q.pix), simd.Dense(at(b, wts, g), q.og, q.rows).T(), simd.Dense(at(a, res, i), q.og, q.pix), plain)
			if !plain {
				col2im(t.k, q, at(dst, img, i), cols)
			}
		case couple:
			c := cols
			if plain {
				c = at(a, img, i)
			} else {
				im2col(q, cols, at(a, img, i))
			}
			t.k.Gemm(&t.packs, simd.Dense(at(wt, wts, g), q.rows, q.og), simd.Dense(c, q.rows, q.pix), simd.Dense(at(b, res, i), q.og, q.pix).T(), true)
		}
	}
	if mode == couple {
		for g := range q.groups {
			t.k.Transpose(dst[g*wts:(g+1)*wts], wt[g*wts:(g+1)*wts], q.rows, q.og)
		}
	}
	t.mem.at, t.mem.off = hold.at, hold.off
}
