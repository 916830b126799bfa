package simd

// newGeneric returns the tier in plain Go. It is the specification of every other: one reads it first,
// and the tests compare the others with it for equal bits. It runs where there is no assembly.
func newGeneric[F Float]() *Kernels[F] {
	f := newFunctions[F]()
	return &Kernels[F]{
		Level: Generic,

		Add:     each2("Add", func(x, y F) F { return x + y }),
		Sub:     each2("Sub", func(x, y F) F { return x - y }),
		Mul:     each2("Mul", func(x, y F) F { return x * y }),
		Div:     each2("Div", func(x, y F) F { return x / y }),
		Scale:   scaleGeneric[F],
		Shift:   shiftGeneric[F],
		Axpy:    axpyGeneric[F],
		MulAdd:  mulAddGeneric[F],
		Combine: combineGeneric[F],

		Dot:     dotGeneric[F],
		Sum:     sumGeneric[F],
		SumSq:   sumSqGeneric[F],
		AddRows: addRowsGeneric[F],
		AddRow:  addRowGeneric[F],

		Exp:  each1("Exp", f.exp),
		Log:  each1("Log", f.log),
		Sqrt: each1("Sqrt", f.sqrt),
		Tanh: each1("Tanh", f.tanh),
		Erf:  each1("Erf", f.erf),
		Sin:  each1("Sin", f.sin),
		Cos:  each1("Cos", f.cos),

		Sigmoid:  each1("Sigmoid", f.sigmoid),
		SiLU:     each1("SiLU", f.silu),
		GELU:     each1("GELU", f.gelu),
		GELUTanh: each1("GELUTanh", f.geluTanh),
		SELU:     each1("SELU", f.selu),
		ELU:      each1("ELU", f.elu),
		Softplus: each1("Softplus", f.softplus),

		TanhGrad:     each2("TanhGrad", f.tanhGrad),
		SigmoidGrad:  each2("SigmoidGrad", f.sigmoidGrad),
		SiLUGrad:     each2("SiLUGrad", f.siluGrad),
		GELUGrad:     each2("GELUGrad", f.geluGrad),
		GELUTanhGrad: each2("GELUTanhGrad", f.geluTanhGrad),
		SELUGrad:     each2("SELUGrad", f.seluGrad),
		ELUGrad:      each2("ELUGrad", f.eluGrad),

		SiLUGradGrad: eachBoth("SiLUGradGrad", f.siluGradGrad),
		SELUGradGrad: eachBoth("SELUGradGrad", f.seluGradGrad),
		TanhGradGrad: eachBoth("TanhGradGrad", f.tanhGradGrad),

		SiLUSlopes:  eachSlopes("SiLUSlopes", f.siluSlopes),
		MulGradGrad: mulGradGradGeneric[F],
		MulPlus:     mulPlusGeneric[F],

		Adam:      adamGeneric[F],
		Transpose: transposeChecked[F],

		Philox: philoxGeneric,
		Normal: normalGeneric[F],

		LeastTwo: leastTwoGeneric[F],
		Relax:    relaxGeneric[F],
		SqDist:   sqDistGeneric[F],
	}
}

// each1 returns the kernel that applies f to every element.
func each1[F Float](name string, f func(F) F) func(dst, x []F) {
	return func(dst, x []F) {
		equal(name, len(dst), len(x))
		for i, v := range x {
			dst[i] = f(v)
		}
	}
}

// each2 returns the kernel that applies f to every pair.
func each2[F Float](name string, f func(x, y F) F) func(dst, x, y []F) {
	return func(dst, x, y []F) {
		equal(name, len(dst), len(x), len(y))
		for i, v := range x {
			dst[i] = f(v, y[i])
		}
	}
}

func scaleGeneric[F Float](dst []F, a F, x []F) {
	equal("Scale", len(dst), len(x))
	for i, v := range x {
		dst[i] = a * v
	}
}

func shiftGeneric[F Float](dst []F, a F, x []F) {
	equal("Shift", len(dst), len(x))
	for i, v := range x {
		dst[i] = v + a
	}
}

func axpyGeneric[F Float](dst []F, a F, x []F) {
	equal("Axpy", len(dst), len(x))
	for i, v := range x {
		dst[i] = FMA(a, v, dst[i])
	}
}

// eachBoth returns the kernel that puts the first result of f to dst, the second to h.
func eachBoth[F Float](name string, f func(x, g, h F) (F, F)) func(dst, x, g, h []F) {
	return func(dst, x, g, h []F) {
		equal(name, len(dst), len(x), len(g), len(h))
		for i, v := range x {
			dst[i], h[i] = f(v, g[i], h[i])
		}
	}
}

// eachSlopes returns the kernel that puts f's three results to dst, p and q.
func eachSlopes[F Float](name string, f func(x F) (y, p, q F)) func(dst, x, p, q []F) {
	return func(dst, x, p, q []F) {
		equal(name, len(dst), len(x), len(p), len(q))
		for i, v := range x {
			dst[i], p[i], q[i] = f(v)
		}
	}
}

