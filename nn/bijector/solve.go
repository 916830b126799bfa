package bijector

import (
	"pushforward/autograd"
	"pushforward/simd"
)

// solveOp solves a triangular system for each row: the rows x of the result have T·x = y, or
// Tᵀ·x = y, for the rows y of the first operand and the triangle T of the second, the other half
// of which is not read. Its whole numbers are which half (upper) and whether T is transposed.
//
// With h the solution of the transposed system for the cotangent g, the derivatives are h by y
// and -h·xᵀ by T (x·hᵀ if T is transposed), summed over rows and cut to the triangle.
type solveOp[F simd.Float] struct{}

func solve[F simd.Float](y, tri autograd.Var[F], upper, trans int32) autograd.Var[F] {
	return autograd.ApplyInts(autograd.Op[F](solveOp[F]{}), y.Shape(), []int32{upper, trans}, y, tri)
}

func (solveOp[F]) Name() string { return "TriangularSolve" }

func (solveOp[F]) Forward(x autograd.Var[F]) {
	v := x.Ints()
	n, tri := x.Shape().Dim(1), x.In(1).Value().Data
	step, over := n, 1 // from one equation to the next, and from one unknown to the next
	if v[1] == 1 {
		step, over = 1, n
	}
	dst := x.Value().Data
	copy(dst, x.In(0).Value().Data)
	for r := 0; r < len(dst); r += n {
		row := dst[r : r+n]
		if v[0] == v[1] { // forward substitution
			for i := range row {
				a := row[i]
				for j := range i {
					a -= F(tri[i*step+j*over] * row[j])
				}
				row[i] = a / tri[i*(n+1)]
			}
			continue
		}
		for i := n - 1; i >= 0; i-- {
			a := row[i]
			for j := i + 1; j < n; j++ {
				a -= F(tri[i*step+j*over] * row[j])
			}
			row[i] = a / tri[i*(n+1)]
		}
	}
}

func (solveOp[F]) VJP(x, g autograd.Var[F], i int) autograd.Var[F] {
	v := x.Ints()
	upper, trans := v[0], v[1]
	h := solve(g, x.In(1), upper, 1-trans)
	if i == 0 {
		return h
	}
	if trans == 1 {
		h, x = x, h
	}
	d := h.TMatMul(x).Neg()
	mask := d.Tape().Alloc(d.Shape())
	triangle(mask.Value().Data, d.Shape().Dim(0), upper == 1, true)
	return d.Mul(mask)
}

// triangle fills m [n, n] with ones in its lower or upper half, the diagonal among them if diag.
func triangle[F simd.Float](m []F, n int, upper, diag bool) {
	clear(m)
	for i := range n {
		for j := range n {
			if i == j && diag || i != j && (j > i) == upper {
				m[i*n+j] = 1
			}
		}
	}
}
