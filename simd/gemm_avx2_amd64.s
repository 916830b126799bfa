//go:build !purego

#include "textflag.h"

// Micro-kernels of the matrix products for AVX2 with FMA3. gemm_block.go says what a strip computes.
//
// A tile of C lives in registers while k runs. In each step of k one row of B is loaded, and each
// element of a column of A is broadcast and multiplied into its row of the tile. The kernels
// differ in the shape of the tile (rows × vectors); 12 of the 16 registers hold it:
//
//	wide    up to  6×2   the default
//	wider   up to  4×3   where the columns allow it: fewer loads a multiplication
//	flat    up to  3×4   for few rows: a chain takes 4 cycles a link, so few rows need many columns
//	row            1×8   for one row
//	edge    up to 12×1   the last columns, 1 to a vector's lanes, masked
//
// Registers:
//
//	AX, BX, CX   column k of A at rows 0, 5 and 10: five rows from each by DX and R8
//	DX, R8       distance of A's rows in bytes, and three times that
//	R9           distance of A's columns in bytes
//	R10, R11     row k of B, distance of B's rows in bytes
//	R12          steps of k left
//	DI, R13      row of C, distance of C's rows in bytes
//	SI, R15      row of the initial values, distance of those rows in bytes
//	Y0 … Y11     the tile, by rows
//	Y12 … Y15    elements of A in every lane, a row of B, edge: the mask in Y15
//
// The frame's tiles and a are counted in place; rows is replaced by the height of a tile of A
// in bytes.

// What differs between float32 and float64 is defined before each group of kernels:
//
//	LOG     log₂ of an element's size
//	BCAST   one element to all lanes
//	FMA     z += x·y
//	MASKED  a vector under a mask

#define ARGS \
	MOVQ c+0(FP), DI \
	MOVQ init+24(FP), SI \
	MOVQ ldc+32(FP), R13 \
	MOVQ ars+40(FP), DX \
	MOVQ aks+48(FP), R9 \
	MOVQ ldb+56(FP), R11 \
	MOVQ ldi+64(FP), R15 \
	MOVQ rows+80(FP), R12 \
	SHLQ LOG, R13 \
	SHLQ LOG, DX \
	SHLQ LOG, R9 \
	SHLQ LOG, R11 \
	SHLQ LOG, R15 \
	LEAQ (DX)(DX*2), R8 \
	MOVQ R12, AX \
	IMULQ DX, AX \
	MOVQ AX, rows+80(FP)

// TILES is the code for one height of the tile. INIT, STEP and SAVE are those of that height.
#define TILES(tile, loop, INIT, LOADB, STEP, SAVE) \
tile: \
	MOVQ a+8(FP), AX \
	MOVQ b+16(FP), R10 \
	MOVQ k+72(FP), R12 \
	LEAQ (AX)(DX*4), BX \
	ADDQ DX, BX \
	LEAQ (BX)(DX*4), CX \
	ADDQ DX, CX \
	INIT \
loop: \
	LOADB \
	STEP \
	ADDQ R9, AX \
	ADDQ R9, BX \
	ADDQ R9, CX \
	ADDQ R11, R10 \
	DECQ R12 \
	JNZ  loop \
	SAVE \
	MOVQ rows+80(FP), AX \
	ADDQ AX, a+8(FP) \
	DECQ tiles+88(FP) \
	JNZ  tile \
	VZEROUPPER \
	RET

// Two vectors a row.

#define LOADB2 VMOVUPS (R10), Y14; VMOVUPS 32(R10), Y15
#define INITW(x, y) VMOVUPS (SI), x; VMOVUPS 32(SI), y; ADDQ R15, SI
#define FMAW(a, x, y) BCAST a, Y12; FMA Y14, Y12, x; FMA Y15, Y12, y
#define SAVEW(x, y) VMOVUPS x, (DI); VMOVUPS y, 32(DI); ADDQ R13, DI

#define INITW1 INITW(Y0, Y1)
#define INITW2 INITW1; INITW(Y2, Y3)
#define INITW3 INITW2; INITW(Y4, Y5)
#define INITW4 INITW3; INITW(Y6, Y7)
#define INITW5 INITW4; INITW(Y8, Y9)
#define INITW6 INITW5; INITW(Y10, Y11)

#define FMAW1 FMAW((AX), Y0, Y1)
#define FMAW2 FMAW1; FMAW((AX)(DX*1), Y2, Y3)
#define FMAW3 FMAW2; FMAW((AX)(DX*2), Y4, Y5)
#define FMAW4 FMAW3; FMAW((AX)(R8*1), Y6, Y7)
#define FMAW5 FMAW4; FMAW((AX)(DX*4), Y8, Y9)
#define FMAW6 FMAW5; FMAW((BX), Y10, Y11)

