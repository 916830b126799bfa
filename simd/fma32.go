package simd

import (
	"math"
	"unsafe"
)

// FMA32 returns a·b + c rounded once to float32, as every CPU's fused multiply-add does.
//
// It is exact without such hardware, and never differs from it:
//
//   - p = a·b has at most 48 significant bits, so it is exact in float64.
//   - s = p + c rounded to float64 rounds a second time in float32(s). That is harmless unless s
//     lies exactly half-way between two float32 numbers, since only then can the part that the
//     first rounding lost decide the second. In a normal result those are the s whose last 29 bits
//     are 1 followed by zeros. Subnormal results round at another place; they take the slow path.
//   - The slow path rounds p + c to odd instead: if s is not exact and its last bit is 0, it moves
//     to the neighbour on the side of the error. An odd s is never half-way, and it is on the right
//     side of half-way. (Boldo and Melquiond, "Emulation of FMA and correctly rounded sums: proved
//     algorithms using rounding to odd", IEEE Trans. Computers 57, 2008.)
//
// Which NaN a NaN is, is outside the promise.
func FMA32(a, b, c float32) float32 {
	p := float64(a) * float64(b) // exact product
	s := p + float64(c)          // exact product: the same fused or not
	u := math.Float64bits(s)
	if u&(1<<29-1) != 1<<28 && u<<1-1 >= minNormal32<<1-1 { // the second holds for s = 0 too
		return float32(s)
	}
	return roundOdd(p, float64(c), s)
}

// minNormal32 is the smallest normal float32, 2⁻¹²⁶, as the bits of a float64.
const minNormal32 = (1023 - 126) << 52

// roundOdd returns p + c, of which s is the nearest float64, rounded to odd and then to float32.
func roundOdd(p, c, s float64) float32 {
	// Knuth's TwoSum: p + c = s + e exactly.
	pp := s - c
	cc := s - pp
	e := (p - pp) + (c - cc) // exact product: p is one
	u := math.Float64bits(s)
	if e != 0 && u&1 == 0 { // s is finite and not 0, or e would be NaN or 0
		if (e > 0) == (s > 0) {
			u++ // away from zero
		} else {
			u--
		}
	}
	return float32(math.Float64frombits(u))
}

// FMA returns a·b + c rounded once.
func FMA[F Float](a, b, c F) F {
	if is32[F]() {
		return F(FMA32(float32(a), float32(b), float32(c)))
	}
	return F(math.FMA(float64(a), float64(b), float64(c)))
}

// is32 tells which of the two element types F is. The compiler folds it: the two have different
// sizes, so it makes a separate body for each.
func is32[F Float]() bool {
	var x F
	return unsafe.Sizeof(x) == 4
}
