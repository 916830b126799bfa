//go:build !purego

package simd

var assignNEON = assignStubs{f64LeastTwoNEON, f64RelaxNEON, f64SqDistNEON}

//go:noescape
func f64LeastTwoNEON(dst *leastLanes, x, y *float64, n int)

//go:noescape
func f64RelaxNEON(dst *leastLanes, key, x, y, pred *float64, base, id float64, n int)

//go:noescape
func f64SqDistNEON(dst, x, y *float64, n int)
