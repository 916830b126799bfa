//go:build !purego

// The elementwise kernels and the reductions of float32 in AVX2. The bodies are in elem.h and reduce.h;
// vec_avx2_f32.h has the words they are written in, loop_amd64.h arguments and loops.
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
#include "vec_avx2_f32.h"
#include "loop_amd64.h"
#include "poly_f32.h"
#include "elem.h"
#include "reduce.h"

TEXT ·f32ExpAVX2(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doExp)

TEXT ·f32LogAVX2(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doLog)

TEXT ·f32SqrtAVX2(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doSqrt)

TEXT ·f32TanhAVX2(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doTanh)

TEXT ·f32ErfAVX2(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doErf)

TEXT ·f32SinAVX2(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doSin)

TEXT ·f32CosAVX2(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doCos)

TEXT ·f32SigmoidAVX2(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doSigmoid)

TEXT ·f32SiLUAVX2(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doSiLU)

TEXT ·f32GELUAVX2(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doGELU)

TEXT ·f32GELUTanhAVX2(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doGELUTanh)

TEXT ·f32SELUAVX2(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doSELU)

TEXT ·f32ELUAVX2(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doELU)

TEXT ·f32SoftplusAVX2(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doSoftplus)

TEXT ·f32ScaleAVX2(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doScale)

TEXT ·f32ShiftAVX2(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doShift)

TEXT ·f32TanhGradAVX2(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doTanhGrad)

TEXT ·f32SigmoidGradAVX2(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doSigmoidGrad)

TEXT ·f32SiLUGradAVX2(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doSiLUGrad)

TEXT ·f32GELUGradAVX2(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doGELUGrad)

TEXT ·f32GELUTanhGradAVX2(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doGELUTanhGrad)

TEXT ·f32SELUGradAVX2(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doSELUGrad)

TEXT ·f32ELUGradAVX2(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doELUGrad)

TEXT ·f32AddAVX2(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doAdd)

TEXT ·f32SubAVX2(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doSub)

TEXT ·f32MulAVX2(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doMul)

TEXT ·f32DivAVX2(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doDiv)

TEXT ·f32AxpyAVX2(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doAxpy)

TEXT ·f32MulAddAVX2(SB), NOSPLIT, $0-48
	ARGS3
	MAP(doMulAdd)

TEXT ·f32SiLUGradGradAVX2(SB), NOSPLIT, $0-48
	ARGS3
	MAP(doSiLUGradGrad)

TEXT ·f32TanhGradGradAVX2(SB), NOSPLIT, $0-48
	ARGS3
	MAP(doTanhGradGrad)

TEXT ·f32SELUGradGradAVX2(SB), NOSPLIT, $0-48
	ARGS3
	MAP(doSELUGradGrad)

TEXT ·f32SiLUSlopesAVX2(SB), NOSPLIT, $0-48
	ARGS3
	MAP(doSiLUSlopes)

TEXT ·f32MulGradGradAVX2(SB), NOSPLIT, $0-56
	ARGS4
	MAP(doMulGradGrad)

TEXT ·f32MulPlusAVX2(SB), NOSPLIT, $0-48
	ARGS3
	MAP(doMulPlus)

TEXT ·f32AdamAVX2(SB), NOSPLIT, $0-48
	ARGS3
	ADAM

TEXT ·f32MaxBitsAVX2(SB), NOSPLIT, $0-32
	ARGSMAX
	MAXBITS

TEXT ·f32BoxMullerAVX2(SB), NOSPLIT, $0-32
	ARGSBOX32
	BOXMULLER32

TEXT ·f32DotAVX2(SB), NOSPLIT, $0-40
	ARGSDOT
	DOT

TEXT ·f32SumAVX2(SB), NOSPLIT, $0-32
	ARGSSUM
	SUM

TEXT ·f32SumSqAVX2(SB), NOSPLIT, $0-32
	ARGSSUM
	SUMSQ

TEXT ·f32CombineAVX2(SB), NOSPLIT, $0-56
	COMBINE

TEXT ·f32AddRowAVX2(SB), NOSPLIT, $0-48
	ADDROW

TEXT ·f32AddRowsAVX2(SB), NOSPLIT, $0-40
	ADDROWS
