//go:build !purego

#include "textflag.h"
#include "go_asm.h"

// Philox4x32-10 in Advanced SIMD, four blocks side by side. Registers are plain numbers, as in vec_neon_f32.h.
//
// Registers:
//
//	R0           where the next group goes
//	R1           groups left
//	R2, R3       the number of the group's first block, and its upper half
//	R5           the table of round keys, the key's words (20, 21), the multipliers (22, 23) and 0 … 15 (24 to 27)
//	V0 … V3      words c0 … c3 of four blocks; after odd rounds V6 and V7 are c1 and c3
//	V4, V5       the multipliers
//	V16 … V18    halves of products
//	V19, V20     the halves of the number in R2, a multiple of 16, so that the blocks after it share the upper one

#define OP3(op, n, m, d) WORD $((op) | (m)<<16 | (n)<<5 | (d))
#define KEY(i, d) WORD $(0x3DC00000 | (i)<<10 | 5<<5 | (d)) // ldr q, [x5, 16·i]
#define XOR(a, b, d) OP3(0x6E201C00, a, b, d) // eor

// MUL sets hi and lo to the halves of c·m.
#define MUL(c, m, hi, lo) \
	OP3(0x2EA0C000, c, m, lo); /* umull */ \
	OP3(0x6EA0C000, c, m, 18); /* umull2 */ \
	OP3(0x4E805800, lo, 18, hi); /* uzp2 */ \
	OP3(0x4E801800, lo, 18, lo) // uzp1

// A round: c0 … c3 in registers 0, c1, 2, c3 go to 0, n1, 2, n3.
#define ROUND(i, c1, c3, n1, n3) \
	MUL(0, 4, 16, n3); \
	MUL(2, 5, 17, n1); \
	KEY(2*(i), 0); \
	XOR(0, 17, 0); \
	XOR(0, c1, 0); \
	KEY(2*(i)+1, 2); \
	XOR(2, 16, 2); \
	XOR(2, c3, 2)

#define STORE(d, p, at) WORD $(0x3D800000 | (at)<<10 | (p)<<5 | (d)) // str q, [p, 16·at]

#define BLOCKS4(q) \
	KEY(24+(q), 0); \
	OP3(0x4EA08400, 0, 19, 0); /* add */ \
	OP3(0x4EA01C00, 20, 20, 1); /* mov */ \
	KEY(20, 2); \
	KEY(21, 3); \
	ROUND(0, 1, 3, 6, 7); \
	ROUND(1, 6, 7, 1, 3); \
	ROUND(2, 1, 3, 6, 7); \
	ROUND(3, 6, 7, 1, 3); \
	ROUND(4, 1, 3, 6, 7); \
	ROUND(5, 6, 7, 1, 3); \
	ROUND(6, 1, 3, 6, 7); \
	ROUND(7, 6, 7, 1, 3); \
	ROUND(8, 1, 3, 6, 7); \
	ROUND(9, 6, 7, 1, 3); \
	STORE(0, 0, q); \
	STORE(1, 0, 4+q); \
	STORE(2, 0, 8+q); \
	STORE(3, 0, 12+q)

// func philoxNEON(dst *uint32, groups int, block uint64, k *uint32)
TEXT ·philoxNEON(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD groups+8(FP), R1
	MOVD block+16(FP), R2
	MOVD k+24(FP), R5
	KEY(22, 4)
	KEY(23, 5)
loop:
	VDUP R2, V19.S4
	LSR $32, R2, R3
	VDUP R3, V20.S4
	BLOCKS4(0)
	BLOCKS4(1)
	BLOCKS4(2)
	BLOCKS4(3)
	ADD $16, R2, R2
	ADD $256, R0, R0
	SUB $1, R1, R1
	CBNZ R1, loop
	RET
