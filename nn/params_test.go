package nn

import (
	"bytes"
	"encoding/binary"
	"maps"
	"math"
	"slices"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"pushforward/autograd"
	"pushforward/simd"
	"pushforward/simd/rng"
)

func TestNamesArePyTorchs(t *testing.T) {
	p := NewParams[float32]()
	NewMLP(p.Root().Sub("net"), autograd.Var[float32].SiLU, 3, 64, 64, 2)
	require.Equal(t, []string{"net.0.weight", "net.0.bias", "net.2.weight", "net.2.bias", "net.4.weight", "net.4.bias"}, p.Names())
	require.Equal(t, 3*64+64+64*64+64+64*2+2, p.Count())
	theta := p.Init(rng.New(1))
	shapes := map[string]autograd.Shape{}
	for name, x := range p.All(theta) {
		shapes[name] = x.Shape
	}
	require.Equal(t, autograd.Dims(64, 3), shapes["net.0.weight"])
	require.Equal(t, autograd.Dims(2), shapes["net.4.bias"])
}

// Every array starts on a 64-byte boundary of memory, and what lies between is zero.
func TestLayout(t *testing.T) {
	layoutOf[float32](t)
	layoutOf[float64](t)
}

func layoutOf[F simd.Float](t *testing.T) {
	for range 20 {
		p := NewParams[F]()
		s := p.Root()
		s.Param("a", Ones, 3, 5)
		s.Param("b", Ones)
		s.Param("none", Ones, 4, 0)
		s.Param("c", Ones, 16)
		theta := p.Init(rng.New(1))
		require.Len(t, theta, p.Len())
		var ones F
		for name, x := range p.All(theta) {
			if len(x.Data) > 0 {
				require.Zero(t, uintptr(unsafe.Pointer(&x.Data[0]))%64, name)
			}
			require.Equal(t, len(x.Data), cap(x.Data))
		}
		for _, v := range theta {
			ones += v
		}
		require.Equal(t, F(32), ones)
		require.Equal(t, 32, p.Count())
	}
}

// Initial values hang on the name, not on the order of declaration, nor on F but for rounding.
func TestInitIsByName(t *testing.T) {
	names := []string{"a", "b.weight", "c"}
	build := func(order []string) (map[string][]float64, map[string][]float32) {
		p, q := NewParams[float64](), NewParams[float32]()
		for _, n := range order {
			p.Root().Param(n, Normal(2), 7, 3)
			q.Root().Param(n, Normal(2), 7, 3)
		}
		a, b := map[string][]float64{}, map[string][]float32{}
		for n, x := range p.All(p.Init(rng.New(5))) {
			a[n] = x.Data
		}
		for n, x := range q.All(q.Init(rng.New(5))) {
			b[n] = x.Data
		}
		return a, b
	}
	a, short := build(names)
	back := slices.Clone(names)
	slices.Reverse(back)
	b, _ := build(back)
	require.Equal(t, a, b)
	require.NotEqual(t, a["a"], a["c"])
	for n, x := range a {
		for i := range x {
			require.Equal(t, float32(x[i]), short[n][i])
		}
	}
}

func TestInitLaws(t *testing.T) {
	const in, out, n = 300, 200, 300 * 200
	key := rng.New(3)
	for _, c := range []struct {
		name      string
		init      Init
		sd, bound float64 // bound 0: normal
	}{
		{"kaiming uniform", KaimingUniform, 1 / math.Sqrt(3*in), 1 / math.Sqrt(in)},
		{"kaiming normal", KaimingNormal, math.Sqrt(2.0 / in), 0},
		{"lecun", LecunNormal, math.Sqrt(1.0 / in), 0},
		{"xavier uniform", XavierUniform, math.Sqrt(2.0 / (in + out)), math.Sqrt(6.0 / (in + out))},
		{"xavier normal", XavierNormal, math.Sqrt(2.0 / (in + out)), 0},
		{"normal", Normal(3), 3, 0},
		{"uniform", Uniform(2), 2 / math.Sqrt(3), 2},
		{"zeros", Zeros, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := make([]float64, n)
			c.init(x, in, out, key)
			var s, s2, top float64
			for _, v := range x {
				s += v
				s2 += v * v
				top = max(top, math.Abs(v))
			}
			require.InDelta(t, 0, s/n, 5*c.sd/math.Sqrt(n))
			require.InDelta(t, c.sd, math.Sqrt(s2/n), 0.02*c.sd)
			if c.bound > 0 {
				require.LessOrEqual(t, top, c.bound)
				require.Greater(t, top, 0.99*c.bound)
			}
		})
	}
	x := make([]float64, 3)
	Ones(x, 0, 0, key)
	require.Equal(t, []float64{1, 1, 1}, x)
	Constant(-2)(x, 0, 0, key)
	require.Equal(t, []float64{-2, -2, -2}, x)
}

