//go:build (amd64 || arm64) && !purego

package simd

import (
	"runtime"
	"unsafe"
)

// The stubs of a tier's elementwise assembly. They see whole vectors only: n is a positive multiple of the
// vector's length. k is the table of constants, or the scalars of the kernel.
type (
	stub1[F Float] func(dst, x *F, n int, k *F)
	stub2[F Float] func(dst, x, y *F, n int, k *F)
	stub3[F Float] func(dst, x, y, z *F, n int, k *F)
	stub4[F Float] func(dst, x, y, z, w *F, n int, k *F)
)

// stubs are the kernels that a tier has in assembly.
type stubs[F Float] struct {
	exp, log, sqrt, tanh, erf, sin, cos                stub1[F]
	sigmoid, silu, gelu, geluTanh, selu, elu, softplus stub1[F]
	scale, shift                                       stub1[F]

	tanhGrad, sigmoidGrad, siluGrad, geluGrad, geluTanhGrad, seluGrad, eluGrad stub2[F]
	add, sub, mul, div, axpy                                                   stub2[F]

	mulAdd, mulPlus, adam stub3[F]

	// These write to dst and z.
	siluGradGrad, tanhGradGrad, seluGradGrad stub3[F]
	mulGradGrad                              stub4[F]
	// This one writes to dst, y and z.
	siluSlopes stub3[F]

	// maxBits puts into the vector at dst the largest upper 32 bits of |x|, as integers, lane by lane.
	maxBits stub1[F]

	// dot, sum and sumSq continue the 32 lanes at dst; n is a multiple of 32.
	dot        stub2[F]
	sum, sumSq func(dst *float64, x *F, n int, k *F)

	// boxMuller makes n normal numbers of whole groups of words.
	boxMuller func(dst *F, x *uint32, n int, k *F)

	// combine reads m ≥ 1 slopes at k, with their coefficients as a table at c.
	combine func(dst, y, h *F, n int, c *F, k **F, m int)
	// addRow and addRows do the first n columns, whole vectors, of rows that are stride apart.
	addRow  func(dst, x, row *F, n, rows, stride int)
	addRows func(dst, x *F, n, rows, stride int)
}

// assembly makes kernels of stubs: it checks lengths, cuts long slices, and gives tails the room of a vector.
type assembly[F Float] struct {
	stubs[F]
	width  int // elements of a vector
	copies int // of a constant in the table
	table  []F

	// chunk is the number of elements an assembly call may see. Go cannot stop a goroutine inside assembly, so a
	// call must be short: the slowest kernels take about 50 µs for so many.
	chunk int
}

// room is the widest vector, in elements.
const room = 16

func newAssembly[F Float](width, copies int, s stubs[F]) *assembly[F] {
	a := &assembly[F]{stubs: s, width: width, copies: copies, chunk: 2048 * width}
	for _, c := range tableOf[F]() {
		for range copies {
			a.table = append(a.table, c)
		}
	}
	return a
}

// hide returns p, without the compiler's knowing: the room for a tail may stay on the stack although its
// address goes through a function value. No stub keeps a pointer. What is hidden must be used, or kept alive,
// after the call.
//
//go:noescape
func hide(p unsafe.Pointer) unsafe.Pointer

