//go:build !purego

#include "textflag.h"

// Micro-kernels of the matrix products for AVX-512. gemm_block.go says what a strip computes.
//
// A tile of C lives in registers while k runs. In each step of k one row of B is loaded, and each
// element of a column of A is broadcast and multiplied into its row of the tile. The kernels
// differ in the shape of the tile (rows × vectors):
//
//	wide   up to 14×2   the default: 28 accumulators
//	pack      11–14×2   wide, which also copies the rows of B it reads to where the tiles below will read them
//	flat   up to  6×4   for few rows: a chain takes 4 cycles a link, so few rows need many columns
//	edge   up to 14×1   the last columns, 1 to a vector's lanes, masked
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
//	R14, SI      wide, in the loop: what to prefetch, and by how much it moves on
//	R14          pack: where row k of B goes
//	Z0 …         the tile, by rows
//	Z28          an element of A in every lane
//	Z29 … Z31    a row of B
//	K1           edge: the columns that exist
//
// The frame's tiles and a are counted in place; rows is replaced by the height of a tile of A
// in bytes. In wide, where SI is needed twice, init is counted in place too, cols is the height of a tile of
// C in bytes, and ldi the steps of k that are left when R12 is down.

// What differs between float32 and float64 is defined before each pair of kernels:
//
//	LOG     log₂ of an element's size
//	BCAST   one element to all lanes
//	FMA     z += x·y
//	MOV     a vector under a mask
//	ASTEP   what a step of k asks of the next tile of A, in bytes

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

// WIDEARGS is ARGS for wide, see FETCH.
#define WIDEARGS \
	MOVQ rows+80(FP), R12 \
	IMULQ ldc+32(FP), R12 \
	SHLQ LOG, R12 \
	MOVQ R12, cols+96(FP) \
	ARGS

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

// WIDETILES is TILES with prefetching: the loop is gone through twice, at first for as many steps of k as a tile is
// high, each of which asks for a row of the tile of C below, then for the others, which ask for the tile of A below. It is
// worth 2 % where C or A come from beyond the second-level cache, and costs nothing.
#define WIDETILES(tile, loop, save, height, INIT, LOADB, STEP, SAVE) \
tile: \
	MOVQ a+8(FP), AX \
	MOVQ b+16(FP), R10 \
	MOVQ k+72(FP), R12 \
	MOVQ init+24(FP), SI \
	LEAQ (AX)(DX*4), BX \
	ADDQ DX, BX \
	LEAQ (BX)(DX*4), CX \
	ADDQ DX, CX \
	MOVQ cols+96(FP), R14 \
	ADDQ DI, R14 \
	INIT \
	MOVQ SI, init+24(FP) \
	MOVQ R13, SI \
	SUBQ $height, R12 \
	MOVQ R12, ldi+64(FP) \
	MOVQ $height, R12 \
	JGE loop \
	MOVQ k+72(FP), R12 \
loop: \
	LOADB \
	STEP \
	ADDQ R9, AX \
	ADDQ R9, BX \
	ADDQ R9, CX \
	ADDQ R11, R10 \
	DECQ R12 \
	JNZ  loop \
	MOVQ ldi+64(FP), R12 \
	TESTQ R12, R12 \
	JLE save \
	MOVQ $0, ldi+64(FP) \
	MOVQ ASTEP, SI \
	MOVQ a+8(FP), R14 \
	ADDQ rows+80(FP), R14 \
	JMP loop \
save: \
	SAVE \
	MOVQ rows+80(FP), AX \
	ADDQ AX, a+8(FP) \
	DECQ tiles+88(FP) \
	JNZ  tile \
	VZEROUPPER \
	RET

// Two vectors a row.

// FETCH asks for two lines of what is needed next: a row of C, or a step's share of A as if its rows were next to
// each other.

#define FETCH PREFETCHT0 (R14); PREFETCHT0 64(R14); ADDQ SI, R14
#define LOADB2 VMOVUPS (R10), Z30; VMOVUPS 64(R10), Z31; FETCH

// LOADPACK has the stores of a copy beside the loads: in a step of 11 to 14 pairs of FMAs they cost nothing. It
// asks for the ends of as many bytes to the right, which the next panel of B will want: a row of it is a page away from the
// one above, and nobody else would ask. (Two lines hold what is new there, be the rows aligned to lines or not.)
#define LOADPACK \
	VMOVUPS    (R10), Z30 \
	VMOVUPS    64(R10), Z31 \
	VMOVUPS    Z30, (R14) \
	VMOVUPS    Z31, 64(R14) \
	PREFETCHT1 191(R10) \
	PREFETCHT1 255(R10) \
	SUBQ       $-128, R14