func mulGradGradGeneric[F Float](dst, q, g, h, p []F) {
	equal("MulGradGrad", len(dst), len(q), len(g), len(h), len(p))
	for i, v := range q {
		dst[i], h[i] = F(h[i]*g[i])*v, h[i]*p[i]
	}
}

func mulPlusGeneric[F Float](dst, x, y, z []F) {
	equal("MulPlus", len(dst), len(x), len(y), len(z))
	for i, v := range x {
		dst[i] = F(v*y[i]) + z[i]
	}
}

func mulAddGeneric[F Float](dst, x, y, z []F) {
	equal("MulAdd", len(dst), len(x), len(y), len(z))
	for i, v := range x {
		dst[i] = FMA(v, y[i], z[i])
	}
}

func combineGeneric[F Float](dst, y, h []F, c []F, k [][]F) {
	checkCombine(dst, y, h, c, k)
	for i, v := range y {
		var s F
		for j, cj := range c {
			s = FMA(cj, k[j][i], s)
		}
		dst[i] = FMA(h[i], s, v)
	}
}

func checkCombine[F Float](dst, y, h []F, c []F, k [][]F) {
	equal("Combine: coefficients and slopes", len(c), len(k))
	equal("Combine", len(dst), len(y), len(h))
	for _, kj := range k {
		equal("Combine: a slope", len(dst), len(kj))
	}
}

// lanes is the number of partial sums of a reduction: 2 registers of AVX-512, 4 of AVX2, 8 of NEON in
// float32. Lane l takes the elements i ≡ l mod 32 in increasing order, starting from +0; elements that are
// missing from the last 32 count as +0. Then lane l takes lane l+16, l+8, … l+1.
const lanes = 32

// tree adds the lanes.
func tree[F Float](s *[lanes]F) F {
	for w := lanes / 2; w > 0; w /= 2 {
		for l := range w {
			s[l] += s[l+w]
		}
	}
	return s[0]
}

// padded returns the 32 elements of x from i on, +0 for those that are missing.
func padded[F Float](x []F, i int) (p [lanes]F) {
	copy(p[:], x[i:])
	return p
}

func dotGeneric[F Float](x, y []F) F {
	equal("Dot", len(x), len(y))
	var s [lanes]F
	for i := 0; i < len(x); i += lanes {
		p, q := padded(x, i), padded(y, i)
		for l := range s {
			s[l] = FMA(p[l], q[l], s[l])
		}
	}
	return tree(&s)
}

func sumGeneric[F Float](x []F) float64 {
	var s [lanes]float64
	for i := 0; i < len(x); i += lanes {
		for l, v := range padded(x, i) {
			s[l] += float64(v)
		}
	}
	return tree(&s)
}

func sumSqGeneric[F Float](x []F) float64 {
	var s [lanes]float64
	for i := 0; i < len(x); i += lanes {
		for l, v := range padded(x, i) {
			s[l] = FMA(float64(v), float64(v), s[l])
		}
	}
	return tree(&s)
}

func addRowsGeneric[F Float](dst, x []F) {
	n := checkRows("AddRows", len(x), len(dst))
	for i := 0; i < len(x); i += n {
		for j, v := range x[i:][:n] {
			dst[j] += v
		}
	}
}

func addRowGeneric[F Float](dst, x, row []F) {
	equal("AddRow", len(dst), len(x))
	n := checkRows("AddRow", len(x), len(row))
	for i := 0; i < len(x); i += n {
		for j, v := range row {
			dst[i+j] = x[i+j] + v
		}
	}
}

// adamScalars are AdamCoeffs as the kernels use them, rounded to F once.
func adamScalars[F Float](c AdamCoeffs) (s [5]F) {
	return [5]F{F(1 - c.Beta1), F(1 - c.Beta2), F(c.Step), F(c.Eps), F(c.Decay)}
}

func adamGeneric[F Float](w, m, v, g []F, c AdamCoeffs) {
	equal("Adam", len(w), len(m), len(v), len(g))
	f := newFunctions[F]()
	s := adamScalars[F](c)
	b1, b2, step, eps, decay := s[0], s[1], s[2], s[3], s[4]
	for i, gi := range g {
		mi := FMA(b1, gi-m[i], m[i])
		vi := FMA(b2, FMA(gi, gi, -v[i]), v[i])
		wi := FMA(-decay, w[i], w[i])
		m[i], v[i] = mi, vi
		w[i] = FMA(-step, mi/(f.sqrt(vi)+eps), wi)
	}
}

func transposeChecked[F Float](dst, src []F, rows, cols int) {
	checkTranspose(dst, src, rows, cols)
	transposeGeneric(dst, src, rows, cols, rows, cols)
}
