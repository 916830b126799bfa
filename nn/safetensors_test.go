package nn

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

func TestReferenceSafetensors(t *testing.T) {
	dir := os.Getenv("PUSHFORWARD_REFERENCE")
	if dir == "" {
		dir = filepath.Join("testdata", "reference")
	}
	dir = filepath.Join(dir, "safetensors")
	raw, err := os.ReadFile(filepath.Join(dir, "expect.json"))
	if os.IsNotExist(err) {
		t.Skipf("no safetensors cases in %s", dir)
	}
	require.NoError(t, err)
	var expect struct {
		Good map[string]map[string]struct {
			Shape []int
			Data  []any
		}
		Bad map[string]string
	}
	require.NoError(t, json.Unmarshal(raw, &expect))
	var passed, failed, skipped int
	run := func(name string, f func(t *testing.T)) {
		t.Run(name, func(t *testing.T) {
			defer func() {
				switch {
				case t.Skipped():
					skipped++
				case t.Failed():
					failed++
				default:
					passed++
				}
			}()
			f(t)
		})
	}
	for _, name := range sortedKeys(expect.Good) {
		run("good/"+name, func(t *testing.T) {
			f, err := openFile(filepath.Join(dir, name))
			require.NoError(t, err)
			require.Len(t, f.Arrays, len(expect.Good[name]))
			for key, want := range expect.Good[name] {
				a := f.Find(key)
				require.NotNil(t, a, key)
				require.Equal(t, append([]int{}, want.Shape...), a.Shape, key)
				got := make([]float64, len(want.Data))
				require.NoError(t, Fill(got, a))
				for i, w := range want.Data {
					x := numberOf(w)
					if math.IsNaN(x) {
						require.True(t, math.IsNaN(got[i]), "%s[%d]", key, i)
					} else {
						require.Equal(t, x, got[i], "%s[%d]", key, i)
					}
				}
			}
		})
	}
	for _, name := range sortedKeys(expect.Bad) {
		run("bad/"+name, func(t *testing.T) {
			_, err := openFile(filepath.Join(dir, name))
			require.ErrorIs(t, err, ErrFormat)
			raw, rerr := os.ReadFile(filepath.Join(dir, name))
			require.NoError(t, rerr)
			_, err = ReadSafetensors(stream{bytes.NewReader(raw)}, -1)
			require.ErrorIs(t, err, ErrFormat)
		})
	}
	t.Logf("reference cases: %d passed, %d failed, %d skipped", passed, failed, skipped)
}

func openFile(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ReadSafetensors(f, -1)
}

// stream hides how long a reader is.
type stream struct{ r io.Reader }

func (s stream) Read(b []byte) (int, error) { return s.r.Read(b) }

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

func numberOf(v any) float64 {
	switch x := v.(type) {
	case float64:
		return x
	case bool:
		if x {
			return 1
		}
		return 0
	case string:
		return map[string]float64{"NaN": math.NaN(), "Infinity": math.Inf(1), "-Infinity": math.Inf(-1)}[x]
	}
	return math.NaN()
}

// assorted is a file with every type that is written, names that need escapes, and arrays
// without entries.
func assorted() *File {
	f := &File{Meta: map[string]string{"step": "17", "quote\"\\\n\x01": "π \u2028 {}", "": ""}}
	f.Add("bytes", []uint8{1, 2, 255})
	f.Add("net.0.weight", []float32{1, -2, float32(math.Inf(1)), 1e-45, 0, float32(math.Copysign(0, -1))}, 2, 3)
	f.Add("π \"quoted\"", []float64{math.Pi, math.MaxFloat64, 5e-324}, 3, 1)
	f.Add("scalar", []int64{math.MinInt64}, []int{}...)
	f.Arrays[3].Shape = []int{}
	f.Add("empty", []float32{}, 4, 0, 2)
	f.Add("i8", []int8{-128, 127})
	f.Add("i16", []int16{-32768, 32767})
	f.Add("i32", []int32{math.MinInt32, math.MaxInt32})
	f.Add("u16", []uint16{65535})
	f.Add("u32", []uint32{math.MaxUint32})
	f.Add("u64", []uint64{math.MaxUint64, 0})
	return f
}