#define INITW(x, y) VMOVUPS (SI), x; VMOVUPS 64(SI), y; ADDQ R15, SI
#define FMAW(a, x, y) BCAST a, Z28; FMA Z30, Z28, x; FMA Z31, Z28, y
#define SAVEW(x, y) VMOVUPS x, (DI); VMOVUPS y, 64(DI); ADDQ R13, DI

#define INITW1 INITW(Z0, Z1)
#define INITW2 INITW1; INITW(Z2, Z3)
#define INITW3 INITW2; INITW(Z4, Z5)
#define INITW4 INITW3; INITW(Z6, Z7)
#define INITW5 INITW4; INITW(Z8, Z9)
#define INITW6 INITW5; INITW(Z10, Z11)
#define INITW7 INITW6; INITW(Z12, Z13)
#define INITW8 INITW7; INITW(Z14, Z15)
#define INITW9 INITW8; INITW(Z16, Z17)
#define INITW10 INITW9; INITW(Z18, Z19)
#define INITW11 INITW10; INITW(Z20, Z21)
#define INITW12 INITW11; INITW(Z22, Z23)
#define INITW13 INITW12; INITW(Z24, Z25)
#define INITW14 INITW13; INITW(Z26, Z27)

#define FMAW1 FMAW((AX), Z0, Z1)
#define FMAW2 FMAW1; FMAW((AX)(DX*1), Z2, Z3)
#define FMAW3 FMAW2; FMAW((AX)(DX*2), Z4, Z5)
#define FMAW4 FMAW3; FMAW((AX)(R8*1), Z6, Z7)
#define FMAW5 FMAW4; FMAW((AX)(DX*4), Z8, Z9)
#define FMAW6 FMAW5; FMAW((BX), Z10, Z11)
#define FMAW7 FMAW6; FMAW((BX)(DX*1), Z12, Z13)
#define FMAW8 FMAW7; FMAW((BX)(DX*2), Z14, Z15)
#define FMAW9 FMAW8; FMAW((BX)(R8*1), Z16, Z17)
#define FMAW10 FMAW9; FMAW((BX)(DX*4), Z18, Z19)
#define FMAW11 FMAW10; FMAW((CX), Z20, Z21)
#define FMAW12 FMAW11; FMAW((CX)(DX*1), Z22, Z23)
#define FMAW13 FMAW12; FMAW((CX)(DX*2), Z24, Z25)
#define FMAW14 FMAW13; FMAW((CX)(R8*1), Z26, Z27)

#define SAVEW1 SAVEW(Z0, Z1)
#define SAVEW2 SAVEW1; SAVEW(Z2, Z3)
#define SAVEW3 SAVEW2; SAVEW(Z4, Z5)
#define SAVEW4 SAVEW3; SAVEW(Z6, Z7)
#define SAVEW5 SAVEW4; SAVEW(Z8, Z9)
#define SAVEW6 SAVEW5; SAVEW(Z10, Z11)
#define SAVEW7 SAVEW6; SAVEW(Z12, Z13)
#define SAVEW8 SAVEW7; SAVEW(Z14, Z15)
#define SAVEW9 SAVEW8; SAVEW(Z16, Z17)
#define SAVEW10 SAVEW9; SAVEW(Z18, Z19)
#define SAVEW11 SAVEW10; SAVEW(Z20, Z21)
#define SAVEW12 SAVEW11; SAVEW(Z22, Z23)
#define SAVEW13 SAVEW12; SAVEW(Z24, Z25)
#define SAVEW14 SAVEW13; SAVEW(Z26, Z27)

// Four vectors a row.

#define LOADB4 VMOVUPS (R10), Z29; VMOVUPS 64(R10), Z30; VMOVUPS 128(R10), Z31; VMOVUPS 192(R10), Z27
#define INITF(x, y, z, w) VMOVUPS (SI), x; VMOVUPS 64(SI), y; VMOVUPS 128(SI), z; VMOVUPS 192(SI), w; ADDQ R15, SI
#define FMAF(a, x, y, z, w) BCAST a, Z28; FMA Z29, Z28, x; FMA Z30, Z28, y; FMA Z31, Z28, z; FMA Z27, Z28, w
#define SAVEF(x, y, z, w) VMOVUPS x, (DI); VMOVUPS y, 64(DI); VMOVUPS z, 128(DI); VMOVUPS w, 192(DI); ADDQ R13, DI

