package model

import (
	"bytes"
	"context"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/nn"
	"pushforward/simd/rng"
)

var ctx = context.Background()

// cloud draws rows of two columns in three classes, and their conditions: a class and a number.
func cloud(n int) (rows, given [][]float64) {
	for i := range n {
		var z [4]float64
		rng.Normal(rng.New(1).Fold(uint64(i)), z[:])
		class := float64(i % 3)
		rows = append(rows, []float64{10*class + z[0], 0.01 * (z[1] + z[2])})
		given = append(given, []float64{class, z[2]})
	}
	return rows, given
}

// small are options of a fit that takes a moment.
func small(steps int) Options {
	return Options{Seed: 3, Steps: steps, Batch: 32, Hidden: 12, Blocks: 1, Calibrate: 8, ValEvery: 10}
}

func conditioned(steps, n int) ([][]float64, Options) {
	rows, given := cloud(n)
	o := small(steps)
	o.Columns = []string{"length", "mass"}
	o.Conditions = []Condition{{Name: "species", Classes: []string{"a", "b", "c"}}, {Name: "age"}}
	o.Given = given
	return rows, o
}

func written(t *testing.T, m *Model) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, m.Write(&b))
	return b.Bytes()
}

func TestSaveAndOpenKeepEverything(t *testing.T) {
	rows, o := conditioned(20, 90)
	m, err := Fit(ctx, rows, o)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "m.safetensors")
	require.NoError(t, m.Save(path))
	again, err := Open(path)
	require.NoError(t, err)
	require.Equal(t, m.Spec, again.Spec)
	require.Equal(t, written(t, m), written(t, again))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.EqualValues(t, 0o644, info.Mode().Perm())

	opt := SampleOptions{Seed: 7, Given: [][]float64{{1, 0.5}}}
	x, err := m.Sample(ctx, 5, opt)
	require.NoError(t, err)
	y, err := again.Sample(ctx, 5, opt)
	require.NoError(t, err)
	require.Equal(t, x.Rows, y.Rows)
	d, err := m.LogDensity(ctx, x.Rows, DensityOptions{Given: opt.Given})
	require.NoError(t, err)
	e, err := again.LogDensity(ctx, x.Rows, DensityOptions{Given: opt.Given})
	require.NoError(t, err)
	require.Equal(t, d, e)
	for _, p := range d.PValue {
		require.True(t, p > 0 && p <= 1)
	}

	// Two fits of the same are the same bytes.
	m2, err := Fit(ctx, rows, o)
	require.NoError(t, err)
	require.Equal(t, written(t, m), written(t, m2))
}

func TestARowDependsOnSeedAndNumberOnly(t *testing.T) {
	rows, o := conditioned(10, 90)
	o.Conditions[1] = Condition{Name: "side", Classes: []string{"l", "r"}} // all classes: conditions are drawn
	for _, g := range o.Given {
		g[1] = float64(int(g[0]) & 1)
	}
	m, err := Fit(ctx, rows, o)
	require.NoError(t, err)
	all, err := m.Sample(ctx, 300, SampleOptions{Seed: 1})
	require.NoError(t, err)
	for _, c := range [][2]int{{0, 1}, {17, 40}, {299, 1}, {120, 180}} {
		part, err := m.Sample(ctx, c[1], SampleOptions{Seed: 1, From: c[0]})
		require.NoError(t, err)
		require.Equal(t, all.Rows[c[0]:c[0]+c[1]], part.Rows)
		require.Equal(t, all.Given[c[0]:c[0]+c[1]], part.Given)
	}
	other, err := m.Sample(ctx, 1, SampleOptions{Seed: 2})
	require.NoError(t, err)
	require.NotEqual(t, all.Rows[:1], other.Rows)
	for _, g := range all.Given { // only combinations that were seen
		require.Equal(t, float64(int(g[0])&1), g[1])
	}
}

