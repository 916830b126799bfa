package verb

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"pushforward/cfm/model"
)

// tableWriter writes rows as CSV, or as the float64 matrix of an NPY file.
type tableWriter struct {
	w    *bufio.Writer
	npy  bool
	line []byte
	err  error
}

// newTableWriter begins a table of n rows.
func newTableWriter(w io.Writer, kind string, n int, columns []string) *tableWriter {
	t := &tableWriter{w: bufio.NewWriterSize(w, 1<<16), npy: kind == ".npy"}
	if t.npy {
		t.w.WriteString(npyHeader(n, len(columns)))
		return t
	}
	for _, c := range columns {
		t.text(c)
	}
	t.end()
	return t
}

// npyHeader is the head of a version 1.0 file: a magic number, its length, and a Python dictionary padded
// so that the data begin at a multiple of 64.
func npyHeader(rows, columns int) string {
	dict := fmt.Sprintf("{'descr': '<f8', 'fortran_order': False, 'shape': (%d, %d), }", rows, columns)
	const fixed = 10 // magic, version, length
	pad := (64 - (fixed+len(dict)+1)%64) % 64
	dict += strings.Repeat(" ", pad) + "\n"
	return "\x93NUMPY\x01\x00" + string([]byte{byte(len(dict)), byte(len(dict) >> 8)}) + dict
}

func (t *tableWriter) sep() {
	if len(t.line) > 0 {
		t.line = append(t.line, ',')
	}
}

// number writes a number: nine digits say all that a float32 knows. NaN is an empty cell.
func (t *tableWriter) number(v float64) {
	if t.npy {
		t.line = binary.LittleEndian.AppendUint64(t.line, math.Float64bits(v))
		return
	}
	t.sep()
	if !math.IsNaN(v) {
		t.line = strconv.AppendFloat(t.line, v, 'g', 9, 64)
	} else if len(t.line) == 0 {
		t.line = append(t.line, `""`...)
	}
}

// within writes a number that is known to bar: with all its digits where nine would hide what the bar promises.
func (t *tableWriter) within(v, bar float64) {
	if t.npy || math.IsNaN(v) || !(bar < 1e-8*math.Abs(v)) {
		t.number(v)
		return
	}
	t.sep()
	t.line = strconv.AppendFloat(t.line, v, 'g', -1, 64)
}

func (t *tableWriter) numbers(row []float64) {
	for _, v := range row {
		t.number(v)
	}
}

// class writes a condition: the class's name, or its number in an NPY file.
func (t *tableWriter) class(c model.Condition, v float64) {
	if t.npy || len(c.Classes) == 0 {
		t.number(v)
		return
	}
	t.text(c.Format(v))
}

// text writes a cell, quoted if it must be.
func (t *tableWriter) text(s string) {
	t.sep()
	if s == "" && len(t.line) == 0 || strings.ContainsAny(s, ",\"\r\n\t;") || strings.TrimSpace(s) != s {
		s = `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
	}
	t.line = append(t.line, s...)
}

// end ends a row.
func (t *tableWriter) end() {
	if !t.npy {
		t.line = append(t.line, '\n')
	}
	if _, err := t.w.Write(t.line); t.err == nil {
		t.err = err
	}
	t.line = t.line[:0]
}

func (t *tableWriter) flush() error {
	if t.err != nil {
		return t.err
	}
	return t.w.Flush()
}
