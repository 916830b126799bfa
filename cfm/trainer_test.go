package cfm

import (
	"bytes"
	"context"
	"errors"
	"math"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"pushforward/autograd"
	"pushforward/nn"
	"pushforward/optim"
	"pushforward/simd"
	"pushforward/simd/rng"
)

// smallTrainer is a trainer of a small net on correlated normal rows, with conditions if asked.
func smallTrainer[F simd.Float](seed uint64, steps int, conditional bool) *Trainer[F] {
	key := rng.New(seed)
	x := normalTensor[F](300, 2, key.Named("points"))
	for i := range x.Rows() {
		r := x.Row(i)
		r[0], r[1] = 3+F(2*r[0]), F(0.5*r[1])-r[0]
	}
	params := nn.NewParams[F]()
	cfg := NetConfig{Dim: 2, Hidden: 16, Blocks: 1}
	data, val := FromTensor(x.Slice(0, 250)), FromTensor(x.Slice(250, 300))
	if conditional {
		cfg.Cond = 2
		c := normalTensor[F](300, 2, key.Named("conditions"))
		data, val = FromConditioned(x.Slice(0, 250), c.Slice(0, 250)), FromConditioned(x.Slice(250, 300), c.Slice(250, 300))
	}
	net := NewNet(params.Root(), cfg)
	flow := &Flow[F]{Dim: 2, Field: net, Theta: params.Init(key.Named("init"))}
	flow.Loc, flow.Scale = Standardize(x)
	return &Trainer[F]{Flow: flow, Data: data, Val: val, Steps: steps, Batch: 128, Shards: 4, ValEvery: 7, Key: key.Named("train")}
}

func TestTrainerLearns(t *testing.T) {
	tr := smallTrainer[float32](1, byShort(t, 400, 40), false)
	var first, last float64
	tr.OnStep = func(m Metrics) {
		if m.Step <= 10 {
			first += m.Loss / 10
		}
		if m.Step > tr.Steps-10 {
			last += m.Loss / 10
		}
		require.Equal(t, m.Step%7 == 0 || m.Step == tr.Steps, m.HasVal)
	}
	require.NoError(t, tr.Run(bg))
	if !testing.Short() {
		require.Less(t, last, 0.8*first)
	}
	require.Less(t, last, first)
	require.Equal(t, tr.Steps, tr.StepCount())
	loss, step, ok := tr.BestLoss()
	require.True(t, ok)
	require.Positive(t, step)
	now, err := tr.Validate()
	require.NoError(t, err)
	require.LessOrEqual(t, loss, now)
}

// Under Guard a score is followed by the weights that scored best, the average begins from them anew, and the rate falls with the
// share of the way that was kept.
func TestTrainerGuard(t *testing.T) {
	tr := smallTrainer[float32](1, byShort(t, 84, 28), false)
	tr.Guard, tr.LR = true, optim.Constant(3) // far too high
	_, err := tr.Validate()
	require.NoError(t, err)
	rate, back := 3.0, 0
	for range tr.Steps {
		m, err := tr.Step()
		require.NoError(t, err)
		require.InDelta(t, rate, m.LR, 1e-12)
		if !m.HasVal {
			require.NotEqual(t, tr.Best().Theta, tr.Flow.Theta)
			continue
		}
		loss, step, _ := tr.BestLoss()
		require.Equal(t, loss, m.Val)
		require.Equal(t, tr.Best().Theta, tr.Flow.Theta)
		require.Equal(t, tr.Best().Theta, tr.Averaged().Theta)
		require.Equal(t, m.Share > 0, step == m.Step)
		require.Equal(t, m.Share == 1, m.Own == m.Val)
		require.GreaterOrEqual(t, m.Own, m.Val)
		rate *= max(m.Share, 0.25)
		if m.Share == 0 {
			back++
		}
	}
	require.Positive(t, back)
	require.Equal(t, back, tr.WentBack())
}

