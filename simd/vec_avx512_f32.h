// The words of elem.h in AVX-512 for float32. A constant stands once in the table and is broadcast as it is read.

#define BYTES 64
#define LOGSIZE 2
#define MANT 23
#define TOP 31
#define K(i) ((i)*4)(R9)

#define A0 Z0
#define A1 Z1
#define A2 Z2
#define A3 Z3
#define A4 Z4
#define A5 Z5
#define A6 Z6
#define A7 Z7
#define A8 Z8
#define A9 Z9
#define M0 K1
#define T Z15 // scratch

#define vLOAD(p, d) VMOVUPS p, d
#define vSTORE(a, p) VMOVUPS a, p
#define vSTORE0(a) VMOVUPS a, (DI)
#define vCONST(i, d) VBROADCASTSS K(i), d
#define vMOVE(a, d) VMOVAPS a, d
#define vADD(a, b, d) VADDPS b, a, d
#define vSUB(a, b, d) VSUBPS b, a, d
#define vMUL(a, b, d) VMULPS b, a, d
#define vDIV(a, b, d) VDIVPS b, a, d
#define vADDK(i, a, d) VADDPS.BCST K(i), a, d
#define vSUBK(i, a, d) VSUBPS.BCST K(i), a, d
#define vMULK(i, a, d) VMULPS.BCST K(i), a, d
#define vKSUB(i, a, d) VBROADCASTSS K(i), T; VSUBPS a, T, d
#define vKDIV(i, a, d) VBROADCASTSS K(i), T; VDIVPS a, T, d
#define vFMA(a, b, d) VFMADD231PS b, a, d
#define vFNMA(a, b, d) VFNMADD231PS b, a, d
#define vFMS(a, b, d) VFMSUB231PS b, a, d
#define vFMAK(i, a, d) VFMADD231PS.BCST K(i), a, d
#define vFNMAK(i, a, d) VFNMADD231PS.BCST K(i), a, d
#define vHORNER(i, z, p) VFMADD213PS.BCST K(i), z, p
#define vSQRT(a, d) VSQRTPS a, d

// VMAX and VMIN return the operand printed first if either is NaN: that is a.
#define vMAXK(i, a, d) VBROADCASTSS K(i), T; VMAXPS a, T, d
#define vMINK(i, a, d) VBROADCASTSS K(i), T; VMINPS a, T, d

#define vANDK(i, a, d) VANDPS.BCST K(i), a, d
#define vORK(i, a, d) VORPS.BCST K(i), a, d
#define vOR(a, b, d) VORPS b, a, d
#define vXOR(a, b, d) VXORPS b, a, d
#define vPOSITIVE(a, d) VMAXPS.BCST K(const_kZero), a, d // +0 if both are zeros
#define vLIKE(a, x) VPTERNLOGD.BCST $0xE4, K(const_kSignBit), a, x // x = k ? x : a, bit by bit
#define vIADDK(i, a, d) VPADDD.BCST K(i), a, d
#define vIMAX(a, b, d) VPMAXSD b, a, d
#define vSHL(n, a, d) VPSLLD $n, a, d
#define vSHR(n, a, d) VPSRLD $n, a, d

// A mask is a mask register.
#define vGTK(i, a, m) VCMPPS.BCST $0x1e, K(i), a, m
#define vLTK(i, a, m) VCMPPS.BCST $0x11, K(i), a, m
#define vLEK(i, a, m) VCMPPS.BCST $0x12, K(i), a, m
#define vSIGN(a, m) VPMOVD2M a, m
#define vSEL(m, a, b, d) VBLENDMPS a, b, m, d
#define vSELK(m, i, b, d) VBLENDMPS.BCST K(i), b, m, d

// VSCALEF rounds once, as the two factors of the other tiers do.
#define vSCALING(t, s, u)
#define vSCALE(y, n, s, u) VSCALEFPS n, y, y

// For the loops of several registers: loop_amd64.h, reduce.h.
#define CBYTES 4 // of a constant
#define vZERO(d) VXORPS d, d, d
#define vFMAC(a, d) VFMADD231PS.BCST (R10), a, d
#define vADDM(p, d) VADDPS p, d, d

// EACH applies an operation to the registers that hold 32 lanes of float32, EACH64 to those of 32 float64.
#define EACH(OP) OP(0, Z0); OP(1, Z1)
#define EACH64(OP) OP(0, Z0); OP(1, Z1); OP(2, Z2); OP(3, Z3)
#define laneLoad(i, a) VMOVUPS ((i)*64)(DI), a
#define laneStore(i, a) VMOVUPS a, ((i)*64)(DI)
#define stepDot(i, a) VMOVUPS ((i)*64)(SI)(CX*1), T; VFMADD231PS ((i)*64)(DX)(CX*1), T, a
#define stepSum(i, a) VCVTPS2PD ((i)*32)(SI)(CX*1), T; VADDPD T, a, a
#define stepSq(i, a) VCVTPS2PD ((i)*32)(SI)(CX*1), T; VFMADD231PD T, T, a

// For Box–Muller.
#define vI2F(a, d) VCVTDQ2PS a, d
#define vSAR(n, a, d) VPSRAD $n, a, d
