package autograd

import (
	"fmt"

	"pushforward/simd"
)

// Trace returns the [B, 1] column of divergences Σᵢ ∂vᵢ/∂xᵢ of a row-wise field v(x),
// exactly, at the price of one VJP for each of x's D columns.
func Trace[F simd.Float](v, x Var[F]) Var[F] {
	t, s := field("Trace", v, x)
	rows, dim := int(s.d[0]), int(s.d[1])
	if dim == 0 {
		return t.Zeros(Dims(rows, 1))
	}
	var one [1]Var[F]
	var sum Var[F]
	for j := range dim {
		e := t.Zeros(s)
		d := t.nodes[e.id].data
		for i := j; i < len(d); i += dim {
			d[i] = 1
		}
		g := VJP(one[:0], v, e, x)[0].Slice(1, j, j+1)
		if j == 0 {
			sum = g
		} else {
			sum = sum.Add(g)
		}
	}
	return sum
}

// Hutchinson estimates Trace without bias as the mean over probes of ε·(∂v/∂x)ᵀε, at one
// VJP a probe. Each probe is [B, D] with E[εεᵀ] = I.
func Hutchinson[F simd.Float](v, x Var[F], probes ...Var[F]) Var[F] {
	_, s := field("Hutchinson", v, x)
	if len(probes) == 0 {
		misuse("Hutchinson", "no probes")
	}
	var one [1]Var[F]
	var sum Var[F]
	for i, e := range probes {
		if e.node("Hutchinson").shape != s {
			badPair("Hutchinson", fmt.Sprintf("probe %d has another shape than x", i), s, e.Shape())
		}
		g := VJP(one[:0], v, e, x)[0].Mul(e).SumAxis(1)
		if i == 0 {
			sum = g
		} else {
			sum = sum.Add(g)
		}
	}
	if len(probes) > 1 {
		sum = sum.Scale(1 / float64(len(probes)))
	}
	return sum
}

// field checks that v is a row-wise field of x.
func field[F simd.Float](op string, v, x Var[F]) (*Tape[F], Shape) {
	nv, nx := pair(op, v, x)
	if nv.shape != nx.shape || nx.shape.n != 2 {
		badPair(op, "want v and x of one shape [B D]", nv.shape, nx.shape)
	}
	return x.t, nx.shape
}

// Jacobian returns the matrix ∂yᵢ/∂xⱼ, [y.Len() x.Len()], recorded, at one VJP for each element of
// y: for small ones.
func Jacobian[F simd.Float](y, x Var[F]) Var[F] {
	ny, nx := pair("Jacobian", y, x)
	t, ys, m, n := y.t, ny.shape, len(ny.data), len(nx.data)
	rows := make([]Var[F], m)
	var one [1]Var[F]
	for i := range rows {
		e := t.Zeros(ys)
		t.nodes[e.id].data[i] = 1
		rows[i] = VJP(one[:0], y, e, x)[0].Reshape(Dims(1, n))
	}
	if m == 0 {
		return t.Zeros(Dims(0, n))
	}
	return Concat(0, rows...)
}
