package nn

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// WriteSafetensors writes f. Equal files give equal bytes: metadata is sorted, arrays are in
// f's order but for this, that wider types come first, which keeps each aligned to its own
// size. The header is padded with spaces to a multiple of 8 bytes.
//
// Two metadata entries are added, pushforward.file and pushforward.sha256. The second is the
// SHA-256 of the whole file with its own 64 digits read as zeros, so ReadSafetensors notices
// any change, that of a name or a metadata string included. Keys beginning with
// "pushforward." are therefore refused in f.Meta.
//
// A name twice, text that is not UTF-8, or a shape that does not fit its data is an error
// that wraps ErrFormat, and nothing is written then.
func WriteSafetensors(w io.Writer, f *File) error {
	order, err := writable(f)
	if err != nil {
		return err
	}
	head := header(f, order)
	if len(head)-8 > maxHeader {
		return bad("", "header of %d bytes, at most %d", len(head)-8, maxHeader)
	}

	hash := sha256.New()
	hash.Write(head) // the digits are zeros still
	buf := make([]byte, 0, chunk)
	for _, i := range order {
		if err := encode(hash, f.Arrays[i].Data, buf); err != nil {
			return err
		}
	}
	at := bytes.Index(head, []byte(sumMark)) + len(sumMark)
	hex.Encode(head[at:at+sumLen], hash.Sum(nil))

	if _, err := w.Write(head); err != nil {
		return fmt.Errorf("nn: safetensors: write: %w", err)
	}
	for _, i := range order {
		if err := encode(w, f.Arrays[i].Data, buf); err != nil {
			return fmt.Errorf("nn: safetensors: write %q: %w", f.Arrays[i].Name, err)
		}
	}
	return nil
}

// sumMark is what stands before the digits of the sum. A quotation mark inside a string has
// a backslash before it, so these bytes cannot come from a metadata value or a name.
const sumMark = `"` + sumKey + `":"`

// writable checks f and returns the order in which its arrays are laid down.
func writable(f *File) ([]int, error) {
	for k, v := range f.Meta {
		switch {
		case strings.HasPrefix(k, reserved):
			return nil, bad(k, "metadata: keys beginning with %q are reserved", reserved)
		case !utf8.ValidString(k) || !utf8.ValidString(v):
			return nil, bad(k, "metadata: not UTF-8")
		}
	}
	if len(f.Arrays) > maxArrays {
		return nil, bad("", "%d arrays, at most %d", len(f.Arrays), maxArrays)
	}
	seen := make(map[string]bool, len(f.Arrays))
	order := make([]int, 0, len(f.Arrays))
	for i := range f.Arrays {
		a := &f.Arrays[i]
		dtype, width := kindOf(a.Data)
		switch {
		case a.Name == metaKey || !utf8.ValidString(a.Name):
			return nil, bad(a.Name, "not a possible name")
		case seen[a.Name]:
			return nil, bad(a.Name, "the name stands twice")
		case dtype == "":
			return nil, bad(a.Name, "data of type %T", a.Data)
		case len(a.Shape) > maxRank:
			return nil, bad(a.Name, "%d axes, at most %d", len(a.Shape), maxRank)
		}
		if n, ok := product(a.Shape, width); !ok || n/width != a.Len() {
			return nil, bad(a.Name, "shape %v, but %d entries", a.Shape, a.Len())
		}
		seen[a.Name] = true
		order = append(order, i)
	}
	slices.SortStableFunc(order, func(i, j int) int {
		_, a := kindOf(f.Arrays[i].Data)
		_, b := kindOf(f.Arrays[j].Data)
		return b - a
	})
	return order, nil
}

const metaKey = "__metadata__"

