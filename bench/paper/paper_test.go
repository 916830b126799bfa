package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/autograd"
	"pushforward/cfm/dataset"
	"pushforward/simd/rng"
)

func TestMisuse(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o644))
	for args, want := range map[string]string{
		"":                             "-table is needed; there are ",
		"-table nosuch":                `no table is called "nosuch"; there are `,
		"-table tong -seeds 0":         "-seeds 0",
		"-table tong -only (":          "-only",
		"-table tong extra":            `what is "extra"?`,
		"-table tong -only nosuchcase": "finds no case",
		"-table sbibm":                 "needs -data",
		"-frobnicate":                  "frobnicate",
	} {
		err := run(context.Background(), strings.Fields(args), &bytes.Buffer{}, &bytes.Buffer{})
		require.ErrorContains(t, err, want, args)
		require.True(t, errors.As(err, new(misuse)), args)
	}
	for _, dir := range []string{"/no/such/folder", file} {
		require.ErrorContains(t, run(context.Background(), []string{"-table", "sbibm", "-data", dir}, &bytes.Buffer{}, &bytes.Buffer{}), dir)
	}
	var out bytes.Buffer
	require.Error(t, run(context.Background(), []string{"-h"}, &out, &bytes.Buffer{}))
	for _, c := range tables {
		require.Contains(t, out.String(), c.Name)
	}
}

func TestFigures(t *testing.T) {
	f := Figure{Case: "a", Method: "ours", Metric: "m", Values: []float64{1, 2, 3}, Bar: 1.5}
	f.complete()
	require.Equal(t, 2.0, f.Mean)
	require.Equal(t, 1.0, f.SD)
	require.False(t, f.OK())
	f.Over = true
	require.True(t, f.OK())
	f.Over = false
	var out bytes.Buffer
	require.NoError(t, writeJSON(&out, "t", f))
	var line map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &line))
	require.Equal(t, map[string]any{"table": "t", "case": "a", "method": "ours", "metric": "m", "mean": 2.0, "sd": 1.0, "n": 3.0,
		"values": []any{1.0, 2.0, 3.0}, "bar": 1.5, "ok": false}, line)
	out.Reset()
	require.NoError(t, writeText(&out, &Table{Name: "t", About: "about"}, []Figure{
		{Case: "a", Method: "published", Metric: "m", Mean: 4}, f, {Case: "b", Method: "ours", Metric: "m", Mean: math.NaN()}}))
	require.Equal(t, `t: about

m   published                      ours
a       4.000   2.000 ± 1.000 (1.500 ✗)
b                                failed

0 of 1 bars held
  missed: a, ours, m: 2.000, want ≤ 1.500
`, out.String())
}

// Modes: each point of the law falls to its own, and a balanced sample has equal counts.
func TestBalance(t *testing.T) {
	for _, name := range []string{"8gaussians-tight", "moons"} {
		law, err := dataset.Toy(name)
		require.NoError(t, err)
		m := modesOf(strings.TrimSuffix(name, "-tight"))
		all := draw(law, 2000, rng.New(1))
		samples, uneven := m.balance(all, 512, 3)
		require.Len(t, samples, 3)
		require.Less(t, uneven, 0.05)
		seen := map[[2]float64]bool{}
		for _, x := range samples {
			require.Len(t, x, 1024)
			count := make([]int, m.parts)
			for i := 0; i < len(x); i += 2 {
				count[m.of(x[i:])]++
				seen[[2]float64{x[i], x[i+1]}] = true
			}
			for _, c := range count {
				require.Equal(t, 512/m.parts, c, name)
			}
		}
		require.Len(t, seen, 3*512, "no row twice")
		one, _ := m.balance(all, 512, 1)
		require.Equal(t, samples[0], one[0])
	}
	// One mode alone: its points fill all places, and the shares are as far off as can be.
	m := modesOf("8gaussians")
	x, uneven := m.balance([]float64{5, 0, 5, 1, 4, 0, 5, 0, 5, 0, 5, 0, 5, 0, 5, 0}, 8, 1)
	require.Len(t, x[0], 16)
	require.InDelta(t, 7./8, uneven, 1e-15)
}

func TestStoredPeer(t *testing.T) {
	for k := range tongMethods {
		for _, c := range tongCases {
			s, err := c.peer(context.Background(), &Run{}, k, c.laws(), 0)
			require.NoError(t, err)
			require.Len(t, s.npe, len(s.w2))
		}
	}
	_, err := tongCases[0].peer(context.Background(), &Run{Peer: t.TempDir()}, 0, tongCases[0].laws(), 0)
	require.ErrorContains(t, err, "normal_8gaussians_icfm_0.safetensors")
}

