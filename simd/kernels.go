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
type Kernels[F Float] struct {
	Level Level

	Add, Sub, Mul, Div func(dst, x, y []F)
	Scale              func(dst []F, a F, x []F)           // dst = a·x
	Shift              func(dst []F, a F, x []F)           // dst = x + a
	Axpy               func(dst []F, a F, x []F)           // dst = fma(a, x, dst)
	MulAdd             func(dst, x, y, z []F)              // dst = fma(x, y, z)
	Combine            func(dst, y, h []F, c []F, k [][]F) // dst = y + h·Σ cⱼ·kⱼ by element: a Runge–Kutta stage
	Dot                func(x, y []F) F                    // fixed 32-lane order, see doc.go
	Sum, SumSq         func(x []F) float64                 // accumulated in float64, 32 lanes
	AddRows            func(dst, x []F)                    // dst[j] += x[i·len(dst)+j] for rows i in increasing order: a bias gradient
	AddRow             func(dst, x, row []F)               // dst[i,j] = x[i,j] + row[j]: a broadcast bias

	Exp, Log, Sqrt, Tanh, Erf, Sin, Cos                func(dst, x []F)
	Sigmoid, SiLU, GELU, GELUTanh, SELU, ELU, Softplus func(dst, x []F)
	// The derivatives: dst = g·f'(x). TanhGrad and SigmoidGrad take y = f(x) in place of x.
	TanhGrad, SigmoidGrad, SiLUGrad, GELUGrad, GELUTanhGrad, SELUGrad, ELUGrad func(dst, x, g []F)

	Adam      func(w, m, v, g []F, c AdamCoeffs)
	Transpose func(dst, src []F, rows, cols int) // dst[j·rows+i] = src[i·cols+j]

	gemm *gemmTier[F] // micro-kernels of the matrix products; nil: plain Go
}

// AdamCoeffs holds one step's scalars, bias correction already folded in.
type AdamCoeffs struct{ Beta1, Beta2, Step, Eps, Decay float64 }

// Mat is a view of a row-major matrix. T flips it without moving data.
type Mat[F Float] struct {
	Data               []F
	Rows, Cols, Stride int
	Trans              bool
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
