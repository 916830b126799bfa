package dataset

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/simd/rng"
)

func TestDigits(t *testing.T) {
	x, class := Digits()
	require.Len(t, x, 1797*64)
	require.Len(t, class, 1797)
	require.Equal(t, []float64{0, 0, 5, 13, 9, 1, 0, 0}, x[:8])
	require.Equal(t, []int{0, 1, 2, 3}, class[:4])
	count := make([]int, 10)
	for _, c := range class {
		count[c]++
	}
	// The counts that scikit-learn's description of the set gives.
	require.Equal(t, []int{178, 182, 177, 183, 181, 182, 181, 179, 174, 180}, count)
	for _, v := range x {
		require.True(t, v >= 0 && v <= 16 && v == math.Floor(v))
	}
}

func TestPenguins(t *testing.T) {
	p := Penguins()
	require.Equal(t, 344, p.Rows)
	require.Equal(t, []string{"Adelie", "Chinstrap", "Gentoo"}, p.Classes[0])
	require.Equal(t, []string{"Biscoe", "Dream", "Torgersen"}, p.Classes[1])
	require.Equal(t, []string{"female", "male"}, p.Classes[6])
	require.Len(t, p.Classes, 3)

	_, err := p.Select("species")
	require.ErrorIs(t, err, ErrData)
	require.EqualError(t, err, `dataset: penguins: column "island" is text (Biscoe, Dream, Torgersen): make it a condition or leave it out`)

	m, err := p.Without("island", "sex", "year")
	require.NoError(t, err)
	r, err := m.Select("species")
	require.NoError(t, err)
	require.Equal(t, 342, r.N)
	require.Equal(t, 2, r.Dropped)
	require.Equal(t, []string{"bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"}, r.Columns)
	require.Equal(t, []float64{39.1, 18.7, 181, 3750}, r.X[:4])
	require.Equal(t, []Condition{{"species", []string{"Adelie", "Chinstrap", "Gentoo"}}}, r.Cond)
	require.Equal(t, 4, r.Index[3])
	require.Equal(t, 1.0, r.C[r.N-1])
	require.NoError(t, r.CheckFit())

	r, err = p.Select("species", "sex", "island")
	require.NoError(t, err)
	require.Equal(t, 333, r.N)
	require.Equal(t, 11, r.Dropped)
	require.Len(t, r.C, 3*333)
}

func TestCSVAccepts(t *testing.T) {
	cases := []struct {
		name, text string
		columns    []string
		x          []float64
		classes    map[int][]string
	}{
		{"header", "a,b\n1,2\n3,4\n", []string{"a", "b"}, []float64{1, 2, 3, 4}, nil},
		{"no header", "1,2\n3,4", []string{"x0", "x1"}, []float64{1, 2, 3, 4}, nil},
		{"byte order mark and CRLF", "\xef\xbb\xbfa,b\r\n1,-2.5e3\r\n", []string{"a", "b"}, []float64{1, -2500}, nil},
		{"quoted", "\"a, first\",\"b\"\"\"\n\"1\",\"x\ny\"\n", []string{"a, first", `b"`}, []float64{1, 0}, map[int][]string{1: {"x\ny"}}},
		{"blanks and an empty line", " a , b \n\n 1 ,\t2\n", []string{"a", "b"}, []float64{1, 2}, nil},
		{"classes are sorted", "k,v\nz,1\na,2\nz,3\n", []string{"k", "v"}, []float64{1, 1, 0, 2, 1, 3}, map[int][]string{0: {"a", "z"}}},
		{"a class that looks like a number", "k\nz\n12\n", []string{"k"}, []float64{1, 0}, map[int][]string{0: {"12", "z"}}},
		{"missing", "a,b\n,NA\n?,1\n", []string{"a", "b"}, []float64{math.NaN(), math.NaN(), math.NaN(), 1}, nil},
		{"tabs", "a\tb\n1\t2\n", []string{"a", "b"}, []float64{1, 2}, nil},
		{"semicolons", "1.5;2\n3;4\n", []string{"x0", "x1"}, []float64{1.5, 2, 3, 4}, nil},
		{"decimal commas become text", "a;b\n1,5;2\n", []string{"a", "b"}, []float64{0, 2}, map[int][]string{0: {"1,5"}}},
		{"an unnamed index column", ",a\n0,7\n", []string{"x0", "a"}, []float64{0, 7}, nil},
		{"one row, one column", "3", []string{"x0"}, []float64{3}, nil},
		{"text without a header", "1,setosa\n2,virginica\n", []string{"x0", "x1"}, []float64{1, 0, 2, 1}, map[int][]string{1: {"setosa", "virginica"}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := OpenCSV(strings.NewReader(c.text), "t.csv")
			require.NoError(t, err)
			require.Equal(t, c.columns, got.Columns)
			require.Equal(t, len(c.x)/len(c.columns), got.Rows)
			require.Equal(t, fmt.Sprint(c.x), fmt.Sprint(got.X))
			if c.classes == nil {
				c.classes = map[int][]string{}
			}
			require.Equal(t, c.classes, got.Classes)
		})
	}
}

