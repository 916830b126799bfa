//go:build !purego

package simd

var (
	philoxKernelAVX2   = philoxKernel(philoxAVX2, 8)
	philoxKernelAVX512 = philoxKernel(philoxAVX512, 1)
)

// philoxAVX2 fills dst with groups of blocks, the first of which begins at block. k is what philoxKernel prepares.
//
//go:noescape
func philoxAVX2(dst *uint32, groups int, block uint64, k *uint32)

//go:noescape
func philoxAVX512(dst *uint32, groups int, block uint64, k *uint32)
