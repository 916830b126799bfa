package autograd

import (
	"fmt"

	"pushforward/simd"
)

// matmulOp is every product of matrices: C[o] = Σ op(A[b])·op(B[b]) over the batch indices b that
// fall on o, where op transposes or not, the batch axes of A and B stretch to each other, and those
// axes along which the result has extent 1 are summed over. Summing belongs in the product since the
// gradient of a stretched operand is of that kind: it is one chain of multiply-adds, in the order of
// the batch, and needs no memory for the single products.
//
// The derivatives are products of this kind again:
//
//	∂A = G·op(B)ᵀ, or op(B)·Gᵀ where A is transposed
//	∂B = op(A)ᵀ·G, or Gᵀ·op(A) where B is transposed
type matmulOp[F simd.Float] struct{ chains }

const (
	transA = 1 << iota
	transB
)

// MatMul returns the product of the matrices in the last two axes, x [… m k] · y [… k n] = [… m n].
// The axes before stretch as in elementwise operations; a matrix without such axes meets every
// matrix of the other.
func (x Var[F]) MatMul(y Var[F]) Var[F] { return x.matmul("MatMul", y, 0) }

// MatMulT returns x·yᵀ, x [… m k], y [… n k]: a linear layer's product.
func (x Var[F]) MatMulT(y Var[F]) Var[F] { return x.matmul("MatMulT", y, transB) }

// TMatMul returns xᵀ·y, x [… k m], y [… k n].
func (x Var[F]) TMatMul(y Var[F]) Var[F] { return x.matmul("TMatMul", y, transA) }

func (x Var[F]) matmul(op string, y Var[F], trans int) Var[F] {
	nx, ny := pair(op, x, y)
	xs, ys := nx.shape, ny.shape
	if xs.n < 2 || ys.n < 2 {
		badPair(op, "an operand has fewer than two axes", xs, ys)
	}
	m, k := xs.d[xs.n-2], xs.d[xs.n-1]
	if trans&transA != 0 {
		m, k = k, m
	}
	k2, n := ys.d[ys.n-2], ys.d[ys.n-1]
	if trans&transB != 0 {
		k2, n = n, k2
	}
	if k != k2 {
		badPair(op, fmt.Sprintf("inner extents %d and %d differ", k, k2), xs, ys)
	}
	var z Shape
	switch {
	case ys.n == 2:
		z = xs
	case xs.n == 2:
		z = ys
	default:
		batch, why := common(xs.head(int(xs.n)-2), ys.head(int(ys.n)-2))
		if why != "" {
			badPair(op, why, xs, ys)
		}
		z = batch.Append(0, 0)
	}
	z.d[z.n-2], z.d[z.n-1] = m, n
	return x.product(y, trans, z)
}

// product records a product whose result has shape z, which may lack batch axes or have them with
// extent 1.
func (x Var[F]) product(y Var[F], trans int, z Shape) Var[F] {
	p := x.t.push(Op[F](matmulOp[F]{}), z)
	n := &p.t.nodes[p.id]
	n.in[0], n.in[1], n.nin, n.s = x.id, y.id, 2, float64(trans)
	n.theta = p.t.nodes[x.id].theta || p.t.nodes[y.id].theta
	matmulOp[F]{}.Forward(p)
	return p
}

func (matmulOp[F]) Name() string { return "MatMul" }

func (matmulOp[F]) Forward(z Var[F]) {
	t := z.t
	n, x, y := z.operands("MatMul")
	t.matmul(n.data, n.shape, x, y, int(n.s), false)
}

func (matmulOp[F]) VJP(z, g Var[F], i int) Var[F] {
	a, b, trans := z.In(0), z.In(1), int(z.node("MatMul").s)
	if i == 0 {
		return gradA(g, b, trans, a.Shape())
	}
	return gradB(g, a, trans, b.Shape())
}

func gradA[F simd.Float](g, b Var[F], trans int, s Shape) Var[F] {
	switch trans {
	case 0:
		return g.product(b, transB, s)
	case transB:
		return g.product(b, 0, s)
	case transA:
		return b.product(g, transB, s)
	}
	return b.product(g, transA|transB, s)
}

func gradB[F simd.Float](g, a Var[F], trans int, s Shape) Var[F] {
	switch trans {
	case 0:
		return a.product(g, transA, s)
	case transA:
		return a.product(g, 0, s)
	case transB:
		return g.product(a, transA, s)
	}
	return g.product(a, transA|transB, s)
}

func (op matmulOp[F]) grad(t *Tape[F], n *node[F], i int, dst, g []F) {
	t.matmulGrad(n, i, dst, g, false)
}

func (op matmulOp[F]) gradAdd(t *Tape[F], n *node[F], i int, dst, g []F) bool {
	t.matmulGrad(n, i, dst, g, true)
	return true
}

func (t *Tape[F]) matmulGrad(n *node[F], i int, dst, g []F, acc bool) {
	a, b := &t.nodes[n.in[0]], &t.nodes[n.in[1]]
	gn := node[F]{data: g, shape: n.shape}
	if i == 0 {
		switch int(n.s) {
		case 0:
			t.matmul(dst, a.shape, &gn, b, transB, acc)
		case transB:
			t.matmul(dst, a.shape, &gn, b, 0, acc)
		case transA:
			t.matmul(dst, a.shape, b, &gn, transB, acc)
		default:
			t.matmul(dst, a.shape, b, &gn, transA|transB, acc)
		}
		return
	}
	switch int(n.s) {
	case 0:
		t.matmul(dst, b.shape, a, &gn, transA, acc)
	case transA:
		t.matmul(dst, b.shape, a, &gn, 0, acc)
	case transB:
		t.matmul(dst, b.shape, &gn, a, transA, acc)
	default:
		t.matmul(dst, b.shape, &gn, a, transA|transB, acc)
	}
}

