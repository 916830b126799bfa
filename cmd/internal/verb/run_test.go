package verb

import (
	"bufio"
	"bytes"
	"debug/elf"
	"encoding/csv"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"pushforward/cfm/dataset"
)

// TestStopAndResume stops a run at random moments, by SIGINT and by SIGKILL, resumes it to the end, and
// finds the bytes of a run never stopped.
func TestStopAndResume(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no signals to send")
	}
	dir := t.TempDir()
	put(t, dir+"/t.csv", smallTable(200))
	flags := []string{"-steps", "1500", "-checkpoint", "20ms", "-log", "10"}
	start := time.Now()
	must(t, dir, tiny(append(flags, "-out", "whole")...)...)
	took := time.Since(start)
	want := readFile(t, dir+"/whole/model.safetensors")
	var wantLines []int
	steps := func(out string) (s []int) {
		for _, line := range strings.Split(strings.TrimSpace(readFile(t, dir+"/"+out+"/metrics.jsonl")), "\n") {
			var l struct{ Step int }
			require.NoError(t, json.Unmarshal([]byte(line), &l))
			s = append(s, l.Step)
		}
		return s
	}
	wantLines = steps("whole")

	trials := 30
	if testing.Short() {
		trials = 3
	}
	r := rand.New(rand.NewPCG(5, 6))
	stopped := 0
	for i := range trials {
		out := "run" + strconv.Itoa(i)
		args := tiny(append(flags, "-out", out)...)
		var history []string
		for stops := 1 + r.IntN(2); ; stops-- {
			c := command(t, dir, args...)
			if stops <= 0 {
				res := finish(t, c)
				require.Zero(t, res.code, "%v: %s", args, res.err)
				break
			}
			var errs bytes.Buffer
			c.Stderr = &errs
			require.NoError(t, c.Start())
			signal := []os.Signal{os.Interrupt, os.Kill}[r.IntN(2)]
			time.Sleep(time.Duration(r.Int64N(int64(took))))
			c.Process.Signal(signal)
			c.Wait()
			history = append(history, signal.String()+": "+c.ProcessState.String()+" "+errs.String())
			if signal == os.Interrupt && c.ProcessState.ExitCode() != 0 {
				// It may be so early that nobody listens yet: then the signal itself ends the process.
				if status, ok := c.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() {
					require.Equal(t, sigint, c.ProcessState.ExitCode(), errs.String())
				}
			}
			if _, err := os.Stat(filepath.Join(dir, out, "config.json")); err == nil {
				args = []string{"train", "-resume", out, "-quiet", "-checkpoint", "20ms", "-log", "10"}
				stopped++
			}
		}
		require.Equal(t, want, readFile(t, dir+"/"+out+"/model.safetensors"), "trial %d", i)
		require.Equal(t, wantLines, steps(out), "metrics have each step once: %v", history)
		left, err := filepath.Glob(dir + "/" + out + "/*.tmp-*")
		require.NoError(t, err)
		require.Empty(t, left)
	}
	require.Greater(t, stopped, trials/2, "too few runs were stopped in time to mean anything")
}

func TestInterruptSaysHowToGoOn(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no signals to send")
	}
	dir := t.TempDir()
	put(t, dir+"/t.csv", smallTable(80))
	for _, c := range []struct {
		signal os.Signal
		code   int
	}{{os.Interrupt, sigint}, {syscall.SIGTERM, sigterm}} {
		out := c.signal.String()
		cmd := command(t, dir, "train", "-data", "t.csv", "-cond", "kind", "-steps", "1000000", "-hidden", "16", "-blocks", "1", "-out", out)
		stderr, err := cmd.StderrPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		lines := bufio.NewScanner(stderr)
		require.True(t, lines.Scan(), "it says what it does first")
		time.Sleep(200 * time.Millisecond)
		// While it runs, the folder is its own.
		second := run(t, dir, tiny("-out", out)...)
		require.Equal(t, usage, second.code)
		require.Contains(t, second.err, "in use by another run (process "+strconv.Itoa(cmd.Process.Pid)+")")
		require.NoError(t, cmd.Process.Signal(c.signal))
		var text string
		for lines.Scan() {
			text += lines.Text() + "\n"
		}
		cmd.Wait()
		require.Equal(t, c.code, cmd.ProcessState.ExitCode())
		require.Contains(t, text, "-resume "+out)
		require.FileExists(t, filepath.Join(dir, out, "state.safetensors"))
	}
}

