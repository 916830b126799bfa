package ot

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/cfm/internal/reference"
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
			Weights    string   `json:"weights"`
			CostName   string   `json:"cost"`
			W2Squared  float64  `json:"w2_squared"`
			W2         float64  `json:"w2"`
			W1         float64  `json:"w1"`
			Rubinstein *float64 `json:"kantorovich_rubinstein"`
			Perm       []int    `json:"permutation"`
			SecondBest *float64 `json:"second_best_w2_squared"`
			Plan       *tensor  `json:"plan"`
			Sinkhorn   []struct {
				Reg           float64 `json:"reg"`
				Plan          tensor  `json:"plan"`
				TransportCost float64 `json:"transport_cost"`
				NegEntropy    float64 `json:"neg_entropy"`
				MarginalError float64 `json:"marginal_error"`
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
			Err  float64 `json:"marginal_error"`
		} `json:"unbalanced"`
		Partial []struct {
			Name  string  `json:"name"`
			X0    tensor  `json:"x0"`
			X1    tensor  `json:"x1"`
			Pairs int     `json:"pairs"`
			Cost  float64 `json:"cost"`
		} `json:"partial"`
	}
	unknown, err := reference.Decode(raw, &file, "ot.json")
	require.NoError(t, err)
	require.Empty(t, unknown, "not known here, so not checked")
	passed := 0
	run := func(name string, f func(t *testing.T)) {
		if t.Run("ot/"+name, f) {
			passed++
		}
	}
	for _, c := range file.Cases {
		run(c.Name, func(t *testing.T) {
			require.Contains(t, []string{"", "uniform"}, c.Weights)
			require.Contains(t, []string{"", "squared Euclidean"}, c.CostName)
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
			near(t, c.W2, w2, file.TolCost)
			if c.Rubinstein != nil {
				dual, err := Kantorovich(x, y, d, 1)
				require.NoError(t, err)
				near(t, *c.Rubinstein, dual.Value(), 1e-8) // of a solver of linear programs
			}
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
				require.InDelta(t, s.NegEntropy, entropy, 1e-7*math.Abs(s.NegEntropy))
				require.LessOrEqual(t, p.Err, math.Max(1e-10, s.MarginalError))
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
			require.InDelta(t, c.Mass, mass, 1e-7*c.Mass+1e-15)
			if c.Err > 0 {
				require.InDelta(t, c.Err, p.Err, 1e-9)
			}
		})
	}
	for _, c := range file.Partial {
		run(c.Name, func(t *testing.T) {
			n, m, d := c.X0.Shape[0], c.X1.Shape[0], c.X0.Shape[1]
			cost := make([]float64, n*m)
			SquaredDistances(cost, c.X0.Data, c.X1.Data, d)
			var s Solver
			col := make([]int, n)
			total, err := s.AssignSome(col, cost, n, m, c.Pairs)
			require.NoError(t, err)
			near(t, c.Cost, total, 1e-8)
			seen, pairs := map[int]bool{}, 0
			for _, j := range col {
				if j >= 0 {
					require.False(t, seen[j], "column %d twice", j)
					seen[j] = true
					pairs++
				}
			}
			require.Equal(t, c.Pairs, pairs)
		})
	}
	t.Logf("cfm/ot.json: %d passed, %d failed, 0 skipped", passed, len(file.Cases)+len(file.Unbalanced)+len(file.Partial)-passed)
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
