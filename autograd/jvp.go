package autograd

import "pushforward/simd"

// Forwarder is an Op with a forward rule of its own. It is never needed: without it JVP transposes
// the op's VJP.
type Forwarder[F simd.Float] interface {
	Op[F]
	// JVP returns ∂y/∂xᵢ·dx, in terms of other operations; dx has the shape of operand i.
	JVP(y, dx Var[F], i int) Var[F]
}

// JVP returns ∂y/∂x · dx, likewise recorded. It is one sweep over the tape from x up to y, in which
// each op carries the tangents of its operands over to its own:
//
//   - an op may have a rule of its own (Forwarder);
//   - an elementwise op has a diagonal derivative, which equals its transpose, so the rule is its VJP;
//   - for any other, with u a cotangent that nobody looks at, w = VJP(y, u) is linear in u, and the
//     transpose of that map, VJP of w by u with cotangent dx, is the wanted one.
func JVP[F simd.Float](y, x, dx Var[F]) Var[F] {
	nx, nd := pair("JVP", x, dx)
	if nx.shape != nd.shape {
		badPair("JVP", "a value and its tangent differ in shape", nx.shape, nd.shape)
	}
	ys := y.node("JVP").shape
	t := x.t
	if y.t != t {
		misuse("JVP", whyForeign)
	}
	if y.id < x.id {
		return t.Zeros(ys)
	}
	base := len(t.work)
	for range y.id - x.id + 1 {
		t.work = append(t.work, unneeded)
	}
	t.work[base] = dx.id
	for id := x.id + 1; id <= y.id; id++ {
		for i := range int(t.nodes[id].nin) {
			n := &t.nodes[id]
			a := t.arg(n, i) - x.id
			if a < 0 || t.work[base+int(a)] < 0 {
				continue
			}
			d := t.push1(id, i, t.at(t.work[base+int(a)]))
			if d.t == nil {
				continue
			}
			at := base + int(id-x.id)
			if w := t.work[at]; w >= 0 {
				d = t.at(w).Add(d)
			}
			t.work[at] = d.id
		}
	}
	w := t.work[len(t.work)-1]
	t.work = t.work[:base]
	if w < 0 {
		return t.Zeros(ys)
	}
	return t.at(w)
}

// push1 carries the tangent of operand i over to node id.
func (t *Tape[F]) push1(id int32, i int, dx Var[F]) Var[F] {
	n := &t.nodes[id]
	y, op := t.at(id), n.op
	if f, ok := op.(Forwarder[F]); ok {
		d := f.JVP(y, dx, i)
		if d.t != nil && d.node(op.Name()).shape != y.Shape() {
			badPair(op.Name(), "JVP has another shape than the value", d.Shape(), y.Shape())
		}
		return d
	}
	if r, ok := op.(raw[F]); ok && r.inPlace() && n.shape == t.nodes[dx.id].shape {
		return op.VJP(y, dx, i)
	}
	u := t.Zeros(n.shape)
	t.nodes[u.id].kind = isInput
	w := op.VJP(y, u, i)
	if w.t == nil {
		return w
	}
	var one [1]Var[F]
	return VJP(one[:0], w, dx, u)[0]
}

// The linear ops that JVP meets most often are their own rule.

func (expandOp[F]) JVP(y, dx Var[F], _ int) Var[F]  { return dx.Expand(y.Shape()) }
func (sumToOp[F]) JVP(y, dx Var[F], _ int) Var[F]   { return dx.SumTo(y.Shape()) }
func (reshapeOp[F]) JVP(y, dx Var[F], _ int) Var[F] { return dx.Reshape(y.Shape()) }

func (sliceOp[F]) JVP(y, dx Var[F], _ int) Var[F] {
	v := y.Ints()
	return dx.moved(sliceOp[F]{}, y.Shape(), v[0], v[1], v[2])
}

func (permuteOp[F]) JVP(y, dx Var[F], _ int) Var[F] {
	v := y.Ints()
	return dx.moved(permuteOp[F]{}, y.Shape(), v...)
}

func (concatOp[F]) JVP(y, dx Var[F], i int) Var[F] {
	a, lo := int(y.node("Concat").s), 0
	for j := range i {
		lo += y.In(j).Shape().Dim(a)
	}
	return dx.moved(unsliceOp[F]{}, y.Shape(), int32(a), int32(lo), 1)
}

func (matmulOp[F]) JVP(y, dx Var[F], i int) Var[F] {
	trans := int(y.node("MatMul").s)
	if i == 0 {
		return dx.product(y.In(1), trans, y.Shape())
	}
	return y.In(0).product(dx, trans, y.Shape())
}

func (linearOp[F]) JVP(y, dx Var[F], i int) Var[F] {
	switch s := y.Shape(); i {
	case 0:
		return dx.flat().product(y.In(1), transB, y.flatShape()).as(s)
	case 1:
		return y.In(0).flat().product(dx, transB, y.flatShape()).as(s)
	default:
		return dx.Expand(s)
	}
}
