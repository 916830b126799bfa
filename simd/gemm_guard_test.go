//go:build unix

package simd

import (
	"fmt"
	"math/rand"
	"runtime/debug"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// fenced returns a slice of n elements between two pages that cannot be touched. It ends where the
// second begins, or begins where the first ends.
func fenced[F Float](t testing.TB, n int, atEnd bool) []F {
	page := syscall.Getpagesize()
	size := n * int(unsafe.Sizeof(*new(F)))
	inner := (size + page - 1) / page * page
	m, err := syscall.Mmap(-1, 0, inner+2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	require.NoError(t, err)
	t.Cleanup(func() { syscall.Munmap(m) })
	require.NoError(t, syscall.Mprotect(m[:page], syscall.PROT_NONE))
	require.NoError(t, syscall.Mprotect(m[page+inner:], syscall.PROT_NONE))
	if n == 0 {
		return nil
	}
	from := page
	if atEnd {
		from += inner - size
	}
	return unsafe.Slice((*F)(unsafe.Pointer(&m[from])), n)
}

// within runs f and fails if it touches a fence.
func within(t testing.TB, what fmt.Stringer, f func()) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			require.Failf(t, "outside an operand", "%v: %v", what, r)
		}
	}()
	f()
}

func testGuards[F Float](t *testing.T, k *Kernels[F]) {
	r := rand.New(rand.NewSource(1))
	extents := []int{1, 2, 3, 7, 8, 9, 15, 17, 33, 40, 66}
	depths := []int{1, 3, 17, 300}
	if testing.Short() {
		extents, depths = []int{1, 3, 9, 17, 66}, []int{1, 9}
	}
	for _, m := range extents {
		for _, n := range extents {
			for _, kk := range depths {
				s := product{m: m, n: n, k: kk, aT: r.Intn(2) > 0, bT: r.Intn(2) > 0, acc: r.Intn(2) > 0, bias: r.Intn(3) == 0, packed: r.Intn(3) == 0}
				t.Run("", func(t *testing.T) { checkGuards(t, k, s) }) // unmaps as it ends
			}
		}
	}
}

// checkGuards does one product with every operand, and every copy that Gemm makes, between fences.
func checkGuards[F Float](t testing.TB, k *Kernels[F], s product) {
	r := rand.New(rand.NewSource(1))
	for _, atEnd := range []bool{true, false} {
		move := func(m Mat[F]) Mat[F] {
			to := fenced[F](t, len(m.Data), atEnd)
			copy(to, m.Data)
			m.Data = to
			return m
		}
		a, b := operand[F](r, s.m, s.k, 0, s.aT), operand[F](r, s.k, s.n, 0, s.bT)
		c, bias := operand[F](r, s.m, s.n, 0, false), operand[F](r, 1, s.n, 0, false)
		run := func(p *Packs[F], c, a, b Mat[F], bias []F) {
			if s.bias {
				k.GemmBias(p, c, a, b, bias)
			} else {
				k.Gemm(p, c, a, b, s.acc)
			}
		}
		p := &Packs[F]{}
		fc, fa, fb, fbias := move(c), move(a), move(b), move(bias)
		if s.packed {
			b = k.Pack(make([]F, s.k*s.n), b)
			within(t, s, func() { fb = k.Pack(fenced[F](t, s.k*s.n, atEnd), fb) })
		}
		run(p, c, a, b, bias.Data)
		fp := &Packs[F]{a: fenced[F](t, len(p.a[:cap(p.a)]), atEnd), b: fenced[F](t, cap(p.b), atEnd), c: fenced[F](t, cap(p.c), atEnd)}
		within(t, s, func() { run(fp, fc, fa, fb, fbias.Data) })
		require.Equal(t, c.Data, fc.Data, "%v", s)
	}
}

// TestGemmGuards has pages that cannot be touched before and behind every operand.
func TestGemmGuards(t *testing.T) {
	eachTier(t, testGuards[float32])
	eachTier(t, testGuards[float64])
}

// TestFence makes sure that the fences are there.
func TestFence(t *testing.T) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	for _, atEnd := range []bool{true, false} {
		x := fenced[float32](t, 3, atEnd)
		off := uintptr(12)
		if !atEnd {
			off = ^uintptr(3) // -4
		}
		require.Panics(t, func() { *(*float32)(unsafe.Pointer(uintptr(unsafe.Pointer(&x[0])) + off))++ })
	}
}