// TestResumeEqualsNeverStopping stops a fit at random steps, twice in each run, through its saved state.
func TestResumeEqualsNeverStopping(t *testing.T) {
	const steps = 40
	rows, o := conditioned(steps, 90)
	want, err := Fit(ctx, rows, o)
	require.NoError(t, err)
	n := 12
	if testing.Short() {
		n = 2
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range n {
		var state []byte
		was := 0
		stops := []int{1 + r.IntN(steps-1), 1 + r.IntN(steps-1), steps}
		for _, stop := range stops {
			f, err := NewFitter(rows, o)
			require.NoError(t, err)
			if state != nil {
				require.NoError(t, f.Load(bytes.NewReader(state)))
			}
			require.NoError(t, f.Watch(ctx, func(p Progress) bool { return p.Step < stop }))
			require.Equal(t, max(stop, min(was+1, steps)), f.Step())
			was = f.Step()
			var b bytes.Buffer
			require.NoError(t, f.Save(&b))
			state = b.Bytes()
			if f.Step() == steps {
				got, err := f.Finish(ctx)
				require.NoError(t, err)
				require.Equal(t, written(t, want), written(t, got), "stopped at %v", stops)
			}
		}
	}
}

func TestAStateOfAnotherFitIsRefused(t *testing.T) {
	rows, o := conditioned(10, 60)
	f, err := NewFitter(rows, o)
	require.NoError(t, err)
	require.NoError(t, f.Watch(ctx, func(p Progress) bool { return p.Step < 4 }))
	var b bytes.Buffer
	require.NoError(t, f.Save(&b))

	p := o
	p.LR = 1e-3
	g, err := NewFitter(rows, p)
	require.NoError(t, err)
	require.ErrorIs(t, g.Load(bytes.NewReader(b.Bytes())), ErrFile)
	require.Zero(t, g.Step())
	bad := b.Bytes()
	bad[len(bad)-7] ^= 4
	require.ErrorIs(t, f.Load(bytes.NewReader(bad)), ErrFile)
	require.Equal(t, 4, f.Step())
}

// TestDamageIsRefused flips bits and cuts the file short, everywhere.
func TestDamageIsRefused(t *testing.T) {
	rows, o := conditioned(5, 40)
	m, err := Fit(ctx, rows, o)
	require.NoError(t, err)
	file := written(t, m)
	_, err = Read(bytes.NewReader(file))
	require.NoError(t, err)

	r := rand.New(rand.NewPCG(3, 4))
	flips, cuts := 1000, len(file)
	if testing.Short() {
		flips, cuts = 100, 100
	}
	for range flips {
		at, bit := r.IntN(len(file)), r.IntN(8)
		bad := bytes.Clone(file)
		bad[at] ^= 1 << bit
		_, err := Read(bytes.NewReader(bad))
		require.ErrorIs(t, err, ErrFile, "byte %d, bit %d", at, bit)
		require.NotContains(t, err.Error(), "\n")
	}
	for range cuts {
		n := r.IntN(len(file))
		_, err := Read(bytes.NewReader(file[:n]))
		require.ErrorIs(t, err, ErrFile, "cut to %d bytes", n)
	}
}

// forge writes a model file again with its parts changed and its sum made good.
func forge(t *testing.T, file []byte, change func(f *nn.File)) []byte {
	t.Helper()
	f, err := nn.ReadSafetensors(bytes.NewReader(file), int64(len(file)))
	require.NoError(t, err)
	change(f)
	var b bytes.Buffer
	require.NoError(t, nn.WriteSafetensors(&b, f))
	return b.Bytes()
}

func TestHostileFilesAreRefused(t *testing.T) {
	rows, o := conditioned(5, 40)
	m, err := Fit(ctx, rows, o)
	require.NoError(t, err)
	file := written(t, m)
	replace := func(old, new string) func(*nn.File) {
		return func(f *nn.File) {
			require.Contains(t, f.Meta["model"], old)
			f.Meta["model"] = strings.Replace(f.Meta["model"], old, new, 1)
		}
	}
	for _, c := range []struct {
		name, says string
		change     func(*nn.File)
	}{
		{"not a model", "not a model", func(f *nn.File) { delete(f.Meta, "model") }},
		{"newer format", `format "2"`, func(f *nn.File) { f.Meta["format"] = "2" }},
		{"huge network", "more weights than the file", replace(`"hidden":12`, `"hidden":16000`)},
		{"overflowing network", "hidden", replace(`"hidden":12`, `"hidden":4611686018427387904`)},
		{"negative blocks", "blocks", replace(`"blocks":1`, `"blocks":-1`)},
		{"many columns", "number of columns", replace(`"dim":2`, `"dim":1000000`)},
		{"zero scale", "scale", replace(`"scale":[`, `"scale":[0,`)},
		{"unknown field", "unknown field", replace(`"dim":2`, `"dim":2,"exec":"rm"`)},
		{"unknown path", "unknown path", replace(`"path":"condot"`, `"path":"straight"`)},
		{"class out of range", "mix", func(f *nn.File) {
			f.Meta["model"] = strings.Replace(f.Meta["model"], `"age"`, `"age","classes":["x"]`, 1)
			f.Meta["model"] = strings.Replace(f.Meta["model"], `"loc"`, `"mix":[{"given":[7,0],"count":1}],"loc"`, 1)
		}},
		{"infinite weight", "is +Inf", func(f *nn.File) { f.Arrays[0].Data.([]float32)[0] = float32(math.Inf(1)) }},
		{"other weights", "golden vector", func(f *nn.File) {
			for _, a := range f.Arrays {
				for i := range a.Data.([]float32) {
					a.Data.([]float32)[i] += 1
				}
			}
		}},
		{"missing tensor", f0(m), func(f *nn.File) { f.Arrays = f.Arrays[1:] }},
		{"golden of another shape", "golden", func(f *nn.File) { f.Meta["golden"] = `[{"t":"00","x":"","v":""}]` }},
		{"no golden", "golden", func(f *nn.File) { f.Meta["golden"] = "[]" }},
		{"no calibration", "calibration", func(f *nn.File) { delete(f.Meta, "calibration") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Read(bytes.NewReader(forge(t, file, c.change)))
			require.ErrorIs(t, err, ErrFile)
			require.ErrorContains(t, err, c.says)
			require.NotContains(t, err.Error(), "\n")
		})
	}
	for _, foreign := range []string{"", "PK\x03\x04", "{}", strings.Repeat("\xff", 64), "\x02\x00\x00\x00\x00\x00\x00\x00{}"} {
		_, err := Read(strings.NewReader(foreign))
		require.ErrorIs(t, err, ErrFile, "%q", foreign)
	}
	_, err = Open(filepath.Join(t.TempDir(), "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = Open(t.TempDir())
	require.ErrorIs(t, err, ErrFile)
}

// f0 is the name of the first tensor.
func f0(m *Model) string {
	for name := range m.Tensors {
		return name
	}
	return ""
}

func TestUnusableDataIsRefused(t *testing.T) {
	good, given := cloud(30)
	nan := [][]float64{{1, 2}, {3, math.NaN()}}
	same := [][]float64{{1, 2}, {1, 2}, {1, 2}}
	for _, c := range []struct {
		name, says string
		rows       [][]float64
		opt        Options
	}{
		{"no rows", "no rows", nil, Options{}},
		{"no columns", "0 columns", [][]float64{{}, {}}, Options{}},
		{"ragged", "row 2 has 1 columns", [][]float64{{1, 2}, {3}}, Options{}},
		{"NaN", "row 2, column 2: NaN", nan, Options{}},
		{"infinite", "row 1, column 1: -Inf", [][]float64{{math.Inf(-1)}, {1}}, Options{}},
		{"one row", "at least 2", [][]float64{{1, 2}}, Options{}},
		{"all constant", "constant", same, Options{}},
		{"names", "3 column names", good, Options{Columns: []string{"a", "b", "c"}}},
		{"path", "unknown path", good, Options{Path: "straight"}},
		{"coupling", "unknown coupling", good, Options{Coupling: "best"}},
		{"transport under conditions", "conditions", good, Options{Coupling: "ot", Conditions: []Condition{{Name: "z"}, {Name: "y"}}, Given: given}},
		{"few conditions", "conditions for 3", good, Options{Conditions: []Condition{{Name: "z"}}, Given: given[:3]}},
		{"no such class", "not the number of a class", good, Options{Conditions: []Condition{{Name: "z", Classes: []string{"a", "b"}}, {Name: "y"}}, Given: given}},
		{"scaling", "scaling", good, Options{Scaling: "log"}},
		{"rate", "rate", good, Options{LR: math.Inf(1)}},
		{"network", "at most", good, Options{Hidden: 1 << 20}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := NewFitter(c.rows, c.opt)
			require.ErrorIs(t, err, ErrData)
			require.ErrorContains(t, err, c.says)
		})
	}
	f, err := NewFitter([][]float64{{1, 5}, {2, 5}, {3, 5}, {4, 5}, {9, 5}, {7, 5}}, small(2))
	require.NoError(t, err, "one constant column is kept")
	require.Contains(t, strings.Join(f.Notes, ";"), "column x1 is constant")
	require.Equal(t, 1.0, f.m.Scale[1])
}

func TestWrongQuestionsAreRefused(t *testing.T) {
	rows, o := conditioned(3, 40)
	m, err := Fit(ctx, rows, o)
	require.NoError(t, err)
	one := [][]float64{{0, 0}}
	for _, c := range []struct {
		says string
		ask  func() error
	}{
		{"row 1 has 3 columns, the model has 2: length, mass", func() error {
			_, err := m.LogDensity(ctx, [][]float64{{1, 2, 3}}, DensityOptions{Given: one})
			return err
		}},
		{"row 1, column mass: NaN", func() error {
			_, err := m.LogDensity(ctx, [][]float64{{1, math.NaN()}}, DensityOptions{Given: one})
			return err
		}},
		{"wants conditions", func() error { _, err := m.LogDensity(ctx, rows[:1], DensityOptions{}); return err }},
		{"wants conditions", func() error { _, err := m.Sample(ctx, 1, SampleOptions{}); return err }},
		{"conditions for 2", func() error {
			_, err := m.Sample(ctx, 3, SampleOptions{Given: [][]float64{{0, 0}, {1, 1}}})
			return err
		}},
		{"class", func() error { _, err := m.Sample(ctx, 1, SampleOptions{Given: [][]float64{{3, 0}}}); return err }},
		{"unknown method", func() error {
			_, err := m.Sample(ctx, 1, SampleOptions{Given: one, Solver: Solver{Method: "magic"}})
			return err
		}},
		{"tolerances", func() error {
			_, err := m.Sample(ctx, 1, SampleOptions{Given: one, Solver: Solver{Rtol: -1}})
			return err
		}},
		{"age is not given", func() error { _, err := m.Encode(map[string]string{"species": "a"}); return err }},
		{`no condition "sex"`, func() error {
			_, err := m.Encode(map[string]string{"species": "a", "age": "1", "sex": "f"})
			return err
		}},
		{`unknown class "z"; there are a, b, c`, func() error {
			_, err := m.Encode(map[string]string{"species": "z", "age": "1"})
			return err
		}},
	} {
		err := c.ask()
		require.ErrorIs(t, err, ErrData, c.says)
		require.ErrorContains(t, err, c.says)
	}
	row, err := m.Encode(map[string]string{"species": "c", "age": "-1.5"})
	require.NoError(t, err)
	require.Equal(t, []float64{2, -1.5}, row)
}

func TestSplit(t *testing.T) {
	rows, given := cloud(600)
	rows = append(rows, rows[:200]...)
	given = append(given, given[:200]...)
	train, held := Split(rows, given, 0.2)
	side := map[int]bool{}
	for _, i := range held {
		side[i] = true
	}
	require.Len(t, rows, len(train)+len(held))
	for i := range 200 {
		require.Equal(t, side[i], side[600+i], "row %d and its double", i)
	}
	// A binomial share of 600 different rows: four deviations.
	unique := 0
	for _, i := range held {
		if i < 600 {
			unique++
		}
	}
	require.InDelta(t, 120, unique, 4*math.Sqrt(600*0.2*0.8))
	// The order of rows does not matter.
	require.Equal(t, rowHash(rows[3], given[3]), rowHash([]float64{rows[3][0], rows[3][1]}, given[3]))
	require.Equal(t, rowHash([]float64{0}, nil), rowHash([]float64{math.Copysign(0, -1)}, nil))
	for _, share := range []float64{1e-9, 1 - 1e-9} {
		train, held = Split(rows[:5], nil, share)
		require.NotEmpty(t, train)
		require.NotEmpty(t, held)
	}
}

// TestNothingIsFittedToHeldOutRows changes held-out rows and finds the scaling and the training loss the same.
func TestNothingIsFittedToHeldOutRows(t *testing.T) {
	rows, _ := cloud(80)
	_, held := Split(rows, nil, 0.2)
	losses := func(rows [][]float64) (loc []float64, all []float64) {
		f, err := NewFitter(rows, small(6))
		require.NoError(t, err)
		require.NoError(t, f.Watch(ctx, func(p Progress) bool { all = append(all, p.Loss); return true }))
		return f.m.Loc, all
	}
	loc, all := losses(rows)
	other := append([][]float64(nil), rows...)
	for k, i := range held { // each becomes another row whose hash is on the same side
		other[i] = rows[held[(k+1)%len(held)]]
	}
	loc2, all2 := losses(other)
	require.Equal(t, loc, loc2)
	require.Equal(t, all, all2)
}

// TestWholeNumbers fits counts: samples are counts, densities are of (k+u)/levels.
func TestWholeNumbers(t *testing.T) {
	var rows [][]float64
	for i := range 60 {
		rows = append(rows, []float64{float64(i % 4), float64(i % 3), 2})
	}
	o := small(10)
	o.Levels, o.Scaling = 5, Global
	m, err := Fit(ctx, rows, o)
	require.NoError(t, err)
	require.Equal(t, m.Scale[0], m.Scale[2], "one scale for all")
	// The mean of (k+u)/5 is (mean k + ½)/5.
	require.InDelta(t, 0.5, m.Loc[2], 1e-12)
	s, err := m.Sample(ctx, 20, SampleOptions{})
	require.NoError(t, err)
	for _, r := range s.Rows {
		for _, v := range r {
			require.Equal(t, math.Floor(v), v)
			require.True(t, v >= 0 && v <= 4)
		}
	}
	raw, err := m.Sample(ctx, 20, SampleOptions{Raw: true})
	require.NoError(t, err)
	require.Equal(t, s.Rows[3][1], math.Min(math.Max(math.Floor(raw.Rows[3][1]), 0), 4))
	_, err = m.LogDensity(ctx, [][]float64{{0.5, 1, 1}}, DensityOptions{})
	require.ErrorIs(t, err, ErrData)
	_, err = m.LogDensity(ctx, [][]float64{{0, 5, 1}}, DensityOptions{})
	require.ErrorIs(t, err, ErrData)
}

// TestDensityOfAGaussian fits a correlated normal law far from the origin, whose density is known.
func TestDensityOfAGaussian(t *testing.T) {
	if testing.Short() {
		t.Skip("a fit of a few seconds")
	}
	const n = 4000
	rows := make([][]float64, n)
	for i := range rows {
		var z [2]float64
		rng.Normal(rng.New(9).Fold(uint64(i)), z[:])
		rows[i] = []float64{1e6 + 2*z[0], 0.5*z[0] + 0.1*z[1]}
	}
	m, err := Fit(ctx, rows, Options{Steps: 800, Batch: 128, Hidden: 48, Blocks: 1})
	require.NoError(t, err)
	var kl float64
	fresh := make([][]float64, 400)
	truth := make([]float64, len(fresh))
	for i := range fresh {
		var z [2]float64
		rng.Normal(rng.New(10).Fold(uint64(i)), z[:])
		fresh[i] = []float64{1e6 + 2*z[0], 0.5*z[0] + 0.1*z[1]}
		truth[i] = -(z[0]*z[0]+z[1]*z[1])/2 - math.Log(2*math.Pi) - math.Log(2*0.1)
	}
	d, err := m.LogDensity(ctx, fresh, DensityOptions{})
	require.NoError(t, err)
	low := 0
	for i, v := range d.LogP {
		kl += (truth[i] - v) / float64(len(fresh))
		if d.PValue[i] < 0.1 {
			low++
		}
	}
	require.InDelta(t, 0, kl, 0.05, "KL of law to model, nats")
	require.InDelta(t, 0.1, float64(low)/400, 0.06, "a tenth of p-values is below 0.1: four deviations of both samples")
}

// A held-out row whose solve fails, here for being beyond float32, has no density, and the fit ends well all the same.
func TestFinishOutlivesAFailedSolve(t *testing.T) {
	ctx := context.Background()
	var rows [][]float64
	for i := range 60 {
		z := make([]float64, 2)
		rng.Normal(rng.New(1).Fold(uint64(i)), z)
		rows = append(rows, z)
	}
	for far := 1e39; ; far *= 1.5 { // a hash holds rows out
		_, held := Split(append(rows, []float64{far, far}), nil, 0.2)
		if held[len(held)-1] == 60 {
			rows = append(rows, []float64{far, far})
			break
		}
	}
	f, err := NewFitter(rows, Options{Seed: 1, Steps: 1, Hidden: 8, Blocks: 1})
	require.NoError(t, err)
	m, err := f.Finish(ctx)
	require.NoError(t, err)
	index, d := f.Scored()
	require.Equal(t, 60, index[len(index)-1])
	last := len(index) - 1
	require.False(t, d.Status[last].OK())
	require.True(t, math.IsNaN(d.LogP[last]))
	for i, v := range d.LogP[:last] {
		require.False(t, math.IsNaN(v), "row %d", index[i])
	}
	require.Equal(t, last, m.Calibration())
}
