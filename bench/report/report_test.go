package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/bench"
)

func TestSpread(t *testing.T) {
	require.Equal(t, Spread{3, 3, 3}, spread([]float64{3}))
	require.Equal(t, Spread{2.5, 1, 9}, spread([]float64{9, 2, 1, 3}))
	require.Equal(t, Spread{3, 1, 5}, spread([]float64{5, 1, 3}))
	require.True(t, math.IsNaN(spread(nil).Mid))
	x := []float64{3, 1, 2}
	spread(x)
	require.Equal(t, []float64{3, 1, 2}, x, "the rounds keep their order")
}

func TestRatio(t *testing.T) {
	r := ratio([]float64{10, 30, 20}, []float64{5, 10, 4}, "rows/s")
	require.Equal(t, Spread{4, 2, 5}, r, "20/5 of the medians; 2, 3 and 5 of the rounds")
	r = ratio([]float64{10, 30, 20}, []float64{40, 60, 80}, "ms")
	require.Equal(t, Spread{3, 2, 4}, r, "of times the lesser is the faster")
}

func TestFigure(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 0.0123456: "0.0123", 0.00123: "1.2e-3", 1.5: "1.5", 42: "42", 118.2: "118", 999.7: "1000", 1234.5: "1,234", 1234567: "1,234,567", -1234: "-1,234",
	} {
		require.Equal(t, want, figure(v))
	}
	require.Equal(t, "–", figure(math.NaN()))
}

func TestParse(t *testing.T) {
	o, err := parse([]string{"-only", "gemm/.*-nn", "-threads", "1, 2", "-rounds", "3", "-json"})
	require.NoError(t, err)
	require.Equal(t, []int{1, 2}, o.threads)
	require.True(t, o.only.MatchString("gemm/64x64x64-nn"))
	require.True(t, o.json)
	for _, bad := range [][]string{{"-threads", "0"}, {"-threads", "two"}, {"-rounds", "0"}, {"-only", "("}, {"-peers", "("}, {"gemm"}, {"-seconds", "-1"}} {
		_, err := parse(bad)
		require.Error(t, err, "%v", bad)
	}
	threads, err := parseThreads("", 8)
	require.NoError(t, err)
	require.Equal(t, []int{1, 8}, threads)
	threads, err = parseThreads("", 1)
	require.NoError(t, err)
	require.Equal(t, []int{1}, threads)
}

func TestAnswer(t *testing.T) {
	var a answer
	require.NoError(t, json.Unmarshal([]byte(`{"name":"sample/small-1e-4","peer":"diffrax","threads":1,"value":61388.5,"unit":"rows/s","runs":2,"nfe":44,"err":0.001}`), &a))
	require.Equal(t, answer{Name: "sample/small-1e-4", Value: 61388.5, Unit: "rows/s", More: map[string]float64{"nfe": 44, "err": 0.001}}, a)
	require.NoError(t, json.Unmarshal([]byte(`{"error":"KeyError: 'x'"}`), &a))
	require.Equal(t, answer{Error: "KeyError: 'x'"}, a)
	require.NoError(t, json.Unmarshal([]byte(`{"peer":"torch","versions":{"torch":"2.15.0"}}`), &a))
	require.Equal(t, map[string]string{"torch": "2.15.0"}, a.Versions)
}

func TestAccounts(t *testing.T) {
	require.Equal(t, 6.66, busyOf("cpu  100 200 300 4000 5000 6 7 53 900 900\ncpu0 1 2 3 4\n"), "user, nice, system, irq, softirq, steal")
	require.Equal(t, 0.1, usedOf("77 (a ) b) S 1 77 77 0 -1 4194560 1 2 3 4 1 2 3 4 20 0 1 0 99"))
	require.Zero(t, usedOf(""))
}

