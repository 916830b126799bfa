package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// A kernelCase says how to call a kernel. Every kernel has a line in cases; the harness below does the rest.
type kernelCase[F Float] struct {
	name string // of the field
	in   int    // slices that are read, all of one length
	// call runs the kernel. x holds the inputs; dst is a slice of their length, maybe one of them. What else
	// is returned are scalar results.
	call func(k *Kernels[F], dst []F, x [][]F) []float64
	// own is set if the kernel writes to all its inputs and has no dst.
	own bool
	// alias, if not 0, is how many of the inputs dst may be.
	alias int
	// grain, if not 0, is what the length must be a multiple of.
	grain int
}

func map1Case[F Float](name string) kernelCase[F] {
	return kernelCase[F]{name: name, in: 1, call: func(k *Kernels[F], dst []F, x [][]F) []float64 {
		byName1(k, name)(dst, x[0])
		return nil
	}}
}

func map2Case[F Float](name string) kernelCase[F] {
	return kernelCase[F]{name: name, in: 2, call: func(k *Kernels[F], dst []F, x [][]F) []float64 {
		field(k, name).(func(dst, x, y []F))(dst, x[0], x[1])
		return nil
	}}
}

func cases[F Float]() []kernelCase[F] {
	var c []kernelCase[F]
	for _, name := range []string{
		"Exp", "Log", "Sqrt", "Tanh", "Erf", "Sin", "Cos",
		"Sigmoid", "SiLU", "GELU", "GELUTanh", "SELU", "ELU", "Softplus",
	} {
		c = append(c, map1Case[F](name))
	}
	for _, name := range []string{
		"Add", "Sub", "Mul", "Div",
		"TanhGrad", "SigmoidGrad", "SiLUGrad", "GELUGrad", "GELUTanhGrad", "SELUGrad", "ELUGrad",
	} {
		c = append(c, map2Case[F](name))
	}
	return append(c,
		kernelCase[F]{name: "Scale", in: 1, call: func(k *Kernels[F], dst []F, x [][]F) []float64 {
			k.Scale(dst, 0.3, x[0])
			return nil
		}},
		kernelCase[F]{name: "Shift", in: 1, call: func(k *Kernels[F], dst []F, x [][]F) []float64 {
			k.Shift(dst, 0.3, x[0])
			return nil
		}},
		kernelCase[F]{name: "Axpy", in: 2, own: true, call: func(k *Kernels[F], _ []F, x [][]F) []float64 {
			k.Axpy(x[0], 0.3, x[1])
			return nil
		}},
		kernelCase[F]{name: "MulAdd", in: 3, call: func(k *Kernels[F], dst []F, x [][]F) []float64 {
			k.MulAdd(dst, x[0], x[1], x[2])
			return nil
		}},
		kernelCase[F]{name: "SiLUGradGrad", in: 3, alias: 2, call: func(k *Kernels[F], dst []F, x [][]F) []float64 {
			k.SiLUGradGrad(dst, x[0], x[1], x[2])
			return nil
		}},
		kernelCase[F]{name: "TanhGradGrad", in: 3, alias: 2, call: func(k *Kernels[F], dst []F, x [][]F) []float64 {
			k.TanhGradGrad(dst, x[0], x[1], x[2])
			return nil
		}},
		kernelCase[F]{name: "SELUGradGrad", in: 3, alias: 2, call: func(k *Kernels[F], dst []F, x [][]F) []float64 {
			k.SELUGradGrad(dst, x[0], x[1], x[2])
			return nil
		}},
		kernelCase[F]{name: "SiLUSlopes", in: 3, own: true, call: func(k *Kernels[F], _ []F, x [][]F) []float64 {
			k.SiLUSlopes(x[0], x[0], x[1], x[2])
			return nil
		}},
		kernelCase[F]{name: "MulGradGrad", in: 4, alias: 2, call: func(k *Kernels[F], dst []F, x [][]F) []float64 {
			k.MulGradGrad(dst, x[0], x[1], x[2], x[3])
			return nil
		}},
		kernelCase[F]{name: "MulPlus", in: 3, call: func(k *Kernels[F], dst []F, x [][]F) []float64 {
			k.MulPlus(dst, x[0], x[1], x[2])
			return nil
		}},
		kernelCase[F]{name: "Combine", in: 5, alias: 2, call: func(k *Kernels[F], dst []F, x [][]F) []float64 {
			k.Combine(dst, x[0], x[1], []F{0.3, -2, 0.7}, x[2:])
			return nil
		}},
		kernelCase[F]{name: "Dot", in: 2, call: func(k *Kernels[F], _ []F, x [][]F) []float64 {
			return []float64{float64(k.Dot(x[0], x[1]))}
		}},
		kernelCase[F]{name: "Sum", in: 1, call: func(k *Kernels[F], _ []F, x [][]F) []float64 {
			return []float64{k.Sum(x[0])}
		}},
		kernelCase[F]{name: "SumSq", in: 1, call: func(k *Kernels[F], _ []F, x [][]F) []float64 {
			return []float64{k.SumSq(x[0])}
		}},
		kernelCase[F]{name: "AddRows", in: 1, own: true, grain: 3, call: func(k *Kernels[F], _ []F, x [][]F) []float64 {
			n := len(x[0]) / 3
			k.AddRows(x[0][:n], x[0][n:])
			return nil
		}},
		kernelCase[F]{name: "AddRow", in: 2, grain: 3, alias: 1, call: func(k *Kernels[F], dst []F, x [][]F) []float64 {
			k.AddRow(dst, x[0], x[1][:len(dst)/3])
			return nil
		}},
		kernelCase[F]{name: "Adam", in: 4, own: true, call: func(k *Kernels[F], _ []F, x [][]F) []float64 {
			k.Adam(x[0], x[1], x[2], x[3], AdamCoeffs{Beta1: 0.9, Beta2: 0.999, Step: 0.01, Eps: 1e-8, Decay: 0.02})
			return nil
		}},
		kernelCase[F]{name: "LeastTwo", in: 2, call: func(k *Kernels[F], _ []F, x [][]F) []float64 {
			at, least, second := k.LeastTwo(x[0], x[1])
			return []float64{float64(at), float64(least), float64(second)}
		}},
		kernelCase[F]{name: "Relax", in: 4, own: true, call: func(k *Kernels[F], _ []F, x [][]F) []float64 {
			return []float64{float64(k.Relax(x[0], x[1], x[2], x[3], 0.3, 7))}
		}},
		kernelCase[F]{name: "SqDist", in: 2, own: true, grain: 32, call: func(k *Kernels[F], _ []F, x [][]F) []float64 {
			if n := len(x[0]) / 32; n > 0 {
				k.SqDist(x[0][:32], x[0][32:][:n-1], x[1][:32*(n-1)])
			}
			return nil
		}},
		kernelCase[F]{name: "Transpose", in: 2, grain: 3, own: true, call: func(k *Kernels[F], _ []F, x [][]F) []float64 {
			k.Transpose(x[0], x[1], len(x[0])/3, 3)
			return nil
		}},
	)
}

