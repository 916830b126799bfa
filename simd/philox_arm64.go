//go:build !purego

package simd

var philoxKernelNEON = philoxKernel(philoxNEON, 4)

// philoxNEON fills dst with groups of blocks, the first of which begins at block. k is what philoxKernel prepares.
//
//go:noescape
func philoxNEON(dst *uint32, groups int, block uint64, k *uint32)
