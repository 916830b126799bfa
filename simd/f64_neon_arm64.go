//go:build !purego

package simd

// neonF64 puts the float64 kernels of NEON into k.
func neonF64(k *Kernels[float64]) *Kernels[float64] {
	k.Level = NEON
	newAssembly(2, 2, stubs[float64]{
		exp:          f64ExpNEON,
		log:          f64LogNEON,
		sqrt:         f64SqrtNEON,
		tanh:         f64TanhNEON,
		erf:          f64ErfNEON,
		sin:          f64SinNEON,
		cos:          f64CosNEON,
		sigmoid:      f64SigmoidNEON,
		silu:         f64SiLUNEON,
		gelu:         f64GELUNEON,
		geluTanh:     f64GELUTanhNEON,
		selu:         f64SELUNEON,
		elu:          f64ELUNEON,
		softplus:     f64SoftplusNEON,
		scale:        f64ScaleNEON,
		shift:        f64ShiftNEON,
		tanhGrad:     f64TanhGradNEON,
		sigmoidGrad:  f64SigmoidGradNEON,
		siluGrad:     f64SiLUGradNEON,
		geluGrad:     f64GELUGradNEON,
		geluTanhGrad: f64GELUTanhGradNEON,
		seluGrad:     f64SELUGradNEON,
		eluGrad:      f64ELUGradNEON,
		add:          f64AddNEON,
		sub:          f64SubNEON,
		mul:          f64MulNEON,
		div:          f64DivNEON,
		axpy:         f64AxpyNEON,
		mulAdd:       f64MulAddNEON,
		siluSlopes:   f64SiLUSlopesNEON,
		mulGradGrad:  f64MulGradGradNEON,
		mulPlus:      f64MulPlusNEON,
		siluGradGrad: f64SiLUGradGradNEON,
		tanhGradGrad: f64TanhGradGradNEON,
		seluGradGrad: f64SELUGradGradNEON,
		adam:         f64AdamNEON,
		maxBits:      f64MaxBitsNEON,
		boxMuller:    f64BoxMullerNEON,
		dot:          f64DotNEON,
		sum:          f64SumNEON,
		sumSq:        f64SumSqNEON,
		combine:      f64CombineNEON,
		addRow:       f64AddRowNEON,
		addRows:      f64AddRowsNEON,
	}).into(k)
	k.Philox = philoxKernelNEON
	assignNEON.into(k)
	k.gemm = f64GemmNEON
	k.Transpose = k.gemm.transposeDense
	return k
}

// The stubs. n is a positive multiple of the vector's length.

//go:noescape
func f64ExpNEON(dst, x *float64, n int, k *float64)

//go:noescape
func f64LogNEON(dst, x *float64, n int, k *float64)

//go:noescape
func f64SqrtNEON(dst, x *float64, n int, k *float64)

//go:noescape
func f64TanhNEON(dst, x *float64, n int, k *float64)

//go:noescape
func f64ErfNEON(dst, x *float64, n int, k *float64)

//go:noescape
func f64SinNEON(dst, x *float64, n int, k *float64)

//go:noescape
func f64CosNEON(dst, x *float64, n int, k *float64)

//go:noescape
func f64SigmoidNEON(dst, x *float64, n int, k *float64)

//go:noescape
func f64SiLUNEON(dst, x *float64, n int, k *float64)

//go:noescape
func f64GELUNEON(dst, x *float64, n int, k *float64)

//go:noescape
func f64GELUTanhNEON(dst, x *float64, n int, k *float64)

//go:noescape
func f64SELUNEON(dst, x *float64, n int, k *float64)

//go:noescape
func f64ELUNEON(dst, x *float64, n int, k *float64)

//go:noescape
func f64SoftplusNEON(dst, x *float64, n int, k *float64)

//go:noescape
func f64ScaleNEON(dst, x *float64, n int, k *float64)

//go:noescape
func f64ShiftNEON(dst, x *float64, n int, k *float64)

//go:noescape
func f64MaxBitsNEON(dst, x *float64, n int, k *float64)

//go:noescape
func f64TanhGradNEON(dst, x, y *float64, n int, k *float64)

//go:noescape
func f64SigmoidGradNEON(dst, x, y *float64, n int, k *float64)

//go:noescape
func f64SiLUGradNEON(dst, x, y *float64, n int, k *float64)

//go:noescape
func f64GELUGradNEON(dst, x, y *float64, n int, k *float64)

//go:noescape
func f64GELUTanhGradNEON(dst, x, y *float64, n int, k *float64)

//go:noescape
func f64SELUGradNEON(dst, x, y *float64, n int, k *float64)

//go:noescape
func f64ELUGradNEON(dst, x, y *float64, n int, k *float64)

//go:noescape
func f64AddNEON(dst, x, y *float64, n int, k *float64)

//go:noescape
func f64SubNEON(dst, x, y *float64, n int, k *float64)

//go:noescape
func f64MulNEON(dst, x, y *float64, n int, k *float64)

//go:noescape
func f64DivNEON(dst, x, y *float64, n int, k *float64)

//go:noescape
func f64AxpyNEON(dst, x, y *float64, n int, k *float64)

//go:noescape
func f64MulAddNEON(dst, x, y, z *float64, n int, k *float64)

//go:noescape
func f64SELUGradGradNEON(dst, x, y, z *float64, n int, k *float64)

//go:noescape
func f64SiLUGradGradNEON(dst, x, y, z *float64, n int, k *float64)

//go:noescape
func f64SiLUSlopesNEON(dst, x, y, z *float64, n int, k *float64)

//go:noescape
func f64MulGradGradNEON(dst, x, y, z, w *float64, n int, k *float64)

//go:noescape
func f64MulPlusNEON(dst, x, y, z *float64, n int, k *float64)

//go:noescape
func f64TanhGradGradNEON(dst, x, y, z *float64, n int, k *float64)

//go:noescape
func f64AdamNEON(dst, x, y, z *float64, n int, k *float64)

//go:noescape
func f64DotNEON(dst, x, y *float64, n int, k *float64)

//go:noescape
func f64SumNEON(dst *float64, x *float64, n int, k *float64)

//go:noescape
func f64SumSqNEON(dst *float64, x *float64, n int, k *float64)

//go:noescape
func f64BoxMullerNEON(dst *float64, x *uint32, n int, k *float64)

//go:noescape
func f64CombineNEON(dst, y, h *float64, n int, c *float64, k **float64, m int)

//go:noescape
func f64AddRowNEON(dst, x, row *float64, n, rows, stride int)

//go:noescape
func f64AddRowsNEON(dst, x *float64, n, rows, stride int)