func TestRunFolder(t *testing.T) {
	dir := t.TempDir()
	put(t, dir+"/t.csv", smallTable(80))
	r := must(t, dir, tiny()...)
	runs, err := filepath.Glob(dir + "/runs/*-t")
	require.NoError(t, err)
	require.Len(t, runs, 1)
	for _, f := range []string{"config.json", "model.safetensors", "state.safetensors", "summary.json", "metrics.jsonl", "log.txt", "plots/samples.png", "plots/loss.png"} {
		require.FileExists(t, filepath.Join(runs[0], f))
	}
	require.Contains(t, r.out, "plots/samples.png")
	require.Empty(t, r.err, "quiet")

	var config map[string]any
	require.NoError(t, json.Unmarshal([]byte(readFile(t, runs[0]+"/config.json")), &config))
	for _, k := range []string{"data", "seed", "steps", "batch", "lr", "hidden", "blocks", "path", "coupling", "version", "goos", "goarch", "tier", "data_sha256"} {
		require.Contains(t, config, k)
	}
	require.EqualValues(t, 60, config["steps"])
	var summary map[string]any
	require.NoError(t, json.Unmarshal([]byte(readFile(t, runs[0]+"/summary.json")), &summary))
	for _, k := range []string{"steps", "wall_s", "steps_per_s", "val_loss", "logp_nats", "bits_per_dim", "energy_distance", "energy_floor"} {
		require.Contains(t, summary, k)
		require.NotNil(t, summary[k], k)
	}

	// The same from its own configuration, on one core, with a flag over it that changes nothing.
	must(t, dir, "train", "-config", runs[0]+"/config.json", "-out", "again", "-quiet", "-workers", "1", "-steps", "60")
	require.Equal(t, readFile(t, runs[0]+"/model.safetensors"), readFile(t, dir+"/again/model.safetensors"))
	must(t, dir, "train", "-config", runs[0]+"/config.json", "-out", "other", "-quiet", "-seed", "1")
	require.NotEqual(t, readFile(t, runs[0]+"/model.safetensors"), readFile(t, dir+"/other/model.safetensors"))

	// A finished run is finished, and overwritten only by force.
	before := readFile(t, dir+"/again/model.safetensors")
	r = must(t, dir, "train", "-resume", "again")
	require.Contains(t, r.err, "again is finished: 60 steps")
	require.Contains(t, r.out, "held-out loss")
	require.Equal(t, before, readFile(t, dir+"/again/model.safetensors"))
	must(t, dir, tiny("-out", "again", "-force", "-seed", "2")...)
	require.NotEqual(t, before, readFile(t, dir+"/again/model.safetensors"))

	// Data that changed are not resumed with.
	put(t, dir+"/t.csv", smallTable(81))
	r = run(t, dir, "train", "-resume", "again")
	require.Equal(t, refused, r.code)
	require.Contains(t, r.err, "t.csv has changed")
}

func TestDivergenceIsReported(t *testing.T) {
	dir := t.TempDir()
	put(t, dir+"/t.csv", smallTable(80))
	r := run(t, dir, tiny("-lr", "1e10", "-out", "r")...)
	require.Equal(t, diverged, r.code, r.err)
	require.Equal(t, 1, strings.Count(r.err, "\n"), r.err)
	require.Regexp(t, `step \d+: (loss|gradient) is`, r.err)
	require.NoFileExists(t, dir+"/r/model.safetensors")
}