// Scores are of 1024 to 4096 rows, of up to 16384 where training goes on from the best of them.
func TestValidationRows(t *testing.T) {
	for n, want := range map[int][2]int{50: {1024, 1024}, 3000: {3000, 3000}, 9000: {4096, 9000}, 30000: {4096, 16384}} {
		d := FromTensor(autograd.NewTensor[float32](n, 1))
		require.Equal(t, want, [2]int{valRows(d, false), valRows(d, true)}, "%d rows", n)
	}
}

// What Guard keeps is a point on the way to the average of the steps, the n-th of which weighs as n + 2: no scored one is better.
func TestTrainerGuardSearches(t *testing.T) {
	seen := map[float64]bool{}
	for _, rate := range []float64{0.003, 0.03, 0.1, 0.2, 0.4, 3}[:byShort(t, 6, 3)] {
		tr, by := smallTrainer[float32](1, 7, false), smallTrainer[float32](1, 7, false)
		tr.Guard, tr.LR, by.LR = true, optim.Constant(rate), optim.Constant(rate)
		_, err := tr.Validate()
		require.NoError(t, err)
		from := append([]float32(nil), tr.Flow.Theta...)
		start, _, _ := tr.BestLoss()
		to, weights := make([]float64, len(from)), 0.0
		var m Metrics
		for n := range 7 {
			m, err = tr.Step()
			require.NoError(t, err)
			_, err = by.Step()
			require.NoError(t, err)
			w := float64(max(3, n+2))
			weights += w
			for i, v := range by.Flow.Theta {
				to[i] += w * float64(v)
			}
		}
		at := func(share float64) (loss float64, theta []float32) {
			v := smallTrainer[float32](1, 7, false)
			for i := range from {
				v.Flow.Theta[i] = float32(float64(from[i]) + share*(to[i]/weights-float64(from[i])))
			}
			loss, err := v.Validate()
			require.NoError(t, err)
			return loss, v.Flow.Theta
		}
		own, _ := at(1)
		require.InDelta(t, own, m.Own, 1e-4*own)
		least, share := start, 0.0 // the best of the points scored
		last := own
		if own < start {
			least, share = own, 1
		}
		for s := 0.5; s >= 0.125; s /= 2 {
			l, _ := at(s)
			if l < least {
				least, share = l, s
			}
			if share > 0 && l >= last {
				break
			}
			last = l
		}
		require.Equal(t, share, m.Share, "rate %v", rate)
		kept, theta := at(share)
		require.InDelta(t, kept, m.Val, 1e-5*kept)
		for i, v := range theta {
			require.InDelta(t, v, tr.Best().Theta[i], 1e-4*(1+rate))
		}
		seen[share] = true
		tr.Close()
		by.Close()
	}
	if !testing.Short() {
		require.True(t, seen[1] && seen[0] && len(seen) > 3, "%v", seen)
	}
}

// Each step's bits are the same for any number of cores and any coupling, conditions or not.
func TestTrainerThreadsMoveNoBit(t *testing.T) {
	for _, c := range []Coupling{Independent{}, Forced{ExactOT{}}, Pooled{ConditionOT{Weight: 1}, 2}, Forced{Sinkhorn{5}}} {
		for _, conditional := range []bool{false, true} {
			var want []float32
			var losses []float64
			for _, procs := range []int{1, 2, 3, 7}[:byShort(t, 4, 3)] {
				old := runtime.GOMAXPROCS(procs)
				tr := smallTrainer[float32](2, byShort(t, 15, 3), conditional)
				if testing.Short() {
					tr.Val, tr.Batch = nil, 64
				}
				tr.Coupling = c
				if _, slow := c.(Sinkhorn); slow {
					tr.Batch, tr.Steps = 24, byShort(t, 8, 2)
				}
				var got []float64
				tr.OnStep = func(m Metrics) { got = append(got, m.Loss, m.GradNorm, m.Val) }
				err := tr.Run(bg)
				runtime.GOMAXPROCS(old)
				require.NoError(t, err)
				if want == nil {
					want, losses = tr.Flow.Theta, got
				}
				require.Equal(t, want, tr.Flow.Theta, "%T, %d threads", c, procs)
				require.Equal(t, losses, got)
			}
		}
	}
}

