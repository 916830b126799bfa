package cfm

import (
	"fmt"
	"sync/atomic"

	"pushforward/autograd"
	"pushforward/cfm/ot"
	"pushforward/simd"
	"pushforward/simd/rng"
)

// slot holds one batch on its way from the data to the objective. There are a few; the batch
// of step k is prepared in slot k mod len. The trainer aims a slot at a step, any worker then
// claims and fills it, the trainer takes it.
type slot[F simd.Float] struct {
	run   *training[F]
	step  int // written by the trainer while the slot is idle
	state atomic.Int32
	taker waiter

	in  Batch[F] // as the data filled it
	out Batch[F] // what the objective gets: scaled, paired
	err error
	pan any // a panic that is no error, to come out in the trainer

	rows           []int
	source         []F // x₀
	scaled         []F // x₁ in the field's coordinates
	x0, x1, c      []F // the same after pairing
	dropped        []F // conditions, some replaced by zeros
	tmp            []float64
	pairs          [][2]int
	a, b           []float64 // float64 copies of a group of x₀ and x₁
	dist           []float64
	group0, group1 []F
	cost           func() []float64
	conds          []float64 // a float64 copy of a group's conditions
	held           bool      // for held-out rows
}

// The states of a slot.
const (
	slotIdle    = iota // aimed at no step, or taken
	slotPending        // aimed, not begun
	slotClaimed        // being filled
	slotReady
)

func newSlot[F simd.Float](r *training[F]) *slot[F] {
	s := &slot[F]{run: r}
	s.taker.wake = make(chan struct{}, 1)
	s.cost = s.distances
	return s
}

// aim directs the slot at a step, unless that lies outside [now, Steps).
func (s *slot[F]) aim(step, now int) {
	if step < now {
		step += len(s.run.slots)
	}
	s.step, s.err, s.pan = step, nil, nil
	if step >= s.run.Steps {
		s.state.Store(slotIdle)
		return
	}
	s.state.Store(slotPending)
}

// waiter lets one goroutine park until another is done.
type waiter struct {
	waiting atomic.Bool
	wake    chan struct{}
}

// wait parks until notify, unless ready.
func (w *waiter) wait(ready func() bool) {
	w.waiting.Store(true)
	if ready() && w.waiting.CompareAndSwap(true, false) {
		return
	}
	<-w.wake
}

func (w *waiter) notify() {
	if w.waiting.CompareAndSwap(true, false) {
		w.wake <- struct{}{}
	}
}

// fill prepares the slot's batch if it is pending, and reports whether it did.
func (s *slot[F]) fill() bool {
	if !s.state.CompareAndSwap(slotPending, slotClaimed) {
		return false
	}
	s.prepare()
	s.state.Store(slotReady)
	s.taker.notify()
	return true
}

// prepareAhead is what a core with nothing to do does: it fills the pending slot of the
// earliest step.
func (r *training[F]) prepareAhead(int) bool {
	first := int(r.now.Load())
	for i := range r.slots {
		if r.slots[(first+i)%len(r.slots)].fill() {
			return true
		}
	}
	return r.poolAhead()
}

// ready returns the slot with the batch of a step. If another core is at it, the caller fills
// later slots meanwhile.
func (r *training[F]) ready(step int) *slot[F] {
	s := r.slots[step%len(r.slots)]
	if s.step != step || s.state.Load() == slotIdle {
		s.step, s.err, s.pan = step, nil, nil // past Steps, nobody prepares ahead
		s.state.Store(slotPending)
	}
	for s.state.Load() != slotReady && !s.fill() {
		if r.prepareAhead(0) {
			continue
		}
		done := func() bool { return s.state.Load() == slotReady }
		if !r.pool.spin(done) {
			s.taker.wait(done)
		}
	}
	if s.pan != nil {
		panic(s.pan)
	}
	return s
}

