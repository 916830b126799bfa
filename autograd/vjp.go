package autograd

import (
	"fmt"

	"pushforward/simd"
)

// What the table of cotangents holds for a node: the index of its cotangent, or
const (
	unneeded = -2 // the node depends on nothing that is asked for
	awaited  = -1 // it does, and no cotangent has reached it yet
)

// VJP appends to dst, for each x in wrt, the product gᵀ·∂y/∂x. What it computes is itself
// recorded, so the result can be differentiated again. A Var that y does not depend on
// yields zeros.
//
// It is one sweep over the tape from y down to the first of wrt: a value is visited once, however
// many paths lead through it.
func VJP[F simd.Float](dst []Var[F], y, g Var[F], wrt ...Var[F]) []Var[F] {
	return vjp(dst, y, g, 0, wrt)
}

// vjp is VJP in which the nodes before floor count as leaves: what wrt holds of them is
// differentiated by as if they did not depend on each other.
func vjp[F simd.Float](dst []Var[F], y, g Var[F], floor int32, wrt []Var[F]) []Var[F] {
	ny, ng := pair("VJP", y, g)
	if ny.shape != ng.shape {
		badPair("VJP", "a value and its cotangent differ in shape", ny.shape, ng.shape)
	}
	t := y.t
	lo := y.id + 1
	for _, x := range wrt {
		x.node("VJP")
		if x.t != t {
			misuse("VJP", whyForeign)
		}
		lo = min(lo, x.id)
	}
	base := len(t.work)
	t.need(lo, y.id, floor, wrt)
	if lo <= y.id && t.work[base+int(y.id-lo)] == awaited {
		t.work[base+int(y.id-lo)] = g.id
	}
	for id := y.id; id >= max(lo, floor); id-- {
		c := t.work[base+int(id-lo)]
		if c < 0 || t.nodes[id].op == nil {
			continue
		}
		t.spread(id, lo, base, c)
	}
	for _, x := range wrt {
		c := int32(awaited)
		if x.id <= y.id {
			c = t.work[base+int(x.id-lo)]
		}
		if c >= 0 {
			dst = append(dst, t.at(c))
		} else {
			dst = append(dst, t.Zeros(t.nodes[x.id].shape))
		}
	}
	t.work = t.work[:base]
	return dst
}

// need pushes a window for the nodes lo to hi on t.work and marks those that depend on wrt.
func (t *Tape[F]) need(lo, hi, floor int32, wrt []Var[F]) {
	base := len(t.work)
	for range hi - lo + 1 {
		t.work = append(t.work, unneeded)
	}
	w := t.work[base:]
	for _, x := range wrt {
		if x.id <= hi {
			w[x.id-lo] = awaited
		}
	}
	for id := max(lo, floor); id <= hi; id++ {
		n := &t.nodes[id]
		for i := range int(n.nin) {
			if a := t.arg(n, i); a >= lo && w[a-lo] != unneeded {
				w[id-lo] = awaited
				break
			}
		}
	}
}

// spread hands the cotangent c of node id on to those operands that need it.
func (t *Tape[F]) spread(id, lo int32, base int, c int32) {
	op, nin := t.nodes[id].op, int(t.nodes[id].nin)
	if all, ok := op.(multi[F]); ok {
		all.vjpAll(t.at(id), t.at(c), func(i int) bool {
			a := t.arg(&t.nodes[id], i)
			return a >= lo && t.work[base+int(a-lo)] != unneeded
		}, func(i int, d Var[F]) { t.receive(id, i, lo, base, d) })
		return
	}
	for i := range nin {
		a := t.arg(&t.nodes[id], i)
		if a < lo || t.work[base+int(a-lo)] == unneeded {
			continue
		}
		t.receive(id, i, lo, base, op.VJP(t.at(id), t.at(c), i))
	}
}

// receive adds d to the cotangent of operand i of node id.
func (t *Tape[F]) receive(id int32, i int, lo int32, base int, d Var[F]) {
	if d.t == nil {
		return
	}
	n := &t.nodes[id]
	a := t.arg(n, i)
	if d.node(n.op.Name()).shape != t.nodes[a].shape {
		badPair(n.op.Name(), fmt.Sprintf("VJP of operand %d has another shape than the operand", i), t.nodes[a].shape, t.nodes[d.id].shape)
	}
	if w := t.work[base+int(a-lo)]; w >= 0 {
		d = t.at(w).Add(d)
	}
	t.work[base+int(a-lo)] = d.id
}

// multi is an op that finds the cotangents of all its operands at once.
type multi[F simd.Float] interface {
	// vjpAll calls give for each operand i for which need(i).
	vjpAll(y, g Var[F], need func(i int) bool, give func(i int, d Var[F]))
}