// Stopped at any step, saved, loaded by a new trainer and gone on: the same bytes in the end.
func TestTrainerResume(t *testing.T) {
	steps := byShort(t, 40, 9)
	for _, opt := range []func() optim.Optimizer[float32]{
		func() optim.Optimizer[float32] { return nil },
		func() optim.Optimizer[float32] { return &optim.SGD[float32]{Momentum: 0.9} },
	} {
		make := func() *Trainer[float32] {
			tr := smallTrainer[float32](3, steps, true)
			if testing.Short() {
				tr.Batch = 32
				tr.ValEvery = 100 // the last step only
			}
			tr.Coupling, tr.Opt = Forced{ExactOT{}}, opt()
			if tr.Opt != nil {
				tr.Guard, tr.LR = true, optim.Constant(0.3) // far too high: it goes back and halves
			}
			return tr
		}
		whole := make()
		require.NoError(t, whole.Run(bg))
		var want bytes.Buffer
		require.NoError(t, whole.Save(&want))
		if whole.Guard && !testing.Short() {
			require.Less(t, whole.run.damp, 1.0)
		}
		stops := []int{0, 1, steps - 1, steps}
		for i := range byShort(t, 12, 1) {
			stops = append(stops, rng.New(9).Intn(uint64(i), steps))
		}
		for _, stop := range stops {
			first := make()
			ctx, cancel := context.WithCancel(bg)
			first.OnStep = func(m Metrics) {
				if m.Step == stop {
					cancel()
				}
			}
			if stop == 0 {
				cancel()
			}
			err := first.Run(ctx)
			cancel()
			if stop < steps {
				require.ErrorIs(t, err, context.Canceled)
			}
			require.Equal(t, stop, first.StepCount())
			var state bytes.Buffer
			require.NoError(t, first.Save(&state))
			second := make()
			require.NoError(t, second.Load(bytes.NewReader(state.Bytes())))
			var again bytes.Buffer
			require.NoError(t, second.Save(&again))
			require.Equal(t, state.Bytes(), again.Bytes(), "a state goes round unchanged")
			require.NoError(t, second.Run(bg))
			var got bytes.Buffer
			require.NoError(t, second.Save(&got))
			require.Equal(t, want.Bytes(), got.Bytes(), "stopped at %d", stop)
			require.Equal(t, whole.Averaged().Theta, second.Averaged().Theta)
			require.Equal(t, whole.Best().Theta, second.Best().Theta)
		}
	}
}

// Loading into a trainer that has gone on elsewhere brings it back.
func TestTrainerLoadRewinds(t *testing.T) {
	tr := smallTrainer[float64](4, 30, false)
	var state bytes.Buffer
	for range 10 {
		_, err := tr.Step()
		require.NoError(t, err)
	}
	require.NoError(t, tr.Save(&state))
	m1, err := tr.Step()
	require.NoError(t, err)
	for range 5 {
		_, err := tr.Step()
		require.NoError(t, err)
	}
	require.NoError(t, tr.Load(&state))
	m2, err := tr.Step()
	require.NoError(t, err)
	require.Equal(t, m1, m2)
	tr.Close()
}

func TestTrainerLoadRefuses(t *testing.T) {
	tr := smallTrainer[float32](5, 10, false)
	_, err := tr.Step()
	require.NoError(t, err)
	tr.Close()
	var state bytes.Buffer
	require.NoError(t, tr.Save(&state))
	other := smallTrainer[float32](5, 10, false)
	other.Batch = 64
	require.ErrorContains(t, other.Load(bytes.NewReader(state.Bytes())), `batch is "128", this trainer's is "64"`)
	require.ErrorContains(t, smallTrainer[float32](6, 10, false).Load(bytes.NewReader(state.Bytes())), "key")
	require.ErrorIs(t, smallTrainer[float32](5, 10, true).Load(bytes.NewReader(state.Bytes())), nn.ErrFormat)
	sgd := smallTrainer[float32](5, 10, false)
	sgd.Opt = &optim.SGD[float32]{}
	require.Error(t, sgd.Load(bytes.NewReader(state.Bytes())))
	damaged := append([]byte(nil), state.Bytes()...)
	damaged[len(damaged)/2] ^= 1
	require.ErrorIs(t, smallTrainer[float32](5, 10, false).Load(bytes.NewReader(damaged)), nn.ErrFormat)
	require.Error(t, smallTrainer[float32](5, 10, false).Load(bytes.NewReader(state.Bytes()[:100])))
}

