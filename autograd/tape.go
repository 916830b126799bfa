package autograd

import (
	"fmt"
	"iter"
	"math"

	"pushforward/simd"
)

// Tape records operations in the order they run. All the memory it hands out comes from
// slabs it owns and reuses: after the first pass of a given size a tape allocates nothing.
//
// A tape belongs to one goroutine. Many tapes may read one θ.
type Tape[F simd.Float] struct {
	theta []F
	k     *simd.Kernels[F]
	packs simd.Packs[F]

	nodes []node[F]
	args  []int32 // operands beyond a node's first three
	ints  []int32 // the whole numbers of ApplyInts
	mem   arena[F]
	gen   uint32

	slots  []slot[F] // the parameters ever asked for
	index  map[Param]int32
	cursor int // where the next Param is looked for first

	// The slopes of activations that were recorded while there was an Input, which VJP may be asked to differentiate by.
	slopes []slopes[F]
	inputs int // one more than the index of the first Input, 0 if there is none

	tracked [][]F // where Backward adds the cotangents of the inputs of Track

	work []int32 // VJP's table of cotangents, a stack of windows
	rev  reverse[F]
}

// slopes are the first and the second derivative of an elementwise function at some node's value.
type slopes[F simd.Float] struct{ p, q []F }

// slot is a parameter and what the tape keeps about it between passes.
type slot[F simd.Float] struct {
	p   Param
	id  int32 // its node, if that is still there and of this generation
	gen uint32
	// Copies of a matrix in the order of products, kept until ThetaChanged: its transpose for few rows, and both
	// forms packed for many.
	wt, pt, pw kept[F]
}

// kept is a copy that is good until ThetaChanged.
type kept[F simd.Float] struct {
	data []F
	mat  simd.Mat[F]
	ok   bool
}

// node is one recorded value. It holds no pointer to another node: operands are indices.
type node[F simd.Float] struct {
	op    Op[F]    // nil for a leaf
	raw   raw[F]   // op, if it has a rule on slices
	adds  adder[F] // op, if that rule can add
	data  []F
	shape Shape
	gen   uint32
	in    [3]int32 // the first operands
	nin   int32
	ext   int32 // where the operands from the fourth on start in args
	ints  int32 // where its whole numbers start
	nints int32
	kind  uint8
	theta bool    // depends on θ
	pair  bool    // op is paired
	sets  bool    // op is chained
	s, s2 float64 // settings of a built-in op, which saves boxing the 2 of Scale(2)
}

const (
	recorded = iota // by Apply
	isConst
	isInput
	isParam // ints is its slot
	isDetach
	isTracked // ints is its place in tracked
)

// NewTape returns an empty tape whose parameters are read from theta, which may be nil.
func NewTape[F simd.Float](theta []F) *Tape[F] {
	return &Tape[F]{theta: theta, k: simd.Best[F](), gen: 1}
}

// Theta returns the parameter vector the tape reads, not a copy.
func (t *Tape[F]) Theta() []F { return t.theta }

// ThetaChanged tells the tape that the values of θ were changed in place. It drops the copies
// of weights that the tape keeps between passes. Reset does not.
func (t *Tape[F]) ThetaChanged() {
	for i := range t.slots {
		s := &t.slots[i]
		s.wt.ok, s.pt.ok, s.pw.ok = false, false, false
	}
}

// Mark is a point on a tape.
type Mark struct{ node, slab, off, args, ints, slopes int }

// Mark returns the present end of the tape.
func (t *Tape[F]) Mark() Mark {
	return Mark{len(t.nodes), t.mem.at, t.mem.off, len(t.args), len(t.ints), len(t.slopes)}
}

// Release forgets everything recorded after m. Using a forgotten Var panics.
func (t *Tape[F]) Release(m Mark) {
	if m.node > len(t.nodes) {
		misuse("Release", fmt.Sprintf("the mark is at value %d, the tape ends at %d: it was released already", m.node, len(t.nodes)))
	}
	t.nodes = t.nodes[:m.node]
	t.args = t.args[:m.args]
	t.ints = t.ints[:m.ints]
	t.slopes = t.slopes[:m.slopes]
	if t.inputs > m.node {
		t.inputs = 0
	}
	t.mem.at, t.mem.off = m.slab, m.off
	t.gen++
	t.cursor = 0
}

// Reset forgets everything, and what a Backward left behind that an op's panic cut short.
func (t *Tape[F]) Reset() {
	t.Release(Mark{})
	t.tracked = t.tracked[:0]
	if t.rev.busy {
		t.rev = reverse[F]{}
		t.work = t.work[:0]
	}
}

// Const puts x on the tape as data. x.Data is borrowed, not copied: it must not change before the
// tape forgets it.
func (t *Tape[F]) Const(x Tensor[F]) Var[F] {
	x.check("Const")
	return t.leaf(x.Shape, x.Data, isConst)
}

