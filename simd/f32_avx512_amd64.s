//go:build !purego

// The elementwise kernels and the reductions of float32 in AVX-512. The bodies are in elem.h and reduce.h;
// vec_avx512_f32.h has the words they are written in, loop_amd64.h arguments and loops. Tanh and SiLUSlopes are in
// pairs_avx512_amd64.s.
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
#include "vec_avx512_f32.h"
#include "loop_amd64.h"
#include "poly_f32.h"
#include "elem.h"
#include "reduce.h"

TEXT ·f32ExpAVX512(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doExp)

TEXT ·f32LogAVX512(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doLog)

TEXT ·f32SqrtAVX512(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doSqrt)

TEXT ·f32ErfAVX512(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doErf)

TEXT ·f32SinAVX512(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doSin)

TEXT ·f32CosAVX512(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doCos)

TEXT ·f32SigmoidAVX512(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doSigmoid)

TEXT ·f32SiLUAVX512(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doSiLU)

TEXT ·f32GELUAVX512(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doGELU)

TEXT ·f32GELUTanhAVX512(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doGELUTanh)

TEXT ·f32SELUAVX512(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doSELU)

TEXT ·f32ELUAVX512(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doELU)

TEXT ·f32SoftplusAVX512(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doSoftplus)

TEXT ·f32ScaleAVX512(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doScale)

TEXT ·f32ShiftAVX512(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doShift)

TEXT ·f32TanhGradAVX512(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doTanhGrad)

TEXT ·f32SigmoidGradAVX512(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doSigmoidGrad)

TEXT ·f32SiLUGradAVX512(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doSiLUGrad)

TEXT ·f32GELUGradAVX512(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doGELUGrad)

TEXT ·f32GELUTanhGradAVX512(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doGELUTanhGrad)

TEXT ·f32SELUGradAVX512(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doSELUGrad)

TEXT ·f32ELUGradAVX512(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doELUGrad)

TEXT ·f32AddAVX512(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doAdd)

TEXT ·f32SubAVX512(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doSub)

TEXT ·f32MulAVX512(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doMul)

TEXT ·f32DivAVX512(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doDiv)

TEXT ·f32AxpyAVX512(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doAxpy)

TEXT ·f32MulAddAVX512(SB), NOSPLIT, $0-48
	ARGS3
	MAP(doMulAdd)

TEXT ·f32SiLUGradGradAVX512(SB), NOSPLIT, $0-48
	ARGS3
	MAP(doSiLUGradGrad)

TEXT ·f32TanhGradGradAVX512(SB), NOSPLIT, $0-48
	ARGS3
	MAP(doTanhGradGrad)

TEXT ·f32SELUGradGradAVX512(SB), NOSPLIT, $0-48
	ARGS3
	MAP(doSELUGradGrad)

TEXT ·f32MulGradGradAVX512(SB), NOSPLIT, $0-56
	ARGS4
	MAP(doMulGradGrad)

TEXT ·f32MulPlusAVX512(SB), NOSPLIT, $0-48
	ARGS3
	MAP(doMulPlus)

TEXT ·f32AdamAVX512(SB), NOSPLIT, $0-48
	ARGS3
	ADAM

TEXT ·f32MaxBitsAVX512(SB), NOSPLIT, $0-32
	ARGSMAX
	MAXBITS

TEXT ·f32BoxMullerAVX512(SB), NOSPLIT, $0-32
	ARGSBOX32
	BOXMULLER32

TEXT ·f32DotAVX512(SB), NOSPLIT, $0-40
	ARGSDOT
	DOT

TEXT ·f32SumAVX512(SB), NOSPLIT, $0-32
	ARGSSUM
	SUM

TEXT ·f32SumSqAVX512(SB), NOSPLIT, $0-32
	ARGSSUM
	SUMSQ

TEXT ·f32CombineAVX512(SB), NOSPLIT, $0-56
	COMBINE

TEXT ·f32AddRowAVX512(SB), NOSPLIT, $0-48
	ADDROW

TEXT ·f32AddRowsAVX512(SB), NOSPLIT, $0-40
	ADDROWS
