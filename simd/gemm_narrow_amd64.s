//go:build !purego

#include "textflag.h"

// A·B with one to four columns, AVX2. The strips of gemm_avx2_amd64.s lay a row of C along a vector,
// which would be mostly empty here; this kernel lays a column of C along it, 8 rows to a vector. Four
// columns of A at a time are loaded as rows and transposed in registers.
//
// Registers in the loop over k:
//
//	AX, BX, CX, SI       column k of A at rows 0, 4, 8 and 12: four rows from each by DX and R8
//	DX, R8               distance of A's rows in bytes, and three times that
//	R9, R10, R12, R15    row k of B at columns 0 to 3
//	R11, R13             distance of B's rows in bytes, and three times that
//	DI                   steps of 4 k left
//	Y0 … Y3              columns k … k+3 of A, 8 rows
//	Y4 … Y7              on the way to them; Y4: an element of B in every lane
//	Y8 … Y11             rows 0 to 7 of C, by columns
//	Y12 … Y15            rows 8 to 15 of C, by columns
//
// Before and after the loop SI, BX, CX and DX point at rows 0, 4, 8 and 12 of the initial values and
// of C, R9 and R10 hold the distance of their rows and three times that. The frame's c, a, init and
// tiles are counted in place.

#define ROWS(from, distance) \
	MOVQ from, SI \
	MOVQ distance, R9 \
	SHLQ $2, R9 \
	LEAQ (R9)(R9*2), R10 \
	LEAQ (SI)(R9*4), BX \
	LEAQ (BX)(R9*4), CX \
	LEAQ (CX)(R9*4), DX

// INIT gathers column o/4 of the initial values, its rows 0 to 7 in y and 8 to 15 in w, whose lower
// halves are x and z.
#define INIT(o, x, y, z, w) \
	VMOVSS      o(SI), x \
	VMOVSS      o(BX), X4 \
	VMOVSS      o(CX), z \
	VMOVSS      o(DX), X5 \
	VINSERTPS   $0x10, o(SI)(R9*1), x, x \
	VINSERTPS   $0x10, o(BX)(R9*1), X4, X4 \
	VINSERTPS   $0x10, o(CX)(R9*1), z, z \
	VINSERTPS   $0x10, o(DX)(R9*1), X5, X5 \
	VINSERTPS   $0x20, o(SI)(R9*2), x, x \
	VINSERTPS   $0x20, o(BX)(R9*2), X4, X4 \
	VINSERTPS   $0x20, o(CX)(R9*2), z, z \
	VINSERTPS   $0x20, o(DX)(R9*2), X5, X5 \
	VINSERTPS   $0x30, o(SI)(R10*1), x, x \
	VINSERTPS   $0x30, o(BX)(R10*1), X4, X4 \
	VINSERTPS   $0x30, o(CX)(R10*1), z, z \
	VINSERTPS   $0x30, o(DX)(R10*1), X5, X5 \
	VINSERTF128 $1, X4, y, y \
	VINSERTF128 $1, X5, w, w

// SAVE4 scatters x to column o/4 of 4 rows of C.
#define SAVE4(o, row, x) \
	VMOVSS     x, o(row) \
	VEXTRACTPS $1, x, o(row)(R9*1) \
	VEXTRACTPS $2, x, o(row)(R9*2) \
	VEXTRACTPS $3, x, o(row)(R10*1)

#define SAVE(o, x, y, z, w) \
	SAVE4(o, SI, x) \
	SAVE4(o, CX, z) \
	VEXTRACTF128 $1, y, X4 \
	VEXTRACTF128 $1, w, X5 \
	SAVE4(o, BX, X4) \
	SAVE4(o, DX, X5)

