//go:build !purego

package simd

// avx2F32 puts the float32 kernels of AVX2 into k.
func avx2F32(k *Kernels[float32]) *Kernels[float32] {
	k.Level = AVX2
	newAssembly(8, 8, stubs[float32]{
		exp:          f32ExpAVX2,
		log:          f32LogAVX2,
		sqrt:         f32SqrtAVX2,
		tanh:         f32TanhAVX2,
		erf:          f32ErfAVX2,
		sin:          f32SinAVX2,
		cos:          f32CosAVX2,
		sigmoid:      f32SigmoidAVX2,
		silu:         f32SiLUAVX2,
		gelu:         f32GELUAVX2,
		geluTanh:     f32GELUTanhAVX2,
		selu:         f32SELUAVX2,
		elu:          f32ELUAVX2,
		softplus:     f32SoftplusAVX2,
		scale:        f32ScaleAVX2,
		shift:        f32ShiftAVX2,
		tanhGrad:     f32TanhGradAVX2,
		sigmoidGrad:  f32SigmoidGradAVX2,
		siluGrad:     f32SiLUGradAVX2,
		geluGrad:     f32GELUGradAVX2,
		geluTanhGrad: f32GELUTanhGradAVX2,
		seluGrad:     f32SELUGradAVX2,
		eluGrad:      f32ELUGradAVX2,
		add:          f32AddAVX2,
		sub:          f32SubAVX2,
		mul:          f32MulAVX2,
		div:          f32DivAVX2,
		axpy:         f32AxpyAVX2,
		mulAdd:       f32MulAddAVX2,
		siluSlopes:   f32SiLUSlopesAVX2,
		mulGradGrad:  f32MulGradGradAVX2,
		mulPlus:      f32MulPlusAVX2,
		siluGradGrad: f32SiLUGradGradAVX2,
		tanhGradGrad: f32TanhGradGradAVX2,
		seluGradGrad: f32SELUGradGradAVX2,
		adam:         f32AdamAVX2,
		maxBits:      f32MaxBitsAVX2,
		boxMuller:    f32BoxMullerAVX2,
		dot:          f32DotAVX2,
		sum:          f32SumAVX2,
		sumSq:        f32SumSqAVX2,
		combine:      f32CombineAVX2,
		addRow:       f32AddRowAVX2,
		addRows:      f32AddRowsAVX2,
	}).into(k)
	k.Philox = philoxKernelAVX2
	k.gemm = f32GemmAVX2
	k.Transpose = k.gemm.transposeDense
	return k
}

// The stubs. n is a positive multiple of the vector's length.

//go:noescape
func f32ExpAVX2(dst, x *float32, n int, k *float32)

//go:noescape
func f32LogAVX2(dst, x *float32, n int, k *float32)

//go:noescape
func f32SqrtAVX2(dst, x *float32, n int, k *float32)

//go:noescape
func f32TanhAVX2(dst, x *float32, n int, k *float32)

//go:noescape
func f32ErfAVX2(dst, x *float32, n int, k *float32)

//go:noescape
func f32SinAVX2(dst, x *float32, n int, k *float32)

//go:noescape
func f32CosAVX2(dst, x *float32, n int, k *float32)

//go:noescape
func f32SigmoidAVX2(dst, x *float32, n int, k *float32)

//go:noescape
func f32SiLUAVX2(dst, x *float32, n int, k *float32)

//go:noescape
func f32GELUAVX2(dst, x *float32, n int, k *float32)

//go:noescape
func f32GELUTanhAVX2(dst, x *float32, n int, k *float32)

//go:noescape
func f32SELUAVX2(dst, x *float32, n int, k *float32)

//go:noescape
func f32ELUAVX2(dst, x *float32, n int, k *float32)

//go:noescape
func f32SoftplusAVX2(dst, x *float32, n int, k *float32)

//go:noescape
func f32ScaleAVX2(dst, x *float32, n int, k *float32)

//go:noescape
func f32ShiftAVX2(dst, x *float32, n int, k *float32)

//go:noescape
func f32MaxBitsAVX2(dst, x *float32, n int, k *float32)

//go:noescape
func f32TanhGradAVX2(dst, x, y *float32, n int, k *float32)

//go:noescape
func f32SigmoidGradAVX2(dst, x, y *float32, n int, k *float32)

//go:noescape
func f32SiLUGradAVX2(dst, x, y *float32, n int, k *float32)

//go:noescape
func f32GELUGradAVX2(dst, x, y *float32, n int, k *float32)

//go:noescape
func f32GELUTanhGradAVX2(dst, x, y *float32, n int, k *float32)

//go:noescape
func f32SELUGradAVX2(dst, x, y *float32, n int, k *float32)

//go:noescape
func f32ELUGradAVX2(dst, x, y *float32, n int, k *float32)

//go:noescape
func f32AddAVX2(dst, x, y *float32, n int, k *float32)

//go:noescape
func f32SubAVX2(dst, x, y *float32, n int, k *float32)

//go:noescape
func f32MulAVX2(dst, x, y *float32, n int, k *float32)

//go:noescape
func f32DivAVX2(dst, x, y *float32, n int, k *float32)

//go:noescape
func f32AxpyAVX2(dst, x, y *float32, n int, k *float32)

//go:noescape
func f32MulAddAVX2(dst, x, y, z *float32, n int, k *float32)

//go:noescape
func f32SELUGradGradAVX2(dst, x, y, z *float32, n int, k *float32)

//go:noescape
func f32SiLUGradGradAVX2(dst, x, y, z *float32, n int, k *float32)

//go:noescape
func f32SiLUSlopesAVX2(dst, x, y, z *float32, n int, k *float32)

//go:noescape
func f32MulGradGradAVX2(dst, x, y, z, w *float32, n int, k *float32)

//go:noescape
func f32MulPlusAVX2(dst, x, y, z *float32, n int, k *float32)

//go:noescape
func f32TanhGradGradAVX2(dst, x, y, z *float32, n int, k *float32)

//go:noescape
func f32AdamAVX2(dst, x, y, z *float32, n int, k *float32)

//go:noescape
func f32DotAVX2(dst, x, y *float32, n int, k *float32)

//go:noescape
func f32SumAVX2(dst *float64, x *float32, n int, k *float32)

//go:noescape
func f32SumSqAVX2(dst *float64, x *float32, n int, k *float32)

//go:noescape
func f32BoxMullerAVX2(dst *float32, x *uint32, n int, k *float32)

//go:noescape
func f32CombineAVX2(dst, y, h *float32, n int, c *float32, k **float32, m int)

//go:noescape
func f32AddRowAVX2(dst, x, row *float32, n, rows, stride int)

//go:noescape
func f32AddRowsAVX2(dst, x *float32, n, rows, stride int)
