// The words of elem.h in AVX2 for float64. A constant stands 4 times in the table.

#define BYTES 32
#define LOGSIZE 3
#define MANT 52
#define TOP 63
#define K(i) ((i)*32)(R9)

#define A0 Y0
#define A1 Y1
#define A2 Y2
#define A3 Y3
#define A4 Y4
#define A5 Y5
#define A6 Y6
#define A7 Y7
#define A8 Y8
#define A9 Y9
#define M0 Y14
#define T Y15 // scratch

#define vLOAD(p, d) VMOVUPD p, d
#define vSTORE(a, p) VMOVUPD a, p
#define vSTORE0(a) VMOVUPD a, (DI)
#define vCONST(i, d) VMOVUPD K(i), d
#define vMOVE(a, d) VMOVAPD a, d
#define vADD(a, b, d) VADDPD b, a, d
#define vSUB(a, b, d) VSUBPD b, a, d
#define vMUL(a, b, d) VMULPD b, a, d
#define vDIV(a, b, d) VDIVPD b, a, d
#define vADDK(i, a, d) VADDPD K(i), a, d
#define vSUBK(i, a, d) VSUBPD K(i), a, d
#define vMULK(i, a, d) VMULPD K(i), a, d
#define vKSUB(i, a, d) VMOVUPD K(i), T; VSUBPD a, T, d
#define vKDIV(i, a, d) VMOVUPD K(i), T; VDIVPD a, T, d
#define vFMA(a, b, d) VFMADD231PD b, a, d
#define vFNMA(a, b, d) VFNMADD231PD b, a, d
#define vFMS(a, b, d) VFMSUB231PD b, a, d
#define vFMAK(i, a, d) VFMADD231PD K(i), a, d
#define vFNMAK(i, a, d) VFNMADD231PD K(i), a, d
#define vHORNER(i, z, p) VFMADD213PD K(i), z, p
#define vSQRT(a, d) VSQRTPD a, d

// VMAX and VMIN return the operand printed first if either is NaN: that is a.
#define vMAXK(i, a, d) VMOVUPD K(i), T; VMAXPD a, T, d
#define vMINK(i, a, d) VMOVUPD K(i), T; VMINPD a, T, d

#define vANDK(i, a, d) VANDPD K(i), a, d
#define vORK(i, a, d) VORPD K(i), a, d
#define vOR(a, b, d) VORPD b, a, d
#define vXOR(a, b, d) VXORPD b, a, d
#define vPOSITIVE(a, d) VMAXPD K(const_kZero), a, d // +0 if both are zeros
#define vLIKE(a, x) VANDPD K(const_kSignBit), x, T; VANDPD K(const_kAbsBits), a, x; VORPD T, x, x
#define vIADDK(i, a, d) VPADDQ K(i), a, d
#define vIMAX(a, b, d) VPMAXSD b, a, d
#define vSHL(n, a, d) VPSLLQ $n, a, d
#define vSHR(n, a, d) VPSRLQ $n, a, d

// A mask is a vector of which VBLENDV reads the sign bits.
#define vGTK(i, a, m) VCMPPD $0x1e, K(i), a, m
#define vLTK(i, a, m) VCMPPD $0x11, K(i), a, m
#define vLEK(i, a, m) VCMPPD $0x12, K(i), a, m
#define vSIGN(a, m) VMOVAPD a, m
#define vSEL(m, a, b, d) VBLENDVPD m, a, b, d
#define vSELK(m, i, b, d) VBLENDVPD m, K(i), b, d

// 2ⁿ in two factors: s = 2^⌊n/2⌋, u = the rest.
#define vSCALING(t, s, u) \
	VPSRLQ $1, t, s; \
	VPSUBQ s, t, u; \
	VPSLLQ $MANT, s, s; \
	VPSLLQ $MANT, u, u; \
	VPADDQ K(const_kOneBits), s, s; \
	VPADDQ K(const_kOneBits), u, u
#define vSCALE(y, n, s, u) VMULPD s, y, y; VMULPD u, y, y

// For the loops of several registers: loop_amd64.h, reduce.h.
#define CBYTES 32 // of a constant
#define vZERO(d) VXORPS d, d, d
#define vFMAC(a, d) VFMADD231PD (R10), a, d
#define vADDM(p, d) VADDPD p, d, d

// EACH applies an operation to the registers that hold 32 lanes of float64, EACH64 to those of 32 float64.
#define EACH(OP) OP(0, Y0); OP(1, Y1); OP(2, Y2); OP(3, Y3); OP(4, Y4); OP(5, Y5); OP(6, Y6); OP(7, Y7)
#define EACH64(OP) OP(0, Y0); OP(1, Y1); OP(2, Y2); OP(3, Y3); OP(4, Y4); OP(5, Y5); OP(6, Y6); OP(7, Y7)
#define laneLoad(i, a) VMOVUPS ((i)*32)(DI), a
#define laneStore(i, a) VMOVUPS a, ((i)*32)(DI)
#define stepDot(i, a) VMOVUPD ((i)*32)(SI)(CX*1), T; VFMADD231PD ((i)*32)(DX)(CX*1), T, a
#define stepSum(i, a) VADDPD ((i)*32)(SI)(CX*1), a, a
#define stepSq(i, a) VMOVUPD ((i)*32)(SI)(CX*1), T; VFMADD231PD T, T, a

// For Box–Muller. vUNIT is 1 + the upper 52 bits of two words as a fraction: those at i and i + 64 bytes.
#define vUNIT(i, d) \
	VPMOVZXDQ (i+64)(SI)(R10*1), d; \
	VPSLLQ $20, d, d; \
	VPMOVZXDQ (i)(SI)(R10*1), T; \
	VPSRLQ $12, T, T; \
	vOR(d, T, d); \
	vORK(const_kOneBits, d, d)
