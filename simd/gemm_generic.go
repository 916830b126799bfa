package simd

import "math"

// gemmGeneric is the product in plain Go: what every strip must equal, and what runs where
// there is no assembly. c is not transposed, a and b may be.
//
// Rows of C are chains side by side, so the innermost loop runs along a row of C and of B. Some
// links of each chain are done at a time to save loads and stores of C.
func gemmGeneric[F Float](p *Packs[F], c, a, b Mat[F], from start, bias []F) {
	n, k := c.Cols, a.Cols
	if b.Trans {
		bt := grow(&p.b, k*n)
		transposeGeneric(bt, b.Data, n, b.Stride, n, k)
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

// chains32 is chains64 for float32, with FMA32 taken apart so that its usual case is inline.
func chains32(c, a []float32, aks int, b []float32, ldb, k int) {
	n, p := len(c), 0
	for ; p+2 <= k; p += 2 {
		a0, a1 := a[p*aks], a[(p+1)*aks]
		b0, b1 := b[p*ldb:][:n], b[(p+1)*ldb:][:n]
		for j, v := range c {
			p0 := float64(a0) * float64(b0[j]) // exact
			if s := p0 + float64(v); sure(s) { // exact product: the same fused or not
				v = float32(s)
			} else {
				v = FMA32(a0, b0[j], v)
			}
			p1 := float64(a1) * float64(b1[j]) // exact
			if s := p1 + float64(v); sure(s) { // exact product: the same fused or not
				v = float32(s)
			} else {
				v = FMA32(a1, b1[j], v)
			}
			c[j] = v
		}
	}
	for ; p < k; p++ {
		a0, b0 := a[p*aks], b[p*ldb:][:n]
		for j, v := range c {
			c[j] = FMA32(a0, b0[j], v)
		}
	}
}

// sure tells whether a sum rounded to float64 may be rounded again to float32: FMA32 says why.
func sure(s float64) bool {
	u := math.Float64bits(s)
	return u&(1<<29-1) != 1<<28 && u<<1-1 >= minNormal32<<1-1
}