#define SAVEW1 SAVEW(Y0, Y1)
#define SAVEW2 SAVEW1; SAVEW(Y2, Y3)
#define SAVEW3 SAVEW2; SAVEW(Y4, Y5)
#define SAVEW4 SAVEW3; SAVEW(Y6, Y7)
#define SAVEW5 SAVEW4; SAVEW(Y8, Y9)
#define SAVEW6 SAVEW5; SAVEW(Y10, Y11)

// Three vectors a row.

#define LOADB3 VMOVUPS (R10), Y13; VMOVUPS 32(R10), Y14; VMOVUPS 64(R10), Y15
#define INITR(x, y, z) VMOVUPS (SI), x; VMOVUPS 32(SI), y; VMOVUPS 64(SI), z; ADDQ R15, SI
#define FMAR(a, x, y, z) BCAST a, Y12; FMA Y13, Y12, x; FMA Y14, Y12, y; FMA Y15, Y12, z
#define SAVER(x, y, z) VMOVUPS x, (DI); VMOVUPS y, 32(DI); VMOVUPS z, 64(DI); ADDQ R13, DI

#define INITR1 INITR(Y0, Y1, Y2)
#define INITR2 INITR1; INITR(Y3, Y4, Y5)
#define INITR3 INITR2; INITR(Y6, Y7, Y8)
#define INITR4 INITR3; INITR(Y9, Y10, Y11)

#define FMAR1 FMAR((AX), Y0, Y1, Y2)
#define FMAR2 FMAR1; FMAR((AX)(DX*1), Y3, Y4, Y5)
#define FMAR3 FMAR2; FMAR((AX)(DX*2), Y6, Y7, Y8)
#define FMAR4 FMAR3; FMAR((AX)(R8*1), Y9, Y10, Y11)

#define SAVER1 SAVER(Y0, Y1, Y2)
#define SAVER2 SAVER1; SAVER(Y3, Y4, Y5)
#define SAVER3 SAVER2; SAVER(Y6, Y7, Y8)
#define SAVER4 SAVER3; SAVER(Y9, Y10, Y11)

// Four vectors a row. The elements of A stay in registers and B passes through one.

#define INITF(x, y, z, w) VMOVUPS (SI), x; VMOVUPS 32(SI), y; VMOVUPS 64(SI), z; VMOVUPS 96(SI), w; ADDQ R15, SI
#define SAVEF(x, y, z, w) VMOVUPS x, (DI); VMOVUPS y, 32(DI); VMOVUPS z, 64(DI); VMOVUPS w, 96(DI); ADDQ R13, DI

#define INITF1 INITF(Y0, Y1, Y2, Y3)
#define INITF2 INITF1; INITF(Y4, Y5, Y6, Y7)
#define INITF3 INITF2; INITF(Y8, Y9, Y10, Y11)

#define SAVEF1 SAVEF(Y0, Y1, Y2, Y3)
#define SAVEF2 SAVEF1; SAVEF(Y4, Y5, Y6, Y7)
#define SAVEF3 SAVEF2; SAVEF(Y8, Y9, Y10, Y11)

#define LOADA1 BCAST (AX), Y12
#define LOADA2 LOADA1; BCAST (AX)(DX*1), Y13
#define LOADA3 LOADA2; BCAST (AX)(DX*2), Y14
#define FMAF1(b, x) FMA b, Y12, x
#define FMAF2(b, x, y) VMOVUPS b, Y15; FMA Y15, Y12, x; FMA Y15, Y13, y
#define FMAF3(b, x, y, z) VMOVUPS b, Y15; FMA Y15, Y12, x; FMA Y15, Y13, y; FMA Y15, Y14, z
#define STEPF1 FMAF1((R10), Y0); FMAF1(32(R10), Y1); FMAF1(64(R10), Y2); FMAF1(96(R10), Y3)
#define STEPF2 FMAF2((R10), Y0, Y4); FMAF2(32(R10), Y1, Y5); FMAF2(64(R10), Y2, Y6); FMAF2(96(R10), Y3, Y7)
#define STEPF3 FMAF3((R10), Y0, Y4, Y8); FMAF3(32(R10), Y1, Y5, Y9); FMAF3(64(R10), Y2, Y6, Y10); FMAF3(96(R10), Y3, Y7, Y11)

// Eight vectors, one row.

