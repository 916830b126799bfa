//go:build !purego

// The elementwise kernels and the reductions of float64 in NEON. The bodies are in elem.h and reduce.h;
// vec_neon_f64.h has the words they are written in, loop_arm64.h arguments and loops.
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
#include "vec_neon_f64.h"
#include "loop_arm64.h"
#include "poly_f64.h"
#include "elem.h"
#include "reduce.h"

TEXT ·f64ExpNEON(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doExp)

TEXT ·f64LogNEON(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doLog)

TEXT ·f64SqrtNEON(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doSqrt)

TEXT ·f64TanhNEON(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doTanh)

TEXT ·f64ErfNEON(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doErf)

TEXT ·f64SinNEON(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doSin)

TEXT ·f64CosNEON(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doCos)

TEXT ·f64SigmoidNEON(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doSigmoid)

TEXT ·f64SiLUNEON(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doSiLU)

TEXT ·f64GELUNEON(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doGELU)

TEXT ·f64GELUTanhNEON(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doGELUTanh)

TEXT ·f64SELUNEON(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doSELU)

TEXT ·f64ELUNEON(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doELU)

TEXT ·f64SoftplusNEON(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doSoftplus)

TEXT ·f64ScaleNEON(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doScale)

TEXT ·f64ShiftNEON(SB), NOSPLIT, $0-32
	ARGS1
	MAP(doShift)

TEXT ·f64TanhGradNEON(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doTanhGrad)

TEXT ·f64SigmoidGradNEON(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doSigmoidGrad)

TEXT ·f64SiLUGradNEON(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doSiLUGrad)

TEXT ·f64GELUGradNEON(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doGELUGrad)

TEXT ·f64GELUTanhGradNEON(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doGELUTanhGrad)

TEXT ·f64SELUGradNEON(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doSELUGrad)

TEXT ·f64ELUGradNEON(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doELUGrad)

TEXT ·f64AddNEON(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doAdd)

TEXT ·f64SubNEON(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doSub)

TEXT ·f64MulNEON(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doMul)

TEXT ·f64DivNEON(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doDiv)

TEXT ·f64AxpyNEON(SB), NOSPLIT, $0-40
	ARGS2
	MAP(doAxpy)

TEXT ·f64MulAddNEON(SB), NOSPLIT, $0-48
	ARGS3
	MAP(doMulAdd)

TEXT ·f64SiLUGradGradNEON(SB), NOSPLIT, $0-48
	ARGS3
	MAP(doSiLUGradGrad)

TEXT ·f64TanhGradGradNEON(SB), NOSPLIT, $0-48
	ARGS3
	MAP(doTanhGradGrad)

TEXT ·f64SELUGradGradNEON(SB), NOSPLIT, $0-48
	ARGS3
	MAP(doSELUGradGrad)

TEXT ·f64SiLUSlopesNEON(SB), NOSPLIT, $0-48
	ARGS3
	MAP(doSiLUSlopes)

TEXT ·f64MulGradGradNEON(SB), NOSPLIT, $0-56
	ARGS4
	MAP(doMulGradGrad)

TEXT ·f64MulPlusNEON(SB), NOSPLIT, $0-48
	ARGS3
	MAP(doMulPlus)

TEXT ·f64AdamNEON(SB), NOSPLIT, $0-48
	ARGS3
	ADAM

TEXT ·f64MaxBitsNEON(SB), NOSPLIT, $0-32
	ARGSMAX
	MAXBITS

TEXT ·f64BoxMullerNEON(SB), NOSPLIT, $0-32
	ARGSBOX64
	BOXMULLER64

TEXT ·f64DotNEON(SB), NOSPLIT, $0-40
	ARGSDOT
	DOT

TEXT ·f64SumNEON(SB), NOSPLIT, $0-32
	ARGSSUM
	SUM

TEXT ·f64SumSqNEON(SB), NOSPLIT, $0-32
	ARGSSUM
	SUMSQ

TEXT ·f64CombineNEON(SB), NOSPLIT, $0-56
	COMBINE

TEXT ·f64AddRowNEON(SB), NOSPLIT, $0-48
	ADDROW

TEXT ·f64AddRowsNEON(SB), NOSPLIT, $0-40
	ADDROWS
