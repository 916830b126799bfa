package autograd

import (
	"fmt"
	"math"
	"strings"
)

// MaxRank is the largest number of axes. Shape is an array so that it needs no allocation
// and compares with ==.
const MaxRank = 8

// Shape is a tensor's extents, outermost first. The zero Shape is a scalar's.
type Shape struct {
	n uint8
	d [MaxRank]int32
	_ [3]int32 // 48 bytes are copied in pieces of 16; the last of 36 would overlap the one before and wait for it
}

// Dims returns the shape with the given extents. It panics if there are more than MaxRank of
// them or one is negative.
func Dims(d ...int) Shape {
	var s Shape
	if len(d) > MaxRank {
		panic(&ShapeError{Op: "Dims", Want: fmt.Sprintf("%d extents, at most %d", len(d), MaxRank)})
	}
	for i, v := range d {
		if v < 0 || v > math.MaxInt32 {
			panic(&ShapeError{Op: "Dims", Want: fmt.Sprintf("extent %d is %d", i, v)})
		}
		s.d[i] = int32(v)
	}
	s.n = uint8(len(d))
	return s
}

// Rank returns the number of axes.
func (s Shape) Rank() int { return int(s.n) }

// Dim returns the extent of axis i; a negative i counts from the end. It panics if there is no
// such axis.
func (s Shape) Dim(i int) int {
	j := i
	if j < 0 {
		j += int(s.n)
	}
	if j < 0 || j >= int(s.n) {
		panic(&ShapeError{Op: "Dim", Want: fmt.Sprintf("axis %d does not exist", i), Got: []Shape{s}})
	}
	return int(s.d[j])
}

// Len returns the number of elements, 1 for a scalar.
func (s Shape) Len() int {
	n := 1
	for i := range int(s.n) {
		n *= int(s.d[i])
	}
	return n
}

// With returns s with axis i (negative: from the end) of extent n.
func (s Shape) With(i, n int) Shape {
	s.d[s.axis("With", i)] = int32(n)
	return s
}

// Append returns s with further axes behind.
func (s Shape) Append(d ...int) Shape {
	if int(s.n)+len(d) > MaxRank {
		panic(&ShapeError{Op: "Append", Want: fmt.Sprintf("rank %d, at most %d", int(s.n)+len(d), MaxRank), Got: []Shape{s}})
	}
	for _, v := range d {
		s.d[s.n] = int32(v)
		s.n++
	}
	return s
}

// String writes the extents as in "[64 3]".
func (s Shape) String() string {
	var b strings.Builder
	b.WriteByte('[')
	for i := range int(s.n) {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprint(&b, s.d[i])
	}
	b.WriteByte(']')
	return b.String()
}

// axis resolves a possibly negative axis, panicking in the name of op.
func (s Shape) axis(op string, i int) int {
	j := i
	if j < 0 {
		j += int(s.n)
	}
	if j < 0 || j >= int(s.n) {
		badAxis(op, i, s)
	}
	return j
}

func badAxis(op string, i int, s Shape) {
	panic(&ShapeError{Op: op, Want: fmt.Sprintf("axis %d does not exist", i), Got: []Shape{s}})
}

// lift returns s with leading axes of extent 1 up to rank n.
func (s Shape) lift(n int) Shape {
	r := int(s.n)
	if r >= n {
		return s
	}
	var q Shape
	q.n = uint8(n)
	for i := range n - r {
		q.d[i] = 1
	}
	copy(q.d[n-r:], s.d[:r])
	return q
}

// head and tail cut s before axis i.
func (s Shape) head(i int) Shape {
	var q Shape
	q.n = uint8(i)
	copy(q.d[:i], s.d[:i])
	return q
}

func (s Shape) tail(i int) Shape {
	var q Shape
	q.n = s.n - uint8(i)
	copy(q.d[:q.n], s.d[i:s.n])
	return q
}

// outerInner returns the numbers of elements before and behind axis i.
func (s Shape) outerInner(i int) (outer, inner int) {
	outer, inner = 1, 1
	for j := range i {
		outer *= int(s.d[j])
	}
	for j := i + 1; j < int(s.n); j++ {
		inner *= int(s.d[j])
	}
	return outer, inner
}
