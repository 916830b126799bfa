package verb

import (
	"errors"
	"fmt"
	"io"
	"math"

	"pushforward/cfm/dataset"
	"pushforward/cfm/metric"
	"pushforward/cfm/model"
	"pushforward/cfm/ot"
	"pushforward/odeint"
	"pushforward/simd/rng"
)

// distances are those of drawn rows from real ones, each with its floor, that of two real samples of one size.
type distances struct {
	Points        int      `json:"points"`
	W1            *float64 `json:"w1"`
	W1Floor       *float64 `json:"w1_floor"`
	W2            *float64 `json:"w2"`
	W2Floor       *float64 `json:"w2_floor"`
	Sliced        *float64 `json:"sliced_w2"`
	SlicedFloor   *float64 `json:"sliced_w2_floor"`
	Sinkhorn      *float64 `json:"sinkhorn_divergence"`
	SinkhornFloor *float64 `json:"sinkhorn_floor"`
	MMD           *float64 `json:"mmd2"`
	MMDFloor      *float64 `json:"mmd2_floor"`
	Energy        *float64 `json:"energy_distance"`
	Floor         *float64 `json:"energy_floor"`
	C2ST          *float64 `json:"c2st"`
	C2STFloor     *float64 `json:"c2st_floor"`
	Trees         *float64 `json:"c2st_trees"`
	TreesFloor    *float64 `json:"c2st_trees_floor"`
}

// paths say how a flow gets from its source to the data, in the model's scale.
type paths struct {
	PathEnergy   *float64 `json:"path_energy,omitempty"`
	Least        *float64 `json:"path_energy_floor,omitempty"`      // W₂² between source and real rows
	Normalised   *float64 `json:"path_energy_normalised,omitempty"` // |energy - W₂²|/W₂²
	Straightness *float64 `json:"straightness,omitempty"`           // share of the energy that straight lines would save
}

// calibration says where real rows stand among drawn ones.
type calibration struct {
	Trials   int      `json:"calibration_rows"`
	RankGap  *float64 `json:"rank_distance"` // the largest over the columns of the distance of ranks from uniform ones
	RankP    *float64 `json:"rank_p"`        // the probability of one so large by chance, over all columns
	Cover50  *float64 `json:"coverage_50"`   // how often the central half of the draws holds a number
	Cover90  *float64 `json:"coverage_90"`
	Region50 *float64 `json:"region_coverage_50,omitempty"` // the same for regions of highest density
	Region90 *float64 `json:"region_coverage_90,omitempty"`
}

// judge compares a model with two real samples.
type judge struct {
	e      env
	m      *model.Model
	law    dataset.Law
	seed   uint64
	a, b   [][]float64 // the real samples, of one size
	given  [][]float64 // of a
	scaled bool        // distances are in standardised columns
}

// newJudge parts real rows in two samples of at most points rows, or draws them from the law.
func newJudge(e env, m *model.Model, rows, given [][]float64, law dataset.Law, points int, seed uint64) *judge {
	j := &judge{e: e, m: m, law: law, seed: seed, scaled: law == nil && m.Levels == 0 && m.Scale != nil && m.Logit == 0}
	if law != nil {
		key := rng.New(seed).Named("evaluate")
		x := make([]float64, points*m.Dim)
		y := make([]float64, points*m.Dim)
		law.Sample(x, key.Named("one"))
		law.Sample(y, key.Named("two"))
		j.a, j.b = rowsOf(x, m.Dim), rowsOf(y, m.Dim)
		return j
	}
	perm := make([]int, len(rows)) // files have an order
	rng.Perm(rng.New(seed).Named("halves"), perm)
	n := min(points, len(rows)/2)
	j.a, j.b, j.given = pick(rows, perm[:n]), pick(rows, perm[n:2*n]), pick(given, perm[:n])
	return j
}

// units flattens rows in the units that distances are measured in.
func (j *judge) units(rows [][]float64, scaled bool) []float64 {
	x := flat(rows)
	if scaled && j.m.Scale != nil {
		for i := range x {
			x[i] /= j.m.Scale[i%j.m.Dim]
		}
	}
	return x
}

// measure fills in all there is to say.
func (j *judge) measure(v *evaluation) error {
	drawn, err := j.m.Sample(j.e.ctx, len(j.a), model.SampleOptions{Seed: j.seed, Given: j.given})
	if err != nil {
		return err
	}
	if err := j.distances(&v.distances, drawn.Rows); err != nil {
		return err
	}
	if j.m.HasField() {
		if err := j.paths(&v.paths); err != nil {
			return err
		}
	}
	return j.calibrate(&v.calibration)
}

