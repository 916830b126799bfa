package simd

import "math"

// gemmGeneric is the product in plain Go: what every strip must equal, and what runs where
// there is no assembly. c is not transposed, a and b may be.
//
// Rows of C are chains side by side, so the innermost loop runs along a row of C and of B. Four
// links of each chain are done at a time to save loads and stores of C.
func gemmGeneric[F Float](p *Packs[F], c, a, b Mat[F], from start, bias []F) {
	n, k := c.Cols, a.Cols
	if b.Trans {
		bt := grow(&p.b, k*n)
		transposeGeneric(bt, n, b.Data, b.Stride, n, k)
		b = Dense(bt, k, n)
	}
	ars, aks := a.strides()
	for i := range c.Rows {
		row := c.Data[i*c.Stride:][:n]
		switch from {
		case fromZero:
			clear(row)
		case fromBias:
			copy(row, bias)
		}
		switch row := any(row).(type) {
		case []float32:
			chains32(row, any(a.Data[i*ars:]).([]float32), aks, any(b.Data).([]float32), b.Stride, k)
		case []float64:
			chains64(row, any(a.Data[i*ars:]).([]float64), aks, any(b.Data).([]float64), b.Stride, k)
		}
	}
}

// chains64 continues the chains of one row of C:
//
//	for p := range k {
//		for j := range c {
//			c[j] = fma(a[p·aks], b[p·ldb+j], c[j])
//		}
//	}
func chains64(c, a []float64, aks int, b []float64, ldb, k int) {
	n, p := len(c), 0
	for ; p+4 <= k; p += 4 {
		a0, a1, a2, a3 := a[p*aks], a[(p+1)*aks], a[(p+2)*aks], a[(p+3)*aks]
		b0, b1, b2, b3 := b[p*ldb:][:n], b[(p+1)*ldb:][:n], b[(p+2)*ldb:][:n], b[(p+3)*ldb:][:n]
		for j, v := range c {
			v = math.FMA(a0, b0[j], v)
			v = math.FMA(a1, b1[j], v)
			v = math.FMA(a2, b2[j], v)
			c[j] = math.FMA(a3, b3[j], v)
		}
	}
	for ; p < k; p++ {
		a0, b0 := a[p*aks], b[p*ldb:][:n]
		for j, v := range c {
			c[j] = math.FMA(a0, b0[j], v)
		}
	}
}

// chains32 is chains64 for float32.
func chains32(c, a []float32, aks int, b []float32, ldb, k int) {
	n, p := len(c), 0
	for ; p+4 <= k; p += 4 {
		a0, a1, a2, a3 := a[p*aks], a[(p+1)*aks], a[(p+2)*aks], a[(p+3)*aks]
		b0, b1, b2, b3 := b[p*ldb:][:n], b[(p+1)*ldb:][:n], b[(p+2)*ldb:][:n], b[(p+3)*ldb:][:n]
		for j, v := range c {
			v = link32(a0, b0[j], v)
			v = link32(a1, b1[j], v)
			v = link32(a2, b2[j], v)
			c[j] = link32(a3, b3[j], v)
		}
	}
	for ; p < k; p++ {
		a0, b0 := a[p*aks], b[p*ldb:][:n]
		for j, v := range c {
			c[j] = link32(a0, b0[j], v)
		}
	}
}

// link32 is FMA32 in a form that the compiler inlines. The product is exact in float64, so the
// sum rounded to float64 and then to float32 is right unless the first rounding landed half-way
// between two float32, or below the normal numbers, where such ways lie closer.
func link32(a, b, c float32) float32 {
	p := float64(a) * float64(b)
	s := p + float64(c)
	if u := math.Float64bits(s); u<<35 == 1<<63 || u<<1 < 897<<53 {
		return link32Slow(p, s, c)
	}
	return float32(s)
}

// link32Slow returns p + c rounded once to float32, where s is p + c rounded to float64: it
// rounds s to odd, after which rounding again is harmless.
func link32Slow(p, s float64, c float32) float32 {
	t := s - p
	e := (p - (s - t)) + (float64(c) - t) // s + e = p + c
	if u := math.Float64bits(s); e != 0 && u&1 == 0 {
		if (e > 0) == (s > 0) {
			u++
		} else {
			u--
		}
		s = math.Float64frombits(u)
	}
	return float32(s)
}

func transposeGeneric[F Float](dst []F, ldd int, src []F, lds, rows, cols int) {
	for i := range rows {
		for j, v := range src[i*lds:][:cols] {
			dst[j*ldd+i] = v
		}
	}
}
