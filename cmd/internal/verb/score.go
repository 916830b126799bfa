package verb

import (
	"bytes"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"pushforward/cfm/dataset"
	"pushforward/cfm/model"
	"pushforward/odeint"
)

const scoreHelp = `score keeps each row of a table, in its order and as it was written, and appends

  logp     log-density in nats, per unit of the data
  err      error bar on logp
  pvalue   share of held-out rows that are no likelier: small means unusual
  status   done; missing if a cell is; bad (with -skip-bad); or how the solve failed

  score -model m.safetensors -data rows.csv > scored.csv
  sample -model m.safetensors | score -model m.safetensors -data -
  score -model m.safetensors -out density.png          a heat map, for two columns
  score -model m.safetensors -data rows.csv -anomaly -why 2

With -anomaly, of a model trained with it, the columns are: logp; typical, the share of
held-out rows whose logp is further out on either side; score, 0 for a row like the held-out
ones and greater for stranger ones; pvalue of the score; and for each of the K columns that
contribute most whyK, its name, expectedK, shareK.

  -model FILE|DIR      the model, or its run's folder    (the newest run; needed in a pipe)
  -data FILE           .csv .tsv .npy, also with .gz; - is CSV on standard input
                       columns are found by name, or by place if the names are not the model's
  -given NAME=VALUE    a condition that the table has no column for
  -out FILE            .csv or .png; - is standard output                      (-)
  -anomaly             how strange each row is; -fast leaves logp and typical out
  -why K               name the K columns that contribute most to it           (0)
  -parts               append what err is made of: err_probe, err_solver, err_rounding
  -round-trip          solve the way back too and count what it misses by: twice the price
  -skip-bad            a cell not finite, off the model's levels or its support, costs its row
                       the score, not the run
  -strict              exit with 1 if a row could not be solved
  -probes N            estimate the divergence by N random probes
  -exact               exact divergence of more than 64 columns too: a product with the
                       network for each; there -exact or -probes N must be said
  -seed N              where probes come from                                  (0)
  -rtol T -atol T      tolerances of the solver                                (1e-5)
  -method M            bosh3 dopri5 tsit5, or euler midpoint heun rk4 with -step H  (dopri5)
  -guidance W -guidance-extra w   refused: a guided field is not that of the data's law
  -workers N           cores to use; moves no bit of the result                (all)
  -version
`

