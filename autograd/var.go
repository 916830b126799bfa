package autograd

import (
	"fmt"

	"pushforward/simd"
)

// Var is a value on a tape: a handle, passed by value.
type Var[F simd.Float] struct {
	t   *Tape[F]
	id  int32
	gen uint32
}

// Op is a differentiable operation; the built-in ones are no different. An Op is shared by
// all its calls, so it holds settings (a slope, an axis) but nothing about one call. One
// with settings is best a pointer made once and kept by its layer.
type Op[F simd.Float] interface {
	// Name is used in error messages and dumps.
	Name() string
	// Forward computes y.Value() from the values of y's operands. It sets every element: the
	// memory holds old numbers when it is called.
	Forward(y Var[F])
	// VJP returns gᵀ·∂y/∂xᵢ for operand i, in terms of other operations. It is called
	// only for the operands that need it. The zero Var stands for a derivative of zero.
	VJP(y, g Var[F], i int) Var[F]
}

// Apply records op on operands in, giving a Var of the stated shape.
func Apply[F simd.Float](op Op[F], shape Shape, in ...Var[F]) Var[F] {
	y := record(op, shape, in)
	op.Forward(y)
	return y
}

// ApplyInts is Apply for an op that needs whole numbers of its own for this call (the rows to
// gather, class targets, the places of maxima). They are copied to the tape; Forward and VJP read
// them by y.Ints().
func ApplyInts[F simd.Float](op Op[F], shape Shape, ints []int32, in ...Var[F]) Var[F] {
	y := record(op, shape, in)
	n := &y.t.nodes[y.id]
	n.ints, n.nints = int32(len(y.t.ints)), int32(len(ints))
	y.t.ints = append(y.t.ints, ints...)
	op.Forward(y)
	return y
}

// apply1 and apply2 are Apply for built-in ops of one and two operands, which are known to be on their tape.
func apply1[F simd.Float](op Op[F], shape Shape, s, s2 float64, x Var[F]) Var[F] {
	t := x.t
	y := t.push(op, shape)
	n := &t.nodes[y.id]
	n.in[0], n.nin, n.theta, n.s, n.s2 = x.id, 1, t.nodes[x.id].theta, s, s2
	op.Forward(y)
	return y
}

func apply2[F simd.Float](op Op[F], shape Shape, x, y Var[F]) Var[F] {
	t := x.t
	z := t.push(op, shape)
	n := &t.nodes[z.id]
	n.in[0], n.in[1], n.nin = x.id, y.id, 2
	n.theta = t.nodes[x.id].theta || t.nodes[y.id].theta
	op.Forward(z)
	return z
}

// live reports whether x is on its tape.
func (x Var[F]) live() bool {
	return x.t != nil && int(x.id) < len(x.t.nodes) && x.t.nodes[x.id].gen == x.gen
}

// push appends a node with fresh memory.
func (t *Tape[F]) push(op Op[F], shape Shape) Var[F] {
	id := len(t.nodes)
	if id == cap(t.nodes) {
		t.nodes = append(t.nodes, node[F]{})
	} else {
		t.nodes = t.nodes[:id+1]
	}
	n := &t.nodes[id] // field by field: a literal would be built elsewhere and copied
	if n.op != op {   // most passes repeat the one before
		n.take(op)
	}
	n.data = t.mem.alloc(shape.Len())
	n.shape = shape
	n.gen = t.gen
	n.nin, n.ext, n.ints, n.nints = 0, 0, 0, 0
	n.s, n.s2 = 0, 0
	n.kind, n.theta, n.pair = recorded, false, false
	return Var[F]{t, int32(id), t.gen}
}

// take makes op n's, with the rules on slices that op may have.
func (n *node[F]) take(op Op[F]) {
	n.op = op
	n.adds, n.sets = nil, false
	if n.raw, _ = op.(raw[F]); n.raw != nil {
		n.adds, _ = op.(adder[F])
		_, n.sets = op.(chained)
	}
}

