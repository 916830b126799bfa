// The elementwise kernels, once for all tiers and both types.
//
// What stands here is functions.go in another language: the same operations in the same order on the same
// constants, so that every tier gives the same bits. The words of the language, vADD and so on, are
// defined for a tier and a type by one of vec_*.h:
//
//	vADD(a, b, d)    d = a + b            vADDK(i, a, d)   d = a + k[i]
//	vSUB(a, b, d)    d = a - b            vSUBK(i, a, d)   d = a - k[i]      vKSUB(i, a, d)  d = k[i] - a
//	vMUL(a, b, d)    d = a · b            vMULK(i, a, d)   d = a · k[i]
//	vDIV(a, b, d)    d = a / b                                               vKDIV(i, a, d)  d = k[i] / a
//	vFMA(a, b, d)    d = d + a·b          vFMAK(i, a, d)   d = d + a·k[i]
//	vFNMA(a, b, d)   d = d - a·b          vFNMAK(i, a, d)  d = d - a·k[i]
//	vFMS(a, b, d)    d = a·b - d          vHORNER(i, z, p) p = p·z + k[i]
//	vSQRT(a, d)      d = √a               vCONST(i, d)     d = k[i]          vMOVE(a, d)     d = a
//	vMAXK(i, a, d)   d = a < k[i] ? k[i] : a, NaN for NaN;  vMINK the other way round
//	vPOSITIVE(a, d)  d = max(a, +0), for NaN anything       vLIKE(a, x)      x = |a| with the sign of x
//	vANDK vORK(i, a, d)  vXOR(a, b, d)                      on bits
//	vIADDK(i, a, d)  vIMAX(a, b, d)  vSHL vSHR(n, a, d)     on integers
//	vGTK vLTK vLEK(i, a, m)  m = a > k[i], a < k[i], a ≤ k[i]  vSIGN(a, m)  m = sign bit of a
//	vSEL(m, a, b, d)     d = m ? a : b                      vSELK(m, i, b, d)  d = m ? k[i] : b
//	vSCALING(t, s, u)    prepares s, u for                  vSCALE(y, n, s, u)  y = y·2ⁿ, n in t as an integer
//	vI2F(a, d)  d = a, an integer of 32 bits             vSAR(n, a, d)  a shift that keeps the sign
//	vLOAD(p, d)  vSTORE(a, p)                               at p = PD, PX, PY, PZ, PW: dst, x, y, z, w
//
// A0 … A9 are vectors, M0 is a mask. A kernel leaves its result in A0. POLY… are in poly_*.h.

// MAP is the loop round a body: one vector at a time.
#define MAP(BODY) \
loop: \
	vLOAD(PX, A0); \
	BODY; \
	vSTORE(A0, PD); \
	NEXT

// reduce: x = n·ln 2 + r; r replaces x, t holds n in its low bits, n as a number.
#define REDUCE(x, t, n) \
	vCONST(const_kMagic, t); \
	vFMAK(const_kLog2e, x, t); \
	vSUBK(const_kMagic, t, n); \
	vFNMAK(const_kLn2Hi, n, x); \
	vFNMAK(const_kLn2Lo, n, x)

// expm1Reduced: r = eʳ - 1, with p, w as scratch.
#define EXPM1(r, p, w) \
	POLYEXP(r, p); \
	vMUL(r, r, w); \
	vFMA(w, p, r)

// pow2: t = 2ⁿ for the n in t.
#define POW2(t) \
	vSHL(MANT, t, t); \
	vIADDK(const_kOneBits, t, t)

// expNegative: y·2ⁿ = e^-|x|. x stays.
#define EXPNEG(x, y, t, n, p, w) \
	vORK(const_kSignBit, x, y); \
	vMAXK(const_kExpLo, y, y); \
	REDUCE(y, t, n); \
	EXPM1(y, p, w); \
	vADDK(const_kOne, y, y)

// expSquare: (1+r)·2ⁿ = exp(-s·a), with p, w as scratch. a stays; s may be a.
#define EXPSQUARE(s, a, r, t, n, p, w) \
	vMULK(const_kLog2e, s, n); \
	vCONST(const_kMagic, t); \
	vFNMA(n, a, t); \
	vSUBK(const_kMagic, t, n); \
	vMULK(const_kMinusLn2A, n, r); \
	vFNMA(s, a, r); \
	vFNMAK(const_kLn2B, n, r); \
	EXPM1(r, p, w)

