//go:build !purego

// The elementwise kernels and the reductions of float64 in AVX2. The bodies are in elem.h and reduce.h;
// vec_avx2_f64.h has the words they are written in, loop_amd64.h arguments and loops.
//
// Registers:
//
//	DI, SI, DX, R8, R10  the ends of dst, x, y, z and w
//	CX                   bytes from where the loop is to those ends, from -n·size up to 0
//	R9                   the table of constants, or the scalars of a kernel
//	AX, BX, R10 … R12    what kernels of more operands need besides: see COMBINE and others in loop_amd64.h
//	Y0 … Y9              the vectors A0 … A9; in reductions the 32 lanes
//	Y14, Y15             the mask M0, scratch

#include "textflag.h"
#include "go_asm.h"
#include "vec_avx2_f64.h"
#include "loop_amd64.h"
#include "poly_f64.h"
#include "elem.h"
#include "reduce.h"

TEXT ·f64ExpAVX2(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doExp)

TEXT ·f64LogAVX2(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doLog)

TEXT ·f64SqrtAVX2(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doSqrt)

TEXT ·f64TanhAVX2(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doTanh)

TEXT ·f64ErfAVX2(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doErf)

TEXT ·f64SinAVX2(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doSin)

TEXT ·f64CosAVX2(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doCos)

TEXT ·f64SigmoidAVX2(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doSigmoid)

TEXT ·f64SiLUAVX2(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doSiLU)

TEXT ·f64GELUAVX2(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doGELU)

TEXT ·f64GELUTanhAVX2(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doGELUTanh)

TEXT ·f64SELUAVX2(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doSELU)

TEXT ·f64ELUAVX2(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doELU)

TEXT ·f64SoftplusAVX2(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doSoftplus)

TEXT ·f64ScaleAVX2(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doScale)

TEXT ·f64ShiftAVX2(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doShift)

TEXT ·f64TanhGradAVX2(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doTanhGrad)

TEXT ·f64SigmoidGradAVX2(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doSigmoidGrad)

TEXT ·f64SiLUGradAVX2(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doSiLUGrad)

TEXT ·f64GELUGradAVX2(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doGELUGrad)

TEXT ·f64GELUTanhGradAVX2(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doGELUTanhGrad)

TEXT ·f64SELUGradAVX2(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doSELUGrad)

TEXT ·f64ELUGradAVX2(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doELUGrad)

TEXT ·f64AddAVX2(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doAdd)

TEXT ·f64SubAVX2(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doSub)

TEXT ·f64MulAVX2(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doMul)

TEXT ·f64DivAVX2(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doDiv)

TEXT ·f64AxpyAVX2(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doAxpy)

TEXT ·f64MulAddAVX2(SB), NOSPLIT, $0-48
	ARGS3
	MAP(doMulAdd)

TEXT ·f64SiLUGradGradAVX2(SB), NOSPLIT, $0-48
	ARGS3
	MAP(doSiLUGradGrad)

TEXT ·f64TanhGradGradAVX2(SB), NOSPLIT, $0-48
	ARGS3
	MAP(doTanhGradGrad)

TEXT ·f64SELUGradGradAVX2(SB), NOSPLIT, $0-48
	ARGS3
	MAP(doSELUGradGrad)

TEXT ·f64SiLUSlopesAVX2(SB), NOSPLIT, $0-48
	ARGS3
	MAP(doSiLUSlopes)

TEXT ·f64MulGradGradAVX2(SB), NOSPLIT, $0-56
	ARGS4
	MAP(doMulGradGrad)

TEXT ·f64MulPlusAVX2(SB), NOSPLIT, $0-48
	ARGS3
	MAP(doMulPlus)

TEXT ·f64AdamAVX2(SB), NOSPLIT, $0-48
	ARGS3
	ADAM

TEXT ·f64MaxBitsAVX2(SB), NOSPLIT, $0-32
	ARGSMAX
	MAXBITS

TEXT ·f64BoxMullerAVX2(SB), NOSPLIT, $0-32
	ARGSBOX64
	BOXMULLER64

TEXT ·f64DotAVX2(SB), NOSPLIT, $0-40
	ARGSDOT
	DOT

TEXT ·f64SumAVX2(SB), NOSPLIT, $0-32
	ARGSSUM
	SUM

TEXT ·f64SumSqAVX2(SB), NOSPLIT, $0-32
	ARGSSUM
	SUMSQ

TEXT ·f64CombineAVX2(SB), NOSPLIT, $0-56
	COMBINE

TEXT ·f64AddRowAVX2(SB), NOSPLIT, $0-48
	ADDROW

TEXT ·f64AddRowsAVX2(SB), NOSPLIT, $0-40
	ADDROWS
