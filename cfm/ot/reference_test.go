package ot

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

type tensor struct {
	Shape []int     `json:"shape"`
	Data  []float64 `json:"data"`
}

// TestReferenceOT holds every case of cfm/ot.json against costs, plans and permutations of POT and SciPy.
func TestReferenceOT(t *testing.T) {
	dir := os.Getenv("PUSHFORWARD_REFERENCE")
	if dir == "" {
		dir = filepath.Join("testdata", "reference")
	}
	raw, err := os.ReadFile(filepath.Join(dir, "cfm", "ot.json"))
	if os.IsNotExist(err) {
		t.Skip("cfm/ot.json is not in this folder")
	}
	require.NoError(t, err)
	var file struct {
		TolCost float64 `json:"tol_rel_cost"`
		TolPlan float64 `json:"tol_abs_plan"`
		Cases   []struct {
			Name       string   `json:"name"`
			X0         tensor   `json:"x0"`
			X1         tensor   `json:"x1"`
			W2Squared  float64  `json:"w2_squared"`
			W2         float64  `json:"w2"`
			W1         float64  `json:"w1"`
			Perm       []int    `json:"permutation"`
			SecondBest *float64 `json:"second_best_w2_squared"`
			Plan       *tensor  `json:"plan"`
			Sinkhorn   []struct {
				Reg           float64 `json:"reg"`
				Plan          tensor  `json:"plan"`
				TransportCost float64 `json:"transport_cost"`
				NegEntropy    float64 `json:"neg_entropy"`
			} `json:"sinkhorn"`
		} `json:"cases"`
		Unbalanced []struct {
			Name string  `json:"name"`
			X0   tensor  `json:"x0"`
			X1   tensor  `json:"x1"`
			Reg  float64 `json:"reg"`
			RegM float64 `json:"reg_m"`
			Plan tensor  `json:"plan"`
			Mass float64 `json:"mass"`
		} `json:"unbalanced"`
	}
	require.NoError(t, json.Unmarshal(raw, &file))
	passed := 0
	run := func(name string, f func(t *testing.T)) {
		if t.Run("ot/"+name, f) {
			passed++
		}
	}
	for _, c := range file.Cases {
		run(c.Name, func(t *testing.T) {
			x, y := c.X0.Data, c.X1.Data
			n, m, d := c.X0.Shape[0], c.X1.Shape[0], c.X0.Shape[1]
			cost := make([]float64, n*m)
			SquaredDistances(cost, x, y, d)
			w2, err := W2(x, y, d)
			require.NoError(t, err)
			near(t, c.W2Squared, w2*w2, file.TolCost)
			w1, err := W1(x, y, d)
			require.NoError(t, err)
			near(t, c.W1, w1, file.TolCost)
			p, err := Transport(fill(n), fill(m), cost)
			require.NoError(t, err)
			near(t, c.W2Squared, p.Cost, file.TolCost)
			if c.Perm != nil {
				col, total, err := Assign(cost, n, m)
				require.NoError(t, err)
				near(t, c.W2Squared, total/float64(n), file.TolCost)
				if c.SecondBest != nil && *c.SecondBest > c.W2Squared*(1+1e-7) {
					require.Equal(t, c.Perm, col)
				}
			}
			if c.Plan != nil {
				require.InDeltaSlice(t, c.Plan.Data, p.P, file.TolPlan)
			}
			for _, s := range c.Sinkhorn {
				p, err := Sinkhorn(fill(n), fill(m), cost, SinkhornOptions{Reg: s.Reg, Tol: 1e-12})
				require.NoError(t, err)
				require.InDeltaSlice(t, s.Plan.Data, p.P, file.TolPlan)
				near(t, s.TransportCost, p.Cost, 1e-7)
				entropy := 0.0
				for _, v := range p.P {
					if v > 0 {
						entropy += v * (math.Log(v) - 1)
					}
				}
				require.InEpsilon(t, s.NegEntropy, entropy, 1e-7)
			}
		})
	}
	for _, c := range file.Unbalanced {
		run(c.Name, func(t *testing.T) {
			n, m, d := c.X0.Shape[0], c.X1.Shape[0], c.X0.Shape[1]
			cost := make([]float64, n*m)
			SquaredDistances(cost, c.X0.Data, c.X1.Data, d)
			p, err := SinkhornUnbalanced(fill(n), fill(m), cost, SinkhornOptions{Reg: c.Reg, Marginal: c.RegM, Tol: 1e-13})
			require.NoError(t, err)
			require.InDeltaSlice(t, c.Plan.Data, p.P, file.TolPlan)
			mass := 0.0
			for _, v := range p.P {
				mass += v
			}
			require.InEpsilon(t, c.Mass, mass, 1e-7)
		})
	}
	t.Logf("cfm/ot.json: %d passed, %d failed, 0 skipped", passed, len(file.Cases)+len(file.Unbalanced)-passed)
}

// near holds got to a relative tolerance, with a floor for distances of identical clouds.
func near(t *testing.T, want, got, tol float64) {
	t.Helper()
	require.InDelta(t, want, got, tol*math.Max(math.Abs(want), 1e-4))
}

func fill(n int) []float64 {
	a := make([]float64, n)
	for i := range a {
		a[i] = 1 / float64(n)
	}
	return a
}