// LOADA loads columns k … k+3 of the 8 rows from p and q on and transposes them: see HALF8 in
// gemm_move_amd64.s.
#define LOADA(p, q) \
	VMOVUPS     (p), X0 \
	VMOVUPS     (p)(DX*1), X1 \
	VMOVUPS     (p)(DX*2), X2 \
	VMOVUPS     (p)(R8*1), X3 \
	VINSERTF128 $1, (q), Y0, Y0 \
	VINSERTF128 $1, (q)(DX*1), Y1, Y1 \
	VINSERTF128 $1, (q)(DX*2), Y2, Y2 \
	VINSERTF128 $1, (q)(R8*1), Y3, Y3 \
	VUNPCKLPS   Y1, Y0, Y4 \
	VUNPCKHPS   Y1, Y0, Y5 \
	VUNPCKLPS   Y3, Y2, Y6 \
	VUNPCKHPS   Y3, Y2, Y7 \
	VUNPCKLPD   Y6, Y4, Y0 \
	VUNPCKHPD   Y6, Y4, Y1 \
	VUNPCKLPD   Y7, Y5, Y2 \
	VUNPCKHPD   Y7, Y5, Y3

// FMA4 continues the chains of one column of C, y, by 4 links; b is that column of B.
#define FMA4(b, y) \
	VBROADCASTSS (b), Y4 \
	VBROADCASTSS (b)(R11*1), Y5 \
	VBROADCASTSS (b)(R11*2), Y6 \
	VBROADCASTSS (b)(R13*1), Y7 \
	VFMADD231PS  Y4, Y0, y \
	VFMADD231PS  Y5, Y1, y \
	VFMADD231PS  Y6, Y2, y \
	VFMADD231PS  Y7, Y3, y

// TILES is the code for one number of columns; INITS, TOP, BOTTOM and SAVES are those of that number.
#define TILES(tile, loop, INITS, TOP, BOTTOM, SAVES) \
tile: \
	ROWS(init+24(FP), ldi+64(FP)) \
	INITS \
	MOVQ b+16(FP), R9 \
	MOVQ aks+48(FP), R12 \
	LEAQ (R9)(R12*4), R10 \
	LEAQ (R9)(R12*8), R12 \
	MOVQ R10, R15 \
	SUBQ R9, R15 \
	ADDQ R12, R15 \
	MOVQ a+8(FP), AX \
	MOVQ ars+40(FP), DX \
	SHLQ $2, DX \
	LEAQ (DX)(DX*2), R8 \
	LEAQ (AX)(DX*4), BX \
	LEAQ (BX)(DX*4), CX \
	LEAQ (CX)(DX*4), SI \
	MOVQ k+72(FP), DI \
loop: \
	LOADA(AX, BX) \
	TOP \
	LOADA(CX, SI) \
	BOTTOM \
	ADDQ $16, AX \
	ADDQ $16, BX \
	ADDQ $16, CX \
	ADDQ $16, SI \
	LEAQ (R9)(R11*4), R9 \
	LEAQ (R10)(R11*4), R10 \
	LEAQ (R12)(R11*4), R12 \
	LEAQ (R15)(R11*4), R15 \
	SUBQ $4, DI \
	JNZ  loop \
	ROWS(c+0(FP), ldc+32(FP)) \
	SAVES \
	SHLQ $4, R9 \
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
#define INIT2 INIT1; INIT(4, X9, Y9, X13, Y13)
#define INIT3 INIT2; INIT(8, X10, Y10, X14, Y14)
#define INIT4 INIT3; INIT(12, X11, Y11, X15, Y15)
#define TOP1 FMA4(R9, Y8)
#define TOP2 TOP1; FMA4(R10, Y9)
#define TOP3 TOP2; FMA4(R12, Y10)
#define TOP4 TOP3; FMA4(R15, Y11)
#define BOTTOM1 FMA4(R9, Y12)
#define BOTTOM2 BOTTOM1; FMA4(R10, Y13)
#define BOTTOM3 BOTTOM2; FMA4(R12, Y14)
#define BOTTOM4 BOTTOM3; FMA4(R15, Y15)
#define SAVEC1 SAVE(0, X8, Y8, X12, Y12)
#define SAVEC2 SAVEC1; SAVE(4, X9, Y9, X13, Y13)
#define SAVEC3 SAVEC2; SAVE(8, X10, Y10, X14, Y14)
#define SAVEC4 SAVEC3; SAVE(12, X11, Y11, X15, Y15)

// func f32NarrowAVX2(c, a, b, init *float32, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)
TEXT ·f32NarrowAVX2(SB), NOSPLIT, $0-104
	MOVQ ldb+56(FP), R11
	SHLQ $2, R11
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