// header returns the eight bytes of length and the padded JSON, the sum's digits zeros.
func header(f *File, order []int) []byte {
	b := make([]byte, 8, 1024)
	b = append(b, `{"`+metaKey+`":{`...)
	keys := append(slices.Collect(maps.Keys(f.Meta)), markKey, sumKey)
	slices.Sort(keys)
	for i, k := range keys {
		if i > 0 {
			b = append(b, ',')
		}
		v := f.Meta[k]
		switch k {
		case markKey:
			v = markVal
		case sumKey:
			v = strings.Repeat("0", sumLen)
		}
		b = quote(b, k)
		b = append(b, ':')
		b = quote(b, v)
	}
	b = append(b, '}')
	off := 0
	for _, i := range order {
		a := &f.Arrays[i]
		dtype, width := kindOf(a.Data)
		b = append(b, ',')
		b = quote(b, a.Name)
		b = append(b, `:{"dtype":"`+dtype+`","shape":[`...)
		for j, d := range a.Shape {
			if j > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendInt(b, int64(d), 10)
		}
		b = append(b, `],"data_offsets":[`...)
		b = strconv.AppendInt(b, int64(off), 10)
		b = append(b, ',')
		off += width * a.Len()
		b = strconv.AppendInt(b, int64(off), 10)
		b = append(b, "]}"...)
	}
	b = append(b, '}')
	for len(b)%8 != 0 {
		b = append(b, ' ')
	}
	binary.LittleEndian.PutUint64(b, uint64(len(b)-8))
	return b
}

// quote appends s as a JSON string. Only what must be escaped is.
func quote(b []byte, s string) []byte {
	const hexa = "0123456789abcdef"
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < 0x20:
			b = append(b, '\\', 'u', '0', '0', hexa[c>>4], hexa[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

// product returns width·Π shape. It is false if an extent is negative or the product
// overflows, for which zeros among the extents are no excuse.
func product(shape []int, width int) (int, bool) {
	n, zero := width, false
	for _, d := range shape {
		switch {
		case d < 0:
			return 0, false
		case d == 0:
			zero = true
		case n > math.MaxInt/d:
			return 0, false
		default:
			n *= d
		}
	}
	if zero {
		return 0, n <= math.MaxInt32
	}
	return n, true
}

// chunk is how many bytes are converted at a time.
const chunk = 64 << 10

// encode writes data's bytes, little-endian, by way of buf, whose capacity is chunk.
func encode(w io.Writer, data any, buf []byte) error {
	switch x := data.(type) {
	case []float32:
		return spell(w, x, 4, buf, func(b []byte, v float32) []byte {
			return binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		})
	case []float64:
		return spell(w, x, 8, buf, func(b []byte, v float64) []byte {
			return binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		})
	case []int8:
		return spell(w, x, 1, buf, func(b []byte, v int8) []byte { return append(b, byte(v)) })
	case []uint8:
		_, err := w.Write(x)
		return err
	case []int16:
		return spell(w, x, 2, buf, func(b []byte, v int16) []byte { return binary.LittleEndian.AppendUint16(b, uint16(v)) })
	case []uint16:
		return spell(w, x, 2, buf, binary.LittleEndian.AppendUint16)
	case []int32:
		return spell(w, x, 4, buf, func(b []byte, v int32) []byte { return binary.LittleEndian.AppendUint32(b, uint32(v)) })
	case []uint32:
		return spell(w, x, 4, buf, binary.LittleEndian.AppendUint32)
	case []int64:
		return spell(w, x, 8, buf, func(b []byte, v int64) []byte { return binary.LittleEndian.AppendUint64(b, uint64(v)) })
	case []uint64:
		return spell(w, x, 8, buf, binary.LittleEndian.AppendUint64)
	}
	return nil
}

func spell[N number](w io.Writer, x []N, width int, buf []byte, put func([]byte, N) []byte) error {
	for lo := 0; lo < len(x); lo += chunk / width {
		b := buf[:0]
		for _, v := range x[lo:min(lo+chunk/width, len(x))] {
			b = put(b, v)
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return nil
}
