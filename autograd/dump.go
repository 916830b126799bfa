package autograd

import (
	"fmt"
	"io"
	"unsafe"

	"pushforward/simd"
)

// Dump writes the tape to w for reading, one line a value: its number, the op, the numbers of the
// operands, the shape and the bytes it takes on the tape, and at the end what the tape holds in all.
// A value that shares another's memory, or borrows the caller's, takes none.
//
//	0 Input               [4 3]           borrowed
//	1 Param               [5 3]           borrowed
//	2 MatMul(0 1)         [4 5]           80 B
func (t *Tape[F]) Dump(w io.Writer) error {
	var size = int(unsafe.Sizeof(F(0)))
	total := 0
	for i := range t.nodes {
		n := &t.nodes[i]
		what := n.name()
		if n.nin > 0 {
			what += "("
			for j := range int(n.nin) {
				if j > 0 {
					what += " "
				}
				what += fmt.Sprint(t.arg(n, j))
			}
			what += ")"
		}
		mem := fmt.Sprintf("%d B", len(n.data)*size)
		switch {
		case n.kind == isDetach || t.shares(n):
			mem = "shared"
		case !t.mem.owns(n.data):
			mem = "borrowed"
		default:
			total += len(n.data) * size
		}
		if _, err := fmt.Fprintf(w, "%5d %-24s %-16v %s\n", i, what, n.shape, mem); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%d values, %d B; slabs %d B, for cotangents %d B\n", len(t.nodes), total, t.mem.elems()*size, t.rev.mem.elems()*size)
	return err
}

// shares reports whether n lies in the memory of its operand.
func (t *Tape[F]) shares(n *node[F]) bool {
	return n.nin == 1 && len(n.data) > 0 && overlaps(n.data, t.nodes[n.in[0]].data)
}

// owns reports whether x lies in one of the slabs.
func (a *arena[F]) owns(x []F) bool {
	for _, s := range a.slabs {
		if overlaps(x, s) {
			return true
		}
	}
	return len(x) == 0
}

// overlaps reports whether x begins inside y.
func overlaps[F simd.Float](x, y []F) bool {
	if len(x) == 0 || len(y) == 0 {
		return false
	}
	p, q := uintptr(unsafe.Pointer(&x[0])), uintptr(unsafe.Pointer(&y[0]))
	return p >= q && p < q+uintptr(len(y))*unsafe.Sizeof(y[0])
}
