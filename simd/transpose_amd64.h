// TRANSPOSE8 loads 4 columns of 8 rows of float32, x bytes from p and, four rows below, from q, and leaves them as the
// 4 rows of 8 in Y0 … Y3. s is the distance of the rows in bytes, s3 three times that; Y4 … Y7 are used up.
//
//	Y0 = a0 a1 a2 a3 | e0 e1 e2 e3      Y4 = a0 b0 a1 b1 | e0 f0 e1 f1      a0 b0 c0 d0 | e0 f0 g0 h0
//	Y1 = b0 b1 b2 b3 | f0 f1 f2 f3  →   Y5 = a2 b2 a3 b3 | e2 f2 e3 f3  →   a1 b1 c1 d1 | e1 f1 g1 h1
//	Y2 = c0 c1 c2 c3 | g0 g1 g2 g3      Y6 = c0 d0 c1 d1 | g0 h0 g1 h1      a2 b2 c2 d2 | e2 f2 g2 h2
//	Y3 = d0 d1 d2 d3 | h0 h1 h2 h3      Y7 = c2 d2 c3 d3 | g2 h2 g3 h3      a3 b3 c3 d3 | e3 f3 g3 h3
#define TRANSPOSE8(x, p, q, s, s3) \
	VMOVUPS     x(p), X0 \
	VMOVUPS     x(p)(s*1), X1 \
	VMOVUPS     x(p)(s*2), X2 \
	VMOVUPS     x(p)(s3*1), X3 \
	VINSERTF128 $1, x(q), Y0, Y0 \
	VINSERTF128 $1, x(q)(s*1), Y1, Y1 \
	VINSERTF128 $1, x(q)(s*2), Y2, Y2 \
	VINSERTF128 $1, x(q)(s3*1), Y3, Y3 \
	VUNPCKLPS   Y1, Y0, Y4 \
	VUNPCKHPS   Y1, Y0, Y5 \
	VUNPCKLPS   Y3, Y2, Y6 \
	VUNPCKHPS   Y3, Y2, Y7 \
	VUNPCKLPD   Y6, Y4, Y0 \
	VUNPCKHPD   Y6, Y4, Y1 \
	VUNPCKLPD   Y7, Y5, Y2 \
	VUNPCKHPD   Y7, Y5, Y3
