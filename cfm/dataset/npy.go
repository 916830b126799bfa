package dataset

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// maxNPYHeader is NumPy's own bound on the header it will read from an untrusted file.
const maxNPYHeader = 64 << 10

// OpenNPY reads a NumPy array file: format 1, 2 or 3, one or two axes, C or Fortran order, element
// types f2 f4 f8, i1 … i8, u1 … u8 and bool, little or big endian. An array of one axis is one column.
// Columns are called x0, x1, …. name is used in errors.
//
// Memory grows with the bytes that are there, not with the shape the header claims. NaN and Inf are
// refused with row and column, unless KeepBad is given, as is a file with bytes left over.
func OpenNPY(r io.Reader, name string, opt ...Option) (*Table, error) {
	br := bufio.NewReaderSize(r, 64<<10)
	h, err := readNPYHeader(br)
	if err != nil {
		return nil, refuse("%s: %v", name, err)
	}
	x, err := readNumbers(br, h)
	if err != nil {
		return nil, refuse("%s: %v", name, err)
	}
	if h.fortran && h.rows > 1 && h.cols > 1 {
		y := make([]float64, len(x))
		for i := range h.rows {
			for j := range h.cols {
				y[i*h.cols+j] = x[j*h.rows+i]
			}
		}
		x = y
	}
	t := &Table{Name: name, Rows: h.rows, X: x, Columns: make([]string, h.cols), Classes: map[int][]string{}}
	for j := range t.Columns {
		t.Columns[j] = "x" + strconv.Itoa(j)
	}
	for i, v := range x {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			if slices.Contains(opt, KeepBad) {
				x[i] = math.Inf(1)
				continue
			}
			return nil, refuse("%s: row %d, column %q: %v is not finite", name, i/h.cols+1, t.Columns[i%h.cols], v)
		}
	}
	return t, nil
}

type npyHeader struct {
	decode     func([]byte) float64
	size       int // bytes of an element
	fortran    bool
	rows, cols int
}

func readNPYHeader(r io.Reader) (h npyHeader, err error) {
	var pre [8]byte
	if _, err := io.ReadFull(r, pre[:]); err == io.EOF {
		return h, errors.New("the file is empty")
	} else if err != nil || string(pre[:6]) != "\x93NUMPY" {
		return h, errors.New("not an NPY file: it does not begin with \\x93NUMPY")
	}
	var size uint32
	switch pre[6] {
	case 1:
		var b [2]byte
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return h, errors.New("the header is cut short")
		}
		size = uint32(binary.LittleEndian.Uint16(b[:]))
	case 2, 3:
		var b [4]byte
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return h, errors.New("the header is cut short")
		}
		size = binary.LittleEndian.Uint32(b[:])
	default:
		return h, fmt.Errorf("NPY format %d.%d is not known", pre[6], pre[7])
	}
	if size > maxNPYHeader {
		return h, fmt.Errorf("a header of %d bytes is too long", size)
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(r, text); err != nil {
		return h, errors.New("the header is cut short")
	}
	d, err := parseDict(string(text))
	if err != nil {
		return h, fmt.Errorf("header: %v", err)
	}
	if h.decode, h.size, err = element(d.descr); err != nil {
		return h, err
	}
	h.fortran = d.fortran
	switch len(d.shape) {
	case 1:
		h.rows, h.cols = d.shape[0], 1
	case 2:
		h.rows, h.cols = d.shape[0], d.shape[1]
	default:
		return h, fmt.Errorf("the array has %d axes; rows and columns make two", len(d.shape))
	}
	switch {
	case h.rows == 0:
		return h, errors.New("the array has no rows")
	case h.cols == 0:
		return h, errors.New("the array has no columns")
	case h.rows > maxNumbers/h.cols:
		return h, fmt.Errorf("%d × %d numbers are too many", h.rows, h.cols)
	}
	return h, nil
}

// readNumbers reads h.rows·h.cols elements in pieces, so that a false shape costs no memory.
func readNumbers(r io.Reader, h npyHeader) ([]float64, error) {
	total := h.rows * h.cols
	const piece = 8 << 10
	x := make([]float64, 0, min(total, piece))
	buf := make([]byte, piece*h.size)
	for len(x) < total {
		b := buf[:min(total-len(x), piece)*h.size]
		n, err := io.ReadFull(r, b)
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil, fmt.Errorf("the header says %d × %d numbers, the file ends after %d", h.rows, h.cols, len(x)+n/h.size)
		}
		if err != nil {
			return nil, err
		}
		for ; len(b) > 0; b = b[h.size:] {
			x = append(x, h.decode(b))
		}
	}
	if n, _ := io.ReadFull(r, buf[:1]); n > 0 {
		return nil, fmt.Errorf("bytes follow the %d × %d numbers of the header", h.rows, h.cols)
	}
	return x, nil
}

