package autograd

import (
	"fmt"
	"math/bits"
	"slices"

	"pushforward/simd"
)

// Backward is VJP for the case that trains: θ's gradient of a scalar, which nobody differentiates
// again. So it records nothing. Each built-in op has its rule a second time, on bare slices
// (interface raw), giving the same bits as the recorded rule; the recorded rule stays the one that
// defines the derivative, and a test compares the two for every op. An op without a raw rule is
// recorded and released.
//
// Three things make it fast. Cotangents live in buffers that are recycled as soon as their node is
// done, so the working set is a few activations wide. An elementwise rule writes over its own
// cotangent. And what belongs to a parameter is added straight into the caller's gradient: a matrix
// product goes on with the chains of multiply-adds that it finds there, so that a batch cut in
// chunks of rows gives the bits of the batch in one piece.

// raw is an op's rule on bare slices.
type raw[F simd.Float] interface {
	// grad sets dst to gᵀ·∂y/∂xᵢ.
	grad(t *Tape[F], n *node[F], i int, dst, g []F)
	// inPlace says whether dst may be g, should they be of one length.
	inPlace() bool
}

// adder is a raw op that can add to dst rather than set it.
type adder[F simd.Float] interface {
	// gradAdd adds gᵀ·∂y/∂xᵢ to dst and reports whether it could.
	gradAdd(t *Tape[F], n *node[F], i int, dst, g []F) bool
}

// paired is a raw op of two operands that can find both cotangents at once.
type paired[F simd.Float] interface {
	// gradBoth sets dst to the cotangent of the first operand, and h, which is y's, to that of the second.
	gradBoth(t *Tape[F], n *node[F], dst, h []F)
}

// elementwise and bulk are embedded in ops to say whether grad may write over its cotangent, chains in
// bulk ops whose grad gives the bits of clearing dst and gradAdd.
type elementwise struct{}
type bulk struct{}
type chains struct{ bulk }

func (elementwise) inPlace() bool { return true }
func (bulk) inPlace() bool        { return false }
func (chains) setsChains()        {}

type chained interface{ setsChains() }

// reverse is Backward's workspace, kept by the tape.
type reverse[F simd.Float] struct {
	cot  [][]F // by node: its cotangent so far, nil if none
	grad []F
	mem  arena[F]
	free [40][][]F // spare buffers by the bit length of their capacity in grains
	busy bool

	// For BackwardInto. Where a parameter is still blank grad holds whatever it held before.
	setting bool
	blank   []bool   // by slot
	holes   [][2]int // of θ between the slots; nil if not known
	overlap bool     // of slots
	known   int      // the slots that holes and overlap are of
}

// take returns a buffer of n elements, not cleared.
func (r *reverse[F]) take(n int) []F {
	m := (n + grain - 1) / grain
	class := bits.Len(uint(m))
	for c := class; c <= class+1 && c < len(r.free); c++ {
		l := r.free[c]
		for i := len(l) - 1; i >= 0; i-- {
			if cap(l[i]) >= n {
				b := l[i]
				l[i] = l[len(l)-1]
				r.free[c] = l[:len(l)-1]
				return b[:n]
			}
		}
	}
	return r.mem.alloc(n)
}

// give returns a buffer of take.
func (r *reverse[F]) give(b []F) {
	class := bits.Len(uint(cap(b) / grain))
	r.free[class] = append(r.free[class], b)
}

// Backward adds ∂loss/∂θ to grad, which has θ's length. loss is a scalar.
//
// It leaves the tape as it finds it, and allocates nothing once a pass of this size was made.
func (t *Tape[F]) Backward(loss Var[F], grad []F) {
	n := loss.node("Backward")
	if loss.t != t {
		misuse("Backward", whyForeign)
	}
	if len(n.data) != 1 {
		badOne("Backward", "the loss is not a scalar", n.shape)
	}
	seed := t.rev.take(1)
	seed[0] = 1
	t.backward("Backward", loss, seed, grad, false)
}

// BackwardFrom adds gᵀ·∂y/∂θ to grad, which has θ's length. g has y's shape.
func (t *Tape[F]) BackwardFrom(y Var[F], g Tensor[F], grad []F) {
	t.backwardFrom("BackwardFrom", y, g, grad, false)
}

