//go:build !purego

#include "textflag.h"

// The kernels of transport problems in Advanced SIMD for float64: assign.go says what they compute. Registers are plain
// numbers, as in vec_neon_f64.h. Eight lanes are four registers.
//
// Registers of LeastTwo and Relax:
//
//	R1, R2       the next of x and y; R6, R7 of key and pred
//	R3           the table of START
//	R4           elements left
//	V0 … V3      the least so far in each lane
//	V4 … V7      LeastTwo: the second least
//	V16 … V19    where the least is
//	V20 … V23    where we are
//	V24          8, by which the places grow
//	V25 … V27    candidates, masks and scratch; V31 Relax: pred
//	V28, V30     Relax: base, id
//
// Registers of SqDist:
//
//	R0, R6       the next of dst, and dst
//	R1, R2       the next of x and of y
//	R4           elements of x left
//	V0 … V15     the 32 chains
//	V28, V30     an element of x in both lanes, and its difference with two of y

#define OP3(op, n, m, d) WORD $((op) | (m)<<16 | (n)<<5 | (d))
#define vSUB(n, m, d) OP3(0x4EE0D400, n, m, d) // fsub
#define vFMA(n, m, d) OP3(0x4E60CC00, n, m, d) // fmla
#define vGT(n, m, d) OP3(0x6EE0E400, n, m, d) // fcmgt
#define vEQ(n, m, d) OP3(0x4E60E400, n, m, d) // fcmeq
#define vGTI(n, m, d) OP3(0x4EE03400, n, m, d) // cmgt
#define vAND(n, m, d) OP3(0x4E201C00, n, m, d) // and
#define vOR(n, m, d) OP3(0x4EA01C00, n, m, d) // orr
#define vHIGH(n, d) WORD $(0x4E180400 | (n)<<5 | (d)) // dup d.2d, n.d[1]
#define vBIT(n, m, d) OP3(0x6EA01C00, n, m, d) // bit: the bits of n where m is set
#define vADDI(n, m, d) OP3(0x4EE08400, n, m, d) // add
#define vMOVE(n, d) OP3(0x4EA01C00, n, n, d) // mov
#define vLOAD(p, d) WORD $(0x3DC00000 | (p)<<5 | (d)) // ldr q, [p]
#define vNEXT(p, d) WORD $(0x3CC10400 | (p)<<5 | (d)) // ldr q, [p], 16
#define vPUT(a, p) WORD $(0x3C810400 | (p)<<5 | (a)) // str q, [p], 16

DATA lanes8<>+0(SB)/8, $0
DATA lanes8<>+8(SB)/8, $1
DATA lanes8<>+16(SB)/8, $2
DATA lanes8<>+24(SB)/8, $3
DATA lanes8<>+32(SB)/8, $4
DATA lanes8<>+40(SB)/8, $5
DATA lanes8<>+48(SB)/8, $6
DATA lanes8<>+56(SB)/8, $7
DATA lanes8<>+64(SB)/8, $8
DATA lanes8<>+72(SB)/8, $8
DATA lanes8<>+80(SB)/8, $0x7FF0000000000000
DATA lanes8<>+88(SB)/8, $0x7FF0000000000000
GLOBL lanes8<>(SB), RODATA|NOPTR, $96

// START sets what is found to +Inf at 0, and where we are to 0 … 7.
#define START \
	MOVD $lanes8<>(SB), R3; \
	vNEXT(3, 20); \
	vNEXT(3, 21); \
	vNEXT(3, 22); \
	vNEXT(3, 23); \
	vNEXT(3, 24); \
	vNEXT(3, 0); \
	vMOVE(0, 1); \
	vMOVE(0, 2); \
	vMOVE(0, 3); \
	VEOR V16.B16, V16.B16, V16.B16; \
	vMOVE(16, 17); \
	vMOVE(16, 18); \
	vMOVE(16, 19)

// A quarter of a step of LEASTTWO: m1 the least so far, m2 the second, at where the least is, now where we are.
#define LEASTTWO(m1, m2, at, now) \
	vNEXT(1, 25); \
	vNEXT(2, 26); \
	vSUB(25, 26, 25); \
	vGT(m1, 25, 26); \
	vGT(m2, 25, 27); \
	vBIT(25, 27, m2); \
	vBIT(m1, 26, m2); \
	vBIT(25, 26, m1); \
	vBIT(now, 26, at); \
	vADDI(now, 24, now)

// BEFORE sets V26 to the lanes in which b is less than a, or equal with a lesser place.
#define BEFORE(a, b, ata, atb) \
	vGT(a, b, 26); \
	vEQ(a, b, 25); \
	vGTI(ata, atb, 27); \
	vAND(25, 27, 25); \
	vOR(25, 26, 26)

