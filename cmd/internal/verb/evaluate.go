package verb

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"pushforward/cfm/dataset"
	"pushforward/cfm/model"
	"pushforward/odeint"
	"pushforward/simd/rng"
)

const evaluateHelp = `evaluate measures a model against a table of rows it was not trained on.

  evaluate -model m.safetensors -data held-out.csv
  evaluate -data held-out.csv -json
  evaluate -data moons-normal -rows 6000        with the distance to the law itself
  evaluate -continuity -picture flow.png        does the flow conserve mass?

  -model FILE|DIR    the model, or its run's folder     (the newest run; needed in a pipe)
  -data FILE|LAW     .csv .tsv .npy, also with .gz; - is CSV on standard input; or a toy
                     law, from which fresh rows are drawn
  -given NAME=VALUE  a condition that the table has no column for
  -rows N            at most so many rows for the log-density, the first       (2000)
  -points N          rows on each side of a distance                           (1000)
  -probes N          estimate the divergence by N random probes    (8 beyond 64 columns)
  -exact             exact divergence beyond 64 columns too
  -continuity        check ∂ρ/∂t + ∇·(vρ) = 0; needs no -data
  -grid N            its points along each axis, with 1 or 2 columns           (64)
  -picture FILE.png  density, its change and the residual on that grid
  -json              one JSON object instead of a table
  -seed N            for the drawn rows                                        (0)
  -guidance W -guidance-extra w   refused: a guided field is not that of the data's law
  -workers N         cores to use; moves no bit of the result                  (all)
  -version

Distances are between drawn rows and real ones, as many on each side. Beside each is what two real
samples of that size have, fresh ones of the law or two halves of the table: nothing gets below that
for good. They are in the data's units for laws and images, in standardised columns for tables. W₁
and W₂ are exact. The Sinkhorn divergence has ε = a tenth of the squared median distance; MMD² a
Gaussian kernel as wide as that distance; sliced W₂ 256 directions. C2ST is the accuracy of a
classifier on folds it has not seen: ½ is perfect. Path energy, its excess over W₂² of source
and data, and the straightness (0 for straight paths) tell how the flow gets there, in the model's
own scale. Calibration ranks each real row among 99 drawn under the same conditions.

-continuity follows 64 draws (fewer in many columns): by the equation log det of the Jacobian of the
flow is the integral of ∇·v, and log ρ falls by as much; both in nats, at two tolerances. With 1 or
2 columns ∂ρ/∂t and ∇·(vρ) are differences on a grid: the residual's integral is mass that is not
accounted for, per unit of time. Its share of ∫|∂ρ/∂t| falls 16-fold when the spacing is halved,
until the solver's error shows; near 1 it would mean that ρ and v do not belong together.
`

// evaluation is what evaluate finds.
type evaluation struct {
	Rows       int      `json:"rows"`
	LogP       *float64 `json:"logp_nats"`
	LogPErr    *float64 `json:"logp_err"`
	BitsPerDim *float64 `json:"bits_per_dim"`
	Law        *float64 `json:"law_logp_nats,omitempty"` // of the same rows under the law they were drawn from
	KL         *float64 `json:"kl_nats,omitempty"`       // their mean difference, and its standard error
	KLErr      *float64 `json:"kl_err,omitempty"`
	Unusual    *float64 `json:"share_p_below_0.05"` // about 0.05 for rows like those held out
	Unsolved   int      `json:"unsolved,omitempty"` // rows whose solve failed: the figures of densities leave them out
	distances
	paths
	calibration
	Continuity *continuity `json:"continuity,omitempty"`
}

