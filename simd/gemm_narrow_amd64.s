//go:build !purego

#include "textflag.h"
#include "transpose_amd64.h"

// A·B with one to four columns, AVX2. The strips of gemm_avx2_amd64.s lay a row of C along a vector,
// which would be mostly empty here; these kernels lay a column of C along it, 8 rows of float32 or 4 of float64 to a
// vector. Four columns of A at a time are loaded as rows and transposed in registers.
//
// Registers in the loop over k:
//
//	AX, BX, CX, SI       float32: column k of A at rows 0, 4, 8 and 12: four rows from each by DX and R8
//	AX, CX               float64: the same at rows 0 and 4
//	DX, R8               distance of A's rows in bytes, and three times that
//	R9, R10, R12, R15    row k of B at columns 0 to 3
//	R11, R13             distance of B's rows in bytes, and three times that
//	DI                   steps of 4 k left
//	Y0 … Y3              columns k … k+3 of A, the upper or the lower half of the tile's rows
//	Y4 … Y7              on the way to them; elements of B in every lane
//	Y8 … Y11             the upper half of the tile's rows of C, by columns
//	Y12 … Y15            the lower half
//
// Before and after the loop SI, BX and, in float32, CX and DX point at every fourth row of the initial values and of C,
// R9 and R10 hold the distance of their rows and three times that. The frame's c, a, init and tiles are counted in
// place.

// What differs between float32 and float64 is defined before each kernel:
//
//	SIZE, LOG       of an element
//	HEIGHT          log₂ of the rows of a tile
//	MOREROWS        float32: the end of ROWS
//	INIT            gathers column o of the initial values, its upper rows in y and its lower rows in w, whose lower
//	                halves are x and z
//	SAVE            scatters them to C
//	ATA             the pointers into A, AX being the first
//	UPPER, LOWER    load four columns of those rows of A and transpose them
//	NEXT4           moves on in A by four columns
//	BCAST, FMA      one element to all lanes; y += a·b

// ROWS is what comes before INIT and SAVE.
#define ROWS(from, distance) \
	MOVQ from, SI \
	MOVQ distance, R9 \
	SHLQ LOG, R9 \
	LEAQ (R9)(R9*2), R10 \
	LEAQ (SI)(R9*4), BX \
	MOREROWS

// FMA4 continues the chains of one column of C, y, by 4 links; b is that column of B.
#define FMA4(b, y) \
	BCAST (b), Y4 \
	BCAST (b)(R11*1), Y5 \
	BCAST (b)(R11*2), Y6 \
	BCAST (b)(R13*1), Y7 \
	FMA   Y4, Y0, y \
	FMA   Y5, Y1, y \
	FMA   Y6, Y2, y \
	FMA   Y7, Y3, y

// TILES is the code for one number of columns; INITS, TOP, BOTTOM and SAVES are those of that number. The rows of a
// tile times the size of an element are 64 bytes for both types.
#define TILES(tile, loop, INITS, TOP, BOTTOM, SAVES) \
tile: \
	ROWS(init+24(FP), ldi+64(FP)) \
	INITS \
	MOVQ b+16(FP), R9 \
	MOVQ aks+48(FP), R12 \
	SHLQ LOG, R12 \
	LEAQ (R9)(R12*1), R10 \
	LEAQ (R10)(R12*2), R15 \
	LEAQ (R9)(R12*2), R12 \
	MOVQ a+8(FP), AX \
	MOVQ ars+40(FP), DX \
	SHLQ LOG, DX \
	LEAQ (DX)(DX*2), R8 \
	ATA \
	MOVQ k+72(FP), DI \
loop: \
	UPPER \
	TOP \
	LOWER \
	BOTTOM \
	NEXT4 \
	LEAQ (R9)(R11*4), R9 \
	LEAQ (R10)(R11*4), R10 \
	LEAQ (R12)(R11*4), R12 \
	LEAQ (R15)(R11*4), R15 \
	SUBQ $4, DI \
	JNZ  loop \
	ROWS(c+0(FP), ldc+32(FP)) \
	SAVES \
	SHLQ HEIGHT, R9 \
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
#define INIT2 INIT1; INIT(1, X9, Y9, X13, Y13)
#define INIT3 INIT2; INIT(2, X10, Y10, X14, Y14)
#define INIT4 INIT3; INIT(3, X11, Y11, X15, Y15)
#define TOP1 FMA4(R9, Y8)
#define TOP2 TOP1; FMA4(R10, Y9)
#define TOP3 TOP2; FMA4(R12, Y10)
#define TOP4 TOP3; FMA4(R15, Y11)
#define BOTTOM1 FMA4(R9, Y12)
#define BOTTOM2 BOTTOM1; FMA4(R10, Y13)
#define BOTTOM3 BOTTOM2; FMA4(R12, Y14)
#define BOTTOM4 BOTTOM3; FMA4(R15, Y15)
#define SAVE1 SAVE(0, X8, Y8, X12, Y12)
#define SAVE2 SAVE1; SAVE(1, X9, Y9, X13, Y13)
#define SAVE3 SAVE2; SAVE(2, X10, Y10, X14, Y14)
#define SAVE4 SAVE3; SAVE(3, X11, Y11, X15, Y15)

