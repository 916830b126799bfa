//go:build !purego

#include "textflag.h"

// Micro-kernels of the matrix products for NEON. gemm_block.go says what a strip computes.
//
// A tile of C lives in registers while k runs. In each step of k one row of B is loaded, and each
// element of a column of A is broadcast and multiplied into its row of the tile. The kernels
// differ in the shape of the tile:
//
//	wide   up to 6 rows × 4 vectors   the default: 24 accumulators
//	slim   up to 8 rows × 1 vector    the columns that are left
//	edge   up to 8 rows × 1 column    the last columns: there are no masks
//
// Registers:
//
//	R0 … R7      column k of A, row by row
//	R12, R13     row k of B, distance of B's rows in bytes
//	R14          distance of A's columns in bytes
//	R15          steps of k left
//	R19, R20     row of C, distance of C's rows in bytes
//	R21, R22     row of the initial values, distance of those rows in bytes
//	R23          tiles left
//	R24          distance of A's rows in bytes
//	R25, R26     A at the top of the tile, height of a tile of A in bytes
//	V0 … V23     the tile, by rows
//	V24 … V27    a row of B
//	V28          an element of A in every lane

// What differs between float32 and float64 is defined before each group of kernels:
//
//	LOG    log₂ of an element's size
//	W      the lanes of a vector
//	MOV    load or store of one element
//	MADD   d = a + n·m, written m, a, n, d

#define ARGS \
	MOVD c+0(FP), R19 \
	MOVD a+8(FP), R25 \
	MOVD init+24(FP), R21 \
	MOVD ldc+32(FP), R20 \
	MOVD ars+40(FP), R24 \
	MOVD aks+48(FP), R14 \
	MOVD ldb+56(FP), R13 \
	MOVD ldi+64(FP), R22 \
	MOVD rows+80(FP), R15 \
	MOVD tiles+88(FP), R23 \
	LSL  LOG, R20 \
	LSL  LOG, R24 \
	LSL  LOG, R14 \
	LSL  LOG, R13 \
	LSL  LOG, R22 \
	MUL  R15, R24, R26

// TILES is the code for one height of the tile. INIT, STEP and SAVE are those of that height.
#define TILES(tile, loop, INIT, STEP, SAVE) \
tile: \
	MOVD b+16(FP), R12 \
	MOVD k+72(FP), R15 \
	MOVD R25, R0 \
	ADD  R24, R0, R1 \
	ADD  R24, R1, R2 \
	ADD  R24, R2, R3 \
	ADD  R24, R3, R4 \
	ADD  R24, R4, R5 \
	ADD  R24, R5, R6 \
	ADD  R24, R6, R7 \
	INIT \
loop: \
	STEP \
	SUBS $1, R15 \
	BNE  loop \
	SAVE \
	ADD  R26, R25 \
	SUBS $1, R23 \
	BNE  tile \
	RET

// Four vectors a row.

#define INITW(x, y, z, w) VLD1 (R21), [x.W, y.W, z.W, w.W]; ADD R22, R21
#define FMAW(a, x, y, z, w) VLD1R.P (a)(R14), [V28.W]; VFMLA V24.W, V28.W, x.W; VFMLA V25.W, V28.W, y.W; VFMLA V26.W, V28.W, z.W; VFMLA V27.W, V28.W, w.W
#define SAVEW(x, y, z, w) VST1 [x.W, y.W, z.W, w.W], (R19); ADD R20, R19

#define INITW1 INITW(V0, V1, V2, V3)
#define INITW2 INITW1; INITW(V4, V5, V6, V7)
#define INITW3 INITW2; INITW(V8, V9, V10, V11)
#define INITW4 INITW3; INITW(V12, V13, V14, V15)
#define INITW5 INITW4; INITW(V16, V17, V18, V19)
#define INITW6 INITW5; INITW(V20, V21, V22, V23)

#define FMAW1 VLD1.P (R12)(R13), [V24.W, V25.W, V26.W, V27.W]; FMAW(R0, V0, V1, V2, V3)
#define FMAW2 FMAW1; FMAW(R1, V4, V5, V6, V7)
#define FMAW3 FMAW2; FMAW(R2, V8, V9, V10, V11)
#define FMAW4 FMAW3; FMAW(R3, V12, V13, V14, V15)
#define FMAW5 FMAW4; FMAW(R4, V16, V17, V18, V19)
#define FMAW6 FMAW5; FMAW(R5, V20, V21, V22, V23)