// field returns the kernel with this name.
func field[F Float](k *Kernels[F], name string) any {
	return reflect.ValueOf(k).Elem().FieldByName(name).Interface()
}

// byName1 returns the kernel of one argument with this name.
func byName1[F Float](k *Kernels[F], name string) func(dst, x []F) {
	return field(k, name).(func(dst, x []F))
}

// TestEveryKernelHasACase fails for a kernel that nobody tests.
func TestEveryKernelHasACase(t *testing.T) {
	known := map[string]bool{}
	for _, c := range cases[float32]() {
		known[c.name] = true
	}
	known["Philox"], known["Normal"] = true, true // random_test.go
	k := reflect.TypeFor[Kernels[float32]]()
	for i := range k.NumField() {
		f := k.Field(i)
		if f.Type.Kind() == reflect.Func && f.IsExported() {
			require.True(t, known[f.Name], "no case for %s", f.Name)
			for _, l := range Levels() {
				require.False(t, reflect.ValueOf(At[float32](l)).Elem().Field(i).IsNil(), "%v has no %s", l, f.Name)
				require.False(t, reflect.ValueOf(At[float64](l)).Elem().Field(i).IsNil(), "%v has no %s", l, f.Name)
			}
		}
	}
}

// specials are the values at which something changes: zeros, infinities, NaN, the ends of the subnormal and of
// the normal numbers, and each side of every clamp, reduction and branch.
func specials[F Float]() []F {
	k := tableOf[F]()
	zero, inf := F(0), F(math.Inf(1))
	s := []F{zero, inf, F(math.NaN()), k[kTiny], k[kHuge], fromBits[F](1), fromBits[F](toBits(k[kTiny]) - 1)}
	edges := []F{1, 2, 0.5, -k[kExpLo], k[kExpHi], -k[kEm1Lo], k[kErfHi], k[kGeluHi], sinLimit[F](), k[kLn2Hi] / 2,
		F(math.Sqrt2), F(math.Sqrt2 / 2), math.Pi / 2, math.Pi / 4, math.Pi, 1e4, 1e10, k[kHuge] / 3}
	if is32[F]() {
		edges = append(edges, 88.72283, 103.97208, 87.33654)
	} else {
		edges = append(edges, 709.782712893384, 745.1332191019412, 708.3964185322641)
	}
	for _, e := range edges {
		s = append(s, e, fromBits[F](toBits(e)-1), fromBits[F](toBits(e)+1))
	}
	for i := F(0.5); i < 40; i++ { // ties of the reductions
		s = append(s, i*k[kLn2Hi], i*math.Pi/2)
	}
	for _, v := range s {
		s = append(s, -v)
	}
	return s
}