// into puts the kernels into k.
func (a *assembly[F]) into(k *Kernels[F]) {
	k.Add = a.map2("Add", a.add)
	k.Sub = a.map2("Sub", a.sub)
	k.Mul = a.map2("Mul", a.mul)
	k.Div = a.map2("Div", a.div)
	k.Scale = a.scalar("Scale", a.scale)
	k.Shift = a.scalar("Shift", a.shift)
	k.Axpy = a.kernelAxpy
	k.MulAdd = a.map3("MulAdd", a.mulAdd)
	k.MulPlus = a.map3("MulPlus", a.mulPlus)
	k.Combine = a.kernelCombine

	k.Dot = a.kernelDot
	k.Sum = a.reduce(a.sum)
	k.SumSq = a.reduce(a.sumSq)
	k.AddRow = a.kernelAddRow
	k.AddRows = a.kernelAddRows

	k.Exp = a.map1("Exp", a.exp)
	k.Log = a.map1("Log", a.log)
	k.Sqrt = a.map1("Sqrt", a.sqrt)
	k.Tanh = a.map1("Tanh", a.tanh)
	k.Erf = a.map1("Erf", a.erf)
	k.Sin = a.wave(k.Sin, a.map1("Sin", a.sin))
	k.Cos = a.wave(k.Cos, a.map1("Cos", a.cos))

	k.Sigmoid = a.map1("Sigmoid", a.sigmoid)
	k.SiLU = a.map1("SiLU", a.silu)
	k.GELU = a.map1("GELU", a.gelu)
	k.GELUTanh = a.map1("GELUTanh", a.geluTanh)
	k.SELU = a.map1("SELU", a.selu)
	k.ELU = a.map1("ELU", a.elu)
	k.Softplus = a.map1("Softplus", a.softplus)

	k.TanhGrad = a.map2("TanhGrad", a.tanhGrad)
	k.SigmoidGrad = a.map2("SigmoidGrad", a.sigmoidGrad)
	k.SiLUGrad = a.map2("SiLUGrad", a.siluGrad)
	k.GELUGrad = a.map2("GELUGrad", a.geluGrad)
	k.GELUTanhGrad = a.map2("GELUTanhGrad", a.geluTanhGrad)
	k.SELUGrad = a.map2("SELUGrad", a.seluGrad)
	k.ELUGrad = a.map2("ELUGrad", a.eluGrad)

	k.SiLUGradGrad = a.both("SiLUGradGrad", a.siluGradGrad)
	k.SELUGradGrad = a.both("SELUGradGrad", a.seluGradGrad)
	k.TanhGradGrad = a.both("TanhGradGrad", a.tanhGradGrad)

	k.SiLUSlopes = a.slopes("SiLUSlopes", a.siluSlopes)
	k.MulGradGrad = a.kernelMulGradGrad

	k.Adam = a.kernelAdam
	k.Normal = a.kernelNormal
}

// whole returns the part of n elements that is whole vectors.
func (a *assembly[F]) whole(n int) int { return n &^ (a.width - 1) }

// map1 makes a kernel of one argument.
func (a *assembly[F]) map1(name string, f stub1[F]) func(dst, x []F) {
	k := &a.table[0]
	return func(dst, x []F) {
		if len(dst) != len(x) {
			equal(name, len(dst), len(x))
		}
		a.run1(f, dst, x, k)
	}
}

func (a *assembly[F]) run1(f stub1[F], dst, x []F, k *F) {
	n := a.whole(len(x))
	for i := 0; more(i, n); i += a.chunk {
		f(&dst[i], &x[i], min(a.chunk, n-i), k)
	}
	if n < len(x) {
		var tail [2][room]F
		t := (*[2][room]F)(hide(unsafe.Pointer(&tail)))
		copy(t[1][:], x[n:])
		f(&t[0][0], &t[1][0], a.width, k)
		copy(dst[n:], t[0][:])
	}
}

// map2 makes a kernel of two arguments.
func (a *assembly[F]) map2(name string, f stub2[F]) func(dst, x, y []F) {
	k := &a.table[0]
	return func(dst, x, y []F) {
		if len(dst) != len(x) || len(dst) != len(y) {
			equal(name, len(dst), len(x), len(y))
		}
		a.run2(f, dst, x, y, k)
	}
}

func (a *assembly[F]) run2(f stub2[F], dst, x, y []F, k *F) {
	n := a.whole(len(x))
	for i := 0; more(i, n); i += a.chunk {
		f(&dst[i], &x[i], &y[i], min(a.chunk, n-i), k)
	}
	if n < len(x) {
		var tail [3][room]F
		t := (*[3][room]F)(hide(unsafe.Pointer(&tail)))
		copy(t[1][:], x[n:])
		copy(t[2][:], y[n:])
		f(&t[0][0], &t[1][0], &t[2][0], a.width, k)
		copy(dst[n:], t[0][:])
	}
}

