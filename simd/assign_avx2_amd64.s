//go:build !purego

#include "textflag.h"

// The kernels of transport problems in AVX2 for float64: assign.go says what they compute. Eight lanes are two registers.
//
// Registers of LeastTwo and Relax:
//
//	SI, DX       the ends of x and y; R8, R9 those of key and pred
//	CX           bytes from -8n up to 0
//	Y0, Y1       the least so far in each lane
//	Y2, Y3       LeastTwo: the second least
//	Y4, Y5       where the least is
//	Y6, Y7       where we are
//	Y8 … Y11     the candidates, masks and scratch; X8 the least of all at last
//	Y12          8, by which the places grow
//	Y13, Y14     Relax: base, id
//	AX, BX, R10, R11    scratch of WHERE, which leaves the place in BX; the frame holds the places meanwhile
//
// Registers of SqDist:
//
//	DI           dst
//	SI, CX       the end of x, elements from -n up to 0
//	DX           row of y
//	Y0 … Y7      the 32 chains
//	Y8, Y9       an element of x in every lane, and its difference with four of y

DATA inf4<>+0(SB)/8, $0x7FF0000000000000
GLOBL inf4<>(SB), RODATA|NOPTR, $8
DATA step4<>+0(SB)/8, $8
GLOBL step4<>(SB), RODATA|NOPTR, $8
DATA from0<>+0(SB)/8, $0
DATA from0<>+8(SB)/8, $1
DATA from0<>+16(SB)/8, $2
DATA from0<>+24(SB)/8, $3
DATA from0<>+32(SB)/8, $4
DATA from0<>+40(SB)/8, $5
DATA from0<>+48(SB)/8, $6
DATA from0<>+56(SB)/8, $7
GLOBL from0<>(SB), RODATA|NOPTR, $64

// Half of a step of LEASTTWO: m1 the least so far, m2 the second, at where the least is, now where we are. VMIN and VMAX
// return the operand printed first if either is NaN.
#define LEASTTWO(off, m1, m2, at, now, h, t) \
	VMOVUPD (off)(SI)(CX*1), h; \
	VSUBPD (off)(DX)(CX*1), h, h; \
	VMAXPD h, m1, t; \
	VMINPD m2, t, m2; \
	VCMPPD $0x11, m1, h, t; \
	VMINPD m1, h, m1; \
	VBLENDVPD t, now, at, at; \
	VPADDQ Y12, now, now

// LEAST sets X8 to the least of the lanes of Y0 and Y1, with X9 for scratch.
#define LEAST \
	VMINPD Y1, Y0, Y8; \
	VEXTRACTF128 $1, Y8, X9; \
	VMINPD X9, X8, X8; \
	VPERMILPD $1, X8, X9; \
	VMINSD X9, X8, X8

// WHERE sets BX to the least of the places Y4, Y5 in the lanes that equal X8, and Y10, Y11 to those lanes. AX is zero if
// there is but one.
#define WHERE \
	VBROADCASTSD X8, Y9; \
	VCMPPD $0, Y9, Y0, Y10; \
	VCMPPD $0, Y9, Y1, Y11; \
	VMOVDQU Y4, 0(SP); \
	VMOVDQU Y5, 32(SP); \
	VMOVMSKPD Y10, AX; \
	VMOVMSKPD Y11, R10; \
	SHLL $4, R10; \
	ORL R10, AX; \
	BSFL AX, R10; \
	MOVQ 0(SP)(R10*8), BX; \
	LEAL -1(AX), R10; \
	ANDL R10, AX; \
	JEQ single; \
	MOVL AX, R11; \
tie: \
	BSFL R11, R10; \
	MOVQ 0(SP)(R10*8), R10; \
	CMPQ R10, BX; \
	CMOVQLT R10, BX; \
	LEAL -1(R11), R10; \
	ANDL R10, R11; \
	JNE tie; \
single:

// func f64LeastTwoAVX2(x, y *float64, n int) (at int, least, second float64)
TEXT ·f64LeastTwoAVX2(SB), NOSPLIT, $64-48
	MOVQ x+0(FP), SI
	MOVQ y+8(FP), DX
	MOVQ n+16(FP), CX
	SHLQ $3, CX
	ADDQ CX, SI
	ADDQ CX, DX
	NEGQ CX
	VPBROADCASTQ inf4<>(SB), Y0
	VMOVAPD Y0, Y1
	VMOVAPD Y0, Y2
	VMOVAPD Y0, Y3
	VPXOR Y4, Y4, Y4
	VPXOR Y5, Y5, Y5
	VMOVDQU from0<>+0(SB), Y6
	VMOVDQU from0<>+32(SB), Y7
	VPBROADCASTQ step4<>(SB), Y12