// BackwardInto sets grad to gᵀ·∂y/∂θ, with the bits of clearing it and BackwardFrom. It saves the clearing
// and, with large weights, much of the time that sums take in memory.
func (t *Tape[F]) BackwardInto(y Var[F], g Tensor[F], grad []F) {
	t.backwardFrom("BackwardInto", y, g, grad, true)
}

func (t *Tape[F]) backwardFrom(op string, y Var[F], g Tensor[F], grad []F, set bool) {
	n := y.node(op)
	if y.t != t {
		misuse(op, whyForeign)
	}
	g.check(op)
	if n.shape != g.Shape {
		badPair(op, "a value and its cotangent differ in shape", n.shape, g.Shape)
	}
	seed := t.rev.take(len(g.Data))
	copy(seed, g.Data)
	t.backward(op, y, seed, grad, set)
}

// blanks makes all parameters blank and clears the rest of grad, or all of it if parameters overlap.
func (t *Tape[F]) blanks(grad []F) {
	r := &t.rev
	if r.known != len(t.slots) || r.holes == nil {
		r.known, r.overlap, r.holes = len(t.slots), false, [][2]int{}
		byOffset := make([]Param, len(t.slots))
		for i, s := range t.slots {
			byOffset[i] = s.p
		}
		slices.SortFunc(byOffset, func(a, b Param) int { return a.Off - b.Off })
		at := 0
		for _, p := range append(byOffset, Param{Off: len(grad)}) {
			r.overlap = r.overlap || p.Off < at
			if p.Off > at {
				r.holes = append(r.holes, [2]int{at, p.Off})
			}
			at = max(at, p.Off+p.Shape.Len())
		}
	}
	if r.overlap {
		clear(grad)
		return
	}
	for _, h := range r.holes {
		clear(grad[h[0]:h[1]])
	}
	r.blank = r.blank[:0]
	for range t.slots {
		r.blank = append(r.blank, true)
	}
	r.setting = true
}

// settle clears what is still blank.
func (t *Tape[F]) settle(grad []F) {
	r := &t.rev
	if !r.setting {
		return
	}
	for i, blank := range r.blank {
		if blank {
			p := t.slots[i].p
			clear(grad[p.Off : p.Off+p.Shape.Len()])
		}
	}
	r.setting = false
}

// into returns where the gradient of parameter x gathers. It may be blank only for a caller who sets all
// of it.
func (t *Tape[F]) into(x *node[F], sets bool) (d []F, blank bool) {
	r := &t.rev
	i := int(x.ints)
	p := t.slots[i].p
	d = r.grad[p.Off : p.Off+len(x.data)]
	if !r.setting {
		return d, false
	}
	if i >= len(r.blank) { // a parameter that nobody knew of when the sweep began
		t.settle(r.grad)
		return d, false
	}
	blank = r.blank[i]
	r.blank[i] = false
	if blank && !sets {
		clear(d)
		blank = false
	}
	return d, blank
}

func (t *Tape[F]) backward(op string, y Var[F], seed, grad []F, set bool) {
	r := &t.rev
	if len(grad) != len(t.theta) {
		misuse(op, fmt.Sprintf("the gradient has length %d, θ %d", len(grad), len(t.theta)))
	}
	if r.busy {
		misuse(op, "called while it runs on this tape")
	}
	r.busy, r.grad = true, grad
	if set {
		t.blanks(grad)
	}
	m := t.Mark()
	if t.nodes[y.id].theta {
		t.seed(y.id, seed)
		t.sweep(y.id, 0)
	}
	if len(t.nodes) > m.node {
		t.Release(m)
	}
	t.settle(grad)
	r.busy, r.grad = false, nil
	r.mem.at, r.mem.off = 0, 0
	for i := range r.free {
		r.free[i] = r.free[i][:0]
	}
}

func (t *Tape[F]) seed(id int32, g []F) {
	r := &t.rev
	for len(r.cot) <= int(id) {
		r.cot = append(r.cot, nil)
	}
	r.cot[id] = g
}

