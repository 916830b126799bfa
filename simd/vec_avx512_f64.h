// The words of elem.h in AVX-512 for float64. A constant stands once in the table and is broadcast as it is read.

#define BYTES 64
#define LOGSIZE 3
#define MANT 52
#define TOP 63
#define K(i) ((i)*8)(R9)

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

#define vLOAD(p, d) VMOVUPD p, d
#define vSTORE(a, p) VMOVUPD a, p
#define vSTORE0(a) VMOVUPD a, (DI)
#define vCONST(i, d) VBROADCASTSD K(i), d
#define vMOVE(a, d) VMOVAPD a, d
#define vADD(a, b, d) VADDPD b, a, d
#define vSUB(a, b, d) VSUBPD b, a, d
#define vMUL(a, b, d) VMULPD b, a, d
#define vDIV(a, b, d) VDIVPD b, a, d
#define vADDK(i, a, d) VADDPD.BCST K(i), a, d
#define vSUBK(i, a, d) VSUBPD.BCST K(i), a, d
#define vMULK(i, a, d) VMULPD.BCST K(i), a, d
#define vKSUB(i, a, d) VBROADCASTSD K(i), T; VSUBPD a, T, d
#define vKDIV(i, a, d) VBROADCASTSD K(i), T; VDIVPD a, T, d
#define vFMA(a, b, d) VFMADD231PD b, a, d
#define vFNMA(a, b, d) VFNMADD231PD b, a, d
#define vFMS(a, b, d) VFMSUB231PD b, a, d
#define vFMAK(i, a, d) VFMADD231PD.BCST K(i), a, d
#define vFNMAK(i, a, d) VFNMADD231PD.BCST K(i), a, d
#define vHORNER(i, z, p) VFMADD213PD.BCST K(i), z, p
#define vSQRT(a, d) VSQRTPD a, d

// VMAX and VMIN return the operand printed first if either is NaN: that is a.
#define vMAXK(i, a, d) VBROADCASTSD K(i), T; VMAXPD a, T, d
#define vMINK(i, a, d) VBROADCASTSD K(i), T; VMINPD a, T, d

#define vANDK(i, a, d) VANDPD.BCST K(i), a, d
#define vORK(i, a, d) VORPD.BCST K(i), a, d
#define vOR(a, b, d) VORPD b, a, d
#define vXOR(a, b, d) VXORPD b, a, d
#define vPOSITIVE(a, d) VMAXPD.BCST K(const_kZero), a, d // +0 if both are zeros
#define vLIKE(a, x) VPTERNLOGQ.BCST $0xE4, K(const_kSignBit), a, x // x = k ? x : a, bit by bit
#define vIADDK(i, a, d) VPADDQ.BCST K(i), a, d
#define vIMAX(a, b, d) VPMAXSD b, a, d
#define vSHL(n, a, d) VPSLLQ $n, a, d
#define vSHR(n, a, d) VPSRLQ $n, a, d

// A mask is a mask register.
#define vGTK(i, a, m) VCMPPD.BCST $0x1e, K(i), a, m
#define vLTK(i, a, m) VCMPPD.BCST $0x11, K(i), a, m
#define vLEK(i, a, m) VCMPPD.BCST $0x12, K(i), a, m
#define vSIGN(a, m) VPMOVQ2M a, m
#define vSEL(m, a, b, d) VBLENDMPD a, b, m, d
#define vSELK(m, i, b, d) VBLENDMPD.BCST K(i), b, m, d

// VSCALEF rounds once, as the two factors of the other tiers do.
#define vSCALING(t, s, u)
#define vSCALE(y, n, s, u) VSCALEFPD n, y, y

// For the loops of several registers: loop_amd64.h, reduce.h.
#define CBYTES 8 // of a constant
#define vZERO(d) VXORPS d, d, d
#define vFMAC(a, d) VFMADD231PD.BCST (R10), a, d
#define vADDM(p, d) VADDPD p, d, d

// EACH applies an operation to the registers that hold 32 lanes of float64, EACH64 to those of 32 float64.
#define EACH(OP) OP(0, Z0); OP(1, Z1); OP(2, Z2); OP(3, Z3)
#define EACH64(OP) OP(0, Z0); OP(1, Z1); OP(2, Z2); OP(3, Z3)
#define laneLoad(i, a) VMOVUPS ((i)*64)(DI), a
#define laneStore(i, a) VMOVUPS a, ((i)*64)(DI)
#define stepDot(i, a) VMOVUPD ((i)*64)(SI)(CX*1), T; VFMADD231PD ((i)*64)(DX)(CX*1), T, a
#define stepSum(i, a) VADDPD ((i)*64)(SI)(CX*1), a, a
#define stepSq(i, a) VMOVUPD ((i)*64)(SI)(CX*1), T; VFMADD231PD T, T, a

// For Box–Muller. vUNIT is 1 + the upper 52 bits of two words as a fraction: those at i and i + 64 bytes.
#define vUNIT(i, d) \
	VPMOVZXDQ (i+64)(SI)(R10*1), d; \
	VPSLLQ $20, d, d; \
	VPMOVZXDQ (i)(SI)(R10*1), T; \
	VPSRLQ $12, T, T; \
	vOR(d, T, d); \
	vORK(const_kOneBits, d, d)