func written(t testing.TB, f *File) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, WriteSafetensors(&b, f))
	return b.Bytes()
}

func TestSafetensorsRoundTrip(t *testing.T) {
	f := assorted()
	raw := written(t, f)
	require.Equal(t, raw, written(t, f), "not deterministic")
	require.Zero(t, binary.LittleEndian.Uint64(raw)%8)
	for name, r := range map[string]io.Reader{
		"sized":   bytes.NewReader(raw),
		"stream":  stream{bytes.NewReader(raw)},
		"one":     iotest.OneByteReader(bytes.NewReader(raw)),
		"dataErr": iotest.DataErrReader(bytes.NewReader(raw)),
	} {
		t.Run(name, func(t *testing.T) {
			g, err := ReadSafetensors(r, -1)
			require.NoError(t, err)
			require.Equal(t, f.Meta, g.Meta)
			require.Len(t, g.Sum, 64)
			require.Len(t, g.Arrays, len(f.Arrays))
			for _, a := range f.Arrays {
				b := g.Find(a.Name)
				require.NotNil(t, b, a.Name)
				require.Equal(t, a.Shape, b.Shape)
				require.Equal(t, a.Data, b.Data)
			}
			require.Equal(t, raw, written(t, &File{Meta: g.Meta, Arrays: g.Arrays}))
		})
	}
	// A size that is given ends the file, whatever follows.
	r := bytes.NewReader(append(append([]byte{}, raw...), "more"...))
	_, err := ReadSafetensors(r, int64(len(raw)))
	require.NoError(t, err)
	require.Equal(t, 4, r.Len())
}

// Each array starts at a multiple of its own width, whatever the order they were added in.
func TestSafetensorsAligned(t *testing.T) {
	f := assorted()
	order, err := writable(f)
	require.NoError(t, err)
	_, entries, _, err := parseHeader(header(f, order)[8:])
	require.NoError(t, err)
	for _, e := range entries {
		require.Zero(t, e.begin%widths[e.dtype], e.name)
	}
}

// Every truncation and every flipped bit of a file of ours is an error: header, names,
// metadata and the sum itself included.
func TestDamageIsNoticed(t *testing.T) {
	f := &File{Meta: map[string]string{"step": "1234", "format": "1"}}
	f.Add("net.0.weight", []float32{1, 2, 3, 4, 5, 6}, 2, 3)
	f.Add("net.0.bias", []float64{7, 8})
	raw := written(t, f)
	check := func(raw []byte, what string, n int) {
		_, err := ReadSafetensors(bytes.NewReader(raw), -1)
		require.ErrorIs(t, err, ErrFormat, "%s %d", what, n)
		_, err = ReadSafetensors(stream{bytes.NewReader(raw)}, -1)
		require.ErrorIs(t, err, ErrFormat, "%s %d", what, n)
	}
	for n := range raw {
		check(raw[:n], "cut to", n)
	}
	check(append(append([]byte{}, raw...), 0), "one byte more", 0)
	flips := 0
	for bit := range 8 * len(raw) {
		b := append([]byte{}, raw...)
		b[bit/8] ^= 1 << (bit % 8)
		check(b, "flipped bit", bit)
		flips++
	}
	require.Greater(t, flips, 1000)
}

// pack puts a header before data without any check.
func pack(header string, data ...byte) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), data...)
}

