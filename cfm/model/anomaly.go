package model

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"sort"

	"pushforward/autograd"
	"pushforward/cfm"
	"pushforward/odeint"
	"pushforward/simd"
	"pushforward/simd/rng"
)

// A density alone is a poor judge of anomalies. Its logarithm has a term for volume, which rewards columns
// that take few values; and a row may be likelier than any of the data and yet like none of them: the
// origin of a standard normal law in a hundred dimensions is its likeliest point, and no draw is ever near
// it. So several views of a row are taken, each is put on the scale of held-out rows, and their mean is the
// score.

// view is one number that a row is judged by, greater for stranger rows, and where it lies for held-out
// ones: their median, and from there to their 84th percentile.
type view struct {
	Name  string  `json:"name"`
	Mid   float64 `json:"mid"`
	Width float64 `json:"width"`
	Share float64 `json:"share,omitempty"` // of the score; 0: as much as each other view
}

// place is where a number lies among held-out rows: how many widths above their median, by its logarithm,
//
//	log(1 + (x - Mid)/Width)
//
// and likewise below, so that no one view outshouts the others.
func (v view) place(x float64) float64 {
	z := (x - v.Mid) / v.Width
	return math.Copysign(simd.Log(1+math.Abs(z)), z)
}

// detector is what Finish has learned of held-out rows for Anomaly.
type detector struct {
	Views   []view    `json:"views"`
	Columns []float64 `json:"columns"` // mean of each column's surprise
	Score   []float64 `json:"score"`   // of held-out rows, increasing
	Kernels *smoothed `json:"kernels,omitempty"`
}

// share is what view k counts in the score. Shares add up to 1.
func (d *detector) share(k int) float64 {
	if s := d.Views[k].Share; s > 0 {
		return s
	}
	left, others := 1.0, 0
	for _, v := range d.Views {
		if left -= v.Share; v.Share == 0 {
			others++
		}
	}
	return left / float64(others)
}

// AnomalyOptions configures Anomaly.
type AnomalyOptions struct {
	Given  [][]float64 // as in DensityOptions
	Seed   uint64
	Row    []int // the number of each row, for Seed; nil: their places
	Probes int   // of the log-density, as in DensityOptions
	Exact  bool
	Why    int  // how many of the columns that contribute most are named
	Fast   bool // leave out log-density and typicality, which need a solve; the score does not
	Solver
}

// Cause is a column's part in a row's score.
type Cause struct {
	Column   int
	Share    float64 // of the row's surprise
	Expected float64 // what the model would expect there, the other columns being as they are
}

// Anomaly is what Model.Anomaly found for each row.
type Anomaly struct {
	// Score is the mean of the views, that of the kernels counting a third, each on the scale of held-out rows: 0 is a row like their median one.
	// PValue is the share of held-out rows that are no less strange,
	// (1 + #)/(1 + n).
	Score, PValue []float64
	// LogP is the log-density. Typical is the share of held-out rows whose log-density is further from their
	// median, counted by ranks: small for rows that are too likely, too. Both are NaN if Fast.
	LogP, Typical []float64
	Why           [][]Cause
	Failed        []bool // rows for which nothing was found: a solve that failed, a number out of all bounds

	Views  []string
	ByView [][]float64 // each view of each row, on the scale of held-out rows
}

// HasDetector reports whether the model was trained with Options.Anomaly.
func (m *Model) HasDetector() bool { return m.detector != nil }