func evaluate(e env, args []string) error {
	var (
		path, data string
		n, points  int
		asJSON     bool
		seed       uint64
		cond       = given{}
		flows      bool
		side       int
		out        string
		opt        model.DensityOptions
	)
	f := newFlags("evaluate")
	f.BoolVar(&flows, "continuity", false, "")
	f.IntVar(&side, "grid", 64, "")
	f.StringVar(&out, "picture", "", "")
	f.StringVar(&path, "model", "", "")
	f.StringVar(&data, "data", "", "")
	f.IntVar(&n, "rows", 2000, "")
	f.IntVar(&points, "points", 1000, "")
	f.BoolVar(&asJSON, "json", false, "")
	f.IntVar(&opt.Probes, "probes", 0, "")
	f.BoolVar(&opt.Exact, "exact", false, "")
	f.Var(cond, "given", "")
	f.Func("seed", "", func(s string) (err error) { seed, err = readSeed(s); return err })
	guided := guidanceFlags(f)
	workersFlag(f)
	if err := parse(e, f, evaluateHelp, args); err != nil {
		return err
	}
	if err := guided(); err != nil {
		return err
	}
	if err := checkProbes(opt); err != nil {
		return err
	}
	switch {
	case !flows && (out != "" || setFlags(f)["grid"]):
		return misuse("-grid and -picture go with -continuity")
	case data == "" && !flows:
		return misuse("-data is needed: the rows to measure against")
	case side < 16 || side > 1024:
		return misuse("-grid %d: want 16 to 1024", side)
	case out != "" && !strings.HasSuffix(out, ".png"):
		return misuse("-picture %s: the ending must be .png", out)
	}
	if n < 4 {
		return misuse("-rows %d: want at least 4", n)
	}
	if points < 10 || points > 10000 {
		return misuse("-points %d: want 10 to 10000", points)
	}
	m, err := openModel(e, path)
	if err != nil {
		return err
	}
	var flow *continuity
	if flows {
		if out != "" && m.Dim > 2 {
			return misuse("-picture %s: it takes a model of 1 or 2 columns, this one has %d", out, m.Dim)
		}
		if flow, err = continuityOf(e, m, cond, side, seed); err != nil {
			return err
		}
		if out != "" {
			if err := write(e, out, flow.board().PNG); err != nil {
				return err
			}
		}
		if data == "" {
			if asJSON {
				return printJSON(e, struct {
					Continuity *continuity `json:"continuity"`
				}{flow})
			}
			flow.print(e.out)
			return nil
		}
	}
	rows, given, index, law, err := evaluated(e, m, data, n, points, seed, cond)
	if err != nil {
		return err
	}
	j := newJudge(e, m, rows, given, law, points, seed)
	if len(rows) > n {
		rows, index = rows[:n], index[:min(n, len(index))]
		if given != nil {
			given = given[:n]
		}
	}
	v := evaluation{Rows: len(rows), Continuity: flow}
	if m.HasDensity() {
		closedForm(e, m, setFlags(f))
		estimated(e, m, opt)
		opt.Given, opt.Row, opt.Seed = given, index, seed
		d, err := m.LogDensity(e.ctx, rows, opt)
		var solve *odeint.SolveError
		if err != nil && !errors.As(err, &solve) {
			return err
		}
		for _, s := range d.Status {
			if !s.OK() {
				v.Unsolved++
			}
		}
		mean, dev := meanDev(d.LogP)
		v.LogP, v.LogPErr = num(mean), num(dev/math.Sqrt(float64(len(rows)-v.Unsolved)))
		bits := -mean / (float64(m.Dim) * math.Ln2)
		if m.Levels > 0 {
			bits += math.Log2(float64(m.Levels))
		}
		v.BitsPerDim = num(bits)
		if law != nil {
			v.Law, v.KL, v.KLErr = paired(law, rows, d.LogP)
		}
		if m.Calibration() > 0 {
			low := 0
			for _, q := range d.PValue {
				if q < 0.05 {
					low++
				}
			}
			v.Unusual = num(float64(low) / float64(len(rows)))
		}
	}
	if err := j.measure(&v); err != nil {
		return err
	}
	if asJSON {
		return printJSON(e, v)
	}
	row := func(name, format string, a ...any) {
		fmt.Fprintf(e.out, "%-21s "+format+"\n", append([]any{name}, a...)...)
	}
	row("rows", "%d", v.Rows)
	if v.Unsolved > 0 {
		row("  unsolved", "%d: the next figures leave them out; score tells which and why", v.Unsolved)
	}
	if v.LogP != nil {
		row("log-density", "%.3f ± %.3f nats", *v.LogP, value(v.LogPErr))
		row("bits per dimension", "%.3f", value(v.BitsPerDim))
	}
	if v.KL != nil {
		row("KL(law ‖ model)", "%.4f ± %.4f nats; the law gives these rows %.3f", *v.KL, value(v.KLErr), value(v.Law))
	}
	if v.Unusual != nil {
		row("p-value below 0.05", "%.3f of the rows; about 0.05 if they are like those held out", *v.Unusual)
	}
	if err := j.print(e.out, &v); err != nil || flow == nil {
		return err
	}
	fmt.Fprintln(e.out)
	flow.print(e.out)
	return nil
}

// printJSON writes one object.
func printJSON(e env, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err == nil {
		_, err = fmt.Fprintf(e.out, "%s\n", b)
	}
	return err
}

// evaluated finds the rows to measure against: n fresh ones of a law, or the whole ones of a table, n or what two samples
// of points need.
func evaluated(e env, m *model.Model, data string, n, points int, seed uint64, cond given) (rows, given [][]float64, index []int, law dataset.Law, err error) {
	if slices.Contains(dataset.ToyNames(), data) {
		if law, err = dataset.Toy(data); err != nil {
			return
		}
		if law.Dim() != m.Dim || len(m.Conditions) > 0 {
			err = refuse("%s has %d columns and no conditions, the model %d and %d", data, law.Dim(), m.Dim, len(m.Conditions))
			return
		}
		x := make([]float64, n*m.Dim)
		law.Sample(x, rng.New(seed).Named("evaluate"))
		return rowsOf(x, m.Dim), nil, nil, law, nil
	}
	n = max(n, 2*points)
	t, err := readScored(e, data, false)
	if err != nil {
		return
	}
	p, err := t.match(m, cond)
	if err != nil {
		return
	}
	for i, missing := range p.missing {
		if !missing && len(index) < n {
			index = append(index, i)
		}
	}
	if len(index) < 4 {
		err = refuse("%s: %d whole rows; want at least 4", t.Name, len(index))
		return
	}
	rows = pick(p.rows, index)
	if len(m.Conditions) > 0 {
		given = pick(p.given, index)
	}
	return
}

// paired compares a law's log-densities with a model's on the same rows: the law's mean, and mean and
// standard error of the difference, which estimates KL(law ‖ model). nil if the law's are not known.
func paired(law dataset.Law, rows [][]float64, logp []float64) (mean, kl, bar *float64) {
	truth, diff := make([]float64, len(rows)), make([]float64, len(rows))
	for i, r := range rows {
		v, ok := law.LogProb(r)
		if !ok {
			return nil, nil, nil
		}
		truth[i], diff[i] = v, v-logp[i]
	}
	m, _ := meanDev(truth)
	d, dev := meanDev(diff)
	return num(m), num(d), num(dev / math.Sqrt(float64(len(rows))))
}
