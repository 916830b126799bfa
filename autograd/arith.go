package autograd

import "pushforward/simd"

// Elementwise operations of two operands, which stretch to a common shape.
type (
	addOp[F simd.Float] struct{ elementwise }
	subOp[F simd.Float] struct{ elementwise }
	mulOp[F simd.Float] struct{ elementwise }
	divOp[F simd.Float] struct{ elementwise }
)

// Add returns x + y.
func (x Var[F]) Add(y Var[F]) Var[F] {
	nx, ny := pair("Add", x, y)
	return apply2(Op[F](addOp[F]{}), join("Add", nx.shape, ny.shape), x, y)
}

// Sub returns x - y.
func (x Var[F]) Sub(y Var[F]) Var[F] {
	nx, ny := pair("Sub", x, y)
	return apply2(Op[F](subOp[F]{}), join("Sub", nx.shape, ny.shape), x, y)
}

// Mul returns x·y, element by element.
func (x Var[F]) Mul(y Var[F]) Var[F] {
	nx, ny := pair("Mul", x, y)
	return apply2(Op[F](mulOp[F]{}), join("Mul", nx.shape, ny.shape), x, y)
}

// Div returns x / y.
func (x Var[F]) Div(y Var[F]) Var[F] {
	nx, ny := pair("Div", x, y)
	return apply2(Op[F](divOp[F]{}), join("Div", nx.shape, ny.shape), x, y)
}

// rowCall is the length of a row from which on a kernel is called for each row of a broadcast.
const rowCall = 12

// zip sets dst, of shape z, to f of x and y stretched to z. dst may be x or y, if that has shape z.
func (t *Tape[F]) zip(f func(dst, x, y []F), dst []F, z Shape, x []F, xs Shape, y []F, ys Shape) {
	if len(x) == len(dst) && len(y) == len(dst) {
		f(dst, x, y)
		return
	}
	if len(dst) == 0 {
		return
	}
	if len(x) == len(dst) {
		if kind, n := layout(ys, z); kind == row && n >= rowCall {
			for i := 0; i < len(dst); i += n {
				f(dst[i:i+n], x[i:i+n], y)
			}
			return
		}
	}
	hold := t.mem
	x, y = t.stretch(x, xs, z), t.stretch(y, ys, z)
	f(dst, x, y)
	t.mem.at, t.mem.off = hold.at, hold.off
}

// stretch returns x stretched to z, in memory that the caller gives back.
func (t *Tape[F]) stretch(x []F, xs, z Shape) []F {
	n := z.Len()
	if len(x) == n {
		return x
	}
	d := t.mem.alloc(n)
	expandInto(d, z, x, xs)
	return d
}

// operands returns the nodes of a two-operand op's result and operands.
func (y Var[F]) operands(op string) (n, a, b *node[F]) {
	n = y.node(op)
	return n, &y.t.nodes[n.in[0]], &y.t.nodes[n.in[1]]
}

func (addOp[F]) Name() string { return "Add" }
func (addOp[F]) Forward(z Var[F]) {
	t := z.t
	n, x, y := z.operands("Add")
	if len(x.data) == len(n.data) && len(y.data) != len(n.data) && len(y.data) > 0 {
		switch kind, w := layout(y.shape, n.shape); {
		case kind == single:
			t.shift(n.data, y.data[0], x.data)
			return
		case kind == row:
			t.k.AddRow(n.data, x.data, y.data)
			return
		case kind == column && w >= rowCall:
			t.shiftColumn(n.data, x.data, y.data, w, 1)
			return
		}
	}
	if len(x.data) == len(n.data) && len(y.data) == len(n.data) {
		t.plus(n.data, x.data, y.data)
		return
	}
	t.zip(t.k.Add, n.data, n.shape, x.data, x.shape, y.data, y.shape)
}

// shiftColumn adds sign·y to rows of w elements of x, the j-th element to the j-th row, and so again.
func (t *Tape[F]) shiftColumn(dst, x, y []F, w int, sign F) {
	for i := 0; i < len(dst); i += w * len(y) {
		for j, a := range y {
			t.k.Shift(dst[i+j*w:i+(j+1)*w], sign*a, x[i+j*w:i+(j+1)*w])
		}
	}
}
func (addOp[F]) VJP(z, g Var[F], i int) Var[F] { return g.shed(z.In(i).Shape()) }
func (addOp[F]) grad(t *Tape[F], n *node[F], i int, dst, g []F) {
	t.shed(dst, &t.nodes[n.in[i]], g, n)
}

func (addOp[F]) gradAdd(t *Tape[F], n *node[F], i int, dst, g []F) bool {
	if len(dst) == len(g) {
		t.plus(dst, dst, g)
		return true
	}
	return t.sumAdd(dst, t.nodes[n.in[i]].shape, g, n.shape)
}

// shed sums g back over what an operand of shape s was stretched by.
func (g Var[F]) shed(s Shape) Var[F] {
	if g.Shape() == s {
		return g
	}
	return g.SumTo(s)
}

// shed is the same on slices: g has n's shape, dst x's. dst may be g.
func (t *Tape[F]) shed(dst []F, x *node[F], g []F, n *node[F]) {
	if len(dst) != len(g) {
		sumInto(t, dst, x.shape, g, n.shape)
	} else if len(g) > 0 && &dst[0] != &g[0] {
		copy(dst, g)
	}
}

