package optim

import (
	"maps"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/simd"
)

// everyKind is one of each optimizer, with every option that needs more state.
func everyKind[F simd.Float]() map[string]func() Resumable[F] {
	return map[string]func() Resumable[F]{
		"sgd":        func() Resumable[F] { return &SGD[F]{} },
		"nesterov":   func() Resumable[F] { return &SGD[F]{Momentum: 0.9, Dampening: 0.1, Nesterov: true, L2: 0.01} },
		"adam":       func() Resumable[F] { return &Adam[F]{} },
		"adamw":      func() Resumable[F] { return &Adam[F]{Decay: 0.1} },
		"adam L2":    func() Resumable[F] { return &Adam[F]{L2: 0.1} },
		"amsgrad":    func() Resumable[F] { return &Adam[F]{AMSGrad: true, L2: 0.1} },
		"rmsprop":    func() Resumable[F] { return &RMSprop[F]{Momentum: 0.9, Centered: true, L2: 0.1} },
		"adagrad":    func() Resumable[F] { return &Adagrad[F]{RateDecay: 1e-3, L2: 0.01} },
		"nadam":      func() Resumable[F] { return &NAdam[F]{Decay: 0.1, L2: 0.1} },
		"adamax":     func() Resumable[F] { return &Adamax[F]{L2: 0.1} },
		"accumulate": func() Resumable[F] { return &Accumulate[F]{Opt: &Adam[F]{}, Every: 3} },
	}
}

// bowl is the gradient of ½Σ(θᵢ - i/10)², a sum over the even entries only: the odd ones are
// padding.
func bowl[F simd.Float](grad, theta []F) {
	for i := range grad {
		grad[i] = 0
		if i%2 == 0 {
			grad[i] = theta[i] - F(i)/10
		}
	}
}

func eachFloat(t *testing.T, f32 func(t *testing.T), f64 func(t *testing.T)) {
	t.Run("float32", f32)
	t.Run("float64", f64)
}

func TestMinimises(t *testing.T) { eachFloat(t, minimises[float32], minimises[float64]) }

func minimises[F simd.Float](t *testing.T) {
	for name, mk := range everyKind[F]() {
		t.Run(name, func(t *testing.T) {
			theta, grad := make([]F, 21), make([]F, 21)
			opt := mk()
			far := func() (s float64) {
				for i := 0; i < len(theta); i += 2 {
					s += math.Abs(float64(theta[i]) - float64(i)/10)
				}
				return s
			}
			before := far()
			lr := Cosine(0.05, 10, 500)
			for k := range 500 {
				bowl(grad, theta)
				opt.Step(theta, grad, lr(k))
			}
			require.Less(t, far(), before/3)
			for i := 1; i < len(theta); i += 2 {
				require.Zero(t, theta[i], "padding entry %d moved", i)
			}
		})
	}
}

func TestResume(t *testing.T) { eachFloat(t, resume[float32], resume[float64]) }

// A run that is stopped after any step and restored goes on with the same bits.
func resume[F simd.Float](t *testing.T) {
	const n, steps = block + 5, 12 // more than one block
	for name, mk := range everyKind[F]() {
		t.Run(name, func(t *testing.T) {
			start := make([]F, n)
			for i := range start {
				start[i] = F(i%7) - 3
			}
			run := func(opt Resumable[F], theta []F, from, to int) {
				grad := make([]F, n)
				for k := from; k < to; k++ {
					bowl(grad, theta)
					opt.Step(theta, grad, 0.01*float64(k+1))
				}
			}
			whole := append([]F{}, start...)
			run(mk(), whole, 0, steps)
			for stop := range steps {
				theta := append([]F{}, start...)
				a := mk()
				run(a, theta, 0, stop)
				require.Equal(t, stop, a.StepCount())
				b := mk()
				b.Init(n)
				b.SetStep(a.StepCount())
				kept := maps.Collect(a.State())
				for name, v := range b.State() {
					if stop == 0 {
						continue
					}
					require.Contains(t, kept, name)
					require.Equal(t, len(v), copy(v, kept[name]))
				}
				run(b, theta, stop, steps)
				require.Equal(t, whole, theta, "stopped after %d", stop)
			}
		})
	}
}

