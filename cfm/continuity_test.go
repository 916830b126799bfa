package cfm

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/autograd"
	"pushforward/odeint"
	"pushforward/simd"
	"pushforward/simd/rng"
)

func square(n int, half float64) Grid {
	return Grid{Lo: []float64{-half, -half}, Hi: []float64{half, half}, N: []int{n, n}}
}

// streamField is the divergence-free field (∂ψ/∂y, -∂ψ/∂x) of ψ = sin x·cos y.
func streamField() Field[float64] {
	return FieldFunc[float64](func(q Query[float64]) autograd.Var[float64] {
		x, y := q.X.Slice(1, 0, 1), q.X.Slice(1, 1, 2)
		return autograd.Concat(1, x.Sin().Mul(y.Sin()).Neg(), x.Cos().Mul(y.Cos()).Neg())
	})
}

// turning is v = ω·(-y, x).
func turning(omega float64) Field[float64] {
	return linearField[float64]([][]float64{{0, -omega}, {omega, 0}})
}

// longSource is a Gaussian that a rotation does not leave as it is.
type longSource struct{}

func (longSource) Sample(dst []float64, key rng.Key) {
	rng.Normal(key, dst)
	for i := 0; i < len(dst); i += 2 {
		dst[i] = 0.5 + 0.8*dst[i]
		dst[i+1] *= 0.4
	}
}

func (longSource) LogProb(x []float64) float64 {
	return gaussLogProb(x, []float64{0.5, 0}, []float64{0.8, 0.4})
}

// turned is longSource's density turned by an angle.
func turned(x []float64, angle float64) float64 {
	s, c := math.Sincos(-angle)
	return longSource{}.LogProb([]float64{c*x[0] - s*x[1], s*x[0] + c*x[1]})
}

// TestVolumeIsDivergence compares log|det ∂xₜ/∂x₀| by tangents with ∫∇·v, and both with the determinant of differences of the
// flow itself.
func TestVolumeIsDivergence(t *testing.T) {
	for _, dim := range []int{1, 2, 3, 5} {
		f := &Flow[float64]{Dim: dim, Field: twistField[float64](dim, rng.New(3).Fold(uint64(dim)))}
		x0 := normalTensor[float64](8, dim, rng.New(4))
		ode := odeint.Options{Rtol: 1e-10, Atol: 1e-10}
		r, err := f.ContinuityPaths(context.Background(), x0, []float64{0.3, 1}, ContinuityOptions{Density: DensityOptions{Options: ode}})
		require.NoError(t, err)
		require.Less(t, r.VolumeError(), 1e-8, "dimension %d", dim)
		require.Less(t, r.DensityError(), 1e-8, "dimension %d", dim)

		const h = 1e-4
		at := func(j int, by float64) autograd.Tensor[float64] {
			y := autograd.NewTensor[float64](x0.Rows(), dim)
			copy(y.Data, x0.Data)
			for i := range y.Rows() {
				y.Row(i)[j] += by
			}
			s, err := f.Transport(context.Background(), y, 0, 1, ode)
			require.NoError(t, err)
			return s.X
		}
		jac := make([][]float64, x0.Rows())
		for i := range jac {
			jac[i] = make([]float64, dim*dim)
		}
		for j := range dim {
			up, down := at(j, h), at(j, -h)
			for i := range jac {
				for l := range dim {
					jac[i][l*dim+j] = (up.Row(i)[l] - down.Row(i)[l]) / (2 * h)
				}
			}
		}
		var moved float64
		for i := range jac {
			require.InDelta(t, r.Trace[1][i], logDet(jac[i], dim), 1e-5, "dimension %d, row %d", dim, i) // h²·v‴ and 1e-10/h
			moved = max(moved, math.Abs(r.Trace[1][i]))
		}
		require.Greater(t, moved, 0.1, "volumes change")
	}
}

// TestIncompressible: a field without divergence carries the density along unchanged, log ρₜ(xₜ) = log μ(x₀), straight or not.
func TestIncompressible(t *testing.T) {
	for name, field := range map[string]Field[float64]{"rotation": turning(1.3), "stream": streamField()} {
		f := &Flow[float64]{Dim: 2, Field: field, Source: longSource{}}
		x0 := f.Draw(64, rng.New(1))
		r, err := f.ContinuityPaths(context.Background(), x0, []float64{0.5, 1}, ContinuityOptions{Density: tight()})
		require.NoError(t, err)
		var way float64
		for i := range x0.Rows() {
			base := longSource{}.LogProb(x0.Row(i))
			require.InDelta(t, base, r.LogRho[1][i], 1e-7, name)
			require.InDelta(t, 0, r.LogDet[1][i], 1e-7, name)
			way = max(way, math.Abs(r.X[1].Row(i)[0]-x0.Row(i)[0]))
		}
		require.Greater(t, way, 0.5, "rows move")

		c, err := f.ContinuityGrid(context.Background(), square(96, 3.5), 0.5, ContinuityOptions{Density: tight()})
		require.NoError(t, err)
		require.InDelta(t, 1, c.Mass, 1e-3, name)
		require.Less(t, c.Relative(), 2e-3, name)
	}
}