#define INITF1 INITF(Z0, Z1, Z2, Z3)
#define INITF2 INITF1; INITF(Z4, Z5, Z6, Z7)
#define INITF3 INITF2; INITF(Z8, Z9, Z10, Z11)
#define INITF4 INITF3; INITF(Z12, Z13, Z14, Z15)
#define INITF5 INITF4; INITF(Z16, Z17, Z18, Z19)
#define INITF6 INITF5; INITF(Z20, Z21, Z22, Z23)

#define FMAF1 FMAF((AX), Z0, Z1, Z2, Z3)
#define FMAF2 FMAF1; FMAF((AX)(DX*1), Z4, Z5, Z6, Z7)
#define FMAF3 FMAF2; FMAF((AX)(DX*2), Z8, Z9, Z10, Z11)
#define FMAF4 FMAF3; FMAF((AX)(R8*1), Z12, Z13, Z14, Z15)
#define FMAF5 FMAF4; FMAF((AX)(DX*4), Z16, Z17, Z18, Z19)
#define FMAF6 FMAF5; FMAF((BX), Z20, Z21, Z22, Z23)

#define SAVEF1 SAVEF(Z0, Z1, Z2, Z3)
#define SAVEF2 SAVEF1; SAVEF(Z4, Z5, Z6, Z7)
#define SAVEF3 SAVEF2; SAVEF(Z8, Z9, Z10, Z11)
#define SAVEF4 SAVEF3; SAVEF(Z12, Z13, Z14, Z15)
#define SAVEF5 SAVEF4; SAVEF(Z16, Z17, Z18, Z19)
#define SAVEF6 SAVEF5; SAVEF(Z20, Z21, Z22, Z23)

// One vector a row, masked.

#define LOADB1 MOV.Z (R10), K1, Z31
#define INITE(x) MOV.Z (SI), K1, x; ADDQ R15, SI
#define FMAE(a, x) FMA.BCST a, Z31, x
#define SAVEE(x) MOV x, K1, (DI); ADDQ R13, DI
#define MASK MOVQ cols+96(FP), CX; MOVQ $1, AX; SHLQ CX, AX; DECQ AX; KMOVW AX, K1

#define INITE1 INITE(Z0)
#define INITE2 INITE1; INITE(Z1)
#define INITE3 INITE2; INITE(Z2)
#define INITE4 INITE3; INITE(Z3)
#define INITE5 INITE4; INITE(Z4)
#define INITE6 INITE5; INITE(Z5)
#define INITE7 INITE6; INITE(Z6)
#define INITE8 INITE7; INITE(Z7)
#define INITE9 INITE8; INITE(Z8)
#define INITE10 INITE9; INITE(Z9)
#define INITE11 INITE10; INITE(Z10)
#define INITE12 INITE11; INITE(Z11)
#define INITE13 INITE12; INITE(Z12)
#define INITE14 INITE13; INITE(Z13)

#define FMAE1 FMAE((AX), Z0)
#define FMAE2 FMAE1; FMAE((AX)(DX*1), Z1)
#define FMAE3 FMAE2; FMAE((AX)(DX*2), Z2)
#define FMAE4 FMAE3; FMAE((AX)(R8*1), Z3)
#define FMAE5 FMAE4; FMAE((AX)(DX*4), Z4)
#define FMAE6 FMAE5; FMAE((BX), Z5)
#define FMAE7 FMAE6; FMAE((BX)(DX*1), Z6)
#define FMAE8 FMAE7; FMAE((BX)(DX*2), Z7)
#define FMAE9 FMAE8; FMAE((BX)(R8*1), Z8)
#define FMAE10 FMAE9; FMAE((BX)(DX*4), Z9)
#define FMAE11 FMAE10; FMAE((CX), Z10)
#define FMAE12 FMAE11; FMAE((CX)(DX*1), Z11)
#define FMAE13 FMAE12; FMAE((CX)(DX*2), Z12)
#define FMAE14 FMAE13; FMAE((CX)(R8*1), Z13)

