//go:build !purego

#include "textflag.h"
#include "go_asm.h"

// Philox4x32-10 in AVX2, eight blocks side by side: those of even number in one set of registers, those of odd number
// in another, each word in the lower half of 64 bits. The upper halves hold anything, since VPMULUDQ does not read them.
//
// Registers:
//
//	DI           where the next group goes
//	CX           groups left
//	R9           the table of round keys, the key's words (20, 21) and the multipliers (22, 23)
//	Y0 … Y3      words c0 … c3 of the blocks of even number, Y4 and Y5 two products; EVEN and ODD take turns, since the
//	             products of one round are words of the next
//	Y6 … Y11     the same for odd ones
//	Y12, Y13     the multipliers
//	Y14, Y15     the counters of even and odd blocks

#define K(i) ((i)*32)(R9)

// A round: c0, c2 become the upper halves of the products with the other two words and the round's keys mixed in;
// c1, c3 become the products themselves, t1 and t0.
#define ROUND(i, c0, c1, c2, c3, t0, t1) \
	VPMULUDQ Y12, c0, t0; \
	VPMULUDQ Y13, c2, t1; \
	VPSRLQ $32, t1, c0; \
	VPXOR c1, c0, c0; \
	VPXOR K(2*(i)), c0, c0; \
	VPSRLQ $32, t0, c2; \
	VPXOR c3, c2, c2; \
	VPXOR K(2*(i)+1), c2, c2

#define EVEN(i) ROUND(i, Y0, Y1, Y2, Y3, Y4, Y5); ROUND(i, Y6, Y7, Y8, Y9, Y10, Y11)
#define ODD(i) ROUND(i, Y0, Y5, Y2, Y4, Y3, Y1); ROUND(i, Y6, Y11, Y8, Y10, Y9, Y7)

// STORE interleaves word w of the even and the odd blocks.
#define STORE(w, half, even, odd) \
	VPSLLQ $32, odd, odd; \
	VPBLENDD $0xAA, odd, even, even; \
	VMOVDQU even, ((w)*64+(half)*32)(DI)

#define BLOCKS8(half) \
	VMOVDQA Y14, Y0; \
	VMOVDQA Y15, Y6; \
	VPSRLQ $32, Y14, Y1; \
	VPSRLQ $32, Y15, Y7; \
	VMOVDQU K(20), Y2; \
	VMOVDQU K(20), Y8; \
	VMOVDQU K(21), Y3; \
	VMOVDQU K(21), Y9; \
	EVEN(0); ODD(1); EVEN(2); ODD(3); EVEN(4); \
	ODD(5); EVEN(6); ODD(7); EVEN(8); ODD(9); \
	STORE(0, half, Y0, Y6); \
	STORE(1, half, Y1, Y7); \
	STORE(2, half, Y2, Y8); \
	STORE(3, half, Y3, Y9); \
	VPBROADCASTQ eight<>(SB), Y0; \
	VPADDQ Y0, Y14, Y14; \
	VPADDQ Y0, Y15, Y15

DATA eight<>+0(SB)/8, $8
GLOBL eight<>(SB), RODATA|NOPTR, $8
DATA even4<>+0(SB)/8, $0
DATA even4<>+8(SB)/8, $2
DATA even4<>+16(SB)/8, $4
DATA even4<>+24(SB)/8, $6
GLOBL even4<>(SB), RODATA|NOPTR, $32
DATA one<>+0(SB)/8, $1
GLOBL one<>(SB), RODATA|NOPTR, $8

// func philoxAVX2(dst *uint32, groups int, block uint64, k *uint32)
TEXT ·philoxAVX2(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ groups+8(FP), CX
	VPBROADCASTQ block+16(FP), Y14
	MOVQ k+24(FP), R9
	VPADDQ even4<>(SB), Y14, Y14
	VPBROADCASTQ one<>(SB), Y15
	VPADDQ Y14, Y15, Y15
	VMOVDQU K(22), Y12
	VMOVDQU K(23), Y13
loop:
	BLOCKS8(0)
	BLOCKS8(1)
	ADDQ $256, DI
	DECQ CX
	JNE loop
	VZEROUPPER
	RET
