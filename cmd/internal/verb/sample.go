package verb

import (
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/term"

	"pushforward/cfm/model"
	"pushforward/cmd/internal/picture"
	"pushforward/cmd/internal/runs"
)

const sampleHelp = `sample draws rows from a model, as CSV on standard output unless -out says otherwise.

  sample -n 5                                   from the newest run under runs/
  sample -model m.safetensors -n 100000 -out rows.npy
  sample -given species=Adelie                  rows of one class
  sample -out digits.png -n 100                 images, or a plot
  sample -out flow.gif -n 400                   from noise to data, moving

  -model FILE|DIR      the model, or its run's folder    (the newest run; needed in a pipe)
  -n N                 rows                                                    (1000)
  -seed N|random       row i depends on the seed and i only                    (0)
  -from N              the number of the first row                             (0)
  -given NAME=VALUE    fix a condition; once for each      (classes as often as trained)
  -out FILE            .csv .npy .png .gif; - is standard output               (-)
  -raw                 leave whole numbers off their grid
  -guidance W          v(·) + W·(v(·|c) - v(·)): 1 is none, 0 drops the conditions; the
                       model must have seen rows without conditions (drop-cond)  (1)
  -guidance-extra w    the same written v(·|c) + w·(v(·|c) - v(·)), W = 1 + w   (0)
  -noise H             random paths with the same law, g = H·√s(t); of an sf2m model
                       H·σ, 0 to draw without                  (0; 1 for sf2m)
  -path P              follow another path than the one trained on, to the same rows: condot vp
                       cosine polynomial[:n] linearvp; the steps and -noise then lie as it has
                       them                                  (the model's own)
  -rtol T -atol T      tolerances of the solver                                (1e-4)
  -method M            euler midpoint heun rk4 bosh3 bosh5 dopri5 tsit5         (bosh5)
  -step H or -steps N  fixed steps of this size, or so many    (128 with -noise)
                       Without any of these the model's own sampler, which info shows.
  -workers N           cores to use; moves no bit of the result                (all)
  -version
`

// chunkRows is how many rows are drawn, or scored, and then written. It bounds memory and moves no bit.
const chunkRows = 4096

// solverFlags defines the flags that set a solver.
func solverFlags(f *flag.FlagSet, s *model.Solver) {
	f.Float64Var(&s.Rtol, "rtol", 0, "")
	f.Float64Var(&s.Atol, "atol", 0, "")
	f.Float64Var(&s.Step, "step", 0, "")
	f.StringVar(&s.Method, "method", "", "")
}

// checkSolver refuses flags that are out of range.
func checkSolver(s model.Solver) error {
	if err := s.Check(); err != nil {
		return misuse("%s", strings.TrimPrefix(err.Error(), "model: "))
	}
	return nil
}

// workersFlag defines -workers.
func workersFlag(f *flag.FlagSet) {
	f.Func("workers", "", func(s string) error {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > 1<<16 {
			return fmt.Errorf("want a number of cores")
		}
		useCores(n)
		return nil
	})
}

func sample(e env, args []string) error {
	var (
		path, out string
		n, from   int
		seed      uint64
		raw       bool
		solver    model.Solver
		cond      = given{}
	)
	f := newFlags("sample")
	f.StringVar(&path, "model", "", "")
	f.StringVar(&out, "out", "-", "")
	f.IntVar(&n, "n", 1000, "")
	f.IntVar(&from, "from", 0, "")
	f.BoolVar(&raw, "raw", false, "")
	guide, extra, noise := 1.0, 0.0, 0.0
	f.Float64Var(&guide, "guidance", 1, "")
	f.Float64Var(&extra, "guidance-extra", 0, "")
	f.Float64Var(&noise, "noise", 0, "")
	along := ""
	f.StringVar(&along, "path", "", "")
	f.Func("steps", "", func(t string) error {
		n, err := strconv.Atoi(t)
		if err != nil || n < 1 || n > 1<<20 {
			return fmt.Errorf("want a number of steps")
		}
		solver.Step = 1 / float64(n)
		return nil
	})
	f.Var(cond, "given", "")
	f.Func("seed", "", func(s string) (err error) { seed, err = readSeed(s); return err })
	solverFlags(f, &solver)
	workersFlag(f)
	if err := parse(e, f, sampleHelp, args); err != nil {
		return err
	}
	said := setFlags(f)
	switch {
	case said["guidance"] && said["guidance-extra"]:
		return misuse("-guidance and -guidance-extra are two ways to say one thing")
	case !(noise >= 0) || math.IsInf(noise, 0):
		return misuse("-noise %v: want a number of at least 0", noise)
	}
	if said["guidance"] {
		extra = guide - 1
	}
	if said["noise"] && noise == 0 {
		noise = -1 // none, not the model's own
	}
	if n < 0 || from < 0 {
		return misuse("-n %d, -from %d: want numbers of at least 0", n, from)
	}
	if err := checkSolver(solver); err != nil {
		return err
	}
	if _, err := model.ParsePath(along); err != nil {
		return misuse("-path: %s", strings.TrimPrefix(err.Error(), "model: "))
	}
	kind, err := outKind(out, ".csv", ".npy", ".png", ".gif")
	if err != nil {
		return err
	}
	m, err := openModel(e, path)
	if err != nil {
		return err
	}
	opt := model.SampleOptions{Seed: seed, Raw: raw, Guidance: extra, Noise: noise, Path: along, Solver: solver}
	if len(cond) > 0 {
		row, err := m.Encode(cond)
		if err != nil {
			return misuse("-given: %s", strings.TrimPrefix(err.Error(), "model: "))
		}
		opt.Given = [][]float64{row}
	} else if len(m.Conditions) > 0 && m.Mix == nil {
		return misuse("the model wants to be given %s: -given NAME=VALUE for each", conditionNames(m))
	}
	if _, err := m.Sample(e.ctx, 0, opt); err != nil {
		return err // of what the model cannot do, before anything is written
	}
	if kind == ".gif" {
		opt.From = from
		return motion(e, m, n, out, opt)
	}
	if kind == ".png" {
		opt.From = from
		s, err := m.Sample(e.ctx, n, opt)
		if err != nil {
			return err
		}
		return write(e, out, func(w io.Writer) error { return picturePNG(w, m, s) })
	}
	return write(e, out, func(w io.Writer) error {
		t := newTableWriter(w, kind, n, append(append([]string{}, m.Columns...), condColumns(m)...))
		for at := 0; at < n; at += chunkRows {
			o := opt
			o.From = from + at
			s, err := m.Sample(e.ctx, min(chunkRows, n-at), o)
			if err != nil {
				return err
			}
			for i, row := range s.Rows {
				t.numbers(row)
				for j, c := range m.Conditions {
					t.class(c, s.Given[i][j])
				}
				t.end()
			}
		}
		return t.flush()
	})
}

