package cfm

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPoolRunsEachTaskOnce(t *testing.T) {
	for _, workers := range []int{1, 2, 3, 8} {
		p := newPool(workers, nil)
		for _, n := range []int{0, 1, 2, 7, 100} {
			for range 50 {
				count := make([]atomic.Int32, n)
				p.run(n, func(worker, task int) {
					require.Less(t, worker, workers)
					count[task].Add(1)
				})
				for i := range count {
					require.Equal(t, int32(1), count[i].Load(), "%d workers, task %d of %d", workers, i, n)
				}
			}
		}
		p.close()
	}
}

func TestPoolManyTasks(t *testing.T) {
	p := newPool(2, nil)
	defer p.close()
	count := make([]atomic.Int32, 3*maxTasks+5)
	p.run(len(count), func(_, task int) { count[task].Add(1) })
	for i := range count {
		require.Equal(t, int32(1), count[i].Load())
	}
}

// Helpers that have parked wake again, and none is left after close.
func TestPoolParksAndLeaves(t *testing.T) {
	before := runtime.NumGoroutine()
	p := newPool(4, nil)
	for range 3 {
		var n atomic.Int32
		p.run(20, func(_, _ int) { n.Add(1) })
		require.EqualValues(t, 20, n.Load())
		deadline := time.Now().Add(5 * time.Second)
		for p.sleepers.Load() != 3 && time.Now().Before(deadline) {
			time.Sleep(time.Millisecond)
		}
		require.EqualValues(t, 3, p.sleepers.Load(), "helpers did not park")
	}
	p.close()
	p.close()
	requireGoroutines(t, before)
}

// requireGoroutines waits a little for goroutines on their way out.
func requireGoroutines(t *testing.T, most int) {
	t.Helper()
	for range 500 {
		if runtime.NumGoroutine() <= most {
			return
		}
		runtime.GC() // runs the clean-up of what was forgotten
		time.Sleep(5 * time.Millisecond)
	}
	require.LessOrEqual(t, runtime.NumGoroutine(), most)
}

// A slow task on a helper does not keep the caller from the others, and the caller then waits.
func TestPoolJoinsSlowTasks(t *testing.T) {
	p := newPool(2, nil)
	defer p.close()
	for range 5 {
		var n atomic.Int32
		p.run(4, func(_, task int) {
			time.Sleep(time.Duration(task) * time.Millisecond)
			n.Add(1)
		})
		require.EqualValues(t, 4, n.Load())
	}
}

func TestPoolPanicsInTheCaller(t *testing.T) {
	p := newPool(2, nil)
	defer p.close()
	for range 20 {
		require.PanicsWithValue(t, "task 3", func() {
			p.run(6, func(_, task int) {
				if task == 3 {
					panic("task 3")
				}
			})
		})
	}
	var n atomic.Int32
	p.run(6, func(_, _ int) { n.Add(1) })
	require.EqualValues(t, 6, n.Load(), "the pool is of use after a panic")
}

func TestPoolAllocatesNothing(t *testing.T) {
	skipIfRaced(t)
	p := newPool(2, nil)
	defer p.close()
	var n atomic.Int32
	f := func(_, _ int) { n.Add(1) }
	require.Zero(t, testing.AllocsPerRun(200, func() { p.run(4, f) }))
}

// Idle work is done while there are no tasks.
func TestPoolIdleWork(t *testing.T) {
	var left atomic.Int32
	left.Store(100)
	p := newPool(2, func(int) bool { return left.Add(-1) >= 0 })
	p.run(2, func(_, _ int) {})
	deadline := time.Now().Add(5 * time.Second)
	for left.Load() >= 0 && time.Now().Before(deadline) {
		p.run(2, func(_, _ int) {})
		time.Sleep(time.Millisecond)
	}
	require.Negative(t, left.Load())
	p.close()
}

func skipIfRaced(t *testing.T) {
	t.Helper()
	if raced {
		t.Skip("the race detector allocates")
	}
}
