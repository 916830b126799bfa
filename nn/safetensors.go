package nn

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"pushforward/simd"
)

// ErrFormat is what every error about the contents of a safetensors file wraps: a damaged,
// hostile or unsuitable file, as opposed to a reader that failed.
var ErrFormat = errors.New("not a valid safetensors file")

// File is the contents of a safetensors file: named arrays and a table of strings.
//
// The format is eight bytes with the length of a header, the header (one JSON object that
// says what lies where), and the arrays' bytes, little-endian and without gaps. There is
// nothing in it to execute. See docs/checkpoint.md for what this package adds: a sum that
// covers the header too.
type File struct {
	Meta   map[string]string
	Arrays []Array

	// Sum is the SHA-256, in hexadecimal, that ReadSafetensors found and checked. It is
	// empty for a file of another program. WriteSafetensors does not read it.
	Sum string
}

// Array is one named array of a File, row-major.
type Array struct {
	Name  string
	Shape []int

	// Data is a slice of numbers, as long as Shape says: []float32 (types F32, F16 and
	// BF16, the latter two widened without loss), []float64, []int8, []int16, []int32,
	// []int64, []uint8 (U8, and BOOL as 0 and 1), []uint16, []uint32 or []uint64.
	Data any

	// DType is the type that stood in the file. WriteSafetensors goes by Data instead.
	DType string
}

// Add appends an array. data is borrowed; without a shape it is a vector.
func (f *File) Add(name string, data any, shape ...int) {
	if len(shape) == 0 {
		shape = []int{lengthOf(data)}
	}
	f.Arrays = append(f.Arrays, Array{Name: name, Shape: shape, Data: data})
}

// Find returns the array of that name, or nil.
func (f *File) Find(name string) *Array {
	i := slices.IndexFunc(f.Arrays, func(a Array) bool { return a.Name == name })
	if i < 0 {
		return nil
	}
	return &f.Arrays[i]
}

// Len returns the number of entries of a.
func (a *Array) Len() int { return lengthOf(a.Data) }

// Fill copies a's entries to dst, rounding them to F where F is narrower. An a of another
// length is an error.
func Fill[F simd.Float](dst []F, a *Array) error {
	if n := a.Len(); n != len(dst) {
		return fmt.Errorf("nn: %q: %d entries, want %d: %w", a.Name, n, len(dst), ErrFormat)
	}
	switch x := a.Data.(type) {
	case []float32:
		convert(dst, x)
	case []float64:
		convert(dst, x)
	case []int8:
		convert(dst, x)
	case []int16:
		convert(dst, x)
	case []int32:
		convert(dst, x)
	case []int64:
		convert(dst, x)
	case []uint8:
		convert(dst, x)
	case []uint16:
		convert(dst, x)
	case []uint32:
		convert(dst, x)
	case []uint64:
		convert(dst, x)
	}
	return nil
}

type number interface {
	~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~float32 | ~float64
}

func convert[F simd.Float, N number](dst []F, src []N) {
	for i, v := range src {
		dst[i] = F(v)
	}
}

// lengthOf returns the length of a slice of numbers, -1 for anything else.
func lengthOf(data any) int {
	switch x := data.(type) {
	case []float32:
		return len(x)
	case []float64:
		return len(x)
	case []int8:
		return len(x)
	case []int16:
		return len(x)
	case []int32:
		return len(x)
	case []int64:
		return len(x)
	case []uint8:
		return len(x)
	case []uint16:
		return len(x)
	case []uint32:
		return len(x)
	case []uint64:
		return len(x)
	}
	return -1
}

// kindOf returns the type name and the bytes per entry under which data is written.
func kindOf(data any) (dtype string, size int) {
	switch data.(type) {
	case []float32:
		return "F32", 4
	case []float64:
		return "F64", 8
	case []int8:
		return "I8", 1
	case []int16:
		return "I16", 2
	case []int32:
		return "I32", 4
	case []int64:
		return "I64", 8
	case []uint8:
		return "U8", 1
	case []uint16:
		return "U16", 2
	case []uint32:
		return "U32", 4
	case []uint64:
		return "U64", 8
	}
	return "", 0
}

// widths is the bytes per entry of the types that can be read.
var widths = map[string]int{
	"F64": 8, "F32": 4, "F16": 2, "BF16": 2,
	"I64": 8, "I32": 4, "I16": 2, "I8": 1,
	"U64": 8, "U32": 4, "U16": 2, "U8": 1, "BOOL": 1,
}

// The two metadata entries that mark a file of ours. There are two of them so that one
// damaged byte cannot make the file look like another program's, which needs no sum.
const (
	reserved = "pushforward."
	markKey  = "pushforward.file"
	markVal  = "1"
	sumKey   = "pushforward.sha256"
	sumLen   = 64
)

const (
	maxHeader = 100 << 20 // the format's own limit
	maxArrays = 100_000   // of ours, so that a header cannot become many times as large in memory
	maxRank   = 32
)

// bad is an error about what a file holds, at the array or entry of that name.
func bad(name, format string, args ...any) error {
	what := fmt.Sprintf(format, args...)
	if name != "" {
		what = strconv.Quote(name) + ": " + what
	}
	return fmt.Errorf("nn: safetensors: %s: %w", what, ErrFormat)
}
