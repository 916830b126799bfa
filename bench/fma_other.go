//go:build !amd64

package bench

// fma knows no register-only loop for this processor.
func fma() (loop func(n int), flops float64) { return nil, 0 }
