package cfm

import (
	"context"
	"math"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/autograd"
	"pushforward/odeint"
	"pushforward/simd/rng"
)

// A constant field runs straight; a rotation by angle θ bends: its energy is θ²·E r², its transport the chord's
// (2 sin θ/2)²·E r².
func TestCourse(t *testing.T) {
	x0 := normalTensor[float64](600, 2, rng.New(1))
	var r2 float64
	for _, v := range x0.Data {
		r2 += v * v / 600
	}
	tight := odeint.Options{Rtol: 1e-9, Atol: 1e-9}
	still := &Flow[float64]{Dim: 2, Field: FieldFunc[float64](func(q Query[float64]) autograd.Var[float64] {
		return q.X.Scale(0).Add(q.T.Tape().Const(autograd.FromSlice([]float64{3, 4}, 1, 2)))
	})}
	c, err := still.Course(context.Background(), x0, tight)
	require.NoError(t, err)
	require.InDelta(t, 25, c.Energy, 1e-9)
	require.InDelta(t, 0, c.Straightness(), 1e-9)
	require.InDelta(t, 0, c.Curvature(), 1e-9)

	const angle = 2.0
	turn := &Flow[float64]{Dim: 2, Field: linearField[float64]([][]float64{{0, -angle}, {angle, 0}})}
	c, err = turn.Course(context.Background(), x0, tight)
	require.NoError(t, err)
	want := angle * angle * r2
	require.InDelta(t, want, c.Energy, want*angle*angle/(12*chords*chords)*1.1, "the chords' share")
	chord := 2 * math.Sin(angle/2)
	require.InDelta(t, chord*chord*r2, c.Transport, 1e-6*want)
	require.InDelta(t, (c.Energy-c.Transport)/c.Energy, c.Curvature(), 1e-12)

	many, err := turn.Course(context.Background(), x0, tight)
	require.NoError(t, err)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	one, err := turn.Course(context.Background(), x0, tight)
	require.NoError(t, err)
	require.Equal(t, one, many, "cores move no bit")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = turn.Course(ctx, x0, tight)
	require.ErrorIs(t, err, context.Canceled)
}

// What Tune finds is what one finds by hand, and it takes the cheapest that is good enough.
func TestTune(t *testing.T) {
	f := &Flow[float64]{Dim: 2, Field: gaussField[float64]([]float64{3, 0}, []float64{0.3, 2})}
	x0 := normalTensor[float64](200, 2, rng.New(1))
	best, all, err := f.Tune(context.Background(), x0, TuneOptions{Error: 0.02})
	require.NoError(t, err)
	require.Len(t, all, len(Samplers()))
	require.LessOrEqual(t, best.W2, 0.02)
	for _, s := range all {
		require.LessOrEqual(t, s.W2, s.Paired+1e-9, "rows of equal noise are one plan of many")
		require.GreaterOrEqual(t, s.Energy, s.Transport-1e-9)
		if s.W2 <= 0.02 {
			require.LessOrEqual(t, best.Evals, s.Evals)
		}
		if s.Options.Step > 0 {
			per := map[*odeint.Tableau]float64{odeint.Euler: 1, odeint.Midpoint: 2, odeint.RK4: 4}[s.Options.Method]
			require.InDelta(t, per/s.Options.Step, s.Evals, 1e-9)
		}
	}
	// One Euler step by hand: x₀ + v(0, x₀), against m + s·x₀.
	require.Equal(t, 1.0, all[0].Options.Step)
	var sum, mean, sq [2]float64
	for i := range 200 {
		for j, x := range x0.Row(i) {
			m, s := [2]float64{3, 0}[j], [2]float64{0.3, 2}[j]
			exact := m + s*x
			d := x + (m - x) - exact // v(0, x) = m - x
			sum[j] += d * d / 200
			mean[j] += exact / 200
			sq[j] += exact * exact / 200
		}
	}
	unit := sq[0] + sq[1] - mean[0]*mean[0] - mean[1]*mean[1]
	require.InDelta(t, math.Sqrt((sum[0]+sum[1])/unit), all[0].Paired, 1e-3)
	require.InDelta(t, 1, all[0].Evals, 0)
	require.InDelta(t, 0, all[0].Curvature(), 1e-12, "one step is straight")

	_, all, err = f.Tune(context.Background(), x0, TuneOptions{Error: 1e-9, Candidates: Samplers()[:3]})
	require.ErrorIs(t, err, ErrNoSampler)
	require.Len(t, all, 3)
	_, _, err = f.Tune(context.Background(), x0, TuneOptions{Error: -1})
	require.ErrorContains(t, err, "an error of -1")
	_, _, err = f.Tune(context.Background(), x0.Slice(0, 1), TuneOptions{})
	require.ErrorContains(t, err, "1 rows")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, _, err = f.Tune(ctx, x0, TuneOptions{})
	require.ErrorIs(t, err, context.Canceled)
}