// A peer that tells its time, one that does not, and one that fails.
func TestPeerSeconds(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no shell to play the peer")
	}
	for text, want := range map[string]string{
		`echo "a_b_0: 12.5 s"; echo "$@" >&2`: "",
		`echo "a_b_1: 12.5 s"`:                "told no time of a_b_0",
		`exit 3`:                              "exit status 3",
	} {
		script := filepath.Join(t.TempDir(), "peer.py")
		require.NoError(t, os.WriteFile(script, []byte(text), 0o644))
		s, err := peerSeconds(context.Background(), sh, script, "dir", 10, "a_b_0")
		if want == "" {
			require.NoError(t, err)
			require.Equal(t, 12.5, s)
		} else {
			require.ErrorContains(t, err, want)
		}
	}
}

// Parameters are scaled to the prior's deviation and back.
func TestPriors(t *testing.T) {
	const n = 4000
	z := make([]float64, n)
	rng.Normal(rng.New(1), z)
	for _, p := range []prior{uniformPrior(-1, 3), normalPrior(2, 0.5), lognormal(-1, 0.3)} {
		mean, sq := 0.0, 0.0
		for _, v := range z {
			theta := p.draw(v, 0)
			require.True(t, p.inside(theta))
			s := p.to(theta)
			mean, sq = mean+s/n, sq+s*s/n
			require.InDelta(t, theta, p.from(s), 1e-12)
		}
		require.InDelta(t, 0, mean, 4/math.Sqrt(n), p.kind)
		require.InDelta(t, 1, sq, 0.1, p.kind)
	}
	// From a box a tenth wider on both sides: what is inside is uniform.
	p := uniformPrior(-1, 3)
	var in []float64
	for _, v := range z {
		theta := p.draw(v, 0.1)
		require.True(t, theta > -1.4 && theta < 3.4)
		if p.inside(theta) {
			in = append(in, theta)
		}
	}
	require.InDelta(t, 1/1.2, float64(len(in))/n, 0.03)
	mean, sd := meanSD(in)
	require.InDelta(t, 1, mean, 0.08)
	require.InDelta(t, 4/math.Sqrt(12), sd, 0.03)
	require.Equal(t, normalPrior(2, 0.5).draw(0.3, 0), normalPrior(2, 0.5).draw(0.3, 0.1))
}