func TestTrainerAllocatesNothing(t *testing.T) {
	skipIfRaced(t)
	for _, procs := range []int{1, 2} {
		for _, c := range []Coupling{Independent{}, Forced{ExactOT{}}} {
			old := runtime.GOMAXPROCS(procs)
			tr := smallTrainer[float32](7, 1000, true)
			tr.Coupling, tr.ValEvery = c, 5
			if testing.Short() {
				tr.Batch, tr.Shards, tr.ValEvery = 32, 2, -1
			}
			for range 12 {
				_, err := tr.Step()
				require.NoError(t, err)
			}
			// A worker's tape grows in its first shard, and on a busy machine a worker may get its first
			// turn late: steady is what comes after that. A step that allocates never gets there.
			got := 1.0
			for try := 0; try < 5 && got > 0; try++ {
				got = testing.AllocsPerRun(20, func() {
					if _, err := tr.Step(); err != nil {
						panic(err)
					}
				})
			}
			tr.Close()
			runtime.GOMAXPROCS(old)
			require.Zero(t, got, "%T, %d threads", c, procs)
		}
	}
}

func TestTrainerLeavesNoGoroutine(t *testing.T) {
	before := runtime.NumGoroutine()
	old := runtime.GOMAXPROCS(4)
	defer runtime.GOMAXPROCS(old)
	tr := smallTrainer[float32](8, 5, false)
	require.NoError(t, tr.Run(bg))
	requireGoroutines(t, before)
	tr = smallTrainer[float32](8, 5, false)
	_, err := tr.Step()
	require.NoError(t, err)
	tr.Close()
	requireGoroutines(t, before)

	func() { // stepped and forgotten
		tr := smallTrainer[float32](8, 5, false)
		_, err := tr.Step()
		require.NoError(t, err)
	}()
	requireGoroutines(t, before)
}

// A poisoned weight, an enormous rate and a bad row of data all stop training with a name and a step.
func TestTrainerStopsOnNonFinite(t *testing.T) {
	t.Run("weight", func(t *testing.T) {
		tr := smallTrainer[float32](9, 20, false)
		tr.OnStep = func(m Metrics) {
			if m.Step == 6 {
				tr.Flow.Theta[3] = float32(math.NaN())
			}
		}
		err := tr.Run(bg)
		var d *DivergedError
		require.True(t, errors.As(err, &d), "%v", err)
		require.ErrorIs(t, err, ErrDiverged)
		require.Equal(t, 7, d.Step)
		require.Equal(t, "loss", d.What)
		require.Equal(t, "Param", d.Op)
		require.Equal(t, 6, tr.StepCount())
	})
	t.Run("rate", func(t *testing.T) {
		tr := smallTrainer[float32](9, 200, false)
		tr.LR = optim.Constant(1e30)
		err := tr.Run(bg)
		require.ErrorIs(t, err, ErrDiverged)
		for _, v := range tr.Flow.Theta {
			require.False(t, math.IsNaN(float64(v)), "the last good parameters are kept")
		}
	})
	t.Run("gradient", func(t *testing.T) {
		tr := smallTrainer[float32](9, 20, false)
		// √x at 0 has an infinite derivative and a finite value.
		tr.Loss = func(tp *autograd.Tape[float32], b Batch[float32], key rng.Key) autograd.Var[float32] {
			return Match[float32](tr.Flow.Field, CondOT{}, nil)(tp, b, key).Add(tp.Param(autograd.Param{Off: 0, Shape: autograd.Dims(1)}).Mul(tp.Full(autograd.Dims(1), 0)).Sqrt().Sum())
		}
		err := tr.Run(bg)
		var d *DivergedError
		require.True(t, errors.As(err, &d), "%v", err)
		require.Equal(t, "gradient", d.What)
		require.Equal(t, 1, d.Step)
	})
	t.Run("data", func(t *testing.T) {
		tr := smallTrainer[float32](9, 20, false)
		x := autograd.NewTensor[float32](40, 2)
		x.Data[77] = float32(math.Inf(1))
		tr.Data = FromTensor(x)
		require.ErrorContains(t, tr.Run(bg), "step 1: the data gave +Inf in row")
	})
}