// tail: q = Φ(-a)·exp(a²/2), with p as scratch.
#define TAIL(a, q, p) \
	POLYTAILP(a, q); \
	POLYTAILQ(a, p); \
	vDIV(q, p, q)

#define doExp \
	vMAXK(const_kExpLo, A0, A0); \
	vMINK(const_kExpHi, A0, A0); \
	REDUCE(A0, A1, A2); \
	EXPM1(A0, A3, A4); \
	vADDK(const_kOne, A0, A0); \
	vSCALING(A1, A3, A4); \
	vSCALE(A0, A2, A3, A4)

// expm1Negative: d = eˣ - 1. x is used up.
#define EXPM1NEG(x, d, t, p) \
	vMAXK(const_kEm1Lo, x, x); \
	REDUCE(x, t, d); \
	POW2(t); \
	EXPM1(x, p, d); \
	vSUBK(const_kOne, t, d); \
	vFMA(t, x, d)

#define doTanh \
	vANDK(const_kAbsBits, A0, A1); \
	vMULK(const_kMinus2, A1, A1); \
	EXPM1NEG(A1, A2, A3, A4); \
	vADDK(const_kTwo, A2, A3); \
	vDIV(A2, A3, A3); \
	vLIKE(A3, A0)

#define doSigmoid \
	EXPNEG(A0, A1, A2, A3, A4, A5); \
	vSCALING(A2, A4, A5); \
	vSCALE(A1, A3, A4, A5); \
	vSIGN(A0, M0); \
	vADDK(const_kOne, A1, A2); \
	vCONST(const_kOne, A3); \
	vSEL(M0, A1, A3, A3); \
	vDIV(A3, A2, A0)

// endless: c stays for a finite x, NaN for another.
#define ENDLESS(x, c) vFMAK(const_kZero, x, c)

// gate: A0 = A0·σ(a).
#define GATE(a, lo) \
	EXPNEG(a, A1, A2, A3, A4, A5); \
	vSCALING(A2, A4, A5); \
	vMAXK(lo, A0, A6); \
	ENDLESS(A0, A6); \
	vMUL(A1, A6, A6); \
	vSCALE(A6, A3, A4, A5); \
	vSCALE(A1, A3, A4, A5); \
	vSIGN(A0, M0); \
	vSEL(M0, A6, A0, A0); \
	vADDK(const_kOne, A1, A1); \
	vDIV(A0, A1, A0)

#define doSiLU GATE(A0, const_kExpLo)

#define doGELUTanh \
	vMUL(A0, A0, A6); \
	vCONST(const_kGeluT0, A7); \
	vFMAK(const_kGeluT1, A6, A7); \
	vMUL(A0, A7, A7); \
	GATE(A7, const_kGeluLo)

// sigmoids: s = σ(a), c = 1 - σ(a).
#define SIGMOIDS(a, s, c) \
	EXPNEG(a, A1, A2, A3, A4, A5); \
	vSCALING(A2, A4, A5); \
	vSCALE(A1, A3, A4, A5); \
	vADDK(const_kOne, A1, A2); \
	vKDIV(const_kOne, A2, A2); \
	vMUL(A1, A2, A1); \
	vSIGN(a, M0); \
	vSEL(M0, A1, A2, s); \
	vSEL(M0, A2, A1, c)

#define doSiLUGrad \
	vMAXK(const_kExpLo, A0, A1); \
	vMINK(const_kGateHi, A1, A1); \
	ENDLESS(A0, A1); \
	vMOVE(A1, A0); \
	SIGMOIDS(A0, A3, A4); \
	vCONST(const_kOne, A5); \
	vFMA(A0, A4, A5); \
	vMUL(A3, A5, A5); \
	vLOAD(PY, A1); \
	vMUL(A1, A5, A0)