loop:
	LEASTTWO(0, Y0, Y2, Y4, Y6, Y8, Y9)
	LEASTTWO(32, Y1, Y3, Y5, Y7, Y10, Y11)
	ADDQ $64, CX
	JNE loop
	LEAST
	VMOVSD X8, least+32(FP)
	WHERE
	MOVQ BX, at+24(FP)
	TESTL AX, AX
	JNE twice
	VBLENDVPD Y10, Y2, Y0, Y0 // the lane of the least offers its second
	VBLENDVPD Y11, Y3, Y1, Y1
	LEAST
twice:
	VMOVSD X8, second+40(FP)
	VZEROUPPER
	RET

// Half of a step of RELAX: m the least key so far, at where it is, now where we are.
#define RELAX(off, m, at, now) \
	VMOVUPD (off)(SI)(CX*1), Y8; \
	VSUBPD (off)(DX)(CX*1), Y8, Y8; \
	VSUBPD Y13, Y8, Y8; \
	VMOVUPD (off)(R8)(CX*1), Y9; \
	VCMPPD $0x11, Y9, Y8, Y10; \
	VBLENDVPD Y10, Y8, Y9, Y9; \
	VMOVUPD (off)(R9)(CX*1), Y11; \
	VBLENDVPD Y10, Y14, Y11, Y11; \
	VMOVUPD Y9, (off)(R8)(CX*1); \
	VMOVUPD Y11, (off)(R9)(CX*1); \
	VCMPPD $0x11, m, Y9, Y10; \
	VBLENDVPD Y10, Y9, m, m; \
	VBLENDVPD Y10, now, at, at; \
	VPADDQ Y12, now, now

// func f64RelaxAVX2(key, x, y, pred *float64, base, id float64, n int) (at int, least float64)
TEXT ·f64RelaxAVX2(SB), NOSPLIT, $64-72
	MOVQ key+0(FP), R8
	MOVQ x+8(FP), SI
	MOVQ y+16(FP), DX
	MOVQ pred+24(FP), R9
	VBROADCASTSD base+32(FP), Y13
	VBROADCASTSD id+40(FP), Y14
	MOVQ n+48(FP), CX
	SHLQ $3, CX
	ADDQ CX, R8
	ADDQ CX, SI
	ADDQ CX, DX
	ADDQ CX, R9
	NEGQ CX
	VPBROADCASTQ inf4<>(SB), Y0
	VMOVAPD Y0, Y1
	VPXOR Y4, Y4, Y4
	VPXOR Y5, Y5, Y5
	VMOVDQU from0<>+0(SB), Y6
	VMOVDQU from0<>+32(SB), Y7
	VPBROADCASTQ step4<>(SB), Y12
loop:
	RELAX(0, Y0, Y4, Y6)
	RELAX(32, Y1, Y5, Y7)
	ADDQ $64, CX
	JNE loop
	LEAST
	VMOVSD X8, least+64(FP)
	WHERE
	MOVQ BX, at+56(FP)
	VZEROUPPER
	RET

#define SQUARE(i, a) \
	VSUBPD ((i)*32)(DX), Y8, Y9; \
	VFMADD231PD Y9, Y9, a

// func f64SqDistAVX2(dst, x, y *float64, n int)
TEXT ·f64SqDistAVX2(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ y+16(FP), DX
	MOVQ n+24(FP), CX
	LEAQ (SI)(CX*8), SI
	NEGQ CX
	VMOVUPD (DI), Y0
	VMOVUPD 32(DI), Y1
	VMOVUPD 64(DI), Y2
	VMOVUPD 96(DI), Y3
	VMOVUPD 128(DI), Y4
	VMOVUPD 160(DI), Y5
	VMOVUPD 192(DI), Y6
	VMOVUPD 224(DI), Y7
loop:
	VBROADCASTSD (SI)(CX*8), Y8
	SQUARE(0, Y0)
	SQUARE(1, Y1)
	SQUARE(2, Y2)
	SQUARE(3, Y3)
	SQUARE(4, Y4)
	SQUARE(5, Y5)
	SQUARE(6, Y6)
	SQUARE(7, Y7)
	ADDQ $256, DX
	INCQ CX
	JNE loop
	VMOVUPD Y0, (DI)
	VMOVUPD Y1, 32(DI)
	VMOVUPD Y2, 64(DI)
	VMOVUPD Y3, 96(DI)
	VMOVUPD Y4, 128(DI)
	VMOVUPD Y5, 160(DI)
	VMOVUPD Y6, 192(DI)
	VMOVUPD Y7, 224(DI)
	VZEROUPPER
	RET
