//go:build !purego

#include "textflag.h"

// The kernels of transport problems in AVX-512 for float64: assign.go says what they compute.
//
// Registers of LeastTwo and Relax:
//
//	SI, DX       the ends of x and y; R8, R9 those of key and pred
//	CX           bytes from -8n up to 0
//	Z0, Z1       the least so far in each lane, and the second least
//	Z2, Z3       where the least is, and where we are
//	Z4           8, by which that grows
//	Z5, Z6       the candidates, and scratch; X5 the least of all at last
//	Z7 … Z9      Relax: base, id, pred
//	K1, K2       lanes with a new key, and with a new least
//	AX, BX, R10, R11    scratch of WHERE, which leaves the place in BX
//
// Registers of SqDist:
//
//	DI           dst
//	SI, CX       the end of x, elements from -n up to 0
//	DX           row of y
//	Z0 … Z3      the 32 chains
//	Z4           an element of x in every lane
//	Z5 … Z8      its differences with a row of y

DATA inf8<>+0(SB)/8, $0x7FF0000000000000
GLOBL inf8<>(SB), RODATA|NOPTR, $8
DATA step8<>+0(SB)/8, $8
GLOBL step8<>(SB), RODATA|NOPTR, $8
DATA from0<>+0(SB)/8, $0
DATA from0<>+8(SB)/8, $1
DATA from0<>+16(SB)/8, $2
DATA from0<>+24(SB)/8, $3
DATA from0<>+32(SB)/8, $4
DATA from0<>+40(SB)/8, $5
DATA from0<>+48(SB)/8, $6
DATA from0<>+56(SB)/8, $7
GLOBL from0<>(SB), RODATA|NOPTR, $64

// LEAST sets X5 to the least of the lanes of Z0, with Z6 for scratch.
#define LEAST \
	VEXTRACTF64X4 $1, Z0, Y5; \
	VMINPD Y5, Y0, Y5; \
	VEXTRACTF128 $1, Y5, X6; \
	VMINPD X6, X5, X5; \
	VPERMILPD $1, X5, X6; \
	VMINSD X6, X5, X5

// WHERE sets BX to the least of the places Z2 in the lanes that equal X5, and K1 to those lanes. AX is zero if there is
// but one.
#define WHERE \
	VBROADCASTSD X5, Z6; \
	VCMPPD $0, Z6, Z0, K1; \
	VMOVDQU64 Z2, 0(SP); \
	KMOVB K1, AX; \
	TZCNTL AX, R10; \
	MOVQ 0(SP)(R10*8), BX; \
	LEAL -1(AX), R10; \
	ANDL R10, AX; \
	JEQ single; \
	MOVL AX, R11; \
tie: \
	TZCNTL R11, R10; \
	MOVQ 0(SP)(R10*8), R10; \
	CMPQ R10, BX; \
	CMOVQLT R10, BX; \
	LEAL -1(R11), R10; \
	ANDL R10, R11; \
	JNE tie; \
single:

// func f64LeastTwoAVX512(x, y *float64, n int) (at int, least, second float64)
//
// Z0 the least so far, Z1 the second, Z2 where the least is, Z3 where we are. VMIN and VMAX return the operand printed
// first if either is NaN.
TEXT ·f64LeastTwoAVX512(SB), NOSPLIT, $64-48
	MOVQ x+0(FP), SI
	MOVQ y+8(FP), DX
	MOVQ n+16(FP), CX
	SHLQ $3, CX
	ADDQ CX, SI
	ADDQ CX, DX
	NEGQ CX
	VPBROADCASTQ inf8<>(SB), Z0
	VMOVAPD Z0, Z1
	VPXORQ Z2, Z2, Z2
	VMOVDQU64 from0<>(SB), Z3
	VPBROADCASTQ step8<>(SB), Z4
