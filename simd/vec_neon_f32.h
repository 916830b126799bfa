// The words of elem.h in Advanced SIMD for float32. A constant stands 4 times in the table.
//
// Registers are plain numbers, since most of these instructions are WORDs: the assembler of Go lacks
// them. Beside each stands its name, registers in ARM's order.

#define BYTES 16
#define LOGSIZE 2
#define MANT 23
#define TOP 31

#define A0 0
#define A1 1
#define A2 2
#define A3 3
#define A4 4
#define A5 5
#define A6 6
#define A7 7
#define A8 16
#define A9 17
#define M0 30
#define T 31 // scratch

#define vOP3(op, n, m, d) WORD $((op) | (m)<<16 | (n)<<5 | (d))
#define vOP2(op, n, d) WORD $((op) | (n)<<5 | (d))

#define vLOAD(p, d) WORD $(0x3CE06800 | 4<<16 | (p)<<5 | (d)) // ldr q, [p, x4]
#define vSTORE(a, p) WORD $(0x3CA06800 | 4<<16 | (p)<<5 | (a)) // str q, [p, x4]
#define vSTORE0(a) WORD $(0x3D800000 | PD<<5 | (a)) // str q, [x0]
#define vCONST(i, d) WORD $(0x3DC00000 | (i)<<10 | 5<<5 | (d)) // ldr q, [x5, 16·i]
#define vMOVE(a, d) vOP3(0x4EA01C00, a, a, d) // mov
#define vADD(a, b, d) vOP3(0x4E20D400, a, b, d) // fadd
#define vSUB(a, b, d) vOP3(0x4EA0D400, a, b, d) // fsub
#define vMUL(a, b, d) vOP3(0x6E20DC00, a, b, d) // fmul
#define vDIV(a, b, d) vOP3(0x6E20FC00, a, b, d) // fdiv
#define vADDK(i, a, d) vCONST(i, T); vADD(a, T, d)
#define vSUBK(i, a, d) vCONST(i, T); vSUB(a, T, d)
#define vMULK(i, a, d) vCONST(i, T); vMUL(a, T, d)
#define vKSUB(i, a, d) vCONST(i, T); vSUB(T, a, d)
#define vKDIV(i, a, d) vCONST(i, T); vDIV(T, a, d)
#define vFMA(a, b, d) vOP3(0x4E20CC00, a, b, d) // fmla
#define vFNMA(a, b, d) vOP3(0x4EA0CC00, a, b, d) // fmls
#define vFMS(a, b, d) vOP2(0x6EA0F800, d, d); vFMA(a, b, d) // fneg
#define vFMAK(i, a, d) vCONST(i, T); vFMA(a, T, d)
#define vFNMAK(i, a, d) vCONST(i, T); vFNMA(a, T, d)
#define vHORNER(i, z, p) vCONST(i, T); vFMA(p, z, T); vMOVE(T, p)
#define vSQRT(a, d) vOP2(0x6EA1F800, a, d) // fsqrt

// fmax and fmin return NaN if either is NaN.
#define vMAXK(i, a, d) vCONST(i, T); vOP3(0x4E20F400, a, T, d) // fmax
#define vMINK(i, a, d) vCONST(i, T); vOP3(0x4EA0F400, a, T, d) // fmin

#define vAND(a, b, d) vOP3(0x4E201C00, a, b, d) // and
#define vOR(a, b, d) vOP3(0x4EA01C00, a, b, d) // orr
#define vXOR(a, b, d) vOP3(0x6E201C00, a, b, d) // eor
#define vANDK(i, a, d) vCONST(i, T); vAND(a, T, d)
#define vORK(i, a, d) vCONST(i, T); vOR(a, T, d)
#define vPOSITIVE(a, d) vCONST(const_kZero, T); vOP3(0x4E20F400, a, T, d) // fmax: +0 if both are zeros
#define vLIKE(a, x) vCONST(const_kSignBit, T); vOP3(0x6EE01C00, a, T, x) // bif: the bits of a but the sign
#define vIADD(a, b, d) vOP3(0x4EA08400, a, b, d) // add
#define vISUB(a, b, d) vOP3(0x6EA08400, a, b, d) // sub
#define vIADDK(i, a, d) vCONST(i, T); vIADD(a, T, d)
#define vIMAX(a, b, d) vOP3(0x4EA06400, a, b, d) // smax, 32 bits
#define vSHL(k, a, d) WORD $(0x4F005400 | (TOP+1+(k))<<16 | (a)<<5 | (d)) // shl
#define vSHR(k, a, d) WORD $(0x6F000400 | (2*TOP+2-(k))<<16 | (a)<<5 | (d)) // ushr

