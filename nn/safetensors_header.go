package nn

import (
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// entry is what the header says of one array.
type entry struct {
	name, dtype string
	shape       []int
	begin, end  int
	seen        [3]bool // dtype, shape, data_offsets
}

// parseHeader reads the header's JSON, strictly: it begins with a brace, text is UTF-8, no key stands twice, numbers
// are plain decimal digits, and nothing is there that the format does not know. It checks
// that the arrays fill the data without overlap or gap and returns them in the order of
// their bytes, with the number of bytes in all.
func parseHeader(text []byte) (meta map[string]string, arrays []entry, total int, err error) {
	if !utf8.Valid(text) {
		return nil, nil, 0, bad("", "header: not UTF-8")
	}
	s := &scanner{b: text}
	if len(text) > 0 && text[0] != '{' {
		return nil, nil, 0, s.fail("'{'")
	}
	names := map[string]bool{}
	err = s.object(func(key string) error {
		if names[key] {
			return bad(key, "the name stands twice")
		}
		names[key] = true
		if key == metaKey {
			meta, err = s.strings()
			return err
		}
		if len(arrays) == maxArrays {
			return bad("", "header: more than %d arrays", maxArrays)
		}
		e, err := s.array(key)
		arrays = append(arrays, e)
		return err
	})
	if err == nil {
		s.space()
		if s.i < len(s.b) {
			err = s.fail("end of header")
		}
	}
	if err != nil {
		return nil, nil, 0, err
	}
	total, err = layout(arrays)
	return meta, arrays, total, err
}

// layout sorts the arrays by place and checks that each begins where the one before ended.
func layout(arrays []entry) (total int, err error) {
	slices.SortStableFunc(arrays, func(a, b entry) int {
		if a.begin != b.begin {
			return cmp(a.begin, b.begin)
		}
		return cmp(a.end, b.end)
	})
	for i := range arrays {
		a := &arrays[i]
		width, ok := widths[a.dtype]
		if !ok {
			return 0, bad(a.name, "dtype: %q is not supported", a.dtype)
		}
		size, ok := product(a.shape, width)
		switch {
		case !ok:
			return 0, bad(a.name, "shape: %v is too large", a.shape)
		case a.end < a.begin:
			return 0, bad(a.name, "data_offsets: [%d, %d] is reversed", a.begin, a.end)
		case a.end-a.begin != size:
			return 0, bad(a.name, "data_offsets: [%d, %d] holds %d bytes, shape %v of %s needs %d", a.begin, a.end, a.end-a.begin, a.shape, a.dtype, size)
		case a.begin < total:
			return 0, bad(a.name, "data_offsets: begins at %d, inside the array before, which ends at %d", a.begin, total)
		case a.begin > total:
			return 0, bad(a.name, "data_offsets: begins at %d, leaving a hole after %d", a.begin, total)
		}
		total = a.end
	}
	return total, nil
}

func cmp(a, b int) int {
	if a < b {
		return -1
	}
	if a > b {
		return 1
	}
	return 0
}

// scanner walks over JSON text.
type scanner struct {
	b []byte
	i int
}

func (s *scanner) fail(want string) error {
	if s.i >= len(s.b) {
		return bad("", "header: ends at byte %d, want %s", s.i, want)
	}
	return bad("", "header: %q at byte %d, want %s", s.b[s.i], s.i, want)
}

func (s *scanner) space() {
	for s.i < len(s.b) && (s.b[s.i] == ' ' || s.b[s.i] == '\n' || s.b[s.i] == '\t' || s.b[s.i] == '\r') {
		s.i++
	}
}

// try moves past c, if c is next.
func (s *scanner) try(c byte) bool {
	s.space()
	if s.i < len(s.b) && s.b[s.i] == c {
		s.i++
		return true
	}
	return false
}

func (s *scanner) need(c byte) error {
	if !s.try(c) {
		return s.fail(strconv.QuoteRune(rune(c)))
	}
	return nil
}

// object calls value after each key of an object.
func (s *scanner) object(value func(key string) error) error {
	if err := s.need('{'); err != nil {
		return err
	}
	if s.try('}') {
		return nil
	}
	for {
		key, err := s.text()
		if err == nil {
			err = s.need(':')
		}
		if err == nil {
			err = value(key)
		}
		if err != nil {
			return err
		}
		if s.try('}') {
			return nil
		}
		if err := s.need(','); err != nil {
			return err
		}
	}
}

// strings reads an object of strings.
func (s *scanner) strings() (map[string]string, error) {
	m := map[string]string{}
	return m, s.object(func(key string) error {
		if _, twice := m[key]; twice {
			return bad(key, "metadata: the key stands twice")
		}
		if len(m) == maxArrays {
			return bad("", "metadata: more than %d entries", maxArrays)
		}
		var err error
		m[key], err = s.text()
		return err
	})
}

// array reads what is said of one array.
func (s *scanner) array(name string) (entry, error) {
	e := entry{name: name}
	fields := [...]string{"dtype", "shape", "data_offsets"}
	err := s.object(func(key string) (err error) {
		k := slices.Index(fields[:], key)
		switch {
		case k < 0:
			return bad(name, "field %q is not known", key)
		case e.seen[k]:
			return bad(name, "field %q stands twice", key)
		}
		e.seen[k] = true
		switch k {
		case 0:
			e.dtype, err = s.text()
		case 1:
			e.shape, err = s.numbers(name, key)
		case 2:
			var at []int
			at, err = s.numbers(name, key)
			if err == nil && len(at) != 2 {
				err = bad(name, "data_offsets: %d numbers, want 2", len(at))
			}
			if err == nil {
				e.begin, e.end = at[0], at[1]
			}
		}
		return err
	})
	for k, ok := range e.seen {
		if err == nil && !ok {
			err = bad(name, "field %q is missing", fields[k])
		}
	}
	return e, err
}

// numbers reads an array of whole numbers ≥ 0.
func (s *scanner) numbers(name, field string) ([]int, error) {
	if err := s.need('['); err != nil {
		return nil, err
	}
	x := []int{}
	if s.try(']') {
		return x, nil
	}
	for {
		s.space()
		from := s.i
		for s.i < len(s.b) && s.b[s.i] >= '0' && s.b[s.i] <= '9' {
			s.i++
		}
		digits := string(s.b[from:s.i])
		if digits == "" || len(digits) > 1 && digits[0] == '0' {
			s.i = from
			return nil, s.fail("a whole number in " + field + " of " + strconv.Quote(name))
		}
		n, err := strconv.Atoi(digits)
		if err != nil {
			return nil, bad(name, "%s: %s is too large", field, digits)
		}
		if len(x) == maxRank {
			return nil, bad(name, "%s: more than %d numbers", field, maxRank)
		}
		x = append(x, n)
		if s.try(']') {
			return x, nil
		}
		if err := s.need(','); err != nil {
			return nil, err
		}
	}
}

// text reads a string.
func (s *scanner) text() (string, error) {
	if err := s.need('"'); err != nil {
		return "", err
	}
	from := s.i
	var out []byte // used from the first escape on
	for s.i < len(s.b) {
		switch c := s.b[s.i]; {
		case c == '"':
			if out == nil {
				out = s.b[from:s.i]
			}
			s.i++
			return string(out), nil
		case c < 0x20:
			return "", s.fail("no control character in a string")
		case c == '\\':
			if out == nil {
				out = append(make([]byte, 0, s.i-from+16), s.b[from:s.i]...)
			}
			r, ok := s.escape()
			if !ok {
				return "", s.fail("a valid escape")
			}
			out = utf8.AppendRune(out, r)
		default:
			if out != nil {
				out = append(out, c)
			}
			s.i++
		}
	}
	return "", s.fail("the end of a string")
}

// escape reads one escape sequence, a surrogate pair included. A lone surrogate is invalid.
func (s *scanner) escape() (rune, bool) {
	if s.i+1 >= len(s.b) {
		return 0, false
	}
	c := s.b[s.i+1]
	if c != 'u' {
		k := slices.Index([]byte(`"\/bfnrt`), c)
		if k < 0 {
			return 0, false
		}
		s.i += 2
		return rune("\"\\/\b\f\n\r\t"[k]), true
	}
	r, ok := s.hex4(s.i)
	if !ok {
		return 0, false
	}
	if !utf16.IsSurrogate(r) {
		s.i += 6
		return r, true
	}
	low, ok := s.hex4(s.i + 6)
	if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
		return 0, false
	}
	s.i += 12
	return r, true
}

// hex4 reads the \uXXXX at byte i.
func (s *scanner) hex4(i int) (rune, bool) {
	if i+6 > len(s.b) || s.b[i] != '\\' || s.b[i+1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(s.b[i+2:i+6]), 16, 16)
	return rune(n), err == nil
}
