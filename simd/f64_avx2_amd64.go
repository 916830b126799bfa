//go:build !purego

package simd

// avx2F64 puts the float64 kernels of AVX2 into k.
func avx2F64(k *Kernels[float64]) *Kernels[float64] {
	k.Level = AVX2
	newAssembly(4, 4, stubs[float64]{
		exp:          f64ExpAVX2,
		log:          f64LogAVX2,
		sqrt:         f64SqrtAVX2,
		tanh:         f64TanhAVX2,
		erf:          f64ErfAVX2,
		sin:          f64SinAVX2,
		cos:          f64CosAVX2,
		sigmoid:      f64SigmoidAVX2,
		silu:         f64SiLUAVX2,
		gelu:         f64GELUAVX2,
		geluTanh:     f64GELUTanhAVX2,
		selu:         f64SELUAVX2,
		elu:          f64ELUAVX2,
		softplus:     f64SoftplusAVX2,
		scale:        f64ScaleAVX2,
		shift:        f64ShiftAVX2,
		tanhGrad:     f64TanhGradAVX2,
		sigmoidGrad:  f64SigmoidGradAVX2,
		siluGrad:     f64SiLUGradAVX2,
		geluGrad:     f64GELUGradAVX2,
		geluTanhGrad: f64GELUTanhGradAVX2,
		seluGrad:     f64SELUGradAVX2,
		eluGrad:      f64ELUGradAVX2,
		add:          f64AddAVX2,
		sub:          f64SubAVX2,
		mul:          f64MulAVX2,
		div:          f64DivAVX2,
		axpy:         f64AxpyAVX2,
		mulAdd:       f64MulAddAVX2,
		siluSlopes:   f64SiLUSlopesAVX2,
		mulGradGrad:  f64MulGradGradAVX2,
		mulPlus:      f64MulPlusAVX2,
		siluGradGrad: f64SiLUGradGradAVX2,
		tanhGradGrad: f64TanhGradGradAVX2,
		seluGradGrad: f64SELUGradGradAVX2,
		adam:         f64AdamAVX2,
		maxBits:      f64MaxBitsAVX2,
		boxMuller:    f64BoxMullerAVX2,
		dot:          f64DotAVX2,
		sum:          f64SumAVX2,
		sumSq:        f64SumSqAVX2,
		combine:      f64CombineAVX2,
		addRow:       f64AddRowAVX2,
		addRows:      f64AddRowsAVX2,
	}).into(k)
	k.Philox = philoxKernelAVX2
	assignAVX2.into(k)
	k.gemm = f64GemmAVX2
	k.Transpose = k.gemm.transposeDense
	return k
}

// The stubs. n is a positive multiple of the vector's length.

//go:noescape
func f64ExpAVX2(dst, x *float64, n int, k *float64)

//go:noescape
func f64LogAVX2(dst, x *float64, n int, k *float64)

//go:noescape
func f64SqrtAVX2(dst, x *float64, n int, k *float64)

//go:noescape
func f64TanhAVX2(dst, x *float64, n int, k *float64)

//go:noescape
func f64ErfAVX2(dst, x *float64, n int, k *float64)

//go:noescape
func f64SinAVX2(dst, x *float64, n int, k *float64)

//go:noescape
func f64CosAVX2(dst, x *float64, n int, k *float64)

//go:noescape
func f64SigmoidAVX2(dst, x *float64, n int, k *float64)

//go:noescape
func f64SiLUAVX2(dst, x *float64, n int, k *float64)

//go:noescape
func f64GELUAVX2(dst, x *float64, n int, k *float64)

//go:noescape
func f64GELUTanhAVX2(dst, x *float64, n int, k *float64)

//go:noescape
func f64SELUAVX2(dst, x *float64, n int, k *float64)

//go:noescape
func f64ELUAVX2(dst, x *float64, n int, k *float64)

//go:noescape
func f64SoftplusAVX2(dst, x *float64, n int, k *float64)

//go:noescape
func f64ScaleAVX2(dst, x *float64, n int, k *float64)

//go:noescape
func f64ShiftAVX2(dst, x *float64, n int, k *float64)

//go:noescape
func f64MaxBitsAVX2(dst, x *float64, n int, k *float64)

//go:noescape
func f64TanhGradAVX2(dst, x, y *float64, n int, k *float64)

//go:noescape
func f64SigmoidGradAVX2(dst, x, y *float64, n int, k *float64)

//go:noescape
func f64SiLUGradAVX2(dst, x, y *float64, n int, k *float64)

//go:noescape
func f64GELUGradAVX2(dst, x, y *float64, n int, k *float64)

//go:noescape
func f64GELUTanhGradAVX2(dst, x, y *float64, n int, k *float64)

//go:noescape
func f64SELUGradAVX2(dst, x, y *float64, n int, k *float64)

//go:noescape
func f64ELUGradAVX2(dst, x, y *float64, n int, k *float64)

//go:noescape
func f64AddAVX2(dst, x, y *float64, n int, k *float64)

//go:noescape
func f64SubAVX2(dst, x, y *float64, n int, k *float64)

//go:noescape
func f64MulAVX2(dst, x, y *float64, n int, k *float64)

//go:noescape
func f64DivAVX2(dst, x, y *float64, n int, k *float64)

//go:noescape
func f64AxpyAVX2(dst, x, y *float64, n int, k *float64)

//go:noescape
func f64MulAddAVX2(dst, x, y, z *float64, n int, k *float64)

//go:noescape
func f64SELUGradGradAVX2(dst, x, y, z *float64, n int, k *float64)

//go:noescape
func f64SiLUGradGradAVX2(dst, x, y, z *float64, n int, k *float64)

//go:noescape
func f64SiLUSlopesAVX2(dst, x, y, z *float64, n int, k *float64)

//go:noescape
func f64MulGradGradAVX2(dst, x, y, z, w *float64, n int, k *float64)

//go:noescape
func f64MulPlusAVX2(dst, x, y, z *float64, n int, k *float64)

//go:noescape
func f64TanhGradGradAVX2(dst, x, y, z *float64, n int, k *float64)

//go:noescape
func f64AdamAVX2(dst, x, y, z *float64, n int, k *float64)

//go:noescape
func f64DotAVX2(dst, x, y *float64, n int, k *float64)

//go:noescape
func f64SumAVX2(dst *float64, x *float64, n int, k *float64)

//go:noescape
func f64SumSqAVX2(dst *float64, x *float64, n int, k *float64)

//go:noescape
func f64BoxMullerAVX2(dst *float64, x *uint32, n int, k *float64)

//go:noescape
func f64CombineAVX2(dst, y, h *float64, n int, c *float64, k **float64, m int)

//go:noescape
func f64AddRowAVX2(dst, x, row *float64, n, rows, stride int)

//go:noescape
func f64AddRowsAVX2(dst, x *float64, n, rows, stride int)
