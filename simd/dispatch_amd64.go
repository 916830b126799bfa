//go:build !purego

package simd

import "golang.org/x/sys/cpu"

// assembled returns the tiers of this CPU that have assembly, weakest first. Each starts as a copy of the
// one before and overrides what it does better.
func assembled() []tier {
	var t []tier
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		t = append(t, tier{AVX2, avx2F32(newGeneric[float32]()), avx2F64(newGeneric[float64]())})
	}
	if len(t) > 0 && cpu.X86.HasAVX512F && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VL {
		f32, f64 := *t[0].f32, *t[0].f64
		t = append(t, tier{AVX512, avx512F32(&f32), avx512F64(&f64)})
	}
	return t
}