// hostile files, and what the error must mention.
var hostile = []struct {
	name string
	raw  []byte
	says string
}{
	{"nothing", nil, "cut short"},
	{"seven bytes", make([]byte, 7), "cut short"},
	{"header of no length", make([]byte, 8), "want '{'"},
	{"header of 2⁶³ bytes", append([]byte{0, 0, 0, 0, 0, 0, 0, 0x80}, "{}"...), "at most"},
	{"header of 100 MB and one", append([]byte{1, 0, 0x40, 6, 0, 0, 0, 0}, "{}"...), "at most"},
	{"header longer than the file", append([]byte{100, 0, 0, 0, 0, 0, 0, 0}, "{}"...), ""},
	{"no JSON", pack("hello"), "want '{'"},
	{"a list", pack("[]"), "want '{'"},
	{"space before the header", pack(" {}"), "want '{'"},
	{"text after the header", pack("{} x"), "end of header"},
	{"not UTF-8", pack("{\"\xff\":1}"), "UTF-8"},
	{"lone surrogate", pack(`{"__metadata__":{"a":"\ud800"}}`), "escape"},
	{"reversed surrogates", pack(`{"__metadata__":{"a":"\udc00\ud800"}}`), "escape"},
	{"unknown escape", pack(`{"__metadata__":{"a":"\x"}}`), "escape"},
	{"escape cut short", pack(`{"__metadata__":{"a":"\u12`), "escape"},
	{"control character", pack("{\"__metadata__\":{\"a\":\"\n\"}}"), "control"},
	{"unfinished", pack(`{"a":{"dtype":"F32"`), "ends"},
	{"trailing comma", pack(`{"__metadata__":{"a":"b",}}`), `want '"'`},
	{"metadata twice", pack(`{"__metadata__":{},"__metadata__":{}}`), "twice"},
	{"metadata key twice", pack(`{"__metadata__":{"k":"1","\u006b":"2"}}`), `"k": metadata: the key stands twice`},
	{"metadata of numbers", pack(`{"__metadata__":{"a":1}}`), `want '"'`},
	{"name twice", pack(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 0), `"a": the name stands twice`},
	{"field twice", pack(`{"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 0), `"a": field "dtype" stands twice`},
	{"field unknown", pack(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":[]}}`, 0), `field "x"`},
	{"field missing", pack(`{"a":{"dtype":"U8","data_offsets":[0,1]}}`, 0), `"a": field "shape" is missing`},
	{"type unknown", pack(`{"a":{"dtype":"C64","shape":[1],"data_offsets":[0,8]}}`, make([]byte, 8)...), `"C64"`},
	{"negative extent", pack(`{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}}`, 0), "whole number"},
	{"extent with a point", pack(`{"a":{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}}`, 0), ""},
	{"extent with an exponent", pack(`{"a":{"dtype":"U8","shape":[1e0],"data_offsets":[0,1]}}`, 0), ""},
	{"extent with a leading zero", pack(`{"a":{"dtype":"U8","shape":[01],"data_offsets":[0,1]}}`, 0), "whole number"},
	{"extent NaN", pack(`{"a":{"dtype":"U8","shape":[NaN],"data_offsets":[0,1]}}`, 0), "whole number"},
	{"extent over 64 bits", pack(`{"a":{"dtype":"U8","shape":[18446744073709551617],"data_offsets":[0,1]}}`, 0), "too large"},
	{"shape product wraps", pack(`{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}`), "too large"},
	{"shape product wraps to the right size", pack(`{"a":{"dtype":"F32","shape":[4611686018427387905],"data_offsets":[0,4]}}`, 0, 0, 0, 0), "too large"},
	{"nothing times very much", pack(`{"a":{"dtype":"F32","shape":[0,4611686018427387904],"data_offsets":[0,0]}}`), "too large"},
	{"very many axes", pack(`{"a":{"dtype":"U8","shape":[` + strings.Repeat("1,", 50) + `1],"data_offsets":[0,1]}}`), "more than"},
	{"2⁶² bytes", pack(`{"a":{"dtype":"U8","shape":[4611686018427387904],"data_offsets":[0,4611686018427387904]}}`), ""},
	{"three offsets", pack(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,1]}}`, 0), "want 2"},
	{"reversed offsets", pack(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}}`, 0), "reversed"},
	{"shape and offsets differ", pack(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}`, 0, 0, 0, 0), "needs 8"},
	{"overlap", pack(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}`, 0, 0, 0), `"b": data_offsets: begins at 1, inside`},
	{"same place", pack(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}`, 0, 0), "inside"},
	{"hole", pack(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}`, 0, 0, 0), "hole"},
	{"hole at the start", pack(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, 0, 0), "hole"},
	{"empty array inside another", pack(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[0],"data_offsets":[1,1]}}`, 0, 0), "inside"},
	{"bytes missing", pack(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}`, 0), ""},
	{"bytes left over", pack(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 0, 0), ""},
	{"a BOOL of 2", pack(`{"a":{"dtype":"BOOL","shape":[2],"data_offsets":[0,2]}}`, 1, 2), "BOOL"},
	{"a mark without a sum", pack(`{"__metadata__":{"pushforward.file":"1"}}`), "sum"},
	{"a mark of a later format", pack(`{"__metadata__":{"pushforward.file":"2","pushforward.sha256":"` + strings.Repeat("0", 64) + `"}}`), `"2"`},
	{"a sum of zeros", pack(`{"__metadata__":{"pushforward.file":"1","pushforward.sha256":"` + strings.Repeat("0", 64) + `"}}`), "changed"},
	{"a sum with a space before it", pack(`{"__metadata__":{"pushforward.file":"1","pushforward.sha256": "` + strings.Repeat("0", 64) + `"}}`), "damaged"},
}

