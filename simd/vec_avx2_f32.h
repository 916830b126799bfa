// The words of elem.h in AVX2 for float32. A constant stands 8 times in the table.

#define BYTES 32
#define LOGSIZE 2
#define MANT 23
#define TOP 31
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

#define vLOAD(p, d) VMOVUPS p, d
#define vSTORE(a, p) VMOVUPS a, p
#define vSTORE0(a) VMOVUPS a, (DI)
#define vCONST(i, d) VMOVUPS K(i), d
#define vMOVE(a, d) VMOVAPS a, d
#define vADD(a, b, d) VADDPS b, a, d
#define vSUB(a, b, d) VSUBPS b, a, d
#define vMUL(a, b, d) VMULPS b, a, d
#define vDIV(a, b, d) VDIVPS b, a, d
#define vADDK(i, a, d) VADDPS K(i), a, d
#define vSUBK(i, a, d) VSUBPS K(i), a, d
#define vMULK(i, a, d) VMULPS K(i), a, d
#define vKSUB(i, a, d) VMOVUPS K(i), T; VSUBPS a, T, d
#define vKDIV(i, a, d) VMOVUPS K(i), T; VDIVPS a, T, d
#define vFMA(a, b, d) VFMADD231PS b, a, d
#define vFNMA(a, b, d) VFNMADD231PS b, a, d
#define vFMS(a, b, d) VFMSUB231PS b, a, d
#define vFMAK(i, a, d) VFMADD231PS K(i), a, d
#define vFNMAK(i, a, d) VFNMADD231PS K(i), a, d
#define vHORNER(i, z, p) VFMADD213PS K(i), z, p
#define vSQRT(a, d) VSQRTPS a, d

// VMAX and VMIN return the operand printed first if either is NaN: that is a.
#define vMAXK(i, a, d) VMOVUPS K(i), T; VMAXPS a, T, d
#define vMINK(i, a, d) VMOVUPS K(i), T; VMINPS a, T, d

#define vANDK(i, a, d) VANDPS K(i), a, d
#define vORK(i, a, d) VORPS K(i), a, d
#define vOR(a, b, d) VORPS b, a, d
#define vXOR(a, b, d) VXORPS b, a, d
#define vPOSITIVE(a, d) VMAXPS K(const_kZero), a, d // +0 if both are zeros
#define vLIKE(a, x) VANDPS K(const_kSignBit), x, T; VANDPS K(const_kAbsBits), a, x; VORPS T, x, x
#define vIADDK(i, a, d) VPADDD K(i), a, d
#define vIMAX(a, b, d) VPMAXSD b, a, d
#define vSHL(n, a, d) VPSLLD $n, a, d
#define vSHR(n, a, d) VPSRLD $n, a, d

// A mask is a vector of which VBLENDV reads the sign bits.
#define vGTK(i, a, m) VCMPPS $0x1e, K(i), a, m
#define vLTK(i, a, m) VCMPPS $0x11, K(i), a, m
#define vLEK(i, a, m) VCMPPS $0x12, K(i), a, m
#define vSIGN(a, m) VMOVAPS a, m
#define vSEL(m, a, b, d) VBLENDVPS m, a, b, d
#define vSELK(m, i, b, d) VBLENDVPS m, K(i), b, d

// 2ⁿ in two factors: s = 2^⌊n/2⌋, u = the rest.
#define vSCALING(t, s, u) \
	VPSRLD $1, t, s; \
	VPSUBD s, t, u; \
	VPSLLD $MANT, s, s; \
	VPSLLD $MANT, u, u; \
	VPADDD K(const_kOneBits), s, s; \
	VPADDD K(const_kOneBits), u, u
#define vSCALE(y, n, s, u) VMULPS s, y, y; VMULPS u, y, y

// For the loops of several registers: loop_amd64.h, reduce.h.
#define CBYTES 32 // of a constant
#define vZERO(d) VXORPS d, d, d
#define vFMAC(a, d) VFMADD231PS (R10), a, d
#define vADDM(p, d) VADDPS p, d, d

// EACH applies an operation to the registers that hold 32 lanes of float32, EACH64 to those of 32 float64.
#define EACH(OP) OP(0, Y0); OP(1, Y1); OP(2, Y2); OP(3, Y3)
#define EACH64(OP) OP(0, Y0); OP(1, Y1); OP(2, Y2); OP(3, Y3); OP(4, Y4); OP(5, Y5); OP(6, Y6); OP(7, Y7)
#define laneLoad(i, a) VMOVUPS ((i)*32)(DI), a
#define laneStore(i, a) VMOVUPS a, ((i)*32)(DI)
#define stepDot(i, a) VMOVUPS ((i)*32)(SI)(CX*1), T; VFMADD231PS ((i)*32)(DX)(CX*1), T, a
#define stepSum(i, a) VCVTPS2PD ((i)*16)(SI)(CX*1), T; VADDPD T, a, a
#define stepSq(i, a) VCVTPS2PD ((i)*16)(SI)(CX*1), T; VFMADD231PD T, T, a

// For Box–Muller.
#define vI2F(a, d) VCVTDQ2PS a, d
#define vSAR(n, a, d) VPSRAD $n, a, d