// number draws a number of any kind.
func number[F Float](r *rand.Rand, special []F) F {
	switch r.IntN(8) {
	case 0:
		return special[r.IntN(len(special))]
	case 1:
		return fromBits[F](r.Uint64())
	case 2:
		return F(math.Ldexp(r.Float64()*2-1, r.IntN(300)-200))
	case 3:
		return F(r.Float64()*300 - 150)
	}
	return F(r.NormFloat64() * 3)
}

// aligned returns n elements that begin off elements after a multiple of 64 bytes, with guards on both sides.
type guarded[F Float] struct {
	all, x []F
}

const guard = 16

func newGuarded[F Float](n, off int) guarded[F] {
	size := int(unsafe.Sizeof(F(0)))
	b := make([]F, n+2*guard+64/size+off)
	skip := (64 - int(uintptr(unsafe.Pointer(&b[0]))%64)) % 64 / size
	g := guarded[F]{all: b}
	g.x = b[guard+skip+off:][:n:n]
	for i := range b {
		b[i] = 12345
	}
	return g
}

// intact tells whether all but x is untouched.
func (g guarded[F]) intact() bool {
	lo := 0
	if len(g.x) > 0 {
		lo = int(uintptr(unsafe.Pointer(&g.x[0]))-uintptr(unsafe.Pointer(&g.all[0]))) / int(unsafe.Sizeof(F(0)))
	}
	for i, v := range g.all {
		if v != 12345 && (i < lo || i >= lo+len(g.x)) {
			return false
		}
	}
	return true
}

// sameBits fails the test unless got and want are equal, NaN being equal to NaN.
func sameBits[F Float](t *testing.T, want, got []F, x [][]F, what string, a ...any) {
	t.Helper()
	for i := range want {
		if !same(want[i], got[i]) {
			var in []F
			for _, v := range x {
				in = append(in, v[i])
			}
			require.FailNowf(t, "bits differ", "%s: element %d of %d: generic %x (%v), got %x (%v), inputs %v",
				fmt.Sprintf(what, a...), i, len(want), want[i], want[i], got[i], got[i], in)
		}
	}
}

// check compares kernel c of k with Generic on copies of x, with dst distinct and with dst each of the inputs.
func check[F Float](t *testing.T, k *Kernels[F], c kernelCase[F], x [][]F, off int) {
	t.Helper()
	n := len(x[0])
	if c.grain != 0 {
		n -= n % c.grain
	}
	fresh := func(off int) (gs []guarded[F], xs [][]F) {
		for i, v := range x {
			g := newGuarded[F](n, (off+i)%4)
			copy(g.x, v)
			gs = append(gs, g)
			xs = append(xs, g.x)
		}
		return gs, xs
	}
	_, wx := fresh(0)
	wd := make([]F, n)
	wr := c.call(At[F](Generic), wd, wx)
	for alias := -1; alias < len(x); alias++ {
		if c.own && alias >= 0 || c.alias != 0 && alias >= c.alias {
			break
		}
		gs, xs := fresh(off)
		dst := newGuarded[F](n, off)
		d := dst.x
		if alias >= 0 {
			d = xs[alias]
		}
		r := c.call(k, d, xs)
		for i := range wr {
			require.True(t, same(wr[i], r[i]), "%s %v: n=%d off=%d: generic %x, got %x", c.name, k.Level, n, off, wr[i], r[i])
		}
		if !c.own && wr == nil {
			sameBits(t, wd, d, x, "%s %v n=%d off=%d alias=%d", c.name, k.Level, n, off, alias)
		}
		require.True(t, dst.intact(), "%s %v n=%d off=%d: wrote outside dst", c.name, k.Level, n, off)
		for i := range xs {
			if i != alias {
				sameBits(t, wx[i], xs[i], x, "%s %v n=%d off=%d: operand %d", c.name, k.Level, n, off, i)
			}
			require.True(t, gs[i].intact(), "%s %v n=%d off=%d: wrote outside operand %d", c.name, k.Level, n, off, i)
		}
	}
}

