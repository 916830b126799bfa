package simd

// Float is an element type. There is no ~: the kernels are written for exactly these two.
type Float interface{ float32 | float64 }

// Level is an instruction-set tier, weakest first.
type Level uint8

// The tiers.
const (
	Generic Level = iota // plain Go: the reference and the fallback
	NEON                 // arm64 Advanced SIMD, present on every arm64
	AVX2                 // amd64 AVX2 with FMA3
	AVX512               // amd64 AVX-512 F, DQ, BW, VL
)

// Kernels is one tier's vector routines over contiguous slices, all single-threaded.
//
// Slices that a routine reads together have equal length or the call panics. dst may be
// exactly one of the inputs and must not overlap any in another way. No routine allocates.
// An element of an elementwise result depends on its own inputs only, not on its index or
// the length: tails are computed as full vectors are.
//
// Beside each field stands the loop it equals, for every i, with fma(a, b, c) = a·b + c rounded once.
// Bounds are in units in the last place of a float32, subnormal numbers included, and hold for every float32 from
// 2⁻¹² to 2⁸ and a dense sweep of the others (TestAccuracyOfAll, TestAccuracy32); float64 keeps the same bounds. A NaN
// gives NaN.
type Kernels[F Float] struct {
	Level Level

	Add func(dst, x, y []F) // dst[i] = x[i] + y[i]
	Sub func(dst, x, y []F) // dst[i] = x[i] - y[i]
	Mul func(dst, x, y []F) // dst[i] = x[i] · y[i]
	Div func(dst, x, y []F) // dst[i] = x[i] / y[i]

	Scale  func(dst []F, a F, x []F) // dst[i] = a · x[i]
	Shift  func(dst []F, a F, x []F) // dst[i] = x[i] + a
	Axpy   func(dst []F, a F, x []F) // dst[i] = fma(a, x[i], dst[i])
	MulAdd func(dst, x, y, z []F)    // dst[i] = fma(x[i], y[i], z[i])

	// Combine is a stage of a Runge–Kutta method, in which h may differ from element to element:
	//
	//	s := 0
	//	for j := range c {
	//		s = fma(c[j], k[j][i], s)
	//	}
	//	dst[i] = fma(h[i], s, y[i])
	Combine func(dst, y, h []F, c []F, k [][]F)

	// Dot is Σ x[i]·y[i] in 32 lanes: lane l takes i ≡ l mod 32 as one chain s = fma(x[i], y[i], s) from +0,
	// in which what is missing from the last 32 counts as +0. Then, for w = 16, 8, 4, 2, 1, lane l < w takes
	// lane l+w.
	Dot func(x, y []F) F
	// Sum is Σ x[i] and SumSq is Σ x[i]², in the lanes of Dot but in float64 whatever F is. SumSq of float64 is
	// a chain of fma(x[i], x[i], s).
	Sum, SumSq func(x []F) float64

	// AddRows adds the rows of x to dst, from the first to the last: the gradient of a bias.
	//
	//	for i := 0; i < len(x); i += len(dst) {
	//		for j := range dst {
	//			dst[j] += x[i+j]
	//		}
	//	}
	AddRows func(dst, x []F)
	// AddRow adds row to every row of x: dst[i] = x[i] + row[i mod len(row)]. row may not be dst.
	AddRow func(dst, x, row []F)

	Exp  func(dst, x []F) // eˣ within 1 ulp
	Log  func(dst, x []F) // ln x within 1 ulp; -Inf for 0, NaN below
	Sqrt func(dst, x []F) // √x, correctly rounded
	Tanh func(dst, x []F) // within 3 ulp
	Erf  func(dst, x []F) // within 1.5 ulp
	Sin  func(dst, x []F) // within 2 ulp, x of any size
	Cos  func(dst, x []F) // within 2 ulp, x of any size

	Sigmoid func(dst, x []F) // σ(x) = 1/(1+e⁻ˣ) within 2.5 ulp
	SiLU    func(dst, x []F) // x·σ(x) within 3.5 ulp; like both GELUs NaN for -Inf, as -Inf·0
	GELU    func(dst, x []F) // x·Φ(x), Φ the normal distribution function, within 6.5 ulp

	// GELUTanh is GELU's approximation x·σ(a(x)), a(x) = 2·√(2/π)·(x + 0.044715·x³), within 3 ulp for x ≥ -1.
	// Further left, where it tends to 0, the rounding of a(x) counts |a(x)| times.
	GELUTanh func(dst, x []F)

	SELU     func(dst, x []F) // λ·x for x > 0, λ·α·(eˣ-1) otherwise, within 2.5 ulp; see SELULambda
	ELU      func(dst, x []F) // x for x > 0, eˣ-1 otherwise, within 1.5 ulp
	Softplus func(dst, x []F) // ln(1+eˣ) within 2 ulp; its derivative is Sigmoid

	// The derivatives, times g. At an infinity those of SiLU and the GELUs are NaN, as a product of infinity and 0. At
	// NaN those of SELU and ELU are what they are for x > 0.
	TanhGrad     func(dst, y, g []F) // g·(1-y²), where y = tanh x
	SigmoidGrad  func(dst, y, g []F) // g·y·(1-y), where y = σ(x)
	SiLUGrad     func(dst, x, g []F) // g·σ(x)·(1 + x·(1-σ(x)))
	GELUGrad     func(dst, x, g []F) // g·(Φ(x) + x·φ(x)), φ the normal density
	GELUTanhGrad func(dst, x, g []F) // g·σ(a)·(1 + x·(1-σ(a))·a'), a = a(x) of GELUTanh
	SELUGrad     func(dst, x, g []F) // g·λ·α·eˣ for x ≤ 0, g·λ otherwise
	ELUGrad      func(dst, x, g []F) // g·eˣ for x ≤ 0, g otherwise

	// The derivatives of TanhGrad, SiLUGrad and SELUGrad times h, by both operands at once: dst gets that by the first, h
	// that by g, which is TanhGrad, SiLUGrad or SELUGrad of h. dst is not h. For float32 both are within 4·10⁻⁷ of h·g and h, times the
	// derivative where that is greater than 1.
	TanhGradGrad func(dst, y, g, h []F) // dst = -2·h·g·y, h = h·(1-y²)
	SiLUGradGrad func(dst, x, g, h []F) // dst = h·g·s·c·(2 + x·(c-s)), h = h·s·(1 + x·c), s = σ(x), c = 1-s
	SELUGradGrad func(dst, x, g, h []F) // dst = h·g·λ·α·eˣ for x < 0, h·g·0 otherwise, h = h·λ·α·eˣ for x ≤ 0, h·λ otherwise

	// SiLUSlopes sets dst to SiLU of x, and p and q to its first and second derivative: what SiLUGrad multiplies g, and
	// SiLUGradGrad h·g, by. p and q are neither each other nor dst nor x.
	SiLUSlopes func(dst, x, p, q []F)
	// MulGradGrad is SiLUGradGrad for any g·p(x), given p and its derivative q. dst is not h.
	MulGradGrad func(dst, q, g, h, p []F) // dst = h·g·q, h = h·p
	MulPlus     func(dst, x, y, z []F)    // dst[i] = x[i]·y[i] + z[i], the product rounded

	// Adam is a step of Adam (Kingma and Ba, 2015) with decoupled decay (Loshchilov and Hutter, 2019), the
	// coefficients rounded to F first:
	//
	//	m[i] = fma(1-β₁, g[i]-m[i], m[i])
	//	v[i] = fma(1-β₂, fma(g[i], g[i], -v[i]), v[i])
	//	w[i] = fma(-Step, m[i]/(√v[i]+Eps), fma(-Decay, w[i], w[i]))
	//
	// The four slices do not overlap.
	Adam func(w, m, v, g []F, c AdamCoeffs)

	// Transpose sets dst[j·rows+i] = src[i·cols+j]. dst and src do not overlap.
	Transpose func(dst, src []F, rows, cols int)

	// Philox fills dst with whole groups of 64 words of k's stream, from the group-th on. A group is 16 blocks, word
	// by word, so that blocks can be computed side by side:
	//
	//	for i := range len(dst) / 64 {
	//		for l := range 16 {
	//			d := dst[64*i+l:]
	//			d[0], d[16], d[32], d[48] = k.Block(16*(group+i) + l)
	//		}
	//	}
	Philox func(dst []uint32, k PhiloxKey, group uint64)

	// Normal makes standard normal numbers of whole groups of 64 random words by the transform of Box and Muller
	// (1958): √(-2·log u)·cos a and √(-2·log u)·sin a for u uniform in (0, 1] and a in [-π, π).
	//
	// In float32 a word makes a number: dst[32i+l] and dst[32i+16+l], for l < 16, come from the words p = w[32i+l]
	// and q = w[32i+16+l], with u = (p≫1)·2⁻³¹ + 2⁻³² and a = π·2⁻²³·(q≫8, signed). In float64 two words do: dst[32i+l]
	// and dst[32i+16+l] come from w[64i+l], w[64i+16+l] (u) and w[64i+32+l], w[64i+48+l] (a), with u = 2 - m and
	// a = 2π·(m - 3/2), where m in [1, 2) has the upper 52 bits of the second word and the first for a fraction.
	Normal func(dst []F, w []uint32)

	// LeastTwo returns the least and the second least of x[i] - y[i], and the first place of the least. What is
	// missing, or NaN, counts as +Inf.
	LeastTwo func(x, y []F) (at int, least, second F)
	// Relax is a step of Dijkstra's algorithm: key[i], pred[i] = h, id where h = x[i] - y[i] - base is less than key[i].
	// It returns the first place of the least key, 0 if none is below +Inf. The slices do not overlap.
	Relax func(key, x, y, pred []F, base, id F) (at int)
	// SqDist adds to dst the squared distances of x to the columns of y, a matrix of len(x) rows: for d = x[k] -
	// y[k·len(dst)+j] in turn, dst[j] = fma(d, d, dst[j]). It is fastest for 32 columns. The slices do not overlap.
	SqDist func(dst, x, y []F)

	gemm *gemmTier[F] // micro-kernels of the matrix products; nil: plain Go
}