// TestSampleAndScore draws rows and scores them: each row is kept as it was written and where it was.
func TestSampleAndScore(t *testing.T) {
	dir := t.TempDir()
	put(t, dir+"/t.csv", smallTable(80))
	must(t, dir, tiny("-out", "r")...)

	all := must(t, dir, "sample", "-model", "r", "-n", "50", "-seed", "3").out
	require.Equal(t, all, must(t, dir, "sample", "-model", "r/model.safetensors", "-n", "50", "-seed", "3", "-workers", "1").out)
	lines := strings.SplitAfter(all, "\n")
	require.Equal(t, "a,b,c,kind\n", lines[0])
	part := must(t, dir, "sample", "-model", "r", "-n", "10", "-from", "20", "-seed", "3").out
	require.Equal(t, lines[0]+strings.Join(lines[21:31], ""), part)
	for _, line := range strings.Split(strings.TrimSpace(must(t, dir, "sample", "-model", "r", "-n", "5", "-given", "kind=y").out), "\n")[1:] {
		require.True(t, strings.HasSuffix(line, ",y"), line)
	}

	must(t, dir, "sample", "-model", "r", "-n", "50", "-seed", "3", "-out", "s.npy")
	table, err := dataset.Open(dir + "/s.npy")
	require.NoError(t, err)
	require.Equal(t, 50, table.Rows)
	require.Len(t, table.Columns, 4)
	must(t, dir, "sample", "-model", "r", "-n", "50", "-out", "s.png")
	require.FileExists(t, dir+"/s.png")

	// Columns in another order, one more, quoted text, a missing cell.
	put(t, dir+"/odd.csv", "note,kind,c,a,b\n\"one, two\",x,1.50,3,2e0\nthree,y,,4,5\n\" four\",y,2.5,1,0.25\n")
	r := must(t, dir, "score", "-model", "r", "-data", "odd.csv")
	got, err := csv.NewReader(strings.NewReader(r.out)).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{"note", "kind", "c", "a", "b", "logp", "err", "pvalue", "status"}, got[0])
	require.Equal(t, []string{"one, two", "x", "1.50", "3", "2e0"}, got[1][:5])
	require.Equal(t, []string{"three", "y", "", "4", "5", "", "", "", "missing"}, got[2])
	require.Equal(t, " four", got[3][0])
	for _, i := range []int{1, 3} {
		require.Equal(t, "done", got[i][8])
		p, err := strconv.ParseFloat(got[i][7], 64)
		require.NoError(t, err)
		require.True(t, p > 0 && p <= 1)
	}
	// A row's score does not depend on the rows beside it.
	put(t, dir+"/alone.csv", "a,b,c,kind\n1,0.25,2.5,y\n")
	alone, err := csv.NewReader(strings.NewReader(must(t, dir, "score", "-model", "r", "-data", "alone.csv").out)).ReadAll()
	require.NoError(t, err)
	require.Equal(t, got[3][5:], alone[1][4:])

	// The parts of the bar add up in squares; a bad number costs its row only if asked, and a solve that fails the
	// exit code.
	read := func(text string) [][]string {
		rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		require.NoError(t, err)
		return rows
	}
	parts := read(must(t, dir, "score", "-model", "r", "-data", "alone.csv", "-parts", "-round-trip").out)
	require.Equal(t, []string{"logp", "err", "pvalue", "err_probe", "err_solver", "err_rounding", "err_round_trip", "status"}, parts[0][4:])
	var sum float64
	for _, i := range []int{7, 8, 9, 10} {
		v, err := strconv.ParseFloat(parts[1][i], 64)
		require.NoError(t, err)
		sum += v * v
	}
	bar, err := strconv.ParseFloat(parts[1][5], 64)
	require.NoError(t, err)
	require.InEpsilon(t, sum, bar*bar, 1e-6)
	put(t, dir+"/bad.csv", "a,b,c,kind\n1,0.25,2.5,y\n1,inf,2.5,y\n1e300,1e300,-1e300,y\n")
	r = run(t, dir, "score", "-model", "r", "-data", "bad.csv")
	require.Equal(t, 4, r.code)
	require.Contains(t, r.err, `row 2, column "b": inf is not finite (line 3)`)
	r = run(t, dir, "score", "-model", "r", "-data", "bad.csv", "-skip-bad")
	require.Equal(t, 0, r.code, r.err)
	skipped := read(r.out)
	require.Equal(t, alone[1], skipped[1])
	require.Equal(t, []string{"", "", "", "bad"}, skipped[2][4:])
	require.Empty(t, skipped[3][4])
	require.NotContains(t, []string{"done", "bad", "missing"}, skipped[3][7])
	r = run(t, dir, "score", "-model", "r", "-data", "bad.csv", "-skip-bad", "-strict")
	require.Equal(t, 1, r.code)
	require.Len(t, read(r.out), 4)

	// In a pipe, and with the condition fixed.
	c := command(t, dir, "score", "-model", "r", "-data", "-", "-given", "kind=y")
	c.Stdin = strings.NewReader("a,b,c\n1,0.25,2.5\n")
	piped, err := csv.NewReader(strings.NewReader(finish(t, c).out)).ReadAll()
	require.NoError(t, err)
	require.Equal(t, alone[1][4:], piped[1][3:])
	require.Contains(t, must(t, dir, "evaluate", "-model", "r", "-data", "t.csv").out, "log-density")
	var v map[string]any
	require.NoError(t, json.Unmarshal([]byte(must(t, dir, "evaluate", "-model", "r", "-data", "t.csv", "-json").out), &v))
	for _, name := range []string{"w1", "w2", "sliced_w2", "sinkhorn_divergence", "mmd2", "energy_distance", "c2st", "c2st_trees",
		"w2_floor", "energy_floor", "c2st_floor", "path_energy", "path_energy_normalised", "straightness", "rank_p", "coverage_90"} {
		require.IsType(t, 0.0, v[name], name)
	}
	require.GreaterOrEqual(t, v["w2"], v["w1"], "W₁ ≤ W₂")
	require.Contains(t, must(t, dir, "info", "-model", "r").out, "kind, one of x, y")
}

