package autograd

// Of a few elements a kernel's call costs more than its work. These are the same operations with a
// plain loop for such; each element is rounded once either way, so the bits are the kernels'.
const tiny = 8

func (t *Tape[F]) scale(dst []F, a F, x []F) {
	if len(x) >= tiny {
		t.k.Scale(dst, a, x)
		return
	}
	dst = dst[:len(x)]
	for i, v := range x {
		dst[i] = a * v
	}
}

func (t *Tape[F]) shift(dst []F, a F, x []F) {
	if len(x) >= tiny {
		t.k.Shift(dst, a, x)
		return
	}
	dst = dst[:len(x)]
	for i, v := range x {
		dst[i] = v + a
	}
}

func (t *Tape[F]) plus(dst, x, y []F) {
	if len(x) >= tiny {
		t.k.Add(dst, x, y)
		return
	}
	dst, y = dst[:len(x)], y[:len(x)]
	for i, v := range x {
		dst[i] = v + y[i]
	}
}

func (t *Tape[F]) times(dst, x, y []F) {
	if len(x) >= tiny {
		t.k.Mul(dst, x, y)
		return
	}
	dst, y = dst[:len(x)], y[:len(x)]
	for i, v := range x {
		dst[i] = v * y[i]
	}
}

// sum is Kernels.Sum, whose lanes are added in halves.
func (t *Tape[F]) sum(x []F) float64 {
	if len(x) >= tiny {
		return t.k.Sum(x)
	}
	var s [tiny]float64
	for i, v := range x {
		s[i] += float64(v)
	}
	a, b, c, d := s[0]+s[4], s[1]+s[5], s[2]+s[6], s[3]+s[7]
	return (a + c) + (b + d)
}