// To PZ, h, goes its second result.
#define doSiLUGradGrad \
	vMAXK(const_kExpLo, A0, A1); \
	vMINK(const_kGateHi, A1, A1); \
	ENDLESS(A0, A1); \
	vMOVE(A1, A0); \
	SIGMOIDS(A0, A3, A4); \
	vMUL(A3, A4, A6); \
	vSUB(A4, A3, A7); \
	vCONST(const_kTwo, A8); \
	vFMA(A0, A7, A8); \
	vMUL(A6, A8, A6); \
	vCONST(const_kOne, A5); \
	vFMA(A0, A4, A5); \
	vMUL(A3, A5, A5); \
	vLOAD(PZ, A1); \
	vLOAD(PY, A2); \
	vMUL(A1, A5, A5); \
	vSTORE(A5, PZ); \
	vMUL(A1, A2, A2); \
	vMUL(A2, A6, A0)

// To PY and PZ, p and q, go the first and the second derivative.
#define doSiLUSlopes \
	vMAXK(const_kExpLo, A0, A7); \
	vMINK(const_kGateHi, A7, A8); \
	EXPNEG(A8, A1, A2, A3, A4, A5); \
	vSCALING(A2, A4, A5); \
	ENDLESS(A0, A7); \
	vMUL(A1, A7, A7); \
	vSCALE(A7, A3, A4, A5); \
	vSCALE(A1, A3, A4, A5); \
	vADDK(const_kOne, A1, A2); \
	ENDLESS(A0, A8); \
	vSIGN(A0, M0); \
	vSEL(M0, A7, A0, A0); \
	vDIV(A0, A2, A0); \
	vKDIV(const_kOne, A2, A2); \
	vMUL(A1, A2, A1); \
	vSEL(M0, A1, A2, A3); \
	vSEL(M0, A2, A1, A4); \
	vMUL(A3, A4, A6); \
	vSUB(A4, A3, A7); \
	vCONST(const_kTwo, A5); \
	vFMA(A8, A7, A5); \
	vMUL(A6, A5, A5); \
	vSTORE(A5, PZ); \
	vCONST(const_kOne, A5); \
	vFMA(A8, A4, A5); \
	vMUL(A3, A5, A5); \
	vSTORE(A5, PY)

// x, y, z, w are q, g, h, p. To PZ goes the second result.
#define doMulGradGrad \
	vLOAD(PZ, A1); \
	vLOAD(PW, A2); \
	vLOAD(PY, A3); \
	vMUL(A1, A2, A2); \
	vSTORE(A2, PZ); \
	vMUL(A1, A3, A3); \
	vMUL(A3, A0, A0)

#define doGELUTanhGrad \
	vMAXK(const_kGeluLo, A0, A1); \
	vMINK(const_kGeluHi, A1, A1); \
	ENDLESS(A0, A1); \
	vMOVE(A1, A0); \
	vMUL(A0, A0, A8); \
	vCONST(const_kGeluT0, A6); \
	vFMAK(const_kGeluT1, A8, A6); \
	vMUL(A0, A6, A6); \
	SIGMOIDS(A6, A3, A4); \
	vCONST(const_kGeluT0, A7); \
	vFMAK(const_kGeluT3, A8, A7); \
	vMUL(A0, A7, A7); \
	vCONST(const_kOne, A5); \
	vFMA(A7, A4, A5); \
	vMUL(A3, A5, A5); \
	vLOAD(PY, A1); \
	vMUL(A1, A5, A0)

// GAUSSTAIL: A1 = |x|, A8 = Φ(-|x|)·exp(x²/2), (1+A3)·2ⁿ = exp(-x²/2), n in A5 and A6.
#define GAUSSTAIL \
	vANDK(const_kAbsBits, A0, A1); \
	vMINK(const_kGeluHi, A1, A1); \
	vMULK(const_kHalf, A1, A2); \
	EXPSQUARE(A2, A1, A3, A5, A6, A4, A7); \
	TAIL(A1, A8, A7)

#define doGELU \
	GAUSSTAIL; \
	vMINK(const_kZero, A0, A2); \
	ENDLESS(A2, A1); \
	vMUL(A8, A1, A8); \
	vMOVE(A8, A7); \
	vFMA(A8, A3, A7); \
	vSCALING(A5, A3, A4); \
	vSCALE(A7, A6, A3, A4); \
	vPOSITIVE(A0, A0); \
	vSUB(A0, A7, A0)