// Anomaly judges how strange rows are. The model must have been trained with Options.Anomaly. A row that
// nothing can be said of has Failed set and NaN for numbers.
func (m *Model) Anomaly(ctx context.Context, rows [][]float64, opt AnomalyOptions) (Anomaly, error) {
	var a Anomaly
	d := m.detector
	if d == nil {
		return a, badData("the model was not trained to judge anomalies; train it with -anomaly (Options.Anomaly)")
	}
	for _, v := range d.Views {
		a.Views = append(a.Views, v.Name)
	}
	if len(rows) == 0 {
		return a, nil
	}
	l, err := m.look(ctx, rows, opt, opt.Why > 0)
	if err != nil {
		return a, err
	}
	if len(l.views) != len(d.Views) {
		return a, badFile("metadata \"anomaly\": %d views, the model has %d", len(d.Views), len(l.views))
	}
	n := len(rows)
	a.LogP, a.Failed = l.logp, make([]bool, n)
	a.Score, a.PValue, a.Typical = make([]float64, n), make([]float64, n), make([]float64, n)
	for _, v := range l.views {
		a.ByView = append(a.ByView, v.values)
	}
	for i := range n {
		for k, v := range d.Views {
			z := v.place(a.ByView[k][i])
			a.ByView[k][i] = z
			a.Score[i] += float64(z * d.share(k))
		}
		a.Failed[i] = math.IsNaN(a.Score[i]) || math.IsInf(a.Score[i], 0)
		if a.Failed[i] {
			a.Score[i] = math.NaN()
			a.PValue[i], a.Typical[i] = math.NaN(), math.NaN()
			continue
		}
		a.PValue[i] = float64(1+len(d.Score)-sort.SearchFloat64s(d.Score, a.Score[i])) / float64(1+len(d.Score))
		a.Typical[i] = twoSided(m.calib, a.LogP[i])
	}
	if opt.Why > 0 {
		a.Why = m.causes(rows, l, opt.Why)
	}
	return a, nil
}

// twoSided is the share of sorted numbers that lie further out than v, on either side.
func twoSided(sorted []float64, v float64) float64 {
	if len(sorted) == 0 || math.IsNaN(v) {
		return math.NaN()
	}
	low := sort.SearchFloat64s(sorted, v) // strictly below
	high := len(sorted) - sort.Search(len(sorted), func(i int) bool { return sorted[i] > v })
	p := 2 * float64(1+min(len(sorted)-high, len(sorted)-low)) / float64(1+len(sorted))
	return min(p, 1)
}

// causes names the columns with the greatest surprise, each measured by the mean one of held-out rows.
func (m *Model) causes(rows [][]float64, l looked, k int) [][]Cause {
	why := make([][]Cause, len(rows))
	x := make([]float64, m.Dim)
	for i := range rows {
		sum := 0.0
		all := make([]Cause, m.Dim)
		m.toData(x, l.expected.Row(i))
		for j, v := range l.surprise.Row(i) {
			all[j] = Cause{Column: j, Share: float64(v) / max(m.detector.Columns[j], 1e-12), Expected: x[j]}
			sum += all[j].Share
		}
		sort.SliceStable(all, func(a, b int) bool { return all[a].Share > all[b].Share })
		for j := range all {
			all[j].Share /= max(sum, 1e-300)
		}
		why[i] = all[:min(k, len(all))]
	}
	return why
}

// looked is what look found.
type looked struct {
	views []struct {
		name   string
		values []float64
	}
	logp               []float64
	surprise, expected autograd.Tensor[float32] // by column, in the model's scale; empty unless asked for
}

func (l *looked) add(name string, v []float64) {
	l.views = append(l.views, struct {
		name   string
		values []float64
	}{name, v})
}

// look takes all views of rows.
func (m *Model) look(ctx context.Context, rows [][]float64, opt AnomalyOptions, why bool) (looked, error) {
	var l looked
	if opt.Fast {
		if err := m.checkWidth(rows); err != nil {
			return l, err
		}
		l.logp = make([]float64, len(rows))
		for i := range l.logp {
			l.logp[i] = math.NaN()
		}
	} else {
		d, err := m.LogDensity(ctx, rows, DensityOptions{Given: opt.Given, Probes: opt.Probes, Exact: opt.Exact, Seed: opt.Seed, Row: opt.Row, Solver: opt.Solver})
		var solve *odeint.SolveError
		if err != nil && (!errors.As(err, &solve) || ctx.Err() != nil) {
			return l, err
		}
		l.logp = d.LogP
	}
	if len(m.Conditions) > 0 && opt.Given == nil {
		return l, badData("the model wants conditions: %s", m.conditionNames())
	}
	given, err := m.givenRows(len(rows), 0, opt.Given, rng.Key{})
	if err != nil {
		return l, err
	}
	x, _ := m.placed(rows, DensityOptions{Seed: opt.Seed, Row: opt.Row})
	l.surprise, l.expected = autograd.NewTensor[float32](len(rows), m.Dim), autograd.NewTensor[float32](len(rows), m.Dim)
	if err := m.gen.views(ctx, m.flow, m.Spec, x, m.encoded(given), &l, why); err != nil {
		return l, err
	}
	if m.detector != nil && m.detector.Kernels != nil {
		return l, m.detector.Kernels.view(ctx, x, &l)
	}
	return l, nil
}

