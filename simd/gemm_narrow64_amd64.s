//go:build !purego

#include "textflag.h"

// A·B of float64 with one to four columns, AVX2: gemm_narrow_amd64.s with 4 rows to a vector. Four columns of A
// at a time are loaded as rows and transposed in registers.
//
// Registers in the loop over k:
//
//	AX, CX               column k of A at rows 0 and 4: four rows from each by DX and R8
//	DX, R8               distance of A's rows in bytes, and three times that
//	R9, R10, R12, R15    row k of B at columns 0 to 3
//	R11, R13             distance of B's rows in bytes, and three times that
//	DI                   steps of 4 k left
//	Y0 … Y3              columns k … k+3 of A, 4 rows
//	Y4 … Y7              on the way to them; elements of B in every lane
//	Y8 … Y11             rows 0 to 3 of C, by columns
//	Y12 … Y15            rows 4 to 7 of C, by columns
//
// Before and after the loop SI and BX point at rows 0 and 4 of the initial values and of C, R9 and R10 hold the
// distance of their rows and three times that. The frame's c, a, init and tiles are counted in place.

#define ROWS(from, distance) \
	MOVQ from, SI \
	MOVQ distance, R9 \
	SHLQ $3, R9 \
	LEAQ (R9)(R9*2), R10 \
	LEAQ (SI)(R9*4), BX

// INIT4ROWS gathers column o/8 of 4 rows of the initial values in y, whose lower half is x.
#define INIT4ROWS(o, row, x, y) \
	VMOVSD      o(row), x \
	VMOVSD      o(row)(R9*2), X4 \
	VMOVHPD     o(row)(R9*1), x, x \
	VMOVHPD     o(row)(R10*1), X4, X4 \
	VINSERTF128 $1, X4, y, y

#define INIT(o, x, y, z, w) INIT4ROWS(o, SI, x, y); INIT4ROWS(o, BX, z, w)

// SAVE4ROWS scatters y, whose lower half is x, to column o/8 of 4 rows of C.
#define SAVE4ROWS(o, row, x, y) \
	VEXTRACTF128 $1, y, X4 \
	VMOVSD  x, o(row) \
	VMOVHPD x, o(row)(R9*1) \
	VMOVSD  X4, o(row)(R9*2) \
	VMOVHPD X4, o(row)(R10*1)

#define SAVE(o, x, y, z, w) SAVE4ROWS(o, SI, x, y); SAVE4ROWS(o, BX, z, w)

// LOADA loads columns k … k+3 of the 4 rows from p on and transposes them.
#define LOADA(p) \
	VMOVUPD     (p), X4 \
	VMOVUPD     (p)(DX*1), X5 \
	VMOVUPD     16(p), X6 \
	VMOVUPD     16(p)(DX*1), X7 \
	VINSERTF128 $1, (p)(DX*2), Y4, Y4 \
	VINSERTF128 $1, (p)(R8*1), Y5, Y5 \
	VINSERTF128 $1, 16(p)(DX*2), Y6, Y6 \
	VINSERTF128 $1, 16(p)(R8*1), Y7, Y7 \
	VUNPCKLPD   Y5, Y4, Y0 \
	VUNPCKHPD   Y5, Y4, Y1 \
	VUNPCKLPD   Y7, Y6, Y2 \
	VUNPCKHPD   Y7, Y6, Y3

// FMA4 continues the chains of one column of C, y, by 4 links; b is that column of B.
#define FMA4(b, y) \
	VBROADCASTSD (b), Y4 \
	VBROADCASTSD (b)(R11*1), Y5 \
	VBROADCASTSD (b)(R11*2), Y6 \
	VBROADCASTSD (b)(R13*1), Y7 \
	VFMADD231PD  Y4, Y0, y \
	VFMADD231PD  Y5, Y1, y \
	VFMADD231PD  Y6, Y2, y \
	VFMADD231PD  Y7, Y3, y

