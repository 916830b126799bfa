//go:build !purego

package simd

// neonF32 puts the float32 kernels of NEON into k.
func neonF32(k *Kernels[float32]) *Kernels[float32] {
	k.Level = NEON
	newAssembly(4, 4, stubs[float32]{
		exp:          f32ExpNEON,
		log:          f32LogNEON,
		sqrt:         f32SqrtNEON,
		tanh:         f32TanhNEON,
		erf:          f32ErfNEON,
		sin:          f32SinNEON,
		cos:          f32CosNEON,
		sigmoid:      f32SigmoidNEON,
		silu:         f32SiLUNEON,
		gelu:         f32GELUNEON,
		geluTanh:     f32GELUTanhNEON,
		selu:         f32SELUNEON,
		elu:          f32ELUNEON,
		softplus:     f32SoftplusNEON,
		scale:        f32ScaleNEON,
		shift:        f32ShiftNEON,
		tanhGrad:     f32TanhGradNEON,
		sigmoidGrad:  f32SigmoidGradNEON,
		siluGrad:     f32SiLUGradNEON,
		geluGrad:     f32GELUGradNEON,
		geluTanhGrad: f32GELUTanhGradNEON,
		seluGrad:     f32SELUGradNEON,
		eluGrad:      f32ELUGradNEON,
		add:          f32AddNEON,
		sub:          f32SubNEON,
		mul:          f32MulNEON,
		div:          f32DivNEON,
		axpy:         f32AxpyNEON,
		mulAdd:       f32MulAddNEON,
		siluSlopes:   f32SiLUSlopesNEON,
		mulGradGrad:  f32MulGradGradNEON,
		mulPlus:      f32MulPlusNEON,
		siluGradGrad: f32SiLUGradGradNEON,
		tanhGradGrad: f32TanhGradGradNEON,
		seluGradGrad: f32SELUGradGradNEON,
		adam:         f32AdamNEON,
		maxBits:      f32MaxBitsNEON,
		boxMuller:    f32BoxMullerNEON,
		dot:          f32DotNEON,
		sum:          f32SumNEON,
		sumSq:        f32SumSqNEON,
		combine:      f32CombineNEON,
		addRow:       f32AddRowNEON,
		addRows:      f32AddRowsNEON,
	}).into(k)
	k.Philox = philoxKernelNEON
	k.gemm = f32GemmNEON
	k.Transpose = k.gemm.transposeDense
	return k
}

// The stubs. n is a positive multiple of the vector's length.

//go:noescape
func f32ExpNEON(dst, x *float32, n int, k *float32)

//go:noescape
func f32LogNEON(dst, x *float32, n int, k *float32)

//go:noescape
func f32SqrtNEON(dst, x *float32, n int, k *float32)

//go:noescape
func f32TanhNEON(dst, x *float32, n int, k *float32)

//go:noescape
func f32ErfNEON(dst, x *float32, n int, k *float32)

//go:noescape
func f32SinNEON(dst, x *float32, n int, k *float32)

//go:noescape
func f32CosNEON(dst, x *float32, n int, k *float32)

//go:noescape
func f32SigmoidNEON(dst, x *float32, n int, k *float32)

//go:noescape
func f32SiLUNEON(dst, x *float32, n int, k *float32)

//go:noescape
func f32GELUNEON(dst, x *float32, n int, k *float32)

//go:noescape
func f32GELUTanhNEON(dst, x *float32, n int, k *float32)

//go:noescape
func f32SELUNEON(dst, x *float32, n int, k *float32)

//go:noescape
func f32ELUNEON(dst, x *float32, n int, k *float32)

//go:noescape
func f32SoftplusNEON(dst, x *float32, n int, k *float32)

//go:noescape
func f32ScaleNEON(dst, x *float32, n int, k *float32)

//go:noescape
func f32ShiftNEON(dst, x *float32, n int, k *float32)

//go:noescape
func f32MaxBitsNEON(dst, x *float32, n int, k *float32)

//go:noescape
func f32TanhGradNEON(dst, x, y *float32, n int, k *float32)

//go:noescape
func f32SigmoidGradNEON(dst, x, y *float32, n int, k *float32)

//go:noescape
func f32SiLUGradNEON(dst, x, y *float32, n int, k *float32)

//go:noescape
func f32GELUGradNEON(dst, x, y *float32, n int, k *float32)

//go:noescape
func f32GELUTanhGradNEON(dst, x, y *float32, n int, k *float32)

//go:noescape
func f32SELUGradNEON(dst, x, y *float32, n int, k *float32)

//go:noescape
func f32ELUGradNEON(dst, x, y *float32, n int, k *float32)

//go:noescape
func f32AddNEON(dst, x, y *float32, n int, k *float32)

//go:noescape
func f32SubNEON(dst, x, y *float32, n int, k *float32)

//go:noescape
func f32MulNEON(dst, x, y *float32, n int, k *float32)

//go:noescape
func f32DivNEON(dst, x, y *float32, n int, k *float32)

//go:noescape
func f32AxpyNEON(dst, x, y *float32, n int, k *float32)

//go:noescape
func f32MulAddNEON(dst, x, y, z *float32, n int, k *float32)

//go:noescape
func f32SELUGradGradNEON(dst, x, y, z *float32, n int, k *float32)

//go:noescape
func f32SiLUGradGradNEON(dst, x, y, z *float32, n int, k *float32)

//go:noescape
func f32SiLUSlopesNEON(dst, x, y, z *float32, n int, k *float32)

//go:noescape
func f32MulGradGradNEON(dst, x, y, z, w *float32, n int, k *float32)

//go:noescape
func f32MulPlusNEON(dst, x, y, z *float32, n int, k *float32)

//go:noescape
func f32TanhGradGradNEON(dst, x, y, z *float32, n int, k *float32)

//go:noescape
func f32AdamNEON(dst, x, y, z *float32, n int, k *float32)

//go:noescape
func f32DotNEON(dst, x, y *float32, n int, k *float32)

//go:noescape
func f32SumNEON(dst *float64, x *float32, n int, k *float32)

//go:noescape
func f32SumSqNEON(dst *float64, x *float32, n int, k *float32)

//go:noescape
func f32BoxMullerNEON(dst *float32, x *uint32, n int, k *float32)

//go:noescape
func f32CombineNEON(dst, y, h *float32, n int, c *float32, k **float32, m int)

//go:noescape
func f32AddRowNEON(dst, x, row *float32, n, rows, stride int)

//go:noescape
func f32AddRowsNEON(dst, x *float32, n, rows, stride int)