// TestTwoColumns trains from a law that is not normal, and draws the maps that only two columns have.
func TestTwoColumns(t *testing.T) {
	dir := t.TempDir()
	must(t, dir, "train", "-data", "moons-normal", "-source", "8gaussians", "-steps", "30", "-batch", "32", "-hidden", "12", "-blocks", "1", "-quiet", "-out", "r")
	require.FileExists(t, dir+"/r/plots/samples.png")
	require.Contains(t, must(t, dir, "evaluate", "-model", "r", "-data", "moons-normal", "-rows", "100", "-points", "40").out, "KL(law ‖ model)")
	must(t, dir, "score", "-model", "r", "-out", "map.png")
	must(t, dir, "sample", "-model", "r", "-n", "20", "-out", "flow.gif")
	require.True(t, strings.HasPrefix(readFile(t, dir+"/flow.gif"), "GIF89a"))
	require.FileExists(t, dir+"/map.png")
	// A source without a density can be drawn from and not scored.
	must(t, dir, "train", "-data", "moons-normal", "-source", "pinwheel", "-steps", "10", "-batch", "32", "-hidden", "12", "-blocks", "1", "-quiet", "-out", "p")
	must(t, dir, "sample", "-model", "p", "-n", "3")
	r := run(t, dir, "score", "-model", "p", "-data", "x.csv")
	require.Equal(t, refused, r.code)
	require.Contains(t, r.err, "pinwheel")
}

// TestStatic looks at the binary: nothing dynamic, and small enough to copy about.
func TestStatic(t *testing.T) {
	if runtime.GOOS != "linux" || built == "" {
		t.Skip("looks at a linux binary")
	}
	f, err := elf.Open(built)
	require.NoError(t, err)
	defer f.Close()
	libs, err := f.ImportedLibraries()
	require.NoError(t, err)
	require.Empty(t, libs)
	for _, p := range f.Progs {
		require.NotEqual(t, elf.PT_INTERP, p.Type, "it asks for a loader")
	}
	info, err := os.Stat(built)
	require.NoError(t, err)
	require.Less(t, info.Size(), int64(16<<20), "with symbols; it is smaller stripped")
}

// TestDefaultRun is the main job: the digits, and the bars that the project sets itself.
func TestDefaultRun(t *testing.T) {
	if testing.Short() {
		t.Skip("half a minute")
	}
	dir := t.TempDir()
	must(t, dir, "train", "-out", "r")
	var s struct {
		LogP      float64 `json:"logp_nats"`
		Gaussian  float64 `json:"gaussian_logp_nats"`
		Energy    float64 `json:"energy_distance"`
		EnergyErr float64 `json:"energy_distance_err"`
		Agreement float64 `json:"class_agreement"`
		Copies    float64 `json:"copy_share"`
	}
	text := readFile(t, dir+"/r/summary.json")
	require.NoError(t, json.Unmarshal([]byte(text), &s))
	t.Log(text)
	require.GreaterOrEqual(t, s.Agreement, 0.95, "5 nearest training rows vote for the class asked for")
	require.LessOrEqual(t, s.Energy, 0.041, "the best row of the recipes tried; in equal parts of each class, over ten draws")
	require.LessOrEqual(t, s.EnergyErr, 0.01, "what one draw leaves to chance")
	require.LessOrEqual(t, s.Copies, 0.05, "honest is 0.02")
	require.Greater(t, s.LogP, s.Gaussian, "one Gaussian a class, shrunk to suit the rows it is judged by")
}