#define INITL VMOVUPS (SI), Y0; VMOVUPS 32(SI), Y1; VMOVUPS 64(SI), Y2; VMOVUPS 96(SI), Y3; VMOVUPS 128(SI), Y4; VMOVUPS 160(SI), Y5; VMOVUPS 192(SI), Y6; VMOVUPS 224(SI), Y7; ADDQ R15, SI
#define FMAL FMA (R10), Y12, Y0; FMA 32(R10), Y12, Y1; FMA 64(R10), Y12, Y2; FMA 96(R10), Y12, Y3; FMA 128(R10), Y12, Y4; FMA 160(R10), Y12, Y5; FMA 192(R10), Y12, Y6; FMA 224(R10), Y12, Y7
#define SAVEL VMOVUPS Y0, (DI); VMOVUPS Y1, 32(DI); VMOVUPS Y2, 64(DI); VMOVUPS Y3, 96(DI); VMOVUPS Y4, 128(DI); VMOVUPS Y5, 160(DI); VMOVUPS Y6, 192(DI); VMOVUPS Y7, 224(DI); ADDQ R13, DI

// One vector a row, masked.

#define LOADB1 MASKED (R10), Y15, Y14
#define INITE(x) MASKED (SI), Y15, x; ADDQ R15, SI
#define FMAE(a, x) BCAST a, Y12; FMA Y14, Y12, x
#define SAVEE(x) MASKED x, Y15, (DI); ADDQ R13, DI

#define INITE1 INITE(Y0)
#define INITE2 INITE1; INITE(Y1)
#define INITE3 INITE2; INITE(Y2)
#define INITE4 INITE3; INITE(Y3)
#define INITE5 INITE4; INITE(Y4)
#define INITE6 INITE5; INITE(Y5)
#define INITE7 INITE6; INITE(Y6)
#define INITE8 INITE7; INITE(Y7)
#define INITE9 INITE8; INITE(Y8)
#define INITE10 INITE9; INITE(Y9)
#define INITE11 INITE10; INITE(Y10)
#define INITE12 INITE11; INITE(Y11)

#define FMAE1 FMAE((AX), Y0)
#define FMAE2 FMAE1; FMAE((AX)(DX*1), Y1)
#define FMAE3 FMAE2; FMAE((AX)(DX*2), Y2)
#define FMAE4 FMAE3; FMAE((AX)(R8*1), Y3)
#define FMAE5 FMAE4; FMAE((AX)(DX*4), Y4)
#define FMAE6 FMAE5; FMAE((BX), Y5)
#define FMAE7 FMAE6; FMAE((BX)(DX*1), Y6)
#define FMAE8 FMAE7; FMAE((BX)(DX*2), Y7)
#define FMAE9 FMAE8; FMAE((BX)(R8*1), Y8)
#define FMAE10 FMAE9; FMAE((BX)(DX*4), Y9)
#define FMAE11 FMAE10; FMAE((CX), Y10)
#define FMAE12 FMAE11; FMAE((CX)(DX*1), Y11)

#define SAVEE1 SAVEE(Y0)
#define SAVEE2 SAVEE1; SAVEE(Y1)
#define SAVEE3 SAVEE2; SAVEE(Y2)
#define SAVEE4 SAVEE3; SAVEE(Y3)
#define SAVEE5 SAVEE4; SAVEE(Y4)
#define SAVEE6 SAVEE5; SAVEE(Y5)
#define SAVEE7 SAVEE6; SAVEE(Y6)
#define SAVEE8 SAVEE7; SAVEE(Y7)
#define SAVEE9 SAVEE8; SAVEE(Y8)
#define SAVEE10 SAVEE9; SAVEE(Y9)
#define SAVEE11 SAVEE10; SAVEE(Y10)
#define SAVEE12 SAVEE11; SAVEE(Y11)

// MASK sets the first cols lanes of Y15, by a window on ones followed by zeros.
#define MASK MOVQ cols+96(FP), CX; SHLQ LOG, CX; NEGQ CX; LEAQ lanes<>+32(SB), AX; VMOVUPS (AX)(CX*1), Y15

DATA lanes<>+0(SB)/8, $-1
DATA lanes<>+8(SB)/8, $-1
DATA lanes<>+16(SB)/8, $-1
DATA lanes<>+24(SB)/8, $-1
DATA lanes<>+32(SB)/8, $0
DATA lanes<>+40(SB)/8, $0
DATA lanes<>+48(SB)/8, $0
DATA lanes<>+56(SB)/8, $0
GLOBL lanes<>(SB), RODATA|NOPTR, $64