// element returns the decoder of a NumPy type such as <f4.
func element(descr string) (decode func([]byte) float64, size int, err error) {
	bad := fmt.Errorf("elements of type %q are not numbers this reads (f2 f4 f8 i1 i2 i4 i8 u1 u2 u4 u8 b1)", clip(descr))
	if len(descr) != 3 {
		return nil, 0, bad
	}
	var o binary.ByteOrder = binary.LittleEndian
	switch descr[0] {
	case '<', '=':
	case '>':
		o = binary.BigEndian
	case '|':
		if descr[2] != '1' {
			return nil, 0, bad
		}
	default:
		return nil, 0, bad
	}
	switch descr[1:] {
	case "f8":
		return func(b []byte) float64 { return math.Float64frombits(o.Uint64(b)) }, 8, nil
	case "f4":
		return func(b []byte) float64 { return float64(math.Float32frombits(o.Uint32(b))) }, 4, nil
	case "f2":
		return func(b []byte) float64 { return half(o.Uint16(b)) }, 2, nil
	case "i8":
		return func(b []byte) float64 { return float64(int64(o.Uint64(b))) }, 8, nil
	case "i4":
		return func(b []byte) float64 { return float64(int32(o.Uint32(b))) }, 4, nil
	case "i2":
		return func(b []byte) float64 { return float64(int16(o.Uint16(b))) }, 2, nil
	case "i1":
		return func(b []byte) float64 { return float64(int8(b[0])) }, 1, nil
	case "u8":
		return func(b []byte) float64 { return float64(o.Uint64(b)) }, 8, nil
	case "u4":
		return func(b []byte) float64 { return float64(o.Uint32(b)) }, 4, nil
	case "u2":
		return func(b []byte) float64 { return float64(o.Uint16(b)) }, 2, nil
	case "u1":
		return func(b []byte) float64 { return float64(b[0]) }, 1, nil
	case "b1":
		return func(b []byte) float64 {
			if b[0] != 0 {
				return 1
			}
			return 0
		}, 1, nil
	}
	return nil, 0, bad
}

// half converts an IEEE half, exactly.
func half(b uint16) float64 {
	e, m := int(b>>10&31), float64(b&1023)
	v := math.Ldexp(m, -24)
	switch {
	case e == 31 && m == 0:
		v = math.Inf(1)
	case e == 31:
		v = math.NaN()
	case e > 0:
		v = math.Ldexp(1024+m, e-25)
	}
	if b>>15 != 0 {
		v = -v
	}
	return v
}

// npyDict is the header's Python dictionary.
type npyDict struct {
	descr   string
	fortran bool
	shape   []int
}

// parseDict reads what NumPy writes: {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), } with
// the keys in any order, each once, and nothing but blanks after it.
func parseDict(s string) (d npyDict, err error) {
	p := dictParser{s: s}
	seen := map[string]bool{}
	if !p.take("{") {
		return d, errors.New("it does not begin with {")
	}
	for !p.take("}") {
		key, err := p.quoted()
		if err != nil {
			return d, err
		}
		if !p.take(":") {
			return d, fmt.Errorf("no colon after %q", clip(key))
		}
		if seen[key] {
			return d, fmt.Errorf("%q is there twice", clip(key))
		}
		seen[key] = true
		switch key {
		case "descr":
			if p.peek() == '[' {
				return d, errors.New("records with named fields are not an array of numbers")
			}
			d.descr, err = p.quoted()
		case "fortran_order":
			switch {
			case p.take("True"):
				d.fortran = true
			case p.take("False"):
			default:
				err = errors.New("fortran_order is neither True nor False")
			}
		case "shape":
			d.shape, err = p.tuple()
		default:
			err = fmt.Errorf("unknown key %q", clip(key))
		}
		if err != nil {
			return d, err
		}
		if !p.take(",") && p.peek() != '}' {
			return d, fmt.Errorf("no comma after %q", key)
		}
	}
	if p.peek() != 0 {
		return d, errors.New("text follows the }")
	}
	for _, key := range []string{"descr", "fortran_order", "shape"} {
		if !seen[key] {
			return d, fmt.Errorf("%q is missing", key)
		}
	}
	return d, nil
}

type dictParser struct{ s string }

func (p *dictParser) blanks() { p.s = strings.TrimLeft(p.s, " \n\t") }

// peek returns the next byte that is not blank, 0 at the end.
func (p *dictParser) peek() byte {
	p.blanks()
	if p.s == "" {
		return 0
	}
	return p.s[0]
}

func (p *dictParser) take(token string) bool {
	p.blanks()
	rest, ok := strings.CutPrefix(p.s, token)
	if ok {
		p.s = rest
	}
	return ok
}

func (p *dictParser) quoted() (string, error) {
	q := p.peek()
	if q != '\'' && q != '"' {
		return "", fmt.Errorf("a quoted name is missing at %q", clip(p.s))
	}
	body, rest, ok := strings.Cut(p.s[1:], string(q))
	if !ok {
		return "", errors.New("a quote is not closed")
	}
	p.s = rest
	return body, nil
}

func (p *dictParser) tuple() (shape []int, err error) {
	if !p.take("(") {
		return nil, errors.New("the shape is not a tuple")
	}
	for !p.take(")") {
		p.blanks()
		n := 0
		for n < len(p.s) && '0' <= p.s[n] && p.s[n] <= '9' {
			n++
		}
		v, err := strconv.ParseInt(p.s[:n], 10, 64)
		if err != nil || v > math.MaxInt32 || len(shape) == 32 {
			return nil, fmt.Errorf("the shape has no number from 0 to 2147483647 at %q", clip(p.s))
		}
		shape = append(shape, int(v))
		p.s = p.s[n:]
		p.take("L") // Python 2 wrote long integers so
		if !p.take(",") && p.peek() != ')' {
			return nil, errors.New("the shape is not closed")
		}
	}
	return shape, nil
}
