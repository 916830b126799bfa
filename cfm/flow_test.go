package cfm

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/autograd"
	"pushforward/odeint"
	"pushforward/simd"
	"pushforward/simd/rng"
)

var bg = context.Background()

// A Gaussian goes to a Gaussian along a flow known in closed form: x₁ = m + s·x₀.
func TestSampleGaussian(t *testing.T) {
	t.Run("float32", func(t *testing.T) { testSampleGaussian[float32](t, 1e-5, 1e-3) })
	t.Run("float64", func(t *testing.T) { testSampleGaussian[float64](t, 1e-10, 1e-8) })
}

func testSampleGaussian[F simd.Float](t *testing.T, tol, want float64) {
	m, s := []float64{1, -2, 0.5}, []float64{0.5, 2, 1}
	f := &Flow[F]{Dim: 3, Field: gaussField[F](m, s)}
	key := rng.New(3)
	const n = 300
	opt := odeint.Options{Rtol: tol, Atol: tol}
	got, err := f.Sample(bg, n, key, opt)
	require.NoError(t, err)
	x0 := f.Draw(n, key)
	for i := range n {
		for j := range 3 {
			require.InDelta(t, m[j]+s[j]*float64(x0.Row(i)[j]), float64(got.X.Row(i)[j]), want, "row %d", i)
		}
		require.Equal(t, odeint.Done, got.Status[i])
	}
	require.Positive(t, got.Stats.RowEvals)

	// Encoding leads back, and stopping half-way and going on leads to the same place.
	back, err := f.Transport(bg, got.X, 1, 0, opt)
	require.NoError(t, err)
	require.Less(t, maxAbsDiff(back.X.Data, x0.Data), 3*want)
	half, err := f.Transport(bg, x0, 0, 0.5, opt)
	require.NoError(t, err)
	rest, err := f.Transport(bg, half.X, 0.5, 1, opt)
	require.NoError(t, err)
	require.Less(t, maxAbsDiff(rest.X.Data, got.X.Data), 3*want)
}

// Row i depends on the key and i only: not on n, not on the cores, not on its neighbours.
func TestSampleRowsAreAlone(t *testing.T) {
	f := &Flow[float32]{Dim: 2, Field: twistField[float32](2, rng.New(1))}
	key := rng.New(9)
	all, err := f.Sample(bg, 300, key, odeint.Options{})
	require.NoError(t, err)
	few, err := f.Sample(bg, 7, key, odeint.Options{})
	require.NoError(t, err)
	require.Equal(t, all.X.Data[:14], few.X.Data)

	x := f.Draw(300, key)
	at := make([]int, 300)
	rng.Perm(rng.New(4), at)
	shuffled, err := f.Transport(bg, permuted(x, at), 0, 1, odeint.Options{})
	require.NoError(t, err)
	require.Equal(t, permuted(all.X, at).Data, shuffled.X.Data)

	for _, procs := range []int{1, 2, 5} {
		old := runtime.GOMAXPROCS(procs)
		again, err := f.Sample(bg, 300, key, odeint.Options{})
		runtime.GOMAXPROCS(old)
		require.NoError(t, err)
		require.Equal(t, all.X.Data, again.X.Data, "GOMAXPROCS %d", procs)
		require.Equal(t, all.Stats, again.Stats)
	}
}

// Loc and Scale map the rows at t = 1, leave those at t = 0, and do not move the field's flow.
func TestStandardisedFlow(t *testing.T) {
	f := &Flow[float64]{Dim: 2, Field: twistField[float64](2, rng.New(1))}
	g := *f
	g.Loc, g.Scale = []float64{10, -3}, []float64{4, 0.25}
	key := rng.New(2)
	a, err := f.Sample(bg, 50, key, odeint.Options{})
	require.NoError(t, err)
	b, err := g.Sample(bg, 50, key, odeint.Options{})
	require.NoError(t, err)
	for i := range a.X.Data {
		require.Equal(t, float64(a.X.Data[i]*g.Scale[i%2])+g.Loc[i%2], b.X.Data[i])
	}
	back, err := g.Transport(bg, b.X, 1, 0, odeint.Options{Rtol: 1e-9})
	require.NoError(t, err)
	require.Less(t, maxAbsDiff(back.X.Data, f.Draw(50, key).Data), 1e-5)
}