// eachCase runs f for every kernel of every tier above Generic, in both types.
func eachCase(t *testing.T, f32 func(*testing.T, *Kernels[float32], kernelCase[float32]), f64 func(*testing.T, *Kernels[float64], kernelCase[float64])) {
	for _, l := range Levels()[1:] {
		for _, c := range cases[float32]() {
			t.Run(fmt.Sprintf("%v/float32/%s", l, c.name), func(t *testing.T) { f32(t, At[float32](l), c) })
		}
		for _, c := range cases[float64]() {
			t.Run(fmt.Sprintf("%v/float64/%s", l, c.name), func(t *testing.T) { f64(t, At[float64](l), c) })
		}
	}
}

func inputs[F Float](r *rand.Rand, in, n int) [][]F {
	special := specials[F]()
	x := make([][]F, in)
	for i := range x {
		x[i] = make([]F, n)
		for j := range x[i] {
			x[i][j] = number(r, special)
		}
	}
	return x
}

// TestTiersEqualGeneric is the test of the bit contract: every kernel of every tier gives the bits of plain Go at
// all lengths, alignments and aliasings.
func TestTiersEqualGeneric(t *testing.T) {
	eachCase(t, equalGeneric[float32], equalGeneric[float64])
}

func equalGeneric[F Float](t *testing.T, k *Kernels[F], c kernelCase[F]) {
	r := rand.New(rand.NewPCG(1, 2))
	step := 1
	if testing.Short() {
		step = 7
	}
	for n := 0; n <= 130; n += step {
		for off := range 4 {
			check(t, k, c, inputs[F](r, c.in, n), off)
		}
	}
	for _, n := range []int{997, 1000, 1003} {
		check(t, k, c, inputs[F](r, c.in, n), n%4)
	}
	if !testing.Short() {
		check(t, k, c, inputs[F](r, c.in, 2*16384+37), 1)
	}
}

// TestTiersAtSpecialValues pairs every special value with every other.
func TestTiersAtSpecialValues(t *testing.T) {
	eachCase(t, equalAtSpecials[float32], equalAtSpecials[float64])
}

func equalAtSpecials[F Float](t *testing.T, k *Kernels[F], c kernelCase[F]) {
	s := specials[F]()
	if c.in == 1 {
		check(t, k, c, [][]F{s}, 0)
		return
	}
	turns := len(s)
	if testing.Short() {
		turns = 10
	}
	for turn := range turns {
		x := make([][]F, c.in)
		for i := range x {
			shift := turn * i
			x[i] = append(append([]F{}, s[shift%len(s):]...), s[:shift%len(s)]...)
		}
		check(t, k, c, x, 0)
	}
}

// TestTiersOverExponents compares the functions of one argument over all exponents.
func TestTiersOverExponents(t *testing.T) {
	n := 1000
	if testing.Short() {
		n = 20
	}
	var x32 []float32
	var x64 []float64
	sweep(n, func(x float32) {
		x32 = append(x32, x)
		x64 = append(x64, math.Float64frombits(uint64(math.Float32bits(x))<<32|uint64(len(x64))*0x9e3779b9%(1<<32)))
	})
	eachCase(t,
		func(t *testing.T, k *Kernels[float32], c kernelCase[float32]) {
			if c.in == 1 && c.grain == 0 {
				check(t, k, c, [][]float32{x32}, 0)
			}
		},
		func(t *testing.T, k *Kernels[float64], c kernelCase[float64]) {
			if c.in == 1 && c.grain == 0 {
				check(t, k, c, [][]float64{x64}, 0)
			}
		})
}