func score(e env, args []string) error {
	var (
		path, data, out string
		opt             model.DensityOptions
		cond            = given{}
		how             scoreFlags
	)
	var strange anomalyFlags
	f := newFlags("score")
	f.BoolVar(&strange.on, "anomaly", false, "")
	f.BoolVar(&strange.fast, "fast", false, "")
	f.IntVar(&strange.why, "why", 0, "")
	f.StringVar(&path, "model", "", "")
	f.StringVar(&data, "data", "", "")
	f.StringVar(&out, "out", "-", "")
	f.Var(cond, "given", "")
	f.IntVar(&opt.Probes, "probes", 0, "")
	f.BoolVar(&opt.Exact, "exact", false, "")
	f.BoolVar(&opt.RoundTrip, "round-trip", false, "")
	f.BoolVar(&how.parts, "parts", false, "")
	f.BoolVar(&how.skip, "skip-bad", false, "")
	f.BoolVar(&how.strict, "strict", false, "")
	f.Func("seed", "", func(s string) (err error) { opt.Seed, err = readSeed(s); return err })
	solverFlags(f, &opt.Solver)
	guided := guidanceFlags(f)
	workersFlag(f)
	if err := parse(e, f, scoreHelp, args); err != nil {
		return err
	}
	if err := guided(); err != nil {
		return err
	}
	if err := checkProbes(opt); err != nil {
		return err
	}
	if err := checkSolver(opt.Solver); err != nil {
		return err
	}
	kind, err := outKind(out, ".csv", ".png")
	if err != nil {
		return err
	}
	if err := strange.check(kind, setFlags(f)); err != nil {
		return err
	}
	if data == "" && kind != ".png" {
		return misuse("-data is needed: the table to score")
	}
	m, err := openModel(e, path)
	if err != nil {
		return err
	}
	if strange.on && !m.HasDetector() {
		return refuse("the model was not trained to judge anomalies; train it with -anomaly")
	}
	if m.Distilled {
		return refuse("the model is distilled: one step is no flow and need not be one to one, so it has no density; score the model it came from")
	}
	if !m.HasDensity() && !strange.fast {
		return refuse("the model starts from %s, which has no density in closed form", m.Source)
	}
	if kind == ".png" {
		return heatMap(e, m, data, out, cond, opt)
	}
	if m.Dim > exactColumns && opt.Probes == 0 && !opt.Exact && m.FamilyName() == model.CFM && !strange.on {
		return refuse("%d columns are too many for an exact divergence by default: -exact for it all the same, at a product with the network a column, or -probes N to estimate it by N random probes (8 are a start; err says what they are good for)", m.Dim)
	}
	closedForm(e, m, setFlags(f))
	if !strange.fast && strange.on {
		estimated(e, m, opt)
	}
	t, err := readScored(e, data, how.skip)
	if err != nil {
		return err
	}
	rows, err := t.pair(m, cond)
	if err == nil {
		err = t.sift(m, &rows, how.skip)
	}
	if err != nil {
		return err
	}
	unsolved := 0
	err = write(e, out, func(w io.Writer) (err error) {
		if strange.on {
			unsolved, err = t.anomalies(e, w, m, rows, strange, opt)
			return err
		}
		unsolved, err = t.score(e, w, m, rows, opt, how)
		return err
	})
	if err == nil && how.strict && unsolved > 0 {
		return &problem{1, errSilent}
	}
	return err
}

// guidanceFlags takes the flags by which sample is guided, to say why they make no sense here.
func guidanceFlags(f *flag.FlagSet) (check func() error) {
	weight, extra := f.Float64("guidance", 1, ""), f.Float64("guidance-extra", 0, "")
	return func() error {
		if *weight == 1 && *extra == 0 {
			return nil
		}
		return refuse("-guidance: a guided field is not the field of the law the data have, so rows have no density under it; score and evaluate without guidance")
	}
}

// scoreFlags are the flags of score that do not touch a density.
type scoreFlags struct{ parts, skip, strict bool }

// checkProbes refuses flags of the divergence that make no sense.
func checkProbes(opt model.DensityOptions) error {
	if opt.Probes < 0 {
		return misuse("-probes %d: want a number of at least 0", opt.Probes)
	}
	if opt.Probes > 0 && opt.Exact {
		return misuse("-probes and -exact: want one of them")
	}
	return nil
}

// estimated tells that a density is not exact though nobody asked for probes.
func estimated(e env, m *model.Model, opt model.DensityOptions) {
	if m.Dim > exactColumns && opt.Probes == 0 && !opt.Exact && m.FamilyName() == model.CFM {
		fmt.Fprintf(e.err, "note: %d columns are too many for an exact divergence: 8 probes estimate it; -probes N for another number, -exact for all %d\n", m.Dim, m.Dim)
	}
}

// closedForm tells which of the flags that were set a family without a solver has no use for.
func closedForm(e env, m *model.Model, set map[string]bool) {
	if m.FamilyName() == model.CFM {
		return
	}
	var idle []string
	for _, name := range []string{"probes", "exact", "rtol", "atol", "method", "step", "round-trip"} {
		if set[name] && !(name == "round-trip" && m.FamilyName() != model.KDE) {
			idle = append(idle, "-"+name)
		}
	}
	if len(idle) > 0 {
		fmt.Fprintf(e.err, "note: the density of family %s is exact and takes no solve: %s %s nothing\n", m.FamilyName(), strings.Join(idle, " "), map[bool]string{true: "changes", false: "change"}[len(idle) == 1])
	}
}

// exactColumns is up to how many columns the divergence is exact unless a flag says otherwise.
const exactColumns = 64