func TestCSVRefuses(t *testing.T) {
	cases := []struct{ name, text, want string }{
		{"empty", "", "dataset: t.csv: the file is empty"},
		{"blank lines", "\n\n\r\n", "dataset: t.csv: the file is empty"},
		{"mark only", "\xef\xbb\xbf", "dataset: t.csv: the file is empty"},
		{"header only", "a,b\n", "dataset: t.csv: a header and no rows"},
		{"ragged", "a,b\n1,2\n3\n", "dataset: t.csv: row 2: it has 1 cells, the rows before have 2 (line 3)"},
		{"ragged, longer", "1,2\n3,4,5\n", "dataset: t.csv: row 2: it has 3 cells, the rows before have 2 (line 2)"},
		{"text among numbers", "a,b\n1,2\n3,old\n", `dataset: t.csv: row 2, column "b": "old" is not a number, as 2 before it (line 3)`},
		{"NaN", "a,b\n1,nan\n", `dataset: t.csv: row 1, column "b": nan is not finite (line 2)`},
		{"Inf", "a,b\n1,2\n-Inf,2\n", `dataset: t.csv: row 2, column "a": -Inf is not finite (line 3)`},
		{"too large", "1,2\n1e999,2\n", `dataset: t.csv: row 2, column "x0": 1e999 is out of range (line 2)`},
		{"bare quote", "a,b\n1,2\"\n", "dataset: t.csv: row 1: bare \" in non-quoted-field (line 2)"},
		{"open quote", "a,b\n1,\"2\n", "dataset: t.csv: row 1: extraneous or missing \" in quoted-field (line 2)"},
		{"same name twice", "a,a\n1,2\n", `dataset: t.csv: columns 1 and 2 are both called "a"`},
		{"UTF-16", "\xff\xfea\x00", "dataset: t.csv: the file is UTF-16; save it as UTF-8"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := OpenCSV(strings.NewReader(c.text), "t.csv")
			require.ErrorIs(t, err, ErrData)
			require.EqualError(t, err, c.want)
		})
	}
}

func TestKeepBad(t *testing.T) {
	inf := math.Inf(1)
	got, err := OpenCSV(strings.NewReader("a,b\n1,nan\n-Inf,2\n1e999,old\n3,\n"), "t.csv", KeepBad)
	require.NoError(t, err)
	require.True(t, math.IsNaN(got.X[7]), "a missing cell stays missing")
	require.Equal(t, []float64{1, inf, inf, 2, inf, inf, 3}, got.X[:7])
	got, err = OpenNPY(bytes.NewReader(npy(1, "<f8", false, "(2, 2)", encode(binary.LittleEndian, []float64{1, math.NaN(), math.Inf(-1), 2}))), "t.npy", KeepBad)
	require.NoError(t, err)
	require.Equal(t, []float64{1, inf, inf, 2}, got.X)
}