#define doGELUGrad \
	GAUSSTAIL; \
	ENDLESS(A0, A1); \
	vFNMAK(const_kGauss, A1, A8); \
	vMOVE(A8, A7); \
	vFMA(A8, A3, A7); \
	vSCALING(A5, A3, A4); \
	vSCALE(A7, A6, A3, A4); \
	vKSUB(const_kOne, A7, A2); \
	vSIGN(A0, M0); \
	vSEL(M0, A7, A2, A0); \
	vLOAD(PY, A1); \
	vMUL(A1, A0, A0)

#define doErf \
	vANDK(const_kAbsBits, A0, A1); \
	vMINK(const_kErfHi, A1, A1); \
	EXPSQUARE(A1, A1, A3, A5, A6, A4, A7); \
	vMULK(const_kSqrt2, A1, A2); \
	TAIL(A2, A8, A7); \
	vMOVE(A8, A7); \
	vFMA(A8, A3, A7); \
	POW2(A5); \
	vMUL(A7, A5, A7); \
	vCONST(const_kOne, A4); \
	vFMAK(const_kMinus2, A7, A4); \
	vMUL(A1, A1, A2); \
	POLYERF(A2, A3); \
	vMOVE(A1, A2); \
	vFMA(A1, A3, A2); \
	vLTK(const_kOne, A1, M0); \
	vSEL(M0, A2, A4, A4); \
	vLIKE(A4, A0)

#define doSELU \
	vMOVE(A0, A1); \
	EXPM1NEG(A1, A2, A3, A4); \
	vMULK(const_kSeluNeg, A2, A2); \
	vMULK(const_kSelu, A0, A4); \
	vGTK(const_kZero, A0, M0); \
	vSEL(M0, A4, A2, A0)

#define doELU \
	vMOVE(A0, A1); \
	EXPM1NEG(A1, A2, A3, A4); \
	vGTK(const_kZero, A0, M0); \
	vSEL(M0, A0, A2, A0)

#define doSELUGrad \
	EXPNEG(A0, A1, A2, A3, A4, A5); \
	vSCALING(A2, A4, A5); \
	vSCALE(A1, A3, A4, A5); \
	vMULK(const_kSeluNeg, A1, A1); \
	vCONST(const_kSelu, A2); \
	vLEK(const_kZero, A0, M0); \
	vSEL(M0, A1, A2, A1); \
	vLOAD(PY, A2); \
	vMUL(A2, A1, A0)

#define doSELUGradGrad \
	EXPNEG(A0, A1, A2, A3, A4, A5); \
	vSCALING(A2, A4, A5); \
	vSCALE(A1, A3, A4, A5); \
	vMULK(const_kSeluNeg, A1, A1); \
	vCONST(const_kZero, A2); \
	vLTK(const_kZero, A0, M0); \
	vSEL(M0, A1, A2, A6); \
	vCONST(const_kSelu, A2); \
	vLEK(const_kZero, A0, M0); \
	vSEL(M0, A1, A2, A5); \
	vLOAD(PZ, A1); \
	vLOAD(PY, A2); \
	vMUL(A1, A5, A5); \
	vSTORE(A5, PZ); \
	vMUL(A1, A2, A2); \
	vMUL(A2, A6, A0)

#define doELUGrad \
	EXPNEG(A0, A1, A2, A3, A4, A5); \
	vSCALING(A2, A4, A5); \
	vSCALE(A1, A3, A4, A5); \
	vCONST(const_kOne, A2); \
	vLEK(const_kZero, A0, M0); \
	vSEL(M0, A1, A2, A1); \
	vLOAD(PY, A2); \
	vMUL(A2, A1, A0)

// log1p: z = log(1+z) + c. c is used up.
#define LOG1P(z, c, POLY, s, w, h, v, p) \
	vADDK(const_kTwo, z, s); \
	vDIV(z, s, s); \
	vMUL(s, s, w); \
	vMULK(const_kHalf, z, h); \
	vMUL(h, z, h); \
	POLY(w, p); \
	vMOVE(h, v); \
	vFMA(w, p, v); \
	vFMA(s, v, c); \
	vSUB(c, h, c); \
	vADD(z, c, z)

