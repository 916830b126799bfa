//go:build (amd64 || arm64) && !purego

package simd

import (
	"runtime"
	"unsafe"
)

func (a *assembly[F]) kernelDot(x, y []F) F {
	equal("Dot", len(x), len(y))
	var room [3][lanes]F // the lanes, and room for the tails of x and y
	r := (*[3][lanes]F)(hide(unsafe.Pointer(&room)))
	n := len(x) &^ (lanes - 1)
	for i := 0; more(i, n); i += a.chunk {
		a.dot(&r[0][0], &x[i], &y[i], min(a.chunk, n-i), nil)
	}
	if n < len(x) {
		copy(r[1][:], x[n:])
		copy(r[2][:], y[n:])
		a.dot(&r[0][0], &r[1][0], &r[2][0], lanes, nil)
	}
	return tree(&r[0])
}

// reduce makes a kernel that sums in float64.
func (a *assembly[F]) reduce(f func(dst *float64, x *F, n int, k *F)) func(x []F) float64 {
	return func(x []F) float64 {
		var room struct {
			s [lanes]float64
			x [lanes]F
		}
		r := (*struct {
			s [lanes]float64
			x [lanes]F
		})(hide(unsafe.Pointer(&room)))
		n := len(x) &^ (lanes - 1)
		for i := 0; more(i, n); i += a.chunk {
			f(&r.s[0], &x[i], min(a.chunk, n-i), nil)
		}
		if n < len(x) {
			copy(r.x[:], x[n:])
			f(&r.s[0], &r.x[0], lanes, nil)
		}
		return tree(&r.s)
	}
}

// stages is the largest number of slopes that Combine takes in one go.
const stages = 16

func (a *assembly[F]) kernelCombine(dst, y, h []F, c []F, k [][]F) {
	if len(c) == 0 || len(c) > stages {
		combineGeneric(dst, y, h, c, k)
		return
	}
	checkCombine(dst, y, h, c, k)
	var coefs [stages * room]F
	t := (*[stages * room]F)(hide(unsafe.Pointer(&coefs)))
	for j, cj := range c {
		for i := range a.copies {
			t[j*a.copies+i] = cj
		}
	}
	n := a.whole(len(y))
	if n > 0 {
		var slopes [stages]*F
		s := (*[stages]*F)(hide(unsafe.Pointer(&slopes)))
		block := a.chunk / 8 // as many as 16 slopes are read beside one another
		for i := 0; more(i, n); i += block {
			for j := range k {
				s[j] = &k[j][i]
			}
			a.combine(&dst[i], &y[i], &h[i], min(block, n-i), &t[0], &s[0], len(c))
		}
		runtime.KeepAlive(&slopes)
	}
	if n < len(y) {
		a.combineTail(dst[n:], y[n:], h[n:], t, k, n)
	}
	runtime.KeepAlive(k)
	runtime.KeepAlive(&coefs)
}

// combineTail does the elements from n on, fewer than a vector.
func (a *assembly[F]) combineTail(dst, y, h []F, c *[stages * room]F, k [][]F, n int) {
	var slopes [stages]*F
	var tail [3 + stages][room]F
	s := (*[stages]*F)(hide(unsafe.Pointer(&slopes)))
	t := (*[3 + stages][room]F)(hide(unsafe.Pointer(&tail)))
	copy(t[1][:], y)
	copy(t[2][:], h)
	for j := range k {
		copy(t[3+j][:], k[j][n:])
		s[j] = &t[3+j][0]
	}
	a.combine(&t[0][0], &t[1][0], &t[2][0], a.width, &c[0], &s[0], len(k))
	copy(dst, t[0][:])
	runtime.KeepAlive(&slopes)
	runtime.KeepAlive(&tail)
}

func (a *assembly[F]) kernelAddRow(dst, x, row []F) {
	equal("AddRow", len(dst), len(x))
	width := checkRows("AddRow", len(x), len(row))
	if width > a.chunk {
		for i := 0; more(i, len(x)); i += width {
			a.run2(a.add, dst[i:][:width], x[i:][:width], row, nil)
		}
		return
	}
	n := a.whole(width)
	step := a.chunk / width * width
	if n > 0 {
		for i := 0; more(i, len(x)); i += step {
			a.addRow(&dst[i], &x[i], &row[0], n, min(step, len(x)-i)/width, width)
		}
	}
	if n < width {
		tail := row[n:]
		for i := n; i < len(x); i += width {
			d, v := dst[i:][:len(tail)], x[i:][:len(tail)]
			for j, r := range tail {
				d[j] = v[j] + r
			}
		}
	}
}

func (a *assembly[F]) kernelAddRows(dst, x []F) {
	width := checkRows("AddRows", len(x), len(dst))
	if width > a.chunk {
		for i := 0; more(i, len(x)); i += width {
			a.run2(a.add, dst, dst, x[i:][:width], nil)
		}
		return
	}
	n := a.whole(width)
	step := a.chunk / width * width
	if n > 0 && len(dst) > 0 {
		for i := 0; more(i, len(x)); i += step {
			a.addRows(&dst[0], &x[i], n, min(step, len(x)-i)/width, width)
		}
	}
	if n < width {
		tail := dst[min(n, len(dst)):]
		for i := n; i < len(x); i += width {
			v := x[i:][:len(tail)]
			for j := range tail {
				tail[j] += v[j]
			}
		}
	}
}
