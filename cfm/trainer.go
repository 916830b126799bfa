package cfm

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync/atomic"

	"pushforward/autograd"
	"pushforward/optim"
	"pushforward/simd"
	"pushforward/simd/rng"
)

// Trainer fits a Flow's Theta in place. Zero fields have the documented defaults. They must
// not change once training has begun.
//
// A batch is cut in Shards contiguous pieces, a number of the configuration. Each has a
// gradient of its own, filled by whichever core claims the shard; the gradients are then added
// in the order of the shards. Meanwhile cores with nothing to do prepare the next batches,
// pairings included, each a pure function of (Key, step). So the bits of a run depend neither
// on the number of cores nor on whether it was stopped and resumed.
type Trainer[F simd.Float] struct {
	Flow     *Flow[F]
	Data     Data[F]
	Val      Data[F]            // held-out rows, scored every ValEvery steps; nil: none
	Loss     Objective[F]       // Match(Flow.Field, CondOT{}, nil)
	Coupling Coupling           // Independent{}
	Opt      optim.Optimizer[F] // Adam
	LR       optim.Schedule     // Cosine(3e-3, 100, Steps)
	Batch    int                // 256
	Steps    int                // 10000
	Shards   int                // max(1, min(4, Batch/64)): gradient slots of a batch, whatever GOMAXPROCS is
	Clip     float64            // 1; negative: none
	EMADecay float64            // 0.999, warmed up; negative: none
	ValEvery int                // 250; negative: only by a call of Validate
	// Guard has training go on from the best average so far after every score of the held-out rows: for a start that is
	// good already, which a step too many would spoil. The average is then of the steps since the last score, the n-th of
	// which weighs as n + 2 (EMADecay is an upper bound still), and the score a search along the line to it from where
	// training went on: after the average itself the point half the way is scored, and then those at 1/4 and 1/8, until one is no
	// better than the one before it while some point is better than the best so far. If none is, training goes back. For the gain along the
	// line falls with the share s of the way, the noise in it with its square. From then on the rate is s times what it was, but at
	// least a quarter.
	Guard    bool
	DropCond float64 // share of training rows whose condition is replaced by zeros, for Guided; 0
	Key      rng.Key
	OnStep   func(Metrics) // called after each step, on the goroutine of Run or Step

	run *training[F]
}

// Metrics is what a step was like. Loss is the mean over the batch of what Loss gives for a
// row; GradNorm is the gradient's norm before clipping; Val is the held-out loss of the
// averaged parameters after the step, where HasVal says that it was measured; with Guard these are the best so far,
// Own is that of the step's own average, and Share says how much of the way to it was kept, 0 for none.
type Metrics struct {
	Step               int // steps done, this one included
	Loss, GradNorm, LR float64
	Val, Own, Share    float64
	HasVal             bool
}

// ErrDiverged is what every DivergedError wraps.
var ErrDiverged = errors.New("training diverged")

// DivergedError says where training left the finite numbers. Theta is as it was before the
// step.
type DivergedError struct {
	Step     int    // the step that failed, from 1
	What     string // "loss" or "gradient"
	Op       string // the first operation whose value is not finite; empty if all are, or if Cause is known
	Loss     float64
	GradNorm float64
	LR       float64
	Cause    error // what the objective gave as its reason, such as an *odeint.SolveError; or nil
}

// Error reads, for instance,
//
//	cfm: train: step 17: loss is NaN: first not finite in Exp (lr 0.003); a smaller rate or scaled data may help
func (e *DivergedError) Error() string {
	v, where := e.Loss, ""
	if e.What == "gradient" {
		v = e.GradNorm
		where = fmt.Sprintf(", loss %.6g", e.Loss)
	}
	op := ""
	if e.Op != "" {
		op = ": first not finite in " + e.Op
	}
	if e.Cause != nil {
		op = fmt.Sprintf(": %v", e.Cause)
	}
	return fmt.Sprintf("cfm: train: step %d: %s is %v%s (lr %.3g%s); a smaller rate or scaled data may help", e.Step, e.What, v, op, e.LR, where)
}

// Unwrap returns ErrDiverged and the cause, if it is known.
func (e *DivergedError) Unwrap() []error {
	if e.Cause == nil {
		return []error{ErrDiverged}
	}
	return []error{ErrDiverged, e.Cause}
}

// chunkRows returns how many rows of a shard are on tape together, for n parameters. Few rows keep the
// activations in cache; but each chunk reads and writes the whole gradient, so that where this is too
// large for the second-level cache more rows pay. Backward goes on with the chains of multiply-adds it
// finds in the gradient, so chunks move no bit of that.
func chunkRows(n int) int {
	if n > 1<<19 {
		return 256
	}
	return 128
}