// placed is rows in the model's scale, whole numbers spread out over their levels; wide has them before they are narrowed.
func (m *Model) placed(rows [][]float64, opt DensityOptions) (x autograd.Tensor[float32], wide []float64) {
	key := rng.New(opt.Seed).Named("density").Named("level")
	x, wide = autograd.NewTensor[float32](len(rows), m.Dim), make([]float64, len(rows)*m.Dim)
	for i, r := range rows {
		w := wide[i*m.Dim:][:m.Dim]
		for j, v := range r {
			if m.Levels > 0 {
				v = m.level(v, key.Fold(uint64(opt.row(i))), j)
			}
			w[j] = m.standard(v, j)
		}
		narrow(x.Row(i), w)
	}
	return x, wide
}

// learn sets the detector from held-out rows; its kernels, if it is to have some, are there already.
func (m *Model) learn(l looked) {
	var kernels *smoothed
	if m.detector != nil {
		kernels, m.detector = m.detector.Kernels, nil
	}
	var rows []int // those whose every view is a number
	for i := range l.logp {
		ok := finite(l.surprise.Row(i))
		for _, w := range l.views {
			ok = ok && !math.IsNaN(w.values[i]) && !math.IsInf(w.values[i], 0)
		}
		if ok {
			rows = append(rows, i)
		}
	}
	n := len(rows)
	if n == 0 {
		return
	}
	d := &detector{Columns: make([]float64, m.Dim), Score: make([]float64, n), Kernels: kernels}
	for _, i := range rows {
		for j, v := range l.surprise.Row(i) {
			d.Columns[j] += float64(v) / float64(n)
		}
	}
	for _, w := range l.views {
		var v []float64
		for _, i := range rows {
			v = append(v, w.values[i])
		}
		sort.Float64s(v)
		mid := v[n/2]
		width := v[min(n-1, int(0.84*float64(n)))] - mid
		if !(width > 1e-6*math.Abs(mid)) || width == 0 {
			width = max(1e-6*math.Abs(mid), 1e-6)
		}
		d.Views = append(d.Views, view{Name: w.name, Mid: mid, Width: width})
	}
	if kernels != nil {
		d.Views[len(d.Views)-1].Share = kernelShare
	}
	for v, w := range l.views {
		share := d.share(v)
		for k, i := range rows {
			d.Score[k] += float64(d.Views[v].place(w.values[i]) * share)
		}
	}
	sort.Float64s(d.Score)
	m.detector = d
}

// text is the detector as it stands in a file.
func (d *detector) text() (string, error) {
	b, err := json.Marshal(d)
	return string(b), err
}

// parseDetector is the inverse of text.
func parseDetector(text string, dim int) (*detector, error) {
	d := &detector{}
	if err := json.Unmarshal([]byte(text), d); err != nil {
		return nil, badFile("metadata \"anomaly\": %v", err)
	}
	ok := (d.Kernels == nil || d.Kernels.unpack(dim)) && len(d.Views) > 0 && len(d.Columns) == dim && sort.Float64sAreSorted(d.Score)
	shares := 0.0
	for _, v := range d.Views {
		ok = ok && v.Width > 0 && v.Share >= 0 && v.Share < 1
		shares += v.Share
	}
	ok = ok && shares < 1
	if !ok {
		return nil, badFile("metadata \"anomaly\": it does not fit the model")
	}
	return d, nil
}

// anomalyNoise is the deviation of the noise that Options.Anomaly adds to training rows, in the model's
// scale: a density must not be sharper than so many rows can show, nor rise without bound on numbers that
// come again and again.
func anomalyNoise(rows int) float64 { return min(0.5, 5/math.Sqrt(float64(rows))) }

// noisy adds Gaussian noise to every row that is drawn.
func noisy(d cfm.Data[float32], dim int, dev float64) cfm.Data[float32] {
	return cfm.Augment(d, func(x []float32, key rng.Key) {
		z := make([]float32, dim)
		rng.Normal(key.Named("noise"), z)
		for j, v := range z {
			x[j] += float32(float32(dev) * v)
		}
	})
}

// detectorRows is how many held-out rows the detector is learned from.
const detectorRows = 4096