func TestFans(t *testing.T) {
	got := map[string][2]int{}
	probe := func(name string) Init {
		return func(_ []float64, in, out int, _ rng.Key) { got[name] = [2]int{in, out} }
	}
	p := NewParams[float32]()
	s := p.Root()
	s.Param("scalar", probe("scalar"))
	s.Param("vector", probe("vector"), 7)
	s.Param("matrix", probe("matrix"), 5, 3)
	s.Param("conv", probe("conv"), 8, 4, 3, 2)
	p.Init(rng.New(1))
	require.Equal(t, map[string][2]int{"scalar": {1, 1}, "vector": {7, 7}, "matrix": {3, 5}, "conv": {24, 48}}, got)
}

func TestMistakesOfDeclarationPanic(t *testing.T) {
	p := NewParams[float32]()
	s := p.Root().Sub("net")
	s.Param("w", Zeros, 2)
	require.PanicsWithValue(t, `nn: Param "net.w": declared twice`, func() { s.Param("w", Zeros, 3) })
	require.Panics(t, func() { s.Sub("") })
	require.Panics(t, func() { s.Param("v", Zeros, -1) })
	p.Init(rng.New(1))
	require.PanicsWithValue(t, `nn: Param "net.u": the layout was closed by Init`, func() { s.Param("u", Zeros, 3) })
	require.Panics(t, func() { p.All(make([]float32, 1)) })
	require.Panics(t, func() { _ = p.Save(nil, nil, nil) })
}

func small[F simd.Float]() *Params[F] {
	p := NewParams[F]()
	NewMLP(p.Root().Sub("net"), autograd.Var[F].Tanh, 3, 5, 2)
	return p
}

func TestSaveLoad(t *testing.T) {
	p := small[float32]()
	theta := p.Init(rng.New(1))
	meta := map[string]string{"dim": "2"}
	var b bytes.Buffer
	require.NoError(t, p.Save(&b, theta, meta))
	again := p.Zeros()
	got, err := p.Load(bytes.NewReader(b.Bytes()), again)
	require.NoError(t, err)
	require.Equal(t, meta, got)
	require.Equal(t, theta, again)

	// To float64 and back.
	q := small[float64]()
	wide := q.Zeros()
	_, err = q.Load(bytes.NewReader(b.Bytes()), wide)
	require.NoError(t, err)
	b.Reset()
	require.NoError(t, q.Save(&b, wide, nil))
	clear(again)
	_, err = p.Load(&b, again)
	require.NoError(t, err)
	require.Equal(t, theta, again)
}

// A file that does not fit changes nothing, and the error lists all that differs.
func TestLoadListsEveryMismatch(t *testing.T) {
	p := small[float32]()
	theta := p.Init(rng.New(1))
	kept := slices.Clone(theta)
	f := &File{}
	f.Add("net.0.weight", make([]float32, 15), 3, 5)
	f.Add("net.0.bias", make([]float32, 5))
	f.Add("net.2.weight", make([]float32, 10), 2, 5)
	f.Add("net.9.bias", make([]float32, 5))
	_, err := p.Load(bytes.NewReader(written(t, f)), theta)
	require.ErrorIs(t, err, ErrMismatch)
	require.EqualError(t, err, `nn: load: 3 names differ: "net.0.weight" is [3 5], want [5 3]; missing "net.2.bias"; unknown "net.9.bias": parameters differ`)
	require.Equal(t, kept, theta)

	raw := written(t, &File{Arrays: p.Arrays(theta)})
	raw[len(raw)-1] ^= 1
	_, err = p.Load(bytes.NewReader(raw), theta)
	require.ErrorIs(t, err, ErrFormat)
	require.Equal(t, kept, theta)
}

// What Python's safetensors library writes: no metadata, names sorted, half precision.
func TestLoadForeign(t *testing.T) {
	p := NewParams[float32]()
	p.Root().Param("b", Zeros, 2)
	p.Root().Param("w", Zeros, 1, 2)
	raw := pack(`{"b":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]},"w":{"dtype":"F64","shape":[1,2],"data_offsets":[4,20]}}`, 0x80, 0x3f, 0, 0x40)
	raw = binary.LittleEndian.AppendUint64(raw, math.Float64bits(-3))
	raw = binary.LittleEndian.AppendUint64(raw, math.Float64bits(0.1))
	theta := p.Zeros()
	_, err := p.Load(bytes.NewReader(raw), theta)
	require.NoError(t, err)
	got := map[string][]float32{}
	for name, x := range maps.All(maps.Collect(p.All(theta))) {
		got[name] = x.Data
	}
	require.Equal(t, map[string][]float32{"b": {1, 2}, "w": {-3, 0.1}}, got)
}

func TestLookup(t *testing.T) {
	p := small[float64]()
	at, ok := p.Lookup("net.2.bias")
	require.True(t, ok)
	require.Equal(t, autograd.Dims(2), at.Shape)
	_, ok = p.Lookup("net.1.bias")
	require.False(t, ok)
}