func TestCheckFit(t *testing.T) {
	cases := []struct{ text, want string }{
		{"a,b\n1,2\n", "dataset: t.csv: one row: a law cannot be learned from it"},
		{"a,b\n1,2\n1,\n", "dataset: t.csv: one row (1 with a missing cell were left out): a law cannot be learned from it"},
		{"a,b\n1,2\n1,2\n1,2\n", "dataset: t.csv: all columns are constant: every one of the 3 rows is the same"},
	}
	for _, c := range cases {
		tab, err := OpenCSV(strings.NewReader(c.text), "t.csv")
		require.NoError(t, err)
		r, err := tab.Select()
		require.NoError(t, err)
		err = r.CheckFit()
		require.ErrorIs(t, err, ErrData)
		require.EqualError(t, err, c.want)
	}
	tab, _ := OpenCSV(strings.NewReader("a,b\n1,2\n1,3\n"), "t.csv")
	r, err := tab.Select()
	require.NoError(t, err)
	require.NoError(t, r.CheckFit())
	require.Equal(t, []int{0}, r.Constant())

	for cond, want := range map[string]string{
		"c":   `dataset: t.csv: no column "c"; there are a, b`,
		"a a": `dataset: t.csv: column "a" is named twice`,
		"a b": "dataset: t.csv: no column is left as data",
	} {
		_, err := tab.Select(strings.Fields(cond)...)
		require.EqualError(t, err, want)
		require.ErrorIs(t, err, ErrData)
	}
	tab, _ = OpenCSV(strings.NewReader("a,b\n1,\n,2\n"), "t.csv")
	_, err = tab.Select()
	require.EqualError(t, err, "dataset: t.csv: every one of its 2 rows has a missing cell")
}

func TestTooManyClasses(t *testing.T) {
	var b strings.Builder
	for i := range maxClasses + 1 {
		fmt.Fprintf(&b, "name%d,%d\n", i, i)
	}
	tab, err := OpenCSV(strings.NewReader(b.String()), "t.csv")
	require.NoError(t, err)
	_, err = tab.Select("x0")
	require.ErrorIs(t, err, ErrData)
	require.EqualError(t, err, `dataset: t.csv: column "x0" has 1001 classes; a condition can have 1000`)
}

// endless yields a record without an end.
type endless struct{ read int }

func (e *endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'a'
	}
	e.read += len(b)
	return len(b), nil
}

func TestCSVEndlessRecord(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 64 MiB")
	}
	e := &endless{}
	_, err := OpenCSV(e, "bomb.csv")
	require.ErrorIs(t, err, ErrData)
	require.EqualError(t, err, "dataset: bomb.csv: row 1: a record is longer than 64 MiB")
	require.Less(t, e.read, maxRecord+(1<<20))
}

func npy(version byte, descr string, fortran bool, shape string, body []byte) []byte {
	order := "False"
	if fortran {
		order = "True"
	}
	h := fmt.Sprintf("{'descr': '%s', 'fortran_order': %s, 'shape': %s, }", descr, order, shape)
	b := append([]byte("\x93NUMPY"), version, 0)
	if version == 1 {
		b = binary.LittleEndian.AppendUint16(b, uint16(len(h)))
	} else {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(h)))
	}
	return append(append(b, h...), body...)
}