// prefetch is how many batches are prepared ahead where there are cores for it.
const prefetch = 4

// training is the state of a Trainer at work.
type training[F simd.Float] struct {
	*Trainer[F] // defaults filled in

	step  int
	now   atomic.Int64 // step, for the helpers
	ema   *optim.EMA[F]
	best  []F // the averaged parameters of least held-out loss
	bestL float64
	bestS int
	damp  float64 // what Guard has left of the rate
	back  int     // how often it went back
	from  []F     // with Guard: where training went on from at the last score

	pool    *pool
	tapes   []*autograd.Tape[F] // by worker
	grads   [][]F               // by shard; the first becomes the sum
	losses  []float64           // by shard
	badOps  []string            // by shard: where its loss stopped being finite
	causes  []error             // by shard: why, if the objective said
	slots   []*slot[F]
	pools   []*pairPool[F] // of a Pooled coupling
	mapped  mapped[F]      // of a SemiDiscrete one
	keys    struct{ data, loss, source, pair, drop rng.Key }
	batch   *Batch[F]
	lossKey rng.Key
	seed    autograd.Tensor[F] // 1/Batch, the cotangent of a shard's sum
	kern    *simd.Kernels[F]

	shardTask, sumTask, valTask func(worker, task int)

	val *validation[F]
}

// withDefaults returns a copy of t with its zero fields filled in.
func (t *Trainer[F]) withDefaults() *Trainer[F] {
	c := *t
	if c.Batch == 0 {
		c.Batch = 256
	}
	if c.Steps == 0 {
		c.Steps = 10000
	}
	if c.Shards == 0 {
		c.Shards = max(1, min(4, c.Batch/64))
	}
	if c.Loss == nil {
		c.Loss = Match(c.Flow.Field, CondOT{}, nil)
	}
	if c.Coupling == nil {
		c.Coupling = Independent{}
	}
	if c.Opt == nil {
		c.Opt = &optim.Adam[F]{}
	}
	if c.LR == nil {
		c.LR = optim.Cosine(3e-3, min(100, max(1, c.Steps/2)), c.Steps)
	}
	if c.Clip == 0 {
		c.Clip = 1
	}
	if c.EMADecay == 0 {
		c.EMADecay = 0.999
	}
	if c.ValEvery == 0 {
		c.ValEvery = 250
	}
	return &c
}

// setup makes the state of a trainer that has not begun.
func (t *Trainer[F]) setup() *training[F] {
	if t.run != nil {
		return t.run
	}
	if t.Flow == nil || t.Data == nil {
		panic("cfm: Trainer: Flow and Data must be set")
	}
	if len(t.Flow.Theta) == 0 {
		panic("cfm: Trainer: the flow has no parameters to fit")
	}
	c := t.withDefaults()
	if !(c.DropCond >= 0 && c.DropCond <= 1) {
		panic(fmt.Sprintf("cfm: Trainer: DropCond %v is not a share", c.DropCond))
	}
	if c.Batch < 1 || c.Shards < 1 || c.Shards > c.Batch || c.Steps < 0 {
		panic(fmt.Sprintf("cfm: Trainer: Batch %d, Shards %d, Steps %d", c.Batch, c.Shards, c.Steps))
	}
	r := &training[F]{Trainer: c, bestL: math.Inf(1), damp: 1, kern: simd.Best[F]()}
	n := len(c.Flow.Theta)
	if c.EMADecay > 0 {
		r.ema = &optim.EMA[F]{Decay: c.EMADecay}
		if c.Guard {
			r.ema.Warm = guardWarm
		}
	}
	for range c.Shards {
		r.grads = append(r.grads, make([]F, n))
	}
	r.losses, r.badOps, r.causes = make([]float64, c.Shards), make([]string, c.Shards), make([]error, c.Shards)
	r.keys.data, r.keys.loss = c.Key.Named("data"), c.Key.Named("loss")
	r.keys.source, r.keys.pair = c.Key.Named("source"), c.Key.Named("pair")
	r.keys.drop = c.Key.Named("drop")
	r.seed = autograd.FromSlice([]F{F(1 / float64(c.Batch))}).Reshape()
	r.shardTask, r.sumTask = r.shard, r.sum
	r.pools = newPools(r)
	if c.Val != nil {
		r.val = newValidation(r)
		r.valTask = r.val.task
	}
	t.run = r
	return r
}

