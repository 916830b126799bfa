package cfm

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// pool is where shards meet cores; nothing below it knows of a second thread.
//
// A step of training forks into four tasks of some 20 µs each and joins again, so the usual
// tools are too slow: waking a parked goroutine costs 20 to 30 µs. Helpers therefore spin for
// a bounded time after their last task, and only then park. Tasks are claimed one at a time
// from an atomic word and never dealt out beforehand: when another program holds a core,
// whoever still runs takes the rest. With one worker there is no goroutine and no atomic
// traffic, run is a loop.
//
// Which worker runs which task is chance; so a task may leave nothing behind in what belongs
// to a worker, and results depend on the task's number only.
//
// The word is epoch<<32 | tasks<<16 | next. A claim is a compare-and-swap on all of it, so a
// helper that slept through the end of one run cannot claim a task of the next under the old
// function.
type pool struct {
	workers int
	word    atomic.Uint64
	done    atomic.Int64 // tasks of this epoch that have ended
	closed  atomic.Bool
	f       func(worker, task int) // written before word is; read after a claim only
	idle    func(worker int) bool  // work of a helper with no task; reports whether there was any

	sleepers atomic.Int32
	wake     chan struct{}
	waiting  atomic.Bool // the caller is parked in run
	joined   chan struct{}
	helpers  sync.WaitGroup

	failed atomic.Pointer[failure]
}

// failure carries a panic from a helper to the caller of run.
type failure struct{ value any }

const (
	maxTasks  = 1<<16 - 1
	spinTurns = 400 // of spinReads each: some 30 µs
	spinReads = 64
)

// newPool returns a pool of n workers, of which the caller of run is one; 0 means one for
// each core in use. Helpers with no task call idle, if it is not nil, before they spin.
func newPool(n int, idle func(worker int) bool) *pool {
	if n <= 0 {
		n = runtime.GOMAXPROCS(0)
	}
	p := &pool{workers: n, idle: idle}
	if n == 1 {
		return p
	}
	p.wake, p.joined = make(chan struct{}, n), make(chan struct{}, 1)
	p.helpers.Add(n - 1)
	for w := 1; w < n; w++ {
		go p.help(w)
	}
	return p
}

// run calls f(worker, task) for task = 0 … n-1 and returns when all have ended. A panic in
// one of them comes out here, after the others. It allocates nothing.
func (p *pool) run(n int, f func(worker, task int)) {
	for lo := 0; lo < n; lo += maxTasks {
		p.runSome(lo, min(n-lo, maxTasks), f)
	}
}

func (p *pool) runSome(lo, n int, f func(worker, task int)) {
	if p.workers == 1 || n == 1 {
		for i := range n {
			f(0, lo+i)
		}
		return
	}
	if lo > 0 {
		g := f
		f = func(worker, task int) { g(worker, lo+task) }
	}
	p.f = f
	p.done.Store(0)
	p.failed.Store(nil)
	p.word.Store((p.word.Load()>>32+1)<<32 | uint64(n)<<16)
	p.rouse(n - 1)
	for {
		i, ok := p.claim()
		if !ok {
			break
		}
		p.do(0, i, n)
	}
	p.join(n)
	if e := p.failed.Load(); e != nil {
		panic(e.value)
	}
}

// rouse wakes up to n parked helpers.
func (p *pool) rouse(n int) {
	for k := min(n, int(p.sleepers.Load())); k > 0; k-- {
		select {
		case p.wake <- struct{}{}:
		default:
			return
		}
	}
}

// claim takes the next task of the present epoch.
func (p *pool) claim() (task int, ok bool) {
	for {
		w := p.word.Load()
		next, n := w&0xffff, w>>16&0xffff
		if next >= n {
			return 0, false
		}
		if p.word.CompareAndSwap(w, w+1) {
			return int(next), true
		}
	}
}

// do runs a claimed task and counts it. The count of the whole run is n.
func (p *pool) do(worker, task, n int) {
	defer func() {
		if v := recover(); v != nil {
			p.failed.CompareAndSwap(nil, &failure{v})
		}
		if p.done.Add(1) == int64(n) && p.waiting.CompareAndSwap(true, false) {
			p.joined <- struct{}{}
		}
	}()
	p.f(worker, task)
}

// join waits until n tasks have ended: spinning first, parked then.
func (p *pool) join(n int) {
	if p.spin(func() bool { return p.done.Load() == int64(n) }) {
		return
	}
	p.waiting.Store(true)
	if p.done.Load() == int64(n) && p.waiting.CompareAndSwap(true, false) {
		return // no one will send
	}
	<-p.joined
}

// spin waits a bounded time for ready and reports whether it came.
func (p *pool) spin(ready func() bool) bool {
	for range spinTurns {
		for range spinReads {
			if ready() {
				return true
			}
		}
		runtime.Gosched()
	}
	return false
}

// help is a helper's life.
func (p *pool) help(worker int) {
	defer p.helpers.Done()
	pending := func() bool {
		w := p.word.Load()
		return w&0xffff < w>>16&0xffff || p.closed.Load()
	}
	for !p.closed.Load() {
		if i, ok := p.claim(); ok {
			p.do(worker, i, int(p.word.Load()>>16&0xffff))
			continue
		}
		if p.idle != nil && p.idle(worker) {
			continue
		}
		if p.spin(pending) {
			continue
		}
		p.sleepers.Add(1)
		if !pending() {
			<-p.wake
		}
		p.sleepers.Add(-1)
	}
}

// close ends the helpers and waits for them.
func (p *pool) close() {
	if p == nil || p.workers == 1 || p.closed.Swap(true) {
		return
	}
	for range p.workers - 1 {
		select {
		case p.wake <- struct{}{}:
		default:
		}
	}
	p.helpers.Wait()
}