#define SAVEW1 SAVEW(V0, V1, V2, V3)
#define SAVEW2 SAVEW1; SAVEW(V4, V5, V6, V7)
#define SAVEW3 SAVEW2; SAVEW(V8, V9, V10, V11)
#define SAVEW4 SAVEW3; SAVEW(V12, V13, V14, V15)
#define SAVEW5 SAVEW4; SAVEW(V16, V17, V18, V19)
#define SAVEW6 SAVEW5; SAVEW(V20, V21, V22, V23)

// One vector a row.

#define INITS(x) VLD1 (R21), [x.W]; ADD R22, R21
#define FMAS(a, x) VLD1R.P (a)(R14), [V28.W]; VFMLA V24.W, V28.W, x.W
#define SAVES(x) VST1 [x.W], (R19); ADD R20, R19

#define INITS1 INITS(V0)
#define INITS2 INITS1; INITS(V1)
#define INITS3 INITS2; INITS(V2)
#define INITS4 INITS3; INITS(V3)
#define INITS5 INITS4; INITS(V4)
#define INITS6 INITS5; INITS(V5)
#define INITS7 INITS6; INITS(V6)
#define INITS8 INITS7; INITS(V7)

#define FMAS1 VLD1.P (R12)(R13), [V24.W]; FMAS(R0, V0)
#define FMAS2 FMAS1; FMAS(R1, V1)
#define FMAS3 FMAS2; FMAS(R2, V2)
#define FMAS4 FMAS3; FMAS(R3, V3)
#define FMAS5 FMAS4; FMAS(R4, V4)
#define FMAS6 FMAS5; FMAS(R5, V5)
#define FMAS7 FMAS6; FMAS(R6, V6)
#define FMAS8 FMAS7; FMAS(R7, V7)

#define SAVES1 SAVES(V0)
#define SAVES2 SAVES1; SAVES(V1)
#define SAVES3 SAVES2; SAVES(V2)
#define SAVES4 SAVES3; SAVES(V3)
#define SAVES5 SAVES4; SAVES(V4)
#define SAVES6 SAVES5; SAVES(V5)
#define SAVES7 SAVES6; SAVES(V6)
#define SAVES8 SAVES7; SAVES(V7)

// One element a row.

#define INITE(x) MOV (R21), x; ADD R22, R21
#define FMAE(a, x) MOV (a), F28; ADD R14, a; MADD F28, x, F24, x
#define SAVEE(x) MOV x, (R19); ADD R20, R19

#define INITE1 INITE(F0)
#define INITE2 INITE1; INITE(F1)
#define INITE3 INITE2; INITE(F2)
#define INITE4 INITE3; INITE(F3)
#define INITE5 INITE4; INITE(F4)
#define INITE6 INITE5; INITE(F5)
#define INITE7 INITE6; INITE(F6)
#define INITE8 INITE7; INITE(F7)

#define FMAE1 MOV (R12), F24; ADD R13, R12; FMAE(R0, F0)
#define FMAE2 FMAE1; FMAE(R1, F1)
#define FMAE3 FMAE2; FMAE(R2, F2)
#define FMAE4 FMAE3; FMAE(R3, F3)
#define FMAE5 FMAE4; FMAE(R4, F4)
#define FMAE6 FMAE5; FMAE(R5, F5)
#define FMAE7 FMAE6; FMAE(R6, F6)
#define FMAE8 FMAE7; FMAE(R7, F7)

#define SAVEE1 SAVEE(F0)
#define SAVEE2 SAVEE1; SAVEE(F1)
#define SAVEE3 SAVEE2; SAVEE(F2)
#define SAVEE4 SAVEE3; SAVEE(F3)
#define SAVEE5 SAVEE4; SAVEE(F4)
#define SAVEE6 SAVEE5; SAVEE(F5)
#define SAVEE7 SAVEE6; SAVEE(F6)
#define SAVEE8 SAVEE7; SAVEE(F7)

#define LOG $2
#define W S4
#define MOV FMOVS
#define MADD FMADDS

// func f32WideNEON(c, a, b, init *float32, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)
TEXT ·f32WideNEON(SB), NOSPLIT, $0-104
	ARGS
	CMP $6, R15
	BEQ tile6
	CMP $5, R15
	BEQ tile5
	CMP $4, R15
	BEQ tile4
	CMP $3, R15
	BEQ tile3
	CMP $2, R15
	BEQ tile2
	TILES(tile1, loop1, INITW1, FMAW1, SAVEW1)
	TILES(tile2, loop2, INITW2, FMAW2, SAVEW2)
	TILES(tile3, loop3, INITW3, FMAW3, SAVEW3)
	TILES(tile4, loop4, INITW4, FMAW4, SAVEW4)
	TILES(tile5, loop5, INITW5, FMAW5, SAVEW5)
	TILES(tile6, loop6, INITW6, FMAW6, SAVEW6)

