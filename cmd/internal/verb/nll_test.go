package verb

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/cfm/dataset"
	"pushforward/cmd/internal/runs"
	"pushforward/simd/rng"
)

// TestLikelihoodRun: what every score of a fit that goes on from a model was, and what became of its weights, is said.
func TestLikelihoodRun(t *testing.T) {
	dir := t.TempDir()
	must(t, dir, "train", "-data", "moons-normal", "-steps", "60", "-batch", "32", "-hidden", "8", "-blocks", "1", "-out", "a", "-quiet")
	on := []string{"train", "-data", "moons-normal", "-objective", "nll", "-from", "a", "-steps", "3", "-batch", "32", "-out"}
	r := must(t, dir, append(on, "b")...)
	require.Regexp(t, `16384 are held out`, r.err)
	require.Regexp(t, `step 0: held-out loss [0-9.]+, of the start`, r.err)
	require.Regexp(t, `step 3: held-out loss [0-9.]+( at 1/[248] of the way to the new weights, where it is [0-9.]+)?: the best, kept`, r.err)
	require.Regexp(t, `of the start +[0-9.]+; scores that were no better, so that training went back to the best: 0`, r.out)
	require.Regexp(t, `KL\(law ‖ model\) +[0-9.]+ ± `, r.out)
	again := must(t, dir, "train", "-resume", "b")
	require.Contains(t, again.err, "is finished: 3 steps")
	require.Equal(t, r.out, again.out)

	law, err := dataset.Toy("moons-normal")
	require.NoError(t, err)
	x := make([]float64, 120)
	law.Sample(x, rng.New(1))
	rows := "x,y\n"
	for i := 0; i < len(x); i += 2 {
		rows += fmt.Sprintf("%g,%g\n", x[i], x[i+1])
	}
	require.NoError(t, os.WriteFile(dir+"/few.csv", []byte(rows), 0o644))
	on[2] = "few.csv" // whose scores are of 1024 rows

	// At a rate far too high a point on the way is kept, and the line has both numbers.
	r = must(t, dir, append(on, "c", "-lr", "0.8", "-steps", "1")...)
	require.Regexp(t, `step 1: held-out loss [0-9.]+ at 1/[248] of the way to the new weights, where it is [0-9.]+: the best, kept`, r.err)
	require.Regexp(t, `went back to the best: 0`, r.out)
	run, err := runs.Resume(dir + "/c")
	require.NoError(t, err)
	defer run.Close()
	lines := run.Lines()
	last := lines[len(lines)-1]
	require.Greater(t, *last.ValOwn, *last.ValLoss)
	require.Contains(t, []float64{0.5, 0.25, 0.125}, *last.ValShare)

	// Where nothing is better the start is kept.
	r = must(t, dir, append(on, "d", "-lr", "1e-30")...)
	require.Regexp(t, `step 3: held-out loss [0-9.]+, and no better at 1/2, 1/4 or 1/8 of the way there: back to [0-9.]+ of step 0, at a quarter of the rate`, r.err)
	require.Regexp(t, `went back to the best: 1`, r.out)
	var f figures
	require.NoError(t, json.Unmarshal([]byte(readFile(t, dir+"/d/summary.json")), &f))
	require.Equal(t, f.StartLoss, f.ValLoss)
	require.Equal(t, 1, f.WentBack)
}

// TestEvaluateUnsolved: rows whose solve fails, here beyond float32, are counted and left out.
func TestEvaluateUnsolved(t *testing.T) {
	dir := t.TempDir()
	must(t, dir, "train", "-data", "moons-normal", "-steps", "60", "-batch", "32", "-hidden", "8", "-blocks", "1", "-out", "a", "-quiet")
	rows := "x,y\n0.1,0.2\n0.5,-0.3\n1e39,1e39\n-0.4,0.9\n"
	require.NoError(t, os.WriteFile(dir+"/far.csv", []byte(rows), 0o644))
	r := must(t, dir, "evaluate", "-model", "a", "-data", "far.csv")
	require.Regexp(t, `unsolved +1: `, r.out)
	require.Regexp(t, `log-density +-?[0-9.]+ ± [0-9.]+ nats`, r.out)
}