func encode(o binary.ByteOrder, v any) []byte {
	var b bytes.Buffer
	if err := binary.Write(&b, o, v); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func TestNPYAccepts(t *testing.T) {
	le, be := binary.LittleEndian, binary.BigEndian
	cases := []struct {
		name string
		file []byte
		cols int
		x    []float64
	}{
		{"f8", npy(1, "<f8", false, "(2, 3)", encode(le, []float64{1, 2, 3, 4, 5, -6.5})), 3, []float64{1, 2, 3, 4, 5, -6.5}},
		{"f8 big endian, format 2", npy(2, ">f8", false, "(2,)", encode(be, []float64{1, 2})), 1, []float64{1, 2}},
		{"f4 Fortran, format 3", npy(3, "<f4", true, "(2, 3)", encode(le, []float32{1, 4, 2, 5, 3, 6})), 3, []float64{1, 2, 3, 4, 5, 6}},
		{"f2", npy(1, "<f2", false, "(5,)", encode(le, []uint16{0x3c00, 0xc000, 0x0001, 0x7bff, 0x8000})), 1, []float64{1, -2, 0x1p-24, 65504, 0}},
		{"i1", npy(1, "|i1", false, "(3,)", []byte{1, 0xff, 0x80}), 1, []float64{1, -1, -128}},
		{"i2 big", npy(1, ">i2", false, "(2,)", encode(be, []int16{-3, 300})), 1, []float64{-3, 300}},
		{"i4", npy(1, "<i4", false, "(2,)", encode(le, []int32{-3, 1 << 30})), 1, []float64{-3, 1 << 30}},
		{"i8", npy(1, "<i8", false, "(2, 1)", encode(le, []int64{-3, 1 << 50})), 1, []float64{-3, 1 << 50}},
		{"u1", npy(1, "|u1", false, "(2,)", []byte{1, 255}), 1, []float64{1, 255}},
		{"u2", npy(1, "<u2", false, "(1,)", encode(le, []uint16{65535})), 1, []float64{65535}},
		{"u4 big", npy(1, ">u4", false, "(1,)", encode(be, []uint32{1 << 31})), 1, []float64{1 << 31}},
		{"u8", npy(1, "<u8", false, "(1,)", encode(le, []uint64{1 << 63})), 1, []float64{1 << 63}},
		{"bool", npy(1, "|b1", false, "(1, 3)", []byte{0, 1, 2}), 3, []float64{0, 1, 1}},
		{"Python 2's long", npy(1, "<f4", false, "(1L, 1L)", encode(le, []float32{7})), 1, []float64{7}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			tab, err := OpenNPY(bytes.NewReader(c.file), "t.npy")
			require.NoError(t, err)
			require.Len(t, tab.Columns, c.cols)
			require.Equal(t, len(c.x)/c.cols, tab.Rows)
			require.Equal(t, c.x, tab.X)
		})
	}
}