// AdamCoeffs holds one step's scalars, bias correction already folded in: with the moments' decay rates β₁, β₂,
// the learning rate α, ε and the weight decay λ, step t has
//
//	Step  = α·√(1-β₂ᵗ)/(1-β₁ᵗ)
//	Eps   = ε·√(1-β₂ᵗ)
//	Decay = α·λ
type AdamCoeffs struct{ Beta1, Beta2, Step, Eps, Decay float64 }

// Mat is a view of a row-major matrix: element (i, j) is Data[i·Stride+j], or Data[j·Stride+i] if Trans is
// set. T flips it without moving data. What Pack returns has an order of its own.
type Mat[F Float] struct {
	Data               []F
	Rows, Cols, Stride int
	Trans              bool

	packed *gemmTier[F] // by Pack of this tier
}

// Dense views data as a contiguous rows×cols matrix.
func Dense[F Float](data []F, rows, cols int) Mat[F] {
	return Mat[F]{Data: data, Rows: rows, Cols: cols, Stride: cols}
}

// T returns the transpose, a view. Rows and Cols are those of the view: T swaps them.
func (a Mat[F]) T() Mat[F] {
	a.Rows, a.Cols, a.Trans = a.Cols, a.Rows, !a.Trans
	return a
}

// Packs holds a goroutine's packing buffers, so that Gemm does not allocate.
type Packs[F Float] struct{ a, b, c []F }
