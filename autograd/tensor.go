package autograd

import (
	"fmt"

	"pushforward/simd"
)

// Tensor is a dense row-major array outside any tape. It is a view: copying it shares Data.
type Tensor[F simd.Float] struct {
	Shape Shape
	Data  []F
}

// NewTensor returns a tensor of zeros. Without extents it is a scalar.
func NewTensor[F simd.Float](dims ...int) Tensor[F] {
	s := Dims(dims...)
	return Tensor[F]{s, make([]F, s.Len())}
}

// FromRows returns the matrix with the given rows, copied. It panics if they differ in length.
func FromRows[F simd.Float](rows [][]F) Tensor[F] {
	n := 0
	if len(rows) > 0 {
		n = len(rows[0])
	}
	x := NewTensor[F](len(rows), n)
	for i, r := range rows {
		if len(r) != n {
			badShape("FromRows", fmt.Sprintf("row %d has %d elements, row 0 has %d", i, len(r), n))
		}
		copy(x.Row(i), r)
	}
	return x
}

// FromSlice views data as a tensor with the given extents; without extents as a vector. It panics
// if their product is not len(data).
func FromSlice[F simd.Float](data []F, dims ...int) Tensor[F] {
	if len(dims) == 0 {
		return Tensor[F]{Dims(len(data)), data}
	}
	s := Dims(dims...)
	if s.Len() != len(data) {
		badOne("FromSlice", fmt.Sprintf("the shape has %d elements, the slice %d", s.Len(), len(data)), s)
	}
	return Tensor[F]{s, data}
}

// Rows returns the extent of the leading axis, 1 for a scalar.
func (x Tensor[F]) Rows() int {
	if x.Shape.n == 0 {
		return 1
	}
	return int(x.Shape.d[0])
}

// Row returns the i-th of the leading axis, a view.
func (x Tensor[F]) Row(i int) []F {
	n := x.rowLen()
	return x.Data[i*n : (i+1)*n : (i+1)*n]
}

func (x Tensor[F]) rowLen() int {
	if x.Shape.n == 0 {
		return 1
	}
	return x.Shape.tail(1).Len()
}

// Slice returns rows lo to hi of the leading axis, a view.
func (x Tensor[F]) Slice(lo, hi int) Tensor[F] {
	if x.Shape.n == 0 || lo < 0 || hi < lo || hi > int(x.Shape.d[0]) {
		badOne("Tensor.Slice", fmt.Sprintf("no rows %d to %d", lo, hi), x.Shape)
	}
	n := x.rowLen()
	return Tensor[F]{x.Shape.With(0, hi-lo), x.Data[lo*n : hi*n : hi*n]}
}

// Reshape returns a view with other extents of the same product; one extent may be -1, to be
// inferred.
func (x Tensor[F]) Reshape(dims ...int) Tensor[F] {
	return Tensor[F]{inferDims("Tensor.Reshape", x.Shape, dims), x.Data}
}

// inferDims returns Dims(dims...) with one -1 replaced so that the number of elements is s's.
func inferDims(op string, s Shape, dims []int) Shape {
	var d [MaxRank]int
	if len(dims) > MaxRank {
		badOne(op, fmt.Sprintf("rank %d, at most %d", len(dims), MaxRank), s)
	}
	hole, prod := -1, 1
	for i, v := range dims {
		d[i] = v
		if v == -1 && hole < 0 {
			hole = i
		} else {
			prod *= v
		}
	}
	if hole >= 0 && prod > 0 {
		d[hole] = s.Len() / prod
	}
	q := Dims(d[:len(dims)]...)
	if q.Len() != s.Len() {
		badPair(op, fmt.Sprintf("%d elements do not fill %d", s.Len(), q.Len()), s, q)
	}
	return q
}

// check panics unless x has as many elements as its shape says.
func (x Tensor[F]) check(op string) {
	if len(x.Data) != x.Shape.Len() {
		badOne(op, fmt.Sprintf("the shape has %d elements, Data %d", x.Shape.Len(), len(x.Data)), x.Shape)
	}
}

// Param is the place of one named array in the flat parameter vector θ.
type Param struct {
	Off   int
	Shape Shape
}
