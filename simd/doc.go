// Package simd holds the kernels that everything above is made of: elementwise functions with their derivatives,
// reductions, matrix products, a step of Adam. Each exists in plain Go and in assembly for AVX2, AVX-512 and NEON, and
// all give the same bits.
//
//	k := simd.Best[float32]()
//	k.Tanh(y, x)                          // y[i] = tanh x[i]
//	k.Gemm(&packs, c, a, b.T(), false)    // C = A·Bᵀ
//
// # Tiers
//
// A tier is a value of Kernels, a struct of functions, for each of the two element types. Best returns the
// strongest this CPU can run, chosen once when the program starts. SIMD=generic, neon, avx2 or avx512 in the
// environment names another; a name that the CPU cannot honour panics, since a forced test that quietly tests
// something else is worse than none. The build tag purego leaves all assembly out.
//
// # What a caller may rely on
//
// Lengths: slices that a kernel reads together have equal length, or the call panics. Length 0 is a length.
//
// Aliasing: dst may be exactly one of the inputs; it may not overlap any in another way.
//
// Memory: nothing allocates, nothing is kept, nothing outside the slices is touched, and no call to assembly lasts
// longer than about 50 µs, so that the garbage collector need not wait.
//
// Threads: a kernel is single-threaded and may run in any number of goroutines at once.
//
// # The bit contract
//
// The same inputs give the same bits on any CPU, in any tier, in WebAssembly, at any length, offset and number of
// threads. It holds because of these rules, which every kernel keeps:
//
//   - Each element of an elementwise result is a function of its own inputs. Tails run through the same
//     instructions as full vectors.
//   - Each element of a matrix product is one chain of fused multiply-adds in increasing k, whatever the tile it falls
//     in. It starts from +0, or from C if that is added to, or from the bias, which is the chain's first value
//     whether it is fused or not. A product that begins a chain is an FMA on +0, never a multiplication, so that
//     the sign of zero agrees. K is never padded.
//   - A reduction has 32 lanes. Lane l takes the elements i ≡ l mod 32 in increasing order, starting from +0. What is
//     missing from the last 32 counts as +0. Then the lanes are added as a tree: lane l takes lane l+16, l+8, l+4,
//     l+2, l+1. Sums are kept in float64, whatever the type; Dot in the type.
//   - Combine is a chain of FMAs over the slopes from +0, then one FMA with h and y.
//   - Functions are polynomials with FMA in one order (functions.go says which), on constants from one table
//     (poly.go), with correctly rounded division and square root. There is no hardware estimate of 1/x or 1/√x, and
//     nothing from package math but Sqrt, FMA and what moves bits.
//   - Rounding to an integer is the addition of 1.5·2^mant, and the integer is read from the sum's low bits. Numbers are
//     clamped before, since conversions out of range differ between CPUs.
//   - 2ⁿ is applied in two multiplications, by 2^⌊n/2⌋, which is exact, and by the rest. So the result is
//     rounded once even if it is subnormal, which is what VSCALEF does.
//   - Subnormal numbers are numbers: nothing is flushed to zero.
//   - NaN gives NaN, through clamps and comparisons too. Which NaN is outside the promise. So is the sign of a zero
//     that a function yields at ±0, though it too is the same everywhere.
//   - The Generic tier has the FMA of float32 in software, exact (FMA32).
//
// The same holds for the scalar functions of float64 (Exp, Log, Pow and so on), which give the bits of a lane of
// Kernels[float64]. Use them in place of those of package math, which give four or five results over the
// ports of Go.
//
// In plain Go code above, x*y + z may be fused by the compiler or not, depending on the target. Write FMA(x, y, z) or
// F(x*y) + z.
//
// # How a kernel is built
//
// Plain Go is the specification (generic.go, functions.go). The assembly is written once too, in elem.h and
// reduce.h, in words such as vADD and vFMA that vec_avx2_f32.h and its like define for each tier and type. A file
// f32_avx2_amd64.s only names the kernels. Assembly sees whole vectors; assembly.go checks lengths, cuts long
// slices and gives tails the room of a vector.
//
// A new elementwise kernel is a method of functions, a body in elem.h, a TEXT and a stub in each of the six f32_… and
// f64_… files, a line in stubs and in into, a field of Kernels, and a line in the tests, without which
// TestEveryKernelHasACase fails. docs/kernels.md has a worked example. The rule is that a kernel is plain Go
// on every tier, or assembly on AVX2 and NEON in one change; AVX-512 inherits or overrides.
package simd
