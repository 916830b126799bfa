package nn

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"math"
	"strings"
)

// ReadSafetensors reads a file of size bytes from r; -1 stands for all that r has. It is
// strict: a header over 100 MB, arrays that overlap or leave a hole, a name twice, text that
// is not UTF-8, numbers out of range, a shape that does not fit its bytes, and bytes too few
// or too many are each an error that wraps ErrFormat and names the array. What a file claims
// of its own size decides no allocation before so many bytes are known to be there.
//
// A file that WriteSafetensors wrote is checked against its sum, and any change in it is an
// error. Files of other programs carry no sum and are read without one. An error of r itself
// is returned wrapped.
func ReadSafetensors(r io.Reader, size int64) (*File, error) {
	in := &source{r: r, left: size}
	if size < 0 {
		in.left = rest(r)
	}
	head, err := in.header()
	if err != nil {
		return nil, err
	}
	meta, entries, total, err := parseHeader(head[8:])
	if err != nil {
		return nil, err
	}
	if in.left >= 0 && in.left != int64(total) {
		return nil, bad("", "%d bytes of data, the header speaks of %d", in.left, total)
	}
	f := &File{Meta: meta}
	if err := in.expectSum(f, head); err != nil {
		return nil, err
	}
	f.Arrays = make([]Array, len(entries))
	for i, e := range entries {
		n, _ := product(e.shape, 1)
		data, err := in.data(e.dtype, n)
		if err != nil {
			return nil, place(e.name, err)
		}
		f.Arrays[i] = Array{Name: e.name, Shape: e.shape, Data: data, DType: e.dtype}
	}
	if in.left < 0 {
		if n, err := io.ReadFull(r, make([]byte, 1)); n > 0 {
			return nil, bad("", "data goes on after the %d bytes that the header speaks of", total)
		} else if err != io.EOF {
			return nil, fmt.Errorf("nn: safetensors: read: %w", err)
		}
	}
	if in.sum != nil {
		if got := hex.EncodeToString(in.sum.Sum(nil)); got != f.Sum {
			return nil, bad("", "the file was changed: its SHA-256 is %s, it says %s", got, f.Sum)
		}
	}
	return f, nil
}

// rest returns how many bytes r still has, if that can be known without reading, or -1.
func rest(r io.Reader) int64 {
	switch x := r.(type) {
	case *bytes.Reader:
		return int64(x.Len())
	case *bytes.Buffer:
		return int64(x.Len())
	case *strings.Reader:
		return int64(x.Len())
	case interface {
		io.Seeker
		Stat() (fs.FileInfo, error)
	}:
		info, err := x.Stat()
		if err != nil || !info.Mode().IsRegular() {
			return -1
		}
		at, err := x.Seek(0, io.SeekCurrent)
		if err != nil || at > info.Size() {
			return -1
		}
		return info.Size() - at
	}
	return -1
}

// source reads from r, counts down what is left (-1: unknown) and takes the sum.
type source struct {
	r    io.Reader
	left int64
	sum  hash.Hash // nil: not wanted
	buf  [chunk]byte
}

// read fills b, whose length must be at most what is left.
func (in *source) read(b []byte) error {
	_, err := io.ReadFull(in.r, b)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errShort
	}
	if err != nil {
		return err
	}
	if in.left >= 0 {
		in.left -= int64(len(b))
	}
	if in.sum != nil {
		in.sum.Write(b)
	}
	return nil
}

var errShort = fmt.Errorf("the file is cut short: %w", ErrFormat)

func place(name string, err error) error {
	if name == "" {
		return fmt.Errorf("nn: safetensors: %w", err)
	}
	return fmt.Errorf("nn: safetensors: %q: %w", name, err)
}

// header reads the eight bytes of length and the header.
func (in *source) header() ([]byte, error) {
	head := make([]byte, 8)
	if err := in.read(head); err != nil {
		return nil, place("", err)
	}
	n := binary.LittleEndian.Uint64(head)
	switch {
	case n > maxHeader:
		return nil, bad("", "header of %d bytes, at most %d", n, maxHeader)
	case in.left >= 0 && n > uint64(in.left):
		return nil, bad("", "header of %d bytes in a file with %d left", n, in.left)
	}
	for got := 0; got < int(n); {
		b := in.buf[:min(chunk, int(n)-got)]
		if in.left >= 0 && got == 0 {
			head = append(make([]byte, 0, 8+n), head...)
		}
		if err := in.read(b); err != nil {
			return nil, place("", err)
		}
		head = append(head, b...)
		got += len(b)
	}
	return head, nil
}