func TestNPYRefuses(t *testing.T) {
	body := make([]byte, 16)
	nan := encode(binary.LittleEndian, []float64{1, 2, math.NaN(), 4})
	raw := func(h string) []byte {
		return append(append([]byte("\x93NUMPY\x01\x00"), byte(len(h)), 0), h...)
	}
	cases := []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "the file is empty"},
		{"foreign", []byte("PK\x03\x04 a zip file"), `not an NPY file: it does not begin with \x93NUMPY`},
		{"short", []byte("\x93NUM"), `not an NPY file: it does not begin with \x93NUMPY`},
		{"format 9", append([]byte("\x93NUMPY\x09\x00"), body...), "NPY format 9.0 is not known"},
		{"header cut", []byte("\x93NUMPY\x01\x00\xff\x00{"), "the header is cut short"},
		{"header of 4 GB", []byte("\x93NUMPY\x02\x00\xff\xff\xff\xff"), "a header of 4294967295 bytes is too long"},
		{"too few bytes", npy(1, "<f8", false, "(3, 1)", body), "the header says 3 × 1 numbers, the file ends after 2"},
		{"bytes left over", npy(1, "<f8", false, "(1,)", body), "bytes follow the 1 × 1 numbers of the header"},
		{"2⁶² rows", npy(1, "<f8", false, "(4611686018427387904,)", body), "header: the shape has no number from 0 to 2147483647 at \"4611686018427387904,), }\""},
		{"shape that wraps", npy(1, "<f8", false, "(2147483647, 2147483647)", body), "2147483647 × 2147483647 numbers are too many"},
		{"8 GiB claimed", npy(1, "<f8", false, "(1073741824,)", body), "1073741824 × 1 numbers are too many"},
		{"1 GiB claimed", npy(1, "<f8", false, "(134217728,)", body), "the header says 134217728 × 1 numbers, the file ends after 2"},
		{"negative", npy(1, "<f8", false, "(-1, 2)", body), "header: the shape has no number from 0 to 2147483647 at \"-1, 2), }\""},
		{"no rows", npy(1, "<f8", false, "(0, 2)", nil), "the array has no rows"},
		{"no columns", npy(1, "<f8", false, "(3, 0)", nil), "the array has no columns"},
		{"scalar", npy(1, "<f8", false, "()", body[:8]), "the array has 0 axes; rows and columns make two"},
		{"cube", npy(1, "<f8", false, "(1, 1, 2)", body), "the array has 3 axes; rows and columns make two"},
		{"objects", npy(1, "|O", false, "(2,)", body), `elements of type "|O" are not numbers this reads (f2 f4 f8 i1 i2 i4 i8 u1 u2 u4 u8 b1)`},
		{"strings", npy(1, "<U4", false, "(1,)", body), `elements of type "<U4" are not numbers this reads (f2 f4 f8 i1 i2 i4 i8 u1 u2 u4 u8 b1)`},
		{"complex", npy(1, "<c16", false, "(1,)", body), `elements of type "<c16" are not numbers this reads (f2 f4 f8 i1 i2 i4 i8 u1 u2 u4 u8 b1)`},
		{"NaN", npy(1, "<f8", false, "(2, 2)", nan), `row 2, column "x0": NaN is not finite`},
		{"NaN, Fortran", npy(1, "<f8", true, "(2, 2)", nan), `row 1, column "x1": NaN is not finite`},
		{"not a dictionary", raw("[1]"), "header: it does not begin with {"},
		{"key twice", raw("{'shape': (1,), 'shape': (2,)}"), `header: "shape" is there twice`},
		{"key missing", raw("{'descr': '<f8', 'shape': (2,)}"), `header: "fortran_order" is missing`},
		{"unknown key", raw("{'evil': 1}"), `header: unknown key "evil"`},
		{"open quote", raw("{'descr"), "header: a quote is not closed"},
		{"named fields", raw("{'descr': [('a', '<f8')]}"), "header: records with named fields are not an array of numbers"},
		{"text after it", raw("{'descr': '<f8', 'fortran_order': False, 'shape': (1,)}x"), "header: text follows the }"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := OpenNPY(bytes.NewReader(c.file), "t.npy")
			require.ErrorIs(t, err, ErrData)
			require.EqualError(t, err, "dataset: t.npy: "+c.want)
		})
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, body []byte) string {
		p := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(p, body, 0o644))
		return p
	}
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	_, err := io.WriteString(w, "a,b\n1,2\n3,4\n")
	require.NoError(t, err)
	require.NoError(t, w.Close())

	for _, p := range []string{
		write("t.csv", []byte("a,b\n1,2\n3,4\n")),
		write("t.TXT", []byte("a,b\n1,2\n3,4\n")),
		write("t.csv.gz", z.Bytes()),
		write("t.npy", npy(1, "<i4", false, "(2, 2)", encode(binary.LittleEndian, []int32{1, 2, 3, 4}))),
	} {
		tab, err := Open(p)
		require.NoError(t, err, p)
		require.Equal(t, filepath.Base(p), tab.Name)
		require.Equal(t, []float64{1, 2, 3, 4}, tab.X)
	}
	for p, want := range map[string]string{
		write("t.parquet", []byte("PAR1")):      "the ending says neither",
		write("bad.csv.gz", []byte("not gzip")): "dataset: bad.csv.gz: ",
		write("cut.csv.gz", z.Bytes()[:20]):     "the compressed data end too soon",
		filepath.Join(dir, "none.csv"):          "none.csv: no such file or directory",
		dir + "/":                               "the ending says neither",
	} {
		_, err := Open(p)
		require.ErrorIs(t, err, ErrData, p)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "\n")
	}
	_, err = Open(filepath.Join(dir, "none.csv"))
	require.True(t, errors.Is(err, fs.ErrNotExist))
}