// The update of an entry does not depend on where in θ it stands.
func TestEntriesAreIndependent(t *testing.T) {
	for name, mk := range everyKind[float32]() {
		t.Run(name, func(t *testing.T) {
			const n = 2*block + 3
			all, part := make([]float32, n), make([]float32, n-7)
			a, b := mk(), mk()
			for k := range 6 {
				grad := make([]float32, n)
				for i := range grad {
					grad[i] = float32(math.Sin(float64(i*(k+1)))) + all[i]
				}
				a.Step(all, grad, 0.1)
				b.Step(part, grad[7:], 0.1)
			}
			require.Equal(t, all[7:], part)
		})
	}
}

func TestStepAllocatesNothing(t *testing.T) {
	theta, grad := make([]float32, 3000), make([]float32, 3000)
	for name, mk := range everyKind[float32]() {
		opt := mk()
		opt.Step(theta, grad, 0.1)
		require.Zero(t, testing.AllocsPerRun(10, func() { opt.Step(theta, grad, 0.1) }), name)
	}
	e := EMA[float32]{Decay: 0.999}
	e.Update(theta)
	require.Zero(t, testing.AllocsPerRun(10, func() { e.Update(theta) }))
	require.Zero(t, testing.AllocsPerRun(10, func() { ClipNorm(grad, 1); ClipValue(grad, 1) }))
	lr := Cosine(1, 10, 100)
	require.Zero(t, testing.AllocsPerRun(10, func() { lr(50) }))
}

func TestWrongLengthsPanic(t *testing.T) {
	for name, mk := range everyKind[float64]() {
		opt := mk()
		require.Panics(t, func() { opt.Step(make([]float64, 3), make([]float64, 4), 1) }, name)
		opt = mk()
		opt.Step(make([]float64, 3), make([]float64, 3), 1)
		require.PanicsWithValue(t, opt2text(opt, 5), func() { opt.Init(5) }, name)
		require.Panics(t, func() { opt.Step(make([]float64, 5), make([]float64, 5), 1) }, name)
	}
	e := EMA[float64]{Theta: make([]float64, 2)}
	require.Panics(t, func() { e.Update(make([]float64, 3)) })
}

func opt2text(opt Resumable[float64], n int) string {
	who := map[bool]string{}
	switch opt.(type) {
	case *SGD[float64]:
		who[true] = "SGD"
	case *Adam[float64]:
		who[true] = "Adam"
	case *RMSprop[float64]:
		who[true] = "RMSprop"
	case *Adagrad[float64]:
		who[true] = "Adagrad"
	case *NAdam[float64]:
		who[true] = "NAdam"
	case *Adamax[float64]:
		who[true] = "Adamax"
	case *Accumulate[float64]:
		who[true] = "Accumulate"
	}
	return "optim: " + who[true] + ": theta has 5 entries, the state was made for 3"
}

// A mean of three gradients and one step is the same as three accumulated ones.
func TestAccumulate(t *testing.T) {
	a := Accumulate[float64]{Opt: &SGD[float64]{}, Every: 4}
	theta := []float64{1, 2}
	for k := range 4 {
		require.Equal(t, []float64{1, 2}, theta)
		a.Step(theta, []float64{float64(k), 4}, 0.5)
	}
	require.Equal(t, []float64{1 - 0.5*1.5, 2 - 0.5*4}, theta)
	require.Equal(t, 1, a.Opt.StepCount())
}

func TestPowi(t *testing.T) {
	for _, x := range []float64{0, 0.5, 0.9, 0.999, 1, -2} {
		for _, n := range []int{0, 1, 2, 3, 7, 100, 1000} {
			require.InDelta(t, 0, powi(x, n)-math.Pow(x, float64(n)), 1e-13*math.Abs(math.Pow(x, float64(n))))
		}
	}
}