#define SAVEE1 SAVEE(Z0)
#define SAVEE2 SAVEE1; SAVEE(Z1)
#define SAVEE3 SAVEE2; SAVEE(Z2)
#define SAVEE4 SAVEE3; SAVEE(Z3)
#define SAVEE5 SAVEE4; SAVEE(Z4)
#define SAVEE6 SAVEE5; SAVEE(Z5)
#define SAVEE7 SAVEE6; SAVEE(Z6)
#define SAVEE8 SAVEE7; SAVEE(Z7)
#define SAVEE9 SAVEE8; SAVEE(Z8)
#define SAVEE10 SAVEE9; SAVEE(Z9)
#define SAVEE11 SAVEE10; SAVEE(Z10)
#define SAVEE12 SAVEE11; SAVEE(Z11)
#define SAVEE13 SAVEE12; SAVEE(Z12)
#define SAVEE14 SAVEE13; SAVEE(Z13)

#define LOG $2
#define BCAST VBROADCASTSS
#define FMA VFMADD231PS
#define MOV VMOVUPS
#define ASTEP $64

// func f32WideAVX512(c, a, b, init *float32, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)
TEXT ·f32WideAVX512(SB), NOSPLIT, $0-104
	WIDEARGS
	CMPQ R12, $14
	JEQ  tile14
	CMPQ R12, $13
	JEQ  tile13
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
	WIDETILES(tile1, loop1, save1, 1, INITW1, LOADB2, FMAW1, SAVEW1)
	WIDETILES(tile2, loop2, save2, 2, INITW2, LOADB2, FMAW2, SAVEW2)
	WIDETILES(tile3, loop3, save3, 3, INITW3, LOADB2, FMAW3, SAVEW3)
	WIDETILES(tile4, loop4, save4, 4, INITW4, LOADB2, FMAW4, SAVEW4)
	WIDETILES(tile5, loop5, save5, 5, INITW5, LOADB2, FMAW5, SAVEW5)
	WIDETILES(tile6, loop6, save6, 6, INITW6, LOADB2, FMAW6, SAVEW6)
	WIDETILES(tile7, loop7, save7, 7, INITW7, LOADB2, FMAW7, SAVEW7)
	WIDETILES(tile8, loop8, save8, 8, INITW8, LOADB2, FMAW8, SAVEW8)
	WIDETILES(tile9, loop9, save9, 9, INITW9, LOADB2, FMAW9, SAVEW9)
	WIDETILES(tile10, loop10, save10, 10, INITW10, LOADB2, FMAW10, SAVEW10)
	WIDETILES(tile11, loop11, save11, 11, INITW11, LOADB2, FMAW11, SAVEW11)
	WIDETILES(tile12, loop12, save12, 12, INITW12, LOADB2, FMAW12, SAVEW12)
	WIDETILES(tile13, loop13, save13, 13, INITW13, LOADB2, FMAW13, SAVEW13)
	WIDETILES(tile14, loop14, save14, 14, INITW14, LOADB2, FMAW14, SAVEW14)

// func f32PackAVX512(c, a, b, init *float32, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int, to *float32)
TEXT ·f32PackAVX512(SB), NOSPLIT, $0-112
	ARGS
	MOVQ to+104(FP), R14
	CMPQ R12, $14
	JEQ  tile14
	CMPQ R12, $13
	JEQ  tile13
	CMPQ R12, $12
	JEQ  tile12
	TILES(tile11, loop11, INITW11, LOADPACK, FMAW11, SAVEW11)
	TILES(tile12, loop12, INITW12, LOADPACK, FMAW12, SAVEW12)
	TILES(tile13, loop13, INITW13, LOADPACK, FMAW13, SAVEW13)
	TILES(tile14, loop14, INITW14, LOADPACK, FMAW14, SAVEW14)

// func f32FlatAVX512(c, a, b, init *float32, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)
TEXT ·f32FlatAVX512(SB), NOSPLIT, $0-104
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
	TILES(tile1, loop1, INITF1, LOADB4, FMAF1, SAVEF1)
	TILES(tile2, loop2, INITF2, LOADB4, FMAF2, SAVEF2)
	TILES(tile3, loop3, INITF3, LOADB4, FMAF3, SAVEF3)
	TILES(tile4, loop4, INITF4, LOADB4, FMAF4, SAVEF4)
	TILES(tile5, loop5, INITF5, LOADB4, FMAF5, SAVEF5)
	TILES(tile6, loop6, INITF6, LOADB4, FMAF6, SAVEF6)