// scored is a table to be scored: its numbers, and its cells as they were written.
type scored struct {
	*dataset.Table
	cells [][]string // nil: a matrix, whose numbers are written out
}

// readScored reads a table and keeps its cells. With skip, cells that hold no usable number are left to sift.
func readScored(e env, path string, skip bool) (*scored, error) {
	var opt []dataset.Option
	if skip {
		opt = append(opt, dataset.KeepBad)
	}
	if path != "-" && !isCSV(path) {
		t, err := dataset.Open(path, opt...)
		return &scored{Table: t}, err
	}
	var b []byte
	var t *dataset.Table
	var err error
	if path == "-" {
		if b, err = io.ReadAll(e.in); err == nil {
			t, err = dataset.OpenCSV(bytes.NewReader(b), "standard input", opt...)
		}
	} else if t, err = dataset.Open(path, opt...); err == nil {
		b, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, err
	}
	s := &scored{Table: t}
	if s.cells, err = cells(b); err != nil {
		return nil, refuse("%s: %v", t.Name, err)
	}
	switch len(s.cells) {
	case t.Rows + 1:
		s.cells = s.cells[1:] // the header
	case t.Rows:
	default:
		return nil, refuse("%s: %d records for %d rows; was it changed while it was read?", t.Name, len(s.cells), t.Rows)
	}
	return s, nil
}

// isCSV reports whether a path is a table of text that is not compressed.
func isCSV(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".csv", ".tsv", ".txt":
		return true
	}
	return false
}

// cells reads the records of a text that was already found to be a table.
func cells(b []byte) ([][]string, error) {
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	r := csv.NewReader(bytes.NewReader(b))
	line, _, _ := bytes.Cut(b, []byte("\n"))
	if !bytes.ContainsRune(line, ',') {
		for _, c := range "\t;" {
			if bytes.ContainsRune(line, c) {
				r.Comma = c
				break
			}
		}
	}
	r.FieldsPerRecord = -1
	return r.ReadAll()
}

// pairs are a table's rows as a model takes them. Missing[i] says that row i has an empty cell, or, with bad[i],
// a number that has no density.
type pairs struct {
	rows, given  [][]float64
	missing, bad []bool
	place        []int // in the table, of the model's columns
}

// match finds the model's columns and conditions in the table: by name, or by place if the table has as
// many columns as the model and none of its names.
func (t *scored) match(m *model.Model, cond given) (pairs, error) {
	p, err := t.pair(m, cond)
	if err == nil {
		err = t.sift(m, &p, false)
	}
	return p, err
}