#define LOG $2
#define BCAST VBROADCASTSS
#define FMA VFMADD231PS
#define MASKED VMASKMOVPS

// func f32WideAVX2(c, a, b, init *float32, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)
TEXT ·f32WideAVX2(SB), NOSPLIT, $0-104
	ARGS
	CMPQ R12, $6
	JEQ  tile6
	CMPQ R12, $5
	JEQ  tile5
	CMPQ R12, $4
	JEQ  tile4
	CMPQ R12, $3
	JEQ  tile3
	CMPQ R12, $2
	JEQ  tile2
	TILES(tile1, loop1, INITW1, LOADB2, FMAW1, SAVEW1)
	TILES(tile2, loop2, INITW2, LOADB2, FMAW2, SAVEW2)
	TILES(tile3, loop3, INITW3, LOADB2, FMAW3, SAVEW3)
	TILES(tile4, loop4, INITW4, LOADB2, FMAW4, SAVEW4)
	TILES(tile5, loop5, INITW5, LOADB2, FMAW5, SAVEW5)
	TILES(tile6, loop6, INITW6, LOADB2, FMAW6, SAVEW6)

// func f32WiderAVX2(c, a, b, init *float32, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)
TEXT ·f32WiderAVX2(SB), NOSPLIT, $0-104
	ARGS
	CMPQ R12, $4
	JEQ  tile4
	CMPQ R12, $3
	JEQ  tile3
	CMPQ R12, $2
	JEQ  tile2
	TILES(tile1, loop1, INITR1, LOADB3, FMAR1, SAVER1)
	TILES(tile2, loop2, INITR2, LOADB3, FMAR2, SAVER2)
	TILES(tile3, loop3, INITR3, LOADB3, FMAR3, SAVER3)
	TILES(tile4, loop4, INITR4, LOADB3, FMAR4, SAVER4)

// func f32FlatAVX2(c, a, b, init *float32, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)
TEXT ·f32FlatAVX2(SB), NOSPLIT, $0-104
	ARGS
	CMPQ R12, $3
	JEQ  tile3
	CMPQ R12, $2
	JEQ  tile2
	TILES(tile1, loop1, INITF1, LOADA1, STEPF1, SAVEF1)
	TILES(tile2, loop2, INITF2, LOADA2, STEPF2, SAVEF2)
	TILES(tile3, loop3, INITF3, LOADA3, STEPF3, SAVEF3)

// func f32RowAVX2(c, a, b, init *float32, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)
TEXT ·f32RowAVX2(SB), NOSPLIT, $0-104
	ARGS
	TILES(tile, loop, INITL, LOADA1, FMAL, SAVEL)

// func f32EdgeAVX2(c, a, b, init *float32, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)
TEXT ·f32EdgeAVX2(SB), NOSPLIT, $0-104
	ARGS
	MASK
	CMPQ R12, $12
	JEQ  tile12
	CMPQ R12, $11
	JEQ  tile11
	CMPQ R12, $10
	JEQ  tile10
	CMPQ R12, $9
	JEQ  tile9
	CMPQ R12, $8
	JEQ  tile8
	CMPQ R12, $7
	JEQ  tile7
	CMPQ R12, $6
	JEQ  tile6
	CMPQ R12, $5
	JEQ  tile5
	CMPQ R12, $4
	JEQ  tile4
	CMPQ R12, $3
	JEQ  tile3
	CMPQ R12, $2
	JEQ  tile2
	TILES(tile1, loop1, INITE1, LOADB1, FMAE1, SAVEE1)
	TILES(tile2, loop2, INITE2, LOADB1, FMAE2, SAVEE2)
	TILES(tile3, loop3, INITE3, LOADB1, FMAE3, SAVEE3)
	TILES(tile4, loop4, INITE4, LOADB1, FMAE4, SAVEE4)
	TILES(tile5, loop5, INITE5, LOADB1, FMAE5, SAVEE5)
	TILES(tile6, loop6, INITE6, LOADB1, FMAE6, SAVEE6)
	TILES(tile7, loop7, INITE7, LOADB1, FMAE7, SAVEE7)
	TILES(tile8, loop8, INITE8, LOADB1, FMAE8, SAVEE8)
	TILES(tile9, loop9, INITE9, LOADB1, FMAE9, SAVEE9)
	TILES(tile10, loop10, INITE10, LOADB1, FMAE10, SAVEE10)
	TILES(tile11, loop11, INITE11, LOADB1, FMAE11, SAVEE11)
	TILES(tile12, loop12, INITE12, LOADB1, FMAE12, SAVEE12)

