//go:build (amd64 || arm64) && !purego

package simd

import (
	"fmt"
	"reflect"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// A recorder stands in for assembly: it notes what calls are asked to do and does nothing.
type recorder struct{ calls, most, total int }

func (r *recorder) note(work int) {
	r.calls++
	r.most = max(r.most, work)
	r.total += work
}

// recorded returns stubs that note the numbers they read: elements, of Combine times slopes.
func recorded[F Float](r *recorder) stubs[F] {
	var s stubs[F]
	v := reflect.ValueOf(&s).Elem()
	for i := range v.NumField() {
		switch f := reflect.NewAt(v.Field(i).Type(), unsafe.Pointer(v.Field(i).UnsafeAddr())).Interface().(type) {
		case *stub1[F]:
			*f = func(_, _ *F, n int, _ *F) { r.note(n) }
		case *stub2[F]:
			*f = func(_, _, _ *F, n int, _ *F) { r.note(n) }
		case *stub3[F]:
			*f = func(_, _, _, _ *F, n int, _ *F) { r.note(n) }
		case *func(dst *float64, x *F, n int, k *F):
			*f = func(_ *float64, _ *F, n int, _ *F) { r.note(n) }
		case *func(dst *F, x *uint32, n int, k *F):
			*f = func(_ *F, _ *uint32, n int, _ *F) { r.note(n) }
		case *func(dst, y, h *F, n int, c *F, k **F, m int):
			*f = func(_, _, _ *F, n int, _ *F, _ **F, m int) { r.note(n * m) }
		case *func(dst, x, row *F, n, rows, stride int):
			*f = func(_, _, _ *F, n, rows, _ int) { r.note(n * rows) }
		case *func(dst, x *F, n, rows, stride int):
			*f = func(_, _ *F, n, rows, _ int) { r.note(n * rows) }
		default: // of the same kind, with other operands
			v := reflect.ValueOf(f).Elem()
			v.Set(reflect.MakeFunc(v.Type(), func(in []reflect.Value) []reflect.Value {
				for _, x := range in {
					if x.Kind() == reflect.Int {
						r.note(int(x.Int()))
					}
				}
				return nil
			}))
		}
	}
	return s
}

// recordedAssign is the same for transport problems. SqDist reads 32 numbers an element.
func recordedAssign(r *recorder) *assignStubs {
	return &assignStubs{
		leastTwo: func(_, _ *float64, n int) (int, float64, float64) { r.note(n); return 0, 0, 0 },
		relax:    func(_, _, _, _ *float64, _, _ float64, n int) (int, float64) { r.note(n); return 0, 0 },
		sqDist:   func(_, _, _ *float64, n int) { r.note(lanes * n) },
	}
}

// recordedGemm is t with nothing behind it. products notes multiply-adds of calls, moves the elements copied by one.
func recordedGemm[F Float](t *gemmTier[F], products, moves *recorder) *gemmTier[F] {
	run := func(_, _, _, _ *F, _, _, _, _, _, k, rows, tiles, cols int) { products.note(k * rows * tiles * cols) }
	c := *t
	c.choose = func(m, n int) *block[F] {
		b := *t.choose(m, n)
		b.run = run
		if b.pack != nil {
			b.pack = func(_, _, _, _ *F, _, _, _, _, _, k, rows, tiles, cols int, _ *F) {
				products.note(k * rows * tiles * cols)
			}
		}
		return &b
	}
	c.copy = func(_, _ []F, _, _, rows, cols int) { moves.note(rows * cols) }
	c.transpose = func(dst, src []F, ldd, lds, rows, cols int) {
		transposeBlocks(func(_, _ *F, _, _, blocks int) { moves.note(blocks * 64) }, 8, dst, src, ldd, lds, rows, cols)
	}
	if t.narrow != nil {
		c.narrow = run
	}
	return &c
}

// recordedKernels is k with nothing behind it.
func recordedKernels[F Float](k *Kernels[F], width int, calls, products, moves *recorder) *Kernels[F] {
	c := *k
	newAssembly(width, 1, recorded[F](calls)).into(&c)
	if k64, ok := any(&c).(*Kernels[float64]); ok {
		recordedAssign(calls).into(k64)
	}
	c.Philox = philoxKernel(func(_ *uint32, groups int, _ uint64, _ *uint32) { calls.note(groups * philoxGroup) }, 1)
	c.gemm = recordedGemm(k.gemm, products, moves)
	c.Transpose = c.gemm.transposeDense
	return &c
}

// TestCallsAreShort runs every kernel on more than it may hand to assembly at once. A goroutine inside assembly cannot be stopped, so
// that the limits here are what keeps the pauses of the garbage collector short: docs/kernels.md has the times.
func TestCallsAreShort(t *testing.T) {
	eachTier(t, testCalls[float32])
	eachTier(t, testCalls[float64])
}

func testCalls[F Float](t *testing.T, k *Kernels[F]) {
	if k.Level == Generic {
		return
	}
	const n = 3 << 17 // a multiple of every grain
	width := map[Level]int{NEON: 16, AVX2: 32, AVX512: 64}[k.Level] / int(unsafe.Sizeof(F(0)))
	chunk := 2048 * width
	var calls, products, moves recorder
	c := recordedKernels(k, width, &calls, &products, &moves)

	room := make([][]F, 5)
	for i := range room {
		room[i] = make([]F, n)
	}
	for _, kc := range cases[F]() {
		calls, moves = recorder{}, recorder{}
		kc.call(c, room[4], room[:kc.in])
		limit := chunk
		switch kc.name {
		case "LeastTwo", "Relax", "SqDist":
			if !is32[F]() {
				limit = assignChunk
			} else {
				continue // plain Go
			}
		case "Transpose":
			require.LessOrEqual(t, moves.most, 2048*8)
			continue
		}
		require.LessOrEqual(t, calls.most, limit, kc.name)
		require.Greater(t, calls.calls, 1, kc.name)
		require.GreaterOrEqual(t, calls.total, n/2, kc.name) // all the work comes by here
	}

	calls = recorder{}
	slopes := make([][]F, stages)
	for i := range slopes {
		slopes[i] = room[0]
	}
	c.Combine(room[1], room[1], room[2], make([]F, stages), slopes)
	require.LessOrEqual(t, calls.most, 2*chunk, "Combine")
	require.Equal(t, stages*n, calls.total, "Combine")

	words := make([]uint32, 1<<17)
	calls = recorder{}
	c.Philox(words, PhiloxKey{}, 0)
	require.LessOrEqual(t, calls.most, philoxChunk, "Philox")
	require.Equal(t, len(words), calls.total, "Philox")
	calls = recorder{}
	c.Normal(room[0][:1<<16], words[:len(words)/2*int(unsafe.Sizeof(F(0)))/4])
	require.LessOrEqual(t, calls.most, chunk/2, "Normal")
	require.Equal(t, 1<<16, calls.total, "Normal")

	for _, wide := range []int{5, 700, chunk + 1} { // rows short and long
		calls = recorder{}
		c.AddRow(room[0][:2*chunk/wide*wide+wide], room[1][:2*chunk/wide*wide+wide], room[2][:wide])
		c.AddRows(room[2][:wide], room[1][:2*chunk/wide*wide+wide])
		require.LessOrEqual(t, calls.most, chunk, "rows of %d", wide)
	}

	calls, moves = recorder{}, recorder{}
	c.Transpose(room[0][:600*640], room[1][:600*640], 600, 640)
	require.LessOrEqual(t, moves.most, 2048*8, "Transpose")
	require.Equal(t, 600*640, moves.total, "Transpose")

	testProductCalls(t, c, &products, &moves)
}

func testProductCalls[F Float](t *testing.T, c *Kernels[F], products, moves *recorder) {
	zero := func(rows, cols int) Mat[F] { return Dense(make([]F, rows*cols), rows, cols) }
	size := int(unsafe.Sizeof(F(0)))
	var p Packs[F]
	for _, s := range [][3]int{{700, 300, 1100}, {3, 1200, 900}, {1, 64, 3000}, {5000, 70, 40}, {16, 2, 70000}, {48, 1, 17000}, {4000, 4, 200}} {
		for form := range 4 {
			a, b := zero(s[0], s[2]), zero(s[2], s[1])
			if form&1 != 0 {
				a = zero(s[2], s[0]).T()
			}
			if form&2 != 0 {
				b = zero(s[1], s[2]).T()
			}
			*products, *moves = recorder{}, recorder{}
			c.Gemm(&p, zero(s[0], s[1]), a, b, false)
			require.LessOrEqual(t, products.most, callBytes/size, "%v form %d", s, form)
			require.Equal(t, s[0]*s[1]*s[2], products.total, "%v form %d", s, form)
			require.LessOrEqual(t, moves.most, max(2048*8, longestK*len(c.gemm.zero)), "%v form %d", s, form)
			if form&1 == 0 {
				*products, *moves = recorder{}, recorder{}
				c.Gemm(&p, zero(s[0], s[1]), a, c.Pack(make([]F, s[1]*s[2]), b), false)
				require.LessOrEqual(t, products.most, callBytes/size, "%v packed", s)
				require.LessOrEqual(t, moves.most, max(2048*8, longestK*len(c.gemm.zero)), "%v packed", s)
			}
		}
	}
}

// BenchmarkCall reports how long a call of assembly lasts: the time of a kernel of 1 Mi numbers, which come from memory, by its
// calls; and the time of a product by its calls, copies left out of the count.
func BenchmarkCall(b *testing.B) {
	benchmarkCalls(b, Best[float32]())
	benchmarkCalls(b, Best[float64]())
}

func benchmarkCalls[F Float](b *testing.B, k *Kernels[F]) {
	if k.Level == Generic {
		return
	}
	size := int(unsafe.Sizeof(F(0)))
	width := map[Level]int{NEON: 16, AVX2: 32, AVX512: 64}[k.Level] / size
	var calls, products, moves recorder
	c := recordedKernels(k, width, &calls, &products, &moves)
	run := func(name string, f func(k *Kernels[F]), r *recorder) {
		calls, products, moves = recorder{}, recorder{}, recorder{}
		f(c)
		n := r.calls
		if n == 0 {
			return // plain Go
		}
		b.Run(fmt.Sprintf("%T/%s", F(0), name), func(b *testing.B) {
			for b.Loop() {
				f(k)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(n), "µs/call")
			b.ReportMetric(float64(r.most), "work/call")
		})
	}
	const n = 3 << 18
	x := make([][]F, 1+stages)
	for i := range x {
		x[i] = make([]F, n)
		for j := range x[i] {
			x[i][j] = 1
		}
	}
	for _, kc := range cases[F]() {
		if kc.name != "Combine" && kc.name != "Transpose" {
			run(kc.name, func(k *Kernels[F]) { kc.call(k, x[4], x[:kc.in]) }, &calls)
		}
	}
	run("Combine16", func(k *Kernels[F]) { k.Combine(x[0], x[0], x[1], make([]F, stages), x[1:]) }, &calls)
	words := make([]uint32, 1<<20)
	run("Philox", func(k *Kernels[F]) { k.Philox(words, PhiloxKey{}, 0) }, &calls)
	run("Normal", func(k *Kernels[F]) { k.Normal(x[0][:n/2], words[:n/2*size/4]) }, &calls)
	run("Transpose", func(k *Kernels[F]) { k.Transpose(x[0][:n], x[1][:n], 512, 1536) }, &moves)
	w := make([]F, n)
	run("Pack", func(k *Kernels[F]) { k.Pack(w, Dense(x[1], 1536, 512)) }, &moves)
	var p Packs[F]
	for _, s := range [][3]int{{768, 256, 1024}, {1024, 64, 64}, {3, 512, 1024}, {1024, 4, 768}, {1024, 1, 768}, {16, 1, 49152}} {
		out := Dense(w[:s[0]*s[1]], s[0], s[1])
		run(fmt.Sprintf("Gemm/%dx%dx%d", s[0], s[1], s[2]), func(k *Kernels[F]) {
			k.Gemm(&p, out, Dense(x[0][:s[0]*s[2]], s[0], s[2]), Dense(x[1][:s[1]*s[2]], s[2], s[1]), false)
		}, &products)
	}
}