// func f32SlimNEON(c, a, b, init *float32, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)
TEXT ·f32SlimNEON(SB), NOSPLIT, $0-104
	ARGS
	CMP $8, R15
	BEQ tile8
	CMP $7, R15
	BEQ tile7
	CMP $6, R15
	BEQ tile6
	CMP $5, R15
	BEQ tile5
	CMP $4, R15
	BEQ tile4
	CMP $3, R15
	BEQ tile3
	CMP $2, R15
	BEQ tile2
	TILES(tile1, loop1, INITS1, FMAS1, SAVES1)
	TILES(tile2, loop2, INITS2, FMAS2, SAVES2)
	TILES(tile3, loop3, INITS3, FMAS3, SAVES3)
	TILES(tile4, loop4, INITS4, FMAS4, SAVES4)
	TILES(tile5, loop5, INITS5, FMAS5, SAVES5)
	TILES(tile6, loop6, INITS6, FMAS6, SAVES6)
	TILES(tile7, loop7, INITS7, FMAS7, SAVES7)
	TILES(tile8, loop8, INITS8, FMAS8, SAVES8)

// func f32EdgeNEON(c, a, b, init *float32, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)
TEXT ·f32EdgeNEON(SB), NOSPLIT, $0-104
	ARGS
	CMP $8, R15
	BEQ tile8
	CMP $7, R15
	BEQ tile7
	CMP $6, R15
	BEQ tile6
	CMP $5, R15
	BEQ tile5
	CMP $4, R15
	BEQ tile4
	CMP $3, R15
	BEQ tile3
	CMP $2, R15
	BEQ tile2
	TILES(tile1, loop1, INITE1, FMAE1, SAVEE1)
	TILES(tile2, loop2, INITE2, FMAE2, SAVEE2)
	TILES(tile3, loop3, INITE3, FMAE3, SAVEE3)
	TILES(tile4, loop4, INITE4, FMAE4, SAVEE4)
	TILES(tile5, loop5, INITE5, FMAE5, SAVEE5)
	TILES(tile6, loop6, INITE6, FMAE6, SAVEE6)
	TILES(tile7, loop7, INITE7, FMAE7, SAVEE7)
	TILES(tile8, loop8, INITE8, FMAE8, SAVEE8)

#undef LOG
#undef W
#undef MOV
#undef MADD
#define LOG $3
#define W D2
#define MOV FMOVD
#define MADD FMADDD

// func f64WideNEON(c, a, b, init *float64, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)
TEXT ·f64WideNEON(SB), NOSPLIT, $0-104
	ARGS
	CMP $6, R15
	BEQ tile6
	CMP $5, R15
	BEQ tile5
	CMP $4, R15
	BEQ tile4
	CMP $3, R15
	BEQ tile3
	CMP $2, R15
	BEQ tile2
	TILES(tile1, loop1, INITW1, FMAW1, SAVEW1)
	TILES(tile2, loop2, INITW2, FMAW2, SAVEW2)
	TILES(tile3, loop3, INITW3, FMAW3, SAVEW3)
	TILES(tile4, loop4, INITW4, FMAW4, SAVEW4)
	TILES(tile5, loop5, INITW5, FMAW5, SAVEW5)
	TILES(tile6, loop6, INITW6, FMAW6, SAVEW6)

// func f64SlimNEON(c, a, b, init *float64, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)
TEXT ·f64SlimNEON(SB), NOSPLIT, $0-104
	ARGS
	CMP $8, R15
	BEQ tile8
	CMP $7, R15
	BEQ tile7
	CMP $6, R15
	BEQ tile6
	CMP $5, R15
	BEQ tile5
	CMP $4, R15
	BEQ tile4
	CMP $3, R15
	BEQ tile3
	CMP $2, R15
	BEQ tile2
	TILES(tile1, loop1, INITS1, FMAS1, SAVES1)
	TILES(tile2, loop2, INITS2, FMAS2, SAVES2)
	TILES(tile3, loop3, INITS3, FMAS3, SAVES3)
	TILES(tile4, loop4, INITS4, FMAS4, SAVES4)
	TILES(tile5, loop5, INITS5, FMAS5, SAVES5)
	TILES(tile6, loop6, INITS6, FMAS6, SAVES6)
	TILES(tile7, loop7, INITS7, FMAS7, SAVES7)
	TILES(tile8, loop8, INITS8, FMAS8, SAVES8)

