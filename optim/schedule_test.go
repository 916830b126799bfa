package optim

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCosine(t *testing.T) {
	s := Cosine(2, 10, 110)
	require.InDelta(t, 0.2, s(0), 1e-15)
	require.Equal(t, 2.0, s(9))
	require.Equal(t, 2.0, s(10))
	require.InDelta(t, 1, s(60), 1e-15)
	require.Positive(t, s(109))
	for _, k := range []int{110, 111, math.MaxInt32} {
		require.Zero(t, s(k))
	}
	for k := 11; k < 110; k++ {
		require.Less(t, s(k), s(k-1))
	}
	require.Equal(t, 3.0, Cosine(3, 0, 5)(0))
	require.Zero(t, Cosine(3, 5, 5)(5)) // all warm-up
}

// Values worked out by hand.
func TestSchedules(t *testing.T) {
	for _, c := range []struct {
		name string
		s    Schedule
		want []float64
	}{
		{"constant", Constant(3), []float64{3, 3, 3}},
		{"warm-up", Warmup(6, 3), []float64{0, 2, 4, 6, 6}},
		{"linear", Linear(10, 1, 0.2, 4), []float64{10, 8, 6, 4, 2, 2}},
		{"step", Step(8, 2, 0.5), []float64{8, 8, 4, 4, 2}},
		{"multi-step", MultiStep(8, 0.5, 3, 1, 3), []float64{8, 4, 4, 1, 1}},
		{"exponential", Exponential(8, 0.5), []float64{8, 4, 2, 1}},
		{"annealing goes up again", CosineAnnealing(5, 1, 2), []float64{5, 3, 1, 3, 5}},
		{"restarts", CosineRestarts(4, 0, 2, 1), []float64{4, 2, 4, 2, 4}},
		{"longer restarts", CosineRestarts(4, 0, 1, 2), []float64{4, 4, 2, 4, 2 + math.Sqrt2, 2, 2 - math.Sqrt2, 4}},
		{"one cycle", OneCycle(8, 9, 5.0/9, 4, 2), []float64{2, 2 + 6*(2-math.Sqrt2)/4, 5, 2 + 6*(2+math.Sqrt2)/4, 8, 8 - 7*(2-math.Sqrt2)/4, 4.5, 1 + 7*(2-math.Sqrt2)/4, 1, 1}},
		{"then", Then(Constant(1), 2, Warmup(4, 2)), []float64{1, 1, 0, 2, 4}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for k, w := range c.want {
				require.InDelta(t, w, c.s(k), 1e-14, "step %d", k)
			}
		})
	}
	require.Panics(t, func() { Step(1, 0, 0.5) })
	require.Panics(t, func() { CosineAnnealing(1, 0, 0) })
}