// start makes the pool and its tapes.
func (r *training[F]) start(t *Trainer[F]) {
	if r.pool != nil {
		return
	}
	workers := runtime.GOMAXPROCS(0)
	ahead := prefetch
	if workers == 1 {
		ahead = 1
	}
	r.now.Store(int64(r.step))
	r.slots = make([]*slot[F], ahead)
	for i := range r.slots {
		r.slots[i] = newSlot(r)
		r.slots[i].aim((r.step/ahead)*ahead+i, r.step)
	}
	for len(r.tapes) < workers {
		r.tapes = append(r.tapes, autograd.NewTape(r.Flow.Theta))
	}
	r.pool = newPool(workers, r.prepareAhead)
	// A trainer that was stepped and forgotten would leave its helpers parked for ever.
	runtime.AddCleanup(t, func(p *pool) { p.close() }, r.pool)
}

// stop ends the helpers.
func (r *training[F]) stop() {
	if r.pool != nil {
		r.pool.close()
		r.pool, r.slots = nil, nil
	}
}

// Run trains until Steps or until ctx ends, whose error it then returns; the state is
// that of the last whole step, fit for Save. A loss or gradient that is not finite ends it
// with a *DivergedError. No goroutine outlives it.
func (t *Trainer[F]) Run(ctx context.Context) error {
	r := t.setup()
	defer r.stop()
	for r.step < r.Steps {
		if r.pool == nil || r.pool.workers == 1 {
			runtime.Gosched() // where nothing preempts, as in a browser, ctx's timer needs a turn
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := t.Step(); err != nil {
			return err
		}
	}
	return nil
}

// Close ends the goroutines that Step has started. The trainer can go on afterwards.
func (t *Trainer[F]) Close() {
	if t.run != nil {
		t.run.stop()
	}
}

// StepCount returns how many steps were done.
func (t *Trainer[F]) StepCount() int {
	if t.run == nil {
		return 0
	}
	return t.run.step
}

// Step does one step. Outside of Run it leaves helper goroutines parked, which Close ends.
// After the first few it allocates nothing.
func (t *Trainer[F]) Step() (Metrics, error) {
	r := t.setup()
	r.start(t)
	m, err := r.advance()
	if err != nil {
		return m, err
	}
	if r.OnStep != nil {
		r.OnStep(m)
	}
	return m, nil
}

// advance is one step.
func (r *training[F]) advance() (Metrics, error) {
	m := Metrics{Step: r.step + 1, LR: float64(r.damp * r.LR(r.step))}
	s := r.ready(r.step)
	if s.err != nil {
		err := s.err
		s.aim(r.step, r.step) // to be tried again
		return m, fmt.Errorf("cfm: train: step %d: %w", m.Step, err)
	}
	r.batch, r.lossKey = &s.out, r.keys.loss.Fold(uint64(r.step))
	r.pool.run(r.Shards, r.shardTask)
	for _, l := range r.losses {
		m.Loss += l
	}
	m.Loss /= float64(r.Batch)
	if bad(m.Loss) {
		e := &DivergedError{Step: m.Step, What: "loss", Loss: m.Loss, LR: m.LR}
		for i, op := range r.badOps {
			if e.Cause == nil && e.Op == "" {
				e.Op, e.Cause = op, r.causes[i]
			}
		}
		return m, e
	}
	g := r.grads[0]
	if r.Shards > 1 {
		r.pool.run((len(g)+sumRange-1)/sumRange, r.sumTask)
	}
	if r.Clip > 0 {
		m.GradNorm = optim.ClipNorm(g, r.Clip)
	} else {
		m.GradNorm = optim.Norm(g)
	}
	if bad(m.GradNorm) {
		return m, &DivergedError{Step: m.Step, What: "gradient", Loss: m.Loss, GradNorm: m.GradNorm, LR: m.LR}
	}
	r.Opt.Step(r.Flow.Theta, g, m.LR)
	for _, tp := range r.tapes {
		tp.ThetaChanged()
	}
	if r.ema != nil {
		r.ema.Update(r.Flow.Theta)
	}
	r.step++
	r.now.Store(int64(r.step))
	s.aim(r.step-1+len(r.slots), r.step)
	if r.val != nil && r.ValEvery > 0 && (r.step%r.ValEvery == 0 || r.step == r.Steps) {
		if r.Guard {
			r.from = append(r.from[:0], r.best...)
		}
		var err error
		if m.Val, err = r.validate(); err == nil {
			m.HasVal, m.Own, m.Share = true, m.Val, 1
			if r.Guard {
				m.Share, err = r.search(m.Own)
				m.Val = r.bestL
				r.goOn(m.Share)
			}
		}
		if err != nil {
			return m, fmt.Errorf("cfm: train: step %d: held-out rows: %w", m.Step, err)
		}
	}
	return m, nil
}

// guardWarm is EMA.Warm under Guard, guardShare the least share of the way that it scores, guardDamp the least factor of the rate.
const (
	guardWarm  = 3
	guardShare = 1. / 8
	guardDamp  = 1. / 4
)

// search scores points on the line from where training went on to the average, whose own loss is own, as Guard says, and returns
// the share of the way at which the best yet is, 0 if it is none of them. The average is the last point scored.
func (r *training[F]) search(own float64) (share float64, err error) {
	if r.bestS == r.step {
		share = 1
	}
	if r.ema == nil || len(r.from) == 0 {
		return share, nil
	}
	to := append([]F(nil), r.ema.Theta...)
	last := own
	for s := 0.5; s >= guardShare; s /= 2 {
		r.kern.Sub(r.ema.Theta, to, r.from)
		r.kern.Scale(r.ema.Theta, F(s), r.ema.Theta)
		r.kern.Add(r.ema.Theta, r.from, r.ema.Theta)
		best := r.bestL
		loss, err := r.validate()
		if err != nil {
			return share, err
		}
		if loss < best {
			share = s
		}
		if share > 0 && loss >= last {
			break
		}
		last = loss
	}
	return share, nil
}

// goOn goes on from the best average, as Guard says, after the share of the way that was kept.
func (r *training[F]) goOn(share float64) {
	r.damp *= max(share, guardDamp)
	if share == 0 {
		r.back++
	}
	copy(r.Flow.Theta, r.best)
	if r.ema != nil {
		copy(r.ema.Theta, r.best)
		r.ema.SetStep(1)
	}
	for _, tp := range r.tapes {
		tp.ThetaChanged()
	}
}

// shard computes the loss and the gradient of one shard, chunk by chunk in order.
func (r *training[F]) shard(worker, s int) {
	tp, g := r.tapes[worker], r.grads[s]
	lo, hi := s*r.Batch/r.Shards, (s+1)*r.Batch/r.Shards
	r.losses[s], r.badOps[s], r.causes[s] = 0, "", nil
	for first, chunk := lo, chunkRows(len(g)); lo < hi; lo += chunk {
		tp.Reset()
		b := r.batch.slice(lo, min(lo+chunk, hi))
		b.Cause = &r.causes[s]
		loss := r.Loss(tp, b, r.lossKey)
		v := float64(loss.Item())
		r.losses[s] += v
		if bad(v) {
			if x, found := tp.NonFinite(); found && r.causes[s] == nil {
				r.badOps[s] = x.OpName()
			}
			break
		}
		if lo == first {
			tp.BackwardInto(loss, r.seed, g)
		} else {
			tp.BackwardFrom(loss, r.seed, g)
		}
	}
	tp.Reset()
}

// sumRange is how many entries of the gradients are summed as one task.
const sumRange = 1 << 15

// sum adds the gradients of all shards to the first's, in their order, on one range of θ.
func (r *training[F]) sum(_, i int) {
	lo := i * sumRange
	hi := min(lo+sumRange, len(r.grads[0]))
	dst := r.grads[0][lo:hi]
	for _, g := range r.grads[1:] {
		r.kern.Add(dst, dst, g[lo:hi])
	}
}

// Averaged returns the flow with the EMA parameters, the flow itself without an average. Its
// Theta is the trainer's own vector: training on moves it.
func (t *Trainer[F]) Averaged() *Flow[F] {
	f := *t.Flow
	if t.run != nil && t.run.ema != nil && t.run.ema.Theta != nil {
		f.Theta = t.run.ema.Theta
	}
	return &f
}

// Best returns the flow with the averaged parameters of least held-out loss so far, and
// Averaged if none was measured. Its Theta is the trainer's own vector.
func (t *Trainer[F]) Best() *Flow[F] {
	f := t.Averaged()
	if t.run != nil && t.run.best != nil {
		f.Theta = t.run.best
	}
	return f
}

// WentBack returns how often Guard found no point better than the best before.
func (t *Trainer[F]) WentBack() int {
	if t.run == nil {
		return 0
	}
	return t.run.back
}

// BestLoss returns the least held-out loss and its step; ok is false if none was measured.
func (t *Trainer[F]) BestLoss() (loss float64, step int, ok bool) {
	if t.run == nil || t.run.best == nil {
		return 0, 0, false
	}
	return t.run.bestL, t.run.bestS, true
}
