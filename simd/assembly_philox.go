//go:build (amd64 || arm64) && !purego

package simd

import (
	"runtime"
	"unsafe"
)

// philoxChunk is the number of words of one call to a stub: some 50 µs.
const philoxChunk = 16 << 10

// philoxKernel makes Kernels.Philox of a stub that reads every constant copies times: the keys of the ten rounds, the
// upper words of the counter, the multipliers, and the numbers 0 … 15.
func philoxKernel(f func(dst *uint32, groups int, block uint64, k *uint32), copies int) func([]uint32, PhiloxKey, uint64) {
	return func(dst []uint32, k PhiloxKey, group uint64) {
		checkGroups("Philox", len(dst))
		if len(dst) == 0 {
			return
		}
		var table [28 * 8]uint32
		t := (*[28 * 8]uint32)(hide(unsafe.Pointer(&table)))
		n := 0
		put := func(v uint32) {
			for range copies {
				t[n] = v
				n++
			}
		}
		k0, k1 := k.K0, k.K1
		for range 10 {
			put(k0)
			put(k1)
			k0 += philoxWeyl0
			k1 += philoxWeyl1
		}
		put(k.C2)
		put(k.C3)
		put(philoxMul0)
		put(philoxMul1)
		if copies == 4 {
			for i := range uint32(philoxBlocks) {
				t[n] = i
				n++
			}
		}
		for i := 0; more(i, len(dst)); i += philoxChunk {
			f(&dst[i], min(philoxChunk, len(dst)-i)/philoxGroup, (group+uint64(i/philoxGroup))*philoxBlocks, &t[0])
		}
		runtime.KeepAlive(&table)
	}
}