// distances compares drawn rows and the second sample with the first.
func (j *judge) distances(d *distances, drawn [][]float64) error {
	dim := j.m.Dim
	a, b, x := j.units(j.a, j.scaled), j.units(j.b, j.scaled), j.units(drawn, j.scaled)
	d.Points = len(j.a)
	both := func(got, floor **float64, f func(x []float64) (float64, error)) error {
		for _, side := range []struct {
			to **float64
			x  []float64
		}{{got, x}, {floor, b}} {
			if err := j.e.ctx.Err(); err != nil {
				return err
			}
			y, err := f(side.x)
			if err != nil && !errors.Is(err, ot.ErrConverge) {
				return err
			}
			if err == nil {
				*side.to = num(y)
			}
		}
		return nil
	}
	// One width for both sides, that of the real rows.
	width := metric.MedianDistance(a, b, dim)
	if !(width > 0) {
		width = 1
	}
	key := rng.New(j.seed).Named("evaluate")
	dirs := directions(256, dim, key.Named("directions"))
	return errors.Join(
		both(&d.W1, &d.W1Floor, func(x []float64) (float64, error) { return ot.W1(x, a, dim) }),
		both(&d.W2, &d.W2Floor, func(x []float64) (float64, error) { return ot.W2(x, a, dim) }),
		both(&d.Sliced, &d.SlicedFloor, func(x []float64) (float64, error) { return ot.SlicedW(x, a, dim, dirs, 2), nil }),
		both(&d.Sinkhorn, &d.SinkhornFloor, func(x []float64) (float64, error) {
			return ot.SinkhornDivergence(x, a, dim, ot.SinkhornOptions{Reg: 0.1 * width * width, Tol: 1e-6, MaxIter: 2000})
		}),
		both(&d.MMD, &d.MMDFloor, func(x []float64) (float64, error) {
			u, _ := metric.MMD2(x, a, dim, width)
			return u, nil
		}),
		both(&d.Energy, &d.Floor, func(x []float64) (float64, error) {
			u, _ := metric.EnergyDistance(x, a, dim)
			return u, nil
		}),
		both(&d.C2ST, &d.C2STFloor, func(x []float64) (float64, error) {
			return metric.C2ST(a, x, dim, &metric.MLP{}, key.Named("mlp")), nil
		}),
		both(&d.Trees, &d.TreesFloor, func(x []float64) (float64, error) {
			return metric.C2ST(a, x, dim, &metric.Trees{}, key.Named("trees")), nil
		}),
	)
}

// directions returns n unit vectors.
func directions(n, dim int, key rng.Key) []float64 {
	u := make([]float64, n*dim)
	rng.Normal(key, u)
	for i := 0; i < len(u); i += dim {
		sum := 0.0
		for _, v := range u[i : i+dim] {
			sum = math.FMA(v, v, sum)
		}
		for k := range dim {
			u[i+k] /= math.Sqrt(sum)
		}
	}
	return u
}

// chords is how many pieces a path is cut in.
const chords = 64

// paths follows as many draws as there are real rows.
func (j *judge) paths(p *paths) error {
	var times []float64
	for k := range chords + 1 {
		times = append(times, float64(k)/chords)
	}
	trace, err := j.m.Trace(j.e.ctx, len(j.a), times, model.SampleOptions{Seed: j.seed, Given: j.given})
	if err != nil {
		return err
	}
	x := make([][]float64, len(trace))
	for k, rows := range trace {
		x[k] = j.units(rows, true)
		if j.m.Levels > 0 {
			for i := range x[k] {
				x[k][i] /= float64(j.m.Levels)
			}
		}
	}
	real := j.units(j.a, true)
	if j.m.Levels > 0 {
		for i := range real {
			real[i] /= float64(j.m.Levels)
		}
	}
	w2, err := ot.W2(x[0], real, j.m.Dim)
	if err != nil {
		return err
	}
	energy := metric.LengthEnergy(times, x, j.m.Dim)
	p.PathEnergy, p.Least, p.Normalised = num(energy), num(float64(w2*w2)), num(metric.ExcessEnergy(energy, w2))
	p.Straightness = num(metric.Straightness(times, x, j.m.Dim) / energy)
	return nil
}

