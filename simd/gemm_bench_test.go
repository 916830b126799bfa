package simd

import (
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkGemm measures products as layers do them, batch×in×out: nt is the forward product x·Wᵀ,
// nn the gradient dY·W of x, tn the gradient dYᵀ·X of W, and nb the forward product with Wᵀ kept and a
// bias.
func BenchmarkGemm(b *testing.B) {
	for _, s := range [][3]int{{64, 64, 64}, {128, 128, 128}, {256, 256, 256}, {512, 512, 512}, {1024, 1024, 1024}, {2048, 2048, 2048},
		{256, 64, 64}, {256, 512, 512}, {4096, 256, 256}, {256, 2, 64}, {256, 64, 2}, {1, 64, 64}, {16, 256, 256}} {
		for _, v := range []string{"nn", "nt", "tn", "nb"} {
			name := fmt.Sprintf("%dx%dx%d-%s", s[0], s[1], s[2], v)
			b.Run("gemm/"+name, func(b *testing.B) { benchGemm(b, Best[float32](), s[0], s[1], s[2], v) })
			b.Run("gemm64/"+name, func(b *testing.B) { benchGemm(b, Best[float64](), s[0], s[1], s[2], v) })
		}
	}
}

func benchGemm[F Float](b *testing.B, k *Kernels[F], batch, in, out int, v string) {
	f := job(k, batch, in, out, v)
	f()
	b.ReportAllocs()
	for b.Loop() {
		f()
	}
	b.ReportMetric(2*float64(batch)*float64(in)*float64(out)*float64(b.N)/float64(b.Elapsed())*float64(time.Second)/1e9, "GFLOP/s")
}

// job returns one product of a layer, with memory of its own.
func job[F Float](k *Kernels[F], batch, in, out int, v string) func() {
	r := rand.New(rand.NewSource(1))
	var p Packs[F]
	x, y := operand[F](r, batch, in, 0, false), operand[F](r, batch, out, 0, false)
	w, bias := operand[F](r, out, in, 0, false), operand[F](r, 1, out, 0, false).Data
	wt := operand[F](r, in, out, 0, false)
	switch v {
	case "nn":
		return func() { k.Gemm(&p, x, y, w, false) }
	case "nt":
		return func() { k.Gemm(&p, y, x, w.T(), false) }
	case "tn":
		return func() { k.Gemm(&p, w, y.T(), x, false) }
	}
	return func() { k.GemmBias(&p, y, x, wt, bias) }
}

// BenchmarkPause collects garbage while two or four goroutines are at work, and reports the longest and the median pause and, of
// each, the time until all goroutines stood still. Assembly cannot be preempted, so a call must be short and something must
// come between two. The rows "plain" are the control: a loop in Go that can be stopped at any instruction.
//
// A kernel that holds a core too long shows in the median. The longest pause is mostly the operating system's: whoever waits for
// a thread that has no core waits for the core. So two more figures say, on Linux, what the machine did meanwhile, in % of one core:
// waiting, how long threads of this process could run and did not, and stolen, what a hypervisor took. docs/kernels.md
// has what single long pauses were.
func BenchmarkPause(b *testing.B) {
	product := func() func() { return job(Best[float32](), 1024, 1024, 1024, "nt") }
	plain := func() func() {
		x := make([]float64, 1<<16)
		return func() {
			for i := range x {
				x[i] = x[i]*0.5 + 1 // exact
			}
		}
	}
	tanh := func() func() {
		x := make([]float32, 1<<22)
		return func() { Best[float32]().Tanh(x, x) }
	}
	turn := func() func() {
		x, y := make([]float32, 1<<22), make([]float32, 1<<22)
		return func() { Best[float32]().Transpose(x, y, 1<<11, 1<<11) }
	}
	for _, c := range []struct {
		name  string
		tasks int
		make  func() func()
	}{{"none", 0, nil}, {"plain-2", 2, plain}, {"plain-4", 4, plain}, {"products-2", 2, product}, {"products-4", 4, product},
		{"tanh-2", 2, tanh}, {"transpose-2", 2, turn}} {
		b.Run(c.name, func(b *testing.B) { pauses(b, c.tasks, c.make) })
	}
}

func pauses(b *testing.B, tasks int, make func() func()) {
	var stop atomic.Bool
	var wg sync.WaitGroup
	for range tasks {
		wg.Go(func() {
			for f := make(); !stop.Load(); {
				f()
			}
		})
	}
	read := func() (total, stopping []uint64, edges []float64) {
		s := []metrics.Sample{{Name: "/sched/pauses/total/gc:seconds"}, {Name: "/sched/pauses/stopping/gc:seconds"}}
		metrics.Read(s)
		h := s[0].Value.Float64Histogram()
		return slices.Clone(h.Counts), slices.Clone(s[1].Value.Float64Histogram().Counts), h.Buckets
	}
	total, stopping, edges := read()
	waited, stole := lost()
	for b.Loop() {
		runtime.GC()
	}
	waited1, stole1 := lost()
	total1, stopping1, _ := read()
	stop.Store(true)
	wg.Wait()
	longest := func(from, to []uint64) (n uint64, most, median float64) {
		for i := range to {
			n += to[i] - from[i]
		}
		var seen uint64
		for i := range to {
			if to[i] > from[i] {
				most = edges[i+1]
				if 2*seen < n {
					median = most
				}
				seen += to[i] - from[i]
			}
		}
		return n, most * 1e6, median * 1e6
	}
	n, most, median := longest(total, total1)
	b.ReportMetric(float64(n), "pauses")
	b.ReportMetric(most, "µs/longest")
	b.ReportMetric(median, "µs/median")
	_, most, median = longest(stopping, stopping1)
	b.ReportMetric(most, "µs/longest-stop")
	b.ReportMetric(median, "µs/median-stop")
	b.ReportMetric(100*(waited1-waited)/b.Elapsed().Seconds(), "%/waiting")
	b.ReportMetric(100*(stole1-stole)/b.Elapsed().Seconds(), "%/stolen")
}

// lost returns for how many seconds the threads of this process have been ready to run without a core (the second number of each
// of their schedstat files), and how long a hypervisor has run something else on the cores (the eighth of /proc/stat, in ticks).
func lost() (waited, stole float64) {
	files, _ := filepath.Glob("/proc/self/task/*/schedstat")
	for _, name := range files {
		var ran, wait float64
		if raw, err := os.ReadFile(name); err == nil {
			fmt.Sscan(string(raw), &ran, &wait)
		}
		waited += wait / 1e9
	}
	if raw, err := os.ReadFile("/proc/stat"); err == nil {
		if f := strings.Fields(string(raw)); len(f) > 8 {
			stole, _ = strconv.ParseFloat(f[8], 64)
		}
	}
	return waited, stole / 100
}