// TestContinuityGridConverges: against closed densities, the flow's own and that of the formula, the residual falls with the
// fourth power of the spacing.
func TestContinuityGridConverges(t *testing.T) {
	pts := autograd.NewTensor[float64](3, 2)
	copy(pts.Data, []float64{-1, -0.5, 0.8, 0.9, 0.5, -1})
	line := autograd.NewTensor[float64](2, 1)
	copy(line.Data, []float64{-1, 1.5})
	path := CondOT{SigmaMin: 0.3}
	cases := []struct {
		name string
		flow *Flow[float64]
		rho  func(t float64, x []float64) float64
		grid func(n int) Grid
	}{
		{"mixture", &Flow[float64]{Dim: 2, Field: Marginal(pts, path)}, MarginalDensity(pts, path), func(n int) Grid { return square(n, 4) }},
		{"line", &Flow[float64]{Dim: 1, Field: Marginal(line, path)}, MarginalDensity(line, path), func(n int) Grid {
			return Grid{Lo: []float64{-5}, Hi: []float64{5}, N: []int{n}}
		}},
		{"rotation", &Flow[float64]{Dim: 2, Field: turning(2), Source: longSource{}},
			func(t float64, x []float64) float64 { return turned(x, 2*t) }, func(n int) Grid { return square(n, 4) }},
	}
	for _, c := range cases {
		var last float64
		for _, n := range []int{33, 65} {
			r, err := c.flow.ContinuityGrid(context.Background(), c.grid(n), 0.5, ContinuityOptions{LogRho: c.rho, Step: 1.0 / 512})
			require.NoError(t, err)
			require.InDelta(t, 1, r.Mass, 1e-3, c.name)
			require.Greater(t, r.RelativeCoarse()/r.Relative(), 6.0, c.name)
			if last > 0 {
				require.InDelta(t, 16, last/r.Relative(), 6, "%s: fourth order", c.name)
				require.Less(t, r.Relative(), 0.01, c.name)
				own, err := c.flow.ContinuityGrid(context.Background(), c.grid(n), 0.5, ContinuityOptions{Density: tight(), Step: 1.0 / 512})
				require.NoError(t, err)
				require.InDelta(t, r.Relative(), own.Relative(), 1e-3, "%s: solved for", c.name)
			}
			last = r.Relative()
		}
		x0 := c.flow.Draw(32, rng.New(2))
		p, err := c.flow.ContinuityPaths(context.Background(), x0, []float64{0.25, 0.5, 1}, ContinuityOptions{LogRho: c.rho, Density: tight()})
		require.NoError(t, err)
		require.Less(t, p.DensityError(), 1e-6, "%s: log ρ along the way is the formula's", c.name)
		require.Less(t, p.VolumeError(), 1e-6, c.name)
		loose := ContinuityOptions{Density: DensityOptions{Options: odeint.Options{Rtol: 1e-4, Atol: 1e-4}}}
		p, err = c.flow.ContinuityPaths(context.Background(), x0, []float64{1}, loose)
		require.NoError(t, err)
		require.Less(t, p.VolumeError(), 4e-3, "%s: every stage counts for the Jacobian", c.name)
	}
}

// TestContinuityCatches: a density that is not the field's, a field that is not the density's, a divergence that is left out.
func TestContinuityCatches(t *testing.T) {
	right := func(t float64, x []float64) float64 { return turned(x, 2*t) }
	for name, c := range map[string]struct {
		field Field[float64]
		rho   func(t float64, x []float64) float64
	}{
		"turned the wrong way": {turning(2), func(t float64, x []float64) float64 { return turned(x, -2*t) }},
		"too slow a field":     {turning(1.5), right},
		"a leak":               {linearField[float64]([][]float64{{-0.2, -2}, {2, -0.2}}), right},
		"not normalised": {linearField[float64]([][]float64{{0.5, 0}, {0, 0.5}}), func(t float64, x []float64) float64 {
			return longSource{}.LogProb([]float64{x[0] * simd.Exp(-0.5*t), x[1] * simd.Exp(-0.5*t)}) // without -∫∇·v = -t
		}},
	} {
		f := &Flow[float64]{Dim: 2, Field: c.field, Source: longSource{}}
		r, err := f.ContinuityGrid(context.Background(), square(65, 4), 0.5, ContinuityOptions{LogRho: c.rho})
		require.NoError(t, err)
		require.Greater(t, r.Relative(), 0.1, name)
		p, err := f.ContinuityPaths(context.Background(), f.Draw(32, rng.New(2)), []float64{0.5}, ContinuityOptions{LogRho: c.rho, Density: tight()})
		require.NoError(t, err)
		require.Greater(t, p.DensityError(), 0.1, name)
		require.Less(t, p.VolumeError(), 1e-6, name)
	}
}

