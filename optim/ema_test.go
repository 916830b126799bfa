package optim

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The first updates weigh 2/11, 3/12, 4/13 … of the old, and the start is soon forgotten.
func TestEMAWarmsUp(t *testing.T) {
	e := EMA[float64]{Decay: 0.999}
	e.Update([]float64{1})
	require.Equal(t, []float64{1}, e.Theta)
	want := 1.0
	for k := 1; k < 5000; k++ {
		d := min(0.999, float64(1+k)/float64(10+k))
		want = d*want + (1-d)*float64(k)
		e.Update([]float64{float64(k)})
		require.InEpsilon(t, want, e.Theta[0], 1e-12)
	}
	require.Equal(t, 5000, e.StepCount())

	given := EMA[float64]{Decay: 0.999, Theta: []float64{1}}
	given.Update([]float64{2})
	require.InDelta(t, 0.1*1+0.9*2, given.Theta[0], 1e-15)
}

// With Warm 2 the average is the mean, the first θ counted twice; with Warm 3 an update weighs as n + 2.
func TestEMAWarm(t *testing.T) {
	for warm, weigh := range map[float64]func(n int) float64{
		2: func(n int) float64 { return float64(max(1, 2-n)) },
		3: func(n int) float64 { return float64(max(3, n+2)) },
	} {
		e := EMA[float64]{Decay: 0.9999, Warm: warm}
		var sum, weights float64
		for n := range 50 {
			v := float64(n * n % 17)
			e.Update([]float64{v})
			sum, weights = sum+weigh(n)*v, weights+weigh(n)
			require.InDelta(t, sum/weights, e.Theta[0], 1e-12, "Warm %v, update %d", warm, n)
		}
	}
}

// In float32 too, the average of a constant is that constant.
func TestEMAHasTheRightFixedPoint(t *testing.T) {
	e := EMA[float32]{Decay: 0.999, Flat: true, Theta: []float32{0.3}}
	for range 20000 {
		e.Update([]float32{0.7})
	}
	require.InDelta(t, 0.7, e.Theta[0], 4e-5) // where a step of 0.001·(θ - a) is under half an ulp
	e.Theta[0] = 0.7
	e.Update([]float32{0.7})
	require.Equal(t, float32(0.7), e.Theta[0])
}

func TestEMAResumes(t *testing.T) {
	run := func(e *EMA[float32], from, to int) {
		for k := from; k < to; k++ {
			e.Update([]float32{float32(k), 1 / float32(k+1)})
		}
	}
	whole := EMA[float32]{Decay: 0.99}
	run(&whole, 0, 20)
	a := EMA[float32]{Decay: 0.99}
	run(&a, 0, 7)
	b := EMA[float32]{Decay: 0.99, Theta: make([]float32, 2)}
	b.SetStep(a.StepCount())
	for name, v := range b.State() {
		require.Equal(t, "ema", name)
		copy(v, a.Theta)
	}
	run(&b, 7, 20)
	require.Equal(t, whole.Theta, b.Theta)
}
