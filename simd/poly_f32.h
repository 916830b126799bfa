// The polynomials of functions.go with the lengths of lengths32. p = k[i] + z·(k[i+1] + …).

#define POLYEXP(z, p) \
	vCONST((const_kExp+5), p); \
	vHORNER((const_kExp+4), z, p); \
	vHORNER((const_kExp+3), z, p); \
	vHORNER((const_kExp+2), z, p); \
	vHORNER((const_kExp+1), z, p); \
	vHORNER(const_kExp, z, p)

#define POLYLOG(z, p) \
	vCONST((const_kLog+3), p); \
	vHORNER((const_kLog+2), z, p); \
	vHORNER((const_kLog+1), z, p); \
	vHORNER(const_kLog, z, p)

#define POLYL1P(z, p) \
	vCONST((const_kL1p+5), p); \
	vHORNER((const_kL1p+4), z, p); \
	vHORNER((const_kL1p+3), z, p); \
	vHORNER((const_kL1p+2), z, p); \
	vHORNER((const_kL1p+1), z, p); \
	vHORNER(const_kL1p, z, p)

#define POLYSIN(z, p) \
	vCONST((const_kSin+2), p); \
	vHORNER((const_kSin+1), z, p); \
	vHORNER(const_kSin, z, p)

#define POLYCOS(z, p) \
	vCONST((const_kCos+2), p); \
	vHORNER((const_kCos+1), z, p); \
	vHORNER(const_kCos, z, p)

#define POLYERF(z, p) \
	vCONST((const_kErf+6), p); \
	vHORNER((const_kErf+5), z, p); \
	vHORNER((const_kErf+4), z, p); \
	vHORNER((const_kErf+3), z, p); \
	vHORNER((const_kErf+2), z, p); \
	vHORNER((const_kErf+1), z, p); \
	vHORNER(const_kErf, z, p)

#define POLYTAILP(z, p) \
	vCONST((const_kTailP+4), p); \
	vHORNER((const_kTailP+3), z, p); \
	vHORNER((const_kTailP+2), z, p); \
	vHORNER((const_kTailP+1), z, p); \
	vHORNER(const_kTailP, z, p)

#define POLYTAILQ(z, p) \
	vCONST((const_kTailQ+5), p); \
	vHORNER((const_kTailQ+4), z, p); \
	vHORNER((const_kTailQ+3), z, p); \
	vHORNER((const_kTailQ+2), z, p); \
	vHORNER((const_kTailQ+1), z, p); \
	vHORNER(const_kTailQ, z, p)
