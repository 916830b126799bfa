//go:build !purego

package simd

// assembled returns the tiers of this CPU that have assembly. Advanced SIMD is part of every arm64.
func assembled() []tier {
	return []tier{{NEON, neonF32(newGeneric[float32]()), neonF64(newGeneric[float64]())}}
}
