//go:build linux || darwin || freebsd || netbsd || openbsd

package simd

import (
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// pages is memory between two pages that may not be touched.
type pages struct {
	page, size int
	all        []byte
}

func newPages(t *testing.T, size int) *pages {
	page := syscall.Getpagesize()
	size = (size + page - 1) / page * page
	all, err := syscall.Mmap(-1, 0, size+2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	require.NoError(t, err)
	require.NoError(t, syscall.Mprotect(all[:page], syscall.PROT_NONE))
	require.NoError(t, syscall.Mprotect(all[page+size:], syscall.PROT_NONE))
	t.Cleanup(func() { _ = syscall.Munmap(all) })
	return &pages{page, size, all}
}

// slice returns n elements at the first or the last place between the pages.
func sliceOf[F Float](f *pages, n int, last bool) []F {
	at := f.page
	if last {
		at += f.size - n*int(unsafe.Sizeof(F(0)))
	}
	if n == 0 {
		return []F{}
	}
	return unsafe.Slice((*F)(unsafe.Pointer(&f.all[at])), n)
}

// TestGuardPages runs every kernel on slices that start, and on slices that end, at a page that may not be touched.
func TestGuardPages(t *testing.T) {
	step, most := 1, 130
	if testing.Short() {
		step, most = 5, 70
	}
	eachCase(t,
		func(t *testing.T, k *Kernels[float32], c kernelCase[float32]) { guardPages(t, k, c, step, most) },
		func(t *testing.T, k *Kernels[float64], c kernelCase[float64]) { guardPages(t, k, c, step, most) })
}

func guardPages[F Float](t *testing.T, k *Kernels[F], c kernelCase[F], step, most int) {
	r := rand.New(rand.NewPCG(5, 6))
	mem := make([]*pages, c.in+1)
	for i := range mem {
		mem[i] = newPages(t, 1024*int(unsafe.Sizeof(F(0))))
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	run := func(n int, last bool) (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("%v", p)
			}
		}()
		in := inputs[F](r, c.in, n)
		x := make([][]F, c.in)
		for i := range x {
			x[i] = sliceOf[F](mem[i], n, last)
			copy(x[i], in[i])
		}
		c.call(k, sliceOf[F](mem[c.in], n, last), x)
		return nil
	}
	lengths := []int{997, 1000, 1003}
	for n := 0; n <= most; n += step {
		lengths = append(lengths, n)
	}
	for _, n := range lengths {
		if c.grain != 0 {
			n -= n % c.grain
		}
		for _, last := range []bool{false, true} {
			require.NoError(t, run(n, last), "%s %v n=%d, at the end: %v", c.name, k.Level, n, last)
		}
	}
}
