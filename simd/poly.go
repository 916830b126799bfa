package simd

import (
	"math"
	"unsafe"
)

// A table holds the numbers that the transcendental functions are made of. They are written here
// and nowhere else: the plain Go of functions.go indexes a table, and the assembly of every tier reads
// one through a pointer at the same indices (which it knows from go_asm.h as const_kOne and so on).
type table[F Float] [kLen]F

// What is at which index of a table. Those said to be bits are integers that sit in a float's place.
const (
	kZero     = iota // 0
	kOne             // 1
	kHalf            // 1/2
	kTwo             // 2
	kMinus2          // -2
	kNegInf          // -Inf
	kNaN             // NaN
	kTiny            // the smallest normal number
	kHuge            // the largest number
	kSignBit         // bits: the sign
	kAbsBits         // bits: all but the sign
	kOneBits         // bits: 1, to be added to integers; the same as kOne
	kUnitBits        // bits: the integer 1
	kWordBits        // bits: all but the sign in the word that holds it, nothing below

	kMagic     // 1.5·2^mant: adding it rounds to an integer, which then stands in the lowest bits
	kLog2e     // 1/ln 2
	kLn2Hi     // ln 2 rounded
	kLn2Lo     // ln 2 less that
	kMinusLn2A // -ln 2 rounded to so few bits that a multiple of it by any exponent is exact
	kLn2B      // ln 2 plus that
	kExpLo     // below it exp x and x·exp x are 0
	kExpHi     // above it exp x is +Inf
	kEm1Lo     // below it expm1 x is -1
	kGateHi    // -kExpLo

	kLift     // 2^k that makes subnormal numbers normal
	kLiftLog  // that k
	kHalfBits // bits: √½
	kExpBits  // bits: 1, less √½
	kFracBits // bits: the fraction
	kIntBits  // bits: 2^mant, in whose lowest bits an integer stands
	kIntBias  // 2^mant + the exponent's bias

	kTwoOverPi // 2/π
	kPio2A     // π/2 rounded
	kPio2B     // π/2 less that, rounded
	kPio2C     // and the rest

	kErfHi       // above it erf x is 1
	kSqrt2       // √2
	kGeluHi      // above it GELU x is x; below its negative, 0
	kGeluLo      // -kGeluHi
	kGauss       // 1/√(2π)
	kGeluT0      // 2·√(2/π)
	kGeluT1      // 0.044715 of that
	kGeluT3      // 3 times that
	kSelu        // λ
	kSeluNeg     // λ·α
	kUnit31      // 2⁻³¹
	kUnit32      // 2⁻³²
	kThreeHalves // 1.5
	kTurn        // a turn in the units of Box–Muller's angle: π·2⁻²³ for float32, 2π for float64
	kScalars     // what follows are polynomials

	// Polynomials, lowest coefficient first. How many there are is in the lengths of each type.
	kExp   = 52  // (eʳ - 1 - r)/r² in r, for |r| ≤ ½·ln 2
	kLog   = 64  // (2·atanh s - 2s)/s³ in s², for s = f/(2+f), 1+f from √½ to √2
	kL1p   = 72  // the same for 1+f from 1 to 2
	kSin   = 84  // (sin r - r)/r³ in r², for |r| ≤ π/4
	kCos   = 90  // (cos r - 1 + r²/2)/r⁴ in r², for |r| ≤ π/4
	kErf   = 96  // erf x/x - 1 in x², for |x| ≤ 1
	kTailP = 110 // P in P/Q = Φ(-a)·exp(a²/2), for a from 0 to where Φ(-a) vanishes
	kTailQ = 121 // Q, whose first coefficient is 1
	kLen   = 134
)

const _ = uint(kExp - kScalars) // there is room

// lengths says how many coefficients the polynomials of a type have.
type lengths struct{ exp, log, l1p, sin, cos, erf, tailP, tailQ int }

var (
	lengths32 = lengths{exp: 6, log: 4, l1p: 6, sin: 3, cos: 3, erf: 7, tailP: 5, tailQ: 6}
	lengths64 = lengths{exp: 11, log: 7, l1p: 12, sin: 6, cos: 6, erf: 13, tailP: 11, tailQ: 12}
)

