package cfm

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/autograd"
	"pushforward/odeint"
	"pushforward/simd/rng"
)

// Trap P14: between Gaussians the score is known, -(x - a·m)/(a²s² + b² + c²), and so is the
// velocity of every Gaussian path.
func TestScoreOfGaussian(t *testing.T) {
	m, sd := 1.5, 0.6
	for _, p := range allPaths() {
		lo, hi := Span(p)
		for _, u := range []float64{0, 0.1, 0.5, 0.9} {
			at := lo + (hi-lo)*u
			k := p.At(at)
			s2 := k.B*k.B + k.C*k.C
			v := k.A*k.A*sd*sd + s2
			xs := []float64{-2, 0, 0.3, 4}
			tp := autograd.NewTape[float64](nil)
			q := Query[float64]{T: tp.Full(autograd.Dims(4, 1), at), X: tp.Const(autograd.FromSlice(xs, 4, 1))}
			vel := make([]float64, 4)
			for i, x := range xs {
				dv := k.A*k.DA*sd*sd + k.B*k.DB + k.C*k.DC
				vel[i] = k.DA*m + dv/v*(x-k.A*m)
			}
			got := Score(p, q, tp.Const(autograd.FromSlice(vel, 4, 1))).Value().Data
			for i, x := range xs {
				want := -(x - k.A*m) / v
				require.InDelta(t, want, got[i], 1e-8*(1+math.Abs(want)), "%T%+v t=%g", p, p, at)
			}
		}
	}
}

// Trap P39: weight 1 is no guidance, 0 the unconditional field.
func TestGuided(t *testing.T) {
	f := FieldFunc[float64](func(q Query[float64]) autograd.Var[float64] { return q.X.Add(q.Cond) })
	tp := autograd.NewTape[float64](nil)
	q := Query[float64]{T: tp.Zeros(autograd.Dims(2, 1)), X: tp.Full(autograd.Dims(2, 1), 3), Cond: tp.Full(autograd.Dims(2, 1), 5)}
	for w, want := range map[float64]float64{0: 3, 1: 8, 2.5: 3 + 2.5*5} {
		require.Equal(t, []float64{want, want}, Guided[float64]{Field: f, Weight: w}.Velocity(q).Value().Data)
	}
	q.Cond = autograd.Var[float64]{}
	require.Panics(t, func() { Guided[float64]{Field: f, Weight: 2}.Velocity(q) })
}

// The pairs of a reflow are the flow's own, its conditions with them.
func TestReflowPairs(t *testing.T) {
	m, s := []float64{1, -2}, []float64{0.5, 2}
	f := &Flow[float64]{Dim: 2, Field: gaussField[float64](m, s), Loc: []float64{1, 1}, Scale: []float64{2, 2}}
	d, err := Reflow(bg, f, 40, rng.New(1), odeint.Options{Rtol: 1e-9, Atol: 1e-9})
	require.NoError(t, err)
	b := batchOf(40, 0, rng.New(2))
	require.NoError(t, d.Next(b, rng.Key{}))
	for i := range 40 {
		for j := range 2 {
			require.InDelta(t, 1+2*(m[j]+s[j]*b.X0.Row(i)[j]), b.X1.Row(i)[j], 1e-6)
		}
	}
	cond := FieldFunc[float64](func(q Query[float64]) autograd.Var[float64] { return q.X.Scale(0).Add(q.Cond) })
	c := autograd.FromRows([][]float64{{7}})
	d, err = Reflow(bg, (&Flow[float64]{Dim: 1, Field: cond}).Given(c), 5, rng.New(1), odeint.Options{})
	require.NoError(t, err)
	b = batchOf(5, 0, rng.New(2))
	require.NoError(t, d.Next(b, rng.Key{}))
	for i := range 5 {
		require.Equal(t, 7.0, b.Cond.Data[i])
		require.InDelta(t, b.X0.Data[i]+7, b.X1.Data[i], 1e-9)
	}
}

// ∇ log ρ₁ and the gradient by θ against central differences.
func TestLogDensityGradient(t *testing.T) {
	for _, div := range []Divergence{Exact, Probes(2)} {
		f := mlpFlow(3, 8, 2, autograd.Var[float64].Tanh)
		f.Loc, f.Scale = []float64{1, 0, -1}, []float64{2, 0.5, 1}
		x := normalTensor[float64](4, 3, rng.New(2))
		// Fixed steps: an adaptive one's steps move with θ, which the gradient rightly leaves out.
		opt := DensityOptions{Options: odeint.Options{Method: odeint.RK4, Step: 0.1}, Divergence: div}
		d, g, err := f.LogDensityGradient(bg, x, opt)
		require.NoError(t, err)
		plain, err := f.LogDensity(bg, x, opt)
		require.NoError(t, err)
		require.Equal(t, plain.LogP, d.LogP)
		sum := func() (s float64) {
			d, err := f.LogDensity(bg, x, opt)
			require.NoError(t, err)
			for _, l := range d.LogP {
				s += l
			}
			return s
		}
		diff := func(v *float64) float64 {
			const h = 1e-5
			old := *v
			*v = old + h
			up := sum()
			*v = old - h
			down := sum()
			*v = old
			return (up - down) / (2 * h)
		}
		for i := range x.Data {
			require.InDelta(t, diff(&x.Data[i]), g.X[i], 1e-7)
		}
		for k := range 20 {
			j := rng.New(3).Intn(uint64(k), len(f.Theta))
			require.InDelta(t, diff(&f.Theta[j]), g.Theta[j], 1e-7, "θ[%d]", j)
		}
	}
	f := &Flow[float64]{Dim: 2, Field: twistField[float64](2, rng.New(1)), Source: FromLaw(noDensity{})}
	_, _, err := f.LogDensityGradient(bg, autograd.NewTensor[float64](1, 2), DensityOptions{})
	require.ErrorContains(t, err, "no Score")
}

func TestTimeOfSNR(t *testing.T) {
	for _, p := range []Path{CondOT{}, VP{}, Cosine{}, LinearVP{}, Polynomial{2}} {
		for _, at := range []float64{0.1, 0.5, 0.95} {
			k := p.At(at)
			require.InDelta(t, at, TimeOfSNR(p, k.A/k.B), 1e-9, "%T", p)
		}
	}
	require.Equal(t, 1.0, TimeOfSNR(CondOT{0.1}, 1e9))
}