// prepare makes the batch of s.step.
func (s *slot[F]) prepare() {
	r := s.run
	if r.pools == nil {
		s.make(r.Data, r.keys.data, r.keys.source, r.keys.pair, s.step, r.Batch)
	} else {
		s.takePart()
	}
	if r.DropCond > 0 && s.err == nil && s.pan == nil && s.out.Cond.Shape.Rank() > 0 {
		s.drop(r.DropCond, r.keys.drop.Fold(uint64(s.step)))
	}
}

// drop replaces the conditions of a share of the rows by zeros, in memory of the slot's own.
func (s *slot[F]) drop(share float64, key rng.Key) {
	w := s.out.Cond.Shape.Dim(1)
	s.dropped = resize(s.dropped, len(s.out.Cond.Data))
	copy(s.dropped, s.out.Cond.Data)
	for i := range s.rows {
		if key.Float64(uint64(i)) < share {
			clear(s.dropped[i*w:][:w])
		}
	}
	s.out.Cond.Data = s.dropped
}

// make makes a batch of n rows: rows from the data, scaled, with rows of the source or their
// own partners, paired in groups as large as the coupling's in training.
func (s *slot[F]) make(data Data[F], dataKey, sourceKey, pairKey rng.Key, step, n int) {
	defer s.catch()
	if s.draw(data, dataKey, sourceKey, step, n) && s.err == nil {
		s.pair(pairKey.Fold(uint64(step)))
	}
}

// catch keeps a panic for the trainer: an error of the data or the coupling, or a mistake.
func (s *slot[F]) catch() {
	switch v := recover().(type) {
	case nil:
	case error:
		if _, shape := v.(*autograd.ShapeError); shape {
			s.pan = v
		} else if _, rt := v.(interface{ RuntimeError() }); rt {
			s.pan = v
		} else {
			s.err = v
		}
	default:
		s.pan = v
	}
}

// draw gets n rows from the data and scales them, and reports whether the coupling is still to pair them with the
// rows of the source that it draws.
func (s *slot[F]) draw(data Data[F], dataKey, sourceKey rng.Key, step, n int) bool {
	f := s.run.Flow
	if len(s.rows) != n {
		s.rows = resize(s.rows, n)
		for i := range s.rows {
			s.rows[i] = i
		}
	}
	b := &s.in
	b.Row, b.Total, b.Step, b.root, b.rooted = s.rows, n, step, dataKey, true
	b.X0 = autograd.Tensor[F]{Data: b.X0.Data[:0]}
	b.Cond = autograd.Tensor[F]{Data: b.Cond.Data[:0]}
	if s.err = data.Next(b, dataKey.Fold(uint64(step))); s.err != nil {
		return false
	}
	if want := autograd.Dims(n, f.Dim); b.X1.Shape != want {
		panic(fmt.Sprintf("cfm: Data gave x₁ %v for a batch of %d rows of %d columns", b.X1.Shape, n, f.Dim))
	}
	s.out = Batch[F]{X1: b.X1, X0: b.X0, Row: s.rows, Total: n, Step: step, Held: s.held}
	if b.Cond.Shape.Rank() > 0 {
		if b.Cond.Shape.Rank() != 2 || b.Cond.Rows() != n {
			panic(fmt.Sprintf("cfm: Data gave conditions %v for a batch of %d rows", b.Cond.Shape, n))
		}
		s.out.Cond = b.Cond
	}
	if s.err = s.scale(); s.err != nil {
		return false
	}
	if b.X0.Shape.Rank() > 0 {
		if b.X0.Shape != b.X1.Shape {
			panic(fmt.Sprintf("cfm: Data gave x₀ %v with x₁ %v", b.X0.Shape, b.X1.Shape))
		}
		return false // pairs of the data's own
	}
	s.source = resize(s.source, n*f.Dim)
	s.tmp = drawSource(s.source, f.Source, sourceKey.Fold(uint64(step)), s.tmp)
	s.out.X0 = autograd.Tensor[F]{Shape: b.X1.Shape, Data: s.source}
	c, batches, forced := inner(s.run.Coupling)
	if _, ok := c.(Independent); ok {
		return false
	}
	if s.out.Cond.Shape.Rank() > 0 && !forced && !KnowsConditions(c) {
		s.err = fmt.Errorf("%T: %w", c, ErrConditions)
	} else if s.run.Batch*batches == 1 {
		s.err = fmt.Errorf("cfm: %T: a batch of one row has nothing to pair", c)
	} else if onePoint(data) {
		s.err = fmt.Errorf("%T: %w", c, ErrOnePoint)
	} else if m, ok := c.(SemiDiscrete); ok && !s.held {
		s.err = s.run.semidiscrete(m).carry(s)
		return false
	}
	return true
}

