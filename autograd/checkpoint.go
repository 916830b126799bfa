package autograd

import "pushforward/simd"

// checkpointOp is a segment of a program that is computed again when its derivative is wanted,
// instead of being kept. Its operands are the arguments and after them whatever else the segment
// read: parameters and values it closes over.
type checkpointOp[F simd.Float] struct {
	f    func(x ...Var[F]) Var[F]
	args int
}

// Checkpoint returns f(x...) and keeps nothing of what f computes on the way. A derivative computes
// it again: time for memory (rematerialisation). f must be a function of x, of parameters and of
// values that were on the tape before, and do the same each time. Derivatives reach all of these, and
// are of any order. A call allocates a little.
func Checkpoint[F simd.Float](f func(x ...Var[F]) Var[F], x ...Var[F]) Var[F] {
	if len(x) == 0 {
		misuse("Checkpoint", "no operands")
	}
	t := x[0].t
	for _, v := range x {
		if tv, _ := v.need("Checkpoint"); tv != t {
			misuse("Checkpoint", whyForeign)
		}
	}
	m := t.Mark()
	out := f(x...)
	if out.t != t {
		misuse("Checkpoint", whyForeign)
	}
	n := out.node("Checkpoint")
	shape := n.shape
	in, params := t.outside(m.node, x)
	value := n.data // after Release it lies where y's memory will, or behind: copy minds the overlap
	t.Release(m)
	for _, p := range params {
		in = append(in, t.Param(p))
	}
	y := record(Op[F](&checkpointOp[F]{f, len(x)}), shape, in)
	copy(t.nodes[y.id].data, value)
	return y
}

// outside returns x and behind it the earlier values that the nodes from lo on read, and the
// parameters first asked for there.
func (t *Tape[F]) outside(lo int, x []Var[F]) (in []Var[F], params []Param) {
	in = append(in, x...)
	seen := map[int32]bool{}
	for _, v := range x {
		seen[v.id] = true
	}
	for id := lo; id < len(t.nodes); id++ {
		n := &t.nodes[id]
		if n.kind == isParam {
			params = append(params, t.slots[n.ints].p)
			continue
		}
		for i := range int(n.nin) {
			if a := t.arg(n, i); int(a) < lo && !seen[a] {
				seen[a] = true
				in = append(in, t.at(a))
			}
		}
	}
	return in, params
}

func (op *checkpointOp[F]) Name() string { return "Checkpoint" }

// Forward does nothing: Checkpoint has put the value in place.
func (op *checkpointOp[F]) Forward(Var[F]) {}

// VJP runs the segment again and differentiates it. vjpAll does so once for all operands.
func (op *checkpointOp[F]) VJP(y, g Var[F], i int) (d Var[F]) {
	op.vjpAll(y, g, func(j int) bool { return j == i }, func(_ int, v Var[F]) { d = v })
	return d
}

// again runs the segment; its nodes are those from first on.
func (op *checkpointOp[F]) again(y Var[F]) (in []Var[F], out Var[F], first int32) {
	n := int(y.node("Checkpoint").nin)
	for i := range n {
		in = append(in, y.In(i))
	}
	first = int32(len(y.t.nodes))
	return in, op.f(in[:op.args]...), first
}

func (op *checkpointOp[F]) vjpAll(y, g Var[F], need func(i int) bool, give func(i int, d Var[F])) {
	in, out, first := op.again(y)
	var wrt []Var[F]
	var which []int
	seen := map[int32]bool{}
	for i, x := range in {
		if need(i) && !seen[x.id] { // an argument given twice gets its cotangent once
			seen[x.id] = true
			wrt = append(wrt, x)
			which = append(which, i)
		}
	}
	for k, d := range vjp(nil, out, g, first, wrt) {
		give(which[k], d)
	}
}

// replay runs the segment again and sweeps back over it, within Backward.
func (op *checkpointOp[F]) replay(t *Tape[F], id int32, g Var[F]) {
	_, out, first := op.again(t.at(id))
	if out.id < first { // f returned a value from before the segment
		t.gather(out.id, g.node("Checkpoint").data)
		return
	}
	if !t.nodes[out.id].theta {
		return
	}
	c := t.rev.take(len(t.nodes[out.id].data))
	copy(c, g.node("Checkpoint").data)
	t.seed(out.id, c)
	t.sweep(out.id, first)
}