// matmul sets dst, of shape z, to the product, or adds it.
func (t *Tape[F]) matmul(dst []F, z Shape, x, y *node[F], trans int, acc bool) {
	if z.n != 2 || x.shape.n != 2 || y.shape.n != 2 || len(dst) == 0 || len(x.data) == 0 {
		t.matmulBatch(dst, z, x, y, trans, acc)
		return
	}
	a := simd.Dense(x.data, int(x.shape.d[0]), int(x.shape.d[1]))
	if trans&transA != 0 {
		a = a.T()
	}
	b := t.weight(y, int(y.shape.d[0]), int(y.shape.d[1]), trans&transB != 0, a.Rows)
	t.k.Gemm(&t.packs, simd.Dense(dst, int(z.d[0]), int(z.d[1])), a, b, acc)
}

// matmulBatch is matmul of any rank and of nothing.
func (t *Tape[F]) matmulBatch(dst []F, z Shape, x, y *node[F], trans int, acc bool) {
	xs, ys := x.shape, y.shape
	r0, c0 := int(xs.d[xs.n-2]), int(xs.d[xs.n-1])
	r1, c1 := int(ys.d[ys.n-2]), int(ys.d[ys.n-1])
	m, n := int(z.d[z.n-2]), int(z.d[z.n-1])
	if len(dst) == 0 {
		return
	}
	zb, xb, yb := len(dst)/(m*n), batches(xs), batches(ys)
	if xb == 0 || yb == 0 || r0*c0 == 0 || r1*c1 == 0 {
		if !acc {
			clear(dst)
		}
		return
	}
	switch {
	case yb == 1 && zb == xb && trans&transA == 0: // one y for all: the batch is more rows
		r0, m, zb, xb = r0*xb, m*xb, 1, 1
	case zb == 1 && trans&(transA|transB) == transA && xs.head(int(xs.n)-2) == ys.head(int(ys.n)-2): // a sum over the batch: a longer chain
		r0, r1, xb, yb = r0*xb, r1*yb, 1, 1
	}
	mat := func(d []F, r, c int, tr bool) simd.Mat[F] {
		q := simd.Dense(d, r, c)
		if tr {
			return q.T()
		}
		return q
	}
	if zb == 1 && xb == 1 && yb == 1 {
		a := mat(x.data, r0, c0, trans&transA != 0)
		t.k.Gemm(&t.packs, simd.Dense(dst, m, n), a, t.weight(y, r1, c1, trans&transB != 0, m), acc)
		return
	}
	// One product per index of the joint batch, in order; zi, xi, yi follow the index by strides.
	rank := int(max(xs.n, ys.n, z.n)) - 2
	xh, yh, zh := xs.head(int(xs.n)-2).lift(rank), ys.head(int(ys.n)-2).lift(rank), z.head(int(z.n)-2).lift(rank)
	var ext, at, xstep, ystep, zstep [MaxRank]int
	total, xw, yw, zw := 1, 1, 1, 1
	for i := rank - 1; i >= 0; i-- {
		ext[i] = int(max(xh.d[i], yh.d[i]))
		if xh.d[i] > 1 {
			xstep[i] = xw
		}
		if yh.d[i] > 1 {
			ystep[i] = yw
		}
		if zh.d[i] > 1 {
			zstep[i] = zw
		}
		xw, yw, zw = xw*int(xh.d[i]), yw*int(yh.d[i]), zw*int(zh.d[i])
		total *= ext[i]
	}
	if !acc && zw < total {
		clear(dst)
		acc = true
	}
	xi, yi, zi := 0, 0, 0
	for range total {
		t.k.Gemm(&t.packs, simd.Dense(dst[zi*m*n:(zi+1)*m*n], m, n),
			mat(x.data[xi*r0*c0:(xi+1)*r0*c0], r0, c0, trans&transA != 0),
			mat(y.data[yi*r1*c1:(yi+1)*r1*c1], r1, c1, trans&transB != 0), acc)
		for i := rank - 1; i >= 0; i-- {
			at[i]++
			xi, yi, zi = xi+xstep[i], yi+ystep[i], zi+zstep[i]
			if at[i] < ext[i] {
				break
			}
			xi, yi, zi = xi-ext[i]*xstep[i], yi-ext[i]*ystep[i], zi-ext[i]*zstep[i]
			at[i] = 0
		}
	}
}

// batches is the number of matrices in s.
func batches(s Shape) int { return s.head(int(s.n) - 2).Len() }

// weight returns the matrix w, or its transpose if trans is set, as the right side of a product with
// so many rows. Of a parameter it returns a copy in the order in which products read it, kept until ThetaChanged.
func (t *Tape[F]) weight(w *node[F], outs, ins int, trans bool, rows int) simd.Mat[F] {
	m := simd.Dense(w.data, outs, ins)
	if trans {
		m = m.T()
	}
	if w.kind != isParam {
		return m
	}
	s := &t.slots[w.ints]
	k := &s.pw
	switch {
	case rows >= packRows && len(w.data) > packSize && trans:
		k = &s.pt
	case rows >= packRows && len(w.data) > packSize:
	case trans:
		k = &s.wt
	default:
		return m
	}
	if k.ok {
		return k.mat
	}
	if k.data == nil {
		k.data = make([]F, len(w.data))
	}
	if k == &s.wt {
		k.mat = simd.Dense(k.data, ins, outs)
		t.k.Transpose(k.data, w.data, outs, ins)
	} else {
		k.mat = t.k.Pack(k.data, m)
	}
	k.ok = true
	return k.mat
}

// A product has its weights packed if they are so large that it would copy them, and meet so many rows.
const (
	packSize = 1 << 16
	packRows = 32
)
