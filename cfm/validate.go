package cfm

import (
	"fmt"

	"pushforward/autograd"
	"pushforward/simd"
	"pushforward/simd/rng"
)

// valChunk is how many held-out rows are scored as one task.
const valChunk = 128

// validation scores the held-out rows, each time with the same rows, times, noise and
// pairing, so that two scores differ by the parameters alone.
type validation[F simd.Float] struct {
	run    *training[F]
	slot   *slot[F]
	tapes  []*autograd.Tape[F]
	theta  []F // what the tapes read
	sums   []float64
	causes []error // by chunk: why its sum is NaN, if the objective said
	key    rng.Key
	filled bool
}

// valRows is how many rows are scored: each held-out row once, but at least 1024 (rows then
// come again with other noise) and at most 4096, under Guard 16384.
func valRows(d any, guard bool) int {
	n, most := 1024, 4096
	if guard {
		most = 16384
	}
	if s, ok := d.(Sized); ok {
		n = min(max(n, s.Len()), most)
	}
	return n
}

func newValidation[F simd.Float](r *training[F]) *validation[F] {
	v := &validation[F]{run: r, slot: newSlot(r), key: r.Key.Named("validation")}
	v.slot.held = true
	return v
}

// validate returns the held-out loss and keeps the parameters if they are the best yet.
func (r *training[F]) validate() (float64, error) {
	v := r.val
	if !v.filled {
		k := v.key
		v.slot.make(r.Val, k.Named("data"), k.Named("source"), k.Named("pair"), 0, valRows(r.Val, r.Guard))
		if v.slot.pan != nil {
			panic(v.slot.pan)
		}
		if v.slot.err != nil {
			return 0, v.slot.err
		}
		v.filled = true
	}
	theta := r.Flow.Theta
	if r.ema != nil && r.ema.Theta != nil {
		theta = r.ema.Theta
	}
	if v.theta == nil || &v.theta[0] != &theta[0] {
		v.theta, v.tapes = theta, nil
	}
	for len(v.tapes) < r.pool.workers {
		v.tapes = append(v.tapes, autograd.NewTape(theta))
	}
	for _, tp := range v.tapes {
		tp.ThetaChanged()
	}
	n := v.slot.out.Total
	v.sums = resize(v.sums, (n+valChunk-1)/valChunk)
	v.causes = resize(v.causes, len(v.sums))
	clear(v.causes)
	r.pool.run(len(v.sums), r.valTask)
	var loss float64
	for _, s := range v.sums {
		loss += s
	}
	loss /= float64(n)
	if bad(loss) {
		for _, err := range v.causes {
			if err != nil {
				return loss, fmt.Errorf("%w: the held-out loss is %v: %w", ErrDiverged, loss, err)
			}
		}
		return loss, fmt.Errorf("%w: the held-out loss is %v", ErrDiverged, loss)
	}
	if loss < r.bestL {
		r.best = append(r.best[:0], theta...)
		r.bestL, r.bestS = loss, r.step
	}
	return loss, nil
}

// task scores one chunk of the held-out rows.
func (v *validation[F]) task(worker, i int) {
	tp, n := v.tapes[worker], v.slot.out.Total
	lo := i * valChunk
	b := v.slot.out.slice(lo, min(lo+valChunk, n))
	b.Cause = &v.causes[i]
	v.sums[i] = float64(v.run.Loss(tp, b, v.key).Item())
	tp.Reset()
}

// Validate returns the held-out loss of the averaged parameters as they are now. It keeps
// them if they are the best yet, as the trainer does every ValEvery steps. It panics without
// Val.
func (t *Trainer[F]) Validate() (float64, error) {
	r := t.setup()
	if r.val == nil {
		panic("cfm: Trainer: Validate without Val")
	}
	if r.pool == nil {
		r.start(t)
		defer r.stop()
	}
	return r.validate()
}