func TestHostileFiles(t *testing.T) {
	for _, c := range hostile {
		t.Run(c.name, func(t *testing.T) {
			for _, r := range []io.Reader{bytes.NewReader(c.raw), stream{bytes.NewReader(c.raw)}} {
				_, err := ReadSafetensors(r, -1)
				require.ErrorIs(t, err, ErrFormat)
				require.ErrorContains(t, err, c.says)
				require.True(t, strings.HasPrefix(err.Error(), "nn: safetensors: "), err.Error())
			}
		})
	}
}

// A size that a file only claims is not allocated, and a huge header costs what it holds.
func TestClaimsAllocateNothing(t *testing.T) {
	grown := func(raw []byte) uint64 {
		var a, b runtime.MemStats
		runtime.ReadMemStats(&a)
		_, err := ReadSafetensors(stream{bytes.NewReader(raw)}, -1)
		require.ErrorIs(t, err, ErrFormat)
		runtime.ReadMemStats(&b)
		return b.TotalAlloc - a.TotalAlloc
	}
	const most = 2 << 20
	require.Less(t, grown(pack(`{"a":{"dtype":"F64","shape":[100000000000],"data_offsets":[0,800000000000]}}`, 1, 2, 3)), uint64(most))
	require.Less(t, grown(append([]byte{0, 0, 0x40, 6, 0, 0, 0, 0}, "{}"...)), uint64(most))
}

func TestForeignFiles(t *testing.T) {
	f, err := ReadSafetensors(bytes.NewReader(pack("{}")), -1)
	require.NoError(t, err)
	require.Empty(t, f.Arrays)
	require.Empty(t, f.Sum)

	raw := pack("{\"b\" : {\"shape\":[],\"dtype\":\"F16\",\t\"data_offsets\":[2,4]},\r\n\"__metadata__\":{\"format\":\"pt\",\"\\u00e9\\ud83d\\ude00\\/\":\"\"},"+
		`"a":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]},"c":{"dtype":"BOOL","shape":[2],"data_offsets":[4,6]}}   `,
		0x80, 0x3f, 0x00, 0x3c, 0, 1)
	f, err = ReadSafetensors(bytes.NewReader(raw), -1)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"format": "pt", "é😀/": ""}, f.Meta)
	require.Equal(t, []float32{1}, f.Find("a").Data)
	require.Equal(t, []float32{1}, f.Find("b").Data)
	require.Equal(t, []uint8{0, 1}, f.Find("c").Data)
	require.Equal(t, []int{}, f.Find("b").Shape)
	require.Nil(t, f.Find("d"))
}

