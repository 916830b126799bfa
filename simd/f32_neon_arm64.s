//go:build !purego

// The elementwise kernels and the reductions of float32 in NEON. The bodies are in elem.h and reduce.h;
// vec_neon_f32.h has the words they are written in, loop_arm64.h arguments and loops.
//
// Registers:
//
//	R0 … R3, R6          the ends of dst, x, y, z and w; of reductions where the loop is
//	R4                   bytes from where the loop is to those ends, from -n·size up to 0; of reductions the elements left
//	R5                   the table of constants, or the scalars of a kernel
//	R6 … R12             what reductions and kernels of more operands need besides: see COMBINE and others in loop_arm64.h
//	V0 … V7, V16, V17    the vectors A0 … A9; V0 … V15 in reductions the 32 lanes
//	V30, V31             the mask M0, scratch; V29 scratch of reductions

#include "textflag.h"
#include "go_asm.h"
#include "vec_neon_f32.h"
#include "loop_arm64.h"
#include "poly_f32.h"
#include "elem.h"
#include "reduce.h"

TEXT ·f32ExpNEON(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doExp)

TEXT ·f32LogNEON(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doLog)

TEXT ·f32SqrtNEON(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doSqrt)

TEXT ·f32TanhNEON(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doTanh)

TEXT ·f32ErfNEON(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doErf)

TEXT ·f32SinNEON(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doSin)

TEXT ·f32CosNEON(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doCos)

TEXT ·f32SigmoidNEON(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doSigmoid)

TEXT ·f32SiLUNEON(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doSiLU)

TEXT ·f32GELUNEON(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doGELU)

TEXT ·f32GELUTanhNEON(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doGELUTanh)

TEXT ·f32SELUNEON(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doSELU)

TEXT ·f32ELUNEON(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doELU)

TEXT ·f32SoftplusNEON(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doSoftplus)

TEXT ·f32ScaleNEON(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doScale)

TEXT ·f32ShiftNEON(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doShift)

TEXT ·f32TanhGradNEON(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doTanhGrad)

TEXT ·f32SigmoidGradNEON(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doSigmoidGrad)

TEXT ·f32SiLUGradNEON(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doSiLUGrad)

TEXT ·f32GELUGradNEON(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doGELUGrad)

TEXT ·f32GELUTanhGradNEON(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doGELUTanhGrad)

TEXT ·f32SELUGradNEON(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doSELUGrad)

TEXT ·f32ELUGradNEON(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doELUGrad)

TEXT ·f32AddNEON(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doAdd)

TEXT ·f32SubNEON(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doSub)

TEXT ·f32MulNEON(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doMul)

TEXT ·f32DivNEON(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doDiv)

TEXT ·f32AxpyNEON(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doAxpy)

TEXT ·f32MulAddNEON(SB), NOSPLIT, $0-48
	ARGS3
	MAP(doMulAdd)

TEXT ·f32SiLUGradGradNEON(SB), NOSPLIT, $0-48
	ARGS3
	MAP(doSiLUGradGrad)

TEXT ·f32TanhGradGradNEON(SB), NOSPLIT, $0-48
	ARGS3
	MAP(doTanhGradGrad)

TEXT ·f32SELUGradGradNEON(SB), NOSPLIT, $0-48
	ARGS3
	MAP(doSELUGradGrad)

TEXT ·f32SiLUSlopesNEON(SB), NOSPLIT, $0-48
	ARGS3
	MAP(doSiLUSlopes)

TEXT ·f32MulGradGradNEON(SB), NOSPLIT, $0-56
	ARGS4
	MAP(doMulGradGrad)

TEXT ·f32MulPlusNEON(SB), NOSPLIT, $0-48
	ARGS3
	MAP(doMulPlus)

TEXT ·f32AdamNEON(SB), NOSPLIT, $0-48
	ARGS3
	ADAM

TEXT ·f32MaxBitsNEON(SB), NOSPLIT, $0-32
	ARGSMAX
	MAXBITS

TEXT ·f32BoxMullerNEON(SB), NOSPLIT, $0-32
	ARGSBOX32
	BOXMULLER32

TEXT ·f32DotNEON(SB), NOSPLIT, $0-40
	ARGSDOT
	DOT

TEXT ·f32SumNEON(SB), NOSPLIT, $0-32
	ARGSSUM
	SUM

TEXT ·f32SumSqNEON(SB), NOSPLIT, $0-32
	ARGSSUM
	SUMSQ

TEXT ·f32CombineNEON(SB), NOSPLIT, $0-56
	COMBINE

TEXT ·f32AddRowNEON(SB), NOSPLIT, $0-48
	ADDROW

TEXT ·f32AddRowsNEON(SB), NOSPLIT, $0-40
	ADDROWS
