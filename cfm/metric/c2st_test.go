package metric

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/simd"
	"pushforward/simd/rng"
)

// Two Gaussians a shift δ apart are told apart with probability Φ(δ/2) and no better; equal laws with ½.
func TestC2STAgainstBayes(t *testing.T) {
	n, epochs, worse := 1500, 0, 0.03
	shifts := []float64{0, 1, 3}
	if testing.Short() {
		n, epochs, worse, shifts = 120, 60, 0.35, []float64{3} // a few epochs learn less
	}
	for _, shift := range shifts {
		x, y := normals(1, 2*n), normals(2, 2*n)
		for i := 0; i < len(y); i += 2 {
			y[i] += shift
		}
		best := 0.5 * (1 + math.Erf(shift/2/math.Sqrt2))
		bar := 4 * math.Sqrt(0.25/float64(2*n))
		for name, c := range map[string]Classifier{"MLP": &MLP{MaxEpochs: epochs}, "Trees": &Trees{Rounds: 20, Depth: 3}} {
			got := C2ST(x, y, 2, c, rng.New(7))
			require.Less(t, got, best+bar, "%s at shift %v", name, shift)
			require.Greater(t, got, best-bar-worse, "%s at shift %v", name, shift)
			require.Equal(t, got, C2ST(x, y, 2, c, rng.New(7)), "the same key, the same folds and fits")
		}
	}
}

// A ring against a disc of the same mean and spread: only the radius tells.
func TestC2STStrong(t *testing.T) {
	n := 1200
	if testing.Short() {
		n = 250
	}
	x, y := normals(3, 2*n), normals(4, 2*n)
	for i := 0; i < len(y); i += 2 {
		r := math.Hypot(y[i], y[i+1])
		y[i], y[i+1] = y[i]/r*math.Sqrt2, y[i+1]/r*math.Sqrt2
		y[i] += 0.1 * x[i]
	}
	require.Greater(t, C2ST(x, y, 2, &Trees{Rounds: 60}, rng.New(1)), 0.8)
}

// The classifier's gradient against differences of its loss.
func TestMLPGradient(t *testing.T) {
	c := &MLP{Hidden: 5, MaxEpochs: 1}
	x := normals(5, 12*3)
	label := []int{0, 1, 1, 0, 1, 0, 0, 1, 1, 0, 1, 1}
	c.Fit(x, label, 3, rng.New(4))
	xs := make([]float32, len(x))
	for i, v := range x {
		xs[i] = float32(v)
	}
	k := simd.Best[float32]()
	const decay = 0.3
	c.gradient(k, xs, label, decay)
	grad := append([]float32(nil), c.grad...)
	for i := range c.w {
		const h = 1e-4
		w := c.w[i]
		c.w[i] = w + h
		up := c.gradient(k, xs, label, decay)
		c.w[i] = w - h
		down := c.gradient(k, xs, label, decay)
		c.w[i] = w
		// The summed loss over the number of rows. h is small, for the units bend at 0.
		require.InDelta(t, (up-down)/(2*h)/12, grad[i], 1e-3, "weight %d", i)
	}
}

// One deep tree with many rounds learns a checkerboard, which no single column tells; missing cuts (a
// constant column) do no harm.
func TestTrees(t *testing.T) {
	const n = 600
	x := make([]float64, 3*n)
	rng.Uniform(rng.New(6), x)
	label := make([]int, n)
	for i := range label {
		x[3*i+2] = 1
		label[i] = (int(4*x[3*i]) + int(4*x[3*i+1])) % 2
	}
	c := &Trees{Rounds: 80, Leaf: 5}
	c.Fit(x, label, 3, rng.Key{})
	s := make([]float64, n)
	c.Scores(s, x)
	right := 0
	for i, v := range s {
		if (v > 0) == (label[i] == 1) {
			right++
		}
	}
	require.Greater(t, right, n*95/100)
}

// The same samples, the same settings: scikit-learn's accuracies lie where ours do, as far as seeds scatter, and training ends after as many epochs.
func TestMLPAgainstScikitLearn(t *testing.T) {
	if testing.Short() {
		t.Skip("trains a hundred networks")
	}
	raw, err := os.ReadFile(filepath.Join("testdata", "c2st.json"))
	require.NoError(t, err)
	var file struct {
		Cases []struct {
			Name     string
			Dim      int
			X, Y     []float64
			Accuracy []float64
			Epochs   []float64
		}
	}
	require.NoError(t, json.Unmarshal(raw, &file))
	require.Len(t, file.Cases, 5)
	spread := func(v []float64) (mean, variance float64) {
		for _, x := range v {
			mean += x / float64(len(v))
		}
		for _, x := range v {
			variance += (x - mean) * (x - mean) / float64(len(v)-1)
		}
		return mean, variance
	}
	for _, c := range file.Cases {
		var ours []float64
		theirs := c.Accuracy
		for seed := range uint64(5) {
			if c.Accuracy != nil {
				ours = append(ours, C2ST(c.X, c.Y, c.Dim, &MLP{MaxEpochs: 60}, rng.New(seed)))
				continue
			}
			theirs = c.Epochs
			label := make([]int, (len(c.X)+len(c.Y))/c.Dim)
			for i := len(c.X) / c.Dim; i < len(label); i++ {
				label[i] = 1
			}
			m := &MLP{}
			m.Fit(append(slices.Clone(c.X), c.Y...), label, c.Dim, rng.New(seed))
			ours = append(ours, float64(m.Epochs()))
		}
		a, va := spread(theirs)
		b, vb := spread(ours)
		se := math.Sqrt((va + vb) / 5)
		t.Logf("%s: scikit-learn %.4f, here %.4f, standard error of the difference %.4f", c.Name, a, b, se)
		require.InDelta(t, a, b, 3*se, c.Name)
	}
}