loop:
	VMOVUPD (SI)(CX*1), Z5
	VSUBPD (DX)(CX*1), Z5, Z5
	VCMPPD $0x11, Z0, Z5, K1
	VMAXPD Z5, Z0, Z6
	VMINPD Z1, Z6, Z1
	VMINPD Z0, Z5, Z0
	VMOVDQA64 Z3, K1, Z2
	VPADDQ Z4, Z3, Z3
	ADDQ $64, CX
	JNE loop
	LEAST
	VMOVSD X5, least+32(FP)
	WHERE
	MOVQ BX, at+24(FP)
	TESTL AX, AX
	JNE twice
	VMOVAPD Z1, K1, Z0 // the lane of the least offers its second
	LEAST
twice:
	VMOVSD X5, second+40(FP)
	VZEROUPPER
	RET

// func f64RelaxAVX512(key, x, y, pred *float64, base, id float64, n int) (at int, least float64)
//
// Z0 the least key so far, Z2 where it is, Z3 where we are.
TEXT ·f64RelaxAVX512(SB), NOSPLIT, $64-72
	MOVQ key+0(FP), R8
	MOVQ x+8(FP), SI
	MOVQ y+16(FP), DX
	MOVQ pred+24(FP), R9
	VBROADCASTSD base+32(FP), Z7
	VBROADCASTSD id+40(FP), Z8
	MOVQ n+48(FP), CX
	SHLQ $3, CX
	ADDQ CX, R8
	ADDQ CX, SI
	ADDQ CX, DX
	ADDQ CX, R9
	NEGQ CX
	VPBROADCASTQ inf8<>(SB), Z0
	VPXORQ Z2, Z2, Z2
	VMOVDQU64 from0<>(SB), Z3
	VPBROADCASTQ step8<>(SB), Z4
loop:
	VMOVUPD (SI)(CX*1), Z5
	VSUBPD (DX)(CX*1), Z5, Z5
	VMOVUPD (R8)(CX*1), Z6
	VSUBPD Z7, Z5, Z5
	VMOVUPD (R9)(CX*1), Z9
	VCMPPD $0x11, Z6, Z5, K1
	VMOVAPD Z5, K1, Z6
	VMOVAPD Z8, K1, Z9
	VMOVUPD Z6, (R8)(CX*1)
	VMOVUPD Z9, (R9)(CX*1)
	VCMPPD $0x11, Z0, Z6, K2
	VMOVAPD Z6, K2, Z0
	VMOVDQA64 Z3, K2, Z2
	VPADDQ Z4, Z3, Z3
	ADDQ $64, CX
	JNE loop
	LEAST
	VMOVSD X5, least+64(FP)
	WHERE
	MOVQ BX, at+56(FP)
	VZEROUPPER
	RET

// func f64SqDistAVX512(dst, x, y *float64, n int)
//
// Z0 … Z3 the 32 chains.
TEXT ·f64SqDistAVX512(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ y+16(FP), DX
	MOVQ n+24(FP), CX
	LEAQ (SI)(CX*8), SI
	NEGQ CX
	VMOVUPD (DI), Z0
	VMOVUPD 64(DI), Z1
	VMOVUPD 128(DI), Z2
	VMOVUPD 192(DI), Z3
loop:
	VBROADCASTSD (SI)(CX*8), Z4
	VSUBPD (DX), Z4, Z5
	VSUBPD 64(DX), Z4, Z6
	VSUBPD 128(DX), Z4, Z7
	VSUBPD 192(DX), Z4, Z8
	VFMADD231PD Z5, Z5, Z0
	VFMADD231PD Z6, Z6, Z1
	VFMADD231PD Z7, Z7, Z2
	VFMADD231PD Z8, Z8, Z3
	ADDQ $256, DX
	INCQ CX
	JNE loop
	VMOVUPD Z0, (DI)
	VMOVUPD Z1, 64(DI)
	VMOVUPD Z2, 128(DI)
	VMOVUPD Z3, 192(DI)
	VZEROUPPER
	RET
