//go:build !purego

package simd

// avx512F64 puts the float64 kernels of AVX-512 into k.
func avx512F64(k *Kernels[float64]) *Kernels[float64] {
	k.Level = AVX512
	newAssembly(8, 1, stubs[float64]{
		exp:          f64ExpAVX512,
		log:          f64LogAVX512,
		sqrt:         f64SqrtAVX512,
		tanh:         f64TanhAVX512,
		erf:          f64ErfAVX512,
		sin:          f64SinAVX512,
		cos:          f64CosAVX512,
		sigmoid:      f64SigmoidAVX512,
		silu:         f64SiLUAVX512,
		gelu:         f64GELUAVX512,
		geluTanh:     f64GELUTanhAVX512,
		selu:         f64SELUAVX512,
		elu:          f64ELUAVX512,
		softplus:     f64SoftplusAVX512,
		scale:        f64ScaleAVX512,
		shift:        f64ShiftAVX512,
		tanhGrad:     f64TanhGradAVX512,
		sigmoidGrad:  f64SigmoidGradAVX512,
		siluGrad:     f64SiLUGradAVX512,
		geluGrad:     f64GELUGradAVX512,
		geluTanhGrad: f64GELUTanhGradAVX512,
		seluGrad:     f64SELUGradAVX512,
		eluGrad:      f64ELUGradAVX512,
		add:          f64AddAVX512,
		sub:          f64SubAVX512,
		mul:          f64MulAVX512,
		div:          f64DivAVX512,
		axpy:         f64AxpyAVX512,
		mulAdd:       f64MulAddAVX512,
		siluSlopes:   f64SiLUSlopesAVX512,
		mulGradGrad:  f64MulGradGradAVX512,
		mulPlus:      f64MulPlusAVX512,
		siluGradGrad: f64SiLUGradGradAVX512,
		tanhGradGrad: f64TanhGradGradAVX512,
		seluGradGrad: f64SELUGradGradAVX512,
		adam:         f64AdamAVX512,
		maxBits:      f64MaxBitsAVX512,
		boxMuller:    f64BoxMullerAVX512,
		dot:          f64DotAVX512,
		sum:          f64SumAVX512,
		sumSq:        f64SumSqAVX512,
		combine:      f64CombineAVX512,
		addRow:       f64AddRowAVX512,
		addRows:      f64AddRowsAVX512,
	}).into(k)
	k.Philox = philoxKernelAVX512
	assignAVX512.into(k)
	k.gemm = f64GemmAVX512
	k.Transpose = k.gemm.transposeDense
	return k
}

// The stubs. n is a positive multiple of the vector's length.

//go:noescape
func f64ExpAVX512(dst, x *float64, n int, k *float64)

//go:noescape
func f64LogAVX512(dst, x *float64, n int, k *float64)

//go:noescape
func f64SqrtAVX512(dst, x *float64, n int, k *float64)

//go:noescape
func f64TanhAVX512(dst, x *float64, n int, k *float64)

//go:noescape
func f64ErfAVX512(dst, x *float64, n int, k *float64)

//go:noescape
func f64SinAVX512(dst, x *float64, n int, k *float64)

//go:noescape
func f64CosAVX512(dst, x *float64, n int, k *float64)

//go:noescape
func f64SigmoidAVX512(dst, x *float64, n int, k *float64)

//go:noescape
func f64SiLUAVX512(dst, x *float64, n int, k *float64)

//go:noescape
func f64GELUAVX512(dst, x *float64, n int, k *float64)

//go:noescape
func f64GELUTanhAVX512(dst, x *float64, n int, k *float64)

//go:noescape
func f64SELUAVX512(dst, x *float64, n int, k *float64)

//go:noescape
func f64ELUAVX512(dst, x *float64, n int, k *float64)

//go:noescape
func f64SoftplusAVX512(dst, x *float64, n int, k *float64)

//go:noescape
func f64ScaleAVX512(dst, x *float64, n int, k *float64)

//go:noescape
func f64ShiftAVX512(dst, x *float64, n int, k *float64)

//go:noescape
func f64MaxBitsAVX512(dst, x *float64, n int, k *float64)

//go:noescape
func f64TanhGradAVX512(dst, x, y *float64, n int, k *float64)

//go:noescape
func f64SigmoidGradAVX512(dst, x, y *float64, n int, k *float64)

//go:noescape
func f64SiLUGradAVX512(dst, x, y *float64, n int, k *float64)

//go:noescape
func f64GELUGradAVX512(dst, x, y *float64, n int, k *float64)

//go:noescape
func f64GELUTanhGradAVX512(dst, x, y *float64, n int, k *float64)

//go:noescape
func f64SELUGradAVX512(dst, x, y *float64, n int, k *float64)

//go:noescape
func f64ELUGradAVX512(dst, x, y *float64, n int, k *float64)

//go:noescape
func f64AddAVX512(dst, x, y *float64, n int, k *float64)

//go:noescape
func f64SubAVX512(dst, x, y *float64, n int, k *float64)

//go:noescape
func f64MulAVX512(dst, x, y *float64, n int, k *float64)

//go:noescape
func f64DivAVX512(dst, x, y *float64, n int, k *float64)

//go:noescape
func f64AxpyAVX512(dst, x, y *float64, n int, k *float64)

//go:noescape
func f64MulAddAVX512(dst, x, y, z *float64, n int, k *float64)

//go:noescape
func f64SELUGradGradAVX512(dst, x, y, z *float64, n int, k *float64)

//go:noescape
func f64SiLUGradGradAVX512(dst, x, y, z *float64, n int, k *float64)

//go:noescape
func f64SiLUSlopesAVX512(dst, x, y, z *float64, n int, k *float64)

//go:noescape
func f64MulGradGradAVX512(dst, x, y, z, w *float64, n int, k *float64)

//go:noescape
func f64MulPlusAVX512(dst, x, y, z *float64, n int, k *float64)

//go:noescape
func f64TanhGradGradAVX512(dst, x, y, z *float64, n int, k *float64)

//go:noescape
func f64AdamAVX512(dst, x, y, z *float64, n int, k *float64)

//go:noescape
func f64DotAVX512(dst, x, y *float64, n int, k *float64)

//go:noescape
func f64SumAVX512(dst *float64, x *float64, n int, k *float64)

//go:noescape
func f64SumSqAVX512(dst *float64, x *float64, n int, k *float64)

//go:noescape
func f64BoxMullerAVX512(dst *float64, x *uint32, n int, k *float64)

//go:noescape
func f64CombineAVX512(dst, y, h *float64, n int, c *float64, k **float64, m int)

//go:noescape
func f64AddRowAVX512(dst, x, row *float64, n, rows, stride int)

//go:noescape
func f64AddRowsAVX512(dst, x *float64, n, rows, stride int)
