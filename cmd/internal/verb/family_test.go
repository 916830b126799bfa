package verb

import (
	"encoding/csv"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/cfm/model"
)

// TestFamilies: every family goes through all verbs, conditions and a stopped run among them.
func TestFamilies(t *testing.T) {
	dir := t.TempDir()
	put(t, dir+"/t.csv", smallTable(80))
	for _, family := range []string{"realnvp", "maf", "nsf"} {
		must(t, dir, tiny("-family", family, "-out", family)...)
		info := must(t, dir, "info", "-model", family).out
		require.Contains(t, info, family+": 1 maps between standard normal latents and the data")
		drawn := must(t, dir, "sample", "-model", family, "-n", "20", "-given", "kind=y").out
		require.Equal(t, 21, strings.Count(drawn, "\n"))
		put(t, dir+"/drawn.csv", drawn)
		scored, err := csv.NewReader(strings.NewReader(must(t, dir, "score", "-model", family, "-data", "drawn.csv").out)).ReadAll()
		require.NoError(t, err)
		for _, r := range scored[1:] {
			bar, err := strconv.ParseFloat(r[5], 64)
			require.NoError(t, err)
			require.Less(t, bar, 1e-9)
			require.Equal(t, "done", r[7])
		}
		require.Contains(t, must(t, dir, "evaluate", "-model", family, "-data", "t.csv").out, "log-density")
		require.Contains(t, must(t, dir, "train", "-resume", family).err, "is finished")
	}
	must(t, dir, "train", "-data", "t.csv", "-cond", "kind", "-family", "kde", "-quiet", "-out", "kde")
	require.Contains(t, must(t, dir, "info", "-model", "kde").out, "under Gaussian kernels")
	require.Contains(t, must(t, dir, "train", "-resume", "kde").err, "is finished")
	require.Equal(t, 21, strings.Count(must(t, dir, "sample", "-model", "kde", "-n", "20", "-given", "kind=y").out, "\n"))
	must(t, dir, "score", "-model", "kde", "-data", "t.csv")
	require.Contains(t, must(t, dir, "evaluate", "-model", "kde", "-data", "t.csv").out, "path energy")
	for args, says := range map[string]string{
		"train -data t.csv -cond kind -family kde -coupling ot":  "-coupling and -source are for cfm",
		"train -data t.csv -cond kind -family glow":              `unknown family "glow"`,
		"train -data t.csv -cond kind -family nsf -path vp":      "-path, -coupling and -source are for cfm",
		"train -data t.csv -cond kind -family nsf -source rings": "-source",
	} {
		r := run(t, dir, strings.Fields(args)...)
		require.Equal(t, usage, r.code, args)
		require.Contains(t, r.err, says)
	}
}

// TestScoreAnomaly: rows out of a tie between columns get small p-values and the column's name; a missing cell has
// no score; a model trained otherwise is refused.
func TestScoreAnomaly(t *testing.T) {
	dir := t.TempDir()
	var b strings.Builder
	b.WriteString("a,b,c\n")
	for i := range 400 {
		v := float64(i*7919%400)/200 - 1
		b.WriteString(strings.Join([]string{num9(v), num9(2*v + 0.02*float64(i%5)), num9(float64(i%13) / 10)}, ",") + "\n")
	}
	put(t, dir+"/tied.csv", b.String())
	must(t, dir, "train", "-data", "tied.csv", "-anomaly", "-steps", "400", "-hidden", "32", "-blocks", "2", "-quiet", "-out", "m")
	put(t, dir+"/odd.csv", "a,b,c\n0.5,-1,0.6\n0.5,1.02,0.6\n0.5,,0.6\n")
	rows, err := csv.NewReader(strings.NewReader(must(t, dir, "score", "-model", "m", "-data", "odd.csv", "-anomaly", "-why", "1").out)).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b", "c", "logp", "typical", "score", "pvalue", "why1", "expected1", "share1", "status"}, rows[0])
	p := func(i int) float64 {
		v, err := strconv.ParseFloat(rows[i][6], 64)
		require.NoError(t, err)
		return v
	}
	require.Less(t, p(1), 0.05)
	require.Greater(t, p(2), 0.05)
	require.NotEqual(t, "c", rows[1][7])
	require.Equal(t, []string{"", "", "", "", "", "", "", "missing"}, rows[3][3:])
	fast, err := csv.NewReader(strings.NewReader(must(t, dir, "score", "-model", "m", "-data", "odd.csv", "-anomaly", "-fast").out)).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b", "c", "score", "pvalue", "status"}, fast[0])
	require.Equal(t, rows[1][5], fast[1][3], "the score is the same")

	must(t, dir, "train", "-data", "tied.csv", "-steps", "5", "-hidden", "8", "-blocks", "1", "-quiet", "-out", "plain")
	r := run(t, dir, "score", "-model", "plain", "-data", "odd.csv", "-anomaly")
	require.Equal(t, refused, r.code)
	require.Contains(t, r.err, "train it with -anomaly")
	require.Equal(t, usage, run(t, dir, "score", "-model", "m", "-data", "odd.csv", "-why", "1").code)
}

