//go:build !purego

#include "textflag.h"

// Chains of fused multiply-adds on registers alone: what no matrix product can exceed. Twelve chains hide the
// instruction's latency of four cycles with two units. Every value stays at 0·0 + 0 = 0, so nothing overflows.
//
// Registers: CX rounds left; Y0…Y11 or Z0…Z11 the chains; Y12, Y13 or Z12, Z13 zeros.

// LOOP is n rounds of twelve FMAs on the registers named.
#define LOOP(FMA, XOR, r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, r12, r13) \
	MOVQ n+0(FP), CX \
	XOR r0, r0, r0 \
	XOR r1, r1, r1 \
	XOR r2, r2, r2 \
	XOR r3, r3, r3 \
	XOR r4, r4, r4 \
	XOR r5, r5, r5 \
	XOR r6, r6, r6 \
	XOR r7, r7, r7 \
	XOR r8, r8, r8 \
	XOR r9, r9, r9 \
	XOR r10, r10, r10 \
	XOR r11, r11, r11 \
	XOR r12, r12, r12 \
	XOR r13, r13, r13 \
loop: \
	FMA r12, r13, r0 \
	FMA r12, r13, r1 \
	FMA r12, r13, r2 \
	FMA r12, r13, r3 \
	FMA r12, r13, r4 \
	FMA r12, r13, r5 \
	FMA r12, r13, r6 \
	FMA r12, r13, r7 \
	FMA r12, r13, r8 \
	FMA r12, r13, r9 \
	FMA r12, r13, r10 \
	FMA r12, r13, r11 \
	DECQ CX \
	JNZ  loop \
	VZEROUPPER \
	RET

// func fma32AVX2(n int)
//
// n rounds of 12 VFMADD231PS of 8 lanes: 192·n operations.
TEXT ·fma32AVX2(SB), NOSPLIT, $0-8
	LOOP(VFMADD231PS, VXORPS, Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7, Y8, Y9, Y10, Y11, Y12, Y13)

// func fma64AVX2(n int)
//
// n rounds of 12 VFMADD231PD of 4 lanes: 96·n operations.
TEXT ·fma64AVX2(SB), NOSPLIT, $0-8
	LOOP(VFMADD231PD, VXORPS, Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7, Y8, Y9, Y10, Y11, Y12, Y13)

// func fma32AVX512(n int)
//
// n rounds of 12 VFMADD231PS of 16 lanes: 384·n operations.
TEXT ·fma32AVX512(SB), NOSPLIT, $0-8
	LOOP(VFMADD231PS, VPXORQ, Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z8, Z9, Z10, Z11, Z12, Z13)

// func fma64AVX512(n int)
//
// n rounds of 12 VFMADD231PD of 8 lanes: 192·n operations.
TEXT ·fma64AVX512(SB), NOSPLIT, $0-8
	LOOP(VFMADD231PD, VPXORQ, Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z8, Z9, Z10, Z11, Z12, Z13)