// TestSlopesAreTheGradients holds SiLUSlopes and MulGradGrad against SiLU, SiLUGrad and SiLUGradGrad, bit by bit.
func TestSlopesAreTheGradients(t *testing.T) {
	for _, l := range Levels() {
		slopes(t, At[float32](l))
		slopes(t, At[float64](l))
	}
}

func slopes[F Float](t *testing.T, k *Kernels[F]) {
	r := rand.New(rand.NewPCG(7, 8))
	in := inputs[F](r, 3, 20000)
	x, g, h := append(in[0], specials[F]()...), in[1], in[2]
	n := len(x)
	for len(g) < n {
		g, h = append(g, F(r.NormFloat64())), append(h, F(r.NormFloat64()))
	}
	column := func() []F { return make([]F, n) }
	y, p, q, want := column(), column(), column(), column()
	k.SiLUSlopes(y, x, p, q)
	k.SiLU(want, x)
	sameBits(t, want, y, [][]F{x}, "%v: SiLU", k.Level)
	k.SiLUGrad(want, x, g)
	k.Mul(y, g, p)
	sameBits(t, want, y, [][]F{x, g}, "%v: SiLUGrad", k.Level)
	dg, also := append([]F(nil), h...), append([]F(nil), h...)
	k.SiLUGradGrad(want, x, g, dg)
	k.MulGradGrad(y, q, g, also, p)
	sameBits(t, want, y, [][]F{x, g, h}, "%v: SiLUGradGrad by x", k.Level)
	sameBits(t, dg, also, [][]F{x, g, h}, "%v: SiLUGradGrad by g", k.Level)
}

// TestLengthsPanic calls kernels with lengths that differ.
func TestLengthsPanic(t *testing.T) {
	for _, l := range Levels() {
		k := At[float32](l)
		a, b := make([]float32, 3), make([]float32, 4)
		require.PanicsWithValue(t, "simd: Add: lengths differ: [3 4 4]", func() { k.Add(a, b, b) })
		require.Panics(t, func() { k.Exp(a, b) })
		require.Panics(t, func() { k.Sin(a, b) })
		require.Panics(t, func() { k.Scale(a, 1, b) })
		require.Panics(t, func() { k.Axpy(a, 1, b) })
		require.Panics(t, func() { k.MulAdd(a, a, a, b) })
		require.Panics(t, func() { k.SiLUGradGrad(a, a, a, b) })
		require.Panics(t, func() { k.SiLUSlopes(a, a, a, b) })
		require.Panics(t, func() { k.MulGradGrad(a, a, a, a, b) })
		require.Panics(t, func() { k.MulPlus(a, a, a, b) })
		require.Panics(t, func() { k.Dot(a, b) })
		require.Panics(t, func() { k.Combine(a, a, a, []float32{1}, [][]float32{b}) })
		require.Panics(t, func() { k.Combine(a, a, a, []float32{1, 2}, [][]float32{a}) })
		require.Panics(t, func() { k.AddRow(b, b, a) })
		require.Panics(t, func() { k.AddRows(a, b) })
		require.Panics(t, func() { k.Adam(a, a, a, b, AdamCoeffs{}) })
		require.Panics(t, func() { k.Transpose(a, a, 2, 2) })
	}
}

// TestNoAllocations runs every kernel at a length with a tail.
func TestNoAllocations(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, l := range Levels() {
		k := At[float32](l)
		x := inputs[float32](r, 5, 1001-1001%3-1)
		d := make([]float32, len(x[0]))
		c := []float32{1, 2, 3}
		row := make([]float32, 4)
		require.Zero(t, testing.AllocsPerRun(3, func() {
			k.Exp(d, x[0])
			k.Sin(d, x[0])
			k.Add(d, x[0], x[1])
			k.Scale(d, 2, x[0])
			k.Axpy(d, 2, x[0])
			k.MulAdd(d, x[0], x[1], x[2])
			k.SiLUGradGrad(d, x[0], x[1], x[2])
			k.SiLUSlopes(d, x[0], x[1], x[2])
			k.MulGradGrad(d, x[0], x[1], x[2], x[3])
			k.MulPlus(d, x[0], x[1], x[2])
			k.Combine(d, x[0], x[1], c, x[2:])
			k.Adam(d, x[0], x[1], x[2], AdamCoeffs{})
			k.Sum(d)
			k.SumSq(d)
			k.Dot(d, d)
			k.AddRow(d[:996], x[0][:996], row[:3])
			k.AddRows(row[:3], x[0][:996])
		}), "%v", l)
	}
}