// scale brings x₁ to the field's coordinates and refuses numbers that are not finite.
func (s *slot[F]) scale() error {
	f, x := s.run.Flow, s.out.X1
	for i, v := range x.Data {
		if v-v != 0 {
			return fmt.Errorf("the data gave %v in row %d, column %d of the batch", v, i/f.Dim, i%f.Dim)
		}
	}
	if f.Loc == nil && f.Scale == nil {
		return nil
	}
	s.scaled = resize(s.scaled, len(x.Data))
	copy(s.scaled, x.Data)
	f.rescale(s.scaled, 1, false)
	s.out.X1.Data = s.scaled
	return nil
}

// pair applies the coupling to the rows, in groups as large as those of training.
func (s *slot[F]) pair(key rng.Key) {
	n, d := s.out.X1.Rows(), s.run.Flow.Dim
	s.x0, s.x1 = resize(s.x0, n*d), resize(s.x1, n*d)
	width := 0
	if s.out.Cond.Shape.Rank() > 0 {
		width = s.out.Cond.Shape.Dim(1)
		s.c = resize(s.c, len(s.out.Cond.Data))
	}
	c, batches, _ := inner(s.run.Coupling)
	aware, isAware := c.(ConditionAware)
	size := s.run.Batch * batches
	for lo := 0; lo < n; lo += size {
		hi := min(lo+size, n)
		s.group0, s.group1 = s.out.X0.Data[lo*d:hi*d], s.out.X1.Data[lo*d:hi*d]
		s.pairs = resize(s.pairs, hi-lo)
		if isAware && width > 0 {
			s.conds = widen(s.conds, s.out.Cond.Data[lo*width:hi*width])
			aware.PairGiven(s.pairs, hi-lo, hi-lo, s.cost, s.conds, width, key.Fold(uint64(lo)))
		} else {
			c.Pair(s.pairs, hi-lo, hi-lo, s.cost, key.Fold(uint64(lo)))
		}
		for k, p := range s.pairs {
			copy(s.x0[(lo+k)*d:][:d], s.group0[p[0]*d:])
			copy(s.x1[(lo+k)*d:][:d], s.group1[p[1]*d:])
			copy(s.c[(lo+k)*width:][:width], s.out.Cond.Data[(lo+p[1])*width:])
		}
	}
	s.out.X0.Data, s.out.X1.Data = s.x0, s.x1
	if width > 0 {
		s.out.Cond.Data = s.c
	}
}

// distances returns the squared distances of the group at hand.
func (s *slot[F]) distances() []float64 {
	d := s.run.Flow.Dim
	n0, n1 := len(s.group0)/d, len(s.group1)/d
	s.a, s.b = widen(s.a, s.group0), widen(s.b, s.group1)
	s.dist = resize(s.dist, n0*n1)
	ot.SquaredDistances(s.dist, s.a, s.b, d)
	return s.dist
}

// widen sets dst to x in float64, growing it.
func widen[F simd.Float](dst []float64, x []F) []float64 {
	dst = resize(dst, len(x))
	for i, v := range x {
		dst[i] = float64(v)
	}
	return dst
}