// Distilling learns the map of the pairs in one step.
func TestDistill(t *testing.T) {
	m, s := []float64{1, -1}, []float64{0.5, 1.5}
	x0 := normalTensor[float64](4000, 2, rng.New(1))
	x1 := autograd.NewTensor[float64](4000, 2)
	for i, v := range x0.Data {
		x1.Data[i] = m[i%2] + s[i%2]*v
	}
	f := mlpFlow(2, 24, 1, autograd.Var[float64].SiLU)
	tr := &Trainer[float64]{Flow: f, Data: FromPairs(x0, x1), Loss: Distill(f.Field), Steps: 500, Batch: 128, Key: rng.New(2)}
	require.NoError(t, tr.Run(context.Background()))
	f = tr.Averaged()
	got, err := f.Transport(context.Background(), x0, 0, 1, odeint.Options{Method: odeint.Euler, Step: 1})
	require.NoError(t, err)
	require.Less(t, math.Sqrt(squares(got.X.Data, x1.Data)/4000), 0.1)
}

// Rows are moved by Bosh5 unless told otherwise. It takes a quarter fewer evaluations than Dopri5 at the same tolerances, and is more
// exact than Dopri5 is at ten times the tolerances. A method or a controller that is named is left alone.
func TestMoving(t *testing.T) {
	f := &Flow[float64]{Dim: 2, Field: gaussField[float64]([]float64{3, 0}, []float64{0.3, 2})}
	x0 := normalTensor[float64](300, 2, rng.New(1))
	move := func(o odeint.Options) (e, evals float64, s Samples[float64]) {
		s, err := f.Transport(context.Background(), x0, 0, 1, o)
		require.NoError(t, err)
		for i := range x0.Rows() {
			for j, x := range x0.Row(i) {
				d := s.X.Row(i)[j] - ([2]float64{3, 0}[j] + [2]float64{0.3, 2}[j]*x)
				e += d * d / float64(len(x0.Data))
			}
		}
		return math.Sqrt(e), float64(s.Stats.RowEvals) / float64(x0.Rows()), s
	}
	for _, tol := range []float64{1e-4, 1e-5, 1e-6} {
		e, n, got := move(odeint.Options{Rtol: tol, Atol: tol})
		_, n5, _ := move(odeint.Options{Method: odeint.Dopri5, Rtol: tol, Atol: tol})
		e10, _, _ := move(odeint.Options{Method: odeint.Dopri5, Rtol: 10 * tol, Atol: 10 * tol})
		require.Less(t, e, e10, "error at %g", tol)
		require.Less(t, n, 0.85*n5, "evaluations at %g", tol)
		_, _, named := move(odeint.Options{Method: odeint.Bosh5, Rtol: tol, Atol: tol})
		require.Equal(t, got, named)
	}
	left := []odeint.Options{
		{Method: odeint.Dopri5}, {Control: odeint.PID{}}, {Step: 0.1}, {Method: odeint.Bosh5, Control: odeint.PID{I: 0.5}, FirstStep: 0.01},
	}
	for _, o := range left {
		require.Equal(t, o, moving[float64](o))
	}
	require.Equal(t, -1., moving[float64](odeint.Options{Rtol: 1e-3, Atol: -1}).Atol, "an absolute tolerance of zero stays one")
	require.InDelta(t, 2.5e-4, moving[float32](odeint.Options{}).Rtol, 1e-18)
	require.InDelta(t, 0.25, moving[float64](odeint.Options{FirstStep: 0.25}).FirstStep, 0)
}
