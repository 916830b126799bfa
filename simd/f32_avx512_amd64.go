//go:build !purego

package simd

// avx512F32 puts the float32 kernels of AVX-512 into k.
func avx512F32(k *Kernels[float32]) *Kernels[float32] {
	k.Level = AVX512
	newAssembly(16, 1, stubs[float32]{
		exp:          f32ExpAVX512,
		log:          f32LogAVX512,
		sqrt:         f32SqrtAVX512,
		tanh:         f32TanhAVX512,
		erf:          f32ErfAVX512,
		sin:          f32SinAVX512,
		cos:          f32CosAVX512,
		sigmoid:      f32SigmoidAVX512,
		silu:         f32SiLUAVX512,
		gelu:         f32GELUAVX512,
		geluTanh:     f32GELUTanhAVX512,
		selu:         f32SELUAVX512,
		elu:          f32ELUAVX512,
		softplus:     f32SoftplusAVX512,
		scale:        f32ScaleAVX512,
		shift:        f32ShiftAVX512,
		tanhGrad:     f32TanhGradAVX512,
		sigmoidGrad:  f32SigmoidGradAVX512,
		siluGrad:     f32SiLUGradAVX512,
		geluGrad:     f32GELUGradAVX512,
		geluTanhGrad: f32GELUTanhGradAVX512,
		seluGrad:     f32SELUGradAVX512,
		eluGrad:      f32ELUGradAVX512,
		add:          f32AddAVX512,
		sub:          f32SubAVX512,
		mul:          f32MulAVX512,
		div:          f32DivAVX512,
		axpy:         f32AxpyAVX512,
		mulAdd:       f32MulAddAVX512,
		siluSlopes:   f32SiLUSlopesAVX512,
		mulGradGrad:  f32MulGradGradAVX512,
		mulPlus:      f32MulPlusAVX512,
		siluGradGrad: f32SiLUGradGradAVX512,
		tanhGradGrad: f32TanhGradGradAVX512,
		seluGradGrad: f32SELUGradGradAVX512,
		adam:         f32AdamAVX512,
		maxBits:      f32MaxBitsAVX512,
		boxMuller:    f32BoxMullerAVX512,
		dot:          f32DotAVX512,
		sum:          f32SumAVX512,
		sumSq:        f32SumSqAVX512,
		combine:      f32CombineAVX512,
		addRow:       f32AddRowAVX512,
		addRows:      f32AddRowsAVX512,
	}).into(k)
	k.Philox = philoxKernelAVX512
	k.gemm = f32GemmAVX512
	k.Transpose = k.gemm.transposeDense
	return k
}

// The stubs. n is a positive multiple of the vector's length.

//go:noescape
func f32ExpAVX512(dst, x *float32, n int, k *float32)

//go:noescape
func f32LogAVX512(dst, x *float32, n int, k *float32)

//go:noescape
func f32SqrtAVX512(dst, x *float32, n int, k *float32)

//go:noescape
func f32TanhAVX512(dst, x *float32, n int, k *float32)

//go:noescape
func f32ErfAVX512(dst, x *float32, n int, k *float32)

//go:noescape
func f32SinAVX512(dst, x *float32, n int, k *float32)

//go:noescape
func f32CosAVX512(dst, x *float32, n int, k *float32)

//go:noescape
func f32SigmoidAVX512(dst, x *float32, n int, k *float32)

//go:noescape
func f32SiLUAVX512(dst, x *float32, n int, k *float32)

//go:noescape
func f32GELUAVX512(dst, x *float32, n int, k *float32)

//go:noescape
func f32GELUTanhAVX512(dst, x *float32, n int, k *float32)

//go:noescape
func f32SELUAVX512(dst, x *float32, n int, k *float32)

//go:noescape
func f32ELUAVX512(dst, x *float32, n int, k *float32)

//go:noescape
func f32SoftplusAVX512(dst, x *float32, n int, k *float32)

//go:noescape
func f32ScaleAVX512(dst, x *float32, n int, k *float32)

//go:noescape
func f32ShiftAVX512(dst, x *float32, n int, k *float32)

//go:noescape
func f32MaxBitsAVX512(dst, x *float32, n int, k *float32)

//go:noescape
func f32TanhGradAVX512(dst, x, y *float32, n int, k *float32)

//go:noescape
func f32SigmoidGradAVX512(dst, x, y *float32, n int, k *float32)

//go:noescape
func f32SiLUGradAVX512(dst, x, y *float32, n int, k *float32)

//go:noescape
func f32GELUGradAVX512(dst, x, y *float32, n int, k *float32)

//go:noescape
func f32GELUTanhGradAVX512(dst, x, y *float32, n int, k *float32)

//go:noescape
func f32SELUGradAVX512(dst, x, y *float32, n int, k *float32)

//go:noescape
func f32ELUGradAVX512(dst, x, y *float32, n int, k *float32)

//go:noescape
func f32AddAVX512(dst, x, y *float32, n int, k *float32)

//go:noescape
func f32SubAVX512(dst, x, y *float32, n int, k *float32)

//go:noescape
func f32MulAVX512(dst, x, y *float32, n int, k *float32)

//go:noescape
func f32DivAVX512(dst, x, y *float32, n int, k *float32)

//go:noescape
func f32AxpyAVX512(dst, x, y *float32, n int, k *float32)

//go:noescape
func f32MulAddAVX512(dst, x, y, z *float32, n int, k *float32)

//go:noescape
func f32SELUGradGradAVX512(dst, x, y, z *float32, n int, k *float32)

//go:noescape
func f32SiLUGradGradAVX512(dst, x, y, z *float32, n int, k *float32)

//go:noescape
func f32SiLUSlopesAVX512(dst, x, y, z *float32, n int, k *float32)

//go:noescape
func f32MulGradGradAVX512(dst, x, y, z, w *float32, n int, k *float32)

//go:noescape
func f32MulPlusAVX512(dst, x, y, z *float32, n int, k *float32)

//go:noescape
func f32TanhGradGradAVX512(dst, x, y, z *float32, n int, k *float32)

//go:noescape
func f32AdamAVX512(dst, x, y, z *float32, n int, k *float32)

//go:noescape
func f32DotAVX512(dst, x, y *float32, n int, k *float32)

//go:noescape
func f32SumAVX512(dst *float64, x *float32, n int, k *float32)

//go:noescape
func f32SumSqAVX512(dst *float64, x *float32, n int, k *float32)

//go:noescape
func f32BoxMullerAVX512(dst *float32, x *uint32, n int, k *float32)

//go:noescape
func f32CombineAVX512(dst, y, h *float32, n int, c *float32, k **float32, m int)

//go:noescape
func f32AddRowAVX512(dst, x, row *float32, n, rows, stride int)

//go:noescape
func f32AddRowsAVX512(dst, x *float32, n, rows, stride int)