// map3 makes a kernel of three arguments.
func (a *assembly[F]) map3(name string, f stub3[F]) func(dst, x, y, z []F) {
	k := &a.table[0]
	return func(dst, x, y, z []F) {
		equal(name, len(dst), len(x), len(y), len(z))
		n := a.whole(len(x))
		for i := 0; more(i, n); i += a.chunk {
			f(&dst[i], &x[i], &y[i], &z[i], min(a.chunk, n-i), k)
		}
		if n < len(x) {
			var tail [4][room]F
			t := (*[4][room]F)(hide(unsafe.Pointer(&tail)))
			copy(t[1][:], x[n:])
			copy(t[2][:], y[n:])
			copy(t[3][:], z[n:])
			f(&t[0][0], &t[1][0], &t[2][0], &t[3][0], a.width, k)
			copy(dst[n:], t[0][:])
		}
	}
}

// both makes a kernel of three arguments that writes to dst and to the third.
func (a *assembly[F]) both(name string, f stub3[F]) func(dst, x, g, h []F) {
	k := &a.table[0]
	return func(dst, x, g, h []F) {
		equal(name, len(dst), len(x), len(g), len(h))
		n := a.whole(len(x))
		for i := 0; more(i, n); i += a.chunk {
			f(&dst[i], &x[i], &g[i], &h[i], min(a.chunk, n-i), k)
		}
		if n < len(x) {
			var tail [4][room]F
			t := (*[4][room]F)(hide(unsafe.Pointer(&tail)))
			copy(t[1][:], x[n:])
			copy(t[2][:], g[n:])
			copy(t[3][:], h[n:])
			f(&t[0][0], &t[1][0], &t[2][0], &t[3][0], a.width, k)
			copy(dst[n:], t[0][:])
			copy(h[n:], t[3][:])
		}
	}
}

// slopes makes a kernel of one argument that writes to dst, p and q.
func (a *assembly[F]) slopes(name string, f stub3[F]) func(dst, x, p, q []F) {
	k := &a.table[0]
	return func(dst, x, p, q []F) {
		equal(name, len(dst), len(x), len(p), len(q))
		n := a.whole(len(x))
		for i := 0; more(i, n); i += a.chunk {
			f(&dst[i], &x[i], &p[i], &q[i], min(a.chunk, n-i), k)
		}
		if n < len(x) {
			var tail [4][room]F
			t := (*[4][room]F)(hide(unsafe.Pointer(&tail)))
			copy(t[1][:], x[n:])
			f(&t[0][0], &t[1][0], &t[2][0], &t[3][0], a.width, k)
			copy(dst[n:], t[0][:])
			copy(p[n:], t[2][:])
			copy(q[n:], t[3][:])
		}
	}
}

func (a *assembly[F]) kernelMulGradGrad(dst, q, g, h, p []F) {
	equal("MulGradGrad", len(dst), len(q), len(g), len(h), len(p))
	k := &a.table[0]
	n := a.whole(len(q))
	for i := 0; more(i, n); i += a.chunk {
		a.mulGradGrad(&dst[i], &q[i], &g[i], &h[i], &p[i], min(a.chunk, n-i), k)
	}
	if n < len(q) {
		var tail [5][room]F
		t := (*[5][room]F)(hide(unsafe.Pointer(&tail)))
		copy(t[1][:], q[n:])
		copy(t[2][:], g[n:])
		copy(t[3][:], h[n:])
		copy(t[4][:], p[n:])
		a.mulGradGrad(&t[0][0], &t[1][0], &t[2][0], &t[3][0], &t[4][0], a.width, k)
		copy(dst[n:], t[0][:])
		copy(h[n:], t[3][:])
	}
}

// scalars is room for the scalars of Adam, each as often as the tier's table holds a constant.
type scalars[F Float] [5 * room]F