// Simulators against closed forms, and against the benchmark's own observations at the parameters that made them.
func TestSimulators(t *testing.T) {
	const n = 20000
	repeat := func(theta ...float64) (all []float64) {
		for range n {
			all = append(all, theta...)
		}
		return all
	}
	moments := func(x []float64, dim int) (mean, sd []float64) {
		mean, sd = make([]float64, dim), make([]float64, dim)
		for j := range dim {
			var col []float64
			for i := j; i < len(x); i += dim {
				col = append(col, x[i])
			}
			mean[j], sd[j] = meanSD(col)
		}
		return mean, sd
	}
	x := make([]float64, 2*n)
	require.NoError(t, twoMoons(x, repeat(0.3, -0.5), rng.New(1)))
	for _, i := range []int{0, 700} {
		r := crescent(x[2*i:], []float64{0.3, -0.5})[0]
		require.InDelta(t, 0.1, r, 0.05)
	}
	mean, _ := moments(x, 2)
	require.InDelta(t, 0.25-0.2/math.Sqrt2+0.1*2/math.Pi, mean[0], 1e-3) // E cos a = 2/π
	require.InDelta(t, -0.8/math.Sqrt2, mean[1], 2e-3)

	require.NoError(t, gaussianMixture(x, repeat(1, -2), rng.New(2)))
	mean, sd := moments(x, 2)
	require.InDelta(t, 1, mean[0], 0.03)
	require.InDelta(t, math.Sqrt(0.505), sd[1], 0.02)

	x = make([]float64, 8*n)
	require.NoError(t, slcp(x, repeat(1, -1, 1.5, -0.8, 0.7), rng.New(3)))
	mean, sd = moments(x, 8)
	require.InDelta(t, 1, mean[6], 0.07)
	require.InDelta(t, 2.25, sd[0], 0.05)
	require.InDelta(t, 0.64, sd[1], 0.02)
	rho := 0.0
	for i := 0; i < len(x); i += 8 {
		rho += (x[i+2] - 1) * (x[i+3] + 1) / n
	}
	require.InDelta(t, math.Tanh(0.7)*2.25*0.64, rho, 0.04)

	for _, p := range []float64{0, 1e-6, 0.03, 0.5, 0.97, 1} {
		m, s := 0.0, 0.0
		for i := range n {
			v := binomial(1000, p, (float64(i)+0.5)/n)
			m, s = m+v/n, s+v*v/n
		}
		require.InDelta(t, 1000*p, m, 0.01+0.001*1000*p, "p = %v", p)
		require.InDelta(t, 1000*p*(1-p), s-m*m, 0.02+0.01*1000*p*(1-p), "p = %v", p)
	}

	// sbibm 1.1.0, sir, observation 1: counts 0, 1, 352, 40, 3, 0 … at these parameters.
	x = make([]float64, 10)
	require.NoError(t, sir(x, []float64{0.61479264, 0.19172086}, rng.New(4)))
	for k, want := range []float64{0, 1, 352, 40, 3, 0, 0, 0, 0, 0} {
		require.InDelta(t, want, x[k], 4+5*math.Sqrt(want*(1-want/1000)), "at %d", 17*k)
	}
	// lotka_volterra, observation 1: noise of 0.1 in the logarithm, on both sides.
	x = make([]float64, 20)
	require.NoError(t, lotkaVolterra(x, []float64{0.6859157, 0.10761319, 0.88789904, 0.116794825}, rng.New(5)))
	for k, want := range []float64{31.783262, 1.1971166, 0.29703617, 0.71145046, 2.9415865, 11.482614, 36.09036, 0.46229604, 0.38081983, 0.9173736,
		0.8910395, 27.039942, 4.356176, 0.78444487, 0.17100818, 0.1325878, 8.727008, 16.97251, 2.7902339, 0.47567415} {
		require.InDelta(t, math.Log(want), math.Log(x[k]), 0.6, "number %d", k)
	}
	// Row i is the same whatever the number of rows.
	for i := range sbiTasks {
		task := &sbiTasks[i]
		th, xs, err := task.draw(30, 0, rng.New(6))
		require.NoError(t, err)
		th2, xs2, err := task.draw(10, 0, rng.New(6))
		require.NoError(t, err)
		require.Equal(t, th[:len(th2)], th2, task.name)
		require.Equal(t, xs[:len(xs2)], xs2, task.name)
	}
}

func TestLeastSquares(t *testing.T) {
	const n, w = 400, 3
	c := autograd.NewTensor[float32](n, w)
	rng.Normal(rng.New(1), c.Data)
	z := make([]float64, 2*n)
	for i := range n {
		r := c.Row(i)
		z[2*i] = 2*float64(r[0]) - float64(r[2]) + 5
		z[2*i+1] = 0.5 * float64(r[1])
	}
	got := leastSquares(c, z, 2)
	for k, want := range []float64{2, 0, 0, 0.5, -1, 0, 5, 0} {
		require.InDelta(t, want, got[k], 2e-3)
	}
}

// A small posterior on a task whose answer is known: θ ~ N(0, 0.1), x ~ N(θ, 0.1) give N(x/2, 0.05).
func TestLearn(t *testing.T) {
	if testing.Short() {
		t.Skip("trains")
	}
	one := task{name: "one", prior: []prior{normalPrior(0, math.Sqrt(0.1))}, data: 1, simulate: gaussianLinear}
	theta, x, err := one.draw(2000, 0.1, rng.New(1))
	require.NoError(t, err)
	r := sbiRecipe
	r.hidden, r.blocks, r.steps = 32, 1, 1500
	p, err := learn(context.Background(), &one, r, theta, x, rng.New(2))
	require.NoError(t, err)
	s, outside, err := p.sample(context.Background(), []float64{0.4}, 2000, rng.New(3))
	require.NoError(t, err)
	require.Zero(t, outside)
	mean, sd := meanSD(s)
	require.InDelta(t, 0.2, mean, 0.04)
	require.InDelta(t, math.Sqrt(0.05), sd, 0.03)
}

func TestReadMatrix(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.csv")
	for text, want := range map[string]string{
		"a,b\n1,2\n":        "",
		"a,b\n":             "1 lines",
		"a,b\n1,2\n3\n":     "wrong number of fields",
		"a,b,c\n1,2,3\n":    "row 1 has 3 columns, want 2",
		"a,b\n1,2\n1,NaN\n": "row 2, column 2",
	} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		_, err := readMatrix(path, 2)
		if want == "" {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, want)
			require.ErrorContains(t, err, path)
		}
	}
}
