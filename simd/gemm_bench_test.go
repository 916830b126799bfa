package simd

import (
	"fmt"
	"math/rand"
	"runtime"
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

// BenchmarkGemmPause collects garbage while four large products run, and reports the longest pause:
// assembly cannot be preempted, so a call must be short.
func BenchmarkGemmPause(b *testing.B) {
	var stop atomic.Bool
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for f := job(Best[float32](), 1024, 1024, 1024, "nt"); !stop.Load(); {
				f()
			}
		})
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for b.Loop() {
		runtime.GC()
	}
	runtime.ReadMemStats(&after)
	stop.Store(true)
	wg.Wait()
	var longest uint64
	for i := before.NumGC; i < after.NumGC && after.NumGC-i <= 256; i++ {
		longest = max(longest, after.PauseNs[i%256])
	}
	b.ReportMetric(float64(longest)/1e3, "µs/longest")
	b.ReportMetric(float64(after.PauseTotalNs-before.PauseTotalNs)/float64(after.NumGC-before.NumGC)/1e3, "µs/pause")
}