func num9(v float64) string { return strconv.FormatFloat(v, 'g', 9, 64) }

// TestScoreFamilies: a discrete flow's density is exact: flags of the solver are told to be idle, the bar has its parts, and the
// number is written with the digits that the bar promises. Rows with numbers that have no density are bad, not missing.
func TestScoreFamilies(t *testing.T) {
	dir := t.TempDir()
	put(t, dir+"/t.csv", "a,b\n"+strings.Repeat("0.5,1.25\n-0.5,0.75\n1.5,-0.25\n0.125,2\n", 20))
	must(t, dir, "train", "-data", "t.csv", "-family", "nsf", "-anomaly", "-steps", "5", "-hidden", "8", "-blocks", "1", "-quiet", "-out", "m")
	put(t, dir+"/rows.csv", "a,b\n0.3,0.7\ninf,1\n,2\n")
	r := must(t, dir, "score", "-model", "m", "-data", "rows.csv", "-skip-bad", "-parts", "-round-trip", "-probes", "4", "-rtol", "1e-3")
	require.Contains(t, r.err, "note: the density of family nsf is exact and takes no solve: -probes -rtol change nothing")
	rows, err := csv.NewReader(strings.NewReader(r.out)).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b", "logp", "err", "pvalue", "err_probe", "err_solver", "err_rounding", "err_round_trip", "status"}, rows[0])
	require.Greater(t, len(rows[1][2]), 13, "digits of logp")
	for _, j := range []int{3, 7, 8} {
		v, err := strconv.ParseFloat(rows[1][j], 64)
		require.NoError(t, err)
		require.True(t, v >= 0 && v < 1e-9, rows[1])
	}
	require.Equal(t, "bad", rows[2][9])
	require.Equal(t, "missing", rows[3][9])

	r = must(t, dir, "score", "-model", "m", "-data", "rows.csv", "-skip-bad", "-anomaly")
	rows, err = csv.NewReader(strings.NewReader(r.out)).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{"done", "bad", "missing"}, []string{rows[1][6], rows[2][6], rows[3][6]})
	require.Contains(t, r.err, "note: 1 of 3 rows")
	r = run(t, dir, "score", "-model", "m", "-data", "rows.csv", "-skip-bad", "-anomaly", "-parts")
	require.Equal(t, usage, r.code)
	require.Contains(t, r.err, "-parts and -round-trip")
}

// TestScoreWide: with more columns than an exact divergence is asked for by default, score wants to be told which; a mean of
// evaluate and a row of -anomaly, whose score needs no density, are estimated with a note.
func TestScoreWide(t *testing.T) {
	dir := t.TempDir()
	var b strings.Builder
	for i := range 61 {
		for j := range 70 {
			switch {
			case i == 0:
				b.WriteString("c" + strconv.Itoa(j))
			default:
				b.WriteString(strconv.Itoa((i*i*(j+3) + j) % 101))
			}
			b.WriteString(map[bool]string{true: "\n", false: ","}[j == 69])
		}
	}
	put(t, dir+"/t.csv", b.String())
	must(t, dir, "train", "-data", "t.csv", "-anomaly", "-steps", "2", "-batch", "8", "-hidden", "8", "-blocks", "1", "-quiet", "-out", "m")
	r := run(t, dir, "score", "-model", "m", "-data", "t.csv")
	require.Equal(t, refused, r.code)
	require.Contains(t, r.err, "70 columns are too many for an exact divergence")
	require.Regexp(t, "-exact .*-probes N", r.err)
	require.Empty(t, r.out)
	require.Empty(t, must(t, dir, "score", "-model", "m", "-data", "t.csv", "-exact", "-parts").err)
	require.Empty(t, must(t, dir, "score", "-model", "m", "-data", "t.csv", "-probes", "3").err)
	require.Contains(t, must(t, dir, "score", "-model", "m", "-data", "t.csv", "-anomaly").err, "8 probes estimate it")
	require.NotContains(t, must(t, dir, "score", "-model", "m", "-data", "t.csv", "-anomaly", "-fast").err, "probes")
	// evaluate's classifier takes ten seconds of so many columns: what it says alone.
	m, err := model.Open(dir + "/m/model.safetensors")
	require.NoError(t, err)
	for want, opt := range map[string]model.DensityOptions{"note: 70 columns": {}, "": {Exact: true}} {
		f, err := os.CreateTemp(dir, "err")
		require.NoError(t, err)
		estimated(env{err: f}, m, opt)
		require.NoError(t, f.Close())
		require.Regexp(t, "^"+want, readFile(t, f.Name()))
		require.Equal(t, want == "", readFile(t, f.Name()) == "")
	}
	require.Equal(t, usage, run(t, dir, "evaluate", "-model", "m", "-data", "t.csv", "-probes", "2", "-exact").code)
}