// pair is match with numbers that have no density left in.
func (t *scored) pair(m *model.Model, cond given) (p pairs, err error) {
	fixed := map[string]float64{}
	for name, s := range cond {
		c, ok := findCondition(m, name)
		if !ok {
			return p, misuse("-given: the model has no condition %q", name)
		}
		if fixed[name], err = c.Parse(s); err != nil {
			return p, misuse("-given: %s", strings.TrimPrefix(err.Error(), "model: "))
		}
	}
	known := 0
	for _, c := range m.Columns {
		if t.Index(c) >= 0 {
			known++
		}
	}
	place := make([]int, m.Dim)
	p.place = place
	byPlace := known == 0 && (len(t.Columns) == m.Dim || len(t.Columns) == m.Dim+len(m.Conditions)-len(fixed))
	for j, c := range m.Columns {
		place[j] = t.Index(c)
		if byPlace {
			place[j] = j
		}
		if place[j] < 0 {
			return p, refuse("%s: it has no column %q; the model's %d are %s, the table's %d are %s", t.Name, c, m.Dim, some(m.Columns), len(t.Columns), some(t.Columns))
		}
		if classes, text := t.Classes[place[j]]; text {
			return p, refuse("%s: column %q is text (%s), the model wants numbers", t.Name, t.Columns[place[j]], some(classes))
		}
	}
	at := make([]int, len(m.Conditions))
	next := m.Dim
	for j, c := range m.Conditions {
		if _, ok := fixed[c.Name]; ok {
			at[j] = -1
			continue
		}
		if at[j] = t.Index(c.Name); at[j] < 0 && byPlace && next < len(t.Columns) {
			at[j] = next
			next++
		}
		if at[j] < 0 {
			return p, refuse("%s: it has no column for the condition %q; name it so, or fix it with -given %s=VALUE", t.Name, c.Name, c.Name)
		}
	}
	d := len(t.Columns)
	for i := range t.Rows {
		x := t.X[i*d : (i+1)*d]
		row, g := make([]float64, m.Dim), make([]float64, len(m.Conditions))
		missing := false
		for j, k := range place {
			row[j] = x[k]
			missing = missing || math.IsNaN(x[k])
		}
		for j, k := range at {
			c := m.Conditions[j]
			switch {
			case k < 0:
				g[j] = fixed[c.Name]
			case math.IsNaN(x[k]):
				missing = true
			default:
				text := strconv.FormatFloat(x[k], 'g', -1, 64)
				if classes, ok := t.Classes[k]; ok {
					text = classes[int(x[k])]
				}
				if g[j], err = c.Parse(text); err != nil {
					return p, refuse("%s: row %d, column %q: %s", t.Name, i+1, t.Columns[k], strings.TrimPrefix(err.Error(), "model: "))
				}
			}
		}
		p.rows, p.given, p.missing = append(p.rows, row), append(p.given, g), append(p.missing, missing)
	}
	return p, nil
}

// sift looks for numbers that are not finite or lie outside the support of the model's levels. It refuses the
// first one; with skip it takes such rows out.
func (t *scored) sift(m *model.Model, p *pairs, skip bool) error {
	p.bad = make([]bool, len(p.rows))
	for i, row := range p.rows {
		if p.missing[i] {
			continue
		}
		for j, v := range append(row[:len(row):len(row)], p.given[i]...) {
			why := ""
			switch {
			case math.IsInf(v, 0) || math.IsNaN(v):
				why = "is not a finite number"
			case j < len(row) && m.Levels > 0 && (v != math.Floor(v) || v < 0 || v >= float64(m.Levels)):
				why = fmt.Sprintf("is not one of the whole numbers 0 to %d", m.Levels-1)
			case j < len(row) && m.Levels == 0 && m.Logit > 0 && !(v >= 0 && v <= 1):
				why = "is outside of the support, [0, 1]"
			default:
				continue
			}
			if !skip {
				name := ""
				if j < len(row) {
					name = t.Columns[p.place[j]]
				} else {
					name = m.Conditions[j-len(row)].Name
				}
				return refuse("%s: row %d, column %q: %v %s; -skip-bad scores the other rows", t.Name, i+1, name, v, why)
			}
			p.missing[i], p.bad[i] = true, true
			break
		}
	}
	return nil
}

func findCondition(m *model.Model, name string) (model.Condition, bool) {
	for _, c := range m.Conditions {
		if c.Name == name {
			return c, true
		}
	}
	return model.Condition{}, false
}

// some lists a few names.
func some(names []string) string {
	if len(names) > 8 {
		return strings.Join(names[:8], ", ") + fmt.Sprintf(" and %d more", len(names)-8)
	}
	return strings.Join(names, ", ")
}