// A mask is a vector of all or no bits. bit inserts the bits of its first source where the mask is set.
#define vGTK(i, a, m) vCONST(i, T); vOP3(0x6EA0E400, a, T, m) // fcmgt
#define vLTK(i, a, m) vCONST(i, T); vOP3(0x6EA0E400, T, a, m) // fcmgt
#define vLEK(i, a, m) vCONST(i, T); vOP3(0x6E20E400, T, a, m) // fcmge
#define vSIGN(a, m) WORD $(0x4F000400 | (TOP+2)<<16 | (a)<<5 | (m)) // sshr, all but one place
#define vSEL(m, a, b, d) vMOVE(b, T); vOP3(0x6EA01C00, a, m, T); vMOVE(T, d) // bit
#define vSELK(m, i, b, d) vCONST(i, T); vOP3(0x6EE01C00, b, m, T); vMOVE(T, d) // bif

// 2ⁿ in two factors: s = 2^⌊n/2⌋, u = the rest.
#define vSCALING(t, s, u) \
	vSHR(1, t, s); \
	vISUB(t, s, u); \
	vSHL(MANT, s, s); \
	vSHL(MANT, u, u); \
	vCONST(const_kOneBits, T); \
	vIADD(s, T, s); \
	vIADD(u, T, u)
#define vSCALE(y, n, s, u) vMUL(y, s, y); vMUL(y, u, y)

// For the loops of several registers: loop_arm64.h, reduce.h.
#define U 29 // scratch
#define vNEXT(p, d) WORD $(0x3CC10400 | (p)<<5 | (d)) // ldr q, [p], 16

// vWIDEN sets U to two elements of x in float64: the first two of a vector for even i, the last two for odd. It is
// ldr and fcvtl, or a second ldr and fcvtl2, with x moving on by 8 bytes each time.
#define vWIDEN(i) WORD $(0xFC408400 | 1<<5 | T); vOP2(0x0E617800, T, U) // ldr d, [x1], 8; fcvtl

// EACH applies an operation to the registers that hold 32 lanes of float32, EACH64 to those of 32 float64.
#define EACH(OP) OP(0, 0); OP(1, 1); OP(2, 2); OP(3, 3); OP(4, 4); OP(5, 5); OP(6, 6); OP(7, 7)
#define EACH64(OP) OP(0, 0); OP(1, 1); OP(2, 2); OP(3, 3); OP(4, 4); OP(5, 5); OP(6, 6); OP(7, 7); OP(8, 8); OP(9, 9); OP(10, 10); OP(11, 11); OP(12, 12); OP(13, 13); OP(14, 14); OP(15, 15)
#define laneLoad(i, a) vNEXT(0, a)
#define laneStore(i, a) WORD $(0x3C810400 | 0<<5 | (a)) // str q, [x0], 16
#define stepDot(i, a) vNEXT(1, T); vNEXT(2, U); vFMA(T, U, a)
#define stepSum(i, a) vWIDEN(i); vOP3(0x4E60D400, a, U, a) // fadd
#define stepSq(i, a) vWIDEN(i); vOP3(0x4E60CC00, U, U, a) // fmla

// For Box–Muller.
#define vI2F(a, d) vOP2(0x4E21D800, a, d) // scvtf
#define vSAR(k, a, d) WORD $(0x4F000400 | (64-(k))<<16 | (a)<<5 | (d)) // sshr
