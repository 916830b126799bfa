package simd

import (
	"math"
	"math/bits"
)

// twoOverPi holds the bits of 2/π, preceded by 64 zeros.
var twoOverPi = [...]uint64{
	0,
	0xa2f9836e4e441529, 0xfc2757d1f534ddc0, 0xdb6295993c439041, 0xfe5163abdebbc561,
	0xb7246e3a424dd2e0, 0x06492eea09d1921c, 0xfe1deb1cb129a73e, 0xe88235f52ebb4484,
	0xe99c7026b45f7e41, 0x3991d639835339f4, 0x9c845f8bbdf9283b, 0x1ff897ffde05980f,
	0xef2f118b5a0a6d1f, 0x6d367ecf27cb09b7, 0x4f463f669e5fea2d, 0x7527bac7ebe5f17b,
	0x3d0739f78a5292ea, 0x6bfb5fb11f8d5d08, 0x56033046fc7b6bab, 0xf0cfbc209af4361d,
}

// bigQuadrant splits any x as functions.quadrant does. It is for |x| so large that π/2 in three parts
// does not do, and gives NaN for what has no quadrant.
//
// Let x = m·2ᵉ with an integer m < 2⁵³. Bits of 2/π that weigh more than 2²⁻ᵉ add whole turns to x·2/π, four
// quadrants each, and may be left out (Payne and Hanek, "Radian reduction for trigonometric functions",
// 1983). So 192 bits of 2/π from there, times m, modulo 2¹⁹², are x·2/π modulo 4 in units of 2⁻¹⁹⁰: two bits
// of quadrant and a fraction good to 2⁻¹³⁷. No float64 comes closer to a multiple of π/2 than about 2⁻⁶².
func bigQuadrant[F Float](x F) (r F, q uint64) {
	v := math.Abs(float64(x))
	if !(v <= math.MaxFloat64) {
		return x - x, 0
	}
	u := math.Float64bits(v)
	e := int(u>>52) - 1075
	m := u&(1<<52-1) | 1<<52

	pos := 64 + e - 2
	i, s := pos/64, pos%64
	word := func(i int) uint64 { return twoOverPi[i]<<s | twoOverPi[i+1]>>(64-s) }
	h1, p2 := bits.Mul64(word(i+2), m)
	h0, p1 := bits.Mul64(word(i+1), m)
	p1, c := bits.Add64(p1, h1, 0)
	p0 := word(i)*m + h0 + c

	q = p0 >> 62
	f0, f1 := p0<<2|p1>>62, p1<<2|p2>>62 // the fraction
	minus := f0>>63 != 0
	if minus { // nearer to the next quadrant
		q++
		var b uint64
		f1, b = bits.Sub64(0, f1, 0)
		f0, _ = bits.Sub64(0, f0, b)
	}
	n := bits.LeadingZeros64(f0)
	if f0 == 0 {
		n = 64 + bits.LeadingZeros64(f1)
		f0, f1 = f1, 0
		n0 := n - 64
		f0 <<= n0
	} else {
		f0, f1 = f0<<n|f1>>(64-n), f1<<n
	}
	hi := float64(f0>>11) * 0x1p-53
	lo := float64(f0<<53|f1>>11) * 0x1p-117
	const a, b = 1.57079632679489656, 6.12323399573676604e-17 // π/2
	y := float64(hi * a)
	z := math.FMA(hi, a, -y)
	z = math.FMA(hi, b, z)
	z = math.FMA(lo, a, z)
	y = math.Ldexp(y+z, -n)
	if minus != (x < 0) {
		y = -y
	}
	if x < 0 {
		q = -q
	}
	return F(y), q
}
