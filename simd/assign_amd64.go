//go:build !purego

package simd

var (
	assignAVX2   = &assignStubs{f64LeastTwoAVX2, f64RelaxAVX2, f64SqDistAVX2}
	assignAVX512 = &assignStubs{f64LeastTwoAVX512, f64RelaxAVX512, f64SqDistAVX512}
)

//go:noescape
func f64LeastTwoAVX2(x, y *float64, n int) (at int, least, second float64)

//go:noescape
func f64RelaxAVX2(key, x, y, pred *float64, base, id float64, n int) (at int, least float64)

//go:noescape
func f64SqDistAVX2(dst, x, y *float64, n int)

//go:noescape
func f64LeastTwoAVX512(x, y *float64, n int) (at int, least, second float64)

//go:noescape
func f64RelaxAVX512(key, x, y, pred *float64, base, id float64, n int) (at int, least float64)

//go:noescape
func f64SqDistAVX512(dst, x, y *float64, n int)
