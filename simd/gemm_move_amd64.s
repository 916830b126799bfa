//go:build !purego

#include "textflag.h"
#include "transpose_amd64.h"

// Moves of matrices with AVX2, for packing. AVX-512 uses them too: wider shuffles are no faster.
//
// Registers:
//
//	DI, R8   destination, distance of its rows in bytes
//	SI, R9   source, distance of its rows in bytes
//	R10      transposes: three times R9
//	R11      transposes of float32: SI four rows below
//	R12      rows or blocks left
//	R13      copies: bytes of a row
//	AX, BX   copies: where in the row of the source and of the destination
//	CX, DX   copies: bytes of the row left, a number on its way
//	Y0 … Y7  what is moved

// HALF8 transposes columns x … x+3 of 8 rows (x in bytes, from SI and from R11 = SI + 4 rows) and
// stores them as 4 rows of 8.
#define HALF8(x) \
	TRANSPOSE8(x, SI, R11, R9, R10) \
	VMOVUPS     Y0, (DI) \
	VMOVUPS     Y1, (DI)(R8*1) \
	LEAQ        (DI)(R8*2), DI \
	VMOVUPS     Y2, (DI) \
	VMOVUPS     Y3, (DI)(R8*1) \
	LEAQ        (DI)(R8*2), DI

// func f32Transpose8AVX2(dst, src *float32, ldd, lds, blocks int)
TEXT ·f32Transpose8AVX2(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ ldd+16(FP), R8
	MOVQ lds+24(FP), R9
	MOVQ blocks+32(FP), R12
	SHLQ $2, R8
	SHLQ $2, R9
	LEAQ (R9)(R9*2), R10
	LEAQ (SI)(R9*4), R11

block8:
	HALF8(0)
	HALF8(16)
	ADDQ $32, SI
	ADDQ $32, R11
	DECQ R12
	JNZ  block8
	VZEROUPPER
	RET

// HALF4 transposes columns x and x+1 of 4 rows (x in bytes) and stores them as 2 rows of 4.
//
//	Y0 = a0 a1 | c0 c1  →  a0 b0 | c0 d0
//	Y1 = b0 b1 | d0 d1     a1 b1 | c1 d1
#define HALF4(x) \
	VMOVUPD     x(SI), X0 \
	VMOVUPD     x(SI)(R9*1), X1 \
	VINSERTF128 $1, x(SI)(R9*2), Y0, Y0 \
	VINSERTF128 $1, x(SI)(R10*1), Y1, Y1 \
	VUNPCKLPD   Y1, Y0, Y2 \
	VUNPCKHPD   Y1, Y0, Y3 \
	VMOVUPD     Y2, (DI) \
	VMOVUPD     Y3, (DI)(R8*1) \
	LEAQ        (DI)(R8*2), DI

// func f64Transpose4AVX2(dst, src *float64, ldd, lds, blocks int)
TEXT ·f64Transpose4AVX2(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ ldd+16(FP), R8
	MOVQ lds+24(FP), R9
	MOVQ blocks+32(FP), R12
	SHLQ $3, R8
	SHLQ $3, R9
	LEAQ (R9)(R9*2), R10

block4:
	HALF4(0)
	HALF4(16)
	ADDQ $32, SI
	DECQ R12
	JNZ  block4
	VZEROUPPER
	RET

// func copyRowsAVX2(dst, src unsafe.Pointer, ldd, lds, rows, size int)
//
// Distances and size are in bytes, size a multiple of 4. While rows of 128 bytes and more are copied, as many bytes to their right
// are asked for, by their ends, which are the panel that is wanted next: a row of it is a page away from the one above, and nobody else
// would ask. It is worth 1 to 2 % of a product of 256×512×512 to 1024³ in float64.
TEXT ·copyRowsAVX2(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ ldd+16(FP), R8
	MOVQ lds+24(FP), R9
	MOVQ rows+32(FP), R12
	MOVQ size+40(FP), R13

row:
	MOVQ R13, CX       // bytes left
	MOVQ SI, AX
	MOVQ DI, BX
	SUBQ $128, CX
	JLT  rest128

run128:
	PREFETCHT1 63(AX)(R13*1)
	PREFETCHT1 127(AX)(R13*1)
	VMOVUPS (AX), Y0
	VMOVUPS 32(AX), Y1
	VMOVUPS 64(AX), Y2
	VMOVUPS 96(AX), Y3
	VMOVUPS Y0, (BX)
	VMOVUPS Y1, 32(BX)
	VMOVUPS Y2, 64(BX)
	VMOVUPS Y3, 96(BX)
	ADDQ    $128, AX
	ADDQ    $128, BX
	SUBQ    $128, CX
	JGE     run128

rest128:
	ADDQ $128, CX
	JZ   next
	SUBQ $32, CX
	JLT  rest32

run32:
	VMOVUPS (AX), Y0
	VMOVUPS Y0, (BX)
	ADDQ    $32, AX
	ADDQ    $32, BX
	SUBQ    $32, CX
	JGE     run32

rest32:
	ADDQ $32, CX
	JZ   next

run4:
	MOVL (AX), DX
	MOVL DX, (BX)
	ADDQ $4, AX
	ADDQ $4, BX
	SUBQ $4, CX
	JNZ  run4

next:
	ADDQ R8, DI
	ADDQ R9, SI
	DECQ R12
	JNZ  row
	VZEROUPPER
	RET