// calibrate ranks real rows among draws under the same conditions, and the density of real rows among those of draws.
func (j *judge) calibrate(c *calibration) error {
	const each, most = 99, 200
	dim, n := j.m.Dim, min(most, len(j.a))
	var given [][]float64
	for i := range n * each {
		if j.given != nil {
			given = append(given, j.given[i/each])
		}
	}
	drawn, err := j.m.Sample(j.e.ctx, n*each, model.SampleOptions{Seed: j.seed, Given: given, From: len(j.a), Raw: true})
	if err != nil {
		return err
	}
	truth := flat(j.a[:n])
	if j.m.Levels > 0 { // whole numbers spread out over their cells, as in training
		noise := make([]float64, len(truth))
		rng.Uniform(rng.New(j.seed).Named("spread"), noise)
		for i := range truth {
			truth[i] += noise[i]
		}
	}
	ranks := metric.Ranks(truth, flat(drawn.Rows), dim, each)
	least, widest := 1.0, 0.0
	for k := range dim {
		u := make([]float64, 0, n)
		for i := k; i < len(ranks); i += dim {
			u = append(u, (float64(ranks[i])+0.5)/(each+1))
		}
		gap, p := metric.Uniformity(u)
		least, widest = math.Min(least, p), math.Max(widest, gap)
	}
	c.Trials = n
	c.RankGap, c.RankP = num(widest), num(math.Min(1, least*float64(dim)))
	central := metric.Central(ranks, each)
	c.Cover50, c.Cover90 = num(metric.Coverage(central, 0.5)), num(metric.Coverage(central, 0.9))
	if !j.m.HasDensity() || dim > 16 {
		return nil
	}
	// Densities cost more than draws: few per row under conditions, one set for all rows without.
	few := 19
	if j.given == nil {
		few = each
	}
	var rows, under [][]float64
	for i := range n {
		rows = append(rows, j.a[i])
		if j.given != nil {
			under = append(under, j.given[i])
			for l := range few {
				rows, under = append(rows, drawn.Rows[i*each+l]), append(under, j.given[i])
			}
		}
	}
	if j.given == nil {
		rows = append(rows, drawn.Rows[:few]...)
	}
	d, err := j.m.LogDensity(j.e.ctx, rows, model.DensityOptions{Given: under, Seed: j.seed})
	var solve *odeint.SolveError
	if err != nil && !errors.As(err, &solve) {
		return err
	}
	var logp, of []float64
	for i := range n {
		if j.given == nil {
			logp, of = append(logp, d.LogP[i]), append(of, d.LogP[n:]...)
		} else {
			at := i * (few + 1)
			logp, of = append(logp, d.LogP[at]), append(of, d.LogP[at+1:at+1+few]...)
		}
	}
	levels := metric.Levels(logp, of, few)
	c.Region50, c.Region90 = num(metric.Coverage(levels, 0.5)), num(metric.Coverage(levels, 0.9))
	return nil
}

// print writes the table below the densities.
func (j *judge) print(out io.Writer, v *evaluation) error {
	units := "in the data's units"
	if j.scaled {
		units = "in standardised columns"
	}
	text := func(p *float64) string {
		if p == nil {
			return "–"
		}
		return fmt.Sprintf("%.4f", *p)
	}
	fmt.Fprintf(out, "\n%d rows a side, %s\n", v.Points, units)
	fmt.Fprintf(out, "%-21s %11s %11s\n", "", "drawn, real", "real, real")
	for _, l := range []struct {
		name       string
		got, floor *float64
	}{
		{"W₁", v.W1, v.W1Floor}, {"W₂", v.W2, v.W2Floor}, {"sliced W₂", v.Sliced, v.SlicedFloor},
		{"Sinkhorn divergence", v.Sinkhorn, v.SinkhornFloor}, {"MMD²", v.MMD, v.MMDFloor},
		{"energy distance", v.Energy, v.Floor}, {"C2ST, network", v.C2ST, v.C2STFloor}, {"C2ST, trees", v.Trees, v.TreesFloor},
	} {
		fmt.Fprintf(out, "%-21s %11s %11s\n", l.name, text(l.got), text(l.floor))
	}
	fmt.Fprintln(out)
	row := func(name, format string, a ...any) {
		fmt.Fprintf(out, "%-21s "+format+"\n", append([]any{name}, a...)...)
	}
	if v.PathEnergy != nil {
		row("path energy", "%s in the model's scale; W₂² of source and data %s, so %.3f in excess", text(v.PathEnergy), text(v.Least), value(v.Normalised))
		row("straightness", "%.4f of it would be saved by straight lines to the same ends", value(v.Straightness))
	}
	row("ranks", "%.3f from uniform at most, p = %.3f; %d real rows among 99 drawn each", value(v.RankGap), value(v.RankP), v.Trials)
	row("coverage", "central intervals of 50 %% hold %.3f, of 90 %% %.3f", value(v.Cover50), value(v.Cover90))
	if v.Region50 != nil {
		row("", "regions of highest density of 50 %% hold %.3f, of 90 %% %.3f", *v.Region50, value(v.Region90))
	}
	return nil
}
