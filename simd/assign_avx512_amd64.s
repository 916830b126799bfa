//go:build !purego

#include "textflag.h"

// The kernels of transport problems in AVX-512 for float64: assign.go says what they compute.

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

// func f64LeastTwoAVX512(dst *leastLanes, x, y *float64, n int)
//
// Z0 the least so far, Z1 the second, Z2 where the least is, Z3 where we are. VMIN and VMAX return the operand printed
// first if either is NaN.
TEXT ·f64LeastTwoAVX512(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ y+16(FP), DX
	MOVQ n+24(FP), CX
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
	VMOVUPD Z0, (DI)
	VMOVUPD Z1, 64(DI)
	VMOVDQU64 Z2, 128(DI)
	VZEROUPPER
	RET

// func f64RelaxAVX512(dst *leastLanes, key, x, y, pred *float64, base, id float64, n int)
//
// Z0 the least key so far, Z2 where it is, Z3 where we are.
TEXT ·f64RelaxAVX512(SB), NOSPLIT, $0-64
	MOVQ dst+0(FP), DI
	MOVQ key+8(FP), R8
	MOVQ x+16(FP), SI
	MOVQ y+24(FP), DX
	MOVQ pred+32(FP), R9
	VBROADCASTSD base+40(FP), Z7
	VBROADCASTSD id+48(FP), Z8
	MOVQ n+56(FP), CX
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
	VMOVUPD Z0, (DI)
	VMOVDQU64 Z2, 128(DI)
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
