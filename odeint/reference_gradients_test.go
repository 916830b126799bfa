package odeint

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReferenceGradients(t *testing.T) { referenceFolders(t, referenceGradients) }

func referenceGradients(t *testing.T, dir string) {
	var file struct {
		Cases []struct {
			Problem string
			Weights []float64
			Loss    float64
			GradY0  []float64          `json:"grad_y0"`
			GradP   map[string]float64 `json:"grad_params"`
			Def     exprProblem        `json:"problem_def"`
		}
	}
	referenceFile(t, dir, "gradients.json", &file)
	var count tally
	defer count.report(t)
	t.Run("gradients.json", func(t *testing.T) {
		for _, c := range file.Cases {
			count.run(t, c.Problem, func(t *testing.T) {
				e, err := c.Def.compile(c.Def.RHS)
				require.NoError(t, err)
				sys := exprSystem{e}
				s := NewSolver[float64](Options{Rtol: 1e-9, Atol: 1e-11, Replay: true, MaxSteps: 1e7})
				sol, err := s.Solve(bg, sys, c.Def.Y0, c.Def.T0, c.Def.T1)
				require.NoError(t, err)
				var loss, scale float64
				for i, w := range c.Weights {
					loss += w * sol.Final()[i]
				}
				require.InDelta(t, c.Loss, loss, 1e-6*(1+math.Abs(c.Loss)))
				g := make([]float64, sys.dim) // weights may be given for the first components only
				copy(g, c.Weights)
				grad, err := s.Gradient(bg, sys, g)
				require.NoError(t, err)
				for _, v := range c.GradY0 {
					scale = max(scale, math.Abs(v))
				}
				for _, v := range c.GradP {
					scale = max(scale, math.Abs(v))
				}
				t.Logf("largest error %.2g of the largest entry", gradientError(c.GradY0, c.GradP, sys.params, grad)/scale)
				for i, v := range c.GradY0 {
					require.InDelta(t, v, grad.Y0[i], 1e-6*scale, "by y0[%d]", i)
				}
				for i, name := range sys.params {
					if v, ok := c.GradP[name]; ok {
						require.InDelta(t, v, grad.Theta[i], 1e-6*scale, "by %s", name)
					}
				}
			})
		}
	})
}

// gradientError is the largest difference between a case's gradient and the one found.
func gradientError(y0 []float64, params map[string]float64, names []string, g *Gradient[float64]) float64 {
	var e float64
	for i, v := range y0 {
		e = max(e, math.Abs(v-g.Y0[i]))
	}
	for i, name := range names {
		if v, ok := params[name]; ok {
			e = max(e, math.Abs(v-g.Theta[i]))
		}
	}
	return e
}
