package dataset

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

// ErrData is wrapped by every error that means: the file or the name given is at fault, not the program.
var ErrData = errors.New("bad data")

// refusal is an error whose text is a single line and which is ErrData.
type refusal struct {
	text  string
	cause error
}

func (e *refusal) Error() string { return e.text }

func (e *refusal) Unwrap() []error {
	if e.cause == nil {
		return []error{ErrData}
	}
	return []error{ErrData, e.cause}
}

func refuse(format string, args ...any) error {
	return &refusal{text: oneLine("dataset: " + fmt.Sprintf(format, args...))}
}

func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' }), " ")
}

// maxNumbers bounds what a reader keeps, whatever the file: 2²⁷ numbers are 1 GiB.
const maxNumbers = 1 << 27

// maxClasses bounds the classes of a condition, each of which costs a model an input.
const maxClasses = 1000

// Table is a file's contents as numbers.
type Table struct {
	Name    string
	Columns []string
	Rows    int
	// X is Rows × len(Columns), row-major. In a column of text it holds the number of the class; a
	// missing cell is NaN.
	X []float64
	// Classes maps a text column to its classes, sorted. A column of numbers is not in it.
	Classes map[int][]string
}

// Index returns the number of the column of that name, or -1.
func (t *Table) Index(column string) int {
	for j, c := range t.Columns {
		if c == column {
			return j
		}
	}
	return -1
}

// Condition is a column that a model is told instead of learning it.
type Condition struct {
	Name    string
	Classes []string // nil: the column is a number
}

// Rows is a table as a model takes it: data, and beside them conditions.
type Rows struct {
	Name    string
	Columns []string
	N       int
	X       []float64 // N × len(Columns)
	Cond    []Condition
	C       []float64 // N × len(Cond): the class's number, or the number itself
	Dropped int       // rows left out because a cell was missing
	Index   []int     // Index[i] is the row of the table that row i was, counted from 0
}

// Select makes the named columns conditions and all others data. Rows with a missing cell are left out
// and counted. An unknown column, a column of text among the data, and a table of which nothing is left
// are errors.
func (t *Table) Select(cond ...string) (*Rows, error) {
	d := len(t.Columns)
	isCond := make([]bool, d)
	var condCols, dataCols []int
	r := &Rows{Name: t.Name}
	for _, name := range cond {
		j := t.Index(name)
		switch {
		case j < 0:
			return nil, refuse("%s: no column %q; there are %s", t.Name, name, t.columnList())
		case isCond[j]:
			return nil, refuse("%s: column %q is named twice", t.Name, name)
		case len(t.Classes[j]) > maxClasses:
			return nil, refuse("%s: column %q has %d classes; a condition can have %d", t.Name, name, len(t.Classes[j]), maxClasses)
		}
		isCond[j] = true
		condCols = append(condCols, j)
		r.Cond = append(r.Cond, Condition{Name: name, Classes: t.Classes[j]})
	}
	for j, name := range t.Columns {
		if isCond[j] {
			continue
		}
		if c, text := t.Classes[j]; text {
			return nil, refuse("%s: column %q is text (%s): make it a condition or leave it out", t.Name, name, some(c))
		}
		dataCols = append(dataCols, j)
		r.Columns = append(r.Columns, name)
	}
	if len(dataCols) == 0 {
		return nil, refuse("%s: no column is left as data", t.Name)
	}
	r.X = make([]float64, 0, t.Rows*len(dataCols))
	r.C = make([]float64, 0, t.Rows*len(condCols))
	for i := range t.Rows {
		row := t.X[i*d : (i+1)*d]
		if missing(row) {
			r.Dropped++
			continue
		}
		for _, j := range dataCols {
			r.X = append(r.X, row[j])
		}
		for _, j := range condCols {
			r.C = append(r.C, row[j])
		}
		r.Index = append(r.Index, i)
		r.N++
	}
	if r.N == 0 {
		return nil, refuse("%s: every one of its %d rows has a missing cell", t.Name, t.Rows)
	}
	return r, nil
}

func (t *Table) columnList() string { return some(t.Columns) }

// some lists names, not more than fit a line.
func some(names []string) string {
	const most = 8
	var b strings.Builder
	for i, n := range names {
		if i == most {
			fmt.Fprintf(&b, ", … (%d in all)", len(names))
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(clip(n))
	}
	return b.String()
}

func missing(row []float64) bool {
	for _, v := range row {
		if math.IsNaN(v) {
			return true
		}
	}
	return false
}

// Without returns the table without the named columns.
func (t *Table) Without(columns ...string) (*Table, error) {
	drop := make([]bool, len(t.Columns))
	for _, name := range columns {
		j := t.Index(name)
		if j < 0 {
			return nil, refuse("%s: no column %q; there are %s", t.Name, name, t.columnList())
		}
		drop[j] = true
	}
	u := &Table{Name: t.Name, Rows: t.Rows, Classes: map[int][]string{}}
	var keep []int
	for j, name := range t.Columns {
		if drop[j] {
			continue
		}
		if c, ok := t.Classes[j]; ok {
			u.Classes[len(keep)] = c
		}
		keep = append(keep, j)
		u.Columns = append(u.Columns, name)
	}
	for i := range t.Rows {
		for _, j := range keep {
			u.X = append(u.X, t.X[i*len(t.Columns)+j])
		}
	}
	return u, nil
}

// Constant lists the columns that hold one value only.
func (r *Rows) Constant() []int {
	d := len(r.Columns)
	var same []int
	for j := range d {
		constant := true
		for i := 1; i < r.N && constant; i++ {
			constant = r.X[i*d+j] == r.X[j]
		}
		if constant {
			same = append(same, j)
		}
	}
	return same
}

// CheckFit returns an error unless there is something to learn: two rows or more, not all the same.
func (r *Rows) CheckFit() error {
	if r.N < 2 {
		dropped := ""
		if r.Dropped > 0 {
			dropped = fmt.Sprintf(" (%d with a missing cell were left out)", r.Dropped)
		}
		return refuse("%s: one row%s: a law cannot be learned from it", r.Name, dropped)
	}
	if len(r.Constant()) == len(r.Columns) {
		return refuse("%s: all columns are constant: every one of the %d rows is the same", r.Name, r.N)
	}
	return nil
}

// Gather returns the given rows of x, which has dim columns, in the order given.
func Gather(x []float64, dim int, rows []int) []float64 {
	y := make([]float64, 0, len(rows)*dim)
	for _, i := range rows {
		y = append(y, x[i*dim:(i+1)*dim]...)
	}
	return y
}
