package cfm

import (
	"sync"

	"pushforward/autograd"
	"pushforward/simd"
)

// pairPool is the batches of some steps in a row, paired together: what Pooled asks for.
type pairPool[F simd.Float] struct {
	mu     sync.Mutex
	number int // of the pool that lies here, -1: none
	work   *slot[F]
	x0, x1 []F
	cond   []F
	err    error
	pan    any
}

// newPools returns as many pools as steps may look ahead, and one more for those that come next.
func newPools[F simd.Float](r *training[F]) []*pairPool[F] {
	_, batches, _ := inner(r.Coupling)
	if batches == 1 {
		return nil
	}
	pools := make([]*pairPool[F], 3+prefetch/batches)
	for i := range pools {
		pools[i] = &pairPool[F]{number: -1, work: newSlot(r)}
	}
	return pools
}

// takePart makes s's batch its part of its pool, which is filled first if nobody has.
func (s *slot[F]) takePart() {
	r := s.run
	_, batches, _ := inner(r.Coupling)
	p := r.pools[s.step/batches%len(r.pools)]
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fill(s.step/batches, batches)
	if s.err, s.pan = p.err, p.pan; s.err != nil || s.pan != nil {
		return
	}
	if len(s.rows) != r.Batch {
		s.rows = resize(s.rows, r.Batch)
		for i := range s.rows {
			s.rows[i] = i
		}
	}
	lo, d := s.step%batches*r.Batch, r.Flow.Dim
	part := func(all []F, width int) autograd.Tensor[F] {
		return autograd.Tensor[F]{Shape: autograd.Dims(r.Batch, width), Data: all[lo*width:][:r.Batch*width]}
	}
	s.out = Batch[F]{X0: part(p.x0, d), X1: part(p.x1, d), Row: s.rows, Total: r.Batch, Step: s.step}
	if w := len(p.cond) / (r.Batch * batches); w > 0 {
		s.out.Cond = part(p.cond, w)
	}
}

// fill draws and pairs the rows of a pool. One that failed is tried again when it is asked for again.
func (p *pairPool[F]) fill(number, batches int) {
	if p.number == number {
		return
	}
	s, r := p.work, p.work.run
	p.number = -1
	p.x0, p.x1, p.cond = p.x0[:0], p.x1[:0], p.cond[:0]
	s.err, s.pan = nil, nil
	func() {
		defer s.catch()
		pair := true
		for step := number * batches; step < (number+1)*batches; step++ {
			pair = s.draw(r.Data, r.keys.data, r.keys.source, step, r.Batch) && pair
			if s.err != nil {
				return
			}
			p.x0, p.x1, p.cond = append(p.x0, s.out.X0.Data...), append(p.x1, s.out.X1.Data...), append(p.cond, s.out.Cond.Data...)
		}
		n := r.Batch * batches
		s.out.X0 = autograd.Tensor[F]{Shape: autograd.Dims(n, r.Flow.Dim), Data: p.x0}
		s.out.X1 = autograd.Tensor[F]{Shape: s.out.X0.Shape, Data: p.x1}
		if w := len(p.cond) / n; w > 0 {
			s.out.Cond = autograd.Tensor[F]{Shape: autograd.Dims(n, w), Data: p.cond}
		}
		if pair {
			s.pair(r.keys.pair.Fold(uint64(number)))
			// The slot's memory becomes the pool's and the other way round.
			p.x0, s.x0, p.x1, s.x1 = s.x0, p.x0, s.x1, p.x1
			if len(p.cond) > 0 {
				p.cond, s.c = s.c, p.cond
			}
		}
	}()
	if p.err, p.pan = s.err, s.pan; s.err == nil && s.pan == nil {
		p.number = number
	}
}

// poolAhead fills the pool after that of the present step, unless it is there or another core is at it.
func (r *training[F]) poolAhead() bool {
	if r.pools == nil {
		return false
	}
	_, batches, _ := inner(r.Coupling)
	next := int(r.now.Load())/batches + 1
	p := r.pools[next%len(r.pools)]
	if next*batches >= r.Steps || !p.mu.TryLock() {
		return false
	}
	defer p.mu.Unlock()
	// If the present step has moved on, this place may be in use for a later pool.
	if int(r.now.Load())/batches+1 != next || p.number == next || p.err != nil || p.pan != nil {
		return false
	}
	p.fill(next, batches)
	return true
}
