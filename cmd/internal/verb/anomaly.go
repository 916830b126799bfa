package verb

import (
	"fmt"
	"io"
	"math"

	"pushforward/cfm/model"
)

// anomalyFlags are the flags of score that ask for anomalies instead of densities.
type anomalyFlags struct {
	on, fast bool
	why      int
}

// check refuses flags that do not go together.
func (a anomalyFlags) check(kind string, set map[string]bool) error {
	switch {
	case a.why < 0:
		return misuse("-why %d: want a number of at least 0", a.why)
	case !a.on && (a.why > 0 || a.fast):
		return misuse("-why and -fast go with -anomaly")
	case a.on && kind != ".csv":
		return misuse("-anomaly: -out must be a .csv")
	case a.on && (set["parts"] || set["round-trip"]):
		return misuse("-parts and -round-trip are about the error bar of a density; -anomaly prints none: score without it")
	}
	return nil
}

// anomalies writes the table with what is strange about its rows, a chunk at a time.
// It counts the rows of which it could say nothing.
func (t *scored) anomalies(e env, w io.Writer, m *model.Model, p pairs, a anomalyFlags, opt model.DensityOptions) (failed int, err error) {
	names := append([]string{}, t.Columns...)
	if !a.fast {
		names = append(names, "logp", "typical")
	}
	names = append(names, "score", "pvalue")
	for k := range a.why {
		names = append(names, fmt.Sprintf("why%d", k+1), fmt.Sprintf("expected%d", k+1), fmt.Sprintf("share%d", k+1))
	}
	out := newTableWriter(w, ".csv", len(p.rows), append(names, "status"))
	bad := 0
	for at := 0; at < len(p.rows); at += chunkRows {
		to := min(at+chunkRows, len(p.rows))
		var index []int
		place := make([]int, to-at)
		for i := at; i < to; i++ {
			place[i-at] = -1
			if !p.missing[i] {
				place[i-at] = len(index)
				index = append(index, i)
			}
		}
		o := model.AnomalyOptions{Seed: opt.Seed, Row: index, Why: a.why, Fast: a.fast, Probes: opt.Probes, Exact: opt.Exact, Solver: opt.Solver}
		if len(m.Conditions) > 0 {
			o.Given = pick(p.given, index)
		}
		got, err := m.Anomaly(e.ctx, pick(p.rows, index), o)
		if err != nil {
			return failed, err
		}
		for i := at; i < to; i++ {
			t.copyRow(out, i)
			k := place[i-at]
			number := func(of []float64) {
				if k < 0 {
					out.number(math.NaN())
				} else {
					out.number(of[k])
				}
			}
			if !a.fast {
				number(got.LogP)
				number(got.Typical)
			}
			number(got.Score)
			number(got.PValue)
			for j := range a.why {
				if k < 0 || got.Failed[k] || j >= len(got.Why[k]) {
					out.text("")
					out.number(math.NaN())
					out.number(math.NaN())
					continue
				}
				c := got.Why[k][j]
				out.text(m.Columns[c.Column])
				out.number(c.Expected)
				out.number(c.Share)
			}
			switch {
			case k < 0 && p.bad != nil && p.bad[i]:
				out.text("bad")
				bad++
			case k < 0:
				out.text("missing")
			case got.Failed[k]:
				out.text("not finite")
				failed++
			default:
				out.text("done")
			}
			out.end()
		}
	}
	if bad > 0 {
		fmt.Fprintf(e.err, "note: %d of %d rows have numbers without a density; their status is bad\n", bad, len(p.rows))
	}
	if failed > 0 {
		fmt.Fprintf(e.err, "note: %d of %d rows are out of all bounds; their status says so\n", failed, len(p.rows))
	}
	return failed, out.flush()
}