// func f32EdgeAVX512(c, a, b, init *float32, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)
TEXT ·f32EdgeAVX512(SB), NOSPLIT, $0-104
	ARGS
	MASK
	CMPQ R12, $14
	JEQ  tile14
	CMPQ R12, $13
	JEQ  tile13
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
	TILES(tile13, loop13, INITE13, LOADB1, FMAE13, SAVEE13)
	TILES(tile14, loop14, INITE14, LOADB1, FMAE14, SAVEE14)

#undef LOG
#undef BCAST
#undef FMA
#undef MOV
#undef ASTEP
#define LOG $3
#define BCAST VBROADCASTSD
#define FMA VFMADD231PD
#define MOV VMOVUPD
#define ASTEP $128

// func f64WideAVX512(c, a, b, init *float64, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)
TEXT ·f64WideAVX512(SB), NOSPLIT, $0-104
	WIDEARGS
	CMPQ R12, $14
	JEQ  tile14
	CMPQ R12, $13
	JEQ  tile13
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
	WIDETILES(tile1, loop1, save1, 1, INITW1, LOADB2, FMAW1, SAVEW1)
	WIDETILES(tile2, loop2, save2, 2, INITW2, LOADB2, FMAW2, SAVEW2)
	WIDETILES(tile3, loop3, save3, 3, INITW3, LOADB2, FMAW3, SAVEW3)
	WIDETILES(tile4, loop4, save4, 4, INITW4, LOADB2, FMAW4, SAVEW4)
	WIDETILES(tile5, loop5, save5, 5, INITW5, LOADB2, FMAW5, SAVEW5)
	WIDETILES(tile6, loop6, save6, 6, INITW6, LOADB2, FMAW6, SAVEW6)
	WIDETILES(tile7, loop7, save7, 7, INITW7, LOADB2, FMAW7, SAVEW7)
	WIDETILES(tile8, loop8, save8, 8, INITW8, LOADB2, FMAW8, SAVEW8)
	WIDETILES(tile9, loop9, save9, 9, INITW9, LOADB2, FMAW9, SAVEW9)
	WIDETILES(tile10, loop10, save10, 10, INITW10, LOADB2, FMAW10, SAVEW10)
	WIDETILES(tile11, loop11, save11, 11, INITW11, LOADB2, FMAW11, SAVEW11)
	WIDETILES(tile12, loop12, save12, 12, INITW12, LOADB2, FMAW12, SAVEW12)
	WIDETILES(tile13, loop13, save13, 13, INITW13, LOADB2, FMAW13, SAVEW13)
	WIDETILES(tile14, loop14, save14, 14, INITW14, LOADB2, FMAW14, SAVEW14)

// func f64PackAVX512(c, a, b, init *float64, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int, to *float64)
TEXT ·f64PackAVX512(SB), NOSPLIT, $0-112
	ARGS
	MOVQ to+104(FP), R14
	CMPQ R12, $14
	JEQ  tile14
	CMPQ R12, $13
	JEQ  tile13
	CMPQ R12, $12
	JEQ  tile12
	TILES(tile11, loop11, INITW11, LOADPACK, FMAW11, SAVEW11)
	TILES(tile12, loop12, INITW12, LOADPACK, FMAW12, SAVEW12)
	TILES(tile13, loop13, INITW13, LOADPACK, FMAW13, SAVEW13)
	TILES(tile14, loop14, INITW14, LOADPACK, FMAW14, SAVEW14)

// func f64FlatAVX512(c, a, b, init *float64, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)
TEXT ·f64FlatAVX512(SB), NOSPLIT, $0-104
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
	TILES(tile1, loop1, INITF1, LOADB4, FMAF1, SAVEF1)
	TILES(tile2, loop2, INITF2, LOADB4, FMAF2, SAVEF2)
	TILES(tile3, loop3, INITF3, LOADB4, FMAF3, SAVEF3)
	TILES(tile4, loop4, INITF4, LOADB4, FMAF4, SAVEF4)
	TILES(tile5, loop5, INITF5, LOADB4, FMAF5, SAVEF5)
	TILES(tile6, loop6, INITF6, LOADB4, FMAF6, SAVEF6)

// func f64EdgeAVX512(c, a, b, init *float64, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)
TEXT ·f64EdgeAVX512(SB), NOSPLIT, $0-104
	ARGS
	MASK
	CMPQ R12, $14
	JEQ  tile14
	CMPQ R12, $13
	JEQ  tile13
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
	TILES(tile13, loop13, INITE13, LOADB1, FMAE13, SAVEE13)
	TILES(tile14, loop14, INITE14, LOADB1, FMAE14, SAVEE14)

