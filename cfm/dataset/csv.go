package dataset

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxRecord bounds one record of a CSV file, so that a file without line ends cannot fill the memory.
const maxRecord = 64 << 20

// maxText bounds the distinct cells of text columns, in bytes.
const maxText = 256 << 20

// missingCells are the spellings of a cell that was not measured. NaN is not among them: in a file of
// numbers it is more often the trace of a failure than of a gap.
var missingCells = map[string]bool{"": true, "NA": true, "N/A": true, "n/a": true, "NULL": true, "null": true, "?": true}

// OpenCSV reads a table of comma-separated values, one record at a time. name is used in errors.
//
// The first record is a header if none of its cells is a number; without one the columns are called x0,
// x1, …. The separator is the comma, or a tab or semicolon if the first line has one and no comma. A byte
// order mark, CRLF line ends, quoted fields and blanks around a cell are understood. A column whose first
// cell is not a number is text: its cells become classes. An empty cell, NA, N/A, NULL and ? are missing.
//
// Refused, with row (counted from 1, the header left out), column and line: a record of another length,
// text in a column that began with numbers, NaN, Inf, numbers out of range, and a file without rows. With
// KeepBad such a cell is +Inf.
func OpenCSV(r io.Reader, name string, opt ...Option) (*Table, error) {
	limited := &recordReader{r: r}
	br := bufio.NewReaderSize(limited, 64<<10)
	if head, _ := br.Peek(3); bytes.Equal(head, []byte("\xef\xbb\xbf")) {
		br.Discard(3)
	} else if len(head) >= 2 && (head[0] == 0xff && head[1] == 0xfe || head[0] == 0xfe && head[1] == 0xff) {
		return nil, refuse("%s: the file is UTF-16; save it as UTF-8", name)
	}
	p := &csvParser{t: &Table{Name: name, Classes: map[int][]string{}}, csv: csv.NewReader(br), keepBad: slices.Contains(opt, KeepBad)}
	first, _ := br.Peek(4 << 10)
	p.csv.Comma = separator(first)
	p.csv.FieldsPerRecord = -1
	p.csv.ReuseRecord = true
	for {
		limited.n = 0
		record, err := p.csv.Read()
		if err == io.EOF {
			break
		}
		if err == nil {
			err = p.add(record)
		} else {
			err = p.readError(err)
		}
		if err != nil {
			return nil, err
		}
	}
	return p.finish()
}

// recordReader fails when more than maxRecord bytes are read without n being set to zero.
type recordReader struct {
	r io.Reader
	n int
}

var errLongRecord = errors.New("a record is longer than 64 MiB")

func (l *recordReader) Read(b []byte) (int, error) {
	n, err := l.r.Read(b)
	if l.n += n; l.n > maxRecord {
		return 0, errLongRecord
	}
	return n, err
}

func separator(text []byte) rune {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	if !bytes.ContainsRune(line, ',') {
		for _, c := range "\t;" {
			if bytes.ContainsRune(line, c) {
				return c
			}
		}
	}
	return ','
}

type csvParser struct {
	t      *Table
	csv    *csv.Reader
	began  bool
	header bool
	kind   []kind
	first  []string         // of each column, the first cell that is not missing
	codes  []map[string]int // of each text column, the class numbers in order of appearance
	text   int              // bytes of their names

	keepBad bool
}

type kind uint8

const (
	unknown kind = iota // only missing cells so far
	number
	text
)

// add takes in one record.
func (p *csvParser) add(record []string) error {
	t := p.t
	if !p.began {
		p.began = true
		if len(record) > maxNumbers {
			return refuse("%s: %d columns are too many", t.Name, len(record))
		}
		d := len(record)
		t.Columns = make([]string, d)
		p.kind, p.first, p.codes = make([]kind, d), make([]string, d), make([]map[string]int, d)
		p.header = isHeader(record)
		for j := range record {
			t.Columns[j] = "x" + strconv.Itoa(j)
			if cell := strings.TrimSpace(record[j]); p.header && cell != "" {
				t.Columns[j] = cell
			}
		}
		if p.header {
			return p.checkNames()
		}
	}
	if len(record) != len(t.Columns) {
		return p.refuse(-1, "it has %d cells, the rows before have %d", len(record), len(t.Columns))
	}
	if len(t.X)+len(record) > maxNumbers {
		return refuse("%s: more than %d numbers", t.Name, maxNumbers)
	}
	for j, cell := range record {
		v, err := p.cell(j, strings.TrimSpace(cell))
		if err != nil {
			return err
		}
		t.X = append(t.X, v)
	}
	t.Rows++
	return nil
}