// score writes the table with its scores, a chunk at a time, and counts the rows whose solve failed.
func (t *scored) score(e env, w io.Writer, m *model.Model, p pairs, opt model.DensityOptions, how scoreFlags) (unsolved int, err error) {
	names := append(append([]string{}, t.Columns...), "logp", "err", "pvalue")
	parts := 0
	if how.parts {
		names, parts = append(names, "err_probe", "err_solver", "err_rounding"), 3
		if opt.RoundTrip {
			names, parts = append(names, "err_round_trip"), 4
		}
	}
	out := newTableWriter(w, ".csv", len(p.rows), append(names, "status"))
	bad, skipped := 0, 0
	for at := 0; at < len(p.rows); at += chunkRows {
		to := min(at+chunkRows, len(p.rows))
		d, err := scoreChunk(e, m, p, at, to, opt)
		var solve *odeint.SolveError
		if err != nil && !errors.As(err, &solve) || e.ctx.Err() != nil {
			return bad, err
		}
		for i := at; i < to; i++ {
			t.copyRow(out, i)
			s := d[i-at]
			out.within(s.logp, s.err)
			out.number(s.err)
			out.number(s.pvalue)
			for _, v := range s.parts[:parts] {
				out.number(v)
			}
			out.text(s.status)
			out.end()
			switch s.status {
			case "done", "missing":
			case "bad":
				skipped++
			default:
				bad++
			}
		}
	}
	if skipped > 0 {
		fmt.Fprintf(e.err, "note: %d of %d rows have numbers without a density; their status is bad\n", skipped, len(p.rows))
	}
	if bad > 0 {
		fmt.Fprintf(e.err, "note: %d of %d rows could not be solved; their status says why\n", bad, len(p.rows))
	}
	return bad, out.flush()
}

// copyRow writes row i as it was.
func (t *scored) copyRow(out *tableWriter, i int) {
	if t.cells == nil {
		out.numbers(t.X[i*len(t.Columns) : (i+1)*len(t.Columns)])
		return
	}
	for _, c := range t.cells[i] {
		out.text(c)
	}
}

// rowScore is what is appended to a row.
type rowScore struct {
	logp, err, pvalue float64
	parts             [4]float64 // of err: probe, solver, rounding, round trip
	status            string
}

// scoreChunk scores rows at … to-1. A row with a missing cell has no score.
func scoreChunk(e env, m *model.Model, p pairs, at, to int, opt model.DensityOptions) ([]rowScore, error) {
	var index []int
	out := make([]rowScore, to-at)
	for i := range out {
		nan := math.NaN()
		out[i] = rowScore{nan, nan, nan, [4]float64{nan, nan, nan, nan}, "missing"}
		if p.bad != nil && p.bad[at+i] {
			out[i].status = "bad"
		}
		if !p.missing[at+i] {
			index = append(index, at+i)
		}
	}
	if len(m.Conditions) > 0 {
		opt.Given = pick(p.given, index)
	}
	opt.Row = index
	d, err := m.LogDensity(e.ctx, pick(p.rows, index), opt)
	if len(d.LogP) < len(index) {
		return out, err
	}
	for k, i := range index {
		s := &out[i-at]
		s.logp, s.err, s.pvalue, s.status = d.LogP[k], d.Err[k], d.PValue[k], d.Status[k].String()
		for j, part := range [][]float64{d.Parts.Probe, d.Parts.Solver, d.Parts.Rounding, d.Parts.RoundTrip} {
			if part != nil {
				s.parts[j] = part[k]
			}
		}
		if d.Status[k].OK() {
			out[i-at].status = "done"
		}
	}
	return out, err
}

// heatMap draws the density of a model of two columns, with the rows of data on it.
func heatMap(e env, m *model.Model, data, out string, cond given, opt model.DensityOptions) error {
	if m.Dim != 2 {
		return misuse("-out %s: a heat map needs a model of 2 columns, this one has %d", out, m.Dim)
	}
	var points [][]float64
	if data != "" {
		t, err := readScored(e, data, false)
		if err != nil {
			return err
		}
		p, err := t.match(m, cond)
		if err != nil {
			return err
		}
		for i, row := range p.rows {
			if !p.missing[i] {
				points = append(points, row)
			}
		}
	}
	so := model.SampleOptions{Seed: opt.Seed}
	if len(m.Conditions) > 0 {
		row, err := m.Encode(cond)
		if err != nil {
			return misuse("-given: %s", strings.TrimPrefix(err.Error(), "model: "))
		}
		so.Given = [][]float64{row}
		opt.Given = so.Given
	}
	s, err := m.Sample(e.ctx, drawnRows, so)
	if err != nil {
		return err
	}
	return heatPicture(e, m, points, s, out, opt)
}
