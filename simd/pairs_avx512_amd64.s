//go:build !purego

// Kernels of float32 in AVX-512 that do two vectors side by side, with the constants they need most in registers.
//
// They compute what doTanh and doSiLUSlopes of elem.h do. There a vector's chain of some thirty operations that wait for
// each other is longer than what the CPU looks ahead, so its units idle; here the chains of two vectors alternate in pieces
// of a few instructions, the words PAIR is given. Nothing else differs, but that a clamp which another implies is left out, and
// that x - x is what tells an infinity (see ENDLESS in elem.h), on units that have nothing else to do.
//
// Registers:
//
//	DI, SI, DX, R8, R9, CX  as in loop_amd64.h
//	Z0 … Z6, K1             the first vector of a pair: x, y, n, p, w, v, l and M of the words
//	Z7 … Z13, K2            the second
//	Z14                     2
//	Z15                     scratch of the words of vec_avx512_f32.h
//	Z16 … Z24               the constants named below

#include "textflag.h"
#include "go_asm.h"
#include "vec_avx512_f32.h"
#include "loop_amd64.h"

#define TWO Z14
#define ONE Z16
#define LO Z17
#define HI Z18
#define SIGN Z19
#define MAGIC Z20
#define EXP5 Z21
#define EXP4 Z22
#define EXP3 Z23
#define MINUS2 Z24

// CONSTANTS are those of both kernels.
#define CONSTANTS \
	vCONST(const_kTwo, TWO); \
	vCONST(const_kOne, ONE); \
	vCONST(const_kSignBit, SIGN); \
	vCONST(const_kMagic, MAGIC); \
	vCONST((const_kExp+5), EXP5); \
	vCONST((const_kExp+4), EXP4); \
	vCONST((const_kExp+3), EXP3)

// A word is a piece of a chain: o is where the vector lies from CX on, in bytes.

// reduce: y = n·ln 2 + r; r replaces y.
#define REDUCE0(o, x, y, n, p, w, v, l, m) VMOVAPS MAGIC, p; vFMAK(const_kLog2e, y, p); VSUBPS MAGIC, p, n
#define REDUCE1(o, x, y, n, p, w, v, l, m) vFNMAK(const_kLn2Hi, n, y); vFNMAK(const_kLn2Lo, n, y)

// expm1Reduced: y = eʳ - 1.
#define EXP0(o, x, y, n, p, w, v, l, m) VMOVAPS EXP5, p; VFMADD213PS EXP4, y, p; VMULPS y, y, w
#define EXP1(o, x, y, n, p, w, v, l, m) VFMADD213PS EXP3, y, p; vHORNER((const_kExp+2), y, p)
#define EXP2(o, x, y, n, p, w, v, l, m) vHORNER((const_kExp+1), y, p); vHORNER(const_kExp, y, p); VFMADD231PS p, w, y

// PAIR is a word for both vectors, LONE for the first alone.
#define PAIR(WORD) WORD(0, Z0, Z1, Z2, Z3, Z4, Z5, Z6, K1); WORD(64, Z7, Z8, Z9, Z10, Z11, Z12, Z13, K2)
#define LONE(WORD) WORD(0, Z0, Z1, Z2, Z3, Z4, Z5, Z6, K1)

// PAIRS is a kernel whose words BODY applies the one way or the other: an odd vector comes first.
#define PAIRS(BODY) \
	TESTQ $64, CX; \
	JEQ two; \
	BODY(LONE); \
	ADDQ $64, CX; \
	JEQ done; \
two: \
	BODY(PAIR); \
	ADDQ $128, CX; \
	JNE two; \
done: \
	DONE

// siluSlopes.
#define SLOPES0(o, x, y, n, p, w, v, l, m) VMOVUPS o(SI)(CX*1), x; VMAXPS x, LO, l; VMINPS l, HI, v; VORPS SIGN, v, y
#define SLOPES1(o, x, y, n, p, w, v, l, m) VADDPS ONE, y, y; VSUBPS x, x, w; VSUBPS w, l, l; VSUBPS w, v, v
#define SLOPES2(o, x, y, n, p, w, v, l, m) VMULPS y, l, l; VSCALEFPS n, y, y; VSCALEFPS n, l, l
#define SLOPES3(o, x, y, n, p, w, v, l, m) VADDPS ONE, y, p; VPMOVD2M x, m; VDIVPS p, ONE, n; VBLENDMPS l, x, m, x
#define SLOPES4(o, x, y, n, p, w, v, l, m) VDIVPS p, x, x; VMOVUPS x, o(DI)(CX*1)
#define SLOPES5(o, x, y, n, p, w, v, l, m) VMULPS y, n, y; VBLENDMPS y, n, m, x; VBLENDMPS n, y, m, p
#define SLOPES6(o, x, y, n, p, w, v, l, m) VMULPS x, p, w; VSUBPS x, p, l; VMOVAPS TWO, n; VFMADD231PS v, l, n
#define SLOPES7(o, x, y, n, p, w, v, l, m) VMULPS w, n, n; VMOVUPS n, o(R8)(CX*1)
#define SLOPES8(o, x, y, n, p, w, v, l, m) VMOVAPS ONE, n; VFMADD231PS v, p, n; VMULPS x, n, n; VMOVUPS n, o(DX)(CX*1)

#define SLOPES(TO) \
	TO(SLOPES0); TO(REDUCE0); TO(REDUCE1); TO(EXP0); TO(EXP1); TO(EXP2); \
	TO(SLOPES1); TO(SLOPES2); TO(SLOPES3); TO(SLOPES4); TO(SLOPES5); TO(SLOPES6); TO(SLOPES7); TO(SLOPES8)

TEXT ·f32SiLUSlopesAVX512(SB), NOSPLIT, $0-48
	ARGS3
	CONSTANTS
	vCONST(const_kExpLo, LO)
	vCONST(const_kGateHi, HI)
	PAIRS(SLOPES)

// tanh.
#define TANH0(o, x, y, n, p, w, v, l, m) VMOVUPS o(SI)(CX*1), x; vANDK(const_kAbsBits, x, y); VMULPS MINUS2, y, y; VMAXPS y, LO, y
#define TANH1(o, x, y, n, p, w, v, l, m) vSHL(MANT, p, v); VPADDD ONE, v, v
#define TANH2(o, x, y, n, p, w, v, l, m) VSUBPS ONE, v, l; VFMADD231PS v, y, l
#define TANH3(o, x, y, n, p, w, v, l, m) VADDPS TWO, l, p; VDIVPS p, l, p
#define TANH4(o, x, y, n, p, w, v, l, m) VPTERNLOGD $0xE4, SIGN, p, x; VMOVUPS x, o(DI)(CX*1)

#define TANH(TO) \
	TO(TANH0); TO(REDUCE0); TO(TANH1); TO(REDUCE1); TO(EXP0); TO(EXP1); TO(EXP2); TO(TANH2); TO(TANH3); TO(TANH4)

TEXT ·f32TanhAVX512(SB), NOSPLIT, $0-32
	ARGS1
	CONSTANTS
	vCONST(const_kEm1Lo, LO)
	vCONST(const_kMinus2, MINUS2)
	PAIRS(TANH)