func record[F simd.Float](op Op[F], shape Shape, in []Var[F]) Var[F] {
	if len(in) == 0 {
		misuse(op.Name(), "no operands")
	}
	t := in[0].t
	theta := false
	for _, x := range in {
		tx, id := x.need(op.Name())
		if tx != t {
			misuse(op.Name(), whyForeign)
		}
		theta = theta || t.nodes[id].theta
	}
	y := t.push(nil, shape) // ops of users need not be comparable
	n := &t.nodes[y.id]
	n.take(op)
	n.nin, n.theta = int32(len(in)), theta
	for i, x := range in {
		if i < len(n.in) {
			n.in[i] = x.id
			continue
		}
		if i == len(n.in) {
			n.ext = int32(len(t.args))
		}
		t.args = append(t.args, x.id)
	}
	return y
}

// arg returns the index of operand i of n.
func (t *Tape[F]) arg(n *node[F], i int) int32 {
	if i < len(n.in) {
		return n.in[i]
	}
	return t.args[int(n.ext)+i-len(n.in)]
}

// at returns the Var of node id.
func (t *Tape[F]) at(id int32) Var[F] { return Var[F]{t, id, t.nodes[id].gen} }

// need panics in the name of op unless x is on its tape.
func (x Var[F]) need(op string) (*Tape[F], int32) {
	if x.t == nil {
		misuse(op, whyNil)
	}
	if int(x.id) >= len(x.t.nodes) || x.t.nodes[x.id].gen != x.gen {
		misuse(op, whyReleased)
	}
	return x.t, x.id
}

// node returns x's node. The pointer is good until something is recorded.
func (x Var[F]) node(op string) *node[F] {
	t, id := x.need(op)
	return &t.nodes[id]
}

// pair returns the nodes of two operands of op.
func pair[F simd.Float](op string, x, y Var[F]) (nx, ny *node[F]) {
	nx, ny = x.node(op), y.node(op)
	if x.t != y.t {
		misuse(op, whyForeign)
	}
	return nx, ny
}

// Tape returns the tape that x is on.
func (x Var[F]) Tape() *Tape[F] { return x.t }

// Shape returns the shape of x's value.
func (x Var[F]) Shape() Shape { return x.node("Shape").shape }

// Value returns x's value, valid until the tape forgets x. It is lent, not copied: it must not be
// written to, but by Op.Forward.
func (x Var[F]) Value() Tensor[F] {
	n := x.node("Value")
	return Tensor[F]{n.shape, n.data}
}

// Item returns the one element of a scalar, or of any value with one element.
func (x Var[F]) Item() F {
	n := x.node("Item")
	if len(n.data) != 1 {
		badOne("Item", "not one element", n.shape)
	}
	return n.data[0]
}

// In returns the i-th operand of the op that made x.
func (x Var[F]) In(i int) Var[F] {
	n := x.node("In")
	if i < 0 || i >= int(n.nin) {
		misuse("In", fmt.Sprintf("value %d has %d operands, not one numbered %d", x.id, n.nin, i))
	}
	return x.t.at(x.t.arg(n, i))
}

// Ints returns the whole numbers that ApplyInts was given for x. They must not be changed.
func (x Var[F]) Ints() []int32 {
	n := x.node("Ints")
	if n.kind == isParam || n.kind == isTracked {
		return nil
	}
	return x.t.ints[n.ints : n.ints+n.nints]
}

// OpName returns the name of the op that made x, or Const, Input, Param or Detach.
func (x Var[F]) OpName() string { return x.node("OpName").name() }

func (n *node[F]) name() string {
	switch n.kind {
	case isConst:
		return "Const"
	case isInput, isTracked:
		return "Input"
	case isParam:
		return "Param"
	case isDetach:
		return "Detach"
	}
	return n.op.Name()
}

// Detach returns x's value as data: the identity with derivative zero. Nothing is copied.
func (x Var[F]) Detach() Var[F] {
	n := x.node("Detach")
	return x.t.leaf(n.shape, n.data, isDetach)
}
