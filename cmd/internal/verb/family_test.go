package verb

import (
	"encoding/csv"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
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