#define doSoftplus \
	EXPNEG(A0, A1, A2, A3, A4, A5); \
	vSCALING(A2, A4, A5); \
	vSCALE(A1, A3, A4, A5); \
	vCONST(const_kZero, A2); \
	LOG1P(A1, A2, POLYL1P, A3, A4, A5, A6, A7); \
	vPOSITIVE(A0, A0); \
	vADD(A0, A1, A0)

// log: A1 = log A1 - A2·ln 2, for a normal number A1.
#define LOGNORMAL \
	vIADDK(const_kExpBits, A1, A1); \
	vSHR(MANT, A1, A3); \
	vIADDK(const_kIntBits, A3, A3); \
	vSUBK(const_kIntBias, A3, A3); \
	vSUB(A3, A2, A3); \
	vANDK(const_kFracBits, A1, A1); \
	vIADDK(const_kHalfBits, A1, A1); \
	vSUBK(const_kOne, A1, A1); \
	vMULK(const_kLn2Lo, A3, A2); \
	LOG1P(A1, A2, POLYLOG, A4, A5, A6, A7, A8); \
	vFMAK(const_kLn2Hi, A3, A1)

#define doLog \
	vMULK(const_kLift, A0, A1); \
	vLTK(const_kTiny, A0, M0); \
	vSEL(M0, A1, A0, A1); \
	vCONST(const_kZero, A2); \
	vSELK(M0, const_kLiftLog, A2, A2); \
	LOGNORMAL; \
	vADDK(const_kNegInf, A0, A2); \
	vLTK(const_kZero, A0, M0); \
	vSELK(M0, const_kNaN, A2, A2); \
	vGTK(const_kZero, A0, M0); \
	vSEL(M0, A1, A2, A1); \
	vGTK(const_kHuge, A0, M0); \
	vSEL(M0, A0, A1, A0)

// quadrant: A0 = r, A1 = q in its low bits.
#define QUADRANT \
	vCONST(const_kMagic, A1); \
	vFMAK(const_kTwoOverPi, A0, A1); \
	vSUBK(const_kMagic, A1, A2); \
	vFNMAK(const_kPio2A, A2, A0); \
	vFNMAK(const_kPio2B, A2, A0); \
	vFNMAK(const_kPio2C, A2, A0)

// waves: A0 = sin A0, A6 = cos A0.
#define WAVES \
	vMUL(A0, A0, A2); \
	POLYSIN(A2, A3); \
	vMUL(A0, A2, A4); \
	vFMA(A4, A3, A0); \
	POLYCOS(A2, A3); \
	vMUL(A2, A2, A4); \
	vCONST(const_kOne, A6); \
	vFNMAK(const_kHalf, A2, A6); \
	vFMA(A4, A3, A6)

// turn: d = the sine q quarters of a turn further on, q in the low bits of A1.
#define TURN(d) \
	vSHL(TOP, A1, A2); \
	vSIGN(A2, M0); \
	vSEL(M0, A6, A0, d); \
	vSHL((TOP-1), A1, A2); \
	vANDK(const_kSignBit, A2, A2); \
	vXOR(d, A2, d)

#define doSin \
	QUADRANT; \
	WAVES; \
	TURN(A0)

#define doCos \
	QUADRANT; \
	WAVES; \
	vIADDK(const_kUnitBits, A1, A1); \
	TURN(A0)

#define doTanhGrad \
	vCONST(const_kOne, A1); \
	vFNMA(A0, A0, A1); \
	vLOAD(PY, A2); \
	vMUL(A2, A1, A0)

#define doTanhGradGrad \
	vLOAD(PZ, A1); \
	vLOAD(PY, A2); \
	vCONST(const_kOne, A3); \
	vFNMA(A0, A0, A3); \
	vMUL(A1, A3, A3); \
	vSTORE(A3, PZ); \
	vMUL(A1, A2, A2); \
	vMUL(A2, A0, A2); \
	vMULK(const_kMinus2, A2, A0)