// TILES is the code for one number of columns; INITS, TOP, BOTTOM and SAVES are those of that number.
#define TILES(tile, loop, INITS, TOP, BOTTOM, SAVES) \
tile: \
	ROWS(init+24(FP), ldi+64(FP)) \
	INITS \
	MOVQ b+16(FP), R9 \
	MOVQ aks+48(FP), R12 \
	SHLQ $3, R12 \
	LEAQ (R9)(R12*1), R10 \
	LEAQ (R10)(R12*2), R15 \
	LEAQ (R9)(R12*2), R12 \
	MOVQ a+8(FP), AX \
	MOVQ ars+40(FP), DX \
	SHLQ $3, DX \
	LEAQ (DX)(DX*2), R8 \
	LEAQ (AX)(DX*4), CX \
	MOVQ k+72(FP), DI \
loop: \
	LOADA(AX) \
	TOP \
	LOADA(CX) \
	BOTTOM \
	ADDQ $32, AX \
	ADDQ $32, CX \
	LEAQ (R9)(R11*4), R9 \
	LEAQ (R10)(R11*4), R10 \
	LEAQ (R12)(R11*4), R12 \
	LEAQ (R15)(R11*4), R15 \
	SUBQ $4, DI \
	JNZ  loop \
	ROWS(c+0(FP), ldc+32(FP)) \
	SAVES \
	SHLQ $3, R9 \
	ADDQ R9, c+0(FP) \
	MOVQ ldi+64(FP), R9 \
	SHLQ $6, R9 \
	ADDQ R9, init+24(FP) \
	MOVQ ars+40(FP), R9 \
	SHLQ $6, R9 \
	ADDQ R9, a+8(FP) \
	DECQ tiles+88(FP) \
	JNZ  tile \
	VZEROUPPER \
	RET

#define INIT1 INIT(0, X8, Y8, X12, Y12)
#define INIT2 INIT1; INIT(8, X9, Y9, X13, Y13)
#define INIT3 INIT2; INIT(16, X10, Y10, X14, Y14)
#define INIT4 INIT3; INIT(24, X11, Y11, X15, Y15)
#define TOP1 FMA4(R9, Y8)
#define TOP2 TOP1; FMA4(R10, Y9)
#define TOP3 TOP2; FMA4(R12, Y10)
#define TOP4 TOP3; FMA4(R15, Y11)
#define BOTTOM1 FMA4(R9, Y12)
#define BOTTOM2 BOTTOM1; FMA4(R10, Y13)
#define BOTTOM3 BOTTOM2; FMA4(R12, Y14)
#define BOTTOM4 BOTTOM3; FMA4(R15, Y15)
#define SAVEC1 SAVE(0, X8, Y8, X12, Y12)
#define SAVEC2 SAVEC1; SAVE(8, X9, Y9, X13, Y13)
#define SAVEC3 SAVEC2; SAVE(16, X10, Y10, X14, Y14)
#define SAVEC4 SAVEC3; SAVE(24, X11, Y11, X15, Y15)

// func f64NarrowAVX2(c, a, b, init *float64, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)
TEXT ·f64NarrowAVX2(SB), NOSPLIT, $0-104
	MOVQ ldb+56(FP), R11
	SHLQ $3, R11
	LEAQ (R11)(R11*2), R13
	MOVQ cols+96(FP), AX
	CMPQ AX, $1
	JEQ  tile1
	CMPQ AX, $2
	JEQ  tile2
	CMPQ AX, $3
	JEQ  tile3
	TILES(tile4, loop4, INIT4, TOP4, BOTTOM4, SAVEC4)
	TILES(tile3, loop3, INIT3, TOP3, BOTTOM3, SAVEC3)
	TILES(tile2, loop2, INIT2, TOP2, BOTTOM2, SAVEC2)
	TILES(tile1, loop1, INIT1, TOP1, BOTTOM1, SAVEC1)
