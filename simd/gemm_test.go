package simd

import (
	"fmt"
	"math"
	"math/rand"
	"testing"

	"github.com/stretchr/testify/require"
)

// eachTier runs f for every tier that this CPU has.
func eachTier[F Float](t *testing.T, f func(t *testing.T, k *Kernels[F])) {
	for _, l := range Levels() {
		var x F
		t.Run(fmt.Sprintf("%v-%T", l, x), func(t *testing.T) { f(t, At[F](l)) })
	}
}

// chain is the truth: one element of a product, from start.
func chain[F Float](a, b Mat[F], i, j int, start F) F {
	for p := range a.Cols {
		start = FMA(a.at(i, p), b.at(p, j), start)
	}
	return start
}

func (a Mat[F]) at(i, j int) F {
	r, c := a.strides()
	return a.Data[i*r+j*c]
}

// same tells whether x and y have the same bits, all NaN being one.
func same[F Float](x, y F) bool {
	return math.Float64bits(float64(x)) == math.Float64bits(float64(y)) || x != x && y != y
}

// operand makes a rows×cols matrix whose rows are pad apart, stored transposed if trans is set.
func operand[F Float](r *rand.Rand, rows, cols, pad int, trans bool) Mat[F] {
	if trans {
		return operand[F](r, cols, rows, pad, false).T()
	}
	m := Mat[F]{Data: make([]F, rows*(cols+pad)), Rows: rows, Cols: cols, Stride: cols + pad}
	for i := range m.Data {
		m.Data[i] = F(r.NormFloat64())
	}
	return m
}

// product is one case: what Gemm or GemmBias is asked for.
type product struct {
	m, n, k             int
	pad                 int // added to each row
	aT, bT, cT          bool
	acc, bias, specials bool
	packed              bool // b by Pack; cT is ignored
}

func (s product) String() string {
	return fmt.Sprintf("%dx%dx%d+%d aT=%v bT=%v cT=%v acc=%v bias=%v specials=%v packed=%v",
		s.m, s.n, s.k, s.pad, s.aT, s.bT, s.cT, s.acc, s.bias, s.specials, s.packed)
}

// checkCase computes the product s with k and compares each element, and what lies between the
// rows, with the chain. With sample > 0 it compares only about so many elements.
func checkCase[F Float](t testing.TB, k *Kernels[F], p *Packs[F], s product, seed int64, sample int) {
	r := rand.New(rand.NewSource(seed))
	a, b := operand[F](r, s.m, s.k, s.pad, s.aT), operand[F](r, s.k, s.n, s.pad, s.bT)
	c := operand[F](r, s.m, s.n, s.pad, s.cT && !s.packed)
	bias := operand[F](r, 1, s.n, 0, false).Data
	if s.specials {
		sprinkle(r, a.Data)
		sprinkle(r, b.Data)
		sprinkle(r, c.Data)
		sprinkle(r, bias)
	}
	old := Mat[F]{Data: append([]F(nil), c.Data...), Rows: c.Rows, Cols: c.Cols, Stride: c.Stride, Trans: c.Trans}
	pb := b
	if s.packed {
		pb = k.Pack(make([]F, s.k*s.n), b)
	}
	if s.bias {
		k.GemmBias(p, c, a, pb, bias)
	} else {
		k.Gemm(p, c, a, pb, s.acc)
	}
	step := 1
	if sample > 0 {
		step = max(1, s.m*s.n/sample)
	}
	for e := 0; e < s.m*s.n; e += step {
		i, j := e/s.n, e%s.n
		var start F
		switch {
		case s.bias:
			start = bias[j]
		case s.acc:
			start = old.at(i, j)
		}
		if want := chain(a, b, i, j, start); !same(want, c.at(i, j)) {
			require.Failf(t, "wrong bits", "%v: element [%d %d] is %v, want %v", s, i, j, c.at(i, j), want)
		}
	}
	w := c.Cols
	if c.Trans {
		w = c.Rows
	}
	for i, v := range c.Data {
		if i%c.Stride >= w && !same(v, old.Data[i]) {
			require.Failf(t, "wrote between rows", "%v: Data[%d]", s, i)
		}
	}
}

// sprinkle puts values into x that have gone wrong somewhere before.
func sprinkle[F Float](r *rand.Rand, x []F) {
	tiny := F(math.SmallestNonzeroFloat32)
	special := []F{0, F(math.Copysign(0, -1)), F(math.Inf(1)), F(math.Inf(-1)), F(math.NaN()),
		tiny, -3 * tiny, F(math.MaxFloat32), 1e-20, -1e-20, 1e25}
	for i := range x {
		if r.Intn(5) == 0 {
			x[i] = special[r.Intn(len(special))]
			if r.Intn(4) > 0 && (x[i] != x[i] || math.IsInf(float64(x[i]), 0)) {
				x[i] = 0 // or all of C would be NaN
			}
		}
	}
}

