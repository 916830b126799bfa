package ot

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// Dual and primal agree, the potentials keep below the costs, and for p = 1 the potential is Lipschitz everywhere and
// attains the formula of Kantorovich and Rubinstein.
func TestKantorovich(t *testing.T) {
	for _, c := range []struct {
		name      string
		n, m, dim int
		p, by     float64
		round     bool
	}{
		{"plane", 60, 60, 2, 1, 1, false}, {"rectangular", 40, 57, 3, 1, 0.5, false}, {"many to one", 30, 1, 2, 1, 0, false},
		{"ties", 48, 36, 2, 1, 0, true}, {"square ties", 48, 48, 2, 1, 0, true}, {"line", 50, 50, 1, 1, 2, false},
		{"far", 30, 30, 2, 1, 1e6, false}, {"squares", 40, 40, 2, 2, 1, false}, {"cubes", 20, 31, 2, 3, 0, false}, {"one", 1, 1, 4, 1, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			x, y := normals(1, c.n*c.dim, false), normals(2, c.m*c.dim, false)
			for k := range y {
				y[k] += c.by
			}
			if c.round {
				for _, z := range [][]float64{x, y} {
					for k := range z {
						z[k] = math.Round(z[k])
					}
				}
			}
			d, err := Kantorovich(x, y, c.dim, c.p)
			require.NoError(t, err)
			w, err := Wp(x, y, c.dim, c.p)
			require.NoError(t, err)
			primal := math.Pow(w, c.p)
			require.InDelta(t, primal, d.Value(), 1e-9*math.Max(1, primal))
			for i, u := range d.U {
				for j, v := range d.V {
					dist := math.Sqrt(squared(x[i*c.dim:(i+1)*c.dim], y[j*c.dim:(j+1)*c.dim]))
					require.LessOrEqual(t, u+v, math.Pow(dist, c.p)*(1+1e-15)+1e-13*math.Max(1, primal))
				}
			}
			if c.p != 1 {
				return
			}
			at := func(z []float64) (f []float64) {
				for i := 0; i < len(z); i += c.dim {
					f = append(f, d.At(z[i:i+c.dim]))
				}
				return f
			}
			fx, fy := at(x), at(y)
			require.InDelta(t, w, meanOf(fx)-meanOf(fy), 1e-9*math.Max(1, w), "Kantorovich and Rubinstein")
			z := append(append(append([]float64{}, x...), y...), normals(3, 40*c.dim, false)...)
			fz := at(z)
			for i := range fz {
				for j := range i {
					far := math.Sqrt(squared(z[i*c.dim:(i+1)*c.dim], z[j*c.dim:(j+1)*c.dim]))
					require.LessOrEqual(t, math.Abs(fz[i]-fz[j]), far+1e-12*math.Max(1, w), "not 1-Lipschitz")
				}
			}
		})
	}
	_, err := Kantorovich(nil, []float64{1}, 1, 1)
	require.ErrorIs(t, err, ErrCost)
	_, err = Kantorovich([]float64{math.NaN()}, []float64{1}, 1, 1)
	require.ErrorIs(t, err, ErrCost)
	_, err = Kantorovich([]float64{math.NaN(), 1}, []float64{1}, 1, 1)
	require.ErrorIs(t, err, ErrCost)
	require.Panics(t, func() { _, _ = Kantorovich([]float64{1}, []float64{1}, 1, 0.5) })
	d, err := Kantorovich([]float64{1}, []float64{1}, 1, 1)
	require.NoError(t, err)
	require.Panics(t, func() { d.At([]float64{1, 2}) })
}

// What did not converge says how far the marginals are off, and comes with its plan.
func TestNotConverged(t *testing.T) {
	x, y := normals(1, 20, false), normals(2, 24, false)
	cost := make([]float64, 10*12)
	SquaredDistances(cost, x, y, 2)
	for _, f := range []func(a, b, cost []float64, opt SinkhornOptions) (*Plan, error){Sinkhorn, SinkhornUnbalanced} {
		p, err := f(fill(10), fill(12), cost, SinkhornOptions{Reg: 0.01, Marginal: 1, MaxIter: 2, Tol: 1e-12})
		require.ErrorIs(t, err, ErrConverge)
		require.ErrorContains(t, err, "marginals are off by")
		require.ErrorContains(t, err, "after 2 sweeps at reg 0.01")
		require.Greater(t, p.Err, 0.0)
		require.InDelta(t, marginalError(p.P, fill(10), fill(12)), p.Err, 1e-15)
	}
	// All points in one place: no error, every plan costs the same.
	same := make([]float64, 10*12)
	p, err := Sinkhorn(fill(10), fill(12), same, SinkhornOptions{Reg: 1e-3})
	require.NoError(t, err)
	require.InDelta(t, 1.0/120, p.P[7], 1e-12)
	cost[5] = math.NaN()
	for _, f := range []func(a, b, cost []float64, opt SinkhornOptions) (*Plan, error){Sinkhorn, SinkhornUnbalanced} {
		_, err := f(fill(10), fill(12), cost, SinkhornOptions{Reg: 1, Marginal: 1})
		require.ErrorIs(t, err, ErrCost)
		require.ErrorContains(t, err, "row 0, column 5 is NaN")
	}
	_, _, err = Assign(cost, 10, 12)
	require.ErrorIs(t, err, ErrCost)
	_, err = Transport(fill(10), fill(12), cost)
	require.ErrorIs(t, err, ErrCost)
}