// The two tables. The polynomials are minimax in relative error (Remez, 200 bits), rounded coefficient by
// coefficient; the errors stand beside them. So is the rational tail, by Lawson's weights.
var (
	table32 = newTable(float32(0), map[int][]float32{
		kTiny: {0x1p-126}, kHuge: {math.MaxFloat32},
		kMagic: {0x1.8p23}, kLog2e: {1.442695022}, kLn2Hi: {0.6931471825}, kLn2Lo: {-1.904654212e-9}, kMinusLn2A: {-0.693145751953125}, kLn2B: {1.428606765e-6},
		kExpLo: {-110}, kGateHi: {110}, kTurn: {math.Pi * 0x1p-23}, kExpHi: {89}, kEm1Lo: {-18},
		kLift: {0x1p25}, kLiftLog: {25}, kIntBias: {0x1p23 + 127},
		kPio2A: {1.570796371}, kPio2B: {-4.371138829e-8}, kPio2C: {-1.71512451e-15},
		kErfHi: {4}, kGeluHi: {15}, kGeluLo: {-15},
		// 2⁻³⁰·⁸
		kExp: {0.5, 0.166666672, 0.0416664481, 0.00833307765, 0.0013937077, 0.000200801951},
		// 2⁻³⁵·²
		kLog: {0.666666627, 0.400009722, 0.284987926, 0.24278827},
		// 2⁻³⁵·¹
		kL1p: {0.666666687, 0.399997681, 0.285799563, 0.22095792, 0.188150272, 0.167538151},
		// 2⁻²⁷·⁹
		kSin: {-0.166666552, 0.00833218824, -0.000195180924},
		// 2⁻³³·¹
		kCos: {0.0416666456, -0.00138873013, 2.44306739e-5},
		// 2⁻²⁹·⁰
		kErf: {0.128379166, -0.37612626, 0.112835787, -0.0268533509, 0.00518717291, -0.000799797708, 7.80740957e-5},
		// 2⁻²⁶·⁵, the rounding chosen by search
		kTailP: {0.5, 0.437834322, 0.182877302, 0.0405077934, 0.00409631478},
		kTailQ: {1, 1.67355359, 1.20105278, 0.468521804, 0.101544522, 0.0102678165},
	})
	table64 = newTable(float64(0), map[int][]float64{
		kTiny: {0x1p-1022}, kHuge: {math.MaxFloat64},
		kMagic: {0x1.8p52}, kLog2e: {1.44269504088896339}, kLn2Hi: {0.693147180559945286}, kLn2Lo: {2.31904681384629956e-17}, kMinusLn2A: {-0.693147180559890330187045}, kLn2B: {5.49792301870837116e-14},
		kExpLo: {-753}, kGateHi: {753}, kTurn: {2 * math.Pi}, kExpHi: {710}, kEm1Lo: {-38},
		kLift: {0x1p54}, kLiftLog: {54}, kIntBias: {0x1p52 + 1023},
		kPio2A: {1.57079632679489656}, kPio2B: {6.12323399573676604e-17}, kPio2C: {-1.49738490485916983e-33},
		kErfHi: {6}, kGeluHi: {40}, kGeluLo: {-40},
		// 2⁻⁵⁷·⁶
		kExp: {0.50000000000000011, 0.16666666666666671, 0.041666666666648304, 0.0083333333333246336,
			0.0013888888897381807, 0.00019841269880053222, 2.4801571279433839e-5, 2.755724879635989e-6,
			2.757052586847413e-7, 2.5107949742719049e-8, 1.6935410267444022e-9},
		// 2⁻⁵⁹·⁵
		kLog: {0.6666666666666734, 0.39999999999416541, 0.28571428742065785, 0.22222198599899459,
			0.18183563177790021, 0.1531407515065655, 0.14795742435633946},
		// 2⁻⁶⁶·²
		kL1p: {0.66666666666666663, 0.40000000000001978, 0.28571428571060414, 0.22222222256463148,
			0.18181816325195607, 0.1538467900874573, 0.13331894199071967, 0.11786602100281039,
			0.10302714514352275, 0.11015763290542588, 0.026132864761122442, 0.20864375579755606},
		// 2⁻⁵⁷·⁹
		kSin: {-0.1666666666666663, 0.0083333333333218407, -0.00019841269829358322, 2.7557313538361971e-6,
			-2.5050734353516534e-8, 1.5895430590011166e-10},
		// 2⁻⁶⁴·²
		kCos: {0.041666666666666602, -0.0013888888888874457, 2.4801587289652787e-5, -2.7557314393813477e-7,
			2.0875728097866114e-9, -1.135986401315811e-11},
		// 2⁻⁵⁶·³
		kErf: {0.12837916709551259, -0.37612638903183748, 0.11283791670954857, -0.026866170645072893,
			0.005223977624780835, -0.00085483269787405675, 0.00012055331036846668, -1.4925593505766364e-5,
			1.6460972801190717e-6, -1.6350025076223882e-7, 1.4657878989888879e-8, -1.1365663136628493e-9,
			5.9452576939415425e-11},
		// 2⁻⁵⁹·⁸
		kTailP: {0.5, 0.82788074589157856, 0.67954242826945048, 0.35729497356698415,
			0.13202241507702205, 0.035659952159859441, 0.0071210143847841906, 0.0010393983091482564,
			0.00010653515686027913, 6.9731500141914284e-6, 2.2407974019982934e-7},
		kTailQ: {1, 2.4536460525860227, 2.8168111595721762, 2.0012185760285476,
			0.97995608931658716, 0.34825237602689238, 0.091956671650375642, 0.018115656659056283,
			0.0026228642855096558, 0.0002676057210375806, 1.7479094988846039e-5, 5.6168461255673065e-7},
	})
)