// fake is a workload that takes no time worth speaking of.
func fake(fail bool) []bench.Workload {
	return []bench.Workload{{Name: "train/fake", Unit: "steps", Setup: func(context.Context) (*bench.Job, error) {
		return &bench.Job{
			Count: 1,
			Run: func() error {
				if fail {
					return errors.New("bench: no luck")
				}
				return nil
			},
			Limit:  func() float64 { return 7 },
			Report: func() map[string]float64 { return map[string]float64{"loss": 2} },
		}, nil
	}}}
}

func TestServe(t *testing.T) {
	in := strings.NewReader(`{"do":"about"}
{"do":"measure","name":"train/fake","seconds":0.001,"report":true}
{"do":"measure","name":"train/fake","seconds":0.001}
{"do":"drop","name":"train/fake"}
{"do":"measure","name":"train/other","seconds":0.001}
{"do":"dance"}
`)
	var out bytes.Buffer
	require.NoError(t, serve(t.Context(), in, &out, fake(false)))
	var got []answer
	for d := json.NewDecoder(&out); ; {
		var a answer
		if err := d.Decode(&a); errors.Is(err, io.EOF) {
			break
		} else {
			require.NoError(t, err)
		}
		got = append(got, a)
	}
	require.Len(t, got, 6)
	require.Contains(t, got[0].Versions, "go")
	require.Positive(t, got[1].Value)
	require.Equal(t, "steps/s", got[1].Unit)
	require.Equal(t, map[string]float64{"loss": 2}, got[1].More)
	require.Nil(t, got[2].More)
	require.Equal(t, 7.0, got[2].Limit)
	require.NotEmpty(t, got[4].Skip)
	require.NotEmpty(t, got[5].Error)

	out.Reset()
	require.NoError(t, serve(t.Context(), strings.NewReader(`{"do":"measure","name":"train/fake","seconds":0.001}`), &out, fake(true)))
	require.Contains(t, out.String(), "no luck")
}

func sampleRows() (Machine, []Comparison) {
	m := Machine{Date: "2026-11-25 07:00", CPU: "a CPU", Cores: 2, OS: "linux/amd64", Tier: "avx512", Peak: 100, Load: "0.10 0.10 0.10",
		Command: "go run ./bench/report", Versions: map[string]string{"go": "go1.26", "torch": "2.15.0"}}
	return m, []Comparison{
		{Name: "gemm/64x64x64-nn", Threads: 1, Unit: "GFLOP/s", Rounds: 3, Limit: 100, Sides: []Result{
			{Peer: ours, Value: Spread{80, 79, 81}},
			{Peer: "numpy", Value: Spread{40, 40, 41}, Ratio: &Spread{2, 1.9, 2.1}},
			{Peer: "torch", Value: Spread{50, 50, 51}, Ratio: &Spread{1.6, 1.5, 1.7}},
		}},
		{Name: "gemm64/64x64x64-nn", Threads: 2, Unit: "GFLOP/s", Rounds: 3, Others: 0.7, Limit: 50, Sides: []Result{
			{Peer: ours, Value: Spread{50, 49, 51}},
			{Peer: "numpy", Error: "no luck"},
		}},
		{Name: "sample/small-1e-5", Threads: 1, Unit: "rows/s", Rounds: 3, Sides: []Result{
			{Peer: ours, Value: Spread{65432, 65000, 66000}, More: map[string]float64{"nfe": 40, "err": 0.0012}},
		}},
	}
}

func TestMarkdown(t *testing.T) {
	m, rows := sampleRows()
	var b strings.Builder
	require.NoError(t, writeMarkdown(&b, m, rows))
	text := b.String()
	require.Contains(t, text, "- a CPU, 2 cores, linux/amd64; tier avx512\n")
	require.Contains(t, text, "| workload | threads | pushforward | of peak | numpy | torch |\n| --- | --- | --- | --- | --- | --- |\n")
	require.Contains(t, text, "| gemm/64x64x64-nn | 1 | 80 [79..81] | 80 % | 40, **×2** [1.9..2.1]; 40 % of peak, at most ×2.50 | 50, **×1.6** [1.5..1.7]; 50 % of peak, at most ×2.00 |\n")
	require.Contains(t, text, "| gemm64/64x64x64-nn † | 2 | 50 [49..51] | 50 % | failed |\n", "two threads have twice the peak")
	require.Contains(t, text, "| sample/small-1e-5 | 1 | 65,432 [65,000..66,000]; err 1.2e-3, nfe 40 |\n")
	require.Contains(t, text, "† during a measurement")
	require.NotContains(t, text, "Training steps", "a group with nothing in it has no table")
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "| gemm/") {
			require.Equal(t, 7, strings.Count(line, "|"))
		}
	}
}