func testExact[F Float](t *testing.T, k *Kernels[F]) {
	var p Packs[F]
	extents := []int{1, 2, 3, 4, 5, 7, 8, 13, 15, 16, 17, 29, 32, 33, 47, 65, 97}
	depths := []int{0, 1, 2, 4, 7, 33}
	if testing.Short() {
		extents, depths = []int{1, 2, 5, 8, 14, 17, 33, 67}, []int{1, 2, 9}
	}
	n := 0
	for _, m := range extents {
		for _, nn := range extents {
			for _, kk := range depths {
				for v := range 4 {
					n++
					s := product{m: m, n: nn, k: kk, aT: v&1 != 0, bT: v&2 != 0,
						pad: n % 3, cT: n%5 == 0, acc: n%2 == 0, bias: n%7 == 0, specials: n%4 == 0, packed: n%3 == 0}
					checkCase(t, k, &p, s, int64(n), 150)
				}
			}
		}
	}
}

// TestGemmExact compares with the chain of FMAs for all small shapes, transposes and starts.
func TestGemmExact(t *testing.T) {
	eachTier(t, testExact[float32])
	eachTier(t, testExact[float64])
}

func testLarge[F Float](t *testing.T, k *Kernels[F]) {
	var p Packs[F]
	shapes := [][3]int{{3, 700, 600}, {70, 600, 520}, {130, 33, 1100}, {300, 520, 70}, {65, 65, 513},
		{1, 1, 2000}, {1, 130, 600}, {200, 2, 600}, {64, 1025, 40}, {513, 3, 257}, {2100, 70, 520}, {33, 2, 16390},
		{33, 512, 30}, {65, 300, 20}, {36, 512, 30}}
	if testing.Short() {
		shapes = [][3]int{{3, 40, 600}, {70, 33, 520}, {33, 512, 20}, {66, 65, 280}}
	}
	for i, m := range shapes {
		for v := range 12 {
			s := product{m: m[0], n: m[1], k: m[2], aT: v&1 != 0, bT: v&2 != 0, acc: v/4 == 1, bias: v/4 == 2, pad: i % 2, packed: (i+v)%2 == 0}
			checkCase(t, k, &p, s, int64(i), 200)
		}
	}
}

// TestGemmLarge has shapes beyond each limit in gemm_block.go, where operands are copied and chains
// put down and taken up again.
func TestGemmLarge(t *testing.T) {
	eachTier(t, testLarge[float32])
	eachTier(t, testLarge[float64])
}

// TestGemmRowAlone multiplies each row alone and asks for the same bits.
func TestGemmRowAlone(t *testing.T) {
	eachTier(t, func(t *testing.T, k *Kernels[float32]) {
		var p Packs[float32]
		r := rand.New(rand.NewSource(1))
		a, b := operand[float32](r, 75, 60, 0, false), operand[float32](r, 60, 83, 0, false)
		c, one := Dense(make([]float32, 75*83), 75, 83), Dense(make([]float32, 83), 1, 83)
		k.Gemm(&p, c, a, b, false)
		for i := range 75 {
			k.Gemm(&p, one, Dense(a.Data[i*60:][:60], 1, 60), b, false)
			require.Equal(t, c.Data[i*83:][:83], one.Data, "row %d", i)
		}
	})
}

// TestGemmSmall has a product done by hand.
func TestGemmSmall(t *testing.T) {
	eachTier(t, func(t *testing.T, k *Kernels[float64]) {
		a := Dense([]float64{1, 2, 3, 4, 5, 6}, 2, 3)
		b := Dense([]float64{1, 0, 0, 1, 1, 1}, 3, 2)
		c := Dense(make([]float64, 4), 2, 2)
		k.Gemm(nil, c, a, b, false)
		require.Equal(t, []float64{4, 5, 10, 11}, c.Data)
		k.Gemm(nil, c, b.T(), a.T(), true)
		require.Equal(t, []float64{8, 15, 15, 22}, c.Data)
		k.GemmBias(nil, c, a, b, []float64{10, math.Inf(1)})
		require.Equal(t, []float64{14, math.Inf(1), 20, math.Inf(1)}, c.Data)
	})
}