// func f64EdgeNEON(c, a, b, init *float64, ldc, ars, aks, ldb, ldi, k, rows, tiles, cols int)
TEXT ·f64EdgeNEON(SB), NOSPLIT, $0-104
	ARGS
	CMP $8, R15
	BEQ tile8
	CMP $7, R15
	BEQ tile7
	CMP $6, R15
	BEQ tile6
	CMP $5, R15
	BEQ tile5
	CMP $4, R15
	BEQ tile4
	CMP $3, R15
	BEQ tile3
	CMP $2, R15
	BEQ tile2
	TILES(tile1, loop1, INITE1, FMAE1, SAVEE1)
	TILES(tile2, loop2, INITE2, FMAE2, SAVEE2)
	TILES(tile3, loop3, INITE3, FMAE3, SAVEE3)
	TILES(tile4, loop4, INITE4, FMAE4, SAVEE4)
	TILES(tile5, loop5, INITE5, FMAE5, SAVEE5)
	TILES(tile6, loop6, INITE6, FMAE6, SAVEE6)
	TILES(tile7, loop7, INITE7, FMAE7, SAVEE7)
	TILES(tile8, loop8, INITE8, FMAE8, SAVEE8)

// func f32Transpose4NEON(dst, src *float32, ldd, lds, blocks int)
//
//	V0 = a0 a1 a2 a3      V4 = a0 b0 a2 b2      V0 = a0 b0 c0 d0
//	V1 = b0 b1 b2 b3  →   V5 = a1 b1 a3 b3  →   V1 = a1 b1 c1 d1
//	V2 = c0 c1 c2 c3      V6 = c0 d0 c2 d2      V2 = a2 b2 c2 d2
//	V3 = d0 d1 d2 d3      V7 = c1 d1 c3 d3      V3 = a3 b3 c3 d3
TEXT ·f32Transpose4NEON(SB), NOSPLIT, $0-40
	MOVD dst+0(FP), R8
	MOVD src+8(FP), R0
	MOVD ldd+16(FP), R9
	MOVD lds+24(FP), R10
	MOVD blocks+32(FP), R15
	LSL  $2, R9
	LSL  $2, R10
	ADD  R10, R0, R1
	ADD  R10, R1, R2
	ADD  R10, R2, R3

block4:
	VLD1.P 16(R0), [V0.S4]
	VLD1.P 16(R1), [V1.S4]
	VLD1.P 16(R2), [V2.S4]
	VLD1.P 16(R3), [V3.S4]
	VTRN1  V1.S4, V0.S4, V4.S4
	VTRN2  V1.S4, V0.S4, V5.S4
	VTRN1  V3.S4, V2.S4, V6.S4
	VTRN2  V3.S4, V2.S4, V7.S4
	VTRN1  V6.D2, V4.D2, V0.D2
	VTRN1  V7.D2, V5.D2, V1.D2
	VTRN2  V6.D2, V4.D2, V2.D2
	VTRN2  V7.D2, V5.D2, V3.D2
	VST1.P [V0.S4], (R8)(R9)
	VST1.P [V1.S4], (R8)(R9)
	VST1.P [V2.S4], (R8)(R9)
	VST1.P [V3.S4], (R8)(R9)
	SUBS   $1, R15
	BNE    block4
	RET

// func f64Transpose2NEON(dst, src *float64, ldd, lds, blocks int)
TEXT ·f64Transpose2NEON(SB), NOSPLIT, $0-40
	MOVD dst+0(FP), R8
	MOVD src+8(FP), R0
	MOVD ldd+16(FP), R9
	MOVD lds+24(FP), R10
	MOVD blocks+32(FP), R15
	LSL  $3, R9
	LSL  $3, R10
	ADD  R10, R0, R1

block2:
	VLD1.P 16(R0), [V0.D2]
	VLD1.P 16(R1), [V1.D2]
	VTRN1  V1.D2, V0.D2, V2.D2
	VTRN2  V1.D2, V0.D2, V3.D2
	VST1.P [V2.D2], (R8)(R9)
	VST1.P [V3.D2], (R8)(R9)
	SUBS   $1, R15
	BNE    block2
	RET
