package autograd

import (
	"fmt"

	"pushforward/simd"
)

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
	xs, ds := [1]Var[F]{x}, [1]Var[F]{dx}
	return jvp("JVP", y, xs[:], ds[:])
}

// JointJVP returns Σ ∂y/∂xᵢ · dxᵢ, likewise recorded: JVP along several Vars that move together, in one sweep.
func JointJVP[F simd.Float](y Var[F], x, dx []Var[F]) Var[F] {
	if len(x) == 0 || len(x) != len(dx) {
		misuse("JointJVP", fmt.Sprintf("%d values and %d tangents", len(x), len(dx)))
	}
	return jvp("JointJVP", y, x, dx)
}

func jvp[F simd.Float](op string, y Var[F], x, dx []Var[F]) Var[F] {
	ys := y.node(op).shape
	t, lo := y.t, y.id+1
	for i := range x {
		nx, nd := pair(op, x[i], dx[i])
		if nx.shape != nd.shape {
			badPair(op, "a value and its tangent differ in shape", nx.shape, nd.shape)
		}
		if x[i].t != t {
			misuse(op, whyForeign)
		}
		lo = min(lo, x[i].id)
	}
	base := len(t.work)
	for range y.id - lo + 1 {
		t.work = append(t.work, unneeded)
	}
	carry := func(id int32, d Var[F]) {
		if w := t.work[base+int(id-lo)]; w >= 0 {
			d = t.at(w).Add(d)
		}
		t.work[base+int(id-lo)] = d.id
	}
	for i := range x {
		if x[i].id <= y.id {
			carry(x[i].id, dx[i])
		}
	}
	tangent := func(a int32) Var[F] {
		if a < lo || t.work[base+int(a-lo)] < 0 {
			return Var[F]{}
		}
		return t.at(t.work[base+int(a-lo)])
	}
	for id := lo; id <= y.id; id++ {
		if both, ok := t.nodes[id].op.(joint[F]); ok {
			dx, dy := tangent(t.nodes[id].in[0]), tangent(t.nodes[id].in[1])
			if dx.t != nil && dy.t != nil {
				carry(id, both.jvpBoth(t.at(id), dx, dy))
				continue
			}
		}
		for i := range int(t.nodes[id].nin) {
			dx := tangent(t.arg(&t.nodes[id], i))
			if dx.t == nil {
				continue
			}
			if d := t.push1(id, i, dx); d.t != nil {
				carry(id, d)
			}
		}
	}
	w := tangent(y.id)
	t.work = t.work[:base]
	if w.t == nil {
		return t.Zeros(ys)
	}
	return w
}

// joint is an op of two operands with a rule for both moving at once, where the sum of the two single ones may be
// a difference of infinities.
type joint[F simd.Float] interface {
	jvpBoth(z, dx, dy Var[F]) Var[F]
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
