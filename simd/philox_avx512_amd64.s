//go:build !purego

#include "textflag.h"
#include "go_asm.h"

// Philox4x32-10 in AVX-512, a group of sixteen blocks side by side, in the way of philox_avx2_amd64.s.
//
// Registers:
//
//	DI           where the next group goes
//	CX           groups left
//	R9           the table of round keys, the key's words (20, 21) and the multipliers (22, 23)
//	Z0 … Z3      words c0 … c3 of the blocks of even number, Z4 and Z5 two products; EVEN and ODD take turns, since the
//	             products of one round are words of the next
//	Z6 … Z11     the same for odd ones
//	Z12, Z13     the multipliers
//	Z14, Z15     the counters of even and odd blocks
//	Z16          16, by which they grow
//	K1           odd lanes of 32 bits

#define K(i) ((i)*4)(R9)

#define ROUND(i, c0, c1, c2, c3, t0, t1) \
	VPMULUDQ Z12, c0, t0; \
	VPMULUDQ Z13, c2, t1; \
	VPSRLQ $32, t1, c0; \
	VPTERNLOGD.BCST $0x96, K(2*(i)), c1, c0; \
	VPSRLQ $32, t0, c2; \
	VPTERNLOGD.BCST $0x96, K(2*(i)+1), c3, c2

#define EVEN(i) ROUND(i, Z0, Z1, Z2, Z3, Z4, Z5); ROUND(i, Z6, Z7, Z8, Z9, Z10, Z11)
#define ODD(i) ROUND(i, Z0, Z5, Z2, Z4, Z3, Z1); ROUND(i, Z6, Z11, Z8, Z10, Z9, Z7)

#define STORE(w, even, odd) \
	VPSLLQ $32, odd, odd; \
	VPBLENDMD odd, even, K1, even; \
	VMOVDQU32 even, ((w)*64)(DI)

DATA even8<>+0(SB)/8, $0
DATA even8<>+8(SB)/8, $2
DATA even8<>+16(SB)/8, $4
DATA even8<>+24(SB)/8, $6
DATA even8<>+32(SB)/8, $8
DATA even8<>+40(SB)/8, $10
DATA even8<>+48(SB)/8, $12
DATA even8<>+56(SB)/8, $14
GLOBL even8<>(SB), RODATA|NOPTR, $64
DATA one<>+0(SB)/8, $1
GLOBL one<>(SB), RODATA|NOPTR, $8
DATA sixteen<>+0(SB)/8, $16
GLOBL sixteen<>(SB), RODATA|NOPTR, $8

// func philoxAVX512(dst *uint32, groups int, block uint64, k *uint32)
TEXT ·philoxAVX512(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ groups+8(FP), CX
	VPBROADCASTQ block+16(FP), Z14
	MOVQ k+24(FP), R9
	VPADDQ even8<>(SB), Z14, Z14
	VPBROADCASTQ one<>(SB), Z15
	VPADDQ Z14, Z15, Z15
	VPBROADCASTQ sixteen<>(SB), Z16
	VPBROADCASTD K(22), Z12
	VPBROADCASTD K(23), Z13
	MOVL $0xAAAA, AX
	KMOVW AX, K1
loop:
	VMOVDQA32 Z14, Z0
	VMOVDQA32 Z15, Z6
	VPSRLQ $32, Z14, Z1
	VPSRLQ $32, Z15, Z7
	VPADDQ Z16, Z14, Z14
	VPADDQ Z16, Z15, Z15
	VPBROADCASTD K(20), Z2
	VMOVDQA32 Z2, Z8
	VPBROADCASTD K(21), Z3
	VMOVDQA32 Z3, Z9
	EVEN(0)
	ODD(1)
	EVEN(2)
	ODD(3)
	EVEN(4)
	ODD(5)
	EVEN(6)
	ODD(7)
	EVEN(8)
	ODD(9)
	STORE(0, Z0, Z6)
	STORE(1, Z1, Z7)
	STORE(2, Z2, Z8)
	STORE(3, Z3, Z9)
	ADDQ $256, DI
	DECQ CX
	JNE loop
	VZEROUPPER
	RET
