package verb

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"pushforward/cfm/dataset"
	"pushforward/cfm/metric"
	"pushforward/cfm/model"
	"pushforward/odeint"
	"pushforward/simd/rng"
)

const evaluateHelp = `evaluate measures a model against a table of rows it was not trained on.

  evaluate -model m.safetensors -data held-out.csv
  evaluate -data held-out.csv -json
  evaluate -data moons-normal -rows 6000        with the distance to the law itself

  -model FILE|DIR    the model, or its run's folder     (the newest run; needed in a pipe)
  -data FILE|LAW     .csv .tsv .npy, also with .gz; - is CSV on standard input; or a toy
                     law, from which fresh rows are drawn
  -given NAME=VALUE  a condition that the table has no column for
  -rows N            at most so many rows, the first                           (2000)
  -json              one JSON object instead of a table
  -seed N            for the drawn rows                                        (0)
  -workers N         cores to use; moves no bit of the result                  (all)
  -version
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
	Energy     *float64 `json:"energy_distance"`
	Floor      *float64 `json:"energy_floor"`
}

func evaluate(e env, args []string) error {
	var (
		path, data string
		n          int
		asJSON     bool
		seed       uint64
		cond       = given{}
	)
	f := newFlags("evaluate")
	f.StringVar(&path, "model", "", "")
	f.StringVar(&data, "data", "", "")
	f.IntVar(&n, "rows", 2000, "")
	f.BoolVar(&asJSON, "json", false, "")
	f.Var(cond, "given", "")
	f.Func("seed", "", func(s string) (err error) { seed, err = readSeed(s); return err })
	workersFlag(f)
	if err := parse(e, f, evaluateHelp, args); err != nil {
		return err
	}
	if data == "" {
		return misuse("-data is needed: the rows to measure against")
	}
	if n < 4 {
		return misuse("-rows %d: want at least 4", n)
	}
	m, err := openModel(e, path)
	if err != nil {
		return err
	}
	rows, given, index, law, err := evaluated(e, m, data, n, seed, cond)
	if err != nil {
		return err
	}
	v := evaluation{Rows: len(rows)}
	if m.HasDensity() {
		d, err := m.LogDensity(e.ctx, rows, model.DensityOptions{Given: given, Row: index, Seed: seed})
		var solve *odeint.SolveError
		if err != nil && !errors.As(err, &solve) {
			return err
		}
		mean, dev := meanDev(d.LogP)
		v.LogP, v.LogPErr = num(mean), num(dev/math.Sqrt(float64(len(rows))))
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
	s, err := m.Sample(e.ctx, len(rows), model.SampleOptions{Seed: seed, Given: given})
	if err != nil {
		return err
	}
	x, y := standard(m, s.Rows), standard(m, rows)
	u, _ := metric.EnergyDistance(x, y, m.Dim)
	floor := twoHalves(y, m.Dim)
	v.Energy, v.Floor = num(u), num(floor)
	if asJSON {
		b, err := json.MarshalIndent(v, "", "  ")
		if err == nil {
			_, err = fmt.Fprintf(e.out, "%s\n", b)
		}
		return err
	}
	row := func(name, format string, a ...any) {
		fmt.Fprintf(e.out, "%-21s "+format+"\n", append([]any{name}, a...)...)
	}
	row("rows", "%d", v.Rows)
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
	row("energy distance", "%.4f to %d drawn rows; two halves of the table %.4f (in the model's scale)", u, len(rows), floor)
	return nil
}

// evaluated finds the rows to measure against: fresh ones of a law, or the whole ones of a table.
func evaluated(e env, m *model.Model, data string, n int, seed uint64, cond given) (rows, given [][]float64, index []int, law dataset.Law, err error) {
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
	t, err := readScored(e, data)
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

// standard flattens rows in the model's scale.
func standard(m *model.Model, rows [][]float64) []float64 {
	x := flat(rows)
	if m.Scale != nil && m.Levels == 0 {
		for i := range x {
			x[i] /= m.Scale[i%m.Dim]
		}
	}
	return x
}