// All 65,536 half-precision numbers against their definition.
func TestHalf(t *testing.T) {
	for h := range 1 << 16 {
		e, m := h>>10&31, float64(h&1023)
		want := math.Ldexp(1+m/1024, e-15)
		if e == 0 {
			want = math.Ldexp(m/1024, -14)
		}
		if h>>15 == 1 {
			want = -want
		}
		got := half(uint16(h))
		switch {
		case e == 31 && m != 0:
			require.True(t, got != got)
		case e == 31:
			require.True(t, math.IsInf(float64(got), 1-2*(h>>15)))
		default:
			require.Equal(t, want, float64(got))
			require.Equal(t, h>>15 == 1, math.Signbit(float64(got)))
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	for name, f := range map[string]*File{
		"a name twice":      {Arrays: []Array{{Name: "a", Data: []float32{}, Shape: []int{0}}, {Name: "a", Data: []float32{}, Shape: []int{0}}}},
		"the metadata name": {Arrays: []Array{{Name: "__metadata__", Data: []float32{}, Shape: []int{0}}}},
		"bad UTF-8":         {Arrays: []Array{{Name: "\xff", Data: []float32{}, Shape: []int{0}}}},
		"bad metadata":      {Meta: map[string]string{"a": "\xff"}},
		"a reserved key":    {Meta: map[string]string{"pushforward.sha256": ""}},
		"a wrong shape":     {Arrays: []Array{{Name: "a", Data: []float32{1}, Shape: []int{2}}}},
		"a negative extent": {Arrays: []Array{{Name: "a", Data: []float32{1}, Shape: []int{-1, -1}}}},
		"a wrapping shape":  {Arrays: []Array{{Name: "a", Data: []float32{}, Shape: []int{math.MaxInt32, math.MaxInt32, math.MaxInt32}}}},
		"a foreign type":    {Arrays: []Array{{Name: "a", Data: []string{""}, Shape: []int{1}}}},
	} {
		var b bytes.Buffer
		require.ErrorIs(t, WriteSafetensors(&b, f), ErrFormat, name)
		require.Zero(t, b.Len(), name)
	}
}

var errDisk = errors.New("no space left")

// failAt fails after n bytes.
type failAt struct{ n int }

func (w *failAt) Write(b []byte) (int, error) {
	if len(b) > w.n {
		return w.n, errDisk
	}
	w.n -= len(b)
	return len(b), nil
}

func TestErrorsOfTheStreamAreKept(t *testing.T) {
	raw := written(t, assorted())
	for n := range raw {
		require.ErrorIs(t, WriteSafetensors(&failAt{n}, assorted()), errDisk)
		_, err := ReadSafetensors(io.MultiReader(bytes.NewReader(raw[:n]), iotest.ErrReader(errDisk)), -1)
		require.ErrorIs(t, err, errDisk)
		require.NotErrorIs(t, err, ErrFormat)
	}
	require.NoError(t, WriteSafetensors(&failAt{len(raw)}, assorted()))
}

func TestFill(t *testing.T) {
	f := assorted()
	dst := make([]float32, 2)
	for _, name := range []string{"i8", "i16", "i32", "u64"} {
		require.NoError(t, Fill(dst, f.Find(name)))
		require.Equal(t, fmt.Sprint(dst), fmt.Sprint(dst))
	}
	require.NoError(t, Fill(dst, f.Find("i16")))
	require.Equal(t, []float32{-32768, 32767}, dst)
	require.ErrorIs(t, Fill(dst, f.Find("bytes")), ErrFormat)
}

// Whatever the bytes: no panic, an error that names the format, or a file that goes round.
func FuzzReadSafetensors(f *testing.F) {
	for _, c := range hostile {
		f.Add(c.raw)
	}
	f.Add(written(f, assorted()))
	f.Fuzz(func(t *testing.T, raw []byte) {
		g, err := ReadSafetensors(bytes.NewReader(raw), -1)
		h, err2 := ReadSafetensors(stream{bytes.NewReader(raw)}, -1)
		require.Equal(t, err == nil, err2 == nil)
		if err != nil {
			require.ErrorIs(t, err, ErrFormat)
			require.ErrorIs(t, err2, ErrFormat)
			return
		}
		require.Equal(t, written(t, g), written(t, h))
		again, err := ReadSafetensors(bytes.NewReader(written(t, g)), -1)
		require.NoError(t, err)
		require.Equal(t, len(g.Arrays), len(again.Arrays))
	})
}