func TestSplitByHash(t *testing.T) {
	const n, d = 4000, 3
	x := make([]float64, n*d)
	rng.Normal(rng.New(9), x[:n/2*d])
	copy(x[n/2*d:], x[:n/2*d]) // every row twice
	train, held := SplitByHash(rng.New(1), x, d, 0.2)
	require.Len(t, append(append([]int{}, train...), held...), n)
	require.InDelta(t, 0.2, float64(len(held))/n, 4*math.Sqrt(0.2*0.8/(n/2)))
	side := make([]bool, n)
	for _, i := range held {
		side[i] = true
	}
	for i := range n / 2 {
		require.Equal(t, side[i], side[i+n/2], "twins on two sides")
	}
	// The side of a row does not depend on its company.
	_, again := SplitByHash(rng.New(1), x[:n/2*d], d, 0.2)
	require.Equal(t, held[:len(again)], again)
	_, other := SplitByHash(rng.New(2), x, d, 0.2)
	require.NotEqual(t, held, other)

	for n := 2; n < 8; n++ {
		for seed := range uint64(20) {
			train, held = SplitByHash(rng.New(seed), x[:n*d], d, 0.1)
			require.NotEmpty(t, train)
			require.NotEmpty(t, held)
		}
	}
	train, held = SplitByHash(rng.New(1), []float64{1, 1, 1}, 1, 0.2)
	require.Equal(t, 3, len(train)+len(held))
	require.Zero(t, len(train)*len(held), "equal rows share a side")
	require.Equal(t, hash([]float64{0}), hash([]float64{math.Copysign(0, -1)}))
}

func FuzzCSV(f *testing.F) {
	for _, s := range []string{"a,b\n1,2\n", "1;2\n3;4", "\xef\xbb\xbfa\r\nx\r\n", "\"a\n\",b\n1,NA\n", "k\n\"", ",,\n1,2,3\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		tab, err := OpenCSV(bytes.NewReader(b), "f.csv")
		checkReader(t, tab, err, len(b))
	})
}

func FuzzNPY(f *testing.F) {
	f.Add(npy(1, "<f8", false, "(1, 2)", make([]byte, 16)))
	f.Add(npy(2, ">i2", true, "(2, 2)", make([]byte, 8)))
	f.Add(npy(3, "|b1", false, "(3,)", make([]byte, 3)))
	f.Add(npy(1, "<f8", false, "(134217728,)", nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		tab, err := OpenNPY(bytes.NewReader(b), "f.npy")
		checkReader(t, tab, err, len(b))
	})
}

// checkReader is what holds for any file: an error that is ErrData and one line, or a sound table that
// is not larger than the file could make it.
func checkReader(t *testing.T, tab *Table, err error, size int) {
	if err != nil {
		require.ErrorIs(t, err, ErrData)
		require.NotContains(t, err.Error(), "\n")
		require.Less(t, len(err.Error()), 1000)
		return
	}
	require.Len(t, tab.X, tab.Rows*len(tab.Columns))
	require.LessOrEqual(t, len(tab.X), size+1)
	for i, v := range tab.X {
		c, text := tab.Classes[i%len(tab.Columns)]
		require.False(t, math.IsInf(v, 0))
		require.True(t, !text || math.IsNaN(v) || v >= 0 && int(v) < len(c))
	}
	if r, err := tab.Select(); err == nil {
		_ = r.CheckFit()
	} else {
		require.ErrorIs(t, err, ErrData)
	}
}
