//go:build !purego

// The elementwise kernels and the reductions of float64 in AVX-512. The bodies are in elem.h and reduce.h;
// vec_avx512_f64.h has the words they are written in, loop_amd64.h arguments and loops.
//
// Registers:
//
//	DI, SI, DX, R8, R10  the ends of dst, x, y, z and w
//	CX                   bytes from where the loop is to those ends, from -n·size up to 0
//	R9                   the table of constants, or the scalars of a kernel
//	AX, BX, R10 … R12    what kernels of more operands need besides: see COMBINE and others in loop_amd64.h
//	Z0 … Z9              the vectors A0 … A9; in reductions the 32 lanes
//	Z15, K1              scratch, the mask M0

#include "textflag.h"
#include "go_asm.h"
#include "vec_avx512_f64.h"
#include "loop_amd64.h"
#include "poly_f64.h"
#include "elem.h"
#include "reduce.h"

TEXT ·f64ExpAVX512(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doExp)

TEXT ·f64LogAVX512(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doLog)

TEXT ·f64SqrtAVX512(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doSqrt)

TEXT ·f64TanhAVX512(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doTanh)

TEXT ·f64ErfAVX512(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doErf)

TEXT ·f64SinAVX512(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doSin)

TEXT ·f64CosAVX512(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doCos)

TEXT ·f64SigmoidAVX512(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doSigmoid)

TEXT ·f64SiLUAVX512(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doSiLU)

TEXT ·f64GELUAVX512(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doGELU)

TEXT ·f64GELUTanhAVX512(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doGELUTanh)

TEXT ·f64SELUAVX512(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doSELU)

TEXT ·f64ELUAVX512(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doELU)

TEXT ·f64SoftplusAVX512(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doSoftplus)

TEXT ·f64ScaleAVX512(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doScale)

TEXT ·f64ShiftAVX512(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doShift)

TEXT ·f64TanhGradAVX512(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doTanhGrad)

TEXT ·f64SigmoidGradAVX512(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doSigmoidGrad)

TEXT ·f64SiLUGradAVX512(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doSiLUGrad)

TEXT ·f64GELUGradAVX512(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doGELUGrad)

TEXT ·f64GELUTanhGradAVX512(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doGELUTanhGrad)

TEXT ·f64SELUGradAVX512(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doSELUGrad)

TEXT ·f64ELUGradAVX512(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doELUGrad)

TEXT ·f64AddAVX512(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doAdd)

TEXT ·f64SubAVX512(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doSub)

TEXT ·f64MulAVX512(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doMul)

TEXT ·f64DivAVX512(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doDiv)

TEXT ·f64AxpyAVX512(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doAxpy)

TEXT ·f64MulAddAVX512(SB), NOSPLIT, $0-48
	ARGS3
	MAP(doMulAdd)

TEXT ·f64SiLUGradGradAVX512(SB), NOSPLIT, $0-48
	ARGS3
	MAP(doSiLUGradGrad)

TEXT ·f64TanhGradGradAVX512(SB), NOSPLIT, $0-48
	ARGS3
	MAP(doTanhGradGrad)

TEXT ·f64SELUGradGradAVX512(SB), NOSPLIT, $0-48
	ARGS3
	MAP(doSELUGradGrad)

TEXT ·f64SiLUSlopesAVX512(SB), NOSPLIT, $0-48
	ARGS3
	MAP(doSiLUSlopes)

TEXT ·f64MulGradGradAVX512(SB), NOSPLIT, $0-56
	ARGS4
	MAP(doMulGradGrad)

TEXT ·f64MulPlusAVX512(SB), NOSPLIT, $0-48
	ARGS3
	MAP(doMulPlus)

TEXT ·f64AdamAVX512(SB), NOSPLIT, $0-48
	ARGS3
	ADAM

TEXT ·f64MaxBitsAVX512(SB), NOSPLIT, $0-32
	ARGSMAX
	MAXBITS

TEXT ·f64BoxMullerAVX512(SB), NOSPLIT, $0-32
	ARGSBOX64
	BOXMULLER64

TEXT ·f64DotAVX512(SB), NOSPLIT, $0-40
	ARGSDOT
	DOT

TEXT ·f64SumAVX512(SB), NOSPLIT, $0-32
	ARGSSUM
	SUM

TEXT ·f64SumSqAVX512(SB), NOSPLIT, $0-32
	ARGSSUM
	SUMSQ

TEXT ·f64CombineAVX512(SB), NOSPLIT, $0-56
	COMBINE

TEXT ·f64AddRowAVX512(SB), NOSPLIT, $0-48
	ADDROW

TEXT ·f64AddRowsAVX512(SB), NOSPLIT, $0-40
	ADDROWS