func (p *csvParser) cell(j int, cell string) (float64, error) {
	if missingCells[cell] {
		return math.NaN(), nil
	}
	v, isNumber, why := parse(cell)
	if p.kind[j] == unknown {
		p.first[j] = strings.Clone(clip(cell))
		p.kind[j] = text
		if isNumber {
			p.kind[j] = number
		}
	}
	switch {
	case p.kind[j] == text:
		c := p.class(j, cell)
		if p.text > maxText {
			return 0, p.refuse(j, "more than %d MiB of different texts", maxText>>20)
		}
		return float64(c), nil
	case p.keepBad && (why != "" || !isNumber):
		return math.Inf(1), nil
	case why != "":
		return 0, p.refuse(j, "%s %s", clip(cell), why)
	case !isNumber:
		return 0, p.refuse(j, "%q is not a number, as %s before it", clip(cell), p.first[j])
	}
	return v, nil
}

// parse reads a cell as a number; why says what is wrong with one that cannot be used.
func parse(cell string) (v float64, isNumber bool, why string) {
	if len(cell) > 64 {
		return 0, false, ""
	}
	v, err := strconv.ParseFloat(cell, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, true, "is out of range"
	case err != nil:
		return 0, false, ""
	case math.IsNaN(v) || math.IsInf(v, 0):
		return 0, true, "is not finite"
	}
	return v, true, ""
}

func (p *csvParser) class(j int, cell string) int {
	if p.codes[j] == nil {
		p.codes[j] = map[string]int{}
	}
	c, ok := p.codes[j][cell]
	if !ok {
		c = len(p.codes[j])
		p.codes[j][strings.Clone(cell)] = c
		p.text += len(cell)
	}
	return c
}

// isHeader reports whether a first record names columns: it has text, and no number.
func isHeader(record []string) bool {
	words := false
	for _, cell := range record {
		cell = strings.TrimSpace(cell)
		if missingCells[cell] {
			continue
		}
		if _, isNumber, _ := parse(cell); isNumber {
			return false
		}
		words = true
	}
	return words
}

func (p *csvParser) checkNames() error {
	seen := make(map[string]int, len(p.t.Columns))
	for j, name := range p.t.Columns {
		if i, dup := seen[name]; dup {
			return refuse("%s: columns %d and %d are both called %q", p.t.Name, i+1, j+1, clip(name))
		}
		if !utf8.ValidString(name) {
			return refuse("%s: the name of column %d is not UTF-8: %q", p.t.Name, j+1, clip(name))
		}
		seen[name] = j
		p.t.Columns[j] = strings.Clone(name)
	}
	return nil
}

// refuse says what is wrong with the record just read, in column j unless that is negative.
func (p *csvParser) refuse(j int, format string, args ...any) error {
	line, column := 0, ""
	if j < 0 {
		line, _ = p.csv.FieldPos(0)
	} else {
		line, _ = p.csv.FieldPos(j)
		column = fmt.Sprintf(", column %q", clip(p.t.Columns[j]))
	}
	return refuse("%s: row %d%s: %s (line %d)", p.t.Name, p.t.Rows+1, column, fmt.Sprintf(format, args...), line)
}

func (p *csvParser) readError(err error) error {
	why := err.Error()
	if errors.Is(err, io.ErrUnexpectedEOF) {
		why = "the compressed data end too soon"
	}
	e := refuse("%s: row %d: %s", p.t.Name, p.t.Rows+1, why).(*refusal)
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		e = refuse("%s: row %d: %v (line %d)", p.t.Name, p.t.Rows+1, parse.Err, parse.Line).(*refusal)
	}
	e.cause = err
	return e
}

// finish renumbers the classes in alphabetical order, so that they do not depend on the order of rows.
func (p *csvParser) finish() (*Table, error) {
	t := p.t
	switch {
	case !p.began:
		return nil, refuse("%s: the file is empty", t.Name)
	case t.Rows == 0:
		return nil, refuse("%s: a header and no rows", t.Name)
	}
	for j, codes := range p.codes {
		if codes == nil {
			continue
		}
		names := make([]string, 0, len(codes))
		for name := range codes {
			names = append(names, name)
		}
		slices.Sort(names)
		to := make([]float64, len(names))
		for i, name := range names {
			to[codes[name]] = float64(i)
		}
		t.Classes[j] = names
		for i := j; i < len(t.X); i += len(t.Columns) {
			if v := t.X[i]; !math.IsNaN(v) {
				t.X[i] = to[int(v)]
			}
		}
	}
	return t, nil
}

// clip shortens a cell for an error message.
func clip(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	n := most
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