func TestGemmEmpty(t *testing.T) {
	eachTier(t, func(t *testing.T, k *Kernels[float32]) {
		var p Packs[float32]
		none := func(rows, cols int) Mat[float32] { return Dense([]float32(nil), rows, cols) }
		k.Gemm(&p, none(0, 3), none(0, 2), Dense(make([]float32, 6), 2, 3), false)
		k.Gemm(&p, none(3, 0), Dense(make([]float32, 6), 3, 2), none(2, 0), true)
		c := Dense([]float32{1, 2, 3, 4}, 2, 2)
		k.Gemm(&p, c, none(2, 0), none(0, 2), true)
		require.Equal(t, []float32{1, 2, 3, 4}, c.Data)
		k.GemmBias(&p, c.T(), none(2, 0), none(0, 2), []float32{5, 6})
		require.Equal(t, []float32{5, 5, 6, 6}, c.Data)
		k.Gemm(&p, c, none(2, 0), none(0, 2), false)
		require.Equal(t, []float32{0, 0, 0, 0}, c.Data)
	})
}

// TestGemmPanics: mistakes are named with both shapes.
func TestGemmPanics(t *testing.T) {
	k := Best[float32]()
	d := func(rows, cols int) Mat[float32] { return Dense(make([]float32, rows*cols), rows, cols) }
	require.PanicsWithValue(t, "simd: Gemm: [3 4]·[6 5]ᵀ: inner extents 4 and 5 differ",
		func() { k.Gemm(nil, d(3, 6), d(3, 4), d(6, 5).T(), false) })
	require.PanicsWithValue(t, "simd: Gemm: [3 4]·[4 6] is 3×6, the destination [6 3]",
		func() { k.Gemm(nil, d(6, 3), d(3, 4), d(4, 6), false) })
	require.PanicsWithValue(t, "simd: GemmBias: 5 biases for the columns of [3 6]",
		func() { k.GemmBias(nil, d(3, 6), d(3, 4), d(4, 6), make([]float32, 5)) })
	packed := k.Pack(make([]float32, 24), d(4, 6))
	for _, f := range []func(){
		func() { k.Gemm(nil, d(4, 2), packed, d(6, 2), false) },
		func() { k.Gemm(nil, d(3, 4), d(3, 6), packed.T(), false) },
		func() { k.Gemm(nil, d(6, 3).T(), d(3, 4), packed, false) },
		func() { k.Pack(make([]float32, 24), packed) },
		func() { k.Pack(make([]float32, 23), d(4, 6)) },
	} {
		if k.Level != Generic {
			require.Panics(t, f)
		}
	}
	short := d(3, 4)
	short.Data = short.Data[:11]
	require.PanicsWithValue(t, "simd: Gemm: [3 4] with stride 4 needs 12 elements, has 11",
		func() { k.Gemm(nil, d(3, 6), short, d(4, 6), false) })
	short = d(3, 4)
	short.Stride = 3
	require.PanicsWithValue(t, "simd: Gemm: [3 4]: stride 3 is less than a row",
		func() { k.Gemm(nil, d(3, 6), short, d(4, 6), false) })
}

func TestGemmAllocs(t *testing.T) {
	eachTier(t, func(t *testing.T, k *Kernels[float32]) {
		var p Packs[float32]
		r := rand.New(rand.NewSource(1))
		for _, s := range [][3]int{{40, 70, 30}, {100, 2, 60}, {30, 30, 600}} {
			c, x := operand[float32](r, s[0], s[1], 0, false), make([]float32, s[1])
			for v := range 4 {
				a, b := operand[float32](r, s[0], s[2], 0, v&1 != 0), operand[float32](r, s[2], s[1], 0, v&2 != 0)
				f := func() { k.Gemm(&p, c, a, b, true); k.GemmBias(&p, c, a, b, x) }
				f()
				require.Zero(t, testing.AllocsPerRun(2, f), "%v transposed %d", s, v)
			}
		}
	})
}

// FuzzGemm compares every tier with the chain over shapes, strides, transposes and starts.
func FuzzGemm(f *testing.F) {
	f.Add(uint16(3), uint16(4), uint16(5), uint8(0), uint8(1), int64(1))
	f.Add(uint16(70), uint16(33), uint16(600), uint8(0x0b), uint8(0), int64(2))
	f.Fuzz(func(t *testing.T, m, n, k uint16, flags, pad uint8, seed int64) {
		s := product{m: int(m % 150), n: int(n % 150), k: int(k % 700), pad: int(pad % 20),
			aT: flags&1 != 0, bT: flags&2 != 0, cT: flags&4 != 0, acc: flags&8 != 0, bias: flags&16 != 0, specials: flags&32 != 0, packed: flags&64 != 0}
		for _, l := range Levels() {
			checkCase(t, At[float32](l), nil, s, seed, 200)
			checkCase(t, At[float64](l), nil, s, seed, 200)
		}
	})
}