// Input puts x on the tape as a variable that VJP can differentiate by. x.Data is borrowed.
func (t *Tape[F]) Input(x Tensor[F]) Var[F] {
	x.check("Input")
	if t.inputs == 0 {
		t.inputs = len(t.nodes) + 1
	}
	return t.leaf(x.Shape, x.Data, isInput)
}

// Track is Input whose cotangent Backward and BackwardFrom add to grad, of x's length, in the sweep in which they
// find θ's gradient. What is made of it counts as depending on θ.
func (t *Tape[F]) Track(x Tensor[F], grad []F) Var[F] {
	x.check("Track")
	if len(grad) != len(x.Data) {
		misuse("Track", fmt.Sprintf("the gradient has length %d, the input %d", len(grad), len(x.Data)))
	}
	v := t.leaf(x.Shape, x.Data, isTracked)
	t.nodes[v.id].theta, t.nodes[v.id].ints = true, int32(len(t.tracked))
	t.tracked = append(t.tracked, grad)
	return v
}

// Scalar puts a number on the tape as data.
func (t *Tape[F]) Scalar(a F) Var[F] { return t.Full(Shape{}, a) }

// Full puts a tensor on the tape whose elements are all a.
func (t *Tape[F]) Full(s Shape, a F) Var[F] {
	d := t.mem.alloc(s.Len())
	fill(d, a)
	return t.leaf(s, d, isConst)
}

// Zeros puts a tensor of zeros on the tape, as data.
func (t *Tape[F]) Zeros(s Shape) Var[F] {
	d := t.mem.alloc(s.Len())
	clear(d)
	return t.leaf(s, d, isConst)
}

// Alloc puts a tensor on the tape as data whose elements the caller fills in: they are whatever
// the memory held before. It is how a batch is built without an allocation.
func (t *Tape[F]) Alloc(s Shape) Var[F] { return t.leaf(s, t.mem.alloc(s.Len()), isConst) }

// Param returns p's part of θ. Asking twice gives the same Var.
func (t *Tape[F]) Param(p Param) Var[F] {
	i := t.slot(p)
	s := &t.slots[i]
	if int(s.id) < len(t.nodes) && t.nodes[s.id].gen == s.gen {
		return Var[F]{t, s.id, s.gen}
	}
	v := t.leaf(p.Shape, t.theta[p.Off:p.Off+p.Shape.Len()], isParam)
	t.nodes[v.id].ints = int32(i)
	t.nodes[v.id].theta = true
	s.id, s.gen = v.id, v.gen
	return v
}

// slot finds p's slot. Layers ask in the same order in each pass, so the one after the last is
// looked at first.
func (t *Tape[F]) slot(p Param) int {
	if t.cursor < len(t.slots) && t.slots[t.cursor].p == p {
		t.cursor++
		return t.cursor - 1
	}
	if i, ok := t.index[p]; ok {
		t.cursor = int(i) + 1
		return int(i)
	}
	if p.Off < 0 || p.Off+p.Shape.Len() > len(t.theta) {
		misuse("Param", fmt.Sprintf("%v at offset %d does not lie in a θ of length %d", p.Shape, p.Off, len(t.theta)))
	}
	if t.index == nil {
		t.index = map[Param]int32{}
	}
	t.index[p] = int32(len(t.slots))
	t.slots = append(t.slots, slot[F]{p: p, id: math.MaxInt32})
	t.cursor = len(t.slots)
	return len(t.slots) - 1
}

// NonFinite returns the first Var recorded whose value holds a NaN or an infinity.
func (t *Tape[F]) NonFinite() (x Var[F], found bool) {
	for i := range t.nodes {
		for _, v := range t.nodes[i].data {
			if v-v != 0 {
				return Var[F]{t, int32(i), t.nodes[i].gen}, true
			}
		}
	}
	return Var[F]{}, false
}

// Len returns the number of values on the tape.
func (t *Tape[F]) Len() int { return len(t.nodes) }

func (t *Tape[F]) leaf(s Shape, data []F, kind uint8) Var[F] {
	t.nodes = append(t.nodes, node[F]{data: data, shape: s, gen: t.gen, kind: kind})
	return Var[F]{t, int32(len(t.nodes) - 1), t.gen}
}

func fill[F simd.Float](d []F, a F) {
	for i := range d {
		d[i] = a
	}
}

// All yields the values on the tape in the order they were recorded.
func (t *Tape[F]) All() iter.Seq[Var[F]] {
	return func(yield func(Var[F]) bool) {
		for i := 0; i < len(t.nodes); i++ {
			if !yield(t.at(int32(i))) {
				return
			}
		}
	}
}
