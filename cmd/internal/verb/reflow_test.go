package verb

import (
	"bytes"
	"encoding/json"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestReflow straightens a run by the command, stops and resumes it in each of its rounds, and finds the bytes of one
// never stopped; then what a distilled model is refused.
func TestReflow(t *testing.T) {
	if testing.Short() {
		t.Skip("trains a dozen small runs")
	}
	dir := t.TempDir()
	must(t, dir, "train", "-data", "moons", "-source", "8gaussians", "-steps", "200", "-batch", "64", "-hidden", "16", "-blocks", "1", "-out", "a", "-quiet")
	flags := []string{"-reflow", "a", "-rounds", "2", "-pairs", "400", "-steps", "250", "-checkpoint", "1ms"}
	r := must(t, dir, append([]string{"train", "-out", "b"}, flags...)...)
	for _, says := range []string{"before round 1: path energy", "after round 1: path energy", "after round 2: path energy", "W₂ to real rows: one Euler step"} {
		require.Contains(t, r.err, says)
	}
	var f figures
	require.NoError(t, json.Unmarshal([]byte(readFile(t, dir+"/b/summary.json")), &f))
	require.Len(t, f.Reflow, 2)
	for _, p := range f.Reflow {
		require.Less(t, p.Energy[1], p.Energy[0])
	}
	require.Contains(t, must(t, dir, "info", "-model", "b").out, "2 rounds on pairs of its own")
	require.Equal(t, 0, must(t, dir, "train", "-resume", "b").code, "finished, it prints its figures again")

	if runtime.GOOS != "windows" {
		stops := 0
		args := append([]string{"train", "-out", "c", "-quiet"}, flags...)
		for i := range 40 {
			c := command(t, dir, args...)
			var errs bytes.Buffer
			c.Stderr = &errs
			require.NoError(t, c.Start())
			time.Sleep(time.Duration(30+90*i) * time.Millisecond)
			c.Process.Signal(os.Interrupt)
			c.Wait()
			if _, err := os.Stat(dir + "/c/config.json"); err == nil {
				args = []string{"train", "-resume", "c", "-quiet", "-checkpoint", "1ms"}
			}
			if c.ProcessState.ExitCode() == 0 {
				break
			}
			stops++
		}
		require.Greater(t, stops, 1)
		require.Equal(t, readFile(t, dir+"/b/model.safetensors"), readFile(t, dir+"/c/model.safetensors"))
	}

	must(t, dir, "train", "-reflow", "b", "-distill", "-pairs", "400", "-steps", "100", "-out", "d", "-quiet")
	must(t, dir, "sample", "-model", "d", "-n", "3")
	must(t, dir, "sample", "-model", "b", "-n", "3", "-method", "euler", "-steps", "1")
	put(t, dir+"/t.csv", smallTable(80))
	r = must(t, dir, tiny("-out", "e", "-drop-cond", "0.2", "-sampler", "auto", "-sampler-error", "0.05")...)
	require.Contains(t, r.out, "the cheapest with W₂ ≤ 0.05")
	require.Contains(t, must(t, dir, "info", "-model", "e").out, "0.05 allowed")
	must(t, dir, tiny("-out", "g")...)
	must(t, dir, "sample", "-model", "e", "-n", "2", "-given", "kind=x", "-guidance", "3")
	must(t, dir, "sample", "-model", "e", "-n", "2", "-given", "kind=x", "-noise", "0.5")
	must(t, dir, tiny("-out", "h", "-times", "logit-normal:0.5:1")...)
	require.Contains(t, must(t, dir, "info", "-model", "h").out, "logit-normal:0.5:1 in training")
	must(t, dir, "sample", "-model", "h", "-n", "2", "-given", "kind=x", "-path", "cosine", "-steps", "8")
	put(t, dir+"/xy.csv", "x0,x1\n1,2\n3,4\n")
	must(t, dir, "train", "-data", "moons", "-source", "8gaussians", "-objective", "sf2m", "-path", "bridge:1", "-steps", "20", "-batch", "32", "-hidden", "16", "-blocks", "1", "-out", "s", "-quiet")
	must(t, dir, "sample", "-model", "s", "-n", "3")
	checkRefusals(t, dir, []refusal{
		{"score -model d -data xy.csv", refused, "the model is distilled"},
		{"score -model e -data t.csv -guidance 2", refused, "rows have no density under it"},
		{"evaluate -model e -data t.csv -guidance-extra 1", refused, "rows have no density under it"},
		{"sample -model d -method rk4", refused, "one Euler step and by nothing else"},
		{"sample -model d -noise 1", refused, "distilled"},
		{"sample -model b -noise 1", refused, "coupling reflow does not give it"},
		{"sample -model a -noise 1", refused, "the source 8gaussians does not give it"},
		{"sample -model a -guidance 2", refused, "guidance asked of a model without conditions"},
		{"sample -model g -guidance 2", refused, "never saw a row without its conditions"},
		{"sample -model e -guidance 2 -guidance-extra 1", usage, "two ways to say one thing"},
		{"sample -model e -noise -1", usage, "-noise -1"},
		{"sample -model e -steps 0", usage, "want a number of steps"},
		{"sample -model b -path straight", usage, "-path: unknown path"},
		{"sample -model b -path tube", refused, "from path condot to tube: "},
		{"sample -model s -path cosine", refused, "two kinds of noise"},
		{"sample -model d -path cosine", refused, "one step and no path"},
		{"train -data moons -times early", usage, "-times: unknown times \"early\"; there are uniform, stratified, logit-normal, power"},
		{"train -data moons -times power:-2", usage, "the power must be above -1"},
		{"train -data moons -times power -family realnvp", usage, "only flow matching draws times"},
		{"train -data moons -times power -objective nll", usage, "only flow matching draws times"},
		{"train -reflow a -times power", usage, "-times: a reflow has"},
		{"train -reflow d", refused, "the model is distilled"},
		{"train -reflow none", refused, "none/config.json: no such file"},
		{"train -reflow a -hidden 3", usage, "-hidden: a reflow has the data, the source and the network of a"},
		{"train -reflow a -pairs 3", refused, "3 pairs, want at least 64"},
		{"train -reflow a -rounds 0", usage, "-rounds 0 without -distill"},
		{"train -rounds 2", usage, "go with -reflow"},
		{"train -sampler best", usage, "is not auto"},
		{"train -data moons -drop-cond 0.1", refused, "dropped conditions, and there are none"},
		{"train -data moons -objective best", refused, "unknown objective"},
	})
}
