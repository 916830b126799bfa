package model

import (
	"context"
	"fmt"
	"math"
	"sort"

	"pushforward/cfm"
	"pushforward/odeint"
	"pushforward/simd/rng"
)

// DensityOptions configures LogDensity.
type DensityOptions struct {
	Given  [][]float64 // as in SampleOptions, but never drawn
	Probes int         // > 0: estimate the divergence by so many probes; 0: exact up to 64 columns, 8 probes beyond
	Exact  bool        // exact, whatever the number of columns

	RoundTrip bool   // solve the way back too and count what it misses by, at twice the price
	Seed      uint64 // where probes, and the places of whole numbers between their levels, come from
	Row       []int  // the number of each row, for Seed; nil: their places
	Solver
}

// row is the number of row i.
func (o DensityOptions) row(i int) int {
	if o.Row != nil {
		return o.Row[i]
	}
	return i
}

// Density is what LogDensity found for each row.
type Density struct {
	LogP   []float64 // log-density in nats, per unit of the data; with Levels, of (k+u)/Levels
	Err    []float64 // error bar on LogP
	Parts  Parts     // what Err adds in squares
	PValue []float64 // share of held-out rows that are no likelier, (1 + #)/(1 + n); NaN if none were kept
	Status []odeint.Status
	Stats  odeint.Stats
}

// Parts are the parts of error bars, see cfm.Density: of the probes, the solver, the rounding of the network and
// the round trip. Those that were not measured are nil; a family without a solver has its rounding and round trip alone.
type Parts struct{ Probe, Solver, Rounding, RoundTrip []float64 }

// LogDensity finds the log-density of each row. A solve that fails leaves its row NaN and the others
// whole: the error names the first such row.
func (m *Model) LogDensity(ctx context.Context, rows [][]float64, opt DensityOptions) (Density, error) {
	var d Density
	if err := m.ready(); err != nil {
		return d, err
	}
	if m.Distilled {
		return d, badData("the model is distilled: one step is no flow and need not be one to one, so it has no density; score the model it came from")
	}
	if !m.HasDensity() {
		return d, badData("the source %q has no density in closed form, so the model has none", m.Source)
	}
	if len(rows) == 0 {
		return d, nil
	}
	if opt.Row != nil && len(opt.Row) != len(rows) {
		return d, badData("%d rows and numbers for %d", len(rows), len(opt.Row))
	}
	if err := m.checkWidth(rows); err != nil {
		return d, err
	}
	ode, err := opt.options(1e-5)
	if err != nil {
		return d, err
	}
	given := opt.Given
	if len(m.Conditions) > 0 && given == nil {
		return d, badData("the model wants conditions: %s", m.conditionNames())
	}
	if given, err = m.givenRows(len(rows), 0, given, rng.Key{}); err != nil {
		return d, err
	}
	key := rng.New(opt.Seed).Named("density")
	x, wide := m.placed(rows, opt)
	c := cfm.DensityOptions{Options: ode, Key: key.Named("probe"), Row: opt.Row}
	c.RoundTrip = opt.RoundTrip
	switch {
	case opt.Exact && opt.Probes > 0:
		return d, badData("%d probes and an exact divergence: want one of them", opt.Probes)
	case opt.Exact:
		c.Divergence = cfm.Exact
	case opt.Probes > 0:
		c.Divergence = cfm.Probes(opt.Probes)
	}
	got, err := m.gen.density(ctx, m.flow, x, m.encoded(given), wide, c)
	d = Density{LogP: got.LogP, Err: got.Err, Parts: Parts(got.Parts), Status: got.Status, Stats: got.Stats}
	shift := m.logScale()
	for i := range d.LogP {
		d.LogP[i] += m.logitDet(wide[i*m.Dim:][:m.Dim]) - shift
	}
	for i, s := range got.Status {
		if !s.OK() && i < len(d.LogP) {
			d.LogP[i], d.Err[i] = math.NaN(), math.NaN()
		}
	}
	for _, v := range d.LogP {
		d.PValue = append(d.PValue, m.pvalue(v))
	}
	if err != nil {
		return d, fmt.Errorf("model: log-density: %w", err)
	}
	return d, nil
}

// checkWidth refuses rows the model was not made for.
func (m *Model) checkWidth(rows [][]float64) error {
	for i, r := range rows {
		if len(r) != m.Dim {
			return badData("row %d has %d columns, the model has %d: %s", i+1, len(r), m.Dim, list(m.Columns))
		}
		for j, v := range r {
			switch {
			case math.IsNaN(v) || math.IsInf(v, 0):
				return badData("row %d, column %s: %v is not a finite number", i+1, m.Columns[j], v)
			case m.Levels > 0 && (v != math.Floor(v) || v < 0 || v >= float64(m.Levels)):
				return badData("row %d, column %s: %v is not one of the whole numbers 0 to %d", i+1, m.Columns[j], v, m.Levels-1)
			}
		}
	}
	return m.checkSupport(rows)
}

// calibrate keeps the log-densities of held-out rows.
func (m *Model) calibrate(logp []float64) {
	m.calib = nil
	for _, v := range logp {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			m.calib = append(m.calib, v)
		}
	}
	sort.Float64s(m.calib)
}

// Calibration is the number of held-out log-densities that p-values rest on.
func (m *Model) Calibration() int { return len(m.calib) }

// pvalue is the chance that a row of the data is at most as likely as logp, judged by the held-out rows:
// uniform, but for its steps, for rows like them.
func (m *Model) pvalue(logp float64) float64 {
	if len(m.calib) == 0 || math.IsNaN(logp) {
		return math.NaN()
	}
	n := sort.Search(len(m.calib), func(i int) bool { return m.calib[i] > logp })
	return float64(1+n) / float64(1+len(m.calib))
}
