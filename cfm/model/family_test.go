package model

import (
	"bytes"
	"context"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/simd/rng"
)

// bent draws rows of two columns, y = x²/2 + noise, in units far from standard ones, and a class that moves x.
func bent(n int) (rows, given [][]float64) {
	for i := range n {
		z := make([]float64, 2)
		rng.Normal(rng.New(8).Fold(uint64(i)), z)
		c := float64(i % 2)
		x := z[0] + float64(3*c)
		rows = append(rows, []float64{100 + float64(20*x), float64(0.5*z[0]*z[0]) + float64(0.3*z[1])})
		given = append(given, []float64{c})
	}
	return rows, given
}

func discreteOptions(family string) Options {
	return Options{
		Family: family, Seed: 3, Steps: 300, Batch: 64, Hidden: 16, Blocks: 2, ValEvery: 20, LR: 1e-2, Calibrate: 40,
		Conditions: []Condition{{Name: "c", Classes: []string{"a", "b"}}},
	}
}

// TestFamilies: every discrete family learns, is saved and opened with its golden answers, resumes to the
// same bytes, and draws and scores under conditions.
func TestFamilies(t *testing.T) {
	ctx := context.Background()
	rows, given := bent(400)
	for _, name := range DiscreteFamilies() {
		t.Run(name, func(t *testing.T) {
			opt := discreteOptions(name)
			opt.Given = given
			m, err := Fit(ctx, rows, opt)
			require.NoError(t, err)
			var b bytes.Buffer
			require.NoError(t, m.Write(&b))

			// Stopped after 25 steps and taken up again by a fresh Fitter.
			f, err := NewFitter(rows, opt)
			require.NoError(t, err)
			require.NoError(t, f.Watch(ctx, func(p Progress) bool { return p.Step < 25 }))
			require.Equal(t, 25, f.Step())
			var state bytes.Buffer
			require.NoError(t, f.Save(&state))
			f, err = NewFitter(rows, opt)
			require.NoError(t, err)
			require.NoError(t, f.Load(&state))
			require.NoError(t, f.Run(ctx))
			r, err := f.Finish(ctx)
			require.NoError(t, err)
			var c bytes.Buffer
			require.NoError(t, r.Write(&c))
			require.True(t, bytes.Equal(b.Bytes(), c.Bytes()), "resumed runs end in the same bytes")

			o, err := Read(bytes.NewReader(b.Bytes()))
			require.NoError(t, err)
			require.Equal(t, name, o.FamilyName())
			x, err := o.Sample(ctx, 300, SampleOptions{Seed: 1, Given: [][]float64{{1}}})
			require.NoError(t, err)
			mean := 0.0
			for _, row := range x.Rows {
				mean += row[0] / 300
			}
			require.InDelta(t, 160, mean, 8)
			y, err := o.Sample(ctx, 20, SampleOptions{Seed: 1, From: 280, Given: [][]float64{{1}}})
			require.NoError(t, err)
			require.Equal(t, x.Rows[280:], y.Rows, "row i depends on seed and number")
			path, err := o.Trace(ctx, 20, []float64{0, 0.5, 1}, SampleOptions{Seed: 1, From: 280, Given: [][]float64{{1}}})
			require.NoError(t, err)
			require.InDelta(t, y.Rows[3][0], path[2][3][0], 1e-3)

			d, err := o.LogDensity(ctx, rows, DensityOptions{Given: given})
			require.NoError(t, err)
			e, err := o.LogDensity(ctx, rows[7:9], DensityOptions{Given: given[7:9]})
			require.NoError(t, err)
			require.Equal(t, d.LogP[7:9], e.LogP, "rows are independent")
			for i := range d.LogP {
				require.Less(t, d.Err[i], 1e-9)
				require.Greater(t, d.PValue[i], 0.0)
			}
			require.InDelta(t, 1, mass(t, o), 0.01)
		})
	}
}

// mass integrates the density under class a over a grid.
func mass(t *testing.T, m *Model) (sum float64) {
	const n = 200
	var rows [][]float64
	for i := range n {
		for j := range n {
			rows = append(rows, []float64{0 + 200*(float64(i)+0.5)/n, -2.5 + 10*(float64(j)+0.5)/n})
		}
	}
	d, err := m.LogDensity(context.Background(), rows, DensityOptions{Given: [][]float64{{0}}})
	require.NoError(t, err)
	for _, v := range d.LogP {
		sum += math.Exp(v) * 200 * 10 / n / n
	}
	return sum
}