#define doSigmoidGrad \
	vKSUB(const_kOne, A0, A1); \
	vMUL(A0, A1, A1); \
	vLOAD(PY, A2); \
	vMUL(A2, A1, A0)

// The arithmetic. A scalar argument is k[0].
#define doAdd \
	vLOAD(PY, A1); \
	vADD(A0, A1, A0)

#define doSub \
	vLOAD(PY, A1); \
	vSUB(A0, A1, A0)

#define doMul \
	vLOAD(PY, A1); \
	vMUL(A0, A1, A0)

#define doDiv \
	vLOAD(PY, A1); \
	vDIV(A0, A1, A0)

#define doMulAdd \
	vLOAD(PY, A1); \
	vLOAD(PZ, A2); \
	vFMA(A0, A1, A2); \
	vMOVE(A2, A0)

#define doMulPlus \
	vLOAD(PY, A1); \
	vLOAD(PZ, A2); \
	vMUL(A0, A1, A0); \
	vADD(A0, A2, A0)

#define doAxpy \
	vLOAD(PY, A1); \
	vFMAK(0, A0, A1); \
	vMOVE(A1, A0)

#define doScale vMULK(0, A0, A0)
#define doShift vADDK(0, A0, A0)
#define doSqrt vSQRT(A0, A0)

// Adam: PD, PX, PY, PZ are w, m, v, g; k is 1-β₁, 1-β₂, Step, Eps, Decay.
#define ADAM \
loop: \
	vLOAD(PZ, A0); \
	vLOAD(PX, A1); \
	vLOAD(PY, A2); \
	vLOAD(PD, A3); \
	vSUB(A0, A1, A4); \
	vFMAK(0, A4, A1); \
	vSTORE(A1, PX); \
	vMOVE(A2, A4); \
	vFMS(A0, A0, A4); \
	vFMAK(1, A4, A2); \
	vSTORE(A2, PY); \
	vMOVE(A3, A4); \
	vFNMAK(4, A3, A4); \
	vSQRT(A2, A5); \
	vADDK(3, A5, A5); \
	vDIV(A1, A5, A5); \
	vFNMAK(2, A5, A4); \
	vSTORE(A4, PD); \
	NEXT

// MAXBITS: the largest of |x| in its upper 32 bits, as integers, lane by lane, into dst[0 … 1 vector).
// dst does not move, so it is P0 and not PD.
#define MAXBITS \
	vCONST(const_kZero, A1); \
loop: \
	vLOAD(PX, A0); \
	vANDK(const_kWordBits, A0, A0); \
	vIMAX(A0, A1, A1); \
	STEP; \
	vSTORE0(A1); \
	DONE

// Box–Muller: with u in A1 and θ yet to come, A9 = √(-2·log u); then the two normal numbers to dst.
#define RADIUS \
	vCONST(const_kZero, A2); \
	LOGNORMAL; \
	vMULK(const_kMinus2, A1, A1); \
	vSQRT(A1, A9)

#define ANGLE \
	QUADRANT; \
	WAVES; \
	TURN(A3); \
	vIADDK(const_kUnitBits, A1, A1); \
	TURN(A4); \
	vMUL(A3, A9, A3); \
	vMUL(A4, A9, A4); \
	vSTORE(A4, PD); \
	vSTORE(A3, PZ)

#define BOXMULLER32 \
loop: \
	vLOAD(PX, A1); \
	vSHR(1, A1, A1); \
	vI2F(A1, A1); \
	vMULK(const_kUnit31, A1, A1); \
	vADDK(const_kUnit32, A1, A1); \
	RADIUS; \
	vLOAD(PY, A0); \
	vSAR(8, A0, A0); \
	vI2F(A0, A0); \
	vMULK(const_kTurn, A0, A0); \
	ANGLE; \
	NEXTBOX32

#define BOXMULLER64 \
loop: \
	vUNIT(0, A1); \
	vKSUB(const_kTwo, A1, A1); \
	RADIUS; \
	vUNIT(128, A0); \
	vSUBK(const_kThreeHalves, A0, A0); \
	vMULK(const_kTurn, A0, A0); \
	ANGLE; \
	NEXTBOX64