// The trainer's failures are errors, a programmer's are panics that come out in the caller.
func TestTrainerPassesErrorsOn(t *testing.T) {
	for _, procs := range []int{1, 3} {
		old := runtime.GOMAXPROCS(procs)
		tr := smallTrainer[float32](10, 50, false)
		boom := errors.New("the disk is gone")
		tr.Data = dataFunc[float32](func(b *Batch[float32], key rng.Key) error {
			if b.Step == 3 {
				return boom
			}
			Grow(&b.X1, len(b.Row), 2)
			clear(b.X1.Data)
			return nil
		})
		err := tr.Run(bg)
		require.ErrorIs(t, err, boom)
		require.ErrorContains(t, err, "step 4")
		require.Equal(t, 3, tr.StepCount())

		tr = smallTrainer[float32](10, 50, false)
		tr.Data = dataFunc[float32](func(b *Batch[float32], key rng.Key) error {
			Grow(&b.X1, len(b.Row), 5)
			return nil
		})
		require.Panics(t, func() { tr.Run(bg) })
		runtime.GOMAXPROCS(old)
	}
}

type dataFunc[F simd.Float] func(b *Batch[F], key rng.Key) error

func (f dataFunc[F]) Next(b *Batch[F], key rng.Key) error { return f(b, key) }

func TestTrainerCancel(t *testing.T) {
	ctx, cancel := context.WithTimeout(bg, 50*time.Millisecond)
	defer cancel()
	tr := smallTrainer[float32](11, 1<<30, false)
	start := time.Now()
	require.ErrorIs(t, tr.Run(ctx), context.DeadlineExceeded)
	require.Less(t, time.Since(start), 2*time.Second)
	require.NoError(t, tr.Save(&bytes.Buffer{}))
}

// The gradient of a step is that of the mean loss over the batch: against central differences, in
// float64, with the same noise.
func TestTrainerGradient(t *testing.T) {
	tr := smallTrainer[float64](12, 10, true)
	r := tr.setup()
	r.start(tr)
	defer tr.Close()
	for range 3 { // away from the zeros of the start
		_, err := tr.Step()
		require.NoError(t, err)
	}
	s := r.ready(r.step)
	r.batch, r.lossKey = &s.out, r.keys.loss.Fold(uint64(r.step))
	loss := func() float64 {
		for _, tp := range r.tapes {
			tp.ThetaChanged()
		}
		r.pool.run(r.Shards, r.shardTask)
		var l float64
		for _, v := range r.losses {
			l += v
		}
		return l / float64(r.Batch)
	}
	loss()
	r.pool.run((len(r.grads[0])+sumRange-1)/sumRange, r.sumTask)
	g := append([]float64(nil), r.grads[0]...)
	theta := tr.Flow.Theta
	for i := range byShort(t, 25, 5) {
		j := rng.New(5).Intn(uint64(i), len(theta))
		old := theta[j]
		const h = 1e-5
		theta[j] = old + h
		up := loss()
		theta[j] = old - h
		down := loss()
		theta[j] = old
		require.InDelta(t, (up-down)/(2*h), g[j], 1e-7, "θ[%d]", j)
	}
}

// Shards and chunks are where sums are cut, nothing else: the loss of a batch is the same to rounding.
func TestShardsAgree(t *testing.T) {
	var want float64
	for _, shards := range []int{1, 2, 4, 128} {
		tr := smallTrainer[float64](13, 10, false)
		tr.Shards = shards
		m, err := tr.Step()
		require.NoError(t, err)
		tr.Close()
		if shards == 1 {
			want = m.Loss
		}
		require.InEpsilon(t, want, m.Loss, 1e-12)
	}
}
