package autograd

import (
	"pushforward/simd"
)

// Broadcasting is NumPy's with one right taken away; the package comment has the rule. Here are its
// parts: join finds the common shape, expandInto stretches an operand, sumInto is the transpose of
// that and sums back.

// join returns the common shape of two operands of op.
func join(op string, x, y Shape) Shape {
	if x == y {
		return x
	}
	z, why := common(x, y)
	if why != "" {
		badPair(op, why, x, y)
	}
	return z
}

// common returns the shape that x and y stretch to, or why there is none.
func common(x, y Shape) (z Shape, why string) {
	n := max(x.n, y.n)
	a, b := x.lift(int(n)), y.lift(int(n))
	z = a
	for i := range int(n) {
		switch {
		case a.d[i] == b.d[i], b.d[i] == 1:
		case a.d[i] == 1:
			z.d[i] = b.d[i]
		default:
			return z, "extents differ and neither is 1"
		}
	}
	if x.n != y.n && z != x && z != y {
		return z, "ranks differ and both would stretch, to " + z.String() + "; write Expand if that is meant"
	}
	return z, ""
}

// fits reports whether x stretches to z.
func fits(x, z Shape) bool {
	if x.n > z.n {
		return false
	}
	k := z.n - x.n
	for i := range x.n {
		if x.d[i] != 1 && x.d[i] != z.d[k+i] {
			return false
		}
	}
	return true
}

// How an operand meets the result of a broadcast.
const (
	whole   = iota // same shape, up to axes of extent 1
	single         // one element
	row            // the result's last axes: the same row for all
	column         // axes in the middle: one number per row, the numbers over again for the axes before
	general        // anything else
)

// layout says how x meets z, which it fits, and the length of a row if it is a row or a column.
func layout(x, z Shape) (kind, n int) {
	xl, zl := x.Len(), z.Len()
	switch xl {
	case zl:
		return whole, zl
	case 1:
		return single, zl
	}
	x = x.lift(int(z.n))
	// The last axes agree and all before have extent 1: a row.
	i, n := int(z.n), 1
	for i > 0 && x.d[i-1] == z.d[i-1] {
		i--
		n *= int(z.d[i])
	}
	if n == xl {
		return row, n
	}
	// Axes that agree, with extents of 1 before and behind: a column, repeated.
	i, n = int(z.n), 1
	for i > 0 && x.d[i-1] == 1 {
		i--
		n *= int(z.d[i])
	}
	m := 1
	for i > 0 && x.d[i-1] == z.d[i-1] {
		i--
		m *= int(z.d[i])
	}
	if m == xl {
		return column, n
	}
	return general, 0
}

// expandInto sets dst, of shape z, to x stretched.
func expandInto[F simd.Float](dst []F, z Shape, x []F, xs Shape) {
	if len(dst) == 0 {
		return
	}
	switch kind, n := layout(xs, z); kind {
	case whole:
		copy(dst, x)
	case single:
		fill(dst, x[0])
	case row:
		for i := 0; i < len(dst); i += n {
			copy(dst[i:i+n], x)
		}
	case column:
		if n < tiny {
			at := 0
			for at < len(dst) {
				for _, v := range x {
					for range n {
						dst[at] = v
						at++
					}
				}
			}
			return
		}
		for i := 0; i < len(dst); i += n * len(x) {
			for j, v := range x {
				fill(dst[i+j*n:i+(j+1)*n], v)
			}
		}
	default:
		xs = xs.lift(int(z.n))
		expandAxis(dst, z, x, xs, 0)
	}
}

// expandAxis stretches from axis i on: dst and x are one element of the axes before.
func expandAxis[F simd.Float](dst []F, z Shape, x []F, xs Shape, i int) {
	if i == int(z.n) {
		dst[0] = x[0]
		return
	}
	dn, xn := len(dst)/int(z.d[i]), len(x)/int(xs.d[i])
	if i == int(z.n)-1 {
		if xs.d[i] == z.d[i] {
			copy(dst, x)
		} else {
			fill(dst, x[0])
		}
		return
	}
	if xs.d[i] == z.d[i] {
		for j := range int(z.d[i]) {
			expandAxis(dst[j*dn:(j+1)*dn], z, x[j*xn:(j+1)*xn], xs, i+1)
		}
		return
	}
	expandAxis(dst[:dn], z, x, xs, i+1)
	for j := 1; j < int(z.d[i]); j++ {
		copy(dst[j*dn:(j+1)*dn], dst[:dn])
	}
}