#undef LOG
#undef BCAST
#undef FMA
#undef MASKED
#define LOG $3
#define BCAST VBROADCASTSD
#define FMA VFMADD231PD
#define MASKED VMASKMOVPD

// func f64WideAVX2(c, a, b, init *float64, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)
TEXT ·f64WideAVX2(SB), NOSPLIT, $0-104
	ARGS
	CMPQ R12, $6
	JEQ  tile6
	CMPQ R12, $5
	JEQ  tile5
	CMPQ R12, $4
	JEQ  tile4
	CMPQ R12, $3
	JEQ  tile3
	CMPQ R12, $2
	JEQ  tile2
	TILES(tile1, loop1, INITW1, LOADB2, FMAW1, SAVEW1)
	TILES(tile2, loop2, INITW2, LOADB2, FMAW2, SAVEW2)
	TILES(tile3, loop3, INITW3, LOADB2, FMAW3, SAVEW3)
	TILES(tile4, loop4, INITW4, LOADB2, FMAW4, SAVEW4)
	TILES(tile5, loop5, INITW5, LOADB2, FMAW5, SAVEW5)
	TILES(tile6, loop6, INITW6, LOADB2, FMAW6, SAVEW6)

// func f64WiderAVX2(c, a, b, init *float64, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)
TEXT ·f64WiderAVX2(SB), NOSPLIT, $0-104
	ARGS
	CMPQ R12, $4
	JEQ  tile4
	CMPQ R12, $3
	JEQ  tile3
	CMPQ R12, $2
	JEQ  tile2
	TILES(tile1, loop1, INITR1, LOADB3, FMAR1, SAVER1)
	TILES(tile2, loop2, INITR2, LOADB3, FMAR2, SAVER2)
	TILES(tile3, loop3, INITR3, LOADB3, FMAR3, SAVER3)
	TILES(tile4, loop4, INITR4, LOADB3, FMAR4, SAVER4)

// func f64FlatAVX2(c, a, b, init *float64, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)
TEXT ·f64FlatAVX2(SB), NOSPLIT, $0-104
	ARGS
	CMPQ R12, $3
	JEQ  tile3
	CMPQ R12, $2
	JEQ  tile2
	TILES(tile1, loop1, INITF1, LOADA1, STEPF1, SAVEF1)
	TILES(tile2, loop2, INITF2, LOADA2, STEPF2, SAVEF2)
	TILES(tile3, loop3, INITF3, LOADA3, STEPF3, SAVEF3)

// func f64RowAVX2(c, a, b, init *float64, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)
TEXT ·f64RowAVX2(SB), NOSPLIT, $0-104
	ARGS
	TILES(tile, loop, INITL, LOADA1, FMAL, SAVEL)

// func f64EdgeAVX2(c, a, b, init *float64, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)
TEXT ·f64EdgeAVX2(SB), NOSPLIT, $0-104
	ARGS
	MASK
	CMPQ R12, $12
	JEQ  tile12
	CMPQ R12, $11
	JEQ  tile11
	CMPQ R12, $10
	JEQ  tile10
	CMPQ R12, $9
	JEQ  tile9
	CMPQ R12, $8
	JEQ  tile8
	CMPQ R12, $7
	JEQ  tile7
	CMPQ R12, $6
	JEQ  tile6
	CMPQ R12, $5
	JEQ  tile5
	CMPQ R12, $4
	JEQ  tile4
	CMPQ R12, $3
	JEQ  tile3
	CMPQ R12, $2
	JEQ  tile2
	TILES(tile1, loop1, INITE1, LOADB1, FMAE1, SAVEE1)
	TILES(tile2, loop2, INITE2, LOADB1, FMAE2, SAVEE2)
	TILES(tile3, loop3, INITE3, LOADB1, FMAE3, SAVEE3)
	TILES(tile4, loop4, INITE4, LOADB1, FMAE4, SAVEE4)
	TILES(tile5, loop5, INITE5, LOADB1, FMAE5, SAVEE5)
	TILES(tile6, loop6, INITE6, LOADB1, FMAE6, SAVEE6)
	TILES(tile7, loop7, INITE7, LOADB1, FMAE7, SAVEE7)
	TILES(tile8, loop8, INITE8, LOADB1, FMAE8, SAVEE8)
	TILES(tile9, loop9, INITE9, LOADB1, FMAE9, SAVEE9)
	TILES(tile10, loop10, INITE10, LOADB1, FMAE10, SAVEE10)
	TILES(tile11, loop11, INITE11, LOADB1, FMAE11, SAVEE11)
	TILES(tile12, loop12, INITE12, LOADB1, FMAE12, SAVEE12)

