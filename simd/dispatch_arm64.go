//go:build !purego

package simd

// assembled returns the tiers of this CPU that have assembly. Advanced SIMD is part of every arm64.
func assembled() []tier {
	return []tier{{NEON, neonF32(newGeneric[float32]()), neonF64(newGeneric[float64]())}}
}

func neonF32(k *Kernels[float32]) *Kernels[float32] {
	k.Level = NEON
	k.gemm = f32GemmNEON
	k.Transpose = k.gemm.transposeDense
	return k
}

func neonF64(k *Kernels[float64]) *Kernels[float64] {
	k.Level = NEON
	k.gemm = f64GemmNEON
	k.Transpose = k.gemm.transposeDense
	return k
}