// sumInto sets dst, of shape zs, to the sum of x over the axes that zs lacks or has with extent 1.
// Sums over the last axes are Kernels.Sum, gathered in float64; sums over others run in increasing
// order of the index, as Kernels.AddRows does.
func sumInto[F simd.Float](t *Tape[F], dst []F, zs Shape, x []F, xs Shape) {
	sumAligned(t, dst, zs.lift(int(xs.n)), x, xs)
}

func sumAligned[F simd.Float](t *Tape[F], dst []F, zs Shape, x []F, xs Shape) {
	if len(dst) == len(x) {
		copy(dst, x)
		return
	}
	if len(x) == 0 {
		clear(dst)
		return
	}
	if len(dst) == 1 {
		dst[0] = F(t.k.Sum(x))
		return
	}
	// The last axes, kept or summed over.
	i, n := int(xs.n), 1
	for i > 0 && zs.d[i-1] == xs.d[i-1] {
		i--
		n *= int(xs.d[i])
	}
	if n > 1 { // kept: now those before it, summed over
		j, m := i, 1
		for j > 0 && zs.d[j-1] == 1 {
			j--
			m *= int(xs.d[j])
		}
		blocks := len(x) / (m * n)
		out := dst
		hold := t.mem
		if blocks*n != len(dst) {
			out = t.mem.alloc(blocks * n)
		}
		clear(out)
		for b := range blocks {
			t.k.AddRows(out[b*n:(b+1)*n], x[b*m*n:(b+1)*m*n])
		}
		if blocks*n != len(dst) {
			for ; j < i; j++ {
				xs.d[j] = 1
			}
			sumAligned(t, dst, zs, out, xs)
			t.mem.at, t.mem.off = hold.at, hold.off
		}
		return
	}
	j, m := int(xs.n), 1
	for j > 0 && zs.d[j-1] == 1 {
		j--
		m *= int(xs.d[j])
	}
	blocks := len(x) / m
	out := dst
	hold := t.mem
	if blocks != len(dst) {
		out = t.mem.alloc(blocks)
	}
	if m == 2 {
		for b := range out {
			out[b] = F(float64(x[2*b]) + float64(x[2*b+1]) + 0) // the lanes begin at +0
		}
	} else {
		for b := range out {
			out[b] = F(t.sum(x[b*m : (b+1)*m]))
		}
	}
	if blocks != len(dst) {
		for ; j < int(xs.n); j++ {
			xs.d[j] = 1
		}
		sumAligned(t, dst, zs, out, xs)
		t.mem.at, t.mem.off = hold.at, hold.off
	}
}

// sumAdd adds to dst what sumInto would set it to, and reports whether it could go on with the sums
// where they stand in dst, so that a batch in chunks gives the bits of the batch in one piece. It can
// where the leading axes are summed over, as for a bias, a scale, or a bias per channel.
func (t *Tape[F]) sumAdd(dst []F, zs Shape, x []F, xs Shape) bool {
	zs = zs.lift(int(xs.n))
	if len(dst) < 2 || len(x) == 0 || len(dst) == len(x) {
		return false
	}
	end, m := int(xs.n), 1 // the last axes, summed over
	for end > 0 && zs.d[end-1] == 1 {
		end--
		m *= int(xs.d[end])
	}
	i, n := end, 1 // those before, kept
	for i > 0 && zs.d[i-1] == xs.d[i-1] {
		i--
		n *= int(xs.d[i])
	}
	if n != len(dst) {
		return false
	}
	if m == 1 {
		t.k.AddRows(dst, x)
		return true
	}
	d := t.rev.take(len(x) / m)
	for b := range d {
		d[b] = F(t.sum(x[b*m : (b+1)*m]))
	}
	t.k.AddRows(dst, d)
	t.rev.give(d)
	return true
}
