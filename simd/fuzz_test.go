package simd

import (
	"encoding/binary"
	"testing"
)

// FuzzElementwise compares the tiers on bytes taken as numbers.
func FuzzElementwise(f *testing.F) {
	f.Add([]byte("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef!"), uint8(0), uint8(0))
	f.Add(make([]byte, 400), uint8(20), uint8(3))
	f.Fuzz(func(t *testing.T, data []byte, which, off uint8) {
		if len(data) > 4096 {
			return
		}
		x32 := make([]float32, len(data)/4)
		for i := range x32 {
			x32[i] = fromBits[float32](uint64(binary.LittleEndian.Uint32(data[4*i:])))
		}
		x64 := make([]float64, len(data)/8)
		for i := range x64 {
			x64[i] = fromBits[float64](binary.LittleEndian.Uint64(data[8*i:]))
		}
		c32, c64 := cases[float32](), cases[float64]()
		for _, l := range Levels()[1:] {
			fuzzCase(t, At[float32](l), c32[int(which)%len(c32)], x32, int(off%4))
			fuzzCase(t, At[float64](l), c64[int(which)%len(c64)], x64, int(off%4))
		}
	})
}

// fuzzCase cuts x into as many operands as c takes.
func fuzzCase[F Float](t *testing.T, k *Kernels[F], c kernelCase[F], x []F, off int) {
	n := len(x) / c.in
	in := make([][]F, c.in)
	for i := range in {
		in[i] = x[i*n:][:n]
	}
	check(t, k, c, in, off)
}
