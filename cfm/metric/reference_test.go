package metric

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/cfm/internal/reference"
	"pushforward/cfm/ot"
)

type tensor struct {
	Shape []int     `json:"shape"`
	Data  []float64 `json:"data"`
}

type mmdCase struct{ Bandwidth, V, U float64 }

// TestReferenceMetrics holds every number of cfm/metrics.json.
func TestReferenceMetrics(t *testing.T) {
	dir := os.Getenv("PUSHFORWARD_REFERENCE")
	if dir == "" {
		dir = filepath.Join("testdata", "reference")
	}
	raw, err := os.ReadFile(filepath.Join(dir, "cfm", "metrics.json"))
	if os.IsNotExist(err) {
		t.Skip("cfm/metrics.json is not in this folder")
	}
	require.NoError(t, err)
	var file struct {
		Tol   float64 `json:"tol_rel"`
		Cases []struct {
			Name        string    `json:"name"`
			X           tensor    `json:"x"`
			Y           tensor    `json:"y"`
			Projections tensor    `json:"projections"`
			W2          float64   `json:"w2"`
			W1          float64   `json:"w1"`
			SlicedW2    float64   `json:"sliced_w2"`
			SlicedW1    float64   `json:"sliced_w1"`
			PerDir      []float64 `json:"sliced_w2_squared_per_projection"`
			EnergyV     float64   `json:"energy_distance_v"`
			EnergyU     float64   `json:"energy_distance_u"`
			MMD2        []mmdCase `json:"mmd2"`
			MMD2Median  mmdCase   `json:"mmd2_median"`
			MeanX       tensor    `json:"mean_x"`
			CovX        tensor    `json:"cov_x"`
			GaussianW2  float64   `json:"gaussian_w2_squared"`
		} `json:"cases"`
		Ranking []struct {
			Name  string  `json:"name"`
			Score tensor  `json:"score"`
			Label []int   `json:"label"`
			AUROC float64 `json:"auroc"`
			AP    float64 `json:"average_precision"`
			FPR   float64 `json:"fpr_at_95_tpr"`
		} `json:"ranking"`
	}
	unknown, err := reference.Decode(raw, &file, "metrics.json")
	require.NoError(t, err)
	require.Empty(t, unknown, "not known here, so not checked")
	passed := 0
	for _, c := range file.Cases {
		ok := t.Run("metrics/"+c.Name, func(t *testing.T) {
			x, y, d := c.X.Data, c.Y.Data, c.X.Shape[1]
			near := func(want, got float64, what string) {
				t.Helper()
				require.InDelta(t, want, got, file.Tol*math.Max(math.Abs(want), 1e-3), what)
			}
			w2, err := ot.W2(x, y, d)
			require.NoError(t, err)
			near(c.W2, w2, "w2")
			w1, err := ot.W1(x, y, d)
			require.NoError(t, err)
			near(c.W1, w1, "w1")
			near(c.SlicedW2, ot.SlicedW(x, y, d, c.Projections.Data, 2), "sliced w2")
			near(c.SlicedW1, ot.SlicedW(x, y, d, c.Projections.Data, 1), "sliced w1")
			for k, want := range c.PerDir {
				got := ot.SlicedW(x, y, d, c.Projections.Data[k*d:(k+1)*d], 2)
				near(want, got*got, "one direction")
			}
			u, v := EnergyDistance(x, y, d)
			near(c.EnergyU, u, "energy u")
			near(c.EnergyV, v, "energy v")
			for _, m := range append(c.MMD2, c.MMD2Median) {
				u, v := MMD2(x, y, d, m.Bandwidth)
				near(m.U, u, "mmd u")
				near(m.V, v, "mmd v")
			}
			near(c.MMD2Median.Bandwidth, MedianDistance(x, y, d), "median distance")
			for k, want := range c.MeanX.Data {
				near(want, Mean(x, d)[k], "mean")
			}
			for k, want := range c.CovX.Data {
				near(want, Covariance(x, d)[k], "covariance")
			}
			near(c.GaussianW2, GaussianW2Squared(x, y, d), "Gaussian w2²")
		})
		if ok {
			passed++
		}
	}
	for _, c := range file.Ranking {
		ok := t.Run("ranking/"+c.Name, func(t *testing.T) {
			require.InDelta(t, c.AUROC, AUROC(c.Score.Data, c.Label), file.Tol)
			require.InDelta(t, c.AP, AveragePrecision(c.Score.Data, c.Label), file.Tol)
			require.InDelta(t, c.FPR, FPRAt(c.Score.Data, c.Label, 0.95), file.Tol)
		})
		if ok {
			passed++
		}
	}
	all := len(file.Cases) + len(file.Ranking)
	t.Logf("cfm/metrics.json: %d passed, %d failed, 0 skipped", passed, all-passed)
}