// sweep hands on the cotangents of the nodes hi down to lo.
func (t *Tape[F]) sweep(hi, lo int32) {
	r := &t.rev
	for id := hi; id >= lo; id-- {
		g := r.cot[id]
		if g == nil {
			continue
		}
		r.cot[id] = nil
		n := &t.nodes[id]
		switch {
		case n.kind == isParam:
			d, _ := t.into(n, false)
			t.plus(d, d, g)
		case n.kind == isTracked:
			d := t.tracked[n.ints]
			t.plus(d, d, g)
		case n.raw != nil:
			if t.raw(n.raw, n, g) {
				continue
			}
		case n.op != nil:
			t.replay(id, g)
		}
		r.give(g)
	}
}

// raw applies a raw rule to all operands of n and reports whether g's buffer lives on as the
// cotangent of one of them.
func (t *Tape[F]) raw(op raw[F], n *node[F], g []F) (moved bool) {
	r := &t.rev
	if n.pair {
		if a, b := n.in[0], n.in[1]; t.flows(a) && t.flows(b) {
			d := r.take(len(g))
			op.(paired[F]).gradBoth(t, n, d, g)
			if c := r.cot[a]; c != nil {
				t.plus(c, c, d)
				r.give(d)
			} else {
				r.cot[a] = d
			}
			if c := r.cot[b]; c != nil {
				t.plus(c, c, g)
				return false
			}
			r.cot[b] = g
			return true
		}
	}
	last := -1
	for i := range int(n.nin) {
		if t.nodes[t.arg(n, i)].theta {
			last = i
		}
	}
	for i := 0; i <= last; i++ {
		a := t.arg(n, i)
		x := &t.nodes[a]
		if !x.theta {
			continue
		}
		if x.kind == isParam {
			if d, blank := t.into(x, n.sets); blank {
				op.grad(t, n, i, d, g)
			} else {
				t.add(n, i, d, g)
			}
			continue
		}
		if c := r.cot[a]; c != nil {
			t.add(n, i, c, g)
			continue
		}
		if i == last && len(x.data) == len(g) && op.inPlace() {
			op.grad(t, n, i, g, g)
			r.cot[a] = g
			return true
		}
		d := r.take(len(x.data))
		op.grad(t, n, i, d, g)
		r.cot[a] = d
	}
	return false
}

// flows reports whether node a wants a cotangent of its own, not one that goes into θ's gradient.
func (t *Tape[F]) flows(a int32) bool { return t.nodes[a].theta && t.nodes[a].kind != isParam }

// add adds operand i's share to what has gathered in dst.
func (t *Tape[F]) add(n *node[F], i int, dst, g []F) {
	if n.adds != nil && n.adds.gradAdd(t, n, i, dst, g) {
		return
	}
	d := t.rev.take(len(dst))
	n.raw.grad(t, n, i, d, g)
	t.plus(dst, dst, d)
	t.rev.give(d)
}

// replay applies an op's recorded rule and forgets what it recorded.
func (t *Tape[F]) replay(id int32, g []F) {
	m := t.Mark()
	op, nin := t.nodes[id].op, int(t.nodes[id].nin)
	gv := t.leaf(t.nodes[id].shape, g, isConst)
	if all, ok := op.(replayer[F]); ok {
		all.replay(t, id, gv)
		t.Release(m)
		return
	}
	for i := range nin {
		a := t.arg(&t.nodes[id], i)
		if !t.nodes[a].theta {
			continue
		}
		if d := op.VJP(t.at(id), gv, i); d.t != nil {
			x := &t.nodes[a]
			if nd := d.node(op.Name()); nd.shape != x.shape {
				badPair(op.Name(), fmt.Sprintf("VJP of operand %d has another shape than the operand", i), x.shape, nd.shape)
			}
			t.gather(a, t.nodes[d.id].data)
		}
	}
	t.Release(m)
}

// replayer is an op that has its own way to be replayed.
type replayer[F simd.Float] interface {
	replay(t *Tape[F], id int32, g Var[F])
}

// gather adds d to the cotangent of node a.
func (t *Tape[F]) gather(a int32, d []F) {
	r, x := &t.rev, &t.nodes[a]
	switch {
	case x.kind == isParam:
		c, _ := t.into(x, false)
		t.plus(c, c, d)
	case r.cot[a] != nil:
		t.plus(r.cot[a], r.cot[a], d)
	default:
		c := r.take(len(d))
		copy(c, d)
		r.cot[a] = c
	}
}