// Little regularisation and parts that hardly hang together: sweeps alone crawl there for hundreds of thousands of rounds.
func TestSinkhornEndsByNewton(t *testing.T) {
	for _, c := range []struct {
		name     string
		n, m     int
		reg      float64
		by       float64
		round    bool
		most     int
		clusters bool
	}{
		{"little", 40, 40, 3e-3, 1, false, 3000, false}, {"less", 30, 30, 3e-4, 1, false, 20000, false}, {"rectangular", 30, 70, 3e-3, 0.5, false, 3000, false},
		{"tall", 70, 30, 3e-3, 0.5, false, 3000, false}, {"ties", 49, 49, 0.02, 0.5, true, 3000, false}, {"clusters", 24, 36, 2, 0, false, 3000, true},
		{"equal", 40, 40, 0.05, 0, false, 5000, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			x, y := normals(1, 2*c.n, false), normals(2, 2*c.m, false)
			if c.name == "equal" {
				copy(y, x)
			}
			for k := range y {
				y[k] += c.by
				if c.round {
					x[k], y[k] = math.Round(x[k]), math.Round(y[k])+c.by
				}
				if c.clusters && k < len(y)/3 {
					y[k] += 200
				}
			}
			for k := 0; c.clusters && k < len(x)/2; k++ {
				x[k] += 200
			}
			cost := make([]float64, c.n*c.m)
			SquaredDistances(cost, x, y, 2)
			p, err := Sinkhorn(fill(c.n), fill(c.m), cost, SinkhornOptions{Reg: c.reg, Tol: 1e-11})
			require.NoError(t, err)
			t.Logf("%d rounds, marginals off by %.2g", p.Iter, p.Err)
			require.Less(t, p.Iter, c.most)
			require.LessOrEqual(t, p.Err, 2e-11/float64(min(c.n, c.m))+1e-12)
			// The plan is of the form that is optimal, and its cost is that of the exact one but for at most ε·log.
			for i := range c.n {
				for j := range c.m {
					v := math.Exp((p.U[i] + p.V[j] - cost[i*c.m+j]) / c.reg)
					require.InDelta(t, v, p.P[i*c.m+j], 1e-9/float64(c.n))
				}
			}
			exact, err := Transport(fill(c.n), fill(c.m), cost)
			require.NoError(t, err)
			require.GreaterOrEqual(t, p.Cost, exact.Cost-1e-9*(1+exact.Cost))
			require.LessOrEqual(t, p.Cost, exact.Cost+c.reg*math.Log(float64(c.n*c.m)))
		})
	}
}

func TestSemiDiscreteNeedsPointsThatDiffer(t *testing.T) {
	_, err := FitSemiDiscrete([]float64{1, 2, 1, 2, 1, 2}, 2, 0, func([]float64, int) {})
	require.ErrorIs(t, err, ErrCost)
	require.ErrorContains(t, err, "all 3 points are the same")
}

// With next to no regularisation the plan is that of the assignment, or there is an error: never a plan that only looks like one.
func TestSinkhornWithHardlyAnyRegularisation(t *testing.T) {
	x, y := []float64{0, 1, 3, 7}, []float64{103, 100, 107, 101}
	cost := make([]float64, 16)
	SquaredDistances(cost, x, y, 1)
	for _, reg := range []float64{1e-3, 1e-6, 1e-9, 1e-12, 1e-15} {
		p, err := Sinkhorn(fill(4), fill(4), cost, SinkhornOptions{Reg: reg, Tol: 1e-4, MaxIter: 20000})
		if err != nil {
			require.ErrorIs(t, err, ErrConverge)
			require.Less(t, reg, 1e-8)
			continue
		}
		require.LessOrEqual(t, p.Err, 1.1e-4*0.25)
		for i, j := range []int{1, 3, 0, 2} {
			require.Greater(t, p.P[i*4+j], 0.2, "reg %g", reg)
		}
	}
}