// broadcast puts s into k, each number copies times, and returns k as a table.
func broadcast[F Float](k []F, copies int, s ...F) *F {
	for i, v := range s {
		for j := range copies {
			k[i*copies+j] = v
		}
	}
	return &k[0]
}

// scalar makes a kernel of one argument and a scalar.
func (a *assembly[F]) scalar(name string, f stub1[F]) func(dst []F, s F, x []F) {
	return func(dst []F, s F, x []F) {
		if len(dst) != len(x) {
			equal(name, len(dst), len(x))
		}
		var k [room]F
		t := (*[room]F)(hide(unsafe.Pointer(&k)))
		a.run1(f, dst, x, broadcast(t[:], a.copies, s))
		runtime.KeepAlive(&k)
	}
}

func (a *assembly[F]) kernelAxpy(dst []F, s F, x []F) {
	if len(dst) != len(x) {
		equal("Axpy", len(dst), len(x))
	}
	var k [room]F
	t := (*[room]F)(hide(unsafe.Pointer(&k)))
	a.run2(a.axpy, dst, x, dst, broadcast(t[:], a.copies, s))
	runtime.KeepAlive(&k)
}

// wave makes a kernel of sine or cosine: the assembly where all arguments are small enough for it, the plain
// Go of large otherwise. A block is a few hundred elements, so that one large argument spoils little.
func (a *assembly[F]) wave(large, small func(dst, x []F)) func(dst, x []F) {
	const block = 512
	limit := uint32(toBits(sinLimit[F]()) >> (top[F]() - 31))
	return func(dst, x []F) {
		equal("Sin or Cos", len(dst), len(x))
		for len(x) > 0 {
			n := min(block, len(x))
			if a.largest(x[:n]) < limit {
				small(dst[:n], x[:n])
			} else {
				large(dst[:n], x[:n])
			}
			dst, x = dst[n:], x[n:]
		}
	}
}

// largest returns the largest upper 32 bits of |x|.
func (a *assembly[F]) largest(x []F) (m uint32) {
	shift := top[F]() - 31
	n := a.whole(len(x))
	if n > 0 {
		var most [room]F
		t := (*[room]F)(hide(unsafe.Pointer(&most)))
		a.maxBits(&t[0], &x[0], n, &a.table[0])
		for _, v := range t[:a.width] {
			m = max(m, uint32(toBits(v)>>shift))
		}
	}
	for _, v := range x[n:] {
		m = max(m, uint32(toBits(v)>>shift)&(1<<31-1))
	}
	return m
}

func (a *assembly[F]) kernelAdam(w, m, v, g []F, c AdamCoeffs) {
	equal("Adam", len(w), len(m), len(v), len(g))
	var k scalars[F]
	s := adamScalars[F](c)
	p := broadcast((*scalars[F])(hide(unsafe.Pointer(&k)))[:], a.copies, s[:]...)
	n := a.whole(len(w))
	for i := 0; more(i, n); i += a.chunk {
		a.adam(&w[i], &m[i], &v[i], &g[i], min(a.chunk, n-i), p)
	}
	if n < len(w) {
		var tail [4][room]F
		t := (*[4][room]F)(hide(unsafe.Pointer(&tail)))
		for i, s := range [4][]F{w, m, v, g} {
			copy(t[i][:], s[n:])
		}
		a.adam(&t[0][0], &t[1][0], &t[2][0], &t[3][0], a.width, p)
		copy(w[n:], t[0][:])
		copy(m[n:], t[1][:])
		copy(v[n:], t[2][:])
	}
	runtime.KeepAlive(&k)
}

func (a *assembly[F]) kernelNormal(dst []F, w []uint32) {
	checkNormal(dst, w)
	words := 1 // of a number
	if !is32[F]() {
		words = 2
	}
	for i := 0; more(i, len(dst)); i += a.chunk / 2 {
		a.boxMuller(&dst[i], &w[words*i], min(a.chunk/2, len(dst)-i), &a.table[0])
	}
}
