package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// Figure is one number of a table, with its spread: what a method gets in a case by a metric.
type Figure struct {
	Case   string // the task, the laws, the data set: a row of the printed grid
	Method string // who: a column
	Metric string // a grid

	Values []float64 // one for each seed; Mean and SD are theirs
	Mean   float64   // given where there are no Values, as for published figures
	SD     float64   // 0: not known
	N      int       // how many runs Mean is of; 0: not known

	Bar  float64 // what Mean is to stay below; 0: none
	Over bool    // what Mean is to stay above instead
	Note string  // printed below the grids
}

// complete fills Mean, SD and N in from Values.
func (f *Figure) complete() {
	n := float64(len(f.Values))
	if n == 0 {
		return
	}
	f.N, f.Mean, f.SD = len(f.Values), 0, 0
	for _, v := range f.Values {
		f.Mean += v / n
	}
	if n > 1 {
		for _, v := range f.Values {
			f.SD += float64((v-f.Mean)*(v-f.Mean)) / (n - 1)
		}
		f.SD = math.Sqrt(f.SD)
	}
}

// OK reports whether the figure is on the right side of its bar. Without a bar it is.
func (f *Figure) OK() bool {
	switch {
	case f.Bar == 0:
		return true
	case f.Over:
		return f.Mean >= f.Bar
	}
	return f.Mean <= f.Bar
}

// writeJSON prints one figure as one line.
func writeJSON(w io.Writer, table string, f Figure) error {
	line := struct {
		Table  string    `json:"table"`
		Case   string    `json:"case"`
		Metric string    `json:"metric"`
		Method string    `json:"method"`
		Mean   *float64  `json:"mean"`
		SD     *float64  `json:"sd,omitempty"`
		N      int       `json:"n,omitempty"`
		Values []float64 `json:"values,omitempty"`
		Bar    *float64  `json:"bar,omitempty"`
		OK     *bool     `json:"ok,omitempty"`
		Note   string    `json:"note,omitempty"`
	}{Table: table, Case: f.Case, Metric: f.Metric, Method: f.Method, N: f.N, Note: f.Note}
	if finite(f.Mean) {
		line.Mean = &f.Mean
	}
	if f.SD > 0 && finite(f.SD) {
		line.SD = &f.SD
	}
	if !slices.ContainsFunc(f.Values, func(v float64) bool { return !finite(v) }) {
		line.Values = f.Values
	}
	if f.Bar != 0 {
		ok := f.OK()
		line.Bar, line.OK = &f.Bar, &ok
	}
	b, err := json.Marshal(line)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", b)
	return err
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// writeText prints a grid of cases by methods for each metric, bars in brackets, then the figures that miss their bars, then the notes.
// Cases, methods and metrics come in the order in which they were first added.
func writeText(w io.Writer, t *Table, figures []Figure) error {
	fmt.Fprintf(w, "%s: %s\n", t.Name, t.About)
	var metrics []string
	var missed, notes []string
	bars := 0
	for _, f := range figures {
		metrics = appendNew(metrics, f.Metric)
		if f.Note != "" {
			notes = appendNew(notes, f.Note)
		}
		if f.Bar == 0 {
			continue
		}
		bars++
		if !f.OK() {
			sign := "≤"
			if f.Over {
				sign = "≥"
			}
			missed = append(missed, fmt.Sprintf("%s, %s, %s: %s, want %s %s", f.Case, f.Method, f.Metric, digits(f.Mean), sign, digits(f.Bar)))
		}
	}
	for _, m := range metrics {
		var cases, methods []string
		cells := map[[2]string]string{}
		for _, f := range figures {
			if f.Metric != m {
				continue
			}
			cases, methods = appendNew(cases, f.Case), appendNew(methods, f.Method)
			cells[[2]string{f.Case, f.Method}] = f.cell()
		}
		grid := [][]string{append([]string{m}, methods...)}
		for _, c := range cases {
			line := []string{c}
			for _, who := range methods {
				line = append(line, cells[[2]string{c, who}])
			}
			grid = append(grid, line)
		}
		fmt.Fprintln(w)
		writeGrid(w, grid)
	}
	if bars > 0 {
		fmt.Fprintf(w, "\n%d of %d bars held\n", bars-len(missed), bars)
		for _, s := range missed {
			fmt.Fprintf(w, "  missed: %s\n", s)
		}
	}
	for i, s := range notes {
		if i == 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "%s\n", s)
	}
	return nil
}

// cell is the figure as the grid shows it, with the bar it is held to, marked where it misses that.
func (f *Figure) cell() string {
	if !finite(f.Mean) {
		return "failed"
	}
	s := digits(f.Mean)
	if f.SD > 0 {
		s += " ± " + digits(f.SD)
	}
	switch {
	case f.Bar == 0:
	case f.OK():
		s += fmt.Sprintf(" (%s)", digits(f.Bar))
	default:
		s += fmt.Sprintf(" (%s ✗)", digits(f.Bar))
	}
	return s
}

// digits prints three decimals, more for small numbers, fewer for large ones.
func digits(v float64) string {
	switch a := math.Abs(v); {
	case a != 0 && a < 0.01:
		return fmt.Sprintf("%.4f", v)
	case a >= 100:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.3f", v)
}

// writeGrid prints columns at equal widths, the first flush left, the others flush right.
func writeGrid(w io.Writer, grid [][]string) {
	width := make([]int, len(grid[0]))
	for _, line := range grid {
		for j, s := range line {
			width[j] = max(width[j], utf8.RuneCountInString(s))
		}
	}
	for _, line := range grid {
		var b strings.Builder
		for j, s := range line {
			pad := strings.Repeat(" ", width[j]-utf8.RuneCountInString(s))
			if j == 0 {
				b.WriteString(s + pad)
			} else {
				b.WriteString("   " + pad + s)
			}
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
}

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}