func TestFamilyRefusals(t *testing.T) {
	rows, _ := bent(40)
	for _, c := range []struct {
		opt  Options
		want string
	}{
		{Options{Family: "glow"}, `unknown family "glow"; there are cfm, realnvp, maf, nsf`},
		{Options{Family: NSF, Path: "vp"}, "has no path or coupling"},
		{Options{Family: MAF, Coupling: "ot"}, "has no path or coupling"},
		{Options{Family: RealNVP, Source: uniformSource{}, SourceTag: "u"}, "starts from the standard normal law"},
	} {
		_, err := NewFitter(rows, c.opt)
		require.ErrorContains(t, err, c.want)
		require.ErrorIs(t, err, ErrData)
	}
	wide := [][]float64{make([]float64, maxDiscrete+1), make([]float64, maxDiscrete+1)}
	_, err := NewFitter(wide, Options{Family: NSF})
	require.ErrorContains(t, err, "up to 2048 columns")
}

type uniformSource struct{}

func (uniformSource) Sample(dst []float64, key rng.Key) { rng.Uniform(key, dst) }
func (uniformSource) LogProb([]float64) float64         { return 0 }

// TestFamilySpec: sizes that the file cannot fill, or that no family has, are refused before anything is made.
func TestFamilySpec(t *testing.T) {
	rows, _ := bent(60)
	opt := Options{Family: NSF, Steps: 1, Hidden: 8, Blocks: 2, Calibrate: -1}
	m, err := Fit(context.Background(), rows, opt)
	require.NoError(t, err)
	text := m.Spec.text()
	for _, c := range [][3]string{
		{`"nsf"`, `"flow"`, "unknown family"},
		{`"depth":2`, `"depth":99`, "depth 99"},
		{`"bins":8`, `"bins":1`, "bins 1"},
		{`"bins":8`, `"bins":0`, "bins 0"},
	} {
		require.Contains(t, text, c[0])
		_, err := parseSpec(strings.Replace(text, c[0], c[1], 1), 1<<20)
		require.ErrorContains(t, err, c[2])
		require.ErrorIs(t, err, ErrFile)
	}
}

// TestScorer agrees with LogDensity to float32's rounding, in any batch, and refuses a CFM.
func TestScorer(t *testing.T) {
	rows, given := bent(700)
	opt := discreteOptions(RealNVP)
	opt.Given, opt.Depth = given, 1
	m, err := Fit(context.Background(), rows, opt)
	require.NoError(t, err)
	require.Equal(t, 1, m.Depth)
	s, err := m.NewScorer()
	require.NoError(t, err)
	got := make([]float64, len(rows))
	s.LogDensity(got, rows, given)
	d, err := m.LogDensity(context.Background(), rows, DensityOptions{Given: given})
	require.NoError(t, err)
	for i := range got {
		require.InDelta(t, d.LogP[i], got[i], 1e-4)
	}
	one := make([]float64, 2)
	s.LogDensity(one, rows[600:602], given[600:602])
	require.Equal(t, got[600:602], one)

	_, err = Fit(context.Background(), rows, Options{Depth: 3})
	require.ErrorContains(t, err, "depth is for the discrete flows")
	c, err := Fit(context.Background(), rows, Options{Steps: 1, Hidden: 8, Blocks: 1, Calibrate: -1})
	require.NoError(t, err)
	_, err = c.NewScorer()
	require.ErrorContains(t, err, "takes a solve")
}

// TestDiscreteDensityIsOfTheRow: a density is that of the row as given and not of the nearest one of float32: over three
// rows a millionth apart its second difference vanishes. The bar has the parts that its family has.
func TestDiscreteDensityIsOfTheRow(t *testing.T) {
	ctx := context.Background()
	rows, given := bent(200)
	for _, name := range append(DiscreteFamilies(), KDE) {
		opt := discreteOptions(name)
		opt.Given, opt.Steps = given, 100
		if name == KDE {
			opt = Options{Family: KDE, Conditions: opt.Conditions, Given: given, Path: "condot:0.2"}
		}
		m, err := Fit(ctx, rows, opt)
		require.NoError(t, err)
		var near, cond [][]float64
		for i, r := range rows[:40] {
			for k := -1; k <= 1; k++ {
				h := 1e-6 * float64(k)
				near = append(near, []float64{r[0] + float64(h*m.Scale[0]), r[1] - float64(h*m.Scale[1])})
				cond = append(cond, given[i])
			}
		}
		d, err := m.LogDensity(ctx, near, DensityOptions{Given: cond, RoundTrip: true})
		require.NoError(t, err)
		for i := 0; i < len(near); i += 3 {
			require.InDelta(t, 0, d.LogP[i]-d.LogP[i+1]-(d.LogP[i+1]-d.LogP[i+2]), 1e-9, "%s, row %d", name, i)
			require.Greater(t, d.Parts.Rounding[i], 0.0)
			if name != KDE {
				require.GreaterOrEqual(t, d.Err[i], d.Parts.RoundTrip[i])
				require.Less(t, d.Parts.RoundTrip[i], 1e-9)
			}
		}
		require.Nil(t, d.Parts.Solver)
	}
}
