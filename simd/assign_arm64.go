//go:build !purego

package simd

var assignNEON = &assignStubs{f64LeastTwoNEON, f64RelaxNEON, f64SqDistNEON}

//go:noescape
func f64LeastTwoNEON(x, y *float64, n int) (at int, least, second float64)

//go:noescape
func f64RelaxNEON(key, x, y, pred *float64, base, id float64, n int) (at int, least float64)

//go:noescape
func f64SqDistNEON(dst, x, y *float64, n int)