// TestLogDensityAt compares with the closed density at all times, in the coordinates of Transport, and in float32.
func TestLogDensityAt(t *testing.T) {
	m, s := []float64{1, -0.5}, []float64{0.5, 2}
	f := &Flow[float64]{Dim: 2, Field: gaussField[float64](m, s), Loc: []float64{3, -1}, Scale: []float64{2, 0.1}}
	g := &Flow[float32]{Dim: 2, Field: gaussField[float32](m, s), Loc: f.Loc, Scale: f.Scale}
	for _, at := range []float64{0, 0.25, 0.5, 0.9, 1} {
		// xₜ is N(t·m, (t·s)² + (1-t)²) in the field's coordinates.
		mean, dev := make([]float64, 2), make([]float64, 2)
		for j := range 2 {
			scale := 1 + at*(f.Scale[j]-1)
			mean[j] = at*f.Loc[j] + scale*at*m[j]
			dev[j] = scale * math.Sqrt(at*at*s[j]*s[j]+(1-at)*(1-at))
		}
		x := normalTensor[float64](16, 2, rng.New(5))
		y := autograd.NewTensor[float32](16, 2)
		for i := range x.Data {
			x.Data[i] = mean[i%2] + dev[i%2]*x.Data[i]
			y.Data[i] = float32(x.Data[i])
		}
		d, err := f.LogDensityAt(context.Background(), x, at, tight())
		require.NoError(t, err)
		e, err := g.LogDensityAt(context.Background(), y, at, DensityOptions{})
		require.NoError(t, err)
		for i := range x.Rows() {
			want := gaussLogProb(x.Row(i), mean, dev)
			require.InDelta(t, want, d.LogP[i], 1e-7, "t = %v", at)
			require.InDelta(t, want, e.LogP[i], 1e-4, "t = %v", at)
		}
	}
	_, err := f.LogDensityAt(context.Background(), normalTensor[float64](1, 2, rng.New(5)), 1.5, tight())
	require.ErrorContains(t, err, "want 0 to 1")
}

// TestContinuityRefuses: times out of reach, a guided field.
func TestContinuityRefuses(t *testing.T) {
	f := &Flow[float64]{Dim: 2, Field: turning(1)}
	_, err := f.ContinuityGrid(context.Background(), square(32, 4), 0.001, ContinuityOptions{})
	require.ErrorContains(t, err, "time 0.001")
	_, err = f.ContinuityPaths(context.Background(), f.Draw(1, rng.New(0)), []float64{0.5, 0.5}, ContinuityOptions{})
	require.ErrorContains(t, err, "increase")
	g := &Flow[float64]{Dim: 2, Field: Guided[float64]{Field: turning(1), Weight: 2}}
	_, err = g.ContinuityPaths(context.Background(), f.Draw(1, rng.New(0)), []float64{0.5}, ContinuityOptions{})
	require.ErrorContains(t, err, "guided")
	require.Panics(t, func() { f.ContinuityGrid(context.Background(), square(8, 4), 0.5, ContinuityOptions{}) })
	require.Panics(t, func() {
		f.ContinuityGrid(context.Background(), Grid{Lo: []float64{0}, Hi: []float64{1}, N: []int{32}}, 0.5, ContinuityOptions{})
	})
}

// TestMarginalDensityMatches: the closed-form density against a sum written out, and that of far points against underflow.
func TestMarginalDensityMatches(t *testing.T) {
	pts := normalTensor[float64](7, 3, rng.New(9))
	p := CondOT{SigmaMin: 0.2}
	f := MarginalDensity(pts, p)
	for _, at := range []float64{0, 0.5, 1} {
		c := p.At(at)
		x := []float64{0.3, -1, 0.5}
		var all []float64
		for i := range pts.Rows() {
			m := make([]float64, 3)
			for j, v := range pts.Row(i) {
				m[j] = c.A * v
			}
			all = append(all, gaussLogProb(x, m, []float64{c.B, c.B, c.B}))
		}
		require.InDelta(t, logSumExp(all)-math.Log(7), f(at, x), 1e-10)
	}
	require.InEpsilon(t, -0.5*3e6/0.04, f(1, []float64{1e3, 1e3, 1e3}), 0.01)
}