// expectSum takes the marks of a file of ours out of f.Meta and prepares to check its sum.
func (in *source) expectSum(f *File, head []byte) error {
	ours := 0
	for k := range f.Meta {
		if strings.HasPrefix(k, reserved) {
			ours++
		}
	}
	if ours == 0 {
		return nil
	}
	if f.Meta[markKey] != markVal {
		return bad(markKey, "metadata: %q is not known here", f.Meta[markKey])
	}
	f.Sum = f.Meta[sumKey]
	at := bytes.Index(head, []byte(sumMark)) + len(sumMark)
	if len(f.Sum) != sumLen || at < len(sumMark) || at+sumLen > len(head) || string(head[at:at+sumLen]) != f.Sum {
		return bad(sumKey, "metadata: the sum is missing or damaged")
	}
	if ours > 2 {
		return bad("", "metadata: an entry beginning with %q is not known here", reserved)
	}
	delete(f.Meta, markKey)
	delete(f.Meta, sumKey)
	in.sum = sha256.New()
	in.sum.Write(head[:at])
	in.sum.Write(bytes.Repeat([]byte{'0'}, sumLen))
	in.sum.Write(head[at+sumLen:])
	return nil
}

// data reads n entries of a type.
func (in *source) data(dtype string, n int) (any, error) {
	le := binary.LittleEndian
	switch dtype {
	case "F64":
		return take(in, n, 8, func(b []byte) float64 { return math.Float64frombits(le.Uint64(b)) })
	case "F32":
		return take(in, n, 4, func(b []byte) float32 { return math.Float32frombits(le.Uint32(b)) })
	case "F16":
		return take(in, n, 2, func(b []byte) float32 { return half(le.Uint16(b)) })
	case "BF16":
		return take(in, n, 2, func(b []byte) float32 { return math.Float32frombits(uint32(le.Uint16(b)) << 16) })
	case "I64":
		return take(in, n, 8, func(b []byte) int64 { return int64(le.Uint64(b)) })
	case "I32":
		return take(in, n, 4, func(b []byte) int32 { return int32(le.Uint32(b)) })
	case "I16":
		return take(in, n, 2, func(b []byte) int16 { return int16(le.Uint16(b)) })
	case "I8":
		return take(in, n, 1, func(b []byte) int8 { return int8(b[0]) })
	case "U64":
		return take(in, n, 8, le.Uint64)
	case "U32":
		return take(in, n, 4, le.Uint32)
	case "U16":
		return take(in, n, 2, le.Uint16)
	case "U8":
		return take(in, n, 1, func(b []byte) uint8 { return b[0] })
	}
	// BOOL, the last of widths.
	x, err := take(in, n, 1, func(b []byte) uint8 { return b[0] })
	for i, v := range x {
		if v > 1 && err == nil {
			err = fmt.Errorf("entry %d of a BOOL is %d: %w", i, v, ErrFormat)
		}
	}
	return x, err
}

// take reads n numbers of the given width. Where the size of the file is not known the slice
// grows with what has arrived.
func take[N number](in *source, n, width int, get func([]byte) N) ([]N, error) {
	room := n
	if in.left < 0 {
		room = min(n, chunk)
	}
	x := make([]N, 0, room)
	for len(x) < n {
		b := in.buf[:width*min(chunk/width, n-len(x))]
		if err := in.read(b); err != nil {
			return nil, err
		}
		for ; len(b) > 0; b = b[width:] {
			x = append(x, get(b))
		}
	}
	return x, nil
}

// half widens an IEEE half-precision number, exactly.
func half(h uint16) float32 {
	sign, e, m := uint32(h>>15)<<31, uint32(h>>10&31), uint32(h&1023)
	switch e {
	case 0: // zero or m·2⁻²⁴
		v := float32(m) / (1 << 24)
		return math.Float32frombits(math.Float32bits(v) | sign)
	case 31:
		return math.Float32frombits(sign | 0xff<<23 | m<<13)
	}
	return math.Float32frombits(sign | (e+112)<<23 | m<<13)
}