func TestBrief(t *testing.T) {
	m, rows := sampleRows()
	var b strings.Builder
	require.NoError(t, writeBrief(&b, m, rows))
	require.Contains(t, b.String(), "| gemm/64x64x64-nn | 1 | 80 GFLOP/s | torch 50 | 1.6 [1.5..1.7] |\n", "against the fastest")
	require.Contains(t, b.String(), "| sample/small-1e-5 | 1 | 65,432 rows/s | – | – |\n")
	known := map[string]bool{}
	for _, w := range bench.Workloads() {
		known[w.Name] = true
	}
	for _, name := range headlines {
		require.True(t, known[name], name)
	}
}

func TestText(t *testing.T) {
	m, rows := sampleRows()
	var b strings.Builder
	require.NoError(t, writeText(&b, m, rows))
	require.Contains(t, b.String(), "80 % of peak")
	require.Contains(t, b.String(), "40 % of peak, so ratio at most 2.50")
	require.Contains(t, b.String(), "others used 0.7 CPU")
	require.Contains(t, b.String(), "no luck")
}

func TestResultsGoRound(t *testing.T) {
	m, rows := sampleRows()
	var b bytes.Buffer
	require.NoError(t, writeResults(&b, m, rows))
	newer := rows[0]
	newer.Rounds = 9
	m2 := m
	m2.Versions = map[string]string{"jax": "0.10.2"}
	require.NoError(t, writeResults(&b, m2, []Comparison{newer}))
	gotM, got, err := readResults(&b)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"go": "go1.26", "torch": "2.15.0", "jax": "0.10.2"}, gotM.Versions)
	require.Len(t, got, len(rows))
	require.Equal(t, 9, got[0].Rounds)
	require.Equal(t, rows[1:], got[1:])
	_, _, err = readResults(strings.NewReader("{"))
	require.Error(t, err)
}

// TestEveryWorkloadHasATable and a peer, or is known to have none.
func TestEveryWorkloadHasATable(t *testing.T) {
	for _, w := range bench.Workloads() {
		require.NotEqual(t, "Other", groupOf(w.Name).title, w.Name)
		found := false
		for _, p := range peers {
			found = found || p.has.MatchString(w.Name)
		}
		require.True(t, found, "no peer for %s", w.Name)
	}
}

// TestPeersHaveTheirWorkloads asks each script for its names, where there is a Python.
func TestPeersHaveTheirWorkloads(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	python := bench.Python("")
	if python == "" {
		t.Skip("no Python environment: set PUSHFORWARD_VENV (bench/peers/setup.sh makes one)")
	}
	script, err := bench.WriteScripts(t.TempDir())
	require.NoError(t, err)
	require.Equal(t, "peers.py", filepath.Base(script))
	for _, p := range peers {
		cmd := exec.Command(python, script, p.name)
		cmd.Stdin = strings.NewReader(`{"do":"names"}` + "\n" + `{"do":"measure","name":"nothing"}` + "\n")
		out, err := cmd.Output()
		require.NoError(t, err, p.name)
		first, second, _ := strings.Cut(string(out), "\n")
		var got struct{ Names []string }
		require.NoError(t, json.Unmarshal([]byte(first), &got))
		var want []string
		for _, w := range bench.Workloads() {
			if p.has.MatchString(w.Name) {
				want = append(want, w.Name)
			}
		}
		require.ElementsMatch(t, want, got.Names, p.name)
		require.Contains(t, second, "skip")
	}
}