// A conditional field gets each row's own condition, or the one given.
func TestGiven(t *testing.T) {
	// v = c moves x by the condition.
	f := &Flow[float64]{Dim: 1, Field: FieldFunc[float64](func(q Query[float64]) autograd.Var[float64] {
		return q.Cond.Add(q.X.Scale(0))
	})}
	n := 300
	c := autograd.NewTensor[float64](n, 1)
	for i := range n {
		c.Data[i] = float64(i)
	}
	x := autograd.NewTensor[float64](n, 1)
	got, err := f.Given(c).Transport(bg, x, 0, 1, odeint.Options{})
	require.NoError(t, err)
	require.Less(t, maxAbsDiff(got.X.Data, c.Data), 1e-9)
	got, err = f.Given(c.Slice(7, 8)).Transport(bg, x, 0, 1, odeint.Options{})
	require.NoError(t, err)
	for _, v := range got.X.Data {
		require.InDelta(t, 7, v, 1e-9)
	}
	_, err = f.Given(c.Slice(0, 5)).Transport(bg, x, 0, 1, odeint.Options{})
	require.ErrorContains(t, err, "5 rows of conditions for 300 rows")
}

// A row that fails says so, by its number in the job; the others arrive.
func TestSampleFailure(t *testing.T) {
	f := &Flow[float64]{Dim: 1, Field: FieldFunc[float64](func(q Query[float64]) autograd.Var[float64] { return q.X.Square() })}
	x := autograd.NewTensor[float64](200, 1)
	x.Data[150], x.Data[170] = 3, 4 // 1/(1/3 - t): unbounded at t = 1/3
	got, err := f.Transport(bg, x, 0, 1, odeint.Options{MaxSteps: 300})
	require.Error(t, err)
	require.ErrorContains(t, err, "row 150")
	var se *odeint.SolveError
	require.True(t, errors.As(err, &se))
	require.Equal(t, 150, se.Row)
	for i, s := range got.Status {
		require.Equal(t, i != 150 && i != 170, s.OK(), "row %d: %v", i, s)
	}
}

func TestSampleCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(bg)
	cancel()
	f := &Flow[float64]{Dim: 1, Field: twistField[float64](1, rng.New(1))}
	_, err := f.Sample(ctx, 1000, rng.New(1), odeint.Options{})
	require.ErrorIs(t, err, context.Canceled)
}

func TestSampleOfNothing(t *testing.T) {
	f := &Flow[float32]{Dim: 2, Field: twistField[float32](2, rng.New(1))}
	got, err := f.Sample(bg, 0, rng.New(1), odeint.Options{})
	require.NoError(t, err)
	require.Empty(t, got.X.Data)
}

// The steady state of sampling and scoring allocates nothing.
func TestChunksAllocateNothing(t *testing.T) {
	skipIfRaced(t)
	f := &Flow[float32]{Dim: 2, Field: gaussField[float32]([]float64{1, 2}, []float64{0.5, 2})}
	c := newCarrier(f, odeint.Options{})
	x := autograd.NewTensor[float32](64, 2)
	status := make([]odeint.Status, 64)
	key := rng.New(1)
	require.Zero(t, testing.AllocsPerRun(5, func() {
		if _, err := c.run(bg, x, 0, &key, 0, 1, status); err != nil {
			panic(err)
		}
	}))
	for _, div := range []Divergence{Exact, Probes(3)} {
		opt := DensityOptions{Divergence: div}
		s := newScorer(f, div.resolve(2), opt)
		d := Density{LogP: make([]float64, 64), Err: make([]float64, 64), Status: status, checks: make([]int, 1), chunk: 64}
		d.Parts.Probe, d.Parts.Solver, d.Parts.Rounding = make([]float64, 64), make([]float64, 64), make([]float64, 64)
		y := make([]float64, 128)
		require.Zero(t, testing.AllocsPerRun(5, func() {
			if _, err := s.run(bg, &d, y, x, 0, 1, 0); err != nil {
				panic(err)
			}
		}), "%v", div)
	}
}