// NARROW is the whole of a kernel.
#define NARROW \
	MOVQ ldb+56(FP), R11 \
	SHLQ LOG, R11 \
	LEAQ (R11)(R11*2), R13 \
	MOVQ cols+96(FP), AX \
	CMPQ AX, $1 \
	JEQ  tile1 \
	CMPQ AX, $2 \
	JEQ  tile2 \
	CMPQ AX, $3 \
	JEQ  tile3 \
	TILES(tile4, loop4, INIT4, TOP4, BOTTOM4, SAVE4) \
	TILES(tile3, loop3, INIT3, TOP3, BOTTOM3, SAVE3) \
	TILES(tile2, loop2, INIT2, TOP2, BOTTOM2, SAVE2) \
	TILES(tile1, loop1, INIT1, TOP1, BOTTOM1, SAVE1)

// float32: 16 rows.

#define SIZE 4
#define LOG $2
#define HEIGHT $4
#define BCAST VBROADCASTSS
#define FMA VFMADD231PS

#define MOREROWS \
	LEAQ (BX)(R9*4), CX \
	LEAQ (CX)(R9*4), DX

// GATHER sets x to column o of 4 rows.
#define GATHER(o, row, x) \
	VMOVSS    ((o)*SIZE)(row), x \
	VINSERTPS $0x10, ((o)*SIZE)(row)(R9*1), x, x \
	VINSERTPS $0x20, ((o)*SIZE)(row)(R9*2), x, x \
	VINSERTPS $0x30, ((o)*SIZE)(row)(R10*1), x, x

#define INIT(o, x, y, z, w) \
	GATHER(o, SI, x) \
	GATHER(o, BX, X4) \
	GATHER(o, CX, z) \
	GATHER(o, DX, X5) \
	VINSERTF128 $1, X4, y, y \
	VINSERTF128 $1, X5, w, w

// SCATTER writes x to column o of 4 rows.
#define SCATTER(o, row, x) \
	VMOVSS     x, ((o)*SIZE)(row) \
	VEXTRACTPS $1, x, ((o)*SIZE)(row)(R9*1) \
	VEXTRACTPS $2, x, ((o)*SIZE)(row)(R9*2) \
	VEXTRACTPS $3, x, ((o)*SIZE)(row)(R10*1)

#define SAVE(o, x, y, z, w) \
	SCATTER(o, SI, x) \
	SCATTER(o, CX, z) \
	VEXTRACTF128 $1, y, X4 \
	VEXTRACTF128 $1, w, X5 \
	SCATTER(o, BX, X4) \
	SCATTER(o, DX, X5)

#define ATA \
	LEAQ (AX)(DX*4), BX \
	LEAQ (BX)(DX*4), CX \
	LEAQ (CX)(DX*4), SI

#define UPPER TRANSPOSE8(0, AX, BX, DX, R8)
#define LOWER TRANSPOSE8(0, CX, SI, DX, R8)
#define NEXT4 ADDQ $16, AX; ADDQ $16, BX; ADDQ $16, CX; ADDQ $16, SI

// func f32NarrowAVX2(c, a, b, init *float32, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)
TEXT ·f32NarrowAVX2(SB), NOSPLIT, $0-104
	NARROW

// float64: 8 rows.

#undef SIZE
#undef LOG
#undef HEIGHT
#undef BCAST
#undef FMA
#undef MOREROWS
#undef GATHER
#undef INIT
#undef SCATTER
#undef SAVE
#undef ATA
#undef UPPER
#undef LOWER
#undef NEXT4

#define SIZE 8
#define LOG $3
#define HEIGHT $3
#define BCAST VBROADCASTSD
#define FMA VFMADD231PD

#define MOREROWS

// GATHER sets y, whose lower half is x, to column o of 4 rows.
#define GATHER(o, row, x, y) \
	VMOVSD      ((o)*SIZE)(row), x \
	VMOVSD      ((o)*SIZE)(row)(R9*2), X4 \
	VMOVHPD     ((o)*SIZE)(row)(R9*1), x, x \
	VMOVHPD     ((o)*SIZE)(row)(R10*1), X4, X4 \
	VINSERTF128 $1, X4, y, y

#define INIT(o, x, y, z, w) GATHER(o, SI, x, y); GATHER(o, BX, z, w)

// SCATTER writes y, whose lower half is x, to column o of 4 rows.
#define SCATTER(o, row, x, y) \
	VEXTRACTF128 $1, y, X4 \
	VMOVSD       x, ((o)*SIZE)(row) \
	VMOVHPD      x, ((o)*SIZE)(row)(R9*1) \
	VMOVSD       X4, ((o)*SIZE)(row)(R9*2) \
	VMOVHPD      X4, ((o)*SIZE)(row)(R10*1)

#define SAVE(o, x, y, z, w) SCATTER(o, SI, x, y); SCATTER(o, BX, z, w)

#define ATA LEAQ (AX)(DX*4), CX

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

#define UPPER LOADA(AX)
#define LOWER LOADA(CX)
#define NEXT4 ADDQ $32, AX; ADDQ $32, CX

// func f64NarrowAVX2(c, a, b, init *float64, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)
TEXT ·f64NarrowAVX2(SB), NOSPLIT, $0-104
	NARROW