func (subOp[F]) Name() string { return "Sub" }
func (subOp[F]) Forward(z Var[F]) {
	t := z.t
	n, x, y := z.operands("Sub")
	if len(x.data) == len(n.data) && len(y.data) < len(n.data) && len(y.data) > 0 {
		switch kind, w := layout(y.shape, n.shape); {
		case kind == single:
			t.shift(n.data, -y.data[0], x.data)
			return
		case kind == column && w >= rowCall:
			t.shiftColumn(n.data, x.data, y.data, w, -1)
			return
		}
	}
	t.zip(t.k.Sub, n.data, n.shape, x.data, x.shape, y.data, y.shape)
}
func (subOp[F]) VJP(z, g Var[F], i int) Var[F] {
	g = g.shed(z.In(i).Shape())
	if i == 1 {
		return g.Neg()
	}
	return g
}
func (subOp[F]) grad(t *Tape[F], n *node[F], i int, dst, g []F) {
	t.shed(dst, &t.nodes[n.in[i]], g, n)
	if i == 1 {
		t.scale(dst, -1, dst)
	}
}

func (mulOp[F]) Name() string { return "Mul" }
func (mulOp[F]) Forward(z Var[F]) {
	n, x, y := z.operands("Mul")
	z.t.mul(n.data, n.shape, x.data, x.shape, y.data, y.shape)
}

// mul is zip with Kernels.Mul, with shorter ways for numbers and columns.
func (t *Tape[F]) mul(dst []F, z Shape, x []F, xs Shape, y []F, ys Shape) {
	if len(x) == len(dst) && len(y) == len(dst) {
		t.times(dst, x, y)
		return
	}
	if len(x) < len(y) {
		x, xs, y, ys = y, ys, x, xs
	}
	if len(x) == len(dst) && len(y) < len(dst) {
		switch kind, n := layout(ys, z); {
		case kind == single:
			t.scale(dst, y[0], x)
			return
		case kind == column && n >= rowCall:
			for i := 0; i < len(dst); i += n * len(y) {
				for j, a := range y {
					t.k.Scale(dst[i+j*n:i+(j+1)*n], a, x[i+j*n:i+(j+1)*n])
				}
			}
			return
		}
	}
	t.zip(t.k.Mul, dst, z, x, xs, y, ys)
}
func (mulOp[F]) VJP(z, g Var[F], i int) Var[F] { return g.Mul(z.In(1 - i)).shed(z.In(i).Shape()) }
func (mulOp[F]) grad(t *Tape[F], n *node[F], i int, dst, g []F) {
	x, y := &t.nodes[n.in[i]], &t.nodes[n.in[1-i]]
	if len(dst) == len(g) {
		t.mul(dst, n.shape, g, n.shape, y.data, y.shape)
		return
	}
	d := t.rev.take(len(g))
	t.mul(d, n.shape, g, n.shape, y.data, y.shape)
	sumInto(t, dst, x.shape, d, n.shape)
	t.rev.give(d)
}

func (mulOp[F]) gradAdd(t *Tape[F], n *node[F], i int, dst, g []F) bool {
	if len(dst) == len(g) || len(dst) == 1 {
		return false
	}
	y := &t.nodes[n.in[1-i]]
	d := t.rev.take(len(g))
	t.mul(d, n.shape, g, n.shape, y.data, y.shape)
	ok := t.sumAdd(dst, t.nodes[n.in[i]].shape, d, n.shape)
	t.rev.give(d)
	return ok
}

func (divOp[F]) Name() string { return "Div" }
func (divOp[F]) Forward(z Var[F]) {
	n, x, y := z.operands("Div")
	z.t.zip(z.t.k.Div, n.data, n.shape, x.data, x.shape, y.data, y.shape)
}
func (divOp[F]) VJP(z, g Var[F], i int) Var[F] {
	y := z.In(1)
	if i == 0 {
		return g.Div(y).shed(z.In(0).Shape())
	}
	return z.Div(y).Mul(g).shed(y.Shape()).Neg()
}
func (divOp[F]) JVP(z, d Var[F], i int) Var[F] {
	if i == 1 {
		d = d.Mul(z.Neg())
	}
	return d.Div(z.In(1))
}
func (divOp[F]) jvpBoth(z, dx, dy Var[F]) Var[F] { return dx.Sub(dy.Mul(z)).Div(z.In(1)) }
func (divOp[F]) grad(t *Tape[F], n *node[F], i int, dst, g []F) {
	x, y := &t.nodes[n.in[i]], &t.nodes[n.in[1]]
	if i == 0 && len(dst) == len(g) {
		t.zip(t.k.Div, dst, n.shape, g, n.shape, y.data, y.shape)
		return
	}
	d := t.rev.take(len(g))
	if i == 0 {
		t.zip(t.k.Div, d, n.shape, g, n.shape, y.data, y.shape)
	} else {
		t.zip(t.k.Div, d, n.shape, n.data, n.shape, y.data, y.shape)
		t.times(d, d, g)
	}
	sumInto(t, dst, x.shape, d, n.shape)
	t.rev.give(d)
	if i == 1 {
		t.scale(dst, -1, dst)
	}
}