// newTable returns a table of what is in m and of what the two types have in common.
func newTable[F Float](_ F, m map[int][]F) *table[F] {
	t := &table[F]{
		kOne: 1, kHalf: 0.5, kTwo: 2, kMinus2: -2, kOneBits: 1,
		kNegInf: F(math.Inf(-1)), kNaN: F(math.NaN()),
		kTwoOverPi: 2 / math.Pi, kGauss: 1 / (math.Sqrt2 * sqrtPi),
		kGeluT0: geluT, kGeluT1: 0.044715 * geluT, kGeluT3: 3 * 0.044715 * geluT,
		kSqrt2: math.Sqrt2, kUnit31: 0x1p-31, kUnit32: 0x1p-32, kThreeHalves: 1.5,
		kSelu: SELULambda, kSeluNeg: SELULambda * SELUAlpha,
	}
	for i, c := range m { // in any order: the places differ
		copy(t[i:], c)
	}
	sign := uint64(1) << top[F]()
	t[kSignBit] = fromBits[F](sign)
	t[kAbsBits] = fromBits[F](sign - 1)
	t[kUnitBits] = fromBits[F](1)
	t[kWordBits] = fromBits[F]((1<<31 - 1) << (top[F]() - 31))
	half := toBits(F(math.Sqrt2 / 2))
	t[kHalfBits] = fromBits[F](half)
	t[kExpBits] = fromBits[F](toBits[F](1) - half)
	t[kFracBits] = fromBits[F](1<<mant[F]() - 1)
	t[kIntBits] = fromBits[F](toBits(t[kIntBias]) &^ (1<<mant[F]() - 1))
	return t
}

// The constants of SELU, with which a normal input keeps mean 0 and variance 1 (Klambauer et al.,
// "Self-Normalizing Neural Networks", 2017).
const (
	SELULambda = 1.0507009873554805
	SELUAlpha  = 1.6732632423543772
)

const (
	sqrtPi = 1.77245385090551602729816748334114518
	geluT  = 2 * math.Sqrt2 / sqrtPi // 2·√(2/π): GELU's tanh form is x·σ(that·(x + 0.044715·x³))
)

// tableOf returns F's table.
func tableOf[F Float]() *table[F] {
	if is32[F]() {
		return (*table[F])(unsafe.Pointer(table32))
	}
	return (*table[F])(unsafe.Pointer(table64))
}

// lengthsOf returns the lengths of F's polynomials.
func lengthsOf[F Float]() *lengths {
	if is32[F]() {
		return &lengths32
	}
	return &lengths64
}

// mant returns the number of bits of F's fraction.
func mant[F Float]() int {
	if is32[F]() {
		return 23
	}
	return 52
}

// top returns the place of F's sign bit.
func top[F Float]() int {
	if is32[F]() {
		return 31
	}
	return 63
}

// toBits returns x's bits.
func toBits[F Float](x F) uint64 {
	if is32[F]() {
		return uint64(math.Float32bits(float32(x)))
	}
	return math.Float64bits(float64(x))
}

// fromBits returns the number whose bits are the lowest of u.
func fromBits[F Float](u uint64) F {
	if is32[F]() {
		x := math.Float32frombits(uint32(u))
		return *(*F)(unsafe.Pointer(&x)) // not F(x), in which a CPU may change a NaN
	}
	x := math.Float64frombits(u)
	return *(*F)(unsafe.Pointer(&x))
}