// conditionNames lists a model's conditions.
func conditionNames(m *model.Model) string { return strings.Join(condColumns(m), ", ") }

func condColumns(m *model.Model) (names []string) {
	for _, c := range m.Conditions {
		names = append(names, c.Name)
	}
	return names
}

// outKind is the ending of an output's name, which must be one of kinds. Standard output is the first.
func outKind(out string, kinds ...string) (string, error) {
	if out == "-" || out == "" {
		return kinds[0], nil
	}
	ext := strings.ToLower(filepath.Ext(out))
	for _, k := range kinds {
		if ext == k {
			return k, nil
		}
	}
	return "", misuse("-out %s: the ending must be one of %s", out, strings.Join(kinds, " "))
}

// write writes to standard output or replaces a file.
func write(e env, out string, f func(io.Writer) error) error {
	if out == "-" || out == "" {
		return f(e.out)
	}
	return runs.WriteFile(out, f)
}

// openModel opens the model of a file, of a run's folder, or of the newest run, and gives it its source.
// The newest run is for people: in a pipe the model must be named.
func openModel(e env, path string) (*model.Model, error) {
	if path == "" {
		info, err := e.out.Stat()
		piped := err == nil && info.Mode()&os.ModeNamedPipe != 0
		if piped || !term.IsTerminal(int(e.out.Fd())) && !term.IsTerminal(int(e.err.Fd())) {
			return nil, misuse("-model is needed when not at a terminal")
		}
		dir, found := runs.Newest(runs.Root)
		if !found {
			return nil, misuse("no run with a model under %s; train one, or name a -model", runs.Root)
		}
		path = filepath.Join(dir, runs.Model)
		fmt.Fprintf(e.err, "model %s\n", path)
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, runs.Model)
	}
	m, err := model.Open(path)
	if err != nil {
		return nil, unreadable(err)
	}
	if m.Source != "" {
		src, err := source(m.Source, m.Dim)
		if err != nil {
			return nil, refuse("%s: metadata \"model\": unknown source %q", path, m.Source)
		}
		m.SetSource(src)
	}
	return m, nil
}

// picturePNG draws samples: images as a sheet, two columns as points, more as pairs.
func picturePNG(w io.Writer, m *model.Model, s model.Samples) error {
	if side := int(math.Sqrt(float64(m.Dim))); m.Levels > 0 && side*side == m.Dim {
		return sheetOf(m, s, side).PNG(w)
	}
	return picture.Columns{Title: fmt.Sprintf("%d drawn rows", len(s.Rows)), Names: m.Columns, Drawn: flat(s.Rows)}.PNG(w)
}

// sheetOf lays out drawn images.
func sheetOf(m *model.Model, s model.Samples, side int) picture.Sheet {
	sh := picture.Sheet{Title: fmt.Sprintf("%d drawn images", len(s.Rows)), Side: side, Levels: float64(m.Levels - 1)}
	const across = 10
	for i := range min(across, len(s.Rows)) {
		label := ""
		if len(m.Conditions) == 1 && len(s.Rows) <= across {
			label = m.Conditions[0].Format(s.Given[i][0])
		}
		sh.Labels = append(sh.Labels, label)
	}
	whole := len(s.Rows) - len(s.Rows)%max(len(sh.Labels), 1)
	sh.Drawn = flat(s.Rows[:whole])
	return sh
}