// MERGE takes what the lanes of b1, b2, atb have found into those of a1, a2, ata.
#define MERGE(a1, a2, ata, b1, b2, atb) \
	BEFORE(a1, b1, ata, atb); \
	vMOVE(b1, 25); \
	vBIT(a1, 26, 25); /* the greater of a1 and b1 */ \
	vBIT(b1, 26, a1); \
	vBIT(atb, 26, ata); \
	vBIT(b2, 26, a2); \
	vGT(a2, 25, 26); \
	vBIT(25, 26, a2)

// MERGE1 is MERGE without seconds.
#define MERGE1(a1, ata, b1, atb) \
	BEFORE(a1, b1, ata, atb); \
	vBIT(b1, 26, a1); \
	vBIT(atb, 26, ata)

// func f64LeastTwoNEON(x, y *float64, n int) (at int, least, second float64)
TEXT ·f64LeastTwoNEON(SB), NOSPLIT, $0-48
	MOVD x+0(FP), R1
	MOVD y+8(FP), R2
	MOVD n+16(FP), R4
	START
	vMOVE(0, 4)
	vMOVE(0, 5)
	vMOVE(0, 6)
	vMOVE(0, 7)
loop:
	LEASTTWO(0, 4, 16, 20)
	LEASTTWO(1, 5, 17, 21)
	LEASTTWO(2, 6, 18, 22)
	LEASTTWO(3, 7, 19, 23)
	SUB $8, R4, R4
	CBNZ R4, loop
	MERGE(0, 4, 16, 1, 5, 17)
	MERGE(2, 6, 18, 3, 7, 19)
	MERGE(0, 4, 16, 2, 6, 18)
	vHIGH(0, 1)
	vHIGH(4, 5)
	vHIGH(16, 17)
	MERGE(0, 4, 16, 1, 5, 17)
	VMOV V16.D[0], R0
	MOVD R0, at+24(FP)
	FMOVD F0, least+32(FP)
	FMOVD F4, second+40(FP)
	RET

// A quarter of a step of RELAX: m the least key so far, at where it is, now where we are.
#define RELAX(m, at, now) \
	vNEXT(1, 25); \
	vNEXT(2, 27); \
	vSUB(25, 27, 25); \
	vSUB(25, 28, 25); \
	vLOAD(6, 26); \
	vGT(26, 25, 27); \
	vBIT(25, 27, 26); \
	vLOAD(7, 31); \
	vBIT(30, 27, 31); \
	vPUT(26, 6); \
	vPUT(31, 7); \
	vGT(m, 26, 27); \
	vBIT(26, 27, m); \
	vBIT(now, 27, at); \
	vADDI(now, 24, now)

// func f64RelaxNEON(key, x, y, pred *float64, base, id float64, n int) (at int, least float64)
TEXT ·f64RelaxNEON(SB), NOSPLIT, $0-72
	MOVD key+0(FP), R6
	MOVD x+8(FP), R1
	MOVD y+16(FP), R2
	MOVD pred+24(FP), R7
	FMOVD base+32(FP), F28
	FMOVD id+40(FP), F30
	VDUP V28.D[0], V28.D2
	VDUP V30.D[0], V30.D2
	MOVD n+48(FP), R4
	START
loop:
	RELAX(0, 16, 20)
	RELAX(1, 17, 21)
	RELAX(2, 18, 22)
	RELAX(3, 19, 23)
	SUB $8, R4, R4
	CBNZ R4, loop
	MERGE1(0, 16, 1, 17)
	MERGE1(2, 18, 3, 19)
	MERGE1(0, 16, 2, 18)
	vHIGH(0, 1)
	vHIGH(16, 17)
	MERGE1(0, 16, 1, 17)
	VMOV V16.D[0], R0
	MOVD R0, at+56(FP)
	FMOVD F0, least+64(FP)
	RET

#define EACH(OP) OP(0); OP(1); OP(2); OP(3); OP(4); OP(5); OP(6); OP(7); OP(8); OP(9); OP(10); OP(11); OP(12); OP(13); OP(14); OP(15)
#define READ(a) vNEXT(0, a)
#define WRITE(a) vPUT(a, 0)
#define SQUARE(a) \
	vNEXT(2, 30); \
	vSUB(28, 30, 30); \
	vFMA(30, 30, a)

// func f64SqDistNEON(dst, x, y *float64, n int)
TEXT ·f64SqDistNEON(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD R0, R6
	MOVD x+8(FP), R1
	MOVD y+16(FP), R2
	MOVD n+24(FP), R4
	EACH(READ)
loop:
	FMOVD.P 8(R1), F28
	VDUP V28.D[0], V28.D2
	EACH(SQUARE)
	SUB $1, R4, R4
	CBNZ R4, loop
	MOVD R6, R0
	EACH(WRITE)
	RET
