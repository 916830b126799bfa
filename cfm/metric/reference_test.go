package metric

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

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
	require.NoError(t, json.Unmarshal(raw, &file))
	var everything any
	require.NoError(t, json.Unmarshal(raw, &everything))
	require.Empty(t, unread(everything, reflect.TypeOf(file), "metrics.json"), "not known here, so not checked")
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

// unread lists what raw, a decoded reference file, holds besides text and into has no field for: figures that would
// otherwise go unchecked.
func unread(raw any, into reflect.Type, at string) (names []string) {
	for into.Kind() == reflect.Pointer {
		into = into.Elem()
	}
	switch v := raw.(type) {
	case []any:
		if into.Kind() == reflect.Slice {
			for i, e := range v {
				names = append(names, unread(e, into.Elem(), fmt.Sprintf("%s[%d]", at, i))...)
			}
		}
	case map[string]any:
		if into.Kind() != reflect.Struct {
			return nil
		}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			f, ok := into.FieldByNameFunc(func(field string) bool {
				f, _ := into.FieldByName(field)
				tag := f.Tag.Get("json")
				return tag == name || tag == "" && !f.Anonymous && strings.EqualFold(field, name)
			})
			if _, text := v[name].(string); ok {
				names = append(names, unread(v[name], f.Type, at+"."+name)...)
			} else if !text {
				names = append(names, at+"."+name)
			}
		}
	}
	return names
}
